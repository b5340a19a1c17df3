use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use keyspace::{Keyspace, ShardSet};

use super::*;

fn effects(words: &[&str]) -> Effects {
    let mut effects = Effects::default();
    effects.push(DbIndex(0), words);
    effects
}

fn subscribe(log: &Log) -> Reader {
    let keyspace = Keyspace::new(1, 1);
    log.subscribe(&keyspace.lock(ShardSet::ALL))
}

fn read(log: &Log, reader: &Reader) -> String {
    let mut bytes = Vec::new();
    log.read(reader, &mut bytes);
    String::from_utf8(bytes).expect("effects are text here")
}

#[test]
fn the_past_is_kept_for_readers_to_come() {
    let log = Log::default();
    assert!(!log.is_read() && !log.is_kept());
    log.append_verbatim(b"unknown");
    log.keep(100);
    assert!(log.is_read() && log.is_kept());
    assert_eq!(log.span(), Span { start: 7, end: 7 });
    for _ in 0..50 {
        log.append_verbatim(b"0123456789");
    }
    // No more than was asked for, though more may lie there.
    assert_eq!(
        log.span(),
        Span {
            start: 407,
            end: 507
        }
    );
    let reader = log.hold(450).expect("it is kept");
    assert_eq!(read(&log, &reader).len(), 57);
    log.unsubscribe(reader);
    assert_eq!(log.hold(508), None);
    log.keep(1000);
    assert!(log.span().start <= 407);
    log.free();
    assert!(!log.is_read() && !log.is_kept());
    assert_eq!(
        log.span(),
        Span {
            start: 507,
            end: 507
        }
    );
}

#[test]
fn what_is_not_kept_is_given_up() {
    let log = Log::default();
    log.keep(1000);
    for _ in 0..10_000 {
        log.append_verbatim(&[b'x'; 100]);
    }
    assert!(log.memory() < 50_000, "{}", log.memory());
    assert_eq!(log.hold(0), None);
    // A reader keeps what it has not read, and no more.
    let (span, reader) = log.hold_all();
    for _ in 0..1_000 {
        log.append_verbatim(&[b'x'; 100]);
    }
    assert!(log.memory() > 100_000);
    assert_eq!(
        log.hold(span.start).map(|at| log.place(&at)),
        Some(span.start)
    );
    let mut pieces = Vec::new();
    assert_eq!(log.share(&reader, 50_000, &mut pieces), 50_000);
    assert_eq!(log.place(&reader), span.start + 50_000);
}

#[test]
fn a_db_is_said_once_and_again_to_whoever_begins() {
    let log = Log::default();
    let first = subscribe(&log);
    log.append(&mut effects(&["DEL", "a"]));
    log.append(&mut effects(&["DEL", "b"]));
    assert_eq!(read(&log, &first).matches("SELECT").count(), 1);
    let second = subscribe(&log);
    log.append(&mut effects(&["DEL", "c"]));
    assert_eq!(read(&log, &second).matches("SELECT").count(), 1);
    log.say_db_again();
    log.append(&mut effects(&["DEL", "d"]));
    assert_eq!(read(&log, &second).matches("SELECT").count(), 1);
}

#[test]
fn a_follower_s_log_is_its_primary_s() {
    let log = Log::default();
    let reader = subscribe(&log);
    log.follow(true);
    assert!(!log.is_read(), "effects are not wanted");
    assert_eq!(log.append(&mut effects(&["DEL", "a"])), 0);
    assert_eq!(log.append_stream(b"stream", DbIndex(4)), 6);
    assert_eq!(log.followed_db(), Some(DbIndex(4)));
    log.follow(true);
    assert_eq!(log.followed_db(), Some(DbIndex(4)), "it goes on");
    log.restart(1000);
    assert_eq!((log.offset(), log.followed_db()), (1000, Some(DbIndex(0))));
    assert_eq!(read(&log, &reader), "");
    log.follow(false);
    assert_eq!(
        log.append_stream(b"late", DbIndex(4)),
        1000,
        "the link is over"
    );
    log.append(&mut effects(&["DEL", "a"]));
    assert!(read(&log, &reader).starts_with("*2\r\n$6\r\nSELECT"));
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn who_waits_for_more_is_woken_once() {
    let log = Log::default();
    let reader = subscribe(&log);
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&count));
    assert!(!log.has_more(&reader, &waker));
    log.wake_readers();
    assert_eq!(count.0.load(Ordering::SeqCst), 0, "there is nothing more");
    log.append(&mut effects(&["DEL", "a"]));
    log.wake_readers();
    log.append_verbatim(b"x");
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert!(log.has_more(&reader, &waker));
}
