//! Which history a node's data belongs to, and who may go on reading it.
//!
//! A *history* is a sequence of bytes with a name. Two nodes with the same name and offset hold the
//! same data. When a node becomes primary it gives its history another name, and remembers the old
//! one with the offset up to which both tell the same:
//!
//! ```text
//!   old name  ───────────────┐ limit
//!   new name                 └──────────────▶
//! ```

use std::fmt;

use stdx::prng::Prng;

/// Digits of a name.
pub const ID_LEN: usize = 40;

/// The name of a history: 40 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicationId([u8; ID_LEN]);

impl ReplicationId {
    /// What stands where there is none.
    pub const NONE: ReplicationId = ReplicationId([b'0'; ID_LEN]);

    /// Forty printable characters without blanks; peers do not all write hexadecimal digits.
    pub fn parse(text: &[u8]) -> Option<ReplicationId> {
        let id = <[u8; ID_LEN]>::try_from(text).ok()?;
        let printable = id.iter().all(u8::is_ascii_graphic);
        printable.then(|| ReplicationId(id.map(|byte| byte.to_ascii_lowercase())))
    }

    pub(crate) fn draw(prng: &mut [Prng; 2]) -> ReplicationId {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut id = [0; ID_LEN];
        for (half, prng) in id.chunks_mut(ID_LEN / 2).zip(prng) {
            prng.fill(half);
        }
        ReplicationId(id.map(|byte| DIGITS[usize::from(byte & 15)]))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an id holds printable ASCII only")
    }
}

impl fmt::Display for ReplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ReplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of the log that can still be read: bytes from `start` to before `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

/// The name a history had, and the first position that may no longer be asked for under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second {
    pub id: ReplicationId,
    /// As peers count: the first byte of the log has position 1. A peer that asks for this very
    /// position has all of the common past and nothing else.
    pub limit: u64,
}

/// The names of the data a node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    pub id: ReplicationId,
    pub second: Option<Second>,
}

impl History {
    pub fn of(id: ReplicationId) -> History {
        History { id, second: None }
    }

    /// The same data under another name from `end` on.
    pub fn renamed(&self, id: ReplicationId, end: u64) -> History {
        let second = Second {
            id: self.id,
            limit: end + 1,
        };
        History {
            id,
            second: Some(second),
        }
    }

    /// Whether `id` names what stands before `position`.
    pub fn tells(&self, id: ReplicationId, position: u64) -> bool {
        let by_second = |second: Second| second.id == id && position <= second.limit;
        self.id == id || self.second.is_some_and(by_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: u8) -> ReplicationId {
        ReplicationId::parse(&[digit; ID_LEN]).expect("forty digits")
    }

    #[test]
    fn a_renamed_history_tells_its_past_under_the_old_name() {
        let history = History::of(id(b'a')).renamed(id(b'b'), 100);
        assert!(history.tells(id(b'b'), 500));
        assert!(history.tells(id(b'a'), 101));
        assert!(!history.tells(id(b'a'), 102));
        assert!(!history.tells(id(b'c'), 1));
        // Only the last name is remembered.
        let twice = history.renamed(id(b'c'), 200);
        assert!(!twice.tells(id(b'a'), 50) && twice.tells(id(b'b'), 201));
    }

    #[test]
    fn ids_are_forty_printable_characters() {
        assert_eq!(ReplicationId::parse(&[b'A'; 40]), Some(id(b'a')));
        for text in [&[b'a'; 39][..], &[b'a'; 41], &[b' '; 40], &[0xff; 40], b""] {
            assert_eq!(ReplicationId::parse(text), None);
        }
        let drawn = ReplicationId::draw(&mut [Prng::new(1), Prng::new(2)]);
        assert!(drawn.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
