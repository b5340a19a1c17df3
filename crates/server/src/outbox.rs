//! Replies that leave when a thread has served all who were ready.
//!
//! A reply that is written at once wakes its client, which has read it and sleeps again before the
//! next connection has had its turn. Replies that leave together find most of their clients awake:
//! of 50 without a pipeline one is woken for every fifty requests instead of every fifteen. Whoever
//! writes pays for that.
//!
//! So a connection leaves its replies in a buffer, and itself on its thread's list. What is listed
//! is written when the thread has nothing else to do, and before it waits for anything or does
//! something long ([`flush`], [`close`]). Nobody's replies wait long for others' commands either:
//! when those have run for a while, all that is listed is written.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

use engine::Worker;
use engine::clients::Client;
use engine::stats::WorkerStats;
use parking_lot::{Mutex, MutexGuard};

use crate::line::Socket;

/// Replies longer than this are written at once: their clients have enough to read.
const REPLIES_BYTES_MAX: usize = 4 * 1024;

/// Connections whose replies leave together, at most. The first waits for the last.
const LISTED_MAX: usize = 64;

/// How long others' commands run, in nanoseconds, before what is listed is written.
const WAIT_NANOS_MAX: u64 = 200_000;

/// What a connection has to say, and where.
pub struct Outgoing {
    /// None if only the connection's task can write.
    outlet: Option<Arc<Socket>>,
    client: Arc<Client>,
    unsent: Mutex<Unsent>,
}

/// Replies that wait to leave, or that the socket did not take.
#[derive(Default)]
pub struct Unsent {
    bytes: Vec<u8>,
    written: usize,
    /// A thread's list has the connection, and the thread writes them. Else its task does.
    is_listed: bool,
    /// The socket took no more when it was last given something.
    is_refused: bool,
}

impl Unsent {
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// The socket has taken so many bytes of the rest.
    pub fn advance(&mut self, len: usize) {
        self.written += len;
    }

    pub fn add(&mut self, more: &[u8]) {
        // What was written long ago makes room first.
        if self.written > self.len() {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        self.bytes.extend_from_slice(more);
    }

    /// Keeps what the socket did not take of a buffer: the buffer itself, unless that is much more.
    pub fn keep(&mut self, buffer: &mut Vec<u8>, written: usize) {
        self.is_refused = true;
        let left = buffer.len() - written;
        (self.bytes, self.written) = match left > buffer.capacity() / 2 {
            true => (mem::take(buffer), written),
            false => (buffer[written..].to_vec(), 0),
        };
    }

    /// As [`Unsent::keep`], behind what the socket did not take before.
    pub fn keep_behind(&mut self, buffer: &[u8]) {
        self.is_refused = true;
        self.add(buffer);
    }

    /// From now on the connection's task sees to them, whatever list has it.
    pub fn unlist(&mut self) {
        self.is_listed = false;
    }
}

impl Outgoing {
    pub fn new(outlet: Option<Arc<Socket>>, client: Arc<Client>) -> Outgoing {
        Outgoing {
            outlet,
            client,
            unsent: Mutex::default(),
        }
    }

    pub fn unsent(&self) -> MutexGuard<'_, Unsent> {
        self.unsent.lock()
    }
}

/// A thread's list.
struct Outbox {
    /// The thread tells when it is about to wait. One that does not writes nothing later.
    is_open: bool,
    listed: Vec<Arc<Outgoing>>,
    /// How long commands had run on this thread when the first was listed.
    listed_at: u64,
    /// Buffers for the next that leave something.
    spare: Vec<Vec<u8>>,
    stats: Option<Arc<WorkerStats>>,
}

impl Outbox {
    const fn new() -> Outbox {
        Outbox {
            is_open: false,
            listed: Vec::new(),
            listed_at: 0,
            spare: Vec::new(),
            stats: None,
        }
    }

