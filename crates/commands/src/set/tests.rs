use std::collections::BTreeSet;

use expect_test::expect;
use resp::value::Value;
use testkit::Node;

use crate::testing::{check, check_log, long_runs};

mod random;
mod replay;

#[test]
fn sadd_counts_what_was_missing() {
    check(expect![[r#"
        > SADD s 1 2 3
        (integer) 3
        > SADD s 3 4
        (integer) 1
        > SADD s 1
        (integer) 0
        > SCARD s
        (integer) 4
        > SMEMBERS s
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SET k v
        OK
        > SADD k 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD
        (error) ERR wrong number of arguments for \'sadd\' command
        > SADD s
        (error) ERR wrong number of arguments for \'sadd\' command
        > TYPE s
        set
        > SADD none a
        (integer) 1
        > TYPE none
        set
        > SCARD k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SCARD nothing
        (integer) 0
        > SCARD
        (error) ERR wrong number of arguments for \'scard\' command
        > SCARD s s
        (error) ERR wrong number of arguments for \'scard\' command
    "#]]);
}

#[test]
fn the_encoding_follows_the_members() {
    check(expect![[r#"
        > SADD s 1 -5 9223372036854775807
        (integer) 3
        > OBJECT ENCODING s
        "intset"
        > SMEMBERS s
        1) "-5"
        2) "1"
        3) "9223372036854775807"
        > SADD s a
        (integer) 1
        > OBJECT ENCODING s
        "hashtable"
        > SADD z 01
        (integer) 1
        > OBJECT ENCODING z
        "hashtable"
        > SADD large 9223372036854775808
        (integer) 1
        > OBJECT ENCODING large
        "hashtable"
        > CONFIG SET set-max-intset-entries 3
        OK
        > SADD t 1 2 3
        (integer) 3
        > OBJECT ENCODING t
        "intset"
        > SADD t 3
        (integer) 0
        > OBJECT ENCODING t
        "intset"
        > SADD t 4
        (integer) 1
        > OBJECT ENCODING t
        "hashtable"
        > SREM t 4 3 2
        (integer) 3
        > OBJECT ENCODING t
        "hashtable"
        > SMEMBERS t
        1) "1"
        > SADD u 1 2 3
        (integer) 3
        > SUNIONSTORE v u t
        (integer) 3
        > OBJECT ENCODING v
        "intset"
        > SUNIONSTORE v u large
        (integer) 4
        > OBJECT ENCODING v
        "hashtable"
        > CONFIG SET set-max-intset-entries 0
        OK
        > SADD w 1
        (integer) 1
        > OBJECT ENCODING w
        "hashtable"
    "#]]);
}

#[test]
fn srem_deletes_a_set_without_members() {
    check(expect![[r#"
        > SADD s 1 2 3 4
        (integer) 4
        > SREM s 1 9
        (integer) 1
        > SREM s 9
        (integer) 0
        > SREM s 2 3 2 3 4 5
        (integer) 3
        > EXISTS s
        (integer) 0
        > SREM s 1
        (integer) 0
        > SET k v
        OK
        > SREM k 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SREM s
        (error) ERR wrong number of arguments for \'srem\' command
        > SADD t a
        (integer) 1
        > SREM t a b
        (integer) 1
        > EXISTS t
        (integer) 0
    "#]]);
}

#[test]
fn membership_is_told_of_one_and_of_many() {
    check(expect![[r#"
        > SADD s 1 2 3
        (integer) 3
        > SISMEMBER s 1
        (integer) 1
        > SISMEMBER s 01
        (integer) 0
        > SISMEMBER s 4
        (integer) 0
        > SISMEMBER none 1
        (integer) 0
        > SMISMEMBER s 1 4 3 1
        1) (integer) 1
        2) (integer) 0
        3) (integer) 1
        4) (integer) 1
        > SMISMEMBER none 1 2
        1) (integer) 0
        2) (integer) 0
        > SADD t a 1
        (integer) 2
        > SISMEMBER t 1
        (integer) 1
        > SISMEMBER t a
        (integer) 1
        > SMISMEMBER t b a
        1) (integer) 0
        2) (integer) 1
        > SET k v
        OK
        > SISMEMBER k 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMISMEMBER k 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SISMEMBER s
        (error) ERR wrong number of arguments for \'sismember\' command
        > SISMEMBER s 1 2
        (error) ERR wrong number of arguments for \'sismember\' command
        > SMISMEMBER s
        (error) ERR wrong number of arguments for \'smismember\' command
    "#]]);
}

