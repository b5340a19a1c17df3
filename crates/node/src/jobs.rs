//! The jobs in the background, as one after the other: saves and rewrites.
//!
//! [`Jobs`] belongs to one thread, which calls [`Jobs::tick`] several times a second and
//! [`Jobs::step`] as long as there is something to do. A step does a bounded part of the work, so
//! that a job can be called off at any time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::Engine;
use engine::persistence::Outcome;
use engine::snapshot::Snapshot;
use stdx::time::UnixMillis;

use crate::keeper::{Keeper, Wanted, notice, warning};
use crate::rewrite::{Logging, RewriteJob, Step};
use crate::save::SaveJob;
use crate::schedule::{Growth, SaveStanding, healing_wait_ms, rewrite_wait_minutes};

/// The jobs of one keeper.
pub struct Jobs {
    keeper: Arc<Keeper>,
    job: Option<Job>,
    /// When the last rewrite ended.
    rewrite_ended: UnixMillis,
    /// The failures in a row that a rewrite was last said to wait for.
    wait_announced: u64,
}

enum Job {
    /// A save whose moment has not come, because somebody else takes a snapshot.
    SaveWaits,
    Save {
        job: Box<SaveJob>,
        /// `None` when it is written to its end.
        snapshot: Option<Snapshot>,
    },
    Rewrite(Box<RewriteJob>),
}

impl Jobs {
    pub fn new(keeper: Arc<Keeper>) -> Jobs {
        Jobs {
            keeper,
            job: None,
            rewrite_ended: UnixMillis(0),
            wait_announced: 0,
        }
    }

    /// Looks at what there is to do. Called several times a second.
    pub fn tick(&mut self, engine: &Engine) {
        let keeper = &self.keeper;
        // Keys that expired by themselves are in the log, and nobody waits for that.
        keeper.flush(engine, engine.log.offset());
        keeper.publish(engine);
        if engine.persistence.is_loading() || !self.may_begin() {
            return;
        }
        self.end_unwanted_log(engine);
        let wants_log = engine.persistence.log_file.is_enabled();
        self.begin_what_is_due(engine, wants_log);
    }

    fn may_begin(&self) -> bool {
        !self.keeper.is_ending.load(Ordering::Acquire) && !self.keeper.is_log_paused()
    }

    /// Ends the log if it was switched off, and with it a rewrite that began before.
    fn end_unwanted_log(&mut self, engine: &Engine) {
        if engine.persistence.log_file.is_enabled() || !self.keeper.log_file.is_on() {
            return;
        }
        if let Some(Job::Rewrite(_)) = self.job {
            self.give_up(engine, Outcome::Abandoned);
        }
        self.keeper.end_log(engine);
    }

    fn begin_what_is_due(&mut self, engine: &Engine, wants_log: bool) {
        let (saves, rewrites) = (engine.persistence.saves(), engine.persistence.rewrites());
        if saves.started.is_some() || rewrites.started.is_some() {
            return;
        }
        let now = engine.now();
        let lacks_log = wants_log && !self.keeper.log_file.is_on();
        let healing_wait = healing_wait_ms(rewrites.failures_in_a_row);
        let must_heal = lacks_log || self.keeper.log_file.needs_rewrite();
        if rewrites.scheduled || must_heal && now.0 - self.rewrite_ended.0 >= healing_wait {
            self.begin_rewrite(engine);
            return;
        }
        let standing = SaveStanding {
            changes: engine.unsaved_changes(),
            last_done: saves.last_done,
            last_tried: saves.last_tried,
            last_ok: saves.last_ok,
        };
        let config = engine.config.load();
        if let Some(point) = standing.due(&config.persistence.save.0, now) {
            let (changes, seconds) = (point.changes, point.seconds);
            let line = format!("{changes} changes in {seconds} seconds. Saving...");
            notice(engine, &line);
            self.begin_to_save(engine);
        } else if wants_log && self.should_rewrite(engine, rewrites.failures_in_a_row) {
            self.begin_rewrite(engine);
        } else if saves.scheduled && standing.may_try(now) {
            self.begin_to_save(engine);
        }
    }

    // Nothing is under way, so nothing is in the way, unless a client has just asked for the same.

    fn begin_rewrite(&self, engine: &Engine) {
        let _ = self.keeper.rewrite_log(engine);
    }

    fn begin_to_save(&self, engine: &Engine) {
        let _ = self.keeper.save_in_background(engine, false);
    }

    fn should_rewrite(&mut self, engine: &Engine, failures: u64) -> bool {
        let config = engine.config.load();
        let figures = &engine.persistence.log_file;
        let growth = Growth {
            bytes: figures.bytes.load(Ordering::Relaxed),
            base_bytes: figures.base_bytes.load(Ordering::Relaxed),
        };
        let (percentage, bytes_min) = (
            config.persistence.rewrite_percentage,
            config.persistence.rewrite_size_min.0,
        );
        let Some(percent) = growth.due(percentage, bytes_min) else {
            return false;
        };
        let minutes = rewrite_wait_minutes(failures);
        if engine.now().0 - self.rewrite_ended.0 < minutes as i64 * 60_000 {
            if self.wait_announced != failures {
                self.wait_announced = failures;
                let line = format!(
                    "Background AOF rewrite has repeatedly failed and triggered the limit, will \
                     retry in {minutes} minutes"
                );
                warning(engine, &line);
            }
            return false;
        }
        let line = format!("Starting automatic rewriting of AOF on {percent}% growth");
        notice(engine, &line);
        true
    }

