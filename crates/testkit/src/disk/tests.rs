use super::*;

/// Writes `a`, synced, and `b` behind it, not synced, into a file whose name is synced.
fn half_synced() -> Disk {
    let disk = Disk::default();
    let file = disk.create("f").expect("nothing is planned");
    file.write(b"aaaa").expect("nothing is planned");
    file.sync().expect("nothing is planned");
    disk.sync_folder("").expect("nothing is planned");
    file.write(b"bbbb").expect("nothing is planned");
    disk
}

#[test]
fn a_crash_keeps_what_was_synced_and_any_part_of_the_rest() {
    let disk = half_synced();
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        let bytes = disk.restart(seed).bytes("f").expect("its name was synced");
        assert!(b"aaaabbbb".starts_with(&bytes[..]) && bytes.len() >= 4);
        seen.insert(bytes.len());
    }
    assert_eq!(Vec::from_iter(seen), [4, 5, 6, 7, 8]);
}

#[test]
fn a_name_that_was_not_synced_may_be_lost() {
    let disk = half_synced();
    disk.rename("f", "g").expect("nothing is planned");
    let names = |seed| disk.restart(seed).paths();
    let seen: BTreeSet<_> = (0..50).map(names).collect();
    assert_eq!(Vec::from_iter(seen), [["f"], ["g"]]);
    disk.sync_folder("").expect("nothing is planned");
    assert!((0..50).all(|seed| names(seed) == ["g"]));
}

#[test]
fn faults_come_as_planned() {
    let disk = Disk::default();
    disk.plan(1, Fault::Error(EACCES));
    disk.plan(2, Fault::Full);
    disk.plan(4, Fault::Crash);
    let file = disk.create("f").expect("nothing is planned for 0");
    let failure = file.write(b"abcd").expect_err("planned");
    assert_eq!(failure.to_string(), "can't write f: Permission denied");
    assert_eq!(file.write(b"abcd").ok(), Some(2));
    assert_eq!(file.write(b"cd").ok(), Some(2));
    assert!(file.sync().is_err() && disk.has_crashed());
    assert!(disk.remove("f").is_err());
    assert_eq!(disk.reopen().bytes("f"), Some(b"abcd".to_vec()));
}

#[test]
fn a_locked_file_belongs_to_one() {
    let disk = Disk::default();
    let lock = disk.lock("l").expect("nobody has it");
    let refused = disk.lock("l").err().expect("it is held");
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    drop(lock);
    assert!(disk.lock("l").is_ok());
}
