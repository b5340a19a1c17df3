//! `MIGRATE`: keys that go to another server, and are deleted here once they are there.
//!
//! The keys stay locked until the other server has confirmed them, so nobody sees one in both
//! places or in none. Commands on other keys go on meanwhile.

use std::io::{self, Read, Write};
use std::time::Duration;

use engine::command::{Begin, Find};
use engine::command::{Flags, KeySpec, Reach};
use engine::context::Event;
use engine::host::DialError;
use engine::wires::Line;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, snapshot};
use keyspace::Key;
use persistence::rdb;
use resp::reply::write_request;
use stdx::number::{parse_i64, text};

use super::dispose;

pub(super) static MIGRATE: Command = Command {
    name: "migrate",
    syntax: "host port <key | \"\"> destination-db timeout [COPY] [REPLACE] [AUTH password | \
             AUTH2 username password] [KEYS key [key ...]]",
    summary: "Moves keys to another server.",
    since: "2.6.0",
    complexity: "O(N) where N is the number of bytes of the values, here and there",
    arity: Arity::AtLeast(6),
    flags: Flags::WRITE.and(Flags::LONG).and(Flags::MOVES_KEYS),
    acl: Acl::KEYSPACE.and(Acl::DANGEROUS),
    keys: &[
        KeySpec::at(3, TAKEN),
        KeySpec {
            access: TAKEN.and(Access::INCOMPLETE),
            begin: Begin::Keyword {
                word: "KEYS",
                from: -2,
            },
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 0,
            },
            notes: "",
        },
    ],
    finder: Some(find_keys),
    handler: migrate,
    tips: &["nondeterministic_output"],
    history: &[
        ("3.0.0", "Added the `COPY` and `REPLACE` options."),
        ("3.0.6", "Added the `KEYS` option."),
        ("4.0.7", "Added the `AUTH` option."),
        ("6.0.0", "Added the `AUTH2` option."),
    ],
    ..Command::BLANK
};

const TAKEN: Access = Access::RW.and(Access::ACCESS).and(Access::DELETE);

/// Where the options begin.
const OPTIONS: usize = 6;

/// The keys are behind `KEYS`, if that is among the options and not the secret of another one.
fn find_keys(words: &[&[u8]], found: &mut dyn FnMut(usize, Access)) -> Reach {
    let mut at = OPTIONS;
    while let Some(word) = words.get(at) {
        if word.eq_ignore_ascii_case(b"KEYS") && words[3].is_empty() {
            (at + 1..words.len()).for_each(|key| found(key, TAKEN));
            return Reach::Declared;
        }
        at += match word.to_ascii_uppercase().as_slice() {
            b"AUTH" => 2,
            b"AUTH2" => 3,
            _ => 1,
        };
    }
    if words.len() > 3 {
        found(3, TAKEN);
    }
    Reach::Declared
}

/// Where keys go, and how.
struct Migration<'a> {
    host: String,
    port: u16,
    db: i64,
    timeout: Duration,
    copies: bool,
    replaces: bool,
    /// The words of `AUTH`.
    credentials: Vec<&'a [u8]>,
    keys: Vec<Key<'a>>,
}

