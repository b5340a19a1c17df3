//! Slots that move with all their keys, as one: the operator's side, and that of the two nodes.

use ::cluster::{Command as Order, Flags as NodeFlags, NodeId, Refused, SlotSet};
use engine::command::{Flags, Reach};
use engine::host::{ClusterRequest, SlotImport, SlotMove, SlotMoveRow, SlotMover};
use engine::reply::{Done, Reply};
use engine::session::Origin;
use engine::{Access, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Slot;
use stdx::number::parse_i64;

use super::look::known;
use super::{CHANGES, enabled, slot};

/// To apply more than this at once takes long, so the runtime is told beforehand.
const LONG_BYTES: usize = 1 << 20;

pub(super) static MIGRATESLOTS: Command = Command {
    name: "migrateslots",
    syntax: "<SLOTSRANGE start-slot end-slot [start-slot end-slot ...] NODE node-id \
             [SLOTSRANGE start-slot end-slot [start-slot end-slot ...] NODE node-id ...]>",
    summary: "Begins to move slots and all their keys to other nodes.",
    since: "9.0.0",
    complexity: "O(N) where N is the total number of the slots between the start slot and end \
                 slot arguments.",
    arity: Arity::AtLeast(7),
    flags: CHANGES,
    handler: migrate_slots,
    ..Command::BLANK
};

pub(super) static GETSLOTMIGRATIONS: Command = Command {
    name: "getslotmigrations",
    summary: "Lists the slots that move to or from this node, and those that have of late.",
    since: "9.0.0",
    complexity: "O(N), where N is the number of active slot import and export jobs.",
    arity: Arity::Exactly(2),
    flags: CHANGES,
    handler: |cx, _| {
        let rows = mover(cx)?.rows(cx.engine);
        let mut array = cx.reply.array(rows.len());
        for row in &rows {
            let _row = write_row(array.element(), row);
        }
        Ok(array.done())
    },
    ..Command::BLANK
};

pub(super) static CANCELSLOTMIGRATIONS: Command = Command {
    name: "cancelslotmigrations",
    summary: "Calls off all moves of slots that began on this node.",
    since: "9.0.0",
    complexity: "O(N), where N is the number of slot migration operations being cancelled.",
    arity: Arity::Exactly(2),
    flags: CHANGES,
    handler: |cx, _| {
        mover(cx)?.cancel_exports(cx.engine);
        Ok(cx.reply.ok())
    },
    ..Command::BLANK
};

pub(super) static SYNCSLOTS: Command = Command {
    name: "syncslots",
    syntax: "subcommand [argument ...]",
    summary: "Is what nodes say to each other while slots move.",
    since: "9.0.0",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(3),
    flags: CHANGES.and(Flags::NO_MULTI).and(Flags::NO_SCRIPT),
    finder: Some(reach),
    handler: sync_slots,
    ..Command::BLANK
};

/// What hides slots or takes them holds every lock; what brings keys takes its own.
fn reach(words: &[&[u8]], _found: &mut dyn FnMut(usize, Access)) -> Reach {
    let word = words.get(2).map(|word| word.to_ascii_uppercase());
    match word.as_deref() {
        Some(b"ESTABLISH" | b"TAKE" | b"HIDE" | b"SHOW") => Reach::Everything,
        _ => Reach::Declared,
    }
}

fn mover<'a>(cx: &Context<'a>) -> Result<&'a dyn SlotMover, Error> {
    enabled(cx)?;
    let mover = cx.engine.host.slot_mover();
    mover.ok_or(Error::text("ERR This node cannot move slots"))
}

fn refused(refused: Refused) -> Error {
    Error::text(refused.0)
}

/// Slots from one to another, again and again, each once.
fn ranges(words: &[&[u8]]) -> Result<SlotSet, Error> {
    let pairs = words.chunks_exact(2);
    if words.is_empty() || !pairs.remainder().is_empty() {
        return Err(Error::Syntax);
    }
    let mut slots = SlotSet::default();
    for pair in pairs {
        let (first, last) = (slot(pair[0])?, slot(pair[1])?);
        if first > last {
            return Err(Error::text(format!(
                "ERR start slot number {first} is greater than end slot number {last}"
            )));
        }
        for slot in first..=last {
            if !slots.insert(slot) {
                let text = format!("ERR Slot {slot} specified multiple times");
                return Err(Error::text(text));
            }
        }
    }
    Ok(slots)
}

fn node(word: &[u8]) -> Result<NodeId, Error> {
    let unknown = || format!("ERR Unknown node {}", String::from_utf8_lossy(word));
    NodeId::parse(word).ok_or_else(|| Error::text(unknown()))
}