#[test]
fn smembers_returns_all() {
    check(expect![[r#"
        > SMEMBERS none
        (empty array)
        > SADD s 3 1 2
        (integer) 3
        > SMEMBERS s
        1) "1"
        2) "2"
        3) "3"
        > SADD t only
        (integer) 1
        > SMEMBERS t
        1) "only"
        > SET k v
        OK
        > SMEMBERS k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMEMBERS
        (error) ERR wrong number of arguments for \'smembers\' command
        > SMEMBERS s t
        (error) ERR wrong number of arguments for \'smembers\' command
    "#]]);
}

#[test]
fn smembers_is_a_set_in_resp3() {
    check(expect![[r#"
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > SADD s 3 1 2
        (integer) 3
        > SMEMBERS s
        1~ "1"
        2~ "2"
        3~ "3"
        > SMEMBERS none
        (empty set)
        > SINTER s
        1~ "1"
        2~ "2"
        3~ "3"
        > SINTER none
        (empty set)
        > SUNION s s
        1~ "1"
        2~ "2"
        3~ "3"
        > SDIFF s none
        1~ "1"
        2~ "2"
        3~ "3"
        > SMISMEMBER s 1 9
        1) (integer) 1
        2) (integer) 0
        > SISMEMBER s 1
        (integer) 1
        > SSCAN s 0
        1) "0"
        2) 1) "1"
           2) "2"
           3) "3"
    "#]]);
}

#[test]
fn smove_moves_a_member() {
    check(expect![[r#"
        > SADD a 1 2 x
        (integer) 3
        > SADD b 2 3
        (integer) 2
        > SMOVE a b 1
        (integer) 1
        > SMEMBERS b
        1) "1"
        2) "2"
        3) "3"
        > SMOVE a b 2
        (integer) 1
        > SMEMBERS a
        1) "x"
        > SMOVE a b 9
        (integer) 0
        > SMOVE none b 1
        (integer) 0
        > SMOVE a c x
        (integer) 1
        > EXISTS a
        (integer) 0
        > OBJECT ENCODING c
        "hashtable"
        > SMOVE b c 3
        (integer) 1
        > SMEMBERS b
        1) "1"
        2) "2"
        > SMOVE b b 1
        (integer) 1
        > SMOVE b b 9
        (integer) 0
        > SCARD b
        (integer) 2
        > SET k v
        OK
        > SMOVE b k 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE b k 9
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE k b 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMOVE none k 1
        (integer) 0
        > SMOVE b c
        (error) ERR wrong number of arguments for \'smove\' command
        > SMOVE b c 1 2
        (error) ERR wrong number of arguments for \'smove\' command
    "#]]);
}

#[test]
fn sets_combine() {
    check(expect![[r#"
        > SADD a 1 2 3 4
        (integer) 4
        > SADD b 3 4 5
        (integer) 3
        > SADD c 4 x
        (integer) 2
        > SINTER a b
        1) "3"
        2) "4"
        > SINTER a b c
        1) "4"
        > SINTER a a
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SINTER a none
        (empty array)
        > SINTER none none
        (empty array)
        > SUNION a b
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "5"
        > SUNION none a none
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SUNION none
        (empty array)
        > SDIFF a b
        1) "1"
        2) "2"
        > SDIFF a b c
        1) "1"
        2) "2"
        > SDIFF b a
        1) "5"
        > SDIFF a a
        (empty array)
        > SDIFF none a
        (empty array)
        > SDIFF a none
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SDIFF a
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > SINTER
        (error) ERR wrong number of arguments for \'sinter\' command
        > SUNION
        (error) ERR wrong number of arguments for \'sunion\' command
        > SDIFF
        (error) ERR wrong number of arguments for \'sdiff\' command
    "#]]);
}

