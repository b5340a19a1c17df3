use expect_test::{Expect, expect};

use super::Bench;

fn check(bench: &mut Bench, commands: &[&str], expected: Expect) {
    let said = commands.iter().map(|command| bench.say(command));
    expected.assert_eq(&said.collect::<String>());
}

#[test]
fn what_is_wrong_is_said_in_known_words() {
    let mut bench = Bench::well();
    check(
        &mut bench,
        &[
            "",
            "foo",
            "masters x",
            "master",
            "master zz",
            "replicas zz",
            "slaves zz",
            "sentinels zz",
            "get-master-addr-by-name zz",
            "failover zz",
            "ckquorum zz",
            "reset zz",
            "remove zz",
            "monitor mymaster 127.0.0.1 6379 1",
            "monitor m 127.0.0.1 99999 1",
            "monitor m 127.0.0.1 abc 1",
            "monitor m 127.0.0.1 6379 0",
            "monitor m 127.0.0.1 6379 -1",
            "monitor m 127.0.0.1 6379 abc",
            "monitor m localhost 6379 1",
            "monitor m\n 127.0.0.1 6379 1",
            "info-cache zz",
            "is-master-down-by-addr 127.0.0.1 6379 abc *",
            "is-master-down-by-addr 127.0.0.1 abc 0 *",
            "is-master-down-by-addr 127.0.0.1 6379 18446744073709551615 x",
            "is-master-down-by-addr 127.0.0.1 6379 -1 x",
            "is-master-down-by-addr 127.0.0.1 99999 0 *",
            "is-master-down-by-addr zz 6379 0 *",
            "simulate-failure foo",
            "simulate-failure help",
        ],
        expect![[r#"
            > 
            (ERR wrong number of arguments for 'sentinel' command)
            > foo
            (ERR unknown subcommand 'foo'. Try SENTINEL HELP.)
            > masters x
            (ERR wrong number of arguments for 'sentinel|masters' command)
            > master
            (ERR wrong number of arguments for 'sentinel|master' command)
            > master zz
            (ERR No such master with that name)
            > replicas zz
            (ERR No such master with that name)
            > slaves zz
            (ERR No such master with that name)
            > sentinels zz
            (ERR No such master with that name)
            > get-master-addr-by-name zz
            nil
            > failover zz
            (ERR No such master with that name)
            > ckquorum zz
            (ERR No such master with that name)
            > reset zz
            0
            > remove zz
            (ERR No such master with that name)
            > monitor mymaster 127.0.0.1 6379 1
            (ERR Duplicate master name.)
            > monitor m 127.0.0.1 99999 1
            (ERR Invalid port number.)
            > monitor m 127.0.0.1 abc 1
            (ERR Invalid port)
            > monitor m 127.0.0.1 6379 0
            (ERR Quorum must be 1 or greater.)
            > monitor m 127.0.0.1 6379 -1
            (ERR Quorum must be 1 or greater.)
            > monitor m 127.0.0.1 6379 abc
            (ERR Invalid quorum)
            > monitor m localhost 6379 1
            (ERR Invalid IP address or hostname specified)
            > monitor m
             127.0.0.1 6379 1
            (ERR Invalid master name)
            > info-cache zz
            empty
            > is-master-down-by-addr 127.0.0.1 6379 abc *
            (ERR value is not an integer or out of range)
            > is-master-down-by-addr 127.0.0.1 abc 0 *
            (ERR value is not an integer or out of range)
            > is-master-down-by-addr 127.0.0.1 6379 18446744073709551615 x
            (ERR value is not an integer or out of range)
            > is-master-down-by-addr 127.0.0.1 6379 -1 x
            (ERR value is not an integer or out of range)
            > is-master-down-by-addr 127.0.0.1 99999 0 *
              0
              "*"
              0
            > is-master-down-by-addr zz 6379 0 *
              0
              "*"
              0
            > simulate-failure foo
            (ERR Unknown failure simulation specified)
            > simulate-failure help
              "crash-after-election"
              "crash-after-promotion"
        "#]],
    );
}

#[test]
fn set_looks_at_all_options_before_it_changes_one() {
    let mut bench = Bench::well();
    check(
        &mut bench,
        &[
            "set zz quorum 1",
            "set mymaster",
            "set mymaster quorum",
            "set mymaster quorum 0",
            "set mymaster down-after-milliseconds -20",
            "set mymaster down-after-milliseconds abc",
            "set mymaster failover-timeout 0",
            "set mymaster parallel-syncs 0",
            "set mymaster master-reboot-down-after-period -1",
            "set mymaster rename-command ping",
            "set mymaster rename-command '' x",
            "set mymaster rename-command x ''",
            "set mymaster notification-script /notify",
            "set mymaster client-reconfig-script /clients",
            "set mymaster foo bar",
            "set mymaster quorum 7 foo bar",
            "set mymaster quorum 7 foo",
            "set mymaster auth-pass v\nmonitor",
        ],
        expect![[r#"
            > set zz quorum 1
            (ERR No such master with that name)
            > set mymaster
            (ERR wrong number of arguments for 'sentinel|set' command)
            > set mymaster quorum
            (ERR wrong number of arguments for 'sentinel|set' command)
            > set mymaster quorum 0
            (ERR Invalid argument '0' for SENTINEL SET 'quorum')
            > set mymaster down-after-milliseconds -20
            (ERR Invalid argument '-20' for SENTINEL SET 'down-after-milliseconds')
            > set mymaster down-after-milliseconds abc
            (ERR Invalid argument 'abc' for SENTINEL SET 'down-after-milliseconds')
            > set mymaster failover-timeout 0
            (ERR Invalid argument '0' for SENTINEL SET 'failover-timeout')
            > set mymaster parallel-syncs 0
            (ERR Invalid argument '0' for SENTINEL SET 'parallel-syncs')
            > set mymaster master-reboot-down-after-period -1
            (ERR Invalid argument '-1' for SENTINEL SET 'master-reboot-down-after-period')
            > set mymaster rename-command ping
            (ERR Unknown option or number of arguments for SENTINEL SET 'rename-command')
            > set mymaster rename-command '' x
            (ERR Invalid argument '' for SENTINEL SET 'rename-command')
            > set mymaster rename-command x ''
            (ERR Invalid argument '' for SENTINEL SET 'rename-command')
            > set mymaster notification-script /notify
            (ERR Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration)
            > set mymaster client-reconfig-script /clients
            (ERR Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration)
            > set mymaster foo bar
            (ERR Unknown option or number of arguments for SENTINEL SET 'foo')
            > set mymaster quorum 7 foo bar
            (ERR Unknown option or number of arguments for SENTINEL SET 'foo')
            > set mymaster quorum 7 foo
            (ERR Unknown option or number of arguments for SENTINEL SET 'foo')
            > set mymaster auth-pass v
            monitor
            (ERR Invalid argument 'v
            monitor' for SENTINEL SET 'auth-pass')
        "#]],
    );
    assert_eq!(bench.take_lines(), "\n");
    check(
        &mut bench,
        &[
            "set mymaster down-after-milliseconds 5000 quorum 3",
            "set mymaster auth-pass secret auth-user watcher",
            "set mymaster rename-command ping PONG parallel-syncs 4",
            "set mymaster rename-command ping ping",
        ],
        expect![[r#"
            > set mymaster down-after-milliseconds 5000 quorum 3
            OK, saved
            > set mymaster auth-pass secret auth-user watcher
            OK, saved
            > set mymaster rename-command ping PONG parallel-syncs 4
            OK, saved
            > set mymaster rename-command ping ping
            OK, saved
        "#]],
    );
    expect![[r#"
        +set master mymaster 127.0.0.1 6379 down-after-milliseconds 5000
        +set master mymaster 127.0.0.1 6379 quorum 3
        +set master mymaster 127.0.0.1 6379 auth-pass ******
        +set master mymaster 127.0.0.1 6379 auth-user watcher
        +set master mymaster 127.0.0.1 6379 rename-command ping PONG
        +set master mymaster 127.0.0.1 6379 parallel-syncs 4
        +set master mymaster 127.0.0.1 6379 rename-command ping ping
    "#]]
    .assert_eq(&bench.take_lines());
}

#[test]
fn scripts_are_set_where_that_is_allowed() {
    let mut bench = Bench::new(&[
        "monitor mymaster 127.0.0.1 6379 2",
        "deny-scripts-reconfig no",
    ]);
    check(
        &mut bench,
        &[
            "set mymaster notification-script nowhere",
            "set mymaster client-reconfig-script nowhere",
            "set mymaster notification-script /notify",
            "set mymaster notification-script ''",
        ],
        expect![[r#"
            > set mymaster notification-script nowhere
            (ERR Notification script seems non existing or non executable)
            > set mymaster client-reconfig-script nowhere
            (ERR Client reconfiguration script seems non existing or non executable)
            > set mymaster notification-script /notify
            OK, saved
            > set mymaster notification-script ''
            OK, saved
        "#]],
    );
}

#[test]
fn options_of_the_whole_sentinel() {
    let mut bench = Bench::well();
    check(
        &mut bench,
        &[
            "config",
            "config get",
            "config get *",
            "config get foo",
            "config get announce-ip announce-port",
            "config set announce-ip",
            "config set announce-ip 1.2.3.4",
            "config set announce-port 70000",
            "config set announce-port -1",
            "config set announce-port 12345",
            "config set resolve-hostnames maybe",
            "config set resolve-hostnames YES",
            "config set sentinel-user u",
            "config set sentinel-pass a\nb",
            "config set foo bar",
            "config foo bar",
            "config get announce*",
        ],
        expect![[r#"
            > config
            (ERR wrong number of arguments for 'sentinel|config' command)
            > config get
            (ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.)
            > config get *
            resolve-hostnames no
            announce-hostnames no
            announce-ip 
            announce-port 0
            sentinel-user 
            sentinel-pass 
            > config get foo
            > config get announce-ip announce-port
            (ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.)
            > config set announce-ip
            (ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.)
            > config set announce-ip 1.2.3.4
            OK, saved
            > config set announce-port 70000
            (ERR Invalid value '70000' to SENTINEL CONFIG SET 'announce-port')
            > config set announce-port -1
            (ERR Invalid value '-1' to SENTINEL CONFIG SET 'announce-port')
            > config set announce-port 12345
            OK, saved
            > config set resolve-hostnames maybe
            (ERR Invalid value 'maybe' to SENTINEL CONFIG SET 'resolve-hostnames')
            > config set resolve-hostnames YES
            OK, saved
            > config set sentinel-user u
            OK, saved
            > config set sentinel-pass a
            b
            (ERR Invalid value 'a
            b' to SENTINEL CONFIG SET 'sentinel-pass')
            > config set foo bar
            (ERR Invalid argument 'foo' to SENTINEL CONFIG SET)
            > config foo bar
            (ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.)
            > config get announce*
            announce-hostnames no
            announce-ip 1.2.3.4
            announce-port 12345
        "#]],
    );
}

#[test]
fn periods_are_shown_and_changed() {
    let mut bench = Bench::well();
    check(
        &mut bench,
        &[
            "debug",
            "debug foo",
            "debug foo bar",
            "debug ping-period 0",
            "debug info-period 7 foo 1",
            "debug ask-period 100 PUBLISH-PERIOD 200",
        ],
        expect![[r#"
            > debug
            INFO-PERIOD 10000
            PING-PERIOD 1000
            ASK-PERIOD 1000
            PUBLISH-PERIOD 2000
            DEFAULT-DOWN-AFTER 30000
            DEFAULT-FAILOVER-TIMEOUT 180000
            TILT-TRIGGER 2000
            TILT-PERIOD 30000
            SLAVE-RECONF-TIMEOUT 10000
            MIN-LINK-RECONNECT-PERIOD 15000
            ELECTION-TIMEOUT 10000
            SCRIPT-MAX-RUNTIME 60000
            SCRIPT-RETRY-DELAY 30000
            > debug foo
            (ERR Unknown option or number of arguments for SENTINEL DEBUG 'foo')
            > debug foo bar
            (ERR Unknown option or number of arguments for SENTINEL DEBUG 'foo')
            > debug ping-period 0
            (ERR Invalid argument '0' for SENTINEL DEBUG 'ping-period')
            > debug info-period 7 foo 1
            (ERR Unknown option or number of arguments for SENTINEL DEBUG 'foo')
            > debug ask-period 100 PUBLISH-PERIOD 200
            OK
        "#]],
    );
    let shown = bench.say("debug");
    for line in [
        "INFO-PERIOD 10000",
        "ASK-PERIOD 100\n",
        "PUBLISH-PERIOD 200\n",
    ] {
        assert!(shown.contains(line), "{line}");
    }
}

#[test]
fn what_is_watched_is_told_in_the_known_order() {
    let mut bench = Bench::well();
    check(
        &mut bench,
        &["masters", "replicas mymaster", "sentinels mymaster"],
        expect![[r#"
            > masters
              name mymaster
              ip 127.0.0.1
              port 6379
              runid 0000000000000000000000000000000000000001
              flags master
              link-pending-commands 0
              link-refcount 1
              last-ping-sent 0
              last-ok-ping-reply 956
              last-ping-reply 956
              down-after-milliseconds 2000
              info-refresh 3000
              role-reported master
              role-reported-time 3000
              config-epoch 0
              num-slaves 2
              num-other-sentinels 2
              quorum 2
              failover-timeout 20000
              parallel-syncs 1
            > replicas mymaster
              name 127.0.0.1:6380
              ip 127.0.0.1
              port 6380
              runid 0000000000000000000000000000000000006380
              flags slave
              link-pending-commands 0
              link-refcount 1
              last-ping-sent 0
              last-ok-ping-reply 911
              last-ping-reply 911
              down-after-milliseconds 2000
              info-refresh 2958
              role-reported slave
              role-reported-time 3000
              master-link-down-time 0
              master-link-status ok
              master-host 127.0.0.1
              master-port 6379
              slave-priority 100
              slave-repl-offset 6380
              replica-announced 1
              name 127.0.0.1:6381
              ip 127.0.0.1
              port 6381
              runid 0000000000000000000000000000000000006381
              flags slave
              link-pending-commands 0
              link-refcount 1
              last-ping-sent 0
              last-ok-ping-reply 911
              last-ping-reply 911
              down-after-milliseconds 2000
              info-refresh 2958
              role-reported slave
              role-reported-time 3000
              master-link-down-time 0
              master-link-status ok
              master-host 127.0.0.1
              master-port 6379
              slave-priority 100
              slave-repl-offset 6381
              replica-announced 1
            > sentinels mymaster
              name 17c7c101217043e076930d0d5b32ef1fa68ad7cd
              ip 127.0.0.1
              port 26381
              runid 17c7c101217043e076930d0d5b32ef1fa68ad7cd
              flags sentinel
              link-pending-commands 0
              link-refcount 1
              last-ping-sent 0
              last-ok-ping-reply 956
              last-ping-reply 956
              down-after-milliseconds 2000
              last-hello-message 3000
              voted-leader ?
              voted-leader-epoch 0
              name a64986e12f1f94b89fa5d37e473a75f55ac9c290
              ip 127.0.0.1
              port 26380
              runid a64986e12f1f94b89fa5d37e473a75f55ac9c290
              flags sentinel
              link-pending-commands 0
              link-refcount 1
              last-ping-sent 0
              last-ok-ping-reply 956
              last-ping-reply 956
              down-after-milliseconds 2000
              last-hello-message 3000
              voted-leader ?
              voted-leader-epoch 0
        "#]],
    );
    expect![[r#"
        sentinel_masters:1
        sentinel_tilt:0
        sentinel_tilt_since_seconds:-1
        sentinel_running_scripts:0
        sentinel_scripts_queue_length:0
        sentinel_simulate_failure_flags:0
        master0:name=mymaster,status=ok,address=127.0.0.1:6379,slaves=2,sentinels=3
    "#]]
    .assert_eq(&bench.machine.info(&bench.view()).replace("\r\n", "\n"));
}

#[test]
fn a_dead_master_is_told_with_its_times() {
    let mut bench = Bench::well();
    bench.opinion = (1, "*".to_owned(), 0);
    bench.kill(6379);
    bench.pass(2_500);
    check(
        &mut bench,
        &["masters"],
        expect![[r#"
            > masters
              name mymaster
              ip 127.0.0.1
              port 6379
              runid 0000000000000000000000000000000000000001
              flags s_down,o_down,master,failover_in_progress
              link-pending-commands 7
              link-refcount 1
              failover-state wait_start
              last-ping-sent 2483
              last-ok-ping-reply 3456
              last-ping-reply 3456
              s-down-time 460
              o-down-time 460
              down-after-milliseconds 2000
              info-refresh 5500
              role-reported master
              role-reported-time 5500
              config-epoch 0
              num-slaves 2
              num-other-sentinels 2
              quorum 2
              failover-timeout 20000
              parallel-syncs 1
        "#]],
    );
    let info = bench.machine.info(&bench.view());
    assert!(info.contains("status=odown,"), "{info}");
}

#[test]
fn quorum_and_majority_are_checked() {
    let mut bench = Bench::well();
    check(
        &mut bench,
        &["ckquorum mymaster"],
        expect![[r#"
        > ckquorum mymaster
        OK 3 usable Sentinels. Quorum and failover authorization can be reached
    "#]],
    );
    bench.say("set mymaster quorum 4");
    check(
        &mut bench,
        &["ckquorum mymaster"],
        expect![[r#"
        > ckquorum mymaster
        (NOQUORUM 3 usable Sentinels. Not enough available Sentinels to reach the specified quorum for this master)
    "#]],
    );
    bench.say("set mymaster quorum 1");
    for port in [26380, 26381] {
        bench.kill(port);
    }
    bench.pass(3_000);
    check(
        &mut bench,
        &["ckquorum mymaster"],
        expect![[r#"
        > ckquorum mymaster
        (NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the majority and authorize a failover)
    "#]],
    );
    bench.say("set mymaster quorum 2");
    check(
        &mut bench,
        &["ckquorum mymaster"],
        expect![[r#"
        > ckquorum mymaster
        (NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum for this master. Not enough available Sentinels to reach the majority and authorize a failover)
    "#]],
    );
}

#[test]
fn masters_come_and_go() {
    let mut bench = Bench::well();
    check(
        &mut bench,
        &[
            "monitor other 127.0.0.1 7000 1",
            "reset *",
            "remove mymaster",
            "masters x",
            "myid",
        ],
        expect![[r#"
            > monitor other 127.0.0.1 7000 1
            OK
            > reset *
            2
            > remove mymaster
            OK
            > masters x
            (ERR wrong number of arguments for 'sentinel|masters' command)
            > myid
            "a0ada7ffb56db449584c4ffdca05f8a9105c8f36"
        "#]],
    );
    expect![[r#"
        +monitor master other 127.0.0.1 7000 quorum 1
        +reset-master master mymaster 127.0.0.1 6379
        +reset-master master other 127.0.0.1 7000
        -monitor master mymaster 127.0.0.1 6379
    "#]]
    .assert_eq(&bench.take_lines());
    assert_eq!(bench.machine.masters().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn infos_are_kept() {
    let mut bench = Bench::well();
    let shown = bench.say("info-cache mymaster mymaster zz");
    assert_eq!(shown.matches("\"mymaster\"").count(), 1);
    assert_eq!(shown.matches("run_id:").count(), 3);
}

#[test]
fn unannounced_replicas_are_not_told() {
    let mut bench = Bench::well();
    let hidden = super::info_of_replica(6380, 6379, "replica_announced:0\r\n");
    bench.nodes.insert(6380, Some(hidden));
    bench.pass(11_000);
    let replicas = bench.say("replicas mymaster");
    assert!(replicas.contains("6381") && !replicas.contains("127.0.0.1:6380"));
    assert!(bench.say("master mymaster").contains("num-slaves 2"));
}

#[test]
fn simulated_failures_crash() {
    for (failure, event) in [
        ("crash-after-election", "+elected-leader"),
        ("crash-after-promotion", "+promoted-slave"),
    ] {
        let mut bench = Bench::well();
        bench.say(&format!("simulate-failure {failure}"));
        bench.opinion = (1, super::ID.to_owned(), 1);
        bench.kill(6379);
        while !bench.others.contains(&crate::Output::Crash) {
            bench.pass(100);
        }
        assert!(bench.take_lines().contains(event));
    }
}
