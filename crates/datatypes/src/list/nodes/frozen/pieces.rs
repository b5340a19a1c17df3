//! What is still to be shown of a frozen list, in order.

use std::collections::VecDeque;

use super::{Change, Cursor};
use crate::Text;
use crate::list::End;
use crate::list::nodes::Nodes;

/// In order: some elements of the list are passed, those set aside are shown, then some of the
/// list. A piece in between leaves some of the list to be shown.
#[derive(Default)]
struct Piece {
    passed: usize,
    aside: Option<Box<Nodes>>,
    left: usize,
}

#[derive(Default)]
pub(super) struct Pieces {
    pieces: VecDeque<Piece>,
    /// Elements of the list that the pieces speak of; those behind are new.
    reach: usize,
    /// Bytes of what was set aside.
    bytes: usize,
}

/// Where the elements are that changes take.
pub(super) enum Source<'a> {
    /// Still in the list, which is to have its own.
    List(&'a Nodes),
    /// Those of one change, and no longer in the list.
    Gone(Nodes),
}

impl Pieces {
    /// All of a list.
    pub fn of(len: usize) -> Pieces {
        let mut pieces = Pieces::default();
        pieces.leave(len);
        pieces
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub fn memory(&self) -> usize {
        self.pieces.capacity() * size_of::<Piece>() + self.bytes
    }

    pub fn pushed_at_head(&mut self) {
        if self.reach > 0 {
            self.pieces[0].passed += 1;
            self.reach += 1;
        }
    }

    pub fn popped_at_head(&mut self, text: Text<'_>) {
        if self.reach == 0 {
            return;
        }
        self.reach -= 1;
        let piece = &mut self.pieces[0];
        if piece.passed > 0 {
            piece.passed -= 1;
            return;
        }
        piece.left -= 1;
        edit(&mut piece.aside, &mut self.bytes, |aside| {
            aside.set_aside(End::Tail, text);
        });
        self.merge_front();
        self.settle();
    }

    /// `len` is that of the list before.
    pub fn popped_at_tail(&mut self, text: Text<'_>, len: usize) {
        if self.reach < len || self.reach == 0 {
            return;
        }
        // A last piece that leaves nothing passes nothing, so there is one before it.
        let mut behind = match self.pieces.back_mut() {
            Some(last) if last.left == 0 => last.aside.take(),
            _ => None,
        };
        self.settle();
        edit(&mut behind, &mut self.bytes, |behind| {
            behind.set_aside(End::Head, text);
        });
        let piece = self.pieces.back_mut().expect("it reaches the tail");
        (piece.left, self.reach) = (piece.left - 1, self.reach - 1);
        self.keep(behind);
        self.settle();
    }

    /// What is to be shown after these changes, which do not overlap and come in order.
    pub fn changed(self, changes: &[Change], source: Source<'_>) -> Pieces {
        if changes
            .first()
            .is_none_or(|first| first.index >= self.reach)
        {
            return self;
        }
        let mut rewrite = Rewrite {
            source,
            changes,
            index: 0,
            within: None,
            to: Pieces {
                bytes: self.bytes,
                ..Pieces::default()
            },
        };
        for piece in self.pieces {
            rewrite.run(piece.passed, false);
            rewrite.to.keep(piece.aside);
            rewrite.run(piece.left, true);
        }
        rewrite.finish()
    }

    /// Shows some elements, up to `budget`. Returns how many.
    pub fn show(&mut self, budget: usize, nodes: &Nodes, visit: &mut dyn FnMut(Text<'_>)) -> usize {
        let Some(piece) = self.pieces.front_mut() else {
            return 0;
        };
        let shown = if piece.aside.is_some() {
            edit(&mut piece.aside, &mut self.bytes, |aside| {
                aside.show_front(budget, visit)
            })
        } else {
            let count = piece.left.min(budget);
            let place = nodes.locate(piece.passed).expect("it is in the list");
            Cursor::new(nodes, place).pass(count, |node, within, part| {
                node.show(within, part, visit);
            });
            (piece.passed, piece.left) = (piece.passed + count, piece.left - count);
            count
        };
        self.merge_front();
        self.settle();
        shown
    }

    /// Forgets pieces from the last on, until about `budget` elements that were set aside are
    /// freed. Returns how many; 0 when nothing is left.
    pub fn free_some(&mut self, budget: usize) -> usize {
        let mut freed = 0;
        while freed < budget.max(1)
            && let Some(piece) = self.pieces.back_mut()
        {
            (piece.left, self.reach) = (0, self.reach - piece.left);
            if piece.aside.is_some() {
                freed += edit(&mut piece.aside, &mut self.bytes, Nodes::drop_last);
            }
            self.settle();
        }
        freed
    }

    /// The books agree with the pieces, and the pieces with a list of `len` elements.
    #[cfg(test)]
    pub fn check(&self, len: usize) {
        let (mut reach, mut bytes) = (0, 0);
        for (at, piece) in self.pieces.iter().enumerate() {
            let is_last = at + 1 == self.pieces.len();
            assert!(piece.left > 0 || is_last && piece.passed == 0);
            assert!(piece.left > 0 || piece.aside.is_some());
            assert!(piece.aside.as_ref().is_none_or(|aside| aside.len() > 0));
            reach += piece.passed + piece.left;
            bytes += piece.aside.as_ref().map_or(0, |aside| aside.memory());
        }
        assert_eq!((self.reach, self.bytes), (reach, bytes));
        assert!(reach <= len);
    }

    /// Adds elements at the end that are not to be shown.
    fn pass(&mut self, count: usize) {
        if count > 0 {
            self.open().passed += count;
            self.reach += count;
        }
    }

    /// Adds what was set aside, and is counted, at the end.
    fn keep(&mut self, aside: Option<Box<Nodes>>) {
        if aside.is_some() {
            let mut bytes = self.bytes;
            join(&mut self.open().aside, aside, &mut bytes);
            self.bytes = bytes;
        }
    }

    /// Adds elements at the end that are to be shown.
    fn leave(&mut self, count: usize) {
        if count > 0 {
            if self.pieces.is_empty() {
                self.pieces.push_back(Piece::default());
            }
            let last = self.pieces.len() - 1;
            self.pieces[last].left += count;
            self.reach += count;
        }
    }

    /// The last piece, if it leaves nothing to be shown, or another behind it.
    fn open(&mut self) -> &mut Piece {
        if self.pieces.back().is_none_or(|last| last.left > 0) {
            self.pieces.push_back(Piece::default());
        }
        self.pieces.back_mut().expect("there is one now")
    }

    /// Makes one of the first two pieces, if the first leaves nothing to be shown.
    fn merge_front(&mut self) {
        if self.pieces.len() > 1 && self.pieces[0].left == 0 {
            let mut front = self.pieces.pop_front().expect("it was counted");
            let next = &mut self.pieces[0];
            join(&mut front.aside, next.aside.take(), &mut self.bytes);
            (next.aside, next.passed) = (front.aside, next.passed + front.passed);
        }
    }

    /// Forgets at the end what there is nothing to be shown behind.
    fn settle(&mut self) {
        if let Some(last) = self.pieces.back_mut()
            && last.left == 0
        {
            self.reach -= std::mem::take(&mut last.passed);
            if last.aside.is_none() {
                self.pieces.pop_back();
            }
        }
    }
}

/// Changes what was set aside, and counts its bytes.
fn edit<R>(
    aside: &mut Option<Box<Nodes>>,
    bytes: &mut usize,
    change: impl FnOnce(&mut Nodes) -> R,
) -> R {
    *bytes -= aside.as_ref().map_or(0, |nodes| nodes.memory());
    let nodes = aside.get_or_insert_default();
    let result = change(nodes);
    match nodes.len() {
        0 => *aside = None,
        _ => *bytes += nodes.memory(),
    }
    result
}

/// Adds what was set aside behind other such elements, and counts its bytes.
fn join(before: &mut Option<Box<Nodes>>, behind: Option<Box<Nodes>>, bytes: &mut usize) {
    let Some(behind) = behind else { return };
    if before.is_none() {
        *before = Some(behind);
        return;
    }
    *bytes -= behind.memory();
    edit(before, bytes, |before| before.append(*behind));
}

/// Pieces on their way past changes.
struct Rewrite<'a> {
    source: Source<'a>,
    /// Those that were not passed.
    changes: &'a [Change],
    /// Elements of the list that were passed.
    index: usize,
    /// Within the first change, where what it takes is read.
    within: Option<Cursor<'a>>,
    to: Pieces,
}

impl Rewrite<'_> {
    /// Passes elements of the list, which are still to be shown or not.
    fn run(&mut self, mut count: usize, are_left: bool) {
        while count > 0 {
            let Some(&change) = self.changes.first() else {
                return self.unchanged(count, are_left);
            };
            let part = if self.index < change.index {
                let part = count.min(change.index - self.index);
                self.unchanged(part, are_left);
                part
            } else {
                let part = count.min(change.index + change.before - self.index);
                self.taken(change, part, are_left);
                part
            };
            (self.index, count) = (self.index + part, count - part);
            if self.index == change.index + change.before {
                self.end_change();
            }
        }
    }

    fn unchanged(&mut self, count: usize, are_left: bool) {
        match are_left {
            true => self.to.leave(count),
            false => self.to.pass(count),
        }
    }

    fn taken(&mut self, change: Change, count: usize, are_left: bool) {
        let taken = match &mut self.source {
            Source::Gone(gone) => gone.split_front(count),
            Source::List(nodes) => {
                let cursor = self
                    .within
                    .get_or_insert_with(|| Cursor::new(nodes, change.place));
                if !are_left {
                    return cursor.pass(count, |_, _, _| {});
                }
                cursor.copy(count)
            }
        };
        if are_left {
            self.to.bytes += taken.memory();
            self.to.keep(Some(Box::new(taken)));
        }
    }

    fn end_change(&mut self) {
        self.to.pass(self.changes[0].after);
        (self.changes, self.within) = (&self.changes[1..], None);
    }

    /// A change that is not passed yet goes on to what is new, of which nothing is to be told.
    fn finish(mut self) -> Pieces {
        self.to.settle();
        self.to
    }
}
