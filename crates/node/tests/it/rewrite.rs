//! Rewrites of the append-only file.

use config::AppendFsync;
use resp::value::Value;
use testkit::disk::{EIO, ENOSPC};
use testkit::{Disk, Fault};

use crate::rig::{PROCESS, Rig, Told, crash_everywhere, logging, unlogged};

fn write_and_rewrite(rig: &mut Rig) {
    for _ in 0..5 {
        rig.append();
    }
    // A crash may have come already.
    let _ = rig.keeper.rewrite_log(rig.engine());
    rig.work();
    rig.append();
}

/// With `always` nothing is lost that a client was told of, and nothing is there that nobody wrote.
fn nothing_is_lost(rig: &mut Rig, told: &Told) {
    let found = rig.numbers();
    assert!(found >= told.acknowledged, "{found} of {told:?}");
    assert!(found <= told.issued, "{found} of {told:?}");
}

#[test]
fn a_rewrite_may_crash_anywhere() {
    let config = logging(AppendFsync::Always);
    let steps = crash_everywhere(|_| {}, &config, write_and_rewrite, nothing_is_lost);
    assert!(steps > 60, "{steps}");
}

#[test]
fn a_rewrite_as_commands_may_crash_anywhere() {
    let mut config = logging(AppendFsync::Always);
    config.persistence.rdb_preamble = false;
    crash_everywhere(|_| {}, &config, write_and_rewrite, nothing_is_lost);
}

#[test]
fn a_rewrite_that_keeps_history_may_crash_anywhere() {
    let mut config = logging(AppendFsync::Always);
    config.persistence.keep_history = true;
    crash_everywhere(|_| {}, &config, write_and_rewrite, nothing_is_lost);
}

#[test]
fn two_rewrites_may_crash_anywhere() {
    let config = logging(AppendFsync::Always);
    let story = |rig: &mut Rig| {
        write_and_rewrite(rig);
        write_and_rewrite(rig);
    };
    crash_everywhere(|_| {}, &config, story, nothing_is_lost);
}

/// Every operation fails once. The node goes on, and a later rewrite succeeds.
fn fail_everywhere(fault: Fault) {
    let config = logging(AppendFsync::Always);
    for operation in 0.. {
        let disk = Disk::default();
        let mut rig = Rig::start(&disk, &config).unwrap();
        for _ in 0..5 {
            rig.append();
        }
        let failing = disk.operations().len() + operation;
        disk.plan(failing, fault);
        let _ = rig.keeper.rewrite_log(rig.engine());
        rig.work();
        let was_reached = disk.operations().len() > failing;
        let base = format!("temp-rewriteaof-bg-{PROCESS}.aof");
        // The removal itself may be what failed.
        let failed = disk.operations()[failing.min(disk.operations().len() - 1)].clone();
        if !failed.starts_with("remove temp") {
            assert!(
                !disk.paths().contains(&base),
                "{failed}: {:?}",
                disk.paths()
            );
        }
        // What is acknowledged meanwhile is safe, whatever else went wrong.
        let told = Told {
            issued: rig.issued,
            acknowledged: rig.acknowledged,
        };
        nothing_is_lost(&mut Rig::start(&disk.restart(3), &config).unwrap(), &told);
        // In time everything is well again.
        for _ in 0..5 {
            rig.node.advance_micros(70_000_000);
            rig.work();
        }
        let _ = rig.keeper.rewrite_log(rig.engine());
        rig.work();
        assert!(rig.engine().persistence.rewrites().last_ok, "{failed}");
        assert_eq!(rig.engine().persistence.log_file.write_error(), None);
        let before = rig.acknowledged;
        rig.append();
        assert_eq!(rig.acknowledged, rig.issued);
        assert!(rig.acknowledged > before, "{failed}");
        let told = Told {
            issued: rig.issued,
            acknowledged: rig.acknowledged,
        };
        nothing_is_lost(&mut Rig::start(&disk.restart(4), &config).unwrap(), &told);
        if !was_reached {
            assert!(operation > 40, "{operation}");
            return;
        }
    }
}

#[test]
fn a_rewrite_survives_any_error() {
    fail_everywhere(Fault::Error(EIO));
}

#[test]
fn a_rewrite_survives_a_full_disk() {
    fail_everywhere(Fault::Full);
    fail_everywhere(Fault::Error(ENOSPC));
}

#[test]
fn a_log_that_is_switched_on_may_crash_anywhere() {
    let mut config = unlogged();
    config.persistence.append_fsync = AppendFsync::Always;
    let mut logged = config.clone();
    logged.persistence.append_only = true;
    for operation in 0.. {
        let disk = Disk::default();
        let mut rig = Rig::start(&disk, &config).unwrap();
        for _ in 0..5 {
            rig.append();
        }
        disk.plan(disk.operations().len() + operation, Fault::Crash);
        rig.keeper.follow_append_only(rig.engine(), &logged);
        rig.work();
        rig.append();
        rig.append();
        if !disk.has_crashed() {
            let mut again = Rig::start(&disk.restart(1), &logged).unwrap();
            assert_eq!(again.numbers(), rig.issued);
            return;
        }
        for seed in 0..4 {
            // Until there is a base nothing is kept, as before; then everything is.
            let mut again = Rig::start(&disk.restart(seed), &logged).unwrap();
            let found = again.numbers();
            assert!(found == 0 || found >= 5, "{found}");
            assert!(found <= rig.issued);
        }
    }
}

