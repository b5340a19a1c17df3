//! The two connections to an instance, and what is awaited on them.
//!
//! A node has a connection for requests and one for its hello channel; another Sentinel has only
//! the first, and one link serves all masters that it is known for.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

use crate::ConnectionId;
use crate::output::Way;

/// A link, for as long as anybody uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkId(pub u64);

/// A master, for as long as it is watched, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MasterId(pub u64);

/// What a reply will be the answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Ping,
    Info(MasterId),
    Publish(MasterId),
    /// Whether this master is down, and for whom the peer votes.
    Down(MasterId),
    /// The hello channel.
    Subscribe,
    /// Nothing that matters.
    Other,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub id: ConnectionId,
    pub since_ms: u64,
    /// This side's address, once the connection stands.
    pub local_ip: Option<IpAddr>,
    pub asked: VecDeque<Asked>,
}

impl Connection {
    pub fn new(id: ConnectionId, since_ms: u64) -> Connection {
        Connection {
            id,
            since_ms,
            local_ip: None,
            asked: VecDeque::new(),
        }
    }

    pub fn awaits(&self, wanted: Asked) -> bool {
        self.asked.contains(&wanted)
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    /// How many instances use it.
    pub uses: u32,
    /// Whether it is one to a node, with a hello channel.
    pub subscribes: bool,
    pub command: Option<Connection>,
    pub subscription: Option<Connection>,
    /// When the oldest ping without a valid answer was sent. A link begins as if one had been.
    pub pinged_ms: Option<u64>,
    pub last_ping_ms: u64,
    /// How long a ping and its answer are on their way, as those of late were.
    pub round_trip_ms: u64,
    /// When an answer came that a living instance gives.
    pub last_valid_ms: u64,
    /// When any answer came.
    pub last_answer_ms: u64,
    pub last_try_ms: Option<u64>,
    /// When the subscription brought something.
    pub last_message_ms: u64,
}

impl Link {
    pub fn new(subscribes: bool, now_ms: u64) -> Link {
        Link {
            uses: 1,
            subscribes,
            command: None,
            subscription: None,
            pinged_ms: Some(now_ms),
            last_ping_ms: 0,
            round_trip_ms: 0,
            last_valid_ms: now_ms,
            last_answer_ms: now_ms,
            last_try_ms: None,
            last_message_ms: now_ms,
        }
    }

    pub fn is_up(&self) -> bool {
        self.command.is_some() && (self.subscription.is_some() || !self.subscribes)
    }

    pub fn pending(&self) -> usize {
        self.command.as_ref().map_or(0, |link| link.asked.len())
    }

    pub fn awaits(&self, wanted: Asked) -> bool {
        self.command
            .as_ref()
            .is_some_and(|link| link.awaits(wanted))
    }

    /// An answer came to a ping, and says how far the instance is if there was but one. A slow
    /// answer is remembered for a while.
    pub fn note_round_trip(&mut self, now_ms: u64) {
        if self.pinged_ms != Some(self.last_ping_ms) {
            return;
        }
        let took_ms = now_ms.saturating_sub(self.last_ping_ms);
        self.round_trip_ms = took_ms.max((3 * self.round_trip_ms + took_ms) / 4);
    }

    /// For how long the instance owes a sign of life.
    pub fn silent_ms(&self, now_ms: u64) -> u64 {
        match self.pinged_ms {
            Some(pinged_ms) => now_ms.saturating_sub(pinged_ms),
            None if !self.is_up() => now_ms.saturating_sub(self.last_valid_ms),
            None => 0,
        }
    }
}

/// All links, and whose each connection is.
#[derive(Debug, Default)]
pub(crate) struct Links {
    links: BTreeMap<LinkId, Link>,
    owners: BTreeMap<ConnectionId, (LinkId, Way)>,
    made: u64,
    connections_made: u64,
}

impl Links {
    pub fn make(&mut self, subscribes: bool, now_ms: u64) -> LinkId {
        self.made += 1;
        let id = LinkId(self.made);
        self.links.insert(id, Link::new(subscribes, now_ms));
        id
    }

    /// One more user.
    pub fn share(&mut self, id: LinkId) -> LinkId {
        self.get_mut(id).uses += 1;
        id
    }

    pub fn get(&self, id: LinkId) -> &Link {
        self.links.get(&id).expect("an instance has its link")
    }

    pub fn get_mut(&mut self, id: LinkId) -> &mut Link {
        self.links.get_mut(&id).expect("an instance has its link")
    }

    pub fn owner(&self, connection: ConnectionId) -> Option<(LinkId, Way)> {
        self.owners.get(&connection).copied()
    }

    /// A connection that is to be made.
    pub fn connect(&mut self, id: LinkId, way: Way, now_ms: u64) -> ConnectionId {
        self.connections_made += 1;
        let connection = ConnectionId(self.connections_made);
        self.owners.insert(connection, (id, way));
        let made = Some(Connection::new(connection, now_ms));
        let link = self.get_mut(id);
        match way {
            Way::Command => link.command = made,
            Way::Subscription => {
                link.last_message_ms = now_ms;
                link.subscription = made;
            }
        }
        connection
    }

    /// Notes a request that was sent on the subscription.
    pub fn expect(&mut self, id: LinkId, asked: Asked) {
        if let Some(subscription) = &mut self.get_mut(id).subscription {
            subscription.asked.push_back(asked);
        }
    }

    /// Takes a connection out. What is awaited on it will not come.
    pub fn drop(&mut self, id: LinkId, way: Way) -> Option<ConnectionId> {
        let link = self.links.get_mut(&id)?;
        let connection = match way {
            Way::Command => link.command.take(),
            Way::Subscription => link.subscription.take(),
        }?;
        self.owners.remove(&connection.id);
        Some(connection.id)
    }

    /// One user less. Returns the connections that nobody needs any longer.
    pub fn release(&mut self, id: LinkId) -> Vec<ConnectionId> {
        let link = self.get_mut(id);
        link.uses -= 1;
        if link.uses > 0 {
            return Vec::new();
        }
        let ways = [Way::Command, Way::Subscription];
        let closed = ways.into_iter().filter_map(|way| self.drop(id, way));
        let closed = closed.collect();
        self.links.remove(&id);
        closed
    }
}
