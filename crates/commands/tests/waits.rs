//! Waits for lists, held against a model of their rules, in virtual time.
//!
//! The model knows when each wait began, and what each list holds. A push makes a key ready that
//! held nothing; when the command is over, the waits for the ready keys are served, key by key in
//! the order they became ready, at each key in the order they began. A transaction is one command.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, VecDeque};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use resp::value::Value;
use testkit::Node;

const KEYS: [&str; 3] = ["a", "b", "c"];
const CLIENTS: [&str; 5] = ["va", "vb", "vc", "vd", "ve"];

/// Who pushes and disturbs, and never waits.
const ADMIN: &str = "admin";

#[derive(Clone, Debug)]
enum Change {
    /// So many elements to the end of a list.
    Push(&'static str, usize),
    Pop(&'static str),
    Delete(&'static str),
}

#[derive(Clone, Debug)]
enum Action {
    Change(Change),
    Transaction(Vec<Change>),
    /// `BLPOP`, for so many milliseconds, or without an end.
    Pop(usize, Vec<&'static str>, u64),
    /// `BLMOVE` from the head of one list to the end of another.
    Move(usize, &'static str, &'static str, u64),
    Kill(usize),
    Unblock(usize, bool),
    Advance(u64),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (select(&KEYS[..]), 1..4_usize).prop_map(|(key, count)| Change::Push(key, count)),
        1 => select(&KEYS[..]).prop_map(Change::Pop),
        1 => select(&KEYS[..]).prop_map(Change::Delete),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let client = || 0..CLIENTS.len();
    let timeout = || prop_oneof![Just(0), 1..300_u64];
    let some_keys = || subsequence(KEYS.to_vec(), 1..=3).prop_shuffle();
    let (key, other) = (select(&KEYS[..]), select(&KEYS[..]));
    prop_oneof![
        4 => change().prop_map(Action::Change),
        2 => vec(change(), 1..5).prop_map(Action::Transaction),
        5 => (client(), some_keys(), timeout()).prop_map(|(c, k, t)| Action::Pop(c, k, t)),
        4 => (client(), key, other, timeout()).prop_map(|(c, f, t, ms)| Action::Move(c, f, t, ms)),
        1 => client().prop_map(Action::Kill),
        1 => (client(), any::<bool>()).prop_map(|(c, error)| Action::Unblock(c, error)),
        2 => (1..200_u64).prop_map(Action::Advance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn waits_are_served_as_the_model_says(actions in vec(action(), 1..60)) {
        let mut both = Both::new();
        for action in &actions {
            both.play(action);
        }
        both.compare_lists();
    }
}

struct Wait {
    client: usize,
    keys: Vec<&'static str>,
    destination: Option<&'static str>,
    deadline: Option<u64>,
}

#[derive(Default)]
struct Model {
    now: u64,
    lists: BTreeMap<&'static str, VecDeque<String>>,
    /// In the order they began.
    waits: Vec<Wait>,
    ready: VecDeque<&'static str>,
    /// What clients are sent.
    sent: Vec<(usize, Value)>,
}

impl Model {
    fn push(&mut self, key: &'static str, element: String) {
        let list = self.lists.entry(key).or_default();
        if list.is_empty() {
            self.ready.push_back(key);
        }
        list.push_back(element);
    }

    fn pop(&mut self, key: &str) -> Option<String> {
        self.lists.get_mut(key).and_then(VecDeque::pop_front)
    }

    /// What somebody gets who asks for one of `keys`.
    fn take(&mut self, key: &'static str, destination: Option<&'static str>) -> Option<Value> {
        let element = self.pop(key)?;
        let bulk = |text: &str| Value::Bulk(text.as_bytes().to_vec());
        let reply = match destination {
            None => Value::Array(vec![bulk(key), bulk(&element)]),
            Some(_) => bulk(&element),
        };
        if let Some(destination) = destination {
            self.push(destination, element);
        }
        Some(reply)
    }

    fn begin(&mut self, wait: Wait) {
        for key in &wait.keys {
            if let Some(reply) = self.take(key, wait.destination) {
                self.sent.push((wait.client, reply));
                return self.serve();
            }
        }
        self.waits.push(wait);
    }

    /// Serves the waits when a command is over.
    fn serve(&mut self) {
        while let Some(key) = self.ready.pop_front() {
            let waiting = self.waits.iter().filter(|wait| wait.keys.contains(&key));
            let clients: Vec<usize> = waiting.map(|wait| wait.client).collect();
            for client in clients {
                let at = self.waits.iter().position(|wait| wait.client == client);
                let Some(at) = at else { continue };
                if let Some(reply) = self.take(key, self.waits[at].destination) {
                    self.waits.remove(at);
                    self.sent.push((client, reply));
                }
            }
        }
    }

    /// Ends a wait with this reply, if there is one.
    fn end(&mut self, client: usize, reply: Option<Value>) -> bool {
        let at = self.waits.iter().position(|wait| wait.client == client);
        if let Some(at) = at {
            self.waits.remove(at);
            self.sent.extend(reply.map(|reply| (client, reply)));
        }
        at.is_some()
    }

    fn advance(&mut self, millis: u64) {
        self.now += millis;
        let now = self.now;
        let over = |wait: &Wait| wait.deadline.is_some_and(|deadline| deadline <= now);
        let over: Vec<usize> = self
            .waits
            .iter()
            .filter(|wait| over(wait))
            .map(|wait| wait.client)
            .collect();
        for client in over {
            self.end(client, Some(Value::NullArray));
        }
    }

    fn is_waiting(&self, client: usize) -> bool {
        self.waits.iter().any(|wait| wait.client == client)
    }
}

/// The model, and a node that is to do the same.
struct Both {
    model: Model,
    node: Node,
    pushed: usize,
}

impl Both {
    fn new() -> Both {
        Both {
            model: Model::default(),
            node: Node::new(commands::table()),
            pushed: 0,
        }
    }

    fn ask(&mut self, client: &str, line: &str) -> Option<Value> {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.into()).collect();
        self.node.command(client, &words)
    }

    fn id_of(&mut self, client: usize) -> Option<u64> {
        let name = CLIENTS[client];
        let clients = self.node.engine.clients.all();
        let named = |client: &&std::sync::Arc<engine::clients::Client>| *client.name.lock() == name;
        clients.iter().find(named).map(|client| client.id.0)
    }

    fn play(&mut self, action: &Action) {
        match action {
            Action::Change(change) => {
                let line = self.change(change);
                self.ask(ADMIN, &line);
                self.model.serve();
            }
            Action::Transaction(changes) => {
                self.ask(ADMIN, "MULTI");
                for change in changes {
                    let line = self.change(change);
                    self.ask(ADMIN, &line);
                }
                self.ask(ADMIN, "EXEC");
                self.model.serve();
            }
            Action::Pop(client, keys, timeout) => {
                let line = format!("BLPOP {} {}", keys.join(" "), seconds(*timeout));
                self.begin(*client, &line, keys.clone(), None, *timeout);
            }
            Action::Move(client, from, to, timeout) => {
                let line = format!("BLMOVE {from} {to} LEFT RIGHT {}", seconds(*timeout));
                self.begin(*client, &line, vec![from], Some(to), *timeout);
            }
            Action::Kill(client) => {
                if let Some(id) = self.id_of(*client) {
                    self.ask(ADMIN, &format!("CLIENT KILL ID {id}"));
                }
                self.model.end(*client, None);
            }
            Action::Unblock(client, with_error) => self.unblock(*client, *with_error),
            Action::Advance(millis) => {
                self.node.advance_micros(*millis as i64 * 1000);
                self.model.advance(*millis);
            }
        }
        self.compare_replies();
    }

    /// Does to the model what the returned line does to the node.
    fn change(&mut self, change: &Change) -> String {
        match *change {
            Change::Push(key, count) => {
                let mut line = format!("RPUSH {key}");
                for _ in 0..count {
                    self.pushed += 1;
                    self.model.push(key, format!("e{}", self.pushed));
                    line += &format!(" e{}", self.pushed);
                }
                line
            }
            Change::Pop(key) => {
                self.model.pop(key);
                format!("LPOP {key}")
            }
            Change::Delete(key) => {
                self.model.lists.remove(key);
                format!("DEL {key}")
            }
        }
    }

    fn begin(
        &mut self,
        client: usize,
        line: &str,
        keys: Vec<&'static str>,
        destination: Option<&'static str>,
        timeout: u64,
    ) {
        if self.model.is_waiting(client) {
            return;
        }
        let name = CLIENTS[client];
        self.ask(name, &format!("CLIENT SETNAME {name}"));
        let reply = self.ask(name, line);
        self.model.begin(Wait {
            client,
            keys,
            destination,
            deadline: (timeout > 0).then(|| self.model.now + timeout),
        });
        if let Some(reply) = reply {
            assert_eq!(self.model.sent.remove(0), (client, reply), "{line}");
        }
    }

    fn unblock(&mut self, client: usize, with_error: bool) {
        let Some(id) = self.id_of(client) else {
            return;
        };
        let how = if with_error { "ERROR" } else { "TIMEOUT" };
        let unblocked = self.ask(ADMIN, &format!("CLIENT UNBLOCK {id} {how}"));
        let error = b"UNBLOCKED client unblocked via CLIENT UNBLOCK".to_vec();
        let reply = match with_error {
            true => Value::Error(error),
            false => Value::NullArray,
        };
        let waited = self.model.end(client, Some(reply));
        assert_eq!(unblocked, Some(Value::Integer(i64::from(waited))));
    }

    fn compare_replies(&mut self) {
        let sent = std::mem::take(&mut self.model.sent);
        for (client, name) in CLIENTS.iter().enumerate() {
            let expected = sent.iter().filter(|(to, _)| *to == client);
            let expected: Vec<Value> = expected.map(|(_, reply)| reply.clone()).collect();
            let received: Vec<Value> = std::iter::from_fn(|| self.node.next(name)).collect();
            assert_eq!(received, expected, "what {name} is sent");
        }
    }

    fn compare_lists(&mut self) {
        for key in KEYS {
            let found = self.ask(ADMIN, &format!("LRANGE {key} 0 -1"));
            let expected = self.model.lists.remove(key).unwrap_or_default();
            let expected = expected.iter().map(|text| Value::Bulk(text.clone().into()));
            assert_eq!(found, Some(Value::Array(expected.collect())), "{key}");
        }
    }
}

/// A timeout as it is written.
fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}
