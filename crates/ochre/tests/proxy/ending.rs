//! The program's end: who waits for a reply gets it, and nothing is left behind.

use std::path::Path;

use rustix::process::{Signal, kill_process};

use crate::arena::Backend;
use crate::process::{Folder, OCHRE, Process, free_port, run, wait_until};
use crate::wire::Wire;

#[test]
fn what_is_under_way_is_finished_and_the_socket_is_removed() {
    let backend = Backend::start();
    let folder = Folder::new();
    let (socket, pid) = (folder.path("socket"), folder.path("pid"));
    let port = backend.port;
    let text = format!(
        "pool:\n  listen: {socket} 0666\n  redis: true\n  servers:\n   - 127.0.0.1:{port}:1\n"
    );
    let file = folder.file("nutcracker.yml", &text);
    let stats = free_port().to_string();
    let args = [
        "proxy",
        "-c",
        &file,
        "-s",
        &stats,
        "-a",
        "127.0.0.1",
        "-p",
        &pid,
    ];
    let mut process = Process::start(OCHRE.as_ref(), "ochre", &args, "");
    wait_until("the proxy listens", || Path::new(&pid).exists());
    let mut waiting = Wire::connect_unix(&socket);
    let mut idle = Wire::connect_unix(&socket);
    assert_eq!(idle.ask("PING"), "+PONG");
    waiting
        .send(b"*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n")
        .unwrap();
    let mut own = backend.connect();
    wait_until("somebody waits", || {
        own.ask("INFO clients").contains("blocked_clients:1")
    });
    kill_process(process.id(), Signal::TERM).unwrap();
    // Who waits for nothing is let go at once.
    assert_eq!(idle.rest(), "");
    assert_eq!(own.ask("RPUSH l x"), ":1");
    assert_eq!(waiting.reply(), "*2\r\n$1\r\nl\r\n$1\r\nx");
    let ended = process.end();
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(!Path::new(&socket).exists() && !Path::new(&pid).exists());
}

#[test]
fn a_file_is_checked_without_serving_it() {
    let folder = Folder::new();
    let good = folder.file(
        "a",
        "a:\n  listen: 127.0.0.1:1\n  servers:\n   - 127.0.0.1:2:1\n",
    );
    let bad = folder.file("b", "a:\n  listen: 127.0.0.1:1\n  nosuch: 1\n");
    let ended = run(&["proxy", "-t", "-c", &good]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.output.ends_with("syntax is ok\n"), "{}", ended.output);
    let ended = run(&["proxy", "--check", &bad]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.output.contains("line 3: no key is called nosuch"),
        "{}",
        ended.output
    );
    assert!(
        ended.output.ends_with("syntax is invalid\n"),
        "{}",
        ended.output
    );
}
