//! `check-rdb`: what is said about a file, as Redis's own checker says it.

use std::fs;
use std::os::unix::fs::symlink;

use crate::process::{Folder, OCHRE, Process, run};

/// Runs the check on a file of these bytes. Returns the code it ends with, and all lines but the
/// first.
fn check(dump: &[u8]) -> (Option<i32>, String) {
    let folder = Folder::new();
    let path = folder.path("dump.rdb");
    fs::write(&path, dump).unwrap();
    let ended = run(&["check-rdb", &path]);
    let first = format!("[offset 0] Checking RDB file {path}\n");
    let rest = ended
        .output
        .strip_prefix(&first)
        .expect("it says what it checks");
    (ended.code, rest.to_owned())
}

#[test]
fn a_file_that_can_be_loaded() {
    let dump = b"REDIS0010\xfa\x09redis-ver\x067.0.15\xfe\x02\xfb\x02\x02\
        \xfc\x01\0\0\0\0\0\0\0\x00\x01a\x01b\
        \xfc\0\0\0\0\0\0\0\x70\x02\x01s\x02\x01x\x01y\
        \xff\0\0\0\0\0\0\0\0";
    let expected = "[offset 27] AUX FIELD redis-ver = '7.0.15'\n\
        [offset 29] Selecting DB ID 2\n\
        [offset 72] RDB file was saved with checksum disabled: no check performed.\n\
        [offset 72] \\o/ RDB looks OK! \\o/\n\
        [info] 2 keys read\n\
        [info] 2 expires\n\
        [info] 1 already expired\n";
    assert_eq!(check(dump), (Some(0), expected.to_owned()));
}

#[test]
fn a_file_with_its_sum() {
    let mut dump = b"REDIS0010\xfe\x00\x00\x01k\xc0\x07\xff".to_vec();
    let sum = stdx::crc64::update(0, &dump);
    dump.extend_from_slice(&sum.to_le_bytes());
    let (code, output) = check(&dump);
    assert_eq!(code, Some(0));
    assert!(output.contains("[offset 25] Checksum OK\n"), "{output}");
    let expected = "[offset 11] Selecting DB ID 0\n\
        --- RDB ERROR DETECTED ---\n\
        [offset 25] RDB CRC error\n\
        [additional info] While doing: check-sum\n\
        [info] 1 keys read\n\
        [info] 0 expires\n\
        [info] 0 already expired\n";
    dump[13] ^= 2;
    assert_eq!(check(&dump), (Some(1), expected.to_owned()));
}

#[test]
fn a_file_that_breaks_off_and_one_that_contradicts_itself() {
    let totals = "[info] 1 keys read\n[info] 0 expires\n[info] 0 already expired\n";
    let (code, output) = check(b"REDIS0010\xfe\x00\x00\x03abc\x05ab");
    let expected = "[offset 11] Selecting DB ID 0\n\
        --- RDB ERROR DETECTED ---\n\
        [offset 17] Unexpected EOF reading RDB file\n\
        [additional info] While doing: read-object-value\n\
        [additional info] Reading key 'abc'\n\
        [additional info] Reading type 0 (string)\n";
    assert_eq!((code, output), (Some(1), format!("{expected}{totals}")));
    let (code, output) = check(b"REDIS0010\x02\x01k\x02\x01a\x01a");
    let expected = "--- RDB ERROR DETECTED ---\n\
        [offset 17] Duplicate set members detected\n\
        [additional info] While doing: read-object-value\n\
        [additional info] Reading key 'k'\n\
        [additional info] Reading type 2 (set-hashtable)\n";
    assert_eq!((code, output), (Some(1), format!("{expected}{totals}")));
}

#[test]
fn a_file_that_is_none() {
    let totals = "[info] 0 keys read\n[info] 0 expires\n[info] 0 already expired\n";
    for (dump, offset, reason) in [
        (&b""[..], 0, "Unexpected EOF reading RDB file"),
        (
            b"NOTREDIS0010",
            9,
            "Wrong signature trying to load DB from file",
        ),
        (b"REDIS0099", 9, "Can't handle RDB format version 99"),
    ] {
        let expected = format!(
            "--- RDB ERROR DETECTED ---\n\
             [offset {offset}] {reason}\n\
             [additional info] While doing: start\n\
             [additional info] Reading type 0 (string)\n\
             {totals}"
        );
        assert_eq!(check(dump), (Some(1), expected));
    }
}

/// More than is read at once, in one value.
#[test]
fn a_large_value_comes_in_many_blocks() {
    let len = 5_000_000_u32;
    let mut dump = b"REDIS0003\xfe\x00\x00\x01k\x80".to_vec();
    dump.extend_from_slice(&len.to_be_bytes());
    dump.resize(dump.len() + len as usize, b'x');
    dump.extend_from_slice(b"\x00\x01l\x01v\xff");
    let expected = "[offset 11] Selecting DB ID 0\n\
        [offset 5000025] \\o/ RDB looks OK! \\o/\n\
        [info] 2 keys read\n\
        [info] 0 expires\n\
        [info] 0 already expired\n";
    assert_eq!(check(&dump), (Some(0), expected.to_owned()));
}

/// A pre-release module's value cannot be passed over; one of a stream can.
#[test]
fn types_that_cannot_be_held() {
    let (code, output) = check(b"REDIS0010\x06\x01k\x01v");
    assert_eq!(code, Some(1));
    assert!(output.contains("[offset 10] Values of type 6"), "{output}");
    let stream = b"REDIS0010\x0f\x01k\x00\x00\x00\x00\x00\xff\0\0\0\0\0\0\0\0";
    let (code, output) = check(stream);
    assert_eq!(code, Some(0));
    assert!(
        output.ends_with("[info] 1 of types that ochre cannot load\n"),
        "{output}"
    );
}

#[test]
fn arguments() {
    let folder = Folder::new();
    let link = folder.path("redis-check-rdb");
    symlink(OCHRE, &link).unwrap();
    let ended = Process::start(link.as_ref(), &link, &[], "").end();
    let usage = format!("Usage: {link} <rdb-file-name>\n");
    assert_eq!((ended.code, ended.output), (Some(1), usage));
    let ended = Process::start(link.as_ref(), &link, &["--version"], "").end();
    let version = "redis-check-rdb 7.0.15\n".to_owned();
    assert_eq!((ended.code, ended.output), (Some(0), version));
    let ended = run(&["check-rdb", "no/such/file"]);
    let only = "[offset 0] Checking RDB file no/such/file\n".to_owned();
    assert_eq!((ended.code, ended.output), (Some(1), only));
}
