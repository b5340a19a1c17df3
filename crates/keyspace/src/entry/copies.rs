//! Copies of small strings, one behind the other: making one allocates nothing, and freeing them
//! neither.
//!
//! ```text
//!   words   1              n         1              n
//!          │ name, length │ entry   │ name, length │ entry …
//! ```

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{NonNull, copy_nonoverlapping};

use super::{Entry, rounded};
use crate::DbIndex;
use crate::kind::Kind;
use crate::snapshot::SnapshotItem;

/// Entries up to here are copied together. Longer ones are few, or it is they that cost.
const COPIED_BYTES_MAX: usize = 256;

const WORD: usize = size_of::<u64>();

/// Entries that are shown in the order they came, each with the name of its db.
#[derive(Default)]
pub struct Copies {
    /// The bytes behind an entry's last are not initialised.
    words: Vec<MaybeUninit<u64>>,
    /// Where the next begins that is to be shown.
    next: usize,
}

impl Copies {
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Copies an entry, if it is a small string. Returns how many bytes it takes.
    pub fn push(&mut self, name: DbIndex, entry: &Entry) -> Option<usize> {
        if entry.kind() != Kind::String {
            return None;
        }
        let bytes = entry.shape().end();
        let words = rounded(bytes) / WORD;
        if bytes > COPIED_BYTES_MAX {
            return None;
        }
        self.words.reserve(1 + words);
        let head = u64::from(name.0) << 32 | words as u64;
        self.words.push(MaybeUninit::new(head));
        let start = self.words.len();
        // SAFETY: the entry has so many bytes, and there is room for so many words behind `start`,
        // which need not be initialised.
        unsafe {
            let to = self.words.as_mut_ptr().add(start).cast::<u8>();
            copy_nonoverlapping(entry.0.as_ptr(), to, bytes);
            self.words.set_len(start + words);
        }
        Some(words * WORD)
    }

    /// Gives `show` the next entry. Returns whether there was one; when there is none, there is
    /// room for others.
    pub fn show_next(&mut self, show: impl FnOnce(SnapshotItem<'_>)) -> bool {
        let Some(head) = self.words.get(self.next) else {
            self.words.clear();
            self.next = 0;
            return false;
        };
        // SAFETY: `next` is where `push` wrote a head.
        let head = unsafe { head.assume_init() };
        let (name, words) = (DbIndex((head >> 32) as u16), head as u32 as usize);
        let entry = self.words[self.next + 1..][..words].as_ptr();
        self.next += 1 + words;
        // SAFETY: a string's bytes are all there is of it. They are only read, and nobody frees
        // them as an entry.
        let entry = ManuallyDrop::new(Entry(unsafe {
            NonNull::new_unchecked(entry.cast_mut().cast())
        }));
        show((name, &entry));
        true
    }
}
