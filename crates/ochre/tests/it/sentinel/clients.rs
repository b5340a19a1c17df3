//! Clients that ask Sentinels where the master is, through its death and its return as a replica.

use std::path::Path;
use std::process::Command;

use redis::sentinel::{SentinelClient, SentinelServerType};

use super::group::{Group, Kind, NAME, Program};
use crate::process::{Process, wait_until};

/// Says where it has written to, whenever that changes, and reads from whoever is a replica. It
/// reads from the master while there is no replica, and stays there.
const SCRIPT: &str = r#"
import sys, time
from redis.exceptions import RedisError
from redis.sentinel import Sentinel

name, *ports = sys.argv[1:]
sentinel = Sentinel([("127.0.0.1", int(port)) for port in ports], socket_timeout=2)
master = sentinel.master_for(name, socket_timeout=2)
replica = sentinel.slave_for(name, socket_timeout=2)
last = None
while True:
    try:
        master.set("python", "here")
        now = master.info("server")["tcp_port"]
        if replica.get("python") is not None and now != last:
            print("writes to", now, flush=True)
            last = now
    except RedisError:
        pass
    time.sleep(0.02)
"#;

/// The python client at work, if it is installed.
fn python(group: &Group) -> Option<Process> {
    let known = Command::new("python3")
        .args(["-c", "import redis"])
        .output();
    if !known.is_ok_and(|known| known.status.success()) {
        eprintln!("skipped: python3 has no module redis");
        return None;
    }
    let ports = group.sentinels.iter().map(|it| it.port.to_string());
    let ports: Vec<String> = ports.collect();
    let mut args = vec!["-c", SCRIPT, NAME];
    args.extend(ports.iter().map(String::as_str));
    Some(Process::start(
        Path::new("/usr/bin/env"),
        "env",
        &[&["python3"], &args[..]].concat(),
        "",
    ))
}

/// redis-rs, and what its connections lead to.
struct Rust(SentinelClient);

impl Rust {
    fn new(group: &Group, kind: SentinelServerType) -> Rust {
        let uri = |it: &Program| format!("redis://127.0.0.1:{}", it.port);
        let uris = group.sentinels.iter().map(uri).collect();
        Rust(SentinelClient::build(uris, NAME.to_owned(), None, kind).unwrap())
    }

    /// Runs a command where the client is sent, and says where that was.
    fn port_after(&mut self, command: &str) -> Option<u16> {
        let mut connection = self.0.get_connection().ok()?;
        let mut words = command.split(' ');
        let mut request = redis::cmd(words.next()?);
        words.for_each(|word| {
            request.arg(word);
        });
        request.exec(&mut connection).ok()?;
        let mut info = redis::cmd("INFO");
        let info: String = info.arg("server").query(&mut connection).ok()?;
        let port = info.lines().find_map(|line| line.strip_prefix("tcp_port:"));
        port?.parse().ok()
    }
}

#[test]
fn clients_of_python_and_rust_follow_the_switch() {
    let mut group = Group::start(&[Kind::Ochre; 2], &[Kind::Ochre; 2], "");
    let [first, second] = [0, 1].map(|at| group.nodes[at].port);
    let python = python(&group);
    let says = |what: String| {
        let Some(python) = &python else { return };
        wait_until(&what, || python.output().lines().last() == Some(&*what));
    };
    let mut writer = Rust::new(&group, SentinelServerType::Master);
    let mut reader = Rust::new(&group, SentinelServerType::Replica);

    says(format!("writes to {first}"));
    assert_eq!(writer.port_after("SET rust here"), Some(first));
    assert_eq!(reader.port_after("GET rust"), Some(second));

    group.nodes[0].kill();
    wait_until("the rust client writes to the new master", || {
        writer.port_after("SET rust there") == Some(second)
    });
    assert_eq!(group.wait_for_another_master_than(0), 1);
    group.nodes[0].start();
    group.nodes[0].wait("it returns as a replica", |it| it.follows() == Some(second));
    wait_until("the rust client reads from the old master", || {
        reader.port_after("GET rust") == Some(first)
    });
    says(format!("writes to {second}"));
}
