//! A copy of the primary's data, from the link into the keyspace.
//!
//! ```text
//!   File      link ─▶ temp file ─▶ looked at ─▶ the data goes ─▶ loaded
//!   Direct    link ─▶ Pipe ─────────────────────────────────────▶ loaded
//!   Beside    link ─▶ temp file ─▶ looked at ─▶ loaded beside the data ─▶ the data goes
//! ```

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use engine::Engine;
use keyspace::Keyspace;
use parking_lot::{Condvar, Mutex};

use super::{Replication, SavedHistory};
use crate::keeper::{Keeper, LogPause};
use crate::load::{self, Crew, Source};
use crate::storage::{Failure, File, remove_if_there, write_all};

/// Bytes of a copy that wait to be loaded before the link is not read any further.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// Looks at whether a snapshot was given up are so far apart.
const LOOK_MICROS: u64 = 1_000;

/// Where a copy goes while it arrives.
pub(super) enum Incoming {
    File(FileCopy),
    Direct(Arc<Pipe>),
}

/// A copy in a file, which goes with it.
pub(super) struct FileCopy {
    file: Box<dyn File>,
    len: u64,
    keeper: Arc<Keeper>,
    path: String,
    /// Told that the copy is on its way, if it is to be loaded beside the data.
    told: Option<Arc<Engine>>,
}

impl FileCopy {
    pub fn begin(keeper: &Arc<Keeper>, number: u64) -> Result<FileCopy, Failure> {
        let path = format!("temp-{number}.{}.rdb", keeper.process);
        Ok(FileCopy {
            file: keeper.storage.create(&path)?,
            len: 0,
            keeper: Arc::clone(keeper),
            path,
            told: None,
        })
    }

    /// Has it be known that this is on its way, for as long as it is there.
    pub fn tell(&mut self, engine: &Arc<Engine>) {
        engine.persistence.begin_copy_beside(engine.now());
        self.told = Some(Arc::clone(engine));
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        write_all(self.file.as_ref(), bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    pub fn trim(&mut self, bytes: usize) -> Result<(), Failure> {
        self.len = self.len.saturating_sub(bytes as u64);
        match bytes {
            0 => Ok(()),
            _ => self.keeper.storage.truncate(&self.path, self.len),
        }
    }
}

impl Drop for FileCopy {
    fn drop(&mut self) {
        if let Some(engine) = &self.told {
            engine.persistence.end_copy_beside();
        }
        // It takes space, but does no harm, and the next start removes it.
        drop(remove_if_there(self.keeper.storage.as_ref(), &self.path));
    }
}

/// What takes so long that the link's task leaves it to a thread.
pub struct Task {
    what: What,
    is_called_off: Arc<AtomicBool>,
}

enum What {
    /// Look at a copy before the data gives way to it.
    Inspect {
        copy: FileCopy,
        is_thorough: bool,
    },
    LoadFile(FileCopy),
    LoadBeside(FileCopy),
    LoadPipe(Arc<Pipe>),
}

/// How a task went.
pub struct Finished(pub(super) Outcome);

pub(super) enum Outcome {
    Inspected {
        copy: FileCopy,
        holds_keys: Result<bool, String>,
    },
    Loaded(Result<Copied, String>),
}

/// A copy in memory.
pub(super) struct Copied {
    pub history: SavedHistory,
    /// It is not the data yet; until it is, no snapshot begins.
    pub beside: Option<Beside>,
    /// Until the log goes on where the copy was taken, it belongs into no file.
    pub pause: LogPause,
}

/// A second data set.
pub(super) struct Beside {
    pub keyspace: Keyspace,
    pub hold: Hold,
}

/// Holds snapshots off.
pub(super) struct Hold(Arc<Engine>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.allow_snapshots();
    }
}

impl Task {
    pub(super) fn inspect(
        copy: FileCopy,
        is_thorough: bool,
        is_called_off: &Arc<AtomicBool>,
    ) -> Task {
        Task {
            what: What::Inspect { copy, is_thorough },
            is_called_off: Arc::clone(is_called_off),
        }
    }

