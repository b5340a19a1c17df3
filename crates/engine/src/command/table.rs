//! All commands, found by name or by number.

use super::{Acl, Begin, Command, Family, Find, Flags, Reach};

/// A command's or subcommand's place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u16);

/// A command as the table holds it.
#[derive(Debug)]
pub struct Entry {
    pub command: &'static Command,
    pub id: CommandId,
    /// What requests call it: the command's own name, unless the operator renamed it.
    called: Box<str>,
    /// Requests can call it, and not only as a subcommand.
    is_top: bool,
    /// The family's name.
    pub group: &'static str,
    /// `get`, or `config|get` for a subcommand.
    pub full_name: String,
    /// All ACL categories.
    pub acl: Acl,
    pub flags: Flags,
    pub subcommands: Vec<CommandId>,
    /// Whether the keys are all words from one on, which most commands' are: the first, the last
    /// (from the end when negative) and the step. This is what locks and prefetch read.
    pub simple_keys: Option<(usize, i64, usize)>,
    /// Which word, if all keys are simple, is looked up in what the first of them holds.
    pub member_word: Option<usize>,
}

impl Entry {
    /// Whether all keys that a request touches, and whoever waits for them, stand for certain
    /// among the words that it declares as such.
    #[inline]
    pub(crate) fn touches_its_words_only(&self) -> bool {
        const MAY_TOUCH_MORE: Flags = Flags::ALL_KEYS
            .and(Flags::WALKS)
            .and(Flags::RUNS_QUEUE)
            .and(Flags::MOVABLE_KEYS);
        let has_finder = self.command.finder.is_some();
        self.simple_keys.is_some() && !has_finder && !self.flags.has(MAY_TOUCH_MORE)
    }

    /// Whether a request may touch keys that are not among its words.
    pub(crate) fn reaches_everything(&self, words: &[&[u8]]) -> bool {
        self.flags.has(Flags::ALL_KEYS)
            || self
                .command
                .finder
                .is_some_and(|finder| finder(words, &mut |_, _| {}) == Reach::Everything)
    }
}

/// Why a command cannot be renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameError {
    NoSuchCommand,
    NameTaken,
}

/// The command table. Built once, when the program starts.
#[derive(Debug)]
pub struct Table {
    entries: Vec<Entry>,
    top: Vec<CommandId>,
    /// Open addressing over the top level's names: an entry's number plus one, or 0.
    by_name: Vec<u16>,
}

impl Table {
    /// # Panics
    /// If two commands have the same name.
    pub fn new(families: &[&'static Family]) -> Table {
        let mut table = Table {
            entries: Vec::new(),
            top: Vec::new(),
            by_name: Vec::new(),
        };
        for family in families {
            for command in family.commands {
                let id = table.add(command, family.name, None);
                table.top.push(id);
            }
        }
        table.index();
        table
    }

    fn add(
        &mut self,
        command: &'static Command,
        group: &'static str,
        parent: Option<&str>,
    ) -> CommandId {
        let id = CommandId(self.entries.len() as u16);
        let full_name = match parent {
            Some(parent) => format!("{parent}|{}", command.name),
            None => command.name.to_owned(),
        };
        self.entries.push(Entry {
            command,
            id,
            called: command.name.into(),
            is_top: parent.is_none(),
            group,
            full_name: full_name.clone(),
            acl: Acl::of(command),
            flags: flags_of(command),
            subcommands: Vec::new(),
            simple_keys: simple_keys(command),
            member_word: member_word(command),
        });
        for subcommand in command.subcommands {
            let sub = self.add(subcommand, group, Some(&full_name));
            self.entries[usize::from(id.0)].subcommands.push(sub);
        }
        id
    }

    fn index(&mut self) {
        self.by_name = vec![0; (self.top.len() * 4).next_power_of_two()];
        for &id in &self.top {
            let name = self.get(id).called.as_bytes();
            assert!(
                self.find(name).is_none(),
                "two commands are called {}",
                self.get(id).full_name
            );
            let mut at = hash(name) & (self.by_name.len() - 1);
            while self.by_name[at] != 0 {
                at = (at + 1) & (self.by_name.len() - 1);
            }
            self.by_name[at] = id.0 + 1;
        }
    }

    /// Has requests call a command otherwise, or not at all if `to` is empty. In statistics and
    /// error texts it keeps its own name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), RenameError> {
        let found = self.find(from.as_bytes());
        let id = found.ok_or(RenameError::NoSuchCommand)?.id;
        let is_another = |entry: &Entry| entry.id != id;
        if self.find(to.as_bytes()).is_some_and(is_another) {
            return Err(RenameError::NameTaken);
        }
        self.entries[usize::from(id.0)].called = to.into();
        if to.is_empty() {
            self.entries[usize::from(id.0)].is_top = false;
            self.top.retain(|&other| other != id);
        }
        self.index();
        Ok(())
    }

