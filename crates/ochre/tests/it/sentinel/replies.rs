//! What a Sentinel answers, beside what a Sentinel of Redis answers to the same words.

use resp::value::Value;

use super::group::{Group, Kind, NAME, Program, is_redis_there};

/// Lines whose replies are equal, byte by byte.
const EQUAL: &[&str] = &[
    "PING",
    "PING a b",
    "GET a",
    "CONFIG GET *",
    "MULTI",
    "SELECT 1",
    "ECHO a",
    "QUIT",
    "TIME",
    "PUBSUB CHANNELS",
    "SPUBLISH a b",
    "AUTH x",
    "SUBSCRIBE",
    "SHUTDOWN foo",
    "ROLE",
    "INFO nosuch",
    "PUBLISH a b",
    "PUBLISH __sentinel__:hello x",
    "PUBLISH __sentinel__:hello 127.0.0.1,1,2",
    "SENTINEL",
    "SENTINEL foo",
    "SENTINEL MASTER",
    "SENTINEL MASTER x",
    "SENTINEL MASTERS x",
    "SENTINEL REPLICAS x",
    "SENTINEL SLAVES x",
    "SENTINEL SENTINELS x",
    "SENTINEL MYID x",
    "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster",
    "SENTINEL GET-MASTER-ADDR-BY-NAME x",
    "SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 1 0 *",
    "SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 abc 0 *",
    "SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 1 x *",
    "SENTINEL IS-MASTER-DOWN-BY-ADDR a b",
    "SENTINEL CKQUORUM x",
    "SENTINEL CKQUORUM mymaster",
    "SENTINEL PENDING-SCRIPTS",
    "SENTINEL FLUSHCONFIG",
    "SENTINEL INFO-CACHE",
    "SENTINEL INFO-CACHE x",
    "SENTINEL SIMULATE-FAILURE",
    "SENTINEL SIMULATE-FAILURE HELP",
    "SENTINEL SIMULATE-FAILURE x",
    "SENTINEL DEBUG",
    "SENTINEL DEBUG a",
    "SENTINEL DEBUG info-period",
    "SENTINEL DEBUG info-period x",
    "SENTINEL DEBUG info-period 0",
    "SENTINEL DEBUG INFO-PERIOD 10000",
    "SENTINEL DEBUG foo 1",
    "SENTINEL CONFIG",
    "SENTINEL CONFIG GET",
    "SENTINEL CONFIG GET *",
    "SENTINEL CONFIG GET announce*",
    "SENTINEL CONFIG GET zzz",
    "SENTINEL CONFIG GET a b",
    "SENTINEL CONFIG SET",
    "SENTINEL CONFIG SET a b",
    "SENTINEL CONFIG SET announce-port x",
    "SENTINEL CONFIG SET announce-port 0",
    "SENTINEL CONFIG SET resolve-hostnames maybe",
    "SENTINEL CONFIG SET announce-ip",
    "SENTINEL CONFIG foo a",
    "SENTINEL RESET x",
    "SENTINEL RESET",
    "SENTINEL FAILOVER x",
    "SENTINEL FAILOVER",
    "SENTINEL MONITOR a",
    "SENTINEL MONITOR mymaster 127.0.0.1 1 1",
    "SENTINEL MONITOR b 127.0.0.1 1 0",
    "SENTINEL MONITOR b 127.0.0.1 1 x",
    "SENTINEL MONITOR b 127.0.0.1 x 1",
    "SENTINEL MONITOR b 127.0.0.1 99999 1",
    "SENTINEL MONITOR b no.such.host.invalid 1 1",
    "SENTINEL SET",
    "SENTINEL SET x",
    "SENTINEL SET mymaster",
    "SENTINEL SET mymaster quorum",
    "SENTINEL SET mymaster foo 1",
    "SENTINEL SET mymaster quorum 0",
    "SENTINEL SET mymaster quorum x",
    "SENTINEL SET mymaster quorum 2 foo 2",
    "SENTINEL SET mymaster down-after-milliseconds 0",
    "SENTINEL SET mymaster notification-script /bin/true",
    "SENTINEL SET mymaster client-reconfig-script /bin/true",
    "SENTINEL SET x quorum 1",
    "SENTINEL SET mymaster rename-command a",
    "SENTINEL SET mymaster rename-command a b",
    "SENTINEL SET mymaster rename-command a a",
    "SENTINEL SET mymaster parallel-syncs 0",
    "SENTINEL SET mymaster parallel-syncs 3",
    "SENTINEL SET mymaster master-reboot-down-after-period x",
    "SENTINEL SET mymaster failover-timeout 60001",
    "SENTINEL SET mymaster auth-user u auth-pass p",
    "SENTINEL SET mymaster auth-user  auth-pass ",
    "SENTINEL REMOVE x",
    "SENTINEL REMOVE",
    "SENTINEL MONITOR other 127.0.0.1 1 1",
    "SENTINEL MASTER other x",
    "SENTINEL FAILOVER other",
    "SENTINEL RESET oth*",
    "SENTINEL REMOVE other",
    "SENTINEL CONFIG SET announce-hostnames yes",
    "SENTINEL CONFIG GET announce-hostnames",
    "SENTINEL CONFIG SET announce-hostnames no",
    "SENTINEL SIMULATE-FAILURE CRASH-AFTER-ELECTION bad",
    "SENTINEL SIMULATE-FAILURE CRASH-AFTER-ELECTION crash-after-promotion",
];

