//! Entries that hold collections: the value is the word of a [`Compact`](datatypes::Compact) one.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use datatypes::{Borrowed, Collection, Hash, Set, Shown};
use stdx::time::UnixMillis;

use super::{Entry, KIND, LARGE, WORD, WORD_BYTES};
use crate::kind::{Any, Kind, Value};

/// A collection of so many elements is copied rather than frozen.
const COPIED_ELEMENTS_MAX: usize = if cfg!(test) { 8 } else { 512 };

impl Entry {
    /// A key that holds a collection.
    pub fn holding<V: Value>(key: &[u8], value: V, expiry: Option<UnixMillis>) -> Entry {
        let (is_large, raw) = value.into_raw();
        let large = if is_large { LARGE } else { 0 };
        let word = raw.expose_provenance().get().to_le_bytes();
        Entry::build(key, V::KIND as u32 | WORD | large, &word, expiry)
    }

    /// The collection, if it is of this kind.
    #[inline]
    pub fn value<V: Value>(&self) -> Option<Borrowed<'_, V>> {
        if self.meta() & KIND != V::KIND as u32 {
            return None;
        }
        let (is_large, raw) = self.raw();
        // SAFETY: the entry keeps what `into_raw` of this kind gave, and is borrowed for as long.
        Some(unsafe { Borrowed::new(is_large, raw) })
    }

    /// Gives `edit` the collection, if it is of this kind.
    #[inline]
    pub fn edit<V: Value, R>(&mut self, edit: impl FnOnce(&mut V) -> R) -> Option<R> {
        if self.meta() & KIND != V::KIND as u32 {
            return None;
        }
        let (is_large, raw) = self.raw();
        // SAFETY: the entry keeps what `into_raw` of this kind gave. Its word is written anew
        // below; a panic aborts the process in between.
        let mut value: V = unsafe { V::from_raw(is_large, raw) };
        let result = edit(&mut value);
        self.set_raw(value.into_raw());
        Some(result)
    }

    /// Fetches what a look at a member of a large set, or a field of a large hash, reads.
    #[inline]
    pub fn prefetch_member(&self, member: &[u8]) {
        if self.meta() & LARGE == 0 {
            return;
        }
        if let Some(set) = self.value::<Set>() {
            set.prefetch(member);
        } else if let Some(hash) = self.value::<Hash>() {
            hash.prefetch(member);
        }
    }

    /// How many elements the value has; a string is one.
    pub fn elements(&self) -> usize {
        match self.kind() {
            Kind::String => 1,
            _ => self.with_any(|collection| collection.len()),
        }
    }

    /// Frees about `budget` elements of a value that nobody will see again. Returns how many; 0
    /// when none is left.
    pub(crate) fn free_some(&mut self, budget: usize) -> usize {
        if self.kind() == Kind::String {
            return 0;
        }
        self.change_any(|any| any.free_some(budget))
    }

    /// From now on [`Entry::show_frozen`] shows what the entry holds now, whatever becomes of it.
    /// Returns whether it does: a string and a small collection are to be copied instead.
    pub fn freeze(&mut self) -> bool {
        self.is_large() && self.change_any(|any| any.freeze())
    }

    /// Whether the value is a collection of more elements than are copied at once.
    pub fn is_large(&self) -> bool {
        self.elements() > COPIED_ELEMENTS_MAX
    }

    /// How many elements a frozen collection held.
    pub fn frozen_len(&self) -> Option<usize> {
        match self.kind() {
            Kind::String => None,
            _ => self.with_any(|collection| collection.frozen_len()),
        }
    }

    /// As [`Collection::show_frozen`].
    pub fn show_frozen(&mut self, budget: usize, visit: &mut dyn FnMut(Shown<'_>)) -> bool {
        self.change_any(|any| any.show_frozen(budget, visit))
    }

    /// As [`Collection::thaw`].
    pub(crate) fn thaw(&mut self, budget: usize) -> bool {
        self.change_any(|any| any.thaw(budget))
    }

    /// An entry that says the same, but holds no elements. Of a collection only.
    pub fn without_elements(&self) -> Entry {
        let (is_large, raw) = Any::empty(self.kind()).into_raw();
        let large = if is_large { LARGE } else { 0 };
        let word = raw.expose_provenance().get().to_le_bytes();
        let flags = self.kind() as u32 | WORD | large;
        let mut entry = Entry::build(self.key(), flags, &word, self.expiry());
        entry.set_access(self.access());
        entry
    }

    fn change_any<R>(&mut self, change: impl FnOnce(&mut dyn Collection) -> R) -> R {
        let mut any = self.take_any();
        let result = change(any.as_collection());
        self.set_raw(any.into_raw());
        result
    }

    /// Shows the collection, of whatever kind.
    pub(super) fn with_any<R>(&self, look: impl FnOnce(&dyn Collection) -> R) -> R {
        let mut any = ManuallyDrop::new(self.take_any());
        look(any.as_collection())
    }

    /// The collection, which then has two owners: one of them must forget it.
    fn take_any(&self) -> Any {
        let (is_large, raw) = self.raw();
        // SAFETY: the entry keeps what `into_raw` of its kind gave.
        unsafe { Any::from_raw(self.kind(), is_large, raw) }
    }

    /// Makes a bitwise copy the owner of a collection of its own.
    pub(super) fn own_collection(&mut self) {
        if self.kind() != Kind::String {
            let shared = ManuallyDrop::new(self.take_any());
            self.set_raw(shared.duplicate().into_raw());
        }
    }

    /// Gives the collection up to a bitwise copy.
    pub(super) fn forget_collection(&mut self) {
        // An entry without a kind is an integer, whatever its word says.
        self.set_meta(self.meta() & !KIND);
    }

    #[cold]
    pub(super) fn drop_collection(&mut self) {
        drop(self.take_any());
    }

    fn raw(&self) -> (bool, NonNull<u8>) {
        let at = self.shape().value;
        // SAFETY: a collection's word lies at its value.
        let word = unsafe { self.0.add(at).cast::<[u8; WORD_BYTES]>().read() };
        let address = std::ptr::with_exposed_provenance_mut(usize::from_le_bytes(word));
        let raw = NonNull::new(address).expect("a collection is somewhere");
        (self.meta() & LARGE != 0, raw)
    }

    fn set_raw(&mut self, (is_large, raw): (bool, NonNull<u8>)) {
        let at = self.shape().value;
        let word = raw.expose_provenance().get().to_le_bytes();
        // SAFETY: a collection's word lies at its value.
        unsafe { self.0.add(at).cast::<[u8; WORD_BYTES]>().write(word) };
        let large = if is_large { LARGE } else { 0 };
        self.set_meta(self.meta() & !LARGE | large);
    }
}
