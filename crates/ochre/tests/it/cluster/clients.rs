//! Clients of others on a cluster whose slots move and whose primaries die.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::{Node, OCHRE, Town, hand_over, is_redis_there, replace, reshard};
use crate::clusters::ochre;
use crate::process::PATIENCE;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cluster/redis_py.py");

/// How many steps a phase has at least: reads and writes, pipelines, several keys at once.
const STEPS_MIN: u64 = 50;

/// How many confirmed values may be gone with a primary: replicas are told a moment later.
const LOST_MAX: u64 = 20;

/// An interpreter that has redis-py with clusters. Says so if there is none.
fn python() -> Option<String> {
    let chosen = std::env::var("OCHRE_PYTHON").ok();
    let usual = ["/usr/bin/python3", "python3"].map(str::to_owned);
    let has_module = |python: &String| {
        let mut command = Command::new(python);
        command.args(["-c", "import redis.cluster"]);
        let output = command.output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = chosen.into_iter().chain(usual).find(has_module);
    if found.is_none() {
        eprintln!("skipped: no Python has redis-py, which is Debian's package python3-redis");
    }
    found
}

/// What a client says of the time since it was last asked.
#[derive(Debug)]
struct Account {
    steps: u64,
    failed: u64,
    wrong: u64,
}

/// redis-py's cluster client at work.
struct Client {
    child: Child,
    words: ChildStdin,
    answers: Receiver<String>,
}

impl Client {
    fn start(python: &str, port: u16) -> Client {
        let mut child = Command::new(python)
            .args([SCRIPT, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let words = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Client {
            child,
            words,
            answers,
        }
    }

    /// Has it compare what it holds to be written with what is there.
    #[track_caller]
    fn check(&mut self) -> Account {
        writeln!(self.words, "check").unwrap();
        let answer = self.answers.recv_timeout(PATIENCE);
        let answer = answer.expect("redis-py answers");
        let figures: Vec<u64> = answer.split(' ').map(|it| it.parse().unwrap()).collect();
        Account {
            steps: figures[0],
            failed: figures[1],
            wrong: figures[2],
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the client has done enough, and adds up.
#[track_caller]
fn work(town: &mut Town, client: &mut Client) -> Account {
    let mut sum = Account {
        steps: 0,
        failed: 0,
        wrong: 0,
    };
    town.wait_for("redis-py works", |_| {
        let account = client.check();
        sum.steps += account.steps;
        sum.failed += account.failed;
        sum.wrong += account.wrong;
        sum.steps >= STEPS_MIN
    });
    sum
}

#[test]
fn redis_py_works_while_slots_move_and_a_primary_dies() {
    let Some(python) = python().filter(|_| is_redis_there()) else {
        return;
    };
    let mut town = Town::create(&[OCHRE; 6]);
    let ids: Vec<String> = town.0.iter_mut().map(Node::id).collect();
    // Not the one that dies.
    let mut client = Client::start(&python, town.0[2].port);
    work(&mut town, &mut client);

    reshard(&mut town, &ids[0], &ids[1]);
    let place = format!("127.0.0.1:{}", town.0[0].port);
    let words = [
        "cluster", "reshard", &place, "--from", &ids[1], "--to", &ids[2],
    ];
    let moved = ochre(
        "ochre",
        &[&words[..], &["--slots", "300", "--yes"]].concat(),
        "",
    );
    assert_eq!(moved.code, Some(0), "{}", moved.output);
    town.wait_for_agreement();
    hand_over(&mut town, &ids[1]);
    let planned = work(&mut town, &mut client);
    assert_eq!((planned.failed, planned.wrong), (0, 0), "{planned:?}");

    replace(&mut town, 0);
    let after = work(&mut town, &mut client);
    assert!(after.wrong <= LOST_MAX, "{after:?}");
    let healthy = work(&mut town, &mut client);
    assert_eq!((healthy.failed, healthy.wrong), (0, 0), "{healthy:?}");
}
