use resp::value::read;

use super::*;
use crate::table::find;

fn words(request: &str) -> Vec<&[u8]> {
    request.split(' ').map(str::as_bytes).collect()
}

/// The key's last byte is the number of its server.
fn by_last_byte(key: &[u8]) -> Option<usize> {
    key.last().map(|byte| usize::from(byte - b'0'))
}

fn cut_text(request: &str) -> Cut {
    let words = words(request);
    cut(find(words[0]).unwrap().command, &words, by_last_byte)
}

/// The fragments as text, and what their replies become.
fn cut_and_merge(request: &str, replies: &[&str]) -> (Vec<String>, String) {
    let Cut::Fragments(fragments, mut gather) = cut_text(request) else {
        panic!("{request} is not cut");
    };
    let shown = fragments.iter().map(|fragment| {
        let (mut text, mut rest) = (fragment.unit.to_string(), &fragment.request[..]);
        rest = &rest[rest.iter().position(|&b| b == b'\n').unwrap() + 1..];
        for bulk in String::from_utf8_lossy(rest)
            .split("\r\n")
            .skip(1)
            .step_by(2)
        {
            text += &format!(" {bulk}");
        }
        text
    });
    let shown = shown.collect();
    assert_eq!(fragments.len(), replies.len());
    for (part, reply) in replies.iter().enumerate().rev() {
        let done = gather.add(part, reply.as_bytes(), true);
        assert_eq!(done, part == 0);
    }
    let mut out = Vec::new();
    gather.finish(&mut out);
    (shown, String::from_utf8(out).unwrap())
}

#[test]
fn keys_go_to_their_servers_and_elements_come_back_in_order() {
    let (fragments, reply) = cut_and_merge(
        "MGET a1 b2 c1 a1 d2",
        &[
            "*3\r\n$1\r\nA\r\n$-1\r\n$1\r\nA\r\n",
            "*2\r\n$1\r\nB\r\n$1\r\nD\r\n",
        ],
    );
    assert_eq!(fragments, ["1 mget a1 c1 a1", "2 mget b2 d2"]);
    assert_eq!(
        reply,
        "*5\r\n$1\r\nA\r\n$1\r\nB\r\n$-1\r\n$1\r\nA\r\n$1\r\nD\r\n"
    );
}

#[test]
fn numbers_are_added_and_successes_are_one() {
    let (fragments, reply) = cut_and_merge("del a1 b2 c1", &[":2\r\n", ":1\r\n"]);
    assert_eq!(fragments, ["1 del a1 c1", "2 del b2"]);
    assert_eq!(reply, ":3\r\n");
    let (fragments, reply) = cut_and_merge("MSET a1 x b2 y c1 z", &["+OK\r\n", "+OK\r\n"]);
    assert_eq!(fragments, ["1 mset a1 x c1 z", "2 mset b2 y"]);
    assert_eq!(reply, "+OK\r\n");
}

#[test]
fn an_error_of_one_is_the_error_of_all() {
    let (_, reply) = cut_and_merge("MGET a1 b2", &["*1\r\n$1\r\nA\r\n", "-ERR down\r\n"]);
    assert_eq!(reply, "-ERR down\r\n");
    let (_, reply) = cut_and_merge("MGET a1 b2", &["*1\r\n$1\r\nA\r\n", "*2\r\n:1\r\n:2\r\n"]);
    assert_eq!(reply.as_bytes(), UNEXPECTED);
    let (_, reply) = cut_and_merge("DEL a1 b2", &["$1\r\nA\r\n", ":1\r\n"]);
    assert_eq!(reply.as_bytes(), UNEXPECTED);
}

#[test]
fn what_means_something_only_in_one_piece_is_not_cut() {
    for request in [
        "MSETNX a1 x b2 y",
        "RENAME a1 b2",
        "SUNION a1 b2",
        "MSET a1 x b2",
    ] {
        assert!(matches!(cut_text(request), Cut::Crossing), "{request}");
    }
    for request in ["MGET a1 b1", "RENAME a1 b1", "GET a1", "MSETNX a1 x b1 y"] {
        assert!(
            matches!(cut_text(request), Cut::Whole(Some(1))),
            "{request}"
        );
    }
    assert!(matches!(cut_text("PING"), Cut::Whole(None)));
    let words = words("MGET a b");
    assert!(matches!(
        cut(find(b"mget").unwrap().command, &words, |_| None),
        Cut::Homeless
    ));
}

fn merged(assembly: Assembly, parts: &[&str]) -> String {
    let mut gather = Gather::new(assembly, parts.len());
    for (index, part) in parts.iter().enumerate() {
        gather.add(index, part.as_bytes(), true);
    }
    let mut out = Vec::new();
    gather.finish(&mut out);
    assert!(read(&out).unwrap().is_some());
    String::from_utf8(out).unwrap()
}

