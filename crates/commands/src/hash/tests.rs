use std::collections::BTreeMap;

use expect_test::expect;
use resp::value::Value;
use testkit::Node;

use crate::testing::{check, check_log};

#[test]
fn hset_counts_what_was_missing() {
    check(expect![[r#"
        > HSET h a 1 b 2
        (integer) 2
        > HSET h a 3 c 4
        (integer) 1
        > HGETALL h
        1) "a"
        2) "3"
        3) "b"
        4) "2"
        5) "c"
        6) "4"
        > HSET h a 3
        (integer) 0
        > HSET h d 1 d 2
        (integer) 1
        > HGET h d
        "2"
        > HSET h a
        (error) ERR wrong number of arguments for \'hset\' command
        > HSET h a 1 b
        (error) ERR wrong number of arguments for \'hset\' command
        > HSET h
        (error) ERR wrong number of arguments for \'hset\' command
        > HSET
        (error) ERR wrong number of arguments for \'hset\' command
        > SET k v
        OK
        > HSET k a
        (error) ERR wrong number of arguments for \'hset\' command
        > HSET k a 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > TYPE h
        hash
        > HMSET h a 1 e 5
        OK
        > HGET h e
        "5"
        > HMSET h a
        (error) ERR wrong number of arguments for \'hmset\' command
        > HMSET h a 1 b
        (error) ERR wrong number of arguments for \'hmset\' command
        > HMSET k a 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HMSET new x y
        OK
        > TYPE new
        hash
    "#]]);
}

#[test]
fn hsetnx_leaves_what_is_there() {
    check(expect![[r#"
        > HSETNX h a 1
        (integer) 1
        > HSETNX h a 2
        (integer) 0
        > HGET h a
        "1"
        > HSETNX h b 2
        (integer) 1
        > HLEN h
        (integer) 2
        > SET k v
        OK
        > HSETNX k a 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSETNX h a
        (error) ERR wrong number of arguments for \'hsetnx\' command
        > HSETNX h a 1 b
        (error) ERR wrong number of arguments for \'hsetnx\' command
    "#]]);
}

#[test]
fn fields_are_read_one_by_one_and_together() {
    check(expect![[r#"
        > HSET h a 1 b two empty ""
        (integer) 3
        > HGET h a
        "1"
        > HGET h b
        "two"
        > HGET h empty
        ""
        > HGET h none
        (nil)
        > HGET none a
        (nil)
        > HMGET h a none b a
        1) "1"
        2) (nil)
        3) "two"
        4) "1"
        > HMGET none a b
        1) (nil)
        2) (nil)
        > HEXISTS h a
        (integer) 1
        > HEXISTS h none
        (integer) 0
        > HEXISTS none a
        (integer) 0
        > HSTRLEN h a
        (integer) 1
        > HSTRLEN h b
        (integer) 3
        > HSTRLEN h empty
        (integer) 0
        > HSTRLEN h none
        (integer) 0
        > HSTRLEN none a
        (integer) 0
        > HLEN h
        (integer) 3
        > HLEN none
        (integer) 0
        > HSET n x -9223372036854775808
        (integer) 1
        > HSTRLEN n x
        (integer) 20
        > SET k v
        OK
        > HGET k a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HMGET k a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HEXISTS k a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSTRLEN k a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HLEN k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HGET h
        (error) ERR wrong number of arguments for \'hget\' command
        > HGET h a b
        (error) ERR wrong number of arguments for \'hget\' command
        > HMGET h
        (error) ERR wrong number of arguments for \'hmget\' command
        > HEXISTS h
        (error) ERR wrong number of arguments for \'hexists\' command
        > HSTRLEN h
        (error) ERR wrong number of arguments for \'hstrlen\' command
        > HLEN
        (error) ERR wrong number of arguments for \'hlen\' command
    "#]]);
}

#[test]
fn a_hash_is_listed_as_a_whole_or_in_part() {
    check(expect![[r#"
        > HSET h a 1 b 2 c 3
        (integer) 3
        > HGETALL h
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        5) "c"
        6) "3"
        > HKEYS h
        1) "a"
        2) "b"
        3) "c"
        > HVALS h
        1) "1"
        2) "2"
        3) "3"
        > HGETALL none
        (empty array)
        > HKEYS none
        (empty array)
        > HVALS none
        (empty array)
        > SET k v
        OK
        > HGETALL k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HKEYS k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HVALS k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HGETALL
        (error) ERR wrong number of arguments for \'hgetall\' command
        > HKEYS
        (error) ERR wrong number of arguments for \'hkeys\' command
        > HVALS h h
        (error) ERR wrong number of arguments for \'hvals\' command
    "#]]);
}

