//! `COMMAND`: what commands there are, and what is known about each.

use engine::command::{Entry, Flags, Table};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use stdx::glob;

mod docs;
mod info;

pub(crate) static COMMANDS: Family = Family {
    name: "server",
    commands: &[&COMMAND],
};

pub(crate) static COMMAND: Command = Command {
    name: "command",
    summary: "Describes every command, or what its subcommands ask for.",
    since: "2.8.13",
    complexity: "O(N) where N is the total number of commands",
    arity: Arity::AtLeast(1),
    flags: COMMON,
    acl: Acl::CONNECTION,
    handler: all,
    subcommands: &[
        &COUNT,
        &DOCS,
        &GETKEYS,
        &GETKEYSANDFLAGS,
        &HELP,
        &INFO,
        &LIST,
    ],
    tips: ORDER,
    ..Command::BLANK
};

const COMMON: Flags = Flags::LOADING.and(Flags::STALE);

const ORDER: &[&str] = &["nondeterministic_output_order"];

fn all(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let table = &cx.engine.table;
    let mut array = cx.reply.array(table.top().len());
    table
        .top()
        .for_each(|entry| info::write(table, entry, array.element()));
    Ok(array.done())
}

static COUNT: Command = Command {
    name: "count",
    summary: "Counts the commands.",
    since: "2.8.13",
    arity: Arity::Exactly(2),
    flags: COMMON,
    acl: Acl::CONNECTION,
    handler: count,
    ..Command::BLANK
};

fn count(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    Ok(cx.reply.count(cx.engine.table.top().len()))
}

static INFO: Command = Command {
    name: "info",
    syntax: "[command-name [command-name ...]]",
    summary: "Describes commands: arity, flags, keys, categories.",
    since: "2.8.13",
    complexity: "O(N) where N is the number of commands to look up",
    arity: Arity::AtLeast(2),
    flags: COMMON,
    acl: Acl::CONNECTION,
    handler: info,
    history: &[(
        "7.0.0",
        "Allowed to be called with no argument to get info on all commands.",
    )],
    tips: ORDER,
    ..Command::BLANK
};

fn info(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let names = args.rest();
    if names.is_empty() {
        return all(cx, args);
    }
    let table = &cx.engine.table;
    let mut array = cx.reply.array(names.len());
    for name in names {
        match table.find_full(name) {
            Some(entry) => info::write(table, entry, array.element()),
            None => array.null(),
        }
    }
    Ok(array.done())
}

static DOCS: Command = Command {
    name: "docs",
    syntax: "[command-name [command-name ...]]",
    summary: "Describes commands for people: what they are for and what they take.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of commands to look up",
    arity: Arity::AtLeast(2),
    flags: COMMON,
    acl: Acl::CONNECTION,
    handler: docs,
    tips: ORDER,
    ..Command::BLANK
};

fn docs(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let table = &cx.engine.table;
    let known = |name: &&[u8]| table.find_full(name);
    let entries: Vec<&Entry> = match args.rest() {
        [] => table.top().collect(),
        names => names.iter().filter_map(known).collect(),
    };
    let mut map = cx.reply.map(entries.len());
    for entry in entries {
        map.bulk(entry.full_name.as_bytes());
        docs::write(table, entry, map.element());
    }
    Ok(map.done())
}

static LIST: Command = Command {
    name: "list",
    syntax: "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
    summary: "Lists the names of commands and subcommands.",
    since: "7.0.0",
    complexity: "O(N) where N is the total number of commands",
    arity: Arity::AtLeast(2),
    flags: COMMON,
    acl: Acl::CONNECTION,
    handler: list,
    tips: ORDER,
    ..Command::BLANK
};

/// Which commands to list.
enum Filter<'a> {
    All,
    Nothing,
    Category(Acl),
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Filter<'a>, Error> {
        if args.is_empty() {
            return Ok(Filter::All);
        }
        if args.len() != 3 || !args.accept(b"FILTERBY") {
            return Err(Error::Syntax);
        }
        let kind = args.keyword().ok_or(Error::Syntax)?;
        let value = args.bytes()?;
        match kind.as_bytes() {
            // No module is ever loaded.
            b"MODULE" => Ok(Filter::Nothing),
            b"ACLCAT" => Ok(category(value).map_or(Filter::Nothing, Filter::Category)),
            b"PATTERN" => Ok(Filter::Pattern(value)),
            _ => Err(Error::Syntax),
        }
    }

    fn passes(&self, entry: &Entry) -> bool {
        match self {
            Filter::All => true,
            Filter::Nothing => false,
            Filter::Category(category) => entry.acl.has(*category),
            Filter::Pattern(pattern) => glob::matches(pattern, entry.full_name.as_bytes(), true),
        }
    }
}

