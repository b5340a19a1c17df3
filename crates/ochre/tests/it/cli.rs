//! The command line against a server of the same binary: commands, pipes, and a person at a
//! terminal.
//!
//! The terminal is util-linux's `script`, which gives the program one of its own. What is typed goes
//! in, and everything the program ever wrote is looked at.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::process::{Folder, OCHRE, Process, Server, wait_until};

/// Runs the command line with the server's port before `args`.
fn cli(server: &Server, args: &[&str], input: &str) -> (Option<i32>, String) {
    let port = server.port.to_string();
    let args = [&["-p", port.as_str()], args].concat();
    let ended = Process::start(OCHRE.as_ref(), "redis-cli", &args, input).end();
    (ended.code, ended.output)
}

#[test]
fn commands_print_what_scripts_read() {
    let server = Server::start(&[]);
    for (args, code, output) in [
        (&["set", "k", "a\"b\n"][..], 0, "OK\n"),
        (&["get", "k"], 0, "a\"b\n\n"),
        (&["--no-raw", "get", "k"], 0, "\"a\\\"b\\n\"\n"),
        (&["--json", "get", "k"], 0, "\"a\\\"b\\n\"\n"),
        (&["-r", "2", "incr", "n"], 0, "1\n2\n"),
        (&["rpush", "l", "x", "y"], 0, "2\n"),
        (&["--csv", "lrange", "l", "0", "-1"], 0, "\"x\",\"y\"\n"),
        (
            &["--no-raw", "lrange", "l", "0", "-1"],
            0,
            "1) \"x\"\n2) \"y\"\n",
        ),
        (&["-d", ",", "lrange", "l", "0", "-1"], 0, "x,y\n"),
        (
            &["-3", "--no-raw", "hset", "h", "f", "v"],
            0,
            "(integer) 1\n",
        ),
        (
            &["-3", "--no-raw", "hgetall", "h"],
            0,
            "1# \"f\" => \"v\"\n",
        ),
        (
            &["incr", "k"],
            0,
            "ERR value is not an integer or out of range\n\n",
        ),
        (
            &["-e", "incr", "k"],
            1,
            "ERR value is not an integer or out of range\n",
        ),
        (&["-n", "1", "dbsize"], 0, "0\n"),
        (&["--scan", "--pattern", "[kn]*"], 0, "k\nn\n"),
    ] {
        let (ended, mut printed) = cli(&server, args, "");
        if args[0] == "--scan" {
            let mut lines: Vec<&str> = printed.lines().collect();
            lines.sort_unstable();
            printed = lines.join("\n") + "\n";
        }
        assert_eq!((ended, printed.as_str()), (Some(code), output), "{args:?}");
    }
}

#[test]
fn lines_and_requests_come_through_pipes() {
    let server = Server::start(&[]);
    let lines = "set k v\n2 append k w\nmulti\nget k\nexec\nget \"k\nquit\nflushall\n";
    let (code, output) = cli(&server, &[], lines);
    assert_eq!(code, Some(0));
    assert_eq!(output, "OK\n2\n3\nOK\nQUEUED\nvww\nInvalid argument(s)\n");
    let requests = "SET a 1\r\nnonsense\r\nGET a\r\n".repeat(1000);
    let (code, output) = cli(&server, &["--pipe"], &requests);
    assert_eq!(code, Some(1));
    assert!(output.contains("errors: 1000, replies: 3000"), "{output}");
    let (code, output) = cli(&server, &["-x", "set", "k"], "from\0stdin");
    assert_eq!((code, output.as_str()), (Some(0), "OK\n"));
    assert_eq!(cli(&server, &["strlen", "k"], "").1, "10\n");
    let (code, output) = cli(&server, &["--bigkeys"], "");
    assert_eq!(code, Some(0));
    assert!(
        output.contains("Biggest string found '\"k\"' has 10 bytes"),
        "{output}"
    );
}

