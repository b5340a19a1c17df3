//! The append-only file as it grows, on a disk that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use config::AppendFsync;
use engine::log::{Effects, Log};
use keyspace::{DbIndex, Keyspace, ShardSet};
use node::log_file::{Flushed, Increment, LogFile, Notes, Now};
use parking_lot::Mutex;
use resp::value::Value;
use testkit::disk::EIO;
use testkit::{Disk, Fault};

use crate::rig::{Rig, logging};

const INCREMENT: &str = "appendonlydir/appendonly.aof.1.incr.aof";

/// Whether a client that writes is told that nothing can be kept.
fn is_refused(rig: &mut Rig) -> bool {
    match rig.ask("SET a b") {
        Some(Value::Error(text)) => text.starts_with(b"MISCONF Errors writing to the AOF file: "),
        _ => false,
    }
}

#[test]
fn a_write_that_fails_leaves_nothing_and_is_tried_again() {
    for fsync in [AppendFsync::EverySecond, AppendFsync::Always] {
        let config = logging(fsync);
        let disk = Disk::default();
        let mut rig = Rig::start(&disk, &config).unwrap();
        rig.append();
        let whole = disk.bytes(INCREMENT).unwrap();
        disk.fill_up(true);
        rig.append();
        assert_eq!(disk.bytes(INCREMENT).unwrap(), whole);
        let told = rig.acknowledged;
        assert_eq!(told, if fsync == AppendFsync::Always { 1 } else { 2 });
        let words = rig.engine().persistence.log_file.write_error();
        assert_eq!(words.as_deref(), Some("No space left on device"));
        // Writes are refused until there is room, and reads are not.
        assert!(is_refused(&mut rig));
        assert_eq!(rig.numbers(), 2);
        disk.fill_up(false);
        rig.jobs.tick(&rig.node.engine);
        assert_eq!(rig.engine().persistence.log_file.write_error(), None);
        rig.append();
        assert_eq!(rig.acknowledged, 3);
        assert_eq!(Rig::start(&disk.reopen(), &config).unwrap().numbers(), 3);
    }
}

#[test]
fn after_a_sync_that_failed_only_a_rewrite_heals() {
    for fsync in [AppendFsync::EverySecond, AppendFsync::Always] {
        let config = logging(fsync);
        let disk = Disk::default();
        let mut rig = Rig::start(&disk, &config).unwrap();
        rig.append();
        rig.keeper.sync(&rig.node.engine);
        // The write, and then the sync.
        disk.plan(disk.operations().len() + 1, Fault::Error(EIO));
        rig.append();
        rig.keeper.sync(&rig.node.engine);
        assert!(rig.keeper.log_file.needs_rewrite());
        // A sync that succeeds now proves nothing.
        rig.keeper.sync(&rig.node.engine);
        assert!(is_refused(&mut rig));
        rig.jobs.tick(&rig.node.engine);
        rig.work();
        assert!(!rig.keeper.log_file.needs_rewrite());
        assert_eq!(rig.engine().persistence.log_file.write_error(), None);
        rig.append();
        assert_eq!(rig.acknowledged, rig.issued);
        rig.keeper.sync(&rig.node.engine);
        for seed in 0..8 {
            let mut again = Rig::start(&disk.restart(seed), &config).unwrap();
            assert_eq!(again.numbers(), rig.issued);
        }
    }
}

