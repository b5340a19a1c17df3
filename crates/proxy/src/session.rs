//! A client's task: reads requests, sends them where they belong, and writes what comes back.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use resp::Protocol;
use resp::reply::{Encoder, write_request};
use resp::request::{Batch, Limits, Parser};

use crate::client::Client;
use crate::identity::{Door, Identity};
use crate::link::{Link, Receiver};
use crate::moving::Moving;
use subscription::Subscriptions;
use transaction::Mode;

mod authority;
mod local;
mod migration;
mod operation;
mod report;
mod request;
mod subscription;
mod transaction;

/// A client's connection and what has been agreed on it. Resolves when it is over.
pub struct Session {
    client: Rc<Client>,
    parser: Parser,
    /// The beginning of a request whose end has not come, or requests that have to wait.
    tail: Vec<u8>,
    /// Whether the tail begins with whole requests.
    holds_requests: bool,
    /// Nothing more is read; what is under way is finished.
    closing: bool,
    authenticated: bool,
    /// Which of the pool's authorities it has, if it has any.
    authority: Option<usize>,
    /// Whose connections to servers it uses.
    identity: Identity,
    door: Rc<Door>,
    /// Keys that are passed over before one is counted.
    uncounted: u32,
    /// The number of the command that is looked at.
    command: u16,
    db: u32,
    protocol: Protocol,
    name: Vec<u8>,
    /// The connections used by requests, by server.
    links: Vec<Option<Rc<Link>>>,
    mode: Mode,
    /// No request is taken until all replies have come.
    barrier: bool,
    subscriptions: Option<Box<Subscriptions>>,
    /// Keys that come from another pool.
    moving: Rc<Moving>,
    /// Of the view that the last request was sent by.
    version: u64,
}

/// What a request has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    /// It must be looked at again when all replies have come.
    Hold,
    Close,
}

/// With so many requests without a reply, or so many bytes of replies unsent, a client is not read.
const PENDING_MAX: usize = 1024;
const UNSENT_MAX: usize = 1024 * 1024;

const READS_PER_TURN: usize = 2;
pub const SCRATCH_BYTES: usize = 64 * 1024;

/// A client that waits is read so far ahead.
const AHEAD_MAX: usize = 16 * 1024;

/// An incomplete request gets room for this much more.
const ROOM_MIN: usize = 16 * 1024;

struct Tools {
    input: Vec<u8>,
    batch: Batch<'static>,
}

thread_local! {
    static TOOLS: RefCell<Tools> = RefCell::new(Tools {
        input: vec![0; SCRATCH_BYTES],
        batch: Batch::default(),
    });
}

/// The longest argument.
const BULK_BYTES_MAX: i64 = 512 * 1024 * 1024;

impl Session {
    pub fn new(client: Rc<Client>) -> Session {
        let config = &client.backend.pool.config;
        let (authenticated, db) = (config.password.is_none(), config.db);
        let authority = authority::of_everybody(config);
        let identity = authority::identity_of_everybody(config);
        Session {
            client,
            authority,
            identity,
            door: Rc::default(),
            parser: Parser::default(),
            tail: Vec::new(),
            holds_requests: false,
            closing: false,
            authenticated,
            uncounted: 0,
            command: 0,
            db,
            protocol: Protocol::Resp2,
            name: Vec::new(),
            links: Vec::new(),
            mode: Mode::Plain,
            barrier: false,
            subscriptions: None,
            moving: Rc::default(),
            version: 0,
        }
    }

