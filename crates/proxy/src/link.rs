//! A connection to a server: requests go out together, replies come back in the same order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use resp::reply::write_request;
use resp::scan::Scanner;
use tokio::time::{Instant, Sleep};

use crate::backend::{Backend, Lane};
use crate::client::Client;
use crate::configuration::{Address, Language};
use crate::identity::Identity;
use crate::memcached;
use crate::pool::{Server, unix_us};
use crate::stats::ServerCounters;
use crate::stream::{Stream, error_words};

/// Whom a reply is for.
#[derive(Debug)]
pub enum Receiver {
    Client(Rc<Client>),
    Nobody,
}

/// What a request is for.
#[derive(Debug)]
pub struct Errand {
    pub receiver: Receiver,
    /// The number of the client's request, and which part of it.
    pub number: u64,
    pub part: u32,
    /// Whose key it is about.
    pub unit: u32,
    pub reads: bool,
    /// The command's number.
    pub command: u16,
}

impl Errand {
    /// Whose reply nobody waits for.
    pub fn nobodys() -> Errand {
        Errand::of(Receiver::Nobody, 0, 0)
    }

    pub fn of(receiver: Receiver, number: u64, part: u32) -> Errand {
        Errand {
            receiver,
            number,
            part,
            unit: 0,
            reads: false,
            command: u16::MAX,
        }
    }

    pub fn client(&self) -> Option<&Rc<Client>> {
        match &self.receiver {
            Receiver::Client(client) => Some(client),
            Receiver::Nobody => None,
        }
    }
}

/// A request that waits for its reply.
#[derive(Debug)]
struct Ticket {
    errand: Errand,
    /// The number of its first byte, counted from the link's first, which is 1. A greeting, which
    /// is never kept, has 0.
    start: u64,
    /// When it was queued, in the pool's microseconds.
    at_us: u64,
    kept: Option<Box<Kept>>,
}

/// A request that may have to be sent again.
#[derive(Debug)]
struct Kept {
    request: Box<[u8]>,
    /// How many other servers have been asked.
    attempts: u8,
    /// When it was first queued.
    since_us: u64,
}

/// A connection to a server, as its users see it.
pub struct Link {
    backend: Rc<Backend>,
    pub lane: Lane,
    server: Arc<Server>,
    state: RefCell<State>,
    waker: RefCell<Option<Waker>>,
    /// Whoever hears what the server says unasked.
    listener: RefCell<Weak<Client>>,
    wants_to_be_up: Cell<bool>,
    /// Requests on it stand for themselves, so that another connection can take them over.
    is_shared: bool,
    /// How often it has failed.
    failures: Cell<u64>,
}

#[derive(Debug, Default)]
struct State {
    up: bool,
    closing: bool,
    out: Vec<u8>,
    written: usize,
    /// Bytes before those in `out`.
    base: u64,
    tickets: VecDeque<Ticket>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({:?})", self.lane)
    }
}

/// What a connection that ended takes with it.
struct Loss {
    lost: VecDeque<Ticket>,
    /// Requests that begin behind this byte have not been sent.
    sent: u64,
    /// Bytes of them that had not been sent.
    unsent: usize,
}

impl State {
    /// The connection has ended. If it `keeps` any, requests of which nothing has been sent stay
    /// for the next one: no server can have run them.
    fn lose(&mut self, keeps: bool) -> Loss {
        self.up = false;
        let sent = self.base + self.written as u64;
        let count = match keeps && !self.closing {
            true => self.tickets.iter().take_while(|t| t.start <= sent).count(),
            false => self.tickets.len(),
        };
        let kept = self.tickets.split_off(count);
        let lost = std::mem::replace(&mut self.tickets, kept);
        let from = match self.tickets.front() {
            Some(first) => (first.start - 1 - self.base) as usize,
            None => self.out.len(),
        };
        let unsent = from.saturating_sub(self.written);
        self.out.drain(..from);
        self.base += from as u64;
        self.written = 0;
        Loss { lost, sent, unsent }
    }
}

/// A buffer larger than this is given back once it is empty.
const BUFFER_KEPT: usize = 256 * 1024;