#[test]
fn what_is_no_set_does_not_combine() {
    check(expect![[r#"
        > SADD a 1 2
        (integer) 2
        > SET k v
        OK
        > SINTER a k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTER none k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTER k none
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SUNION a k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SUNION none k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFF a k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFF k a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFF none k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SADD d old
        (integer) 1
        > SINTERSTORE d a k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTERSTORE d none k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SUNIONSTORE d a k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SDIFFSTORE d none k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTERCARD 2 a k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTERCARD 2 none k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SMEMBERS d
        1) "old"
    "#]]);
}

#[test]
fn results_are_stored_whatever_was_there() {
    check(expect![[r#"
        > SADD a 1 2 3 4
        (integer) 4
        > SADD b 3 4 5
        (integer) 3
        > SINTERSTORE d a b
        (integer) 2
        > SMEMBERS d
        1) "3"
        2) "4"
        > SUNIONSTORE d a b
        (integer) 5
        > SMEMBERS d
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "5"
        > SDIFFSTORE d a b
        (integer) 2
        > SMEMBERS d
        1) "1"
        2) "2"
        > SET k v EX 100
        OK
        > SUNIONSTORE k a
        (integer) 4
        > TTL k
        (integer) -1
        > TYPE k
        set
        > SINTERSTORE k a none
        (integer) 0
        > EXISTS k
        (integer) 0
        > SINTERSTORE k a none
        (integer) 0
        > SET k v
        OK
        > SDIFFSTORE k a a
        (integer) 0
        > EXISTS k
        (integer) 0
        > SUNIONSTORE k none
        (integer) 0
        > SUNIONSTORE a a b
        (integer) 5
        > SMEMBERS a
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "5"
        > SDIFFSTORE a a b
        (integer) 2
        > SMEMBERS a
        1) "1"
        2) "2"
        > SINTERSTORE a a a
        (integer) 2
        > SMEMBERS a
        1) "1"
        2) "2"
        > SINTERSTORE d
        (error) ERR wrong number of arguments for \'sinterstore\' command
        > SUNIONSTORE d
        (error) ERR wrong number of arguments for \'sunionstore\' command
        > SDIFFSTORE d
        (error) ERR wrong number of arguments for \'sdiffstore\' command
    "#]]);
}

