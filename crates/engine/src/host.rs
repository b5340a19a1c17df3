//! What the engine needs from the outside: clocks, the machine's figures, and what only a program
//! can do. The server implements it with the real world, tests with a virtual one.

use std::io;
use std::time::Duration;

use ::cluster::{NodeId, SlotSet};
use ::replication::{Input, Machine, View};
use ::sentinel::{Answer, Machine as Sentinel, View as SentinelView};
use config::{Config, Effect};

use crate::Engine;
use crate::dispatch::Worker;

/// The same moment by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub unix_micros: i64,
    /// Nanoseconds of the clock that never goes back.
    pub nanos: u64,
}

/// The outside, as far as the engine may know it.
pub trait Host: Send + Sync {
    /// Microseconds of Unix time.
    fn unix_micros(&self) -> i64;

    /// Nanoseconds of a clock that never goes back.
    fn monotonic_nanos(&self) -> u64;

    /// What both clocks say. Read for every command that runs.
    fn moment(&self) -> Moment;

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

    /// Saves all data to the snapshot file before it returns. No lock is held.
    fn save(&self, engine: &Engine) -> Result<(), SaveError>;

    /// Begins to save all data in the background; with `schedule`, later if something else is
    /// under way.
    fn save_in_background(&self, engine: &Engine, schedule: bool) -> Result<Started, Refused>;

    /// Begins to rewrite the append-only file in the background, or later if a save is under way.
    fn rewrite_log(&self, engine: &Engine) -> Result<Started, Refused>;

    /// All data was deleted on purpose: a save under way is called off. If data is saved at all,
    /// what was deleted must not come back by the snapshot file, which is written anew. `changes`
    /// are those that are not counted yet. Every lock is held.
    fn save_emptiness(&self, engine: &Engine, changes: u64);

    /// Has the save or rewrite in the background fail.
    fn fail_job(&self, engine: &Engine);

