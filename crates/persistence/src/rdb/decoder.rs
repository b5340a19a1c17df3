//! Values made of their bytes.
//!
//! Nothing in the bytes is believed: lengths, orders, ends and distinctness are checked always, and
//! a length that was merely announced takes no memory. What was packed by a peer whose limits were
//! others, or who used an encoding of old, ends in the encoding that [`Limits`] ask for here.

use datatypes::intset::IntSet;
use datatypes::listpack::Listpack;
use datatypes::{Collection, Hash, HashLimits, List, Set, SetLimits, SortedSet, SortedSetLimits};
use datatypes::{Text, list};

use crate::{Limits, Value};

use super::error::{Error, Phase, Reason};
use super::input::Input;
use super::text::{self, Str};
use super::{kind, ziplist, zipmap};

/// What a node of a list says it is.
const NODE_PLAIN: u64 = 1;
const NODE_PACKED: u64 = 2;

/// A hash is put together in a listpack only up to here.
const PAIRS_BYTES_MAX: usize = 1 << 30;

/// The value of type `kind` that these bytes are, all of them.
pub fn decode(kind: u8, bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let mut input = Input::new(bytes);
    let value = value(kind, &mut input, limits).and_then(|value| match input.is_at_end() {
        true => Ok(value),
        false => Err(Reason::Excess),
    });
    value.map_err(|reason| Error {
        offset: input.at() as u64,
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

fn value(kind: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Value, Reason> {
    Ok(match kind {
        kind::STRING => Value::String(input.string()?.into_bytes().into_owned()),
        kind::LIST => Value::List(list_of_texts(input, &limits.list)?),
        kind::LIST_ZIPLIST => {
            let broken = "List ziplist integrity check failed.";
            let node = |input: &mut Input<'_>| ziplist_node(broken, input);
            Value::List(list_of_nodes(1, input, &limits.list, node)?)
        }
        kind::LIST_QUICKLIST => {
            let broken = "Ziplist integrity check failed.";
            let node = |input: &mut Input<'_>| ziplist_node(broken, input);
            let count = input.count()?;
            Value::List(list_of_nodes(count, input, &limits.list, node)?)
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
            let broken = Reason::Structure(match kind {
                kind::SORTED_SET_ZIPLIST => "Zset ziplist integrity check failed.",
                _ => "Zset listpack integrity check failed.",
            });
            let pairs = pairs(kind, input, &broken)?;
            let set = SortedSet::of_listpack(pairs, &limits.sorted_set);
            Value::SortedSet(set.map_err(|_| broken)?)
        }
        kind::HASH => Value::Hash(hash_of_texts(input, &limits.hash)?),
        kind::HASH_ZIPMAP | kind::HASH_ZIPLIST | kind::HASH_LISTPACK => {
            let broken = Reason::Structure(match kind {
                kind::HASH_ZIPMAP => "Zipmap integrity check failed.",
                kind::HASH_ZIPLIST => "Hash ziplist integrity check failed.",
                _ => "Hash listpack integrity check failed.",
            });
            let pairs = pairs(kind, input, &broken)?;
            Value::Hash(Hash::of_listpack(pairs, &limits.hash).map_err(|_| broken)?)
        }
        _ if kind::is_known(kind) => return Err(Reason::Unsupported(kind)),
        _ => return Err(Reason::Type(kind)),
    })
}

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

fn ziplist_node(broken: &'static str, input: &mut Input<'_>) -> Result<Node, Reason> {
    let pack = input.string()?.with_bytes(ziplist::to_listpack);
    pack.map(Node::Packed).ok_or(Reason::Structure(broken))
}

fn any_node(input: &mut Input<'_>) -> Result<Node, Reason> {
    match input.length()? {
        NODE_PLAIN => {
            let bytes = input.string()?.into_bytes();
            Ok(Node::Plain(bytes.into_owned().into_boxed_slice()))
        }
        NODE_PACKED => Ok(Node::Packed(listpack(
            "Listpack integrity check failed.",
            input,
        )?)),
        _ => Err(Reason::Structure("Quicklist integrity check failed.")),
    }
}

fn listpack(broken: &'static str, input: &mut Input<'_>) -> Result<Listpack, Reason> {
    let pack = input.string()?.with_bytes(Listpack::from_bytes);
    pack.map_err(|_| Reason::Structure(broken))
}

/// Fields and values, or members and scores, in one piece.
fn pairs(kind: u8, input: &mut Input<'_>, broken: &Reason) -> Result<Listpack, Reason> {
    let pairs = input.string()?.with_bytes(|bytes| match kind {
        kind::HASH_LISTPACK | kind::SORTED_SET_LISTPACK => Listpack::from_bytes(bytes).ok(),
        kind::HASH_ZIPMAP => zipmap::to_listpack(bytes),
        _ => ziplist::to_listpack(bytes),
    });
    match pairs {
        None => Err(broken.clone()),
        Some(pairs) if pairs.is_empty() => Err(Reason::Empty),
        Some(pairs) => Ok(pairs),
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
        false => Err(Reason::Structure("Duplicate set members detected")),
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
    let broken = "Set listpack integrity check failed.";
    let (pack, mut set) = (listpack(broken, input)?, Set::default());
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
            return Err(Reason::Structure("Duplicate zset fields detected"));
        }
    }
    Ok(set)
}

const HASH_DUPLICATE: Reason = Reason::Structure("Hash with dup elements");

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
        false => Hash::of_listpack(pack, limits).map_err(|_| HASH_DUPLICATE)?,
    };
    let mut add = |field: &Str<'_>, value: &Str<'_>| {
        let is_missing =
            field.with_bytes(|field| value.with_bytes(|value| hash.insert(field, value, limits)));
        is_missing.then_some(()).ok_or(HASH_DUPLICATE)
    };
    if let Some((field, value)) = next {
        add(&field, &value)?;
    }
    for _ in 0..left {
        add(&input.string()?, &input.string()?)?;
    }
    Ok(hash)
}

#[cfg(test)]
mod tests;
