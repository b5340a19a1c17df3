//! Many clients who move things about between many keys, and some who count them.
//!
//! Money moves between counters; tokens move between sets, lists and sorted sets. Every move is one
//! command or one transaction, so whoever looks at all keys of a kind in one transaction sees all
//! the money there is, and every token once, at any time. Meanwhile others walk over the keys,
//! expire, flush and swap other dbs, pause everybody, and are killed while they wait.
//!
//! What each client does is drawn from a seed, which a failure prints. `OCHRE_STRESS_SECONDS` makes
//! it take longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use resp::value::Value;
use stdx::prng::Prng;

use crate::process::{Server, wait_until};
use crate::wire::Wire;

/// Keys of each kind; every other draw is one of the first three.
const KEYS: u64 = 20;
const HOT_KEYS: u64 = 3;

/// Tokens of each kind.
const TOKENS: u64 = 50;

const MOVERS: u64 = 4;
const MONEY: i64 = 100;

#[test]
fn nothing_is_lost_or_doubled_with_one_thread() {
    stress(1);
}

#[test]
fn nothing_is_lost_or_doubled_with_two_threads() {
    stress(2);
}

#[test]
fn nothing_is_lost_or_doubled_with_four_threads() {
    stress(4);
}

fn stress(io_threads: usize) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let seconds = number("OCHRE_STRESS_SECONDS").unwrap_or(3);
    let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = number("OCHRE_STRESS_SEED").unwrap_or(since_epoch.as_micros() as u64);
    let _repeat = Repeat { seed, seconds };
    let server = Server::start(&["--io-threads", &io_threads.to_string()]);
    let yard = Yard::open(server, Duration::from_secs(seconds));
    let mut threads = Vec::new();
    for mover in 0..MOVERS {
        threads.push(yard.spawn(seed + mover, move |yard, prng| yard.mover(mover, prng)));
    }
    threads.push(yard.spawn(seed + 100, |yard, prng| yard.observer(prng)));
    threads.push(yard.spawn(seed + 101, |yard, prng| yard.observer(prng)));
    threads.push(yard.spawn(seed + 102, |yard, prng| yard.victim(prng)));
    threads.push(yard.spawn(seed + 103, |yard, prng| yard.passer_by(prng)));
    threads.push(yard.spawn(seed + 104, |yard, prng| yard.pauser(prng)));
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
    let mut wire = yard.server.connect();
    Kind::ALL.iter().for_each(|kind| count(&mut wire, *kind));
    wait_until("nobody waits any more", || {
        wire.ask("INFO clients")
            .contains("\r\nblocked_clients:0\r\n")
    });
}

/// Says how to repeat a run that fails: the same commands, if not at the same moments.
struct Repeat {
    seed: u64,
    seconds: u64,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "repeat it with\n  OCHRE_STRESS_SEED={} OCHRE_STRESS_SECONDS={} cargo test -p \
                 ochre --test it stress",
                self.seed, self.seconds
            );
        }
    }
}

/// What is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Money,
    Members,
    Elements,
    Scored,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Money, Kind::Members, Kind::Elements, Kind::Scored];

    fn key(self, number: u64) -> String {
        let name = match self {
            Kind::Money => "counter",
            Kind::Members => "set",
            Kind::Elements => "list",
            Kind::Scored => "sorted",
        };
        format!("{name}:{number}")
    }

    fn draw_key(self, prng: &mut Prng) -> String {
        let hot = prng.below(2) == 0;
        self.key(prng.below(if hot { HOT_KEYS } else { KEYS }))
    }

    /// A key that only this mover puts things into.
    fn own_key(self, mover: u64) -> String {
        self.key(KEYS + mover)
    }

    /// Every key there may be.
    fn keys(self) -> Vec<String> {
        (0..KEYS + MOVERS).map(|number| self.key(number)).collect()
    }
}

fn draw_token(prng: &mut Prng) -> String {
    format!("token:{}", prng.below(TOKENS))
}

/// The server, and until when it is kept busy.
struct Yard {
    server: Server,
    deadline: Instant,
    failed: AtomicBool,
    /// The connection that waits to be killed.
    waiting: Mutex<Option<String>>,
}

