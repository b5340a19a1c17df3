//! A look into a HyperLogLog.

use datatypes::hyperloglog::{HyperLogLog, Run};
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Key;
use stdx::number;

use super::{corrupted, value_of, with_value};

pub(super) static PFDEBUG: Command = Command {
    name: "pfdebug",
    syntax: "subcommand key",
    summary: "Shows what a HyperLogLog consists of, or makes it dense.",
    since: "2.8.9",
    complexity: "N/A",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::ADMIN),
    acl: Acl::HYPERLOGLOG,
    keys: &[KeySpec::at(2, Access::RW.and(Access::ACCESS))],
    handler: pfdebug,
    ..Command::BLANK
};

fn pfdebug(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (word, key) = (args.bytes()?, args.key()?);
    look(cx, &key, |_| Ok(()))?;
    cx.db.make_raw(&key);
    match word.to_ascii_lowercase().as_slice() {
        b"getreg" => {
            densify(cx, &key)?;
            let registers = look(cx, &key, |value| value.ranks().map_err(corrupted))?;
            let mut array = cx.reply.array(registers.ranks().len());
            for rank in registers.ranks() {
                array.integer(i64::from(*rank));
            }
            Ok(array.done())
        }
        b"decode" => {
            let decoded = look(cx, &key, |value| match value.runs() {
                Some(runs) => Ok(decoded(runs)),
                None => Err(Error::text("ERR HLL encoding is not sparse")),
            })?;
            Ok(cx.reply.bulk(&decoded))
        }
        b"encoding" => {
            let name = look(cx, &key, |value| Ok(value.encoding().name()))?;
            Ok(cx.reply.simple(name))
        }
        b"todense" => {
            let changed = densify(cx, &key)?;
            Ok(cx.reply.flag(changed))
        }
        _ => Err(unknown(word)),
    }
}

fn look<R>(
    cx: &mut Context<'_>,
    key: &Key<'_>,
    look: impl FnOnce(&HyperLogLog<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let looked = cx.db.string(key, |text| look(&value_of(text)?))?;
    looked.unwrap_or_else(|| Err(Error::text("ERR The specified key does not exist")))
}

/// Makes the key's registers dense. Returns whether they were not.
fn densify(cx: &mut Context<'_>, key: &Key<'_>) -> Result<bool, Error> {
    let dense = look(cx, key, |value| {
        let mut value = value.clone();
        let changed = value.densify().map_err(corrupted)?;
        Ok(changed.then(|| value.into_bytes()))
    })?;
    let Some(dense) = dense else {
        return Ok(false);
    };
    cx.db.change(key, |entry| (with_value(entry, &dense), ()));
    cx.changed(1);
    Ok(true)
}

/// A run as `z:len`, `Z:len` if it is written as a long one, or `v:rank,len`.
fn decoded(runs: impl Iterator<Item = Run>) -> Vec<u8> {
    let mut decoded = Vec::new();
    for run in runs {
        let (letter, rank) = match run {
            Run::Empty { .. } => (b'z', None),
            Run::EmptyLong { .. } => (b'Z', None),
            Run::Ranked { rank, .. } => (b'v', Some(rank)),
        };
        if !decoded.is_empty() {
            decoded.push(b' ');
        }
        decoded.extend([letter, b':']);
        if let Some(rank) = rank {
            decoded.extend_from_slice(&number::text(i64::from(rank)));
            decoded.push(b',');
        }
        decoded.extend_from_slice(&number::text(run.registers() as i64));
    }
    decoded
}

fn unknown(word: &[u8]) -> Error {
    let shown = word.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut text = b"ERR Unknown PFDEBUG subcommand '".to_vec();
    text.extend_from_slice(shown);
    text.push(b'\'');
    Error::Bytes(text)
}
