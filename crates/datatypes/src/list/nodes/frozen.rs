//! What a large list held at one moment, shown from head to tail while it changes.
//!
//! What is still to be shown is a sequence of pieces (`pieces.rs`): elements that the list still
//! holds, and between them those that were set aside before they were taken out or changed. At
//! first it is one piece, the whole list. Pushing and popping at both ends costs as much as ever,
//! wherever the showing has come to:
//!
//! ```text
//!   list      │ new │ shown │ to be shown ············ │ new │
//!   pieces    │ passed ·····│ aside, then left ········│ aside
//!                             popped at the head         popped at the tail
//! ```
//!
//! Changes in the middle set aside a copy of the nodes they touch, even for single elements: so
//! there are never many more pieces than nodes. Where a range is removed, its nodes are not
//! copied: they go aside themselves. At worst all of the list that was not shown is set aside, by
//! removing it, or copied, by changing every node.

use super::{End, Kept, Nodes};
use crate::Text;
use crate::list::Limits;
use pieces::{Pieces, Source};

mod pieces;

pub(super) struct Frozen {
    pieces: Pieces,
    /// Elements that were there.
    len: usize,
    shown: usize,
}

impl Frozen {
    pub fn memory(&self) -> usize {
        size_of::<Frozen>() + self.pieces.memory()
    }
}

impl Clone for Nodes {
    /// A copy that is not frozen.
    fn clone(&self) -> Nodes {
        Nodes {
            nodes: self.nodes.clone(),
            len: self.len,
            bytes: self.bytes,
            frozen: None,
        }
    }
}

/// A run of elements that is about to change: where it begins, how many there are, and how many
/// there will be in their place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// Elements of the list before the run.
    pub index: usize,
    pub place: (usize, usize),
    pub before: usize,
    pub after: usize,
}

/// What has to be told before elements change.
impl Nodes {
    #[inline]
    pub fn before_push(&mut self, end: End) {
        if end == End::Head
            && let Some(frozen) = &mut self.frozen
        {
            frozen.pieces.pushed_at_head();
        }
    }

    #[inline]
    pub fn before_pop(&mut self, end: End) {
        if self.frozen.is_some() {
            self.keep_end(end);
        }
    }

    #[cold]
    fn keep_end(&mut self, end: End) {
        let Some(mut frozen) = self.frozen.take() else {
            return;
        };
        let node = match end {
            End::Head => self.nodes.front(),
            End::Tail => self.nodes.back(),
        };
        if let Some(text) = node.map(|node| node.text_at(end)) {
            match end {
                End::Head => frozen.pieces.popped_at_head(text),
                End::Tail => frozen.pieces.popped_at_tail(text, self.len),
            }
        }
        self.frozen = Some(frozen);
    }

    /// Before elements of one node are changed in place, or `added` to it or beside it.
    #[inline]
    pub fn before_edit(&mut self, node: usize, added: usize) {
        if self.frozen.is_some() {
            let before = self.nodes[node].count();
            self.keep(&[Change {
                index: self.index_of(node),
                place: (node, 0),
                before,
                after: before + added,
            }]);
        }
    }

    /// Before `count` elements are removed from a node.
    #[inline]
    pub fn before_removal(&mut self, index: usize, place: (usize, usize), count: usize) {
        if self.frozen.is_some() {
            self.keep(&[Change {
                index,
                place,
                before: count,
                after: 0,
            }]);
        }
    }

    /// Sets aside what was cut out at `index`.
    pub fn keep_gone(&mut self, index: usize, gone: Nodes) {
        if gone.len > 0
            && let Some(frozen) = &mut self.frozen
        {
            let pieces = std::mem::take(&mut frozen.pieces);
            let change = Change {
                index,
                place: (0, 0),
                before: gone.len,
                after: 0,
            };
            frozen.pieces = pieces.changed(&[change], Source::Gone(gone));
        }
    }

    /// Before so many elements are removed from each of these nodes, of which the first is first.
    #[inline]
    pub fn before_removals(&mut self, removals: impl Iterator<Item = (usize, usize)>) {
        if self.frozen.is_some() {
            self.keep_nodes(removals);
        }
    }

    #[cold]
    fn keep_nodes(&mut self, removals: impl Iterator<Item = (usize, usize)>) {
        let (mut at, mut index) = (0, 0);
        let changes = removals.map(|(node, removed)| {
            let passed = self.nodes.range(at..node).map(Kept::count);
            (at, index) = (node, index + passed.sum::<usize>());
            let before = self.nodes[node].count();
            Change {
                index,
                place: (node, 0),
                before,
                after: before - removed,
            }
        });
        let changes: Vec<Change> = changes.collect();
        self.keep(&changes);
    }

    /// Sets aside what these changes, which do not overlap and come in order, will take.
    #[cold]
    fn keep(&mut self, changes: &[Change]) {
        if let Some(mut frozen) = self.frozen.take() {
            let pieces = std::mem::take(&mut frozen.pieces);
            frozen.pieces = pieces.changed(changes, Source::List(self));
            self.frozen = Some(frozen);
        }
    }

    /// How many elements come before a node.
    fn index_of(&self, node: usize) -> usize {
        let count = |nodes: std::collections::vec_deque::Iter<'_, Kept>| -> usize {
            nodes.map(Kept::count).sum()
        };
        match node > self.nodes.len() / 2 {
            false => count(self.nodes.range(..node)),
            true => self.len - count(self.nodes.range(node..)),
        }
    }
}

