use super::*;
use proptest::prelude::*;

const B: &str = "file a.1.base.aof seq 1 type b\n";
const I: &str = "file a.1.incr.aof seq 1 type i\n";
const J: &str = "file a.2.incr.aof seq 2 type i\n";
const FORMAT: &str = "Invalid AOF manifest file format";

/// What redis-server 7.0.15 takes, and the text it writes of it.
#[test]
fn taken() {
    let long = |len: usize| format!("#{}\n{B}", "c".repeat(len - 2));
    let cases = [
        (format!("{B}{I}{J}"), format!("{B}{I}{J}")),
        (format!("{I}{B}"), format!("{B}{I}")),
        (format!("{B}{J}"), format!("{B}{J}")),
        (
            format!("{I}{J}").replace('2', "7"),
            format!("{I}{J}").replace('2', "7"),
        ),
        ("# c\n".to_owned(), String::new()),
        ("#".to_owned(), String::new()),
        (format!("{B}#x"), B.to_owned()),
        (long(1024), B.to_owned()),
        (B.replace('\n', "\r\n"), B.to_owned()),
        (format!(" \t{B}"), B.to_owned()),
        (B.replace("type b", "type bb"), B.to_owned()),
        (B.replace("seq 1", "seq 1x"), B.to_owned()),
        (B.replace("seq 1", "seq \" +1.5\""), B.to_owned()),
        (B.replace("seq 1", "seq -1"), B.replace("seq 1", "seq -1")),
        (B.replace("type b", "type b k v"), B.to_owned()),
        (
            B.replace("seq", "SEQ").replace("file", "File"),
            B.to_owned(),
        ),
        ("type b seq 1 file a.1.base.aof\n".to_owned(), B.to_owned()),
        (
            B.replace("a.1.base.aof", "\"a\\x2e1.base.aof\""),
            B.to_owned(),
        ),
        (B.replace("a.1.base.aof", "'a.1.base.aof'"), B.to_owned()),
        (
            format!("{B}{}", I.replace("type i", "type h")),
            format!("{B}{}", I.replace("type i", "type h")),
        ),
    ];
    for (text, expected) in cases {
        let manifest = Manifest::parse(text.as_bytes()).map(|manifest| manifest.text());
        assert_eq!(manifest, Ok(expected.into_bytes()), "{text}");
    }
}

