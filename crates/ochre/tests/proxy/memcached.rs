//! Pools of memcached.

use std::path::Path;

use crate::arena::{Proxy, wait_for_port};
use crate::process::{Process, free_port};

const MEMCACHED: &str = "/usr/bin/memcached";

#[test]
fn values_come_from_all_servers_under_one_end() {
    let program = Path::new(MEMCACHED);
    if !program.exists() {
        eprintln!("skipped: {MEMCACHED} is not installed");
        return;
    }
    let start = |port: u16| {
        let number = port.to_string();
        let args = ["-l", "127.0.0.1", "-p", &number, "-u", "nobody", "-U", "0"];
        let process = Process::start(program, "memcached", &args, "");
        wait_for_port(port);
        process
    };
    let ports = [free_port(), free_port()];
    let servers = ports.map(start);
    let proxy = Proxy::start(&ports, &["hash: murmur", "distribution: modula"]);
    let mut wire = proxy.connect();
    let mut requests = String::new();
    for i in 0..20 {
        requests += &format!("set key{i} 7 0 6\r\nvalue{}\r\n", i % 10);
        requests += &format!("set quiet{i} 0 0 1 noreply\r\nx\r\n");
    }
    requests +=
        "get key1\r\nincr key1 1\r\ndelete key1\r\nget key1\r\nnosuch\r\nget\r\nversion\r\n";
    requests += &(0..20)
        .map(|i| format!("key{i} "))
        .fold("get ".to_owned(), |a, b| a + &b);
    requests += "none\r\nflush_all\r\nget key2 key3 key4\r\nquit\r\n";
    wire.send(requests.as_bytes()).unwrap();
    let replies = wire.rest();
    let mut lines = replies.split("\r\n");
    assert!(
        lines.by_ref().take(20).all(|line| line == "STORED"),
        "{replies}"
    );
    for wanted in ["VALUE key1 7 6", "value1", "END"] {
        assert_eq!(lines.next(), Some(wanted));
    }
    let numeric = "CLIENT_ERROR cannot increment or decrement non-numeric value";
    assert_eq!(lines.next(), Some(numeric));
    for wanted in [
        "DELETED",
        "END",
        "ERROR",
        "CLIENT_ERROR bad command line format",
    ] {
        assert_eq!(lines.next(), Some(wanted));
    }
    assert!(lines.next().unwrap().starts_with("VERSION "));
    let values: Vec<&str> = lines.by_ref().take_while(|line| *line != "END").collect();
    assert_eq!(values.len(), 38, "{values:?}");
    assert_eq!(lines.collect::<Vec<_>>(), ["OK", "END", ""]);
    drop(servers);
}
