//! `commands.tsv`: a line of name, first version, group, arguments and summary for every command.
//!
//! An argument is written as its kind, marks, name and token, and its parts in parentheses:
//!
//! ```text
//! key:key oneof?:condition(pure-token:nx:NX pure-token:xx:XX) integer?:count:COUNT
//! ```
//!
//! `?` marks what is optional, `*` what may be repeated, `+` what is repeated with its token.

use super::{Argument, Command, Kind};

pub fn read(text: &str) -> Vec<Command> {
    text.lines().filter_map(command).collect()
}

fn command(line: &str) -> Option<Command> {
    let mut fields = line.split('\t').map(str::to_owned);
    let (name, since, group) = (fields.next()?, fields.next()?, fields.next()?);
    let (tree, summary) = (fields.next()?, fields.next()?);
    Some(Command {
        name,
        summary,
        since,
        group,
        arguments: arguments(&mut tree.as_str()),
    })
}

/// Takes arguments off the front, up to a closing parenthesis or the end.
fn arguments(text: &mut &str) -> Vec<Argument> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let end = text.find([' ', '(', ')']).unwrap_or(text.len());
        let (head, rest) = text.split_at(end);
        if !head.is_empty() {
            found.push(argument(head));
        }
        let Some(stop) = rest.chars().next() else {
            *text = rest;
            break;
        };
        *text = &rest[1..];
        match (stop, found.last_mut()) {
            (')', _) => break,
            ('(', Some(parent)) => parent.arguments = arguments(text),
            _ => {}
        }
    }
    found
}

fn argument(head: &str) -> Argument {
    let mut parts = head.splitn(3, ':');
    let kind = parts.next().unwrap_or_default();
    let name = kind.trim_end_matches(['?', '*', '+']);
    let marks = &kind[name.len()..];
    Argument {
        name: parts.next().unwrap_or_default().to_owned(),
        kind: Kind::named(name),
        token: parts.next().map(str::to_owned),
        optional: marks.contains('?'),
        multiple: marks.contains('*'),
        multiple_token: marks.contains('+'),
        arguments: Vec::new(),
    }
}
