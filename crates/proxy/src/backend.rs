//! A pool in one worker: its connections to servers, shared by the worker's clients.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use stdx::prng::Prng;

use crate::client::Client;
use crate::configuration::Address;
use crate::hold::Room;
use crate::identity::{Identity, Register};
use crate::link::Link;
use crate::pool::{Pool, SLOTS, SlotRange, Slots, View};
use crate::stats::PoolCounters;

/// What a connection to a server is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    pub server: usize,
    pub db: u32,
    pub resp3: bool,
    pub identity: Identity,
}

/// A pool in one worker.
#[derive(Debug)]
pub struct Backend {
    pub pool: Arc<Pool>,
    pub worker: usize,
    view: RefCell<Arc<View>>,
    seen: Cell<u64>,
    links: RefCell<HashMap<(Lane, u32), Rc<Link>>>,
    /// Connections of one's own that nobody uses.
    idle: RefCell<HashMap<Lane, Vec<Rc<Link>>>>,
    buffers: RefCell<Vec<Vec<u8>>>,
    pub chance: RefCell<Prng>,
    /// Bytes that wait to be sent to servers.
    pub queued: Cell<usize>,
    /// Clients that wait for these to become fewer.
    waiters: RefCell<Vec<Rc<Client>>>,
    pub clients: RefCell<HashMap<u64, Rc<Client>>>,
    /// The pool's microseconds when bytes last came.
    pub now_us: Cell<u64>,
    /// Requests may have to be sent again, or be told of.
    pub keeps_requests: bool,
    pub room: Room,
    /// Bytes of replies that clients have not taken.
    pub unread: Cell<usize>,
    /// Users of the servers.
    pub users: Register,
    /// Where keys come from.
    pub source: Option<Rc<Backend>>,
    /// What has taken its place.
    successor: RefCell<Option<Rc<Backend>>>,
    closed: Cell<bool>,
}

/// With as many bytes on their way to servers, clients are not read.
const QUEUED_MAX: usize = 32 * 1024 * 1024;

/// Emptied buffers that are kept.
const BUFFERS_KEPT: usize = 64;
const IDLE_KEPT: usize = 64;

impl Backend {
    pub fn new(pool: Arc<Pool>, worker: usize, seed: u64) -> Rc<Backend> {
        let view = pool.view();
        let seen = pool.version();
        let config = &pool.config;
        let keeps_requests =
            config.cluster.is_some() || config.hold_ms > 0 || config.slow_us.is_some();
        let source = pool.source.as_ref();
        let source = source.map(|source| Backend::new(Arc::clone(source), worker, !seed));
        Rc::new(Backend {
            source,
            now_us: Cell::new(pool.now_us()),
            keeps_requests,
            room: Room::default(),
            unread: Cell::new(0),
            successor: RefCell::default(),
            closed: Cell::new(false),
            pool,
            worker,
            view: RefCell::new(view),
            seen: Cell::new(seen),
            links: RefCell::default(),
            idle: RefCell::default(),
            buffers: RefCell::default(),
            chance: RefCell::new(Prng::new(seed)),
            queued: Cell::new(0),
            waiters: RefCell::default(),
            clients: RefCell::default(),
            users: Register::default(),
        })
    }

    pub fn counters(&self) -> &PoolCounters {
        &self.pool.counters[self.worker]
    }

    /// Where keys live now.
    #[inline]
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// Looks at the clock.
    #[inline]
    pub fn tick(&self) {
        self.now_us.set(self.pool.now_us());
    }

    /// Looks whether servers have left or come back.
    #[inline]
    pub fn refresh(&self) {
        let changes_at = self.view.borrow().changes_at;
        if changes_at.is_some_and(|moment| self.pool.now_ms() > moment) {
            self.pool.refresh();
        }
        let version = self.pool.version();
        if version != self.seen.get() {
            *self.view.borrow_mut() = self.pool.view();
            self.seen.set(version);
        }
    }

    /// The unit that a key belongs to.
    #[inline]
    pub fn unit_of(&self, key: &[u8]) -> Option<usize> {
        let view = self.view.borrow();
        view.unit_of(key, &mut self.chance.borrow_mut())
    }

    pub fn units(&self) -> usize {
        self.view.borrow().units()
    }

    pub fn unit_at(&self, number: usize) -> usize {
        self.view.borrow().unit_at(number)
    }

    pub fn listening_units(&self) -> usize {
        self.view.borrow().listening_units()
    }

    /// Whether a unit will be the same when others serve.
    pub fn can_find(&self, unit: usize) -> bool {
        self.pool.config.cluster.is_none() || unit < SLOTS
    }

