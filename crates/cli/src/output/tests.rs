use expect_test::{Expect, expect};
use resp::decoder::Decoder;

use super::*;

const FORMATS: [Format; 5] = [
    Format::Standard,
    Format::Raw,
    Format::Csv,
    Format::Json,
    Format::QuotedJson,
];

/// All formats of one reply, a line of `=` before each.
#[track_caller]
fn check(reply: &[u8], expected: Expect) {
    let decoded = Decoder::default().decode(reply).unwrap();
    let value = decoded.value.unwrap();
    let mut text = String::new();
    for format in FORMATS {
        let style = Style {
            format,
            element_delimiter: b"\n".to_vec(),
            reply_delimiter: b"\n".to_vec(),
            colours: false,
        };
        text += &format!("={format:?}\n");
        text += &style
            .reply(&value)
            .escape_ascii()
            .to_string()
            .replace("\\n", "\n");
    }
    expected.assert_eq(&text);
}

#[test]
fn types_without_a_sign_in_older_programs_are_shown() {
    check(
        b"*2\r\n(123456789012345678901234567890\r\n|1\r\n+ttl\r\n:5\r\n",
        expect![[r#"
            =Standard
            1) (big number) 123456789012345678901234567890
            2) 1| ttl => (integer) 5
            =Raw
            123456789012345678901234567890
            ttl 5
            =Csv
            123456789012345678901234567890,\"ttl\",5
            =Json
            [123456789012345678901234567890,{\"ttl\":5}]
            =QuotedJson
            [123456789012345678901234567890,{\"ttl\":5}]
        "#]],
    );
}

#[test]
fn no_byte_of_a_value_reaches_a_terminal_as_it_is() {
    check(
        b"*2\r\n$6\r\n\x1b[2J\x9bA\r\n$3\r\na\"\\\r\n",
        expect![[r#"
            =Standard
            1) \"\\x1b[2J\\x9bA\"
            2) \"a\\\"\\\\\"
            =Raw
            \x1b[2J\x9bA
            a\"\\
            =Csv
            \"\\x1b[2J\\x9bA\",\"a\\\"\\\\\"
            =Json
            [\"\\u001b[2J\x9bA\",\"a\\\"\\\\\"]
            =QuotedJson
            [\"\\\\x1b[2J\\\\x9bA\",\"a\\\\\"\\\\\\\\\"]
        "#]],
    );
}

#[test]
fn colours_wrap_values_and_change_nothing_else() {
    let value = Value::Array(vec![
        Value::Bulk(b"a".to_vec()),
        Value::Error(b"ERR no".to_vec()),
        Value::Map(vec![(Value::Integer(1), Value::Null)]),
        Value::Set(Vec::new()),
    ]);
    let style = |colours| Style {
        format: Format::Standard,
        element_delimiter: Vec::new(),
        reply_delimiter: Vec::new(),
        colours,
    };
    let painted = String::from_utf8(style(true).reply(&value)).unwrap();
    let plain: String = painted
        .split('\x1b')
        .enumerate()
        .map(|(index, part)| match index {
            0 => part,
            _ => part.split_once('m').unwrap().1,
        })
        .collect();
    assert_ne!(painted, plain);
    assert_eq!(plain.into_bytes(), style(false).reply(&value));
}
