//! Files written from other files: what light programs know of the command table.

use std::path::PathBuf;

use anyhow::{Context, Result};
use engine::command::Argument;

use crate::tree;

mod routes;

/// Where the client reads what commands take and do.
const DOCS: &str = "crates/client/src/docs/commands.tsv";

/// Writes all files that are written from others.
pub fn run() -> Result<()> {
    let path = docs_path();
    std::fs::write(&path, docs()).with_context(|| format!("writing {}", path.display()))?;
    routes::write()
}

fn docs_path() -> PathBuf {
    tree::root().join(DOCS)
}

/// A line for every command, in order of name.
fn docs() -> String {
    let table = commands::table();
    let mut lines: Vec<String> = Vec::new();
    for entry in table.all() {
        let command = entry.command;
        let name = entry.full_name.replace('|', " ").to_uppercase();
        let arguments = written(&command.arguments());
        let (since, group, summary) = (command.since, entry.group, command.summary);
        lines.push(format!(
            "{name}\t{since}\t{group}\t{arguments}\t{summary}\n"
        ));
    }
    lines.sort();
    lines.concat()
}

fn written(arguments: &[Argument]) -> String {
    let texts: Vec<String> = arguments.iter().map(argument).collect();
    texts.join(" ")
}

/// `integer?:count:COUNT`, as the client's `docs::table` reads it.
fn argument(argument: &Argument) -> String {
    let mut text = argument.kind.name().to_owned();
    for (set, mark) in [
        (argument.optional, '?'),
        (argument.multiple, '*'),
        (argument.multiple_token, '+'),
    ] {
        text.extend(set.then_some(mark));
    }
    text += ":";
    text += &argument.name;
    if let Some(token) = &argument.token {
        text += ":";
        text += token;
    }
    if !argument.arguments.is_empty() {
        text += &format!("({})", written(&argument.arguments));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_written_is_what_would_be_written() {
        let text = std::fs::read_to_string(super::docs_path()).unwrap();
        let stale = text != super::docs();
        assert!(
            !stale,
            "run `cargo xtask codegen`: the command table has changed"
        );
    }
}
