//! Bringing back what the files hold when a node starts.
//!
//! What is loaded is decided by `appendonly`: the append-only file, or the snapshot file. What a
//! process that died has left behind is removed after that, so that nothing is gone before all
//! data is there.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use config::{AppendFsync, Config};
use engine::Engine;
use engine::host::LoadFailed;
use engine::snapshot::{Form, Snapshot};
use keyspace::{DbIndex, Expire, ShardSet};
use persistence::aof::names::{is_temporary, temporary_base};
use persistence::aof::plan::{self, Found, Installed, Since};
use persistence::aof::reader::Broken;
use persistence::aof::{Action, Format, Manifest, Plan};

use crate::draft::Draft;
use crate::keeper::{Keeper, notice, warning};
use crate::load::{self, Crew, Problem, Source};
use crate::log_file::Increment;
use crate::rewrite::perform;
use crate::storage::{Failure, join, write_all};

/// A part of the append-only file that is being loaded.
struct Loading<'a> {
    name: &'a str,
    /// Bytes, more than none.
    size: u64,
    is_base: bool,
    /// Whether nothing is written behind it: only there can a crash leave damage.
    is_last: bool,
}

/// Why a node does not start: what the operator reads, the remedy at its end.
#[derive(Debug)]
pub struct Refusal(pub Vec<String>);

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        let remedy = "Mend the disk or the permissions, and start again.";
        Refusal(vec![format!("Fatal error: {failure}. {remedy}")])
    }
}

impl From<plan::Refusal> for Refusal {
    fn from(refusal: plan::Refusal) -> Refusal {
        Refusal(refusal.report())
    }
}

impl Keeper {
    /// Loads what there is, and begins to keep what comes. Clients are told to wait meanwhile.
    pub fn start(&self, engine: &Engine, crew: &dyn Crew) -> Result<(), Refusal> {
        let config = engine.config.load();
        match config.persistence.append_only {
            true => self.start_with_log(engine, crew, &config)?,
            false => self.start_with_snapshot(engine, crew, &config)?,
        }
        engine.note_loaded();
        self.remove_leftovers(engine, &config)?;
        engine.persistence.end_load();
        Ok(())
    }

    fn start_with_snapshot(
        &self,
        engine: &Engine,
        crew: &dyn Crew,
        config: &Config,
    ) -> Result<(), Refusal> {
        let name = config.persistence.dbfilename.to_string();
        let size = match self.storage.size(&name) {
            Ok(size) => size,
            Err(failure) if failure.is_missing() => return Ok(()),
            Err(failure) => return Err(failure.into()),
        };
        if size == 0 {
            return Err(Refusal(vec![format!(
                "Fatal error: the snapshot file {name} is empty, which no save leaves behind. \
                 Restore it from a copy, or remove it to start without data."
            )]));
        }
        engine.persistence.begin_load(engine.now(), size);
        let began = engine.host.monotonic_nanos();
        let source = Source::new(engine, &name, self.storage.open(&name)?);
        match load::snapshot_file(engine, crew, source) {
            Ok(history) => {
                *self.saved_history.lock() = history;
                let seconds = seconds_since(engine, began);
                notice(
                    engine,
                    &format!("DB loaded from disk: {seconds:.3} seconds"),
                );
                Ok(())
            }
            Err(problem) => Err(Refusal(vec![
                format!("Error in RDB reading of {name}: {problem}"),
                format!(
                    "Fatal error loading the DB, check server logs. Can't load {name}: {problem}. \
                     Restore the file from a copy, or look at it with ochre check-rdb {name}. \
                     Terminating server after rdb file reading failure."
                ),
            ])),
        }
    }

    fn start_with_log(
        &self,
        engine: &Engine,
        crew: &dyn Crew,
        config: &Config,
    ) -> Result<(), Refusal> {
        let folder = self.names.folder().to_owned();
        self.storage.create_folder(&folder)?;
        self.lock_files(&folder)?;
        let node_files = self.storage.list("")?;
        let files = self.storage.list(&folder)?;
        let text = match files.contains(&self.names.manifest()) {
            true => Some(self.read_all(&self.names.path(&self.names.manifest()))?),
            false => None,
        };
        let found = Found {
            manifest: text.as_deref(),
            node_files: &node_files,
            files: &files,
            enabled: true,
        };
        let plan = plan::start(&self.names, &found)?;
        let manifest = self.carry_out(plan)?;
        if manifest.is_empty() {
            self.warn_of_snapshot(engine, config, &node_files);
            return self.begin_log(engine, config, manifest);
        }
        let sizes = self.load_parts(engine, crew, config, &manifest)?;
        self.continue_log(engine, manifest, sizes)
    }