#[test]
fn a_log_can_be_switched_off_and_on() {
    let config = logging(AppendFsync::EverySecond);
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    rig.keeper.follow_append_only(rig.engine(), &unlogged());
    assert!(!rig.keeper.log_file.is_on());
    rig.append();
    // While something else is under way, the first base waits.
    rig.keeper.save_in_background(rig.engine(), false).unwrap();
    rig.keeper.follow_append_only(rig.engine(), &config);
    assert!(rig.engine().persistence.rewrites().scheduled);
    assert!(!rig.keeper.log_file.is_on());
    rig.work();
    rig.work();
    assert!(rig.keeper.log_file.is_on());
    rig.append();
    let issued = rig.issued;
    assert!(issued >= 3);
    assert_eq!(
        Rig::start(&disk.reopen(), &config).unwrap().numbers(),
        issued
    );
}

#[test]
fn a_rewrite_shrinks_the_file() {
    let config = logging(AppendFsync::EverySecond);
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    for number in 0..1000 {
        rig.ask(&format!("SET k {number}"));
        rig.promise();
    }
    rig.jobs.tick(&rig.node.engine);
    let bytes = |rig: &Rig| {
        let figures = &rig.engine().persistence.log_file;
        figures.bytes.load(std::sync::atomic::Ordering::Relaxed)
    };
    let before = bytes(&rig);
    let on_disk: usize = disk
        .paths()
        .iter()
        .filter(|path| path.ends_with(".aof") || path.ends_with(".rdb"))
        .map(|path| disk.bytes(path).unwrap().len())
        .sum();
    assert_eq!(before, on_disk as u64);
    rig.keeper.rewrite_log(rig.engine()).unwrap();
    rig.work();
    assert!(bytes(&rig) < before / 10, "{} of {before}", bytes(&rig));
    let names = disk.paths();
    assert!(names.contains(&"appendonlydir/appendonly.aof.2.base.rdb".to_owned()));
    assert!(!names.iter().any(|name| name.contains(".1.")), "{names:?}");
}

fn manifest(disk: &Disk) -> String {
    let bytes = disk.bytes("appendonlydir/appendonly.aof.manifest").unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn rewrites_that_fail_leave_their_increments() {
    let config = logging(AppendFsync::Always);
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    for _ in 0..3 {
        rig.append();
        rig.keeper.rewrite_log(rig.engine()).unwrap();
        rig.keeper.fail_job(rig.engine());
        rig.work();
    }
    assert_eq!(rig.engine().persistence.rewrites().failures_in_a_row, 3);
    let name = |number: usize| format!("appendonly.aof.{number}.incr.aof seq {number} type i");
    let text = manifest(&disk);
    assert!((1..=4).all(|number| text.contains(&name(number))), "{text}");
    rig.append();
    let issued = rig.issued;
    assert_eq!(
        Rig::start(&disk.restart(3), &config).unwrap().numbers(),
        issued
    );
    rig.keeper.rewrite_log(rig.engine()).unwrap();
    rig.work();
    let text = manifest(&disk);
    assert!(
        text.contains(&name(5)) && !text.contains(&name(4)),
        "{text}"
    );
}

#[test]
fn a_log_that_is_switched_off_calls_its_rewrite_off() {
    let config = logging(AppendFsync::Always);
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    rig.keeper.rewrite_log(rig.engine()).unwrap();
    while !disk.paths().iter().any(|path| path.starts_with("temp-")) {
        rig.jobs.step(&rig.node.engine);
    }
    rig.keeper.follow_append_only(rig.engine(), &unlogged());
    rig.work();
    let rewrites = rig.engine().persistence.rewrites();
    assert!(rewrites.started.is_none() && rewrites.last_ok);
    assert!(!disk.paths().iter().any(|path| path.starts_with("temp-")));
    let issued = rig.issued;
    assert_eq!(
        Rig::start(&disk.restart(3), &config).unwrap().numbers(),
        issued
    );
}

#[test]
fn history_goes_as_soon_as_nobody_keeps_it() {
    let mut keeping = logging(AppendFsync::Always);
    keeping.persistence.keep_history = true;
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &keeping).unwrap();
    rig.append();
    rig.keeper.rewrite_log(rig.engine()).unwrap();
    rig.work();
    assert!(manifest(&disk).contains("type h"));
    let config = logging(AppendFsync::Always);
    rig.keeper.follow_append_only(rig.engine(), &config);
    assert!(!manifest(&disk).contains("type h"));
    assert!(!disk.paths().iter().any(|path| path.contains("aof.1.")));
    let issued = rig.issued;
    assert_eq!(
        Rig::start(&disk.restart(3), &config).unwrap().numbers(),
        issued
    );
}

#[test]
fn a_base_of_commands_begins_with_the_time() {
    let mut config = logging(AppendFsync::Always);
    config.persistence.append_timestamps = true;
    config.persistence.rdb_preamble = false;
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    rig.keeper.rewrite_log(rig.engine()).unwrap();
    rig.work();
    let base = disk.bytes("appendonlydir/appendonly.aof.2.base.aof");
    assert!(base.unwrap().starts_with(b"#TS:"));
    let issued = rig.issued;
    assert_eq!(
        Rig::start(&disk.reopen(), &config).unwrap().numbers(),
        issued
    );
}

/// A key that has expired since was there when the commands behind the base were given.
#[test]
fn increments_find_the_keys_of_their_base_as_they_were() {
    let config = logging(AppendFsync::Always);
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.ask("SET kept v PX 100");
    rig.ask("SET gone v PX 100");
    rig.keeper.rewrite_log(&rig.node.engine).unwrap();
    rig.work();
    rig.ask("PERSIST kept");
    assert!(rig.promise());
    drop(rig);
    let mut rig = Rig::start_later(&disk.reopen(), &config, 200_000).unwrap();
    assert_eq!(rig.ask("GET kept"), Some(Value::Bulk(b"v".to_vec())));
    assert_eq!(rig.ask("GET gone"), Some(Value::Null));
}
