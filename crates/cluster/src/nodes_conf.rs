//! The file in which a node keeps what it knows of the cluster, in Redis's format.
//!
//! ```text
//! <id> <ip>:<port>@<bus port>[,<host name>] <flags> <primary or -> <ping sent> <pong received>
//!     <epoch> connected|disconnected [<slot>|<first>-<last>|[<slot>->-<to>]|[<slot>-<-<from>]]…
//! vars currentEpoch <epoch> lastVoteEpoch <epoch>
//! ```
//!
//! Operators edit it, so words may stand apart by any white space, lines in any order, and what is
//! said twice of a slot counts the first time. The name of a shard is kept among the `vars`, where
//! Redis passes over what it does not know, and only if it is not the node's own name; so are the
//! slots that their owners do not claim any longer, those that are being handed over, the epoch
//! that the node has chosen alone, and that it has stopped writes for a replica, if there are such.

use std::fmt;
use std::fmt::Write;
use std::ops::RangeInclusive;

use crate::id::{NodeId, ShardId};
use crate::node::Flags;
use crate::slots::{SLOTS, SlotSet};

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodesConf {
    pub entries: Vec<Entry>,
    pub current_epoch: u64,
    pub last_vote_epoch: u64,
    pub shard: Option<ShardId>,
    /// The node's epoch, if it chose that alone when it took slots; or 0.
    pub chosen_epoch: u64,
    /// Slots that the nodes at whose lines they stand do not claim any longer.
    pub released: SlotSet,
    /// Slots of the node that it may have told another to take.
    pub handed_over: SlotSet,
    /// Whether the node has stopped writes for a replica that takes its place.
    pub yields: bool,
    /// Variables that mean nothing here.
    pub unknown: Vec<String>,
}

/// A line: of the file, or of `CLUSTER NODES`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: NodeId,
    pub ip: String,
    pub port: u16,
    pub bus_port: u16,
    /// Empty if there is none.
    pub hostname: String,
    pub flags: Flags,
    pub primary: Option<NodeId>,
    pub ping_sent_ms: u64,
    pub pong_ms: u64,
    pub config_epoch: u64,
    pub connected: bool,
    pub slots: Vec<RangeInclusive<u16>>,
    /// Slots that move from this node to another.
    pub migrating: Vec<(u16, NodeId)>,
    /// Slots that move to this node from another.
    pub importing: Vec<(u16, NodeId)>,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corrupt {
    /// The line, counted from 1.
    Line(usize),
    /// A word among a node's flags that is none.
    UnknownFlag(String),
    /// No line says which node this is, or two do.
    NoMyself,
    /// There is a file with nothing in it. What it held is lost; whoever creates the file anew
    /// starts a machine without one.
    Empty,
}

/// The line that is logged, as operators know it.
impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Corrupt::UnknownFlag(_) => f.write_str("Unknown flag in redis cluster config file"),
            Corrupt::Line(_) | Corrupt::NoMyself | Corrupt::Empty => {
                f.write_str("Unrecoverable error: corrupted cluster config file.")
            }
        }
    }
}

impl NodesConf {
    pub fn parse(text: &[u8]) -> Result<NodesConf, Corrupt> {
        if text.is_empty() {
            return Err(Corrupt::Empty);
        }
        let mut conf = NodesConf::default();
        for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let corrupt = Corrupt::Line(number + 1);
            let line = line.trim_ascii();
            let line = match std::str::from_utf8(line) {
                Ok("") => continue,
                Ok(line) => line,
                Err(_) => return Err(corrupt),
            };
            match line.split_ascii_whitespace().next() {
                Some("vars") => conf.read_vars(line).ok_or(corrupt)?,
                _ => conf.entries.push(Entry::parse(line, corrupt)?),
            }
        }
        let is_myself = |entry: &&Entry| entry.flags.has(Flags::MYSELF);
        match conf.entries.iter().filter(is_myself).count() {
            1 => Ok(conf),
            _ => Err(Corrupt::NoMyself),
        }
    }

    fn read_vars(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_ascii_whitespace().skip(1);
        while let Some(name) = words.next() {
            let value = words.next()?;
            match name {
                "currentEpoch" => self.current_epoch = leading_number(value),
                "lastVoteEpoch" => self.last_vote_epoch = leading_number(value),
                "shardId" => self.shard = Some(NodeId::parse(value.as_bytes())?),
                "chosenEpoch" => self.chosen_epoch = leading_number(value),
                "releasedSlots" => self.released = read_slots(value),
                "handedOverSlots" => self.handed_over = read_slots(value),
                "stoppedWrites" => self.yields = leading_number(value) != 0,
                unknown => self.unknown.push(unknown.to_owned()),
            }
        }
        Some(())
    }
}

impl fmt::Display for NodesConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{entry}")?;
        }
        let (current, vote) = (self.current_epoch, self.last_vote_epoch);
        write!(f, "vars currentEpoch {current} lastVoteEpoch {vote}")?;
        if let Some(shard) = self.shard {
            write!(f, " shardId {shard}")?;
        }
        if self.chosen_epoch != 0 {
            write!(f, " chosenEpoch {}", self.chosen_epoch)?;
        }
        if self.yields {
            f.write_str(" stoppedWrites 1")?;
        }
        write_slots("releasedSlots", &self.released, f)?;
        write_slots("handedOverSlots", &self.handed_over, f)?;
        f.write_char('\n')
    }
}

