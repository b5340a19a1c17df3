//! What the proxy knows of commands: their names, where their keys are, whom to ask.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use engine::command::{Begin, Command, Find, Flags, KeySpec};

use crate::tree;

const PROXY_TABLE: &str = "crates/proxy/src/table/generated.rs";

const HEAD: &str = "\
//! The commands that the crate `commands` has. Written by `cargo xtask codegen`.

use super::*;

pub const COMMANDS: &[Command] = &[
";

/// Writes the proxy's table.
pub fn write() -> Result<()> {
    std::fs::write(path(), proxy_table()).with_context(|| format!("writing {PROXY_TABLE}"))
}

fn path() -> PathBuf {
    tree::root().join(PROXY_TABLE)
}

fn proxy_table() -> String {
    let table = commands::table();
    let mut commands: Vec<&Command> = table.top().map(|entry| entry.command).collect();
    commands.sort_by_key(|command| command.name);
    let mut text = HEAD.to_owned();
    for command in commands {
        row(&mut text, command, "    ");
    }
    text + "];\n"
}

fn row(text: &mut String, command: &Command, indent: &str) {
    let (name, arity) = (command.name, command.arity.number());
    let flags = flags(command.flags);
    let _ = write!(text, "{indent}Command::row(\"{name}\", {arity}, {flags})");
    let keys: Vec<String> = command.keys.iter().filter_map(keys).collect();
    if !keys.is_empty() {
        let _ = write!(
            text,
            "\n{indent}    .keys(&[{}])",
            keys.join(&format!(",\n{indent}           "))
        );
    }
    let (spread, merge) = (spread(command.tips), merge(command.tips));
    if (spread, merge) != ("Keys", "Elements") {
        let _ = write!(text, "\n{indent}    .to(Spread::{spread}, Merge::{merge})");
    }
    if !command.subcommands.is_empty() {
        let _ = writeln!(text, "\n{indent}    .of(&[");
        for subcommand in command.subcommands {
            row(text, subcommand, &format!("{indent}        "));
        }
        let _ = write!(text, "{indent}    ])");
    }
    text.push_str(",\n");
}

fn flags(flags: Flags) -> String {
    let names: Vec<&str> = [
        (Flags::WRITE, "WRITE"),
        (Flags::READONLY, "READ"),
        (Flags::ADMIN, "ADMIN"),
        (Flags::PUBSUB, "PUBSUB"),
        (Flags::BLOCKING, "BLOCKING"),
        (Flags::NO_MULTI, "NO_MULTI"),
        (Flags::NO_AUTH, "NO_AUTH"),
    ]
    .iter()
    .filter(|(flag, _)| flags.has(*flag))
    .map(|(_, name)| *name)
    .collect();
    match names.is_empty() {
        true => "0".to_owned(),
        false => names.join(" | "),
    }
}

/// Specifications that nobody can follow are left out.
fn keys(spec: &KeySpec) -> Option<String> {
    let range = |last: i64, step: usize, limit: usize| format!("{last}, {step}, {limit}");
    Some(match (spec.begin, spec.find) {
        (Begin::Index(index), Find::Range { last, step, limit }) => {
            format!("Keys::range({index}, {})", range(last, step, limit))
        }
        (Begin::Keyword { word, from }, Find::Range { last, step, limit }) => {
            let range = range(last, step, limit);
            format!("Keys::behind(\"{word}\", {from}, {range})")
        }
        (Begin::Index(index), Find::Counted { count, first, step }) => {
            format!("Keys::counted({index}, {count}, {first}, {step})")
        }
        _ => return None,
    })
}

fn policy(tips: &[&'static str], kind: &str) -> &'static str {
    let mut values = tips.iter().filter_map(|tip| tip.strip_prefix(kind));
    values.next().unwrap_or("")
}

fn spread(tips: &[&'static str]) -> &'static str {
    match policy(tips, "request_policy:") {
        "all_nodes" => "Nodes",
        "all_shards" => "Shards",
        "multi_shard" => "EachKey",
        "special" => "Special",
        _ => "Keys",
    }
}

fn merge(tips: &[&'static str]) -> &'static str {
    match policy(tips, "response_policy:") {
        "all_succeeded" => "AllSucceeded",
        "one_succeeded" => "OneSucceeded",
        "agg_sum" => "Sum",
        "agg_min" => "Least",
        "agg_max" => "Greatest",
        "agg_logical_and" => "And",
        "agg_logical_or" => "Or",
        "special" => "Special",
        _ => "Elements",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_current() {
        let text = std::fs::read_to_string(path()).unwrap();
        let stale = text != proxy_table();
        assert!(
            !stale,
            "run `cargo xtask codegen`: the command table has changed"
        );
    }

    #[test]
    fn no_row_of_the_supplement_is_one_of_the_commands() {
        let path = tree::root().join("crates/proxy/src/table/supplement.rs");
        let text = std::fs::read_to_string(path).unwrap();
        let table = commands::table();
        // Rows of commands stand at this depth, those of subcommands deeper.
        for row in text.split("\n    Command::row(\"").skip(1) {
            let name = row.split('"').next().unwrap();
            assert!(
                table.find(name.as_bytes()).is_none(),
                "{name} is generated: remove it"
            );
        }
    }
}