impl Link {
    /// A connection that many clients' requests share.
    pub fn start(backend: &Rc<Backend>, lane: Lane) -> Rc<Link> {
        Link::begin(backend, lane, true, None)
    }

    /// A connection of one client, which may listen to what the server says unasked.
    pub fn start_own(backend: &Rc<Backend>, lane: Lane, listener: Option<&Rc<Client>>) -> Rc<Link> {
        Link::begin(backend, lane, false, listener)
    }

    fn begin(
        backend: &Rc<Backend>,
        lane: Lane,
        is_shared: bool,
        listener: Option<&Rc<Client>>,
    ) -> Rc<Link> {
        let server = Arc::clone(&backend.view().servers[lane.server]);
        let link = Rc::new(Link {
            backend: Rc::clone(backend),
            lane,
            server,
            state: RefCell::default(),
            waker: RefCell::default(),
            listener: RefCell::new(listener.map_or_else(Weak::new, Rc::downgrade)),
            wants_to_be_up: Cell::new(false),
            is_shared,
            failures: Cell::new(0),
        });
        tokio::task::spawn_local(Carrier::new(Rc::clone(&link)));
        link
    }

    /// Connects though there is nothing to send.
    pub fn connect(&self) {
        self.wants_to_be_up.set(true);
        self.wake();
    }

    pub fn is_up(&self) -> bool {
        self.state.borrow().up
    }

    pub fn failures(&self) -> u64 {
        self.failures.get()
    }

