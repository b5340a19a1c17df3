use expect_test::{Expect, expect};
use testkit::Node;

/// Plays a transcript against a server that answers so, and shows what that was sent.
#[track_caller]
fn check(answers: &[u8], transcript: Expect, sent: Expect) {
    let mut node = Node::new(crate::table());
    node.world.answer_wire(answers);
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
    let received = node.world.take_wired();
    let (mut rest, mut text) = (received.as_slice(), String::new());
    while let Some((value, len)) = resp::value::read(rest).expect("requests are well-formed") {
        let resp::value::Value::Array(words) = value else {
            panic!("requests are arrays")
        };
        let words = words.iter().map(|word| match word {
            resp::value::Value::Bulk(bytes) if bytes.len() < 16 => {
                String::from_utf8_lossy(bytes).escape_debug().to_string()
            }
            _ => "...".to_owned(),
        });
        text += &words.collect::<Vec<_>>().join(" ");
        text += "\n";
        rest = &rest[len..];
    }
    sent.assert_eq(&text);
}

#[test]
fn keys_are_here_until_they_are_there() {
    check(
        b"+OK\r\n+OK\r\n",
        expect![[r#"
            > SET a a-value-of-some-length
            OK
            > MIGRATE host 7000 a 0 1000
            OK
            > EXISTS a
            (integer) 0
        "#]],
        expect![[r#"
            SELECT 0
            RESTORE a 0 ...
        "#]],
    );
}

#[test]
fn what_is_refused_stays() {
    check(
        b"+OK\r\n+OK\r\n-BUSYKEY Target key name already exists.\r\n+OK\r\n",
        expect![[r#"
            > MSET a a-value-of-some-length b a-value-of-some-length c a-value-of-some-length
            OK
            > MIGRATE host 7000 "" 3 1000 REPLACE KEYS a b nothing c
            (error) ERR Target instance replied with error: BUSYKEY Target key name already exists.
            > KEYS *
            1) "b"
        "#]],
        expect![[r#"
            SELECT 3
            RESTORE a 0 ... REPLACE
            RESTORE b 0 ... REPLACE
            RESTORE c 0 ... REPLACE
        "#]],
    );
}

#[test]
fn nothing_goes_where_the_client_is_not_welcome() {
    check(
        b"-WRONGPASS invalid username-password pair or user is disabled.\r\n\
          -NOAUTH Authentication required.\r\n-NOAUTH Authentication required.\r\n",
        expect![[r#"
            > SET a a-value-of-some-length
            OK
            > MIGRATE host 7000 a 0 1000 AUTH2 me secret
            (error) ERR Target instance replied with error: WRONGPASS invalid username-password pair or user is disabled.
            > EXISTS a
            (integer) 1
        "#]],
        expect![[r#"
            AUTH me secret
            SELECT 0
            RESTORE a 0 ...
        "#]],
    );
}

#[test]
fn a_copy_leaves_the_key_and_a_kept_connection_its_db() {
    check(
        b"+OK\r\n+OK\r\n+OK\r\n",
        expect![[r#"
            > SET a a-value-of-some-length PX 10000
            OK
            > MIGRATE host 7000 a 1 1000 COPY
            OK
            > MIGRATE host 7000 a 1 1000 COPY REPLACE
            (error) IOERR error or timeout reading to target instance
            > EXISTS a
            (integer) 1
        "#]],
        expect![[r#"
            SELECT 1
            RESTORE a 10000 ...
            RESTORE a 10000 ... REPLACE
        "#]],
    );
}

#[test]
fn mistakes_are_named_before_anything_is_sent() {
    check(
        b"",
        expect![[r#"
            > MIGRATE host 7000 a 0 1000
            NOKEY
            > SET a 1
            OK
            > MIGRATE host 7000 a x 1000
            (error) ERR value is not an integer or out of range
            > MIGRATE host 7000 a 0 x
            (error) ERR value is not an integer or out of range
            > MIGRATE host 7000 a 0 1000 KEYS a b
            (error) ERR When using MIGRATE KEYS option, the key argument must be set to the empty string
            > MIGRATE host 7000 a 0 1000 FOO
            (error) ERR syntax error
            > MIGRATE host 7000 a 0 1000 AUTH
            (error) ERR syntax error
            > MIGRATE host 7000 a 0 1000 AUTH2 a
            (error) ERR syntax error
            > MIGRATE host 7000 "" 0 1000 KEYS
            NOKEY
            > MIGRATE host 7000 a 0 1000
            (error) IOERR error or timeout reading to target instance
            > EXISTS a
            (integer) 1
        "#]],
        expect![[r#"
            SELECT 0
            RESTORE a 0 \0�\u{1}\n\0&x��\u{1}\u{11}�
        "#]],
    );
}

#[test]
fn nobody_there_is_an_error_of_writing() {
    crate::testing::check(expect![[r#"
        > SET a 1
        OK
        > MIGRATE host 7000 a 0 1000
        (error) IOERR error or timeout writing to target instance
    "#]]);
}

#[test]
fn the_log_says_what_is_gone() {
    let mut node = Node::new(crate::table());
    node.world.answer_wire(b"+OK\r\n+OK\r\n+OK\r\n");
    testkit::replay(&mut node, "> MSET {a}1 x {a}2 y");
    let reader = crate::testing::subscribe(&node);
    testkit::replay(&mut node, "> MIGRATE host 1 \"\" 0 9 KEYS {a}1 {a}2 {a}3");
    let mut bytes = Vec::new();
    node.engine.log.read(&reader, &mut bytes);
    expect![[r#"
        SELECT 0
        DEL {a}1 {a}2
    "#]]
    .assert_eq(&crate::testing::commands(&bytes));
}
