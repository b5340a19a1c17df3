//! Arguments chosen to break something: extremes, overflows, keys that are named twice.

use expect_test::expect;
use proptest::prelude::*;
use resp::value::Value;
use testkit::Node;

use super::check;

#[test]
fn extreme_ranges_neither_grow_nor_wrap() {
    check(expect![[r#"
        > SET k abc
        OK
        > GETRANGE k -9223372036854775808 -9223372036854775808
        "a"
        > GETRANGE k -9223372036854775808 -9223372036854775807
        "a"
        > GETRANGE k -9223372036854775808 -1
        "abc"
        > GETRANGE k -9223372036854775808 0
        "a"
        > GETRANGE k -9223372036854775808 9223372036854775807
        "abc"
        > GETRANGE k -9223372036854775808 4611686018427387904
        "abc"
        > GETRANGE k -9223372036854775807 -9223372036854775808
        ""
        > GETRANGE k -9223372036854775807 -9223372036854775807
        "a"
        > GETRANGE k -9223372036854775807 -1
        "abc"
        > GETRANGE k -9223372036854775807 0
        "a"
        > GETRANGE k -9223372036854775807 9223372036854775807
        "abc"
        > GETRANGE k -9223372036854775807 4611686018427387904
        "abc"
        > GETRANGE k -1 -9223372036854775808
        ""
        > GETRANGE k -1 -9223372036854775807
        ""
        > GETRANGE k -1 -1
        "c"
        > GETRANGE k -1 0
        ""
        > GETRANGE k -1 9223372036854775807
        "c"
        > GETRANGE k -1 4611686018427387904
        "c"
        > GETRANGE k 0 -9223372036854775808
        "a"
        > GETRANGE k 0 -9223372036854775807
        "a"
        > GETRANGE k 0 -1
        "abc"
        > GETRANGE k 0 0
        "a"
        > GETRANGE k 0 9223372036854775807
        "abc"
        > GETRANGE k 0 4611686018427387904
        "abc"
        > GETRANGE k 9223372036854775807 -9223372036854775808
        ""
        > GETRANGE k 9223372036854775807 -9223372036854775807
        ""
        > GETRANGE k 9223372036854775807 -1
        ""
        > GETRANGE k 9223372036854775807 0
        ""
        > GETRANGE k 9223372036854775807 9223372036854775807
        ""
        > GETRANGE k 9223372036854775807 4611686018427387904
        ""
        > GETRANGE k 4611686018427387904 -9223372036854775808
        ""
        > GETRANGE k 4611686018427387904 -9223372036854775807
        ""
        > GETRANGE k 4611686018427387904 -1
        ""
        > GETRANGE k 4611686018427387904 0
        ""
        > GETRANGE k 4611686018427387904 9223372036854775807
        ""
        > GETRANGE k 4611686018427387904 4611686018427387904
        ""
        > SETRANGE k -9223372036854775808 ""
        (error) ERR offset is out of range
        > SETRANGE k -9223372036854775807 ""
        (error) ERR offset is out of range
        > SETRANGE k -1 ""
        (error) ERR offset is out of range
        > SETRANGE k 0 ""
        (integer) 3
        > SETRANGE k 9223372036854775807 ""
        (integer) 3
        > SETRANGE k 4611686018427387904 ""
        (integer) 3
        > SETRANGE k -9223372036854775808 x
        (error) ERR offset is out of range
        > SETRANGE k -9223372036854775807 x
        (error) ERR offset is out of range
        > SETRANGE k -1 x
        (error) ERR offset is out of range
        > SETRANGE k 9223372036854775807 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 4611686018427387904 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > GET k
        "abc"
    "#]]);
}

#[test]
fn extreme_bits_neither_grow_nor_wrap() {
    check(expect![[r#"
        > SET k abc
        OK
        > BITCOUNT k -9223372036854775808 -9223372036854775808 BIT
        (integer) 0
        > BITPOS k 1 -9223372036854775808 -9223372036854775808 BIT
        (integer) -1
        > BITPOS k 0 -9223372036854775808 -9223372036854775808
        (integer) 0
        > BITCOUNT k -9223372036854775808 -1 BIT
        (integer) 10
        > BITPOS k 1 -9223372036854775808 -1 BIT
        (integer) 1
        > BITPOS k 0 -9223372036854775808 -1
        (integer) 0
        > BITCOUNT k -9223372036854775808 0 BIT
        (integer) 0
        > BITPOS k 1 -9223372036854775808 0 BIT
        (integer) -1
        > BITPOS k 0 -9223372036854775808 0
        (integer) 0
        > BITCOUNT k -9223372036854775808 9223372036854775807 BIT
        (integer) 10
        > BITPOS k 1 -9223372036854775808 9223372036854775807 BIT
        (integer) 1
        > BITPOS k 0 -9223372036854775808 9223372036854775807
        (integer) 0
        > BITCOUNT k -9223372036854775807 -9223372036854775808 BIT
        (integer) 0
        > BITPOS k 1 -9223372036854775807 -9223372036854775808 BIT
        (integer) -1
        > BITPOS k 0 -9223372036854775807 -9223372036854775808
        (integer) 0
        > BITCOUNT k -9223372036854775807 -1 BIT
        (integer) 10
        > BITPOS k 1 -9223372036854775807 -1 BIT
        (integer) 1
        > BITPOS k 0 -9223372036854775807 -1
        (integer) 0
        > BITCOUNT k -9223372036854775807 0 BIT
        (integer) 0
        > BITPOS k 1 -9223372036854775807 0 BIT
        (integer) -1
        > BITPOS k 0 -9223372036854775807 0
        (integer) 0
        > BITCOUNT k -9223372036854775807 9223372036854775807 BIT
        (integer) 10
        > BITPOS k 1 -9223372036854775807 9223372036854775807 BIT
        (integer) 1
        > BITPOS k 0 -9223372036854775807 9223372036854775807
        (integer) 0
        > BITCOUNT k -1 -9223372036854775808 BIT
        (integer) 0
        > BITPOS k 1 -1 -9223372036854775808 BIT
        (integer) -1
        > BITPOS k 0 -1 -9223372036854775808
        (integer) -1
        > BITCOUNT k -1 -1 BIT
        (integer) 1
        > BITPOS k 1 -1 -1 BIT
        (integer) 23
        > BITPOS k 0 -1 -1
        (integer) 16
        > BITCOUNT k -1 0 BIT
        (integer) 0
        > BITPOS k 1 -1 0 BIT
        (integer) -1
        > BITPOS k 0 -1 0
        (integer) -1
        > BITCOUNT k -1 9223372036854775807 BIT
        (integer) 1
        > BITPOS k 1 -1 9223372036854775807 BIT
        (integer) 23
        > BITPOS k 0 -1 9223372036854775807
        (integer) 16
        > BITCOUNT k 0 -9223372036854775808 BIT
        (integer) 0
        > BITPOS k 1 0 -9223372036854775808 BIT
        (integer) -1
        > BITPOS k 0 0 -9223372036854775808
        (integer) 0
        > BITCOUNT k 0 -1 BIT
        (integer) 10
        > BITPOS k 1 0 -1 BIT
        (integer) 1
        > BITPOS k 0 0 -1
        (integer) 0
        > BITCOUNT k 0 0 BIT
        (integer) 0
        > BITPOS k 1 0 0 BIT
        (integer) -1
        > BITPOS k 0 0 0
        (integer) 0
        > BITCOUNT k 0 9223372036854775807 BIT
        (integer) 10
        > BITPOS k 1 0 9223372036854775807 BIT
        (integer) 1
        > BITPOS k 0 0 9223372036854775807
        (integer) 0
        > BITCOUNT k 9223372036854775807 -9223372036854775808 BIT
        (integer) 0
        > BITPOS k 1 9223372036854775807 -9223372036854775808 BIT
        (integer) -1
        > BITPOS k 0 9223372036854775807 -9223372036854775808
        (integer) -1
        > BITCOUNT k 9223372036854775807 -1 BIT
        (integer) 0
        > BITPOS k 1 9223372036854775807 -1 BIT
        (integer) -1
        > BITPOS k 0 9223372036854775807 -1
        (integer) -1
        > BITCOUNT k 9223372036854775807 0 BIT
        (integer) 0
        > BITPOS k 1 9223372036854775807 0 BIT
        (integer) -1
        > BITPOS k 0 9223372036854775807 0
        (integer) -1
        > BITCOUNT k 9223372036854775807 9223372036854775807 BIT
        (integer) 0
        > BITPOS k 1 9223372036854775807 9223372036854775807 BIT
        (integer) -1
        > BITPOS k 0 9223372036854775807 9223372036854775807
        (integer) -1
        > BITCOUNT k 4611686018427387904 -9223372036854775808 BIT
        (integer) 0
        > BITPOS k 1 4611686018427387904 -9223372036854775808 BIT
        (integer) -1
        > BITPOS k 0 4611686018427387904 -9223372036854775808
        (integer) -1
        > BITCOUNT k 4611686018427387904 -1 BIT
        (integer) 0
        > BITPOS k 1 4611686018427387904 -1 BIT
        (integer) -1
        > BITPOS k 0 4611686018427387904 -1
        (integer) -1
        > BITCOUNT k 4611686018427387904 0 BIT
        (integer) 0
        > BITPOS k 1 4611686018427387904 0 BIT
        (integer) -1
        > BITPOS k 0 4611686018427387904 0
        (integer) -1
        > BITCOUNT k 4611686018427387904 9223372036854775807 BIT
        (integer) 0
        > BITPOS k 1 4611686018427387904 9223372036854775807 BIT
        (integer) -1
        > BITPOS k 0 4611686018427387904 9223372036854775807
        (integer) -1
        > SETBIT k -9223372036854775808 1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k -9223372036854775808
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 -9223372036854775808 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET i64 #-9223372036854775808
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k -9223372036854775807 1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k -9223372036854775807
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 -9223372036854775807 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET i64 #-9223372036854775807
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k -1 1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k -1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 -1 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET i64 #-1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 9223372036854775807 1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k 9223372036854775807
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 9223372036854775807 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET i64 #9223372036854775807
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 4611686018427387904 1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k 4611686018427387904
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 4611686018427387904 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET i64 #4611686018427387904
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET i64 0 -9223372036854775808 INCRBY i64 0 -9223372036854775808 OVERFLOW SAT INCRBY i64 0 -9223372036854775808 OVERFLOW FAIL INCRBY i64 0 -9223372036854775808
        1) (integer) 7017280021047803904
        2) (integer) 0
        3) (integer) -9223372036854775808
        4) (nil)
        > BITFIELD k SET i64 0 -9223372036854775807 INCRBY i64 0 -9223372036854775807 OVERFLOW SAT INCRBY i64 0 -9223372036854775807 OVERFLOW FAIL INCRBY i64 0 -9223372036854775807
        1) (integer) -9223372036854775808
        2) (integer) 2
        3) (integer) -9223372036854775805
        4) (nil)
        > BITFIELD k SET i64 0 -1 INCRBY i64 0 -1 OVERFLOW SAT INCRBY i64 0 -1 OVERFLOW FAIL INCRBY i64 0 -1
        1) (integer) -9223372036854775805
        2) (integer) -2
        3) (integer) -3
        4) (integer) -4
        > BITFIELD k SET i64 0 0 INCRBY i64 0 0 OVERFLOW SAT INCRBY i64 0 0 OVERFLOW FAIL INCRBY i64 0 0
        1) (integer) -4
        2) (integer) 0
        3) (integer) 0
        4) (integer) 0
        > BITFIELD k SET i64 0 9223372036854775807 INCRBY i64 0 9223372036854775807 OVERFLOW SAT INCRBY i64 0 9223372036854775807 OVERFLOW FAIL INCRBY i64 0 9223372036854775807
        1) (integer) 0
        2) (integer) -2
        3) (integer) 9223372036854775805
        4) (nil)
        > BITFIELD k SET i64 0 4611686018427387904 INCRBY i64 0 4611686018427387904 OVERFLOW SAT INCRBY i64 0 4611686018427387904 OVERFLOW FAIL INCRBY i64 0 4611686018427387904
        1) (integer) 9223372036854775805
        2) (integer) -9223372036854775808
        3) (integer) -4611686018427387904
        4) (integer) 0
        > STRLEN k
        (integer) 8
    "#]]);
}

