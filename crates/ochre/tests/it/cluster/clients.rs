//! Clients of others on a cluster whose slots move and whose primaries die.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterConnection, cluster_pipe};
use redis::{Commands, RedisError, RedisResult};

use super::{DEBIAN, Node, OCHRE, Town, hand_over, is_redis_there, replace, reshard};
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
#[derive(Debug, Default)]
struct Account {
    steps: u64,
    failed: u64,
    wrong: u64,
    /// What the last one that failed was told.
    why: String,
}

trait Client {
    /// Has it compare what it holds to be written with what is there.
    fn check(&mut self) -> Account;
}

/// redis-py's cluster client at work.
struct Python {
    child: Child,
    words: ChildStdin,
    answers: Receiver<String>,
}

impl Python {
    fn start(python: &str, port: u16) -> Python {
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
        Python {
            child,
            words,
            answers,
        }
    }
}

impl Client for Python {
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
            why: String::new(),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// redis-rs's cluster client at work, on a thread of its own that ends with this.
struct Rust {
    questions: Sender<()>,
    answers: Receiver<Account>,
}

impl Rust {
    fn start(port: u16) -> Rust {
        let ((questions, asked), (answer, answers)) = (channel(), channel());
        std::thread::spawn(move || {
            let client = ClusterClient::builder([format!("redis://127.0.0.1:{port}")])
                .connection_timeout(Duration::from_secs(2))
                .response_timeout(Duration::from_secs(2));
            let connection = client.build().unwrap().get_connection().unwrap();
            let mut work = Work {
                connection,
                wanted: BTreeMap::new(),
                unsure: BTreeMap::new(),
            };
            let (mut account, mut number) = (Account::default(), 0);
            loop {
                match asked.try_recv() {
                    Ok(()) => {
                        account.wrong += work.count_wrong();
                        let _ = answer.send(std::mem::take(&mut account));
                    }
                    Err(TryRecvError::Empty) => {}
                    Err(TryRecvError::Disconnected) => return,
                }
                number += 1;
                match work.step(number) {
                    Ok(true) => account.steps += 1,
                    Ok(false) => account.wrong += 1,
                    Err(why) => {
                        account.failed += 1;
                        account.why = why.to_string();
                    }
                }
            }
        });
        Rust { questions, answers }
    }
}

impl Client for Rust {
    #[track_caller]
    fn check(&mut self) -> Account {
        self.questions.send(()).expect("redis-rs works");
        let answer = self.answers.recv_timeout(PATIENCE);
        answer.expect("redis-rs answers")
    }
}

/// A connection to a cluster, and what was written there.
struct Work {
    connection: ClusterConnection,
    /// What was confirmed last.
    wanted: BTreeMap<String, String>,
    /// What may have been written since, without being confirmed.
    unsure: BTreeMap<String, BTreeSet<String>>,
}

impl Work {
    /// Writes and reads one key, a pipeline, and several keys at once. False if what was just
    /// confirmed is not there.
    fn step(&mut self, number: u64) -> RedisResult<bool> {
        let value = number.to_string();
        let name = format!("work:{}", number % 500);
        self.write(&[&name], &value, |connection| connection.set(&name, &value))?;
        let held: Option<String> = self.connection.get(&name)?;
        let mut is_right = held.as_ref() == Some(&value);

        let tag = format!("{{tag:{}}}", number % 100);
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|end| format!("{tag}:{end}"));
        let mut held: Vec<Option<String>> = Vec::new();
        self.write(&[&a, &b], &value, |connection| {
            let mut pipeline = cluster_pipe();
            pipeline.set(&a, &value).ignore().set(&b, &value).ignore();
            held = match pipeline.get(&a).get(&b).query(connection) {
                // It follows with single commands, and learns of them where slots are.
                Err(error) if is_redirection(&error) => {
                    let () = connection.set(&a, &value)?;
                    let () = connection.set(&b, &value)?;
                    vec![connection.get(&a)?, connection.get(&b)?]
                }
                held => held?,
            };
            Ok(())
        })?;
        is_right &= held == [Some(value.clone()), Some(value.clone())];

