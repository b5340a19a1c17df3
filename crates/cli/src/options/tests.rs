use super::*;

fn parse(line: &str) -> Result<Options, String> {
    let words: Vec<Vec<u8>> = line
        .split_whitespace()
        .map(|w| w.as_bytes().to_vec())
        .collect();
    Options::parse(&words).map_err(|error| error.to_string())
}

#[test]
fn the_first_plain_word_starts_the_command() {
    let options = parse("-p 7000 -n 3x SET -p 1").unwrap();
    assert_eq!((options.port, options.db), (7000, 3));
    assert_eq!(
        options.command,
        [b"SET".to_vec(), b"-p".to_vec(), b"1".to_vec()]
    );
}

#[test]
fn a_uri_names_what_it_names_and_leaves_the_rest() {
    let options = parse("-h a -p 1 -n 2 -u redis://me:secret@b/3 ping").unwrap();
    assert_eq!(
        (options.host.as_str(), options.port, options.db),
        ("b", 1, 3)
    );
    assert_eq!(options.user.as_deref(), Some(b"me".as_slice()));
    assert!(options.password_shown && !options.tls);
    assert!(parse("-u rediss://b").unwrap().tls);
}

#[test]
fn repeats_and_intervals_are_read_as_far_as_they_are_numbers() {
    assert_eq!(parse("-r -1 ping").unwrap().repeat, None);
    assert_eq!(parse("-r 3 ping").unwrap().repeat, Some(3));
    assert_eq!(parse("-r x ping").unwrap().repeat, Some(0));
    let interval = |line| parse(line).unwrap().interval;
    assert_eq!(interval("-i 0.5s"), Some(Duration::from_millis(500)));
    assert_eq!(interval("-i -1"), None);
}

#[test]
fn wrong_lines_say_why() {
    for (line, error) in [
        ("-2 -3", "Options -2 and -3 are mutually exclusive."),
        ("-x -X t", "Options -x and -X are mutually exclusive."),
        ("-c -s /x", "Options -c and -s are mutually exclusive."),
        ("-p 70000", "Invalid server port."),
        ("-t x", "Invalid connection timeout for -t."),
        ("-t -1", "Invalid connection timeout for -t."),
        ("-X", "Unrecognized option or bad number of args for: '-X'"),
        (
            "--bogus 1",
            "Unrecognized option or bad number of args for: '--bogus'",
        ),
        (
            "--ldb ping",
            "Options --ldb and --ldb-sync-mode require --eval.",
        ),
        ("-u http://x", "Invalid URI scheme"),
    ] {
        assert_eq!(parse(line).err().as_deref(), Some(error), "{line}");
    }
}

#[test]
fn json_asks_for_resp3_unless_told_otherwise() {
    assert!(parse("--json").unwrap().wants_resp3());
    assert!(!parse("--json -2").unwrap().wants_resp3());
    assert!(!parse("").unwrap().wants_resp3());
    assert!(parse("-3").unwrap().wants_resp3());
}
