//! The benchmark as a process: what it sends, what it prints, and how it ends.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::time::Duration;

use crate::process::{Ended, Folder, OCHRE, Process, Server, free_port, wait_until};
use crate::side::{Side, bytes, cluster};

const ORIGINAL: &str = "/usr/bin/redis-benchmark";

fn benchmark(port: u16, line: &str) -> Ended {
    run(OCHRE.as_ref(), port, line, "")
}

fn run(program: &Path, port: u16, line: &str, input: &str) -> Ended {
    let port = port.to_string();
    let args = [&["-p", port.as_str()], &words(line)[..]].concat();
    Process::start(program, "redis-benchmark", &args, input).end()
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').filter(|word| !word.is_empty()).collect()
}

/// How often a command was called since the figures were reset.
fn calls(server: &Server, command: &str) -> u64 {
    let info = server.connect().ask("INFO commandstats");
    let field = format!("cmdstat_{command}:calls=");
    let found = info.lines().find_map(|line| {
        let line = line.split_once(field.as_str())?.1;
        line.split(',').next()?.parse().ok()
    });
    found.unwrap_or(0)
}

#[test]
fn every_request_is_sent_once() {
    let server = Server::start(&[]);
    for (line, command, expected) in [
        ("-n 100 -c 7 -t set -q", "set", 100),
        ("-n 10010 -P 5 -c 10 -t get", "get", 10_010),
        ("-n 10 -P 3 -t incr --csv", "incr", 12),
        ("-n 5 -c 50 --threads 3 -t sadd", "sadd", 5),
        ("-n 60 -c 3 -k 0 -t hset", "hset", 60),
        ("-n 40 -c 4 -3 -t mset -q", "mset", 40),
        ("-n 30 --rate 10000 -t spop", "spop", 30),
        ("-n 20 -t lrange_100", "lpush", 20),
        ("-n 7 rpushx l v", "rpushx", 7),
    ] {
        let ended = benchmark(server.port, line);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.output);
        assert_eq!(calls(&server, command), expected, "{line}");
    }
}

#[test]
fn words_that_stand_for_others_are_replaced() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let ended = benchmark(server.port, "-n 2000 -P 8 -r 20 -d 9 -q -t set --seed 5");
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(wire.ask("DBSIZE"), ":20");
    assert_eq!(wire.ask("STRLEN key:000000000019"), ":9");
    let ended = run(OCHRE.as_ref(), server.port, "-n 1 -q -x SET k", "a\0b\n");
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(wire.ask("STRLEN k"), ":4");
    benchmark(server.port, "-n 1 -q -d 5 --dbnum 3 SET k __data__");
    assert_eq!(wire.ask("SELECT 3"), "+OK");
    assert_eq!(wire.ask("STRLEN k"), ":5");
}

#[test]
fn passwords_and_uris_open_the_door() {
    let server = Server::start(&["--requirepass", "secret"]);
    let uri = format!("redis://default:secret@127.0.0.1:{}/2", server.port);
    for line in [
        "-a secret -n 3 -t ping -q",
        "--user default -a secret -n 3 -t ping -q",
        &format!("-u {uri} -n 3 -t ping -q"),
    ] {
        let ended = benchmark(server.port, line);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.output);
        assert_eq!(ended.output.lines().count(), 3, "{}", ended.output);
    }
    let ended = benchmark(server.port, "-a wrong -n 3 -t ping -q");
    let expected = format!(
        "Node 127.0.0.1:{} replied with error:\n\
         WRONGPASS invalid username-password pair or user is disabled.\n",
        server.port
    );
    assert_eq!((ended.code, ended.output), (Some(1), expected));
}

#[test]
fn a_unix_socket_will_do() {
    let folder = Folder::new();
    let socket = folder.path("socket");
    let server = Server::start(&["--unixsocket", &socket]);
    let ended = benchmark(1, &format!("-s {socket} -n 50 -P 4 -t set -q"));
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(calls(&server, "set"), 52);
}