#[test]
fn offsets_beyond_the_longest_string_change_nothing() {
    check(expect![[r#"
        > SETRANGE k 4294967295 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 536870911 xy
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 536870912 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETBIT k 4294967296 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 0 1 SET u8 4294967296 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 0 1 SET u64 0 1
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k SET u8 0 1 SET i64 #67108864 1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 0 1 SET i64 #9223372036854775807 1
        (error) ERR bit offset is not an integer or out of range
        > EXISTS k
        (integer) 0
        > SET n 9223372036854775807
        OK
        > INCR n
        (error) ERR increment or decrement would overflow
        > INCRBY n 9223372036854775807
        (error) ERR increment or decrement would overflow
        > DECRBY n -9223372036854775808
        (error) ERR decrement would overflow
        > DECRBY n -1
        (error) ERR increment or decrement would overflow
        > GET n
        "9223372036854775807"
        > SET n -9223372036854775808
        OK
        > DECR n
        (error) ERR increment or decrement would overflow
        > INCRBY n -9223372036854775808
        (error) ERR increment or decrement would overflow
        > GET n
        "-9223372036854775808"
    "#]]);
}

#[test]
fn numbers_that_are_none_are_refused() {
    check(expect![[r#"
        > INCRBYFLOAT k nan
        (error) ERR value is not a valid float
        > INCRBYFLOAT k -nan
        (error) ERR value is not a valid float
        > INCRBYFLOAT k Infinity
        (error) ERR increment would produce NaN or Infinity
        > INCRBYFLOAT k " 1"
        (error) ERR value is not a valid float
        > INCRBYFLOAT k "1 "
        (error) ERR value is not a valid float
        > INCRBYFLOAT k 1e
        (error) ERR value is not a valid float
        > INCRBYFLOAT k ""
        (error) ERR value is not a valid float
        > INCRBYFLOAT k "1\x00"
        (error) ERR value is not a valid float
        > INCRBYFLOAT k 1,5
        (error) ERR value is not a valid float
        > EXISTS k
        (integer) 0
        > INCRBY k " 1"
        (error) ERR value is not an integer or out of range
        > INCRBY k "1\x00"
        (error) ERR value is not an integer or out of range
        > INCRBY k 1e3
        (error) ERR value is not an integer or out of range
        > INCRBY k 0x10
        (error) ERR value is not an integer or out of range
        > EXISTS k
        (integer) 0
    "#]]);
}

#[test]
fn a_key_that_is_named_twice_is_one_key() {
    check(expect![[r#"
        > MSETNX k v k w
        (integer) 1
        > GET k
        "w"
        > MSETNX k x k y
        (integer) 0
        > GET k
        "w"
        > MSET k 1 k 2 k 3
        OK
        > GET k
        "3"
        > MGET k k
        1) "3"
        2) "3"
        > RENAME k k
        OK
        > RENAMENX k k
        (integer) 0
        > COPY k k
        (error) ERR source and destination objects are the same
        > COPY k k REPLACE
        (error) ERR source and destination objects are the same
        > LCS k k
        "3"
        > BITOP NOT k k k
        (error) ERR BITOP NOT must be called with a single source key.
        > BITOP XOR k k k
        (integer) 1
        > GET k
        "\x00"
        > BITOP NOT k k
        (integer) 1
        > GET k
        "\xff"
        > DEL k
        (integer) 1
        > PFADD k a
        (integer) 1
        > PFMERGE k k k
        OK
        > PFCOUNT k k k
        (integer) 1
        > DEL k k
        (integer) 1
        > EXISTS k k
        (integer) 0
    "#]]);
}

proptest! {
    /// Lengths around those where more bytes are needed to write them, for keys and for values.
    #[test]
    fn lengths_at_the_borders_are_kept(
        border in prop_oneof![Just(20), Just(44), Just(127), Just(128), Just(4095), Just(16384)],
        near in 0_usize..4,
        other in 1_usize..200,
        swapped: bool,
        digits: bool,
    ) {
        let len = border + near - 2;
        let (key_len, value_len) = if swapped { (other, len) } else { (len, other) };
        let byte = if digits { b'1' } else { b'x' };
        let (key, value) = (vec![byte; key_len], vec![byte; value_len]);
        let mut node = Node::new(crate::table());
        let mut ask = |words: &[&[u8]]| {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
            node.command("", &words).expect("every command has a reply")
        };
        ask(&[b"SET", &key, &value]);
        prop_assert_eq!(ask(&[b"GET", &key]), Value::Bulk(value.clone()));
        let last = (value_len * 8 - 1).to_string();
        let bit = i64::from(byte & 1);
        prop_assert_eq!(ask(&[b"SETBIT", &key, last.as_bytes(), b"0"]), Value::Integer(bit));
        let mut expected = value;
        expected[value_len - 1] &= 0xfe;
        prop_assert_eq!(ask(&[b"GET", &key]), Value::Bulk(expected.clone()));
        ask(&[b"EXPIREAT", &key, b"99999999999"]);
        ask(&[b"APPEND", &key, b"ab"]);
        expected.extend(b"ab");
        prop_assert_eq!(ask(&[b"GET", &key]), Value::Bulk(expected.clone()));
        let behind = (expected.len() * 8).to_string();
        ask(&[b"SETBIT", &key, behind.as_bytes(), b"1"]);
        expected.push(0x80);
        prop_assert_eq!(ask(&[b"GET", &key]), Value::Bulk(expected.clone()));
        prop_assert_eq!(ask(&[b"STRLEN", &key]), Value::Integer(expected.len() as i64));
        prop_assert_eq!(ask(&[b"EXISTS", &key]), Value::Integer(1));
    }
}
