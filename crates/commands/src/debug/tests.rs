use config::{Config, Permit};
use expect_test::{Expect, expect};
use testkit::{Node, replay};

/// A node on which DEBUG may be used.
fn node() -> Node {
    let mut config = Config::default();
    config.security.debug_command = Permit::Yes;
    Node::with_config(crate::table(), config)
}

#[track_caller]
fn check(transcript: Expect) {
    let replayed = replay(&mut node(), transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn debug_is_for_those_who_may() {
    crate::testing::check(expect![[r#"
        > DEBUG HELP
        (error) ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.
        > DEBUG
        (error) ERR wrong number of arguments for \'debug\' command
    "#]]);
}

#[test]
fn what_is_refused() {
    check(expect![[r#"
        > DEBUG
        (error) ERR wrong number of arguments for \'debug\' command
        > DEBUG foo
        (error) ERR unknown subcommand or wrong number of arguments for \'foo\'. Try DEBUG HELP.
        > DEBUG SLEEP
        (error) ERR unknown subcommand or wrong number of arguments for \'SLEEP\'. Try DEBUG HELP.
        > DEBUG OBJECT k fast
        (error) ERR unknown subcommand or wrong number of arguments for \'OBJECT\'. Try DEBUG HELP.
        > DEBUG DIGEST x
        (error) ERR unknown subcommand or wrong number of arguments for \'DIGEST\'. Try DEBUG HELP.
        > DEBUG log a b
        (error) ERR unknown subcommand or wrong number of arguments for \'log\'. Try DEBUG HELP.
        > DEBUG HELP x
        (error) ERR unknown subcommand or wrong number of arguments for \'HELP\'. Try DEBUG HELP.
        > DEBUG CONFIG-REWRITE-FORCE-ALL
        (error) ERR CONFIG-REWRITE-FORCE-ALL failed: Bad address
        > DEBUG QUICKLIST-PACKED-THRESHOLD 10b
        OK
        > DEBUG QUICKLIST-PACKED-THRESHOLD 0
        OK
        > DEBUG QUICKLIST-PACKED-THRESHOLD -1
        (error) ERR argument must be a memory value bigger than 1 and smaller than 4gb
        > DEBUG QUICKLIST-PACKED-THRESHOLD 4gb
        (error) ERR argument must be a memory value bigger than 1 and smaller than 4gb
        > DEBUG QUICKLIST-PACKED-THRESHOLD x
        (error) ERR argument must be a memory value bigger than 1 and smaller than 4gb
        > DEBUG ERROR "FOO bar"
        (error) FOO bar
        > DEBUG ERROR "a\r\nb"
        (error) a  b
        > DEBUG HELP
         1) DEBUG <subcommand> [<arg> ...]. There are:
         2) AOF-FLUSH-SLEEP microseconds
         3)     Has each write to the append-only file wait first.
         4) ASSERT
         5)     Crashes by an assertion.
         6) CLUSTERLINK KILL <TO | FROM | ALL> node-id
         7)     Cuts the bus's links to a node, or those from it.
         8) CONFIG-REWRITE-FORCE-ALL
         9)     Writes the whole configuration to its file, defaults too.
        10) DIGEST
        11)     Sums all data up in forty digits: the same for the same data.
        12) DIGEST-VALUE [key ...]
        13)     Sums each key's value up in forty digits, zeros for a missing key.
        14) DROP-CLUSTER-PACKET-FILTER packet-type
        15)     Takes no packet of this type from the bus; -1 takes all again.
        16) ERROR text
        17)     Replies with an error of this text.
        18) FAIL-JOB
        19)     Has the save or rewrite in the background fail.
        20) HELP
        21)     Shows this.
        22) HTSTATS db
        23)     Describes the tables that hold a db's keys.
        24) HTSTATS-KEY key
        25)     Describes the table that holds a key's value.
        26) LISTPACK key
        27)     Writes how a small hash or sorted set is kept to the server's log.
        28) LOADAOF
        29)     Replaces all data by what the append-only file holds.
        30) LOG message
        31)     Writes to the server's log.
        32) OBJECT key
        33)     Tells how a key's value is kept.
        34) OOM
        35)     Crashes as if memory had run out.
        36) PANIC
        37)     Crashes by a panic.
        38) PAUSE-CRON <0 | 1>
        39)     Whether nothing happens that nobody asks for.
        40) POPULATE count [prefix] [size]
        41)     Makes keys `key:0` and on, those that are missing; replicas are not told.
        42) PROTOCOL type
        43)     Replies with a sample of a type.
        44) QUICKLIST key [<0 | 1>]
        45)     Writes how a list is kept to the server's log, with its elements if asked to.
        46) QUICKLIST-PACKED-THRESHOLD size
        47)     Elements of lists from this size up are kept alone; 0 is the default: 1gb.
        48) RELOAD [MERGE] [NOFLUSH] [NOSAVE]
        49)     Saves all data, and loads it again in its place.
        50) REPLYBUFFER <PEAK-RESET-TIME <NEVER | RESET | milliseconds> | RESIZING <0 | 1>>
        51)     Accepted: clients have no reply buffers that could be resized.
        52) REPLICATE word [word ...]
        53)     Sends replicas a command that is not run here.
        54) SEGFAULT
        55)     Crashes by an access to memory that is not there.
        56) SET-ACTIVE-EXPIRE <0 | 1>
        57)     Whether keys expire that nobody asks for.
        58) SET-SKIP-CHECKSUM-VALIDATION <0 | 1>
        59)     Whether dumps are taken whatever their checksum is.
        60) SLEEP seconds
        61)     Stops the server for a while.
    "#]]);
}

