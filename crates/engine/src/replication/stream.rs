//! The primary's stream, as a replica applies it.

use std::sync::Arc;

use keyspace::DbIndex;
use resp::request::{Batch, Limits, Parser};

use crate::Engine;
use crate::clients::{Client, ClientFlags, Endpoints};
use crate::dispatch::Worker;
use crate::host::LogLevel;
use crate::session::{Origin, Session};

/// The session of the primary. Nothing it asks is refused or answered; what it sends enters the log
/// as it came, under the locks of the commands it carries.
pub struct Stream {
    session: Session,
    worker: Worker,
    /// Where the words of the commands under way lie.
    input: Vec<u8>,
    replies: Vec<u8>,
}

/// The bytes are not whole commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What of the stream is in the log, while it is applied.
pub(crate) struct Verbatim<'a> {
    bytes: &'a [u8],
    /// Where the words lie that were read from the bytes.
    input: usize,
    appended: usize,
}

impl Verbatim<'_> {
    /// Appends everything up to the end of a request with these words.
    pub fn append_through(&mut self, engine: &Engine, words: &[&[u8]], db: DbIndex) -> u64 {
        const LINE_END: usize = 2;
        let last = words.last().expect("a request has a name");
        let end = last.as_ptr().addr() - self.input + last.len() + LINE_END;
        self.append_to(engine, end, db)
    }

    fn append_to(&mut self, engine: &Engine, end: usize, db: DbIndex) -> u64 {
        let bytes = &self.bytes[self.appended..end];
        self.appended = end;
        engine.log.append_stream(bytes, db)
    }
}

impl Stream {
    /// A stream that begins: with `db` where it was left, if this is the rest of an earlier one.
    pub fn begin(engine: &Engine, endpoints: Endpoints, db: DbIndex, seed: u64) -> Stream {
        let mut session = engine.connect(endpoints);
        session.origin = Origin::Primary;
        session.authenticated = true;
        session.client.set_no_evict(true);
        session.client.set(ClientFlags::PRIMARY, true);
        session.select(db);
        Stream {
            session,
            worker: Worker::new(engine, seed),
            input: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// How others see the link: it is to be closed when it is killed.
    pub fn client(&self) -> &Arc<Client> {
        &self.session.client
    }

    /// The db that the next command is about.
    pub fn db(&self) -> DbIndex {
        self.session.db
    }

    /// Applies whole units of the stream, and appends them to the log.
    pub fn apply(&mut self, engine: &Engine, units: &[u8]) -> Result<(), Malformed> {
        self.input.clear();
        self.input.extend_from_slice(units);
        let mut verbatim = Verbatim {
            bytes: units,
            input: self.input.as_ptr().addr(),
            appended: 0,
        };
        let limits = Limits {
            bulk_bytes_max: i64::MAX,
            unauthenticated: false,
        };
        let mut batch = Batch::default();
        let parsed = Parser::default().parse(&mut self.input, &limits, &mut batch);
        if parsed.error.is_some() || parsed.consumed != units.len() {
            return Err(Malformed);
        }
        let (session, worker) = (&mut self.session, &mut self.worker);
        engine.run_stream(session, worker, &batch, &mut verbatim, &mut self.replies);
        // What comes behind the moment when the link was closed is neither applied nor in the log.
        if !session.client.has(ClientFlags::KILLED) {
            verbatim.append_to(engine, units.len(), session.db);
        }
        engine.log.wake_readers();
        Ok(())
    }

    pub fn end(mut self, engine: &Engine) {
        engine.disconnect(&mut self.session);
        engine.stats.leave(self.worker.stats);
    }
}

impl Engine {
    /// Says that the primary was told of an error, which it cannot heed: the data may differ.
    pub(crate) fn report_stream_error(&self, name: &str, reply: &[u8]) {
        let text = String::from_utf8_lossy(reply.trim_ascii_end());
        let line = format!(
            "== CRITICAL == This replica is sending an error to its master: '{}' after processing \
             the command '{name}'",
            text.trim_start_matches('-')
        );
        self.host.log(LogLevel::Warning, &line);
    }
}
