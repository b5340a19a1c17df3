//! Saves of the snapshot file.

use config::SavePoint;
use engine::host::{Refused, SaveError, Shutdown};
use testkit::disk::{EACCES, EIO};
use testkit::{Disk, Fault};

use crate::rig::{Rig, Told, crash_everywhere, unlogged};

#[test]
fn a_save_in_the_background_may_crash_anywhere() {
    let config = unlogged();
    // What the first save has is safe for ever, whatever becomes of the second.
    let story = |rig: &mut Rig| {
        rig.acknowledged = 0;
        for _ in 0..5 {
            rig.append();
        }
        rig.acknowledged = match rig.keeper.save(rig.engine()) {
            Ok(()) => 5,
            Err(_) => 0,
        };
        let acknowledged = rig.acknowledged;
        rig.append();
        let _ = rig.keeper.save_in_background(rig.engine(), false);
        rig.work();
        rig.acknowledged = acknowledged;
    };
    let check = |rig: &mut Rig, told: &Told| {
        let found = rig.numbers();
        let acknowledged = told.acknowledged.min(5);
        assert!(found >= acknowledged && found <= told.issued, "{found}");
    };
    let steps = crash_everywhere(|_| {}, &config, story, check);
    assert!(steps > 12, "{steps}");
}

#[test]
fn a_save_that_fails_leaves_the_old_file_and_nothing_else() {
    let config = unlogged();
    for fault in [Fault::Error(EIO), Fault::Error(EACCES), Fault::Full] {
        for operation in 0.. {
            let disk = Disk::default();
            let mut rig = Rig::start(&disk, &config).unwrap();
            rig.append();
            rig.keeper.save(rig.engine()).unwrap();
            rig.append();
            let failing = disk.operations().len() + operation;
            disk.plan(failing, fault);
            rig.keeper.save_in_background(rig.engine(), false).unwrap();
            rig.work();
            if disk.operations().len() <= failing {
                assert!(operation > 4);
                break;
            }
            let failed = disk.operations()[failing].clone();
            let saves = rig.engine().persistence.saves();
            // Without a lock a file can be written all the same, and half a write be gone on with.
            let is_no_matter =
                failed.starts_with("lock") || failed.starts_with("write") && fault == Fault::Full;
            assert_eq!(saves.last_ok, is_no_matter, "{failed}");
            assert_eq!(disk.paths(), ["dump.rdb"], "{failed}");
            let found = Rig::start(&disk.reopen(), &config).unwrap().numbers();
            assert!(found >= 1 && found <= rig.issued);
            // The next one succeeds.
            rig.keeper.save_in_background(rig.engine(), false).unwrap();
            rig.work();
            assert!(rig.engine().persistence.saves().last_ok);
            let issued = rig.issued;
            let found = Rig::start(&disk.reopen(), &config).unwrap().numbers();
            assert!(found > 1 && found <= issued);
        }
    }
}

#[test]
fn save_points_save_by_themselves() {
    let mut config = unlogged();
    config.persistence.save.0.push(SavePoint {
        seconds: 60,
        changes: 3,
    });
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    rig.append();
    rig.node.advance_micros(61_000_000);
    rig.work();
    assert_eq!(disk.paths(), Vec::<String>::new());
    rig.append();
    rig.jobs.tick(&rig.node.engine);
    rig.work();
    assert_eq!(disk.paths(), ["dump.rdb"]);
    assert!(rig.engine().persistence.saves().last_ok);
    // One that fails is tried again, after a while.
    (0..3).for_each(|_| rig.append());
    disk.fill_up(true);
    rig.node.advance_micros(61_000_000);
    rig.jobs.tick(&rig.node.engine);
    rig.work();
    assert!(!rig.engine().persistence.saves().last_ok);
    disk.fill_up(false);
    rig.node.advance_micros(4_000_000);
    rig.jobs.tick(&rig.node.engine);
    assert!(rig.engine().persistence.saves().started.is_none());
    rig.node.advance_micros(2_000_000);
    rig.jobs.tick(&rig.node.engine);
    rig.work();
    assert!(rig.engine().persistence.saves().last_ok);
}

#[test]
fn saves_and_rewrites_wait_for_each_other() {
    let disk = Disk::default();
    let rig = &mut Rig::start(&disk, &unlogged()).unwrap();
    rig.append();
    let keeper = std::sync::Arc::clone(&rig.keeper);
    keeper.save_in_background(rig.engine(), false).unwrap();
    let again = keeper.save_in_background(rig.engine(), true);
    assert_eq!(again, Err(Refused::Saving));
    assert_eq!(keeper.save(rig.engine()), Err(SaveError::Busy));
    keeper.rewrite_log(rig.engine()).unwrap();
    rig.work();
    assert!(rig.engine().persistence.rewrites().scheduled);
    rig.jobs.tick(&rig.node.engine);
    assert!(!rig.engine().persistence.rewrites().scheduled);
    assert_eq!(
        keeper.save_in_background(rig.engine(), false),
        Err(Refused::Rewriting)
    );
    keeper.save_in_background(rig.engine(), true).unwrap();
    // Somebody who cannot wait has it saved under locks.
    rig.jobs.step(&rig.node.engine);
    assert_eq!(keeper.save(rig.engine()), Ok(()));
    rig.work();
    assert!(rig.engine().persistence.saves().scheduled || rig.jobs.is_busy());
    rig.work();
    assert!(rig.engine().persistence.saves().last_ok);
    assert!(rig.engine().persistence.rewrites().last_ok);
}

#[test]
fn a_node_that_cannot_save_does_not_end_unless_forced() {
    let mut config = unlogged();
    config.persistence.save.0.push(SavePoint {
        seconds: 3600,
        changes: 1,
    });
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    disk.fill_up(true);
    let how = Shutdown::default();
    assert!(rig.keeper.shut_down(rig.engine(), how).is_err());
    // It still serves.
    rig.append();
    assert_eq!(rig.numbers(), 2);
    disk.fill_up(false);
    assert!(rig.keeper.shut_down(rig.engine(), how).is_ok());
    let found = Rig::start(&disk.restart(1), &config).unwrap().numbers();
    assert_eq!(found, 2);

    let mut rig = Rig::start(&disk.reopen(), &config).unwrap();
    disk.fill_up(true);
    let how = Shutdown { force: true, ..how };
    assert!(rig.keeper.shut_down(rig.engine(), how).is_ok());
    rig.issued = 0;
}