    /// Whether the connection is over.
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..READS_PER_TURN {
            if self.client.broken.get() {
                return Poll::Ready(());
            }
            let flushed = self.client.poll_flush(cx);
            if self.client.broken.get() {
                return Poll::Ready(());
            }
            if self.client.backend.has_given_way() {
                self.move_on(cx);
            }
            if self.closing {
                self.client.waits.set(true);
                return match flushed.is_ready() && self.client.is_idle() {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                };
            }
            if !self.may_read() {
                return self.read_ahead(cx);
            }
            if self.holds_requests {
                self.holds_requests = false;
                let mut tail = std::mem::take(&mut self.tail);
                let consumed = self.run(&mut tail);
                self.keep(&tail[consumed..]);
                continue;
            }
            match self.read(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => {
                    self.client.backend.counters().client_eof.add(1);
                    self.closing = true;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Goes over to the pool that has taken this one's place. Who is within a transaction or
    /// listens stays until that is over.
    fn move_on(&mut self, cx: &mut Context<'_>) {
        let is_free = matches!(self.mode, Mode::Plain) && self.subscriptions.is_none();
        let next = is_free.then(|| self.client.succeed()).flatten();
        let Some(next) = next else {
            self.barrier |= is_free;
            return;
        };
        next.set_waker(cx.waker());
        let (before, config) = (Rc::clone(&self.client), &next.backend.pool.config);
        let old = &before.backend.pool.config;
        self.authenticated =
            config.password.is_none() || self.authenticated && config.password == old.password;
        self.authority = self.authority_within(config);
        self.identity = self.identity_within(&next.backend);
        if config.db != old.db {
            self.db = config.db;
        }
        self.links.clear();
        self.version = 0;
        self.client = next;
    }

    /// Whether there is room for what more requests would bring.
    fn may_read(&mut self) -> bool {
        let client = &self.client;
        client.waits.set(true);
        let waits = self.moving.busy.get() || self.door.busy.get();
        let waits_for_replies = waits || self.barrier && !client.is_idle();
        if waits_for_replies
            || client.pending() >= PENDING_MAX
            || client.unsent() >= UNSENT_MAX
            || !client.backend.has_room(client)
        {
            return false;
        }
        client.waits.set(false);
        if self.barrier {
            self.barrier = false;
            self.release();
        }
        true
    }

    /// Takes in what a client sends while it waits for its replies, and notices that it has gone.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.tail.len() < AHEAD_MAX {
            let mut input = [0; 4096];
            let polled = self.client.stream.borrow_mut().poll_read(cx, &mut input);
            match polled {
                Poll::Pending => break,
                Poll::Ready(Ok(len)) if len > 0 => {
                    self.tail.extend_from_slice(&input[..len]);
                    self.holds_requests = true;
                }
                // What it waits for must not be given to somebody who has gone.
                Poll::Ready(_) if self.waits_for_keys() => return Poll::Ready(()),
                Poll::Ready(_) => {
                    self.client.backend.counters().client_eof.add(1);
                    self.closing = true;
                    break;
                }
            }
        }
        Poll::Pending
    }

    /// Reads once and runs what has come. None at the end of the stream.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        if !self.tail.is_empty() {
            return self.read_more(cx);
        }
        let mut input = TOOLS.with(|tools| std::mem::take(&mut tools.borrow_mut().input));
        input.resize(SCRATCH_BYTES, 0);
        let polled = self.client.stream.borrow_mut().poll_read(cx, &mut input);
        let result = match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(None),
            Poll::Ready(Ok(len)) => {
                self.client.hears(len);
                let consumed = self.run(&mut input[..len]);
                self.keep(&input[consumed..len]);
                Poll::Ready(Some(()))
            }
        };
        TOOLS.with(|tools| tools.borrow_mut().input = input);
        result
    }

    /// Reads behind an incomplete request.
    fn read_more(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let mut tail = std::mem::take(&mut self.tail);
        let start = tail.len();
        // Room follows what has come, not what was announced.
        let left = self.parser.standing(start).argument_left;
        tail.resize(start + left.clamp(ROOM_MIN, ROOM_MIN.max(start)), 0);
        let polled = self
            .client
            .stream
            .borrow_mut()
            .poll_read(cx, &mut tail[start..]);
        let len = match polled {
            Poll::Pending => {
                tail.truncate(start);
                self.tail = tail;
                return Poll::Pending;
            }
            Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(None),
            Poll::Ready(Ok(len)) => len,
        };
        self.client.hears(len);
        tail.truncate(start + len);
        let consumed = self.run(&mut tail);
        if consumed == 0 && self.tail.is_empty() {
            self.tail = tail;
        } else {
            self.keep(&tail[consumed..]);
        }
        Poll::Ready(Some(()))
    }

    /// Keeps what could not be run.
    fn keep(&mut self, rest: &[u8]) {
        if !self.closing {
            self.tail.extend_from_slice(rest);
        }
    }

    /// Runs the requests at the front of `input` and returns how many bytes they were. Requests
    /// that have to wait are put into the tail.
    fn run(&mut self, input: &mut [u8]) -> usize {
        let limits = Limits {
            bulk_bytes_max: BULK_BYTES_MAX,
            unauthenticated: !self.authenticated,
        };
        let batch = TOOLS.with(|tools| std::mem::take(&mut tools.borrow_mut().batch));
        let mut batch = batch.recycle();
        let parsed = self.parser.parse(input, &limits, &mut batch);
        self.client.backend.tick();
        self.client.backend.refresh();
        self.settle();
        let mut next = 0;
        while next < batch.len() {
            let pending = self.client.pending();
            if self.client.holds.get() {
                // What comes later must not be run before what has to wait.
                self.barrier |= pending > 0;
                self.client.holds.set(pending > 0);
            }
            let waits = self.barrier && pending > 0 || pending >= PENDING_MAX;
            let flow = match self.client.backend.source.is_some() {
                _ if waits => Flow::Hold,
                true => self.move_then_request(&batch, next),
                false => self.request(batch.request(next), batch.sent(next)),
            };
            match flow {
                Flow::Next => next += 1,
                Flow::Hold => break,
                Flow::Close => {
                    self.closing = true;
                    break;
                }
            }
        }
        self.client.backend.counters().requests.add(next as u64);
        if next < batch.len() && !self.closing {
            self.holds_requests = true;
            self.barrier = true;
            // What stands behind the requests held back is looked at again after them.
            self.parser = Parser::default();
            for index in next..batch.len() {
                write_request(&mut self.tail, batch.request(index));
            }
        } else if let Some(error) = parsed.error {
            let text = format!("ERR {error}");
            self.client.backend.counters().client_err.add(1);
            self.reply(|reply| reply.error(text.as_bytes()));
            self.closing = true;
        }
        TOOLS.with(|tools| tools.borrow_mut().batch = batch.recycle());
        parsed.consumed
    }

    /// When slots of a cluster have moved, what is under way may be sent to another node again:
    /// what comes later must not overtake it.
    fn settle(&mut self) {
        let pool = &self.client.backend.pool;
        let version = pool.version();
        if pool.config.cluster.is_some() && version != self.version {
            self.version = version;
            self.barrier |= !self.client.is_idle() && matches!(self.mode, Mode::Plain);
        }
    }

    /// A reply that is known at once.
    fn reply(&self, write: impl FnOnce(&mut Encoder<'_>)) {
        let protocol = self.protocol;
        self.client
            .answer(|out| write(&mut Encoder { out, protocol }));
    }

    fn error(&self, text: &str) -> Flow {
        self.reply(|reply| reply.error(text.as_bytes()));
        Flow::Next
    }

    fn receiver(&self) -> Receiver {
        Receiver::Client(Rc::clone(&self.client))
    }
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.client.set_waker(cx.waker());
        let over = this.advance(cx);
        if over.is_ready() {
            this.hang_up();
        }
        over
    }
}

impl Session {
    /// Ends what nobody else uses.
    fn hang_up(&mut self) {
        if let Mode::Bound(bound) = std::mem::replace(&mut self.mode, Mode::Plain) {
            bound.link.close();
        }
        if let Some(subscriptions) = self.subscriptions.take() {
            subscriptions.close();
        }
        self.links.clear();
        depart(&self.client);
    }
}

/// A client has gone.
pub fn depart(client: &Client) {
    client.broken.set(true);
    client.forget();
    client.count_out();
}
