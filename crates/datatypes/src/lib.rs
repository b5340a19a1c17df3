//! Encodings (listpack, intset, quicklist, sorted tree, radix tree, tables) and the values built
//! from them.

pub mod table;
