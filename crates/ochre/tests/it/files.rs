//! What a server keeps in files, through kills, full disks and damage.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use resp::value::Value;
use rustix::process::Signal;

use crate::process::{Folder, OCHRE, Process, Server, free_port, wait_until};
use crate::wire::Wire;

/// Servers killed one after the other. More of them by the environment.
fn rounds() -> usize {
    let asked = std::env::var("OCHRE_KILL_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(2)
}

const WRITERS: usize = 4;

/// A list that one writer appends numbers to.
#[derive(Default)]
struct Progress {
    sent: AtomicUsize,
    acknowledged: AtomicUsize,
}

/// Appends numbers to a list until the server is gone.
fn write_until_killed(mut wire: Wire, list: usize, progress: &Progress) {
    loop {
        let number = progress.sent.load(Ordering::SeqCst);
        progress.sent.fetch_add(1, Ordering::SeqCst);
        let mut request = Vec::new();
        resp::reply::write_request(
            &mut request,
            &["RPUSH", &format!("l{list}"), &number.to_string()],
        );
        if wire.send(&request).is_err() {
            return;
        }
        match wire.try_next() {
            Some(Value::Integer(len)) => {
                assert_eq!(len, number as i64 + 1);
                progress.acknowledged.store(number + 1, Ordering::SeqCst);
            }
            Some(other) => panic!("{other:?}"),
            None => return,
        }
    }
}

/// The numbers of a list, which must be the first ones, in order.
fn numbers(wire: &mut Wire, list: usize) -> usize {
    let reply = wire.ask_all(&[format!("LRANGE l{list} 0 -1")]).remove(0);
    let Value::Array(items) = reply else {
        panic!("{reply:?}");
    };
    for (index, item) in items.iter().enumerate() {
        assert_eq!(*item, Value::Bulk(index.to_string().into_bytes()));
    }
    items.len()
}

/// Whether a server has replied to writes that it had not written: a sync took long, and writing
/// would have had to wait for it. It never does so with `always`.
fn has_postponed(server: &Server) -> bool {
    let line = "what is acknowledged may be in memory alone";
    server.process.output().contains(line)
}

fn nothing_acknowledged_is_lost_by_a_kill(fsync: &str) {
    let folder = Folder::new();
    let mut may_lack = false;
    let directives = [
        "--loglevel",
        "verbose",
        "--dir",
        folder.root(),
        "--appendonly",
        "yes",
        "--appendfsync",
        fsync,
    ];
    let progress: Arc<Vec<Progress>> =
        Arc::new((0..WRITERS).map(|_| Progress::default()).collect());
    for round in 0..rounds() {
        let server = Server::start(&directives);
        let mut wire = server.connect();
        for (list, one) in progress.iter().enumerate() {
            let found = numbers(&mut wire, list);
            let acknowledged = one.acknowledged.load(Ordering::SeqCst);
            let sent = one.sent.load(Ordering::SeqCst);
            let is_there = found >= acknowledged || may_lack;
            assert!(
                is_there && found <= sent,
                "round {round}, {fsync}: {found} of {acknowledged} to {sent}"
            );
            one.sent.store(found, Ordering::SeqCst);
            one.acknowledged.store(found, Ordering::SeqCst);
        }
        let before: usize = progress
            .iter()
            .map(|one| one.sent.load(Ordering::SeqCst))
            .sum();
        // The others may have written enough before one of them comes.
        let writers: Vec<_> = (0..WRITERS)
            .map(|list| {
                let (wire, progress) = (server.connect(), Arc::clone(&progress));
                thread::spawn(move || write_until_killed(wire, list, &progress[list]))
            })
            .collect();
        let sum = || -> usize {
            progress
                .iter()
                .map(|one| one.sent.load(Ordering::SeqCst))
                .sum()
        };
        // The first hundred syncs are left to a thread, for the lists were read.
        wait_until("there is much under way", || sum() > before + 1_000);
        // Now and then in the middle of a rewrite.
        if round % 2 == 0 {
            wire.ask("BGREWRITEAOF");
            wait_until("there is more under way", || sum() > before + 1_100);
        }
        server.signal(Signal::KILL);
        for writer in writers {
            writer.join().unwrap();
        }
        may_lack = fsync != "always" && has_postponed(&server);
    }
    let server = Server::start(&directives);
    let mut wire = server.connect();
    for (list, one) in progress.iter().enumerate() {
        let acknowledged = one.acknowledged.load(Ordering::SeqCst);
        assert!(numbers(&mut wire, list) >= acknowledged || may_lack);
    }
}

#[test]
fn a_kill_loses_nothing_that_waited_for_a_sync() {
    nothing_acknowledged_is_lost_by_a_kill("always");
}

#[test]
fn a_kill_loses_nothing_while_the_machine_stays_up() {
    nothing_acknowledged_is_lost_by_a_kill("everysec");
    nothing_acknowledged_is_lost_by_a_kill("no");
}

#[test]
fn a_signal_saves_what_there_is() {
    let folder = Folder::new();
    let directives = ["--dir", folder.root(), "--save", "3600 1"];
    let mut server = Server::start(&directives);
    assert_eq!(server.connect().ask("SET a b"), "+OK");
    server.signal(Signal::TERM);
    let ended = server.process.end();
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    for line in [
        "Saving the final RDB snapshot before exiting.",
        "DB saved on disk",
    ] {
        assert!(ended.output.contains(line), "{}", ended.output);
    }
    let server = Server::start(&directives);
    server.wait_for_line("DB loaded from disk: ");
    assert_eq!(server.connect().ask("GET a"), "$1\r\nb");
}

#[test]
fn a_server_without_save_points_saves_nothing_by_itself() {
    let folder = Folder::new();
    let mut server = Server::start(&["--dir", folder.root()]);
    assert_eq!(server.connect().ask("SET a b"), "+OK");
    server.signal(Signal::TERM);
    assert_eq!(server.process.end().code, Some(0));
    assert_eq!(fs::read_dir(folder.root()).unwrap().count(), 0);
}

#[test]
fn a_save_in_the_background_is_what_a_killed_server_comes_back_with() {
    let folder = Folder::new();
    fs::write(folder.path("temp-1.rdb"), "half of something").unwrap();
    let server = Server::start(&["--dir", folder.root()]);
    let mut wire = server.connect();
    assert_eq!(wire.ask("SET a b"), "+OK");
    assert_eq!(wire.ask("BGSAVE"), "+Background saving started");
    server.wait_for_line("Background saving terminated with success");
    assert_eq!(wire.ask("SET a c"), "+OK");
    server.signal(Signal::KILL);
    drop(server);
    let server = Server::start(&["--dir", folder.root()]);
    assert_eq!(server.connect().ask("GET a"), "$1\r\nb");
    let names: Vec<_> = fs::read_dir(folder.root()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn many_may_ask_for_a_save_at_once() {
    let folder = Folder::new();
    let server = Server::start(&["--dir", folder.root()]);
    let mut wires: Vec<_> = (0..8).map(|_| server.connect()).collect();
    let lines: Vec<_> = (0..5000).map(|n| format!("SET k{n} {n}")).collect();
    wires[0].ask_all(&lines);
    for _ in 0..5 {
        for wire in &mut wires {
            wire.send(b"SAVE\r\n").unwrap();
        }
        for wire in &mut wires {
            assert_eq!(wire.reply(), "+OK");
        }
    }
    server.signal(Signal::KILL);
    drop(server);
    let server = Server::start(&["--dir", folder.root()]);
    assert_eq!(server.connect().ask("DBSIZE"), ":5000");
}

/// Starts a server that must not come up, and returns what it says.
fn refused(directives: &[&str]) -> String {
    let port = free_port().to_string();
    let args = [&["server", "--port", &port, "--save", ""], directives].concat();
    let ended = Process::start(OCHRE.as_ref(), "ochre", &args, "").end();
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(
        !ended.output.contains("Ready to accept"),
        "{}",
        ended.output
    );
    ended.output
}

#[test]
fn damaged_files_are_refused() {
    let folder = Folder::new();
    let dir = ["--dir", folder.root()];
    for (bytes, why) in [
        (&b""[..], "is empty"),
        (b"REDIS0010\xfa", "Unexpected EOF"),
        (b"nonsense!", "Wrong signature"),
        (&[0; 100], "Wrong signature"),
    ] {
        fs::write(folder.path("dump.rdb"), bytes).unwrap();
        let output = refused(&dir);
        assert!(
            output.contains("dump.rdb") && output.contains(why),
            "{output}"
        );
    }
    fs::remove_file(folder.path("dump.rdb")).unwrap();
    fs::create_dir(folder.path("dump.rdb")).unwrap();
    assert!(refused(&dir).contains("Is a directory") || refused(&dir).contains("is a directory"));
    let log = [dir[0], dir[1], "--appendonly", "yes"];
    let server = Server::start(&log);
    assert_eq!(server.connect().ask("SET a b"), "+OK");
    drop(server);
    fs::remove_file(folder.path("appendonlydir/appendonly.aof.1.base.rdb")).unwrap();
    assert!(refused(&log).contains("appendonly.aof.1.base.rdb"));
}

#[test]
fn one_append_only_file_belongs_to_one_server() {
    let folder = Folder::new();
    let log = ["--dir", folder.root(), "--appendonly", "yes"];
    let server = Server::start(&log);
    let output = refused(&log);
    assert!(output.contains("another server"), "{output}");
    // Who keeps nothing may share the folder.
    let other = Server::start(&["--dir", folder.root()]);
    assert_eq!(other.connect().ask("SET a b"), "+OK");
    drop(server);
    drop(Server::start(&log));
}

/// A file system of a few megabytes, gone when dropped.
struct Mount(Folder);

impl Mount {
    /// `None` where that is not allowed.
    fn new() -> Option<Mount> {
        let folder = Folder::new();
        let args = ["-t", "tmpfs", "-o", "size=3m", "tmpfs", folder.root()];
        let done = run_quietly("mount", &args);
        if !done {
            eprintln!("skipped: mounting a small file system needs root");
        }
        done.then_some(Mount(folder))
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(run_quietly("mount", &["-o", &options, self.0.root()]));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run_quietly("umount", &["-l", self.0.root()]);
    }
}

fn run_quietly(program: &str, args: &[&str]) -> bool {
    let output = std::process::Command::new(program).args(args).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_stops_writes_and_nothing_else() {
    for fsync in ["everysec", "always"] {
        let Some(mount) = Mount::new() else { return };
        let log = [
            "--dir",
            mount.0.root(),
            "--appendonly",
            "yes",
            "--appendfsync",
            fsync,
        ];
        let server = Server::start(&log);
        let mut wire = server.connect();
        let filler = mount.0.path("filler");
        fs::write(&filler, vec![0; 2 << 20]).unwrap();
        let value = "v".repeat(10_000);
        let mut kept = 0;
        // With `always` the connection ends whose write may be lost; then others are refused.
        loop {
            let mut request = Vec::new();
            let key = format!("k{kept}");
            resp::reply::write_request(&mut request, &["SET", &key, &value]);
            wire.send(&request).unwrap();
            match wire.try_next() {
                Some(Value::Simple(_)) => kept += 1,
                Some(Value::Error(text)) => {
                    let text = String::from_utf8(text).unwrap();
                    assert!(
                        text.starts_with("MISCONF Errors writing to the AOF"),
                        "{text}"
                    );
                    break;
                }
                None => wire = server.connect(),
                other => panic!("{other:?}"),
            }
            assert!(kept < 1000);
        }
        assert!(kept > 50);
        assert_eq!(wire.ask("STRLEN k7"), ":10000");
        assert!(
            wire.ask("INFO persistence")
                .contains("aof_last_write_status:err")
        );
        fs::remove_file(&filler).unwrap();
        server.wait_for_line("AOF write error looks solved");
        wait_until("writes are taken again", || {
            wire.ask("SET after x") == "+OK"
        });
        server.signal(Signal::KILL);
        drop(server);
        let server = Server::start(&log);
        let mut wire = server.connect();
        for key in 0..kept {
            assert_eq!(wire.ask(&format!("STRLEN k{key}")), ":10000", "k{key}");
        }
        assert_eq!(wire.ask("GET after"), "$1\r\nx");
    }
}

#[test]
fn a_read_only_disk_makes_saves_fail_and_stops_writes() {
    let Some(mount) = Mount::new() else { return };
    let directives = ["--dir", mount.0.root(), "--save", "3600 1"];
    let mut server = Server::start(&directives);
    let mut wire = server.connect();
    assert_eq!(wire.ask("SET a b"), "+OK");
    mount.remount("ro");
    assert!(wire.ask("SAVE").starts_with("-"), "it cannot be saved");
    wire.ask("BGSAVE");
    wait_until("the save has failed", || {
        wire.ask("INFO persistence")
            .contains("rdb_last_bgsave_status:err")
    });
    server.wait_for_line("Read-only file system");
    assert!(
        wire.ask("SET a c")
            .starts_with("-MISCONF Redis is configured to save RDB")
    );
    assert_eq!(wire.ask("GET a"), "$1\r\nb");
    assert!(
        wire.ask("SHUTDOWN")
            .starts_with("-ERR Errors trying to SHUTDOWN")
    );
    mount.remount("rw");
    wire.ask("BGSAVE");
    wait_until("writes are taken again", || wire.ask("SET a c") == "+OK");
    wire.send(b"SHUTDOWN\r\n").unwrap();
    assert_eq!(server.process.end().code, Some(0));
    let server = Server::start(&directives);
    assert_eq!(server.connect().ask("GET a"), "$1\r\nc");
}

#[test]
fn clients_are_told_to_wait_while_data_is_loaded() {
    let folder = Folder::new();
    let dir = ["--dir", folder.root()];
    let server = Server::start(&dir);
    let mut wire = server.connect();
    let lines: Vec<_> = (0..3000).map(|n| format!("SET k{n} {n}")).collect();
    wire.ask_all(&lines);
    assert_eq!(wire.ask("SAVE"), "+OK");
    drop(server);
    let port = free_port();
    let number = port.to_string();
    let slow = ["server", "--port", &number, "--key-load-delay", "500"];
    let args = [&slow[..], &dir].concat();
    let process = Process::start(OCHRE.as_ref(), "ochre", &args, "");
    wait_until("the server listens", || {
        process.output().contains("Server initialized")
    });
    let mut wire = Wire::connect(("127.0.0.1", port));
    let was_told = AtomicBool::new(false);
    wait_until("everything is loaded", || {
        let reply = wire.ask("GET k2999");
        let waits = reply.starts_with("-LOADING ");
        was_told.fetch_or(waits, Ordering::Relaxed);
        assert!(waits || reply == "$4\r\n2999", "{reply}");
        !waits
    });
    assert!(was_told.into_inner());
    assert_eq!(wire.ask("DBSIZE"), ":3000");
}
