//! One migration that leaves: the connection to the target, and what the machine wants done on it.
//!
//! A thread of its own runs it, and may wait: for the target, for locks, for time.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use ::cluster::migration::{Event, TAKE_WITHIN_MS, Task};
use ::cluster::{Command, NodeId, SlotSet};
use engine::Engine;
use engine::cluster::{LargeCopies, Touched};
use engine::host::{ClusterRequest, DialError, LogLevel, Wire};
use engine::log::Reader;
use resp::reply::write_request;
use resp::request::{Batch, Limits, Parser};

use super::mover::Job;
use super::{Cluster, now_ms};

/// About as much is sent in one piece.
const PIECE_BYTES: usize = 64 << 10;

/// So many pieces are under way without an answer.
const PIECES_AHEAD: usize = 4;

/// How often it is looked whether a snapshot has ended.
const SNAPSHOT_LOOK_MICROS: u64 = 20_000;

/// So many times as long as a piece takes nothing is done behind it: the target may have clients.
const RESTS: u64 = 2;

/// The same while this node has clients, who lose what the copy takes where cores are few.
const RESTS_BESIDE_CLIENTS: u64 = 5;

/// A shorter rest is put off. A longer one might be taken for the end of this node.
const REST_NANOS_MIN: u64 = 1_000_000;
const REST_NANOS_MAX: u64 = 1_000_000_000;

/// Bytes of the log that are looked at in one go.
const LOG_BYTES: usize = 1 << 20;

/// How long the target may take for one piece.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest wait for the sake of one slot.
const PAUSE_MICROS_MAX: u64 = 1_000_000;

/// The longest answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Why a task is not done.
enum Failure {
    /// The target has said no.
    Refused(String),
    /// The target is busy yet.
    Busy,
    Lost(String),
    /// Something has happened to the slots.
    Spoilt(&'static str),
}

type Outcome = Result<Event<'static>, Failure>;

/// A migration being run.
pub(super) struct Exporter<'a> {
    engine: &'a Engine,
    cluster: &'a Cluster,
    job: &'a Arc<Job>,
    me: NodeId,
    wire: Option<Target>,
    feed: Option<Feed>,
    /// The slots that are still to be copied, the next last.
    uncopied: Vec<u16>,
    /// Of these, those with large collections that wait for the end of a snapshot.
    held_up: Vec<u16>,
    /// Large collections of the slot that was copied last.
    large: Option<LargeCopies<'a>>,
    /// Of which offset of the log the copy of each slot is.
    copied: BTreeMap<u16, u64>,
    /// Whole commands that are still to be sent.
    outbox: Vec<u8>,
    /// How much rest is due.
    rest_nanos: u64,
    holds: bool,
}

/// The log, read from where the first copy was taken.
struct Feed {
    reader: Reader,
    /// What was read and is not a whole command yet, and where in the log it begins.
    tail: Vec<u8>,
    tail_at: u64,
}

/// The connection to the target.
struct Target {
    wire: Box<dyn Wire>,
    unread: Vec<u8>,
    unanswered: usize,
}

