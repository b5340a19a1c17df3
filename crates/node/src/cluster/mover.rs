//! Migrations of whole slots: those that leave this node, those that come, and those of late.
//!
//! ```text
//!   CLUSTER MIGRATESLOTS ─▶ Mover ─▶ Shell: a thread each ─▶ Export::run
//!   CLUSTER SYNCSLOTS    ─▶ Mover ─▶ the engine, keys of hidden slots
//!                             └─ a hidden slot that no migration needs ─▶ deleted, then shown
//! ```
//!
//! Its lock is the innermost: nothing else is taken under it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ::cluster::migration::{Export, Import, Stage};
use ::cluster::{NodeId, Refused, SlotSet};
use engine::cluster::Importer;
use engine::host::{LogLevel, SlotImport, SlotMove, SlotMoveRow};
use engine::{Engine, Worker};
use parking_lot::Mutex;
use stdx::prng::Prng;

use super::now_ms;

/// So many migrations that are over are remembered.
const REMEMBERED: usize = 32;

/// All migrations that this node knows of.
#[derive(Default)]
pub(super) struct Mover(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    exports: Vec<Arc<Job>>,
    imports: BTreeMap<String, Incoming>,
    /// The latest last.
    over: VecDeque<SlotMoveRow>,
    /// Slots that were on their way here.
    doomed: Vec<u16>,
    prng: Option<[Prng; 2]>,
}

/// Slots that leave.
pub struct Job {
    pub(super) name: String,
    pub(super) slots: SlotSet,
    pub(super) to: NodeId,
    pub(super) state: Mutex<JobState>,
}

pub(super) struct JobState {
    pub export: Export,
    pub row: SlotMoveRow,
}

/// Slots that come.
struct Incoming {
    import: Import,
    about: SlotImport,
    /// Nothing while it is at work.
    importer: Option<Importer>,
    /// It is over as soon as nobody is at work.
    is_dropped: bool,
    row: SlotMoveRow,
}

impl Job {
    /// Looks at the machine, and has operators see what it says.
    pub(super) fn with<R>(&self, engine: &Engine, look: impl FnOnce(&mut Export) -> R) -> R {
        let mut state = self.state.lock();
        let before = state.export.stage();
        let result = look(&mut state.export);
        if state.export.stage() != before {
            state.row.updated = seconds(engine);
            state.row.state = told(state.export.stage());
            state.row.message = state.export.message().to_owned();
        }
        result
    }
}

/// What operators are told of a stage.
fn told(stage: Stage) -> &'static str {
    match stage {
        Stage::Connecting => "connecting",
        Stage::Copying => "snapshotting",
        Stage::Following => "streaming",
        Stage::Holding | Stage::Draining => "paused",
        Stage::Taking | Stage::Asking | Stage::Giving => "handing-over",
        Stage::RollingBack => "rolling-back",
        Stage::Success => "success",
        Stage::Failed => "failed",
        Stage::Cancelled => "cancelled",
    }
}

fn seconds(engine: &Engine) -> i64 {
    engine.now().0 / 1000
}

impl Mover {
    /// `seeds` are random.
    pub fn seed(&self, seeds: [u64; 2]) {
        self.0.lock().prng = Some(seeds.map(Prng::new));
    }

    /// Notes migrations that begin, and returns their jobs.
    pub fn begin(&self, engine: &Engine, me: NodeId, moves: Vec<SlotMove>) -> Vec<Arc<Job>> {
        let inner = &mut *self.0.lock();
        let prng = inner.prng.get_or_insert_with(|| [1, 2].map(Prng::new));
        let mut begun = Vec::new();
        for SlotMove { slots, to } in moves {
            let name = NodeId::draw(prng).to_string();
            let row = row(engine, &name, &slots, (me, to));
            let export = Export::new(now_ms(engine));
            let state = Mutex::new(JobState { export, row });
            begun.push(Arc::new(Job {
                name,
                slots,
                to,
                state,
            }));
        }
        inner.exports.extend(begun.iter().cloned());
        begun
    }

    /// A job is over.
    pub fn end(&self, job: &Arc<Job>) {
        let mut inner = self.0.lock();
        inner.exports.retain(|other| !Arc::ptr_eq(other, job));
        let row = job.state.lock().row.clone();
        inner.remember(row);
    }

    /// The slots that leave.
    pub fn leaving(&self) -> BTreeSet<u16> {
        let inner = self.0.lock();
        let slots = inner.exports.iter().flat_map(|job| job.slots.iter());
        slots.collect()
    }

    pub fn cancel(&self, engine: &Engine) {
        let jobs = self.0.lock().exports.clone();
        for job in jobs {
            job.with(engine, |export| export.cancel());
        }
    }

    pub fn rows(&self) -> Vec<SlotMoveRow> {
        let inner = self.0.lock();
        let leaving = inner.exports.iter().map(|job| job.state.lock().row.clone());
        let coming = inner.imports.values().map(|incoming| incoming.row.clone());
        let over = inner.over.iter().rev().cloned();
        leaving.chain(coming).chain(over).collect()
    }
}

/// The target's side.
impl Mover {
    pub fn begin_import(
        &self,
        engine: &Engine,
        me: NodeId,
        name: &str,
        about: SlotImport,
    ) -> Result<(), Refused> {
        let inner = &mut *self.0.lock();
        if inner.imports.contains_key(name) {
            return Err(refused("There is a migration of this name"));
        }
        let mut row = row(engine, name, &about.slots, (about.from, me));
        (row.is_import, row.state) = (true, "receiving");
        let incoming = Incoming {
            import: Import::new(now_ms(engine)),
            importer: Some(Importer::new(engine)),
            about,
            is_dropped: false,
            row,
        };
        inner.imports.insert(name.to_owned(), incoming);
        Ok(())
    }

