use std::collections::BTreeSet;

use config::Config;
use expect_test::{Expect, expect};

/// Replays a transcript on a node that is a Sentinel, and compares.
#[track_caller]
fn check(transcript: Expect) {
    let mut config = Config::default();
    config.sentinel.is_on = true;
    let mut node = testkit::Node::with_config(crate::sentinel_table(), config);
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn a_sentinel_has_few_commands() {
    let names: BTreeSet<&str> = crate::sentinel_table()
        .top()
        .map(|entry| entry.command.name)
        .collect();
    let expected = "auth client command hello info ping psubscribe publish punsubscribe role \
                    sentinel shutdown subscribe unsubscribe";
    assert_eq!(names.into_iter().collect::<Vec<_>>().join(" "), expected);
}

/// Words behind the name, with at least one, as Redis 7.0.15 counts them.
#[test]
fn subcommands_take_as_many_words_as_they_must() {
    const ARITIES: &[(&str, i64)] = &[
        ("ckquorum", 3),
        ("config", -3),
        ("debug", -2),
        ("failover", 3),
        ("flushconfig", 2),
        ("get-master-addr-by-name", 3),
        ("help", 2),
        ("info-cache", -3),
        ("is-master-down-by-addr", 6),
        ("master", 3),
        ("masters", 2),
        ("monitor", 6),
        ("myid", 2),
        ("pending-scripts", 2),
        ("remove", 3),
        ("replicas", 3),
        ("reset", 3),
        ("sentinels", 3),
        ("set", -5),
        ("simulate-failure", -3),
        ("slaves", 3),
    ];
    let table = crate::sentinel_table();
    let sentinel = table.find(b"sentinel").expect("the command is there");
    let arities: Vec<(&str, i64)> = sentinel
        .subcommands
        .iter()
        .map(|&id| table.get(id).command)
        .map(|command| (command.name, command.arity.number()))
        .collect();
    assert_eq!(arities, ARITIES);
}

#[test]
fn what_is_not_for_sentinels_is_unknown() {
    check(expect![[r#"
        > PING
        PONG
        > GET a
        (error) ERR unknown command \'GET\', with args beginning with: \'a\' 
        > CONFIG GET port
        (error) ERR unknown command \'CONFIG\', with args beginning with: \'GET\' \'port\' 
        > MULTI
        (error) ERR unknown command \'MULTI\', with args beginning with: 
        > QUIT
        (error) ERR unknown command \'QUIT\', with args beginning with: 
        > SENTINEL
        (error) ERR wrong number of arguments for \'sentinel\' command
        > SENTINEL nosuch
        (error) ERR unknown subcommand \'nosuch\'. Try SENTINEL HELP.
        > SENTINEL MASTER
        (error) ERR wrong number of arguments for \'sentinel|master\' command
        > SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 1 0
        (error) ERR wrong number of arguments for \'sentinel|is-master-down-by-addr\' command
        > PUBLISH news text
        (error) ERR Only HELLO messages are accepted by Sentinel instances.
        > ROLE
        1) "sentinel"
        2) (empty array)
        > INFO nosuch
        ""
        > INFO keyspace memory
        ""
    "#]]);
}

#[test]
fn a_sentinel_says_what_it_is() {
    check(expect![[r#"
        > HELLO 2
         1) "server"
         2) "redis"
         3) "version"
         4) "7.0.15"
         5) "proto"
         6) (integer) 2
         7) "id"
         8) (integer) 1
         9) "mode"
        10) "sentinel"
        11) "modules"
        12) (empty array)
    "#]]);
    let mut config = Config::default();
    config.sentinel.is_on = true;
    let mut node = testkit::Node::with_config(crate::sentinel_table(), config);
    let words = ["INFO", "everything"].map(|word| word.as_bytes().to_vec());
    let Some(resp::value::Value::Bulk(text)) = node.command("", &words) else {
        panic!("INFO answers with text");
    };
    let text = String::from_utf8(text).expect("INFO is text");
    let titles: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .collect();
    assert_eq!(titles.join(" "), "Server Clients Stats CPU Sentinel");
    assert!(text.contains("redis_mode:sentinel\r\n"), "{text}");
}

/// A server that is no Sentinel has no such command, whatever it is asked.
#[test]
fn a_server_knows_nothing_of_sentinel() {
    crate::testing::check(expect![[r#"
        > SENTINEL MASTERS
        (error) ERR unknown command \'SENTINEL\', with args beginning with: \'MASTERS\' 
    "#]]);
}
