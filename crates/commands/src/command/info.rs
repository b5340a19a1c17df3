//! One command as `COMMAND INFO` shows it: facts for clients and proxies.

use engine::command::{Begin, Entry, Find, KeySpec, Table};
use engine::reply::{Done, Reply};

pub(super) fn write(table: &Table, entry: &Entry, reply: &mut Reply<'_>) {
    let command = entry.command;
    let (first, last, step) = KeySpec::simple_range(command.keys);
    let mut array = reply.array(10);
    array.bulk(entry.full_name.as_bytes());
    array.integer(command.arity.number());
    write_names(entry.flags.names(), "", array.element());
    array.integer(first as i64);
    array.integer(last);
    array.integer(step as i64);
    write_names(entry.acl.names(), "@", array.element());
    write_tips(command.tips, array.element());
    let mut specs = array.element().set(command.keys.len());
    for spec in command.keys {
        write_spec(spec, specs.element());
    }
    let _: Done = specs.done();
    let mut subcommands = array.element().array(entry.subcommands.len());
    for &id in &entry.subcommands {
        write(table, table.get(id), subcommands.element());
    }
    let _: Done = subcommands.done();
    let _: Done = array.done();
}

/// Names as a set of status replies.
pub(super) fn write_names(
    names: impl Iterator<Item = &'static str>,
    prefix: &str,
    reply: &mut Reply<'_>,
) {
    let names: Vec<&str> = names.collect();
    let mut set = reply.set(names.len());
    for name in names {
        set.simple(&format!("{prefix}{name}"));
    }
    let _: Done = set.done();
}

fn write_tips(tips: &[&str], reply: &mut Reply<'_>) {
    let mut set = reply.set(tips.len());
    tips.iter().for_each(|tip| set.bulk(tip.as_bytes()));
    let _: Done = set.done();
}

fn write_spec(spec: &KeySpec, reply: &mut Reply<'_>) {
    let mut map = reply.map(3 + usize::from(!spec.notes.is_empty()));
    if !spec.notes.is_empty() {
        map.bulk(b"notes");
        map.bulk(spec.notes.as_bytes());
    }
    map.bulk(b"flags");
    write_names(spec.access.names(), "", map.element());
    map.bulk(b"begin_search");
    write_begin(spec.begin, map.element());
    map.bulk(b"find_keys");
    write_find(spec.find, map.element());
    let _: Done = map.done();
}

fn write_begin(begin: Begin, reply: &mut Reply<'_>) {
    match begin {
        Begin::Index(index) => write_rule(reply, "index", &[("index", index as i64)]),
        Begin::Unknown => write_rule(reply, "unknown", &[]),
        Begin::Keyword { word, from } => {
            let mut rule = reply.map(2);
            rule.bulk(b"type");
            rule.bulk(b"keyword");
            rule.bulk(b"spec");
            let mut spec = rule.element().map(2);
            spec.bulk(b"keyword");
            spec.bulk(word.as_bytes());
            spec.bulk(b"startfrom");
            spec.integer(from);
            let _: Done = spec.done();
            let _: Done = rule.done();
        }
    }
}

fn write_find(find: Find, reply: &mut Reply<'_>) {
    match find {
        Find::Range { last, step, limit } => {
            let limit = ("limit", limit as i64);
            let numbers = [("lastkey", last), ("keystep", step as i64), limit];
            write_rule(reply, "range", &numbers);
        }
        Find::Counted { count, first, step } => {
            let (count, first) = (("keynumidx", count as i64), ("firstkey", first as i64));
            write_rule(reply, "keynum", &[count, first, ("keystep", step as i64)]);
        }
        Find::Unknown => write_rule(reply, "unknown", &[]),
    }
}

fn write_rule(reply: &mut Reply<'_>, kind: &str, numbers: &[(&str, i64)]) {
    let mut rule = reply.map(2);
    rule.bulk(b"type");
    rule.bulk(kind.as_bytes());
    rule.bulk(b"spec");
    let mut spec = rule.element().map(numbers.len());
    for (name, number) in numbers {
        spec.bulk(name.as_bytes());
        spec.integer(*number);
    }
    let _: Done = spec.done();
    let _: Done = rule.done();
}
