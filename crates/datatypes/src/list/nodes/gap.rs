//! Places between elements.

use crate::Listpack;
use crate::list::End;
use crate::listpack::Position;

/// A place between two elements, seen from a node beside it.
#[derive(Clone, Copy)]
pub enum Gap {
    Start,
    Before(Position),
    End,
}

impl Gap {
    /// The place before what stands at `at`, which may be the end.
    pub fn before(pack: &Listpack, at: Position) -> Gap {
        match at {
            at if Some(at) == pack.first() => Gap::Start,
            at if at == pack.end() => Gap::End,
            at => Gap::Before(at),
        }
    }

    /// The place on the side of the element at `at` that is nearer to `side`.
    pub fn beside(pack: &Listpack, at: Position, side: End) -> Gap {
        match side {
            End::Head => Gap::before(pack, at),
            End::Tail => pack.next(at).map_or(Gap::End, Gap::Before),
        }
    }
}
