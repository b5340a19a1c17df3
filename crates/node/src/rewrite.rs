//! Rewriting the append-only file, in steps.
//!
//! ```text
//!   open an increment ─▶ the moment ─▶ write … write ─▶ sync ─▶ install ─▶ remove history
//!                        │ switch the log to the increment,
//!                        └ and mark the snapshot, under all locks
//! ```
//!
//! Whatever happens on the way, the manifest lists a set that holds everything: the old base with
//! all increments, or the new base with the one that began at the moment.

use std::collections::VecDeque;
use std::sync::Arc;

use engine::Engine;
use engine::snapshot::{Form, Snapshot};
use persistence::aof::names::temporary_base;
use persistence::aof::plan::{Installed, Since, open_temporary_increment};
use persistence::aof::{Action, Format, Manifest, Plan};

use crate::draft::Draft;
use crate::keeper::{Keeper, notice, warning};
use crate::log_file::Increment;
use crate::storage::{Failure, Storage, remove_if_there, write_all};

/// What is logged while a base is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logging {
    /// The log is on, and goes on in a new increment.
    On,
    /// The log is being switched on: there is no increment yet.
    Begins,
    Off,
}

/// Rewrites the append-only file.
pub struct RewriteJob {
    logging: Logging,
    format: Format,
    stage: Stage,
    /// What is left to do of the stage's plan, and the manifest that holds then.
    actions: VecDeque<Action>,
    manifest: Manifest,
    increment: Option<Arc<Increment>>,
    draft: Option<Draft>,
    snapshot: Option<Snapshot>,
    buffer: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Stage {
    Open,
    Begin,
    Write,
    Sync,
    Install,
    Clean,
    Done,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    More,
    /// Somebody else takes a snapshot.
    Waits,
    Done,
}

impl RewriteJob {
    pub fn new(keeper: &Keeper, engine: &Engine, logging: Logging) -> RewriteJob {
        let mut job = RewriteJob {
            logging,
            format: match engine.config.load().persistence.rdb_preamble {
                true => Format::Rdb,
                false => Format::Commands,
            },
            stage: Stage::Open,
            actions: VecDeque::new(),
            manifest: keeper.set.lock().manifest.clone(),
            increment: None,
            draft: None,
            snapshot: None,
            buffer: Vec::new(),
        };
        match logging {
            Logging::On => job.follow(job.manifest.open_increment(&keeper.names)),
            Logging::Begins => job.actions = open_temporary_increment(&keeper.names).into(),
            Logging::Off => {}
        }
        job
    }

    /// Whether this writes the first base of a log that is being switched on.
    pub fn begins_log(&self) -> bool {
        self.logging == Logging::Begins
    }

    fn follow(&mut self, plan: Plan) {
        (self.actions, self.manifest) = (plan.actions.into(), plan.manifest);
    }

    /// Does a part of the work.
    pub fn step(&mut self, keeper: &Keeper, engine: &Engine) -> Result<Step, Failure> {
        match self.stage {
            Stage::Open | Stage::Install | Stage::Clean => match self.actions.pop_front() {
                Some(action) => self.act(keeper, engine, &action)?,
                None => self.end_stage(keeper, engine)?,
            },
            Stage::Begin => {
                if !self.begin(keeper, engine)? {
                    return Ok(Step::Waits);
                }
            }
            Stage::Write => {
                let (Some(draft), Some(snapshot)) = (&mut self.draft, &mut self.snapshot) else {
                    unreachable!("both begin with the stage");
                };
                self.buffer.clear();
                let more = keeper.produce(engine, snapshot, &mut self.buffer);
                if !more {
                    (self.snapshot, self.stage) = (None, Stage::Sync);
                }
                draft.write(&self.buffer)?;
            }
            Stage::Sync => {
                let draft = self.draft.as_mut().expect("it began with the stage before");
                draft.sync()?;
                notice(engine, "Background AOF rewrite terminated with success");
                self.plan_installation(keeper);
            }
            Stage::Done => {}
        }
        Ok(match self.stage {
            Stage::Done => Step::Done,
            _ => Step::More,
        })
    }

    fn act(&mut self, keeper: &Keeper, engine: &Engine, action: &Action) -> Result<(), Failure> {
        let performed = perform(keeper.storage.as_ref(), action);
        if self.stage != Stage::Clean {
            return performed;
        }
        match (action, performed) {
            (Action::Remove(path), Ok(())) => {
                let line = format!("Removing the history file {}", name_of(path));
                notice(engine, &line);
            }
            (_, Ok(())) => {}
            // What was replaced stays listed as history, and is tried again at the next start.
            (_, Err(failure)) => {
                warning(engine, &format!("Removing AOF history: {failure}"));
                self.actions.clear();
                self.manifest = keeper.set.lock().manifest.clone();
            }
        }
        Ok(())
    }

    /// All actions of the stage are done.
    fn end_stage(&mut self, keeper: &Keeper, engine: &Engine) -> Result<(), Failure> {
        match self.stage {
            Stage::Open => {
                self.open_increment(keeper, engine)?;
                keeper.set.lock().manifest = self.manifest.clone();
                self.stage = Stage::Begin;
            }
            Stage::Install => {
                self.note_installed(keeper, engine);
                self.stage = Stage::Done;
                let keeps_history = engine.config.load().persistence.keep_history;
                if let Some(plan) = self.manifest.remove_history(&keeper.names)
                    && !keeps_history
                {
                    self.follow(plan);
                    self.stage = Stage::Clean;
                }
            }
            _ => {
                keeper.set.lock().manifest = self.manifest.clone();
                self.stage = Stage::Done;
            }
        }
        Ok(())
    }