#[test]
fn a_hash_is_a_map_in_resp3() {
    check(expect![[r#"
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > HSET h a 1 b 2
        (integer) 2
        > HGETALL h
        1# "a" => "1"
        2# "b" => "2"
        > HGETALL none
        (empty hash)
        > HKEYS h
        1) "a"
        2) "b"
        > HVALS h
        1) "1"
        2) "2"
        > HGET h none
        (nil)
        > HMGET h a none
        1) "1"
        2) (nil)
        > HINCRBYFLOAT h a 1.5
        "2.5"
        > HSCAN h 0
        1) "0"
        2) 1) "a"
           2) "2.5"
           3) "b"
           4) "2"
        > HEXISTS h a
        (integer) 1
    "#]]);
}

#[test]
fn hdel_deletes_a_hash_without_fields() {
    check(expect![[r#"
        > HSET h a 1 b 2 c 3
        (integer) 3
        > HDEL h a none
        (integer) 1
        > HDEL h none
        (integer) 0
        > HDEL h b b c
        (integer) 2
        > EXISTS h
        (integer) 0
        > HDEL h a
        (integer) 0
        > SET k v
        OK
        > HDEL k a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HDEL h
        (error) ERR wrong number of arguments for \'hdel\' command
    "#]]);
}

#[test]
fn the_encoding_follows_number_and_length() {
    check(expect![[r#"
        > HSET h a 1
        (integer) 1
        > OBJECT ENCODING h
        "listpack"
        > CONFIG SET hash-max-listpack-entries 3
        OK
        > HSET h b 2 c 3
        (integer) 2
        > OBJECT ENCODING h
        "listpack"
        > HSET h c 4
        (integer) 0
        > OBJECT ENCODING h
        "listpack"
        > HSET h d 4
        (integer) 1
        > OBJECT ENCODING h
        "hashtable"
        > HDEL h d c b
        (integer) 3
        > OBJECT ENCODING h
        "hashtable"
        > HGETALL h
        1) "a"
        2) "1"
        > CONFIG SET hash-max-listpack-value 5
        OK
        > HSET v f 12345
        (integer) 1
        > OBJECT ENCODING v
        "listpack"
        > HSET v f 123456
        (integer) 0
        > OBJECT ENCODING v
        "hashtable"
        > HSET w longer 1
        (integer) 1
        > OBJECT ENCODING w
        "hashtable"
        > HINCRBY x longer 1
        (integer) 1
        > OBJECT ENCODING x
        "hashtable"
        > HINCRBYFLOAT y f 0.25
        "0.25"
        > OBJECT ENCODING y
        "listpack"
        > HINCRBYFLOAT y f 0.00001
        "0.25001"
        > OBJECT ENCODING y
        "hashtable"
        > HGET y f
        "0.25001"
        > HSETNX z f longer
        (integer) 1
        > OBJECT ENCODING z
        "hashtable"
    "#]]);
}

#[test]
fn hincrby_adds_to_an_integer() {
    check(expect![[r#"
        > HINCRBY h n 5
        (integer) 5
        > HINCRBY h n -7
        (integer) -2
        > HINCRBY h n 0
        (integer) -2
        > HGET h n
        "-2"
        > HSET h n 9223372036854775806
        (integer) 0
        > HINCRBY h n 1
        (integer) 9223372036854775807
        > HINCRBY h n 1
        (error) ERR increment or decrement would overflow
        > HGET h n
        "9223372036854775807"
        > HSET h n -9223372036854775808
        (integer) 0
        > HINCRBY h n -1
        (error) ERR increment or decrement would overflow
        > HSET h n " 1"
        (integer) 0
        > HINCRBY h n 1
        (error) ERR hash value is not an integer
        > HSET h n 01
        (integer) 0
        > HINCRBY h n 1
        (error) ERR hash value is not an integer
        > HSET h n 1.5
        (integer) 0
        > HINCRBY h n 1
        (error) ERR hash value is not an integer
        > HSET h n ""
        (integer) 0
        > HINCRBY h n 1
        (error) ERR hash value is not an integer
        > HINCRBY h n x
        (error) ERR value is not an integer or out of range
        > HINCRBY h n 1.5
        (error) ERR value is not an integer or out of range
        > HINCRBY h n 9223372036854775808
        (error) ERR value is not an integer or out of range
        > HINCRBY none n x
        (error) ERR value is not an integer or out of range
        > EXISTS none
        (integer) 0
        > SET k v
        OK
        > HINCRBY k n x
        (error) ERR value is not an integer or out of range
        > HINCRBY k n 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HINCRBY h n
        (error) ERR wrong number of arguments for \'hincrby\' command
        > HINCRBY h n 1 2
        (error) ERR wrong number of arguments for \'hincrby\' command
    "#]]);
}

#[test]
fn hincrbyfloat_adds_to_a_number() {
    check(expect![[r#"
        > HINCRBYFLOAT h n 2.5
        "2.5"
        > HINCRBYFLOAT h n -0.5
        "2"
        > HINCRBYFLOAT h n 1e3
        "1002"
        > HINCRBYFLOAT h n 0
        "1002"
        > HGET h n
        "1002"
        > HSET h n 1.23
        (integer) 0
        > HINCRBYFLOAT h n 0.77
        "2"
        > HINCRBYFLOAT h n -0.1
        "1.9"
        > HSET h n " 1"
        (integer) 0
        > HINCRBYFLOAT h n 1
        (error) ERR hash value is not a float
        > HSET h n ""
        (integer) 0
        > HINCRBYFLOAT h n 1
        (error) ERR hash value is not a float
        > HSET h n text
        (integer) 0
        > HINCRBYFLOAT h n 1
        (error) ERR hash value is not a float
        > HSET h n nan
        (integer) 0
        > HINCRBYFLOAT h n 1
        (error) ERR hash value is not a float
        > HSET h n inf
        (integer) 0
        > HINCRBYFLOAT h n 1
        (error) ERR increment would produce NaN or Infinity
        > HINCRBYFLOAT h n inf
        (error) ERR value is NaN or Infinity
        > HINCRBYFLOAT h n -inf
        (error) ERR value is NaN or Infinity
        > HINCRBYFLOAT h n nan
        (error) ERR value is not a valid float
        > HINCRBYFLOAT h n x
        (error) ERR value is not a valid float
        > HINCRBYFLOAT none n inf
        (error) ERR value is NaN or Infinity
        > EXISTS none
        (integer) 0
        > SET k v
        OK
        > HINCRBYFLOAT k n inf
        (error) ERR value is NaN or Infinity
        > HINCRBYFLOAT k n x
        (error) ERR value is not a valid float
        > HINCRBYFLOAT k n 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HINCRBYFLOAT h n
        (error) ERR wrong number of arguments for \'hincrbyfloat\' command
    "#]]);
}

#[test]
fn hscan_returns_a_small_hash_at_once() {
    check(expect![[r#"
        > HSCAN none 0
        1) "0"
        2) (empty array)
        > HSCAN none x
        (error) ERR invalid cursor
        > HSCAN none 0 NO SUCH OPTION
        1) "0"
        2) (empty array)
        > HSET h a 1 b 2 ab a
        (integer) 3
        > HSCAN h 0
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2"
           5) "ab"
           6) "a"
        > HSCAN h 17 COUNT 1
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2"
           5) "ab"
           6) "a"
        > HSCAN h 0 MATCH a*
        1) "0"
        2) 1) "a"
           2) "1"
           3) "ab"
           4) "a"
        > HSCAN h 0 MATCH a* COUNT 1
        1) "0"
        2) 1) "a"
           2) "1"
           3) "ab"
           4) "a"
        > HSCAN h 0 MATCH 1
        1) "0"
        2) (empty array)
        > HSCAN h 0 COUNT 0
        (error) ERR syntax error
        > HSCAN h 0 COUNT x
        (error) ERR value is not an integer or out of range
        > HSCAN h 0 COUNT
        (error) ERR syntax error
        > HSCAN h 0 MATCH
        (error) ERR syntax error
        > HSCAN h 0 TYPE hash
        (error) ERR syntax error
        > HSCAN h 0 NOVALUES
        (error) ERR syntax error
        > HSCAN h x
        (error) ERR invalid cursor
        > SET k v
        OK
        > HSCAN k 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HSCAN k x
        (error) ERR invalid cursor
        > HSCAN h
        (error) ERR wrong number of arguments for \'hscan\' command
    "#]]);
}

