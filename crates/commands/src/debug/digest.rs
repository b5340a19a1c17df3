//! `DEBUG DIGEST`: data summed up, so that two servers can be compared.
//!
//! The sum is Redis's own, digit by digit, so the two servers need not be of one make. A digest is
//! twenty bytes that grow in two ways: *mixing* something in depends on the order, *adding* it does
//! not. Keys of a db are added, for a db has no order; what makes up a value in order is mixed.

use datatypes::{Collection, Hash, List, Set, SortedSet};
use engine::{Args, CommandResult, Context};
use keyspace::{DbIndex, Entry, Kind, Text};
use sha1::{Digest as _, Sha1};
use stdx::{float, number};

/// What an expiry adds to a value. When it is due does not count.
const EXPIRES: &[u8] = b"!!expire!!";

#[derive(Clone, Copy, Default)]
struct Digest([u8; 20]);

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        let sum = Sha1::digest(bytes);
        self.0
            .iter_mut()
            .zip(sum)
            .for_each(|(own, more)| *own ^= more);
    }

    fn mix(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn mix_value(&mut self, entry: &Entry) {
        match entry.kind() {
            Kind::String => {
                self.mix(&0_u32.to_be_bytes());
                match entry.text() {
                    Text::Bytes(bytes) => self.mix(bytes),
                    Text::Int(number) => self.mix(&number::text(number)),
                }
            }
            kind => {
                self.mix(&(kind as u32).to_be_bytes());
                self.mix_elements(entry);
            }
        }
        if entry.expiry().is_some() {
            self.add(EXPIRES);
        }
    }

    /// Elements of a list are mixed in their order, those of other collections in any.
    fn mix_elements(&mut self, entry: &Entry) {
        let list = entry.value::<List>();
        for element in list.iter().flat_map(|list| list.iter()) {
            element.with_bytes(|bytes| self.mix(bytes));
        }
        let set = entry.value::<Set>();
        for member in set.iter().flat_map(|set| set.iter()) {
            member.with_bytes(|bytes| self.add(bytes));
        }
        let sorted = entry.value::<SortedSet>();
        for (member, score) in sorted
            .iter()
            .flat_map(|sorted| sorted.iter(0..sorted.len()))
        {
            self.add_pair(member, Text::Bytes(&float::text(score)));
        }
        let hash = entry.value::<Hash>();
        for (field, value) in hash.iter().flat_map(|hash| hash.iter()) {
            self.add_pair(field, value);
        }
    }

    fn add_pair(&mut self, first: Text<'_>, second: Text<'_>) {
        let mut pair = Digest::default();
        first.with_bytes(|bytes| pair.mix(bytes));
        second.with_bytes(|bytes| pair.mix(bytes));
        self.add(&pair.0);
    }

    fn digits(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The digest of all dbs; zeros when there is no key.
pub(super) fn of_all(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let mut digest = Digest::default();
    let here = cx.db.index();
    for index in 0..cx.engine.keyspace.dbs() {
        cx.db.select(DbIndex(index));
        if cx.db.count().0 == 0 {
            continue;
        }
        digest.mix(&u32::from(index).to_be_bytes());
        cx.db.walk(|entry| {
            let mut of_key = Digest::default();
            of_key.mix(entry.key());
            of_key.mix_value(entry);
            digest.add(&of_key.0);
        });
    }
    cx.db.select(here);
    Ok(cx.reply.simple(&digest.digits()))
}

/// The digest of the value of each key; zeros for a key that is not there.
pub(super) fn of_values(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let names = args.rest();
    let mut array = cx.reply.array(names.len());
    for name in names {
        let mut digest = Digest::default();
        let key = cx.db.key(name);
        if let Some(entry) = cx.db.peek(&key) {
            digest.mix_value(&entry);
        }
        array.simple(&digest.digits());
    }
    Ok(array.done())
}
