//! Byte streams between nodes: late, stalled, one way only, or broken.

use std::collections::VecDeque;

use bytes::Bytes;
use cluster::LinkId;

/// One end of a connection: a link of a node in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    pub node: usize,
    pub life: u32,
    pub link: LinkId,
}

/// What goes out from one end.
#[derive(Debug)]
pub struct Pipe {
    pub to: End,
    pub queue: VecDeque<Bytes>,
    /// Nothing arrives before what was sent earlier.
    pub last_ms: u64,
}

impl Pipe {
    pub fn to(end: End) -> Pipe {
        Pipe {
            to: end,
            queue: VecDeque::new(),
            last_ms: 0,
        }
    }
}

/// Somebody who tries to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dial {
    pub from: End,
    pub to: usize,
}