#[test]
fn hrandfield_returns_fields() {
    check(expect![[r#"
        > HRANDFIELD none
        (nil)
        > HRANDFIELD none 5
        (empty array)
        > HRANDFIELD none -5 WITHVALUES
        (empty array)
        > HSET h a 1 b 2 c 3
        (integer) 3
        > HRANDFIELD h 3
        1) "a"
        2) "b"
        3) "c"
        > HRANDFIELD h 100
        1) "a"
        2) "b"
        3) "c"
        > HRANDFIELD h 100 WITHVALUES
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        5) "c"
        6) "3"
        > HRANDFIELD h 0
        (empty array)
        > HRANDFIELD h 0 WITHVALUES
        (empty array)
        > HSET one f v
        (integer) 1
        > HRANDFIELD one
        "f"
        > HRANDFIELD one 1
        1) "f"
        > HRANDFIELD one -2
        1) "f"
        2) "f"
        > HRANDFIELD one -2 withvalues
        1) "f"
        2) "v"
        3) "f"
        4) "v"
        > HRANDFIELD h x
        (error) ERR value is not an integer or out of range
        > HRANDFIELD h 9223372036854775808
        (error) ERR value is not an integer or out of range
        > HRANDFIELD h -9223372036854775808
        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > HRANDFIELD h x WITHVALUES more
        (error) ERR value is not an integer or out of range
        > HRANDFIELD h 1 VALUES
        (error) ERR syntax error
        > HRANDFIELD h 1 WITHVALUES more
        (error) ERR syntax error
        > HRANDFIELD none 4611686018427387903 WITHVALUES
        (empty array)
        > HRANDFIELD none 4611686018427387904 WITHVALUES
        (error) ERR value is out of range
        > HRANDFIELD none -4611686018427387903 WITHVALUES
        (empty array)
        > HRANDFIELD none -4611686018427387904 WITHVALUES
        (error) ERR value is out of range
        > HRANDFIELD none -9223372036854775807
        (empty array)
        > SET k v
        OK
        > HRANDFIELD k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HRANDFIELD k x
        (error) ERR value is not an integer or out of range
        > HRANDFIELD k 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HRANDFIELD
        (error) ERR wrong number of arguments for \'hrandfield\' command
    "#]]);
}

