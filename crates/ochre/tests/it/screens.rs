//! The command line in a real terminal: what stands on the screen while a person types, what
//! happens when the window changes its size, and how Ctrl-C ends each mode.
//!
//! The terminal is tmux, which draws what the program writes; a screen is what a person would see.

use std::process::Command;

use crate::process::{Folder, OCHRE, Server, wait_until};

const TMUX: &str = "/usr/bin/tmux";

/// Whether there is a terminal to be had. Says so if not.
fn has_tmux() -> bool {
    let there = std::path::Path::new(TMUX).exists();
    if !there {
        eprintln!("skipped: {TMUX} is not installed");
    }
    there
}

/// A window of a terminal, closed when dropped.
struct Screen {
    folder: Folder,
}

impl Screen {
    /// A window of 80 columns and 24 rows, in which the command line is run with these words.
    fn start(server: &Server, args: &str) -> Screen {
        let folder = Folder::new();
        let port = server.port;
        // The shell outlives the program, and says how that ended.
        let command = format!(
            "trap : INT; unset NO_COLOR REDISCLI_HISTFILE REDISCLI_RCFILE; \
             HOME={} {OCHRE} cli -p {port} {args}; echo ended with $?; trap - INT; exec cat",
            folder.root()
        );
        let screen = Screen { folder };
        screen.tmux(&["new-session", "-d", "-x", "80", "-y", "24", &command]);
        screen
    }

