//! Publish and subscribe: channels, patterns, and the channels of shards.
//!
//! A message is encoded at most once for each version of the protocol, and left in the inbox of
//! every subscriber, whose own task writes it. Publishing holds no lock but that of the one kind of
//! subscriptions, for reading.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use config::Config;
use resp::Protocol;
use stdx::glob;

use crate::Engine;
use crate::clients::usage::name_bytes;
use crate::clients::{Client, ClientFlags, ClientId, Wakes};
use crate::reply::Reply;
use crate::session::Session;
use crate::sync::RwLock;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Channel,
    /// Every channel whose name matches.
    Pattern,
    /// A channel that belongs to a slot, and stays within its shard of a cluster.
    ShardChannel,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Channel, Scope::Pattern, Scope::ShardChannel];

    /// The first word of what is sent when a subscription begins.
    pub fn subscribed(self) -> &'static str {
        ["subscribe", "psubscribe", "ssubscribe"][self as usize]
    }

    /// The first word of what is sent when a subscription ends.
    pub fn unsubscribed(self) -> &'static str {
        ["unsubscribe", "punsubscribe", "sunsubscribe"][self as usize]
    }
}

/// Those who subscribed to one name, by number.
type Subscribers = BTreeMap<ClientId, Arc<Client>>;

/// The subscriptions of everybody.
#[derive(Debug, Default)]
pub struct PubSub {
    /// One for each [`Scope`].
    scopes: [RwLock<HashMap<Box<[u8]>, Subscribers>>; 3],
}

/// The subscriptions of one session, in the order they were made.
#[derive(Debug, Default)]
pub struct Subscriptions {
    /// One for each [`Scope`].
    names: [Vec<Box<[u8]>>; 3],
    /// The memory they take.
    bytes: u64,
}

impl Subscriptions {
    pub fn of(&self, scope: Scope) -> &[Box<[u8]>] {
        &self.names[scope as usize]
    }

    /// What the replies about a scope count: channels and patterns together, shard channels apart.
    pub fn count_beside(&self, scope: Scope) -> usize {
        match scope {
            Scope::ShardChannel => self.of(scope).len(),
            _ => self.of(Scope::Channel).len() + self.of(Scope::Pattern).len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.names.iter().all(Vec::is_empty)
    }
}

impl PubSub {
    /// Begins a subscription. Returns whether it is new.
    pub fn subscribe(&self, session: &mut Session, scope: Scope, name: &[u8]) -> bool {
        let own = session.subscriptions.get_or_insert_default();
        let is_new = !own.of(scope).iter().any(|known| **known == *name);
        if is_new {
            own.names[scope as usize].push(name.into());
            own.bytes += name_bytes(name);
            let client = Arc::clone(&session.client);
            let mut names = self.scopes[scope as usize].write();
            names
                .entry(name.into())
                .or_default()
                .insert(client.id, client);
            note_counts(session);
        }
        is_new
    }

    /// Ends a subscription. Returns whether there was one.
    pub fn unsubscribe(&self, session: &mut Session, scope: Scope, name: &[u8]) -> bool {
        let Some(subscriptions) = &mut session.subscriptions else {
            return false;
        };
        let own = subscriptions.of(scope);
        let Some(at) = own.iter().position(|known| **known == *name) else {
            return false;
        };
        subscriptions.names[scope as usize].remove(at);
        subscriptions.bytes -= name_bytes(name);
        self.forget(&session.client, scope, name);
        note_counts(session);
        true
    }

    /// Ends the subscriptions to the shard channels that are to go, and tells the subscribers.
    pub(crate) fn drop_shard_channels(&self, mut is_to_go: impl FnMut(&[u8]) -> bool) {
        let scope = Scope::ShardChannel;
        let mut names = self.scopes[scope as usize].write();
        names.retain(|channel, subscribers| {
            if !is_to_go(channel) {
                return true;
            }
            for client in subscribers.values() {
                lose_channel(client, channel);
            }
            false
        });
    }

    /// Ends all subscriptions of a session.
    pub fn leave(&self, session: &mut Session) {
        let Some(subscriptions) = session.subscriptions.take() else {
            return;
        };
        for scope in Scope::ALL {
            for name in subscriptions.of(scope) {
                self.forget(&session.client, scope, name);
            }
        }
        note_counts(session);
    }

    fn forget(&self, client: &Client, scope: Scope, name: &[u8]) {
        let mut names = self.scopes[scope as usize].write();
        if let Some(subscribers) = names.get_mut(name) {
            subscribers.remove(&client.id);
            if subscribers.is_empty() {
                names.remove(name);
            }
        }
    }

    /// Whether anybody could hear of anything.
    pub fn is_silent(&self) -> bool {
        [Scope::Channel, Scope::Pattern]
            .iter()
            .all(|&scope| self.count(scope) == 0)
    }

    /// How many different names are subscribed to.
    pub fn count(&self, scope: Scope) -> usize {
        self.scope(scope).read().len()
    }

    /// How many subscribed to a name.
    pub fn subscribers(&self, scope: Scope, name: &[u8]) -> usize {
        self.scope(scope).read().get(name).map_or(0, BTreeMap::len)
    }

