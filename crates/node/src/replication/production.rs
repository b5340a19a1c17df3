//! A snapshot for replicas: made once, sent to all who asked for it.
//!
//! For sockets its pieces go to the replicas' feeds as they are made, as fast as the slowest of
//! them takes them: no more than a bounded part of the snapshot is in memory. Through a file it is
//! written first, and each replica reads the file. Replicas that can take it are sent the log of
//! the meantime, too, so that it is not kept for them ([`frames`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::persistence::rdb::{WriteOptions, Writer};
use ::replication::frames::{self, Kind};
use ::replication::{Input, Parts, SnapshotId, Target};
use bytes::Bytes;
use engine::Engine;
use engine::log::Reader;
use engine::snapshot::{Form, Snapshot};
use parking_lot::Mutex;

use super::Replication;
use super::feed::{Feed, Room};
use crate::keeper::{Keeper, warning};
use crate::storage::{Failure, File, remove_if_there, write_all};

/// Bytes of a snapshot that wait for a replica before whoever makes it waits, too.
const WAITING_BYTES_MAX: usize = 2 << 20;

/// The log is carried when it has gained so much: less may as well be kept.
const CARRIED_BYTES_MIN: u64 = 2 << 20;

/// Bytes of a frame of the log at most.
const FRAME_BYTES_MAX: usize = 64 * 1024;

/// While somebody else takes a snapshot, looks are so far apart.
const LOOK_MICROS: u64 = 5_000;

pub struct Production {
    pub id: SnapshotId,
    target: Target,
    parts: Parts,
    feeds: Mutex<Vec<Arc<Feed>>>,
    is_cancelled: AtomicBool,
    /// Has the log be kept from where the snapshot was taken.
    reader: Mutex<Option<Reader>>,
    /// The file, once it is written.
    path: Mutex<Option<String>>,
    room: Arc<Room>,
}

