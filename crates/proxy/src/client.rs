//! What a client is sent: replies in the order of its requests, wherever they come from.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use crate::backend::Backend;
use crate::split::Gather;
use crate::stream::Stream;

/// A client's connection, as servers' connections see it.
#[derive(Debug)]
pub struct Client {
    pub id: u64,
    pub backend: Rc<Backend>,
    pub stream: Rc<RefCell<Stream>>,
    answers: RefCell<Answers>,
    waker: RefCell<Option<Waker>>,
    /// Its task wants to know when replies have been sent.
    pub waits: Cell<bool>,
    /// It is in a list of clients that have something to be sent.
    touched: Cell<bool>,
    /// Nothing can be sent any more.
    pub broken: Cell<bool>,
    pub is_memcached: bool,
    /// Some of its requests wait for a server to come back.
    pub holds: Cell<bool>,
    /// When it last sent something, in the pool's milliseconds, if that matters.
    heard_ms: Cell<u64>,
}

#[derive(Debug, Default)]
struct Answers {
    /// The number of the first slot.
    base: u64,
    slots: VecDeque<Slot>,
    out: Vec<u8>,
    written: usize,
    /// Messages that must not come between the pieces of a reply.
    messages: Vec<u8>,
    /// Bytes in slots.
    parked: usize,
    /// Bytes that the backend counts as this client's.
    counted: usize,
}

/// The place of one request's reply.
#[derive(Debug, Default)]
struct Slot {
    bytes: Vec<u8>,
    gather: Option<Box<Gather>>,
    done: bool,
    /// Some of the reply is on its way.
    begun: bool,
}

/// An emptied buffer larger than this is given back.
const BUFFER_KEPT: usize = 64 * 1024;
const SLOTS_KEPT: usize = 64;

impl Client {
    pub fn new(id: u64, backend: Rc<Backend>, stream: Stream, is_memcached: bool) -> Client {
        Client {
            heard_ms: Cell::new(backend.pool.now_ms()),
            id,
            backend,
            stream: Rc::new(RefCell::new(stream)),
            answers: RefCell::default(),
            waker: RefCell::default(),
            waits: Cell::new(false),
            touched: Cell::new(false),
            broken: Cell::new(false),
            is_memcached,
            holds: Cell::new(false),
        }
    }

    /// The same client of the pool that has taken this one's place, if it waits for nothing here.
    pub fn succeed(&self) -> Option<Rc<Client>> {
        let backend = self.backend.successor().filter(|_| self.is_idle())?;
        self.count_out();
        let answers = std::mem::take(&mut *self.answers.borrow_mut());
        let unread = self.backend.unread.get();
        self.backend
            .unread
            .set(unread.saturating_sub(answers.counted));
        backend.unread.set(backend.unread.get() + answers.counted);
        let next = Rc::new(Client {
            heard_ms: Cell::new(backend.pool.now_ms()),
            id: self.id,
            stream: Rc::clone(&self.stream),
            answers: RefCell::new(answers),
            waker: RefCell::default(),
            waits: Cell::new(false),
            touched: Cell::new(false),
            broken: Cell::new(self.broken.get()),
            is_memcached: self.is_memcached,
            holds: Cell::new(false),
            backend: Rc::clone(&backend),
        });
        backend.counters().client_connections.add(1);
        backend.pool.shared.clients.fetch_add(1, Ordering::Relaxed);
        backend
            .clients
            .borrow_mut()
            .insert(self.id, Rc::clone(&next));
        Some(next)
    }

    /// It is no client of the pool any longer.
    pub fn count_out(&self) {
        let backend = &self.backend;
        backend.clients.borrow_mut().remove(&self.id);
        backend.counters().client_connections.sub(1);
        backend.pool.shared.clients.fetch_sub(1, Ordering::Relaxed);
    }

    /// It has sent something.
    #[inline]
    pub fn hears(&self, bytes: usize) {
        self.backend.counters().client_bytes_in.add(bytes as u64);
        self.heard_ms.set(self.backend.now_us.get() / 1000);
    }

    /// Whether it has been silent for longer than it may.
    pub fn is_overdue(&self, now_ms: u64) -> bool {
        let limit_ms = self
            .backend
            .pool
            .live
            .client_timeout_ms
            .load(Ordering::Relaxed);
        limit_ms > 0 && self.is_idle() && now_ms > self.heard_ms.get() + limit_ms
    }

