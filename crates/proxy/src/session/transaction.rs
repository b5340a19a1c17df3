//! Transactions: they run on a connection of their own, to the server of their first key.

use std::rc::Rc;

use resp::Protocol;
use resp::reply::write_request;

use super::request::{CROSSING, HOMELESS, forward};
use super::{Flow, Session};
use crate::backend::Lane;
use crate::link::{Errand, Link};
use crate::table::action::{Local, Verb};
use crate::table::{Action, Command, Entry, NO_MULTI};

/// Whether requests go where their keys are.
pub enum Mode {
    Plain,
    /// A transaction is open, and no key has told its server.
    Queueing(Queue),
    Bound(Bound),
}

/// A transaction without a server.
#[derive(Default)]
pub struct Queue {
    /// Requests without keys.
    held: Vec<Vec<u8>>,
    spoiled: bool,
}

/// A connection of one's own.
pub struct Bound {
    pub link: Rc<Link>,
    pub unit: usize,
    phase: Phase,
    spoiled: bool,
    /// The link's failures when it was taken.
    failures: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Keys are watched.
    Watching,
    Transaction,
    /// It waits for a key, and is given back when that is over.
    Waiting,
    /// It is given back when all replies have come.
    Leaving,
}

const FORBIDDEN: &str = "ERR forbid transaction in current server pool";
const ABORTED: &str = "EXECABORT Transaction discarded because of previous errors.";

/// Requests without keys that a transaction holds back.
const HELD_MAX: usize = 10_000;

impl Session {
    /// Takes a connection of one's own to the master of a unit, if it has one.
    pub(super) fn bind(&mut self, unit: usize, phase: Phase) -> bool {
        let Some(server) = self.client.backend.master_of(unit) else {
            return false;
        };
        let lane = Lane {
            server,
            db: self.db,
            resp3: self.protocol == Protocol::Resp3,
            identity: self.identity,
        };
        let link = self.client.backend.lease(lane);
        let failures = link.failures();
        self.mode = Mode::Bound(Bound {
            link,
            unit,
            phase,
            spoiled: false,
            failures,
        });
        true
    }

    /// Gives the connection back, if it is done with.
    pub(super) fn release(&mut self) {
        if let Mode::Bound(bound) = &self.mode
            && matches!(bound.phase, Phase::Leaving | Phase::Waiting)
            && let Mode::Bound(bound) = std::mem::replace(&mut self.mode, Mode::Plain)
        {
            self.client.backend.give_back(bound.link);
        }
    }

    /// A request of the open transaction was wrong, so that it must not run.
    pub(super) fn spoil(&mut self) {
        match &mut self.mode {
            Mode::Queueing(queue) => queue.spoiled = true,
            Mode::Bound(bound) => bound.spoiled |= bound.phase == Phase::Transaction,
            Mode::Plain => {}
        }
    }

    pub(super) fn waits_for_keys(&self) -> bool {
        matches!(&self.mode, Mode::Bound(bound) if bound.phase == Phase::Waiting)
    }

    fn is_in_transaction(&self) -> bool {
        match &self.mode {
            Mode::Queueing(_) => true,
            Mode::Bound(bound) => bound.phase == Phase::Transaction,
            Mode::Plain => false,
        }
    }

    /// What an open transaction makes of a request; none if it is handled as any other.
    pub(super) fn in_transaction(
        &mut self,
        entry: &'static Entry,
        words: &[&[u8]],
        sent: Option<&[u8]>,
    ) -> Option<Flow> {
        if !self.is_in_transaction() {
            return None;
        }
        match entry.action {
            Action::Transaction(Verb::Unwatch) | Action::Local(Local::Ping | Local::Echo) => {}
            Action::Transaction(_) | Action::Local(Local::Quit | Local::Reset) => return None,
            Action::Local(_) | Action::Subscription(_) | Action::Refused => {
                return Some(self.not_here(entry));
            }
            Action::Everywhere | Action::Scan | Action::RandomKey
                if self.client.backend.units() > 1 =>
            {
                return Some(self.not_here(entry));
            }
            _ if entry.command.has(NO_MULTI) => return Some(self.not_here(entry)),
            _ => {}
        }
        Some(self.queue(entry.command, words, sent))
    }

    fn not_here(&mut self, entry: &Entry) -> Flow {
        self.spoil();
        let name = entry.command.name;
        self.error(&format!(
            "ERR Command not allowed inside a transaction: '{name}'"
        ))
    }

    fn queue(&mut self, command: &Command, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        let subcommand = words.get(1).and_then(|name| command.subcommand(name));
        let command = subcommand.unwrap_or(command);
        let has_keys = command.first_key(words).is_some();
        if let Mode::Queueing(queue) = &mut self.mode
            && !has_keys
        {
            if queue.held.len() >= HELD_MAX {
                queue.spoiled = true;
                return self.error("ERR too many commands without keys in a transaction");
            }
            let mut request = Vec::new();
            write_request(&mut request, words);
            queue.held.push(request);
            self.reply(|reply| reply.simple("QUEUED"));
            return Flow::Next;
        }
        let unit = match self.one_unit(command, words) {
            Ok(unit) => Some(unit).filter(|_| has_keys),
            Err(text) => {
                self.spoil();
                return self.error(text);
            }
        };
        if let (Mode::Queueing(_), Some(unit)) = (&self.mode, unit) {
            self.open_at(unit);
        }
        let Mode::Bound(bound) = &mut self.mode else {
            return self.error(HOMELESS);
        };
        if unit.is_some_and(|unit| unit != bound.unit) {
            bound.spoiled = true;
            return self.error(CROSSING);
        }
        let link = Rc::clone(&bound.link);
        let number = self.client.open();
        forward(&link, words, sent, self.errand(number, 0, 0, false));
        Flow::Next
    }