fn category(name: &[u8]) -> Option<Acl> {
    let mut known = engine::command::CATEGORIES.iter();
    let named = known.find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(name));
    named.map(|(category, _)| *category)
}

fn list(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let filter = Filter::parse(args)?;
    let entries = cx.engine.table.all().iter();
    let listed: Vec<&Entry> = entries.filter(|entry| filter.passes(entry)).collect();
    let names = listed.iter().map(|entry| &entry.full_name);
    Ok(cx.reply.bulks(names))
}

static GETKEYS: Command = Command {
    name: "getkeys",
    syntax: "command arg [arg ...]",
    summary: "Finds the keys among the words of a command.",
    since: "2.8.13",
    complexity: "O(N) where N is the number of arguments to the command",
    arity: Arity::AtLeast(4),
    flags: COMMON,
    acl: Acl::CONNECTION,
    handler: getkeys,
    ..Command::BLANK
};

fn getkeys(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let words = args.rest();
    let keys = keys_of(&cx.engine.table, words)?;
    Ok(cx.reply.bulks(keys.iter().map(|(word, _)| words[*word])))
}

static GETKEYSANDFLAGS: Command = Command {
    name: "getkeysandflags",
    syntax: "command arg [arg ...]",
    summary: "Finds the keys among the words of a command, and what is done to each.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of arguments to the command",
    arity: Arity::AtLeast(4),
    flags: COMMON,
    acl: Acl::CONNECTION,
    handler: getkeysandflags,
    ..Command::BLANK
};

fn getkeysandflags(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let words = args.rest();
    let keys = keys_of(&cx.engine.table, words)?;
    let mut array = cx.reply.array(keys.len());
    for (word, access) in keys {
        let mut pair = array.element().array(2);
        pair.bulk(words[word]);
        info::write_names(access.names(), "", pair.element());
        let _: engine::reply::Done = pair.done();
    }
    Ok(array.done())
}

/// The keys of a command that is only looked at, from left to right.
fn keys_of(table: &Table, words: &[&[u8]]) -> Result<Vec<(usize, Access)>, Error> {
    let refused = |text: &'static str| Err(Error::text(text));
    let entry = table.resolve(words);
    let is_parent = |entry: &&Entry| !entry.subcommands.is_empty() && words.len() > 1;
    let Some(entry) = entry.filter(|entry| !is_parent(entry)) else {
        return refused("ERR Invalid command specified");
    };
    let command = entry.command;
    if !command
        .keys
        .iter()
        .any(|spec| !spec.access.has(Access::NOT_KEY))
    {
        return refused("ERR The command has no key arguments");
    }
    if !command.arity.allows(words.len()) {
        return refused("ERR Invalid number of arguments specified for command");
    }
    let mut keys = Vec::new();
    let found = command.find_keys(words, |word, access| keys.push((word, access)));
    if found.is_err() || keys.is_empty() {
        return match command.may_lack_keys() {
            true => Ok(Vec::new()),
            false => Err(Error::InvalidArguments),
        };
    }
    keys.sort_by_key(|(word, _)| *word);
    Ok(keys)
}

static HELP: Command = Command {
    name: "help",
    summary: "Lists the subcommands.",
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: COMMON,
    acl: Acl::CONNECTION,
    handler: help,
    ..Command::BLANK
};

fn help(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    Ok(cx.reply.lines(HELP_LINES))
}

const HELP_LINES: &[&str] = &[
    "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "(no subcommand)",
    "    Describe every command.",
    "COUNT",
    "    Count the commands.",
    "DOCS [<command-name> ...]",
    "    Describe these commands, or all, for people.",
    "GETKEYS <full-command>",
    "    Find the keys of a command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Find the keys of a command, and how it uses each.",
    "INFO [<command-name> ...]",
    "    Describe these commands, or all, for clients.",
    "LIST [FILTERBY <MODULE|ACLCAT|PATTERN> <value>]",
    "    List the names of commands and subcommands.",
    "HELP",
    "    Print this help.",
];

#[cfg(test)]
mod tests;
