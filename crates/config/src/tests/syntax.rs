use proptest::prelude::*;

use super::{loaded, start};
use crate::syntax::{quote, split_words};
use crate::{Config, Policy, rewrite};

#[track_caller]
fn check(line: &str, words: Option<&[&[u8]]>) {
    let expected = words.map(|words| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
    assert_eq!(split_words(line.as_bytes()), expected);
}

#[test]
fn words_are_bare_or_quoted() {
    check("", Some(&[]));
    check("  a\tb  ", Some(&[b"a", b"b"]));
    check(r#"a "b c" 'd e'"#, Some(&[b"a", b"b c", b"d e"]));
    check(
        r#""\n\r\t\b\a\x00\xfF\q\"\\""#,
        Some(&[b"\n\r\t\x08\x07\0\xffq\"\\"]),
    );
    check(r#"'it\'s \n'"#, Some(&[br"it's \n"]));
    check(r#"a"b c""#, Some(&[b"ab c"]));
    check(r#""" ''"#, Some(&[b"", b""]));
    check("a\u{b}b", Some(&[b"a\x0bb"]));
    check(r#"\x41 \"#, Some(&[br"\x41", br"\"]));
    check(r#""\xZ1\x4""#, Some(&[b"xZ1x4"]));
}

#[test]
fn unbalanced_quotes_are_no_words() {
    for line in [
        r#"""#, r#"a "b"#, "'", r#""a"b"#, "'a'b", r#""a\"#, r#"'a\'"#,
    ] {
        check(line, None);
    }
}

/// Lines that are almost a file.
const LINES: &str = "((port|save|#|timeout|bind)? ?[0-9 ]{0,5}\n?){0,8}";

proptest! {
    #[test]
    fn quoting_round_trips_any_bytes(word: Vec<u8>) {
        let quoted = quote(&word);
        prop_assert!(quoted.iter().all(|byte| (b' '..=b'~').contains(byte)));
        prop_assert_eq!(split_words(&quoted), Some(vec![word]));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text: Vec<u8>) {
        let _ = start(&text, &[]);
        let _ = rewrite(&text, &Config::default(), false);
    }

    #[test]
    fn no_value_makes_a_row_panic(value: Vec<u8>, words: Vec<Vec<u8>>) {
        for row in crate::directives() {
            let pairs = [(row.name.as_bytes(), value.as_slice())];
            let _ = Config::default().set(&pairs, Policy { protected: true, loading: false });
            let _ = row.assign(&mut Config::default(), &words, crate::How::First);
        }
    }

    #[test]
    fn no_value_becomes_a_line_of_its_own(value: Vec<u8>) {
        let pairs = [(b"masterauth".as_slice(), value.as_slice())];
        let change = Config::default().set(&pairs, Policy::default()).unwrap();
        prop_assert_eq!(loaded(&rewrite(b"", &change.config, false)), change.config);
    }

    #[test]
    fn rewriting_twice_changes_nothing(text in LINES) {
        let once = rewrite(text.as_bytes(), &Config::default(), false);
        prop_assert_eq!(rewrite(&once, &Config::default(), false), once);
    }
}
