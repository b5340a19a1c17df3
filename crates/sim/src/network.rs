//! Byte streams between nodes: late, cut into pieces, stalled, one way only, or broken.

use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// One end of a connection: a node, and which of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub node: usize,
    pub life: u32,
    /// Whether it still uses the connection.
    pub is_open: bool,
}

/// What is on its way in one direction.
#[derive(Debug, Default)]
pub struct Direction {
    pub chunks: VecDeque<Vec<u8>>,
    pub bytes: usize,
    /// Nothing arrives before what was sent earlier.
    pub last_ms: u64,
}

/// The dialer is end 0; direction 0 goes out from it.
#[derive(Debug)]
pub struct Conn {
    pub ends: [End; 2],
    pub directions: [Direction; 2],
}

impl Conn {
    pub fn between(dialer: (usize, u32), listener: (usize, u32)) -> Conn {
        let end = |(node, life)| End {
            node,
            life,
            is_open: true,
        };
        Conn {
            ends: [end(dialer), end(listener)],
            directions: Default::default(),
        }
    }

    /// Which end a node's life is.
    pub fn end_of(&self, node: usize, life: u32) -> Option<usize> {
        let is_it = |end: &End| (end.node, end.life, end.is_open) == (node, life, true);
        self.ends.iter().position(is_it)
    }
}
