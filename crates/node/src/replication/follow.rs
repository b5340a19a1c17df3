//! Following a primary, but for the socket: what arrives is given to the machine, and what that
//! says is done with it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use ::replication::{Cutter, Input, Loaded, Output, Way};
use engine::Engine;
use engine::clients::{ClientFlags, Endpoints};
use engine::replication::Stream;
use keyspace::{DbIndex, ShardSet};

use super::carried::Carried;
use super::copy::{Copied, FileCopy, Finished, Incoming, Outcome, Pipe, Task};
use super::link::Link;
use super::{Replication, holds_data};

/// The mark behind a copy whose length was not told.
const MARK_LEN: usize = 40;

/// Looks after one link. What it is told and tells is of this link alone.
pub struct Follower {
    replication: Arc<Replication>,
    engine: Arc<Engine>,
    link: Arc<Link>,
    endpoints: Endpoints,
    seed: u64,
    cutter: Cutter,
    /// What comes of the log with a copy, and behind it, waits here until that is loaded.
    carried: Carried,
    /// The log comes with the copy.
    carries_log: bool,
    /// Units that are applied in one go.
    units: Vec<u8>,
    /// A unit that asks how far this node is.
    question: Vec<u8>,
    stream: Option<Stream>,
    incoming: Option<Incoming>,
    tasks: Vec<Task>,
    /// What is under way on other threads is to be given up.
    is_called_off: Arc<AtomicBool>,
    /// A copy is looked at or loaded. Nothing is read meanwhile, unless the log comes with it.
    is_busy: bool,
    /// A copy that was loaded while it arrived.
    loaded: Option<Result<Copied, String>>,
}

impl Follower {
    pub fn new(
        replication: &Arc<Replication>,
        engine: &Arc<Engine>,
        link: &Arc<Link>,
        seed: u64,
    ) -> Follower {
        Follower {
            replication: Arc::clone(replication),
            engine: Arc::clone(engine),
            link: Arc::clone(link),
            endpoints: Endpoints::default(),
            seed,
            cutter: Cutter::default(),
            carried: Carried::new(engine),
            carries_log: false,
            units: Vec::new(),
            question: Vec::new(),
            stream: None,
            incoming: None,
            tasks: Vec::new(),
            is_called_off: Arc::default(),
            is_busy: false,
            loaded: None,
        }
    }

    /// The socket is connected.
    pub fn connect(&mut self, endpoints: Endpoints) {
        self.endpoints = endpoints;
        let link = self.link.id;
        self.tell(Input::Connected { link });
    }

    /// The link could not be made, or broke.
    pub fn lose(&mut self, why: &str) {
        let link = self.link.id;
        self.tell(Input::LinkLost { link, why });
    }

    /// Takes in what has arrived.
    pub fn receive(&mut self, bytes: &[u8]) {
        let link = self.link.id;
        let bytes_in = &self.engine.standing.syncs.bytes_in;
        bytes_in.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let work = self.take_in(Input::FromPrimary { link, bytes });
        self.perform(work, bytes);
        self.apply();
    }

    /// Whether more may be read. If not, `waker` is woken when it may, or [`Follower::finish`]
    /// says so.
    pub fn may_read(&self, waker: &Waker) -> bool {
        match &self.incoming {
            _ if self.is_busy => self.carries_log,
            // The primary keeps what this node does not keep up with.
            _ if self.has_carried() => false,
            Some(Incoming::Direct(pipe)) => pipe.has_room(waker),
            _ => true,
        }
    }

    /// Whether a copy that is here is looked at or loaded, or what came with it is not yet applied.
    /// Even if the link breaks now, all of it is of use.
    pub fn is_catching_up(&self) -> bool {
        self.is_busy || self.has_carried()
    }

    /// Whether [`Follower::apply_carried`] has anything to do.
    pub fn has_carried(&self) -> bool {
        !self.carried.is_empty() && self.replication.is_online()
    }

    /// Applies some of what came with a copy. Returns how many bytes that was.
    pub fn apply_carried(&mut self) -> usize {
        let Some(bytes) = self.carried.pop() else {
            return 0;
        };
        self.cutter.push(&bytes);
        self.apply();
        bytes.len()
    }

