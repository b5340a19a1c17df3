//! Subscriptions: a channel is heard on the server that its messages are published on.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use resp::Protocol;
use resp::reply::write_request;

use super::{Flow, Session};
use crate::backend::Lane;
use crate::link::Link;
use crate::split::{Assembly, Gather};
use crate::table::action::{Kind, Local};
use crate::table::{Action, Entry};

/// What a client has subscribed to, and the connections it hears of it on.
#[derive(Default)]
pub struct Subscriptions {
    links: BTreeMap<usize, Rc<Link>>,
    channels: BTreeSet<Vec<u8>>,
    patterns: BTreeSet<Vec<u8>>,
    shard_channels: BTreeSet<Vec<u8>>,
}

impl Subscriptions {
    pub fn close(&self) {
        self.links.values().for_each(|link| link.close());
    }

    fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }

    fn set(&mut self, kind: Kind) -> &mut BTreeSet<Vec<u8>> {
        match kind {
            Kind::Channels { .. } => &mut self.channels,
            Kind::Patterns { .. } => &mut self.patterns,
            Kind::ShardChannels { .. } => &mut self.shard_channels,
        }
    }

    /// What clients are told of: those of shards are counted apart.
    fn count(&self, kind: Kind) -> i64 {
        let count = match kind {
            Kind::ShardChannels { .. } => self.shard_channels.len(),
            Kind::Channels { .. } | Kind::Patterns { .. } => {
                self.channels.len() + self.patterns.len()
            }
        };
        count as i64
    }
}

/// The request's name, and whether it adds.
fn verb(kind: Kind) -> (&'static str, bool) {
    match kind {
        Kind::Channels { add: true } => ("subscribe", true),
        Kind::Channels { add: false } => ("unsubscribe", false),
        Kind::Patterns { add: true } => ("psubscribe", true),
        Kind::Patterns { add: false } => ("punsubscribe", false),
        Kind::ShardChannels { add: true } => ("ssubscribe", true),
        Kind::ShardChannels { add: false } => ("sunsubscribe", false),
    }
}

impl Session {
    /// With RESP2, a client that listens may only say few things.
    pub(super) fn refuse_while_subscribed(
        &mut self,
        entry: &Entry,
        words: &[&[u8]],
    ) -> Option<Flow> {
        let listens = self.subscriptions.as_ref().is_some_and(|s| !s.is_empty());
        if !listens || self.protocol == Protocol::Resp3 {
            return None;
        }
        match entry.action {
            Action::Subscription(_) | Action::Local(Local::Quit | Local::Reset) => None,
            Action::Local(Local::Ping) => {
                self.reply(|reply| {
                    reply.array(2);
                    reply.bulk(b"pong");
                    reply.bulk(words.get(1).copied().unwrap_or_default());
                });
                Some(Flow::Next)
            }
            _ => {
                let name = entry.command.name;
                Some(self.error(&format!(
                    "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / \
                     QUIT / RESET are allowed in this context"
                )))
            }
        }
    }

    pub(super) fn subscription(&mut self, kind: Kind, words: &[&[u8]]) -> Flow {
        let (_, add) = verb(kind);
        if add {
            words[1..].iter().for_each(|name| self.change(kind, name));
            return Flow::Next;
        }
        let subscriptions = self.subscriptions.get_or_insert_default();
        let names: Vec<Vec<u8>> = match words.len() {
            1 => subscriptions.set(kind).iter().cloned().collect(),
            _ => words[1..].iter().map(|word| word.to_vec()).collect(),
        };
        if names.is_empty() {
            let count = subscriptions.count(kind);
            self.confirm(kind, None, count);
        }
        names.iter().for_each(|name| self.change(kind, name));
        Flow::Next
    }

    /// Subscribes to one name, or ends the subscription.
    fn change(&mut self, kind: Kind, name: &[u8]) {
        let (verb, add) = verb(kind);
        let backend = &self.client.backend;
        let units = match kind {
            Kind::Patterns { .. } => {
                let numbers = 0..backend.listening_units();
                numbers.map(|number| backend.unit_at(number)).collect()
            }
            _ => Vec::from_iter(backend.unit_of(name)),
        };
        let servers = units.iter().filter_map(|unit| backend.master_of(*unit));
        let servers: Vec<usize> = servers.collect();
        let subscriptions = self.subscriptions.get_or_insert_default();
        let changed = match add {
            true => subscriptions.set(kind).insert(name.to_vec()),
            false => subscriptions.set(kind).remove(name),
        };
        let count = subscriptions.count(kind);
        if !changed || servers.is_empty() {
            return self.confirm(kind, Some(name), count);
        }
        let gather = Gather::new(Assembly::Recount(count), servers.len());
        let number = self.client.open_gather(gather);
        for (part, server) in servers.into_iter().enumerate() {
            let link = self.listening_link(server);
            link.send_with(self.errand(number, part as u32, 0, false), |out| {
                write_request(out, &[verb.as_bytes(), name]);
            });
        }
    }

    fn listening_link(&mut self, server: usize) -> Rc<Link> {
        let lane = Lane {
            server,
            db: self.db,
            resp3: self.protocol == Protocol::Resp3,
            identity: self.identity,
        };
        let client = &self.client;
        let subscriptions = self.subscriptions.get_or_insert_default();
        let start = || Link::start_own(&client.backend, lane, Some(client));
        Rc::clone(subscriptions.links.entry(server).or_insert_with(start))
    }

    /// A confirmation that no server has to give.
    fn confirm(&self, kind: Kind, name: Option<&[u8]>, count: i64) {
        let (verb, _) = verb(kind);
        self.reply(|reply| {
            reply.push(3);
            reply.bulk(verb.as_bytes());
            match name {
                Some(name) => reply.bulk(name),
                None => reply.null(),
            }
            reply.integer(count);
        });
    }
}
