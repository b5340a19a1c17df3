//! Collections in one word, and what is the same for all of them.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::Shown;

/// A value that its owner keeps as a pointer and one bit, which tells two encodings apart.
///
/// # Safety
/// `from_raw` must take exactly what `into_raw` gave, and ownership passes along both ways.
pub unsafe trait Compact: Sized {
    /// Whether the value is in its large encoding, and where it is.
    fn into_raw(self) -> (bool, NonNull<u8>);

    /// # Safety
    /// The arguments came from `into_raw`, and ownership passes to the result.
    unsafe fn from_raw(is_large: bool, raw: NonNull<u8>) -> Self;
}

/// What is the same for all collections.
pub trait Collection {
    /// How many elements, members, fields or entries there are.
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The encoding, as `OBJECT ENCODING` names it.
    fn encoding(&self) -> &'static str;

    /// Bytes of all allocations behind the word.
    fn memory(&self) -> usize;

    /// Frees about `budget` elements: a bounded step of tearing the collection down. Returns how
    /// many were freed; 0 when none is left.
    ///
    /// What is frozen is given up by the first step.
    fn free_some(&mut self, budget: usize) -> usize;

    /// From now on [`show_frozen`](Collection::show_frozen) shows what the collection holds now,
    /// whatever becomes of it. Returns whether it does: a small one is to be copied instead.
    ///
    /// A copy of a frozen collection is not frozen.
    ///
    /// # Panics
    /// If it is frozen.
    fn freeze(&mut self) -> bool {
        false
    }

    /// How many elements the collection held when it was frozen, if it is.
    fn frozen_len(&self) -> Option<usize> {
        None
    }

    /// Shows about `budget` more of the elements that the collection held when it was frozen, each
    /// once; those of a list in order. Returns whether any are left: if not, it is frozen no
    /// longer.
    fn show_frozen(&mut self, _budget: usize, _visit: &mut dyn FnMut(Shown<'_>)) -> bool {
        false
    }

    /// Gives up what is frozen: a bounded step of freeing about `budget` of the elements that were
    /// set aside. Returns whether any are left: if not, the collection is frozen no longer. In
    /// between there is nothing to be shown.
    fn thaw(&mut self, _budget: usize) -> bool {
        false
    }
}

/// A value that is borrowed from the owner who keeps it as a word.
pub struct Borrowed<'a, T> {
    value: ManuallyDrop<T>,
    owner: std::marker::PhantomData<&'a T>,
}

impl<T: Compact> Borrowed<'_, T> {
    /// # Safety
    /// As for [`Compact::from_raw`], but ownership stays where it is: the lifetime of the result
    /// must be taken from a borrow of the owner.
    pub unsafe fn new(is_large: bool, raw: NonNull<u8>) -> Self {
        Borrowed {
            // SAFETY: the caller's promise; the value is not dropped here.
            value: ManuallyDrop::new(unsafe { T::from_raw(is_large, raw) }),
            owner: std::marker::PhantomData,
        }
    }
}

impl<T> Deref for Borrowed<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