    /// Ends the connection; what it was asked fails.
    pub fn close(&self) {
        self.state.borrow_mut().closing = true;
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn counters(&self) -> &ServerCounters {
        &self.server.counters[self.backend.worker]
    }

    /// Queues a request.
    #[inline]
    pub fn send(&self, request: &[u8], errand: Errand) {
        self.send_with(errand, |out| out.extend_from_slice(request));
    }

    #[inline]
    pub fn send_with(&self, errand: Errand, write: impl FnOnce(&mut Vec<u8>)) {
        let state = &mut *self.state.borrow_mut();
        let before = state.out.len();
        write(&mut state.out);
        let bytes = state.out.len() - before;
        self.backend.queued.set(self.backend.queued.get() + bytes);
        let counters = self.counters();
        counters.requests.add(1);
        counters.request_bytes.add(bytes as u64);
        counters.in_queue_bytes.add(bytes as u64);
        let at_us = self.backend.now_us.get();
        let kept = match self.is_shared && self.backend.keeps_requests {
            true => Some(Box::new(Kept {
                request: state.out[before..].into(),
                attempts: 0,
                since_us: at_us,
            })),
            false => None,
        };
        state.tickets.push_back(Ticket {
            errand,
            start: state.base + before as u64 + 1,
            at_us,
            kept,
        });
        self.wake();
    }

    /// Whether requests wait when the connection has failed: not if its server has been away for
    /// longer than that helps.
    fn holds(&self) -> bool {
        let pool = &self.backend.pool;
        let outage_ms = self.server.outage_ms(pool.now_ms());
        let closing = self.state.borrow().closing;
        self.is_shared && !closing && outage_ms < pool.config.hold_ms
    }

    /// Whether a request has taken longer than it may.
    fn is_late(&self, at_us: u64) -> bool {
        let timeout_us = self.backend.pool.config.timeout_ms * 1000;
        timeout_us > 0 && self.backend.pool.now_us() + 1000 >= at_us + timeout_us
    }

    /// A reply has come: how long has it taken?
    #[inline]
    fn note_time(&self, ticket: &Ticket) {
        let (now_us, pool) = (self.backend.now_us.get(), &self.backend.pool);
        let took_us = now_us.saturating_sub(ticket.at_us);
        self.counters().latency.add(took_us);
        for (index, monitor) in pool.config.monitors.iter().enumerate() {
            if pool.watches(index, ticket.errand.command) {
                self.counters().monitors[index].add(monitor, took_us);
                self.backend.counters().monitors[index].add(monitor, took_us);
            }
        }
        if let (Some(slow_us), Some(kept)) = (pool.config.slow_us, &ticket.kept) {
            let took_us = now_us.saturating_sub(kept.since_us);
            if took_us >= slow_us {
                let at = unix_us() / 1_000_000;
                pool.slow
                    .note(at, took_us, &kept.request, self.server.label.clone());
            }
        }
    }

    /// A request that gets no reply.
    pub fn send_unanswered(&self, request: &[u8]) {
        self.state.borrow_mut().out.extend_from_slice(request);
        let bytes = request.len();
        self.backend.queued.set(self.backend.queued.get() + bytes);
        self.counters().requests.add(1);
        self.counters().request_bytes.add(bytes as u64);
        self.counters().in_queue_bytes.add(bytes as u64);
        self.wants_to_be_up.set(true);
        self.wake();
    }
}

/// The task that moves a link's bytes.
struct Carrier {
    link: Rc<Link>,
    stream: Option<Stream>,
    connecting: Option<Pin<Box<dyn Future<Output = io::Result<Stream>>>>>,
    replies: Replies,
    /// A header whose end has not come.
    tail: Vec<u8>,
    /// The pieces of a message of a subscription.
    message: Vec<u8>,
    sleep: Option<Pin<Box<Sleep>>>,
    touched: Vec<Rc<Client>>,
    /// Requests that other nodes are to be asked.
    redirections: Vec<(Redirection, Again, Vec<u8>)>,
    /// Requests have been left to gather while the thread looks at its sockets.
    gathers: bool,
}

/// Where replies end depends on the language.
enum Replies {
    Resp(Scanner),
    Memcached(memcached::Scanner),
}

impl Replies {
    fn new(language: Language) -> Replies {
        match language {
            Language::Redis => Replies::Resp(Scanner::default()),
            Language::Memcached => Replies::Memcached(memcached::Scanner::default()),
        }
    }
}

impl Replies {
    fn is_within(&self) -> bool {
        match self {
            Replies::Resp(scanner) => scanner.is_within(),
            Replies::Memcached(scanner) => scanner.is_within(),
        }
    }
}

/// Why a connection ends.
enum Failure {
    Eof,
    TimedOut,
    Io(io::Error),
    Nonsense,
}

impl Failure {
    fn words(&self) -> String {
        match self {
            Failure::Eof => "Connection reset by peer".to_owned(),
            Failure::TimedOut => "Connection timed out".to_owned(),
            Failure::Io(error) => error_words(error),
            Failure::Nonsense => "Invalid argument".to_owned(),
        }
    }
}

/// Where a node of a cluster sends a request.
enum Redirection {
    Moved(usize, Address),
    Ask(Address),
    TryAgain,
    /// The server can do nothing now; another may take its place.
    Hold,
}

/// What a server says that has run nothing, and may soon.
const NOT_NOW: [&[u8]; 4] = [
    b"-READONLY ",
    b"-LOADING ",
    b"-MASTERDOWN ",
    b"-CLUSTERDOWN ",
];

impl Redirection {
    /// `-MOVED 3999 127.0.0.1:6381`. Without a host it is the one that was asked.
    fn read(error: &[u8], asked: &Address, holds: bool) -> Option<Redirection> {
        if holds && NOT_NOW.iter().any(|start| error.starts_with(start)) {
            return Some(Redirection::Hold);
        }
        let text = std::str::from_utf8(error).ok()?.trim_end();
        let mut words = text.split(' ');
        let kind = words.next()?;
        if kind == "-TRYAGAIN" {
            return Some(Redirection::TryAgain);
        }
        let (slot, place) = (words.next()?.parse().ok()?, words.next()?);
        let (host, port) = place.rsplit_once(':')?;
        let host = match (host, asked) {
            ("", Address::Tcp { host, .. }) => host,
            (host, _) => host,
        };
        let address = Address::Tcp {
            host: host.to_owned(),
            port: port.parse().ok()?,
        };
        match kind {
            "-MOVED" => Some(Redirection::Moved(slot, address)),
            "-ASK" => Some(Redirection::Ask(address)),
            _ => None,
        }
    }
}

/// A request that is sent again: the node that was asked has not run it.
#[derive(Debug)]
pub struct Again {
    pub errand: Errand,
    kept: Box<Kept>,
}

/// After so many nodes the client hears what the last one said.
const ATTEMPTS_MAX: u8 = 16;

/// Keys that are on their way have so long to come.
const TRY_AGAIN: Duration = Duration::from_millis(10);

impl Again {
    /// A request that has not been sent at all.
    pub fn new(errand: Errand, request: Vec<u8>, since_us: u64) -> Again {
        let kept = Kept {
            request: request.into(),
            attempts: 0,
            since_us,
        };
        Again {
            errand,
            kept: Box::new(kept),
        }
    }

