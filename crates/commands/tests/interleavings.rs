//! Waits for keys, under many schedules of the threads that begin, serve and end them.
//!
//! Waiters, writers and disturbers are threads with sessions of their own, who run real commands on
//! one engine. The keys lie in different shards. What they do is drawn from a number, and so is the
//! order in which they take turns. However that comes out:
//!
//! * nobody waits for ever: the checker ends the run if all threads do;
//! * an element that was pushed is received once, or is still in a list, or was deleted, or was
//!   served to one who is killed before reading it;
//! * a wait ends once, by one reply;
//! * nobody waits for a key that holds what it waits for, not for an instant;
//! * waits for the same key are served in the order they began.
//!
//! A failure prints the command that repeats it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::task::{Wake, Waker};

use config::Config;
use engine::clients::{ClientFlags, ClientId, Endpoints};
use engine::session::Session;
use engine::{Engine, Progress, Worker};
use resp::reply::write_request;
use resp::request::{Batch, Limits, Parser};
use resp::value::Value;
use shuttle::scheduler::RandomScheduler;
use shuttle::sync::{Arc, Condvar, Mutex};
use shuttle::thread;
use stdx::prng::Prng;
use testkit::World;

const SCHEDULES: u64 = 1000;

/// Lists that elements are pushed to, and one that they are only moved to. Each has its shard, and
/// the last one's is the first of all.
const SOURCES: [&str; 2] = ["a", "b"];
const DESTINATION: &str = "d";

const WAITERS: u64 = 4;
const WRITERS: u64 = 2;
const PUSHES: u64 = 3;
const DISTURBANCES: usize = 2;

#[test]
fn waits_lose_nothing() {
    match std::env::var("OCHRE_SCHEDULE") {
        Ok(number) => run(number.parse().unwrap()),
        Err(_) => (0..SCHEDULES).for_each(run),
    }
}

/// Says how to repeat a schedule that fails.
struct Repeat(u64);

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "repeat it with\n  OCHRE_SCHEDULE={} cargo test -p commands --features shuttle \
                 --test interleavings",
                self.0
            );
        }
    }
}

fn run(schedule: u64) {
    let _repeat = Repeat(schedule);
    let mut config = shuttle::Config::new();
    config.failure_persistence = shuttle::FailurePersistence::None;
    let scheduler = RandomScheduler::new_from_seed(schedule, 1);
    shuttle::Runner::new(scheduler, config).run(move || a_rush(schedule));
}

/// Everybody at once.
fn a_rush(seed: u64) {
    let hall = Arc::new(Hall::open());
    let mut prng = Prng::new(seed);
    let waits: Vec<Vec<&'static str>> = (0..WAITERS).map(|_| draw_wait(&mut prng)).collect();
    let sessions: Vec<Caller> = waits.iter().map(|_| Caller::connect(&hall)).collect();
    let ids: Vec<ClientId> = sessions.iter().map(|caller| caller.id()).collect();
    let wakers: Vec<_> = sessions
        .iter()
        .map(|caller| Arc::clone(&caller.bell))
        .collect();
    let waiters: Vec<_> = sessions
        .into_iter()
        .zip(waits.clone())
        .map(|(mut caller, words)| thread::spawn(move || caller.wait_once(&words)))
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (mut caller, mut prng) = (Caller::connect(&hall), Prng::new(prng.next_u64()));
            thread::spawn(move || write(&mut caller, writer, &mut prng))
        })
        .collect();
    let mut changes = Changes::default();
    let mut disturber = Caller::connect(&hall);
    for _ in 0..DISTURBANCES {
        let targets = (&ids[..], &waits[..], &wakers[..]);
        disturb(&mut disturber, &mut prng, targets, &mut changes);
    }
    for writer in writers {
        let mut more = writer.join().unwrap();
        changes.pushed.append(&mut more.pushed);
        changes.deleted.append(&mut more.deleted);
    }
    release(&mut disturber, &ids, &waits, &hall);
    let ends: Vec<End> = waiters
        .into_iter()
        .map(|waiter| waiter.join().unwrap())
        .collect();
    for (index, end) in ends.iter().enumerate() {
        let late = format!("after{index}");
        let served = end.served.as_ref().map(|(_, element)| element);
        assert_ne!(served, Some(&late), "who was killed is served no more");
    }
    check_tokens(&mut disturber, &waits, &ends, changes);
    check_order(&waits, &ends);
}

