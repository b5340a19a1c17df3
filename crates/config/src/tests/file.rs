use super::{loaded, shown, start, value_after};
use crate::{CommandLine, HostPort, LoadError, Sources, load};

/// The line and the message of the error a text causes.
#[track_caller]
fn check_error(text: &str, line: usize, shown: &str, message: &str) {
    let error = start(text.as_bytes(), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\n\
             Reading the configuration file, at line {line}\n\
             >>> '{shown}'\n\
             {message}"
        )
    );
}

#[test]
fn errors_say_line_text_and_reason() {
    let bad = "Bad directive or wrong number of arguments";
    let arity = "wrong number of arguments";
    check_error("port 0\nfoo bar\n", 2, "foo bar", bad);
    check_error("slave-announced no", 1, "slave-announced no", bad);
    check_error("rename-command foo", 1, "rename-command foo", bad);
    check_error("include a b", 1, "include a b", bad);
    check_error("user", 1, "user", bad);
    check_error("  port 0 1\r\n", 1, "port 0 1", arity);
    check_error("bind a b\nunixsocket\n", 2, "unixsocket", arity);
    check_error("slaveof x", 1, "slaveof x", arity);
    check_error("\n# c\nport zz # no", 3, "port zz # no", arity);
    check_error(
        "bogus \"x",
        1,
        "bogus \"x",
        "Unbalanced quotes in configuration line",
    );
    check_error(
        "port zz\0 1",
        1,
        "port zz",
        "argument couldn't be parsed into an integer",
    );
    check_error(
        "PORT 070",
        1,
        "PORT 070",
        "argument couldn't be parsed into an integer",
    );
    check_error(
        "sentinel monitor a b 1 2",
        1,
        "sentinel monitor a b 1 2",
        "sentinel directive while not in sentinel mode",
    );
    check_error(
        "user a on\nuser b on\nuser a off",
        3,
        "user a off",
        "Error in user declaration 'a': Duplicate user found. \
         A user can only be defined once in config files",
    );
}

#[test]
fn bad_values_are_refused_in_the_words_of_their_type() {
    for (line, message) in [
        (
            "databases 0",
            "argument must be between 1 and 2147483647 inclusive",
        ),
        (
            "io-threads 129",
            "argument must be between 1 and 128 inclusive",
        ),
        ("maxmemory 5x", "argument must be a memory value"),
        (
            "maxmemory-clients x",
            "argument must be a memory or percent value",
        ),
        (
            "maxmemory-clients 101%",
            "percentage argument must be less or equal to 100",
        ),
        ("daemonize maybe", "argument must be 'yes' or 'no'"),
        (
            "unixsocketperm 8",
            "argument couldn't be parsed as an octal number",
        ),
        (
            "unixsocketperm 1777",
            "argument must be between 0 and 777 inclusive",
        ),
        (
            "appendfsync x",
            "argument(s) must be one of the following: everysec, always, no",
        ),
        ("save 0 1", "Invalid save parameters"),
        (
            "notify-keyspace-events y",
            "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.",
        ),
        ("replicaof a 65536", "Invalid master port"),
        (
            "bind 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8",
            "Too many bind addresses specified.",
        ),
        (
            "dbfilename a/b",
            "dbfilename can't be a path, just a filename",
        ),
        ("appendfilename \"\"", "appendfilename can't be empty"),
        (
            "appenddirname a/b",
            "appenddirname can't be a path, just a dirname",
        ),
    ] {
        check_error(line, 1, line, message);
    }
}

#[test]
fn bad_groups_are_refused_in_the_words_of_their_type() {
    for (line, message) in [
        (
            "client-output-buffer-limit normal 1",
            "Wrong number of arguments in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit master 1 2 3",
            "Invalid client class specified in buffer limit configuration.",
        ),
        (
            "client-output-buffer-limit normal 1 2 x",
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ),
        (
            "oom-score-adj-values 1 2 2001",
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
        ),
    ] {
        check_error(line, 1, line, message);
    }
}

#[test]
fn replicas_cannot_be_declared_in_a_cluster() {
    let error = start(b"cluster-enabled yes\nreplicaof a 1", &[]).unwrap_err();
    let last = "replicaof directive not allowed in cluster mode";
    assert!(matches!(&error, LoadError::Whole { why } if why == last));
    assert_eq!(
        error.to_string(),
        format!("*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\n{last}")
    );
}

#[test]
fn the_first_save_replaces_the_default_and_others_add_to_it() {
    for (text, args, expected) in [
        ("", &[][..], "3600 1 300 100 60 10000"),
        ("save 100 100", &[], "100 100"),
        ("save 900 1\nsave \"300 10\"", &[], "900 1 300 10"),
        ("save 900 1", &["--save", "100", "100"], "900 1 100 100"),
        ("save 900 1", &["--save", ""], ""),
        ("save 900 1\nsave \"\"\nsave 5 6", &[], "5 6"),
        ("save", &[], ""),
    ] {
        assert_eq!(
            value_after(text, args, "save"),
            expected,
            "{text:?} {args:?}"
        );
    }
}

