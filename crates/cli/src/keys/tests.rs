use expect_test::expect;

use super::biggest::Findings;
use super::hottest::Ranking;
use super::*;

#[test]
fn the_biggest_of_each_type_is_reported() {
    let mut findings = Findings::new(Measure::Elements, 4);
    let mut text = String::new();
    for (kind, key, size, share) in [
        ("list", b"l1".as_slice(), 3, 0.0),
        ("list", b"l2", 2, 0.0),
        ("list", b"l\n3", 5, 50.0),
        ("module", b"m", 9, 75.0),
    ] {
        let place = findings.kind(kind);
        text += &findings.note(place, key, size, share).unwrap_or_default();
    }
    let expected = expect![[r#"
        [00.00%] Biggest list   found so far '"l1"' with 3 items
        [50.00%] Biggest list   found so far '"l\n3"' with 5 items
        [75.00%] Biggest module found so far '"m"' with 9 ?

        -------- summary -------

        Sampled 4 keys in the keyspace!
        Total key length in bytes is 8 (avg len 2.00)

        Biggest   list found '"l\n3"' has 5 items
        Biggest module found '"m"' has 9 ?

        3 lists with 10 items (75.00% of keys, avg size 3.33)
        0 hashs with 0 fields (00.00% of keys, avg size 0.00)
        0 strings with 0 bytes (00.00% of keys, avg size 0.00)
        0 streams with 0 entries (00.00% of keys, avg size 0.00)
        0 sets with 0 members (00.00% of keys, avg size 0.00)
        0 zsets with 0 members (00.00% of keys, avg size 0.00)
        1 modules with 9 ? (25.00% of keys, avg size 9.00)
    "#]];
    expected.assert_eq(&(text + &findings.summary(false)));
    assert!(findings.summary(true).contains("[100.00%] Sampled 4 keys"));
}

#[test]
fn the_most_used_keys_stand_first_and_only_sixteen() {
    let mut ranking = Ranking::default();
    for number in 1..=20u64 {
        assert!(ranking.note(format!("k{number}").as_bytes(), number));
    }
    assert!(!ranking.note(b"cold", 4));
    assert!(!ranking.note(b"unused", 0));
    let lines = ranking.lines();
    assert!(lines.starts_with("hot key found with counter: 20\tkeyname: \"k20\"\n"));
    assert_eq!(lines.lines().count(), 16);
}