/// What one waiter asks for.
fn draw_wait(prng: &mut Prng) -> Vec<&'static str> {
    let [first, second] = match prng.below(2) {
        0 => SOURCES,
        _ => [SOURCES[1], SOURCES[0]],
    };
    let timeout = ["0", "0", "0.5"][prng.below(3) as usize];
    match prng.below(5) {
        0 => vec!["BLPOP", first, second, timeout],
        1 => vec!["BLPOP", DESTINATION, timeout],
        2 => vec!["BLPOP", first, timeout],
        _ => vec!["BLMOVE", first, DESTINATION, "LEFT", "RIGHT", timeout],
    }
}

/// The keys that the words of a wait wait for.
fn awaited<'w>(words: &[&'w str]) -> Vec<&'w str> {
    match words[0] {
        "BLMOVE" => vec![words[1]],
        _ => words[1..words.len() - 1].to_vec(),
    }
}

/// What somebody has put into the lists, and what was deleted with them.
#[derive(Default)]
struct Changes {
    pushed: Vec<String>,
    deleted: Vec<String>,
}

/// Pushes elements to one key, whose names tell their order; sometimes changes what it holds.
fn write(caller: &mut Caller, writer: u64, prng: &mut Prng) -> Changes {
    let key = SOURCES[writer as usize % SOURCES.len()];
    let Changes {
        mut pushed,
        mut deleted,
    } = Changes::default();
    let mut number = 0;
    while number < PUSHES {
        let token = |number: u64| format!("{key}{number}");
        match prng.below(6) {
            0 => {
                // Whatever comes and goes within a transaction is nobody's.
                caller.ask(&["MULTI"]);
                caller.ask(&["RPUSH", key, "never"]);
                caller.ask(&["RPOP", key]);
                caller.ask(&["RPUSH", key, &token(number)]);
                caller.ask(&["EXEC"]);
                pushed.push(token(number));
                number += 1;
            }
            1 => {
                caller.ask(&["MULTI"]);
                caller.ask(&["LRANGE", key, "0", "-1"]);
                caller.ask(&["SET", key, "another kind"]);
                caller.ask(&["DEL", key]);
                let Value::Array(replies) = caller.ask(&["EXEC"]) else {
                    panic!("a transaction without watched keys runs")
                };
                deleted.extend(texts(&replies[0]));
            }
            2 if number + 1 < PUSHES => {
                caller.ask(&["RPUSH", key, &token(number), &token(number + 1)]);
                pushed.extend([token(number), token(number + 1)]);
                number += 2;
            }
            _ => {
                caller.ask(&["RPUSH", key, &token(number)]);
                pushed.push(token(number));
                number += 1;
            }
        }
    }
    Changes { pushed, deleted }
}

type Targets<'a> = (&'a [ClientId], &'a [Vec<&'static str>], &'a [Arc<Bell>]);

/// Does something to somebody who waits.
fn disturb(caller: &mut Caller, prng: &mut Prng, targets: Targets<'_>, changes: &mut Changes) {
    let (ids, waits, bells) = targets;
    let target = prng.below(ids.len() as u64) as usize;
    match prng.below(4) {
        0 => {
            caller.hall.world.advance_micros(600_000);
            bells.iter().for_each(|bell| bell.ring());
        }
        1 => {
            caller.ask(&["CLIENT", "KILL", "ID", &ids[target].0.to_string()]);
            let token = format!("after{target}");
            caller.ask(&["RPUSH", awaited(&waits[target])[0], &token]);
            changes.pushed.push(token);
        }
        2 => {
            unblock(caller, ids[target], &waits[target]);
        }
        _ => {
            caller.ask(&["MULTI"]);
            caller.ask(&["LRANGE", DESTINATION, "0", "-1"]);
            caller.ask(&["DEL", DESTINATION]);
            let Value::Array(replies) = caller.ask(&["EXEC"]) else {
                panic!("a transaction without watched keys runs")
            };
            changes.deleted.extend(texts(&replies[0]));
        }
    }
}

