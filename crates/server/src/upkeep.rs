//! The thread that does what nobody asks for, so that no client waits behind it.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use engine::{Engine, Maintenance, Worker};

use crate::memory;

/// Keys freed between two looks at the clock.
const GARBAGE_STEP_ELEMENTS: usize = 10_000;

/// Starts the thread. It ends with the process.
pub fn start(engine: &Arc<Engine>) {
    let engine = Arc::clone(engine);
    let thread = thread::Builder::new().name("ochre-upkeep".to_owned());
    // Without it keys expire when they are asked for, and memory is freed late.
    drop(thread.spawn(move || run(&engine)));
}

fn run(engine: &Engine) {
    memory::count_this_thread();
    let mut worker = Worker::new(engine, 0);
    let mut maintenance = Maintenance::default();
    loop {
        let hz = u64::from(engine.config.load().process.hz.max(1));
        maintenance.tick(engine, &mut worker, hz);
        // Keys expire on time however much there is to free.
        let next = Instant::now() + Duration::from_millis(1000 / hz);
        while Instant::now() < next && engine.garbage.free_some(GARBAGE_STEP_ELEMENTS) {}
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
