use config::Effect;
use expect_test::expect;
use testkit::{Node, replay};

use crate::testing::check;

#[test]
fn get() {
    check(expect![[r#"
        > CONFIG GET maxmemory
        1) "maxmemory"
        2) "0"
        > CONFIG GET MaxMemory
        1) "MaxMemory"
        2) "0"
        > CONFIG GET maxmemory-* *memory-samples nosuch
        1) "maxmemory-policy"
        2) "noeviction"
        3) "maxmemory-samples"
        4) "5"
        5) "maxmemory-eviction-tenacity"
        6) "10"
        7) "maxmemory-clients"
        8) "0"
        > CONFIG GET key-load-delay
        1) "key-load-delay"
        2) "0"
        > CONFIG GET key-load*
        (empty array)
        > CONFIG GET user
        (empty array)
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > CONFIG GET maxmemory slaveof
        1# "maxmemory" => "0"
        2# "slaveof" => ""
        > CONFIG GET
        (error) ERR wrong number of arguments for \'config|get\' command
    "#]]);
}

#[test]
fn set_changes_all_or_nothing() {
    check(expect![[r#"
        > CONFIG SET maxmemory 10000001 repl-backlog-size 10000002 save "3000 5"
        OK
        > CONFIG GET maxmemory repl-backlog-size save
        1) "maxmemory"
        2) "10000001"
        3) "repl-backlog-size"
        4) "10000002"
        5) "save"
        6) "3000 5"
        > CONFIG SET maxmemory 10000003 maxmemory-clients 200% client-query-buffer-limit invalid
        (error) ERR CONFIG SET failed (possibly related to argument \'maxmemory-clients\') - percentage argument must be less or equal to 100
        > CONFIG GET maxmemory
        1) "maxmemory"
        2) "10000001"
        > CONFIG SET maxmemory 10 maxmemory 11
        (error) ERR CONFIG SET failed (possibly related to argument \'maxmemory\') - duplicate parameter
        > CONFIG SET foo bar
        (error) ERR Unknown option or number of arguments for CONFIG SET - \'foo\'
        > CONFIG SET a b c
        (error) ERR syntax error
        > CONFIG SET a
        (error) ERR wrong number of arguments for \'config|set\' command
        > CONFIG SET maxmemory abc
        (error) ERR CONFIG SET failed (possibly related to argument \'maxmemory\') - argument must be a memory value
        > CONFIG SET port 99999999
        (error) ERR CONFIG SET failed (possibly related to argument \'port\') - argument must be between 0 and 65535 inclusive
        > CONFIG SET daemonize yes
        (error) ERR CONFIG SET failed (possibly related to argument \'daemonize\') - can\'t set immutable config
        > CONFIG SET dir /
        (error) ERR CONFIG SET failed (possibly related to argument \'dir\') - can\'t set protected config
        > CONFIG SET user x
        (error) ERR Unknown option or number of arguments for CONFIG SET - \'user\'
        > CONFIG SET maxmemory-policy x
        (error) ERR CONFIG SET failed (possibly related to argument \'maxmemory-policy\') - argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction
    "#]]);
}

#[test]
fn a_refused_effect_undoes_the_change() {
    let mut node = Node::new(crate::table());
    let why = "Unable to listen on this port. Check server logs.";
    node.world.refuse_effect(Effect::Rebind, why);
    let transcript = expect![[r#"
        > CONFIG SET oom-score-adj yes maxmemory 10000001 port 7000
        (error) ERR CONFIG SET failed (possibly related to argument \'port\') - Unable to listen on this port. Check server logs.
        > CONFIG GET oom-score-adj maxmemory port
        1) "oom-score-adj"
        2) "no"
        3) "maxmemory"
        4) "0"
        5) "port"
        6) "6379"
    "#]];
    let replayed = replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
    assert_eq!(
        node.world.take_asked(),
        [
            "apply [OomScore]",
            "apply [EvictNow]",
            "apply [EvictNow]",
            "apply [OomScore]"
        ],
        "what was applied is taken back"
    );
}

#[test]
fn a_change_counts_for_the_rest_of_the_pipeline() {
    let mut node = Node::new(crate::table());
    node.send("", b"CONFIG SET slowlog-log-slower-than 0\r\nPING\r\n");
    assert_eq!(node.engine.slowlog.len(), 2);
}

#[test]
fn rewrite_help_and_the_rest() {
    check(expect![[r#"
        > CONFIG REWRITE
        (error) ERR The server is running without a config file
        > CONFIG REWRITE x
        (error) ERR wrong number of arguments for \'config|rewrite\' command
        > CONFIG RESETSTAT
        OK
        > CONFIG
        (error) ERR wrong number of arguments for \'config\' command
        > CONFIG foo
        (error) ERR unknown subcommand \'foo\'. Try CONFIG HELP.
        > CONFIG HELP
         1) CONFIG <subcommand> [<arg> ...]. There are:
         2) GET <parameter> [<parameter> ...]
         3)     Returns the values of directives by name or pattern.
         4) HELP
         5)     Shows the subcommands.
         6) RESETSTAT
         7)     Sets the statistics to zero.
         8) REWRITE
         9)     Writes the configuration to the file it came from.
        10) SET <parameter value> [<parameter value> ...]
        11)     Changes directives, all or none.
    "#]]);
}

#[test]
fn resetstat() {
    let mut node = Node::new(crate::table());
    node.send(
        "",
        b"SET k v\r\nGET k\r\nGET x\r\nNOSUCH\r\nCONFIG RESETSTAT\r\n",
    );
    let totals = node.engine.stats.totals();
    assert_eq!((totals.commands, totals.hits, totals.misses), (1, 0, 0));
    assert!(node.engine.stats.errors().is_empty());
}

#[test]
fn every_directive_takes_the_value_it_has() {
    let mut node = Node::new(crate::table());
    let words = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>();
    let all = |node: &Node| node.engine.config.load().get(&[b"*"]);
    let before = all(&node);
    for (name, value) in &before {
        let request = words(&[b"CONFIG", b"SET", name.as_bytes(), value]);
        let reply = node.command("", &request).expect("CONFIG SET replies");
        let shown = testkit::render(&reply);
        let fixed = shown.contains("set immutable") || shown.contains("set protected");
        assert!(shown == "OK\n" || fixed, "{shown}");
    }
    assert_eq!(all(&node), before);
}

#[test]
fn protected_directives_are_for_those_on_this_machine() {
    let mut config = config::Config::default();
    config.security.protected_configs = config::Permit::Local;
    let mut node = Node::with_config(crate::table(), config);
    let transcript = expect![[r#"
        > CONFIG SET dbfilename somename
        OK
        > CONFIG GET dbfilename
        1) "dbfilename"
        2) "somename"
    "#]];
    let replayed = replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn changes_at_the_same_time_are_all_kept() {
    let node = Node::new(crate::table());
    let engine = &node.engine;
    let names = ["maxmemory-samples", "hz", "timeout", "lfu-log-factor"];
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(move || {
                for value in 1..=64 {
                    let value = value.to_string();
                    let pairs: &[(&[u8], &[u8])] = &[(name.as_bytes(), value.as_bytes())];
                    engine
                        .configure(pairs, Default::default())
                        .expect("the values are allowed");
                }
            });
        }
    });
    let values = engine.config.load().get(&names.map(str::as_bytes));
    assert!(values.iter().all(|(_, value)| value == b"64"), "{values:?}");
}
