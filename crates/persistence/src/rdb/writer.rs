//! A snapshot, written record by record.

use datatypes::list::Node;
use datatypes::{Collection, Hash, List, Set, Shown, SortedSet, Text};
use stdx::crc64;

use crate::ValueRef;

use super::text::{push, push_bytes, push_length};
use super::{Usage, VERSION, kind};

/// What a node of a list says it is.
const NODE_PLAIN: u64 = 1;
const NODE_PACKED: u64 = 2;

/// How a snapshot is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Whether long strings are compressed.
    pub compress: bool,
    /// Whether it ends with a checksum. Else there is a 0 in its place.
    pub checksum: bool,
}

/// Writes a snapshot. Each call appends to what it is given. Before the caller takes that away, it
/// is summed, by [`Writer::sum`]: many records at once cost less than one after the other.
#[derive(Clone, Debug)]
pub struct Writer {
    options: WriteOptions,
    sum: u64,
}

/// A key and what belongs to it.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub key: Text<'a>,
    pub value: ValueRef<'a>,
    /// In milliseconds since 1970.
    pub expiry: Option<i64>,
    /// Written only if it is known.
    pub usage: Usage,
}

impl Writer {
    pub fn new(options: WriteOptions) -> Writer {
        Writer { options, sum: 0 }
    }

    /// The first bytes.
    pub fn header(&mut self, into: &mut Vec<u8>) {
        into.extend_from_slice(format!("REDIS{VERSION:04}").as_bytes());
    }

    /// A fact about the snapshot.
    pub fn aux(&mut self, name: &str, value: &[u8], into: &mut Vec<u8>) {
        let compress = self.options.compress;
        into.push(kind::AUX);
        push_bytes(name.as_bytes(), compress, into);
        push_bytes(value, compress, into);
    }

    /// The code of a library of functions.
    pub fn function(&mut self, code: &[u8], into: &mut Vec<u8>) {
        let compress = self.options.compress;
        into.push(kind::FUNCTION);
        push_bytes(code, compress, into);
    }

    /// The keys that follow are of this db.
    pub fn select(&mut self, db: u64, into: &mut Vec<u8>) {
        into.push(kind::SELECT);
        push_length(db, into);
    }

    /// How many keys the db has, and how many of them expire: a hint to whoever makes room.
    pub fn sizes(&mut self, keys: u64, expiries: u64, into: &mut Vec<u8>) {
        into.push(kind::SIZES);
        push_length(keys, into);
        push_length(expiries, into);
    }

    /// A key with its value.
    #[inline]
    pub fn record(&mut self, entry: &Entry<'_>, into: &mut Vec<u8>) {
        let compress = self.options.compress;
        push_head(entry, kind_of(entry.value), compress, into);
        push_value(entry.value, compress, into);
    }

    /// Begins a key with a large collection, of whose value only the type counts: `len` elements
    /// follow, each by [`Writer::element`].
    pub fn begin_large(&mut self, entry: &Entry<'_>, len: u64, into: &mut Vec<u8>) {
        let compress = self.options.compress;
        push_head(entry, kind_of_elements(entry.value), compress, into);
        push_length(len, into);
    }

    pub fn element(&mut self, element: Shown<'_>, into: &mut Vec<u8>) {
        let compress = self.options.compress;
        match element {
            Shown::Element(text) => push(text, compress, into),
            Shown::Pair(field, value) => {
                push(field, compress, into);
                push(value, compress, into);
            }
            Shown::Scored(member, score) => {
                push(member, compress, into);
                into.extend_from_slice(&score.to_le_bytes());
            }
        }
    }

    /// Adds what was appended since this was last called to the sum.
    pub fn sum(&mut self, piece: &[u8]) {
        if self.options.checksum {
            self.sum = crc64::update(self.sum, piece);
        }
    }

    /// The last bytes. What is not summed yet begins at `unsummed`.
    pub fn end(&mut self, unsummed: usize, into: &mut Vec<u8>) {
        into.push(kind::END);
        self.sum(&into[unsummed..]);
        into.extend_from_slice(&self.sum.to_le_bytes());
    }
}