impl<'a> Exporter<'a> {
    pub fn new(
        engine: &'a Engine,
        cluster: &'a Cluster,
        job: &'a Arc<Job>,
        me: NodeId,
    ) -> Exporter<'a> {
        let mut uncopied: Vec<u16> = job.slots.iter().collect();
        uncopied.reverse();
        Exporter {
            engine,
            cluster,
            job,
            me,
            wire: None,
            feed: None,
            uncopied,
            held_up: Vec::new(),
            large: None,
            copied: BTreeMap::new(),
            outbox: Vec::new(),
            rest_nanos: 0,
            holds: false,
        }
    }

    /// Runs the migration to its end.
    pub fn run(&mut self) {
        loop {
            if !self.engine.owns_slots(self.me, &self.job.slots) {
                let why = "The slots are not this node's any more";
                self.job.with(self.engine, |export| export.spoil(why));
            }
            let now = now_ms(self.engine);
            let task = self.job.with(self.engine, |export| export.task(now));
            let outcome = match task {
                Task::End => break,
                Task::Wait { ms } => {
                    self.engine.host.sleep(ms * 1000);
                    continue;
                }
                task => self.perform(task),
            };
            self.note(outcome);
        }
        if let Some(feed) = self.feed.take() {
            self.engine.log.unsubscribe(feed.reader);
        }
    }

    fn note(&mut self, outcome: Outcome) {
        let (engine, now) = (self.engine, now_ms(self.engine));
        self.job.with(engine, |export| match &outcome {
            Ok(event) => export.note(now, *event),
            Err(Failure::Refused(why)) => export.note(now, Event::Refused(why)),
            Err(Failure::Busy) => export.note(now, Event::Busy),
            Err(Failure::Lost(why)) => export.note(now, Event::Lost(why)),
            Err(Failure::Spoilt(why)) => drop(export.spoil(why).then_some(())),
        });
        let unsent = match &self.feed {
            Some(feed) => engine.log.offset().saturating_sub(feed.tail_at),
            None => 0,
        };
        let mut state = self.job.state.lock();
        state.row.unsent = unsent;
        if outcome.is_ok() {
            state.row.acknowledged = engine.now().0 / 1000;
        }
    }

    fn perform(&mut self, task: Task) -> Outcome {
        match task {
            Task::Connect => self.connect(),
            Task::Copy => self.copy(),
            Task::Follow => {
                let bytes = self.follow()?;
                self.confirm()?;
                Ok(Event::Followed { bytes })
            }
            Task::Hold => {
                self.engine.hold_slots(&self.job.slots);
                self.holds = true;
                Ok(Event::Held)
            }
            Task::Drain => self.drain(),
            Task::Take => self.take(),
            Task::Ask => self.ask(),
            Task::Give => self.give(),
            Task::RollBack { reclaims } => self.roll_back(reclaims),
            Task::Wait { .. } | Task::End => unreachable!("there is nothing to do"),
        }
    }

    fn connect(&mut self) -> Outcome {
        let mut target = Target::dial(self.engine, self.job.to)?;
        let ranges = range_words(&self.job.slots);
        let from = self.me.to_string();
        let mut words = vec!["CLUSTER", "SYNCSLOTS", "ESTABLISH", &self.job.name, &from];
        words.extend(ranges.iter().map(String::as_str));
        target.ask(&words)?;
        self.wire = Some(target);
        let reader = self.engine.follow_slots(&self.job.slots);
        let limits = &self.engine.config.load().clients.output_limits.replica;
        if limits.hard.0 > 0 {
            self.engine.log.bound(&reader, limits.hard.0);
        }
        self.feed = Some(Feed {
            tail: Vec::new(),
            tail_at: self.engine.log.place(&reader),
            reader,
        });
        let line = format!(
            "Slot migration {} to {}: begins with slots {:?}",
            self.job.name, self.job.to, self.job.slots
        );
        self.engine.host.log(LogLevel::Notice, &line);
        Ok(Event::Established)
    }

    /// Copies slots until there is something to send.
    fn copy(&mut self) -> Outcome {
        let begun = self.engine.host.monotonic_nanos();
        let pause_micros = self.copy_some();
        let has_copied = !self.outbox.is_empty();
        self.flush()?;
        // What is read is not kept: the log is followed all the while, unless a collection is on
        // its way, for what has become of it since comes behind it.
        if self.large.is_none() {
            self.follow()?;
        }
        if !has_copied {
            // The target hears that this node is there.
            self.send(b"")?;
        }
        self.confirm()?;
        self.rest_after(begun);
        self.engine.host.sleep(pause_micros);
        let has_begun_all = self.uncopied.is_empty() && self.held_up.is_empty();
        let more = self.large.is_some() || !has_begun_all;
        Ok(Event::Copied { more })
    }

    /// Copies about a piece. Returns how long to wait behind it.
    fn copy_some(&mut self) -> u64 {
        while self.outbox.len() < PIECE_BYTES {
            if let Some(large) = &mut self.large {
                if !large.step(PIECE_BYTES, &mut self.outbox) {
                    self.large = None;
                }
                continue;
            }
            let Some(slot) = self.uncopied.pop().or_else(|| self.held_up.pop()) else {
                return 0;
            };
            let Some(copy) = self.engine.copy_slot(slot, &mut self.outbox) else {
                self.held_up.push(slot);
                if self.uncopied.is_empty() {
                    return SNAPSHOT_LOOK_MICROS;
                }
                continue;
            };
            self.copied.insert(slot, copy.offset);
            self.large = copy.rest;
            let pause_micros = self.pause_for(copy.keys);
            if pause_micros > 0 {
                return pause_micros;
            }
        }
        0
    }

    /// How long `rdb-key-save-delay` wants so many keys to take.
    fn pause_for(&self, keys: usize) -> u64 {
        let delay = self.engine.config.load().persistence.key_save_delay;
        let micros = u64::try_from(delay).unwrap_or(0);
        micros.saturating_mul(keys as u64).min(PAUSE_MICROS_MAX)
    }

    /// Leaves both nodes to their clients for a time, behind work that began then and that the
    /// target has confirmed: on few cores clients would stand behind it.
    fn rest_after(&mut self, begun: u64) {
        let host = &self.engine.host;
        let ended = host.monotonic_nanos();
        let rests = match self.engine.stats.is_busy() {
            true => RESTS_BESIDE_CLIENTS,
            false => RESTS,
        };
        let due = rests * ended.saturating_sub(begun);
        self.rest_nanos = (self.rest_nanos + due).min(REST_NANOS_MAX);
        if self.rest_nanos >= REST_NANOS_MIN {
            host.sleep(self.rest_nanos / 1000);
            let rested = host.monotonic_nanos().saturating_sub(ended);
            self.rest_nanos = self.rest_nanos.saturating_sub(rested);
        }
    }

    /// Sends what the log says of copied slots. Returns how much there was to look at.
    fn follow(&mut self) -> Result<u64, Failure> {
        let (begin, end) = (self.read_to(), self.engine.log.offset());
        while self.read_to() < end {
            if self.read_log()? == 0 {
                return Err(Failure::Spoilt(match self.is_outrun() {
                    true => "The target is too slow for what clients write",
                    false => "The log was replaced",
                }));
            }
            if self.outbox.len() >= PIECE_BYTES {
                self.flush()?;
            }
        }
        self.flush()?;
        Ok(end.saturating_sub(begin))
    }

    /// Whether more was written than may wait for the target.
    fn is_outrun(&self) -> bool {
        let feed = self.feed.as_ref();
        feed.is_some_and(|feed| self.engine.log.is_dropped(&feed.reader))
    }

    /// How far the log was looked at.
    fn read_to(&self) -> u64 {
        self.feed.as_ref().map_or(0, |feed| feed.tail_at)
    }

    fn read_log(&mut self) -> Result<usize, Failure> {
        const NO_FEED: &str = "the log is followed from the first copy on";
        let feed = self.feed.as_mut().expect(NO_FEED);
        let mut pieces = Vec::new();
        let read = self.engine.log.share(&feed.reader, LOG_BYTES, &mut pieces);
        pieces
            .iter()
            .for_each(|piece| feed.tail.extend_from_slice(piece));
        let mut input = feed.tail.clone();
        let start = input.as_ptr().addr();
        let mut batch = Batch::default();
        let parsed = Parser::default().parse(&mut input, &LIMITS, &mut batch);
        if parsed.error.is_some() {
            return Err(Failure::Spoilt("The log cannot be read"));
        }
        let (consumed, mut from) = (parsed.consumed, 0);
        for index in 0..batch.len() {
            let words = batch.request(index);
            let to = end_of(words, start);
            match self.engine.touched(words) {
                Touched::Nothing => {}
                Touched::Slot(slot) => {
                    let copied_at = self.copied.get(&slot.number());
                    let at = feed.tail_at + from as u64;
                    if copied_at.is_some_and(|&copied_at| copied_at <= at) {
                        self.outbox.extend_from_slice(&feed.tail[from..to]);
                    }
                }
                Touched::More => return Err(Failure::Spoilt("All keys were deleted or changed")),
            }
            from = to;
        }
        feed.tail.drain(..consumed);
        feed.tail_at += consumed as u64;
        Ok(read)
    }

    /// Sends what is in the outbox, cut between commands.
    fn flush(&mut self) -> Result<(), Failure> {
        let mut outbox = std::mem::take(&mut self.outbox);
        let mut from = 0;
        for to in cuts(&mut outbox) {
            self.send(&outbox[from..to])?;
            from = to;
        }
        Ok(())
    }

    fn send(&mut self, commands: &[u8]) -> Result<(), Failure> {
        let mut request = Vec::with_capacity(commands.len() + 128);
        let name = self.job.name.as_bytes();
        let words = [b"CLUSTER", &b"SYNCSLOTS"[..], b"FEED", name, commands];
        write_request(&mut request, &words);
        let target = self.target()?;
        target.write(&request)?;
        while target.unanswered > PIECES_AHEAD {
            target.answer()?;
        }
        Ok(())
    }

    /// Waits until the target has everything.
    fn confirm(&mut self) -> Result<(), Failure> {
        let target = self.target()?;
        while target.unanswered > 0 {
            target.answer()?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Outcome {
        self.follow()?;
        // The target's time begins with what it has heard last.
        self.send(b"")?;
        self.confirm()?;
        Ok(Event::Drained)
    }

    fn take(&mut self) -> Outcome {
        // Until it is settled whose the slots are this node's epoch stays what it is.
        self.order(Command::HandOver(&self.job.slots))?;
        let mut epoch = 0;
        self.cluster.look(self.engine, &mut |machine, _| {
            epoch = machine.config_epoch();
        });
        let (name, epoch) = (self.job.name.clone(), epoch.to_string());
        let target = self.target()?;
        target.set_timeout(Duration::from_millis(TAKE_WITHIN_MS))?;
        let taken = target.ask(&["CLUSTER", "SYNCSLOTS", "TAKE", &name, &epoch]);
        if matches!(taken, Err(Failure::Busy)) {
            self.order(Command::Keep(&self.job.slots))?;
        }
        taken.map(|_| Event::Taken)
    }

    /// Whether the target owns the slots: it says so to all, or to who asks.
    fn ask(&mut self) -> Outcome {
        if self.engine.owns_slots(self.job.to, &self.job.slots) {
            return Ok(Event::Taken);
        }
        let mut target = Target::dial(self.engine, self.job.to)?;
        let ranges = range_words(&self.job.slots);
        let mut words = vec!["CLUSTER", "SYNCSLOTS", "STATE"];
        words.extend(ranges.iter().map(String::as_str));
        match target.ask(&words)?.as_slice() {
            b"+TAKEN" => Ok(Event::Taken),
            _ => Err(Failure::Refused(
                "The target node has not taken the slots".to_owned(),
            )),
        }
    }

    fn give(&mut self) -> Outcome {
        let (slots, to) = (&self.job.slots, self.job.to);
        self.order(Command::GiveSlots { slots, to })?;
        if self.engine.owns_slots(self.me, slots) {
            return Err(Failure::Lost("The map is not published yet".to_owned()));
        }
        self.release();
        let line = format!("Slot migration {}: the slots are given", self.job.name);
        self.engine.host.log(LogLevel::Notice, &line);
        Ok(Event::Given)
    }

    fn roll_back(&mut self, reclaims: bool) -> Outcome {
        self.large = None;
        let name = self.job.name.clone();
        let words = ["CLUSTER", "SYNCSLOTS", "DROP", &name];
        match reclaims {
            true => self.order(Command::Reclaim(&self.job.slots))?,
            false => self.order(Command::Keep(&self.job.slots))?,
        }
        self.release();
        // Whoever does not hear of it finds out by the silence.
        let is_told = self.wire.as_mut().is_some_and(|target| {
            let written = target.write_words(&words).is_ok();
            written && (0..target.unanswered).all(|_| target.answer().is_ok())
        });
        if !is_told && let Ok(mut target) = Target::dial(self.engine, self.job.to) {
            drop(target.ask(&words));
        }
        let why = self.job.state.lock().row.message.clone();
        let line = format!("Slot migration {name} has ended: {why}");
        self.engine.host.log(LogLevel::Warning, &line);
        Ok(Event::RolledBack)
    }

    fn order(&self, command: Command<'_>) -> Result<(), Failure> {
        let request = ClusterRequest {
            command,
            holds_keys: true,
            holds_locks: false,
        };
        let obeyed = self.cluster.command(self.engine, request);
        obeyed.map_err(|refused| Failure::Lost(refused.0)).map(drop)
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.holds) {
            self.engine.release_slots(&self.job.slots);
        }
    }

    fn target(&mut self) -> Result<&mut Target, Failure> {
        let lost = || Failure::Lost("There is no connection".to_owned());
        self.wire.as_mut().ok_or_else(lost)
    }
}

