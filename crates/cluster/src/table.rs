//! The nodes that are known, each in its seat.
//!
//! Whatever speaks of a node holds its seat, which stays when a node that was only an address
//! gets its name. A seat is used again after its node is gone, so whoever removes a node first
//! makes everybody forget the seat.

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use crate::id::NodeId;
use crate::node::Node;

/// How many nodes there may be. Ten times what anybody runs, and few enough for a seat.
pub(crate) const NODES_MAX: usize = 16_384;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seat(pub u16);

#[derive(Debug, Default)]
pub(crate) struct Table {
    seats: Vec<Option<Node>>,
    free: Vec<Seat>,
    by_name: BTreeMap<NodeId, Seat>,
}

impl Table {
    /// Seats a node, if there is room and its name is not known.
    pub fn insert(&mut self, node: Node) -> Option<Seat> {
        if self.by_name.len() >= NODES_MAX || self.by_name.contains_key(&node.id) {
            return None;
        }
        let id = node.id;
        let seat = match self.free.pop() {
            Some(seat) => seat,
            None => {
                self.seats.push(None);
                Seat(self.seats.len() as u16 - 1)
            }
        };
        self.seats[usize::from(seat.0)] = Some(node);
        self.by_name.insert(id, seat);
        Some(seat)
    }

    pub fn remove(&mut self, seat: Seat) -> Node {
        let node = self.seats[usize::from(seat.0)].take();
        let node = node.expect("only a seated node is removed");
        self.by_name.remove(&node.id);
        self.free.push(seat);
        node
    }

    pub fn rename(&mut self, seat: Seat, id: NodeId) {
        let before = self[seat].id;
        self.by_name.remove(&before);
        self.by_name.insert(id, seat);
        self[seat].id = id;
    }

    pub fn find(&self, id: NodeId) -> Option<Seat> {
        self.by_name.get(&id).copied()
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Seats and nodes, in the order of seats.
    pub fn iter(&self) -> impl Iterator<Item = (Seat, &Node)> {
        let seated = |(at, node): (usize, _)| Option::map(node, |node| (Seat(at as u16), node));
        self.seats
            .iter()
            .map(Option::as_ref)
            .enumerate()
            .filter_map(seated)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Seat, &mut Node)> {
        let seated = |(at, node): (usize, _)| Option::map(node, |node| (Seat(at as u16), node));
        self.seats
            .iter_mut()
            .map(Option::as_mut)
            .enumerate()
            .filter_map(seated)
    }

    /// The seats that are taken now, for those who change nodes while they walk.
    pub fn seats(&self) -> Vec<Seat> {
        self.iter().map(|(seat, _)| seat).collect()
    }

    /// How many seats there are, taken or not.
    pub fn width(&self) -> usize {
        self.seats.len()
    }

    pub fn get(&self, seat: Seat) -> Option<&Node> {
        self.seats.get(usize::from(seat.0))?.as_ref()
    }
}

impl Index<Seat> for Table {
    type Output = Node;

    fn index(&self, seat: Seat) -> &Node {
        self.get(seat)
            .expect("seats are forgotten before they are free")
    }
}

impl IndexMut<Seat> for Table {
    fn index_mut(&mut self, seat: Seat) -> &mut Node {
        let node = self.seats[usize::from(seat.0)].as_mut();
        node.expect("seats are forgotten before they are free")
    }
}
