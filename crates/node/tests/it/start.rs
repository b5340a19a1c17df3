//! What a node finds when it starts.

use config::{AppendFsync, ByteSize};
use testkit::Disk;

use crate::rig::{Rig, Told, crash_everywhere, logging, unlogged};

/// An append-only file as versions before 7 wrote it: one file in the node's folder.
fn old_file() -> Vec<u8> {
    let mut bytes = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".to_vec();
    for number in 0..5 {
        bytes.extend(format!("*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\n{number}\r\n").into_bytes());
    }
    bytes
}

#[test]
fn an_upgrade_may_crash_anywhere() {
    let config = logging(AppendFsync::Always);
    let prepare = |disk: &Disk| disk.put("appendonly.aof", &old_file());
    let story = |rig: &mut Rig| {
        rig.append();
    };
    let check = |rig: &mut Rig, told: &Told| {
        let found = rig.numbers();
        assert!(found >= 5.max(told.acknowledged), "{found} of {told:?}");
    };
    let steps = crash_everywhere(prepare, &config, story, check);
    assert!(steps > 15, "{steps}");
}

#[test]
fn the_tail_of_the_last_increment_may_be_cut_anywhere() {
    let config = logging(AppendFsync::Always);
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &config).unwrap();
    rig.append();
    rig.append();
    drop(rig);
    let path = "appendonlydir/appendonly.aof.1.incr.aof";
    let whole = disk.bytes(path).unwrap();
    for cut in 0..whole.len() {
        let disk = disk.reopen();
        disk.put(path, &whole[..cut]);
        let mut strict = config.clone();
        strict.persistence.load_truncated = false;
        let mut rig = Rig::start(&disk, &config).unwrap();
        let found = rig.numbers();
        assert!(found <= 1);
        let kept = disk.bytes(path).unwrap();
        assert!(whole.starts_with(&kept));
        if kept.len() < cut {
            let torn = disk.reopen();
            torn.put(path, &whole[..cut]);
            let refusal = Rig::start(&torn, &strict).err().unwrap();
            let text = refusal.0.join("\n");
            assert!(text.contains("aof-load-truncated"), "{text}");
            assert!(text.contains("appendonly.aof.1.incr.aof"), "{text}");
        }
        // What comes next stands behind what was kept.
        rig.append();
        assert_eq!(
            Rig::start(&disk.reopen(), &config).unwrap().numbers(),
            found + 1
        );
    }
}

#[test]
fn damage_is_refused_with_the_file_the_offset_and_a_remedy() {
    let config = logging(AppendFsync::Always);
    let disk = Disk::default();
    drop(Rig::start(&disk, &config).unwrap());
    const NAME: &str = "appendonly.aof.1.incr.aof";
    let path = &format!("appendonlydir/{NAME}");
    disk.put(path, b"*1\r\n$4\r\nPING\r\nxx");
    let text = Rig::start(&disk.reopen(), &config)
        .err()
        .unwrap()
        .0
        .join("\n");
    for part in [
        "appendonly.aof.1.incr.aof",
        "offset 14",
        "ochre check-aof --fix",
    ] {
        assert!(text.contains(part), "{text}");
    }
    disk.put(path, b"*1\r\n$7\r\nNOTHING\r\n");
    let text = Rig::start(&disk.reopen(), &config)
        .err()
        .unwrap()
        .0
        .join("\n");
    let words =
        format!("Unknown command 'NOTHING' reading the append only file {NAME} at offset 0");
    assert!(text.contains(&words), "{text}");
}

