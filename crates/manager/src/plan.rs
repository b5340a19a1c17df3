//! What to do, decided from what is known. Nothing here talks to anybody.

pub mod rebalance;
pub mod repair;
pub mod reshard;
pub mod resume;

/// A slot that goes from one node to another. Nodes are numbers in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    pub slot: u16,
    pub source: usize,
    pub target: usize,
}