#[test]
fn what_has_expired_is_described_as_long_as_it_is_kept() {
    check(expect![[r#"
        > DEBUG SET-ACTIVE-EXPIRE 0
        OK
        > SET k 1 PX 10
        OK
        @ +1s
        > DEBUG OBJECT nothing
        (error) ERR no such key
        > DBSIZE
        (integer) 1
    "#]]);
    let mut node = node();
    testkit::replay(
        &mut node,
        "> DEBUG SET-ACTIVE-EXPIRE 0\n> SET k 1 PX 10\n@ +1s",
    );
    let described = node.send("a", b"DEBUG OBJECT k\r\n");
    assert!(described.starts_with(b"+Value at:"), "{described:?}");
    assert_eq!(node.send("a", b"EXISTS k\r\n"), b":0\r\n");
}

#[test]
fn replicas_are_sent_what_is_not_done() {
    let mut node = node();
    let reader = crate::testing::subscribe(&node);
    testkit::replay(
        &mut node,
        "> DEBUG REPLICATE fake command\n> SELECT 3\n> DEBUG REPLICATE x",
    );
    let mut bytes = Vec::new();
    node.engine.log.read(&reader, &mut bytes);
    expect![[r#"
        SELECT 0
        fake command
        SELECT 3
        x
    "#]]
    .assert_eq(&crate::testing::commands(&bytes));
    assert_eq!(node.send("a", b"DBSIZE\r\n"), b":0\r\n");
}

#[test]
fn sleep_and_expiry() {
    check(expect![[r#"
        > TIME
        1) "1767225600"
        2) "0"
        > DEBUG SLEEP 1.5
        OK
        > DEBUG SLEEP 0
        OK
        > DEBUG SLEEP -1
        OK
        > DEBUG SLEEP nan
        OK
        > DEBUG SLEEP x
        OK
        > TIME
        1) "1767225601"
        2) "500000"
        > SET k v PX 10
        OK
        > DEBUG SET-ACTIVE-EXPIRE 0
        OK
        @ +1s
        > DEBUG HTSTATS 0
        "[Dictionary HT]\n table size: 1\n number of elements: 1\n tables: 1\n elements in the largest table: 1\n overflowing buckets: 0\n elements that expire: 1\n"
        > DEBUG SET-ACTIVE-EXPIRE 1
        OK
        @ +1s
        > DEBUG HTSTATS 0
        "[Dictionary HT]\nNo stats available for empty dictionaries\n"
    "#]]);
}

#[test]
fn object_describes_strings() {
    let mut node = node();
    node.send(
        "",
        b"SET k v\r\nSET n 70000\r\nSET l 99999999999\r\nSET e \"\"\r\n",
    );
    let long = "a".repeat(94);
    node.send("", format!("SET r {long}\r\n").as_bytes());
    node.advance_micros(3_000_000);
    for (key, shown) in [
        (
            "k",
            "encoding:embstr serializedlength:2 lru:5617920 lru_seconds_idle:3",
        ),
        (
            "n",
            "encoding:int serializedlength:5 lru:5617920 lru_seconds_idle:3",
        ),
        (
            "l",
            "encoding:int serializedlength:12 lru:5617920 lru_seconds_idle:3",
        ),
        (
            "e",
            "encoding:embstr serializedlength:1 lru:5617920 lru_seconds_idle:3",
        ),
        (
            "r",
            "encoding:raw serializedlength:96 lru:5617920 lru_seconds_idle:3",
        ),
    ] {
        let reply = node.send("", format!("DEBUG OBJECT {key}\r\n").as_bytes());
        let reply = String::from_utf8(reply).expect("a description is text");
        let (head, tail) = reply
            .split_once(" refcount:1 ")
            .expect("as many words as ever");
        assert!(head.starts_with("+Value at:0x"), "{reply}");
        assert_eq!(tail, format!("{shown}\r\n"), "{key}");
    }
    let missing = node.send("", b"DEBUG OBJECT nokey\r\n");
    assert_eq!(missing, b"-ERR no such key\r\n");
}

#[test]
fn protocol_shows_every_type() {
    check(expect![[r#"
        > DEBUG PROTOCOL foo
        (error) ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false
        > DEBUG PROTOCOL string
        "Hello World"
        > DEBUG PROTOCOL integer
        (integer) 12345
        > DEBUG PROTOCOL double
        "3.141"
        > DEBUG PROTOCOL null
        (nil)
        > DEBUG PROTOCOL array
        1) (integer) 0
        2) (integer) 1
        3) (integer) 2
        > DEBUG PROTOCOL set
        1) (integer) 0
        2) (integer) 1
        3) (integer) 2
        > DEBUG PROTOCOL map
        1) (integer) 0
        2) (integer) 0
        3) (integer) 1
        4) (integer) 1
        5) (integer) 2
        6) (integer) 0
        > DEBUG PROTOCOL attrib
        "Some real reply following the attribute"
        > DEBUG PROTOCOL push
        (error) ERR RESP2 is not supported by this command
        > DEBUG PROTOCOL bignum
        "1234567999999999999999999999999999999"
        > DEBUG PROTOCOL verbatim
        "This is a verbatim\nstring"
        > DEBUG PROTOCOL true
        (integer) 1
        > DEBUG PROTOCOL false
        (integer) 0
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > DEBUG PROTOCOL string
        "Hello World"
        > DEBUG PROTOCOL double
        (double) 3.141
        > DEBUG PROTOCOL null
        (nil)
        > DEBUG PROTOCOL array
        1) (integer) 0
        2) (integer) 1
        3) (integer) 2
        > DEBUG PROTOCOL set
        1~ (integer) 0
        2~ (integer) 1
        3~ (integer) 2
        > DEBUG PROTOCOL map
        1# (integer) 0 => (false)
        2# (integer) 1 => (true)
        3# (integer) 2 => (false)
        > DEBUG PROTOCOL bignum
        1234567999999999999999999999999999999
        > DEBUG PROTOCOL verbatim
        This is a verbatim
        string
        > DEBUG PROTOCOL true
        (true)
        > DEBUG PROTOCOL false
        (false)
    "#]]);
}