#[test]
fn whatever_spoils_the_figures_ends_the_program() {
    let server = Server::start(&[]);
    for (line, message) in [
        (
            "-n 5 GET",
            "Error from server: ERR wrong number of arguments for 'get' command\n",
        ),
        (
            "-n 5 --dbnum 99 -t get",
            "Error from server: ERR DB index is out of range\n",
        ),
    ] {
        let ended = benchmark(server.port, line);
        assert_eq!((ended.code, ended.output.as_str()), (Some(1), message));
    }
    let port = free_port();
    let ended = benchmark(port, "-n 5 -t get -q");
    let nobody = format!("Could not connect to Redis at 127.0.0.1:{port}: Connection refused\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.output.ends_with(&nobody), "{}", ended.output);
    assert_eq!(server.connect().ask("CONFIG SET maxclients 3"), "+OK");
    let ended = benchmark(server.port, "-I -c 10");
    assert_eq!(ended.code, Some(1));
    assert!(ended.output.contains("Error"), "{}", ended.output);
}

/// Answers every `PING` with `answer`, after what `before` does.
fn impostor(answer: &'static [u8], before: fn()) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut bytes) {
                    let pings = bytes[..read].windows(4).filter(|word| *word == b"PING");
                    // Whoever asks something else is told that it is not known.
                    let replies = match pings.count() {
                        0 => b"-ERR what\r\n".to_vec(),
                        pings => {
                            before();
                            answer.repeat(pings)
                        }
                    };
                    if stream.write_all(&replies).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn a_stall_is_charged_for_all_that_were_due_meanwhile() {
    // Ten requests are due within 100 ms, and the first reply takes 400.
    static STALL: Once = Once::new();
    let port = impostor(b"+PONG\r\n", || {
        STALL.call_once(|| std::thread::sleep(Duration::from_millis(400)));
    });
    let ended = benchmark(port, "-c 1 -n 10 --rate 100 --json PING");
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let least: f64 = field(&ended.output, "\"min\":").parse().unwrap();
    assert!(least >= 290.0, "{}", ended.output);
}

/// What stands behind `name` in a line of JSON.
fn field<'t>(text: &'t str, name: &str) -> &'t str {
    let value = text.split_once(name).expect("the field is there").1;
    value.split([',', '}']).next().unwrap()
}

#[test]
fn what_is_no_reply_is_said() {
    for (answer, message) in [
        (
            &b"hello\r\n"[..],
            "Error: Protocol error, got \"h\" as reply type byte\n",
        ),
        (b"-ERR no\r\n", "Error from server: ERR no\n"),
    ] {
        let port = impostor(answer, || {});
        let ended = benchmark(port, "-c 1 -n 10 -q PING");
        assert_eq!(ended.code, Some(1));
        assert!(ended.output.ends_with(message), "{}", ended.output);
    }
}

#[test]
fn figures_of_processors_are_told() {
    let server = Server::start(&[]);
    let ended = benchmark(server.port, "-n 20000 -P 10 -t set --json --warmup 0.05");
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(
        ended.output.starts_with("{\"test\":\"SET\""),
        "{}",
        ended.output
    );
    assert_eq!(field(&ended.output, "\"requests\":"), "20000");
    let client: f64 = field(&ended.output, "\"client\":").parse().unwrap();
    let of_server: f64 = field(&ended.output, "\"server\":").parse().unwrap();
    assert!(client > 0.0 && of_server > 0.0, "{}", ended.output);
    // The warm-up is sent, and not counted.
    assert!(calls(&server, "set") > 20_000);
}

#[test]
fn two_servers_are_measured_in_turns() {
    let servers = [Server::start(&[]), Server::start(&[])];
    let [one, other] = servers.each_ref().map(|server| server.port);
    let compare = format!("--compare 127.0.0.1:{one} 127.0.0.1:{other} --rounds 3 -n 100");
    for (line, part) in [
        ("-t set", "  medians of 3 rounds in turns\n"),
        (
            "-t get --json",
            "\"rounds\":3,\"requests_per_second\":{\"values\":[",
        ),
        ("-t incr --csv", "\"INCR\",\"p99_ms\",\""),
        ("-t lpush -q", "LPUSH: requests per second x "),
    ] {
        let ended = benchmark(1, &format!("{compare} {line}"));
        assert_eq!(ended.code, Some(0), "{}", ended.output);
        assert!(ended.output.contains(part), "{}", ended.output);
    }
    for server in &servers {
        for command in ["set", "get", "incr", "lpush"] {
            assert_eq!(calls(server, command), 300);
        }
    }
}

