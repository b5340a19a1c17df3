//! What the node keeps, in files and in other nodes, given threads: one that syncs, one that runs
//! jobs, and at the start one per core that loads.
//!
//! ```text
//!   connections ── flush ──▶ Keeper ◀── sync ── ochre-sync
//!               ── wait ───▶        ◀── step ── ochre-jobs
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use config::{AppendFsync, Config};
use engine::Engine;
use engine::host::LogLevel;
use node::cluster::Cluster;
use node::jobs::Jobs;
use node::keeper::Keeper;
use node::load::{Alone, Batch, Batches, Crew, Problem};
use node::log_file::Lost;
use node::replication::Replication;
use node::storage::Storage;
use parking_lot::Mutex;

use crate::memory;

/// Between two syncs with `everysec`.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Between two looks at what there is to do.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Batches of a snapshot that wait for a thread, for each thread.
const WAITING_BATCHES: usize = 2;

pub struct Durability {
    pub keeper: Arc<Keeper>,
    pub replication: Arc<Replication>,
    /// The cluster that the node is one of, if it is.
    pub cluster: Option<Arc<Cluster>>,
    syncer: OnceLock<Thread>,
    /// Somebody will call for the next sync.
    is_led: AtomicBool,
    /// The next sync was called for.
    is_called: AtomicBool,
    /// A signal asked for the end, which has not begun.
    pub ending: AtomicBool,
}

impl Durability {
    pub fn new(storage: Arc<dyn Storage>, config: &Config) -> Durability {
        let process = std::process::id();
        let cluster = config.cluster.enabled.then(|| {
            let cluster = Cluster::new(Arc::clone(&storage), config, process);
            Arc::new(cluster)
        });
        let keeper = Arc::new(Keeper::new(storage, config, process));
        let replication = Arc::new(Replication::new(Arc::clone(&keeper), config));
        keeper.set_replication(&replication);
        Durability {
            keeper,
            replication,
            cluster,
            syncer: OnceLock::new(),
            is_led: AtomicBool::new(false),
            is_called: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        }
    }

    /// Starts the threads. They end with the process.
    pub fn start(self: &Arc<Durability>, engine: &Arc<Engine>) -> std::io::Result<()> {
        let (own, its_engine) = (Arc::clone(self), Arc::clone(engine));
        let syncer = spawn("ochre-sync", move || own.sync_again_and_again(&its_engine))?;
        // It is started once.
        drop(self.syncer.set(syncer));
        let (keeper, its_engine) = (Arc::clone(&self.keeper), Arc::clone(engine));
        let jobs = spawn("ochre-jobs", move || run_jobs(keeper, &its_engine))?;
        self.keeper.set_wake(move || jobs.unpark());
        Ok(())
    }

    /// Has effects up to an offset of the log be in the files before their replies leave. Returns
    /// whether the replies have to wait until [`Durability::poll_synced`] says so.
    pub fn promise(&self, engine: &Engine, up_to: u64) -> bool {
        if !self.keeper.log_file.is_on() {
            return false;
        }
        if self.keeper.waits_for_sync(engine) {
            return true;
        }
        self.keeper.flush(engine, up_to);
        false
    }

    /// Whether what ends at an offset of the log outlasts anything. `leads` is the caller's, false
    /// at first.
    ///
    /// The first to wait for a sync does not call for it at once, but when it has its next turn:
    /// by then all connections that were ready with it have had theirs, and one sync serves them
    /// all. Each that comes while a sync is under way waits for the next, which has a leader, too.
    pub fn poll_synced(
        &self,
        up_to: u64,
        cx: &Context<'_>,
        leads: &mut bool,
    ) -> Poll<Result<(), Lost>> {
        let synced = self.keeper.log_file.poll_synced(up_to, cx.waker());
        if std::mem::take(leads) {
            // Others may wait, whatever has become of this one.
            self.is_called.store(true, Ordering::Release);
            if let Some(syncer) = self.syncer.get() {
                syncer.unpark();
            }
        } else if synced.is_pending() && !self.is_led.swap(true, Ordering::AcqRel) {
            *leads = true;
            cx.waker().wake_by_ref();
        }
        synced
    }

