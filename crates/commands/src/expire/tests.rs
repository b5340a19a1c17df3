use expect_test::expect;

use crate::testing::check;

#[test]
fn expire_gives_a_time_to_live() {
    check(expect![[r#"
        > SET k v
        OK
        > TTL k
        (integer) -1
        > PTTL k
        (integer) -1
        > EXPIRETIME k
        (integer) -1
        > PEXPIRETIME k
        (integer) -1
        > EXPIRE k 10
        (integer) 1
        > TTL k
        (integer) 10
        > PTTL k
        (integer) 10000
        > EXPIRETIME k
        (integer) 1767225610
        > PEXPIRETIME k
        (integer) 1767225610000
        @ +4400ms
        > TTL k
        (integer) 6
        @ +200ms
        > TTL k
        (integer) 5
        > PTTL k
        (integer) 5400
        > PEXPIRE k 1
        (integer) 1
        > TTL k
        (integer) 0
        > PTTL k
        (integer) 1
        @ +2ms
        > GET k
        (nil)
        > TTL k
        (integer) -2
        > PTTL k
        (integer) -2
        > EXPIRETIME k
        (integer) -2
        > PEXPIRETIME k
        (integer) -2
        > EXPIRE k 10
        (integer) 0
        > TTL
        (error) ERR wrong number of arguments for \'ttl\' command
        > TTL a b
        (error) ERR wrong number of arguments for \'ttl\' command
    "#]]);
}

#[test]
fn expireat_takes_a_unix_time() {
    check(expect![[r#"
        > SET k v
        OK
        > EXPIREAT k 33000000000
        (integer) 1
        > EXPIRETIME k
        (integer) 33000000000
        > PEXPIRETIME k
        (integer) 33000000000000
        > PEXPIREAT k 33000000000499
        (integer) 1
        > EXPIRETIME k
        (integer) 33000000000
        > PEXPIREAT k 33000000000500
        (integer) 1
        > EXPIRETIME k
        (integer) 33000000001
        > PEXPIRETIME k
        (integer) 33000000000500
        > EXPIREAT k 1
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > PEXPIREAT k 1
        (integer) 1
        > EXISTS k
        (integer) 0
    "#]]);
}

#[test]
fn a_time_that_is_past_deletes_at_once() {
    check(expect![[r#"
        > SET k v
        OK
        > EXPIRE k 0
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > EXPIRE k -1
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > PEXPIRE k -9223372036854775808
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > PEXPIREAT k -9223372036854775808
        (integer) 1
        > EXISTS k
        (integer) 0
        > SET k v
        OK
        > EXPIRE k -9223370399119966
        (integer) 1
        > EXISTS k
        (integer) 0
    "#]]);
}

#[test]
fn times_that_cannot_be_kept_are_refused() {
    check(expect![[r#"
        > SET k v
        OK
        > EXPIRE k 9223372036854775807
        (error) ERR invalid expire time in \'expire\' command
        > EXPIRE k -9223372036854775808
        (error) ERR invalid expire time in \'expire\' command
        > EXPIRE k 9223372036854775808
        (error) ERR value is not an integer or out of range
        > EXPIRE k 9223372036854775
        (error) ERR invalid expire time in \'expire\' command
        > EXPIRE k 9223372036854776
        (error) ERR invalid expire time in \'expire\' command
        > PEXPIRE k 9223372036854775807
        (error) ERR invalid expire time in \'pexpire\' command
        > PEXPIRE k -9223372036854775809
        (error) ERR value is not an integer or out of range
        > EXPIREAT k 9223372036854775807
        (error) ERR invalid expire time in \'expireat\' command
        > EXPIREAT k 9223372036854776
        (error) ERR invalid expire time in \'expireat\' command
        > EXPIREAT k -9223372036854775808
        (error) ERR invalid expire time in \'expireat\' command
        > EXPIRE k ""
        (error) ERR value is not an integer or out of range
        > EXPIRE k " 1"
        (error) ERR value is not an integer or out of range
        > EXPIRE k 1.5
        (error) ERR value is not an integer or out of range
        > PEXPIREAT k abc
        (error) ERR value is not an integer or out of range
        > EXPIRE nokey abc
        (error) ERR value is not an integer or out of range
        > EXPIRE nokey 9223372036854775807
        (error) ERR invalid expire time in \'expire\' command
        > EXPIRE k
        (error) ERR wrong number of arguments for \'expire\' command
        > PEXPIREAT k
        (error) ERR wrong number of arguments for \'pexpireat\' command
        > TTL k
        (integer) -1
        > PEXPIREAT k 9223372036854775807
        (integer) 1
        > PEXPIRETIME k
        (integer) 9223372036854775807
        > EXPIRETIME k
        (integer) 9223372036854776
    "#]]);
}

#[test]
fn conditions_compare_with_the_expiry_there_is() {
    check(expect![[r#"
        > SET k v
        OK
        > EXPIRE k 10 XX
        (integer) 0
        > EXPIRE k 10 GT
        (integer) 0
        > EXPIRE k 10 XX LT
        (integer) 0
        > EXPIRE k 10 XX GT
        (integer) 0
        > TTL k
        (integer) -1
        > EXPIRE k 100 LT
        (integer) 1
        > TTL k
        (integer) 100
        > EXPIRE k 50 NX
        (integer) 0
        > EXPIRE k 50 GT
        (integer) 0
        > EXPIRE k 100 GT
        (integer) 0
        > EXPIRE k 200 gt
        (integer) 1
        > TTL k
        (integer) 200
        > EXPIRE k 300 lt
        (integer) 0
        > EXPIRE k 200 LT
        (integer) 0
        > EXPIRE k 100 LT
        (integer) 1
        > EXPIRE k 110 XX GT
        (integer) 1
        > EXPIRE k 105 XX LT
        (integer) 1
        > EXPIRE k 20 XX XX
        (integer) 1
        > TTL k
        (integer) 20
        > PERSIST k
        (integer) 1
        > EXPIRE k 30 NX
        (integer) 1
        > TTL k
        (integer) 30
        > EXPIRE k -1 GT
        (integer) 0
        > EXPIRE k -1 NX
        (integer) 0
        > EXPIRE k -1 LT
        (integer) 1
        > EXISTS k
        (integer) 0
        > EXPIRE nokey 10 NX
        (integer) 0
        > EXPIRE nokey 10 XX
        (integer) 0
        > EXPIRE nokey 10 GT
        (integer) 0
        > EXPIRE nokey 10 LT
        (integer) 0
    "#]]);
}

#[test]
fn conditions_that_contradict_are_refused() {
    check(expect![[r#"
        > SET k v
        OK
        > EXPIRE k 10 NX XX
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE k 10 NX GT
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > PEXPIRE k 10 NX LT
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIREAT k 10 GT LT
        (error) ERR GT and LT options at the same time are not compatible
        > EXPIRE k 10 GT LT NX
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE k 10 AB
        (error) ERR Unsupported option AB
        > EXPIRE k 10 XX Ab
        (error) ERR Unsupported option Ab
        > EXPIRE k 10 ""
        (error) ERR Unsupported option 
        > EXPIRE k 10 "two words"
        (error) ERR Unsupported option two words
        > EXPIRE k abc AB
        (error) ERR Unsupported option AB
        > EXPIRE nokey 10 NX XX
        (error) ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE nokey 10 AB
        (error) ERR Unsupported option AB
        > TTL k
        (integer) -1
    "#]]);
}

#[test]
fn persist_takes_the_expiry_away() {
    check(expect![[r#"
        > SET k v EX 10
        OK
        > PERSIST k
        (integer) 1
        > TTL k
        (integer) -1
        > PERSIST k
        (integer) 0
        > PERSIST nokey
        (integer) 0
        > PERSIST
        (error) ERR wrong number of arguments for \'persist\' command
        @ +20s
        > GET k
        "v"
    "#]]);
}

mod model;

#[test]
fn an_option_is_quoted_without_the_line_breaks_at_its_end() {
    check(expect![[r#"
        > PEXPIRE k 1 "\r"
        (error) ERR Unsupported option 
        > PEXPIRE k 1 "a\nb\r\n"
        (error) ERR Unsupported option a b
        > PEXPIRE k 1 "a\x00b"
        (error) ERR Unsupported option a
    "#]]);
}
