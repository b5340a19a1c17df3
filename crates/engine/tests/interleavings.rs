//! The hand-off from the keyspace's locks to the log, under many schedules of its threads.
//!
//! Clerks move money between accounts in several shards, each under the locks of a random set of
//! them, and append what they did to the log before they give the locks back. Meanwhile an auditor
//! counts the money under the locks of all accounts, and a follower begins to read the log at some
//! moment, under all locks there are. However the threads take turns:
//!
//! * nobody waits for ever: the checker ends the run if all threads do;
//! * the money is as much as ever at every look at all accounts;
//! * the log's changes of one account come in the order in which they were made, none left out;
//! * what the follower copied, with the log replayed on it, is what the keyspace holds.
//!
//! A schedule is a number, and the same number is the same schedule. A failure prints the command
//! that repeats it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use engine::log::{Effects, Log, Reader};
use keyspace::{DbIndex, Expire, Keyspace, Locked, ShardSet, Text, Ttl};
use resp::value::Value;
use shuttle::scheduler::RandomScheduler;
use shuttle::sync::Arc;
use shuttle::thread;
use stdx::prng::Prng;
use stdx::time::UnixMillis;

const SCHEDULES: u64 = 1000;

/// Two of them share a shard, by their hash tag.
const ACCOUNTS: [&str; 6] = ["ann", "ben", "cid", "{dot}1", "{dot}2", "eve"];

const CLERKS: u64 = 3;
const TRANSFERS: usize = 4;
const AUDITS: usize = 2;
const DEPOSIT: i64 = 100;

const NOW: UnixMillis = UnixMillis(1_000_000);

#[test]
fn the_log_follows_the_locks() {
    match std::env::var("OCHRE_SCHEDULE") {
        Ok(number) => run(number.parse().unwrap()),
        Err(_) => (0..SCHEDULES).for_each(run),
    }
}

/// Says how to repeat a schedule that fails.
struct Repeat(u64);

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "repeat it with\n  OCHRE_SCHEDULE={} cargo test -p engine --features shuttle \
                 --test interleavings",
                self.0
            );
        }
    }
}

fn run(schedule: u64) {
    let _repeat = Repeat(schedule);
    let mut config = shuttle::Config::new();
    config.failure_persistence = shuttle::FailurePersistence::None;
    let scheduler = RandomScheduler::new_from_seed(schedule, 1);
    shuttle::Runner::new(scheduler, config).run(move || a_day_at_the_bank(schedule));
}

fn a_day_at_the_bank(seed: u64) {
    let bank = Arc::new(Bank::open());
    let clerk = |number: u64| {
        let (bank, mut prng) = (Arc::clone(&bank), Prng::new(seed * CLERKS + number));
        thread::spawn(move || (0..TRANSFERS).for_each(|_| bank.transfer(&mut prng)))
    };
    let clerks: Vec<_> = (0..CLERKS).map(clerk).collect();
    let auditor = {
        let bank = Arc::clone(&bank);
        thread::spawn(move || (0..AUDITS).for_each(|_| bank.audit()))
    };
    let follower = {
        let bank = Arc::clone(&bank);
        thread::spawn(move || Follower::begin(bank))
    };
    let mut follower = follower.join().unwrap();
    follower.follow();
    clerks.into_iter().for_each(|clerk| clerk.join().unwrap());
    auditor.join().unwrap();
    follower.follow();
    assert_eq!(
        follower.accounts,
        bank.look(),
        "the log tells what happened"
    );
    bank.audit();
}

/// What an account holds, and how often that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    money: i64,
    version: u64,
}

impl Account {
    fn parse(text: &[u8]) -> Account {
        let text = std::str::from_utf8(text).unwrap();
        let (money, version) = text.split_once('@').unwrap();
        Account {
            money: money.parse().unwrap(),
            version: version.parse().unwrap(),
        }
    }

    fn text(self) -> String {
        format!("{}@{}", self.money, self.version)
    }
}

type Accounts = BTreeMap<String, Account>;

struct Bank {
    keyspace: Keyspace,
    log: Log,
}

impl Bank {
    fn open() -> Bank {
        let bank = Bank {
            keyspace: Keyspace::new(1, 1),
            log: Log::default(),
        };
        let mut all = bank.keyspace.lock(bank.shards(&ACCOUNTS));
        let opened = Account {
            money: DEPOSIT,
            version: 0,
        };
        ACCOUNTS
            .iter()
            .for_each(|name| bank.write(&mut all, name, opened));
        drop(all);
        bank
    }

