//! Encodings (listpack, intset, quicklist, sorted tree, radix tree, tables) and the values built
//! from them.

pub mod bits;
mod compact;
pub mod hyperloglog;
pub mod table;
mod text;

pub use compact::{Borrowed, Collection, Compact};
pub use text::Text;
