//! What a key holds, on its way from bytes into the keyspace or from there into bytes.

use datatypes::packed::HashSeed;
use datatypes::{Hash, HashLimits, List, Set, SetLimits, SortedSet, SortedSetLimits, Text};

/// What a key holds, read from bytes.
pub enum Value {
    String(Vec<u8>),
    List(List),
    Set(Set),
    SortedSet(SortedSet),
    Hash(Hash),
}

/// What a key holds, to be written as bytes.
#[derive(Clone, Copy)]
pub enum ValueRef<'a> {
    String(Text<'a>),
    List(&'a List),
    Set(&'a Set),
    SortedSet(&'a SortedSet),
    Hash(&'a Hash),
}

/// What decides in which encoding a collection is kept that is read from bytes, whatever encoding
/// it was written in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub list: datatypes::list::Limits,
    pub set: SetLimits,
    pub sorted_set: SortedSetLimits,
    pub hash: HashLimits,
}

impl Value {
    /// The same, borrowed.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::String(bytes) => ValueRef::String(Text::Bytes(bytes)),
            Value::List(list) => ValueRef::List(list),
            Value::Set(set) => ValueRef::Set(set),
            Value::SortedSet(set) => ValueRef::SortedSet(set),
            Value::Hash(hash) => ValueRef::Hash(hash),
        }
    }
}

impl Limits {
    /// As a server has them that nobody configured.
    pub fn with_seed(seed: HashSeed) -> Limits {
        Limits {
            list: datatypes::list::Limits::default(),
            set: SetLimits {
                ints_max: 512,
                seed,
            },
            sorted_set: SortedSetLimits {
                entries_max: 128,
                value_bytes_max: 64,
                seed,
            },
            hash: HashLimits {
                entries_max: 512,
                value_bytes_max: 64,
                seed,
            },
        }
    }
}