    pub fn set_waker(&self, waker: &Waker) {
        *self.waker.borrow_mut() = Some(waker.clone());
    }

    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Whether no request waits for its reply.
    pub fn is_idle(&self) -> bool {
        self.answers.borrow().slots.is_empty()
    }

    pub fn pending(&self) -> usize {
        self.answers.borrow().slots.len()
    }

    pub fn unsent(&self) -> usize {
        let answers = self.answers.borrow();
        answers.out.len() - answers.written
    }

    /// A place for the next request's reply.
    #[inline]
    pub fn open(&self) -> u64 {
        self.open_slot(Slot::default())
    }

    /// A place for a reply that is put together.
    pub fn open_gather(&self, gather: Gather) -> u64 {
        self.open_slot(Slot {
            gather: Some(Box::new(gather)),
            ..Slot::default()
        })
    }

    fn open_slot(&self, slot: Slot) -> u64 {
        let mut answers = self.answers.borrow_mut();
        answers.slots.push_back(slot);
        answers.base + answers.slots.len() as u64 - 1
    }

    /// A reply that is known at once.
    pub fn answer(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let answers = &mut *self.answers.borrow_mut();
        if answers.slots.is_empty() {
            answers.provide_out(&self.backend);
            write(&mut answers.out);
            return;
        }
        let mut slot = Slot::default();
        write(&mut slot.bytes);
        answers.parked += slot.bytes.len();
        slot.done = true;
        answers.slots.push_back(slot);
    }

    /// More bytes of the reply to request `number`.
    #[inline]
    pub fn deliver(&self, number: u64, part: u32, bytes: &[u8], whole: bool) {
        let answers = &mut *self.answers.borrow_mut();
        let index = number.wrapping_sub(answers.base) as usize;
        let Some(slot) = answers.slots.get_mut(index) else {
            return;
        };
        if let Some(gather) = &mut slot.gather {
            answers.parked += bytes.len();
            if !gather.add(part as usize, bytes, whole) {
                return self.count(answers);
            }
            answers.parked = answers.parked.saturating_sub(gather.len());
            gather.finish(&mut slot.bytes);
            answers.parked += slot.bytes.len();
            slot.gather = None;
            slot.done = true;
        } else if index == 0 && slot.bytes.is_empty() {
            slot.begun = true;
            slot.done = whole;
            answers.provide_out(&self.backend);
            answers.out.extend_from_slice(bytes);
        } else {
            slot.bytes.extend_from_slice(bytes);
            answers.parked += bytes.len();
            slot.done = whole;
        }
        answers.advance(&self.backend);
        self.count(answers);
    }

    /// Tells the backend how much there is for this client, and gives up a client that leaves too
    /// much unread.
    #[inline]
    fn count(&self, answers: &mut Answers) {
        let bytes = answers.out.len() - answers.written + answers.parked + answers.messages.len();
        let unread = self.backend.unread.get() + bytes - answers.counted;
        answers.counted = bytes;
        self.backend.unread.set(unread);
        let pool = &self.backend.pool;
        let limit = pool.config.unread_max;
        let is_too_much = limit > 0 && bytes as u64 > limit;
        if (is_too_much || pool.is_short_of_memory(unread)) && !self.broken.replace(true) {
            self.backend.counters().closed_for_memory.add(1);
            self.wake();
        }
    }

    /// It has gone: nothing is kept for it any longer.
    pub fn forget(&self) {
        let answers = &mut *self.answers.borrow_mut();
        let unread = self.backend.unread.get();
        self.backend
            .unread
            .set(unread.saturating_sub(answers.counted));
        *answers = Answers {
            base: answers.base + answers.slots.len() as u64,
            ..Answers::default()
        };
    }

    /// No reply to request `number` will come, or no more of it.
    pub fn fail(&self, number: u64, part: u32, error: &[u8]) {
        let mut guard = self.answers.borrow_mut();
        let answers = &mut *guard;
        let index = number.wrapping_sub(answers.base) as usize;
        let Some(slot) = answers.slots.get_mut(index) else {
            return;
        };
        let parked = slot.bytes.len();
        if slot.begun {
            // Half a reply has been sent: nothing behind it could be understood.
            self.broken.set(true);
            return;
        }
        slot.bytes.clear();
        if let Some(gather) = &mut slot.gather {
            let lost = gather.clear(part as usize);
            answers.parked = answers.parked.saturating_sub(lost);
        }
        answers.parked = answers.parked.saturating_sub(parked);
        drop(guard);
        self.deliver(number, part, error, true);
    }

