//! Values made of their bytes.
//!
//! Nothing in the bytes is believed: lengths, orders, ends and distinctness are checked always, and
//! a length that was merely announced takes no memory. What was packed by a peer whose limits were
//! others, or who used an encoding of old, ends in the encoding that [`Limits`] ask for here.

use datatypes::intset::IntSet;
use datatypes::listpack::Listpack;
use datatypes::{Collection, Hash, HashLimits, List, Set, SetLimits, SortedSet, SortedSetLimits};
use datatypes::{Text, list};
use stdx::float;

use crate::{Limits, Value};

use super::error::{Error, Phase, Reason};
use super::text::{self, Str};
use super::{kind, ziplist, zipmap};

/// What a node of a list says it is.
const NODE_PLAIN: u64 = 1;
const NODE_PACKED: u64 = 2;

/// A hash is put together in a listpack only up to here.
const PAIRS_BYTES_MAX: usize = 1 << 30;

/// The value of type `kind` that these bytes are, all of them.
pub fn decode(kind: u8, bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let mut input = Input { bytes, at: 0 };
    let value = value(kind, &mut input, limits).and_then(|value| match input.is_at_end() {
        true => Ok(value),
        false => Err(Reason::Excess),
    });
    value.map_err(|reason| Error {
        offset: input.at as u64,
        phase: Phase::Value,
        reason,
    })
}

/// The string that these bytes are, all of them: a key, or a value of type 0.
#[inline]
pub fn string(bytes: &[u8]) -> Result<Str<'_>, Error> {
    let error = |offset: usize, reason| Error {
        offset: offset as u64,
        phase: Phase::Value,
        reason,
    };
    match text::read(bytes) {
        Ok((string, size)) if size == bytes.len() => Ok(string),
        Ok((_, size)) => Err(error(size, Reason::Excess)),
        Err(reason) => Err(error(0, reason)),
    }
}

/// Bytes of a value, and how far they were read.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    #[inline]
    fn length(&mut self) -> Result<u64, Reason> {
        let (len, size) = text::length(self.rest())?.ok_or(Reason::Truncated)?;
        self.at += size;
        Ok(len)
    }

    /// The length of a collection, which has elements.
    fn count(&mut self) -> Result<u64, Reason> {
        match self.length()? {
            0 => Err(Reason::Empty),
            count => Ok(count),
        }
    }

    #[inline]
    fn string(&mut self) -> Result<Str<'a>, Reason> {
        let (string, size) = text::read(self.rest())?;
        self.at += size;
        Ok(string)
    }

    fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN], Reason> {
        let bytes = self.rest().first_chunk().ok_or(Reason::Truncated)?;
        self.at += LEN;
        Ok(*bytes)
    }

    /// A score in binary.
    fn score(&mut self) -> Result<f64, Reason> {
        number(f64::from_le_bytes(self.array()?))
    }

    /// A score in digits.
    fn score_text(&mut self) -> Result<f64, Reason> {
        let [len] = self.array()?;
        match len {
            255 => return Ok(f64::NEG_INFINITY),
            254 => return Ok(f64::INFINITY),
            253 => return Err(NOT_A_NUMBER),
            _ => {}
        }
        let digits = self
            .rest()
            .get(..usize::from(len))
            .ok_or(Reason::Truncated)?;
        self.at += digits.len();
        number(float::parse(digits).ok_or(NOT_A_NUMBER)?)
    }
}

const NOT_A_NUMBER: Reason = Reason::Structure("Zset with NAN score detected");

fn number(score: f64) -> Result<f64, Reason> {
    match score.is_nan() {
        true => Err(NOT_A_NUMBER),
        false => Ok(score),
    }
}

