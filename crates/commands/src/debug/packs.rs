//! `DEBUG LISTPACK` and `DEBUG QUICKLIST`: how the elements of a value are packed, element by
//! element, in the server's log.

use datatypes::list::Node;
use datatypes::{Hash, List, Listpack, SortedSet, Text};
use engine::host::LogLevel;
use engine::{Args, CommandResult, Context, Error};

pub(super) fn of_small(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = cx.db.key(args.bytes()?);
    let entry = cx.db.peek(&key).ok_or(Error::NoKey)?;
    let (hash, sorted) = (entry.value::<Hash>(), entry.value::<SortedSet>());
    let pack = match (hash.as_deref(), sorted.as_deref()) {
        (Some(Hash::Pairs(pairs)), _) => Some(pairs),
        (_, Some(set)) => set.listpack(),
        _ => None,
    };
    let no_listpack = Error::text("ERR Not a listpack encoded object.");
    let lines = describe(pack.ok_or(no_listpack)?, true);
    log(cx, &lines);
    Ok(cx.reply.simple("Listpack structure printed on stdout"))
}

pub(super) fn of_list(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = cx.db.key(args.bytes()?);
    let full = args.integer().is_ok_and(|level| level != 0);
    let entry = cx.db.peek(&key).ok_or(Error::NoKey)?;
    let no_list = Error::text("ERR Not a quicklist encoded object.");
    let list = entry.value::<List>().ok_or(no_list)?;
    let mut lines = vec![format!("quicklist of {} nodes", list.node_count())];
    for node in (0..list.node_count()).filter_map(|node| list.node(node)) {
        match node {
            Node::Packed(pack) => lines.append(&mut describe(pack, full)),
            Node::Plain(bytes) => lines.push(format!("plain element of {} bytes", bytes.len())),
        }
    }
    log(cx, &lines);
    Ok(cx.reply.simple("Quicklist structure printed on stdout"))
}

fn describe(pack: &Listpack, full: bool) -> Vec<String> {
    let (len, bytes) = (pack.len(), pack.bytes_len());
    let mut lines = vec![format!("listpack of {len} elements in {bytes} bytes")];
    let element = |text: Text<'_>| {
        let size = Listpack::size_of(text);
        match text {
            Text::Int(number) => format!("  {size} bytes, integer {number}"),
            Text::Bytes(bytes) => format!("  {size} bytes, string {}", bytes.escape_ascii()),
        }
    };
    if full {
        lines.extend(pack.iter().map(element));
    }
    lines
}

fn log(cx: &Context<'_>, lines: &[String]) {
    let log = |line: &String| cx.engine.host.log(LogLevel::Warning, line);
    lines.iter().for_each(log);
}
