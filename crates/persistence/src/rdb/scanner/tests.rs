use super::*;
use crate::ValueRef;
use crate::rdb::testing::LIMITS;
use crate::rdb::{Entry, WriteOptions, Writer, decode, string};
use datatypes::Text;

/// Scans a dump that arrives in pieces, and takes off what was handed out when `take` says so.
fn scan(pieces: &[&[u8]], take: bool) -> Result<Vec<String>, Error> {
    let mut scanner = Scanner::new(ScanOptions::default());
    let (mut buffer, mut items) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(item) = scanner.next(&buffer)? {
            items.push(shown(&item, &buffer));
        }
        if take {
            buffer.drain(..scanner.take_consumed());
        }
    }
    scanner.finish(&buffer)?;
    Ok(items)
}

/// An item as text that does not depend on the buffer.
fn shown(item: &Item, buffer: &[u8]) -> String {
    let Item::Record(record) = item else {
        return format!("{item:?}");
    };
    let key = string(&buffer[record.key()])
        .expect("a key")
        .into_bytes()
        .into_owned();
    let value = decode(record.kind, &buffer[record.value()], &LIMITS).expect("a value");
    format!(
        "{} {:?} {:?} {} at {}: {:?}",
        record.db,
        record.expiry,
        record.usage,
        String::from_utf8_lossy(&key),
        record.offset,
        crate::rdb::testing::read(value.as_ref()),
    )
}

fn sample() -> Vec<u8> {
    let mut writer = Writer::new(WriteOptions {
        compress: true,
        checksum: true,
    });
    let mut dump = Vec::new();
    let into = &mut dump;
    writer.header(into);
    writer.aux("redis-ver", b"7.0.15", into);
    writer.function(b"#!lua name=x", into);
    writer.select(3, into);
    writer.sizes(2, 1, into);
    let string = ValueRef::String(Text::Bytes(b"value"));
    let mut entry = Entry {
        key: Text::Bytes(b"key"),
        value: string,
        expiry: Some(1_700_000_000_123),
        usage: Usage::Idle(77),
    };
    writer.record(&entry, into);
    entry.key = Text::Bytes(b"12");
    (entry.expiry, entry.usage) = (None, Usage::Frequency(9));
    writer.record(&entry, into);
    let zeros = vec![b'0'; 300];
    entry.key = Text::Bytes(&zeros);
    entry.usage = Usage::Unknown;
    let mut set = datatypes::Set::default();
    for member in ["a", "b", "1"] {
        set.insert(member.as_bytes(), &LIMITS.set);
    }
    entry.value = ValueRef::Set(&set);
    writer.record(&entry, into);
    writer.end(0, into);
    dump
}

#[test]
fn a_dump_means_the_same_in_any_pieces() {
    let dump = sample();
    let whole = scan(&[&dump], false).expect("it is a dump");
    assert_eq!(whole.len(), 8);
    assert_eq!(whole.last().map(String::as_str), Some("End(Right)"));
    for size in 1..40 {
        let pieces: Vec<&[u8]> = dump.chunks(size).collect();
        for take in [false, true] {
            assert_eq!(scan(&pieces, take).as_ref(), Ok(&whole), "pieces of {size}");
        }
    }
}

/// What a dump that is cut off or damaged is said to be.
#[track_caller]
fn check_broken(dump: &[u8], expected: &str) {
    for size in [1, 3, dump.len().max(1)] {
        let pieces: Vec<&[u8]> = dump.chunks(size).collect();
        let error = scan(&pieces, true).expect_err("it is broken");
        assert_eq!(error.to_string(), expected, "pieces of {size}");
    }
}