const LIMITS: Limits = Limits {
    bulk_bytes_max: i64::MAX,
    unauthenticated: false,
};

/// Where a request ends whose words lie in an input that begins there.
fn end_of(words: &[&[u8]], input: usize) -> usize {
    const LINE_END: usize = 2;
    let last = words.last().expect("a request has a name");
    last.as_ptr().addr() - input + last.len() + LINE_END
}

/// Where to cut whole commands into pieces.
fn cuts(commands: &mut [u8]) -> Vec<usize> {
    if commands.len() <= 2 * PIECE_BYTES {
        return (!commands.is_empty())
            .then_some(commands.len())
            .into_iter()
            .collect();
    }
    let start = commands.as_ptr().addr();
    let mut batch = Batch::default();
    Parser::default().parse(commands, &LIMITS, &mut batch);
    let (mut cuts, mut from) = (Vec::new(), 0);
    for index in 0..batch.len() {
        let to = end_of(batch.request(index), start);
        if to - from >= PIECE_BYTES || index + 1 == batch.len() {
            cuts.push(to);
            from = to;
        }
    }
    cuts
}

/// The first and last slot of each run.
fn range_words(slots: &SlotSet) -> Vec<String> {
    let ends = slots
        .ranges()
        .flat_map(|range| [*range.start(), *range.end()]);
    ends.map(|slot| slot.to_string()).collect()
}

