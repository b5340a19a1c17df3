mod moment;

use expect_test::expect;

use testkit::Node;

use crate::testing::check;

#[test]
fn saves_begin_and_end() {
    check(expect![[r#"
        > SET k v
        OK
        > SAVE
        OK
        > BGSAVE
        Background saving started
        @ +1s
        > CONFIG SET rdb-key-save-delay 1000000
        OK
        > BGSAVE
        Background saving started
        > BGSAVE
        (error) ERR Background save already in progress
        > BGSAVE SCHEDULE
        (error) ERR Background save already in progress
        > SAVE
        (error) ERR Background save already in progress
        > BGREWRITEAOF
        Background append only file rewriting scheduled
        @ +2s
        > CONFIG SET rdb-key-save-delay 0
        OK
    "#]]);
}

#[test]
fn what_is_not_understood_is_refused() {
    check(expect![[r#"
        > SAVE now
        (error) ERR wrong number of arguments for \'save\' command
        > BGSAVE now
        (error) ERR syntax error
        > BGSAVE SCHEDULE now
        (error) ERR syntax error
        > LASTSAVE now
        (error) ERR wrong number of arguments for \'lastsave\' command
        > BGREWRITEAOF now
        (error) ERR wrong number of arguments for \'bgrewriteaof\' command
        > MULTI
        OK
        > SAVE
        (error) ERR Command not allowed inside a transaction
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
    "#]]);
}

#[test]
fn a_rewrite_keeps_others_waiting() {
    check(expect![[r#"
        > SET k v
        OK
        > CONFIG SET rdb-key-save-delay 1000000
        OK
        > BGREWRITEAOF
        Background append only file rewriting started
        > BGREWRITEAOF
        (error) ERR Background append only file rewriting already in progress
        > BGSAVE
        (error) ERR Another child process is active (AOF?): can\'t BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.
        > BGSAVE SCHEDULE
        Background saving scheduled
        @ +3s
        > CONFIG SET rdb-key-save-delay 0
        OK
    "#]]);
}

/// The first lines of the replies to commands, one each.
fn replies(node: &mut Node, commands: &[&str]) -> Vec<String> {
    let mut reply = |command: &&str| {
        let shown = testkit::replay(node, &format!("> {command}"));
        shown.lines().nth(1).unwrap_or_default().to_owned()
    };
    commands.iter().map(&mut reply).collect()
}

const NOT_SAVED: &str = "(error) MISCONF Redis is configured to save RDB snapshots, but it\\'s \
    currently unable to persist to disk. Commands that may modify the data set are disabled, \
    because this instance is configured to report errors during writes if RDB snapshotting fails \
    (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB \
    error.";

#[test]
fn writes_stop_while_they_cannot_be_saved() {
    let mut node = Node::new(crate::table());
    let first = ["SET k v", "CONFIG SET save '900 1'", "BGSAVE"];
    replies(&mut node, &first);
    node.world.fill_disk(true);
    node.advance_micros(1_000_000);
    let commands = [
        "SET k w",
        "PING",
        "GET k",
        "FLUSHALL",
        "PUBLISH c m",
        "ECHO hi",
    ];
    assert_eq!(
        replies(&mut node, &commands),
        [
            NOT_SAVED,
            NOT_SAVED,
            "\"v\"",
            NOT_SAVED,
            "(integer) 0",
            "hi"
        ]
        .map(|reply| match reply {
            "hi" => "\"hi\"",
            reply => reply,
        })
    );
    assert_eq!(replies(&mut node, &["SAVE"]), ["(error) ERR"]);
    // A queue that was filled before is not run either.
    let switched = [
        "CONFIG SET stop-writes-on-bgsave-error no",
        "MULTI",
        "SET k w",
    ];
    assert_eq!(replies(&mut node, &switched), ["OK", "OK", "QUEUED"]);
    let other = testkit::replay(&mut node, "b> CONFIG SET stop-writes-on-bgsave-error yes");
    assert!(other.ends_with("OK\n"), "{other}");
    let discarded = NOT_SAVED.replacen(
        "(error) ",
        "(error) EXECABORT Transaction discarded because of: ",
        1,
    );
    assert_eq!(replies(&mut node, &["EXEC"]), [discarded]);
    // Nobody who does not want to be saved is kept from writing.
    let unsaved = [
        "CONFIG SET save ''",
        "SET k w",
        "PING",
        "CONFIG SET save '900 1'",
    ];
    assert_eq!(replies(&mut node, &unsaved), ["OK", "OK", "PONG", "OK"]);
    node.world.fill_disk(false);
    assert_eq!(replies(&mut node, &["SAVE", "SET k x"]), ["OK", "OK"]);
}

#[test]
fn writes_stop_while_they_cannot_be_logged() {
    let mut node = Node::new(crate::table());
    let trouble = "No space left on device";
    node.engine
        .persistence
        .note_log_write(Some(trouble.to_owned()));
    let refused = format!("(error) MISCONF Errors writing to the AOF file: {trouble}");
    let commands = ["SET k w", "PING", "GET k"];
    assert_eq!(replies(&mut node, &commands), [&refused, &refused, "(nil)"]);
    node.engine.persistence.note_log_write(None);
    assert_eq!(replies(&mut node, &commands), ["OK", "PONG", "\"w\""]);
}

#[test]
fn what_needs_the_data_waits_for_it() {
    let mut node = Node::new(crate::table());
    let refused = "(error) LOADING Redis is loading the dataset in memory";
    assert_eq!(replies(&mut node, &["MULTI", "GET k"]), ["OK", "QUEUED"]);
    let now = node.engine.now();
    node.engine.persistence.begin_load(now, 200);
    node.engine.persistence.load.advance(50);
    node.world.advance_micros(3_000_000);
    let discarded = refused.replacen(
        "(error) ",
        "(error) EXECABORT Transaction discarded because of: ",
        1,
    );
    assert_eq!(replies(&mut node, &["EXEC"]), [discarded]);
    let commands = [
        "PING", "GET k", "LASTSAVE", "SELECT 1", "SAVE", "MULTI", "SAVE", "DISCARD",
    ];
    let in_transaction = "(error) ERR Command not allowed inside a transaction";
    let expected = [
        refused,
        refused,
        "(integer) 1767225600",
        "OK",
        refused,
        "OK",
        in_transaction,
        "OK",
    ];
    assert_eq!(replies(&mut node, &commands), expected);
    let settings = ["CONFIG SET appendonly yes", "CONFIG SET save '1 1'"];
    assert_eq!(replies(&mut node, &settings), [refused, "OK"]);
    let shown = testkit::replay(&mut node, "> INFO persistence").replace("\\r\\n", " ");
    assert!(shown.contains("loading:1"), "{shown}");
    let tail = "loading_start_time:1767225600 loading_total_bytes:200 loading_rdb_used_mem:0 \
                loading_loaded_bytes:50 loading_loaded_perc:25.00 loading_eta_seconds:9 ";
    assert!(shown.contains(tail), "{shown}");
    node.engine.persistence.end_load();
    assert_eq!(replies(&mut node, &["PING", "GET k"]), ["PONG", "(nil)"]);
    assert!(!testkit::replay(&mut node, "> INFO persistence").contains("loading_"));
}
