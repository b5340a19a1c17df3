//! The older names of searches, which either return what they find or store it.

use engine::command::{Begin, Find, Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Key;

use super::area::Shape;
use super::place;
use super::search::{From, Options, check_kind, circle, place_of_member};
use crate::event;

/// What all four are.
const RADIUS: Command = Command {
    complexity: "O(N+log(M)) where N is the number of members in the cells that cover the circle \
                 and M how many are in it",
    acl: Acl::GEO,
    ..Command::BLANK
};

const SOURCE: KeySpec = KeySpec::at(1, Access::RO.and(Access::ACCESS));

/// The key behind a word, searched from word `from` on.
const fn target(word: &'static str, from: i64) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword { word, from },
        find: Find::Range {
            last: 0,
            step: 1,
            limit: 0,
        },
        ..KeySpec::at(0, Access::OW.and(Access::UPDATE))
    }
}

pub(super) static GEORADIUS: Command = Command {
    name: "georadius",
    syntax: "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC] [STORE key] [STOREDIST key]",
    summary: "Returns or stores the members within a circle around a place.",
    since: "3.2.0",
    arity: Arity::AtLeast(6),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS),
    keys: &[SOURCE, target("STORE", 6), target("STOREDIST", 6)],
    handler: |cx, args| search(cx, args, From::Place, true),
    history: &[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ],
    deprecated: Some((
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    )),
    ..RADIUS
};

pub(super) static GEORADIUS_RO: Command = Command {
    name: "georadius_ro",
    syntax: "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC]",
    summary: "Returns the members within a circle around a place.",
    since: "3.2.10",
    arity: Arity::AtLeast(6),
    flags: Flags::READONLY,
    keys: &[SOURCE],
    handler: |cx, args| search(cx, args, From::Place, false),
    history: &[("6.2.0", "Added the `ANY` option for `COUNT`.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")),
    ..RADIUS
};

pub(super) static GEORADIUSBYMEMBER: Command = Command {
    name: "georadiusbymember",
    syntax: "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC] [STORE key] [STOREDIST key]",
    summary: "Returns or stores the members within a circle around a member.",
    since: "3.2.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS),
    keys: &[SOURCE, target("STORE", 5), target("STOREDIST", 5)],
    handler: |cx, args| search(cx, args, From::Member, true),
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    deprecated: Some((
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    )),
    ..RADIUS
};

pub(super) static GEORADIUSBYMEMBER_RO: Command = Command {
    name: "georadiusbymember_ro",
    syntax: "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] \
             [COUNT count [ANY]] [ASC | DESC]",
    summary: "Returns the members within a circle around a member.",
    since: "3.2.10",
    arity: Arity::AtLeast(5),
    flags: Flags::READONLY,
    keys: &[SOURCE],
    handler: |cx, args| search(cx, args, From::Member, false),
    deprecated: Some((
        "6.2.0",
        "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    )),
    ..RADIUS
};

fn search(cx: &mut Context<'_>, args: &mut Args<'_>, from: From, may_store: bool) -> CommandResult {
    let source = args.key()?;
    check_kind(cx, &source)?;
    let middle = match from {
        From::Place => Some(place(args)?),
        From::Member => place_of_member(cx, &source, args.bytes()?)?,
    };
    let area = match middle {
        Some(_) => circle(args)?,
        // Around a member of nothing there is nothing, whatever the radius.
        None => {
            args.skip(2);
            (Shape::Circle { radius: 0.0 }, 1.0)
        }
    };
    let mut options = Options::default();
    // Of each of these words, the first tells which key is locked.
    let (mut stored, mut distances_stored) = (false, false);
    let mut target: Option<Key<'_>> = None;
    while let Some(word) = args.keyword() {
        match word.as_bytes() {
            b"STORE" if may_store && !args.is_empty() && !stored => {
                target = Some(args.key_of_option()?);
                (stored, options.store_distance) = (true, false);
            }
            b"STOREDIST" if may_store && !args.is_empty() && !distances_stored => {
                target = Some(args.key_of_option()?);
                (distances_stored, options.store_distance) = (true, true);
            }
            word => options.take(word, args)?,
        }
    }
    let returns = options.returns;
    if target.is_some() && returns.any() {
        return Err(Error::text(
            "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD \
             options",
        ));
    }
    let query = options.query(middle, area)?;
    let found = query.run(cx, &source)?;
    Ok(match target {
        Some(target) => query.store(cx, &target, &found, event::GEORADIUSSTORE),
        None => query.reply(&mut cx.reply, &found),
    })
}