impl Yard {
    fn open(server: Server, duration: Duration) -> Arc<Yard> {
        let mut wire = server.connect();
        let mut prng = Prng::new(1);
        let mut lines: Vec<String> = (0..KEYS)
            .map(|number| format!("SET {} {MONEY}", Kind::Money.key(number)))
            .collect();
        for token in (0..TOKENS).map(|number| format!("token:{number}")) {
            lines.push(format!(
                "SADD {} {token}",
                Kind::Members.draw_key(&mut prng)
            ));
            lines.push(format!(
                "RPUSH {} {token}",
                Kind::Elements.draw_key(&mut prng)
            ));
            lines.push(format!(
                "ZADD {} 1 {token}",
                Kind::Scored.draw_key(&mut prng)
            ));
        }
        wire.ask_all(&lines);
        Arc::new(Yard {
            server,
            deadline: Instant::now() + duration,
            failed: AtomicBool::new(false),
            waiting: Mutex::default(),
        })
    }

    fn spawn(
        self: &Arc<Yard>,
        seed: u64,
        work: impl FnOnce(&Yard, &mut Prng) + Send + 'static,
    ) -> thread::JoinHandle<()> {
        let yard = Arc::clone(self);
        thread::spawn(move || {
            let stop = StopAll(&yard);
            work(&yard, &mut Prng::new(seed));
            drop(stop);
        })
    }

    fn is_open(&self) -> bool {
        Instant::now() < self.deadline && !self.failed.load(Ordering::Relaxed)
    }

    fn mover(&self, mover: u64, prng: &mut Prng) {
        let mut wire = self.server.connect();
        for step in 0_u64.. {
            if !self.is_open() {
                break;
            }
            let kind = Kind::ALL[prng.below(4) as usize];
            let before = prng.clone();
            match kind {
                Kind::Money => move_money(&mut wire, prng),
                Kind::Members => move_members(&mut wire, mover, prng),
                Kind::Elements => move_elements(&mut wire, mover, prng),
                Kind::Scored => move_scored(&mut wire, mover, prng),
            }
            let marker = wire.ask(&format!("ECHO {step}"));
            let expected = step.to_string();
            assert!(
                marker == format!("${}\r\n{step}", expected.len()),
                "a reply too many or too few: {kind:?} {before:?} {marker}"
            );
        }
    }

    fn observer(&self, prng: &mut Prng) {
        let mut wire = self.server.connect();
        while self.is_open() {
            count(&mut wire, Kind::ALL[prng.below(4) as usize]);
        }
    }

    /// Waits to move an element, and goes or is killed.
    fn victim(&self, prng: &mut Prng) {
        while self.is_open() {
            let mut wire = self.server.connect();
            let id = wire.ask("CLIENT ID").split_off(1);
            *self.waiting.lock().unwrap() = Some(id);
            let (from, to) = draw_two(Kind::Elements, prng);
            let request = format!("BLMOVE {from} {to} LEFT RIGHT 0.05\r\n");
            for _ in 0..1 + prng.below(3) {
                // The connection may have been closed already.
                drop(wire.send(request.as_bytes()));
            }
            if prng.below(2) == 0 {
                wire.finish();
                wire.rest();
            }
        }
    }

    /// Does what is no business of the keys that are counted.
    fn passer_by(&self, prng: &mut Prng) {
        let mut wire = self.server.connect();
        while self.is_open() {
            match prng.below(6) {
                0 => {
                    let lines = ["SELECT 1", "SET x 1 PX 1", "RPUSH y 1", "PEXPIRE y 1"];
                    wire.ask_all(&lines);
                    wire.ask_all(&["FLUSHDB ASYNC", "SELECT 0"]);
                }
                1 => {
                    wire.ask_all(&["SELECT 2", "FLUSHDB", "SET a b", "SELECT 0"]);
                }
                2 => {
                    assert_eq!(wire.ask("SWAPDB 1 2"), "+OK");
                }
                3 => {
                    assert!(wire.ask("SCAN 0 COUNT 1000").starts_with('*'));
                }
                4 => {
                    let keys = wire.ask("KEYS counter:*");
                    assert!(keys.starts_with(&format!("*{KEYS}\r\n")), "{keys}");
                }
                _ => {
                    let id = self.waiting.lock().unwrap().take();
                    if let Some(id) = id {
                        assert!(wire.ask(&format!("CLIENT KILL ID {id}")).starts_with(':'));
                    }
                }
            }
        }
    }