    pub(super) fn load_file(copy: FileCopy, is_called_off: &Arc<AtomicBool>) -> Task {
        Task {
            what: What::LoadFile(copy),
            is_called_off: Arc::clone(is_called_off),
        }
    }

    pub(super) fn load_beside(copy: FileCopy, is_called_off: &Arc<AtomicBool>) -> Task {
        Task {
            what: What::LoadBeside(copy),
            is_called_off: Arc::clone(is_called_off),
        }
    }

    pub(super) fn load_pipe(pipe: &Arc<Pipe>, is_called_off: &Arc<AtomicBool>) -> Task {
        Task {
            what: What::LoadPipe(Arc::clone(pipe)),
            is_called_off: Arc::clone(is_called_off),
        }
    }

    /// Does it, on a thread that may block.
    pub fn run(self, replication: &Replication, engine: &Arc<Engine>, crew: &dyn Crew) -> Finished {
        let Task {
            what,
            is_called_off,
        } = self;
        Finished(match what {
            What::Inspect { copy, is_thorough } => {
                let holds_keys = inspect(engine, &copy, is_thorough, is_called_off);
                Outcome::Inspected { copy, holds_keys }
            }
            What::LoadFile(copy) => {
                let opened = copy.keeper.storage.open(&copy.path);
                Outcome::Loaded(match opened {
                    Ok(reader) => {
                        let is_over = Arc::clone(&is_called_off);
                        let reader = Box::new(Interruptible { reader, is_over });
                        let source = (reader as Box<dyn Read + Send>, copy.len);
                        load_all(replication, engine, crew, source, &is_called_off)
                    }
                    Err(failure) => Err(failure.to_string()),
                })
            }
            What::LoadBeside(copy) => Outcome::Loaded(load_beside(
                replication,
                engine,
                crew,
                &copy,
                &is_called_off,
            )),
            What::LoadPipe(pipe) => {
                let reader = Box::new(PipeReader(Arc::clone(&pipe)));
                let source = (reader as Box<dyn Read + Send>, 0);
                let loaded = load_all(replication, engine, crew, source, &is_called_off);
                // What still comes of a broken copy is of no use.
                pipe.drain();
                Outcome::Loaded(loaded)
            }
        })
    }
}

fn inspect(
    engine: &Engine,
    copy: &FileCopy,
    is_thorough: bool,
    is_over: Arc<AtomicBool>,
) -> Result<bool, String> {
    let opened = copy.keeper.storage.open(&copy.path);
    let reader = opened.map_err(|failure| failure.to_string())?;
    let reader = Box::new(Interruptible { reader, is_over });
    let source = Source::new(engine, "the copy", reader);
    let found = load::holds_keys(engine, source, is_thorough);
    found.map_err(|problem| problem.to_string())
}

/// Replaces all data by a copy of so many bytes. Clients are told to wait meanwhile. After a
/// failure there is no data.
fn load_all(
    replication: &Replication,
    engine: &Engine,
    crew: &dyn Crew,
    (reader, len): (Box<dyn Read + Send>, u64),
    is_called_off: &AtomicBool,
) -> Result<Copied, String> {
    // An earlier copy may not have been given up yet.
    let _loading = replication.loading.lock();
    let pause = replication.keeper.pause_log(engine);
    engine.persistence.begin_load(engine.now(), len);
    engine.clear();
    let source = Source::new(engine, "the copy of the primary", reader);
    let loaded = load::copy(engine, crew, source, None);
    if loaded.is_err() || is_called_off.load(Ordering::Acquire) {
        engine.clear();
    }
    engine.note_loaded();
    engine.persistence.end_load();
    let copied = loaded.map(|history| Copied {
        history,
        beside: None,
        pause,
    });
    copied.map_err(|problem| problem.to_string())
}

/// Makes a second data set of a copy. The first serves on.
fn load_beside(
    replication: &Replication,
    engine: &Arc<Engine>,
    crew: &dyn Crew,
    copy: &FileCopy,
    is_called_off: &Arc<AtomicBool>,
) -> Result<Copied, String> {
    let opened = copy.keeper.storage.open(&copy.path);
    let reader = opened.map_err(|failure| failure.to_string())?;
    let is_over = Arc::clone(is_called_off);
    let reader = Box::new(Interruptible { reader, is_over });
    let source = Source::new(engine, "the copy of the primary", reader);
    let keyspace = Arc::new(engine.keyspace.sibling());
    let now = engine.now();
    engine.persistence.begin_load_beside(now, copy.len);
    let loaded = load::copy(engine, crew, source, Some(Arc::clone(&keyspace)));
    engine.persistence.end_load_beside();
    let history = loaded.map_err(|problem| problem.to_string())?;
    let keyspace = Arc::into_inner(keyspace).ok_or("a loader has not ended")?;
    let pause = replication.keeper.pause_log(engine);
    while !engine.hold_off_snapshots() {
        if is_called_off.load(Ordering::Acquire) {
            return Err("the link was closed".to_owned());
        }
        replication.call_off_snapshots(engine);
        engine.host.sleep(LOOK_MICROS);
    }
    let hold = Hold(Arc::clone(engine));
    let beside = Some(Beside { keyspace, hold });
    Ok(Copied {
        history,
        beside,
        pause,
    })
}

/// Reads until it is called off.
struct Interruptible {
    reader: Box<dyn Read + Send>,
    is_over: Arc<AtomicBool>,
}

impl Read for Interruptible {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.is_over.load(Ordering::Acquire) {
            true => Err(io::Error::other("the link was closed")),
            false => self.reader.read(into),
        }
    }
}

