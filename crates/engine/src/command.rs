//! What a command is: the one definition that dispatch, locks, routing, ACL, `COMMAND DOCS`, hints
//! and generated tests all read.
//!
//! A command is a `static` beside its handler, listed by its family. [`Table`] puts the families
//! together and gives every command and subcommand a number, by which run-time facts (calls, time,
//! rejections) are kept elsewhere.

use std::fmt;
use std::ops::BitOr;

use crate::args::Args;
use crate::context::Context;
use crate::error::Error;
use crate::reply::Done;

mod docs;
mod keys;
mod table;

pub use docs::{Argument, ArgumentKind, SyntaxError, parse_syntax};
pub use keys::{Access, Begin, Find, KeySpec};
pub use table::{CommandId, Entry, RenameError, Table};

/// Runs a command. Errors come before effects: a handler fails before its first change.
pub type Handler = fn(&mut Context<'_>, &mut Args<'_>) -> CommandResult;

/// Tells by a request's words what it does to a key.
pub type AccessOf = fn(&[&[u8]]) -> Access;

/// Finds by a request's words which of them are keys, and what is done to each, ascending. Returns
/// how far the command reaches.
pub type Finder = fn(&[&[u8]], &mut dyn FnMut(usize, Access)) -> Reach;

/// Which keys a command may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those among its words.
    Declared,
    /// Any: their names are made of what other keys hold.
    Everything,
}

pub type CommandResult = Result<Done, Error>;

/// Commands that belong together, in one file.
pub struct Family {
    /// The group, as `COMMAND DOCS` names it.
    pub name: &'static str,
    pub commands: &'static [&'static Command],
}

pub struct Command {
    /// In lower case. A subcommand has the name behind its parent's.
    pub name: &'static str,
    /// The arguments behind the name, in the notation of the manual: `key [NX | XX] [value ...]`.
    pub syntax: &'static str,
    pub summary: &'static str,
    pub since: &'static str,
    pub complexity: &'static str,
    pub arity: Arity,
    pub flags: Flags,
    /// ACL categories beyond those that follow from the flags.
    pub acl: Acl,
    pub keys: &'static [KeySpec],
    /// What these words do to the keys whose specification is marked [`Access::VARIABLE`].
    pub access: Option<AccessOf>,
    /// Finds the keys where the specifications cannot tell them.
    pub finder: Option<Finder>,
    pub handler: Handler,
    pub subcommands: &'static [&'static Command],
    /// What clients may know about routing and output, as `COMMAND INFO` lists it.
    pub tips: &'static [&'static str],
    /// Version, and what it changed for users.
    pub history: &'static [(&'static str, &'static str)],
    /// Since when there is a better way, and which.
    pub deprecated: Option<(&'static str, &'static str)>,
}

impl Command {
    /// What a command has unless it says otherwise.
    pub const BLANK: Command = Command {
        name: "",
        syntax: "",
        summary: "",
        since: "1.0.0",
        complexity: "O(1)",
        arity: Arity::AtLeast(1),
        flags: Flags::NONE,
        acl: Acl::NONE,
        keys: &[],
        access: None,
        finder: None,
        handler: container,
        subcommands: &[],
        tips: &[],
        history: &[],
        deprecated: None,
    };
}

impl Command {
    /// Calls `found` with every word that is a key, and what is done to it. Words that only look
    /// like keys are left out.
    pub fn find_keys(
        &self,
        words: &[&[u8]],
        mut found: impl FnMut(usize, Access),
    ) -> Result<(), Error> {
        if let Some(finder) = self.finder {
            finder(words, &mut found);
            return Ok(());
        }
        for spec in self.keys {
            if spec.access.has(Access::NOT_KEY) {
                continue;
            }
            let access = match self.access {
                Some(access) if spec.access.has(Access::VARIABLE) => access(words),
                _ => spec.access,
            };
            spec.find(words, |word| found(word, access))?;
        }
        Ok(())
    }
}

/// The handler of a command that consists of its subcommands. Dispatch resolves the subcommand, so
/// this runs only when none was given.
fn container(_: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    Err(Error::Arity)
}