    /// When its client began to wait.
    pub fn since_us(&self) -> u64 {
        self.kept.since_us
    }

    fn follow(mut self, from: &Rc<Link>, redirection: Redirection, error: Vec<u8>) {
        let Some(client) = self.errand.client().cloned() else {
            return;
        };
        let holds = matches!(redirection, Redirection::Hold);
        self.kept.attempts = self.kept.attempts.saturating_add(u8::from(!holds));
        let backend = &from.backend;
        let (link, asking) = match redirection {
            _ if self.kept.attempts > ATTEMPTS_MAX => (None, false),
            Redirection::Moved(slot, address) => {
                (backend.redirected(from.lane, slot, &address), false)
            }
            Redirection::Ask(address) => (backend.asked(from.lane, &address), true),
            Redirection::TryAgain => {
                let from = Rc::clone(from);
                tokio::task::spawn_local(async move {
                    tokio::time::sleep(TRY_AGAIN).await;
                    from.backend.tick();
                    self.send(&from);
                });
                return;
            }
            Redirection::Hold if backend.may_hold(self.since_us()) => {
                return backend.hold(self, from.lane, error);
            }
            Redirection::Hold => (None, false),
        };
        let Some(link) = link else {
            client.deliver(self.errand.number, self.errand.part, &error, true);
            client.flush();
            return;
        };
        if asking {
            link.send(b"*1\r\n$6\r\nASKING\r\n", Errand::nobodys());
        }
        self.send(&link);
    }