/// What redis-server 7.0.15 refuses, and why.
#[test]
fn refused() {
    let long = "c".repeat(1023);
    let cases: [(String, &str); 31] = [
        (String::new(), "Found an empty AOF manifest"),
        ("\n".to_owned(), FORMAT),
        ("  \n".to_owned(), FORMAT),
        (format!("{B}\n{I}"), FORMAT),
        (format!("{B} # c\n"), FORMAT),
        (format!("{B}x y\n"), FORMAT),
        ("file a seq 1\n".to_owned(), FORMAT),
        ("file a seq 1 type b foo\n".to_owned(), FORMAT),
        ("filx a seq 1 type b\n".to_owned(), FORMAT),
        ("file \"a seq 1 type b\n".to_owned(), FORMAT),
        ("file a seq x type b\n".to_owned(), FORMAT),
        ("file a seq 0 type b\n".to_owned(), FORMAT),
        ("file a seq \"\" type b\n".to_owned(), FORMAT),
        ("file a seq 1 type \"\"\n".to_owned(), FORMAT),
        ("file seq 1 type b\n".to_owned(), FORMAT),
        (format!("#{long}\n{B}"), FORMAT),
        (format!("#{long}cc\n{B}"), FORMAT),
        ("file a seq 1 type x\n".to_owned(), "Unknown AOF file type"),
        ("file a seq 1 type B\n".to_owned(), "Unknown AOF file type"),
        (
            "file ../a seq 1 type b\n".to_owned(),
            "File can't be a path, just a filename",
        ),
        (
            "file a/b seq 1 type b\n".to_owned(),
            "File can't be a path, just a filename",
        ),
        (
            "file a\\b seq 1 type b\n".to_owned(),
            "File can't be a path, just a filename",
        ),
        (
            "file .. seq 1 type b\n".to_owned(),
            "File can't be a path, just a filename",
        ),
        (
            format!("{B}{I}{B}"),
            "Found duplicate base file information",
        ),
        (format!("{J}{I}"), "Found a non-monotonic sequence number"),
        (format!("{I}{I}"), "Found a non-monotonic sequence number"),
        (
            I.replace("seq 1", "seq -1"),
            "Found a non-monotonic sequence number",
        ),
        (
            format!("{B}{}", I.trim_end()),
            "The AOF manifest file contains too long line",
        ),
        (
            format!("{B}\0\n"),
            "The AOF manifest file contains too long line",
        ),
        (
            format!("file {long} seq 1 type b\n"),
            "The AOF manifest file contains too long line",
        ),
        (B.replace("seq 1", "seq 9999999999999999999"), FORMAT),
    ];
    for (text, expected) in cases {
        let reason = Manifest::parse(text.as_bytes()).map_err(|malformed| malformed.to_string());
        assert_eq!(reason, Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn a_report_shows_the_line() {
    let report = |text: &str| Manifest::parse(text.as_bytes()).map_err(|error| error.report());
    let head = "\n*** FATAL AOF MANIFEST FILE ERROR ***".to_owned();
    let expected = [
        &head,
        "Reading the manifest file, at line 3",
        ">>> 'file x seq 1 type q'",
        "Unknown AOF file type",
    ];
    let found = report(&format!("# c\n{B}  file x seq 1 type q\r\n"));
    assert_eq!(found, Err(expected.map(str::to_owned).to_vec()));
    assert_eq!(
        report(""),
        Err(vec![head, "Found an empty AOF manifest".to_owned()])
    );
}

#[test]
fn names_are_quoted_if_they_must_be() {
    let text_of = |name: &str| {
        let part = Part {
            name: name.to_owned(),
            sequence: 1,
        };
        let manifest = Manifest {
            base: Some(part),
            ..Manifest::default()
        };
        String::from_utf8(manifest.text()).expect("the text is ASCII")
    };
    assert_eq!(text_of("a;#~.aof"), "file a;#~.aof seq 1 type b\n");
    assert_eq!(text_of("a b"), "file \"a b\" seq 1 type b\n");
    assert_eq!(text_of("a'b"), "file \"a'b\" seq 1 type b\n");
    assert_eq!(
        text_of("\u{e9}\t\""),
        "file \"\\xc3\\xa9\\t\\\"\" seq 1 type b\n"
    );
}

fn any_part() -> impl Strategy<Value = Part> {
    let name = "[^/\\\\\0]{1,40}".prop_filter("a file", |name| name != "." && name != "..");
    (name, 1..SEQUENCE_MAX).prop_map(|(name, sequence)| Part { name, sequence })
}

/// A line that may be taken, in one of the ways there are to write it.
fn any_line() -> impl Strategy<Value = String> {
    let pairs = (
        "(file|FILE) (a|b\\.1|\"a b\"|'c')",
        "(seq|Seq) [0-3]{1,2}x?",
        "type [bhiq]",
        "(key \"\")?",
    );
    let pairs = pairs.prop_map(|(file, number, kind, key)| vec![file, number, kind, key]);
    (pairs.prop_shuffle(), "\r?\n").prop_map(|(pairs, end)| pairs.join("\t") + &end)
}

proptest! {
    #[test]
    fn manifests_survive_their_text(
        base in proptest::option::of(any_part()),
        history in proptest::collection::vec(any_part(), 0..4),
        mut increments in proptest::collection::vec(any_part(), 0..4),
    ) {
        increments.sort_by_key(|part| part.sequence);
        increments.dedup_by_key(|part| part.sequence);
        let manifest = Manifest { base, history, increments };
        let text = manifest.text();
        match text.is_empty() {
            true => prop_assert_eq!(manifest, Manifest::default()),
            false => prop_assert_eq!(Manifest::parse(&text), Ok(manifest)),
        }
    }

    #[test]
    fn whatever_is_taken_is_written_and_taken_alike(
        lines in proptest::collection::vec(any_line(), 0..5),
        flip in proptest::option::of((any::<usize>(), any::<u8>())),
    ) {
        let mut text = lines.concat().into_bytes();
        if let Some((at, byte)) = flip && !text.is_empty() {
            let at = at % text.len();
            text[at] ^= byte;
        }
        if let Ok(manifest) = Manifest::parse(&text) && !manifest.text().is_empty() {
            prop_assert_eq!(Manifest::parse(&manifest.text()), Ok(manifest));
        }
    }
}