    /// The names that are subscribed to and match `pattern`, if there is one, in their order.
    pub fn names(&self, scope: Scope, pattern: Option<&[u8]>) -> Vec<Box<[u8]>> {
        let names = self.scope(scope).read();
        let wanted = |name: &[u8]| pattern.is_none_or(|it| glob::matches(it, name, false));
        let mut names: Vec<_> = names.keys().filter(|name| wanted(name)).cloned().collect();
        names.sort();
        names
    }

    fn scope(&self, scope: Scope) -> &RwLock<HashMap<Box<[u8]>, Subscribers>> {
        &self.scopes[scope as usize]
    }
}

/// Tells a client that its subscription to a shard channel is over. The session learns of it when
/// it next runs.
fn lose_channel(client: &Client, channel: &[u8]) {
    let scope = Scope::ShardChannel;
    let counter = &client.subscriptions[scope as usize];
    let left = counter.load(Ordering::Relaxed).saturating_sub(1);
    counter.store(left, Ordering::Relaxed);
    client.lost_channels.lock().push(channel.into());
    client.set(ClientFlags::UNSUBSCRIBED, true);
    let protocol = match client.resp3.load(Ordering::Relaxed) {
        true => Protocol::Resp3,
        false => Protocol::Resp2,
    };
    let mut bytes = Vec::new();
    let mut reply = Reply::new(&mut bytes, protocol);
    let mut push = reply.push(3);
    push.bulk(scope.unsubscribed().as_bytes());
    push.bulk(channel);
    push.integer(i64::from(left));
    let _message = push.done();
    client.send(&bytes);
}

impl Session {
    /// Forgets the subscriptions that were ended by others.
    #[cold]
    pub(crate) fn forget_lost_channels(&mut self) {
        self.client.set(ClientFlags::UNSUBSCRIBED, false);
        let lost = std::mem::take(&mut *self.client.lost_channels.lock());
        if let Some(own) = &mut self.subscriptions {
            let names = &mut own.names[Scope::ShardChannel as usize];
            names.retain(|name| !lost.contains(name));
            own.bytes -= lost.iter().map(|name| name_bytes(name)).sum::<u64>();
        }
        note_counts(self);
    }
}

impl Engine {
    /// Sends a message to all who subscribed to the channel or to a pattern that it matches.
    /// Returns how many received it; who subscribed in several ways counts as often.
    pub fn publish(
        &self,
        config: &Config,
        wakes: &mut Wakes,
        channel: &[u8],
        message: &[u8],
    ) -> usize {
        let mut received = 0;
        if let Some(subscribers) = self.pubsub.scope(Scope::Channel).read().get(channel) {
            received += self.deliver(config, wakes, subscribers, &[b"message", channel, message]);
        }
        let patterns = self.pubsub.scope(Scope::Pattern).read();
        for (pattern, subscribers) in patterns.iter() {
            if glob::matches(pattern, channel, false) {
                let words: [&[u8]; 4] = [b"pmessage", pattern, channel, message];
                received += self.deliver(config, wakes, subscribers, &words);
            }
        }
        received
    }

    /// Sends a message to all who subscribed to the shard channel. Returns how many received it.
    pub fn publish_in_shard(
        &self,
        config: &Config,
        wakes: &mut Wakes,
        channel: &[u8],
        message: &[u8],
    ) -> usize {
        let channels = self.pubsub.scope(Scope::ShardChannel).read();
        let Some(subscribers) = channels.get(channel) else {
            return 0;
        };
        self.deliver(config, wakes, subscribers, &[b"smessage", channel, message])
    }

    /// Sends a message to each of the subscribers.
    fn deliver(
        &self,
        config: &Config,
        wakes: &mut Wakes,
        subscribers: &Subscribers,
        words: &[&[u8]],
    ) -> usize {
        let mut encoded: [Option<Vec<u8>>; 2] = [None, None];
        for client in subscribers.values() {
            let resp3 = client.resp3.load(Ordering::Relaxed);
            let message = encoded[usize::from(resp3)].get_or_insert_with(|| encode(words, resp3));
            self.send(config, wakes, client, message);
        }
        subscribers.len()
    }
}

fn encode(words: &[&[u8]], resp3: bool) -> Vec<u8> {
    let protocol = if resp3 {
        Protocol::Resp3
    } else {
        Protocol::Resp2
    };
    let mut bytes = Vec::new();
    let mut reply = Reply::new(&mut bytes, protocol);
    let mut push = reply.push(words.len());
    words.iter().for_each(|word| push.bulk(word));
    let _message = push.done();
    bytes
}

/// Shows others how many subscriptions a session has.
fn note_counts(session: &Session) {
    let none = Subscriptions::default();
    let own = session.subscriptions.as_deref().unwrap_or(&none);
    for scope in Scope::ALL {
        let count = own.of(scope).len() as u32;
        session.client.subscriptions[scope as usize].store(count, Ordering::Relaxed);
    }
    let taken = &session.client.usage.subscribed;
    taken.store(own.bytes, Ordering::Relaxed);
    session.client.count();
    session.client.set(ClientFlags::PUBSUB, !own.is_empty());
}
