//! An array of a fixed length of which the first so many elements are in use.

use std::ops::{Deref, DerefMut};

/// The room of one node. What is not in use holds the default.
pub(in crate::sorted_set) struct Slots<T, const N: usize> {
    items: [T; N],
    len: u32,
}

impl<T: Default, const N: usize> Default for Slots<T, N> {
    fn default() -> Self {
        Slots {
            items: std::array::from_fn(|_| T::default()),
            len: 0,
        }
    }
}

impl<T, const N: usize> Deref for Slots<T, N> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.items[..self.len as usize]
    }
}

impl<T, const N: usize> DerefMut for Slots<T, N> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items[..self.len as usize]
    }
}

impl<T: Default, const N: usize> Slots<T, N> {
    pub fn is_full(&self) -> bool {
        self.len as usize == N
    }

    pub fn insert(&mut self, at: usize, item: T) {
        assert!(!self.is_full(), "a node is split before it overflows");
        self.len += 1;
        self[at..].rotate_right(1);
        self[at] = item;
    }

    pub fn remove(&mut self, at: usize) -> T {
        self[at..].rotate_left(1);
        let last = self.len as usize - 1;
        let item = std::mem::take(&mut self[last]);
        self.len -= 1;
        item
    }

    pub fn pop(&mut self) -> Option<T> {
        let last = self.last_mut().map(std::mem::take)?;
        self.len -= 1;
        Some(last)
    }

    /// Moves the first `count` elements of `right` to the end of this one.
    pub fn take_from_right(&mut self, right: &mut Slots<T, N>, count: usize) {
        let (kept, free) = self.items.split_at_mut(self.len as usize);
        let (moved, rest) = (&mut right[..count], free);
        rest[..count].swap_with_slice(moved);
        debug_assert!(kept.len() + count <= N, "there is room for what is moved");
        right.rotate_left(count);
        right.len -= count as u32;
        self.len += count as u32;
    }

    /// Moves the last `count` elements of this one to the beginning of `right`.
    pub fn give_to_right(&mut self, right: &mut Slots<T, N>, count: usize) {
        let from = self.len as usize - count;
        right.len += count as u32;
        right.rotate_right(count);
        right[..count].swap_with_slice(&mut self[from..]);
        self.len -= count as u32;
    }
}
