//! The nodes of a large list, in order.
//!
//! Each node is a listpack within the limits, or one element that is too large for any. The
//! directory holds a node's count beside its pointer, so that counting up to an index touches the
//! directory only. Adding and removing at both ends never moves it; in the middle, only a node
//! that comes or goes does, and that moves the shorter part of the directory.

use std::collections::VecDeque;

use super::{End, Limits, Node};
use crate::{Listpack, Text};
use frozen::Frozen;

mod frozen;
mod gap;
mod head;

pub(super) use gap::Gap;

#[derive(Default)]
pub(super) struct Nodes {
    nodes: VecDeque<Kept>,
    /// Elements of all nodes.
    len: usize,
    /// Bytes of all nodes, without the directory.
    bytes: usize,
    frozen: Option<Box<Frozen>>,
}

/// A node as the directory keeps it, in 16 bytes.
#[derive(Clone)]
enum Kept {
    Packed { count: u32, pack: Listpack },
    Plain(Box<Plain>),
}

/// An element that is too large for a listpack.
#[derive(Clone)]
struct Plain(Box<[u8]>);

impl Plain {
    fn is(&self, wanted: Text<'_>) -> bool {
        Text::Bytes(&self.0).is_same(wanted)
    }
}

const _: () = assert!(size_of::<Kept>() == 16);

/// A node that has elements which are to be removed.
struct Hit {
    node: usize,
    found: usize,
    removed: usize,
}

/// The directory gives room back from this many nodes on.
const SHRINK_NODES_MIN: usize = 64;

impl Kept {
    fn of_pack(pack: Listpack) -> Kept {
        Kept::Packed {
            count: short(pack.len()),
            pack,
        }
    }

    fn of(text: Text<'_>, limits: &Limits) -> Kept {
        match text {
            Text::Bytes(bytes) if limits.is_plain(text) => {
                Kept::Plain(Box::new(Plain(bytes.into())))
            }
            text => {
                let mut pack = Listpack::new();
                pack.push_back(text);
                Kept::of_pack(pack)
            }
        }
    }

    #[inline]
    fn count(&self) -> usize {
        match self {
            Kept::Packed { count, .. } => *count as usize,
            Kept::Plain(_) => 1,
        }
    }

    fn memory(&self) -> usize {
        match self {
            Kept::Packed { pack, .. } => pack.memory(),
            Kept::Plain(plain) => size_of::<Plain>() + plain.0.len(),
        }
    }

    fn view(&self) -> Node<'_> {
        match self {
            Kept::Packed { pack, .. } => Node::Packed(pack),
            Kept::Plain(plain) => Node::Plain(&plain.0),
        }
    }

    /// A node of some of the elements.
    fn copy(&self, within: usize, count: usize) -> Kept {
        match self {
            Kept::Packed { pack, .. } if count < pack.len() => {
                let at = pack.seek(within as isize).expect("it is counted");
                Kept::of_pack(pack.copy(at, count))
            }
            whole => whole.clone(),
        }
    }
}

fn short(count: usize) -> u32 {
    u32::try_from(count).expect("a listpack's bytes fit 32 bits, so its elements do")
}

/// The directory.
impl Nodes {
    pub fn of_pack(pack: Listpack) -> Nodes {
        let mut nodes = Nodes::default();
        if !pack.is_empty() {
            nodes.put(0, Kept::of_pack(pack));
        }
        nodes
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub fn node(&self, node: usize) -> Option<Node<'_>> {
        self.nodes.get(node).map(Kept::view)
    }

