//! Neighbours that run together.
//!
//! Requests that only touch declared keys, and pass every gate for certain, share one taking of
//! locks, one fetching of buckets, and as far as they are brief one reading of the clock.

use std::mem;
use std::ops::Range;
use std::sync::atomic::Ordering;

use keyspace::{Locked, ShardSet};

use super::words::{locate, words_of_name};
use super::{MAY_WRITE, Run, makes_ready};
use crate::args::Args;
use crate::clients::ClientFlags;
use crate::command::{CommandId, Entry, Flags};
use crate::eviction::Memory;
use crate::gates;
use crate::session::Origin;

/// The most requests that are locked and fetched together. More would overlap more waits, but
/// hold more locks at once.
const GROUP_MAX: usize = 8;

/// One request, resolved.
struct Planned<'e> {
    entry: &'e Entry,
    located: Range<usize>,
}

impl<'a> Run<'a, '_> {
    /// Runs as many requests from `first` on as may share their locks, and returns how many.
    pub(super) fn group(&mut self, first: usize) -> usize {
        self.located.clear();
        if self.engine.is_routed(self.session) {
            self.look_at_map();
        }
        let mut planned: [Option<Planned<'a>>; GROUP_MAX] = [const { None }; GROUP_MAX];
        let mut count = 0;
        while count < GROUP_MAX && first + count < self.batch.len() {
            match self.plan(first + count) {
                Some(plan) => planned[count] = Some(plan),
                None => break,
            }
            count += 1;
        }
        if count == 0 || self.verbatim.is_none() && self.is_closed_for_memory() {
            return 0;
        }
        // When memory is full each command is looked at by itself.
        if self.engine.make_room(self.worker, &self.config) == Memory::Full {
            return 0;
        }
        let mut shards = ShardSet::NONE;
        self.located
            .iter()
            .for_each(|located| shards.insert(located.key.slot.shard()));
        let planned = &planned[..count];
        let makes_ready = planned.iter().flatten().any(|plan| makes_ready(plan.entry));
        let writes = planned
            .iter()
            .flatten()
            .any(|plan| plan.entry.flags.has(MAY_WRITE));
        let mut locked = self.lock(shards, makes_ready);
        // Meanwhile somebody may have closed a gate.
        let is_client = self.session.origin == Origin::Client;
        if is_client && !self.may_group(writes) || self.session.client.has(ClientFlags::KILLED) {
            return 0;
        }
        if self.located.len() > 1 {
            self.prefetch(&mut locked, first, planned);
        }
        self.call_group(first, planned, &mut locked);
        self.give_back(locked, self.batch.request(first + count - 1));
        count
    }

    /// Runs the requests from `first` on, as far as the client may leave replies unread. The clock
    /// is read once for neighbours that are too brief to be told apart.
    #[inline]
    fn call_group(
        &mut self,
        first: usize,
        planned: &[Option<Planned<'a>>],
        locked: &mut Locked<'_>,
    ) {
        let engine = self.engine;
        let mut started = self.begin_moment();
        let mut untimed = first;
        for (index, plan) in planned.iter().flatten().enumerate() {
            let words = self.batch.request(first + index);
            let located = mem::take(&mut self.located);
            let args = Args::new(
                words,
                words_of_name(plan.entry),
                &located[plan.located.clone()],
            );
            let mark = self.out.len();
            self.call(plan.entry, args, locked);
            self.located = located;
            let is_full = self.out.len() > self.full_at;
            let next = planned.get(index + 1).and_then(Option::as_ref);
            let replied = self.out.len().saturating_sub(mark);
            let is_brief = was_brief(plan.entry, self.batch.sent_len(first + index) + replied);
            let has_twin = next.is_some_and(|next| next.entry.id == plan.entry.id);
            if is_full || !is_brief || !has_twin {
                let ended = engine.host.monotonic_nanos();
                let nanos = ended.saturating_sub(started);
                self.note_durations(plan.entry, untimed..first + index + 1, nanos, is_brief);
                (started, untimed) = (ended, first + index + 1);
            }
            if is_full {
                break;
            }
        }
    }

    /// Notes how long neighbours of one kind took. The last took all of the time unless it was as
    /// brief as the others.
    fn note_durations(
        &mut self,
        entry: &Entry,
        requests: Range<usize>,
        nanos: u64,
        last_is_brief: bool,
    ) {
        if self.session.origin == Origin::LogFile {
            return;
        }
        let last = requests.end - 1;
        let mut rest = nanos;
        if last > requests.start {
            let each = match last_is_brief {
                true => nanos / requests.len() as u64,
                false => 0,
            };
            for index in requests.start..last {
                self.observe(entry, self.batch.request(index), each);
            }
            let others = (last - requests.start) as u64;
            self.worker.count(entry, others, each, &self.config);
            rest -= each * others;
        }
        self.observe(entry, self.batch.request(last), rest);
        self.worker.count(entry, 1, rest, &self.config);
    }

    /// Fetches what the requests from `first` on will read, so that their waits for memory overlap.
    #[inline]
    fn prefetch(&self, locked: &mut Locked<'_>, first: usize, planned: &[Option<Planned<'a>>]) {
        let keys = self.located.iter().map(|located| &located.key);
        locked.prefetch(self.session.db, keys);
        for (index, plan) in planned.iter().flatten().enumerate() {
            if let Some(word) = plan.entry.member_word {
                let key = &self.located[plan.located.start].key;
                let member = self.batch.request(first + index)[word];
                locked.prefetch_member(self.session.db, key, member);
            }
        }
    }

    /// Whether, now that the locks are held, every gate is still open.
    #[inline]
    fn may_group(&self, writes: bool) -> bool {
        !self.engine.pause.is_on()
            && !self.engine.persistence.is_loading()
            && gates::role_is_open(self.engine, writes)
            && self.is_routed_still(writes)
    }

    /// Sees to it that the group is told by the current map.
    #[inline]
    fn look_at_map(&mut self) {
        let cluster = &self.engine.cluster;
        let map = self.map.take().filter(|map| cluster.is_current(map));
        self.map = Some(map.unwrap_or_else(|| cluster.map()));
    }

    /// Whether, in a cluster, the node serves what it did when the group was put together.
    #[inline]
    fn is_routed_still(&self, writes: bool) -> bool {
        let Some(map) = &self.map else {
            return true;
        };
        self.engine.cluster.is_current(map) && !(writes && self.engine.has_lost_touch())
    }

    /// Resolves a request that needs nothing but the locks of its declared keys, and passes every
    /// gate for certain.
    #[inline]
    fn plan(&mut self, index: usize) -> Option<Planned<'a>> {
        let words = self.batch.request(index);
        let entry = match self.named {
            Some((name, entry)) if name == words[0] => entry,
            _ => self.find(words[0])?,
        };
        self.named = Some((words[0], entry));
        entry.simple_keys?;
        if entry.flags.has(NOT_GROUPED) || !entry.command.arity.allows(words.len()) {
            return None;
        }
        let is_open = match self.session.origin {
            Origin::Client => gates::all_open(self.engine, self.session, entry),
            _ => self.session.transaction.is_none(),
        };
        if !is_open {
            return None;
        }
        let start = self.located.len();
        let located = locate(&self.engine.keyspace, entry, words, &mut self.located);
        if located.is_err() || !self.is_served(entry, start) {
            self.located.truncate(start);
            return None;
        }
        Some(Planned {
            entry,
            located: start..self.located.len(),
        })
    }

    /// The command of a name. Clients often say the same again.
    #[inline]
    fn find(&self, name: &[u8]) -> Option<&'a Entry> {
        let last = &self.session.client.last_command;
        let last = CommandId(last.load(Ordering::Relaxed));
        let table = &self.engine.table;
        table.find_again(name, last).or_else(|| table.find(name))
    }

    /// Whether, in a cluster, the keys located from `start` on are served here for certain.
    #[inline]
    fn is_served(&self, entry: &Entry, start: usize) -> bool {
        let Some(map) = &self.map else {
            return true;
        };
        let keys = self.located[start..].iter().map(|located| &located.key);
        self.session.asking == 0 && self.engine.serves(map, self.session, entry, keys)
    }
}

/// Commands that run alone, whatever their neighbours are.
const NOT_GROUPED: Flags = Flags::ALL_KEYS
    .and(Flags::WALKS)
    .and(Flags::TRANSACTION)
    .and(Flags::NOT_QUEUED)
    .and(Flags::BLOCKING)
    .and(Flags::LONG)
    .and(Flags::PROTECTED);

/// Whether a command that has run cannot have taken longer than a few microseconds, when request
/// and reply together have so many bytes.
#[inline]
fn was_brief(entry: &Entry, bytes: usize) -> bool {
    const BYTES_MAX: usize = 4096;
    entry.flags.has(Flags::BRIEF) && bytes <= BYTES_MAX
}
