//! Redis's lists: elements in order, reached from both ends.
//!
//! A small list is one listpack. A large one is a sequence of them (`list/nodes.rs`), each within
//! the [`Limits`] that the caller passes along: so an element of 16 bytes takes 18 of its listpack
//! and next to nothing else, and nothing ever moves more than a node.
//!
//! Nodes are never compressed: the ends are what lists are used for.

use std::fmt;
use std::ptr::NonNull;

use crate::listpack::Position;
use crate::{Collection, Compact, Listpack, Shown, Text};
use nodes::Nodes;

mod limits;
mod nodes;
mod walk;

pub use limits::Limits;
pub use walk::Walk;

/// Elements in order.
pub struct List(Form);

#[derive(Clone)]
enum Form {
    Small(Listpack),
    Large(Box<Nodes>),
}

/// An end of a list, and the direction towards it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Head,
    Tail,
}

/// A part of a list in one piece of memory.
pub enum Node<'a> {
    Packed(&'a Listpack),
    /// One element that is too large for a listpack.
    Plain(&'a [u8]),
}

impl List {
    pub fn new() -> List {
        List(Form::Small(Listpack::new()))
    }

    /// Adds an element at an end.
    pub fn push(&mut self, end: End, text: Text<'_>, limits: &Limits) {
        if let Form::Small(pack) = &mut self.0
            && limits.push(pack, end, text)
        {
            return;
        }
        self.large().push(end, text, limits);
    }

    /// Removes the element at an end, and gives it to `read`.
    pub fn pop<R>(&mut self, end: End, read: impl FnOnce(Text<'_>) -> R) -> Option<R> {
        match &mut self.0 {
            Form::Small(pack) => pop(pack, end, read),
            Form::Large(nodes) => {
                let result = nodes.pop(end, read);
                self.settle();
                result
            }
        }
    }

    /// The element at `index`, counted from the head.
    pub fn get(&self, index: usize) -> Option<Text<'_>> {
        self.walk(index, End::Tail).next()
    }

    /// Elements from `index` on, counted from the head, towards an end.
    pub fn walk(&self, index: usize, towards: End) -> Walk<'_> {
        let Some((node, within)) = self.locate(index) else {
            return Walk::new(self, self.node_count(), 0, End::Tail);
        };
        let passed = match (towards, self.node(node)) {
            (End::Head, Some(Node::Packed(pack))) => pack.len() - 1 - within,
            _ => within,
        };
        Walk::new(self, node, passed, towards)
    }

    pub fn iter(&self) -> Walk<'_> {
        self.walk(0, End::Tail)
    }

    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        match &self.0 {
            Form::Small(pack) => (index < pack.len()).then_some((0, index)),
            Form::Large(nodes) => nodes.locate(index),
        }
    }

    /// Puts another element at `index`. Returns whether there was one.
    pub fn set(&mut self, index: usize, text: Text<'_>, limits: &Limits) -> bool {
        let Some(place) = self.locate(index) else {
            return false;
        };
        let (_, within) = place;
        if let Form::Small(pack) = &mut self.0
            && replace(pack, within, text, limits).is_ok()
        {
            return true;
        }
        self.large().set(place, text, limits);
        self.settle();
        true
    }

    /// Adds an element beside the first one that is `pivot`, on the side nearer to `side`. Returns
    /// whether there was one.
    pub fn insert(&mut self, pivot: Text<'_>, side: End, text: Text<'_>, limits: &Limits) -> bool {
        if let Form::Small(pack) = &mut self.0 {
            let Some(at) = pack.find(pack.first(), pivot, 1) else {
                return false;
            };
            if limits.allow(pack, pack.len(), text) {
                match side {
                    End::Head => pack.insert(at, text),
                    End::Tail => pack.insert_behind(at, text),
                }
                return true;
            }
        }
        let nodes = self.large();
        let found = nodes.find(pivot.shortest(), side);
        if let Some((node, gap)) = found {
            nodes.insert(node, gap, text, limits);
        }
        self.settle();
        found.is_some()
    }

    /// Takes away up to `count` elements from `start` on.
    pub fn remove_range(&mut self, start: usize, count: usize, limits: &Limits) {
        let count = count.min(self.len().saturating_sub(start));
        match &mut self.0 {
            _ if count == 0 => {}
            Form::Small(pack) => {
                let at = pack.seek(start as isize).expect("it is counted");
                pack.remove_range(at, count);
            }
            Form::Large(nodes) => {
                nodes.remove_range(start, count, limits);
                self.settle();
            }
        }
    }

    /// Takes away up to `max` elements that are `wanted`, the first ones seen from `from`. Returns
    /// how many.
    pub fn remove_equal(
        &mut self,
        wanted: Text<'_>,
        max: usize,
        from: End,
        limits: &Limits,
    ) -> usize {
        let wanted = wanted.shortest();
        match &mut self.0 {
            Form::Small(pack) => {
                let hits = count_of(pack, wanted);
                remove_equal(pack, wanted, hits, max, from)
            }
            Form::Large(nodes) => {
                let removed = nodes.remove_equal(wanted, max, from, limits);
                self.settle();
                removed
            }
        }
    }

    /// The nodes, made of the only listpack if there were none.
    fn large(&mut self) -> &mut Nodes {
        if let Form::Small(pack) = &mut self.0 {
            let nodes = Nodes::of_pack(std::mem::take(pack));
            self.0 = Form::Large(Box::new(nodes));
        }
        match &mut self.0 {
            Form::Large(nodes) => nodes,
            Form::Small(_) => unreachable!("it was made large"),
        }
    }

    /// Makes a list of one listpack, or of nothing, small, unless it is frozen.
    fn settle(&mut self) {
        if let Form::Large(nodes) = &mut self.0
            && nodes.frozen_len().is_none()
        {
            if nodes.node_count() == 0 {
                self.0 = Form::Small(Listpack::new());
            } else if let Some(pack) = nodes.single_pack() {
                self.0 = Form::Small(pack);
            }
        }
    }
}

