//! Where a request of a client belongs: here, or at another node.

use config::Config;
use keyspace::{Key, Slot};

use super::{MAY_WRITE, SlotMap};
use crate::Engine;
use crate::command::{Access, Entry, Flags};
use crate::dispatch::locate;
use crate::error::Error;
use crate::session::Session;

/// A request on its way to its node.
pub(crate) struct Route<'a> {
    pub engine: &'a Engine,
    pub config: &'a Config,
    pub map: &'a SlotMap,
    pub session: &'a Session,
    pub entry: &'a Entry,
    pub words: &'a [&'a [u8]],
}

/// What is known of the keys of one request.
#[derive(Default)]
struct Keys {
    slot: Option<Slot>,
    first: Vec<u8>,
    /// They are more than one, repetitions aside.
    are_several: bool,
    /// Of a slot that moves: so many of them are here, and so many are not.
    here: usize,
    missing: usize,
}

impl Engine {
    /// Whether a request would write to a slot that is being handed over, or to all slots.
    #[cold]
    pub(crate) fn holds_write(&self, session: &Session, entry: &Entry, words: &[&[u8]]) -> bool {
        if !self.is_routed(session) || !crate::gates::may(self, session, entry, MAY_WRITE) {
            return false;
        }
        let (map, config) = (self.cluster.map(), self.config.load());
        let route = Route {
            engine: self,
            config: &config,
            map: &map,
            session,
            entry,
            words,
        };
        let mut is_held = entry.reaches_everything(words) && !map.held.is_empty();
        route.for_each_key(|key| is_held |= map.held.contains(key.slot.number()));
        is_held
    }
}

impl Route<'_> {
    /// Whether this node serves the request; if not, what the client is told. `is_here` says
    /// whether there is a key, of a slot that moves.
    pub fn check(&self, is_here: &mut dyn FnMut(&Key<'_>) -> bool) -> Result<(), Error> {
        if self.entry.flags.has(Flags::RUNS_QUEUE) && self.session.transaction.is_none() {
            return Ok(());
        }
        let mut keys = Keys::default();
        let mut crosses = false;
        self.for_each_key(|key| crosses |= !self.note(&mut keys, key, is_here));
        let Some(slot) = keys.slot else {
            return Ok(());
        };
        let Some(owner) = self.map.owner(slot) else {
            return Err(refused("CLUSTERDOWN Hash slot not served"));
        };
        if crosses {
            return Err(refused(
                "CROSSSLOT Keys in request don't hash to the same slot",
            ));
        }
        self.check_state()?;
        self.check_slot(&keys, slot, owner)
    }

    /// Takes in a key. False if its slot is another than that of those before.
    fn note(
        &self,
        keys: &mut Keys,
        key: &Key<'_>,
        is_here: &mut dyn FnMut(&Key<'_>) -> bool,
    ) -> bool {
        match keys.slot {
            None => {
                keys.slot = Some(key.slot);
                keys.first = key.bytes.to_vec();
            }
            Some(slot) if slot != key.slot => return false,
            Some(_) => keys.are_several |= keys.first != key.bytes,
        }
        if self.moves(key.slot) && !self.is_channel() {
            match is_here(key) {
                true => keys.here += 1,
                false => keys.missing += 1,
            }
        }
        true
    }

    /// Whether the slot is on its way to or from here.
    fn moves(&self, slot: Slot) -> bool {
        self.migrates_to(slot).is_some() || self.is_imported(slot)
    }

    fn migrates_to(&self, slot: Slot) -> Option<u16> {
        let is_mine = self.map.owner(slot) == Some(self.map.map.myself);
        SlotMap::target(&self.map.map.migrating, slot).filter(|_| is_mine)
    }

    fn is_imported(&self, slot: Slot) -> bool {
        SlotMap::target(&self.map.map.importing, slot).is_some()
    }

    /// Whether the words that look like keys are channels of a shard.
    fn is_channel(&self) -> bool {
        let specs = self.entry.command.keys;
        let only_looks = |spec: &crate::KeySpec| spec.access.has(Access::NOT_KEY);
        self.entry.flags.has(Flags::PUBSUB) && specs.iter().any(only_looks)
    }

    fn writes(&self) -> bool {
        crate::gates::may(self.engine, self.session, self.entry, MAY_WRITE)
    }

    /// Whether anything is served at all.
    fn check_state(&self) -> Result<(), Error> {
        let cluster = &self.config.cluster;
        let is_ok = self.map.map.ok && !(self.engine.has_lost_touch() && self.writes());
        if is_ok {
            return Ok(());
        }
        if self.is_channel() {
            return match cluster.shard_pubsub_when_down {
                true => Ok(()),
                false => Err(refused("CLUSTERDOWN The cluster is down")),
            };
        }
        match (cluster.reads_when_down, self.writes()) {
            (false, _) => Err(refused("CLUSTERDOWN The cluster is down")),
            (true, true) => Err(refused(
                "CLUSTERDOWN The cluster is down and only accepts read commands",
            )),
            (true, false) => Ok(()),
        }
    }

    fn check_slot(&self, keys: &Keys, slot: Slot, owner: u16) -> Result<(), Error> {
        if self.moves(slot) && self.entry.flags.has(Flags::MOVES_KEYS) {
            return Ok(());
        }
        let unstable = "TRYAGAIN Multiple keys request during rehashing of slot";
        if let Some(target) = self.migrates_to(slot)
            && keys.missing > 0
        {
            return Err(match keys.here {
                0 => self.sent_to("ASK", slot, target),
                _ => refused(unstable),
            });
        }
        let asks = self.session.asking > 0 || self.entry.flags.has(Flags::ASKING);
        if self.is_imported(slot) && asks {
            return match keys.are_several && keys.missing > 0 {
                true => Err(refused(unstable)),
                false => Ok(()),
            };
        }
        let map = &self.map.map;
        let may_read = self.session.reads_replica && !self.writes() || self.is_channel();
        let is_read_here = map.primary == Some(owner) && may_read;
        match owner == map.myself || is_read_here {
            true => Ok(()),
            false => Err(self.sent_to("MOVED", slot, owner)),
        }
    }

    fn sent_to(&self, how: &str, slot: Slot, node: u16) -> Error {
        let encrypted = self.session.client.endpoints.encrypted;
        let place = self.map.place(self.config, node, encrypted);
        Error::Redirected(format!("{how} {} {place}", slot.number()))
    }

    /// Shows the keys of the request, or of the open transaction if it is what runs.
    fn for_each_key(&self, mut visit: impl FnMut(&Key<'_>)) {
        if !self.entry.flags.has(Flags::RUNS_QUEUE) {
            return self.keys_of(self.entry, self.words, &mut visit);
        }
        if let Some(transaction) = &self.session.transaction {
            transaction.for_each(|id, words| {
                self.keys_of(self.engine.table.get(id), words, &mut visit);
            });
        }
    }

    fn keys_of(&self, entry: &Entry, words: &[&[u8]], visit: &mut impl FnMut(&Key<'_>)) {
        let mut located = Vec::new();
        // Words that hide the keys get the handler's own error.
        if locate(&self.engine.keyspace, entry, words, &mut located).is_ok() {
            located.iter().for_each(|located| visit(&located.key));
        }
    }
}

fn refused(text: &str) -> Error {
    Error::Redirected(text.to_owned())
}
