use expect_test::expect;
use testkit::Node;

use crate::testing::check;

#[test]
fn time_and_role() {
    check(expect![[r#"
        > TIME
        1) "1767225600"
        2) "0"
        @ +1500us
        > TIME
        1) "1767225600"
        2) "1500"
        > TIME x
        (error) ERR wrong number of arguments for \'time\' command
        > ROLE
        1) "master"
        2) (integer) 0
        3) (empty array)
        > ROLE x
        (error) ERR wrong number of arguments for \'role\' command
    "#]]);
}

#[test]
fn shutdown() {
    check(expect![[r#"
        > SHUTDOWN foo
        (error) ERR syntax error
        > SHUTDOWN SAVE NOSAVE
        (error) ERR syntax error
        > SHUTDOWN NOSAVE ABORT
        (error) ERR syntax error
        > SHUTDOWN ABORT NOW
        (error) ERR syntax error
        > SHUTDOWN ABORT
        (error) ERR No shutdown in progress.
        > SHUTDOWN ABORT ABORT
        (error) ERR No shutdown in progress.
        > MULTI
        OK
        > SHUTDOWN
        (error) ERR Command not allowed inside a transaction
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
    "#]]);
    let mut node = Node::new(crate::table());
    assert_eq!(node.send("", b"SHUTDOWN now NOSAVE force\r\n"), b"");
    assert_eq!(
        node.world.take_asked(),
        [
            "log User requested shutdown...",
            "shutdown Shutdown { save: Some(false), now: true, force: true }"
        ]
    );
}

#[test]
fn lolwut() {
    check(expect![[r#"
        > LOLWUT
        "                                                o\n        ........                  . ..\n    . ...........     .       .   .... .         . .      . . .\n .  .............     .       .  .......      .  ....     ... .\n..................  ...      .............    .  ....  . ......\n.................. .....    ......:.......    ........ . .......\n.........................   ::...::.:...... .......... .........\n......::...............::.  ::..:::::.::... ....................\n......:::.:.:.::.......::::::::.::::::::.::.........:.::.:...:..\n....:::::.:::.::..::..:::::::::::::#::::##:...###...::::.::..:..\n:::::::::::::::::::::.::::##:::##:##########.#####::##::::::::::\n:::::::::::::::::::::::#################################::#:::::\n#::::::::####:::::::::######################################::::\n################################################################\nRedis ver. 7.0.15\n"
        > LOLWUT VERSION 5 1 2
        "         o\n .   .                                    ..  ..  ..       ..\n... ...                                  .... .. .... . . ....\n.......                            .     ............ . ......\n....... .   .               .    ...    .......................\n..........  .    .       .  ..   ....   ........:.:............\n:.............   ....   .. ...  ..::.. ......::::::::...........\n::............   ..... :....... ..::........::::::::::..........\n:::................:...:.......:.::::...:...::::::::::..........\n:::.....:.::###.:..::.:::.#######:::::..:..::::::::::::..#####::\n::::##:.:::#######::::::##########::::::::::::::::::::::########\n#######::##########:::#############:::#:#::::::::::::::#########\n##########################################:::::#::::::##########\n################################################################\nRedis ver. 7.0.15\n"
        > LOLWUT VERSION a
        (error) ERR value is not an integer or out of range
    "#]]);
}

/// What a monitor sees of these requests, its lines ended by line feeds.
fn monitored(node: &mut Node, requests: &str) -> String {
    node.send("m", b"MONITOR\r\n");
    node.receive("m");
    node.send("a", requests.replace('\n', "\r\n").as_bytes());
    let seen = String::from_utf8(node.receive("m")).expect("a monitor sees text");
    seen.replace("\r\n", "\n")
}

#[test]
fn monitor_shows_what_runs() {
    let mut node = Node::new(crate::table());
    let requests = "SET foo \"a b\\x00\\n\"\nGET foo\nNOSUCH\nGET\nCLIENT ID\nCLIENT LIST\n\
                    CONFIG GET port\nRESET\n";
    expect![[r#"
        +1767225600.000000 [0 127.0.0.1:50001] "SET" "foo" "a b\x00\n"
        +1767225600.000000 [0 127.0.0.1:50001] "GET" "foo"
        +1767225600.000000 [0 127.0.0.1:50001] "CLIENT" "ID"
        +1767225600.000000 [0 127.0.0.1:50001] "RESET"
    "#]]
    .assert_eq(&monitored(&mut node, requests));
}

#[test]
fn monitor_shows_a_transaction_when_it_runs() {
    let mut node = Node::new(crate::table());
    let requests = "MULTI\nSET foo bar\nCONFIG GET port\nEXEC\nMULTI\nNOSUCH\nEXEC\nDISCARD\n";
    expect![[r#"
        +1767225600.000000 [0 127.0.0.1:50001] "MULTI"
        +1767225600.000000 [0 127.0.0.1:50001] "SET" "foo" "bar"
        +1767225600.000000 [0 127.0.0.1:50001] "EXEC"
        +1767225600.000000 [0 127.0.0.1:50001] "MULTI"
        +1767225600.000000 [0 127.0.0.1:50001] "EXEC"
        +1767225600.000000 [0 127.0.0.1:50001] "DISCARD"
    "#]]
    .assert_eq(&monitored(&mut node, requests));
}

#[test]
fn monitor_hides_secrets() {
    let mut node = Node::new(crate::table());
    let requests = "AUTH foo\nAUTH nobody foo\nHELLO 2 AUTH nobody foo\n\
                    HELLO 2 auth default x setname me\nCONFIG SET requirepass bar\n";
    expect![[r#"
        +1767225600.000000 [0 127.0.0.1:50001] "AUTH" "(redacted)"
        +1767225600.000000 [0 127.0.0.1:50001] "AUTH" "(redacted)" "(redacted)"
        +1767225600.000000 [0 127.0.0.1:50001] "HELLO" "2" "AUTH" "(redacted)" "(redacted)"
        +1767225600.000000 [0 127.0.0.1:50001] "HELLO" "2" "auth" "(redacted)" "(redacted)" "setname" "me"
    "#]].assert_eq(&monitored(&mut node, requests));
}

#[test]
fn a_monitor_sees_itself_after_its_reply() {
    let mut node = Node::new(crate::table());
    assert_eq!(node.send("m", b"MONITOR\r\nMONITOR\r\n"), b"+OK\r\n");
    let seen = node.send("m", b"PING\r\n");
    assert!(seen.starts_with(b"+PONG\r\n+1767225600.000000 [0 127.0.0.1:50013] \"PING\"\r\n"));
    node.close("m");
    assert!(node.engine.monitors.is_empty());
}

#[test]
fn monitor_is_no_part_of_a_transaction() {
    check(expect![[r#"
        > MULTI
        OK
        > MONITOR
        QUEUED
        > EXEC
        1) (error) ERR MONITOR isn\'t allowed for DENY BLOCKING client
    "#]]);
}