/// What loading and saving see.
impl List {
    pub fn node_count(&self) -> usize {
        match &self.0 {
            Form::Small(pack) => usize::from(!pack.is_empty()),
            Form::Large(nodes) => nodes.node_count(),
        }
    }

    pub fn node(&self, node: usize) -> Option<Node<'_>> {
        match &self.0 {
            Form::Small(pack) => (node < self.node_count()).then_some(Node::Packed(pack)),
            Form::Large(nodes) => nodes.node(node),
        }
    }

    /// Adds all elements of a listpack at the tail: as a node, if it is a reasonable one.
    pub fn append(&mut self, pack: Listpack, limits: &Limits) {
        let count = pack.len();
        if count > 1 && pack.bytes_len() > Limits::BYTES_MAX {
            return pack
                .iter()
                .for_each(|text| self.push(End::Tail, text, limits));
        }
        match &mut self.0 {
            _ if count == 0 => {}
            Form::Small(empty) if empty.is_empty() => *empty = pack,
            _ => self.large().push_pack(pack),
        }
    }

    /// Adds an element at the tail that is its own node, as a peer had it.
    pub fn append_plain(&mut self, bytes: Box<[u8]>) {
        self.large().push_plain(bytes);
    }
}

/// Removes the element at an end of a listpack, and gives it to `read`.
fn pop<R>(pack: &mut Listpack, end: End, read: impl FnOnce(Text<'_>) -> R) -> Option<R> {
    let at = match end {
        End::Head => pack.first(),
        End::Tail => pack.last(),
    }?;
    let result = read(pack.read(at));
    pack.remove(at);
    Some(result)
}

/// Puts another element at an index that is there. Fails with its place if it is too large for
/// the limits.
fn replace(
    pack: &mut Listpack,
    index: usize,
    text: Text<'_>,
    limits: &Limits,
) -> Result<(), Position> {
    let at = pack.seek(index as isize).expect("it is counted");
    let bytes = pack.bytes_len() - pack.size_at(at) + Listpack::size_of(text);
    let allowed = bytes <= limits.bytes_max || pack.len() == 1;
    if limits.is_plain(text) || !allowed {
        return Err(at);
    }
    pack.replace(at, text);
    Ok(())
}

fn count_of(pack: &Listpack, wanted: Text<'_>) -> usize {
    pack.iter().filter(|text| text.is_same(wanted)).count()
}

/// Takes away up to `max` of the `hits` elements that are `wanted`, the first ones seen from
/// `from`.
fn remove_equal(
    pack: &mut Listpack,
    wanted: Text<'_>,
    hits: usize,
    max: usize,
    from: End,
) -> usize {
    let mut spared = match from {
        End::Head => 0,
        End::Tail => hits.saturating_sub(max),
    };
    let mut left = max.min(hits);
    if left == 0 {
        return 0;
    }
    pack.retain(|text| {
        if left == 0 || !text.is_same(wanted) {
            return true;
        }
        if spared > 0 {
            spared -= 1;
            return true;
        }
        left -= 1;
        false
    })
}

impl Collection for List {
    fn len(&self) -> usize {
        match &self.0 {
            Form::Small(pack) => pack.len(),
            Form::Large(nodes) => nodes.len(),
        }
    }

    fn encoding(&self) -> &'static str {
        "quicklist"
    }

    fn memory(&self) -> usize {
        match &self.0 {
            Form::Small(pack) => pack.memory(),
            Form::Large(nodes) => nodes.memory(),
        }
    }

    fn free_some(&mut self, budget: usize) -> usize {
        let mut freed = 0;
        match &mut self.0 {
            Form::Small(pack) => {
                freed = pack.len();
                *pack = Listpack::new();
            }
            Form::Large(nodes) => {
                freed += nodes.free_frozen(budget);
                while freed < budget.max(1) && nodes.len() > 0 {
                    freed += nodes.drop_last();
                }
                self.settle();
            }
        }
        freed
    }

    fn freeze(&mut self) -> bool {
        match &mut self.0 {
            Form::Small(_) => false,
            Form::Large(nodes) => {
                nodes.freeze();
                true
            }
        }
    }

    fn frozen_len(&self) -> Option<usize> {
        match &self.0 {
            Form::Small(_) => None,
            Form::Large(nodes) => nodes.frozen_len(),
        }
    }

    fn show_frozen(&mut self, budget: usize, visit: &mut dyn FnMut(Shown<'_>)) -> bool {
        match &mut self.0 {
            Form::Small(_) => false,
            Form::Large(nodes) => {
                let is_left = nodes.show_frozen(budget, &mut |text| visit(Shown::Element(text)));
                self.settle();
                is_left
            }
        }
    }

    fn thaw(&mut self, budget: usize) -> bool {
        match &mut self.0 {
            Form::Small(_) => false,
            Form::Large(nodes) => {
                nodes.free_frozen(budget);
                self.settle();
                self.frozen_len().is_some()
            }
        }
    }
}

impl Clone for List {
    fn clone(&self) -> List {
        let mut copy = List(self.0.clone());
        copy.settle();
        copy
    }
}

// SAFETY: the bit tells a listpack from a box of nodes, and either is made again as it was.
unsafe impl Compact for List {
    fn into_raw(self) -> (bool, NonNull<u8>) {
        match self.0 {
            Form::Small(pack) => (false, pack.into_raw()),
            Form::Large(nodes) => (true, NonNull::from(Box::leak(nodes)).cast()),
        }
    }

    /// # Safety
    /// The arguments came from `into_raw`, and ownership passes to the result.
    unsafe fn from_raw(is_large: bool, raw: NonNull<u8>) -> List {
        List(match is_large {
            // SAFETY: it came from a listpack's `into_raw`.
            false => Form::Small(unsafe { Listpack::from_raw(raw) }),
            // SAFETY: it came from a box of nodes.
            true => Form::Large(unsafe { Box::from_raw(raw.cast().as_ptr()) }),
        })
    }
}

impl Default for List {
    fn default() -> List {
        List::new()
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
