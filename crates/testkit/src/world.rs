//! A host without a machine: its clock stands still until a test moves it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use config::{Config, Effect};
use engine::Engine;
use engine::host::{
    Cpu, Crash, Host, LoadFailed, LogLevel, Memory, Process, Produce, Refused, RewriteError,
    SaveError, Shutdown, ShutdownFailed, Started,
};
use parking_lot::Mutex;

/// Midnight of 1 January 2026, in microseconds of Unix time: where the virtual clock begins.
const START_MICROS: i64 = 1_767_225_600_000_000;

/// The virtual world of one node. Clones share it.
#[derive(Clone, Default)]
pub struct World(Arc<State>);

#[derive(Default)]
struct State {
    elapsed_micros: AtomicI64,
    /// What the engine asked for that a test may want to know.
    asked: Mutex<Vec<String>>,
    /// How often something said that it may take long.
    long_runs: AtomicUsize,
    /// An effect of the configuration that cannot be had, and why.
    refused: Mutex<Option<(Effect, String)>>,
    /// The snapshot file.
    snapshot: Mutex<Vec<u8>>,
}

impl World {
    pub fn advance_micros(&self, micros: i64) {
        self.0.elapsed_micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// What was asked of the host since this was last called: `shutdown`, `log …`, and so on.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.asked.lock())
    }

    /// How often something ran that was said to take long, since this was last called.
    pub fn take_long_runs(&self) -> usize {
        self.0.long_runs.swap(0, Ordering::SeqCst)
    }

    /// Has this effect of a changed configuration fail from now on.
    pub fn refuse_effect(&self, effect: Effect, why: &str) {
        *self.0.refused.lock() = Some((effect, why.to_owned()));
    }

    fn ask(&self, what: impl Into<String>) {
        self.0.asked.lock().push(what.into());
    }
}

impl Host for World {
    fn unix_micros(&self) -> i64 {
        START_MICROS + self.0.elapsed_micros.load(Ordering::SeqCst)
    }

    fn monotonic_nanos(&self) -> u64 {
        self.0.elapsed_micros.load(Ordering::SeqCst) as u64 * 1000
    }

    fn run_long(&self, run: &mut dyn FnMut()) {
        self.0.long_runs.fetch_add(1, Ordering::SeqCst);
        run();
    }

    fn memory(&self) -> Memory {
        Memory {
            allocator: "virtual",
            used: 1 << 20,
            used_peak: 1 << 20,
            ..Memory::default()
        }
    }

    fn process(&self) -> Process {
        Process {
            id: 1,
            tcp_port: 6379,
            io_threads: 1,
            poller: "none",
            ..Process::default()
        }
    }

    fn cpu(&self) -> Cpu {
        Cpu::default()
    }

    fn apply(&self, _: &Config, _: &Config, effects: &[Effect]) -> Result<(), String> {
        if let Some((effect, why)) = &*self.0.refused.lock()
            && effects.contains(effect)
        {
            return Err(why.clone());
        }
        self.ask(format!("apply {effects:?}"));
        Ok(())
    }

    fn rewrite_config(&self, _: &Config, _: bool) -> Result<(), RewriteError> {
        Err(RewriteError::NoFile)
    }

    fn shut_down(&self, how: Shutdown) -> Result<(), ShutdownFailed> {
        self.ask(format!("shutdown {how:?}"));
        Ok(())
    }

    fn abort_shutdown(&self) -> bool {
        false
    }

    fn save(&self, engine: &Engine) -> Result<(), SaveError> {
        engine.note_save(engine.stats.totals().dirty);
        Ok(())
    }

    fn save_in_background(&self, engine: &Engine, _: bool) -> Result<Started, Refused> {
        engine.begin_background_save();
        Ok(Started::Now)
    }

    fn rewrite_log(&self, _: &Engine) -> Result<Started, Refused> {
        Ok(Started::Now)
    }

    fn save_emptiness(&self, _: &Engine) {}

    fn write_snapshot(&self, produce: &mut Produce<'_>) -> Result<(), SaveError> {
        let mut bytes = Vec::new();
        while produce(&mut bytes) {}
        *self.0.snapshot.lock() = bytes;
        Ok(())
    }

    fn open_snapshot(&self) -> Result<Box<dyn io::Read + Send>, String> {
        Ok(Box::new(io::Cursor::new(self.0.snapshot.lock().clone())))
    }

    fn load_log(&self, _: &Engine) -> Result<(), LoadFailed> {
        Ok(())
    }

    fn crash(&self, how: Crash) {
        self.ask(format!("crash {how:?}"));
    }

    fn sleep(&self, micros: u64) {
        self.advance_micros(micros as i64);
    }

    fn purge_memory(&self) {
        self.ask("purge");
    }

    fn log(&self, _: LogLevel, line: &str) {
        self.ask(format!("log {line}"));
    }
}