    fn open_increment(&mut self, keeper: &Keeper, engine: &Engine) -> Result<(), Failure> {
        let name = match (self.logging, self.manifest.increments().last()) {
            (Logging::On, Some(part)) => part.name.clone(),
            (Logging::Begins, _) => keeper.names.temporary_increment(),
            _ => return Ok(()),
        };
        let line = format!("Creating AOF incr file {name} on background rewrite");
        notice(engine, &line);
        let path = keeper.names.path(&name);
        let increment = Increment::open(keeper.storage.as_ref(), &path, 0)?;
        self.increment = Some(Arc::new(increment));
        Ok(())
    }

    /// The moment: what comes behind it is in the increment, what came before in the base. Returns
    /// false if it cannot be now.
    fn begin(&mut self, keeper: &Keeper, engine: &Engine) -> Result<bool, Failure> {
        let incremental = engine.config.load().persistence.rewrite_incremental_fsync;
        if self.draft.is_none() {
            let path = temporary_base(keeper.process);
            self.draft = Some(Draft::begin(&keeper.storage, &path, incremental)?);
        }
        let form = match self.format {
            Format::Rdb => Form::Rdb,
            Format::Commands => Form::Commands,
        };
        if self.logging == Logging::On {
            // Little is left to be synced then when the log turns to the increment.
            keeper.sync(engine);
        }
        let at_moment = |all: &keyspace::Locked<'_>| {
            if let Some(increment) = &self.increment {
                keeper
                    .log_file
                    .switch(&engine.log, all, Arc::clone(increment));
            }
        };
        self.snapshot = engine.begin_snapshot(form, &keeper.facts(engine, true), at_moment);
        if self.snapshot.is_none() {
            return Ok(false);
        }
        let mut set = keeper.set.lock();
        set.is_temporary = self.logging == Logging::Begins;
        set.current = self.increment.clone();
        self.stage = Stage::Write;
        Ok(true)
    }

    fn plan_installation(&mut self, keeper: &Keeper) {
        let draft = self.draft.as_ref().expect("it is written");
        let manifest = keeper.set.lock().manifest.clone();
        let since = match (self.logging, manifest.increments().last()) {
            (Logging::On, Some(part)) => Since::Increment(part.sequence),
            (Logging::Begins, _) => Since::Temporary,
            _ => Since::Nothing,
        };
        let installed = Installed {
            path: draft.path(),
            format: self.format,
            since,
        };
        self.follow(manifest.install_base(&keeper.names, installed));
        self.stage = Stage::Install;
    }

    fn note_installed(&mut self, keeper: &Keeper, engine: &Engine) {
        let mut set = keeper.set.lock();
        set.manifest = self.manifest.clone();
        let names = &keeper.names;
        if let (Logging::Begins, Some(part), Some(increment)) = (
            self.logging,
            self.manifest.increments().last(),
            &self.increment,
        ) {
            increment.note_rename(&names.path(&part.name));
            set.is_temporary = false;
            let line = format!(
                "Successfully renamed the temporary AOF incr file {} into {}",
                names.temporary_increment(),
                part.name
            );
            notice(engine, &line);
        }
        let base_bytes = self.draft.take().map_or(0, |draft| draft.size());
        if let Some(part) = self.manifest.base() {
            let line = format!(
                "Successfully renamed the temporary AOF base file {} into {}",
                temporary_base(keeper.process),
                part.name
            );
            notice(engine, &line);
        }
        set.settled_bytes = base_bytes;
        if let Some(increment) = &self.increment {
            keeper.log_file.heal(increment);
            set.settled_bytes += increment.size();
        }
        set.bytes_at_settling = keeper.log_file.bytes();
        keeper.publish_size(engine, &set, true);
    }

    /// Gives up. What is listed goes on being the append-only file.
    pub fn abandon(mut self, keeper: &Keeper, engine: &Engine) {
        if let Some(snapshot) = self.snapshot.take() {
            snapshot.abandon(engine);
        }
        let removed = self.draft.take().map_or(Ok(()), Draft::abandon);
        if let Err(failure) = removed {
            warning(engine, &failure.to_string());
        }
        if self.logging == Logging::Begins && self.stage < Stage::Clean {
            // A log without a base says too little.
            keeper.set.lock().is_temporary = true;
            keeper.end_log(engine);
        }
    }
}

/// Carries out a step of a plan.
pub fn perform(storage: &dyn Storage, action: &Action) -> Result<(), Failure> {
    match action {
        Action::CreateFolder(path) => storage.create_folder(path),
        Action::Create(path) => storage.create(path).map(drop),
        Action::Write { path, bytes } => {
            let file = storage.create(path)?;
            write_all(file.as_ref(), bytes)?;
            file.sync()
        }
        Action::Rename { from, to } => storage.rename(from, to),
        Action::Remove(path) => remove_if_there(storage, path),
        Action::SyncFolder(path) => storage.sync_folder(path),
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