    pub fn master_of(&self, unit: usize) -> Option<usize> {
        self.view.borrow().master_of(unit)
    }

    /// The server for a request to a unit.
    #[inline]
    pub fn server_for(&self, unit: usize, reads: bool) -> Option<usize> {
        let view = self.view.borrow();
        let config = &self.pool.config;
        let has_readers = config.cluster.is_some() && config.reading.has_replicas();
        if !reads || config.groups.is_none() && !has_readers {
            return view.master_of(unit);
        }
        let now_ms = self.now_us.get() / 1000;
        view.reader_of(unit, &config.reading, now_ms, &mut self.chance.borrow_mut())
    }

    /// The connection that a client's requests to a server share with others'.
    pub fn link(self: &Rc<Backend>, lane: Lane, client: u64) -> Rc<Link> {
        let choice = (client % u64::from(self.pool.config.server_connections)) as u32;
        let mut links = self.links.borrow_mut();
        let link = links
            .entry((lane, choice))
            .or_insert_with(|| Link::start(self, lane));
        Rc::clone(link)
    }

    /// The connection to a server that another has named, for a request like one of `lane`'s.
    pub fn redirected(
        self: &Rc<Backend>,
        lane: Lane,
        slot: usize,
        to: &Address,
    ) -> Option<Rc<Link>> {
        let range = [SlotRange {
            slots: Slots::one(slot),
            master: to.clone(),
            replicas: None,
        }];
        self.pool.learn_slots(&range, false);
        self.pool.changed.notify_one();
        self.refresh();
        let view = self.view();
        let server = view
            .servers
            .iter()
            .position(|server| server.address == *to)?;
        Some(self.link(Lane { server, ..lane }, 0))
    }

    /// The same for one request, while the slot is on its way.
    pub fn asked(self: &Rc<Backend>, lane: Lane, to: &Address) -> Option<Rc<Link>> {
        // A server without slots is known from then on, too.
        let range = SlotRange {
            slots: Slots::NONE,
            master: to.clone(),
            replicas: None,
        };
        self.pool.learn_slots(&[range], false);
        self.refresh();
        let view = self.view();
        let server = view
            .servers
            .iter()
            .position(|server| server.address == *to)?;
        Some(self.link(Lane { server, ..lane }, 0))
    }

    /// A connection of one's own.
    pub fn lease(self: &Rc<Backend>, lane: Lane) -> Rc<Link> {
        let mut idle = self.idle.borrow_mut();
        let links = idle.entry(lane).or_default();
        while let Some(link) = links.pop() {
            if link.is_up() {
                return link;
            }
            link.close();
        }
        Link::start_own(self, lane, None)
    }

    /// Gives back a connection that is as if new.
    pub fn give_back(&self, link: Rc<Link>) {
        let mut idle = self.idle.borrow_mut();
        let links = idle.entry(link.lane).or_default();
        if links.len() < IDLE_KEPT && link.is_up() {
            links.push(link);
        } else {
            link.close();
        }
    }

    pub fn take_buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    pub fn give_buffer(&self, buffer: Vec<u8>) {
        let mut buffers = self.buffers.borrow_mut();
        if buffers.len() < BUFFERS_KEPT {
            buffers.push(buffer);
        }
    }

    /// Whether a client may be read. If not, it is woken when it may.
    pub fn has_room(&self, client: &Rc<Client>) -> bool {
        let room = self.queued.get() < QUEUED_MAX;
        if !room {
            self.waiters.borrow_mut().push(Rc::clone(client));
        }
        room
    }

    pub fn dequeued(&self, bytes: usize) {
        self.queued.set(self.queued.get().saturating_sub(bytes));
        if self.queued.get() < QUEUED_MAX {
            for client in self.waiters.borrow_mut().drain(..) {
                client.wake();
            }
        }
    }

    /// Has its clients go over to another.
    pub fn give_way_to(&self, successor: Rc<Backend>) {
        *self.successor.borrow_mut() = Some(successor);
        for client in self.clients.borrow().values() {
            client.wake();
        }
    }

    #[inline]
    pub fn has_given_way(&self) -> bool {
        self.successor.borrow().is_some()
    }

    /// What serves its clients from now on, however often the file has changed.
    pub fn successor(&self) -> Option<Rc<Backend>> {
        let next = self.successor.borrow().clone()?;
        let later = next.successor();
        Some(later.unwrap_or(next))
    }

    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Ends everything.
    pub fn close(&self) {
        self.closed.set(true);
        self.source.as_ref().inspect(|source| source.close());
        for (_, link) in self.links.borrow_mut().drain() {
            link.close();
        }
        for (_, links) in self.idle.borrow_mut().drain() {
            links.iter().for_each(|link| link.close());
        }
    }
}