    fn shards(&self, names: &[&str]) -> ShardSet {
        let mut shards = ShardSet::NONE;
        names
            .iter()
            .for_each(|name| shards.insert(self.keyspace.key(name.as_bytes()).slot.shard()));
        shards
    }

    fn read(&self, locked: &mut Locked<'_>, name: &str) -> Account {
        let mut db = locked.db(DbIndex(0), NOW, Expire::Delete);
        let key = self.keyspace.key(name.as_bytes());
        let parse = |text: Text<'_>| match text {
            Text::Bytes(text) => Account::parse(text),
            Text::Int(number) => panic!("an account is no number: {number}"),
        };
        let account = db.string(&key, parse).unwrap();
        account.expect("accounts are never closed")
    }

    fn write(&self, locked: &mut Locked<'_>, name: &str, account: Account) {
        let mut db = locked.db(DbIndex(0), NOW, Expire::Delete);
        let key = self.keyspace.key(name.as_bytes());
        db.set_string(&key, account.text().as_bytes(), Ttl::Clear);
    }

    /// Moves money along a few accounts, a little from each to the next.
    fn transfer(&self, prng: &mut Prng) {
        let first = prng.below(ACCOUNTS.len() as u64) as usize;
        let count = 2 + prng.below(ACCOUNTS.len() as u64 - 2) as usize;
        let step = if prng.below(2) == 0 { 1 } else { 5 };
        let names = (0..count).map(|index| ACCOUNTS[(first + index * step) % ACCOUNTS.len()]);
        let names: Vec<&str> = names.collect();
        let mut locked = self.keyspace.lock(self.shards(&names));
        let mut effects = Effects::default();
        for pair in names.windows(2) {
            let amount = prng.below(10) as i64;
            for (name, amount) in [(pair[0], -amount), (pair[1], amount)] {
                let mut account = self.read(&mut locked, name);
                account.money += amount;
                account.version += 1;
                self.write(&mut locked, name, account);
                if self.log.is_read() {
                    effects.push(DbIndex(0), &["SET", name, &account.text()]);
                }
            }
        }
        if !effects.is_empty() {
            self.log.append(&mut effects);
        }
    }

    fn look_under(&self, all: &mut Locked<'_>) -> Accounts {
        let read = |name: &&str| (name.to_string(), self.read(all, name));
        ACCOUNTS.iter().map(read).collect()
    }

    fn look(&self) -> Accounts {
        self.look_under(&mut self.keyspace.lock(self.shards(&ACCOUNTS)))
    }

    fn audit(&self) {
        let money: i64 = self.look().values().map(|account| account.money).sum();
        assert_eq!(money, DEPOSIT * ACCOUNTS.len() as i64, "money is kept");
    }
}

/// Somebody who copied the accounts once and knows the rest from the log.
struct Follower {
    bank: Arc<Bank>,
    reader: Reader,
    accounts: Accounts,
}

impl Follower {
    fn begin(bank: Arc<Bank>) -> Follower {
        let mut all = bank.keyspace.lock(ShardSet::ALL);
        let accounts = bank.look_under(&mut all);
        let reader = bank.log.subscribe(&all);
        drop(all);
        Follower {
            bank,
            reader,
            accounts,
        }
    }

    /// Replays what the log has.
    fn follow(&mut self) {
        let mut bytes = Vec::new();
        self.bank.log.read(&self.reader, &mut bytes);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (request, len) = resp::value::read(rest).unwrap().expect("effects are whole");
            rest = &rest[len..];
            self.apply(&words(request));
        }
    }

    fn apply(&mut self, words: &[Vec<u8>]) {
        let [name, key, value] = words else {
            assert_eq!(words, [&b"SELECT"[..], b"0"]);
            return;
        };
        assert_eq!(name, b"SET");
        let key = String::from_utf8(key.clone()).unwrap();
        let (account, before) = (Account::parse(value), self.accounts[&key]);
        assert_eq!(
            account.version,
            before.version + 1,
            "{key} changes in order"
        );
        self.accounts.insert(key, account);
    }
}

fn words(request: Value) -> Vec<Vec<u8>> {
    let Value::Array(items) = request else {
        panic!("a request is an array: {request:?}");
    };
    let word = |item| match item {
        Value::Bulk(bytes) => bytes,
        other => panic!("a word is a bulk string: {other:?}"),
    };
    items.into_iter().map(word).collect()
}