fn parse_moves(words: &[&[u8]]) -> Result<Vec<SlotMove>, Error> {
    let (mut rest, mut moves) = (words, Vec::new());
    while let Some((word, behind)) = rest.split_first() {
        if !word.eq_ignore_ascii_case(b"SLOTSRANGE") {
            return Err(Error::Syntax);
        }
        let end = behind
            .iter()
            .position(|word| word.eq_ignore_ascii_case(b"NODE"));
        let (slots, behind) = behind.split_at(end.ok_or(Error::Syntax)?);
        let slots = ranges(slots)?;
        let [_, to, behind @ ..] = behind else {
            return Err(Error::Syntax);
        };
        moves.push(SlotMove {
            slots,
            to: node(to)?,
        });
        rest = behind;
    }
    Ok(moves)
}

fn migrate_slots(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mover = mover(cx)?;
    let moves = parse_moves(args.rest())?;
    let mut taken: SlotSet = mover.leaving().into_iter().collect();
    for SlotMove { slots, to } in &moves {
        check_move(cx, slots, *to)?;
        if let Some(slot) = slots.iter().find(|&slot| !taken.insert(slot)) {
            let text = format!("ERR Slot {slot} is on its way to a node already");
            return Err(Error::text(text));
        }
    }
    mover.begin_exports(cx.engine, moves);
    Ok(cx.reply.ok())
}

/// Whether these slots can be moved from here to that node.
fn check_move(cx: &Context<'_>, slots: &SlotSet, to: NodeId) -> Result<(), Error> {
    if cx.engine.standing.is_replica() {
        return Err(Error::text("ERR Only a primary can move slots"));
    }
    let why = known(cx, |machine, _| {
        let mine = machine.slots_of(machine.myself());
        if let Some(slot) = slots.iter().find(|&slot| !mine.contains(slot)) {
            return Some(format!("ERR Slot {slot} is not served by this node"));
        }
        if to == machine.myself() {
            return Some("ERR The target node is this node".to_owned());
        }
        match machine.peers().find(|(id, ..)| *id == to) {
            None => return Some(format!("ERR Unknown node {to}")),
            Some((_, flags, _)) if !flags.has(NodeFlags::PRIMARY) => {
                return Some("ERR Target node is not a master".to_owned());
            }
            Some(_) => {}
        }
        let map = machine.map();
        let open = map.migrating.iter().find(|(slot, _)| slots.contains(*slot));
        open.map(|(slot, _)| format!("ERR Slot {slot} is in migrating state"))
    })?;
    why.map_or(Ok(()), |why| Err(Error::text(why)))
}

fn write_row(reply: &mut Reply<'_>, row: &SlotMoveRow) -> Done {
    let ranges = row.slots.ranges();
    let ranges: Vec<String> = ranges
        .map(|range| format!("{}-{}", range.start(), range.end()))
        .collect();
    let operation = if row.is_import { "IMPORT" } else { "EXPORT" };
    let mut map = reply.map(12);
    let texts = [
        ("name", row.name.as_str()),
        ("operation", operation),
        ("slot_ranges", &ranges.join(" ")),
        ("target_node", row.target.as_str()),
        ("source_node", row.source.as_str()),
    ];
    for (name, text) in texts {
        let _field = map.element().bulk(name.as_bytes());
        let _value = map.element().bulk(text.as_bytes());
    }
    let numbers = [
        ("create_time", row.created),
        ("last_update_time", row.updated),
        ("last_ack_time", row.acknowledged),
    ];
    for (name, number) in numbers {
        let _field = map.element().bulk(name.as_bytes());
        let _value = map.element().integer(number);
    }
    for (name, text) in [("state", row.state), ("message", &row.message)] {
        let _field = map.element().bulk(name.as_bytes());
        let _value = map.element().bulk(text.as_bytes());
    }
    // No copy of written pages is ever made.
    for (name, number) in [("cow_size", 0), ("remaining_repl_size", row.unsent as i64)] {
        let _field = map.element().bulk(name.as_bytes());
        let _value = map.element().integer(number);
    }
    map.done()
}

fn sync_slots(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mover = mover(cx)?;
    let is_client = cx.session.origin == Origin::Client;
    let word = args.keyword();
    let word = word.as_ref().map_or(&b""[..], |word| word.as_bytes());
    match (word, args.rest()) {
        (b"ESTABLISH", &[name, from, ref slots @ ..]) if is_client => {
            establish(cx, mover, (name, from, slots))
        }
        (b"FEED", &[name, commands]) if is_client => {
            receive(cx, mover, &String::from_utf8_lossy(name), commands)
        }
        (b"TAKE", &[name, epoch]) if is_client => {
            let beyond = parse_i64(epoch).and_then(|epoch| u64::try_from(epoch).ok());
            let beyond = beyond.ok_or(Error::NotInteger)?;
            take(cx, mover, &String::from_utf8_lossy(name), beyond)
        }
        (b"DROP", &[name]) if is_client => {
            mover.drop_import(cx.engine, &String::from_utf8_lossy(name));
            Ok(cx.reply.ok())
        }
        (b"STATE", slots) if is_client => {
            let slots = ranges(slots)?;
            let owned = known(cx, |machine, _| machine.slots_of(machine.myself()))?;
            Ok(match slots.iter().all(|slot| owned.contains(slot)) {
                true => cx.reply.simple("TAKEN"),
                false => cx.reply.simple("NONE"),
            })
        }
        // So replicas and the append-only file are told.
        (b"HIDE", slots) if !is_client => hide(cx, &ranges(slots)?, true),
        (b"SHOW", slots) if !is_client => hide(cx, &ranges(slots)?, false),
        _ => Err(Error::Syntax),
    }
}