#[test]
fn every_line_is_answered_as_redis_answers_it() {
    if !is_redis_there() {
        return;
    }
    let group = Group::start(
        &[Kind::Redis, Kind::Redis],
        &[Kind::Redis, Kind::Ochre],
        "sentinel parallel-syncs mymaster 2\n",
    );
    let mut wires: Vec<_> = group.sentinels.iter().map(Program::wire).collect();
    for line in EQUAL {
        let [redis, ours] = [0, 1].map(|at| wires[at].ask(line));
        assert_eq!(ours, redis, "{line}");
    }
    // The same, as a client of RESP3 sees it.
    for wire in &mut wires {
        wire.ask("HELLO 3");
    }
    for line in EQUAL {
        let [redis, ours] = [0, 1].map(|at| wires[at].ask(line));
        assert_eq!(ours, redis, "{line} in RESP3");
    }
    // Other passwords had them connect anew.
    group.wait_until_all_know_each_other();
    for line in ["MASTER", "REPLICAS", "SENTINELS"] {
        let line = format!("SENTINEL {line} {NAME}");
        let [redis, ours] = [0, 1].map(|at| fields(group.sentinels[at].ask(&line)));
        assert_eq!(ours, redis, "{line}");
    }
    let [redis, ours] = [0, 1].map(|at| info(&group.sentinels[at]));
    assert_eq!(ours, redis);
}

/// The names of fields, with the values that do not depend on who asks and when.
fn fields(value: Value) -> Vec<(String, String)> {
    const STEADY: &[&str] = &[
        "ip",
        "down-after-milliseconds",
        "role-reported",
        "config-epoch",
        "num-slaves",
        "num-other-sentinels",
        "quorum",
        "failover-timeout",
        "parallel-syncs",
        "master-link-status",
        "master-host",
        "master-port",
        "slave-priority",
        "replica-announced",
        "voted-leader",
        "voted-leader-epoch",
        "flags",
    ];
    let Value::Array(items) = value else {
        panic!("{value:?}");
    };
    if let Some(Value::Array(_)) = items.first() {
        return items.into_iter().flat_map(fields).collect();
    }
    let words: Vec<String> = items
        .into_iter()
        .map(|item| String::from_utf8(crate::side::bytes(item)).unwrap())
        .collect();
    let pairs = words.chunks(2).map(|pair| {
        let value = match STEADY.contains(&&pair[0][..]) {
            true => pair[1].clone(),
            false => String::new(),
        };
        (pair[0].clone(), value)
    });
    pairs.collect()
}

/// The lines of `INFO sentinel`.
fn info(sentinel: &Program) -> String {
    match sentinel.ask("INFO sentinel") {
        Value::Bulk(text) => String::from_utf8(text).unwrap(),
        other => panic!("{other:?}"),
    }
}