/// Writes behind a sync that takes longer and longer: how much is in the file by then, and how many
/// writes were not postponed any longer.
fn behind_slow_sync(millis: &[u64]) -> (Vec<usize>, u64) {
    let disk = Disk::default();
    let file = Arc::new(LogFile::new(Arc::new(disk.clone())));
    let (log, keyspace) = (Arc::new(Log::default()), Keyspace::new(1, 0));
    let increment = Arc::new(Increment::open(&disk, "f", 0).unwrap());
    file.switch(&log, &keyspace.lock(ShardSet::ALL), increment);
    let write = |file: &LogFile, log: &Log, millis: u64| {
        let mut effects = Effects::default();
        effects.push(DbIndex(0), &["PING"]);
        let end = log.append(&mut effects);
        let now = Now {
            nanos: 1 + millis * 1_000_000,
            notes: Notes::default(),
        };
        file.flush(log, AppendFsync::EverySecond, end, now)
    };
    assert!(matches!(write(&file, &log, 0), Flushed::All));
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let (seen, millis) = (Arc::clone(&sizes), millis.to_vec());
    let (its_file, its_log, its_disk) = (Arc::clone(&file), Arc::clone(&log), disk.clone());
    disk.during_syncs(move || {
        for millis in &millis {
            write(&its_file, &its_log, *millis);
            seen.lock().push(its_disk.bytes("f").unwrap().len());
        }
    });
    let now = Now {
        nanos: 1,
        notes: Notes::default(),
    };
    file.sync(&log, false, now).unwrap();
    // When the sync is over all that was postponed follows.
    assert!(matches!(write(&file, &log, 9_999), Flushed::All));
    assert_eq!(file.buffered(&log), 0);
    (sizes.lock().clone(), file.delayed())
}

#[test]
fn who_waits_for_the_end_of_a_sync_is_woken_however_it_ends() {
    for fault in [None, Some(Fault::Error(EIO))] {
        let disk = Disk::default();
        let mut rig = Rig::start(&disk, &logging(AppendFsync::Always)).unwrap();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        assert!(rig.keeper.log_file.poll_idle(&waker).is_ready());
        let (keeper, its_waker) = (Arc::clone(&rig.keeper), waker.clone());
        disk.during_syncs(move || assert!(keeper.log_file.poll_idle(&its_waker).is_pending()));
        if let Some(fault) = fault {
            disk.plan(disk.operations().len() + 1, fault);
        }
        rig.append();
        assert_eq!(rig.keeper.log_file.needs_rewrite(), fault.is_some());
        assert!(rig.keeper.log_file.poll_idle(&waker).is_ready());
        assert!(woken.0.load(Ordering::Relaxed));
    }
}

/// Whether somebody was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Woken>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn writes_are_postponed_while_a_sync_takes_long_but_not_for_long() {
    const SELECT: usize = 23;
    const PING: usize = 14;
    let (sizes, delayed) = behind_slow_sync(&[50, 51, 1000, 2050, 2051, 2052]);
    let first = SELECT + 2 * PING;
    assert_eq!(sizes[..4], [first; 4]);
    // Two seconds after the first one all are written.
    assert_eq!(sizes[4], first + 4 * PING);
    assert_eq!(sizes[5], sizes[4]);
    assert_eq!(delayed, 1);
    assert_eq!(behind_slow_sync(&[1, 2, 3]).1, 0);
}

#[test]
fn what_was_postponed_is_written_at_the_end() {
    let config = logging(AppendFsync::EverySecond);
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    disk.during_syncs(move || {
        let _ = begun.send(());
        // Whoever releases the first one is gone when there are more.
        let _ = released.lock().recv();
    });
    let keeper = Arc::clone(&rig.keeper);
    std::thread::scope(|scope| {
        let engine = &rig.node.engine;
        scope.spawn(|| keeper.sync(engine));
        has_begun.recv().unwrap();
        rig.node.world.advance_micros(60_000);
        let mut effects = Effects::default();
        effects.push(DbIndex(0), &["RPUSH", "l", "1"]);
        let end = engine.log.append(&mut effects);
        keeper.flush(engine, end);
        assert!(keeper.log_file.buffered(&engine.log) > 0);
        drop(release);
        assert!(
            keeper
                .shut_down(engine, engine::host::Shutdown::default())
                .is_ok()
        );
    });
    assert_eq!(Rig::start(&disk.reopen(), &config).unwrap().numbers(), 2);
}

#[test]
fn the_time_is_noted_in_the_file() {
    let mut config = logging(AppendFsync::EverySecond);
    config.persistence.append_timestamps = true;
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    rig.append();
    rig.node.advance_micros(1_000_000);
    rig.append();
    let text = String::from_utf8(disk.bytes(INCREMENT).unwrap()).unwrap();
    let stamps: Vec<_> = text.match_indices("#TS:").collect();
    assert_eq!(stamps.len(), 2, "{text}");
    assert!(text.starts_with("#TS:1767225600\r\n"), "{text}");
    assert!(text.contains("#TS:1767225601\r\n*3"), "{text}");
    assert_eq!(Rig::start(&disk.reopen(), &config).unwrap().numbers(), 3);
}