    /// The transaction has got its server.
    fn open_at(&mut self, unit: usize) {
        let Mode::Queueing(queue) = std::mem::replace(&mut self.mode, Mode::Plain) else {
            return;
        };
        let bound = self.bind(unit, Phase::Transaction);
        if !bound {
            self.mode = Mode::Queueing(queue);
            return self.spoil();
        }
        if let Mode::Bound(bound) = &mut self.mode {
            bound.spoiled = queue.spoiled;
            bound.link.send(b"*1\r\n$5\r\nMULTI\r\n", Errand::nobodys());
            for request in &queue.held {
                bound.link.send(request, Errand::nobodys());
            }
        }
    }

    pub(super) fn transaction(
        &mut self,
        verb: Verb,
        command: &Command,
        words: &[&[u8]],
        sent: Option<&[u8]>,
    ) -> Flow {
        let backend = &self.client.backend;
        let forbidden = !backend.pool.config.transactions && backend.units() > 1;
        match verb {
            Verb::Multi | Verb::Watch if forbidden => self.error(FORBIDDEN),
            Verb::Multi => self.multi(words, sent),
            Verb::Exec => self.exec(words, sent),
            Verb::Discard => self.discard(words, sent),
            Verb::Watch => self.watch(command, words, sent),
            Verb::Unwatch => match &self.mode {
                Mode::Bound(bound) if bound.phase == Phase::Watching => {
                    self.leave_with(words, sent)
                }
                _ => self.ok(),
            },
        }
    }

    pub(super) fn ok(&self) -> Flow {
        self.reply(|reply| reply.simple("OK"));
        Flow::Next
    }

    fn multi(&mut self, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        if self.is_in_transaction() {
            return self.error("ERR MULTI calls can not be nested");
        }
        if let Mode::Bound(bound) = &mut self.mode {
            bound.phase = Phase::Transaction;
            let link = Rc::clone(&bound.link);
            let number = self.client.open();
            forward(&link, words, sent, self.errand(number, 0, 0, false));
            return Flow::Next;
        }
        // What was asked before must have happened before.
        if !self.client.is_idle() {
            return Flow::Hold;
        }
        self.mode = Mode::Queueing(Queue::default());
        self.ok()
    }

    fn exec(&mut self, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        if !self.is_in_transaction() {
            return self.error("ERR EXEC without MULTI");
        }
        if let Mode::Queueing(queue) = &self.mode {
            let (spoiled, empty) = (queue.spoiled, queue.held.is_empty());
            let unit = match spoiled || empty {
                true => None,
                false => self.client.backend.unit_of(b"placeholder"),
            };
            match unit {
                Some(unit) => self.open_at(unit),
                None => {
                    self.mode = Mode::Plain;
                    return match (spoiled, empty) {
                        (true, _) => self.error(ABORTED),
                        (_, false) => self.error(HOMELESS),
                        _ => {
                            self.reply(|reply| reply.array(0));
                            Flow::Next
                        }
                    };
                }
            }
        }
        let Mode::Bound(bound) = &mut self.mode else {
            self.mode = Mode::Plain;
            return self.error(ABORTED);
        };
        let lost = bound.failures != bound.link.failures();
        if !bound.spoiled && !lost {
            return self.leave_with(words, sent);
        }
        if !lost {
            bound
                .link
                .send(b"*1\r\n$7\r\nDISCARD\r\n", Errand::nobodys());
        }
        bound.phase = Phase::Leaving;
        self.barrier = true;
        self.error(ABORTED)
    }

    fn discard(&mut self, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        if !self.is_in_transaction() {
            return self.error("ERR DISCARD without MULTI");
        }
        match &self.mode {
            Mode::Bound(bound) if bound.failures == bound.link.failures() => {
                self.leave_with(words, sent)
            }
            Mode::Bound(_) => {
                if let Mode::Bound(bound) = &mut self.mode {
                    bound.phase = Phase::Leaving;
                }
                self.barrier = true;
                self.ok()
            }
            _ => {
                self.mode = Mode::Plain;
                self.ok()
            }
        }
    }

    /// The last request on the connection of one's own.
    fn leave_with(&mut self, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        if let Mode::Bound(bound) = &mut self.mode {
            bound.phase = Phase::Leaving;
            let link = Rc::clone(&bound.link);
            let number = self.client.open();
            forward(&link, words, sent, self.errand(number, 0, 0, false));
        }
        self.barrier = true;
        Flow::Next
    }

    fn watch(&mut self, command: &Command, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        if self.is_in_transaction() {
            return self.error("ERR WATCH inside MULTI is not allowed");
        }
        let unit = match self.one_unit(command, words) {
            Ok(unit) => unit,
            Err(text) => return self.error(text),
        };
        match &self.mode {
            Mode::Bound(bound) if bound.unit != unit => return self.error(CROSSING),
            Mode::Bound(_) => {}
            _ if !self.client.is_idle() => return Flow::Hold,
            _ => {
                self.bind(unit, Phase::Watching);
            }
        }
        let Some(link) = self.link(unit, false).map(Rc::clone) else {
            return self.error(HOMELESS);
        };
        let number = self.client.open();
        forward(&link, words, sent, self.errand(number, 0, 0, false));
        Flow::Next
    }
}