    /// Whether an operator has closed the link as a client's.
    pub fn is_killed(&self) -> bool {
        let stream = self.stream.as_ref();
        stream.is_some_and(|stream| stream.client().has(ClientFlags::KILLED))
    }

    /// Has `waker` woken when [`Follower::is_killed`] should be asked.
    pub fn set_waker(&self, waker: &Waker) {
        if let Some(stream) = &self.stream {
            stream.client().set_waker(waker);
        }
    }

    /// What is to be run on other threads.
    pub fn take_tasks(&mut self) -> Vec<Task> {
        std::mem::take(&mut self.tasks)
    }

    /// A task was run to its end.
    pub fn finish(&mut self, finished: Finished) {
        let link = self.link.id;
        match finished.0 {
            Outcome::Inspected { copy, holds_keys } => match holds_keys {
                Ok(holds_keys) => {
                    self.incoming = Some(Incoming::File(copy));
                    let is_empty = !holds_keys;
                    let work = self.take_in(Input::Inspected { link, is_empty });
                    self.perform(work, &[]);
                }
                Err(why) => {
                    let what = format!("its copy of the data, {why}");
                    self.tell(Input::Corrupt { link, what: &what });
                }
            },
            Outcome::Loaded(result) => {
                self.loaded = Some(result);
                if self.is_busy {
                    self.finish_load();
                }
            }
        }
        self.apply();
    }

    /// The copy is the data: the log goes on where it was taken, before anybody can see it.
    fn finish_load(&mut self) {
        let Some(copied) = self.loaded.take() else {
            return;
        };
        let link = self.link.id;
        self.is_busy = false;
        self.incoming = None;
        let mut all = self.engine.keyspace.lock(ShardSet::ALL);
        let result = match &copied {
            Ok(_) => Loaded::Whole,
            Err(why) => Loaded::Failed(why),
        };
        let mut work = Vec::new();
        let input = Input::Loaded { link, result };
        self.replication
            .take_in(&self.engine, input, &mut Vec::new(), &mut work);
        if let Ok(copied) = copied
            && !self.link.is_closed()
        {
            let db = DbIndex(copied.history.stream_db.unwrap_or(0));
            self.engine.log.append_stream(&[], db);
            if let Some(beside) = copied.beside {
                self.engine.take_over(&mut all, beside.keyspace);
                drop(beside.hold);
            }
            drop(copied.pause);
        }
        drop(all);
        self.perform(work, &[]);
    }

    fn take_in(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut work = Vec::new();
        self.replication
            .take_in(&self.engine, input, &mut Vec::new(), &mut work);
        work
    }

    fn tell(&mut self, input: Input<'_>) {
        let work = self.take_in(input);
        self.perform(work, &[]);
    }

    /// Does what the machine said, with the bytes that it said it of.
    fn perform(&mut self, work: Vec<Output>, bytes: &[u8]) {
        for output in work {
            let done = match output {
                Output::Receive {
                    way, carries_log, ..
                } => {
                    self.carries_log = carries_log;
                    self.begin_copy(way)
                }
                Output::Copy { range, .. } => self.add_to_copy(bytes, range),
                Output::Received { trim, .. } => self.end_copy(trim),
                Output::Load { way, .. } => {
                    self.load(way);
                    Ok(())
                }
                Output::Stream { range, .. } => {
                    self.add_to_stream(&bytes[range]);
                    Ok(())
                }
                _ => unreachable!("the others are performed at once"),
            };
            if let Err(why) = done {
                self.lose(&why);
                return;
            }
        }
    }

    fn begin_copy(&mut self, way: Way) -> Result<(), String> {
        self.incoming = Some(match way {
            Way::Direct => {
                let pipe = Arc::new(Pipe::new(MARK_LEN));
                self.tasks.push(Task::load_pipe(&pipe, &self.is_called_off));
                Incoming::Direct(pipe)
            }
            Way::File | Way::Beside => {
                let copy = FileCopy::begin(&self.replication.keeper, self.link.id.0);
                let mut copy = copy.map_err(|failure| failure.to_string())?;
                if way == Way::Beside {
                    copy.tell(&self.engine);
                }
                Incoming::File(copy)
            }
        });
        Ok(())
    }

