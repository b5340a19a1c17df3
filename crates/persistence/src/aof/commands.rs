//! A key as the commands that make it: what a rewrite writes with `aof-use-rdb-preamble no`.
//!
//! A large collection is made in several commands, so that no command is much larger than the
//! items in it.

use datatypes::{Shown, Text};
use resp::Protocol;
use resp::reply::{Encoder, write_request};
use stdx::{float, number};

use crate::rdb;
use crate::value::ValueRef;

#[cfg(test)]
mod tests;

/// The most elements, members or fields of one command.
const ITEMS_MAX: usize = 64;

/// Appends the command that makes a db the one that what follows belongs to.
pub fn write_select(db: usize, out: &mut Vec<u8>) {
    write_request(out, &[b"SELECT".as_slice(), &number::text_u64(db as u64)]);
}

/// Appends the commands that make `key` hold `value`, until `expiry` in milliseconds of Unix
/// time.
pub fn write_key(key: &[u8], value: &ValueRef<'_>, expiry: Option<i64>, out: &mut Vec<u8>) {
    let mut commands = Commands::of(key, out);
    match *value {
        ValueRef::String(text) => {
            commands.begin("SET", 1);
            commands.text(text);
        }
        ValueRef::List(list) => commands.in_batches("RPUSH", 1, list.iter(), Commands::text),
        ValueRef::Set(set) => commands.in_batches("SADD", 1, set.iter(), Commands::text),
        ValueRef::SortedSet(set) => {
            let members = set.iter(0..datatypes::Collection::len(set));
            commands.in_batches("ZADD", 2, members, |commands, (member, score)| {
                commands.encoder.bulk(&float::text(score));
                commands.text(member);
            });
        }
        ValueRef::Hash(hash) => {
            commands.in_batches("HMSET", 2, hash.iter(), |commands, (field, value)| {
                commands.text(field);
                commands.text(value);
            });
        }
    }
    commands.expire(expiry);
}

/// Appends the one command that makes `key` hold `value`, whatever it held: for a value that is
/// small enough to be written as a whole.
pub fn write_restore(
    key: &[u8],
    value: ValueRef<'_>,
    expiry: Option<i64>,
    compress: bool,
    out: &mut Vec<u8>,
) {
    let mut commands = Commands::of(key, out);
    match (value, expiry) {
        (ValueRef::String(text), None) => {
            commands.begin("SET", 1);
            commands.text(text);
        }
        (ValueRef::String(text), Some(expiry)) => {
            commands.begin("SET", 3);
            commands.text(text);
            commands.encoder.bulk(b"PXAT");
            commands.encoder.bulk(&number::text(expiry));
        }
        (value, expiry) => {
            commands.begin("RESTORE", 4);
            commands.encoder.bulk(&number::text(expiry.unwrap_or(0)));
            commands.encoder.bulk(&rdb::dump(value, compress));
            commands.encoder.bulk(b"REPLACE");
            commands.encoder.bulk(b"ABSTTL");
        }
    }
}

/// Appends the command that hides the keys of ranges of slots from all but their owner.
pub fn write_hidden(slots: &[u16], out: &mut Vec<u8>) {
    let mut words = vec![
        "CLUSTER".to_owned(),
        "SYNCSLOTS".to_owned(),
        "HIDE".to_owned(),
    ];
    for slot in slots {
        words.extend([slot.to_string(), slot.to_string()]);
    }
    write_request(out, &words);
}

/// A large collection on its way: the same commands, written element by element.
#[derive(Clone, Debug)]
pub struct LargeKey {
    key: Box<[u8]>,
    expiry: Option<i64>,
    command: &'static str,
    words_each: usize,
    elements_left: usize,
    /// Elements that the command under way still wants.
    wanted: usize,
}

impl LargeKey {
    /// `value` says of which type the collection is, `len` how many elements follow.
    pub fn new(key: &[u8], value: &ValueRef<'_>, expiry: Option<i64>, len: usize) -> LargeKey {
        let (command, words_each) = match value {
            ValueRef::String(_) => unreachable!("a string has no elements"),
            ValueRef::List(_) => ("RPUSH", 1),
            ValueRef::Set(_) => ("SADD", 1),
            ValueRef::SortedSet(_) => ("ZADD", 2),
            ValueRef::Hash(_) => ("HMSET", 2),
        };
        LargeKey {
            key: key.into(),
            expiry,
            command,
            words_each,
            elements_left: len,
            wanted: 0,
        }
    }

    /// Appends the next element.
    pub fn element(&mut self, element: Shown<'_>, out: &mut Vec<u8>) {
        let mut commands = Commands::of(&self.key, out);
        if self.wanted == 0 {
            self.wanted = self.elements_left.min(ITEMS_MAX);
            commands.begin(self.command, self.wanted * self.words_each);
        }
        match element {
            Shown::Element(text) => commands.text(text),
            Shown::Pair(field, value) => {
                commands.text(field);
                commands.text(value);
            }
            Shown::Scored(member, score) => {
                commands.encoder.bulk(&float::text(score));
                commands.text(member);
            }
        }
        (self.wanted, self.elements_left) = (self.wanted - 1, self.elements_left - 1);
    }

    /// Whether every command is whole that was begun.
    pub fn is_whole(&self) -> bool {
        self.wanted == 0
    }

    /// Appends what comes behind the last element.
    pub fn end(self, out: &mut Vec<u8>) {
        Commands::of(&self.key, out).expire(self.expiry);
    }
}

/// Writes commands of one key.
struct Commands<'a> {
    encoder: Encoder<'a>,
    key: &'a [u8],
}

impl<'a> Commands<'a> {
    fn of(key: &'a [u8], out: &'a mut Vec<u8>) -> Commands<'a> {
        let protocol = Protocol::Resp2;
        Commands {
            encoder: Encoder { out, protocol },
            key,
        }
    }

    /// Begins a command with so many words behind the key.
    fn begin(&mut self, name: &str, words: usize) {
        self.encoder.array(2 + words);
        self.encoder.bulk(name.as_bytes());
        self.encoder.bulk(self.key);
    }

    fn text(&mut self, text: Text<'_>) {
        text.with_bytes(|bytes| self.encoder.bulk(bytes));
    }

    fn expire(&mut self, expiry: Option<i64>) {
        if let Some(expiry) = expiry {
            self.begin("PEXPIREAT", 1);
            self.encoder.bulk(&number::text(expiry));
        }
    }

    /// Writes commands with up to [`ITEMS_MAX`] items each, of so many words.
    fn in_batches<T>(
        &mut self,
        name: &str,
        words: usize,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        let mut items = items.peekable();
        let mut batch = Vec::with_capacity(ITEMS_MAX);
        while items.peek().is_some() {
            batch.extend(items.by_ref().take(ITEMS_MAX));
            self.begin(name, batch.len() * words);
            batch.drain(..).for_each(|item| write(self, item));
        }
    }
}
