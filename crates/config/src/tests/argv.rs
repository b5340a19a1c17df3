use super::{start, value_after};
use crate::CommandLine;

#[test]
fn the_file_comes_first_and_stdin_first_or_last() {
    let line = |args: &[&str]| {
        let line = CommandLine::parse(args);
        let file = line.file.map(|file| String::from_utf8(file).unwrap());
        (file, line.stdin, String::from_utf8(line.options).unwrap())
    };
    let file = Some("a.conf".to_owned());
    assert_eq!(line(&[]), (None, false, String::new()));
    assert_eq!(line(&["a.conf"]), (file.clone(), false, String::new()));
    assert_eq!(line(&["-"]), (None, true, String::new()));
    assert_eq!(line(&["a.conf", "-"]), (file.clone(), true, String::new()));
    assert_eq!(
        line(&["", "--port", "1"]),
        (None, false, "port \"1\"".into())
    );
    assert_eq!(
        line(&["-", "--port", "1"]),
        (None, true, "port \"1\"".into())
    );
    assert_eq!(
        line(&["a.conf", "--port", "1", "-"]),
        (file.clone(), true, "port \"1\"".into())
    );
    assert_eq!(
        line(&["a.conf", "-", "--x"]),
        (file, false, "\"-\"\nx".into())
    );
    assert_eq!(line(&["-x"]), (None, false, "\"-x\"".into()));
}

#[test]
fn options_become_lines() {
    let options = |args: &[&str]| String::from_utf8(CommandLine::parse(args).options).unwrap();
    for (args, text) in [
        (
            &["--port", "7000", "--save", ""][..],
            "port \"7000\"\nsave \"\"",
        ),
        (
            &["--save", "3600", "1", "60", "1000"],
            "save \"3600\" \"1\" \"60\" \"1000\"",
        ),
        (
            &["--port 7000", "--loglevel debug"],
            "port 7000\nloglevel debug",
        ),
        (
            &["--loglevel debug", "--port", "x"],
            "loglevel debug\nport \"x\"",
        ),
        (
            &["--loglevel ", "--port", "x"],
            "loglevel  \"--port\" \"x\"",
        ),
        (
            &["--bind", "127.0.0.1", "::1"],
            "bind \"127.0.0.1\" \"::1\"",
        ),
        (
            &["--port", "--bla", "--loglevel", "x"],
            "port \"--bla\"\nloglevel \"x\"",
        ),
        (&["--save", "--port", "x"], "save \"\"\nport \"x\""),
        (&["--SAVE", "--port", "x"], "SAVE \"\"\nport \"x\""),
        (
            &["--title", "--save", "--save", ""],
            "title \"--save\"\nsave \"\"",
        ),
        (&["--sentinel", "--port", "x"], "sentinel\nport \"x\""),
        (
            &["--save", "--", "--port", "x"],
            "save \"\"\n \"--port\" \"x\"",
        ),
        (&["--port", "1", "--", "2"], "port \"1\"\n \"2\""),
        (&["--port", "--a b", "--x"], "port \"--a b\"\nx"),
        (&["--user", "a", "--user", "b"], "user \"a\"\nuser \"b\""),
        (&["--loglevel", "a\nport 1"], "loglevel \"a\\nport 1\""),
    ] {
        assert_eq!(options(args), text, "{args:?}");
    }
    assert_eq!(
        options(&["a.conf", "loglevel", "x", "--port 1"]),
        "\"loglevel\" \"x\"\nport 1"
    );
}

/// The error of a start without a file: its line, the text and the message.
#[track_caller]
fn check_error(args: &[&str], line: usize, shown: &str, message: &str) {
    let error = start(b"", args).unwrap_err().to_string();
    let expected =
        format!("Reading the configuration file, at line {line}\n>>> '{shown}'\n{message}");
    assert!(error.ends_with(&expected), "{error}");
}

#[test]
fn errors_count_lines_after_the_file() {
    let arity = "wrong number of arguments";
    let integer = "argument couldn't be parsed into an integer";
    check_error(&["--port"], 2, "port", arity);
    check_error(&["--port", "6380", "--loglevel"], 3, "loglevel", arity);
    check_error(
        &["--port", "6379", "6380"],
        2,
        "port \"6379\" \"6380\"",
        arity,
    );
    check_error(
        &["--port", "--loglevel", "verbose"],
        2,
        "port \"--loglevel\" \"verbose\"",
        arity,
    );
    check_error(
        &["--port", "--bla", "--loglevel", "verbose"],
        2,
        "port \"--bla\"",
        integer,
    );
    check_error(&["--port 1 2"], 2, "port 1 2", arity);
    check_error(&["--", "port"], 2, "\"port\"", arity);
    let levels = "argument(s) must be one of the following: debug, verbose, notice, warning";
    check_error(
        &["--logfile", "--x", "--loglevel", "--bla"],
        3,
        "loglevel \"--bla\"",
        levels,
    );
    let modes = "argument(s) must be one of the following: default, save, nosave, now, force";
    check_error(&["--shutdown-on-sigint"], 2, "shutdown-on-sigint", modes);
    let args = ["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"];
    check_error(&args, 3, "shutdown-on-sigterm", modes);
}

#[test]
fn errors_of_hosts_users_and_unknown_options() {
    let arity = "wrong number of arguments";
    let port = "Invalid master port";
    check_error(
        &["--replicaof", "a", "abc"],
        2,
        "replicaof \"a\" \"abc\"",
        port,
    );
    check_error(
        &["--replicaof", "--a", "abc"],
        2,
        "replicaof \"--a\" \"abc\"",
        port,
    );
    check_error(
        &["--replicaof", "--a", "--abc"],
        2,
        "replicaof \"--a\"",
        arity,
    );
    let duplicate = "Error in user declaration 'foo': Duplicate user found. \
                     A user can only be defined once in config files";
    check_error(
        &["--user", "foo", "--user", "foo"],
        3,
        "user \"foo\"",
        duplicate,
    );
    let bad = "Bad directive or wrong number of arguments";
    check_error(&["--invalid", "1"], 2, "invalid \"1\"", bad);

    let error = start(b"port 0\n#x\n\n", &["--loglevel", "x"])
        .unwrap_err()
        .to_string();
    assert!(error.contains("at line 5\n>>> 'loglevel \"x\"'"));
}

#[test]
fn options_override_the_file() {
    let file = "port 6379\nloglevel notice\n";
    assert_eq!(
        value_after(file, &["--maxmemory 700mb"], "maxmemory"),
        "734003200"
    );
    assert_eq!(
        value_after(file, &["f", "loglevel", "verbose"], "loglevel"),
        "verbose"
    );
    assert_eq!(
        value_after(file, &["--maxmemory '700mb'"], "maxmemory"),
        "734003200"
    );
    let args = ["--proc-title-template --my--title", "--port 1"];
    assert_eq!(
        value_after(file, &args, "proc-title-template"),
        "--my--title"
    );
    let args = ["--shutdown-on-sigint", "nosave", "force", "now"];
    assert_eq!(
        value_after(file, &args, "shutdown-on-sigint"),
        "nosave now force"
    );
}