    pub fn receive(
        &self,
        engine: &Engine,
        worker: &mut Worker,
        name: &str,
        commands: &[u8],
    ) -> Result<(), Refused> {
        let (mut importer, slots) = {
            let mut inner = self.0.lock();
            let incoming = inner.imports.get_mut(name).ok_or_else(unknown)?;
            if incoming.is_dropped {
                return Err(unknown());
            }
            let importer = incoming.importer.take();
            let importer = importer.ok_or_else(|| refused("The migration is busy"))?;
            (importer, incoming.about.slots.clone())
        };
        let applied = importer.apply(engine, worker, &slots, commands);
        let mut inner = self.0.lock();
        let incoming = inner.imports.get_mut(name);
        let incoming = incoming.expect("who is at work is not removed");
        incoming.importer = Some(importer);
        incoming.import.note_received(now_ms(engine));
        incoming.row.acknowledged = seconds(engine);
        if applied.is_ok() && !incoming.is_dropped {
            return Ok(());
        }
        inner.forget(engine, name, "What the source has sent cannot be applied");
        Err(refused("What was sent cannot be applied"))
    }

    /// Ends a migration that can be taken now.
    pub fn finish(&self, engine: &Engine, name: &str) -> Result<SlotImport, Refused> {
        let mut inner = self.0.lock();
        let incoming = inner.imports.get(name).ok_or_else(unknown)?;
        let is_idle = incoming.importer.is_some() && !incoming.is_dropped;
        if !is_idle || !incoming.import.may_take(now_ms(engine)) {
            inner.forget(engine, name, "The source asked too late");
            return Err(refused("It is too late to take the slots"));
        }
        let incoming = inner.imports.get_mut(name).ok_or_else(unknown)?;
        incoming.is_dropped = true;
        Ok(incoming.about.clone())
    }

    /// What became of a migration that was finished.
    pub fn note_taken(&self, engine: &Engine, name: &str, why: Option<&str>) {
        let mut inner = self.0.lock();
        let Some(mut incoming) = inner.imports.remove(name) else {
            return;
        };
        incoming.row.updated = seconds(engine);
        incoming.row.state = if why.is_some() { "failed" } else { "success" };
        incoming.row.message = why.unwrap_or_default().to_owned();
        if why.is_some() {
            inner.doomed.extend(incoming.about.slots.iter());
        }
        inner.remember(incoming.row);
    }

    pub fn drop_import(&self, engine: &Engine, name: &str, why: &str) {
        self.0.lock().forget(engine, name, why);
    }

    /// Drops the migrations of sources that are not heard any more. Returns whether there is
    /// anything to be deleted because of it.
    pub fn drop_forsaken(&self, engine: &Engine) -> bool {
        let mut inner = self.0.lock();
        if inner.imports.is_empty() {
            return false;
        }
        let now_ms = now_ms(engine);
        let is_gone = |incoming: &Incoming| {
            incoming.import.is_forsaken(now_ms) && incoming.importer.is_some()
        };
        let gone = inner.imports.iter().filter(|(_, it)| is_gone(it));
        let gone: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
        for name in &gone {
            let line = format!("The source of the slot migration {name} is not heard any more");
            engine.host.log(LogLevel::Warning, &line);
            inner.forget(engine, name, "The source is not heard any more");
        }
        !gone.is_empty()
    }

    /// Whether a slot is on its way here. Locks of the keyspace may be held.
    pub fn is_coming(&self, slot: u16) -> bool {
        let inner = self.0.lock();
        let mut imports = inner.imports.values();
        imports.any(|incoming| incoming.about.slots.contains(slot))
    }

    /// The slots of migrations that came to nothing: their keys are to go.
    pub fn take_doomed(&self) -> Vec<u16> {
        std::mem::take(&mut self.0.lock().doomed)
    }
}

impl Inner {
    fn remember(&mut self, row: SlotMoveRow) {
        if self.over.len() == REMEMBERED {
            self.over.pop_front();
        }
        self.over.push_back(row);
    }

    /// Ends a migration that comes to nothing; as soon as nobody is at work for it.
    fn forget(&mut self, engine: &Engine, name: &str, why: &str) {
        let Some(incoming) = self.imports.get_mut(name) else {
            return;
        };
        incoming.is_dropped = true;
        if incoming.importer.is_none() {
            return;
        }
        if let Some(mut incoming) = self.imports.remove(name) {
            incoming.row.updated = seconds(engine);
            incoming.row.state = "failed";
            incoming.row.message = why.to_owned();
            self.doomed.extend(incoming.about.slots.iter());
            self.remember(incoming.row);
        }
    }
}

fn row(
    engine: &Engine,
    name: &str,
    slots: &SlotSet,
    (source, target): (NodeId, NodeId),
) -> SlotMoveRow {
    let now = seconds(engine);
    SlotMoveRow {
        name: name.to_owned(),
        is_import: false,
        slots: slots.clone(),
        target,
        source,
        created: now,
        updated: now,
        acknowledged: now,
        state: told(Stage::Connecting),
        message: String::new(),
        unsent: 0,
    }
}

fn refused(why: &str) -> Refused {
    Refused(format!("ERR {why}"))
}

fn unknown() -> Refused {
    refused("There is no migration of this name")
}