    fn take(&mut self, outgoing: &Arc<Outgoing>, replies: &[u8], ran_nanos: u64) -> bool {
        if !self.is_open || outgoing.outlet.is_none() {
            return false;
        }
        let mut unsent = outgoing.unsent();
        let len = unsent.len() + replies.len();
        if len == 0 {
            return true;
        }
        if unsent.is_refused || len > REPLIES_BYTES_MAX {
            return false;
        }
        if unsent.bytes.capacity() == 0 {
            unsent.bytes = self.spare.pop().unwrap_or_default();
        }
        unsent.add(replies);
        if !mem::replace(&mut unsent.is_listed, true) {
            drop(unsent);
            if self.listed.is_empty() {
                self.listed_at = ran_nanos;
            }
            self.listed.push(Arc::clone(outgoing));
            if self.listed.len() == LISTED_MAX || ran_nanos - self.listed_at > WAIT_NANOS_MAX {
                self.write();
            }
        }
        true
    }

    fn write(&mut self) {
        let mut listed = mem::take(&mut self.listed);
        for outgoing in listed.drain(..) {
            self.write_one(&outgoing);
        }
        // The list keeps its memory.
        self.listed = listed;
    }

    fn write_one(&mut self, outgoing: &Outgoing) {
        let mut unsent = outgoing.unsent();
        let Some(outlet) = outgoing.outlet.as_ref().filter(|_| unsent.is_listed) else {
            return;
        };
        unsent.is_listed = false;
        // If this fails the task fails too, and that says so.
        let sent = outlet.try_write(unsent.rest()).unwrap_or(0);
        unsent.advance(sent);
        unsent.is_refused = unsent.len() > 0;
        if unsent.is_refused {
            outgoing.client.wake();
        } else {
            let mut buffer = mem::take(&mut *unsent).bytes;
            if self.spare.len() < LISTED_MAX && buffer.capacity() <= 2 * REPLIES_BYTES_MAX {
                buffer.clear();
                self.spare.push(buffer);
            }
        }
        drop(unsent);
        if let Some(stats) = &self.stats {
            stats.bytes_out.add(sent as u64);
            stats.writes.add(1);
        }
    }
}

thread_local! {
    static OUTBOX: RefCell<Outbox> = const { RefCell::new(Outbox::new()) };
}

/// From now on this thread tells when it waits.
pub fn open() {
    OUTBOX.with_borrow_mut(|outbox| outbox.is_open = true);
}

/// Writes all that was left, and takes nothing until the thread is [`open`] again: it may not come
/// back to its work.
pub fn close() {
    OUTBOX.with_borrow_mut(|outbox| {
        outbox.write();
        outbox.is_open = false;
    });
}

/// Writes all that was left.
pub fn flush() {
    OUTBOX.with_borrow_mut(Outbox::write);
}

/// Leaves replies with this thread, which will write them. Returns whether it does. If not, the
/// connection's task is to write them, behind those that it has left before.
pub fn leave(outgoing: &Arc<Outgoing>, replies: &[u8], worker: &Worker) -> bool {
    OUTBOX.with_borrow_mut(|outbox| {
        let stats = &worker.stats;
        outbox.stats.get_or_insert_with(|| Arc::clone(stats));
        outbox.take(outgoing, replies, worker.ran_nanos)
    })
}

#[cfg(test)]
mod tests {
    use config::Config;
    use engine::Engine;
    use engine::clients::{ClientFlags, Endpoints};
    use std::io::{ErrorKind, Read};
    use std::os::unix::net::UnixStream;
    use testkit::World;

    use super::*;
    use crate::line::{Line, Plain};

    /// An engine to connect to, and what a thread keeps.
    struct Scene {
        engine: Engine,
        worker: Worker,
    }

    impl Scene {
        fn new() -> Scene {
            let world = Box::new(World::default());
            let engine = Engine::new(commands::table(), Config::default(), world, 1);
            let worker = Worker::new(&engine, 0);
            Scene { engine, worker }
        }