/// How many words a request has, the name and a subcommand's name included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    AtLeast(usize),
    Exactly(usize),
}

impl Arity {
    #[inline]
    pub fn allows(self, words: usize) -> bool {
        match self {
            Arity::AtLeast(least) => words >= least,
            Arity::Exactly(exact) => words == exact,
        }
    }

    /// As `COMMAND` shows it: negative when it is a minimum.
    pub fn number(self) -> i64 {
        match self {
            Arity::AtLeast(least) => -(least as i64),
            Arity::Exactly(exact) => exact as i64,
        }
    }
}

/// What is true of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u64);

impl Flags {
    pub const NONE: Flags = Flags(0);
    pub const WRITE: Flags = Flags(1);
    pub const READONLY: Flags = Flags(1 << 1);
    /// May make memory grow: refused when memory is full.
    pub const DENY_OOM: Flags = Flags(1 << 2);
    pub const ADMIN: Flags = Flags(1 << 3);
    pub const PUBSUB: Flags = Flags(1 << 4);
    pub const NO_SCRIPT: Flags = Flags(1 << 5);
    pub const BLOCKING: Flags = Flags(1 << 6);
    pub const LOADING: Flags = Flags(1 << 7);
    pub const STALE: Flags = Flags(1 << 8);
    pub const NO_MONITOR: Flags = Flags(1 << 9);
    pub const NO_SLOWLOG: Flags = Flags(1 << 10);
    pub const ASKING: Flags = Flags(1 << 11);
    pub const FAST: Flags = Flags(1 << 12);
    pub const NO_AUTH: Flags = Flags(1 << 13);
    pub const MAY_REPLICATE: Flags = Flags(1 << 14);
    pub const NO_ASYNC_LOADING: Flags = Flags(1 << 15);
    pub const NO_MULTI: Flags = Flags(1 << 16);
    pub const ALLOW_BUSY: Flags = Flags(1 << 17);
    /// Needs `enable-debug-command` or `enable-module-command`.
    pub const PROTECTED: Flags = Flags(1 << 18);
    /// Where the keys are is found by looking at the arguments.
    pub const MOVABLE_KEYS: Flags = Flags(1 << 19);

    /// Is for other servers, not for clients.
    pub const SYSTEM: Flags = Flags(1 << 20);

    // The rest is between the table and dispatch; clients are not told.

    /// Is answered while data is loaded, though clients are told otherwise: a copy may come and go
    /// between two of their commands.
    pub const WHILE_LOADING: Flags = Flags(1 << 32);
    /// Takes keys to another node, so it may touch a slot that moves.
    pub const MOVES_KEYS: Flags = Flags(1 << 21);

    /// Is refused when writes are, for the sake of those who ask whether all is well.
    pub const TELLS_HEALTH: Flags = Flags(1 << 22);
    /// Runs the open transaction. If it is refused, that is the transaction's end.
    pub const RUNS_QUEUE: Flags = Flags(1 << 23);

    /// Locks every shard.
    pub const ALL_KEYS: Flags = Flags(1 << 24);
    /// Walks over the keys, and takes each shard's lock itself.
    pub const WALKS: Flags = Flags(1 << 25);
    /// Locks what the open transaction will touch and the keys it watches.
    pub const TRANSACTION: Flags = Flags(1 << 26);
    /// Runs at once though a transaction is open.
    pub const NOT_QUEUED: Flags = Flags(1 << 27);
    /// Runs though all clients are paused.
    pub const ALLOW_PAUSED: Flags = Flags(1 << 29);
    /// Runs though the client only listens to what it subscribed to.
    pub const ALLOW_SUBSCRIBED: Flags = Flags(1 << 30);
    /// Replies by pushes, which reach even a client that asked for no replies.
    pub const PUSHES: Flags = Flags(1 << 31);
    /// May take long, so the runtime is told beforehand.
    pub const LONG: Flags = Flags(1 << 28);
    /// Takes longer than a few microseconds only if its words or its reply are long: neighbours are
    /// timed together.
    pub const BRIEF: Flags = Flags(1 << 33);

    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    #[inline]
    pub const fn has(self, any: Flags) -> bool {
        self.0 & any.0 != 0
    }

