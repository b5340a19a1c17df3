//! Who may do what: by a password alone, or by a name and a password.

use std::collections::BTreeSet;

use client::docs::Docs;

use super::CustomCommand;
use crate::table::{self, ADMIN, BLOCKING, Command, PUBSUB, READ, WRITE};

/// What a client may do that has said a password; an empty one is every client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Nobody's: the password alone is asked for.
    pub name: Option<String>,
    pub password: String,
    pub rights: Rights,
    /// The only commands it has, in lower case; all that its rights allow if they are not told.
    pub commands: Option<BTreeSet<String>>,
    /// Keys fit one of these; anything does if there are none.
    pub read_keys: Option<Vec<KeyPattern>>,
    pub write_keys: Option<Vec<KeyPattern>>,
}

/// The name of those who say none.
pub const DEFAULT_NAME: &str = "default";

impl Authority {
    /// Whether it is meant by a name; none is said with a password alone.
    pub fn is_called(&self, name: &[u8]) -> bool {
        let own = self.name.as_deref().unwrap_or(DEFAULT_NAME);
        own.as_bytes() == name
    }
}

/// Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rights {
    Read,
    Write,
    Admin,
}

/// What a key is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPattern {
    Prefix(String),
    Glob(String),
}

impl KeyPattern {
    pub fn fits(&self, key: &[u8]) -> bool {
        match self {
            KeyPattern::Prefix(prefix) => key.starts_with(prefix.as_bytes()),
            KeyPattern::Glob(glob) => stdx::glob::matches(glob.as_bytes(), key, false),
        }
    }
}

/// A set of commands.
enum Category {
    All,
    /// Those that have a flag.
    Flag(u32),
    /// Those of a group of the documentation.
    Group(&'static str),
}

/// Names that rules give to sets of commands.
const CATEGORIES: &[(&str, Category)] = &[
    ("all", Category::All),
    ("read", Category::Flag(READ)),
    ("write", Category::Flag(WRITE)),
    ("admin", Category::Flag(ADMIN)),
    ("pubsub", Category::Flag(PUBSUB)),
    ("blocking", Category::Flag(BLOCKING)),
    ("keyspace", Category::Group("generic")),
    ("string", Category::Group("string")),
    ("bitmap", Category::Group("bitmap")),
    ("hash", Category::Group("hash")),
    ("list", Category::Group("list")),
    ("set", Category::Group("set")),
    ("sortedset", Category::Group("sorted-set")),
    ("geo", Category::Group("geo")),
    ("hyperloglog", Category::Group("hyperloglog")),
    ("connection", Category::Group("connection")),
    ("transaction", Category::Group("transactions")),
];

/// The commands that rules leave: `+get`, `-@admin`, `+@all`, the later overruling those before. A
/// subcommand is called `client|kill`; what a rule says of `client` it says of all of them.
pub fn commands(rules: &[String], custom: &[CustomCommand]) -> Result<BTreeSet<String>, String> {
    let docs = Docs::builtin();
    let mut left = BTreeSet::new();
    for rule in rules {
        let (adds, what) = match rule.split_at_checked(1) {
            Some(("+", what)) => (true, what.to_ascii_lowercase()),
            Some(("-", what)) => (false, what.to_ascii_lowercase()),
            _ => return Err(format!("'{rule}' begins with neither + nor -")),
        };
        let meant = match what.strip_prefix('@') {
            Some(name) => {
                let category = CATEGORIES.iter().find(|(known, _)| *known == name);
                let category = category.ok_or_else(|| format!("there is no category '{name}'"))?;
                members(&category.1, custom, &docs)
            }
            None => named(&what, custom),
        };
        if meant.is_empty() {
            return Err(format!("there is no command '{what}'"));
        }
        for name in meant {
            match adds {
                true => left.insert(name),
                false => left.remove(&name),
            };
        }
    }
    Ok(left)
}

/// A command of a name, and its subcommands.
fn named(what: &str, custom: &[CustomCommand]) -> Vec<String> {
    let is_named = |name: &String| {
        let behind = name.strip_prefix(what);
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with('|'))
    };
    members(&Category::All, custom, &Docs::builtin())
        .into_iter()
        .filter(is_named)
        .collect()
}

fn members(category: &Category, custom: &[CustomCommand], docs: &Docs) -> Vec<String> {
    let mut names = Vec::new();
    for command in table::all() {
        let of_group = |group: &str| {
            let found = docs.find(&[command.name]);
            found.is_some_and(|(documented, _)| documented.group == group)
        };
        let has = |one: &Command| match category {
            Category::All => true,
            Category::Flag(flag) => one.has(*flag),
            Category::Group(group) => of_group(group),
        };
        names.extend(has(command).then(|| command.name.to_owned()));
        let subcommands = command.subcommands.iter().filter(|one| has(one));
        names.extend(subcommands.map(|one| full_name(command, Some(one))));
    }
    let own = custom.iter().filter(|command| match category {
        Category::All => true,
        Category::Flag(flag) => *flag == flag_of(command.rights),
        Category::Group(_) => false,
    });
    names.extend(own.map(|command| command.name.clone()));
    names
}

/// `get`, or `client|kill`.
pub fn full_name(command: &Command, subcommand: Option<&Command>) -> String {
    match subcommand {
        Some(subcommand) => format!("{}|{}", command.name, subcommand.name),
        None => command.name.to_owned(),
    }
}

fn flag_of(rights: Rights) -> u32 {
    match rights {
        Rights::Read => READ,
        Rights::Write => WRITE,
        Rights::Admin => ADMIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(rules: &[&str]) -> Result<BTreeSet<String>, String> {
        let rules: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
        let custom = CustomCommand {
            name: "json.get".to_owned(),
            rights: Rights::Read,
            words_min: 3,
            words_max: 3,
            key_at: 1,
        };
        commands(&rules, &[custom])
    }

    #[test]
    fn later_rules_overrule_those_before() {
        let reader = left(&["+@read", "-keys", "+SET"]).unwrap();
        for (name, is_there) in [
            ("get", true),
            ("json.get", true),
            ("set", true),
            ("keys", false),
            ("del", false),
        ] {
            assert_eq!(reader.contains(name), is_there, "{name}");
        }
        let worker = left(&["+@all", "-@admin", "-@sortedset"]).unwrap();
        for (name, is_there) in [
            ("hset", true),
            ("config|get", false),
            ("client|kill", false),
            ("client|info", true),
            ("zadd", false),
            ("zrange", false),
        ] {
            assert_eq!(worker.contains(name), is_there, "{name}");
        }
        let only = left(&["+client", "-client|kill", "+config|get"]).unwrap();
        assert!(only.contains("client|id") && !only.contains("client|kill"));
        assert!(only.contains("config|get") && !only.contains("config|set"));
        assert_eq!(left(&[]).unwrap(), BTreeSet::new());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (rule, flaw) in [
            ("get", "'get' begins with neither + nor -"),
            ("", "'' begins with neither + nor -"),
            ("+gett", "there is no command 'gett'"),
            ("-@nothing", "there is no category 'nothing'"),
        ] {
            assert_eq!(left(&[rule]), Err(flaw.to_owned()));
        }
    }

    #[test]
    fn keys_fit_beginnings_and_globs() {
        let prefix = KeyPattern::Prefix("a*".to_owned());
        let glob = KeyPattern::Glob("a*z".to_owned());
        assert!(prefix.fits(b"a*b") && !prefix.fits(b"ab"));
        assert!(glob.fits(b"abz") && !glob.fits(b"ab"));
    }
}
