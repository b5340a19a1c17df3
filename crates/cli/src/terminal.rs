//! The standard streams, and who is at their other end.

use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Whether a person reads the standard output. Tests say so by the environment.
pub fn output_is_watched() -> bool {
    std::env::var_os("FAKETTY").is_some() || std::io::stdout().is_terminal()
}

/// Whether colours are welcome: at a real terminal that has them, unless `NO_COLOR` is set.
pub fn has_colours() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    std::io::stdout().is_terminal() && !colours_are_refused() && !dumb
}

/// Whether the debugger of scripts has colours. What reads it expects those of redis-cli, which go
/// by the name of the terminal alone.
pub fn debugger_has_colours() -> bool {
    let is_xterm = |term: std::ffi::OsString| term.to_string_lossy().contains("xterm");
    has_colours() || std::env::var_os("TERM").is_some_and(is_xterm) && !colours_are_refused()
}

fn colours_are_refused() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Writes to the standard output at once. If nobody reads it any longer, the program ends.
pub fn emit(text: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    if stdout
        .write_all(text)
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::process::exit(1);
    }
}

/// The terminal hands over every key at once and shows none, until dropped.
pub struct Raw(Termios);

impl Raw {
    pub fn enter() -> std::io::Result<Raw> {
        Raw::change(|raw, before| {
            raw.make_raw();
            raw.output_modes = before.output_modes;
        })
    }

    /// Ctrl-C stays a signal.
    pub fn keys() -> std::io::Result<Raw> {
        Raw::change(|raw, _| {
            raw.local_modes
                .remove(LocalModes::ICANON | LocalModes::ECHO)
        })
    }

    fn change(change: impl FnOnce(&mut Termios, &Termios)) -> std::io::Result<Raw> {
        let before = tcgetattr(std::io::stdin())?;
        let mut raw = before.clone();
        change(&mut raw, &before);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Raw(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Whether a key was pressed that has not been read.
pub fn has_key() -> bool {
    let stdin = std::io::stdin();
    let mut keyboard = [PollFd::new(&stdin, PollFlags::IN)];
    poll(&mut keyboard, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Columns and rows of the terminal.
pub fn size() -> (usize, usize) {
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (80, 24),
    }
}

/// Shows a text that is longer than the screen with the system's pager, or writes it if that fails.
pub fn emit_paged(text: &[u8]) {
    let (columns, rows) = size();
    let lines: usize = text
        .split(|&byte| byte == b'\n')
        .map(|line| 1 + line.len().saturating_sub(1) / columns)
        .sum();
    if lines <= rows || !page(text) {
        emit(text);
    }
}

fn page(text: &[u8]) -> bool {
    let pager = std::env::var_os("PAGER").filter(|pager| !pager.is_empty());
    let pager = pager.unwrap_or_else(|| "less".into());
    let child = Command::new("sh")
        .arg("-c")
        .arg(pager)
        .env("LESS", "-R")
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        return false;
    };
    if let Some(mut input) = child.stdin.take() {
        // A pager that was left early has read what its user wanted to see.
        drop(input.write_all(text));
    }
    child.wait().is_ok_and(|status| status.success())
}