#[test]
fn protocol_has_attributes_and_pushes() {
    let mut node = node();
    node.send("", b"HELLO 3\r\n");
    assert_eq!(
        node.send("", b"DEBUG PROTOCOL attrib\r\n"),
        b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n\
          $39\r\nSome real reply following the attribute\r\n"
    );
    assert_eq!(
        node.send("", b"DEBUG PROTOCOL push\r\n"),
        b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n\
          $40\r\nSome real reply following the push reply\r\n"
    );
}

#[test]
fn populate() {
    check(expect![[r#"
        > DEBUG POPULATE a
        (error) ERR value is out of range, must be positive
        > DEBUG POPULATE -1
        (error) ERR value is out of range, must be positive
        > DEBUG POPULATE 1 zz abc
        (error) ERR value is out of range, must be positive
        > DEBUG POPULATE 1 zz -1
        (error) ERR value is out of range, must be positive
        > SET pre:1 mine
        OK
        > DEBUG POPULATE 3
        OK
        > DEBUG POPULATE 3 pre 5
        OK
        > DEBUG POPULATE 2 zz 20
        OK
        > GET key:2
        "value:2"
        > GET key:3
        (nil)
        > GET pre:0
        "value"
        > GET pre:1
        "mine"
        > GET zz:1
        "value:1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        > DEBUG POPULATE 0
        OK
        > DEBUG HTSTATS 0
        "[Dictionary HT]\n table size: 8\n number of elements: 8\n tables: 8\n elements in the largest table: 1\n overflowing buckets: 0\n elements that expire: 0\n"
    "#]]);
}

#[test]
fn tables() {
    check(expect![[r#"
        > DEBUG HTSTATS 0
        "[Dictionary HT]\nNo stats available for empty dictionaries\n"
        > DEBUG HTSTATS 99
        (error) ERR Out of range database
        > DEBUG HTSTATS -1
        (error) ERR Out of range database
        > DEBUG HTSTATS x
        (error) ERR value is not an integer or out of range
        > DEBUG HTSTATS-KEY k
        (error) ERR no such key
        > SET k v EX 10
        OK
        > DEBUG HTSTATS-KEY k
        (error) ERR The value stored at the specified key is not represented using an hash table
        > DEBUG HTSTATS 0
        "[Dictionary HT]\n table size: 1\n number of elements: 1\n tables: 1\n elements in the largest table: 1\n overflowing buckets: 0\n elements that expire: 1\n"
        > SADD s a b
        (integer) 2
        > DEBUG HTSTATS-KEY s
        "[Dictionary HT]\n table size: 1\n number of elements: 2\n elements in the fullest bucket: 2\n"
        > SADD s 1
        (integer) 1
        > HSET h f 0123456789012345678901234567890123456789012345678901234567890123456789
        (integer) 1
        > DEBUG HTSTATS-KEY h
        "[Dictionary HT]\n table size: 1\n number of elements: 1\n elements in the fullest bucket: 1\n"
        > SADD i 1
        (integer) 1
        > DEBUG HTSTATS-KEY i
        (error) ERR The value stored at the specified key is not represented using an hash table
        > FLUSHALL
        OK
        > DEBUG HTSTATS 15
        "[Dictionary HT]\nNo stats available for empty dictionaries\n"
    "#]]);
}

/// The digits are those of Redis for the same data.
#[test]
fn digests() {
    check(expect![[r#"
        > DEBUG DIGEST
        0000000000000000000000000000000000000000
        > DEBUG DIGEST-VALUE
        (empty array)
        > DEBUG DIGEST-VALUE a nokey
        1) 0000000000000000000000000000000000000000
        2) 0000000000000000000000000000000000000000
        > SET a 1
        OK
        > DEBUG DIGEST
        943d800368fb9c0e951138f1bc0e313ac769d91f
        > DEBUG DIGEST-VALUE a nokey
        1) b4fc66738120fba0b5aa500ab5c2bf89cea1c5da
        2) 0000000000000000000000000000000000000000
        > SET a 1 EX 1000
        OK
        > DEBUG DIGEST-VALUE a
        1) 5279988c5d1911f474bcbbf2f0a87012d40f8459
        > SET k v
        OK
        > DEBUG DIGEST-VALUE k
        1) d79ee9fe5d5ad902d7f6620efc3b07b75ddd742f
        > DEBUG DIGEST
        8014ec590dd0e492f62374793056b81100b1f301
    "#]]);
}

#[test]
fn digests_do_not_depend_on_the_order() {
    let mut node = node();
    let digest = |node: &mut Node| node.send("", b"DEBUG DIGEST\r\n");
    node.send("", b"SET a 1\r\nSET b 2\r\nSET c 3\r\n");
    let there = digest(&mut node);
    let mut other = self::node();
    other.send("", b"SET c 3\r\nSET a x\r\nSET b 2\r\nSET a 1\r\n");
    assert_eq!(digest(&mut other), there);
    other.send("", b"SET a 2\r\n");
    assert_ne!(digest(&mut other), there);
}

#[test]
fn accidents_and_the_log() {
    let mut node = node();
    node.send(
        "",
        b"DEBUG SEGFAULT\r\nDEBUG PANIC\r\nDEBUG ASSERT\r\nDEBUG OOM\r\n",
    );
    node.send("", b"DEBUG LOG hello\r\n");
    let asked = [
        "crash Segfault",
        "crash Panic",
        "crash Panic",
        "crash Abort",
    ];
    assert_eq!(node.world.take_asked()[..4], asked);
}

#[test]
fn the_log_tells_how_elements_are_packed() {
    let mut node = node();
    node.send(
        "",
        b"HSET h field 12\r\nZADD z 1 m\r\nSADD i 1\r\nRPUSH l 1 ab\r\n",
    );
    let mut told = |request: &[u8]| {
        let reply = node.send("", request);
        let reply = String::from_utf8_lossy(&reply).into_owned();
        (reply, node.world.take_asked())
    };
    let (reply, lines) = told(b"DEBUG LISTPACK h\r\n");
    assert_eq!(reply, "+Listpack structure printed on stdout\r\n");
    let expected = [
        "log listpack of 2 elements in 16 bytes",
        "log   7 bytes, string field",
        "log   2 bytes, integer 12",
    ];
    assert_eq!(lines, expected);
    assert_eq!(told(b"DEBUG LISTPACK z\r\n").1.len(), 3);
    let no_listpack = "-ERR Not a listpack encoded object.\r\n";
    assert_eq!(told(b"DEBUG LISTPACK l\r\n"), (no_listpack.into(), vec![]));
    assert_eq!(told(b"DEBUG LISTPACK i\r\n"), (no_listpack.into(), vec![]));
    let no_key = "-ERR no such key\r\n";
    assert_eq!(told(b"DEBUG LISTPACK x\r\n"), (no_key.into(), vec![]));
    assert_eq!(told(b"DEBUG QUICKLIST x\r\n"), (no_key.into(), vec![]));
    let (reply, lines) = told(b"DEBUG QUICKLIST l\r\n");
    assert_eq!(reply, "+Quicklist structure printed on stdout\r\n");
    assert_eq!(lines.len(), 2);
    assert_eq!(told(b"DEBUG QUICKLIST l 1\r\n").1.len(), 4);
    let no_list = "-ERR Not a quicklist encoded object.\r\n";
    assert_eq!(told(b"DEBUG QUICKLIST h\r\n"), (no_list.into(), vec![]));
}

#[test]
fn elements_from_the_threshold_on_are_kept_alone() {
    let mut node = node();
    let mut nodes = |threshold: &str| {
        let request = format!(
            "DEBUG QUICKLIST-PACKED-THRESHOLD {threshold}\r\nDEL l\r\nRPUSH l 1 abc abcd 2\r\n"
        );
        node.send("", request.as_bytes());
        node.send("", b"DEBUG QUICKLIST l\r\n");
        node.world.take_asked()[1..].to_vec()
    };
    let packed = ["log listpack of 4 elements in 22 bytes"];
    assert_eq!(nodes("0"), packed);
    let (one, large) = (
        "log listpack of 1 elements in 9 bytes",
        "log plain element of 4 bytes",
    );
    let two = "log listpack of 2 elements in 14 bytes";
    assert_eq!(nodes("4b"), [two, large, one]);
    assert_eq!(nodes("0"), packed);
}

#[test]
fn data_comes_back_from_a_file() {
    check(expect![[r#"
        > SET text v
        OK
        > SET number 12 PXAT 4102444800000
        OK
        > RPUSH list a 1
        (integer) 2
        > SADD ints 1 2
        (integer) 2
        > SADD words a
        (integer) 1
        > HSET hash f v
        (integer) 1
        > ZADD sorted 1.5 a
        (integer) 1
        > SELECT 3
        OK
        > SET other 1
        OK
        > DEBUG RELOAD
        OK
        > GET other
        "1"
        > SELECT 0
        OK
        > DBSIZE
        (integer) 7
        > GET text
        "v"
        > GET number
        "12"
        > PEXPIRETIME number
        (integer) 4102444800000
        > LRANGE list 0 -1
        1) "a"
        2) "1"
        > SMEMBERS ints
        1) "1"
        2) "2"
        > SMEMBERS words
        1) "a"
        > HGETALL hash
        1) "f"
        2) "v"
        > ZRANGE sorted 0 -1 WITHSCORES
        1) "a"
        2) "1.5"
        > DEBUG RELOAD all
        (error) ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.
        > DEBUG RELOAD NOSAVE all
        (error) ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.
        > SET later 1
        OK
        > DEBUG RELOAD NOSAVE
        OK
        > GET later
        (nil)
        > SET later 1
        OK
        > SET text w
        OK
        > DEBUG RELOAD nosave noflush merge
        OK
        > MGET later text
        1) "1"
        2) "v"
    "#]]);
}