fn read_slots(value: &str) -> SlotSet {
    let ranges = value.split(',').flat_map(read_range);
    ranges.flatten().collect()
}

/// Nothing if there are none.
fn write_slots(name: &str, slots: &SlotSet, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, range) in slots.ranges().enumerate() {
        match at {
            0 => write!(f, " {name} ")?,
            _ => f.write_char(',')?,
        }
        write_range(&range, f)?;
    }
    Ok(())
}

impl Entry {
    fn parse(line: &str, corrupt: Corrupt) -> Result<Entry, Corrupt> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [
            id,
            address,
            flags,
            primary,
            ping,
            pong,
            epoch,
            link,
            slots @ ..,
        ] = &*words
        else {
            return Err(corrupt);
        };
        let flags = match Flags::parse(flags) {
            Ok(flags) => flags,
            Err(word) => return Err(Corrupt::UnknownFlag(word.to_owned())),
        };
        let mut entry = Entry {
            id: NodeId::parse(id.as_bytes()).ok_or(corrupt.clone())?,
            ip: String::new(),
            port: 0,
            bus_port: 0,
            hostname: String::new(),
            flags,
            primary: match *primary {
                "-" => None,
                name => Some(NodeId::parse(name.as_bytes()).ok_or(corrupt.clone())?),
            },
            ping_sent_ms: leading_number(ping),
            pong_ms: leading_number(pong),
            config_epoch: leading_number(epoch),
            connected: *link == "connected",
            slots: Vec::new(),
            migrating: Vec::new(),
            importing: Vec::new(),
        };
        entry.read_address(address).ok_or(corrupt.clone())?;
        for word in slots {
            entry.read_slots(word).ok_or(corrupt.clone())?;
        }
        Ok(entry)
    }

    fn read_address(&mut self, word: &str) -> Option<()> {
        let mut parts = word.split(',');
        let (ip, ports) = parts.next()?.rsplit_once(':')?;
        self.ip = ip.to_owned();
        let (port, bus_port) = match ports.split_once('@') {
            Some((port, bus_port)) => (port, Some(bus_port)),
            None => (ports, None),
        };
        self.port = port.parse().ok()?;
        self.bus_port = match bus_port {
            Some(bus_port) => bus_port.parse().ok()?,
            None => self.port.checked_add(10_000)?,
        };
        // Behind the host name, later versions say more, always as `name=value`.
        let is_name = |part: &&str| !part.contains('=');
        self.hostname = parts.next().filter(is_name).unwrap_or("").to_owned();
        Some(())
    }

    fn read_slots(&mut self, word: &str) -> Option<()> {
        let node = |text: &str| NodeId::parse(text.as_bytes());
        if let Some(moving) = word.strip_prefix('[') {
            let moving = moving.strip_suffix(']')?;
            if let Some((moved, to)) = moving.split_once("->-") {
                self.migrating.push((read_slot(moved)?, node(to)?));
            } else {
                let (moved, from) = moving.split_once("-<-")?;
                self.importing.push((read_slot(moved)?, node(from)?));
            }
            return Some(());
        }
        self.slots.push(read_range(word)?);
        Some(())
    }
}

fn read_slot(text: &str) -> Option<u16> {
    text.parse().ok().filter(|&slot| slot < SLOTS)
}

/// `<slot>` or `<first>-<last>`.
fn read_range(word: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(read_slot(first)?..=read_slot(last)?)
}

fn write_range(range: &RangeInclusive<u16>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (range.start(), range.end()) {
        (first, last) if first == last => write!(f, "{first}"),
        (first, last) => write!(f, "{first}-{last}"),
    }
}

/// A number at the beginning; what is none counts as 0.
fn leading_number(text: &str) -> u64 {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().unwrap_or(0)
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, ip, port, bus_port) = (self.id, &self.ip, self.port, self.bus_port);
        write!(f, "{id} {ip}:{port}@{bus_port}")?;
        if !self.hostname.is_empty() {
            write!(f, ",{}", self.hostname)?;
        }
        write!(f, " {} ", self.flags)?;
        match self.primary {
            Some(primary) => write!(f, "{primary}")?,
            None => f.write_char('-')?,
        }
        let (ping, pong, epoch) = (self.ping_sent_ms, self.pong_ms, self.config_epoch);
        let link = match self.connected {
            true => "connected",
            false => "disconnected",
        };
        write!(f, " {ping} {pong} {epoch} {link}")?;
        for range in &self.slots {
            f.write_char(' ')?;
            write_range(range, f)?;
        }
        for (slot, to) in &self.migrating {
            write!(f, " [{slot}->-{to}]")?;
        }
        for (slot, from) in &self.importing {
            write!(f, " [{slot}-<-{from}]")?;
        }
        Ok(())
    }
}
