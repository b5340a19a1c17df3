//! Slots that servers move by themselves, all of a source's for one target at once.
//!
//! Not every server can. What is refused or comes to nothing is left where it was, for couriers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use resp::value::Value;
use tokio::time::sleep;

use super::{ATTEMPTS_MAX, Common, Event, back_off};
use crate::link::{Link, Trouble};
use crate::plan::Move;
use crate::voice::Tone;
use crate::words;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// One migration as a server tells of it.
struct Told {
    name: String,
    target: String,
    state: String,
    message: String,
}

/// What one source is to give to one target.
struct Group {
    moves: Vec<Move>,
    link: Link,
    /// Migrations that the source told of before.
    known: BTreeSet<String>,
}

/// Has servers move what they can, and tells of it. Returns what is left.
pub async fn carry(common: &Common, moves: &[Move], see: &mut impl FnMut(Event)) -> Vec<Move> {
    let mut by_pair: BTreeMap<(usize, usize), Vec<Move>> = BTreeMap::new();
    for step in moves {
        let pair = (step.source, step.target);
        by_pair.entry(pair).or_default().push(*step);
    }
    let (mut groups, mut left) = (Vec::new(), Vec::new());
    for moves in by_pair.into_values() {
        let link = Link::new(common.places[moves[0].source].clone(), &common.access);
        let mut group = Group {
            moves,
            link,
            known: BTreeSet::new(),
        };
        match group.begin(common).await {
            Ok(()) => groups.push(group),
            // Most servers do not know the command.
            Err(_) => left.extend(group.moves),
        }
    }
    for mut group in groups {
        match group.wait(common).await {
            Ok(()) => group.moves.into_iter().map(Event::Done).for_each(&mut *see),
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
    async fn wait(&mut self, common: &Common) -> Result<(), String> {
        let target = &common.ids[self.moves[0].target];
        let mut attempt = 0;
        loop {
            sleep(LOOK_EVERY).await;
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

    async fn look(&mut self) -> Result<Vec<Told>, Trouble> {
        let rows = self
            .link
            .ask(&words!["CLUSTER", "GETSLOTMIGRATIONS"])
            .await?;
        let Value::Array(rows) = rows else {
            return Ok(Vec::new());
        };
        Ok(rows.iter().map(told).collect())
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
        target: field("target_node"),
        state: field("state"),
        message: field("message"),
    }
}