/// Showing.
impl Nodes {
    /// See [`Collection::freeze`](crate::Collection::freeze).
    pub fn freeze(&mut self) {
        assert!(self.frozen.is_none(), "one moment at a time");
        self.frozen = Some(Box::new(Frozen {
            pieces: Pieces::of(self.len),
            len: self.len,
            shown: 0,
        }));
    }

    /// How many elements the list held when it was frozen, if it is.
    pub fn frozen_len(&self) -> Option<usize> {
        self.frozen.as_ref().map(|frozen| frozen.len)
    }

    /// See [`Collection::show_frozen`](crate::Collection::show_frozen).
    pub fn show_frozen(&mut self, budget: usize, visit: &mut dyn FnMut(Text<'_>)) -> bool {
        let Some(mut frozen) = self.frozen.take() else {
            return false;
        };
        let (budget, mut shown) = (budget.max(1), 0);
        while shown < budget && !frozen.pieces.is_empty() {
            shown += frozen.pieces.show(budget - shown, self, visit);
        }
        frozen.shown += shown;
        let is_left = !frozen.pieces.is_empty();
        assert!(
            is_left || frozen.shown == frozen.len,
            "each element is shown once"
        );
        self.frozen = is_left.then_some(frozen);
        is_left
    }

    #[cfg(test)]
    pub fn check_frozen(&self) {
        if let Some(frozen) = &self.frozen {
            frozen.pieces.check(self.len);
        }
    }

    /// Gives up what is frozen, and frees about `budget` of the elements that were set aside.
    /// Returns how many; 0 when nothing is left.
    pub fn free_frozen(&mut self, budget: usize) -> usize {
        let Some(frozen) = &mut self.frozen else {
            return 0;
        };
        let freed = frozen.pieces.free_some(budget);
        if frozen.pieces.is_empty() {
            self.frozen = None;
        }
        freed
    }
}

/// What was set aside.
impl Nodes {
    /// Adds an element at an end.
    fn set_aside(&mut self, end: End, text: Text<'_>) {
        let mut one = Nodes::default();
        one.put(0, Kept::of(text, &Limits::default()));
        if end == End::Head {
            std::mem::swap(self, &mut one);
        }
        self.append(one);
    }

    /// Shows up to `budget` elements of the first node and takes them out. Returns how many.
    fn show_front(&mut self, budget: usize, visit: &mut dyn FnMut(Text<'_>)) -> usize {
        let count = self.nodes[0].count();
        self.nodes[0].show(0, budget, visit);
        if count <= budget {
            self.take(0);
            return count;
        }
        self.remove_front(budget);
        budget
    }

    /// Cuts the first `count` elements off.
    fn split_front(&mut self, mut count: usize) -> Nodes {
        let mut front = Nodes::default();
        while count > 0 {
            let part = self.nodes[0].count().min(count);
            let node = if part == self.nodes[0].count() {
                self.take(0)
            } else {
                let node = self.nodes[0].copy(0, part);
                self.remove_front(part);
                node
            };
            front.put(front.nodes.len(), node);
            count -= part;
        }
        front
    }

    /// Adds all elements of another list at the tail.
    fn append(&mut self, mut other: Nodes) {
        let seam = self.nodes.len();
        self.len += other.len;
        self.bytes += other.bytes;
        if seam < other.nodes.len() {
            std::mem::swap(&mut self.nodes, &mut other.nodes);
            other
                .nodes
                .drain(..)
                .rev()
                .for_each(|node| self.nodes.push_front(node));
        } else {
            self.nodes.append(&mut other.nodes);
        }
        if let Some(before) = seam.checked_sub(1) {
            self.join(before, &Limits::default());
        }
    }
}

impl Kept {
    fn text_at(&self, end: End) -> Text<'_> {
        match self {
            Kept::Plain(plain) => Text::Bytes(&plain.0),
            Kept::Packed { pack, .. } => {
                let at = match end {
                    End::Head => pack.first(),
                    End::Tail => pack.last(),
                };
                pack.read(at.expect("no node is empty"))
            }
        }
    }

    fn show(&self, within: usize, count: usize, visit: &mut dyn FnMut(Text<'_>)) {
        match self {
            Kept::Plain(plain) => visit(Text::Bytes(&plain.0)),
            Kept::Packed { pack, .. } => pack.iter().skip(within).take(count).for_each(visit),
        }
    }
}

/// A place in a list, from which it is read towards the tail.
struct Cursor<'a> {
    nodes: &'a Nodes,
    node: usize,
    within: usize,
}

impl<'a> Cursor<'a> {
    fn new(nodes: &'a Nodes, (node, within): (usize, usize)) -> Cursor<'a> {
        Cursor {
            nodes,
            node,
            within,
        }
    }

    /// Passes `count` elements, a part of a node at a time.
    fn pass(&mut self, mut count: usize, mut see: impl FnMut(&Kept, usize, usize)) {
        while count > 0 {
            let node = &self.nodes.nodes[self.node];
            let rest = node.count() - self.within;
            let part = count.min(rest);
            see(node, self.within, part);
            count -= part;
            (self.node, self.within) = match part == rest {
                true => (self.node + 1, 0),
                false => (self.node, self.within + part),
            };
        }
    }

    fn copy(&mut self, count: usize) -> Nodes {
        let mut copy = Nodes::default();
        self.pass(count, |node, within, part| {
            copy.put(copy.nodes.len(), node.copy(within, part));
        });
        copy
    }
}
