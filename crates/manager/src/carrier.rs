//! Moves slots from node to node.
//!
//! ```text
//!   courier (one for each source)                        notary (one)
//!   target: IMPORTING, source: MIGRATING   ── slot ──▶   target: NODE, source: NODE,
//!   source: keys? MIGRATE, until there are none          then everybody else
//! ```
//!
//! Couriers of different sources work at the same time. Who owns a slot is told by the notary
//! alone, one slot after the other: the target takes a new epoch with each slot it gets, and two
//! targets that did so at once could take the same one.
//!
//! Before that, servers that can are asked to move their slots by themselves (`carrier/whole.rs`).
//!
//! A courier hands keys on by itself where it can, and has the source do so with `MIGRATE` where
//! it cannot: where marks alone let a node have keys, or keys are there already.
//!
//! Whatever passes is tried again: a node that is busy, loading or slow, a connection that broke.
//! At any point everything may end; the marks on the nodes tell how to go on.

mod courier;
mod interrupt;
mod notary;
mod relay;
mod whole;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::fleet::Fleet;
use crate::link::{Access, Trouble};
use crate::place::Place;
use crate::plan::Move;
use crate::voice::Tone;

pub use courier::bulks;
pub use whole::{await_end, under_way};

/// How moving is done.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long a node waits for another one.
    pub timeout: Duration,
    /// How many keys go at once; none is as many as take little time.
    pub batch: Option<usize>,
    /// Keys that are there already are replaced, whatever they hold.
    pub replace: bool,
    /// A slot that nobody serves is given to the node that holds its keys.
    pub repairs: bool,
    /// Only keys move; marks and owners stay as they are.
    pub keys_only: bool,
    /// Servers that can move slots by themselves do so.
    pub whole: bool,
    /// Sizes are sampled.
    pub measures: bool,
    /// How many couriers share the slots of a source. With one, slots move in their order.
    pub couriers: usize,
}

/// What happens while slots move.
#[derive(Debug)]
pub enum Event {
    /// Keys have arrived at the target. Bytes are an estimate, 0 if there is none.
    Copied {
        slot: u16,
        keys: usize,
        bytes: u64,
    },
    /// Something worth saying about a slot.
    Note {
        slot: u16,
        tone: Tone,
        text: String,
    },
    /// A slot is tried again in a moment, for this reason.
    Waiting {
        slot: u16,
        reason: String,
    },
    /// Somebody wants it to end.
    Interrupted,
    /// The slot stays where it is, as if nothing had been begun.
    CalledOff(Move),
    /// Everybody knows the slot's owner.
    Done(Move),
    Failed {
        step: Move,
        failure: Failure,
    },
}

/// Why a slot does not move.
#[derive(Debug)]
pub enum Failure {
    /// Keys of both ends differ.
    Conflict(Vec<Vec<u8>>),
    /// Keys of both ends could not be compared.
    Incomparable(Trouble),
    Trouble {
        place: Place,
        trouble: Trouble,
    },
}

/// What couriers and the notary share.
pub struct Common {
    pub places: Vec<Place>,
    pub ids: Vec<String>,
    pub primaries: Vec<usize>,
    pub access: Arc<Access>,
    pub pace: Pace,
    /// No further slot is begun.
    pub stopped: AtomicBool,
}

impl Common {
    fn new(fleet: &Fleet, pace: Pace) -> Common {
        let nodes = &fleet.view.nodes;
        Common {
            places: nodes.iter().map(crate::node::Node::place).collect(),
            ids: nodes.iter().map(|node| node.id.clone()).collect(),
            primaries: fleet.view.primaries().collect(),
            access: Arc::clone(&fleet.access),
            pace,
            stopped: AtomicBool::new(false),
        }
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || interrupt::is_pressed()
    }

    fn trouble(&self, node: usize, trouble: Trouble) -> Failure {
        let place = self.places[node].clone();
        Failure::Trouble { place, trouble }
    }
}

/// How often something is tried that may pass, and how long the waits in between grow.
pub const ATTEMPTS_MAX: u32 = 12;
const WAIT_MIN: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(4);

/// How long to wait before this attempt's successor.
pub fn back_off(attempt: u32) -> Duration {
    (WAIT_MIN * 2_u32.saturating_pow(attempt.min(16))).min(WAIT_MAX)
}

/// How many slots of one source may wait for the notary.
const UNTOLD_MAX: usize = 4;

/// How much happens before anybody looks.
const EVENTS_MAX: usize = 1024;

/// How often it is looked whether somebody wants it to end.
const GLANCE: Duration = Duration::from_millis(50);

/// Moves slots, those of each source in the order given, and tells what happens. Returns whether
/// all have moved. The first failure lets what was begun come to its end, and so does Ctrl-C, but
/// that servers which move slots by themselves are told to let them be.
pub async fn carry(fleet: &Fleet, moves: &[Move], pace: Pace, mut see: impl FnMut(Event)) -> bool {
    let common = Arc::new(Common::new(fleet, pace));
    let _heed = interrupt::Heed::new();
    let left = match pace.whole {
        true => whole::carry(&common, moves, &mut see).await,
        false => moves.to_vec(),
    };
    let told = common.is_stopped();
    let done = carry_keys(&common, &left, &mut see, told).await;
    done && !common.is_stopped()
}

/// Moves slots key by key. Whether somebody wants it to end has been told, or will be.
async fn carry_keys(
    common: &Arc<Common>,
    moves: &[Move],
    see: &mut impl FnMut(Event),
    mut told: bool,
) -> bool {
    let mut by_source: BTreeMap<usize, Vec<Move>> = BTreeMap::new();
    for step in moves {
        by_source.entry(step.source).or_default().push(*step);
    }
    let (events, mut seen) = mpsc::channel(EVENTS_MAX);
    let (slots, untold) = mpsc::channel(UNTOLD_MAX);
    for moves in by_source.into_values() {
        let queue = Arc::new(Mutex::new(moves.into_iter()));
        for _ in 0..common.pace.couriers {
            let courier = courier::Courier::new(common, &events, &slots);
            tokio::spawn(courier.run(Arc::clone(&queue)));
        }
    }
    drop(slots);
    tokio::spawn(notary::run(Arc::clone(common), untold, events));
    let mut done = 0;
    loop {
        match timeout(GLANCE, seen.recv()).await {
            Ok(Some(event)) => {
                done += usize::from(matches!(event, Event::Done(_)));
                see(event);
            }
            Ok(None) => return done == moves.len(),
            Err(_) => {}
        }
        if interrupt::is_pressed() && !told {
            told = true;
            see(Event::Interrupted);
        }
    }
}