    pub fn send(self, link: &Link) {
        let Again { errand, kept } = self;
        link.send(&kept.request, errand);
        let state = &mut *link.state.borrow_mut();
        if let Some(ticket) = state.tickets.back_mut() {
            ticket.kept = Some(kept);
        }
    }
}

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

const SCRATCH_BYTES: usize = 128 * 1024;

/// Reads before other tasks have their turn.
const READS_PER_TURN: usize = 4;

impl Carrier {
    fn new(link: Rc<Link>) -> Carrier {
        Carrier {
            replies: Replies::new(link.backend.pool.config.language),
            link,
            stream: None,
            connecting: None,
            message: Vec::new(),
            tail: Vec::new(),
            sleep: None,
            touched: Vec::new(),
            redirections: Vec::new(),
            gathers: false,
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if self.stream.is_none() && !self.poll_connect(cx)? {
            return self.check_time(cx);
        }
        if !self.should_gather(cx) {
            self.write(cx)?;
        }
        self.read(cx)?;
        self.check_time(cx)
    }

    /// Whether requests should wait until the thread has looked at its sockets once more: what
    /// other clients have asked meanwhile goes out with them. The task is woken then.
    fn should_gather(&mut self, cx: &mut Context<'_>) -> bool {
        let state = self.link.state.borrow();
        self.gathers = !self.gathers && state.written < state.out.len();
        if self.gathers {
            let _ = pin!(tokio::task::yield_now()).poll(cx);
        }
        self.gathers
    }

    /// Whether there is a connection.
    fn poll_connect(&mut self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let link = &self.link;
        if link.state.borrow().tickets.is_empty() && !link.wants_to_be_up.get() {
            return Ok(false);
        }
        let connecting = self.connecting.get_or_insert_with(|| {
            let (server, pool) = (Arc::clone(&link.server), Arc::clone(&link.backend.pool));
            Box::pin(async move { Stream::connect(&server.address, pool.connector.as_ref()).await })
        });
        let connected = match connecting.as_mut().poll(cx) {
            Poll::Pending => return Ok(false),
            Poll::Ready(connected) => connected,
        };
        self.connecting = None;
        let stream = connected.map_err(Failure::Io)?;
        let every_ms = link.backend.pool.config.server_keepalive_ms;
        if every_ms > 0 {
            let every = Duration::from_millis(every_ms);
            stream.keep_alive(every).map_err(Failure::Io)?;
        }
        self.stream = Some(stream);
        link.counters().server_connections.add(1);
        link.counters().connects.add(1);
        self.greet();
        Ok(true)
    }

    /// What a server is told before anything else.
    fn greet(&mut self) {
        let (link, config) = (&self.link, &self.link.backend.pool.config);
        let mut requests: Vec<Vec<Vec<u8>>> = Vec::new();
        if config.language == Language::Redis {
            let own = link.lane.identity == Identity::POOL;
            if let Some(password) = config.server_password.as_ref().filter(|_| own) {
                requests.push(vec![b"AUTH".to_vec(), password.clone().into_bytes()]);
            }
            if let Some(user) = link.backend.users.credentials(link.lane.identity) {
                let (name, password) = (user.name.clone(), user.password.clone());
                requests.push(vec![b"AUTH".to_vec(), name, password]);
            }
            if link.lane.resp3 {
                requests.push(vec![b"HELLO".to_vec(), b"3".to_vec()]);
            }
            if link.is_shared && config.cluster.is_some() && config.reading.has_replicas() {
                requests.push(vec![b"READONLY".to_vec()]);
            }
            if link.lane.db > 0 {
                let db = link.lane.db.to_string().into_bytes();
                requests.push(vec![b"SELECT".to_vec(), db]);
            }
        }
        link.backend.tick();
        let state = &mut *link.state.borrow_mut();
        let mut bytes = Vec::new();
        for _ in &requests {
            state.tickets.push_front(Ticket {
                errand: Errand::nobodys(),
                start: 0,
                at_us: link.backend.now_us.get(),
                kept: None,
            });
        }
        requests.iter().for_each(|r| write_request(&mut bytes, r));
        link.backend
            .queued
            .set(link.backend.queued.get() + bytes.len());
        for ticket in state.tickets.iter_mut().skip(requests.len()) {
            ticket.start += bytes.len() as u64;
        }
        state.out.splice(0..0, bytes);
        state.up = true;
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let mut sent = 0;
        let state = &mut *self.link.state.borrow_mut();
        let result = loop {
            if state.written == state.out.len() {
                state.base += state.out.len() as u64;
                state.out.clear();
                state.written = 0;
                if state.out.capacity() > BUFFER_KEPT {
                    state.out = Vec::new();
                }
                break match stream.poll_flush(cx) {
                    Poll::Ready(Err(error)) => Err(Failure::Io(error)),
                    Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
                };
            }
            match stream.poll_write(cx, &state.out[state.written..]) {
                Poll::Ready(Ok(len)) => {
                    state.written += len;
                    sent += len;
                }
                Poll::Ready(Err(error)) => break Err(Failure::Io(error)),
                Poll::Pending => break Ok(()),
            }
        };
        if state.written > BUFFER_KEPT {
            state.out.drain(..state.written);
            state.base += state.written as u64;
            state.written = 0;
        }
        if sent > 0 {
            self.link.counters().in_queue_bytes.sub(sent as u64);
            self.link.backend.dequeued(sent);
        }
        result
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let mut scratch = SCRATCH.with(|scratch| std::mem::take(&mut *scratch.borrow_mut()));
        scratch.resize(SCRATCH_BYTES, 0);
        let result = self.read_into(&mut scratch, cx);
        SCRATCH.with(|kept| *kept.borrow_mut() = scratch);
        for (redirection, again, error) in std::mem::take(&mut self.redirections) {
            again.follow(&self.link, redirection, error);
        }
        for client in self.touched.drain(..) {
            client.flush();
        }
        result
    }

    fn read_into(&mut self, scratch: &mut [u8], cx: &mut Context<'_>) -> Result<(), Failure> {
        for _ in 0..READS_PER_TURN {
            let Some(stream) = &mut self.stream else {
                return Ok(());
            };
            let kept = self.tail.len();
            scratch[..kept].copy_from_slice(&self.tail);
            let len = match stream.poll_read(cx, &mut scratch[kept..]) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(Failure::Eof),
                Poll::Ready(Ok(len)) => len,
                Poll::Ready(Err(error)) => return Err(Failure::Io(error)),
            };
            self.tail.clear();
            self.link.backend.tick();
            self.link.counters().response_bytes.add(len as u64);
            let total = kept + len;
            let consumed = self.take_replies(&scratch[..total])?;
            self.tail.extend_from_slice(&scratch[consumed..total]);
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Hands out the replies in `input`, and returns how many of its bytes are understood.
    fn take_replies(&mut self, input: &[u8]) -> Result<usize, Failure> {
        let mut at = 0;
        while at < input.len() {
            let begins = !self.replies.is_within();
            let rest = &input[at..];
            let (len, whole) = match &mut self.replies {
                Replies::Resp(scanner) => {
                    let scanned = scanner.scan(rest).map_err(|_| Failure::Nonsense)?;
                    (scanned.len, scanned.whole)
                }
                Replies::Memcached(scanner) => scanner.scan(rest).ok_or(Failure::Nonsense)?,
            };
            if len == 0 {
                break;
            }
            self.take_reply(&rest[..len], begins, whole)?;
            at += len;
        }
        Ok(at)
    }

    fn take_reply(&mut self, bytes: &[u8], begins: bool, whole: bool) -> Result<(), Failure> {
        let link = Rc::clone(&self.link);
        if let Some(listener) = link.listener.borrow().upgrade() {
            return self.take_message(&listener, bytes, whole);
        }
        let state = &mut *link.state.borrow_mut();
        let ticket = match whole {
            true => state.tickets.pop_front(),
            false => None,
        };
        let is_error = begins && bytes[0] == b'-';
        let holds = link.backend.pool.config.hold_ms > 0;
        let redirection = match &ticket {
            Some(ticket) if is_error && ticket.kept.is_some() => {
                Redirection::read(bytes, &link.server.address, holds)
            }
            _ => None,
        };
        if whole {
            link.counters().responses.add(1);
        }
        if is_error && is_refusal(bytes) {
            link.backend.pool.failed(link.lane.server, &link.server);
        } else if whole {
            link.backend.pool.answered(link.lane.server, &link.server);
        }
        match (ticket, redirection) {
            (
                Some(Ticket {
                    errand,
                    kept: Some(kept),
                    ..
                }),
                Some(redirection),
            ) => {
                let again = Again { errand, kept };
                self.redirections.push((redirection, again, bytes.to_vec()));
            }
            (ticket, _) => {
                let errand = match (&ticket, state.tickets.front()) {
                    (Some(ticket), _) => &ticket.errand,
                    (None, Some(front)) => &front.errand,
                    (None, None) => return Err(Failure::Nonsense),
                };
                if let Some(client) = errand.client() {
                    client.deliver(errand.number, errand.part, bytes, whole);
                    if client.touch() {
                        self.touched.push(Rc::clone(client));
                    }
                }
                if let Some(ticket) = &ticket {
                    link.note_time(ticket);
                }
            }
        }
        Ok(())
    }

    /// A connection of subscriptions: what is no message answers a request.
    fn take_message(
        &mut self,
        client: &Rc<Client>,
        bytes: &[u8],
        whole: bool,
    ) -> Result<(), Failure> {
        let state = &mut *self.link.state.borrow_mut();
        // Messages are short beside what else is buffered, so pieces wait for the rest.
        self.message.extend_from_slice(bytes);
        if !whole {
            return Ok(());
        }
        let message = std::mem::take(&mut self.message);
        if is_message(&message) {
            client.push(&message);
        } else {
            let ticket = state.tickets.pop_front().ok_or(Failure::Nonsense)?;
            if let Some(client) = ticket.errand.client() {
                client.deliver(ticket.errand.number, ticket.errand.part, &message, true);
            }
        }
        if client.touch() {
            self.touched.push(Rc::clone(client));
        }
        Ok(())
    }

    /// Whether the oldest request has waited too long.
    fn check_time(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let pool = &self.link.backend.pool;
        let timeout_ms = pool.config.timeout_ms;
        if timeout_ms == 0 {
            return Ok(());
        }
        loop {
            let Some(at_us) = self.link.state.borrow().tickets.front().map(|t| t.at_us) else {
                return Ok(());
            };
            let at_ms = at_us / 1000;
            let now_ms = pool.now_ms();
            let due_ms = at_ms + timeout_ms;
            if now_ms >= due_ms {
                return Err(Failure::TimedOut);
            }
            let sleep = self.sleep.get_or_insert_with(|| {
                Box::pin(tokio::time::sleep(Duration::from_millis(due_ms - now_ms)))
            });
            match sleep.as_mut().poll(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(()) => {
                    let moment = Instant::now() + Duration::from_millis(due_ms - now_ms);
                    sleep.as_mut().reset(moment);
                }
            }
        }
    }

    /// Ends the connection, and whoever waits for a reply hears why.
    fn fail(&mut self, failure: &Failure) {
        let link = Rc::clone(&self.link);
        let counters = link.counters();
        let was_up = self.stream.take().is_some();
        counters.server_connections.sub(u64::from(was_up));
        match failure {
            Failure::Eof => counters.server_eof.add(1),
            Failure::TimedOut => counters.server_timedout.add(1),
            Failure::Io(_) | Failure::Nonsense => counters.server_err.add(1),
        }
        self.connecting = None;
        self.tail.clear();
        // Of the first reply something has been handed out already.
        let mut is_within = self.replies.is_within();
        self.replies = Replies::new(link.backend.pool.config.language);
        self.message.clear();
        link.wants_to_be_up.set(false);
        link.failures.set(link.failures.get() + 1);
        let holds = link.holds();
        // What is held waits in one place, or it would be run in another order.
        let keeps = was_up && link.is_shared && !holds;
        let tickets = link.state.borrow_mut().lose(keeps);
        link.backend.dequeued(tickets.unsent);
        counters.in_queue_bytes.sub(tickets.unsent as u64);
        let words = failure.words();
        let redis = format!("-ERR {words}\r\n");
        let memcached = format!("SERVER_ERROR {words}\r\n");
        for ticket in tickets.lost {
            let Ticket {
                errand,
                start,
                at_us,
                kept,
            } = ticket;
            let Some(client) = errand.client().cloned() else {
                continue;
            };
            let error = if client.is_memcached {
                &memcached
            } else {
                &redis
            };
            let is_safe = start > tickets.sent || errand.reads;
            let is_safe = is_safe && !is_within && link.backend.can_find(errand.unit as usize);
            is_within = false;
            let is_late = matches!(failure, Failure::TimedOut) && link.is_late(at_us);
            if let Some(kept) = kept
                && holds
                && is_safe
                && !is_late
            {
                let again = Again { errand, kept };
                let error = error.clone().into_bytes();
                link.backend.hold(again, link.lane, error);
                continue;
            }
            client.fail(errand.number, errand.part, error.as_bytes());
            if client.touch() {
                self.touched.push(client);
            }
        }
        if let Some(listener) = link.listener.borrow().upgrade() {
            // Messages may be lost: the client has to know, and subscribe anew.
            listener.broken.set(true);
            listener.wake();
        }
        for client in self.touched.drain(..) {
            client.flush();
        }
    }
}

/// Replies of a server that can do nothing now.
fn is_refusal(reply: &[u8]) -> bool {
    [&b"-OOM "[..], b"-BUSY ", b"-LOADING "]
        .iter()
        .any(|prefix| reply.starts_with(prefix))
}

/// Whether a subscription's server says this unasked.
fn is_message(reply: &[u8]) -> bool {
    let mut lines = reply.split(|&byte| byte == b'\n');
    let kind = lines.nth(2).unwrap_or_default();
    matches!(kind, b"message\r" | b"pmessage\r" | b"smessage\r")
}

impl Future for Carrier {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // Who sends something from here on wakes this task.
        *this.link.waker.borrow_mut() = Some(cx.waker().clone());
        if this.link.state.borrow().closing {
            this.link.listener.replace(Weak::new());
            this.fail(&Failure::Eof);
            return Poll::Ready(());
        }
        while let Err(failure) = this.advance(cx) {
            let link = &this.link;
            link.backend.pool.failed(link.lane.server, &link.server);
            this.fail(&failure);
        }
        Poll::Pending
    }
}