/// Unblocks a client, and sees at the same moment that none of the keys it waits for holds a list.
/// Returns whether it was waiting.
fn unblock(caller: &mut Caller, id: ClientId, words: &[&str]) -> bool {
    let keys = awaited(words);
    caller.ask(&["MULTI"]);
    for key in &keys {
        caller.ask(&["LLEN", key]);
    }
    caller.ask(&["CLIENT", "UNBLOCK", &id.0.to_string()]);
    let Value::Array(mut replies) = caller.ask(&["EXEC"]) else {
        panic!("a transaction without watched keys runs")
    };
    let waited = replies.pop() == Some(Value::Integer(1));
    let nothing = replies.iter().all(|len| *len == Value::Integer(0));
    assert!(
        !waited || nothing,
        "nobody waits for what is there: {words:?}, {replies:?}"
    );
    waited
}

/// Unblocks everybody who is left.
fn release(caller: &mut Caller, ids: &[ClientId], waits: &[Vec<&str>], hall: &Hall) {
    for (id, words) in ids.iter().zip(waits) {
        while !hall.left.lock().unwrap().contains(id) {
            if !unblock(caller, *id, words) {
                thread::yield_now();
            }
        }
    }
}

/// Every element is somewhere, once.
fn check_tokens(caller: &mut Caller, waits: &[Vec<&str>], ends: &[End], changes: Changes) {
    let (mut found, mut pushed) = (changes.deleted, changes.pushed);
    for key in SOURCES.iter().chain([&DESTINATION]) {
        found.extend(texts(&caller.ask(&["LRANGE", key, "0", "-1"])));
    }
    found.extend(ends.iter().filter_map(|end| end.taken.clone()));
    for token in &found {
        let at = pushed.iter().position(|known| known == token);
        pushed.swap_remove(at.expect("every element is somewhere, once"));
    }
    // What somebody was served who is killed before reading it is lost, as on the way to a client.
    for (index, (end, words)) in ends.iter().zip(waits).enumerate() {
        let (may_lose, late) = (end.killed && words[0] == "BLPOP", format!("after{index}"));
        // Any element may have been moved to the destination before.
        let is_its = |token: &String| {
            *token != late
                && (token.starts_with("after")
                    || awaited(words)
                        .iter()
                        .any(|key| *key == DESTINATION || token.starts_with(key)))
        };
        if may_lose
            && end.taken.is_none()
            && let Some(at) = pushed.iter().position(is_its)
        {
            pushed.swap_remove(at);
        }
    }
    assert!(pushed.is_empty(), "every element is somewhere: {pushed:?}");
}

/// Whoever began before another at the same key got an earlier element of it.
fn check_order(waits: &[Vec<&str>], ends: &[End]) {
    for (earlier, later) in ends
        .iter()
        .flat_map(|one| ends.iter().map(move |two| (one, two)))
    {
        let began_earlier = earlier.began.1 < later.began.0;
        let (Some((key, first)), Some((other, second))) = (&earlier.served, &later.served) else {
            continue;
        };
        if [first, second]
            .iter()
            .any(|element| element.starts_with("after"))
        {
            continue;
        }
        assert!(
            !(began_earlier && key == other) || first < second,
            "waits for one key are served in order: {waits:?}, {ends:?}"
        );
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Bulk(bytes) => vec![String::from_utf8_lossy(bytes).into_owned()],
        // There was no list.
        Value::Error(_) => Vec::new(),
        other => panic!("words, not {other:?}"),
    }
}

/// Where everybody meets.
struct Hall {
    engine: Engine,
    world: World,
    /// Who is done.
    left: Mutex<Vec<ClientId>>,
    /// Counts moments.
    moment: Mutex<u64>,
}

impl Hall {
    fn open() -> Hall {
        let world = World::default();
        let host = Box::new(world.clone());
        Hall {
            engine: Engine::new(commands::table(), Config::default(), host, 1),
            world,
            left: Mutex::default(),
            moment: Mutex::default(),
        }
    }

    fn moment(&self) -> u64 {
        let mut moment = self.moment.lock().unwrap();
        *moment += 1;
        *moment
    }
}

/// What wakes a thread.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.heard.notify_one();
    }

    fn sleep(&self) {
        let rung = self.rung.lock().unwrap();
        let mut rung = self.heard.wait_while(rung, |rung| !*rung).unwrap();
        *rung = false;
    }
}

