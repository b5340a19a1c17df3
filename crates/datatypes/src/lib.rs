//! Encodings (listpack, intset, quicklist, sorted tree, radix tree, tables) and the values built
//! from them.

pub mod bits;
mod class;
mod compact;
mod frozen;
mod hash;
pub mod hyperloglog;
pub mod intset;
pub mod list;
pub mod listpack;
pub mod packed;
mod set;
pub mod sorted_set;
pub mod table;
mod text;

pub use compact::{Borrowed, Collection, Compact};
pub use frozen::Shown;
pub use hash::{Hash, HashLimits};
pub use list::List;
pub use listpack::Listpack;
pub use set::{Set, SetLimits};
pub use sorted_set::{SortedSet, SortedSetLimits};
pub use text::Text;
