//! Requests that wait for a server to come back, or for another to take its place.
//!
//! Only those are held that no server can have run, and reads: what may have changed something is
//! never sent twice.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::backend::{Backend, Lane};
use crate::link::Again;

/// The requests of a pool in one worker that wait, in the order they came.
#[derive(Debug, Default)]
pub struct Room {
    waiting: RefCell<VecDeque<Waiting>>,
    /// Somebody looks after them.
    attended: Cell<bool>,
}

#[derive(Debug)]
struct Waiting {
    again: Again,
    lane: Lane,
    error: Vec<u8>,
}

/// Between two attempts.
const GLANCE: Duration = Duration::from_millis(20);

impl Backend {
    /// Whether a request that has been under way since then may still wait.
    pub fn may_hold(&self, since_us: u64) -> bool {
        let hold_us = self.pool.config.hold_ms * 1000;
        self.tick();
        self.now_us.get() < since_us + hold_us
    }

    /// Keeps a request until it can be sent, or its time is up: then its client hears `error`.
    pub fn hold(self: &Rc<Backend>, again: Again, lane: Lane, error: Vec<u8>) {
        again
            .errand
            .client()
            .inspect(|client| client.holds.set(true));
        self.counters().held.add(1);
        let room = &self.room;
        room.waiting
            .borrow_mut()
            .push_back(Waiting { again, lane, error });
        self.pool.changed.notify_one();
        if !room.attended.replace(true) {
            tokio::task::spawn_local(attend(Rc::clone(self)));
        }
    }

    fn let_go(self: &Rc<Backend>, waiting: Waiting) {
        let Waiting { again, lane, error } = waiting;
        let Some(client) = again.errand.client().cloned() else {
            return;
        };
        if client.broken.get() {
            return;
        }
        if !self.may_hold(again.since_us()) {
            client.fail(again.errand.number, again.errand.part, &error);
            client.flush();
            return;
        }
        let unit = again.errand.unit as usize;
        let Some(server) = self.server_for(unit, again.errand.reads) else {
            let waiting = Waiting { again, lane, error };
            return self.room.waiting.borrow_mut().push_back(waiting);
        };
        self.counters().resent.add(1);
        again.send(&self.link(Lane { server, ..lane }, client.id));
    }
}

async fn attend(backend: Rc<Backend>) {
    loop {
        tokio::time::sleep(GLANCE).await;
        backend.refresh();
        let waiting = std::mem::take(&mut *backend.room.waiting.borrow_mut());
        for waiting in waiting {
            backend.let_go(waiting);
        }
        if backend.room.waiting.borrow().is_empty() {
            backend.room.attended.set(false);
            return;
        }
    }
}