impl Target {
    /// Connects to a node, and says who this is if that is asked for.
    fn dial(engine: &Engine, node: NodeId) -> Result<Target, Failure> {
        let place = engine.place_of(node);
        let (host, port) = place.ok_or_else(|| Failure::Lost("The target is not known".into()))?;
        let wire = engine.host.dial(&host, port, TIMEOUT);
        let wire = wire.map_err(|error| {
            let why = match error {
                DialError::NoAddress => "The target has no address",
                DialError::NoAnswer => "The target cannot be reached",
            };
            Failure::Lost(why.to_owned())
        })?;
        let mut target = Target {
            wire,
            unread: Vec::new(),
            unanswered: 0,
        };
        let config = engine.config.load();
        let (user, password) = (
            config.replication.primary_user.as_bytes(),
            config.replication.primary_password.as_bytes(),
        );
        match (user, password) {
            (_, b"") => {}
            (b"", password) => drop(target.ask(&[b"AUTH", password])?),
            (user, password) => drop(target.ask(&[b"AUTH", user, password])?),
        }
        Ok(target)
    }

    fn set_timeout(&mut self, timeout: Duration) -> Result<(), Failure> {
        self.wire.set_timeout(timeout).map_err(lost)
    }

    fn write(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.wire.write_all(request).map_err(lost)?;
        self.unanswered += 1;
        Ok(())
    }

