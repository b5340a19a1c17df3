//! What a thread keeps between the clients it serves: buffers and statistics.
//!
//! A connection borrows them for the moment it has something to do, so that ten thousand idle
//! connections hold none. A thread makes its own when it first serves somebody.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;

use engine::{Engine, Worker};
use resp::request::Batch;

use crate::governor;
use crate::outbox;

/// Bytes read at once: a few hundred small requests. Others wait while they run.
pub const INPUT_BYTES: usize = 16 * 1024;

/// A reply buffer larger than this is given back after use.
const OUTPUT_BYTES_KEPT: usize = 256 * 1024;

/// A thread's tools.
pub struct Tools {
    pub worker: Worker,
    pub input: Box<[u8]>,
    pub output: Vec<u8>,
    batch: Batch<'static>,
    engine: Arc<Engine>,
}

impl Tools {
    fn new(engine: &Arc<Engine>) -> Tools {
        let seed = engine.host.monotonic_nanos() ^ engine.now().0 as u64;
        Tools {
            worker: Worker::new(engine, seed),
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            output: Vec::with_capacity(INPUT_BYTES),
            batch: Batch::default(),
            engine: Arc::clone(engine),
        }
    }

    pub fn take_batch<'a>(&mut self) -> Batch<'a> {
        mem::take(&mut self.batch).recycle()
    }

    pub fn keep_batch(&mut self, batch: Batch<'_>) {
        self.batch = batch.recycle();
    }

    /// Empties the reply buffer, keeping its memory unless it has grown large.
    pub fn clear_output(&mut self) {
        self.output.clear();
        if self.output.capacity() > OUTPUT_BYTES_KEPT {
            self.output = Vec::with_capacity(INPUT_BYTES);
        }
    }
}

/// Where a thread has its tools, once it has served somebody.
pub struct Place(Option<Tools>);

impl Place {
    pub fn tools(&mut self, engine: &Arc<Engine>) -> &mut Tools {
        self.0.get_or_insert_with(|| Tools::new(engine))
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.engine.stats.leave(Arc::clone(&self.worker.stats));
    }
}

thread_local! {
    static TOOLS: RefCell<Place> = const { RefCell::new(Place(None)) };
}

/// Lends the place of this thread's tools.
pub fn with_tools<R>(work: impl FnOnce(&mut Place) -> R) -> R {
    TOOLS.with_borrow_mut(work)
}

thread_local! {
    static HAS_WOKEN: Cell<bool> = const { Cell::new(false) };
}

/// This thread has waited for sockets, and begins to run what it was woken for.
pub fn has_woken() {
    HAS_WOKEN.set(true);
    DELIVERIES.with(Deliveries::renew);
    outbox::open();
}

/// Does what may take long, while another thread takes this one's place.
#[expect(clippy::disallowed_methods, reason = "here replies have left")]
pub fn give_way<R>(work: impl FnOnce() -> R) -> R {
    outbox::close();
    tokio::task::block_in_place(work)
}

/// Whether the connection that asks should go to the end of the queue before it does anything.
///
/// Of the tasks that one look at the sockets wakes, the runtime keeps the last apart, and runs it
/// first: that serves pairs of tasks that talk to each other well, and clients badly, for whose
/// requests arrived last would overtake all others. The last is the first to ask.
pub fn should_queue() -> bool {
    HAS_WOKEN.replace(false)
}

/// Connections that write what others have sent them before the thread looks at its sockets.
const DELIVERIES_PER_LOOK: u32 = 16;

thread_local! {
    static DELIVERIES: Deliveries = const { Deliveries::new() };
}

/// What a thread has delivered since it last looked at its sockets.
struct Deliveries {
    /// The number of that look. Never 0, which says of a connection that it has not asked.
    look: Cell<u32>,
    count: Cell<u32>,
}

impl Deliveries {
    const fn new() -> Deliveries {
        Deliveries {
            look: Cell::new(1),
            count: Cell::new(0),
        }
    }

    fn renew(&self) {
        self.look.set(self.look.get().wrapping_add(1).max(1));
        self.count.set(0);
    }
}

/// Whether a connection should write later what others have sent it; it then asks again, with what
/// this has put into `asked_at`, when the thread has looked at its sockets.
///
/// A message to hundreds of subscribers is as many writes. Who publishes has more to say long
/// before the last of them, and whoever has not been written to by then gets all with one write.
pub fn should_gather(asked_at: &mut u32) -> bool {
    DELIVERIES.with(|deliveries| {
        if mem::take(asked_at) == deliveries.look.get() {
            deliveries.renew();
        }
        let count = deliveries.count.get();
        deliveries.count.set(count + 1);
        if count < DELIVERIES_PER_LOOK {
            return false;
        }
        *asked_at = deliveries.look.get();
        true
    })
}

/// Has this task woken when the thread has looked at its sockets and all that was ready has had its
/// turn. A task that wakes itself is run again before that, up to sixty times in a row, so that
/// whoever always has more to do would have the thread to itself for as long.
pub fn wake_behind_others(cx: &mut Context<'_>) {
    // The thread only looks at the sockets, and does not wait: it would not see to them.
    outbox::flush();
    if governor::is_calling() {
        cx.waker().wake_by_ref();
        return;
    }
    // Its only poll does that.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_deliver_at_each_look_and_the_others_gather() {
        let mut connections = [0; 40];
        let round = |connections: &mut [u32]| {
            let gather = connections.iter_mut().map(should_gather);
            gather.filter(|gathers| !gathers).count()
        };
        let delivered = round(&mut connections);
        assert_eq!(delivered, DELIVERIES_PER_LOOK as usize);
        let (_, rest) = connections.split_at_mut(delivered);
        assert_eq!(round(rest), delivered);
        assert_eq!(round(&mut rest[delivered..]), 40 - 2 * delivered);
        // Those who come next find room again when the thread has slept.
        has_woken();
        assert_eq!(round(&mut [0; 4]), 4);
    }
}
