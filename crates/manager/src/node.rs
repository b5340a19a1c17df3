//! A node of the cluster, as its own line of `CLUSTER NODES` shows it.

use crate::place::Place;
use crate::slots::{SLOTS, SlotSet};

/// How far the bus port is from the port of clients, unless a node says otherwise.
pub const BUS_PORT_DISTANCE: u16 = 10_000;

/// A node of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub id: String,
    pub host: String,
    pub port: u16,
    pub bus_port: Option<u16>,
    /// Without `myself`.
    pub flags: Vec<String>,
    /// Whom it replicates.
    pub primary: Option<String>,
    pub config_epoch: u64,
    pub slots: SlotSet,
    /// Slots that go from here to the node of this id, in the order they were listed.
    pub migrating: Vec<(u16, String)>,
    /// Slots that come from the node of this id.
    pub importing: Vec<(u16, String)>,
}

impl Node {
    pub fn place(&self) -> Place {
        Place {
            host: self.host.clone(),
            port: self.port,
        }
    }

    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    pub fn is_replica(&self) -> bool {
        self.has_flag("slave")
    }

    pub fn is_primary(&self) -> bool {
        !self.is_replica()
    }

    /// To whom a slot goes.
    pub fn migrates(&self, slot: u16) -> Option<&str> {
        find(&self.migrating, slot)
    }

    /// From whom a slot comes.
    pub fn imports(&self, slot: u16) -> Option<&str> {
        find(&self.importing, slot)
    }
}

fn find(open: &[(u16, String)], slot: u16) -> Option<&str> {
    let found = open.iter().find(|(own, _)| *own == slot);
    found.map(|(_, id)| id.as_str())
}

/// A line of `CLUSTER NODES`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub node: Node,
    pub myself: bool,
    /// Whether the node that wrote the line is connected to the one it is about.
    pub connected: bool,
    /// The slots as they are written, for comparing what nodes say.
    slot_words: Vec<String>,
}

impl Line {
    /// Reads a line; none if it is no such line.
    pub fn parse(line: &str) -> Option<Line> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [id, place, flags, primary, _, _, epoch, link, slots @ ..] = words.as_slice() else {
            return None;
        };
        let (host, port, bus_port) = read_place(place)?;
        let mut node = Node {
            id: (*id).to_owned(),
            host,
            port,
            bus_port,
            primary: (*primary != "-").then(|| (*primary).to_owned()),
            config_epoch: epoch.parse().unwrap_or(0),
            ..Node::default()
        };
        let own = flags.split(',').filter(|flag| *flag != "myself");
        node.flags = own.map(str::to_owned).collect();
        let mut slot_words = Vec::new();
        for word in slots {
            match word.strip_prefix('[') {
                Some(open) => read_open(open.trim_end_matches(']'), &mut node),
                None => {
                    read_range(word, &mut node.slots)?;
                    slot_words.push((*word).to_owned());
                }
            }
        }
        Some(Line {
            node,
            myself: flags.split(',').any(|flag| flag == "myself"),
            connected: *link == "connected",
            slot_words,
        })
    }
}

/// `10.0.0.1:7000@17000,host.name`, of which only the address is always there.
fn read_place(word: &str) -> Option<(String, u16, Option<u16>)> {
    let address = word.split(',').next().unwrap_or_default();
    let (address, bus_port) = match address.split_once('@') {
        Some((address, bus_port)) => (address, bus_port.parse().ok()),
        None => (address, None),
    };
    let (host, port) = address.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?, bus_port))
}

fn read_range(word: &str, slots: &mut SlotSet) -> Option<()> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    for slot in first..=last.min(SLOTS - 1) {
        slots.insert(slot);
    }
    Some(())
}

/// `93->-ID` or `93-<-ID`.
fn read_open(word: &str, node: &mut Node) {
    let open = |text: &str| text.parse().ok().filter(|slot: &u16| *slot < SLOTS);
    if let Some((slot, id)) = word.split_once("->-") {
        node.migrating
            .extend(open(slot).map(|slot| (slot, id.to_owned())));
    } else if let Some((slot, id)) = word.split_once("-<-") {
        node.importing
            .extend(open(slot).map(|slot| (slot, id.to_owned())));
    }
}

/// All that a node says of the cluster.
pub fn parse_lines(reply: &str) -> Vec<Line> {
    reply.lines().filter_map(Line::parse).collect()
}

/// Who has which slots, in a form that is equal when two nodes agree.
pub fn signature(lines: &[Line]) -> String {
    let mut parts: Vec<String> = lines
        .iter()
        .filter(|line| !line.slot_words.is_empty())
        .map(|line| {
            let mut words = line.slot_words.clone();
            words.sort();
            format!("{}:{}", line.node.id, words.join(","))
        })
        .collect();
    parts.sort();
    parts.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "07c37dfeb235213a872192d90877d0cd55635b91";

    #[test]
    fn lines_of_all_versions_are_read() {
        let text = format!(
            "{ID} 127.0.0.1:30004@31004,host4,shard-id=x slave,fail? \
             e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected\n\
             e7d1 ::1:30001 myself,master - 0 0 7 disconnected 0-5460 5470 [93->-{ID}] \
             [94-<-{ID}]\n\
             half a line\n"
        );
        let lines = parse_lines(&text);
        assert_eq!(lines.len(), 2);
        let (replica, primary) = (&lines[0].node, &lines[1].node);
        assert_eq!(replica.place().to_string(), "127.0.0.1:30004");
        assert_eq!(replica.bus_port, Some(31004));
        assert!(replica.is_replica() && replica.has_flag("fail?"));
        assert!(lines[0].connected && !lines[0].myself);
        assert_eq!((primary.host.as_str(), primary.bus_port), ("::1", None));
        assert_eq!(primary.flags, ["master"]);
        assert_eq!((primary.slots.len(), primary.config_epoch), (5462, 7));
        assert_eq!(
            (primary.migrates(93), primary.imports(94)),
            (Some(ID), Some(ID))
        );
        assert_eq!(primary.migrates(94), None);
        assert!(lines[1].myself && !lines[1].connected);
    }

    #[test]
    fn signatures_know_no_order_and_no_open_slots() {
        let one = parse_lines("b h:1 master - 0 0 1 connected 5 0-3\na h:2 master - 0 0 1 c 9");
        let other = parse_lines("a h:2 master - 0 0 1 c 9\nb x:1 master - 0 0 2 c 0-3 5 [7->-a]");
        assert_eq!(signature(&one), signature(&other));
        assert_eq!(signature(&one), "a:9|b:0-3,5");
    }
}