        self.write(&[&c, &d], &value, |connection| {
            connection.mset(&[(&c, &value), (&d, &value)])
        })?;
        let held: Vec<Option<String>> = self.connection.mget(&[&c, &d])?;
        Ok(is_right && held == [Some(value.clone()), Some(value)])
    }

    /// Values whose writing failed may be there or not.
    fn write(
        &mut self,
        names: &[&String],
        value: &str,
        perform: impl FnOnce(&mut ClusterConnection) -> RedisResult<()>,
    ) -> RedisResult<()> {
        for &name in names {
            let unsure = self.unsure.entry(name.clone()).or_default();
            unsure.insert(value.to_owned());
        }
        perform(&mut self.connection)?;
        for &name in names {
            self.wanted.insert(name.clone(), value.to_owned());
            self.unsure.remove(name);
        }
        Ok(())
    }

    /// How many confirmed values are gone. What is there now is not looked at again.
    fn count_wrong(&mut self) -> u64 {
        let mut wrong = 0;
        for (name, value) in std::mem::take(&mut self.wanted) {
            let held: RedisResult<Option<String>> = self.connection.get(&name);
            let unsure = self.unsure.get(&name);
            let is_there = held.is_ok_and(|held| {
                let held = held.unwrap_or_default();
                held == value || unsure.is_some_and(|unsure| unsure.contains(&held))
            });
            wrong += u64::from(!is_there);
        }
        self.unsure.clear();
        wrong
    }
}

fn is_redirection(error: &RedisError) -> bool {
    let text = error.to_string();
    ["Moved", "Ask"].iter().any(|word| text.contains(word))
}

/// Waits until the client has done enough, and adds up.
#[track_caller]
fn work(town: &mut Town, client: &mut dyn Client) -> Account {
    let mut sum = Account::default();
    town.wait_for("the client works", |_| {
        let account = client.check();
        sum.steps += account.steps;
        sum.failed += account.failed;
        sum.wrong += account.wrong;
        sum.why += &account.why;
        sum.steps >= STEPS_MIN
    });
    sum
}

/// Moves slots with the tools of both, hands a role over and kills a primary, which is not the one
/// that the client was told of.
fn disturb(town: &mut Town, client: &mut dyn Client) {
    let ids: Vec<String> = town.0.iter_mut().map(Node::id).collect();
    work(town, client);

    reshard(town, &ids[0], &ids[1]);
    let place = format!("127.0.0.1:{}", town.0[0].port);
    let words = [
        "cluster", "reshard", &place, "--from", &ids[1], "--to", &ids[2],
    ];
    let moved = ochre(
        "ochre",
        &[&words[..], &["--slots", "100", "--yes"]].concat(),
        "",
    );
    assert_eq!(moved.code, Some(0), "{}", moved.output);
    town.wait_for_agreement();
    hand_over(town, &ids[1]);
    let planned = work(town, client);
    assert_eq!((planned.failed, planned.wrong), (0, 0), "{planned:?}");

    replace(town, 0);
    let after = work(town, client);
    assert!(after.wrong <= LOST_MAX, "{after:?}");
    let healthy = work(town, client);
    assert_eq!((healthy.failed, healthy.wrong), (0, 0), "{healthy:?}");
}

#[test]
fn redis_py_works_while_slots_move_and_a_primary_dies() {
    let Some(python) = python().filter(|_| is_redis_there()) else {
        return;
    };
    let mut town = Town::create(&[OCHRE; 6]);
    let mut client = Python::start(&python, town.0[2].port);
    disturb(&mut town, &mut client);
}

#[test]
fn redis_rs_works_with_a_cluster_of_both_kinds() {
    if !is_redis_there() {
        return;
    }
    let mut town = Town::create(&[OCHRE, DEBIAN, OCHRE, DEBIAN, OCHRE, DEBIAN]);
    let mut client = Rust::start(town.0[2].port);
    disturb(&mut town, &mut client);
}

#[test]
fn redis_rs_works_while_slots_move_and_a_primary_dies() {
    if !is_redis_there() {
        return;
    }
    let mut town = Town::create(&[OCHRE; 6]);
    let mut client = Rust::start(town.0[2].port);
    disturb(&mut town, &mut client);
}