#[test]
fn nobody_there_is_said_and_ends_with_one() {
    let port = crate::process::free_port().to_string();
    let ended = Process::start(OCHRE.as_ref(), "redis-cli", &["-p", &port, "ping"], "").end();
    let expected = format!("Could not connect to Redis at 127.0.0.1:{port}: Connection refused\n");
    assert_eq!((ended.code, ended.output), (Some(1), expected));
}

/// Somebody who answers whatever is asked with the same bytes.
fn impostor(answer: impl Fn(u16) -> Vec<u8>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = answer(port);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            std::thread::spawn(move || {
                let mut asked = [0; 4096];
                while matches!(stream.read(&mut asked), Ok(1..)) {
                    // Whoever has heard enough hangs up.
                    if stream.write_all(&answer).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn bad_replies_end_with_a_clear_message() {
    let deep = |_| b"*1\r\n".repeat(100_000);
    let huge = |_| b"$2147483648\r\nshort\r\n".to_vec();
    let loops = |port| format!("-MOVED 1 127.0.0.1:{port}\r\n").into_bytes();
    let page = |_| b"HTTP/1.1 400 Bad Request\r\n".to_vec();
    let escapes = |_| b"$6\r\na\x1b[2Jb\r\n".to_vec();
    let run = |port: u16, options: &[&str]| {
        let port = port.to_string();
        let args = [&["-p", port.as_str()], options, &["ping"]].concat();
        let ended = Process::start(OCHRE.as_ref(), "redis-cli", &args, "").end();
        (ended.code, ended.output)
    };
    let (code, output) = run(impostor(deep), &[]);
    assert_eq!(code, Some(1));
    assert!(output.contains("nested too deeply"), "{output}");
    let (code, output) = run(impostor(page), &[]);
    let expected = "Error: Protocol error, got \"H\" as reply type byte\n";
    assert_eq!((code, output.as_str()), (Some(1), expected));
    let (code, output) = run(impostor(loops), &["-c"]);
    assert_eq!(code, Some(0));
    assert!(output.contains("they disagree"), "{output}");
    let (_, output) = run(impostor(escapes), &["--no-raw"]);
    assert_eq!(output, "\"a\\x1b[2Jb\"\n");
    // Nothing is reserved for what was merely announced, and Ctrl-C or a kill ends the wait.
    let port = impostor(huge).to_string();
    let mut waiting = Process::start(OCHRE.as_ref(), "redis-cli", &["-p", &port, "ping"], "");
    wait_until("the reply is awaited", || memory_kib(&waiting) > 0);
    assert!(!waiting.has_ended() && memory_kib(&waiting) < 100_000);
}

/// The memory a program holds, of all kinds.
fn memory_kib(process: &Process) -> u64 {
    let path = format!("/proc/{}/status", process.id().as_raw_nonzero());
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    number.unwrap_or(0)
}

/// A program at a terminal.
struct Typist {
    child: Child,
    keys: ChildStdin,
    folder: Folder,
    /// How much was written when a key was pressed last.
    seen: usize,
}

impl Typist {
    fn start(server: &Server, args: &str) -> Typist {
        let folder = Folder::new();
        let command = format!(
            "stty cols 80 rows 24; exec {OCHRE} cli -p {} {args}",
            server.port
        );
        let mut child = Command::new("script")
            .args(["-qefc", &command, "/dev/null"])
            .env("HOME", folder.root())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("REDISCLI_HISTFILE")
            .env_remove("REDISCLI_RCFILE")
            .stdin(Stdio::piped())
            .stdout(File::create(folder.path("screen")).unwrap())
            .spawn()
            .expect("util-linux has `script`");
        let keys = child.stdin.take().unwrap();
        Typist {
            child,
            keys,
            folder,
            seen: 0,
        }
    }

    /// What was written so far, without colours and without what moves the cursor.
    fn screen(&self) -> String {
        let written = std::fs::read(self.folder.path("screen")).unwrap();
        let written = String::from_utf8_lossy(&written).into_owned();
        let mut parts = written.split('\x1b');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|letter: char| letter.is_ascii_alphabetic());
            text += &part[end.map_or(part.len(), |end| end + 1)..];
        }
        text
    }

    #[track_caller]
    fn sees(&self, text: &str) {
        wait_until(&format!("the screen shows {text:?}"), || {
            self.screen().contains(text)
        });
    }

    /// Types once the program has done what was typed before and waits for a line.
    #[track_caller]
    fn answers(&mut self, keys: &str) {
        wait_until("the program waits for a line", || {
            let screen = self.screen();
            let waits = screen.trim_end_matches('\r').ends_with("> ");
            screen.len() > self.seen && waits
        });
        self.types(keys);
    }

    fn types(&mut self, keys: &str) {
        self.seen = self.screen().len();
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn history(&self) -> PathBuf {
        self.folder.path(".rediscli_history").into()
    }

    #[track_caller]
    fn ends_with(&mut self, code: i32) {
        wait_until("the program ends", || {
            self.child.try_wait().unwrap().is_some()
        });
        assert_eq!(self.child.wait().unwrap().code(), Some(code));
    }
}

impl Drop for Typist {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_person_is_prompted_hinted_and_answered() {
    let server = Server::start(&[]);
    let prompt = format!("127.0.0.1:{}", server.port);
    let mut typist = Typist::start(&server, "");
    typist.sees(&format!("{prompt}> "));
    typist.types("getrange k ");
    typist.sees("start end");
    typist.types("0 -1\r");
    typist.sees("\"\"");
    typist.answers("select 2\r");
    typist.sees(&format!("{prompt}[2]> "));
    typist.answers("multi\r");
    typist.sees(&format!("{prompt}[2](TX)> "));
    typist.answers("discard\r");
    typist.answers("config resets\t\r");
    typist.sees("CONFIG RESETSTAT");
    typist.answers("help strlen\r");
    typist.sees("summary:");
    typist.answers("auth secret-word\r");
    typist.sees("(error) ERR AUTH");
    // Up to the line before the last, and once more.
    typist.answers("echo again-and-again\r");
    typist.sees("\"again-and-again\"");
    typist.answers("\x1b[A\r");
    wait_until("the line before is typed again", || {
        typist.screen().matches("\"again-and-again\"").count() == 2
    });
    typist.answers("\x03");
    typist.ends_with(0);
    let history = std::fs::read_to_string(typist.history()).unwrap();
    assert!(history.contains("echo again-and-again") && !history.contains("secret-word"));
    let mode = std::fs::metadata(typist.history())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_subscriber_sees_messages_and_goes_on_typing() {
    let server = Server::start(&[]);
    let mut typist = Typist::start(&server, "");
    typist.types("subscribe news\r");
    typist.sees("Reading messages...");
    let port = server.port;
    cli(&server, &["publish", "news", "it-rains"], "");
    typist.sees("3) \"it-rains\"");
    typist.types("x");
    typist.sees(&format!("127.0.0.1:{port}(subscribed mode)> "));
    typist.types("\x15reset\r");
    typist.sees("RESET");
    typist.answers("monitor\r");
    typist.sees("OK");
    typist.types("\x03");
    typist.answers("echo back-again\r");
    typist.sees("\"back-again\"");
    typist.answers("blpop nothing 0\r");
    wait_until("the client is blocked", || {
        cli(&server, &["info", "clients"], "")
            .1
            .contains("blocked_clients:1")
    });
    typist.types("\x03");
    typist.answers("exit\r");
    typist.ends_with(0);
}

#[test]
fn the_live_screen_draws_and_ends() {
    let server = Server::start(&[]);
    let mut typist = Typist::start(&server, "--top -i 0.1");
    typist.sees("requests/s");
    typist.sees("slow");
    typist.types("q");
    typist.ends_with(0);
}
