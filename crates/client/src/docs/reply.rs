//! The answer to `COMMAND DOCS`, of either protocol.

use resp::value::Value;

use super::{Argument, Command, Kind};

pub fn read(reply: &Value) -> Option<Vec<Command>> {
    let mut commands = Vec::new();
    for (name, fields) in pairs(reply)? {
        let name = text(name)?;
        command(&name.to_uppercase(), fields, &mut commands)?;
    }
    Some(commands)
}

fn command(name: &str, fields: &Value, commands: &mut Vec<Command>) -> Option<()> {
    let mut command = Command {
        name: name.to_owned(),
        ..Command::default()
    };
    for (field, value) in pairs(fields)? {
        match text(field)?.as_str() {
            "summary" => command.summary = text(value)?,
            "since" => command.since = text(value)?,
            "group" => command.group = text(value)?,
            "arguments" => command.arguments = arguments(value)?,
            "subcommands" => {
                for (full, fields) in pairs(value)? {
                    // `config|set`.
                    let full = text(full)?.to_uppercase().replacen('|', " ", 1);
                    self::command(&full, fields, commands)?;
                }
            }
            _ => {}
        }
    }
    commands.push(command);
    Some(())
}

fn arguments(value: &Value) -> Option<Vec<Argument>> {
    elements(value)?.iter().map(argument).collect()
}

fn argument(value: &Value) -> Option<Argument> {
    let mut argument = Argument::default();
    let mut shown = None;
    for (field, value) in pairs(value)? {
        match text(field)?.as_str() {
            "name" => argument.name = text(value)?,
            "display_text" => shown = Some(text(value)?),
            "type" => argument.kind = Kind::named(&text(value)?),
            "token" => argument.token = Some(text(value)?),
            "arguments" => argument.arguments = arguments(value)?,
            "flags" => {
                for flag in elements(value)? {
                    match text(flag)?.as_str() {
                        "optional" => argument.optional = true,
                        "multiple" => argument.multiple = true,
                        "multiple_token" => argument.multiple_token = true,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    argument.name = shown.unwrap_or(argument.name);
    Some(argument)
}

/// A map, or what RESP2 has instead.
fn pairs(value: &Value) -> Option<Vec<(&Value, &Value)>> {
    match value {
        Value::Map(pairs) => Some(pairs.iter().map(|(name, value)| (name, value)).collect()),
        Value::Array(values) => Some(
            values
                .chunks_exact(2)
                .map(|pair| (&pair[0], &pair[1]))
                .collect(),
        ),
        _ => None,
    }
}

fn elements(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(values) | Value::Set(values) => Some(values),
        _ => None,
    }
}

/// A text without anything that could move a cursor: it comes from whoever answers.
fn text(value: &Value) -> Option<String> {
    let (Value::Bulk(text) | Value::Simple(text) | Value::Verbatim(_, text)) = value else {
        return None;
    };
    let text = String::from_utf8_lossy(text);
    Some(text.chars().filter(|letter| !letter.is_control()).collect())
}
