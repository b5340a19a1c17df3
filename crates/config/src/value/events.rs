//! Which keyspace events are published, as a set of letters.

use super::{How, Line, Refusal, Value, single};
use crate::directive::Limits;
use crate::syntax::quote;

/// A set of event classes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceEvents(u16);

/// The letters, in the order they are printed. Each one's bit is its place.
const LETTERS: &[u8; 14] = b"g$lshzxetdnKEm";

impl KeyspaceEvents {
    pub const GENERIC: KeyspaceEvents = KeyspaceEvents(1);
    pub const STRING: KeyspaceEvents = KeyspaceEvents(1 << 1);
    pub const LIST: KeyspaceEvents = KeyspaceEvents(1 << 2);
    pub const SET: KeyspaceEvents = KeyspaceEvents(1 << 3);
    pub const HASH: KeyspaceEvents = KeyspaceEvents(1 << 4);
    pub const SORTED_SET: KeyspaceEvents = KeyspaceEvents(1 << 5);
    pub const EXPIRED: KeyspaceEvents = KeyspaceEvents(1 << 6);
    pub const EVICTED: KeyspaceEvents = KeyspaceEvents(1 << 7);
    pub const STREAM: KeyspaceEvents = KeyspaceEvents(1 << 8);
    pub const MODULE: KeyspaceEvents = KeyspaceEvents(1 << 9);
    pub const NEW_KEY: KeyspaceEvents = KeyspaceEvents(1 << 10);
    /// Publish to `__keyspace@<db>__` channels.
    pub const KEYSPACE: KeyspaceEvents = KeyspaceEvents(1 << 11);
    /// Publish to `__keyevent@<db>__` channels.
    pub const KEYEVENT: KeyspaceEvents = KeyspaceEvents(1 << 12);
    pub const KEY_MISS: KeyspaceEvents = KeyspaceEvents(1 << 13);
    /// What the letter `A` stands for: every class of writes to existing types.
    pub const ALL: KeyspaceEvents = KeyspaceEvents((1 << 10) - 1);

    pub fn contains(self, events: KeyspaceEvents) -> bool {
        self.0 & events.0 == events.0
    }

    pub fn intersects(self, events: KeyspaceEvents) -> bool {
        self.0 & events.0 != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn of_letter(letter: u8) -> Option<u16> {
        match letter {
            b'A' => Some(KeyspaceEvents::ALL.0),
            _ => LETTERS
                .iter()
                .position(|&known| known == letter)
                .map(|bit| 1 << bit),
        }
    }
}

impl Value for KeyspaceEvents {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        self.0 = 0;
        for &letter in single(words)? {
            let why = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
            self.0 |= KeyspaceEvents::of_letter(letter).ok_or(Refusal::because(why))?;
        }
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = self.0;
        if self.contains(KeyspaceEvents::ALL) {
            out.push(b'A');
            rest &= !KeyspaceEvents::ALL.0;
        }
        let held = |(bit, _): &(usize, &u8)| rest & 1 << bit != 0;
        out.extend(
            LETTERS
                .iter()
                .enumerate()
                .filter(held)
                .map(|(_, &letter)| letter),
        );
        out
    }

    fn lines(&self, default: &KeyspaceEvents) -> Vec<Line> {
        vec![Line::new(quote(&self.print()), self == default)]
    }
}
