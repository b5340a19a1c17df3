//! `SORT`: the elements of a list, set or sorted set in another order.
//!
//! By default elements are compared as numbers. `BY` compares what other keys hold instead, `GET`
//! returns what other keys hold: their names are a pattern with the element in place of `*`. Nobody
//! can declare such keys beforehand, so a request with such a pattern holds every lock.
//!
//! The elements are copied first, one behind the other: looking at other keys may delete some that
//! are past their expiry, and the sorted collection could be among them.

use std::ops::Range;

use datatypes::list::End;
use datatypes::{Collection, List, Set, SortedSet, Text};
use engine::command::{Begin, Find, Flags, KeySpec, Reach};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Key, Kind};

use crate::{event, list};

mod order;
mod pattern;
mod texts;

use order::Direction;
use pattern::Pattern;
use texts::Texts;

/// What both commands are.
const SORTS: Command = Command {
    complexity: "O(N+M*log(M)) where N is the number of elements, and M the number of those that \
                 are returned. O(N) where nothing is sorted.",
    arity: Arity::AtLeast(2),
    acl: Acl::SET
        .and(Acl::SORTEDSET)
        .and(Acl::LIST)
        .and(Acl::DANGEROUS),
    finder: Some(find_keys),
    ..Command::BLANK
};

const SOURCE: KeySpec = KeySpec::at(1, Access::RO.and(Access::ACCESS));

const PATTERNS: KeySpec = KeySpec {
    access: Access::RO.and(Access::ACCESS),
    begin: Begin::Unknown,
    find: Find::Unknown,
    notes: "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive \
            from the content of the key we sort",
};

const TARGET: KeySpec = KeySpec {
    access: Access::OW.and(Access::UPDATE),
    begin: Begin::Unknown,
    find: Find::Unknown,
    notes: "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear \
            anywhere in the argument array",
};

pub(crate) static SORT: Command = Command {
    name: "sort",
    syntax: "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] \
             [ALPHA] [STORE destination]",
    summary: "Returns or stores the elements of a list, set or sorted set in another order.",
    since: "1.0.0",
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::LONG),
    keys: &[SOURCE, PATTERNS, TARGET],
    handler: |cx, args| sort(cx, args, MayStore::Yes),
    ..SORTS
};

pub(crate) static SORT_RO: Command = Command {
    name: "sort_ro",
    syntax: "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] \
             [ALPHA]",
    summary: "Returns the elements of a list, set or sorted set in another order.",
    since: "7.0.0",
    flags: Flags::READONLY.and(Flags::LONG),
    keys: &[SOURCE, PATTERNS],
    handler: |cx, args| sort(cx, args, MayStore::No),
    ..SORTS
};

