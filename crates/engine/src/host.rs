//! What the engine needs from the outside: clocks, the machine's figures, and what only a program
//! can do. The server implements it with the real world, tests with a virtual one.

use config::{Config, Effect};

/// The outside, as far as the engine may know it.
pub trait Host: Send + Sync {
    /// Microseconds of Unix time.
    fn unix_micros(&self) -> i64;

    /// Nanoseconds of a clock that never goes back. Read twice for every command.
    fn monotonic_nanos(&self) -> u64;

    /// Runs something that may take long, in a way that does not keep other sessions waiting.
    fn run_long(&self, run: &mut dyn FnMut());

    /// Memory, in bytes.
    fn memory(&self) -> Memory;

    /// The bytes of [`Memory::used`], cheaply enough to be asked before every command.
    fn memory_used(&self) -> u64 {
        self.memory().used
    }

    /// What the process is and runs on.
    fn process(&self) -> Process;

    /// Processor time of the process, in seconds.
    fn cpu(&self) -> Cpu;

    /// Carries out a change of the configuration. An error undoes the change.
    fn apply(&self, old: &Config, changed: &Config, effects: &[Effect]) -> Result<(), String>;

    /// Writes the configuration to the file it came from. With `force_all`, directives are written
    /// that the file does not have and that say the default.
    fn rewrite_config(&self, config: &Config, force_all: bool) -> Result<(), RewriteError>;

    /// Ends the program once the replies under way are written. An error leaves it running.
    fn shut_down(&self, how: Shutdown) -> Result<(), ShutdownFailed>;

    /// Calls off a shutdown that still waits. Returns whether there was one.
    fn abort_shutdown(&self) -> bool;

    /// Ends the program here and now, as the crash that `DEBUG` was asked for.
    fn crash(&self, how: Crash);

    /// Blocks the calling thread.
    fn sleep(&self, micros: u64);

    /// Gives freed memory back to the system.
    fn purge_memory(&self);

    /// Writes a line to the program's log.
    fn log(&self, level: LogLevel, line: &str);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

/// Why the configuration could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewriteError {
    /// The server was started without a file.
    NoFile,
    /// The operating system's words.
    Failed(String),
}

/// What `SHUTDOWN` was asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shutdown {
    pub save: Option<bool>,
    pub now: bool,
    pub force: bool,
}

/// The data could not be saved; the program's log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownFailed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    Abort,
    Exit,
    Panic,
    Restart,
    Segfault,
}

/// Bytes of memory, as the allocator and the system see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Asked of the allocator.
    pub used: u64,
    pub used_peak: u64,
    /// When the program had started and held no data.
    pub startup: u64,
    pub resident: u64,
    pub allocator_active: u64,
    pub allocator_resident: u64,
    pub allocator: &'static str,
    /// Of the machine.
    pub system: u64,
}

/// Processor time in seconds, by the system for the process and for children.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cpu {
    pub system: f64,
    pub user: f64,
    pub children_system: f64,
    pub children_user: f64,
    pub main_thread_system: f64,
    pub main_thread_user: f64,
}

/// What does not change while the program runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    pub id: u32,
    pub os: String,
    pub executable: String,
    pub config_file: String,
    pub tcp_port: u16,
    pub io_threads: usize,
    pub poller: &'static str,
}