    /// Two servers must not write to the same files. They may share the folder, though, with an
    /// 'appendfilename' for each.
    fn lock_files(&self, folder: &str) -> Result<(), Refusal> {
        match self.storage.lock(&self.names.path(&self.names.lock())) {
            Ok(lock) => self.set.lock().lock = Some(lock),
            Err(failure) if failure.kind() == ErrorKind::WouldBlock => {
                return Err(Refusal(vec![format!(
                    "Fatal error: another server that runs keeps its append only file in {folder}. \
                     Give this one files of its own with 'dir', 'appenddirname' or \
                     'appendfilename'."
                )]));
            }
            // Not every file system has locks.
            Err(_) => {}
        }
        Ok(())
    }

    fn read_all(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let read = self.storage.open(path)?.read_to_end(&mut bytes);
        read.map_err(|cause| Failure::new("read", path, cause))?;
        Ok(bytes)
    }

    fn carry_out(&self, plan: Plan) -> Result<Manifest, Failure> {
        for action in &plan.actions {
            perform(self.storage.as_ref(), action)?;
        }
        Ok(plan.manifest)
    }

    /// The append-only file is new: then a snapshot file is not looked at, whatever it holds.
    fn warn_of_snapshot(&self, engine: &Engine, config: &Config, node_files: &[String]) {
        let name = config.persistence.dbfilename.to_string();
        if node_files.contains(&name) {
            let line = format!(
                "{name} is there, but not loaded, for 'appendonly' is 'yes' and there is no append \
                 only file yet. To take its data over, start with 'appendonly no', and then run \
                 CONFIG SET appendonly yes."
            );
            warning(engine, &line);
        }
    }

    /// Loads all parts in their order, and returns their sizes.
    fn load_parts(
        &self,
        engine: &Engine,
        crew: &dyn Crew,
        config: &Config,
        manifest: &Manifest,
    ) -> Result<Vec<u64>, Refusal> {
        let mut sizes = Vec::new();
        for part in manifest.parts() {
            sizes.push(self.storage.size(&self.names.path(&part.name))?);
        }
        let total = sizes.iter().sum();
        engine.persistence.begin_load(engine.now(), total);
        let began = engine.host.monotonic_nanos();
        for (index, part) in manifest.parts().enumerate() {
            let part = Loading {
                name: &part.name,
                size: sizes[index],
                is_base: manifest.base() == Some(part),
                // A server that ended as it was about to turn to an increment leaves it empty.
                is_last: sizes[index + 1..].iter().all(|size| *size == 0),
            };
            // What is empty was not even begun, as the increment of a server that wrote nothing.
            if part.size > 0 {
                sizes[index] = self.load_part(engine, crew, config, &part)?;
            }
        }
        if total > 0 {
            let seconds = seconds_since(engine, began);
            let line = format!("DB loaded from append only file: {seconds:.3} seconds");
            notice(engine, &line);
        }
        Ok(sizes)
    }

    /// Loads a part, cuts off what may be cut off, and returns its size.
    fn load_part(
        &self,
        engine: &Engine,
        crew: &dyn Crew,
        config: &Config,
        part: &Loading<'_>,
    ) -> Result<u64, Refusal> {
        let name = part.name;
        let began = engine.host.monotonic_nanos();
        let source = Source::new(engine, name, self.storage.open(&self.names.path(name))?);
        let persistence = &config.persistence;
        let size = match load::log(engine, crew, source) {
            Ok(()) => part.size,
            Err(Problem::Truncated { valid }) if part.is_last && persistence.load_truncated => {
                self.cut_off_unfinished(engine, name, valid)?;
                valid
            }
            Err(Problem::Log(broken))
                if part.is_last
                    && part.size - broken.valid <= persistence.load_corrupt_tail_max.0 =>
            {
                self.cut_off_damaged(engine, name, &broken)?;
                broken.valid
            }
            Err(problem) => return Err(Refusal(vec![self.explain(part, &problem)])),
        };
        let seconds = seconds_since(engine, began);
        let kind = if part.is_base { "base" } else { "incr" };
        let line = format!("DB loaded from {kind} file {name}: {seconds:.3} seconds");
        notice(engine, &line);
        Ok(size)
    }

