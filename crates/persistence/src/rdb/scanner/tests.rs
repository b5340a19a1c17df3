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
    writer.end(into);
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