#[test]
fn only_a_person_sees_progress() {
    let server = Server::start(&[]);
    let line = "-n 80 --rate 100 -t ping_mbulk -q";
    let piped = benchmark(server.port, line);
    assert!(!piped.output.contains('\r'), "{}", piped.output);
    let shell = format!("exec {OCHRE} benchmark -p {} {line}", server.port);
    let watched = Command::new("script")
        .args(["-qec", &shell, "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .expect("util-linux is there");
    let text = String::from_utf8_lossy(&watched.stdout).into_owned();
    assert!(text.contains("\rPING_MBULK: rps="), "{text:?}");
    assert!(text.contains(") avg_msec="), "{text:?}");
    assert!(
        text.contains("PING_MBULK: ") && text.contains(" msec\r\n"),
        "{text:?}"
    );
}

#[test]
fn every_master_of_a_cluster_gets_its_share() {
    let folders = [Folder::new(), Folder::new()];
    let mut pair = cluster(true, &folders);
    let port = pair[0].port;
    for (line, code) in [
        ("--cluster -n 400 -c 4 -t set -r 1000000 -P 2", 0),
        ("--cluster -n 200 -c 2 -t get,mset -q", 0),
        ("--cluster -n 100 -t lrange_100 --csv", 0),
        ("--cluster -n 100 -t incr --threads 3", 0),
        ("--cluster -n 100 -q INCR key:{tag}", 0),
        ("--cluster -n 100 -q CLUSTER NONSENSE", 1),
    ] {
        let ours = benchmark(port, line);
        assert_eq!(ours.code, Some(code), "{line}: {}", ours.output);
        if code == 0 {
            let theirs = run(ORIGINAL.as_ref(), port, line, "");
            assert_eq!(form(&ours.output), form(&theirs.output), "{line}");
        } else {
            let start = "Error from server 127.0.0.1:";
            assert!(ours.output.contains(start), "{}", ours.output);
        }
        for side in &mut pair {
            assert_ne!(side.wire.ask("DBSIZE"), ":0", "{line}");
        }
    }
    // A key without a tag is somebody's, and all are asked, however fast some of them are.
    let ended = benchmark(port, "--cluster -n 20000 -q SET key value");
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(ended.output.contains(": MOVED "), "{}", ended.output);
}

/// What `CLUSTER MYID` says.
fn id(side: &mut Side) -> String {
    let reply = side.wire.ask("CLUSTER MYID");
    reply.split("\r\n").nth(1).unwrap().to_owned()
}

/// The sum of all counters of a cluster, none of which is on two nodes.
fn sum(sides: &mut [Side]) -> i64 {
    let mut counters = BTreeMap::new();
    for side in sides {
        for key in side.items(&[b"KEYS", b"key:*"]) {
            // What a slot has on its way is given to whoever asks so.
            side.value(&[b"ASKING"]);
            let count = side.value(&[b"GET", &key]);
            let count: i64 = String::from_utf8(bytes(count)).unwrap().parse().unwrap();
            assert_eq!(counters.insert(key, count), None);
        }
    }
    counters.values().sum()
}

#[test]
fn requests_follow_their_slots_while_these_move() {
    let folders = [Folder::new(), Folder::new(), Folder::new()];
    let mut sides = cluster(false, &folders);
    let (first, last) = (id(&mut sides[0]), id(&mut sides[2]));
    let port = sides[0].port.to_string();
    let at = format!("127.0.0.1:{port}");
    let line = "--cluster -c 12 -P 4 -n 12000 --rate 2000 --json INCR key:{tag}";
    let args = [&["-p", port.as_str()], &words(line)[..]].concat();
    let mut load = Process::start(OCHRE.as_ref(), "redis-benchmark", &args, "");
    wait_until("the load has begun", || sides[2].wire.ask("DBSIZE") != ":0");
    let slots = ["--from", &first, "--to", &last, "--slots", "8", "--yes"];
    let reshard = [&["cluster", "reshard", &at], &slots[..]].concat();
    let moved = crate::process::run(&reshard);
    assert_eq!(moved.code, Some(0), "{}", moved.output);
    assert!(!load.has_ended(), "the slots have moved too late");
    let ended = load.end();
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(field(&ended.output, "\"requests\":"), "12000");
    let redirections: u64 = field(&ended.output, "\"redirections\":").parse().unwrap();
    assert!(redirections > 0, "{}", ended.output);
    // Every request was served once.
    assert_eq!(sum(&mut sides), 12_000);
    let ended = benchmark(
        sides[0].port,
        "--cluster -n 600 -c 12 --json INCR key:{tag}",
    );
    assert_eq!(field(&ended.output, "\"redirections\":"), "0");
}

#[test]
fn what_a_slot_on_its_way_lacks_is_asked_for_elsewhere() {
    let folders = [Folder::new(), Folder::new()];
    let mut sides = cluster(false, &folders);
    let (first, last) = (id(&mut sides[0]), id(&mut sides[1]));
    // The first client's slot is the first. What it counts already stays, what is missing comes
    // to be at the other end.
    let open = [format!("IMPORTING {first}"), format!("MIGRATING {last}")];
    for (side, state) in sides.iter_mut().rev().zip(open) {
        assert_eq!(side.wire.ask(&format!("CLUSTER SETSLOT 0 {state}")), "+OK");
    }
    let port = sides[0].port;
    let line = "--cluster -n 400 -c 2 -P 3 --json INCR key:{tag}";
    let ended = benchmark(port, line);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(sum(&mut sides), 402);
    assert_eq!(sides[1].wire.ask("CLUSTER COUNTKEYSINSLOT 0"), ":1");
    // Some keys of many are there, and some are not: that is tried until the slot has arrived.
    let line = "--cluster -n 40 -c 2 -q -P 2 MSET key:{tag} 1 other:{tag} 2";
    let args = ["-p", &port.to_string(), "--threads", "1"].map(str::to_owned);
    let args: Vec<&str> = args.iter().map(String::as_str).chain(words(line)).collect();
    let load = Process::start(OCHRE.as_ref(), "redis-benchmark", &args, "");
    wait_until("the nodes send requests to and fro", || {
        let errors = sides[1].wire.ask("INFO errorstats");
        let errors = errors.split_once("errorstat_TRYAGAIN:count=");
        errors.is_some_and(|(_, count)| !count.starts_with("1\r"))
    });
    for side in sides.iter_mut().rev() {
        let told = side.wire.ask(&format!("CLUSTER SETSLOT 0 NODE {last}"));
        assert_eq!(told, "+OK");
    }
    let mut load = load;
    let ended = load.end();
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(sides[1].wire.ask("CLUSTER COUNTKEYSINSLOT 0"), ":2");
}

/// The form of what was printed: no figures, no progress, and lines that only repeat a form once.
fn form(printed: &str) -> Vec<String> {
    let mut forms: Vec<String> = printed
        .split('\n')
        .map(|line| line.rsplit('\r').next().unwrap_or_default())
        .map(|line| {
            let line = line.replace("-nan", "0").replace("inf", "0");
            let mut form = String::new();
            for letter in line.chars() {
                match letter {
                    '0'..='9' | '.' if form.ends_with('#') => {}
                    '0'..='9' => form.push('#'),
                    // Columns are as wide as their figures.
                    ' ' if form.ends_with(' ') => {}
                    letter => form.push(letter),
                }
            }
            form
        })
        .collect();
    forms.dedup();
    forms
}

#[test]
fn figures_have_the_form_of_the_originals() {
    let server = Server::start(&[]);
    for line in [
        "-n 500",
        "-n 300 -q",
        "-n 300 --csv",
        "-n 300 --csv -q -t set,get",
        "-n 300 -t SET,ping_inline,lrange_300 -q -P 5",
        "-n 300 -t get -c 5 --threads 2",
        "-n 300 -t get -k 0",
        "-n 300 -t get -d 100 -r 10",
        "-n 300 -t get -3 -e",
        "-n 300 -t nothing",
        "-n 300 -t set incr counter",
        "-n 300 -q incr counter",
        "-n 300 --csv incr counter",
        "-n 30 -q --precision 1 -t set",
        "-n 30 -q get",
        "-n 30 --dbnum 99 -t get",
        "-n 30 -a x",
        "--cluster",
        "-u nonsense",
        "-h name.invalid -n 1 -t set",
        "-s /nowhere -n 1 -t set",
        "--version",
    ] {
        let ours = benchmark(server.port, line);
        let theirs = run(ORIGINAL.as_ref(), server.port, line, "");
        assert_eq!(ours.code, theirs.code, "{line}");
        assert_eq!(form(&ours.output), form(&theirs.output), "{line}");
    }
    let (ours, theirs) = (
        benchmark(server.port, "--bogus"),
        run(ORIGINAL.as_ref(), server.port, "--bogus", ""),
    );
    assert_eq!(ours.code, theirs.code);
    let first = |ended: &Ended| ended.output.lines().next().unwrap_or_default().to_owned();
    assert_eq!(first(&ours), first(&theirs));
}