#[test]
fn hrandfield_pairs_values_in_resp3() {
    check(expect![[r#"
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > HSET h a 1 b 2
        (integer) 2
        > HRANDFIELD h 2
        1) "a"
        2) "b"
        > HRANDFIELD h 2 WITHVALUES
        1) 1) "a"
           2) "1"
        2) 1) "b"
           2) "2"
        > HRANDFIELD h 0 WITHVALUES
        (empty array)
        > HRANDFIELD none
        (nil)
        > HRANDFIELD none 2 WITHVALUES
        (empty array)
        > HSET one f v
        (integer) 1
        > HRANDFIELD one -2 WITHVALUES
        1) 1) "f"
           2) "v"
        2) 1) "f"
           2) "v"
    "#]]);
}

#[test]
fn what_changed_is_logged() {
    let transcript = "
        > HSET h a 1 b 2
        > HSET h a 1
        > HMSET h c 3
        > HSETNX h a 2
        > HSETNX h d 4
        > HINCRBY h a 2
        > HINCRBY h a x
        > HINCRBYFLOAT h a 0.5
        > HINCRBYFLOAT h b x
        > HDEL h a none
        > HDEL h none
        > HDEL h b c d
        > HGETALL h";
    check_log(
        transcript,
        expect![[r#"
        SELECT 0
        HSET h a 1 b 2
        HSET h a 1
        HMSET h c 3
        HSETNX h d 4
        HINCRBY h a 2
        HSET h a 3.5
        HDEL h a none
        HDEL h b c d
    "#]],
    );
}

#[test]
fn hrandfield_chooses_different_fields_of_a_large_hash() {
    let mut node = Node::new(crate::table());
    let pairs: Vec<String> = (0..1000).map(|id| format!("f{id} v{id}")).collect();
    let mut ask = |request: &str| {
        let words: Vec<Vec<u8>> = request.split(' ').map(|word| word.into()).collect();
        node.command("", &words).expect("a reply")
    };
    ask(&format!("HSET h {}", pairs.join(" ")));
    for count in [1_usize, 100, 249, 250, 600, 1000, 5000] {
        let Value::Array(chosen) = ask(&format!("HRANDFIELD h {count} WITHVALUES")) else {
            panic!("an array");
        };
        let pairs: BTreeMap<_, _> = chosen
            .chunks(2)
            .map(|pair| match pair {
                [Value::Bulk(field), Value::Bulk(value)] => (&field[1..], &value[1..]),
                other => panic!("a field and a value, not {other:?}"),
            })
            .collect();
        assert_eq!(chosen.len() / 2, count.min(1000));
        assert_eq!(pairs.len(), count.min(1000));
        assert!(pairs.iter().all(|(field, value)| field == value));
    }
}