/// What is being written.
enum Source {
    Data(Box<Snapshot>),
    /// No key is asked for.
    Empty(Vec<(&'static str, String)>),
    Over,
}

impl Production {
    pub(super) fn new(
        id: SnapshotId,
        target: Target,
        parts: Parts,
        room: &Arc<Room>,
    ) -> Production {
        Production {
            id,
            target,
            parts,
            feeds: Mutex::default(),
            is_cancelled: AtomicBool::new(false),
            reader: Mutex::default(),
            path: Mutex::default(),
            room: Arc::clone(room),
        }
    }

    /// Nobody wants it any more. Whoever makes it may take a moment to notice.
    pub(super) fn cancel(&self, engine: &Engine) {
        self.is_cancelled.store(true, Ordering::Release);
        self.release_log(engine);
        self.room.tell();
    }

    fn release_log(&self, engine: &Engine) {
        if let Some(reader) = self.reader.lock().take() {
            engine.log.unsubscribe(reader);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// Sends the snapshot to a replica, too.
    pub(super) fn attach(&self, keeper: &Keeper, feed: &Arc<Feed>) -> Result<(), Failure> {
        match &*self.path.lock() {
            Some(path) => feed.push_file(keeper.storage.open(path)?),
            None => self.feeds.lock().push(Arc::clone(feed)),
        }
        Ok(())
    }

    /// Makes the snapshot, on a thread that may block.
    pub fn run(&self, replication: &Replication, keeper: &Keeper, engine: &Engine) {
        let Some(mut source) = self.begin(replication, keeper, engine) else {
            return;
        };
        let snapshot = self.id;
        let made = match self.target {
            Target::Sockets { mark } => self.stream(keeper, engine, &mut source, mark),
            Target::WithLog => self.stream_with_log(keeper, engine, &mut source),
            Target::File => self.write(replication, keeper, engine, &mut source),
        };
        if let Source::Data(unfinished) = source {
            unfinished.abandon(engine);
        }
        let told = match made {
            Ok(()) => Input::SnapshotDone { snapshot },
            Err(failure) => {
                let line = format!("Error making the snapshot for replicas: {failure}");
                warning(engine, &line);
                Input::SnapshotFailed { snapshot }
            }
        };
        replication.tell(engine, told);
        self.release_log(engine);
        if let Some(path) = self.path.lock().take()
            && let Err(failure) = remove_if_there(keeper.storage.as_ref(), &path)
        {
            warning(engine, &failure.to_string());
        }
    }

    /// Marks the moment as soon as nobody else takes a snapshot.
    fn begin(&self, replication: &Replication, keeper: &Keeper, engine: &Engine) -> Option<Source> {
        let snapshot = self.id;
        let facts = keeper.facts(engine, false);
        loop {
            if self.is_cancelled() || engine.persistence.is_loading() {
                replication.tell(engine, Input::SnapshotFailed { snapshot });
                return None;
            }
            let mut moment = None;
            let begun = engine.begin_snapshot(Form::Rdb, &facts, |locked| {
                engine.log.say_db_again();
                let reader = engine.log.subscribe(locked);
                let offset = engine.log.place(&reader);
                *self.reader.lock() = Some(self.reader_for(engine, reader, offset));
                moment = Some(replication.facts(engine));
                // It may be called off by this.
                replication.tell(engine, Input::SnapshotTaken { snapshot, offset });
            });
            let (Some(mut data), Some(own_facts)) = (begun, moment) else {
                engine.host.sleep(LOOK_MICROS);
                continue;
            };
            if self.parts.keys {
                own_facts
                    .into_iter()
                    .for_each(|(name, value)| data.add_fact(name, value));
                return Some(Source::Data(Box::new(data)));
            }
            data.abandon(engine);
            return Some(Source::Empty(facts));
        }
    }

    /// What is carried is the log's bytes and nothing else: whoever begins within a stream that is
    /// followed would be told its db first, which the snapshot tells.
    fn reader_for(&self, engine: &Engine, reader: Reader, offset: u64) -> Reader {
        if self.target != Target::WithLog {
            return reader;
        }
        let carrier = engine.log.hold(offset);
        engine.log.unsubscribe(reader);
        carrier.expect("another reader is there")
    }

    fn stream(
        &self,
        keeper: &Keeper,
        engine: &Engine,
        source: &mut Source,
        mark: [u8; 40],
    ) -> Result<(), Failure> {
        let mut more = true;
        while more && !self.is_cancelled() {
            self.wait_for_room();
            let mut piece = Vec::new();
            more = source.produce(keeper, engine, &mut piece);
            self.send(piece.into());
        }
        if !self.is_cancelled() {
            self.send(Bytes::copy_from_slice(&mark));
            self.end();
        }
        Ok(())
    }

    /// As [`Production::stream`], with what the log gains between the pieces.
    fn stream_with_log(
        &self,
        keeper: &Keeper,
        engine: &Engine,
        source: &mut Source,
    ) -> Result<(), Failure> {
        let (mut more, mut at) = (true, 0);
        while more && !self.is_cancelled() {
            self.wait_for_room();
            let mut piece = Vec::new();
            more = source.produce(keeper, engine, &mut piece);
            if !piece.is_empty() {
                let head = frames::head(Kind::Snapshot, piece.len(), at);
                at += piece.len() as u64;
                self.send(Bytes::copy_from_slice(&head));
                self.send(piece.into());
            }
            self.carry(engine);
        }
        let reader = self.reader.lock();
        if let Some(reader) = reader.as_ref().filter(|_| !self.is_cancelled()) {
            let head = frames::head(Kind::End, 0, engine.log.place(reader));
            self.send(Bytes::copy_from_slice(&head));
            self.end();
        }
        Ok(())
    }

    /// Sends what the log has gained by now, if that is much.
    fn carry(&self, engine: &Engine) {
        let reader = self.reader.lock();
        let Some(reader) = &*reader else {
            return;
        };
        let (mut at, end) = (engine.log.place(reader), engine.log.offset());
        if end.saturating_sub(at) < CARRIED_BYTES_MIN {
            return;
        }
        while at < end {
            let mut pieces = vec![Bytes::new()];
            let most = FRAME_BYTES_MAX.min((end - at) as usize);
            let len = engine.log.share(reader, most, &mut pieces);
            pieces[0] = Bytes::copy_from_slice(&frames::head(Kind::Log, len, at));
            at += len as u64;
            let mut feeds = self.feeds.lock();
            feeds.retain(|feed| feed.push_log(engine, &pieces, at));
        }
    }

    /// All was sent.
    fn end(&self) {
        let feeds = self.feeds.lock();
        feeds.iter().for_each(|feed| feed.end_snapshot());
    }

    fn wait_for_room(&self) {
        while self.is_full() && !self.is_cancelled() {
            self.room.wait();
        }
    }

    fn is_full(&self) -> bool {
        let feeds = self.feeds.lock();
        feeds.iter().any(|feed| feed.waiting() >= WAITING_BYTES_MAX)
    }

    fn send(&self, piece: Bytes) {
        let mut feeds = self.feeds.lock();
        feeds.retain(|feed| feed.push_piece(piece.clone()));
    }

    fn write(
        &self,
        replication: &Replication,
        keeper: &Keeper,
        engine: &Engine,
        source: &mut Source,
    ) -> Result<(), Failure> {
        let path = format!("temp-sync-{}-{}.rdb", keeper.process, self.id.0);
        let file = keeper.storage.create(&path)?;
        let written = self.write_to(keeper, engine, source, file.as_ref());
        *self.path.lock() = Some(path);
        let len = written?;
        let snapshot = self.id;
        if !self.is_cancelled() {
            replication.tell(engine, Input::SnapshotWritten { snapshot, len });
        }
        Ok(())
    }

    fn write_to(
        &self,
        keeper: &Keeper,
        engine: &Engine,
        source: &mut Source,
        file: &dyn File,
    ) -> Result<u64, Failure> {
        let (mut len, mut more, mut piece) = (0, true, Vec::new());
        while more && !self.is_cancelled() {
            more = source.produce(keeper, engine, &mut piece);
            write_all(file, &piece)?;
            len += piece.len() as u64;
            piece.clear();
        }
        Ok(len)
    }
}

impl Source {
    /// Appends a piece, and returns whether there is more.
    fn produce(&mut self, keeper: &Keeper, engine: &Engine, into: &mut Vec<u8>) -> bool {
        let more = match self {
            Source::Data(snapshot) => keeper.produce(engine, snapshot, into),
            Source::Empty(facts) => {
                write_empty(facts, into);
                false
            }
            Source::Over => false,
        };
        if !more {
            *self = Source::Over;
        }
        more
    }
}

/// A snapshot without keys.
fn write_empty(facts: &[(&str, String)], into: &mut Vec<u8>) {
    let mut writer = Writer::new(WriteOptions {
        compress: false,
        checksum: true,
    });
    let start = into.len();
    writer.header(into);
    for (name, value) in facts {
        writer.aux(name, value.as_bytes(), into);
    }
    writer.end(start, into);
}