#[test]
fn what_is_written_at_once_has_its_sum_before_it() {
    let mut config = logging(AppendFsync::EverySecond);
    config.persistence.append_sums = true;
    config.persistence.append_timestamps = true;
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    let first = disk.bytes(INCREMENT).unwrap();
    assert!(first.starts_with(b"#TS:1767225600\r\n#CRC:"));
    rig.append();
    // What could not be written is written again with notes that fit it.
    disk.fill_up(true);
    rig.append();
    disk.fill_up(false);
    rig.jobs.tick(&rig.node.engine);
    let whole = disk.bytes(INCREMENT).unwrap();
    assert_eq!(Rig::start(&disk.reopen(), &config).unwrap().numbers(), 3);
    // A number that is another would not be noticed otherwise.
    let mut damaged = whole.clone();
    let at = damaged.len() - b"1\r\n".len();
    damaged[at] ^= 1;
    disk.put(INCREMENT, &damaged);
    let refusal = Rig::start(&disk.reopen(), &config)
        .err()
        .unwrap()
        .0
        .join("\n");
    let words = "the bytes that follow are not those that were written";
    assert!(refusal.contains(words), "{refusal}");
    // Of what ends within, nothing is done.
    for cut in first.len() + 1..whole.len() {
        let disk = disk.reopen();
        disk.put(INCREMENT, &whole[..cut]);
        let found = Rig::start(&disk, &config).unwrap().numbers();
        let kept = disk.bytes(INCREMENT).unwrap();
        assert!(found < 3 && whole.starts_with(&kept), "cut at {cut}");
    }
}

/// A copy of a primary takes the place of all data, and the log goes on far behind: nothing may be
/// taken for written because its offsets were passed before.
#[test]
fn a_log_that_goes_back_is_written_anew() {
    for fsync in [AppendFsync::EverySecond, AppendFsync::Always] {
        let config = logging(fsync);
        for operation in 0.. {
            let disk = Disk::default();
            let mut rig = Rig::start(&disk, &config).unwrap();
            for _ in 0..5 {
                rig.append();
            }
            let done = disk.operations().len();
            disk.plan(done + operation, Fault::Crash);
            let before = rig.engine().log.offset();
            let pause = rig.keeper.pause_log(&rig.node.engine);
            rig.jobs.tick(&rig.node.engine);
            assert!(!rig.jobs.step(&rig.node.engine) && !rig.keeper.log_file.is_on());
            rig.engine().clear();
            let all = rig.engine().keyspace.lock(ShardSet::ALL);
            rig.engine().log.restart(7);
            drop(all);
            drop(pause);
            (rig.issued, rig.acknowledged) = (0, 0);
            rig.jobs.tick(&rig.node.engine);
            rig.work();
            let is_on = rig.keeper.log_file.is_on() && !disk.has_crashed();
            for _ in 0..2 {
                rig.append();
            }
            assert!(rig.engine().log.offset() < before || rig.issued > 2);
            let told = if is_on { rig.acknowledged } else { 0 };
            for seed in 0..3 {
                let found = Rig::start(&disk.restart(seed), &config).unwrap().numbers();
                let is_old = found == 5 && told == 0;
                let is_new = (told..=rig.issued).contains(&found);
                // Without a sync for each reply the disk may have kept less.
                let may_lack = fsync == AppendFsync::EverySecond && found <= rig.issued;
                assert!(
                    is_old || is_new || may_lack,
                    "{found}, {told}, at {operation}"
                );
            }
            if !disk.has_crashed() {
                assert!(operation > 10, "{operation}");
                let found = Rig::start(&disk.reopen(), &config).unwrap().numbers();
                assert_eq!(found, rig.issued);
                break;
            }
        }
    }
}
