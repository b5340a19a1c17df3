use config::Config;
use expect_test::expect;
use testkit::{Node, replay};

use crate::testing::check;

#[test]
fn off() {
    check(expect![[r#"
        > LATENCY LATEST
        (empty array)
        > LATENCY HISTORY foo
        (empty array)
        > LATENCY HISTORY
        (error) ERR wrong number of arguments for \'latency|history\' command
        > LATENCY GRAPH foo
        (error) ERR No samples available for event \'foo\'
        > LATENCY GRAPH a b
        (error) ERR wrong number of arguments for \'latency|graph\' command
        > LATENCY RESET
        (integer) 0
        > LATENCY RESET foo bar
        (integer) 0
        > LATENCY DOCTOR
        "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on: it then notes every event that takes at least that long.\n"
        > CONFIG SET latency-monitor-threshold 10
        OK
        > LATENCY DOCTOR
        "Nothing has taken 10 milliseconds or longer so far.\n"
        > LATENCY
        (error) ERR wrong number of arguments for \'latency\' command
        > LATENCY foo
        (error) ERR unknown subcommand \'foo\'. Try LATENCY HELP.
        > LATENCY HELP
         1) LATENCY <subcommand> [<arg> ...]. There are:
         2) DOCTOR
         3)     Says what the latencies seen may come from.
         4) GRAPH event
         5)     Draws an event's latencies over time.
         6) HELP
         7)     Shows the subcommands.
         8) HISTOGRAM [command [command ...]]
         9)     Counts the calls of commands by how long they took.
        10) HISTORY event
        11)     Shows the longest of each second in which an event took long.
        12) LATEST
        13)     Shows the latest and the longest of every kind of event.
        14) RESET [event [event ...]]
        15)     Forgets these events, or all.
        > LATENCY HELP xxx
        (error) ERR wrong number of arguments for \'latency|help\' command
    "#]]);
}

/// A node on which DEBUG may be used.
fn node() -> Node {
    let mut config = Config::default();
    config.security.debug_command = config::Permit::Yes;
    Node::with_config(crate::table(), config)
}

#[test]
fn events() {
    let transcript = expect![[r#"
        > CONFIG SET latency-monitor-threshold 2
        OK
        > DEBUG SLEEP 0.01
        OK
        > DEBUG SLEEP 0.03
        OK
        @ +1s
        > DEBUG SLEEP 0.005
        OK
        @ +1s
        > DEBUG SLEEP 0.05
        OK
        @ +1s
        > DEBUG SLEEP 0.02
        OK
        @ +1s
        > DEBUG SLEEP 0.033
        OK
        @ +60s
        > DEBUG SLEEP 0.01
        OK
        @ +1s
        > DEBUG SLEEP 0.003
        OK
        > LATENCY LATEST
        1) 1) "command"
           2) (integer) 1767225665
           3) (integer) 3
           4) (integer) 50
        > LATENCY HISTORY command
        1) 1) (integer) 1767225600
           2) (integer) 30
        2) 1) (integer) 1767225601
           2) (integer) 5
        3) 1) (integer) 1767225602
           2) (integer) 50
        4) 1) (integer) 1767225603
           2) (integer) 20
        5) 1) (integer) 1767225604
           2) (integer) 33
        6) 1) (integer) 1767225664
           2) (integer) 10
        7) 1) (integer) 1767225665
           2) (integer) 3
        > LATENCY DOCTOR
        "These kinds of events took long:\n\n1. command: 7 seconds with a spike, average 21 ms, mean deviation 13 ms, one every 9.29 s. Longest ever: 50 ms.\n\nWhat may help:\n\n- SLOWLOG GET names the commands that took long. One over many keys or elements is better cut in parts: SCAN for KEYS, ranges for whole collections.\n"
        > LATENCY RESET command
        (integer) 1
        > LATENCY LATEST
        (empty array)
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > LATENCY DOCTOR
        Nothing has taken 2 milliseconds or longer so far.

    "#]];
    let replayed = replay(&mut node(), transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn graph() {
    let mut node = node();
    node.send("", b"CONFIG SET latency-monitor-threshold 1\r\n");
    for ms in [30, 5, 50, 20, 33, 10, 3] {
        node.send(
            "",
            format!("DEBUG SLEEP {}\r\n", f64::from(ms) / 1000.0).as_bytes(),
        );
        node.advance_micros(1_000_000);
    }
    let reply = String::from_utf8(node.send("", b"LATENCY GRAPH command\r\n"));
    let reply = reply.expect("a graph is text");
    let graph = reply
        .split_once("\r\n")
        .expect("a string has a header")
        .1
        .trim_end();
    expect![[r#"
        command - high 50 ms, low 3 ms (all time high 50 ms)
        --------------------------------------------------------------------------------
          #    
        _ | o  
        | |_|  
        |_|||o_

        7654321
        sssssss"#]]
    .assert_eq(graph);
}

#[test]
fn histogram() {
    let transcript = expect![[r#"
        > CONFIG RESETSTAT
        OK
        > LATENCY HISTOGRAM
        1) "config|resetstat"
        2) 1) "calls"
           2) (integer) 1
           3) "histogram_usec"
           4) 1) (integer) 1
              2) (integer) 1
        > CONFIG RESETSTAT
        OK
        > DEBUG SLEEP 0.000001
        OK
        > DEBUG SLEEP 0.00002
        OK
        > DEBUG SLEEP 0.003
        OK
        > DEBUG SLEEP 0.003
        OK
        > DEBUG SLEEP 70
        OK
        > CLIENT ID
        (integer) 1
        > CLIENT GETNAME
        (nil)
        > SET a b
        OK
        > LATENCY HISTOGRAM debug
        1) "debug"
        2) 1) "calls"
           2) (integer) 5
           3) "histogram_usec"
           4) 1) (integer) 1
              2) (integer) 1
              3) (integer) 33
              4) (integer) 2
              5) (integer) 4227
              6) (integer) 4
              7) (integer) 138512695
              8) (integer) 5
        > LATENCY HISTOGRAM client
        1) "client|getname"
        2) 1) "calls"
           2) (integer) 1
           3) "histogram_usec"
           4) 1) (integer) 1
              2) (integer) 1
        3) "client|id"
        4) 1) "calls"
           2) (integer) 1
           3) "histogram_usec"
           4) 1) (integer) 1
              2) (integer) 1
        > LATENCY HISTOGRAM client|id
        1) "client|id"
        2) 1) "calls"
           2) (integer) 1
           3) "histogram_usec"
           4) 1) (integer) 1
              2) (integer) 1
        > LATENCY HISTOGRAM blabla set GET config|bad config|
        1) "set"
        2) 1) "calls"
           2) (integer) 1
           3) "histogram_usec"
           4) 1) (integer) 1
              2) (integer) 1
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > LATENCY HISTOGRAM set client|id
        1# "set" => 
           1# "calls" => (integer) 1
           2# "histogram_usec" => 
              1# (integer) 1 => (integer) 1
        2# "client|id" => 
           1# "calls" => (integer) 1
           2# "histogram_usec" => 
              1# (integer) 1 => (integer) 1
    "#]];
    let replayed = replay(&mut node(), transcript.data());
    transcript.assert_eq(&replayed);
}
