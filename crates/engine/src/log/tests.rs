use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use keyspace::{Keyspace, ShardSet, Slot};

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

fn subscribe_to(log: &Log, slots: &[u16]) -> Reader {
    let keyspace = Keyspace::new(1, 1);
    let slots = slots.iter().copied().collect();
    log.subscribe_to(&keyspace.lock(ShardSet::ALL), &slots)
}

fn is_read_about(log: &Log, slots: &[u16]) -> bool {
    log.is_read_about(slots.iter().copied().map(Slot::new))
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
fn what_a_reader_was_brought_past_is_given_up() {
    let log = Log::default();
    log.keep(1000);
    let carrier = log.hold(0).expect("nothing was given up");
    let follower = log.hold(0).expect("nothing was given up");
    for _ in 0..1_000 {
        log.append_verbatim(&[b'x'; 100]);
    }
    assert_eq!(log.share(&carrier, 60_000, &mut Vec::new()), 60_000);
    assert!(log.memory() > 100_000);
    log.advance(&follower, 60_000);
    assert_eq!(log.place(&follower), 60_000);
    assert!(log.memory() < 70_000, "{} bytes are kept", log.memory());
    // Nobody is taken back.
    log.advance(&follower, 50_000);
    assert_eq!(log.place(&follower), 60_000);
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

#[test]
fn effects_of_slots_that_nobody_reads_about_are_not_wanted() {
    let log = Log::default();
    assert!(!log.is_read() && !is_read_about(&log, &[3]));
    let [first, second] = [subscribe_to(&log, &[3, 16383]), subscribe_to(&log, &[64])];
    assert!(log.is_read());
    for read_about in [&[3][..], &[64], &[16383], &[4, 64]] {
        assert!(is_read_about(&log, read_about), "{read_about:?}");
    }
    assert!(!is_read_about(&log, &[4]) && !is_read_about(&log, &[0, 63, 65]));
    // Whoever reads all changes that.
    let all = subscribe(&log);
    assert!(is_read_about(&log, &[4]));
    log.unsubscribe(first);
    log.unsubscribe(all);
    assert!(!is_read_about(&log, &[4]) && !is_read_about(&log, &[3]) && is_read_about(&log, &[64]));
    log.keep(100);
    assert!(is_read_about(&log, &[4]));
    log.free();
    assert!(!is_read_about(&log, &[4]));
    log.unsubscribe(second);
    assert!(!log.is_read());
}

#[test]
fn nobody_begins_where_effects_are_missing() {
    let log = Log::default();
    let reader = subscribe_to(&log, &[3]);
    log.append_verbatim(b"effects of slot 3");
    assert_eq!(log.hold(0), None);
    // From here on all is there, and so it stays while the slots' reader lags behind.
    let all = subscribe(&log);
    log.append_verbatim(b"all effects");
    for from in [0, 16] {
        assert_eq!(log.hold(from), None, "{from}");
    }
    let late = log.hold(17).expect("all is there");
    assert_eq!(read(&log, &late), "all effects");
    log.unsubscribe(late);
    log.unsubscribe(all);
    log.append_verbatim(b"effects of slot 3");
    log.keep(100);
    let end = log.offset();
    assert_eq!(log.span(), Span { start: end, end });
    assert_eq!(log.hold(end - 1), None);
    assert_eq!(read(&log, &reader).len() as u64, end);
}

#[test]
fn a_reader_that_is_too_slow_is_dropped_and_nothing_is_kept_for_it() {
    let log = Log::default();
    let (slow, quick) = (subscribe(&log), subscribe(&log));
    log.bound(&slow, 100);
    for _ in 0..10 {
        log.append_verbatim(b"0123456789");
        assert_eq!(read(&log, &quick), "0123456789");
    }
    assert!(!log.is_dropped(&slow), "so much it may leave unread");
    log.append(&mut effects(&["PING"]));
    assert!(log.is_dropped(&slow) && !log.is_dropped(&quick));
    let mut pieces = Vec::new();
    assert_eq!(log.share(&slow, 1_000, &mut pieces), 0);
    assert_eq!(read(&log, &slow), "");
    // What the other has not read is there.
    assert!(read(&log, &quick).ends_with("PING\r\n"));
    for _ in 0..10_000 {
        log.append_verbatim(b"0123456789");
        read(&log, &quick);
    }
    assert!(log.memory() < 50_000, "{} bytes are kept", log.memory());
    log.unsubscribe(quick);
    log.unsubscribe(slow);
    assert!(!log.is_read());
}

#[test]
fn what_is_no_effect_is_awaited_until_it_is_read() {
    let log = Log::default();
    let reader = subscribe(&log);
    log.append(&mut effects(&["SET", "a", "1"]));
    assert!(!log.unread(&reader).is_awaited);
    log.append_verbatim(b"a question");
    log.append(&mut effects(&["SET", "b", "2"]));
    let unread = log.unread(&reader);
    assert!(unread.is_awaited && unread.end == log.offset());
    read(&log, &reader);
    let end = log.offset();
    let nothing = Unread {
        len: 0,
        end,
        is_awaited: false,
    };
    assert_eq!(log.unread(&reader), nothing);
}