    fn write_words<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<(), Failure> {
        let mut request = Vec::new();
        write_request(&mut request, words);
        self.write(&request)
    }

    /// Sends a request, and reads its answer behind all others.
    fn ask<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<Vec<u8>, Failure> {
        self.write_words(words)?;
        loop {
            let answer = self.answer()?;
            if self.unanswered == 0 {
                return Ok(answer);
            }
        }
    }

    /// Reads one answer, which is a line.
    fn answer(&mut self) -> Result<Vec<u8>, Failure> {
        let answer = self.line()?;
        self.unanswered -= 1;
        match answer.strip_prefix(b"-") {
            None => Ok(answer),
            Some(why) if why.starts_with(b"TRYAGAIN") => Err(Failure::Busy),
            Some(why) => Err(Failure::Refused(String::from_utf8_lossy(why).into_owned())),
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.unread, b"\r\n") {
                let line = self.unread[..end].to_vec();
                self.unread.drain(..end + 2);
                return Ok(line);
            }
            if self.unread.len() > ANSWER_BYTES_MAX {
                return Err(lost(io::ErrorKind::InvalidData.into()));
            }
            let mut bytes = [0; 4096];
            match self.wire.read(&mut bytes).map_err(lost)? {
                0 => return Err(lost(io::ErrorKind::UnexpectedEof.into())),
                len => self.unread.extend_from_slice(&bytes[..len]),
            }
        }
    }
}

fn lost(error: io::Error) -> Failure {
    Failure::Lost(format!("The connection to the target broke: {error}"))
}
