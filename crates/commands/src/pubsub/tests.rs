use expect_test::expect;

use crate::testing::{check, check_resp3};

#[test]
fn messages_reach_channels_and_patterns() {
    check(expect![[r#"
        s> SUBSCRIBE a b a
        1) "subscribe"
        2) "a"
        3) (integer) 1
        s<
        1) "subscribe"
        2) "b"
        3) (integer) 2
        s<
        1) "subscribe"
        2) "a"
        3) (integer) 2
        p> PSUBSCRIBE a* nothing
        1) "psubscribe"
        2) "a*"
        3) (integer) 1
        p<
        1) "psubscribe"
        2) "nothing"
        3) (integer) 2
        > PUBLISH a hello
        (integer) 2
        s<
        1) "message"
        2) "a"
        3) "hello"
        s<
        (no reply)
        p<
        1) "pmessage"
        2) "a*"
        3) "a"
        4) "hello"
        > PUBLISH ab there
        (integer) 1
        p<
        1) "pmessage"
        2) "a*"
        3) "ab"
        4) "there"
        > PUBLISH c nobody
        (integer) 0
        s> UNSUBSCRIBE a
        1) "unsubscribe"
        2) "a"
        3) (integer) 1
        s> UNSUBSCRIBE
        1) "unsubscribe"
        2) "b"
        3) (integer) 0
        s> UNSUBSCRIBE
        1) "unsubscribe"
        2) (nil)
        3) (integer) 0
        p> PUNSUBSCRIBE
        1) "punsubscribe"
        2) "a*"
        3) (integer) 1
        p<
        1) "punsubscribe"
        2) "nothing"
        3) (integer) 0
        p> GET k
        (nil)
        > PUBLISH a gone
        (integer) 0
    "#]]);
}

#[test]
fn shard_channels_are_a_world_of_their_own() {
    check(expect![[r#"
        s> SSUBSCRIBE a b
        1) "ssubscribe"
        2) "a"
        3) (integer) 1
        s<
        1) "ssubscribe"
        2) "b"
        3) (integer) 2
        t> SUBSCRIBE a
        1) "subscribe"
        2) "a"
        3) (integer) 1
        > SPUBLISH a m
        (integer) 1
        s<
        1) "smessage"
        2) "a"
        3) "m"
        t<
        (no reply)
        > PUBLISH a n
        (integer) 1
        s<
        (no reply)
        t<
        1) "message"
        2) "a"
        3) "n"
        > PUBSUB SHARDCHANNELS a
        1) "a"
        > PUBSUB SHARDCHANNELS x*
        (empty array)
        > PUBSUB SHARDNUMSUB a x
        1) "a"
        2) (integer) 1
        3) "x"
        4) (integer) 0
        s> SUNSUBSCRIBE a
        1) "sunsubscribe"
        2) "a"
        3) (integer) 1
        s> SUNSUBSCRIBE
        1) "sunsubscribe"
        2) "b"
        3) (integer) 0
        s> SUNSUBSCRIBE
        1) "sunsubscribe"
        2) (nil)
        3) (integer) 0
    "#]]);
}

#[test]
fn a_subscriber_of_the_old_protocol_only_listens() {
    check(expect![[r#"
        > SUBSCRIBE a
        1) "subscribe"
        2) "a"
        3) (integer) 1
        > GET k
        (error) ERR Can\'t execute \'get\': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        > CONFIG GET x
        (error) ERR Can\'t execute \'config|get\': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        > NOSUCH
        (error) ERR unknown command \'NOSUCH\', with args beginning with: 
        > GET
        (error) ERR wrong number of arguments for \'get\' command
        > PING
        1) "pong"
        2) ""
        > PING hello
        1) "pong"
        2) "hello"
        > PING too many
        (error) ERR wrong number of arguments for \'ping\' command
        > RESET
        RESET
        > PING
        PONG
        > QUIT
        OK
    "#]]);
}

#[test]
fn a_subscriber_of_the_new_protocol_does_anything() {
    check_resp3(expect![[r#"
        > SUBSCRIBE a
        1) "subscribe"
        2) "a"
        3) (integer) 1
        > PUBLISH a self
        (integer) 1
        <
        1) "message"
        2) "a"
        3) "self"
        > SET k v
        OK
        > PING
        PONG
        > MULTI
        OK
        > SUBSCRIBE b c
        QUEUED
        > PUBLISH b x
        QUEUED
        > EXEC
        1) 1) "subscribe"
           2) "b"
           3) (integer) 2
        2) 1) "subscribe"
           2) "c"
           3) (integer) 3
        > UNSUBSCRIBE nosuch
        1) "unsubscribe"
        2) "nosuch"
        3) (integer) 3
        > UNSUBSCRIBE
        1) "unsubscribe"
        2) "a"
        3) (integer) 2
    "#]]);
}

#[test]
fn one_who_wants_no_replies_still_listens() {
    check_resp3(expect![[r#"
        > CLIENT REPLY OFF
        (no reply)
        > SUBSCRIBE a
        1) "subscribe"
        2) "a"
        3) (integer) 1
        p> PUBLISH a m
        (integer) 1
        <
        1) "message"
        2) "a"
        3) "m"
        > GET k
        (no reply)
        > UNSUBSCRIBE
        1) "unsubscribe"
        2) "a"
        3) (integer) 0
    "#]]);
}

#[test]
fn pubsub_looks_who_listens() {
    check(expect![[r#"
        s> SUBSCRIBE alpha beta
        1) "subscribe"
        2) "alpha"
        3) (integer) 1
        t> SUBSCRIBE alpha
        1) "subscribe"
        2) "alpha"
        3) (integer) 1
        p> PSUBSCRIBE al* other
        1) "psubscribe"
        2) "al*"
        3) (integer) 1
        q> PSUBSCRIBE al*
        1) "psubscribe"
        2) "al*"
        3) (integer) 1
        > PUBSUB CHANNELS b*
        1) "beta"
        > PUBSUB CHANNELS z*
        (empty array)
        > PUBSUB CHANNELS a b
        (error) ERR unknown subcommand or wrong number of arguments for \'CHANNELS\'. Try PUBSUB HELP.
        > PUBSUB NUMSUB
        (empty array)
        > PUBSUB NUMSUB alpha beta gamma
        1) "alpha"
        2) (integer) 2
        3) "beta"
        4) (integer) 1
        5) "gamma"
        6) (integer) 0
        > PUBSUB NUMPAT
        (integer) 2
        > PUBSUB NUMPAT x
        (error) ERR wrong number of arguments for \'pubsub|numpat\' command
        > PUBSUB NOSUCH
        (error) ERR unknown subcommand \'NOSUCH\'. Try PUBSUB HELP.
        > PUBSUB
        (error) ERR wrong number of arguments for \'pubsub\' command
        > PUBLISH alpha x
        (integer) 4
        > PUBLISH alpha
        (error) ERR wrong number of arguments for \'publish\' command
        > SUBSCRIBE
        (error) ERR wrong number of arguments for \'subscribe\' command
    "#]]);
}

#[test]
fn a_channel_without_a_name_matches_no_star() {
    check(expect![[r#"
        b> PSUBSCRIBE *
        1) "psubscribe"
        2) "*"
        3) (integer) 1
        > PUBLISH "" m
        (integer) 0
        > PUBLISH c m
        (integer) 1
        b> PSUBSCRIBE ""
        1) "psubscribe"
        2) ""
        3) (integer) 2
        > PUBLISH "" m
        (integer) 1
    "#]]);
}
