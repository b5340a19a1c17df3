use ::cluster::{Endpoint, Map, NOBODY, NodeId};
use config::Config;
use engine::cluster::Touched;
use expect_test::{Expect, expect};
use testkit::Node;

/// The slot of keys with the tag `a` moves to node 1, that with `b` from there; `c` is node 1's,
/// `d` nobody's. Everything else is served here.
fn map() -> Map {
    let slot = |key: &str| keyspace::Slot::of(key.as_bytes()).number();
    let mut owners = vec![0; 16384];
    owners[usize::from(slot("b"))] = 1;
    owners[usize::from(slot("c"))] = 1;
    owners[usize::from(slot("d"))] = NOBODY;
    Map {
        ok: true,
        nodes: vec![endpoint('0', 7000), endpoint('1', 7001)],
        myself: 0,
        primary: None,
        owners,
        migrating: vec![(slot("a"), 1)],
        importing: vec![(slot("b"), 1)],
    }
}

fn endpoint(digit: char, port: u16) -> Endpoint {
    let id = digit.to_string().repeat(40);
    Endpoint {
        id: NodeId::parse(id.as_bytes()).expect("forty digits"),
        ip: "10.0.0.1".to_owned(),
        hostname: String::new(),
        port,
        plain_port: 0,
    }
}

fn node(adapt: impl FnOnce(&mut Config), map: Map) -> Node {
    let mut config = Config::default();
    config.cluster.enabled = true;
    adapt(&mut config);
    let node = Node::with_config(crate::table(), config);
    node.engine.publish_map(map);
    node
}