/// What stands before a value.
#[inline]
fn push_head(entry: &Entry<'_>, value_kind: u8, compress: bool, into: &mut Vec<u8>) {
    if let Some(expiry) = entry.expiry {
        into.push(kind::EXPIRY_MILLIS);
        into.extend_from_slice(&expiry.to_le_bytes());
    }
    match entry.usage {
        Usage::Unknown => {}
        Usage::Idle(seconds) => {
            into.push(kind::IDLE);
            push_length(seconds, into);
        }
        Usage::Frequency(frequency) => {
            into.extend_from_slice(&[kind::FREQUENCY, frequency]);
        }
    }
    into.push(value_kind);
    push(entry.key, compress, into);
}

/// The type as which a value is written.
#[inline]
pub(super) fn kind_of(value: ValueRef<'_>) -> u8 {
    match value {
        ValueRef::String(_) => kind::STRING,
        ValueRef::List(_) => kind::LIST_QUICKLIST_2,
        ValueRef::Set(Set::Ints(_)) => kind::SET_INTSET,
        ValueRef::Set(Set::Table(_)) => kind::SET,
        ValueRef::Hash(Hash::Pairs(_)) => kind::HASH_LISTPACK,
        ValueRef::Hash(Hash::Table(_)) => kind::HASH,
        ValueRef::SortedSet(set) => match set.listpack() {
            Some(_) => kind::SORTED_SET_LISTPACK,
            None => kind::SORTED_SET,
        },
    }
}

/// The type of a collection that is written as a number and so many elements.
fn kind_of_elements(value: ValueRef<'_>) -> u8 {
    match value {
        ValueRef::String(_) => unreachable!("a string has no elements"),
        ValueRef::List(_) => kind::LIST,
        ValueRef::Set(_) => kind::SET,
        ValueRef::Hash(_) => kind::HASH,
        ValueRef::SortedSet(_) => kind::SORTED_SET,
    }
}

/// Appends a value, without its type.
#[inline]
pub(super) fn push_value(value: ValueRef<'_>, compress: bool, into: &mut Vec<u8>) {
    match value {
        ValueRef::String(text) => push(text, compress, into),
        ValueRef::List(list) => push_list(list, compress, into),
        ValueRef::Set(set) => push_set(set, compress, into),
        ValueRef::SortedSet(set) => push_sorted_set(set, compress, into),
        ValueRef::Hash(hash) => push_hash(hash, compress, into),
    }
}

fn push_list(list: &List, compress: bool, into: &mut Vec<u8>) {
    push_length(list.node_count() as u64, into);
    for node in (0..list.node_count()).filter_map(|index| list.node(index)) {
        match node {
            Node::Packed(pack) => {
                push_length(NODE_PACKED, into);
                push_bytes(pack.as_bytes(), compress, into);
            }
            Node::Plain(bytes) => {
                push_length(NODE_PLAIN, into);
                push_bytes(bytes, compress, into);
            }
        }
    }
}

fn push_set(set: &Set, compress: bool, into: &mut Vec<u8>) {
    match set {
        Set::Ints(ints) => push_bytes(ints.as_bytes(), compress, into),
        Set::Table(table) => {
            push_length(table.len() as u64, into);
            for item in table.iter() {
                push_bytes(item.field, compress, into);
            }
        }
    }
}

fn push_hash(hash: &Hash, compress: bool, into: &mut Vec<u8>) {
    match hash {
        Hash::Pairs(pairs) => push_bytes(pairs.as_bytes(), compress, into),
        Hash::Table(table) => {
            push_length(table.len() as u64, into);
            for item in table.iter() {
                push_bytes(item.field, compress, into);
                push_bytes(item.value, compress, into);
            }
        }
    }
}

/// A large set begins with its last member: so peers insert each at the front, which is quick.
fn push_sorted_set(set: &SortedSet, compress: bool, into: &mut Vec<u8>) {
    if let Some(pack) = set.listpack() {
        return push_bytes(pack.as_bytes(), compress, into);
    }
    push_length(set.len() as u64, into);
    for (member, score) in set.iter(0..set.len()).rev() {
        push(member, compress, into);
        into.extend_from_slice(&score.to_le_bytes());
    }
}
