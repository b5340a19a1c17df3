use super::*;

fn parse(line: &str) -> Result<Options, String> {
    let words = line.split_whitespace().map(|word| word.as_bytes().to_vec());
    Options::parse(&words.collect::<Vec<_>>()).map_err(|error| error.to_string())
}

#[test]
fn the_first_plain_word_starts_the_command() {
    let options = parse("-n 10x -c 5 -q -t set INCR -k").unwrap();
    assert_eq!((options.requests, options.clients), (10, 5));
    assert_eq!(options.command, [b"INCR".to_vec(), b"-k".to_vec()]);
    assert_eq!(options.warnings, ["WARNING: Option -t is ignored."]);
}

#[test]
fn numbers_out_of_range_become_the_nearest() {
    let options = parse("-c 0 -P 0 -d -1 -n -5 -r 0 --threads 600 --precision 9").unwrap();
    assert_eq!((options.clients, options.pipeline), (1, 1));
    assert_eq!((options.data_bytes, options.requests), (1, 1));
    assert_eq!((options.keyspace, options.threads), (Some(1), Some(500)));
    assert_eq!(options.precision, 4);
    assert_eq!(
        options.warnings,
        ["WARNING: Too many threads, limiting threads to 500."]
    );
    assert_eq!(parse("--precision -1").unwrap().precision, 3);
    assert_eq!(parse("--precision 0").unwrap().precision, 1);
    assert_eq!(parse("--threads 0").unwrap().threads, None);
}

#[test]
fn a_uri_names_what_it_names_and_leaves_the_rest() {
    let options = parse("-h a -p 1 --dbnum 2 -u redis://me:secret@b/3").unwrap();
    assert_eq!(
        (options.host.as_str(), options.port, options.db),
        ("b", 1, 3)
    );
    let words = options.credentials().unwrap();
    assert_eq!(words, [&b"AUTH"[..], b"me", b"secret"]);
    assert!(parse("-u rediss://b").unwrap().tls);
    assert_eq!(parse("--user me").unwrap().credentials(), None);
    let words = parse("-a secret").unwrap();
    assert_eq!(words.credentials().unwrap(), [&b"AUTH"[..], b"secret"]);
}

#[test]
fn the_most_telling_format_wins_over_the_quiet_one() {
    assert_eq!(parse("-q").unwrap().format, Format::Quiet);
    assert_eq!(parse("--csv -q").unwrap().format, Format::Csv);
    assert_eq!(parse("-q --json").unwrap().format, Format::Json);
}

#[test]
fn two_servers_may_be_compared() {
    let options = parse("--compare a:1 [::1]:2 -t set").unwrap();
    let tcp = |host: &str, port| Address::Tcp {
        host: host.to_owned(),
        port,
    };
    assert_eq!(options.compare, Some([tcp("a", 1), tcp("::1", 2)]));
}

#[test]
fn help_and_version_ask_for_nothing_else() {
    assert_eq!(parse("--help --bogus").unwrap().mode, Mode::Help);
    assert_eq!(parse("-v").unwrap().mode, Mode::Version);
}

#[test]
fn wrong_lines_say_why() {
    for (line, error) in [
        (
            "--bogus",
            "Invalid option \"--bogus\" or option argument missing",
        ),
        ("-n", "Invalid option \"-n\" or option argument missing"),
        ("-h", "Invalid option \"-h\" or option argument missing"),
        (
            "--compare a:1",
            "Invalid option \"--compare\" or option argument missing",
        ),
        ("--compare a b:1", "Invalid address 'a': HOST:PORT it is."),
        ("--warmup x", "Invalid number for --warmup."),
        ("--warmup -1", "Invalid number for --warmup."),
        ("--rate 0", "Invalid number for --rate."),
        ("--rounds 0", "Invalid number for --rounds."),
        ("-u foo", "Invalid URI scheme"),
        (
            "--cluster -s /x",
            "Options --cluster and -s are mutually exclusive.",
        ),
        (
            "--rate 5 -k 0",
            "Options --rate and -k 0 are mutually exclusive.",
        ),
    ] {
        assert_eq!(parse(line).err().as_deref(), Some(error), "{line}");
    }
}