#[test]
fn answers_of_every_server_become_one() {
    let rows = merged(
        Assembly::Rows,
        &["*1\r\n+a\r\n", "*0\r\n", "*1\r\n*1\r\n:1\r\n"],
    );
    assert_eq!(rows, "*2\r\n+a\r\n*1\r\n:1\r\n");
    assert_eq!(merged(Assembly::Rows, &["+x\r\n", "+y\r\n"]), "+x\r\n");
    let bits = merged(Assembly::And, &["*2\r\n:1\r\n:0\r\n", "*2\r\n:1\r\n:1\r\n"]);
    assert_eq!(bits, "*2\r\n:1\r\n:0\r\n");
    assert_eq!(merged(Assembly::Least, &[":3\r\n", ":1\r\n"]), ":1\r\n");
    assert_eq!(merged(Assembly::Greatest, &[":3\r\n", ":1\r\n"]), ":3\r\n");
    assert_eq!(
        merged(Assembly::Pick(5), &["$-1\r\n", "$1\r\na\r\n"]),
        "$1\r\na\r\n"
    );
    assert_eq!(
        merged(Assembly::Pick(5), &["$-1\r\n", "$-1\r\n"]),
        "$-1\r\n"
    );
    assert_eq!(
        merged(Assembly::OneSucceeded, &["-ERR a\r\n", "+OK\r\n"]),
        "+OK\r\n"
    );
    let confirmed = merged(
        Assembly::Recount(12),
        &["*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"],
    );
    assert_eq!(confirmed, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:12\r\n");
    let huge = format!(":{}\r\n", i64::MAX);
    assert_eq!(
        merged(Assembly::Sum, &[&huge, &huge]).as_bytes(),
        UNEXPECTED
    );
}

#[test]
fn a_cursor_names_its_server_and_leads_to_the_next() {
    let scan = |server, cursor: &str| {
        let reply = format!("*2\r\n${}\r\n{cursor}\r\n*0\r\n", cursor.len());
        let merged = merged(Assembly::Cursor { server, servers: 3 }, &[&reply]);
        merged.split("\r\n").nth(2).unwrap().to_owned()
    };
    assert_eq!(scan(1, "5"), (5 * 1024 + 1).to_string());
    assert_eq!(scan(1, "0"), "2");
    assert_eq!(scan(2, "0"), "0");
    let largest = scan(2, &u64::MAX.to_string());
    assert_eq!(read_cursor(largest.as_bytes()), Some((2, u64::MAX)));
    assert_eq!(read_cursor(b"0"), Some((0, 0)));
    assert_eq!(read_cursor(b"5121"), Some((1, 5)));
    for bad in ["", "x", "-1", "+1", "999999999999999999999999999999"] {
        assert_eq!(read_cursor(bad.as_bytes()), None, "{bad}");
    }
}

/// What servers might say, sense or nonsense.
const REPLIES: &[&[u8]] = &[
    b"+OK\r\n",
    b"-ERR down\r\n",
    b":2\r\n",
    b"$-1\r\n",
    b"$2\r\n\r\n\r\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*1\r\n$1\r\na\r\n",
    b"*2\r\n*1\r\n:1\r\n_\r\n",
    b"%1\r\n+a\r\n+b\r\n",
    b"|1\r\n+a\r\n+b\r\n*1\r\n:1\r\n",
    b":9223372036854775807\r\n",
];

#[test]
fn no_key_is_lost_and_one_reply_comes_of_whatever_servers_say() {
    let mut chance = stdx::prng::Prng::new(12);
    let mut cuts = 0;
    for round in 0..20_000 {
        let name = ["mget", "del", "mset", "exists", "unlink", "touch"][round % 6];
        let request: Vec<String> = (0..chance.below(9))
            .map(|_| format!("k{}", chance.below(5)))
            .collect();
        let mut words = vec![name.as_bytes()];
        words.extend(request.iter().map(|word| word.as_bytes()));
        let command = find(words[0]).unwrap().command;
        let Cut::Fragments(fragments, mut gather) = cut(command, &words, by_last_byte) else {
            continue;
        };
        cuts += 1;
        let mut wanted = Vec::new();
        command.each_key(&words, |index| wanted.push(words[index].to_vec()));
        let mut found = Vec::new();
        for (part, fragment) in fragments.iter().enumerate() {
            let (value, len) = read(&fragment.request).unwrap().unwrap();
            assert_eq!(len, fragment.request.len());
            let resp::value::Value::Array(parts) = value else {
                panic!("{value:?}");
            };
            let step = if name == "mset" { 2 } else { 1 };
            for key in parts[1..].iter().step_by(step) {
                let resp::value::Value::Bulk(key) = key else {
                    panic!("{key:?}");
                };
                assert_eq!(by_last_byte(key), Some(fragment.unit));
                found.push(key.clone());
            }
            let reply = REPLIES[chance.below(REPLIES.len() as u64) as usize];
            gather.add(part, reply, true);
        }
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted);
        let mut out = Vec::new();
        gather.finish(&mut out);
        let scanned = Scanner::default().scan(&out).unwrap();
        assert!(scanned.whole && scanned.len == out.len(), "{out:?}");
    }
    assert!(cuts > 5000, "{cuts}");
}
