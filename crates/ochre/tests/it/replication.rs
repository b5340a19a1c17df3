//! Replication between this program and Debian's `redis-server`, in every role, over links that
//! break.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use resp::value::Value;
use stdx::prng::Prng;
use testkit::{Chaos, Mood};

use crate::process::{Folder, PATIENCE, wait_until};
use crate::side::{REDIS, Side, bytes, word};

mod carried;

/// Commands between two disturbances.
const BURST: usize = 150;

/// A server of either kind with files of its own.
struct Node {
    side: Side,
    _folder: Folder,
}

const OCHRE: bool = false;
const DEBIAN: bool = true;

impl Node {
    fn start(is_redis: bool, more: &[&str]) -> Node {
        let folder = Folder::new();
        let own = ["--repl-diskless-sync-delay", "0"];
        let side = Side::start(is_redis, &folder, &[&own[..], more].concat());
        let _folder = folder;
        Node { side, _folder }
    }

    fn ask(&mut self, text: &str) -> Value {
        let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        self.side.value(&words)
    }

    /// A field of INFO.
    fn info(&mut self, name: &str) -> String {
        let text = String::from_utf8(bytes(self.ask("INFO"))).unwrap();
        let field = text.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            (field == name).then(|| value.to_owned())
        });
        field.unwrap_or_default()
    }

    fn number(&mut self, name: &str) -> i64 {
        self.info(name).parse().unwrap_or(-1)
    }

    fn follow(&mut self, port: u16) {
        let reply = self.ask(&format!("REPLICAOF 127.0.0.1 {port}"));
        assert_eq!(reply, Value::Simple(b"OK".to_vec()));
    }

    #[track_caller]
    fn wait_for_link(&mut self) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while self.info("master_link_status") != "up" {
            let log = self.side.process.output();
            assert!(std::time::Instant::now() < deadline, "{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn proxy(node: &Node) -> Chaos {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, node.side.port));
    Chaos::before(address).unwrap()
}

fn is_redis_there() -> bool {
    let is_there = Path::new(REDIS).exists();
    if !is_there {
        eprintln!("skipped: {REDIS} is not installed");
    }
    is_there
}

/// One write of any kind. Some fail, as for a key of another type.
fn write(node: &mut Node, prng: &mut Prng) {
    let key = |prng: &mut Prng| format!("key:{}", prng.below(60)).into_bytes();
    let (one, two) = (key(prng), key(prng));
    let (item, other) = (word(prng), word(prng));
    let small = (prng.below(5) + 1).to_string().into_bytes();
    let score = (prng.below(2000) as f64 / 7.0).to_string().into_bytes();
    let soon = (prng.below(80) + 1).to_string().into_bytes();
    let late = (100_000 + prng.below(1000)).to_string().into_bytes();
    let words: Vec<&[u8]> = match prng.below(46) {
        0..3 => vec![b"SET", &one, &item],
        3 => vec![b"SET", &one, &item, b"PX", &soon],
        4 => vec![b"SET", &one, &item, b"EX", &late],
        5 => vec![b"APPEND", &one, &item],
        6 => vec![b"INCR", &one],
        7 => vec![b"INCRBYFLOAT", &one, &score],
        8 => vec![b"SETRANGE", &one, &small, &item],
        9 => vec![b"GETDEL", &one],
        10 => vec![b"GETEX", &one, b"PX", &soon],
        11..13 => vec![b"RPUSH", &one, &item, &other],
        13 => vec![b"LPUSH", &one, &item],
        14 => vec![b"LPOP", &one, &small],
        15 => vec![b"LMOVE", &one, &two, b"LEFT", b"RIGHT"],
        16 => vec![b"LINSERT", &one, b"BEFORE", &item, &other],
        17 => vec![b"LTRIM", &one, b"1", b"-2"],
        18..20 => vec![b"SADD", &one, &item, &other, &small],
        20 => vec![b"SPOP", &one, &small],
        21 => vec![b"SREM", &one, &item, &small],
        22 => vec![b"SMOVE", &one, &two, &item],
        23 => vec![b"SUNIONSTORE", &one, &one, &two],
        24..26 => vec![b"HSET", &one, &item, &other, &small, &item],
        26 => vec![b"HINCRBY", &one, &small, &late],
        27 => vec![b"HINCRBYFLOAT", &one, &small, &score],
        28 => vec![b"HDEL", &one, &small],
        29..31 => vec![b"ZADD", &one, &score, &item, &small, &other],
        31 => vec![b"ZINCRBY", &one, &score, &item],
        32 => vec![b"ZPOPMIN", &one, &small],
        33 => vec![b"ZUNIONSTORE", &one, b"2", &one, &two],
        34 => vec![b"PEXPIRE", &one, &soon],
        35 => vec![b"EXPIRE", &one, &late],
        36 => vec![b"PERSIST", &one],
        37 => vec![b"RENAME", &one, &two],
        38 => vec![b"COPY", &one, &two, b"REPLACE"],
        39 => vec![b"MOVE", &one, b"1"],
        40 => vec![b"UNLINK", &one, &two],
        41 => vec![b"SORT", &one, b"ALPHA", b"STORE", &two],
        42 => vec![b"PFADD", &one, &item, &other],
        43 => vec![b"BITOP", b"XOR", &one, &one, &two],
        44 => vec![b"PUBLISH", b"channel", &item],
        _ => vec![b"DEL", &one],
    };
    node.side.value(&words);
}

/// So many writes, some within transactions, some in other dbs; now and then all data goes.
fn burst(node: &mut Node, prng: &mut Prng) {
    let mut written = 0;
    while written < BURST {
        match prng.below(60) {
            0 => drop(node.ask("FLUSHDB")),
            1 if prng.below(4) == 0 => drop(node.ask("FLUSHALL")),
            2 => drop(node.ask("SWAPDB 0 1")),
            3 => drop(node.ask("SWAPDB 2 1")),
            4..9 => {
                let db = prng.below(3);
                node.ask(&format!("SELECT {db}"));
            }
            9..14 => {
                node.ask("MULTI");
                for _ in 0..prng.below(6) {
                    write(node, prng);
                }
                node.ask("EXEC");
            }
            _ => write(node, prng),
        }
        written += 1;
    }
}

/// Waits until both hold the same, as clients see it.
#[track_caller]
fn expect_equal(primary: &mut Node, replica: &mut Node, what: &str) {
    let mut sides = (Vec::new(), Vec::new());
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    // Keys that expire are gone on one side a moment before.
    while std::time::Instant::now() < deadline {
        sides = (primary.side.everything(), replica.side.everything());
        if sides.0 == sides.1 {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = replica.side.process.output();
    for (here, there) in sides.0.iter().zip(&sides.1) {
        assert_eq!(here, there, "{what}\n{log}");
    }
    assert_eq!(sides.0.len(), sides.1.len(), "{what}\n{log}");
}

/// Keeps pings out of the log for as long as a test runs.
const NO_PINGS: &[&str] = &["--repl-ping-replica-period", "3600"];

/// Waits until the primary appends nothing by itself any more, and the replica has everything.
///
/// A key that has expired is not listed, but stays, and counts, until the primary comes to it and
/// appends its deletion.
fn settle(primary: &mut Node, replica: &mut Node) {
    wait_until(
        "nothing is about to expire, or to be deleted for it",
        || {
            let time = primary.side.items(&[b"TIME"]);
            let number = |text: &[u8]| String::from_utf8_lossy(text).parse::<i64>().unwrap();
            let soon = (number(&time[0]) + 60) * 1000;
            let all = primary.side.everything();
            let mut expiries = all
                .iter()
                .map(|(_, _, holds)| number(&holds[holds.len() - 2]));
            let expires = expiries.any(|expiry| (1..soon).contains(&expiry));
            let there = (0..3).map(|db| {
                primary.ask(&format!("SELECT {db}"));
                number(&bytes(primary.ask("DBSIZE")))
            });
            there.sum::<i64>() == all.len() as i64 && !expires
        },
    );
    wait_until("the replica has everything", || {
        primary.number("master_repl_offset") == replica.number("master_repl_offset")
    });
}

/// A replica that follows through a proxy whose links are cut, slowed and stalled, while the
/// primary is written to.
fn disturb(primary: bool, replica: bool, directives: &[&str], seed: u64) {
    if !is_redis_there() {
        return;
    }
    let what = format!("redis: {primary} to {replica}, {directives:?}, seed {seed}");
    let prng = &mut Prng::new(seed);
    let mut primary = Node::start(primary, directives);
    let mut replica = Node::start(replica, directives);
    burst(&mut primary, prng);
    let chaos = proxy(&primary);
    replica.follow(chaos.port());
    for _ in 0..8 {
        burst(&mut primary, prng);
        match prng.below(6) {
            0 => chaos.cut(),
            1 => chaos.cut_after(prng.below(3000) as u32),
            2 => chaos.set_mood(Mood::Drip),
            3 => chaos.set_mood(Mood::Delay(Duration::from_millis(prng.below(20)))),
            4 => {
                chaos.set_mood(Mood::Stall);
                burst(&mut primary, prng);
                chaos.cut();
            }
            _ => chaos.set_mood(Mood::Pass),
        }
        if prng.below(3) == 0 {
            chaos.set_mood(Mood::Pass);
            replica.wait_for_link();
        }
    }
    chaos.set_mood(Mood::Pass);
    replica.wait_for_link();
    expect_equal(&mut primary, &mut replica, &what);
    // From here on the position is known, and a link that breaks is taken up where it was.
    let full = primary.number("sync_full");
    for _ in 0..3 {
        let before = primary.number("sync_partial_ok");
        chaos.cut();
        burst(&mut primary, prng);
        let taken_up = "the link is taken up";
        wait_until(taken_up, || primary.number("sync_partial_ok") > before);
        expect_equal(&mut primary, &mut replica, &what);
    }
    assert_eq!(primary.number("sync_full"), full, "{what}");
    let offsets = [&mut primary, &mut replica].map(|node| node.number("master_repl_offset"));
    assert!(offsets[0] > 0 && offsets[1] > 0, "{what}: {offsets:?}");
}

#[test]
fn ochre_follows_redis_over_links_that_break() {
    for seed in 0..2 {
        disturb(DEBIAN, OCHRE, &[], seed);
    }
}

#[test]
fn redis_follows_ochre_over_links_that_break() {
    for seed in 10..12 {
        disturb(OCHRE, DEBIAN, &[], seed);
    }
}

#[test]
fn ochre_follows_ochre_over_links_that_break() {
    for seed in 20..22 {
        disturb(OCHRE, OCHRE, &[], seed);
    }
}

#[test]
fn copies_go_through_files() {
    let directives = ["--repl-diskless-sync", "no"];
    disturb(DEBIAN, OCHRE, &directives, 30);
    disturb(OCHRE, DEBIAN, &directives, 31);
}

#[test]
fn copies_are_loaded_as_they_come() {
    for way in ["on-empty-db", "swapdb"] {
        let directives = ["--repl-diskless-load", way];
        disturb(DEBIAN, OCHRE, &directives, 40);
        disturb(OCHRE, DEBIAN, &directives, 41);
    }
}

#[test]
fn a_small_backlog_means_full_copies() {
    if !is_redis_there() {
        return;
    }
    for (primary, replica) in [(DEBIAN, OCHRE), (OCHRE, DEBIAN), (OCHRE, OCHRE)] {
        let mut primary = Node::start(primary, &["--repl-backlog-size", "16384"]);
        let mut replica = Node::start(replica, &[]);
        let chaos = proxy(&primary);
        replica.follow(chaos.port());
        replica.wait_for_link();
        chaos.refuse(true);
        chaos.cut();
        primary.ask(&format!("SET long {}", "v".repeat(40_000)));
        chaos.refuse(false);
        wait_until("a full copy", || primary.number("sync_full") == 2);
        replica.wait_for_link();
        expect_equal(&mut primary, &mut replica, "a small backlog");
        assert_eq!(primary.number("sync_partial_ok"), 0);
    }
}

#[test]
fn chains_of_both_kinds_take_part() {
    if !is_redis_there() {
        return;
    }
    for kinds in [
        [OCHRE, DEBIAN, OCHRE, DEBIAN],
        [DEBIAN, OCHRE, OCHRE, DEBIAN],
    ] {
        let prng = &mut Prng::new(50);
        let mut nodes = kinds.map(|kind| Node::start(kind, NO_PINGS));
        burst(&mut nodes[0], prng);
        for below in 1..nodes.len() {
            let port = nodes[below - 1].side.port;
            nodes[below].follow(port);
            nodes[below].wait_for_link();
        }
        burst(&mut nodes[0], prng);
        let [first, rest @ ..] = &mut nodes;
        for replica in rest.iter_mut() {
            expect_equal(first, replica, "a chain");
        }
        settle(first, &mut rest[0]);
        // The second becomes primary; the first, and those below, go on from where they are.
        rest[0].ask("REPLICAOF NO ONE");
        let second = rest[0].info("master_replid2");
        assert_eq!(second, first.info("master_replid"));
        let port = rest[0].side.port;
        first.follow(port);
        first.wait_for_link();
        burst(&mut rest[0], prng);
        let [second, rest @ ..] = rest;
        expect_equal(second, first, "the old primary");
        for replica in rest.iter_mut() {
            replica.wait_for_link();
            expect_equal(second, replica, "a chain, promoted");
        }
        // One copy each when the chain was made, none since.
        for node in [&mut *second, &mut rest[0]] {
            assert_eq!(node.number("sync_full"), 1);
        }
        assert_eq!(second.number("sync_partial_ok"), 2);
        assert_eq!(first.number("sync_full"), 1);
    }
}

#[test]
fn a_replica_that_restarts_goes_on() {
    if !is_redis_there() {
        return;
    }
    for (primary, replica) in [(DEBIAN, OCHRE), (OCHRE, DEBIAN), (OCHRE, OCHRE)] {
        let prng = &mut Prng::new(60);
        let mut primary = Node::start(primary, &[]);
        let folder = Folder::new();
        let port = primary.side.port.to_string();
        let directives = ["--replicaof", "127.0.0.1", &port];
        let side = Side::start(replica, &folder, &directives);
        let folder_of_none = Folder::new();
        let mut node = Node {
            side,
            _folder: folder_of_none,
        };
        node.wait_for_link();
        burst(&mut primary, prng);
        expect_equal(&mut primary, &mut node, "before the restart");
        node.side.end(true);
        burst(&mut primary, prng);
        let side = Side::start(replica, &folder, &directives);
        let mut node = Node {
            side,
            _folder: Folder::new(),
        };
        node.wait_for_link();
        expect_equal(&mut primary, &mut node, "behind the restart");
        assert_eq!(primary.number("sync_full"), 1, "redis: {replica}");
        assert_eq!(primary.number("sync_partial_ok"), 1, "redis: {replica}");
    }
}

#[test]
fn writes_are_waited_for_and_refused_where_they_are_not_welcome() {
    if !is_redis_there() {
        return;
    }
    for kind in [DEBIAN, OCHRE] {
        let mut primary = Node::start(OCHRE, &[]);
        let mut replica = Node::start(kind, &[]);
        replica.follow(primary.side.port);
        replica.wait_for_link();
        for number in 0..5 {
            primary.ask(&format!("SET k {number}"));
            assert_eq!(primary.ask("WAIT 1 0"), Value::Integer(1));
            let there = bytes(replica.ask("GET k"));
            assert_eq!(there, number.to_string().into_bytes());
        }
        primary.ask("SET k more");
        assert_eq!(primary.ask("WAIT 2 1500"), Value::Integer(1));
        let refused = replica.ask("SET k v");
        let expected = "READONLY You can't write against a read only replica.";
        assert_eq!(refused, Value::Error(expected.as_bytes().to_vec()));
    }
}

/// Half a copy, a stream of garbage, an error: what is here stays, and the operator is told.
#[test]
fn primaries_that_misbehave_do_no_harm() {
    let header = "+FULLRESYNC 0123456789012345678901234567890123456789 100\r\n";
    let broken_copy = format!("{header}$40\r\nREDIS0011{}", "x".repeat(31));
    let mut marked = format!("{header}$EOF:{}\r\nREDIS0011", "m".repeat(40));
    marked += &("\u{1}".repeat(100) + &"m".repeat(40));
    let carrying = format!("{header}+OCHRE-LOG\r\n");
    let unframed = format!("{carrying}REDIS0011 and no frames");
    // A byte of a copy, and its end at an offset that no log has come to.
    let length = |len: u64| String::from_utf8(len.to_le_bytes().to_vec()).unwrap();
    let frame = format!("s{}{}x", length(1), length(0));
    let beyond = format!("{carrying}{frame}e{}{}", length(0), length(101));
    let torn = format!("{carrying}{frame}e{}{}", length(0), length(100));
    let cases = [
        (broken_copy.as_str(), "its copy of the data"),
        (&unframed, "a frame of no known kind within a full copy"),
        (&beyond, "a frame that is out of place within a full copy"),
        (&torn, "its copy of the data"),
        (&marked, "its copy of the data"),
        ("+CONTINUE name\r\n", "continues what was not asked for"),
        ("*3\r\ngarbage\r\n", "Unexpected reply to PSYNC"),
        ("-NOMASTERLINK no\r\n", "currently unable to PSYNC"),
    ];
    for (reply, line) in cases {
        let mut node = Node::start(OCHRE, &[]);
        node.ask("SET kept value");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        node.follow(listener.local_addr().unwrap().port());
        let (mut link, _) = listener.accept().unwrap();
        answer(&mut link, "PING", "+PONG\r\n");
        answer(&mut link, "psync2", "+OK\r\n+OK\r\n");
        answer(&mut link, "PSYNC", reply);
        node.side.wait_for_line(line);
        assert_eq!(bytes(node.ask("GET kept")), b"value", "{reply}");
        // The link is given up: its other end hears of it.
        link.set_read_timeout(Some(PATIENCE)).unwrap();
        while link.read(&mut [0; 100]).unwrap_or(0) > 0 {}
    }
}

/// Waits for a request with a word in it, and replies.
fn answer(link: &mut TcpStream, word: &str, reply: &str) {
    let mut read = Vec::new();
    loop {
        let mut more = [0; 1];
        link.read_exact(&mut more).unwrap();
        read.push(more[0]);
        if let Some((_, len)) = resp::value::read(&read).unwrap() {
            let request: Vec<u8> = read.drain(..len).collect();
            if String::from_utf8_lossy(&request).contains(word) {
                break;
            }
        }
    }
    link.write_all(reply.as_bytes()).unwrap();
}

/// A replica that reads nothing is given up, and what it left unread with it.
#[test]
fn a_replica_that_does_not_read_is_given_up() {
    if !is_redis_there() {
        return;
    }
    let limit = "replica 4mb 0 0";
    let more = ["--client-output-buffer-limit", limit];
    let mut primary = Node::start(OCHRE, &more);
    let mut replica = Node::start(DEBIAN, &[]);
    let chaos = proxy(&primary);
    replica.follow(chaos.port());
    replica.wait_for_link();
    let before = primary.number("used_memory");
    chaos.set_mood(Mood::Stall);
    let value = "v".repeat(100_000);
    for _ in 0..400 {
        primary.ask(&format!("SET k {value}"));
    }
    let line = "scheduled to be closed ASAP for overcoming of output buffer limits";
    primary.side.wait_for_line(line);
    let grown = primary.number("used_memory") - before;
    assert!(grown < 20_000_000, "{grown} bytes");
    // While nothing passes, it does not come back.
    wait_until("the replica is given up", || {
        primary.info("connected_slaves") == "0"
    });
}

/// What is copied and what is streamed is in the append-only file of a replica, too.
#[test]
fn a_replica_keeps_its_append_only_file() {
    if !is_redis_there() {
        return;
    }
    let prng = &mut Prng::new(70);
    let mut primary = Node::start(DEBIAN, &[]);
    burst(&mut primary, prng);
    let folder = Folder::new();
    let directives = ["--appendonly", "yes"];
    let side = Side::start(OCHRE, &folder, &directives);
    let _folder = Folder::new();
    let mut replica = Node { side, _folder };
    replica.ask("SET old data");
    let chaos = proxy(&primary);
    replica.follow(chaos.port());
    replica.wait_for_link();
    burst(&mut primary, prng);
    let rewritten = "Background AOF rewrite finished successfully";
    replica.side.wait_for_line(rewritten);
    burst(&mut primary, prng);
    settle(&mut primary, &mut replica);
    replica.side.end(false);
    let side = Side::start(OCHRE, &folder, &directives);
    let _folder = Folder::new();
    let mut replica = Node { side, _folder };
    expect_equal(&mut primary, &mut replica, "the append-only file");
}

/// Beside the data a copy is loaded unseen, and takes its place at once.
#[test]
fn old_data_is_served_while_a_copy_is_loaded_beside_it() {
    if !is_redis_there() {
        return;
    }
    let mut primary = Node::start(DEBIAN, &[]);
    for number in 0..200 {
        primary.ask(&format!("SET key:{number} v"));
    }
    let more = [
        "--repl-diskless-load",
        "swapdb",
        "--key-load-delay",
        "10000",
    ];
    let mut replica = Node::start(OCHRE, &more);
    replica.ask("SET old data");
    replica.follow(primary.side.port);
    let line = "MASTER <-> REPLICA sync: Loading DB in memory";
    replica.side.wait_for_line(line);
    assert_eq!(bytes(replica.ask("GET old")), b"data");
    assert_eq!(replica.ask("DBSIZE"), Value::Integer(1));
    replica.wait_for_link();
    assert_eq!(replica.ask("GET old"), Value::Null);
    assert_eq!(replica.ask("DBSIZE"), Value::Integer(200));
}

/// A replica's link to its primary is a client as soon as it stands, whether or not the primary has
/// anything to say, and may be killed as one.
#[test]
fn a_silent_primary_is_a_client_that_can_be_killed() {
    let primary = Node::start(OCHRE, &[]);
    let mut replica = Node::start(OCHRE, &[]);
    replica.follow(primary.side.port);
    replica.wait_for_link();
    let address = format!("127.0.0.1:{}", primary.side.port);
    let list = String::from_utf8(bytes(replica.ask("CLIENT LIST TYPE master"))).unwrap();
    assert!(list.contains(&format!("addr={address} ")), "{list}");
    let killed = replica.ask(&format!("CLIENT KILL {address}"));
    assert_eq!(killed, Value::Simple(b"OK".to_vec()));
    replica.side.wait_for_line("Connection with master lost.");
    replica.wait_for_link();
}

#[test]
fn a_new_replica_keeps_old_data_to_itself_from_its_first_moment() {
    let primary = Node::start(OCHRE, &[]);
    let mut replica = Node::start(OCHRE, &["--replica-serve-stale-data", "no"]);
    assert_eq!(replica.ask("SET k v"), Value::Simple(b"OK".to_vec()));
    let refusal = b"MASTERDOWN";
    let is_refused = |reply: Value| matches!(reply, Value::Error(it) if it.starts_with(refusal));
    // Nobody listens there: the link is as it was before, down.
    replica.ask("REPLICAOF 127.0.0.1 1");
    assert!(is_refused(replica.ask("GET k")));
    replica.ask("REPLICAOF NO ONE");
    assert_eq!(bytes(replica.ask("GET k")), b"v");
    replica.follow(primary.side.port);
    wait_until("fresh data", || !is_refused(replica.ask("GET k")));
}
