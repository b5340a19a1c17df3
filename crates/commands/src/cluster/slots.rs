//! Slots and their keys.

use ::cluster::{Command as Order, SlotState};
use engine::command::Flags;
use engine::{Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Slot;

use super::{CHANGES, enabled, order, single_slots, slot, slot_ranges};

pub(super) static ADDSLOTS: Command = Command {
    name: "addslots",
    syntax: "slot [slot ...]",
    summary: "Has the node own slots that nobody owns.",
    since: "3.0.0",
    complexity: "O(N) where N is the total number of hash slot arguments",
    arity: Arity::AtLeast(3),
    flags: CHANGES,
    handler: |cx, args| {
        enabled(cx)?;
        order(cx, Order::AddSlots(&single_slots(args)?))
    },
    ..Command::BLANK
};

pub(super) static ADDSLOTSRANGE: Command = Command {
    name: "addslotsrange",
    syntax: "start-slot end-slot [start-slot end-slot ...]",
    summary: "Has the node own ranges of slots that nobody owns.",
    since: "7.0.0",
    complexity: "O(N) where N is the total number of the slots between the start slot and end \
                 slot arguments.",
    arity: Arity::AtLeast(4),
    flags: CHANGES,
    handler: |cx, args| {
        enabled(cx)?;
        order(cx, Order::AddSlots(&slot_ranges(args)?))
    },
    ..Command::BLANK
};

pub(super) static DELSLOTS: Command = Command {
    name: "delslots",
    syntax: "slot [slot ...]",
    summary: "Has the node believe that nobody owns these slots.",
    handler: |cx, args| {
        enabled(cx)?;
        order(cx, Order::DelSlots(&single_slots(args)?))
    },
    ..ADDSLOTS
};

pub(super) static DELSLOTSRANGE: Command = Command {
    name: "delslotsrange",
    syntax: "start-slot end-slot [start-slot end-slot ...]",
    summary: "Has the node believe that nobody owns these ranges of slots.",
    handler: |cx, args| {
        enabled(cx)?;
        order(cx, Order::DelSlots(&slot_ranges(args)?))
    },
    ..ADDSLOTSRANGE
};

pub(super) static FLUSHSLOTS: Command = Command {
    name: "flushslots",
    summary: "Has the node own no slot any longer. It must not hold any key.",
    since: "3.0.0",
    arity: Arity::Exactly(2),
    flags: CHANGES.and(Flags::ALL_KEYS),
    handler: |cx, _| {
        enabled(cx)?;
        order(cx, Order::FlushSlots)
    },
    ..Command::BLANK
};

pub(super) static SETSLOT: Command = Command {
    name: "setslot",
    syntax: "slot <IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE>",
    summary: "Says to whom a slot belongs, or that it is on its way.",
    since: "3.0.0",
    arity: Arity::AtLeast(4),
    flags: CHANGES.and(Flags::ALL_KEYS),
    handler: setslot,
    ..Command::BLANK
};

fn setslot(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    enabled(cx)?;
    if cx.engine.standing.is_replica() {
        let text = "ERR Please use SETSLOT only with masters.";
        return Err(Error::text(text));
    }
    let slot = slot(args.bytes()?)?;
    let word = args.keyword();
    let word = word.as_ref().map_or(&b""[..], |word| word.as_bytes());
    let state = match (word, args.rest()) {
        (b"MIGRATING", &[node]) => SlotState::Migrating(node),
        (b"IMPORTING", &[node]) => SlotState::Importing(node),
        (b"NODE", &[node]) => SlotState::Node(node),
        (b"STABLE", []) => SlotState::Stable,
        _ => {
            return Err(Error::text(
                "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP",
            ));
        }
    };
    let mover = cx.engine.host.slot_mover();
    if mover.is_some_and(|mover| mover.leaving().contains(&slot)) {
        let text = format!("ERR Slot {slot} is on its way to a node already");
        return Err(Error::text(text));
    }
    let keys = cx.db.slot_len(Slot::new(slot)) as u64;
    order(cx, Order::SetSlot { slot, state, keys })
}

pub(super) static KEYSLOT: Command = Command {
    name: "keyslot",
    syntax: "key",
    summary: "Tells the slot that a key belongs to.",
    since: "3.0.0",
    complexity: "O(N) where N is the number of bytes in the key",
    arity: Arity::Exactly(3),
    flags: Flags::STALE,
    handler: |cx, args| {
        enabled(cx)?;
        let slot = Slot::of(args.bytes()?);
        Ok(cx.reply.integer(i64::from(slot.number())))
    },
    ..Command::BLANK
};

pub(super) static COUNTKEYSINSLOT: Command = Command {
    name: "countkeysinslot",
    syntax: "slot",
    summary: "Counts the keys of a slot here.",
    since: "3.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::STALE.and(Flags::WALKS),
    handler: |cx, args| {
        enabled(cx)?;
        let slot = known(args.integer()?).ok_or(Error::text("ERR Invalid slot"))?;
        let keys = cx.db.slot_len(slot);
        Ok(cx.reply.count(keys))
    },
    ..Command::BLANK
};

pub(super) static GETKEYSINSLOT: Command = Command {
    name: "getkeysinslot",
    syntax: "slot count",
    summary: "Lists keys of a slot here.",
    since: "3.0.0",
    complexity: "O(N) where N is the number of requested keys",
    arity: Arity::Exactly(4),
    flags: Flags::STALE.and(Flags::WALKS),
    handler: getkeysinslot,
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

fn getkeysinslot(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    enabled(cx)?;
    let (slot, max) = (args.integer()?, args.integer()?);
    let (Some(slot), Ok(max)) = (known(slot), usize::try_from(max)) else {
        return Err(Error::text("ERR Invalid slot or number of keys"));
    };
    let keys = cx.db.slot_keys(slot, max);
    Ok(cx.reply.bulks(keys.iter()))
}

/// A slot by its number, if there is one.
fn known(number: i64) -> Option<Slot> {
    let number = u16::try_from(number).ok()?;
    (number < ::cluster::SLOTS).then(|| Slot::new(number))
}