    pub fn memory(&self) -> usize {
        let frozen = self.frozen.as_ref().map_or(0, |frozen| frozen.memory());
        size_of::<Nodes>() + self.nodes.capacity() * size_of::<Kept>() + self.bytes + frozen
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The node that the element at `index` is in, and how many of its elements come before.
    pub fn locate(&self, index: usize) -> Option<(usize, usize)> {
        let mut from_end = self.len.checked_sub(index + 1)?;
        if index < from_end {
            let mut rest = index;
            for (at, node) in self.nodes.iter().enumerate() {
                match rest.checked_sub(node.count()) {
                    Some(behind) => rest = behind,
                    None => return Some((at, rest)),
                }
            }
        }
        for (at, node) in self.nodes.iter().enumerate().rev() {
            match from_end.checked_sub(node.count()) {
                Some(before) => from_end = before,
                None => return Some((at, node.count() - 1 - from_end)),
            }
        }
        unreachable!("the nodes hold as many elements as were counted")
    }

    fn put(&mut self, at: usize, node: Kept) {
        self.len += node.count();
        self.bytes += node.memory();
        self.nodes.insert(at, node);
    }

    fn exchange(&mut self, at: usize, node: Kept) {
        self.len += node.count();
        self.bytes += node.memory();
        let old = std::mem::replace(&mut self.nodes[at], node);
        self.uncount(&old);
    }

    fn take(&mut self, at: usize) -> Kept {
        let node = self.nodes.remove(at).expect("the node is there");
        self.uncount(&node);
        self.give_room_back();
        node
    }

    fn uncount(&mut self, node: &Kept) {
        self.len -= node.count();
        self.bytes -= node.memory();
    }

    fn give_room_back(&mut self) {
        if self.nodes.capacity() > SHRINK_NODES_MIN && self.nodes.len() < self.nodes.capacity() / 4
        {
            self.nodes.shrink_to(self.nodes.len() * 2);
        }
    }

    /// Changes a node that is a listpack.
    fn edit<R>(&mut self, at: usize, change: impl FnOnce(&mut Listpack) -> R) -> R {
        let Kept::Packed { count, pack } = &mut self.nodes[at] else {
            unreachable!("only listpacks are changed");
        };
        let (len, memory) = (*count as usize, pack.memory());
        let result = change(pack);
        *count = short(pack.len());
        self.len = self.len - len + *count as usize;
        self.bytes = self.bytes - memory + pack.memory();
        result
    }

    /// Removes `count` elements of the first node, which has more.
    fn remove_front(&mut self, count: usize) {
        self.edit(0, |pack| {
            let first = pack.first().expect("no node is empty");
            pack.remove_range(first, count);
        });
    }

    /// The only node, if there is one and it is a listpack.
    pub fn single_pack(&mut self) -> Option<Listpack> {
        match self.nodes.front() {
            Some(Kept::Packed { .. }) if self.nodes.len() == 1 => match self.take(0) {
                Kept::Packed { pack, .. } => Some(pack),
                Kept::Plain(_) => unreachable!("it is a listpack"),
            },
            _ => None,
        }
    }

    /// Adds a node at the end.
    pub fn push_pack(&mut self, pack: Listpack) {
        self.put(self.nodes.len(), Kept::of_pack(pack));
    }

    pub fn push_plain(&mut self, bytes: Box<[u8]>) {
        self.put(self.nodes.len(), Kept::Plain(Box::new(Plain(bytes))));
    }

    /// Takes the last node away, of a list that is not frozen. Returns how many elements it had.
    pub fn drop_last(&mut self) -> usize {
        match self.nodes.len() {
            0 => 0,
            nodes => self.take(nodes - 1).count(),
        }
    }
}

/// Changing elements.
impl Nodes {
    pub fn push(&mut self, end: End, text: Text<'_>, limits: &Limits) {
        self.before_push(end);
        match end {
            End::Head => self.push_front(text, limits),
            End::Tail => self.push_back(text, limits),
        }
    }

    fn push_back(&mut self, text: Text<'_>, limits: &Limits) {
        let behind = self.nodes.len();
        let has_room = behind
            .checked_sub(1)
            .is_some_and(|last| self.push_within(last, End::Tail, text, limits));
        if !has_room {
            self.put(behind, Kept::of(text, limits));
        }
    }

    /// Adds an element at an end of a node, if there is room.
    fn push_within(&mut self, node: usize, end: End, text: Text<'_>, limits: &Limits) -> bool {
        match self.nodes.get(node) {
            Some(Kept::Packed { .. }) => self.edit(node, |pack| limits.push(pack, end, text)),
            _ => false,
        }
    }

