//! A B+ tree of elements in their order, where every element knows its rank.
//!
//! ```text
//!   inner node    │ first, count, ● │ first, count, ● │ ...     up to 31 children
//!                                 │                 └────▶ ...
//!                                 ▼
//!   leaf          │ ● │ ● │ ● │ ...                            up to 63 elements
//! ```
//!
//! **The problem** is memory as much as speed: a skip list pays for each member with a node, and a
//! B+ tree that splits full nodes in two leaves them two thirds full on average.
//!
//! **The way chosen** is Knuth's B*-tree: a full node first gives to a neighbour that has room, and
//! two full neighbours are split in three. A node at either end of the tree that overflows at that
//! end is split unevenly, for then elements come in order. Leaves hold nothing but addresses, so an
//! element costs 8 bytes at full leaves, and 10 on average.
//!
//! What an inner node has of each child answers most questions without a look at the child: its
//! first element with the order of that one's score, and how many elements are below.
//!
//! A search within a leaf has to look at elements, which lie anywhere. It fetches every eighth of
//! them at once, then the eight between two: the wait of two cache misses in place of six.

mod slots;

use std::ops::Range;

use super::element::{ElementRef, Handle, Order};
use slots::Slots;

const LEAF_LEN_MAX: usize = 63;
const INNER_LEN_MAX: usize = 31;

type Leaf = Slots<Handle, LEAF_LEN_MAX>;
type Inner = Slots<Child, INNER_LEN_MAX>;

/// How many elements a search within a leaf fetches at once.
const STRIDE: usize = 8;

// A leaf and an inner node fill size classes of the allocator.
const _: () = assert!(size_of::<Leaf>() == 512);
const _: () = assert!(size_of::<Child>() == 32 && size_of::<Inner>() <= 1024);

/// A node and how many elements are in it or below.
#[derive(Default)]
enum Node {
    #[default]
    Absent,
    Leaf(u32, Box<Leaf>),
    Inner(u32, Box<Inner>),
}

/// A node below another.
#[derive(Default)]
struct Child {
    /// The order of its first element.
    order: Order,
    first: Handle,
    node: Node,
}

/// Elements that their owner keeps, in the order of their scores, then of their members.
#[derive(Default)]
pub(super) struct Tree {
    root: Node,
    node_bytes: usize,
}

/// A handle in the tree leads to its element.
#[inline]
fn element(handle: &Handle) -> ElementRef<'_> {
    // SAFETY: whoever inserts an element promises that it lives and keeps its score while the tree
    // holds its handle.
    unsafe { handle.element() }
}

impl Tree {
    pub fn len(&self) -> usize {
        self.root.count() as usize
    }

    /// Bytes of all nodes.
    pub fn memory(&self) -> usize {
        self.node_bytes
    }

    /// How many elements are before a place of which the elements `is_before`. These must be the
    /// first so many. The closure should look at the element only if it needs more than the order.
    pub fn rank(&self, is_before: impl Fn(Order, ElementRef<'_>) -> bool) -> usize {
        let (mut node, mut rank) = (&self.root, 0);
        loop {
            match node {
                Node::Absent => return 0,
                Node::Leaf(_, leaf) => return rank + place_in_leaf(leaf, is_before),
                Node::Inner(_, children) => {
                    let at = place_in_inner(children, &is_before);
                    let Some(at) = at.checked_sub(1) else {
                        return rank;
                    };
                    rank += count_of(&children[..at]) as usize;
                    node = &children[at].node;
                }
            }
        }
    }

    /// The leaf with the element at `rank`, and the rank of the leaf's first.
    fn leaf_at(&self, rank: usize) -> (usize, &[Handle]) {
        assert!(rank < self.len(), "a rank beyond the tree");
        let (mut node, mut rest) = (&self.root, rank);
        loop {
            match node {
                Node::Absent => unreachable!("an absent node has no elements"),
                Node::Leaf(_, leaf) => return (rank - rest, leaf),
                Node::Inner(_, children) => {
                    let at = child_of_rank(children, &mut rest);
                    node = &children[at].node;
                }
            }
        }
    }

    pub fn iter(&self, ranks: Range<usize>) -> Iter<'_> {
        debug_assert!(ranks.end <= self.len(), "ranks within the tree");
        Iter {
            tree: self,
            ranks,
            front: Window::default(),
            back: Window::default(),
        }
    }