/// The key that is sorted, and the last that is to hold the result. Words that cannot be understood
/// are passed over: the handler refuses them.
fn find_keys(words: &[&[u8]], found: &mut dyn FnMut(usize, Access)) -> Reach {
    let (mut target, mut reach, mut at) = (None, Reach::Declared, 2);
    let is = |word: &[u8], option: &[u8]| word.eq_ignore_ascii_case(option);
    while let Some(word) = words.get(at) {
        if is(word, b"LIMIT") {
            at += 2;
        } else if is(word, b"BY") || is(word, b"GET") {
            at += 1;
            if words.get(at).is_some_and(|text| Pattern::names_keys(text)) {
                reach = Reach::Everything;
            }
        } else if is(word, b"STORE") && at + 1 < words.len() {
            at += 1;
            target = Some(at);
        }
        at += 1;
    }
    if words.len() > 1 {
        found(1, SOURCE.access);
    }
    if let Some(target) = target {
        found(target, TARGET.access);
    }
    reach
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MayStore {
    Yes,
    No,
}

fn sort(cx: &mut Context<'_>, args: &mut Args<'_>, may_store: MayStore) -> CommandResult {
    let source = args.key()?;
    let options = Options::parse(args, may_store)?;
    let elements = options.gather(cx, &source)?;
    let chosen = options.arrange(cx, &elements)?;
    let rows = match options.gets.as_slice() {
        [] => Rows {
            order: chosen,
            texts: elements.texts,
        },
        gets => Rows::fetch(cx, &elements.texts, &chosen, gets),
    };
    match options.target {
        None => Ok(rows.reply(cx)),
        Some(target) => {
            let key = cx.db.key(target);
            cx.store(&key, event::SORTSTORE, rows.list(cx));
            Ok(cx.reply.count(rows.order.len()))
        }
    }
}

#[derive(Default)]
struct Options<'a> {
    /// What is compared in place of the elements.
    by: Option<Pattern<'a>>,
    /// Elements stay in the order that the collection has them in.
    unsorted: bool,
    alpha: bool,
    direction: Direction,
    limit: Option<(i64, i64)>,
    gets: Vec<Pattern<'a>>,
    target: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(args: &mut Args<'a>, may_store: MayStore) -> Result<Options<'a>, Error> {
        let mut options = Options::default();
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"ASC" => options.direction = Direction::Ascending,
                b"DESC" => options.direction = Direction::Descending,
                b"ALPHA" => options.alpha = true,
                b"LIMIT" if args.len() >= 2 => {
                    options.limit = Some((args.integer()?, args.integer()?));
                }
                b"STORE" if may_store == MayStore::Yes => options.target = Some(args.bytes()?),
                b"BY" => {
                    let text = args.bytes()?;
                    options.by = Some(Pattern::of(text));
                    // Once is enough, whatever another BY says.
                    options.unsorted |= !Pattern::names_keys(text);
                }
                b"GET" => options.gets.push(Pattern::of(args.bytes()?)),
                _ => return Err(Error::Syntax),
            }
        }
        Ok(options)
    }

    /// Which of so many elements in order are wanted.
    fn window(&self, len: usize) -> Range<usize> {
        let (offset, count) = self.limit.unwrap_or((0, -1));
        let start = usize::try_from(offset.max(0)).map_or(len, |offset| offset.min(len));
        match usize::try_from(count) {
            Ok(count) => start..start.saturating_add(count).min(len),
            Err(_) => start..len,
        }
    }

    /// Copies the elements that are wanted, or all that have to be sorted to know.
    fn gather(&self, cx: &mut Context<'_>, source: &Key<'_>) -> Result<Elements, Error> {
        let mut texts = Texts::default();
        let Some(entry) = cx.read(source) else {
            let order = Order::Kept;
            return Ok(Elements { texts, order });
        };
        let order = match entry.kind() {
            // What is stored must not depend on an order that another node does not have.
            Kind::Set if self.unsorted && self.target.is_some() => Order::Alphabetical,
            Kind::List | Kind::Set | Kind::SortedSet if self.unsorted => Order::Kept,
            Kind::Set => Order::Total,
            Kind::List | Kind::SortedSet => Order::Sorted,
            Kind::String | Kind::Hash => return Err(Error::WrongKind),
        };
        let (first, count) = match order {
            Order::Kept => {
                let window = self.window(entry.elements());
                (window.start, window.len())
            }
            _ => (0, entry.elements()),
        };
        let backwards = order == Order::Kept && self.direction == Direction::Descending;
        let add = |text: Text<'_>| texts.push(text);
        if let Some(list) = entry.value::<List>() {
            let (index, towards) = match backwards {
                true => (list.len().wrapping_sub(1 + first), End::Head),
                false => (first, End::Tail),
            };
            list.walk(index, towards).take(count).for_each(add);
        } else if let Some(set) = entry.value::<Set>() {
            set.iter().skip(first).take(count).for_each(add);
        } else if let Some(set) = entry.value::<SortedSet>() {
            let end = set.len() - first;
            let text = |(text, _)| text;
            match backwards {
                true => set.iter(end - count..end).rev().map(text).for_each(add),
                false => set.iter(first..first + count).map(text).for_each(add),
            }
        }
        Ok(Elements { texts, order })
    }

    /// The places of the wanted elements, in order.
    fn arrange(&self, cx: &mut Context<'_>, elements: &Elements) -> Result<Vec<usize>, Error> {
        let texts = &elements.texts;
        let by = self.by.as_ref();
        let by = by.filter(|_| elements.order != Order::Alphabetical);
        let weights = match elements.order {
            Order::Kept => return Ok((0..texts.len()).collect()),
            _ => by.map(|by| by.weights(cx, texts)),
        };
        let window = self.window(texts.len());
        let alpha = self.alpha || elements.order == Order::Alphabetical;
        let weights = weights.as_ref().unwrap_or(texts);
        let ties = (elements.order == Order::Total).then_some(texts);
        match alpha {
            true => Ok(order::by_text(weights, ties, self.direction, window)),
            false => order::by_number(weights, texts, self.direction, window),
        }
    }
}

/// What is sorted.
struct Elements {
    texts: Texts,
    order: Order,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As the collection had it; what is not wanted was left out.
    Kept,
    Sorted,
    /// As sorted, and what is equal in the order of the elements' bytes: a set has none of its own.
    Total,
    Alphabetical,
}

/// The result.
struct Rows {
    texts: Texts,
    order: Vec<usize>,
}

impl Rows {
    /// What the patterns find for the chosen elements.
    fn fetch(cx: &mut Context<'_>, texts: &Texts, chosen: &[usize], gets: &[Pattern<'_>]) -> Rows {
        let mut fetched = Texts::default();
        for &at in chosen {
            let element = texts.get(at).expect("no element is absent");
            gets.iter()
                .for_each(|get| get.look(cx, element, &mut fetched));
        }
        Rows {
            order: (0..fetched.len()).collect(),
            texts: fetched,
        }
    }

    fn reply(&self, cx: &mut Context<'_>) -> engine::reply::Done {
        let mut array = cx.reply.array(self.order.len());
        for &at in &self.order {
            match self.texts.get(at) {
                Some(text) => array.bulk(text),
                None => array.null(),
            }
        }
        array.done()
    }

    fn list(&self, cx: &Context<'_>) -> List {
        let (mut list, limits) = (List::new(), list::limits(cx));
        for &at in &self.order {
            let text = self.texts.get(at).unwrap_or_default();
            list.push(End::Tail, Text::Bytes(text), &limits);
        }
        list
    }
}

#[cfg(test)]
mod tests;