    /// Removes a record that was never finished, for which nobody was told `OK`.
    fn cut_off_unfinished(&self, engine: &Engine, name: &str, valid: u64) -> Result<(), Failure> {
        for line in [
            format!("!!! Warning: short read while loading the AOF file {name}!!!"),
            format!("Truncating the AOF {name} at offset {valid}"),
        ] {
            warning(engine, &line);
        }
        self.storage.truncate(&self.names.path(name), valid)?;
        let line = format!("AOF {name} loaded anyway because aof-load-truncated is enabled");
        warning(engine, &line);
        Ok(())
    }

    /// Removes a tail that is damaged, once it is kept in a file of its own: it may have been
    /// records that somebody was told of.
    fn cut_off_damaged(&self, engine: &Engine, name: &str, broken: &Broken) -> Result<(), Failure> {
        let valid = broken.valid;
        let path = self.names.path(name);
        let copy = format!("{path}.tail-{valid}");
        self.copy_tail(&path, valid, &copy)?;
        self.storage.truncate(&path, valid)?;
        let reason = format!(
            "!!! Warning: the tail of the AOF file {name} is damaged: at offset {}, {}",
            broken.offset, broken.what
        );
        let done = format!(
            "Truncating the AOF {name} at offset {valid}, as aof-load-corrupt-tail-max-size \
             allows. What was cut off is kept in {copy}"
        );
        warning(engine, &reason);
        warning(engine, &done);
        Ok(())
    }

    /// Copies what a file holds behind its first `skipped` bytes.
    fn copy_tail(&self, path: &str, skipped: u64, copy: &str) -> Result<(), Failure> {
        let read_failure = |cause| Failure::new("read", path, cause);
        let mut source = self.storage.open(path)?;
        io::copy(&mut source.by_ref().take(skipped), &mut io::sink()).map_err(read_failure)?;
        let mut tail = Vec::new();
        source.read_to_end(&mut tail).map_err(read_failure)?;
        let file = self.storage.create(copy)?;
        write_all(file.as_ref(), &tail)?;
        file.sync()?;
        self.storage.sync_folder(self.names.folder())
    }

    fn explain(&self, part: &Loading<'_>, problem: &Problem) -> String {
        let name = part.name;
        let fix = format!(
            "Make a backup of the append only file, then use ochre check-aof --fix {}",
            self.names.path(&self.names.manifest())
        );
        match problem {
            Problem::Truncated { .. } if part.is_last => format!(
                "Unexpected end of file reading the append only file {name}: {problem}. {fix}; or \
                 set 'aof-load-truncated' to 'yes', and start again."
            ),
            Problem::Truncated { .. } => format!(
                "Fatal error: the truncated file {name} is not the last of the append only file: \
                 {problem}. {fix}."
            ),
            Problem::UnknownCommand {
                offset,
                name: unknown,
            } => format!(
                "Unknown command '{}' reading the append only file {name} at offset {offset}. \
                 {fix}.",
                String::from_utf8_lossy(unknown)
            ),
            Problem::Log(broken) if part.is_last => format!(
                "Bad file format reading the append only file {name}: {problem}. {fix}; or set \
                 'aof-load-corrupt-tail-max-size' to {} or more, and start again: what is cut off \
                 is kept beside the file.",
                part.size - broken.valid
            ),
            _ => format!("Bad file format reading the append only file {name}: {problem}. {fix}."),
        }
    }

    /// Begins an append-only file that holds what there is now, which is nothing.
    fn begin_log(
        &self,
        engine: &Engine,
        config: &Config,
        manifest: Manifest,
    ) -> Result<(), Refusal> {
        let format = match config.persistence.rdb_preamble {
            true => Format::Rdb,
            false => Format::Commands,
        };
        let mut draft = Draft::begin(&self.storage, &temporary_base(self.process), false)?;
        let written = self.write_base(engine, &mut draft, format);
        if let Err(failure) = written {
            // What is left of it is removed at the next start.
            let _ = draft.abandon();
            return Err(failure.into());
        }
        let installed = Installed {
            path: draft.path(),
            format,
            since: Since::Nothing,
        };
        let manifest = self.carry_out(manifest.install_base(&self.names, installed))?;
        if let Some(base) = manifest.base() {
            let line = format!("Creating AOF base file {} on server start", base.name);
            notice(engine, &line);
        }
        self.continue_log(engine, manifest, vec![draft.size()])
    }