    /// The names that clients see, in `COMMAND INFO`'s order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        FLAG_NAMES
            .iter()
            .filter(move |(flag, _)| self.has(*flag))
            .map(|(_, name)| *name)
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        self.and(other)
    }
}

const FLAG_NAMES: &[(Flags, &str)] = &[
    (Flags::WRITE, "write"),
    (Flags::READONLY, "readonly"),
    (Flags::DENY_OOM, "denyoom"),
    (Flags::ADMIN, "admin"),
    (Flags::PUBSUB, "pubsub"),
    (Flags::NO_SCRIPT, "noscript"),
    (Flags::BLOCKING, "blocking"),
    (Flags::LOADING, "loading"),
    (Flags::STALE, "stale"),
    (Flags::NO_MONITOR, "skip_monitor"),
    (Flags::NO_SLOWLOG, "skip_slowlog"),
    (Flags::ASKING, "asking"),
    (Flags::FAST, "fast"),
    (Flags::NO_AUTH, "no_auth"),
    (Flags::NO_ASYNC_LOADING, "no_async_loading"),
    (Flags::NO_MULTI, "no_multi"),
    (Flags::MOVABLE_KEYS, "movablekeys"),
    (Flags::ALLOW_BUSY, "allow_busy"),
];

/// ACL categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acl(u32);

macro_rules! categories {
    ($($name:ident = $bit:literal, $text:literal;)*) => {
        impl Acl {
            pub const NONE: Acl = Acl(0);
            $(pub const $name: Acl = Acl(1 << $bit);)*
        }

        /// Every category, in the order `ACL CAT` lists them.
        pub const CATEGORIES: &[(Acl, &str)] = &[$((Acl::$name, $text)),*];
    };
}

categories! {
    KEYSPACE = 0, "keyspace";
    READ = 1, "read";
    WRITE = 2, "write";
    SET = 3, "set";
    SORTEDSET = 4, "sortedset";
    LIST = 5, "list";
    HASH = 6, "hash";
    STRING = 7, "string";
    BITMAP = 8, "bitmap";
    HYPERLOGLOG = 9, "hyperloglog";
    GEO = 10, "geo";
    STREAM = 11, "stream";
    PUBSUB = 12, "pubsub";
    ADMIN = 13, "admin";
    FAST = 14, "fast";
    SLOW = 15, "slow";
    BLOCKING = 16, "blocking";
    DANGEROUS = 17, "dangerous";
    CONNECTION = 18, "connection";
    TRANSACTION = 19, "transaction";
    SCRIPTING = 20, "scripting";
}

impl Acl {
    pub const fn and(self, other: Acl) -> Acl {
        Acl(self.0 | other.0)
    }

    pub const fn has(self, any: Acl) -> bool {
        self.0 & any.0 != 0
    }

    /// The names, without the `@`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        CATEGORIES
            .iter()
            .filter(move |(category, _)| self.has(*category))
            .map(|(_, name)| *name)
    }

    /// All categories of a command: its own, and those that its flags imply.
    pub fn of(command: &Command) -> Acl {
        let flags = command.flags;
        let implied = [
            (Flags::WRITE, Acl::WRITE),
            (Flags::ADMIN, Acl::ADMIN.and(Acl::DANGEROUS)),
            (Flags::PUBSUB, Acl::PUBSUB),
            (Flags::FAST, Acl::FAST),
            (Flags::BLOCKING, Acl::BLOCKING),
        ];
        let mut acl = command.acl;
        for (flag, category) in implied {
            acl = if flags.has(flag) {
                acl.and(category)
            } else {
                acl
            };
        }
        // Scripting commands read nothing by themselves, though they are marked as readers.
        if flags.has(Flags::READONLY) && !acl.has(Acl::SCRIPTING) {
            acl = acl.and(Acl::READ);
        }
        if !acl.has(Acl::FAST) {
            acl.and(Acl::SLOW)
        } else {
            acl
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({})", self.name)
    }
}