    #[inline]
    pub fn get(&self, id: CommandId) -> &Entry {
        &self.entries[usize::from(id.0)]
    }

    /// Every command and subcommand, parents before children.
    pub fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// The commands, without subcommands.
    pub fn top(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.top.iter().map(|&id| self.get(id))
    }

    /// The command called `name`, in any case.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&Entry> {
        let mask = self.by_name.len() - 1;
        let mut at = hash(name) & mask;
        loop {
            let entry = match self.by_name[at] {
                0 => return None,
                number => &self.entries[usize::from(number - 1)],
            };
            if entry.called.as_bytes().eq_ignore_ascii_case(name) {
                return Some(entry);
            }
            at = (at + 1) & mask;
        }
    }

    /// The same command as `last`, if that is what is called `name`.
    #[inline]
    pub fn find_again(&self, name: &[u8], last: CommandId) -> Option<&Entry> {
        let entry = self.entries.get(usize::from(last.0))?;
        let is_meant = entry.is_top && entry.called.as_bytes().eq_ignore_ascii_case(name);
        is_meant.then_some(entry)
    }

    pub fn find_subcommand(&self, parent: &Entry, name: &[u8]) -> Option<&Entry> {
        let subcommands = parent.subcommands.iter().map(|&id| self.get(id));
        subcommands
            .into_iter()
            .find(|sub| sub.command.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The command or subcommand a request means: by its first word, or its first two. A parent
    /// with an unknown subcommand is itself.
    #[inline]
    pub fn resolve(&self, words: &[&[u8]]) -> Option<&Entry> {
        let entry = self.find(words[0])?;
        if entry.subcommands.is_empty() || words.len() < 2 {
            return Some(entry);
        }
        Some(self.find_subcommand(entry, words[1]).unwrap_or(entry))
    }

    /// The command of a full name, `get` or `config|get`.
    pub fn find_full(&self, name: &[u8]) -> Option<&Entry> {
        let mut parts = name.splitn(2, |&byte| byte == b'|');
        let parent = self.find(parts.next()?)?;
        match parts.next() {
            None => Some(parent),
            Some(sub) => self.find_subcommand(parent, sub),
        }
    }
}

fn simple_keys(command: &Command) -> Option<(usize, i64, usize)> {
    let [spec] = command.keys else { return None };
    match (spec.begin, spec.find) {
        (
            Begin::Index(first),
            Find::Range {
                last,
                step,
                limit: 0,
            },
        ) => Some((first, last, step)),
        _ => None,
    }
}

/// Behind the key stands a member of a set or a field of a hash.
fn member_word(command: &Command) -> Option<usize> {
    simple_keys(command)?;
    let mut words = command.syntax.split(' ');
    let is_member = words.next() == Some("key") && matches!(words.next(), Some("member" | "field"));
    is_member.then_some(2)
}

/// The command's flags, and that its keys move if the first, last and step cannot tell them.
fn flags_of(command: &Command) -> Flags {
    let moves = command.keys.iter().any(|spec| {
        !matches!(
            (spec.begin, spec.find),
            (Begin::Index(_), Find::Range { limit: 0, .. })
        )
    });
    if moves {
        command.flags.and(Flags::MOVABLE_KEYS)
    } else {
        command.flags
    }
}

#[inline]
fn hash(name: &[u8]) -> usize {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(byte | 0x20)).wrapping_mul(0x0100_0193);
    let hash = name.iter().take(16).fold(0x811c_9dc5, step);
    (hash ^ hash >> 15) as usize
}
