use expect_test::{Expect, expect};

use crate::Input;

use super::{Bench, ID, PEERS, info_of_master, info_of_replica};

fn check(bench: &mut Bench, expected: Expect) {
    expected.assert_eq(&bench.take_lines());
}

/// Peers say the master is down, and vote for this Sentinel in the given epoch.
fn agree(bench: &mut Bench, epoch: i64) {
    bench.opinion = (1, ID.to_owned(), epoch);
}

#[test]
fn a_dead_master_is_replaced() {
    let mut bench = Bench::well();
    agree(&mut bench, 1);
    bench.kill(6379);
    bench.pass(5_000);
    check(
        &mut bench,
        expect![[r#"
            +sdown master mymaster 127.0.0.1 6379
            17c7c101217043e076930d0d5b32ef1fa68ad7cd voted for a0ada7ffb56db449584c4ffdca05f8a9105c8f36 1
            +odown master mymaster 127.0.0.1 6379 #quorum 2/2
            a64986e12f1f94b89fa5d37e473a75f55ac9c290 voted for a0ada7ffb56db449584c4ffdca05f8a9105c8f36 1
            +new-epoch 1
            +try-failover master mymaster 127.0.0.1 6379
            +vote-for-leader a0ada7ffb56db449584c4ffdca05f8a9105c8f36 1
            +elected-leader master mymaster 127.0.0.1 6379
            +failover-state-select-slave master mymaster 127.0.0.1 6379
            +selected-slave slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            +failover-state-send-slaveof-noone slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            +failover-state-wait-promotion slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            6381 <- SLAVEOF NO ONE
            +reboot slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            -role-change slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379 new reported role is master
            +promoted-slave slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            +failover-state-reconf-slaves master mymaster 127.0.0.1 6379
            +slave-reconf-sent slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379
            6380 <- SLAVEOF 127.0.0.1 6381
            +slave-reconf-inprog slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379
            +slave-reconf-done slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379
            +failover-end master mymaster 127.0.0.1 6379
            +switch-master mymaster 127.0.0.1 6379 127.0.0.1 6381
            +slave slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6381
            +slave slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6381
        "#]],
    );
    assert_eq!(
        bench.say("get-master-addr-by-name mymaster"),
        "> get-master-addr-by-name mymaster\n  \"127.0.0.1\"\n  \"6381\"\n"
    );
}

#[test]
fn the_old_master_comes_back_as_a_replica() {
    let mut bench = Bench::well();
    agree(&mut bench, 1);
    bench.kill(6379);
    bench.pass(20_000);
    bench.nodes.insert(6379, Some(info_of_master(&[])));
    bench.take_lines();
    bench.pass(40_000);
    check(
        &mut bench,
        expect![[r#"
            -sdown slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6381
            -role-change slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6381 new reported role is master
            +convert-to-slave slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6381
            6379 <- SLAVEOF 127.0.0.1 6381
            +reboot slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6381
            +role-change slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6381 new reported role is slave
        "#]],
    );
}

#[test]
fn peers_are_asked_for_their_view_and_then_for_their_votes() {
    let mut bench = Bench::well();
    bench.kill(6379);
    let asked = |bench: &mut Bench| {
        // Until the connection has something that is not routine.
        for _ in 0..200 {
            bench.now_ms = bench.machine.next_deadline();
            bench.step(Input::Tick);
            let conns = bench.conns.values().filter(|conn| conn.port == 26380);
            let mut asked = conns.flat_map(|conn| conn.asked.clone());
            let found = asked.find(|request| request.starts_with("SENTINEL"));
            if let Some(found) = found {
                return found;
            }
            bench.answer_all();
        }
        String::new()
    };
    assert_eq!(
        asked(&mut bench),
        "SENTINEL is-master-down-by-addr 127.0.0.1 6379 0 *"
    );
    agree(&mut bench, 0);
    bench.answer_all();
    assert_eq!(
        asked(&mut bench),
        format!("SENTINEL is-master-down-by-addr 127.0.0.1 6379 1 {ID}")
    );
}

#[test]
fn without_votes_nothing_is_promoted() {
    let mut bench = Bench::well();
    bench.opinion = (1, PEERS[0].to_owned(), 1);
    bench.kill(6379);
    bench.pass(20_000);
    check(
        &mut bench,
        expect![[r#"
            +sdown master mymaster 127.0.0.1 6379
            17c7c101217043e076930d0d5b32ef1fa68ad7cd voted for a64986e12f1f94b89fa5d37e473a75f55ac9c290 1
            +odown master mymaster 127.0.0.1 6379 #quorum 2/2
            a64986e12f1f94b89fa5d37e473a75f55ac9c290 voted for a64986e12f1f94b89fa5d37e473a75f55ac9c290 1
            +new-epoch 1
            +try-failover master mymaster 127.0.0.1 6379
            +vote-for-leader a64986e12f1f94b89fa5d37e473a75f55ac9c290 1
            -failover-abort-not-elected master mymaster 127.0.0.1 6379
            Next failover delay: I will not start a failover before Sat Nov 21 09:26:12 2026
        "#]],
    );
}

#[test]
fn without_a_quorum_nothing_begins() {
    let mut bench = Bench::well();
    bench.kill(6379);
    bench.pass(3_000);
    check(
        &mut bench,
        expect![[r#"
            +sdown master mymaster 127.0.0.1 6379
        "#]],
    );
}

#[test]
fn a_forced_failover_needs_nobody() {
    let mut bench = Bench::well();
    let said = bench.say("failover mymaster");
    bench.lines.push(said);
    let said = bench.say("failover mymaster");
    bench.lines.push(said);
    bench.pass(3_000);
    check(
        &mut bench,
        expect![[r#"
            Executing user requested FAILOVER of 'mymaster'
            +new-epoch 1
            +try-failover master mymaster 127.0.0.1 6379
            > failover mymaster
            OK

            > failover mymaster
            (INPROG Failover already in progress)

            +vote-for-leader a0ada7ffb56db449584c4ffdca05f8a9105c8f36 1
            +elected-leader master mymaster 127.0.0.1 6379
            +failover-state-select-slave master mymaster 127.0.0.1 6379
            +selected-slave slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            +failover-state-send-slaveof-noone slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            +failover-state-wait-promotion slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            6381 <- SLAVEOF NO ONE
            +reboot slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            -role-change slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379 new reported role is master
            +promoted-slave slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
            +failover-state-reconf-slaves master mymaster 127.0.0.1 6379
            +slave-reconf-sent slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379
            6380 <- SLAVEOF 127.0.0.1 6381
            +slave-reconf-inprog slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379
            +slave-reconf-done slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379
            +failover-end master mymaster 127.0.0.1 6379
            +switch-master mymaster 127.0.0.1 6379 127.0.0.1 6381
            +slave slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6381
            +slave slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6381
            -role-change slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6381 new reported role is master
        "#]],
    );
}

#[test]
fn priority_and_offset_choose_the_replica() {
    let mut bench = Bench::well();
    let low = info_of_replica(6380, 6379, "").replace("priority:100", "priority:10");
    bench.nodes.insert(6380, Some(low));
    agree(&mut bench, 1);
    bench.kill(6379);
    bench.pass(5_000);
    assert!(
        bench
            .take_lines()
            .contains("+selected-slave slave 127.0.0.1:6380")
    );
}

#[test]
fn a_replica_of_priority_0_is_never_chosen() {
    let mut bench = Bench::well();
    for port in [6380, 6381] {
        let none = info_of_replica(port, 6379, "").replace("priority:100", "priority:0");
        bench.nodes.insert(port, Some(none));
    }
    agree(&mut bench, 1);
    bench.kill(6379);
    bench.pass(5_000);
    assert!(bench.take_lines().contains("-failover-abort-no-good-slave"));
}

#[test]
fn whoever_knows_nobody_to_promote_lets_others_go_first() {
    let mut bench = Bench::well();
    for port in [6380, 6381] {
        let info = info_of_replica(port, 6379, "slave_priority:0\r\n");
        bench.nodes.insert(port, Some(info));
    }
    agree(&mut bench, 1);
    bench.kill(6379);
    let mut lines = String::new();
    while !lines.contains("+odown") {
        bench.pass(100);
        lines = bench.take_lines();
    }
    bench.pass(1_700);
    let lines = bench.take_lines();
    assert!(!lines.contains("+try-failover"), "{lines}");
    bench.pass(1_000);
    let lines = bench.take_lines();
    assert!(lines.contains("+try-failover"), "{lines}");
}

/// Lines of a replica that has been without its master for a day, and some seconds.
fn unlinked(id: u16, master: u16, seconds: u64) -> String {
    let seconds = 86_400 + seconds;
    let more = format!("master_link_down_since_seconds:{seconds}\r\n");
    info_of_replica(id, master, &more).replace("status:up", "status:down")
}

#[test]
fn replicas_that_lost_the_master_long_before_others_did_are_never_chosen() {
    let mut bench = Bench::well();
    agree(&mut bench, 1);
    for port in [6380, 6381] {
        bench.nodes.insert(port, Some(unlinked(port, 6379, 0)));
    }
    bench.kill(6379);
    bench.pass(5_000);
    assert!(bench.take_lines().contains("-failover-abort-no-good-slave"));
}

/// Whoever begins to watch now knows neither for how long nobody is the master, nor who was.
#[test]
fn nodes_that_follow_each_other_in_a_circle_get_a_master() {
    let mut bench = Bench::well();
    agree(&mut bench, 1);
    let nodes = [(6379, 6381, 0), (6380, 6379, 5), (6381, 6379, 60)];
    for (port, master, seconds) in nodes {
        let info = unlinked(port, master, seconds);
        bench.nodes.insert(port, Some(info));
    }
    bench.pass(40_000);
    let lines = bench.take_lines();
    let chosen = "+selected-slave slave 127.0.0.1:6380 127.0.0.1 6380";
    assert!(lines.contains(chosen), "{lines}");
    assert!(lines.contains("+switch-master"), "{lines}");
}

#[test]
fn a_newer_configuration_is_taken_and_an_older_is_not() {
    let mut bench = Bench::well();
    let id = PEERS[0];
    bench.hello(&format!("127.0.0.1,26380,{id},4,mymaster,127.0.0.1,6380,4"));
    bench.hello(&format!("127.0.0.1,26380,{id},4,mymaster,127.0.0.1,6381,3"));
    check(
        &mut bench,
        expect![[r#"
        +new-epoch 4
        +config-update-from sentinel a64986e12f1f94b89fa5d37e473a75f55ac9c290 127.0.0.1 26380 @ mymaster 127.0.0.1 6379
        +switch-master mymaster 127.0.0.1 6379 127.0.0.1 6380
        +slave slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6380
        +slave slave 127.0.0.1:6379 127.0.0.1 6379 @ mymaster 127.0.0.1 6380
    "#]],
    );
}

#[test]
fn configurations_of_one_epoch_come_to_one_end() {
    for ports in [[6380, 6381], [6381, 6380]] {
        let mut bench = Bench::well();
        for (id, port) in PEERS.iter().zip(ports) {
            let index = PEERS.iter().position(|known| known == id).expect("a peer");
            bench.hello(&format!(
                "127.0.0.1,2638{index},{id},4,mymaster,127.0.0.1,{port},4"
            ));
        }
        assert!(
            bench
                .say("get-master-addr-by-name mymaster")
                .contains("6381")
        );
    }
}

#[test]
fn a_vote_is_given_once_in_an_epoch_and_saved_before_it_is_told() {
    let mut bench = Bench::well();
    let [first, second] = PEERS;
    let saves = bench.saves;
    let ask = |id: &str, epoch: u64| format!("is-master-down-by-addr 127.0.0.1 6379 {epoch} {id}");
    for (id, epoch) in [(first, 5), (second, 5), (second, 4), (second, 6)] {
        let said = bench.say(&ask(id, epoch));
        bench.lines.push(said);
    }
    assert_eq!(bench.saves - saves, 2);
    check(
        &mut bench,
        expect![[r#"
        +new-epoch 5
        +vote-for-leader a64986e12f1f94b89fa5d37e473a75f55ac9c290 5
        > is-master-down-by-addr 127.0.0.1 6379 5 a64986e12f1f94b89fa5d37e473a75f55ac9c290
          0
          "a64986e12f1f94b89fa5d37e473a75f55ac9c290"
          5

        > is-master-down-by-addr 127.0.0.1 6379 5 17c7c101217043e076930d0d5b32ef1fa68ad7cd
          0
          "a64986e12f1f94b89fa5d37e473a75f55ac9c290"
          5

        > is-master-down-by-addr 127.0.0.1 6379 4 17c7c101217043e076930d0d5b32ef1fa68ad7cd
          0
          "a64986e12f1f94b89fa5d37e473a75f55ac9c290"
          5

        +new-epoch 6
        +vote-for-leader 17c7c101217043e076930d0d5b32ef1fa68ad7cd 6
        > is-master-down-by-addr 127.0.0.1 6379 6 17c7c101217043e076930d0d5b32ef1fa68ad7cd
          0
          "17c7c101217043e076930d0d5b32ef1fa68ad7cd"
          6

    "#]],
    );
}

#[test]
fn a_clock_that_jumps_stops_everything() {
    let mut bench = Bench::well();
    agree(&mut bench, 1);
    bench.wall_off_ms = -5_000;
    bench.pass(100);
    bench.kill(6379);
    bench.pass(29_000);
    check(
        &mut bench,
        expect![[r#"
            +tilt #tilt mode entered
        "#]],
    );
    let asked = bench.say("is-master-down-by-addr 127.0.0.1 6379 0 *");
    assert!(asked.contains("\n  0\n"), "{asked}");
    bench.pass(1_500);
    let lines = bench.take_lines();
    assert!(lines.starts_with("-tilt #tilt mode exited\n"), "{lines}");
    assert!(lines.contains("+sdown master mymaster"), "{lines}");
}

#[test]
fn time_that_nobody_counted_is_not_trusted() {
    let mut bench = Bench::well();
    bench.now_ms += 5_000;
    bench.pass(100);
    check(
        &mut bench,
        expect![[r#"
        +tilt #tilt mode entered
    "#]],
    );
}

#[test]
fn a_master_that_says_it_is_a_replica_is_down() {
    let mut bench = Bench::well();
    bench.nodes.insert(6379, Some(info_of_replica(1, 6380, "")));
    bench.pass(40_000);
    check(
        &mut bench,
        expect![[r#"
            -role-change master mymaster 127.0.0.1 6379 new reported role is slave
            +sdown master mymaster 127.0.0.1 6379
        "#]],
    );
}

#[test]
fn a_replica_that_follows_another_is_corrected() {
    let mut bench = Bench::well();
    bench
        .nodes
        .insert(6381, Some(info_of_replica(6381, 6380, "")));
    bench.pass(45_000);
    check(
        &mut bench,
        expect![[r#"
        +fix-slave-config slave 127.0.0.1:6381 127.0.0.1 6381 @ mymaster 127.0.0.1 6379
        6381 <- SLAVEOF 127.0.0.1 6379
    "#]],
    );
}

#[test]
fn a_rebooted_master_may_be_given_up() {
    let mut bench = Bench::well();
    bench.say("set mymaster master-reboot-down-after-period 1500");
    bench.take_lines();
    let info = info_of_master(&[6380, 6381]).replace(&format!("{:040}", 1), &"f".repeat(40));
    bench.nodes.insert(6379, Some(info));
    bench.loads = true;
    bench.pass(12_000);
    bench.loads = false;
    bench.pass(2_000);
    check(
        &mut bench,
        expect![[r#"
            +reboot master mymaster 127.0.0.1 6379
            +sdown master mymaster 127.0.0.1 6379
            -sdown master mymaster 127.0.0.1 6379
        "#]],
    );
}