    /// Writes the snapshot file with what `produce` appends, again and again until it returns
    /// false. Locks may be held.
    fn write_snapshot(&self, produce: &mut Produce<'_>) -> Result<(), SaveError>;

    /// The snapshot file. An error is the system's words.
    fn open_snapshot(&self) -> Result<Box<dyn io::Read + Send>, String>;

    /// Replaces all data by what the append-only file holds. No lock is held. What went wrong is
    /// in the program's log.
    fn load_log(&self, engine: &Engine) -> Result<(), LoadFailed>;

    /// Tells replication what a session asks of it. What that session is sent at once comes behind
    /// `out`. Every lock is held for [`Input::ReplicaOf`], [`Input::Failover`], [`Input::Psync`]
    /// and [`Input::Sync`], and no other input but [`Input::Replconf`] comes with any; so what
    /// needs locks of its own is put off.
    fn replicate(&self, engine: &Engine, input: Input<'_>, out: &mut Vec<u8>);

    /// Lets `look` see how replication stands. Locks may be held.
    fn look_at_replication(&self, engine: &Engine, look: &mut dyn FnMut(&Machine, &View));

    /// The Sentinel that this node is, if it is one.
    fn watcher(&self) -> Option<&dyn Watcher> {
        None
    }

    /// Has the node of a cluster do what an operator asks, or says why it does not.
    fn command_cluster(
        &self,
        engine: &Engine,
        request: ClusterRequest<'_>,
    ) -> Result<ClusterReply, Refusal>;

    /// Lets `look` see how the cluster stands. Locks may be held.
    fn look_at_cluster(
        &self,
        engine: &Engine,
        look: &mut dyn FnMut(&cluster::Machine, &cluster::View),
    );

    /// Who moves slots as a whole, if the node is one of a cluster.
    fn slot_mover(&self) -> Option<&dyn SlotMover> {
        None
    }

    /// Has the other nodes of a cluster, or those of the channel's shard, hear a message.
    fn publish_on_bus(&self, engine: &Engine, message: BusMessage<'_>);

    /// Connects to another server, whose replies are waited for so long. An error is the system's.
    fn dial(&self, host: &str, port: u16, timeout: Duration) -> Result<Box<dyn Wire>, DialError>;

    /// Ends the program here and now, as the crash that `DEBUG` was asked for.
    fn crash(&self, how: Crash);

    /// Blocks the calling thread.
    fn sleep(&self, micros: u64);

    /// Gives freed memory back to the system.
    fn purge_memory(&self);

    /// Writes a line to the program's log.
    fn log(&self, level: LogLevel, line: &str);
}

/// A Sentinel, as its clients may know it.
pub trait Watcher {
    /// Does what `SENTINEL` asks for. `words` are those behind that.
    fn ask(&self, engine: &Engine, words: &[&[u8]]) -> Answer;

    /// Another Sentinel tells of itself.
    fn hear(&self, engine: &Engine, hello: &[u8]);

    /// Lets `look` see what is watched.
    fn look(&self, engine: &Engine, look: &mut dyn FnMut(&Sentinel, &SentinelView));
}

/// Moves slots with all their keys to another node, and receives them. Every lock may be held, but
/// for [`SlotMover::receive`], which takes some.
pub trait SlotMover {
    /// Begins to move slots away. What is asked for has been found possible.
    fn begin_exports(&self, engine: &Engine, moves: Vec<SlotMove>);

    /// Calls off whatever moves away.
    fn cancel_exports(&self, engine: &Engine);

    /// The slots that move away.
    fn leaving(&self) -> Vec<u16>;

    /// What moves, and what has moved lately, the latest first.
    fn rows(&self, engine: &Engine) -> Vec<SlotMoveRow>;

    /// Begins to receive slots, which are hidden.
    fn begin_import(&self, engine: &Engine, name: &str, import: SlotImport) -> Result<(), Refusal>;

    /// Applies commands about keys of these slots.
    fn receive(
        &self,
        engine: &Engine,
        worker: &mut Worker,
        name: &str,
        commands: &[u8],
    ) -> Result<(), Refusal>;

    /// Ends a migration whose slots are to be taken now: what it was about.
    fn finish_import(&self, engine: &Engine, name: &str) -> Result<SlotImport, Refusal>;

    /// How it ended: what is not taken goes.
    fn note_taken(&self, engine: &Engine, name: &str, refused: Option<&Refusal>);

    /// Gives a migration up.
    fn drop_import(&self, engine: &Engine, name: &str);
}

/// Slots that are to move, and where to.
#[derive(Clone, Debug)]
pub struct SlotMove {
    pub slots: SlotSet,
    pub to: NodeId,
}

/// Slots that come, and from where.
#[derive(Clone, Debug)]
pub struct SlotImport {
    pub slots: SlotSet,
    pub from: NodeId,
}

/// A migration, as operators are shown it. Times are in seconds of Unix time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotMoveRow {
    pub name: String,
    pub is_import: bool,
    pub slots: SlotSet,
    pub target: NodeId,
    pub source: NodeId,
    pub created: i64,
    pub updated: i64,
    pub acknowledged: i64,
    pub state: &'static str,
    pub message: String,
    /// Bytes of the log that the target was not sent.
    pub unsent: u64,
}

/// What an operator asks of a node of a cluster.
#[derive(Debug)]
pub struct ClusterRequest<'a> {
    pub command: cluster::Command<'a>,
    /// Whether there is any key. Of matter to commands that are refused then.
    pub holds_keys: bool,
    /// Whether every lock is held. If not, a change of the role is put off.
    pub holds_locks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterReply {
    pub answer: cluster::Answer,
    /// The caller is to delete all data.
    pub deletes_all: bool,
}

/// Why the node of a cluster does not do what it was asked.
pub type Refusal = cluster::Refused;

/// A message of a channel.
#[derive(Clone, Copy, Debug)]
pub struct BusMessage<'a> {
    pub channel: &'a [u8],
    pub message: &'a [u8],
    pub sharded: bool,
}

/// A connection to another server, to be written to and read from with a limit of time.
pub trait Wire: io::Read + io::Write + Send {
    /// How long what is read or written may take from now on.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialError {
    /// The name leads nowhere.
    NoAddress,
    /// Nobody answers there.
    NoAnswer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

/// Appends a piece of a snapshot, and returns whether there is more.
pub type Produce<'a> = dyn FnMut(&mut Vec<u8>) -> bool + 'a;

/// Why data could not be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// A save is under way in the background.
    Busy,
    /// The file could not be written; the program's log says why.
    Failed,
}

/// When that begins which was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    Now,
    /// Once what is under way is over.
    Later,
}

/// Why nothing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A save is under way in the background.
    Saving,
    /// A rewrite of the append-only file is under way.
    Rewriting,
    /// It could not be begun; the program's log says why.
    Failed,
}

/// The data could not be loaded; the program's log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadFailed;

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