#[test]
fn a_damaged_tail_is_kept_apart_if_it_is_small_enough() {
    const PATH: &str = "appendonlydir/appendonly.aof.1.incr.aof";
    let mut config = logging(AppendFsync::Always);
    config.persistence.load_corrupt_tail_max = ByteSize(100);
    let prepare = |disk: &Disk| {
        let mut rig = Rig::start(disk, &config).unwrap();
        rig.append();
        rig.append();
        drop(rig);
        let mut bytes = disk.bytes(PATH).unwrap();
        // What a file system leaves that had made room and not written yet.
        bytes.extend([0; 100]);
        disk.put(PATH, &bytes);
    };
    let disk = Disk::default();
    prepare(&disk);
    let whole = disk.bytes(PATH).unwrap().len() - 100;
    let mut strict = config.clone();
    strict.persistence.load_corrupt_tail_max = ByteSize(99);
    let refusal = Rig::start(&disk.reopen(), &strict)
        .err()
        .unwrap()
        .0
        .join("\n");
    let remedy = "set 'aof-load-corrupt-tail-max-size' to 100 or more";
    assert!(refusal.contains(remedy), "{refusal}");
    // Nothing was touched.
    assert_eq!(disk.bytes(PATH).unwrap().len(), whole + 100);

    let disk = disk.reopen();
    let mut rig = Rig::start(&disk, &config).unwrap();
    assert_eq!(rig.numbers(), 2);
    assert_eq!(disk.bytes(PATH).unwrap().len(), whole);
    let tail = disk.bytes(&format!("{PATH}.tail-{whole}"));
    assert_eq!(tail.as_deref(), Some(&[0; 100][..]));
    drop(rig);

    let story = |rig: &mut Rig| {
        rig.append();
    };
    let check = |rig: &mut Rig, told: &Told| {
        let found = rig.numbers();
        assert!(found >= 2.max(told.acknowledged), "{found} of {told:?}");
    };
    crash_everywhere(prepare, &config, story, check);
}

#[test]
fn a_snapshot_that_is_broken_anywhere_is_refused() {
    let disk = Disk::default();
    let mut rig = Rig::start(&disk, &unlogged()).unwrap();
    for _ in 0..3 {
        rig.append();
    }
    rig.keeper.save(rig.engine()).unwrap();
    let whole = disk.bytes("dump.rdb").unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        for bytes in [&whole[..at], &flipped] {
            let disk = Disk::default();
            disk.put("dump.rdb", bytes);
            let refusal = Rig::start(&disk, &unlogged()).err();
            let text = refusal.expect("it is broken").0.join("\n");
            assert!(text.contains("dump.rdb"), "{text}");
        }
    }
}

#[test]
fn another_server_that_runs_keeps_its_folder() {
    let config = logging(AppendFsync::Always);
    let disk = Disk::default();
    let first = Rig::start(&disk, &config).unwrap();
    let text = Rig::start(&disk, &config).err().unwrap().0.join("\n");
    assert!(text.contains("another server"), "{text}");
    // Without the append-only file both may live in one folder.
    assert!(Rig::start(&disk, &unlogged()).is_ok());
    drop(first);
    assert!(Rig::start(&disk, &config).is_ok());
}

#[test]
fn what_a_dead_server_left_is_removed_and_what_a_living_one_writes_is_not() {
    use node::storage::Storage;
    let disk = Disk::default();
    disk.put("temp-12.rdb", b"half");
    disk.put("temp-rewriteaof-bg-12.aof", b"half");
    disk.put("temp-13.rdb", b"half");
    disk.put("temp-x.rdb", b"of somebody else");
    let _living = disk.lock("temp-13.rdb").unwrap();
    drop(Rig::start(&disk, &unlogged()).unwrap());
    assert_eq!(disk.paths(), ["temp-13.rdb", "temp-x.rdb"]);
}

#[test]
fn two_servers_may_keep_files_of_two_names_in_one_folder() {
    let config = logging(AppendFsync::Always);
    let mut other = config.clone();
    other.persistence.append_filename = "other.aof".into();
    let disk = Disk::default();
    let mut first = Rig::start(&disk, &config).unwrap();
    let mut second = Rig::start(&disk, &other).unwrap();
    first.append();
    second.append();
    second.append();
    drop((first, second));
    assert_eq!(Rig::start(&disk, &config).unwrap().numbers(), 1);
    assert_eq!(Rig::start(&disk, &other).unwrap().numbers(), 2);
}