    /// Does a part of what there is to do, and returns whether there is more right now.
    pub fn step(&mut self, engine: &Engine) -> bool {
        if self.keeper.called_off.swap(false, Ordering::AcqRel) {
            self.give_up(engine, Outcome::Abandoned);
        }
        if self.keeper.is_to_fail.load(Ordering::Acquire) && self.may_fail() {
            self.keeper.is_to_fail.store(false, Ordering::Release);
            warning(engine, "The job in the background fails as it was asked to");
            self.give_up(engine, Outcome::Failed);
        }
        match self.job.take() {
            None => self.take_up(engine),
            Some(Job::SaveWaits) => self.begin_save(engine),
            Some(Job::Save { job, snapshot }) => self.step_save(engine, job, snapshot),
            Some(Job::Rewrite(job)) => self.step_rewrite(engine, job),
        }
    }

    /// Whether there is a job that writes, or none at all that could fail.
    fn may_fail(&self) -> bool {
        match &self.job {
            Some(Job::Save { .. }) => true,
            Some(Job::Rewrite(job)) => job.writes(),
            Some(Job::SaveWaits) => false,
            None => {
                let wanted = self.keeper.wanted.lock();
                !wanted.save && !wanted.rewrite
            }
        }
    }

    /// Takes up what was asked for.
    fn take_up(&mut self, engine: &Engine) -> bool {
        if !self.may_begin() {
            return false;
        }
        match self.keeper.take_wanted() {
            Wanted { rewrite: true, .. } => {
                // A rewrite that was asked for behind that is none of the log any more.
                self.end_unwanted_log(engine);
                let logging = match engine.persistence.log_file.is_enabled() {
                    true if self.keeper.log_file.is_on() => Logging::On,
                    true => Logging::Begins,
                    false => Logging::Off,
                };
                let job = RewriteJob::new(&self.keeper, engine, logging);
                self.job = Some(Job::Rewrite(Box::new(job)));
                true
            }
            Wanted { save: true, .. } => self.begin_save(engine),
            Wanted { .. } => false,
        }
    }

    fn begin_save(&mut self, engine: &Engine) -> bool {
        let Some(snapshot) = self.keeper.begin_snapshot(engine) else {
            self.job = Some(Job::SaveWaits);
            return false;
        };
        match self.keeper.begin_save(engine) {
            Ok(job) => {
                self.job = Some(Job::Save {
                    job: Box::new(job),
                    snapshot: Some(snapshot),
                });
                true
            }
            Err(failure) => {
                snapshot.abandon(engine);
                self.fail_save(engine, &failure)
            }
        }
    }

    fn step_save(
        &mut self,
        engine: &Engine,
        mut job: Box<SaveJob>,
        mut snapshot: Option<Snapshot>,
    ) -> bool {
        let keeper = Arc::clone(&self.keeper);
        let stepped = job.step(&mut |into| {
            let more = snapshot
                .as_mut()
                .is_some_and(|snapshot| keeper.produce(engine, snapshot, into));
            if !more {
                snapshot = None;
            }
            more
        });
        match stepped {
            Ok(true) => self.job = Some(Job::Save { job, snapshot }),
            Ok(false) => {
                notice(engine, "DB saved on disk");
                notice(engine, "Background saving terminated with success");
                engine.end_background_save(Outcome::Done);
                keeper.is_busy.store(false, Ordering::Release);
            }
            Err(failure) => {
                self.job = Some(Job::Save { job, snapshot });
                self.fail_save(engine, &failure);
            }
        }
        true
    }

    fn fail_save(&mut self, engine: &Engine, failure: &crate::storage::Failure) -> bool {
        warning(engine, &format!("Error saving DB on disk: {failure}"));
        warning(engine, "Background saving error");
        self.give_up(engine, Outcome::Failed);
        true
    }

    fn step_rewrite(&mut self, engine: &Engine, mut job: Box<RewriteJob>) -> bool {
        match job.step(&self.keeper, engine) {
            Ok(Step::Done) => {
                notice(engine, "Background AOF rewrite finished successfully");
                self.end_rewrite(engine, Outcome::Done);
            }
            Ok(step) => {
                self.job = Some(Job::Rewrite(job));
                return step == Step::More;
            }
            Err(failure) => {
                let line = format!("Error rewriting the append only file: {failure}");
                warning(engine, &line);
                warning(engine, "Background AOF rewrite terminated with error");
                self.job = Some(Job::Rewrite(job));
                self.give_up(engine, Outcome::Failed);
            }
        }
        true
    }

    fn end_rewrite(&mut self, engine: &Engine, outcome: Outcome) {
        let now = engine.now();
        engine.persistence.end_rewrite(now, outcome);
        self.rewrite_ended = now;
        self.keeper.is_busy.store(false, Ordering::Release);
        self.keeper.publish(engine);
    }

    /// Gives the job under way up.
    fn give_up(&mut self, engine: &Engine, outcome: Outcome) {
        let saves = engine.persistence.saves().started.is_some();
        let rewrites = engine.persistence.rewrites().started.is_some();
        *self.keeper.wanted.lock() = Wanted::default();
        match self.job.take() {
            Some(Job::Rewrite(job)) => job.abandon(&self.keeper, engine),
            Some(Job::Save { job, snapshot }) => {
                if let Some(snapshot) = snapshot {
                    snapshot.abandon(engine);
                }
                // It says what goes wrong.
                drop(self.keeper.give_up(engine, *job));
            }
            Some(Job::SaveWaits) | None => {}
        }
        if saves {
            engine.end_background_save(outcome);
        }
        if rewrites {
            self.end_rewrite(engine, outcome);
        }
        self.keeper.is_busy.store(false, Ordering::Release);
    }

    /// Whether a job is under way.
    pub fn is_busy(&self) -> bool {
        self.job.is_some()
    }
}
