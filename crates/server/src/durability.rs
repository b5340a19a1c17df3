//! What the node keeps, in files and in other nodes, given threads: one that syncs, one that runs
//! jobs, and at the start one per core that loads.
//!
//! ```text
//!   connections ── flush, or sync ──▶ Keeper ◀── sync ── ochre-sync
//!               ── wait ────────────▶        ◀── step ── ochre-jobs
//! ```
//!
//! With `always` one of the connections that wait for a sync leads it. If syncs are quick and
//! nobody is served who does not wait for them, it syncs on its worker, if that is not the only
//! one: a thread woken for that, and a worker woken by each request that comes meanwhile, cost more
//! than the sync. Otherwise it calls the thread, so that no worker waits for a slow disk, and no
//! reader for writers.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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

use crate::worker::wake_behind_others;
use crate::{governor, memory};

/// Between two syncs with `everysec`.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Between two looks at what there is to do.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Batches of a snapshot that wait for a thread, for each thread.
const WAITING_BATCHES: usize = 2;

/// A sync this quick may be waited for by a worker.
const QUICK_SYNC_MAX: Duration = Duration::from_micros(500);

/// After somebody was served who did not have to wait for a sync, so many are left to the thread.
const SYNCS_ASIDE: u32 = 100;

/// A leader looks at the sockets so many times for others who will wait for the sync.
const LOOKS_MAX: u32 = 16;

pub struct Durability {
    pub keeper: Arc<Keeper>,
    pub replication: Arc<Replication>,
    /// The cluster that the node is one of, if it is.
    pub cluster: Option<Arc<Cluster>>,
    /// One worker may wait for the disk, for there is another.
    is_staffed: bool,
    syncer: OnceLock<Thread>,
    /// Somebody sees to the next sync.
    is_led: AtomicBool,
    /// The thread was called for the next sync.
    is_called: AtomicBool,
    /// The last sync was quick.
    is_quick: AtomicBool,
    /// How many syncs are left to the thread, lest others than writers wait for them.
    aside: AtomicU32,
    /// A signal asked for the end, which has not begun.
    pub ending: AtomicBool,
}

/// What the connection knows that others count on to have a sync made.
#[derive(Default)]
pub struct Lead {
    /// How many waited when it last looked, and how often it has looked.
    awaiting: usize,
    looks: u32,
}