    /// A message that answers no request.
    pub fn push(&self, bytes: &[u8]) {
        let answers = &mut *self.answers.borrow_mut();
        if answers.slots.front().is_some_and(|slot| slot.begun) {
            answers.messages.extend_from_slice(bytes);
        } else {
            answers.provide_out(&self.backend);
            answers.out.extend_from_slice(bytes);
        }
        self.count(answers);
    }

    /// Takes what it would be sent.
    pub fn drain_into(&self, into: &mut Vec<u8>) {
        let answers = &mut *self.answers.borrow_mut();
        into.extend_from_slice(&answers.out[answers.written..]);
        answers.clear_out(&self.backend);
        self.count(answers);
    }

    /// Whether it was in no list of clients that have something to be sent.
    #[inline]
    pub fn touch(&self) -> bool {
        !self.touched.replace(true)
    }

    /// Sends what the socket takes at once. The rest is for the client's task.
    #[inline]
    pub fn flush(&self) {
        self.touched.set(false);
        let sent = self.send(&mut None);
        if self.waits.get() || sent.is_pending() || self.broken.get() {
            self.wake();
        }
    }

    /// Sends all there is; pending while the socket takes no more.
    pub fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<()> {
        let sent = self.send(&mut Some(cx));
        let flushed = self.stream.borrow_mut().poll_flush(cx);
        self.broken
            .set(self.broken.get() || matches!(flushed, Poll::Ready(Err(_))));
        match flushed {
            Poll::Pending => Poll::Pending,
            Poll::Ready(_) => sent,
        }
    }

    fn send(&self, cx: &mut Option<&mut Context<'_>>) -> Poll<()> {
        let answers = &mut *self.answers.borrow_mut();
        while answers.written < answers.out.len() && !self.broken.get() {
            let mut stream = self.stream.borrow_mut();
            match write(&mut stream, &answers.out[answers.written..], cx) {
                Poll::Ready(Ok(len)) if len > 0 => {
                    answers.written += len;
                    self.backend.counters().client_bytes_out.add(len as u64);
                }
                Poll::Ready(_) => self.broken.set(true),
                Poll::Pending => {
                    answers.forget_written();
                    self.count(answers);
                    return Poll::Pending;
                }
            }
        }
        answers.clear_out(&self.backend);
        self.count(answers);
        Poll::Ready(())
    }
}

/// Without a context, what the socket takes at once.
#[inline]
fn write(
    stream: &mut Stream,
    bytes: &[u8],
    cx: &mut Option<&mut Context<'_>>,
) -> Poll<io::Result<usize>> {
    match cx {
        Some(cx) => stream.poll_write(cx, bytes),
        None => match stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            result => Poll::Ready(result),
        },
    }
}

impl Answers {
    /// Buffers go from client to client: one that has nothing to be sent has none.
    fn provide_out(&mut self, backend: &Backend) {
        if self.out.capacity() == 0 {
            self.out = backend.take_buffer();
        }
    }

    fn clear_out(&mut self, backend: &Backend) {
        self.written = 0;
        let mut out = std::mem::take(&mut self.out);
        if out.capacity() > 0 && out.capacity() <= BUFFER_KEPT {
            out.clear();
            backend.give_buffer(out);
        }
        if self.slots.is_empty() && self.slots.capacity() > SLOTS_KEPT {
            self.slots.shrink_to(0);
        }
    }

    fn forget_written(&mut self) {
        if self.written > BUFFER_KEPT && self.written * 2 > self.out.len() {
            self.out.drain(..self.written);
            self.written = 0;
        }
    }

    /// Moves the replies at the front that are whole to what is sent.
    #[inline]
    fn advance(&mut self, backend: &Backend) {
        while self.slots.front().is_some_and(|slot| slot.done) {
            let slot = self.slots.pop_front().unwrap_or_default();
            self.base += 1;
            self.parked = self.parked.saturating_sub(slot.bytes.len());
            if !slot.bytes.is_empty() {
                self.provide_out(backend);
                self.out.extend_from_slice(&slot.bytes);
            }
            if !self.messages.is_empty() {
                self.provide_out(backend);
                self.out.append(&mut self.messages);
            }
        }
    }
}