#[test]
fn repeated_output_limits_add_up() {
    let text = "client-output-buffer-limit replica 1mb 2kb 3\n\
                client-output-buffer-limit pubsub 0 0 0";
    let expected = "normal 0 0 0 slave 1048576 2048 3 pubsub 0 0 0";
    assert_eq!(
        value_after(text, &[], "client-output-buffer-limit"),
        expected
    );
}

#[test]
fn numbers_settle_inside_what_works() {
    assert_eq!(value_after("hz 0", &[], "hz"), "1");
    assert_eq!(value_after("hz 5000", &[], "hz"), "500");
    assert_eq!(
        value_after("repl-backlog-size 1", &[], "repl-backlog-size"),
        "16384"
    );
}

#[test]
fn a_file_from_the_field_loads() {
    let text = "# 主从复制 配置 — \u{1F600}\n\
                bind 127.0.0.1 172.16.1.100\n\
                requirepass mypass \n\
                slaveof 172.16.1.100 6379\n\
                masterauth mypass\n\
                slave-priority 100\n\
                protected-mode no\n\
                appendfilename \"appendonly.aof\"\n";
    let bytes = [text.as_bytes(), b"# \xff\xfe not UTF-8\n"].concat();
    let config = loaded(&bytes);
    assert_eq!(shown(&config, "bind"), "127.0.0.1 172.16.1.100");
    assert_eq!(config.security.password.as_bytes(), b"mypass");
    let primary = HostPort {
        host: b"172.16.1.100".to_vec(),
        port: 6379,
    };
    assert_eq!(config.replication.primary, Some(primary));
    assert_eq!(config.replication.primary_password.as_bytes(), b"mypass");
    assert!(!config.network.protected_mode);
}

#[test]
fn included_files_count_their_own_lines() {
    let run = |text: &[u8]| {
        let mut include = |path: &[u8]| match path {
            b"one" => Ok(vec![b"# one\ninclude two".to_vec()]),
            b"two" => Ok(vec![b"timeout 5".to_vec()]),
            b"bad" => Ok(vec![b"\n\nport zz".to_vec()]),
            b"none*" => Ok(Vec::new()),
            b"self" => Ok(vec![b"include self".to_vec()]),
            _ => Err("No such file or directory".to_owned()),
        };
        load(Sources {
            text,
            options: b"",
            sentinel: false,
            include: &mut include,
        })
    };
    assert_eq!(
        run(b"include one\ninclude none*")
            .unwrap()
            .config
            .clients
            .timeout,
        5
    );
    assert!(matches!(
        run(b"include bad"),
        Err(LoadError::Line { line: 3, .. })
    ));
    assert!(matches!(
        run(b"include self"),
        Err(LoadError::Line { line: 1, .. })
    ));
    assert_eq!(
        run(b"include gone").unwrap_err().to_string(),
        "Fatal error, can't open config file 'gone': No such file or directory"
    );
}

#[test]
fn origins_let_the_server_refuse_a_line() {
    let loaded = start(
        b"port 0\nrename-command GET x\ndir /gone",
        &["--dir", "/too"],
    )
    .unwrap();
    let last = loaded.origins_of("dir").last().unwrap();
    assert_eq!(last.text, b"dir \"/too\"");
    assert_eq!(last.line, 4);
    let refused = last.refuse("No such file or directory").to_string();
    assert!(refused.ends_with(">>> 'dir \"/too\"'\nNo such file or directory"));
}

#[test]
fn statements_of_the_file_keep_their_words() {
    let text = b"user alice on >pw ~*\nrename-command FLUSHDB \"\"\nloadmodule /x a \"b c\"";
    let config = loaded(text);
    assert_eq!(
        config.security.users.0,
        [[b"alice".to_vec(), b"on".into(), b">pw".into(), b"~*".into()]]
    );
    assert_eq!(
        config.security.renamed_commands.0,
        [[b"FLUSHDB".to_vec(), Vec::new()]]
    );
    assert_eq!(config.modules.load.0[0][2], b"b c");
    assert_eq!(
        loaded(b"lua-replicate-commands yes\nsentinel"),
        crate::Config::default()
    );

    let line = CommandLine::parse(&["--sentinel"]);
    let mut none = |_: &[u8]| Ok(Vec::new());
    let text = b"sentinel monitor m 127.0.0.1 6379 2";
    let sources = Sources {
        text,
        options: &line.options,
        sentinel: line.sentinel,
        include: &mut none,
    };
    assert_eq!(
        load(sources).unwrap().config.sentinel.statements.0[0].len(),
        5
    );
}
