//! Programs started for a test.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::Wire;

/// The program under test.
pub const OCHRE: &str = env!("CARGO_BIN_EXE_ochre");

/// Longer than anything here takes on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a condition.
const GLANCE: Duration = Duration::from_millis(2);

/// Waits until `condition` holds.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(GLANCE);
    }
}

/// A folder of one's own, gone when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ochre-it-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub fn root(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind is no reason to fail.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    /// What it wrote to the standard output, then to the standard error.
    pub output: String,
}

/// A running program, ended when dropped.
pub struct Process {
    child: Child,
    pub folder: Folder,
}

impl Process {
    /// Starts `program` under the name `called`. `input` becomes its standard input.
    pub fn start(program: &Path, called: &str, args: &[&str], input: &str) -> Process {
        let folder = Folder::new();
        let input = File::open(folder.file("stdin", input)).unwrap();
        let output = |name: &str| File::create(folder.path(name)).unwrap();
        let child = Command::new(program)
            .arg0(called)
            .args(args)
            .current_dir(folder.root())
            .stdin(input)
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .spawn()
            .unwrap();
        Process { child, folder }
    }

    pub fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub fn output(&self) -> String {
        ["stdout", "stderr"]
            .map(|name| fs::read_to_string(self.folder.path(name)).unwrap_or_default())
            .concat()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the program's own end.
    pub fn end(&mut self) -> Ended {
        wait_until("the program ends", || self.has_ended());
        Ended {
            code: self.child.wait().unwrap().code(),
            output: self.output(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs the program to its end.
pub fn run(args: &[&str]) -> Ended {
    Process::start(OCHRE.as_ref(), "ochre", args, "").end()
}

/// Ports below those that systems give to outgoing connections, of which the crowd makes many, and
/// below those that Redis's own suite takes.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// So many of them belong together. Whoever listens on the first has the others for its own.
const BLOCK: u16 = 50;

/// The ports that this process has for its own.
struct Claim {
    guards: Vec<TcpListener>,
    rest: std::ops::Range<u16>,
}

static CLAIM: Mutex<Claim> = Mutex::new(Claim {
    guards: Vec::new(),
    rest: 0..0,
});

impl Claim {
    fn extend(&mut self) {
        let blocks = PORTS.len() as u32 / u32::from(BLOCK);
        // Processes that were started one after the other begin at different ones.
        let mut numbers = (0..blocks).map(|number| (std::process::id() + number) % blocks);
        let (first, guard) = numbers
            .find_map(|number| {
                let first = PORTS.start + number as u16 * BLOCK;
                Some((first, TcpListener::bind(("0.0.0.0", first)).ok()?))
            })
            .expect("a block that nobody has");
        self.guards.push(guard);
        self.rest = first + 1..first + BLOCK;
    }
}

/// A port on which nobody listens, and no other test will.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of so many such neighbours.
pub fn free_ports(count: u16) -> u16 {
    assert!(count < BLOCK, "more neighbours than belong together");
    let mut claim = CLAIM.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if claim.rest.len() < usize::from(count) {
            claim.extend();
        }
        let first = claim.rest.start;
        claim.rest.start += count;
        let is_free = |port| TcpListener::bind(("0.0.0.0", port)).is_ok();
        if (first..first + count).all(is_free) {
            return first;
        }
    }
}

/// A server that is ready.
pub struct Server {
    pub process: Process,
    pub port: u16,
}

impl Server {
    /// Starts a server with these directives besides a port.
    pub fn start(directives: &[&str]) -> Server {
        Server::start_as("ochre", &["server"], directives, "")
    }

    /// Starts a server under the name `called`, with the words `first` before the port and those
    /// of `directives` behind it.
    pub fn start_as(called: &str, first: &[&str], directives: &[&str], input: &str) -> Server {
        loop {
            let port = free_port();
            let number = port.to_string();
            let port_words = ["--port", number.as_str(), "--save", ""];
            let args = [first, &port_words, directives].concat();
            let mut process = Process::start(OCHRE.as_ref(), called, &args, input);
            if is_ready(&mut process) {
                return Server { process, port };
            }
        }
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(("127.0.0.1", self.port))
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.process.id(), signal).unwrap();
    }

    /// Waits for a line of the log.
    #[track_caller]
    pub fn wait_for_line(&self, text: &str) {
        wait_until(text, || self.process.output().contains(text));
    }
}

/// Waits until a server serves. It does not if somebody else took its port meanwhile.
fn is_ready(process: &mut Process) -> bool {
    let mut ended = false;
    wait_until("the server is ready", || {
        ended = process.has_ended();
        ended || process.output().contains("Ready to accept connections")
    });
    if ended {
        let output = process.output();
        assert!(output.contains("Address already in use"), "{output}");
    }
    !ended
}
