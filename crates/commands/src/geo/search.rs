//! Members around a place.

use std::cmp::Ordering;

use datatypes::sorted_set::Place as Bound;
use datatypes::{SortedSet, Text};
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Key;
use stdx::float;

use super::area::Shape;
use super::cell::Place;
use super::{place, reply_distance, reply_place, unit};
use crate::event;
use crate::sorted_set::limits;

/// How an area is found, in both commands.
const COMPLEXITY: &str = "O(N+log(M)) where N is the number of members in the cells that cover the \
                          area and M how many are in it";

pub(super) static GEOSEARCH: Command = Command {
    name: "geosearch",
    syntax: "key <FROMMEMBER member | FROMLONLAT longitude latitude> \
             <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> \
             [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
    summary: "Returns the members within a circle or a box around a place or a member.",
    since: "6.2.0",
    complexity: COMPLEXITY,
    arity: Arity::AtLeast(7),
    flags: Flags::READONLY,
    acl: Acl::GEO,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: geosearch,
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    ..Command::BLANK
};

fn geosearch(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let source = args.key()?;
    let query = stated(cx, &source, args, false)?;
    let found = query.run(cx, &source)?;
    Ok(query.reply(&mut cx.reply, &found))
}

pub(super) static GEOSEARCHSTORE: Command = Command {
    name: "geosearchstore",
    syntax: "destination source <FROMMEMBER member | FROMLONLAT longitude latitude> \
             <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> \
             [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
    summary: "Stores the members within a circle or a box around a place or a member under a key.",
    since: "6.2.0",
    complexity: COMPLEXITY,
    arity: Arity::AtLeast(8),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::GEO,
    keys: &[
        KeySpec::at(1, Access::OW.and(Access::UPDATE)),
        KeySpec::at(2, Access::RO.and(Access::ACCESS)),
    ],
    handler: geosearchstore,
    history: &[("7.0.0", "Added support for uppercase unit names.")],
    ..Command::BLANK
};

fn geosearchstore(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (target, source) = (args.key()?, args.key()?);
    let query = stated(cx, &source, args, true)?;
    let found = query.run(cx, &source)?;
    Ok(query.store(cx, &target, &found, event::GEOSEARCHSTORE))
}

/// Reads what GEOSEARCH and GEOSEARCHSTORE are asked for.
fn stated(
    cx: &mut Context<'_>,
    source: &Key<'_>,
    args: &mut Args<'_>,
    stores: bool,
) -> Result<Query, Error> {
    check_kind(cx, source)?;
    let (mut middle, mut area) = (None, None);
    let mut options = Options::default();
    while let Some(word) = args.keyword() {
        match (word.as_bytes(), middle, area) {
            (b"FROMMEMBER", None | Some((From::Member, _)), _) if !args.is_empty() => {
                let place = place_of_member(cx, source, args.bytes()?)?;
                middle = Some((From::Member, place));
            }
            (b"FROMLONLAT", None | Some((From::Place, _)), _) if args.len() >= 2 => {
                middle = Some((From::Place, Some(place(args)?)));
            }
            (b"BYRADIUS", _, None | Some((Shape::Circle { .. }, _))) if args.len() >= 2 => {
                area = Some(circle(args)?);
            }
            (b"BYBOX", _, None | Some((Shape::Box { .. }, _))) if args.len() >= 3 => {
                area = Some(rectangle(args)?);
            }
            (b"STOREDIST", ..) if stores => options.store_distance = true,
            (word, ..) => options.take(word, args)?,
        }
    }
    if stores && options.returns.any() {
        return Err(Error::text(
            "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
        ));
    }
    // The command as the client wrote it.
    let name = String::from_utf8_lossy(args.words()[0]);
    let lacking = |what: &str| Error::text(format!("ERR exactly one of {what} for {name}"));
    let (_, middle) = middle.ok_or_else(|| lacking("FROMMEMBER or FROMLONLAT can be specified"))?;
    let area = area.ok_or_else(|| lacking("BYRADIUS and BYBOX can be specified"))?;
    options.query(middle, area)
}

/// What the middle of an area is given as.
#[derive(Clone, Copy)]
pub(super) enum From {
    Place,
    Member,
}

/// Looks the key up, before anything else is read. Fails if it holds something else than a sorted
/// set.
pub(super) fn check_kind(cx: &mut Context<'_>, key: &Key<'_>) -> Result<(), Error> {
    cx.view(key, |_: &SortedSet, _| ())?;
    Ok(())
}

/// The place of a member; `None` if the key holds nothing.
pub(super) fn place_of_member(
    cx: &mut Context<'_>,
    key: &Key<'_>,
    member: &[u8],
) -> Result<Option<Place>, Error> {
    let score = cx.db.view(key, |set: &SortedSet| set.score(member))?;
    match score {
        None => Ok(None),
        Some(Some(score)) => Ok(Some(Place::of_score(score))),
        Some(None) => Err(Error::text("ERR could not decode requested zset member")),
    }
}

/// A shape in meters, and the meters of the unit that it was given in.
pub(super) type Area = (Shape, f64);

pub(super) fn circle(args: &mut Args<'_>) -> Result<Area, Error> {
    let radius = length(args, "ERR need numeric radius")?;
    if radius < 0.0 {
        return Err(Error::text("ERR radius cannot be negative"));
    }
    let meters = unit(args)?;
    let radius = radius * meters;
    Ok((Shape::Circle { radius }, meters))
}

fn rectangle(args: &mut Args<'_>) -> Result<Area, Error> {
    let width = length(args, "ERR need numeric width")?;
    let height = length(args, "ERR need numeric height")?;
    if width < 0.0 || height < 0.0 {
        return Err(Error::text("ERR height or width cannot be negative"));
    }
    let meters = unit(args)?;
    let (width, height) = (width * meters, height * meters);
    Ok((Shape::Box { width, height }, meters))
}

