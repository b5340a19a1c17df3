//! Many clients, and clients beside long commands.

use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::process::Server;
use crate::wire::Wire;

const CROWD: usize = 10_000;

#[test]
fn ten_thousand_clients_are_served_at_once() {
    if let Err(why) = raise_open_files(CROWD as u64 + 1000) {
        println!("skipped: this test may not open enough files ({why})");
        return;
    }
    let server = Server::start(&["--maxclients", "10100"]);
    let mut crowd: Vec<Wire> = (0..CROWD).map(|_| server.connect()).collect();
    for wire in &mut crowd {
        wire.send(b"PING\r\n").unwrap();
    }
    for wire in &mut crowd {
        assert_eq!(wire.reply(), "+PONG");
    }
    let info = crowd[0].ask("INFO clients");
    assert!(info.contains("connected_clients:10000\r\n"), "{info}");
}

fn raise_open_files(wanted: u64) -> rustix::io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum.map(|maximum| maximum.max(wanted)),
    };
    setrlimit(Resource::Nofile, raised)
}

#[test]
fn clients_are_answered_beside_a_walk_over_all_keys() {
    const KEYS: usize = 100_000;
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut filler = server.connect();
    assert_eq!(filler.ask(&format!("DEBUG POPULATE {KEYS}")), "+OK");
    let walkers: Vec<_> = (0..4)
        .map(|_| {
            let mut wire = server.connect();
            thread::spawn(move || wire.ask("KEYS *"))
        })
        .collect();
    for number in 0..1000 {
        let value = format!("value:{number}");
        let reply = format!("${}\r\n{value}", value.len());
        assert_eq!(filler.ask(&format!("GET key:{number}")), reply);
    }
    for walker in walkers {
        let keys = walker.join().unwrap();
        assert!(keys.starts_with(&format!("*{KEYS}\r\n")));
    }
}

#[test]
fn requests_that_arrive_together_are_run_in_their_order() {
    const ROUNDS: usize = 400;
    let server = Server::start(&["--io-threads", "1"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    let mut overtaken = 0;
    for _ in 0..ROUNDS {
        first.send(b"GETSET k first\r\n").unwrap();
        second.send(b"GETSET k second\r\n").unwrap();
        overtaken += usize::from(first.reply().ends_with("second"));
        second.reply();
        first.ask("DEL k");
    }
    // What arrives while the worker looks at its sockets between two tasks may still be overtaken,
    // the more often the busier the machine is; a worker that runs the last task first has nearly
    // all of them overtaken.
    assert!(overtaken <= ROUNDS / 2, "{overtaken} of {ROUNDS}");
}
