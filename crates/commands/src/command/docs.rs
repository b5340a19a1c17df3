//! One command as `COMMAND DOCS` shows it: facts for people, and for tools that help them.

use engine::command::{Argument, Entry, Flags, Table};
use engine::reply::{Done, Reply};

/// A field of a description, written once it is known how many there are.
enum Field<'a> {
    Text(&'static str, &'a str),
    Number(&'static str, usize),
    Marks(&'static str, Vec<&'static str>),
    History(&'a [(&'static str, &'static str)]),
    Arguments(&'a [Argument]),
    Subcommands(Vec<&'a Entry>),
}

pub(super) fn write(table: &Table, entry: &Entry, reply: &mut Reply<'_>) {
    let command = entry.command;
    let arguments = command.arguments();
    let mut fields = vec![
        Field::Text("summary", command.summary),
        Field::Text("since", command.since),
        Field::Text("group", entry.group),
    ];
    if !command.complexity.is_empty() {
        fields.push(Field::Text("complexity", command.complexity));
    }
    if command.flags.has(Flags::SYSTEM) {
        fields.push(Field::Marks("doc_flags", vec!["syscmd"]));
    }
    if let Some((since, instead)) = command.deprecated {
        fields.push(Field::Marks("doc_flags", vec!["deprecated"]));
        fields.push(Field::Text("deprecated_since", since));
        fields.push(Field::Text("replaced_by", instead));
    }
    if !command.history.is_empty() {
        fields.push(Field::History(command.history));
    }
    if !arguments.is_empty() {
        fields.push(Field::Arguments(&arguments));
    }
    if !entry.subcommands.is_empty() {
        let entries = entry.subcommands.iter().map(|&id| table.get(id));
        fields.push(Field::Subcommands(entries.collect()));
    }
    write_fields(table, &fields, reply);
}

fn write_argument(table: &Table, argument: &Argument, reply: &mut Reply<'_>) {
    let mut fields = vec![
        Field::Text("name", &argument.name),
        Field::Text("type", argument.kind.name()),
    ];
    if let Some(spec) = argument.key_spec {
        fields.push(Field::Number("key_spec_index", spec));
    }
    if let Some(token) = &argument.token {
        fields.push(Field::Text("token", token));
    }
    let marks = [
        (argument.optional, "optional"),
        (argument.multiple, "multiple"),
        (argument.multiple_token, "multiple_token"),
    ];
    let marks = marks.iter().filter(|(set, _)| *set).map(|(_, name)| *name);
    let marks: Vec<&'static str> = marks.collect();
    if !marks.is_empty() {
        fields.push(Field::Marks("flags", marks));
    }
    if !argument.arguments.is_empty() {
        fields.push(Field::Arguments(&argument.arguments));
    }
    write_fields(table, &fields, reply);
}

fn write_fields(table: &Table, fields: &[Field<'_>], reply: &mut Reply<'_>) {
    let mut map = reply.map(fields.len());
    for field in fields {
        match field {
            Field::Text(name, text) => {
                map.bulk(name.as_bytes());
                map.bulk(text.as_bytes());
            }
            Field::Number(name, number) => {
                map.bulk(name.as_bytes());
                map.integer(*number as i64);
            }
            Field::Marks(name, marks) => {
                map.bulk(name.as_bytes());
                super::info::write_names(marks.iter().copied(), "", map.element());
            }
            Field::History(changes) => {
                map.bulk(b"history");
                write_history(changes, map.element());
            }
            Field::Arguments(arguments) => {
                map.bulk(b"arguments");
                let mut array = map.element().array(arguments.len());
                for argument in *arguments {
                    write_argument(table, argument, array.element());
                }
                let _: Done = array.done();
            }
            Field::Subcommands(entries) => {
                map.bulk(b"subcommands");
                write_subcommands(table, entries, map.element());
            }
        }
    }
    let _: Done = map.done();
}

fn write_history(changes: &[(&str, &str)], reply: &mut Reply<'_>) {
    let mut set = reply.set(changes.len());
    for (version, change) in changes {
        let mut pair = set.element().array(2);
        pair.bulk(version.as_bytes());
        pair.bulk(change.as_bytes());
        let _: Done = pair.done();
    }
    let _: Done = set.done();
}

fn write_subcommands(table: &Table, entries: &[&Entry], reply: &mut Reply<'_>) {
    let mut map = reply.map(entries.len());
    for entry in entries {
        map.bulk(entry.full_name.as_bytes());
        write(table, entry, map.element());
    }
    let _: Done = map.done();
}
