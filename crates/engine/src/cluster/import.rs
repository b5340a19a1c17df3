//! What another node sends of slots that are on their way here, as it is applied.

use ::cluster::SlotSet;
use resp::request::{Batch, Limits, Parser};

use super::Touched;
use crate::Engine;
use crate::clients::ClientFlags;
use crate::dispatch::Worker;
use crate::host::LogLevel;
use crate::session::{Origin, Session};

/// The session of the other node's data. Nothing is refused, and what is done enters the log.
pub struct Importer {
    session: Session,
    input: Vec<u8>,
    replies: Vec<u8>,
}

/// What was sent is not what this node can take. Some of it may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// All keys were deleted here.
    Flushed,
    /// It is not whole commands.
    Malformed,
    /// It touches keys of other slots.
    Elsewhere,
    /// A command failed that did not fail where it came from.
    Failed,
}

impl Importer {
    pub fn new(engine: &Engine) -> Importer {
        Importer {
            session: Session::of_nobody(engine.now(), Origin::Import),
            input: Vec::new(),
            replies: Vec::new(),
        }
    }

    /// Applies whole commands, which touch keys of these slots only. No lock is held.
    pub fn apply(
        &mut self,
        engine: &Engine,
        worker: &mut Worker,
        slots: &SlotSet,
        commands: &[u8],
    ) -> Result<(), Rejected> {
        if !engine.hides_all(slots) {
            return Err(Rejected::Flushed);
        }
        self.input.clear();
        self.input.extend_from_slice(commands);
        let limits = Limits {
            bulk_bytes_max: i64::MAX,
            unauthenticated: false,
        };
        let mut batch = Batch::default();
        let parsed = Parser::default().parse(&mut self.input, &limits, &mut batch);
        if parsed.error.is_some() || parsed.consumed != commands.len() {
            return Err(Rejected::Malformed);
        }
        let is_theirs = |index| match engine.touched(batch.request(index)) {
            Touched::Slot(slot) => slots.contains(slot.number()),
            Touched::Nothing | Touched::More => false,
        };
        if !(0..batch.len()).all(is_theirs) {
            return Err(Rejected::Elsewhere);
        }
        engine.run_import(&mut self.session, worker, &batch, &mut self.replies);
        match self.session.client.has(ClientFlags::KILLED) {
            true => Err(Rejected::Failed),
            false => Ok(()),
        }
    }
}

impl Engine {
    /// Says that what another node has sent cannot be applied, and has nothing more of it applied.
    pub(crate) fn stop_import(&self, session: &Session, name: &str, reply: &[u8]) {
        let text = String::from_utf8_lossy(reply.trim_ascii_end());
        let text = text.trim_start_matches('-');
        let line = format!("A command of slots on their way here failed: '{name}': {text}");
        self.host.log(LogLevel::Warning, &line);
        session.client.set(ClientFlags::KILLED, true);
    }
}
