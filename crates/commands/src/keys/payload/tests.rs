use expect_test::expect;

use crate::testing::{check, commands, events, subscribe};

#[test]
fn a_value_travels_as_bytes() {
    check(expect![[r#"
        > SET k v
        OK
        > DUMP k
        "\x00\x01v\n\x00\x91\b\xce\xb2\x198\x8a\xce"
        > DUMP missing
        (nil)
        > RESTORE copy 0 "\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce"
        OK
        > GET copy
        "v"
        > PTTL copy
        (integer) -1
        > RESTORE copy 0 "\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce"
        (error) BUSYKEY Target key name already exists.
        > RESTORE copy 100000 "\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce" REPLACE IDLETIME 50
        OK
        > TTL copy
        (integer) 100
        > OBJECT IDLETIME copy
        (integer) 50
        > RESTORE copy 1 "\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce" ABSTTL REPLACE
        OK
        > EXISTS copy
        (integer) 0
        > RESTORE copy 4102444800000 "\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce" absttl
        OK
        > PEXPIRETIME copy
        (integer) 4102444800000
        > RESTORE other 9223372036854775807 "\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce"
        OK
        > EXISTS other
        (integer) 0
        > CONFIG SET maxmemory-policy allkeys-lfu
        OK
        > RESTORE popular 0 "\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce" FREQ 50
        OK
        > OBJECT FREQ popular
        (integer) 50
    "#]]);
}

#[test]
fn mistakes_come_in_the_order_of_redis() {
    check(expect![[r#"
        > SET k v
        OK
        > RESTORE k 0
        (error) ERR wrong number of arguments for \'restore\' command
        > RESTORE k 0 x
        (error) BUSYKEY Target key name already exists.
        > RESTORE k 0 x AGAIN
        (error) ERR syntax error
        > RESTORE k -1 x
        (error) BUSYKEY Target key name already exists.
        > RESTORE k -1 x REPLACE
        (error) ERR Invalid TTL value, must be >= 0
        > RESTORE n abc x
        (error) ERR value is not an integer or out of range
        > RESTORE n 0 x IDLETIME
        (error) ERR syntax error
        > RESTORE n 0 x IDLETIME -1
        (error) ERR Invalid IDLETIME value, must be >= 0
        > RESTORE n 0 x IDLETIME a
        (error) ERR value is not an integer or out of range
        > RESTORE n 0 x FREQ 256
        (error) ERR Invalid FREQ value, must be >= 0 and <= 255
        > RESTORE n 0 x FREQ -1
        (error) ERR Invalid FREQ value, must be >= 0 and <= 255
        > RESTORE n 0 x FREQ a
        (error) ERR value is not an integer or out of range
        > RESTORE n 0 x IDLETIME 1 FREQ 1
        (error) ERR syntax error
        > RESTORE n 0 x FREQ 1 IDLETIME 1
        (error) ERR syntax error
        > RESTORE n 0 x IDLETIME 1 IDLETIME 1
        (error) ERR DUMP payload version or checksum are wrong
        > RESTORE n 0 ""
        (error) ERR DUMP payload version or checksum are wrong
        > RESTORE n 0 x
        (error) ERR DUMP payload version or checksum are wrong
        > RESTORE n 0 "\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xcf"
        (error) ERR DUMP payload version or checksum are wrong
        > DUMP
        (error) ERR wrong number of arguments for \'dump\' command
        > GET k
        "v"
        > EXISTS n
        (integer) 0
    "#]]);
}

#[test]
fn what_comes_is_told_and_logged_with_its_moment() {
    let payload = b"\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce";
    let quoted = format!("\"{}\"", payload.escape_ascii());
    let session = format!(
        "> RESTORE a 0 {quoted}\n> RESTORE a 1000 {quoted} REPLACE\n\
         > RESTORE a 1 {quoted} REPLACE ABSTTL\n> RESTORE b 1 {quoted} ABSTTL\n"
    );
    assert_eq!(events(&session), ["restore a", "restore a", "del a"]);
    let mut node = testkit::Node::new(crate::table());
    let reader = subscribe(&node);
    testkit::replay(&mut node, &session);
    let mut bytes = Vec::new();
    node.engine.log.read(&reader, &mut bytes);
    let logged = commands(&bytes).replace(&*String::from_utf8_lossy(payload), "payload");
    let expected = "SELECT 0\nRESTORE a 0 payload\n\
                    RESTORE a 1767225601000 payload REPLACE ABSTTL\nDEL a\n";
    assert_eq!(logged, expected);
}