/// Applies what the source has sent. A long string may be among it.
fn receive(
    cx: &mut Context<'_>,
    mover: &dyn SlotMover,
    name: &str,
    commands: &[u8],
) -> CommandResult {
    let (engine, worker) = (cx.engine, &mut *cx.worker);
    let mut received = Ok(());
    let mut run = || received = mover.receive(engine, worker, name, commands);
    match commands.len() > LONG_BYTES {
        true => engine.host.run_long(&mut run),
        false => run(),
    }
    received.map_err(refused)?;
    Ok(cx.reply.ok())
}

/// Makes ready to receive slots from their owner.
fn establish(
    cx: &mut Context<'_>,
    mover: &dyn SlotMover,
    (name, from, slots): (&[u8], &[u8], &[&[u8]]),
) -> CommandResult {
    let (name, from, slots) = (node(name)?, node(from)?, ranges(slots)?);
    if cx.engine.standing.is_replica() {
        return Err(Error::text("ERR The target node is not a primary"));
    }
    if !cx.engine.owns_slots(from, &slots) {
        let text = "TRYAGAIN The target node knows another owner of the slots";
        return Err(Error::text(text));
    }
    let map = known(cx, |machine, _| machine.map())?;
    if !map.ok {
        return Err(Error::text("TRYAGAIN The target node does not serve"));
    }
    let open = map.importing.iter().find(|(slot, _)| slots.contains(*slot));
    if let Some((slot, _)) = open {
        let text = format!("ERR Slot {slot} is in importing state at the target node");
        return Err(Error::text(text));
    }
    let is_free = |slot| {
        let slot = Slot::new(slot);
        !cx.db.is_hidden(slot) && cx.db.full_slot_len(slot) == 0
    };
    if !slots.iter().all(is_free) {
        let text = "TRYAGAIN The target node still holds keys of the slots";
        return Err(Error::text(text));
    }
    let import = SlotImport {
        slots: slots.clone(),
        from,
    };
    let begun = mover.begin_import(cx.engine, name.as_str(), import);
    begun.map_err(refused)?;
    hide(cx, &slots, true)
}

/// Hides slots or shows them, and has replicas do so, too.
fn hide(cx: &mut Context<'_>, slots: &SlotSet, is_hidden: bool) -> CommandResult {
    let word = if is_hidden { "HIDE" } else { "SHOW" };
    let mut words = vec![
        "CLUSTER".to_owned(),
        "SYNCSLOTS".to_owned(),
        word.to_owned(),
    ];
    for range in slots.ranges() {
        words.extend([range.start().to_string(), range.end().to_string()]);
    }
    for slot in slots.iter() {
        cx.db.hide_slot(Slot::new(slot), is_hidden);
    }
    cx.effect(&words);
    Ok(cx.reply.ok())
}

/// Owns the slots from now on, with an epoch behind the one that their owner has had for them.
fn take(cx: &mut Context<'_>, mover: &dyn SlotMover, name: &str, beyond: u64) -> CommandResult {
    if known(cx, |machine, _| machine.is_handing_over())? {
        let text = "TRYAGAIN The target node is handing over slots of its own";
        return Err(Error::text(text));
    }
    let SlotImport { slots, from } = mover.finish_import(cx.engine, name).map_err(refused)?;
    let is_whole = slots.iter().all(|slot| cx.db.is_hidden(Slot::new(slot)));
    let request = ClusterRequest {
        command: Order::TakeSlots {
            slots: &slots,
            beyond,
        },
        holds_keys: true,
        holds_locks: true,
    };
    let taken = if !is_whole {
        Err(Refused(
            "ERR The keys were deleted at the target node".to_owned(),
        ))
    } else if !cx.engine.owns_slots(from, &slots) {
        Err(Refused(
            "ERR The slots are not the source's any more".to_owned(),
        ))
    } else if !known(cx, |machine, _| machine.map().ok)? {
        Err(Refused("ERR The target node does not serve".to_owned()))
    } else {
        cx.engine.host.command_cluster(cx.engine, request).map(drop)
    };
    mover.note_taken(cx.engine, name, taken.as_ref().err());
    taken.map_err(refused)?;
    hide(cx, &slots, false)
}