    fn add_to_copy(&mut self, bytes: &[u8], range: Range<usize>) -> Result<(), String> {
        match &mut self.incoming {
            Some(Incoming::File(copy)) => {
                let written = copy.write(&bytes[range]);
                written.map_err(|failure| failure.to_string())
            }
            Some(Incoming::Direct(pipe)) => {
                pipe.push(&bytes[range]);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn add_to_stream(&mut self, bytes: &[u8]) {
        match self.replication.is_online() && self.carried.is_empty() {
            true => self.cutter.push(bytes),
            false => self.carried.push(bytes),
        }
    }

    fn end_copy(&mut self, trim: usize) -> Result<(), String> {
        match self.incoming.take() {
            Some(Incoming::File(mut copy)) => {
                copy.trim(trim).map_err(|failure| failure.to_string())?;
                // What is here is given up for it: then it had better be whole.
                let is_thorough = holds_data(&self.engine);
                let task = Task::inspect(copy, is_thorough, &self.is_called_off);
                self.tasks.push(task);
                self.is_busy = true;
            }
            Some(Incoming::Direct(pipe)) => {
                pipe.finish(trim);
                self.incoming = Some(Incoming::Direct(pipe));
                let (link, is_empty) = (self.link.id, false);
                self.tell(Input::Inspected { link, is_empty });
            }
            None => {}
        }
        Ok(())
    }

    fn load(&mut self, way: Way) {
        self.is_busy = true;
        if way == Way::Direct {
            // It was loaded as it came, or will be in a moment.
            self.finish_load();
        } else if let Some(Incoming::File(copy)) = self.incoming.take() {
            self.tasks.push(match way {
                Way::Beside => Task::load_beside(copy, &self.is_called_off),
                Way::File | Way::Direct => Task::load_file(copy, &self.is_called_off),
            });
        }
    }

    /// Applies what has arrived of the stream.
    fn apply(&mut self) {
        if self.link.is_closed() || !self.replication.is_online() {
            return;
        }
        self.begin_stream();
        if self.cutter.pending() == 0 {
            return;
        }
        if let Err(what) = self.apply_units() {
            let link = self.link.id;
            self.tell(Input::Corrupt { link, what });
        }
        if self.replication.keeper.log_file.is_on() {
            let end = self.engine.log.offset();
            self.replication.keeper.flush(&self.engine, end);
        }
    }

    /// The primary is a client that is seen, and may be killed, before it has sent anything.
    fn begin_stream(&mut self) {
        if self.stream.is_none() {
            let db = self.engine.log.followed_db().unwrap_or_default();
            let stream = Stream::begin(&self.engine, self.endpoints.clone(), db, self.seed);
            self.link.set_client(stream.client());
            self.stream = Some(stream);
        }
    }

    fn apply_units(&mut self) -> Result<(), &'static str> {
        let link = self.link.id;
        loop {
            self.units.clear();
            let mut asks_ack = false;
            // A unit that asks is applied alone: it is answered with where it begins.
            while let Some(unit) = self.cutter.next_unit().map_err(|corrupt| corrupt.0)? {
                if unit.asks_ack {
                    asks_ack = true;
                    self.question.clear();
                    self.question.extend_from_slice(unit.bytes);
                    break;
                }
                self.units.extend_from_slice(unit.bytes);
            }
            if !self.units.is_empty() {
                self.apply_to_data()?;
                let ack_asked = None;
                self.tell(Input::Applied { link, ack_asked });
            }
            if !asks_ack {
                return Ok(());
            }
            let offset = self.engine.log.offset();
            std::mem::swap(&mut self.units, &mut self.question);
            self.apply_to_data()?;
            let ack_asked = Some(offset);
            self.tell(Input::Applied { link, ack_asked });
        }
    }

    fn apply_to_data(&mut self) -> Result<(), &'static str> {
        let stream = self.stream.as_mut().expect("it was begun above");
        let applied = stream.apply(&self.engine, &self.units);
        applied.map_err(|_| "not whole commands")
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.is_called_off.store(true, Ordering::Release);
        if let Some(Incoming::Direct(pipe)) = &self.incoming {
            pipe.break_off();
        }
        if let Some(stream) = self.stream.take() {
            stream.end(&self.engine);
        }
    }
}