#[test]
fn data_comes_back_within_a_transaction_too() {
    check(expect![[r#"
        > SET k v
        OK
        > MULTI
        OK
        > DEBUG RELOAD
        QUEUED
        > SET k w
        QUEUED
        > DEBUG RELOAD NOSAVE
        QUEUED
        > GET k
        QUEUED
        > EXEC
        1) OK
        2) OK
        3) OK
        4) "v"
    "#]]);
    // Commands of a file cannot run under the locks of a transaction.
    let mut node = node();
    let refused = replay(&mut node, "> MULTI\n> DEBUG LOADAOF\n> EXEC");
    assert!(
        refused.contains("ERR DEBUG LOADAOF is not allowed"),
        "{refused}"
    );
}

#[test]
fn sums_can_be_taken_for_right() {
    check(expect![[r#"
        > RESTORE k 0 "\x00\x01v\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        (error) ERR DUMP payload version or checksum are wrong
        > DEBUG SET-SKIP-CHECKSUM-VALIDATION 1
        OK
        > RESTORE k 0 "\x00\x01v\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        OK
        > GET k
        "v"
        > RESTORE k 0 "\x00\x02v\n\x00\x00\x00\x00\x00\x00\x00\x00\x00" REPLACE
        (error) ERR Bad data format
        > DEBUG SET-SKIP-CHECKSUM-VALIDATION 0
        OK
        > RESTORE k 0 "\x00\x01v\n\x00\x00\x00\x00\x00\x00\x00\x00\x00" REPLACE
        (error) ERR DUMP payload version or checksum are wrong
        > DEBUG SET-SKIP-CHECKSUM-VALIDATION
        (error) ERR unknown subcommand or wrong number of arguments for \'SET-SKIP-CHECKSUM-VALIDATION\'. Try DEBUG HELP.
    "#]]);
}

#[test]
fn a_job_is_told_to_fail_and_a_payload_that_is_refused_is_explained() {
    let mut node = node();
    node.send("", b"DEBUG FAIL-JOB\r\nDEBUG AOF-FLUSH-SLEEP 5\r\n");
    node.send("", b"DEBUG SET-SKIP-CHECKSUM-VALIDATION 1\r\n");
    let payload = b"\x09\x02\x00\xff\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let request = [
        b"*4\r\n$7\r\nRESTORE\r\n$1\r\nk\r\n$1\r\n0\r\n$14\r\n",
        &payload[..],
        b"\r\n",
    ];
    let reply = node.send("", &request.concat());
    assert_eq!(reply, b"-ERR Bad data format\r\n");
    let asked = node.world.take_asked();
    assert_eq!(asked[0], "fail the job");
    assert!(
        asked[1].contains("Zipmap integrity check failed"),
        "{asked:?}"
    );
    let delay = &node.engine.switches.log_flush_delay_micros;
    assert_eq!(delay.load(std::sync::atomic::Ordering::Relaxed), 5);
}