#[test]
fn sintercard_counts_up_to_a_limit() {
    check(expect![[r#"
        > SADD a 1 2 3 4
        (integer) 4
        > SADD b 2 3 4 5
        (integer) 4
        > SINTERCARD 2 a b
        (integer) 3
        > SINTERCARD 2 a b LIMIT 0
        (integer) 3
        > SINTERCARD 2 a b LIMIT 2
        (integer) 2
        > SINTERCARD 2 a b limit 10
        (integer) 3
        > SINTERCARD 2 a b LIMIT 1 LIMIT 2
        (integer) 2
        > SINTERCARD 1 a
        (integer) 4
        > SINTERCARD 1 none
        (integer) 0
        > SINTERCARD 2 a none LIMIT 5
        (integer) 0
        > SINTERCARD
        (error) ERR wrong number of arguments for \'sintercard\' command
        > SINTERCARD 1
        (error) ERR wrong number of arguments for \'sintercard\' command
        > SINTERCARD 0 a
        (error) ERR numkeys should be greater than 0
        > SINTERCARD x a
        (error) ERR numkeys should be greater than 0
        > SINTERCARD -1 a
        (error) ERR numkeys should be greater than 0
        > SINTERCARD 2 a
        (error) ERR Number of keys can\'t be greater than number of args
        > SINTERCARD 9223372036854775807 a b
        (error) ERR Number of keys can\'t be greater than number of args
        > SINTERCARD 2 a b c
        (error) ERR syntax error
        > SINTERCARD 2 a b LIMIT
        (error) ERR syntax error
        > SINTERCARD 2 a b LIMIT -1
        (error) ERR LIMIT can\'t be negative
        > SINTERCARD 2 a b LIMIT x
        (error) ERR LIMIT can\'t be negative
        > SINTERCARD 2 a b LIMIT 9223372036854775807
        (integer) 3
        > SINTERCARD 2 a b LIMIT 9223372036854775808
        (error) ERR LIMIT can\'t be negative
        > SINTERCARD 2 a b COUNT 1
        (error) ERR syntax error
    "#]]);
}

#[test]
fn sscan_returns_a_small_set_at_once() {
    check(expect![[r#"
        > SSCAN none 0
        1) "0"
        2) (empty array)
        > SSCAN none x
        (error) ERR invalid cursor
        > SSCAN none 0 NO SUCH OPTION
        1) "0"
        2) (empty array)
        > SADD s 1 2 3 10
        (integer) 4
        > SSCAN s 0
        1) "0"
        2) 1) "1"
           2) "2"
           3) "3"
           4) "10"
        > SSCAN s 17 COUNT 1
        1) "0"
        2) 1) "1"
           2) "2"
           3) "3"
           4) "10"
        > SSCAN s 0 MATCH 1*
        1) "0"
        2) 1) "1"
           2) "10"
        > SSCAN s 0 MATCH 1* COUNT 1
        1) "0"
        2) 1) "1"
           2) "10"
        > SSCAN s 0 MATCH x*
        1) "0"
        2) (empty array)
        > SSCAN s 0 COUNT 0
        (error) ERR syntax error
        > SSCAN s 0 COUNT -1
        (error) ERR syntax error
        > SSCAN s 0 COUNT x
        (error) ERR value is not an integer or out of range
        > SSCAN s 0 COUNT
        (error) ERR syntax error
        > SSCAN s 0 MATCH
        (error) ERR syntax error
        > SSCAN s 0 TYPE set
        (error) ERR syntax error
        > SSCAN s x
        (error) ERR invalid cursor
        > SET k v
        OK
        > SSCAN k 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SSCAN k x
        (error) ERR invalid cursor
        > SSCAN s
        (error) ERR wrong number of arguments for \'sscan\' command
    "#]]);
}

