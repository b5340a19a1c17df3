//! Many texts in one piece of memory.

use datatypes::Text;

/// Texts one behind the other, some of which may be absent.
#[derive(Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends, with [`ABSENT`] if there is none.
    ends: Vec<usize>,
}

const ABSENT: usize = 1 << (usize::BITS - 1);

impl Texts {
    pub(super) fn push(&mut self, text: Text<'_>) {
        text.with_bytes(|bytes| self.bytes.extend_from_slice(bytes));
        self.ends.push(self.bytes.len());
    }

    pub(super) fn push_absent(&mut self) {
        self.ends.push(self.bytes.len() | ABSENT);
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&[u8]> {
        let start = at.checked_sub(1).map_or(0, |at| self.ends[at] & !ABSENT);
        let end = self.ends[at];
        (end & ABSENT == 0).then(|| &self.bytes[start..end])
    }
}
