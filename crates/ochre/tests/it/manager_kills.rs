//! A cluster manager that is killed at every step of a move, and another that ends the move.
//!
//! Every node stands behind a relay that it announces as its own port, so all that is said to the
//! nodes goes through here, and is counted.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use resp::value::Value;
use rustix::process::{Pid, Signal, kill_process};

use crate::clusters::{Kind, Node, assert_whole, has_redis, join, keys, ochre};
use crate::process::{OCHRE, Process, free_port, wait_until};
use crate::wire::Wire;

/// What the relays share: how many steps are left before whoever takes them is killed.
pub struct Fate {
    /// The words that are steps.
    steps: &'static [&'static str],
    /// Below 0: nobody is.
    steps_left: AtomicI64,
    /// Whether the last step is still heard.
    heard: AtomicI64,
    victim: AtomicI64,
}

impl Fate {
    /// Nobody's, until somebody is to die.
    pub fn new(steps: &'static [&'static str]) -> Arc<Fate> {
        Arc::new(Fate {
            steps,
            steps_left: AtomicI64::new(-1),
            heard: AtomicI64::new(0),
            victim: AtomicI64::new(0),
        })
    }

    /// Has a process die at a step, which may still be heard.
    pub fn befall(&self, victim: &Process, steps: usize, heard: bool) {
        let id = i64::from(victim.id().as_raw_nonzero().get());
        self.victim.store(id, Ordering::SeqCst);
        self.heard.store(i64::from(heard), Ordering::SeqCst);
        self.steps_left
            .store(i64::try_from(steps).unwrap(), Ordering::SeqCst);
    }

    pub fn pass(&self) {
        self.steps_left.store(-1, Ordering::SeqCst);
    }

    /// Whether these words still go on, after somebody may have died.
    fn passes(&self, words: &[u8]) -> bool {
        let step = self.steps.iter().any(|step| {
            let mut windows = words.windows(step.len());
            windows.any(|window| window == step.as_bytes())
        });
        if !step || self.steps_left.fetch_sub(1, Ordering::SeqCst) != 0 {
            return true;
        }
        let victim = i32::try_from(self.victim.load(Ordering::SeqCst)).unwrap();
        let victim = Pid::from_raw(victim).unwrap();
        kill_process(victim, Signal::KILL).unwrap();
        self.heard.load(Ordering::SeqCst) != 0
    }
}

/// Hands on what is said to a port.
pub fn relay(port: u16, to: u16, fate: &Arc<Fate>) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let fate = Arc::clone(fate);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else {
                return;
            };
            let (there, back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let fate = Arc::clone(&fate);
            std::thread::spawn(move || hand_on(there, server, |words| fate.passes(words)));
            std::thread::spawn(move || hand_on(back, client, |_| true));
        }
    });
}

fn hand_on(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(&[u8]) -> bool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if !passes(&bytes[..read]) || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    // Either may be closed already.
    drop(to.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}

/// How many slots each run moves, and how many keys they hold.
const SLOTS_MOVED: usize = 2;
const KEYS_EACH: usize = 5;

/// More runs than a move has steps, once unheard and once heard.
const RUNS_MAX: usize = 60;

fn held(nodes: &[Node]) -> u64 {
    nodes.iter().map(|node| node.number("DBSIZE")).sum()
}

#[test]
fn a_move_that_is_killed_at_any_step_is_resumed() {
    if has_redis() {
        is_killed_and_resumed(Kind::Debian);
    }
}

/// Servers that move slots by themselves go on when nobody is there.
#[test]
fn a_move_of_servers_goes_on_when_the_manager_is_killed() {
    is_killed_and_resumed(Kind::Ochre);
}

fn is_killed_and_resumed(kind: Kind) {
    let fate = Fate::new(&[
        "SETSLOT",
        "MIGRATE",
        "GETKEYSINSLOT",
        "RESTORE",
        "GETSLOTMIG",
    ]);
    let mut relays = Vec::new();
    let nodes: Vec<Node> = (0..3)
        .map(|_| {
            let (port, announced) = (free_port(), free_port());
            let (bus, shown) = ((port + 10_000).to_string(), announced.to_string());
            relay(announced, port, &fate);
            relays.push(announced);
            let directives = [
                "--cluster-enabled",
                "yes",
                "--cluster-announce-port",
                &shown,
                "--cluster-announce-bus-port",
                &bus,
                "--cluster-announce-ip",
                "127.0.0.1",
                // Keys take their time, so that there is something to kill.
                "--rdb-key-save-delay",
                "1000",
            ];
            Node::of(kind, "127.0.0.1", port, &directives)
        })
        .collect();
    join(&nodes, 3);
    let names = keys(RUNS_MAX * SLOTS_MOVED, KEYS_EACH);
    let ask_all = |node: &Node, command: &dyn Fn(&String) -> String| {
        let lines: Vec<String> = names.iter().map(command).collect();
        Wire::connect((node.host, node.port)).ask_all(&lines)
    };
    let set = ask_all(&nodes[0], &|name| format!("SET {name} {name}"));
    assert!(
        set.iter()
            .all(|reply| *reply == Value::Simple(b"OK".to_vec()))
    );
    let first = format!("127.0.0.1:{}", relays[0]);
    let slots = SLOTS_MOVED.to_string();
    let move_on = [
        "cluster",
        "reshard",
        &first,
        "--from",
        &nodes[0].id,
        "--to",
        &nodes[1].id,
        "--slots",
        &slots,
        "--yes",
        "--pipeline",
        "2",
    ];
    let mut ended_alone = 0;
    for run in 0..RUNS_MAX {
        let mut manager = Process::start(Path::new(OCHRE), "ochre", &move_on, "");
        fate.befall(&manager, run / 2, run % 2 == 1);
        wait_until("the manager ends", || manager.has_ended());
        fate.pass();
        let ended = manager.end();
        if ended.code.is_some() {
            assert_eq!(ended.code, Some(0), "{}", ended.output);
            ended_alone += 1;
        }
        let resumed = ochre("ochre", &["cluster", "reshard", &first, "--resume"], "");
        assert_eq!(resumed.code, Some(0), "run {run}: {}", resumed.output);
        assert_whole(&nodes);
        // Servers delete what has left them when there is time for it.
        wait_until("every key is at one node", || {
            held(&nodes) == names.len() as u64
        });
        if ended_alone == 2 {
            break;
        }
    }
    assert_eq!(ended_alone, 2, "there are more steps than runs");
    let mut found = BTreeSet::new();
    for node in &nodes {
        let replies = ask_all(node, &|name| format!("GET {name}"));
        for (name, reply) in names.iter().zip(replies) {
            if reply == Value::Bulk(name.as_bytes().to_vec()) {
                assert!(found.insert(name), "{name} is at two nodes");
            }
        }
    }
    assert_eq!(found.len(), names.len());
}