struct Ringer(Arc<Bell>);

impl Wake for Ringer {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.ring();
    }
}

/// How a wait came out.
#[derive(Debug)]
struct End {
    /// The moments before it began, and after.
    began: (u64, u64),
    /// The key that served the wait, and with which element, if it did wait.
    served: Option<(String, String)>,
    /// The element that was received and is in no list.
    taken: Option<String>,
    killed: bool,
}

/// A client, its connection and the thread that runs it.
struct Caller {
    hall: Arc<Hall>,
    session: Session,
    worker: Worker,
    bell: Arc<Bell>,
}

impl Caller {
    fn connect(hall: &Arc<Hall>) -> Caller {
        let session = hall.engine.connect(Endpoints::default());
        let bell = Arc::new(Bell::default());
        let ringer = std::sync::Arc::new(Ringer(Arc::clone(&bell)));
        session.client.set_waker(&Waker::from(ringer));
        Caller {
            hall: Arc::clone(hall),
            session,
            worker: Worker::new(&hall.engine, 1),
            bell,
        }
    }

    fn id(&self) -> ClientId {
        self.session.client.id
    }

    /// Runs a command, whose reply is all that comes; there is none if it waits.
    fn run(&mut self, words: &[&str]) -> (Progress, Vec<u8>) {
        let (mut input, mut out) = (Vec::new(), Vec::new());
        write_request(&mut input, words);
        let limits = Limits {
            bulk_bytes_max: 1 << 20,
            unauthenticated: false,
        };
        let mut batch = Batch::default();
        Parser::default().parse(&mut input, &limits, &mut batch);
        let engine = &self.hall.engine;
        let progress = engine.run(&mut self.session, &mut self.worker, &batch, 0, &mut out);
        (progress, out)
    }

    fn ask(&mut self, words: &[&str]) -> Value {
        let (progress, out) = self.run(words);
        assert_eq!(progress, Progress::All);
        only_reply(&out).expect("a command that does not wait has a reply")
    }

    /// Runs a command that may wait, until it does not any longer, and leaves.
    fn wait_once(&mut self, words: &[&str]) -> End {
        let before = self.hall.moment();
        let (progress, mut out) = self.run(words);
        let began = (before, self.hall.moment());
        let waited = matches!(progress, Progress::Blocks { .. });
        while self.session.client.has(ClientFlags::BLOCKED) {
            if self.session.client.has(ClientFlags::WOKEN) {
                self.session.client.take_inbox(&mut out);
            }
            if self.session.client.has(ClientFlags::KILLED)
                || !self
                    .hall
                    .engine
                    .is_blocked(&mut self.session, &self.worker, &mut out)
            {
                break;
            }
            self.bell.sleep();
        }
        self.hall.engine.disconnect(&mut self.session);
        self.hall.left.lock().unwrap().push(self.id());
        let (served, taken) = match (words[0], only_reply(&out)) {
            ("BLMOVE", Some(Value::Bulk(element))) => {
                (Some((words[1].to_owned(), text(&element))), None)
            }
            ("BLPOP", Some(pair @ Value::Array(_))) => {
                let mut pair = texts(&pair);
                let element = pair.pop().unwrap();
                (Some((pair.remove(0), element.clone())), Some(element))
            }
            (_, None | Some(Value::Null | Value::NullArray)) => (None, None),
            (_, other) => panic!("a wait ends with an element or with none: {other:?}"),
        };
        End {
            began,
            served: served.filter(|_| waited),
            taken,
            killed: self.session.client.has(ClientFlags::KILLED),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn only_reply(out: &[u8]) -> Option<Value> {
    let (value, len) = resp::value::read(out).unwrap()?;
    assert_eq!(len, out.len(), "one reply, not more");
    Some(value)
}

#[test]
fn the_keys_lie_in_different_shards() {
    let keys = SOURCES.iter().chain([&DESTINATION]);
    let shards = keys.map(|key| (keyspace::Slot::of(key.as_bytes()).shard(), *key));
    let shards: BTreeMap<usize, &str> = shards.collect();
    assert_eq!(shards.len(), SOURCES.len() + 1);
    assert_eq!(shards.values().next(), Some(&DESTINATION));
}