    fn write_base(
        &self,
        engine: &Engine,
        draft: &mut Draft,
        format: Format,
    ) -> Result<(), Failure> {
        let form = match format {
            Format::Rdb => Form::Rdb,
            Format::Commands => Form::Commands,
        };
        let mut locked = engine.keyspace.lock(ShardSet::ALL);
        let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
        let facts = self.facts(engine, true);
        let mut snapshot = Snapshot::under_locks(engine, &mut db, form, &facts);
        let mut buffer = self.time_note(engine, format).unwrap_or_default();
        loop {
            let more = self.produce_under(engine, &mut snapshot, &mut db, &mut buffer);
            draft.write(&buffer)?;
            buffer.clear();
            if !more {
                return draft.sync();
            }
        }
    }

    /// Goes on writing at the end of the last increment. `sizes` are those of all parts.
    fn continue_log(
        &self,
        engine: &Engine,
        mut manifest: Manifest,
        mut sizes: Vec<u64>,
    ) -> Result<(), Refusal> {
        let action = match manifest.increments().is_empty() {
            true => {
                manifest = self.carry_out(manifest.open_increment(&self.names))?;
                sizes.push(0);
                "Creating"
            }
            false => "Opening",
        };
        let name = manifest.increments().last().map(|part| part.name.clone());
        let name = name.unwrap_or_default();
        let size = sizes.last().copied().unwrap_or(0);
        let increment = Increment::open(self.storage.as_ref(), &self.names.path(&name), size)?;
        let increment = Arc::new(increment);
        let line = format!("{action} AOF incr file {name} on server start");
        notice(engine, &line);
        let locked = engine.keyspace.lock(ShardSet::ALL);
        self.log_file
            .switch(&engine.log, &locked, Arc::clone(&increment));
        drop(locked);
        let mut set = self.set.lock();
        (set.manifest, set.current) = (manifest, Some(increment));
        set.settled_bytes = sizes.iter().sum();
        set.bytes_at_settling = self.log_file.bytes();
        self.publish_size(engine, &set, true);
        engine.persistence.log_file.set_enabled(true);
        Ok(())
    }

    /// Removes what a process that died has left. Files of others that run are theirs.
    fn remove_leftovers(&self, engine: &Engine, config: &Config) -> Result<(), Refusal> {
        let mut actions = Vec::new();
        if config.persistence.append_only {
            let mut set = self.set.lock();
            let files = self.storage.list(self.names.folder())?;
            actions = set.manifest.leftovers(&self.names, &[], &files);
            if let Some(plan) = set.manifest.remove_history(&self.names)
                && !config.persistence.keep_history
            {
                set.manifest = self.carry_out(plan)?;
            }
        }
        for name in self.storage.list("")? {
            if is_temporary(&name) && self.storage.lock(&name).is_ok() {
                actions.push(Action::Remove(join("", &name)));
            }
        }
        for action in &actions {
            match (action, perform(self.storage.as_ref(), action)) {
                (Action::Remove(path), Ok(())) => {
                    let line = format!("Removed {path}, which an earlier server left behind");
                    notice(engine, &line);
                }
                (_, Ok(())) => {}
                // It takes space, but does no harm.
                (_, Err(failure)) => warning(engine, &failure.to_string()),
            }
        }
        Ok(())
    }

    /// Replaces all data by what the append-only file holds. No lock is held.
    pub fn reload_log(&self, engine: &Engine, crew: &dyn Crew) -> Result<(), LoadFailed> {
        self.sync_all(engine);
        let config = engine.config.load();
        let manifest = self.set.lock().manifest.clone();
        engine.persistence.begin_load(engine.now(), 0);
        engine.clear();
        let loaded = self.load_parts(engine, crew, &config, &manifest);
        engine.persistence.end_load();
        engine.note_loaded();
        loaded.map(drop).map_err(|refusal| {
            refusal.0.iter().for_each(|line| warning(engine, line));
            LoadFailed
        })
    }

    /// Whether replies wait for a sync.
    pub fn waits_for_sync(&self, engine: &Engine) -> bool {
        self.log_file.is_on()
            && engine.config.load().persistence.append_fsync == AppendFsync::Always
    }
}

fn seconds_since(engine: &Engine, began: u64) -> f64 {
    engine.host.monotonic_nanos().saturating_sub(began) as f64 / 1e9
}