/// Offsets and phases are those that Redis's own checker reports.
#[test]
fn errors_tell_where_and_while_what() {
    let eof = "Unexpected EOF reading RDB file";
    for (dump, what, offset, phase) in [
        (&b""[..], eof, 0, "start"),
        (b"REDI", eof, 0, "start"),
        (
            b"NOTREDIS0010",
            "Wrong signature trying to load DB from file",
            9,
            "start",
        ),
        (
            b"REDIS0013abc",
            "Can't handle RDB format version 13",
            9,
            "start",
        ),
        (
            b"REDIS0000abc",
            "Can't handle RDB format version 0",
            9,
            "start",
        ),
        (
            b"REDIS00x1abc",
            "Can't handle RDB format version 0",
            9,
            "start",
        ),
        (b"REDIS0010", eof, 9, "read-type"),
        (b"REDIS0010\x09", eof, 10, "read-key"),
        (
            b"REDIS0010\x1a\x01k\x01v",
            "Invalid object type: 26",
            10,
            "read-type",
        ),
        (
            b"REDIS0010\x08\x01k\x01v",
            "Invalid object type: 8",
            10,
            "read-type",
        ),
        (b"REDIS0010\xfe\x00\x00\x03ab", eof, 13, "read-key"),
        (
            b"REDIS0010\xfe\x00\x00\x03abc\x05ab",
            eof,
            17,
            "read-object-value",
        ),
        (
            b"REDIS0010\xff\x01\x02\x03\x04\x05\x06\x07\x08",
            "RDB CRC error",
            18,
            "check-sum",
        ),
        (b"REDIS0010\xff\x00\x00\x00", eof, 10, "check-sum"),
        (b"REDIS0010\xfc\x00\x00", eof, 10, "read-expire"),
        (b"REDIS0010\xfd\x00\x00", eof, 10, "read-expire"),
        (b"REDIS0010\xfe", eof, 10, "read-len"),
        (
            b"REDIS0010\xfe\x82",
            "Unknown length encoding 2",
            11,
            "read-len",
        ),
        (b"REDIS0010\xfa\x01a", eof, 12, "read-aux"),
        (
            b"REDIS0010\xfa\xc3\x05\x85abc",
            "Unknown length encoding 2",
            13,
            "read-aux",
        ),
        (b"REDIS0010\xf5\x03abc", eof, 14, "read-type"),
        (
            b"REDIS0010\xf6\x01a",
            "Pre-release function format not supported",
            10,
            "read-functions",
        ),
        (
            b"REDIS0010\xf7\x81\0\0\0\0\0\0\0\0",
            eof,
            19,
            "read-module-aux",
        ),
        (
            b"REDIS0010\xf7\x81\0\0\0\0\0\0\0\0\x01\x02\x00",
            "bad when_opcode",
            21,
            "read-module-aux",
        ),
        (b"REDIS0010\xf9", eof, 10, "read-type"),
        (
            b"REDIS0010\xf8\x82",
            "Unknown length encoding 2",
            11,
            "read-type",
        ),
        (b"REDIS0010\xfb\x01", eof, 11, "read-len"),
        (
            b"REDIS0010\x00\x01k\x81\x7f\xff\xff\xff\xff\xff\xff\xffabcde",
            eof,
            21,
            "read-object-value",
        ),
        (
            b"REDIS0010\x03\x01k\x01\x01a\x05abc",
            eof,
            16,
            "read-object-value",
        ),
        (
            b"REDIS0010\x0f\x01k\x01v",
            "Values of type 15 (stream) are not supported",
            10,
            "read-type",
        ),
    ] {
        check_broken(
            dump,
            &format!("{what} (at offset {offset}, while doing {phase})"),
        );
    }
}

#[test]
fn a_sum_is_compared_unless_it_is_not_wanted() {
    let mut dump = sample();
    let last = dump.len() - 1;
    dump[last] ^= 1;
    assert!(matches!(
        scan(&[&dump], true),
        Err(Error {
            reason: Reason::Checksum { .. },
            ..
        })
    ));
    let mut scanner = Scanner::new(ScanOptions {
        verify: false,
        ..ScanOptions::default()
    });
    let items = std::iter::from_fn(|| scanner.next(&dump).expect("it is a dump"));
    assert_eq!(items.last(), Some(Item::End(Sum::Unverified)));
}

#[test]
fn what_is_behind_the_end_is_left() {
    let dump = [&b"REDIS0010\xff\0\0\0\0\0\0\0\0"[..], b"*1\r\n"].concat();
    let mut scanner = Scanner::new(ScanOptions::default());
    assert_eq!(scanner.next(&dump), Ok(Some(Item::End(Sum::Missing))));
    assert_eq!(scanner.next(&dump), Ok(None));
    assert_eq!(scanner.take_consumed(), dump.len() - 4);
    assert_eq!(scanner.finish(&dump[dump.len() - 4..]), Ok(()));
}

/// A stream of two entries as Redis 7.0.15 wrote it, a value of a module, and what a module keeps
/// beside the keys: their ends are found, so that what is behind them can be read.
#[test]
fn values_of_other_types_are_passed_on() {
    let stream = stream();
    let module =
        b"\x81EjRWeJq8\x01\x40\x55\x02\x05\x03\0\0\x80\x3f\x04\0\0\0\0\0\0\0\0\x05\x03abc\0";
    let aux = b"\xf7\x81EjRWeJq8\x02\x02\x05\x02ab\0";
    let mut dump = b"REDIS0010".to_vec();
    dump.extend_from_slice(aux);
    dump.extend_from_slice(b"\xf4\x05\x01\x00\x13\x01s");
    dump.extend_from_slice(&stream);
    dump.extend_from_slice(b"\x07\x01m");
    dump.extend_from_slice(module);
    dump.extend_from_slice(b"\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0");
    let options = ScanOptions {
        verify: true,
        pass_unsupported: true,
    };
    for size in 1..dump.len() {
        let (mut scanner, mut buffer, mut found) = (Scanner::new(options), Vec::new(), Vec::new());
        for piece in dump.chunks(size) {
            buffer.extend_from_slice(piece);
            while let Some(item) = scanner.next(&buffer).expect("it is a dump") {
                if let Item::Record(record) = &item {
                    found.push((record.kind, record.value().len()));
                }
            }
            buffer.drain(..scanner.take_consumed());
        }
        assert_eq!(scanner.finish(&buffer), Ok(()));
        assert_eq!(found, [(19, stream.len()), (7, module.len()), (0, 2)]);
    }
}

fn stream() -> Vec<u8> {
    crate::rdb::testing::hex(
        "0110000000000000000100000000000000012d2d00000011000201000101018161020001020100010001
         816202040100010101000101018163028164020601ff0202010101000002010167010101010000000000
         00000100000000000000011d9ecbfca1010000010108636f6e73756d65721d9ecbfca101000001000000
         00000000010000000000000001",
    )
}
