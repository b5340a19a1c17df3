//! Encodings (listpack, intset, quicklist, sorted tree, radix tree, tables) and the values built
//! from them.

mod compact;
pub mod table;
mod text;

pub use compact::{Borrowed, Compact};
pub use text::Text;