        async fn connect(&self) -> (Arc<Outgoing>, UnixStream) {
            let (server, client) = UnixStream::pair().expect("a pair of sockets");
            for socket in [&server, &client] {
                socket.set_nonblocking(true).expect("an option of a socket");
            }
            let server = tokio::net::UnixStream::from_std(server).expect("a socket");
            server.writable().await.expect("room in a new socket");
            let session = self.engine.connect(Endpoints::default());
            let outgoing = Outgoing::new(Plain::unix(server).outlet(), session.client);
            (Arc::new(outgoing), client)
        }

        fn leave(&self, outgoing: &Arc<Outgoing>, replies: &[u8]) -> bool {
            leave(outgoing, replies, &self.worker)
        }
    }

    /// What has arrived.
    fn received(mut client: &UnixStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        let end = client.read_to_end(&mut bytes).expect_err("it is open");
        assert_eq!(end.kind(), ErrorKind::WouldBlock);
        bytes
    }

    #[tokio::test]
    async fn replies_leave_together_and_in_order() {
        let scene = Scene::new();
        open();
        let ((one, to_one), (two, to_two)) = (scene.connect().await, scene.connect().await);
        assert!(scene.leave(&one, b"a") && scene.leave(&two, b"x") && scene.leave(&one, b"b"));
        assert_eq!((received(&to_one), received(&to_two)), (vec![], vec![]));
        flush();
        assert_eq!(received(&to_one), b"ab");
        assert_eq!(received(&to_two), b"x");
        let stats = &scene.worker.stats;
        assert_eq!((stats.bytes_out.get(), stats.writes.get()), (3, 2));
        flush();
        assert_eq!(received(&to_one), b"");
    }

    #[tokio::test]
    async fn nobody_waits_long_for_the_commands_of_others() {
        let mut scene = Scene::new();
        open();
        let ((one, to_one), (two, to_two)) = (scene.connect().await, scene.connect().await);
        scene.worker.ran_nanos = 5 * WAIT_NANOS_MAX;
        assert!(scene.leave(&one, b"a"));
        assert_eq!(received(&to_one), b"");
        scene.worker.ran_nanos += WAIT_NANOS_MAX + 1;
        assert!(scene.leave(&two, b"x"));
        assert_eq!(received(&to_one), b"a");
        assert_eq!(received(&to_two), b"x");
    }

    #[tokio::test]
    async fn nothing_stays_with_a_thread_that_may_not_come_back() {
        let scene = Scene::new();
        let (outgoing, client) = scene.connect().await;
        assert!(!scene.leave(&outgoing, b"a"), "it never said that it would");
        open();
        assert!(scene.leave(&outgoing, b"b"));
        close();
        assert_eq!(received(&client), b"b");
        assert!(!scene.leave(&outgoing, b"c"));
    }

    #[tokio::test]
    async fn what_a_task_keeps_back_is_not_written() {
        let scene = Scene::new();
        open();
        let (outgoing, client) = scene.connect().await;
        assert!(scene.leave(&outgoing, b"a"));
        outgoing.unsent().unlist();
        flush();
        assert_eq!(received(&client), b"");
        // Once it does not, all goes.
        assert!(scene.leave(&outgoing, b""));
        flush();
        assert_eq!(received(&client), b"a");
    }

    #[tokio::test]
    async fn what_a_socket_refuses_is_for_the_task() {
        let scene = Scene::new();
        open();
        let (outgoing, client) = scene.connect().await;
        let mut left = 0;
        while scene.leave(&outgoing, &[b'x'; REPLIES_BYTES_MAX]) {
            left += REPLIES_BYTES_MAX;
            flush();
        }
        assert!(outgoing.client.has(ClientFlags::WOKEN));
        let unsent = outgoing.unsent().len();
        assert!(unsent > 0 && unsent <= REPLIES_BYTES_MAX, "{unsent}");
        assert_eq!(received(&client).len(), left - unsent);
        assert!(!scene.leave(&outgoing, b"y"), "it would overtake the rest");
    }
}