impl Durability {
    /// `workers` threads serve the connections; one alone is never left to wait for the disk.
    pub fn new(storage: Arc<dyn Storage>, config: &Config, workers: usize) -> Durability {
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
            is_staffed: workers > 1,
            syncer: OnceLock::new(),
            is_led: AtomicBool::new(false),
            is_called: AtomicBool::new(false),
            is_quick: AtomicBool::new(false),
            aside: AtomicU32::new(0),
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

    /// Somebody was served who does not wait for a sync.
    #[inline]
    pub fn note_other(&self) {
        // It is written to only when there are syncs.
        if self.aside.load(Ordering::Relaxed) < SYNCS_ASIDE {
            self.aside.store(SYNCS_ASIDE, Ordering::Relaxed);
        }
    }

    /// Whether what ends at an offset of the log outlasts anything. `lead` is the caller's, nothing
    /// at first; who is gone with it gives it to [`Durability::resign`].
    ///
    /// The first to wait for a sync leads it. It does not see to it at once, but when the sockets
    /// bring nobody else: one sync serves all who have come by then.
    pub fn poll_synced(
        &self,
        engine: &Engine,
        up_to: u64,
        cx: &mut Context<'_>,
        lead: &mut Option<Lead>,
    ) -> Poll<Result<(), Lost>> {
        let log_file = &self.keeper.log_file;
        if let Some(mut own) = lead.take() {
            if self.gathers(&mut own, cx) {
                *lead = Some(own);
                return Poll::Pending;
            }
            match self.may_sync_here() {
                true => governor::wait(|| self.sync(engine)),
                false => self.call(),
            }
            return log_file.poll_synced(up_to, cx.waker());
        }
        let synced = log_file.poll_synced(up_to, cx.waker());
        if synced.is_pending() && !self.is_led.swap(true, Ordering::AcqRel) {
            *lead = Some(Lead::default());
            wake_behind_others(cx);
        }
        synced
    }

    /// Whether a leader waits for others to come. It is woken to ask again. While it leads it keeps
    /// replies back, so it does ask, or is gone and has resigned.
    fn gathers(&self, lead: &mut Lead, cx: &mut Context<'_>) -> bool {
        let log_file = &self.keeper.log_file;
        if self.may_sync_here() && log_file.poll_idle(cx.waker()).is_pending() {
            // Those who are told then come again.
            *lead = Lead::default();
            return true;
        }
        let awaiting = log_file.awaiting();
        let gathers = awaiting > lead.awaiting && lead.looks < LOOKS_MAX;
        if gathers {
            lead.awaiting = awaiting;
            lead.looks += 1;
            wake_behind_others(cx);
        }
        gathers
    }

    /// Whether a worker may wait for the disk.
    fn may_sync_here(&self) -> bool {
        self.is_staffed
            && self.is_quick.load(Ordering::Relaxed)
            && self.aside.load(Ordering::Relaxed) == 0
    }

    /// Leads no longer. Others may wait, whatever has become of the leader.
    pub fn resign(&self, lead: Option<Lead>) {
        if lead.is_some() {
            self.call();
        }
    }

    /// Has the thread sync.
    fn call(&self) {
        self.is_called.store(true, Ordering::Release);
        if let Some(syncer) = self.syncer.get() {
            syncer.unpark();
        }
    }

    /// Writes and syncs everything there is, for all who wait.
    fn sync(&self, engine: &Engine) {
        // Before the log is read: who sees that there is a leader is served by this sync.
        self.is_called.store(false, Ordering::Release);
        self.is_led.store(false, Ordering::Release);
        let began = Instant::now();
        self.keeper.sync(engine);
        let is_quick = began.elapsed() <= QUICK_SYNC_MAX;
        self.is_quick.store(is_quick, Ordering::Relaxed);
        let aside = self.aside.load(Ordering::Relaxed);
        self.aside.store(aside.saturating_sub(1), Ordering::Relaxed);
    }

    fn sync_again_and_again(&self, engine: &Engine) {
        let mut last = Instant::now();
        loop {
            let fsync = engine.config.load().persistence.append_fsync;
            let is_due = fsync != AppendFsync::Never
                && last.elapsed() >= SYNC_EVERY
                && self.keeper.log_file.needs_sync()
                && !self.keeper.leaves_sync(engine);
            if !is_due && !self.is_called.load(Ordering::Acquire) {
                thread::park_timeout(LOOK_EVERY);
                continue;
            }
            last = Instant::now();
            self.sync(engine);
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

#[cfg(test)]
mod tests {
    use engine::log::Effects;
    use keyspace::DbIndex;
    use std::task::Waker;
    use testkit::{Disk, World};

    use super::*;

    /// A node with `always`, and no thread of its own.
    struct Rig {
        engine: Engine,
        durability: Durability,
        disk: Disk,
    }

    /// A client that has written something.
    struct Client {
        up_to: u64,
        lead: Option<Lead>,
    }

    impl Rig {
        /// All syncs are quick, whatever this machine is.
        fn new() -> Rig {
            let mut config = Config::default();
            config.persistence.append_only = true;
            config.persistence.append_fsync = AppendFsync::Always;
            let (disk, world) = (Disk::default(), Box::new(World::default()));
            let engine = Engine::new(commands::table(), config.clone(), world, 1);
            let durability = Durability::new(Arc::new(disk.clone()), &config, 2);
            load(&durability, &engine, 1).expect("the disk is empty");
            durability.is_quick.store(true, Ordering::Relaxed);
            Rig {
                engine,
                durability,
                disk,
            }
        }

        fn write(&self) -> Client {
            let mut effects = Effects::default();
            effects.push(DbIndex(0), &["SET", "k", "v"]);
            let up_to = self.engine.log.append(&mut effects);
            assert!(self.durability.promise(&self.engine, up_to));
            Client { up_to, lead: None }
        }

        fn is_synced(&self, client: &mut Client) -> bool {
            let (up_to, lead) = (client.up_to, &mut client.lead);
            let mut cx = Context::from_waker(Waker::noop());
            let synced = self
                .durability
                .poll_synced(&self.engine, up_to, &mut cx, lead);
            assert!(synced != Poll::Ready(Err(Lost)));
            synced.is_ready()
        }

        fn is_called(&self) -> bool {
            self.durability.is_called.load(Ordering::Relaxed)
        }

        fn operations(&self) -> usize {
            self.disk.operations().len()
        }
    }

    #[test]
    fn the_first_to_wait_syncs_for_all_who_come_until_nobody_does() {
        let rig = Rig::new();
        let [mut first, mut second, mut third] = [rig.write(), rig.write(), rig.write()];
        let operations = rig.operations();
        assert!(!rig.is_synced(&mut first) && !rig.is_synced(&mut second));
        assert!(first.lead.is_some() && second.lead.is_none());
        // Its looks bring the second, the third and nobody.
        assert!(!rig.is_synced(&mut first) && !rig.is_synced(&mut third));
        assert!(!rig.is_synced(&mut first));
        assert_eq!(rig.operations(), operations);
        assert!(rig.is_synced(&mut first));
        assert!(rig.is_synced(&mut second) && rig.is_synced(&mut third));
        // One write and one sync.
        assert_eq!(rig.operations(), operations + 2);
        assert!(!rig.is_called());
    }

    #[test]
    fn a_leader_does_not_look_for_ever() {
        let rig = Rig::new();
        let mut first = rig.write();
        let mut looks = 0;
        while !rig.is_synced(&mut first) {
            assert!(!rig.is_synced(&mut rig.write()));
            looks += 1;
        }
        assert_eq!(looks, LOOKS_MAX + 1);
    }

    #[test]
    fn the_thread_is_called_while_others_are_served_or_syncs_take_long() {
        let rig = Rig::new();
        let leaves_to_thread = || {
            let mut client = rig.write();
            while !rig.is_synced(&mut client) && !rig.is_called() {}
            let is_called = rig.is_called();
            if is_called {
                rig.durability.sync(&rig.engine);
            }
            rig.durability.is_quick.store(true, Ordering::Relaxed);
            assert!(rig.is_synced(&mut client));
            is_called
        };
        assert!(!leaves_to_thread());
        rig.durability.is_quick.store(false, Ordering::Relaxed);
        assert!(leaves_to_thread());
        assert!(!leaves_to_thread());
        rig.durability.note_other();
        for _ in 0..SYNCS_ASIDE {
            assert!(leaves_to_thread());
        }
        assert!(!leaves_to_thread());
    }

    #[test]
    fn the_only_worker_does_not_wait_for_the_disk() {
        let mut rig = Rig::new();
        rig.durability.is_staffed = false;
        let mut client = rig.write();
        while !rig.is_synced(&mut client) && !rig.is_called() {}
        assert!(rig.is_called());
    }

    #[test]
    fn a_leader_that_is_gone_leaves_nobody_behind() {
        let rig = Rig::new();
        let [mut first, mut second] = [rig.write(), rig.write()];
        assert!(!rig.is_synced(&mut first) && !rig.is_synced(&mut second));
        rig.durability.resign(first.lead.take());
        assert!(rig.is_called());
        rig.durability.sync(&rig.engine);
        assert!(rig.is_synced(&mut second));
        // And somebody leads the next one.
        let mut third = rig.write();
        assert!(!rig.is_synced(&mut third));
        assert!(third.lead.is_some());
    }
}
