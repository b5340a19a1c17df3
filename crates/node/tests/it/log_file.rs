//! The append-only file as it grows, on a disk that fails.

use config::AppendFsync;
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