#[track_caller]
fn check_on(mut node: Node, transcript: Expect) {
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn a_node_of_no_cluster_says_so() {
    crate::testing::check(expect![[r#"
        > CLUSTER INFO
        (error) ERR This instance has cluster support disabled
        > CLUSTER HELP
        (error) ERR This instance has cluster support disabled
        > READONLY
        (error) ERR This instance has cluster support disabled
        > ASKING
        (error) ERR This instance has cluster support disabled
        > CLUSTER FOO
        (error) ERR unknown subcommand \'FOO\'. Try CLUSTER HELP.
    "#]]);
}

#[test]
fn clients_are_sent_where_the_slot_is() {
    check_on(
        node(|_| {}, map()),
        expect![[r#"
            > SET x 1
            OK
            > GET c
            (error) MOVED 7365 10.0.0.1:7001
            > GET d
            (error) CLUSTERDOWN Hash slot not served
            > MGET x y
            (error) CROSSSLOT Keys in request don\'t hash to the same slot
            > MGET d x
            (error) CLUSTERDOWN Hash slot not served
            > SPUBLISH c hello
            (error) MOVED 7365 10.0.0.1:7001
            > PUBLISH c hello
            (integer) 0
            > SELECT 1
            (error) ERR SELECT is not allowed in cluster mode
            > SELECT 0
            OK
            > MOVE x 1
            (error) ERR MOVE is not allowed in cluster mode
            > COPY x x DB 1
            (error) ERR Copying to another database is not allowed in cluster mode
            > SWAPDB 0 1
            (error) ERR SWAPDB is not allowed in cluster mode
            > REPLICAOF no one
            (error) ERR REPLICAOF not allowed in cluster mode.
            > FAILOVER
            (error) ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.
        "#]],
    );
}

#[test]
fn a_slot_that_leaves_is_served_as_far_as_it_is_here() {
    check_on(
        node(|_| {}, map()),
        expect![[r#"
        > GET {a}1
        (error) ASK 15495 10.0.0.1:7001
        > RESTORE-ASKING {a}1 0 "\x00\x011\x0b\x00\xe9\xb7\x02\xcb\x8c\xd7\xe1\xb3"
        (error) ASK 15495 10.0.0.1:7001
        > MIGRATE 10.0.0.1 7001 {a}1 0 100
        NOKEY
        > SSUBSCRIBE {a}
        1) "ssubscribe"
        2) "{a}"
        3) (integer) 1
    "#]],
    );
}

#[test]
fn a_slot_that_comes_is_served_to_those_who_ask() {
    check_on(
        node(|_| {}, map()),
        expect![[r#"
        > SET {b}1 x
        (error) MOVED 3300 10.0.0.1:7001
        > ASKING
        OK
        > SET {b}1 x
        OK
        > GET {b}1
        (error) MOVED 3300 10.0.0.1:7001
        > ASKING
        OK
        > MGET {b}1 {b}2
        (error) TRYAGAIN Multiple keys request during rehashing of slot
        > ASKING
        OK
        > MGET {b}2 {b}2
        1) (nil)
        2) (nil)
        > ASKING
        OK
        > ASKING
        OK
        > GET {b}1
        "x"
        > ASKING
        OK
        > MULTI
        OK
        > GET {b}1
        QUEUED
        > INCR {b}3
        QUEUED
        > EXEC
        (error) TRYAGAIN Multiple keys request during rehashing of slot
        > GET {b}1
        (error) MOVED 3300 10.0.0.1:7001
    "#]],
    );
}

#[test]
fn a_transaction_is_judged_by_all_its_keys() {
    check_on(
        node(|_| {}, map()),
        expect![[r#"
            > MULTI
            OK
            > SET x 1
            QUEUED
            > SET c 1
            (error) MOVED 7365 10.0.0.1:7001
            > EXEC
            (error) EXECABORT Transaction discarded because of previous errors.
            > MULTI
            OK
            > SET x 1
            QUEUED
            > SET y 1
            QUEUED
            > EXEC
            (error) CROSSSLOT Keys in request don\'t hash to the same slot
            > EXEC
            (error) ERR EXEC without MULTI
        "#]],
    );
}

#[test]
fn nothing_is_served_while_the_cluster_is_down() {
    let down = || Map { ok: false, ..map() };
    check_on(
        node(|_| {}, down()),
        expect![[r#"
        > GET x
        (error) CLUSTERDOWN The cluster is down
        > SPUBLISH x hello
        (integer) 0
        > PING
        PONG
    "#]],
    );
    check_on(
        node(
            |config| {
                config.cluster.reads_when_down = true;
                config.cluster.shard_pubsub_when_down = false;
            },
            down(),
        ),
        expect![[r#"
        > GET x
        (nil)
        > SET x 1
        (error) CLUSTERDOWN The cluster is down and only accepts read commands
        > SPUBLISH x hello
        (error) CLUSTERDOWN The cluster is down
    "#]],
    );
}

#[test]
fn a_replica_answers_those_who_only_read() {
    let mut map = map();
    (map.myself, map.primary) = (1, Some(0));
    (map.migrating, map.importing) = (Vec::new(), Vec::new());
    check_on(
        node(|_| {}, map),
        expect![[r#"
        > GET x
        (error) MOVED 16287 10.0.0.1:7000
        > READONLY
        OK
        > GET x
        (nil)
        > SET x 1
        (error) MOVED 16287 10.0.0.1:7000
        > MULTI
        OK
        > GET x
        QUEUED
        > EXEC
        1) (nil)
        > READWRITE
        OK
        > GET x
        (error) MOVED 16287 10.0.0.1:7000
        > SPUBLISH x hello
        (integer) 0
    "#]],
    );
}

#[test]
fn who_waits_for_a_slot_that_goes_is_sent_after_it() {
    let mut node = node(|_| {}, map());
    testkit::replay(&mut node, "> BLPOP x 0");
    testkit::replay(&mut node, "listener> SSUBSCRIBE x");
    let mut elsewhere = map();
    let slot = keyspace::Slot::of(b"x").number();
    elsewhere.owners[usize::from(slot)] = 1;
    node.engine.publish_map(elsewhere);
    let seen =
        |node: &mut Node, name: &str| String::from_utf8_lossy(&node.receive(name)).into_owned();
    assert_eq!(seen(&mut node, ""), "-MOVED 16287 10.0.0.1:7001\r\n");
    let over = "*3\r\n$12\r\nsunsubscribe\r\n$1\r\nx\r\n:0\r\n";
    let told = seen(&mut node, "listener");
    assert!(told.ends_with(over), "{told}");
}

#[test]
fn keys_of_a_slot_are_counted_and_listed() {
    check_on(
        node(|_| {}, map()),
        expect![[r#"
            > CLUSTER KEYSLOT foo
            (integer) 12182
            > SET {x}1 1
            OK
            > SET {x}2 1
            OK
            > CLUSTER COUNTKEYSINSLOT 16287
            (integer) 2
            > CLUSTER COUNTKEYSINSLOT 16384
            (error) ERR Invalid slot
            > CLUSTER GETKEYSINSLOT 16287 10
            1) "{x}1"
            2) "{x}2"
            > CLUSTER GETKEYSINSLOT 16287 -1
            (error) ERR Invalid slot or number of keys
        "#]],
    );
}

/// What the log has of slots that somebody reads about is what a whole log has of them, in the same
/// order, and little else.
#[test]
fn whoever_reads_about_a_slot_misses_nothing_of_it() {
    const LINES: &str = "
        > SET a 1
        > SET b 1
        > MSET b 2 a 2
        > MSET b 3 other{b} 3
        > RENAME b a
        > INCR a
        > INCR c
        > MULTI
        > INCR c
        > INCR a
        > DEL b
        > EXEC
        > EVAL \"redis.call('INCR', 'a') redis.call('INCR', 'c')\" 1 c
        > SORT c STORE b
        w> BLMOVE c list:{a} LEFT LEFT 0
        > DEL c
        > RPUSH c x y
        > LMOVE c list:{a} LEFT LEFT
        > SET a 3 PX 100
        > SET c 3 PX 100
        > GETEX c PERSIST
        > GETDEL a
        > COPY c a
        > SPOP list:{a} 2
        > UNLINK a c
        > SUNIONSTORE a b c
        > PFADD a x
        > PFMERGE c a
        > BITOP NOT a c
        > XADD a MAXLEN 1 1-1 f v
        > FLUSHALL
        > SET a 4
    ";
    let about = |topics: bool| {
        let mut node = Node::new(crate::table());
        let slot = keyspace::Slot::of(b"a").number();
        let reader = match topics {
            true => node.engine.follow_slots(&std::iter::once(slot).collect()),
            false => crate::testing::subscribe(&node),
        };
        testkit::replay(&mut node, LINES);
        let mut bytes = Vec::new();
        node.engine.log.read(&reader, &mut bytes);
        let log = crate::testing::commands(&bytes);
        let touches_it = |line: &&str| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            match node.engine.touched(&words) {
                Touched::Nothing => false,
                Touched::Slot(touched) => touched.number() == slot,
                Touched::More => true,
            }
        };
        let touching: Vec<String> = log.lines().filter(touches_it).map(str::to_owned).collect();
        (touching, log.lines().count())
    };
    let ((some, some_lines), (all, all_lines)) = (about(true), about(false));
    assert_eq!(some, all);
    assert!(all.len() > 12, "{all:?}");
    assert!(
        some_lines + 5 < all_lines,
        "{some_lines} of {all_lines} lines"
    );
}
