use super::*;
use proptest::prelude::*;

/// What Debian's redis-server 7.0.15 answers to `SET text 1`, `KEYS pattern`.
const OBSERVED: &[(&str, &str, bool)] = &[
    ("*", "", false),
    ("**", "", false),
    ("", "", true),
    ("", "a", false),
    ("?", "", false),
    ("a*", "a", true),
    ("a**", "a", true),
    ("*a*", "a", true),
    ("a*?", "a", false),
    ("h?llo", "hello", true),
    ("h*llo", "heeeello", true),
    ("[", "a", false),
    ("[", "[", false),
    ("[^", "a", true),
    ("[^", "^", true),
    ("[a", "a", true),
    ("[a", "b", false),
    ("[^a", "b", true),
    ("[]", "a", false),
    ("[]a]", "a", false),
    ("[^]", "x", true),
    ("[^]a", "xa", true),
    ("[a-]", "a", true),
    ("[a-]", "-", false),
    ("[a-]", "^", true),
    ("[a-]b", "b", true),
    ("[a-]b", "ab", false),
    ("[z-a]", "m", true),
    ("[a-", "-", true),
    ("[\\", "\\", true),
    ("[\\]]", "]", true),
    ("[a\\]", "]", true),
    ("[a\\-z]", "m", false),
    ("[a\\-z]", "-", true),
    ("[a\\-z]", "\\", false),
    ("a\\", "a\\", true),
    ("a\\", "a", false),
    ("\\", "\\", true),
    ("\\*", "*", true),
    ("\\*", "a", false),
    ("a\\b", "ab", true),
    ("[\\a-c]", "b", false),
    ("[\\a-c]", "-", true),
    ("[a-\\]]", "b", false),
    ("[a-\\]]", "a]", true),
    ("[--a]", "/", true),
    ("[!a]", "b", false),
    ("[!a]", "!", true),
    ("[a^]", "^", true),
    ("[a-c-e]", "d", false),
    ("[a-c-e]", "-", true),
    ("*\\", "a\\", true),
    ("*[", "a", false),
    ("*[^", "a", true),
];

/// What it answers to `COMMAND LIST FILTERBY PATTERN pattern`, which ignores case, about GET.
const OBSERVED_NOCASE: &[(&str, bool)] = &[
    ("GET", true),
    ("g[E]t", true),
    ("g[\\E]t", false),
    ("g[\\e]t", true),
    ("g\\Et", true),
    ("g[A-Z]t", true),
    ("g[a-Z]t", false),
    ("g[Z-A]t", true),
    ("g[A-z]t", true),
    ("g[^E]t", false),
    ("g[^\\E]t", true),
    ("g[Z-f]t", false),
    ("[^a-z]et", false),
];

#[test]
fn observed() {
    for (pattern, text, matched) in OBSERVED {
        let found = matches(pattern.as_bytes(), text.as_bytes(), false);
        assert_eq!(found, *matched, "{pattern} {text}");
    }
    for (pattern, matched) in OBSERVED_NOCASE {
        assert_eq!(
            matches(pattern.as_bytes(), b"get", true),
            *matched,
            "{pattern}"
        );
    }
}

#[test]
fn hostile_patterns_end() {
    let text = vec![b'a'; 100_000];
    assert!(!matches(
        &[b"*a".repeat(50), b"b".to_vec()].concat(),
        &text,
        false
    ));
    assert!(matches(&b"*a".repeat(50), &text, false));
    assert!(matches(&vec![b'*'; 1 << 20], &text, false));
    assert!(matches(&b"?".repeat(100_000), &text, false));
    assert!(!matches(&vec![b'['; 1 << 20], &text, false));
    assert!(!matches(
        &[b"*[", vec![b'b'; 1 << 20].as_slice()].concat(),
        b"aaaaaaaa",
        false
    ));
}

#[test]
fn prefixes() {
    for (pattern, prefix) in [
        ("", ""),
        ("user:*", "user:"),
        ("a\\b", "a"),
        ("[a]", ""),
        ("k", "k"),
    ] {
        assert_eq!(literal_prefix(pattern.as_bytes()), prefix.as_bytes());
        assert_eq!(has_wildcards(pattern.as_bytes()), prefix != pattern);
    }
}

#[test]
fn a_pattern_of_too_many_stars_matches_nothing() {
    let text = "a".repeat(2 * STARS_MAX);
    let matches_stars = |stars: usize, tail: &str| {
        let pattern = "**?".repeat(stars) + tail;
        matches(pattern.as_bytes(), text.as_bytes(), false)
    };
    for tail in ["", "*", "**"] {
        assert!(matches_stars(STARS_MAX, tail), "{tail:?}");
        assert!(!matches_stars(STARS_MAX + 1, tail), "{tail:?}");
    }
}

/// Tries every length for every star.
fn naive(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|len| naive(rest, &text[len..], nocase)),
        _ => one(pattern, text, nocase).is_some_and(|rest| naive(rest, &text[1..], nocase)),
    }
}

proptest! {
    #[test]
    fn agrees_with_trying_everything(
        pattern in "[*?ab\\[\\]^\\\\-]{0,9}",
        text in "[abAB\\]-]{1,8}",
        nocase: bool,
    ) {
        let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
        prop_assert_eq!(matches(pattern, text, nocase), naive(pattern, text, nocase));
    }

    #[test]
    fn prefix_is_in_every_match(pattern in "[*?ab]{0,6}", text in "[ab]{0,6}") {
        let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
        if matches(pattern, text, false) {
            prop_assert!(text.starts_with(literal_prefix(pattern)));
        }
    }
}
