//! How a server ends, and how others find it while it runs.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::process::{Folder, Server, free_port, run, wait_until};
use crate::wire::Wire;

#[test]
fn signals_end_a_server_with_clients() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let mut server = Server::start(&[]);
        let mut wire = server.connect();
        assert_eq!(wire.ask("PING"), "+PONG");
        server.signal(signal);
        let ended = server.process.end();
        assert_eq!(ended.code, Some(0), "{}", ended.output);
        let line = format!("Received {name} scheduling shutdown");
        assert!(ended.output.contains(&line), "{}", ended.output);
        let line = "ready to exit, bye bye";
        assert!(ended.output.contains(line), "{}", ended.output);
        wire.wait_for_close();
    }
}

/// All locks are held in the end: every worker that runs a client's command waits for one.
#[test]
fn a_server_ends_while_all_its_workers_wait() {
    for _ in 0..5 {
        let mut server = Server::start(&["--io-threads", "2"]);
        let mut writers: Vec<Wire> = (0..8).map(|_| server.connect()).collect();
        let flood = "SET key value\r\n".repeat(20_000);
        let threads: Vec<_> = writers
            .drain(..)
            .map(|mut writer| {
                let flood = flood.clone();
                std::thread::spawn(move || {
                    // Replies are not read: the server ends with them unread.
                    while writer.send(flood.as_bytes()).is_ok() {
                        let _some = writer.try_next();
                    }
                })
            })
            .collect();
        server.signal(Signal::TERM);
        assert_eq!(server.process.end().code, Some(0));
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[test]
fn a_client_ends_a_server() {
    let mut server = Server::start(&[]);
    let mut wire = server.connect();
    wire.send(b"SHUTDOWN NOSAVE\r\n").unwrap();
    assert_eq!(wire.rest(), "");
    assert_eq!(server.process.end().code, Some(0));
}

#[test]
fn the_pid_file_is_there_while_the_server_is() {
    let folder = Folder::new();
    let path = folder.path("ochre.pid");
    let mut server = Server::start(&["--pidfile", &path]);
    let pid = server.process.id().as_raw_nonzero();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{pid}\n"));
    server.signal(Signal::TERM);
    assert_eq!(server.process.end().code, Some(0));
    assert!(!fs::exists(&path).unwrap());
}

/// A process that is no child, ended when dropped.
struct Stray(Pid);

impl Drop for Stray {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = kill_process(self.0, Signal::KILL);
    }
}

#[test]
fn a_server_goes_to_the_background() {
    let folder = Folder::new();
    let (pid_file, log) = (folder.path("ochre.pid"), folder.path("ochre.log"));
    let port = free_port();
    let number = port.to_string();
    let ended = run(&[
        "server",
        "--port",
        &number,
        "--save",
        "",
        "--daemonize",
        "yes",
        "--dir",
        folder.root(),
        "--pidfile",
        &pid_file,
        "--logfile",
        &log,
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let mut pid = None;
    wait_until("the pid file is written", || {
        let text = fs::read_to_string(&pid_file).unwrap_or_default();
        pid = text.trim().parse().ok().and_then(Pid::from_raw);
        pid.is_some()
    });
    let stray = Stray(pid.unwrap());
    wait_until("the server is ready", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("Ready to accept"))
    });
    let mut wire = Wire::connect(("127.0.0.1", port));
    assert_eq!(wire.ask("PING"), "+PONG");
    kill_process(stray.0, Signal::TERM).unwrap();
    wire.wait_for_close();
    wait_until("the server has ended", || is_gone(stray.0));
    assert!(!fs::exists(&pid_file).unwrap());
}

/// Whether a process has ended, be it that nobody has asked for its exit code yet.
fn is_gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    test_kill_process(pid).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
}