    /// Removes the element at an end, and gives it to `read`.
    pub fn pop<R>(&mut self, end: End, read: impl FnOnce(Text<'_>) -> R) -> Option<R> {
        let node = match end {
            End::Head => 0,
            End::Tail => self.nodes.len().checked_sub(1)?,
        };
        self.before_pop(end);
        if end == End::Head {
            self.split_head();
        }
        if self.nodes.get(node)?.count() > 1 {
            return self.edit(node, |pack| super::pop(pack, end, read));
        }
        match self.take(node) {
            Kept::Packed { mut pack, .. } => super::pop(&mut pack, end, read),
            Kept::Plain(plain) => Some(read(Text::Bytes(&plain.0))),
        }
    }

    /// Adds an element in a gap of a node.
    pub fn insert(&mut self, node: usize, gap: Gap, text: Text<'_>, limits: &Limits) {
        self.before_edit(node, 1);
        self.insert_at(node, gap, text, limits);
    }

    fn insert_at(&mut self, node: usize, gap: Gap, text: Text<'_>, limits: &Limits) {
        let has_room = match &self.nodes[node] {
            Kept::Packed { count, pack } => limits.allow(pack, *count as usize, text),
            Kept::Plain(_) => false,
        };
        match gap {
            Gap::Start if has_room => self.edit(node, |pack| pack.push_front(text)),
            Gap::Before(at) if has_room => self.edit(node, |pack| pack.insert(at, text)),
            Gap::End if has_room => self.edit(node, |pack| pack.push_back(text)),
            Gap::Start => self.insert_between(node, text, limits),
            Gap::End => self.insert_between(node + 1, text, limits),
            Gap::Before(at) => {
                let tail = self.edit(node, |pack| pack.split_off(at));
                self.put(node + 1, Kept::of_pack(tail));
                self.insert_between(node + 1, text, limits);
            }
        }
    }

    /// Adds an element before a node and behind its neighbour, to either or as a node of its own.
    fn insert_between(&mut self, node: usize, text: Text<'_>, limits: &Limits) {
        let before = node.checked_sub(1);
        if before.is_none_or(|before| !self.push_within(before, End::Tail, text, limits))
            && !self.push_within(node, End::Head, text, limits)
        {
            self.put(node, Kept::of(text, limits));
        }
    }

    /// Puts another element in the place of the one that `locate` found.
    pub fn set(&mut self, (node, within): (usize, usize), text: Text<'_>, limits: &Limits) {
        self.before_edit(node, 0);
        let Kept::Packed { count: 2.., .. } = &self.nodes[node] else {
            return self.exchange(node, Kept::of(text, limits));
        };
        let at = self.edit(node, |pack| super::replace(pack, within, text, limits));
        if let Err(at) = at {
            let gap = self.edit(node, |pack| {
                pack.remove(at);
                Gap::before(pack, at)
            });
            self.insert_at(node, gap, text, limits);
        }
    }

    /// Takes away `count` elements, which are there, from `start` on.
    pub fn remove_range(&mut self, start: usize, mut count: usize, limits: &Limits) {
        let Some((first, mut within)) = self.locate(start) else {
            return;
        };
        let mut node = first;
        while count > 0 {
            let whole = if within == 0 {
                self.whole_nodes(node, count)
            } else {
                0
            };
            let gone = self.cut(node..node + whole);
            count -= gone.len;
            self.keep_gone(start, gone);
            let have = self.nodes.get(node).map_or(0, Kept::count) - within;
            let part = count.min(have);
            if part > 0 {
                self.before_removal(start, (node, within), part);
                self.edit(node, |pack| {
                    let at = pack.seek(within as isize).expect("it is counted");
                    pack.remove_range(at, part)
                });
                count -= part;
            }
            (node, within) = (node + 1, 0);
        }
        self.give_room_back();
        self.mend(first..=first, limits);
    }

    /// Takes nodes out.
    fn cut(&mut self, range: std::ops::Range<usize>) -> Nodes {
        let mut gone = Nodes::default();
        for node in self.nodes.drain(range) {
            gone.put(gone.nodes.len(), node);
        }
        self.len -= gone.len;
        self.bytes -= gone.bytes;
        gone
    }

    /// How many nodes from `node` on have `count` elements or fewer, together.
    fn whole_nodes(&self, node: usize, mut count: usize) -> usize {
        let whole = self.nodes.range(node..).take_while(|node| {
            let rest = count.checked_sub(node.count());
            count = rest.unwrap_or(0);
            rest.is_some()
        });
        whole.count()
    }

    /// Takes away up to `max` elements that are `wanted`, the first ones seen from `from`.
    pub fn remove_equal(
        &mut self,
        wanted: Text<'_>,
        max: usize,
        from: End,
        limits: &Limits,
    ) -> usize {
        let hits = self.hits(wanted, max, from);
        let (Some(first), Some(last)) = (hits.first(), hits.last()) else {
            return 0;
        };
        self.before_removals(hits.iter().map(|hit| (hit.node, hit.removed)));
        for hit in &hits {
            if let Kept::Plain(_) = self.nodes[hit.node] {
                self.exchange(hit.node, Kept::of_pack(Listpack::new()));
            } else {
                self.edit(hit.node, |pack| {
                    super::remove_equal(pack, wanted, hit.found, hit.removed, from)
                });
            }
        }
        self.mend(first.node..=last.node, limits);
        hits.iter().map(|hit| hit.removed).sum()
    }

    /// The nodes from which up to `max` elements that are `wanted` are to be removed, in order.
    fn hits(&self, wanted: Text<'_>, max: usize, from: End) -> Vec<Hit> {
        let nodes = self.nodes.len();
        let (mut hits, mut rest) = (Vec::new(), max);
        for step in 0..nodes {
            let node = match from {
                _ if rest == 0 => break,
                End::Head => step,
                End::Tail => nodes - 1 - step,
            };
            let found = match &self.nodes[node] {
                Kept::Packed { pack, .. } => super::count_of(pack, wanted),
                Kept::Plain(plain) => usize::from(plain.is(wanted)),
            };
            if found > 0 {
                let removed = found.min(rest);
                rest -= removed;
                hits.push(Hit {
                    node,
                    found,
                    removed,
                });
            }
        }
        if from == End::Tail {
            hits.reverse();
        }
        hits
    }

    /// After elements were taken from these nodes: removes the empty ones, and joins those that
    /// became small with a neighbour.
    fn mend(&mut self, touched: std::ops::RangeInclusive<usize>, limits: &Limits) {
        let low = touched.start().saturating_sub(1);
        if touched.start() == touched.end() {
            if self
                .nodes
                .get(*touched.start())
                .is_some_and(|node| node.count() == 0)
            {
                self.take(*touched.start());
            }
            self.join(*touched.start(), limits);
            return self.join(low, limits);
        }
        let mut tail = self.nodes.split_off(low);
        let high = tail.len().min(touched.end() + 2 - low);
        for node in tail.drain(..high) {
            self.uncount(&node);
            match node {
                Kept::Packed { count: 0, .. } => {}
                node => {
                    self.put(self.nodes.len(), node);
                    if let Some(before) = self.nodes.len().checked_sub(2) {
                        self.join(before, limits);
                    }
                }
            }
        }
        self.nodes.append(&mut tail);
    }

    /// Makes one node of this and the next, if both are small.
    fn join(&mut self, node: usize, limits: &Limits) {
        self.join_if(node, |pack, next| limits.want_joined(pack, next));
    }

    /// Makes one node of this and the next, if those are listpacks that are to be one.
    fn join_if(&mut self, node: usize, are_to_be: impl FnOnce(&Listpack, &Listpack) -> bool) {
        let packs = (self.nodes.get(node), self.nodes.get(node + 1));
        if let (Some(Kept::Packed { pack, .. }), Some(Kept::Packed { pack: next, .. })) = packs
            && are_to_be(pack, next)
            && let Kept::Packed { pack: next, .. } = self.take(node + 1)
        {
            self.edit(node, |pack| pack.append(&next));
        }
    }

    /// The first element that is `wanted`: its node, and the gap on one side of it.
    pub fn find(&self, wanted: Text<'_>, side: End) -> Option<(usize, Gap)> {
        self.nodes
            .iter()
            .enumerate()
            .find_map(|(at, node)| match node {
                Kept::Packed { pack, .. } => {
                    let found = pack.find(pack.first(), wanted, 1)?;
                    Some((at, Gap::beside(pack, found, side)))
                }
                Kept::Plain(plain) => plain.is(wanted).then_some(match side {
                    End::Head => (at, Gap::Start),
                    End::Tail => (at, Gap::End),
                }),
            })
    }
}