#[test]
fn what_changed_is_logged() {
    let transcript = "
        > SADD s 1 2 3
        > SADD s 1
        > SREM s 3 9
        > SREM s 9
        > SREM s 1 2
        > SADD a 1 2
        > SMOVE a b 1
        > SMOVE a b 9
        > SMOVE a a 2
        > SUNIONSTORE d a b
        > SINTERSTORE d a b
        > SINTERSTORE d a b
        > SDIFFSTORE d a none
        > SMEMBERS d";
    check_log(
        transcript,
        expect![[r#"
        SELECT 0
        SADD s 1 2 3
        SREM s 3 9
        SREM s 1 2
        SADD a 1 2
        SMOVE a b 1
        SUNIONSTORE d a b
        SINTERSTORE d a b
        SDIFFSTORE d a none
    "#]],
    );
}

/// A node that holds a set `s` of members `m0` and on, too many to be drawn or scanned at once.
fn node_with_members(count: usize) -> Node {
    let mut node = Node::new(crate::table());
    let members: Vec<Vec<u8>> = (0..count).map(|id| format!("m{id}").into_bytes()).collect();
    let words: Vec<Vec<u8>> = [b"SADD".to_vec(), b"s".to_vec()]
        .into_iter()
        .chain(members)
        .collect();
    node.command("", &words);
    node
}

/// The strings of a reply that is an array.
fn strings(value: Value) -> Vec<Vec<u8>> {
    let Value::Array(values) = value else {
        panic!("an array, not {value:?}");
    };
    let strings = values.into_iter().map(|value| match value {
        Value::Bulk(bytes) => bytes,
        other => panic!("a string, not {other:?}"),
    });
    strings.collect()
}

fn ask(node: &mut Node, request: &str) -> Value {
    let words: Vec<Vec<u8>> = request.split(' ').map(|word| word.into()).collect();
    node.command("", &words).expect("a reply")
}

#[test]
fn sscan_shows_what_stays_while_the_set_grows_and_shrinks() {
    let mut node = node_with_members(1000);
    let (mut cursor, mut calls) = (b"0".to_vec(), 0);
    let mut seen = BTreeSet::new();
    loop {
        let request = format!("SSCAN s {} COUNT 20", String::from_utf8_lossy(&cursor));
        let Value::Array(page) = ask(&mut node, &request) else {
            panic!("a page");
        };
        let [Value::Bulk(next), members] = &page[..] else {
            panic!("a cursor and members");
        };
        seen.extend(strings(members.clone()));
        if next == b"0" {
            break;
        }
        (cursor, calls) = (next.clone(), calls + 1);
        // Thousands of others come and go.
        let name = if calls % 4 < 2 { "SADD" } else { "SREM" };
        let ids = (calls / 4 * 500 + calls % 2 * 250..).take(250);
        let others: Vec<String> = ids.map(|id| format!("other{id}")).collect();
        ask(&mut node, &format!("{name} s {}", others.join(" ")));
    }
    assert!(calls > 30, "{calls}");
    assert!((0..1000).all(|id| seen.contains(format!("m{id}").as_bytes())));
}

#[test]
fn what_chance_chooses_is_different_and_all_of_it_there() {
    let mut node = node_with_members(1000);
    for count in [1, 100, 249, 250, 600, 999, 1000, 5000] {
        let chosen = strings(ask(&mut node, &format!("SRANDMEMBER s {count}")));
        let different: BTreeSet<_> = chosen.iter().collect();
        assert_eq!(
            (chosen.len(), different.len()),
            (count.min(1000), count.min(1000))
        );
        assert!(chosen.iter().all(|member| member[0] == b'm'));
    }
    assert_eq!(strings(ask(&mut node, "SRANDMEMBER s -5000")).len(), 5000);
    let mut popped = BTreeSet::new();
    for count in [1, 300, 600, 500] {
        popped.extend(strings(ask(&mut node, &format!("SPOP s {count}"))));
    }
    assert_eq!(popped.len(), 1000);
    assert_eq!(ask(&mut node, "EXISTS s"), Value::Integer(0));
}

#[test]
fn nobody_waits_for_a_combination_of_large_sets() {
    let mut node = Node::new(crate::table());
    for key in ["one", "two"] {
        let members: Vec<String> = (0..6000).map(|member| member.to_string()).collect();
        let line = format!("SADD {key} {}\r\n", members.join(" "));
        assert_eq!(node.send("client", line.as_bytes()), b":6000\r\n");
    }
    node.send("client", b"SADD few 1 2 3\r\n");
    let mut long = |line: &str| long_runs(&mut node, &format!("{line}\r\n")) == 1;
    assert!(long("SUNION one few"));
    assert!(long("SINTER one two"));
    assert!(long("SINTERCARD 2 one two"));
    assert!(long("SDIFFSTORE to one few"));
    // What is gone through is small here, however large the other set is.
    assert!(!long("SINTER one few"));
    assert!(!long("SINTERSTORE to one nothing"));
    assert!(!long("SINTERCARD 2 one two LIMIT 10"));
    assert!(!long("SDIFF few one"));
    assert!(!long("SUNION few few"));
}
