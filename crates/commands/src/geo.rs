//! Places on the earth, kept in sorted sets. One `static` per command, its handler right below it.

use datatypes::SortedSet;
use engine::command::{Flags, KeySpec};
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use stdx::float;

use crate::sorted_set::add::{self, Conditions};
use cell::Place;

mod area;
mod cell;
mod radius;
mod search;

pub(crate) static PLACES: Family = Family {
    name: "geo",
    commands: &[
        &GEOADD,
        &GEODIST,
        &GEOHASH,
        &GEOPOS,
        &radius::GEORADIUS,
        &radius::GEORADIUSBYMEMBER,
        &radius::GEORADIUSBYMEMBER_RO,
        &radius::GEORADIUS_RO,
        &search::GEOSEARCH,
        &search::GEOSEARCHSTORE,
    ],
};

static GEOADD: Command = Command {
    name: "geoadd",
    syntax: "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
    summary: "Adds members at places to a sorted set, or moves those that are there.",
    since: "3.2.0",
    complexity: "O(log(N)) for each member, where N is the number of members of the sorted set",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::GEO,
    keys: &[KeySpec::at(1, Access::RW.and(Access::UPDATE))],
    handler: geoadd,
    history: &[("6.2.0", "Added the `CH`, `NX` and `XX` options.")],
    ..Command::BLANK
};

fn geoadd(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let options = args.rest();
    let mut conditions = Conditions::default();
    while let Some(word) = args.peek_keyword() {
        match word.as_bytes() {
            b"NX" => conditions.only_absent = true,
            b"XX" => conditions.only_present = true,
            b"CH" => conditions.count_changed = true,
            _ => break,
        }
        args.skip(1);
    }
    let options = &options[..options.len() - args.len()];
    let opposed = conditions.only_absent && conditions.only_present;
    if args.is_empty() || !args.len().is_multiple_of(3) || opposed {
        return Err(Error::Syntax);
    }
    let mut members = Vec::with_capacity(args.len() / 3);
    while !args.is_empty() {
        members.push((place(args)?.score(), args.bytes()?));
    }
    let (changed, done) = add::put_all(cx, &key, &conditions, &members)?;
    if changed > 0 {
        log(cx, key.bytes, options, &members);
    }
    Ok(done)
}

/// Logs members with scores, as peers know no places.
fn log(cx: &mut Context<'_>, key: &[u8], options: &[&[u8]], members: &[(f64, &[u8])]) {
    let mut words: Vec<Vec<u8>> = vec![b"ZADD".to_vec(), key.to_vec()];
    words.extend(options.iter().map(|option| option.to_vec()));
    for (score, member) in members {
        words.push(float::text(*score).to_vec());
        words.push(member.to_vec());
    }
    cx.effect(&words);
}

/// The next two words as a place on the map.
fn place(args: &mut Args<'_>) -> Result<Place, Error> {
    let mut coordinate = || float::parse(args.bytes()?).ok_or(Error::NotFloat);
    let (longitude, latitude) = (coordinate()?, coordinate()?);
    let place = Place {
        longitude,
        latitude,
    };
    if !place.is_on_map() {
        let message = format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}");
        return Err(Error::text(message));
    }
    Ok(place)
}

/// The meters of a unit.
fn unit(args: &mut Args<'_>) -> Result<f64, Error> {
    match args.keyword().as_ref().map(|word| word.as_bytes()) {
        Some(b"M") => Ok(1.0),
        Some(b"KM") => Ok(1000.0),
        Some(b"FT") => Ok(0.3048),
        Some(b"MI") => Ok(1609.34),
        _ => Err(Error::text(
            "ERR unsupported unit provided. please use M, KM, FT, MI",
        )),
    }
}

/// What the commands are that return something about members.
const LOOKS: Command = Command {
    since: "3.2.0",
    complexity: "O(N) where N is the number of members asked for",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    acl: Acl::GEO,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    ..Command::BLANK
};

static GEODIST: Command = Command {
    name: "geodist",
    syntax: "key member1 member2 [M | KM | FT | MI]",
    summary: "Returns how far two members are from each other.",
    complexity: "O(1)",
    arity: Arity::AtLeast(4),
    handler: geodist,
    ..LOOKS
};

fn geodist(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, a, b) = (args.key()?, args.bytes()?, args.bytes()?);
    let meters = match args.len() {
        0 => 1.0,
        1 => unit(args)?,
        _ => return Err(Error::Syntax),
    };
    let found = cx.view(&key, |set: &SortedSet, _| set.score(a).zip(set.score(b)))?;
    Ok(match found.flatten() {
        Some((a, b)) => {
            let distance = area::distance(Place::of_score(a), Place::of_score(b));
            reply_distance(&mut cx.reply, distance / meters)
        }
        None => cx.reply.null(),
    })
}

fn reply_distance(reply: &mut Reply<'_>, distance: f64) -> Done {
    reply.bulk(format!("{distance:.4}").as_bytes())
}

static GEOHASH: Command = Command {
    name: "geohash",
    syntax: "key [member ...]",
    summary: "Returns the places of members as geohashes.",
    handler: |cx, args| {
        for_each_member(cx, args, |reply, place| match place {
            Some(place) => reply.bulk(&place.text()),
            None => reply.null(),
        })
    },
    ..LOOKS
};

static GEOPOS: Command = Command {
    name: "geopos",
    syntax: "key [member ...]",
    summary: "Returns the places of members as longitudes and latitudes.",
    handler: |cx, args| {
        for_each_member(cx, args, |reply, place| match place {
            Some(place) => reply_place(reply, place),
            None => reply.null_array(),
        })
    },
    ..LOOKS
};

fn for_each_member(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    write: fn(&mut Reply<'_>, Option<Place>) -> Done,
) -> CommandResult {
    let key = args.key()?;
    let members = args.rest();
    let places = |set: Option<&SortedSet>, reply: &mut Reply<'_>| {
        let mut array = reply.array(members.len());
        for member in members {
            let score = set.and_then(|set| set.score(member));
            let _one = write(array.element(), score.map(Place::of_score));
        }
        array.done()
    };
    let found = cx.view(&key, |set: &SortedSet, reply| places(Some(set), reply))?;
    Ok(found.unwrap_or_else(|| places(None, &mut cx.reply)))
}

fn reply_place(reply: &mut Reply<'_>, place: Place) -> Done {
    let mut pair = reply.array(2);
    for coordinate in [place.longitude, place.latitude] {
        let text = format!("{coordinate:.17}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        let text = if text == "-0" { "0" } else { text };
        let _coordinate = pair.element().decimal(text.as_bytes());
    }
    pair.done()
}

#[cfg(test)]
mod tests;
