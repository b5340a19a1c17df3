//! Slots that servers move by themselves, all of a source's for one target at once.
//!
//! Not every server can. What is refused or comes to nothing is left where it was, for couriers.
//! If somebody wants it to end, the servers are told to let the slots be; one that has handed them
//! over before it heard of that has moved them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use resp::value::Value;
use tokio::time::sleep;

use super::{ATTEMPTS_MAX, Common, Event, back_off};
use crate::fleet::Fleet;
use crate::link::{Link, Trouble};
use crate::plan::Move;
use crate::voice::Tone;
use crate::words;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// One migration as a server tells of it.
struct Told {
    name: String,
    /// Whether the slots leave the server that tells of it.
    leaves: bool,
    target: String,
    slots: String,
    state: String,
    message: String,
}

/// Slots that a server moves, whoever told it to.
pub struct UnderWay {
    /// The node that gives them away, and the id of the one that gets them.
    pub source: usize,
    pub target: String,
    /// As the server writes them.
    pub slots: String,
    name: String,
}

impl Told {
    fn has_ended(&self) -> bool {
        ["success", "failed", "cancelled"].contains(&self.state.as_str())
    }
}

/// What one source is to give to one target.
struct Group {
    moves: Vec<Move>,
    /// How many keys each of these slots held at the beginning.
    keys: Vec<usize>,
    link: Link,
    /// Migrations that the source told of before.
    known: BTreeSet<String>,
    /// Those of them from before all ours, which somebody else has begun.
    others: BTreeSet<String>,
}

/// Has servers move what they can, and tells of it. Returns what is left.
pub async fn carry(common: &Common, moves: &[Move], see: &mut impl FnMut(Event)) -> Vec<Move> {
    let mut by_pair: BTreeMap<(usize, usize), Vec<Move>> = BTreeMap::new();
    for step in moves {
        let pair = (step.source, step.target);
        by_pair.entry(pair).or_default().push(*step);
    }
    let (mut groups, mut left) = (Vec::new(), Vec::new());
    let mut others: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for moves in by_pair.into_values() {
        let link = Link::new(common.places[moves[0].source].clone(), &common.access);
        let mut group = Group {
            moves,
            keys: Vec::new(),
            link,
            known: BTreeSet::new(),
            others: BTreeSet::new(),
        };
        match group.begin(common).await {
            Ok(()) => {
                let others = others.entry(group.moves[0].source);
                group.others = others.or_insert_with(|| group.known.clone()).clone();
                groups.push(group);
            }
            // Most servers do not know the command.
            Err(_) => left.extend(group.moves),
        }
    }
    for mut group in groups {
        match group.wait(common, see).await {
            Ok(()) => {
                for (step, keys) in group.moves.iter().zip(group.keys) {
                    let (slot, bytes) = (step.slot, 0);
                    see(Event::Copied { slot, keys, bytes });
                    see(Event::Done(*step));
                }
            }
            Err(_) if common.is_stopped() => {
                group
                    .moves
                    .into_iter()
                    .map(Event::CalledOff)
                    .for_each(&mut *see);
            }
            Err(text) => {
                let (slot, tone) = (group.moves[0].slot, Tone::Warning);
                let text = format!("not moved as a whole, so key by key: {text}");
                see(Event::Note { slot, tone, text });
                left.extend(group.moves);
            }
        }
    }
    left
}

impl Group {
    async fn begin(&mut self, common: &Common) -> Result<(), Trouble> {
        let told = self.look().await?;
        self.known = told.into_iter().map(|told| told.name).collect();
        let count = |step: &Move| words!["CLUSTER", "COUNTKEYSINSLOT", step.slot];
        let counts: Vec<_> = self.moves.iter().map(count).collect();
        let counts = self.link.ask_all(&counts).await?.into_iter();
        let number = |count| match count {
            Value::Integer(count) => usize::try_from(count).unwrap_or(0),
            _ => 0,
        };
        self.keys = counts.map(number).collect();
        let mut request = words!["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE"];
        let mut slots: Vec<u16> = self.moves.iter().map(|step| step.slot).collect();
        slots.sort_unstable();
        for run in slots.chunk_by(|a, b| a + 1 == *b) {
            request.extend(words![run[0], run[run.len() - 1]]);
        }
        request.extend(words!["NODE", common.ids[self.moves[0].target]]);
        self.link.ask(&request).await.map(drop)
    }