    /// Pauses writes, and sees that nothing changes until that is over.
    fn pauser(&self, prng: &mut Prng) {
        let mut wire = self.server.connect();
        let mut look = vec!["MULTI".to_owned()];
        for number in 0..KEYS {
            look.push(format!("GET {}", Kind::Money.key(number)));
            look.push(format!("LRANGE {} 0 -1", Kind::Elements.key(number)));
            look.push(format!("SMEMBERS {}", Kind::Members.key(number)));
        }
        look.push("EXEC".to_owned());
        while self.is_open() {
            if prng.below(4) == 0 {
                assert_eq!(wire.ask("CLIENT PAUSE 1 ALL"), "+OK");
            }
            assert_eq!(wire.ask("CLIENT PAUSE 600000 WRITE"), "+OK");
            let before = wire.ask_all(&look).pop();
            for _ in 0..3 {
                assert_eq!(wire.ask_all(&look).pop(), before, "writes are paused");
            }
            assert_eq!(wire.ask("CLIENT UNPAUSE"), "+OK");
            // Others have their turn.
            for _ in 0..50 {
                wire.ask("PING");
            }
        }
    }
}

/// Ends the others' work when one fails.
struct StopAll<'a>(&'a Yard);

impl Drop for StopAll<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
        }
    }
}

fn draw_two(kind: Kind, prng: &mut Prng) -> (String, String) {
    let from = kind.draw_key(prng);
    loop {
        let to = kind.draw_key(prng);
        if to != from {
            return (from, to);
        }
    }
}

fn end(prng: &mut Prng) -> &'static str {
    ["LEFT", "RIGHT"][prng.below(2) as usize]
}

fn run_transaction(wire: &mut Wire, lines: Vec<String>) -> Value {
    let multi = ["MULTI".to_owned()];
    let exec = ["EXEC".to_owned()];
    let lines = [&multi[..], &lines, &exec].concat();
    wire.ask_all(&lines).pop().unwrap()
}

fn move_money(wire: &mut Wire, prng: &mut Prng) {
    let (from, to) = draw_two(Kind::Money, prng);
    let amount = prng.below(10);
    if prng.below(3) > 0 {
        let more = (1..prng.below(3)).flat_map(|_| {
            let (from, to) = draw_two(Kind::Money, prng);
            [format!("DECR {from}"), format!("INCR {to}")]
        });
        let mut lines: Vec<String> = more.collect();
        lines.push(format!("DECRBY {from} {amount}"));
        lines.push(format!("INCRBY {to} {amount}"));
        run_transaction(wire, lines);
        return;
    }
    // What was read is written back, if it is the same by then.
    let read = wire.ask_all(&[format!("WATCH {from}"), format!("GET {from}")]);
    let money = number(&read[1]) - amount as i64;
    let lines = vec![
        format!("SET {from} {money}"),
        format!("INCRBY {to} {amount}"),
    ];
    run_transaction(wire, lines);
}

fn move_members(wire: &mut Wire, mover: u64, prng: &mut Prng) {
    let (from, to) = draw_two(Kind::Members, prng);
    let own = Kind::Members.own_key(mover);
    match prng.below(6) {
        0 => {
            wire.ask(&format!("RENAMENX {from} {to}"));
        }
        1 => {
            run_transaction(
                wire,
                vec![
                    format!("SUNIONSTORE {to} {to} {from}"),
                    format!("DEL {from}"),
                ],
            );
        }
        2 => {
            // The own key was emptied before.
            wire.ask(&format!("RENAME {from} {own}"));
            run_transaction(
                wire,
                vec![format!("SUNIONSTORE {to} {to} {own}"), format!("DEL {own}")],
            );
        }
        _ => {
            let token = draw_token(prng);
            wire.ask(&format!("SMOVE {from} {to} {token}"));
        }
    }
}

