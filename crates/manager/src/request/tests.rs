use super::*;

#[test]
fn commands_are_known_by_the_names_of_each_dialect() {
    let known = |name, dialect| Command::by_name(name, dialect).is_some();
    assert!(known("CHECK", Dialect::Trib) && !known("CHECK", Dialect::Cli));
    assert!(known("backup", Dialect::Cli) && !known("backup", Dialect::Trib));
    assert!(known("drain", Dialect::Ochre) && !known("drain", Dialect::Cli));
    assert!(!known("no-such", Dialect::Ochre));
}

#[test]
fn numbers_are_read_as_far_as_they_go() {
    let mut settings = Settings::default();
    let mut set = |name: &str, value: &str| settings.set(name, &[value.as_bytes().to_vec()]);
    assert_eq!(set("slots", "12x"), Ok(true));
    assert_eq!(set("pipeline", "0"), Ok(true));
    assert_eq!(set("timeout", "250"), Ok(true));
    assert_eq!(set("replica", ""), Ok(true));
    assert_eq!(set("no-such", ""), Ok(false));
    assert!(set("by", "weather").is_err());
    assert!(set("threshold", "x").is_err());
    assert_eq!((settings.slots, settings.pipeline), (12, None));
    assert_eq!(settings.timeout, Duration::from_millis(250));
    assert!(settings.replica);
}

#[test]
fn a_node_is_named_in_one_word_or_two() {
    let request = |words: &[&str]| Request {
        command: Command::Check,
        args: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        settings: Settings::default(),
    };
    let place = |words: &[&str]| request(words).place().map(|place| place.to_string());
    assert_eq!(place(&["a:1"]).as_deref(), Some("a:1"));
    assert_eq!(place(&["a", "1"]).as_deref(), Some("a:1"));
    assert_eq!(place(&["a"]), None);
}
