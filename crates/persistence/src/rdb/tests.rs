//! Dumps that peers wrote, and any dump there and back.

use expect_test::{Expect, expect};

use super::testing::{LIMITS, hex, read};
use super::*;

mod properties;

/// The items of a dump, each in a line, and what came instead of a value.
fn items(dump: &[u8], pieces: usize) -> Result<Vec<String>, Error> {
    let mut scanner = Scanner::new(ScanOptions::default());
    let (mut buffer, mut lines) = (Vec::new(), Vec::new());
    for piece in dump.chunks(pieces) {
        buffer.extend_from_slice(piece);
        while let Some(item) = scanner.next(&buffer)? {
            lines.push(match item {
                Item::Record(record) => line(&record, &buffer)?,
                Item::Aux { name, value } => format!("{} is {}", shown(&name), shown(&value)),
                Item::Function(code) => format!("function {:?}", shown(&code)),
                other => format!("{other:?}"),
            });
        }
        buffer.drain(..scanner.take_consumed());
    }
    scanner.finish(&buffer)?;
    Ok(lines)
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn line(record: &Record, buffer: &[u8]) -> Result<String, Error> {
    let key = string(&buffer[record.key()])?.into_bytes().into_owned();
    let value = match decode(record.kind, &buffer[record.value()], &LIMITS) {
        Ok(value) => {
            let contents = read(value.as_ref());
            let parts = contents.parts.iter();
            let parts: Vec<String> = match contents.encoding {
                "quicklist" => parts.map(|(_, element)| shown(element)).collect(),
                "skiplist" | "zset listpack" => parts
                    .map(|(member, score)| {
                        let score = score.as_slice().try_into().expect("eight bytes");
                        format!("{} {}", shown(member), f64::from_be_bytes(score))
                    })
                    .collect(),
                _ => parts
                    .map(|(field, value)| format!("{} {}", shown(field), shown(value)))
                    .collect(),
            };
            let parts = parts.iter().map(|part| part.trim_end());
            let parts: Vec<&str> = parts.collect();
            format!("{} {}", contents.encoding, parts.join(", "))
        }
        Err(error) => format!("{error}"),
    };
    let key = shown(&key);
    Ok(match record.expiry {
        Some(expiry) => format!("{key} until {expiry}: {value}"),
        None => format!("{key}: {value}"),
    })
}

/// Checks the items of a dump, in pieces of many sizes.
#[track_caller]
fn check(dump: &str, expected: Expect) {
    let dump = hex(dump);
    let whole = items(&dump, dump.len()).expect("it is a dump");
    for pieces in 1..20 {
        assert_eq!(
            items(&dump, pieces).as_ref(),
            Ok(&whole),
            "in pieces of {pieces}"
        );
    }
    expected.assert_eq(&(whole.join("\n") + "\n"));
}

#[test]
fn redis_7() {
    check(
        include_str!("../../tests/fixtures/redis-7.hex"),
        expect![[r##"
            redis-ver is 7.0.15
            redis-bits is 64
            ctime is 1795242121
            used-mem is 1289192
            aof-base is 0
            function "#!lua name=mylib\nredis.register_function('f', function() return 1 end)"
            Select(0)
            Sizes { keys: 15, expiries: 1 }
            ints: intset 1, 2, 300000
            empty: string 
            text: string hello
            int: string 12
            zset: zset listpack a 1, b 2.5, c inf, d -3, e 10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
            fields: listpack a 1, b 2, c 3, d 4, e five
            wide: string 12345678901
            packed: string abababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab
            small-hash: listpack f v, g 1
            members: hashtable 1, a, b
            many-ints: intset 1, 2, 3, 4, 5
            small-list: quicklist a, 1, -5000
            small-zset: zset listpack a 1, b 2.5, c -inf
            nodes: quicklist a, b, c, d, e, f, 70000, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
            expiring until 33000000000123: string x
            Select(5)
            Sizes { keys: 1, expiries: 0 }
            other: string db
            End(Right)
        "##]],
    );
}

#[test]
fn version_4() {
    check(
        include_str!("../../tests/fixtures/version-4.hex"),
        expect![[r#"
            Select(0)
            zset: zset listpack a 1, aa 10, aaa 100, aaaa 1000, b 2, bb 20, bbb 200, bbbb 5000000000, c 3, cc 30, ccc 300, cccc 123456789
            set_zipped_1: intset 1, 2, 3, 4
            list_zipped: quicklist 1, 2, 3, a, b, c, 100000, 6000000000
            string: string Hello World
            compressible: string aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
            set_zipped_2: intset 100000, 200000, 300000, 400000
            number: string 10
            set_zipped_3: intset 1000000000, 2000000000, 3000000000, 4000000000, 5000000000, 6000000000
            set: hashtable 1, 100000, 2, 3, 6000000000, a, b, c
            list: quicklist 1, 2, 3, a, b, c, 100000, 6000000000, 1, 2, 3, a, b, c, 100000, 6000000000, 1, 2, 3, a, b, c, 100000, 6000000000
            hash_zipped: listpack a 1, b 2, c 3
            zset_zipped: zset listpack a 1, b 2, c 3
            hash: listpack a 1, aa 10, aaa 100, b 2, bb 20, bbb 200, c 3, cc 30, ccc 300, ddd 400, eee 5000000000
            End(Missing)
        "#]],
    );
}

#[test]
fn small_encodings_of_old() {
    check(
        include_str!("../../tests/fixtures/hash-ziplist.hex"),
        expect![[r#"
            redis-ver is 255.255.255
            redis-bits is 64
            ctime is 1620466888
            used-mem is 830864
            aof-preamble is 0
            Select(0)
            Sizes { keys: 1, expiries: 0 }
            hash: listpack f1 v1, f2 v2
            End(Right)
        "#]],
    );
    check(
        include_str!("../../tests/fixtures/hash-zipmap.hex"),
        expect![[r#"
            Select(0)
            hash: listpack f1 v1, f2 v2
            End(Missing)
        "#]],
    );
    check(
        include_str!("../../tests/fixtures/list-quicklist.hex"),
        expect![[r#"
            redis-ver is 4.0.9
            redis-bits is 64
            ctime is 1629882015
            used-mem is 496256
            aof-preamble is 0
            Select(0)
            Sizes { keys: 2, expiries: 0 }
            list: quicklist 7
            x: string 7
            End(Right)
        "#]],
    );
    check(
        include_str!("../../tests/fixtures/zset-ziplist.hex"),
        expect![[r#"
            redis-ver is 255.255.255
            redis-bits is 64
            ctime is 1628682082
            used-mem is 848976
            aof-preamble is 0
            Select(0)
            Sizes { keys: 1, expiries: 0 }
            zset: zset listpack one 1, two 2
            End(Right)
        "#]],
    );
}

#[test]
fn collections_without_elements() {
    check(
        include_str!("../../tests/fixtures/empty-collections.hex"),
        expect![[r#"
            redis-ver is 255.255.255
            redis-bits is 64
            ctime is 1628772474
            used-mem is 1061248
            aof-preamble is 0
            Select(0)
            Sizes { keys: 9, expiries: 0 }
            set: Collection without elements (at offset 1, while doing read-object-value)
            hash: Collection without elements (at offset 1, while doing read-object-value)
            list_ziplist: Collection without elements (at offset 12, while doing read-object-value)
            zset: Collection without elements (at offset 1, while doing read-object-value)
            zset_listpack: Collection without elements (at offset 8, while doing read-object-value)
            hash_ziplist: Collection without elements (at offset 8, while doing read-object-value)
            list_quicklist: Collection without elements (at offset 1, while doing read-object-value)
            zset_ziplist: Collection without elements (at offset 12, while doing read-object-value)
            list_quicklist_empty_ziplist: Collection without elements (at offset 13, while doing read-object-value)
            End(Right)
        "#]],
    );
}
