//! The simulator: seeds to clusters of nodes in a virtual world, with checkers.