    /// Adds an element that is not there.
    ///
    /// # Safety
    /// The element lives and keeps its score until its handle is taken out again, or the tree is
    /// only torn down.
    pub unsafe fn insert(&mut self, handle: Handle) {
        let inserted = element(&handle);
        let (order, member) = (inserted.order(), inserted.member());
        let is_before = |other: Order, element: ElementRef<'_>| {
            other < order || other == order && element.member() < member
        };
        if self.root.is_full() {
            let below = std::mem::take(&mut self.root);
            self.root = Node::Inner(below.count(), Box::default());
            self.node_bytes += self.root.bytes();
            self.root.children_mut().insert(0, Child::of(below));
        } else if let Node::Absent = self.root {
            self.root = Node::Leaf(0, Box::default());
            self.node_bytes += self.root.bytes();
        }
        let mut node = &mut self.root;
        loop {
            *node.count_mut() += 1;
            match node {
                Node::Absent => unreachable!("a tree that grows has a root"),
                Node::Leaf(_, leaf) => {
                    let at = place_in_leaf(leaf, is_before);
                    return leaf.insert(at, handle);
                }
                Node::Inner(_, children) => {
                    let mut at = place_in_inner(children, &is_before).saturating_sub(1);
                    if children[at].node.is_full() {
                        let end = end_of_growth(children, at, is_before);
                        self.node_bytes += make_room(children, at, end);
                        at = place_in_inner(children, &is_before).saturating_sub(1);
                    }
                    let child = &mut children[at];
                    if !is_before(child.order, element(&child.first)) {
                        (child.order, child.first) = (order, handle);
                    }
                    node = &mut child.node;
                }
            }
        }
    }

    /// Takes out the element at `rank`.
    pub fn remove(&mut self, rank: usize) -> Handle {
        assert!(rank < self.len(), "a rank beyond the tree");
        let handle = self.root.remove(rank, &mut self.node_bytes);
        match &mut self.root {
            Node::Inner(_, children) if children.len() == 1 => {
                let below = std::mem::take(&mut children[0].node);
                self.node_bytes -= self.root.bytes();
                self.root = below;
            }
            Node::Leaf(0, _) => {
                self.node_bytes = 0;
                self.root = Node::Absent;
            }
            _ => {}
        }
        handle
    }

    /// Frees the last leaf, without a look at its elements, which may be gone. Returns how many
    /// there were, 0 if nothing is left.
    pub fn tear_down_leaf(&mut self) -> usize {
        let freed = self.root.tear_down_leaf();
        if self.root.count() == 0 {
            *self = Tree::default();
        }
        freed
    }
}

impl Child {
    fn of(node: Node) -> Child {
        let mut child = Child {
            node,
            ..Child::default()
        };
        child.find_first();
        child
    }

    /// Notes the first element after it has changed.
    fn find_first(&mut self) {
        (self.order, self.first) = match &self.node {
            Node::Absent => unreachable!("a child is there"),
            Node::Leaf(_, leaf) => (element(&leaf[0]).order(), leaf[0]),
            Node::Inner(_, children) => (children[0].order, children[0].first),
        };
    }
}

impl Node {
    #[inline]
    fn count(&self) -> u32 {
        match self {
            Node::Absent => 0,
            Node::Leaf(count, _) | Node::Inner(count, _) => *count,
        }
    }

    fn count_mut(&mut self) -> &mut u32 {
        match self {
            Node::Absent => unreachable!("an absent node counts nothing"),
            Node::Leaf(count, _) | Node::Inner(count, _) => count,
        }
    }

    fn children_mut(&mut self) -> &mut Inner {
        match self {
            Node::Inner(_, children) => children,
            Node::Absent | Node::Leaf(..) => unreachable!("only an inner node has children"),
        }
    }

    /// Elements of a leaf, children of an inner node.
    fn len(&self) -> usize {
        match self {
            Node::Absent => 0,
            Node::Leaf(_, leaf) => leaf.len(),
            Node::Inner(_, children) => children.len(),
        }
    }

    fn len_max(&self) -> usize {
        match self {
            Node::Absent | Node::Leaf(..) => LEAF_LEN_MAX,
            Node::Inner(..) => INNER_LEN_MAX,
        }
    }

    fn is_full(&self) -> bool {
        self.len() == self.len_max()
    }

    fn bytes(&self) -> usize {
        match self {
            Node::Absent => 0,
            Node::Leaf(..) => size_of::<Leaf>(),
            Node::Inner(..) => size_of::<Inner>(),
        }
    }

    /// An empty node of the same level.
    fn empty_sibling(&self) -> Node {
        match self {
            Node::Absent => Node::Absent,
            Node::Leaf(..) => Node::Leaf(0, Box::default()),
            Node::Inner(..) => Node::Inner(0, Box::default()),
        }
    }

