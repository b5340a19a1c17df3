//! Starting: by which name, from which configuration, and what stands in the way.

use std::net::TcpListener;

use crate::process::{Folder, OCHRE, Process, Server, free_port, run};

#[test]
fn the_version_is_where_tools_look_for_it() {
    let ended = run(&["server", "--version"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.output.contains(" v=7.0.15 "), "{}", ended.output);
}

#[test]
fn help_is_no_error_and_a_program_that_does_not_exist_is() {
    let help = run(&["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.output.contains("Usage: ochre"), "{}", help.output);
    let bogus = run(&["bogus"]);
    assert_eq!(bogus.code, Some(2));
    assert!(bogus.output.contains("'bogus'"), "{}", bogus.output);
}

#[test]
fn a_link_named_redis_server_takes_a_file_and_directives() {
    let folder = Folder::new();
    let conf = folder.file(
        "redis.conf",
        "# Schlüssel und Wert, für alle: ü ✓ 鍵\n\
         bind 127.0.0.1 -::1\n\
         port 1\n\
         requirepass mypass \n\
         tcp-keepalive 60\n",
    );
    let server = Server::start_as("/opt/bin/redis-server", &[&conf], &[], "");
    let mut wire = server.connect();
    assert_eq!(wire.ask("PING"), "-NOAUTH Authentication required.");
    assert_eq!(
        wire.ask("AUTH wrong"),
        "-WRONGPASS invalid username-password pair or user is disabled."
    );
    assert_eq!(wire.ask("AUTH mypass"), "+OK");
    assert_eq!(
        wire.ask("CONFIG GET tcp-keepalive"),
        "*2\r\n$13\r\ntcp-keepalive\r\n$2\r\n60"
    );
}

#[test]
fn configuration_comes_from_the_standard_input_too() {
    let server = Server::start_as("redis-server", &["-"], &[], "maxmemory 123mb\ntimeout 7\n");
    let mut wire = server.connect();
    assert_eq!(
        wire.ask("CONFIG GET maxmemory"),
        "*2\r\n$9\r\nmaxmemory\r\n$9\r\n128974848"
    );
    assert_eq!(
        wire.ask("CONFIG GET timeout"),
        "*2\r\n$7\r\ntimeout\r\n$1\r\n7"
    );
}

#[test]
fn a_port_in_use_ends_the_start() {
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = run(&["server", "--port", &port, "--save", ""]);
    assert_eq!(ended.code, Some(1));
    let words = format!("Failed listening on port {port} (TCP), aborting.");
    assert!(ended.output.contains(&words), "{}", ended.output);
    assert!(
        ended.output.contains("Address already in use"),
        "{}",
        ended.output
    );
}

const BANNER: &str = "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***";

/// Starts a server that cannot start, and checks what it says.
#[track_caller]
fn check_refused(directives: &[&str], words: &[&str]) {
    let port = free_port().to_string();
    let args = [&["server", "--port", &port, "--save", ""], directives].concat();
    let ended = run(&args);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    for word in words {
        assert!(ended.output.contains(word), "{}", ended.output);
    }
}

#[test]
fn a_wrong_configuration_is_refused_with_its_line() {
    let bad = "Bad directive or wrong number of arguments";
    check_refused(&["--bogus", "1"], &[BANNER, ">>> 'bogus \"1\"'", bad]);
    check_refused(
        &["--maxmemory", "lots"],
        &[BANNER, ">>> 'maxmemory \"lots\"'"],
    );
}

#[test]
fn places_that_are_not_there_are_refused() {
    let absent = "No such file or directory";
    let dir = &[BANNER, ">>> 'dir \"/nonexistent\"'", absent];
    check_refused(&["--dir", "/nonexistent"], dir);
    let log = &[BANNER, "Can't open the log file: No such file or directory"];
    check_refused(&["--logfile", "/nonexistent/ochre.log"], log);
    // Whoever starts a server in the background is told too.
    check_refused(&["--dir", "/nonexistent", "--daemonize", "yes"], dir);
    let socket = &["Failed opening Unix socket: bind: No such file or directory"];
    check_refused(&["--unixsocket", "/nonexistent/ochre.sock"], socket);
    let ended = run(&["server", "/nonexistent.conf"]);
    assert_eq!(ended.code, Some(1));
    let words = "Fatal error, can't open config file '/nonexistent.conf': No such file";
    assert!(ended.output.contains(words), "{}", ended.output);
}

#[test]
fn a_server_that_listens_nowhere_does_not_start() {
    let ended = run(&["server", "--port", "0"]);
    assert_eq!(ended.code, Some(1));
    let words = "Configured to not listen anywhere, exiting.";
    assert!(ended.output.contains(words), "{}", ended.output);
}

#[test]
fn the_log_goes_to_its_file() {
    let folder = Folder::new();
    let port = free_port().to_string();
    let log = folder.path("ochre.log");
    let args = ["server", "--port", &port, "--save", "", "--logfile", &log];
    let _server = Process::start(OCHRE.as_ref(), "ochre", &args, "");
    crate::process::wait_until("the log has its lines", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("Ready to accept"))
    });
}

#[test]
fn a_relative_log_file_lies_in_the_folder_of_the_data() {
    let folder = Folder::new();
    let port = free_port().to_string();
    let args = [
        "server",
        "--port",
        &port,
        "--save",
        "",
        "--logfile",
        "own.log",
    ];
    let args = [&args[..], &["--dir", folder.root()]].concat();
    let other = Process::start(OCHRE.as_ref(), "ochre", &args, "");
    crate::process::wait_until("the log has its lines", || {
        std::fs::read_to_string(folder.path("own.log"))
            .is_ok_and(|text| text.contains("Ochre is starting"))
    });
    assert!(!std::fs::exists(other.folder.path("own.log")).unwrap());
}