fn value(kind: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Value, Reason> {
    Ok(match kind {
        kind::STRING => Value::String(input.string()?.into_bytes().into_owned()),
        kind::LIST => Value::List(list_of_texts(input, &limits.list)?),
        kind::LIST_ZIPLIST => Value::List(list_of_nodes(1, input, &limits.list, ziplist_node)?),
        kind::LIST_QUICKLIST => {
            let count = input.count()?;
            Value::List(list_of_nodes(count, input, &limits.list, ziplist_node)?)
        }
        kind::LIST_QUICKLIST_2 => {
            let count = input.count()?;
            Value::List(list_of_nodes(count, input, &limits.list, any_node)?)
        }
        kind::SET => Value::Set(set_of_texts(input, &limits.set)?),
        kind::SET_INTSET => Value::Set(set_of_ints(input, &limits.set)?),
        kind::SET_LISTPACK => Value::Set(set_of_pack(input, &limits.set)?),
        kind::SORTED_SET => {
            let set = sorted_set(input, &limits.sorted_set, |input| input.score())?;
            Value::SortedSet(set)
        }
        kind::SORTED_SET_TEXT => {
            let set = sorted_set(input, &limits.sorted_set, |input| input.score_text())?;
            Value::SortedSet(set)
        }
        kind::SORTED_SET_ZIPLIST | kind::SORTED_SET_LISTPACK => {
            let pairs = pairs(kind, input)?;
            let set = SortedSet::of_listpack(pairs, &limits.sorted_set);
            Value::SortedSet(set.map_err(|_| INTEGRITY)?)
        }
        kind::HASH => Value::Hash(hash_of_texts(input, &limits.hash)?),
        kind::HASH_ZIPMAP | kind::HASH_ZIPLIST | kind::HASH_LISTPACK => {
            let pairs = pairs(kind, input)?;
            Value::Hash(Hash::of_listpack(pairs, &limits.hash).map_err(|_| INTEGRITY)?)
        }
        _ if kind::is_known(kind) => return Err(Reason::Unsupported(kind)),
        _ => return Err(Reason::Type(kind)),
    })
}

/// Of a collection in one piece.
const INTEGRITY: Reason = Reason::Structure("Listpack integrity check failed.");

fn list_of_texts(input: &mut Input<'_>, limits: &list::Limits) -> Result<List, Reason> {
    let mut list = List::new();
    for _ in 0..input.count()? {
        list.push(list::End::Tail, input.string()?.text(), limits);
    }
    Ok(list)
}

/// A part of a list as it lies in a dump.
enum Node {
    Packed(Listpack),
    Plain(Box<[u8]>),
}

fn list_of_nodes(
    count: u64,
    input: &mut Input<'_>,
    limits: &list::Limits,
    node: impl Fn(&mut Input<'_>) -> Result<Node, Reason>,
) -> Result<List, Reason> {
    let mut list = List::new();
    for _ in 0..count {
        match node(input)? {
            Node::Packed(pack) => list.append(pack, limits),
            Node::Plain(bytes) => list.append_plain(bytes),
        }
    }
    match list.is_empty() {
        true => Err(Reason::Empty),
        false => Ok(list),
    }
}

fn ziplist_node(input: &mut Input<'_>) -> Result<Node, Reason> {
    let bytes = input.string()?.into_bytes();
    Ok(Node::Packed(ziplist::to_listpack(&bytes).ok_or(ZIPLIST)?))
}

fn any_node(input: &mut Input<'_>) -> Result<Node, Reason> {
    match input.length()? {
        NODE_PLAIN => {
            let bytes = input.string()?.into_bytes();
            Ok(Node::Plain(bytes.into_owned().into_boxed_slice()))
        }
        NODE_PACKED => Ok(Node::Packed(listpack(input)?)),
        _ => Err(Reason::Structure("Quicklist integrity check failed.")),
    }
}

const ZIPLIST: Reason = Reason::Structure("Ziplist integrity check failed.");

fn listpack(input: &mut Input<'_>) -> Result<Listpack, Reason> {
    let pack = input.string()?;
    pack.with_bytes(Listpack::from_bytes).map_err(|_| INTEGRITY)
}

/// Fields and values, or members and scores, in one piece.
fn pairs(kind: u8, input: &mut Input<'_>) -> Result<Listpack, Reason> {
    let pairs = match kind {
        kind::HASH_LISTPACK | kind::SORTED_SET_LISTPACK => listpack(input)?,
        kind::HASH_ZIPMAP => {
            let bytes = input.string()?.into_bytes();
            let zipmap = Reason::Structure("Zipmap integrity check failed.");
            zipmap::to_listpack(&bytes).ok_or(zipmap)?
        }
        _ => {
            let bytes = input.string()?.into_bytes();
            ziplist::to_listpack(&bytes).ok_or(ZIPLIST)?
        }
    };
    match pairs.is_empty() {
        true => Err(Reason::Empty),
        false => Ok(pairs),
    }
}

fn set_of_texts(input: &mut Input<'_>, limits: &SetLimits) -> Result<Set, Reason> {
    let mut set = Set::default();
    for _ in 0..input.count()? {
        add(&mut set, input.string()?.text(), limits)?;
    }
    Ok(set)
}

fn add(set: &mut Set, member: Text<'_>, limits: &SetLimits) -> Result<(), Reason> {
    match member.with_bytes(|member| set.insert(member, limits)) {
        true => Ok(()),
        false => Err(Reason::Duplicate),
    }
}

fn set_of_ints(input: &mut Input<'_>, limits: &SetLimits) -> Result<Set, Reason> {
    let ints = input.string()?.with_bytes(IntSet::from_bytes);
    let ints = ints.map_err(|_| Reason::Structure("Intset integrity check failed."))?;
    match ints.is_empty() {
        true => Err(Reason::Empty),
        false => Ok(Set::of_ints(ints, limits)),
    }
}

fn set_of_pack(input: &mut Input<'_>, limits: &SetLimits) -> Result<Set, Reason> {
    let (pack, mut set) = (listpack(input)?, Set::default());
    for member in &pack {
        add(&mut set, member, limits)?;
    }
    match set.is_empty() {
        true => Err(Reason::Empty),
        false => Ok(set),
    }
}

fn sorted_set(
    input: &mut Input<'_>,
    limits: &SortedSetLimits,
    score: impl Fn(&mut Input<'_>) -> Result<f64, Reason>,
) -> Result<SortedSet, Reason> {
    let count = input.count()?;
    let mut set = SortedSet::for_members(usize::try_from(count).unwrap_or(usize::MAX), limits);
    for _ in 0..count {
        let member = input.string()?;
        let score = score(input)?;
        let put = member.with_bytes(|member| set.put(member, score, limits));
        if put != datatypes::sorted_set::Put::Added {
            return Err(Reason::Duplicate);
        }
    }
    Ok(set)
}

/// A hash of fields and values one by one. While they fit a listpack they are only lined up there,
/// and looked through once, for a search of each would take long.
fn hash_of_texts(input: &mut Input<'_>, limits: &HashLimits) -> Result<Hash, Reason> {
    let count = input.count()?;
    let mut left = count;
    let mut pack = Listpack::new();
    let mut next = None;
    while left > 0 && count <= limits.entries_max as u64 {
        let (field, value) = (input.string()?, input.string()?);
        left -= 1;
        let fits = field.len().max(value.len()) <= limits.value_bytes_max
            && pack.bytes_len() + field.len() + value.len() <= PAIRS_BYTES_MAX;
        if !fits {
            next = Some((field, value));
            break;
        }
        pack.push_back(field.text());
        pack.push_back(value.text());
    }
    let mut hash = match pack.is_empty() {
        true => Hash::for_fields(usize::try_from(count).unwrap_or(usize::MAX), limits),
        false => Hash::of_listpack(pack, limits).map_err(|_| Reason::Duplicate)?,
    };
    let mut add = |field: &Str<'_>, value: &Str<'_>| {
        let is_missing =
            field.with_bytes(|field| value.with_bytes(|value| hash.insert(field, value, limits)));
        is_missing.then_some(()).ok_or(Reason::Duplicate)
    };
    if let Some((field, value)) = next {
        add(&field, &value)?;
    }
    for _ in 0..left {
        add(&input.string()?, &input.string()?)?;
    }
    Ok(hash)
}