    fn remove(&mut self, mut rank: usize, node_bytes: &mut usize) -> Handle {
        *self.count_mut() -= 1;
        match self {
            Node::Absent => unreachable!("an absent node has no elements"),
            Node::Leaf(_, leaf) => leaf.remove(rank),
            Node::Inner(_, children) => {
                let at = child_of_rank(children, &mut rank);
                let child = &mut children[at];
                let handle = child.node.remove(rank, node_bytes);
                if child.node.count() == 0 {
                    *node_bytes -= children.remove(at).node.bytes();
                } else {
                    if rank == 0 {
                        child.find_first();
                    }
                    *node_bytes -= merge(children, at);
                }
                handle
            }
        }
    }

    fn tear_down_leaf(&mut self) -> usize {
        match self {
            Node::Absent => 0,
            Node::Leaf(count, _) => std::mem::take(count) as usize,
            Node::Inner(count, children) => {
                let last = children.last_mut().expect("an inner node has children");
                let freed = last.node.tear_down_leaf();
                if last.node.count() == 0 {
                    children.pop();
                }
                *count -= freed as u32;
                freed
            }
        }
    }
}

/// How many elements of the leaf are before the place.
fn place_in_leaf(leaf: &[Handle], is_before: impl Fn(Order, ElementRef<'_>) -> bool) -> usize {
    let is_before = |handle: &Handle| {
        let element = element(handle);
        is_before(element.order(), element)
    };
    leaf.iter()
        .step_by(STRIDE)
        .for_each(|handle| handle.prefetch());
    let (mut low, mut high) = (0, leaf.len().div_ceil(STRIDE));
    while low < high {
        let middle = (low + high) / 2;
        match is_before(&leaf[middle * STRIDE]) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    let Some(block) = low.checked_sub(1) else {
        return 0;
    };
    let start = block * STRIDE + 1;
    let rest = &leaf[start..leaf.len().min(start + STRIDE - 1)];
    rest.iter().for_each(|handle| handle.prefetch());
    start + rest.partition_point(is_before)
}

/// How many children begin before the place.
fn place_in_inner(children: &[Child], is_before: &impl Fn(Order, ElementRef<'_>) -> bool) -> usize {
    children.partition_point(|child| is_before(child.order, element(&child.first)))
}

/// The child that has the element at `rank`, which becomes the rank within.
fn child_of_rank(children: &[Child], rank: &mut usize) -> usize {
    let at = children.iter().position(|child| {
        let count = child.node.count() as usize;
        let found = *rank < count;
        *rank -= if found { 0 } else { count };
        found
    });
    at.expect("an inner node counts the elements of its children")
}

/// The end of a node's siblings that elements are added to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    First,
    Last,
    Neither,
}

/// Whether what is to be added to child `at` will be its first or last, with no sibling behind.
fn end_of_growth(
    children: &[Child],
    at: usize,
    is_before: impl Fn(Order, ElementRef<'_>) -> bool,
) -> End {
    let child = &children[at];
    if at == 0 && !is_before(child.order, element(&child.first)) {
        return End::First;
    }
    let appends = match &child.node {
        Node::Absent => false,
        Node::Leaf(_, leaf) => leaf
            .last()
            .is_some_and(|last| is_before(element(last).order(), element(last))),
        Node::Inner(_, inner) => inner
            .last()
            .is_some_and(|last| is_before(last.order, element(&last.first))),
    };
    if at + 1 == children.len() && appends {
        End::Last
    } else {
        End::Neither
    }
}

/// Makes room in the full child `at`, of which there are fewer than an inner node can have. Returns
/// the bytes of the node this took.
fn make_room(children: &mut Inner, at: usize, end: End) -> usize {
    let len_max = children[at].node.len_max();
    let len = |at: usize| children.get(at).map_or(len_max, |child| child.node.len());
    let (left, right) = (at.checked_sub(1).map_or(len_max, len), len(at + 1));
    if left.min(right) <= len_max - len_max / 8 {
        if left <= right {
            move_left(children, at - 1, (len_max - left).div_ceil(2));
        } else {
            move_right(children, at, (len_max - right).div_ceil(2));
        }
        return 0;
    }
    let added = children[at].node.empty_sibling();
    let bytes = added.bytes();
    let pair = match at {
        _ if end == End::Last => return split(children, at, added, len_max / 8),
        _ if end == End::First => return split(children, at, added, len_max - len_max / 8),
        _ if children.len() == 1 => return split(children, at, added, len_max / 2),
        _ if at + 1 < children.len() => at,
        _ => at - 1,
    };
    let (left, right) = (children[pair].node.len(), children[pair + 1].node.len());
    let third = (left + right) / 3;
    split(children, pair, added, left - third);
    move_left(children, pair + 1, right - third);
    bytes
}

/// Moves the last `count` of child `at` to `added`, which becomes the child behind it.
fn split(children: &mut Inner, at: usize, added: Node, count: usize) -> usize {
    let bytes = added.bytes();
    let added = Child {
        node: added,
        ..Child::default()
    };
    children.insert(at + 1, added);
    move_right(children, at, count);
    bytes
}

/// Joins child `at` with a neighbour if that makes one node with room to spare. Returns the bytes
/// this gave back.
fn merge(children: &mut Inner, at: usize) -> usize {
    let fits = |children: &Inner, left: usize| {
        let (left, right) = (&children[left].node, &children[left + 1].node);
        left.len() + right.len() <= left.len_max() - left.len_max() / 8
    };
    let left = if at + 1 < children.len() && fits(children, at) {
        at
    } else if at > 0 && fits(children, at - 1) {
        at - 1
    } else {
        return 0;
    };
    let count = children[left + 1].node.len();
    move_left(children, left, count);
    children.remove(left + 1).node.bytes()
}

/// Moves the first `count` of the child behind `at` to the end of child `at`.
fn move_left(children: &mut [Child], at: usize, count: usize) {
    let (left, right) = pair(children, at);
    let moved = match (&mut left.node, &mut right.node) {
        (Node::Leaf(_, left), Node::Leaf(_, right)) => {
            left.take_from_right(right, count);
            count as u32
        }
        (Node::Inner(_, left), Node::Inner(_, right)) => {
            let moved = count_of(&right[..count]);
            left.take_from_right(right, count);
            moved
        }
        _ => unreachable!("siblings are of one level"),
    };
    *left.node.count_mut() += moved;
    *right.node.count_mut() -= moved;
    if right.node.len() > 0 {
        right.find_first();
    }
}

/// Moves the last `count` of child `at` to the beginning of the child behind.
fn move_right(children: &mut [Child], at: usize, count: usize) {
    let (left, right) = pair(children, at);
    let moved = match (&mut left.node, &mut right.node) {
        (Node::Leaf(_, left), Node::Leaf(_, right)) => {
            left.give_to_right(right, count);
            count as u32
        }
        (Node::Inner(_, left), Node::Inner(_, right)) => {
            let moved = count_of(&left[left.len() - count..]);
            left.give_to_right(right, count);
            moved
        }
        _ => unreachable!("siblings are of one level"),
    };
    *left.node.count_mut() -= moved;
    *right.node.count_mut() += moved;
    right.find_first();
}

fn pair(children: &mut [Child], at: usize) -> (&mut Child, &mut Child) {
    match &mut children[at..] {
        [left, right, ..] => (left, right),
        _ => unreachable!("a child has a neighbour behind it"),
    }
}

fn count_of(children: &[Child]) -> u32 {
    children.iter().map(|child| child.node.count()).sum()
}

/// Elements by their ranks, from either end.
pub(super) struct Iter<'a> {
    tree: &'a Tree,
    ranks: Range<usize>,
    front: Window<'a>,
    back: Window<'a>,
}

/// The leaf that an iterator is in.
#[derive(Default)]
struct Window<'a> {
    /// The rank of its first element.
    start: usize,
    leaf: &'a [Handle],
}

/// How many elements ahead of its use an iterator fetches one.
const AHEAD: usize = 4;

impl<'a> Window<'a> {
    #[inline]
    fn moved_to(&mut self, rank: usize, tree: &'a Tree) -> usize {
        if !(self.start..self.start + self.leaf.len()).contains(&rank) {
            (self.start, self.leaf) = tree.leaf_at(rank);
        }
        rank - self.start
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = ElementRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<ElementRef<'a>> {
        let rank = self.ranks.next()?;
        let within = self.front.moved_to(rank, self.tree);
        if let Some(ahead) = self.front.leaf.get(within + AHEAD) {
            ahead.prefetch();
        }
        Some(element(&self.front.leaf[within]))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next_back()?;
        let within = self.back.moved_to(rank, self.tree);
        if let Some(ahead) = within.checked_sub(AHEAD) {
            self.back.leaf[ahead].prefetch();
        }
        Some(element(&self.back.leaf[within]))
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests;