fn length(args: &mut Args<'_>, error: &'static str) -> Result<f64, Error> {
    float::parse(args.bytes()?).ok_or(Error::text(error))
}

/// The options that all searches have.
#[derive(Default)]
pub(super) struct Options {
    order: Option<Order>,
    count: Option<usize>,
    any: bool,
    pub returns: Returns,
    pub store_distance: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    NearestFirst,
    FarthestFirst,
}

/// What is returned of a member beside itself.
#[derive(Clone, Copy, Default)]
pub(super) struct Returns {
    distance: bool,
    hash: bool,
    place: bool,
}

impl Returns {
    pub fn any(self) -> bool {
        self.distance || self.hash || self.place
    }
}

impl Options {
    /// Takes an option that was just read.
    pub fn take(&mut self, word: &[u8], args: &mut Args<'_>) -> Result<(), Error> {
        match word {
            b"ASC" => self.order = Some(Order::NearestFirst),
            b"DESC" => self.order = Some(Order::FarthestFirst),
            b"ANY" => self.any = true,
            b"WITHCOORD" => self.returns.place = true,
            b"WITHDIST" => self.returns.distance = true,
            b"WITHHASH" => self.returns.hash = true,
            b"COUNT" if !args.is_empty() => {
                let none = Error::text("ERR COUNT must be > 0");
                let count = args.integer_within(1, i64::MAX, none)?;
                self.count = Some(usize::try_from(count).unwrap_or(usize::MAX));
            }
            _ => return Err(Error::Syntax),
        }
        Ok(())
    }

    pub fn query(self, middle: Option<Place>, (shape, unit): Area) -> Result<Query, Error> {
        if self.any && self.count.is_none() {
            return Err(Error::text("ERR the ANY argument requires COUNT argument"));
        }
        // Without ANY those counted are the nearest.
        let nearest = self.count.is_some() && !self.any;
        Ok(Query {
            middle,
            shape,
            unit,
            order: self.order.or(nearest.then_some(Order::NearestFirst)),
            count: self.count,
            any: self.any,
            returns: self.returns,
            store_distance: self.store_distance,
        })
    }
}

/// A search.
pub(super) struct Query {
    /// Nothing if the key that has the member holds nothing.
    middle: Option<Place>,
    shape: Shape,
    /// In meters.
    unit: f64,
    order: Option<Order>,
    count: Option<usize>,
    any: bool,
    returns: Returns,
    store_distance: bool,
}

/// A member that was found.
pub(super) struct Found {
    member: Vec<u8>,
    score: f64,
    /// In meters.
    distance: f64,
}

impl Query {
    pub fn run(&self, cx: &mut Context<'_>, source: &Key<'_>) -> Result<Vec<Found>, Error> {
        let found = cx.db.view(source, |set: &SortedSet| match self.middle {
            Some(middle) => self.search(set, middle),
            None => Vec::new(),
        })?;
        let mut found = found.unwrap_or_default();
        let nearer = |a: &Found, b: &Found| a.distance.partial_cmp(&b.distance);
        let nearer = |a: &Found, b: &Found| nearer(a, b).unwrap_or(Ordering::Equal);
        match self.order {
            Some(Order::NearestFirst) => found.sort_by(nearer),
            Some(Order::FarthestFirst) => found.sort_by(|a, b| nearer(b, a)),
            None => {}
        }
        found.truncate(self.count.unwrap_or(usize::MAX));
        Ok(found)
    }

    fn search(&self, set: &SortedSet, middle: Place) -> Vec<Found> {
        let enough = match self.any {
            true => self.count.unwrap_or(usize::MAX),
            false => usize::MAX,
        };
        let mut found = Vec::new();
        for cell in self.shape.cells(middle) {
            let scores = cell.scores();
            let start = set.rank_of(Bound::BeforeScore(scores.start));
            let end = set.rank_of(Bound::BeforeScore(scores.end));
            for (member, score) in set.iter(start..end) {
                if found.len() >= enough {
                    return found;
                }
                found.extend(self.admit(middle, member, score));
            }
        }
        found
    }

    fn admit(&self, middle: Place, member: Text<'_>, score: f64) -> Option<Found> {
        let place = Place::of_score(score);
        let distance = self.shape.distance_within(middle, place)?;
        Some(Found {
            member: member.to_vec(),
            score,
            distance,
        })
    }

    pub fn reply(&self, reply: &mut Reply<'_>, found: &[Found]) -> Done {
        let Returns {
            distance,
            hash,
            place,
        } = self.returns;
        if !self.returns.any() {
            return reply.bulks(found.iter().map(|found| &found.member));
        }
        let parts = 1 + usize::from(distance) + usize::from(hash) + usize::from(place);
        let mut array = reply.array(found.len());
        for found in found {
            let mut one = array.element().array(parts);
            one.bulk(&found.member);
            if distance {
                let _distance = reply_distance(one.element(), found.distance / self.unit);
            }
            if hash {
                one.integer(found.score as i64);
            }
            if place {
                let _place = reply_place(one.element(), Place::of_score(found.score));
            }
            let _one = one.done();
        }
        array.done()
    }

    pub fn store(
        &self,
        cx: &mut Context<'_>,
        target: &Key<'_>,
        found: &[Found],
        event: Event,
    ) -> Done {
        let limits = limits(cx);
        let mut set = SortedSet::default();
        for found in found {
            let score = match self.store_distance {
                true => found.distance / self.unit,
                false => found.score,
            };
            set.put(&found.member, score, &limits);
        }
        cx.store(target, event, set);
        cx.reply.count(found.len())
    }
}
