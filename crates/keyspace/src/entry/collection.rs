//! Entries that hold collections: the value is the word of a [`Compact`](datatypes::Compact) one.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use datatypes::{Borrowed, Collection};
use stdx::time::UnixMillis;

use super::{Entry, KIND, LARGE, WORD, WORD_BYTES};
use crate::kind::{Any, Kind, Value};

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
        let mut any = self.take_any();
        let freed = any.as_collection().free_some(budget);
        self.set_raw(any.into_raw());
        freed
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