impl<'a> Migration<'a> {
    fn parse(cx: &mut Context<'_>, args: &mut Args<'a>) -> Result<Migration<'a>, Error> {
        let words = args.words();
        let mut migration = Migration {
            host: String::from_utf8_lossy(words[1]).into_owned(),
            // What is no port is one that nobody listens at.
            port: parse_i64(words[2]).map_or(0, |port| port as u16),
            db: 0,
            timeout: Duration::ZERO,
            copies: false,
            replaces: false,
            credentials: Vec::new(),
            keys: Vec::new(),
        };
        args.skip(2);
        match args.key_of_option() {
            Ok(key) => migration.keys.push(key),
            // The keys are behind an option.
            Err(_) => args.skip(1),
        }
        args.skip(2);
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"COPY" => migration.copies = true,
                b"REPLACE" => migration.replaces = true,
                b"AUTH" => migration.read_credentials(cx, args, 1)?,
                b"AUTH2" => migration.read_credentials(cx, args, 2)?,
                b"KEYS" => {
                    if !words[3].is_empty() {
                        return Err(Error::text(KEY_AND_KEYS));
                    }
                    while !args.is_empty() {
                        migration.keys.push(args.key_of_option()?);
                    }
                }
                _ => return Err(Error::Syntax),
            }
        }
        let number = |word: &[u8]| parse_i64(word).ok_or(Error::NotInteger);
        let timeout_ms = number(words[5])?;
        migration.db = number(words[4])?;
        migration.timeout = match timeout_ms {
            ..=0 => Duration::from_millis(1000),
            timeout_ms => Duration::from_millis(timeout_ms as u64),
        };
        Ok(migration)
    }

    fn read_credentials(
        &mut self,
        cx: &mut Context<'_>,
        args: &mut Args<'a>,
        count: usize,
    ) -> Result<(), Error> {
        let at = args.words().len() - args.len();
        let words = args.rest().get(..count).ok_or(Error::Syntax)?;
        (at..at + count).for_each(|word| cx.redact(word));
        self.credentials = words.to_vec();
        args.skip(count);
        Ok(())
    }
}

const KEY_AND_KEYS: &str =
    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";

fn migrate(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let migration = Migration::parse(cx, args)?;
    let parcels = pack(cx, &migration);
    if parcels.is_empty() {
        return Ok(cx.reply.simple("NOKEY"));
    }
    let mut outcome = send(cx, &migration, &parcels);
    if outcome.may_be_repeated() {
        outcome = send(cx, &migration, &parcels);
    }
    if !migration.copies {
        let sent: Vec<&Key<'_>> = outcome
            .accepted
            .iter()
            .map(|&at| &parcels[at].key)
            .collect();
        forget(cx, &sent);
    }
    match outcome.error {
        None => Ok(cx.reply.ok()),
        Some(error) if cx.changes() == 0 => Err(error),
        // Some keys are gone, and the client learns that others are not.
        Some(error) => {
            let message = error.message("migrate");
            cx.engine.stats.count_error(&message);
            cx.reply.error(&message);
            Ok(cx.reply.nothing())
        }
    }
}

/// A key on its way.
struct Parcel<'a> {
    key: Key<'a>,
    ttl_ms: i64,
    payload: Vec<u8>,
}

/// The keys that are there, and live on.
fn pack<'a>(cx: &mut Context<'_>, migration: &Migration<'a>) -> Vec<Parcel<'a>> {
    let compress = cx.config.persistence.rdb_compression;
    let now = cx.now;
    let mut parcels = Vec::new();
    for key in &migration.keys {
        let Some(entry) = cx.read(key) else {
            continue;
        };
        let ttl_ms = match entry.expiry() {
            Some(at) => (at.0 - now.0).max(1),
            None => 0,
        };
        let payload = snapshot::with_value(&entry, |value| rdb::dump(value, compress));
        let key = *key;
        parcels.push(Parcel {
            key,
            ttl_ms,
            payload,
        });
    }
    parcels
}

/// What the other server said.
struct Outcome {
    /// The places of the keys that it has now.
    accepted: Vec<usize>,
    error: Option<Error>,
    /// A connection that had been kept broke before anything was answered.
    is_stale: bool,
}

impl Outcome {
    fn failed(error: Error) -> Outcome {
        Outcome {
            accepted: Vec::new(),
            error: Some(error),
            is_stale: false,
        }
    }

    fn may_be_repeated(&self) -> bool {
        self.is_stale && self.accepted.is_empty()
    }
}

