//! Encodings (listpack, intset, quicklist, sorted tree, radix tree, tables) and the values built
//! from them.

mod compact;
pub mod list;
pub mod listpack;
pub mod table;
mod text;

pub use compact::{Borrowed, Collection, Compact};
pub use list::List;
pub use listpack::Listpack;
pub use text::Text;