    /// Waits for the end. The error is what a person reads.
    async fn wait(&mut self, common: &Common, see: &mut impl FnMut(Event)) -> Result<(), String> {
        let target = &common.ids[self.moves[0].target];
        let mut attempt = 0;
        let mut called_off = false;
        loop {
            sleep(LOOK_EVERY).await;
            if common.is_stopped() && !called_off {
                called_off = true;
                see(Event::Interrupted);
                self.call_off().await;
            }
            let told = match self.look().await {
                Err(trouble) if trouble.passes() && attempt < ATTEMPTS_MAX => {
                    sleep(back_off(attempt)).await;
                    attempt += 1;
                    continue;
                }
                told => told.map_err(|trouble| trouble.to_string())?,
            };
            attempt = 0;
            let own = |told: &&Told| !self.known.contains(&told.name) && told.target == *target;
            let Some(own) = told.iter().find(own) else {
                return Err("the server knows nothing of it".to_owned());
            };
            match own.state.as_str() {
                "success" => return Ok(()),
                "failed" => return Err(own.message.clone()),
                "cancelled" => return Err("it was called off".to_owned()),
                _ => {}
            }
        }
    }

    /// Has the source let its slots be. A server only knows all moves at once, so it is told
    /// nothing if that would end somebody else's; ours is then waited for.
    async fn call_off(&mut self) {
        let Ok(told) = self.look().await else {
            return;
        };
        let mut others = told.iter().filter(|told| self.others.contains(&told.name));
        if !others.any(|told| told.leaves && !told.has_ended()) {
            // Whatever it answers, its state tells what became of it.
            drop(
                self.link
                    .ask(&words!["CLUSTER", "CANCELSLOTMIGRATIONS"])
                    .await,
            );
        }
    }

    async fn look(&mut self) -> Result<Vec<Told>, Trouble> {
        look(&mut self.link).await
    }
}

async fn look(link: &mut Link) -> Result<Vec<Told>, Trouble> {
    let rows = link.ask(&words!["CLUSTER", "GETSLOTMIGRATIONS"]).await?;
    let Value::Array(rows) = rows else {
        return Ok(Vec::new());
    };
    Ok(rows.iter().map(told).collect())
}

/// What servers are moving at this moment. Those that do not know of such moves have none.
pub async fn under_way(fleet: &mut Fleet) -> Vec<UnderWay> {
    let mut found = Vec::new();
    for source in fleet.view.primaries().collect::<Vec<_>>() {
        let told = look(&mut fleet.links[source]).await.unwrap_or_default();
        let moving = told
            .into_iter()
            .filter(|told| told.leaves && !told.has_ended());
        found.extend(moving.map(|told| UnderWay {
            source,
            target: told.target,
            slots: told.slots,
            name: told.name,
        }));
    }
    found
}

/// Waits for the end of a move. The error is what a person reads.
pub async fn await_end(fleet: &mut Fleet, moving: &UnderWay) -> Result<(), String> {
    let link = &mut fleet.links[moving.source];
    let mut attempt = 0;
    loop {
        let told = match look(link).await {
            Err(trouble) if trouble.passes() && attempt < ATTEMPTS_MAX => {
                sleep(back_off(attempt)).await;
                attempt += 1;
                continue;
            }
            told => told.map_err(|trouble| trouble.to_string())?,
        };
        attempt = 0;
        let Some(told) = told.iter().find(|told| told.name == moving.name) else {
            return Err("the server has forgotten it".to_owned());
        };
        match told.state.as_str() {
            "success" => return Ok(()),
            "failed" => return Err(told.message.clone()),
            "cancelled" => return Err("it was called off".to_owned()),
            _ => sleep(LOOK_EVERY).await,
        }
    }
}

fn told(row: &Value) -> Told {
    let fields = match row {
        Value::Array(fields) => fields.as_slice(),
        _ => &[],
    };
    let field = |name: &str| {
        let mut pairs = fields.chunks_exact(2);
        let found = pairs.find(|pair| matches!(&pair[0], Value::Bulk(it) if it == name.as_bytes()));
        match found.map(|pair| &pair[1]) {
            Some(Value::Bulk(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        }
    };
    Told {
        name: field("name"),
        leaves: field("operation") == "EXPORT",
        target: field("target_node"),
        slots: field("slot_ranges"),
        state: field("state"),
        message: field("message"),
    }
}