    fn sync_again_and_again(&self, engine: &Engine) {
        let log_file = &self.keeper.log_file;
        let mut last = Instant::now();
        loop {
            let fsync = engine.config.load().persistence.append_fsync;
            let is_due = fsync != AppendFsync::Never
                && last.elapsed() >= SYNC_EVERY
                && log_file.needs_sync()
                && !self.keeper.leaves_sync(engine);
            if !is_due && !self.is_called.load(Ordering::Acquire) {
                thread::park_timeout(LOOK_EVERY);
                // Whoever was to call may be gone.
                if log_file.awaiting() == 0 {
                    continue;
                }
            }
            // Before the log is read: who sees that there is a leader is served by this sync.
            self.is_called.store(false, Ordering::Release);
            self.is_led.store(false, Ordering::Release);
            last = Instant::now();
            self.keeper.sync(engine);
            // What was postponed meanwhile.
            self.keeper.flush(engine, engine.log.offset());
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<Thread> {
    let run = move || {
        memory::count_this_thread();
        run();
    };
    let handle = thread::Builder::new().name(name.to_owned()).spawn(run)?;
    Ok(handle.thread().clone())
}

fn run_jobs(keeper: Arc<Keeper>, engine: &Engine) {
    let mut jobs = Jobs::new(keeper);
    let mut next = Instant::now();
    loop {
        if Instant::now() >= next {
            next = Instant::now() + LOOK_EVERY;
            jobs.tick(engine);
        }
        if !jobs.step(engine) {
            thread::park_timeout(next.saturating_duration_since(Instant::now()));
        }
    }
}

/// Loads a snapshot with so many threads.
pub struct Threads(pub usize);

impl Crew for Threads {
    fn load(&self, engine: &Engine, batches: &mut Batches<'_>) -> Result<(), Problem> {
        if self.0 < 2 {
            return Alone.load(engine, batches);
        }
        let (sender, receiver) = sync_channel(self.0 * WAITING_BATCHES);
        let receiver = Arc::new(Mutex::new(receiver));
        thread::scope(|scope| {
            let mut loaders = Vec::new();
            for _ in 0..self.0 {
                let receiver = Arc::clone(&receiver);
                loaders.push(scope.spawn(move || load_batches(engine, &receiver)));
            }
            // Loaders alone keep the channel open: if all fail, sending fails.
            drop(receiver);
            let scanned = loop {
                match batches.next(engine) {
                    Ok(Some(batch)) => {
                        if sender.send(batch).is_err() {
                            break Ok(());
                        }
                    }
                    Ok(None) => break Ok(()),
                    Err(problem) => break Err(problem),
                }
            };
            drop(sender);
            let loaded = loaders.into_iter().map(|loader| match loader.join() {
                Ok(loaded) => loaded,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            let loaded = loaded.fold(Ok(()), Result::and);
            // What is wrong with a value may be why the rest makes no sense.
            loaded.and(scanned)
        })
    }
}

fn load_batches(engine: &Engine, receiver: &Mutex<Receiver<Batch>>) -> Result<(), Problem> {
    memory::count_this_thread();
    loop {
        let received = receiver.lock().recv();
        match received {
            Ok(batch) => batch.load(engine)?,
            Err(_) => return Ok(()),
        }
    }
}

/// Loads what there is. The error was written to the log, and is for the standard error, too.
pub fn load(durability: &Durability, engine: &Engine, threads: usize) -> Result<(), String> {
    let started = durability.keeper.start(engine, &Threads(threads));
    started.map_err(|refusal| {
        for line in &refusal.0 {
            engine.host.log(LogLevel::Warning, line);
        }
        refusal.0.join("\n")
    })
}