    fn tmux(&self, args: &[&str]) -> String {
        let socket = self.folder.path("socket");
        let output = Command::new(TMUX)
            .args(["-S", &socket, "-f", "/dev/null"])
            .args(args)
            .env_remove("TMUX")
            .output()
            .unwrap();
        let flaw = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {args:?}: {flaw}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The lines that stand there, the empty ones at the end left out.
    fn lines(&self) -> Vec<String> {
        let text = self.tmux(&["capture-pane", "-p"]);
        text.trim_end().lines().map(str::to_owned).collect()
    }

    /// Types letters as they are.
    fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// Presses a key by the name that tmux gives it.
    fn presses(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Waits until the last line is this.
    #[track_caller]
    fn ends_in(&self, line: &str) {
        let mut lines = Vec::new();
        let what = format!("the last line is {line:?}");
        wait_for(
            &what,
            &mut lines,
            || self.lines(),
            |lines| {
                lines
                    .last()
                    .is_some_and(|last| last.trim_end() == line.trim_end())
            },
        );
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        let mut lines = Vec::new();
        let what = format!("the screen shows {text:?}");
        wait_for(
            &what,
            &mut lines,
            || self.lines(),
            |lines| lines.iter().any(|line| line.contains(text)),
        );
    }
}

#[track_caller]
fn wait_for(
    what: &str,
    lines: &mut Vec<String>,
    look: impl Fn() -> Vec<String>,
    fits: impl Fn(&[String]) -> bool,
) {
    wait_until(what, || {
        *lines = look();
        fits(lines)
    });
}

impl Drop for Screen {
    fn drop(&mut self) {
        let socket = self.folder.path("socket");
        // It may have ended already.
        drop(
            Command::new(TMUX)
                .args(["-S", &socket, "kill-server"])
                .output(),
        );
    }
}

#[test]
fn hints_completion_and_history_stand_where_one_types() {
    if !has_tmux() {
        return;
    }
    let server = Server::start(&[]);
    let prompt = format!("127.0.0.1:{}>", server.port);
    let screen = Screen::start(&server, "");
    screen.ends_in(&prompt);
    screen.types("getrange k ");
    screen.ends_in(&format!("{prompt} getrange k start end"));
    screen.types("0 ");
    screen.ends_in(&format!("{prompt} getrange k 0 end"));
    screen.types("-1");
    screen.presses("Enter");
    screen.shows("\"\"");
    screen.ends_in(&prompt);
    screen.types("config resets");
    screen.presses("Tab");
    screen.ends_in(&format!("{prompt} CONFIG RESETSTAT"));
    screen.presses("Enter");
    screen.shows("OK");
    screen.ends_in(&prompt);
    screen.presses("Up");
    screen.ends_in(&format!("{prompt} CONFIG RESETSTAT"));
    screen.presses("Up");
    screen.ends_in(&format!("{prompt} getrange k 0 -1"));
    screen.presses("Down");
    screen.ends_in(&format!("{prompt} CONFIG RESETSTAT"));
    screen.presses("C-u");
    screen.ends_in(&prompt);
    screen.types("exit");
    screen.presses("Enter");
    screen.ends_in("ended with 0");
}

#[test]
fn a_line_survives_a_window_that_changes_its_size() {
    if !has_tmux() {
        return;
    }
    let server = Server::start(&[]);
    let screen = Screen::start(&server, "");
    screen.ends_in(&format!("127.0.0.1:{}>", server.port));
    let value = "abcdefghij".repeat(5);
    screen.types(&format!("echo {value}"));
    screen.shows(&format!("echo {value}"));
    screen.tmux(&["resize-window", "-x", "40", "-y", "12"]);
    screen.types("Z");
    // The line goes on in the next row, and ends with what was typed last.
    let mut lines = Vec::new();
    wait_for(
        "the line is in two rows",
        &mut lines,
        || screen.lines(),
        |lines| {
            lines.len() >= 2
                && lines.iter().all(|line| line.chars().count() <= 40)
                && lines.last().is_some_and(|last| last.ends_with("jZ"))
        },
    );
    screen.tmux(&["resize-window", "-x", "100", "-y", "30"]);
    screen.presses("Enter");
    screen.shows(&format!("\"{value}Z\""));
}

#[test]
fn the_live_screen_follows_the_window() {
    if !has_tmux() {
        return;
    }
    let server = Server::start(&[]);
    let screen = Screen::start(&server, "--top -i 0.1");
    screen.shows("requests/s");
    let width = |lines: &[String]| lines.iter().map(|line| line.chars().count()).max();
    screen.tmux(&["resize-window", "-x", "120", "-y", "40"]);
    let mut lines = Vec::new();
    wait_for(
        "it is wider",
        &mut lines,
        || screen.lines(),
        |lines| width(lines) == Some(120),
    );
    screen.tmux(&["resize-window", "-x", "60", "-y", "20"]);
    wait_for(
        "it is narrower",
        &mut lines,
        || screen.lines(),
        |lines| width(lines) == Some(60) && lines.iter().any(|line| line.contains("requests/s")),
    );
    screen.presses("C-c");
    screen.shows("ended with");
}

#[test]
fn ctrl_c_ends_what_goes_on_for_ever() {
    if !has_tmux() {
        return;
    }
    let server = Server::start(&[]);
    for (args, sign) in [
        ("--stat -i 0.1", "keys"),
        ("--latency", "min:"),
        ("--latency-history", "min:"),
        ("-r -1 -i 0.1 ping", "PONG"),
        ("monitor", "OK"),
        ("subscribe news", "subscribe"),
    ] {
        let screen = Screen::start(&server, args);
        screen.shows(sign);
        screen.presses("C-c");
        screen.shows("ended with");
    }
    // Whoever waits for a key is not waited for any longer.
    let screen = Screen::start(&server, "blpop nothing 0");
    let blocked = |count: &str| server.connect().ask("INFO clients").contains(count);
    wait_until("it waits", || blocked("blocked_clients:1"));
    screen.presses("C-c");
    screen.shows("ended with");
    wait_until("nobody waits", || blocked("blocked_clients:0"));
}

#[test]
fn ctrl_c_leaves_a_command_and_not_the_shell() {
    if !has_tmux() {
        return;
    }
    let server = Server::start(&[]);
    let prompt = format!("127.0.0.1:{}>", server.port);
    let screen = Screen::start(&server, "");
    screen.ends_in(&prompt);
    for (line, sign) in [
        ("monitor", "OK"),
        ("subscribe news", "Reading messages..."),
        ("blpop nothing 0", "blpop"),
    ] {
        screen.types(line);
        screen.presses("Enter");
        screen.shows(sign);
        let busy = |server: &Server| {
            let list = server.connect().ask("CLIENT LIST");
            list.contains(" flags=O ") || list.contains(" flags=P ") || list.contains(" flags=b ")
        };
        wait_until("the server is at it", || busy(&server));
        screen.presses("C-c");
        screen.presses("C-l");
        screen.ends_in(&prompt);
        screen.types("echo again");
        screen.presses("Enter");
        screen.shows("\"again\"");
        screen.presses("C-l");
        screen.ends_in(&prompt);
    }
    screen.types("half a line");
    screen.presses("C-c");
    screen.shows("ended with 0");
}