/// Sends the keys, and reads what becomes of each.
fn send(cx: &Context<'_>, migration: &Migration<'_>, parcels: &[Parcel<'_>]) -> Outcome {
    let (host, port) = (migration.host.as_str(), migration.port);
    let mut line = match cx.engine.line(host, port, migration.timeout) {
        Ok(line) => line,
        Err(DialError::NoAddress) => {
            let text = "IOERR error or timeout connecting to the client";
            return Outcome::failed(Error::text(text));
        }
        Err(DialError::NoAnswer) => return Outcome::failed(io_error("writing")),
    };
    let selects = line.db != Some(migration.db);
    let request = request(cx, migration, parcels, selects);
    if let Err(error) = line.wire.write_all(&request) {
        return Outcome {
            is_stale: line.is_used && !is_timeout(&error),
            ..Outcome::failed(io_error("writing"))
        };
    }
    let mut answers = Answers {
        line: &mut line,
        unread: Vec::new(),
    };
    let greetings = usize::from(!migration.credentials.is_empty()) + usize::from(selects);
    let outcome = answers.read(greetings, parcels.len());
    match &outcome.error {
        None => {
            line.db = Some(migration.db);
            line.is_used = true;
            cx.engine.keep_line(host, port, line);
            outcome
        }
        Some(_) => Outcome {
            is_stale: outcome.is_stale && line.is_used,
            ..outcome
        },
    }
}

fn request(
    cx: &Context<'_>,
    migration: &Migration<'_>,
    parcels: &[Parcel<'_>],
    selects: bool,
) -> Vec<u8> {
    let mut request = Vec::new();
    if !migration.credentials.is_empty() {
        let words = [&[&b"AUTH"[..]], &migration.credentials[..]].concat();
        write_request(&mut request, &words);
    }
    if selects {
        write_request(&mut request, &[&b"SELECT"[..], &text(migration.db)]);
    }
    let restore: &[u8] = match cx.engine.cluster.is_on() {
        true => b"RESTORE-ASKING",
        false => b"RESTORE",
    };
    for parcel in parcels {
        let ttl = text(parcel.ttl_ms);
        let mut words = vec![restore, parcel.key.bytes, &ttl, &parcel.payload];
        if migration.replaces {
            words.push(b"REPLACE");
        }
        write_request(&mut request, &words);
    }
    request
}

/// The lines that the other server answers with.
struct Answers<'l> {
    line: &'l mut Line,
    unread: Vec<u8>,
}

/// An answer is a word, or a sentence about what went wrong.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

impl Answers<'_> {
    /// Reads one answer for each of the greetings, then one for each key. The first error is what
    /// the client is told; a key counts as taken only if everything before it was accepted, too.
    fn read(&mut self, greetings: usize, keys: usize) -> Outcome {
        let mut outcome = Outcome {
            accepted: Vec::new(),
            error: None,
            is_stale: false,
        };
        let mut is_welcome = true;
        for at in 0..greetings + keys {
            let answer = match self.next() {
                Ok(answer) => answer,
                Err(error) => {
                    outcome.is_stale = at == 0 && !is_timeout(&error);
                    outcome.error = Some(io_error("reading"));
                    return outcome;
                }
            };
            match (answer.strip_prefix(b"-"), at.checked_sub(greetings)) {
                (Some(refusal), place) => {
                    is_welcome &= place.is_some();
                    let text = [b"ERR Target instance replied with error: ", refusal].concat();
                    outcome.error.get_or_insert(Error::Bytes(text));
                }
                (None, Some(place)) if is_welcome => outcome.accepted.push(place),
                (None, _) => {}
            }
        }
        outcome
    }

    fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.unread, b"\r\n") {
                let answer = self.unread[..end].to_vec();
                self.unread.drain(..end + 2);
                return Ok(answer);
            }
            if self.unread.len() > ANSWER_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut bytes = [0; 4096];
            match self.line.wire.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                len => self.unread.extend_from_slice(&bytes[..len]),
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

fn io_error(what: &str) -> Error {
    Error::text(format!("IOERR error or timeout {what} to target instance"))
}

/// Deletes what the other server has now.
fn forget(cx: &mut Context<'_>, keys: &[&Key<'_>]) {
    let mut words: Vec<&[u8]> = vec![b"DEL"];
    for key in keys {
        if let Some(entry) = cx.db.remove(key) {
            dispose(cx, entry, cx.config.memory.lazy_server_del);
            cx.changed(1);
            cx.signal(key, Event::DEL);
            words.push(key.bytes);
        }
    }
    if words.len() > 1 {
        cx.effect(&words);
    }
}

#[cfg(test)]
mod tests;