/// A copy on its way from the link to whoever loads it.
#[derive(Default)]
pub struct Pipe {
    state: Mutex<PipeState>,
    arrived: Condvar,
}

#[derive(Default)]
struct PipeState {
    bytes: VecDeque<u8>,
    /// Bytes at the end that may not be part of the copy.
    reserve: usize,
    is_whole: bool,
    is_broken: bool,
    /// Nobody reads any longer.
    is_unread: bool,
    waker: Option<Waker>,
}

impl Pipe {
    /// The last `reserve` bytes are kept until all is there.
    pub fn new(reserve: usize) -> Pipe {
        let pipe = Pipe::default();
        pipe.state.lock().reserve = reserve;
        pipe
    }

    pub fn push(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        if !state.is_unread {
            state.bytes.extend(bytes);
        }
        self.arrived.notify_all();
    }

    /// All is there, but for the last `trim` bytes.
    pub fn finish(&self, trim: usize) {
        let mut state = self.state.lock();
        let len = state.bytes.len().saturating_sub(trim);
        state.bytes.truncate(len);
        (state.reserve, state.is_whole) = (0, true);
        self.arrived.notify_all();
    }

    /// Nothing more will come.
    pub fn break_off(&self) {
        self.state.lock().is_broken = true;
        self.arrived.notify_all();
    }

    /// Whether more may be pushed. If not, `waker` is woken when it may.
    pub fn has_room(&self, waker: &Waker) -> bool {
        let mut state = self.state.lock();
        let has_room = state.bytes.len() < WAITING_BYTES_MAX || state.is_unread;
        if !has_room {
            state.waker = Some(waker.clone());
        }
        has_room
    }

    /// Nobody reads any longer.
    fn drain(&self) {
        let mut state = self.state.lock();
        state.is_unread = true;
        state.bytes = VecDeque::new();
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.lock();
        loop {
            if state.is_broken {
                return Err(io::Error::other("the link was closed"));
            }
            let len = state.bytes.len().saturating_sub(state.reserve);
            if len > 0 {
                let len = len.min(into.len());
                let read = io::Read::read(&mut state.bytes, &mut into[..len])?;
                if state.bytes.len() < WAITING_BYTES_MAX
                    && let Some(waker) = state.waker.take()
                {
                    waker.wake();
                }
                return Ok(read);
            }
            if state.is_whole {
                return Ok(0);
            }
            self.arrived.wait(&mut state);
        }
    }
}

struct PipeReader(Arc<Pipe>);

impl Read for PipeReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

#[cfg(test)]
mod tests;