fn move_elements(wire: &mut Wire, mover: u64, prng: &mut Prng) {
    let (from, to) = draw_two(Kind::Elements, prng);
    let (one, other) = (end(prng), end(prng));
    match prng.below(7) {
        0 => {
            wire.ask(&format!("RENAMENX {from} {to}"));
        }
        1 => {
            let own = Kind::Elements.own_key(mover);
            run_transaction(
                wire,
                vec![format!("COPY {from} {own}"), format!("UNLINK {from}")],
            );
            while wire.ask(&format!("LMOVE {own} {to} {one} {other}")) != "$-1" {}
        }
        2 => {
            wire.ask(&format!("RPOPLPUSH {from} {to}"));
        }
        3 | 4 => {
            wire.ask(&format!("BLMOVE {from} {to} {one} {other} 0.002"));
        }
        5 => {
            run_transaction(
                wire,
                vec![
                    format!("LMOVE {from} {to} {one} {other}"),
                    format!("BLMOVE {to} {from} {one} {other} 0"),
                ],
            );
        }
        _ => {
            wire.ask(&format!("LMOVE {from} {to} {one} {other}"));
        }
    }
}

fn move_scored(wire: &mut Wire, mover: u64, prng: &mut Prng) {
    let (from, to) = draw_two(Kind::Scored, prng);
    match prng.below(4) {
        0 => {
            let own = Kind::Scored.own_key(mover);
            run_transaction(
                wire,
                vec![format!("ZUNIONSTORE {own} 1 {from}"), format!("DEL {from}")],
            );
            run_transaction(
                wire,
                vec![
                    format!("ZUNIONSTORE {to} 2 {to} {own}"),
                    format!("DEL {own}"),
                ],
            );
        }
        _ => {
            let read = wire.ask_all(&[format!("WATCH {from}"), format!("ZRANDMEMBER {from}")]);
            let Value::Bulk(token) = &read[1] else {
                wire.ask("UNWATCH");
                return;
            };
            let token = String::from_utf8_lossy(token);
            let lines = vec![
                format!("ZREM {from} {token}"),
                format!("ZADD {to} 1 {token}"),
            ];
            run_transaction(wire, lines);
        }
    }
}

/// Looks at everything of one kind at one moment.
#[track_caller]
fn count(wire: &mut Wire, kind: Kind) {
    let keys = kind.keys();
    if kind == Kind::Money {
        let counters = format!("MGET {}", keys[..KEYS as usize].join(" "));
        let Value::Array(counters) = wire.ask_all(&[counters]).remove(0) else {
            panic!("MGET replies with an array")
        };
        let money: i64 = counters.iter().map(number).sum();
        assert_eq!(money, MONEY * KEYS as i64, "money is kept");
        return;
    }
    let look = |key: &String| match kind {
        Kind::Money => unreachable!("money is counted above"),
        Kind::Members => format!("SMEMBERS {key}"),
        Kind::Elements => format!("LRANGE {key} 0 -1"),
        Kind::Scored => format!("ZRANGE {key} 0 -1"),
    };
    let Value::Array(found) = run_transaction(wire, keys.iter().map(look).collect()) else {
        panic!("a transaction without watched keys runs")
    };
    let mut found: Vec<String> = found.iter().flat_map(texts).collect();
    found.sort();
    let mut tokens: Vec<String> = (0..TOKENS)
        .map(|number| format!("token:{number}"))
        .collect();
    tokens.sort();
    assert_eq!(found, tokens, "every token is somewhere, once: {kind:?}");
}

#[track_caller]
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Bulk(bytes) => vec![String::from_utf8_lossy(bytes).into_owned()],
        other => panic!("words, not {other:?}"),
    }
}

#[track_caller]
fn number(value: &Value) -> i64 {
    match value {
        Value::Bulk(bytes) => std::str::from_utf8(bytes).unwrap().parse().unwrap(),
        other => panic!("a number, not {other:?}"),
    }
}
