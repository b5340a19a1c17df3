//! A script under the server's debugger: lines go to it, and what it shows is told apart by colour.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use client::Error;
use resp::value::Value;
use stdx::text::split_words;

use crate::options::{Debugger, Mode};
use crate::output::{Format, Style};
use crate::program::{fail, interact};
use crate::session::{Debugging, Session};
use crate::terminal;

const BANNER: &str = "\
Lua debugging session started, please use:
quit    -- End the session.
restart -- Restart the script in debug mode again.
help    -- Show Lua script debugging commands.

";

/// What the server says last.
const END: &[u8] = b"<endsession>";

/// What a line asks for.
enum Typed {
    Command(Vec<Vec<u8>>),
    Restart,
    Leave,
}

/// Whether the script still runs.
#[derive(PartialEq, Eq)]
enum State {
    Stopped,
    Ended,
}

pub async fn run(session: &mut Session, file: &Path, kind: Debugger) -> ExitCode {
    loop {
        match debug(session, kind).await {
            Ok(Some(code)) => return code,
            // Again, with what the file holds by now.
            Ok(None) => {
                let Ok(script) = std::fs::read(file) else {
                    return fail(&format!("Can't open file '{}'", file.display()));
                };
                session.options.command[1] = script;
            }
            Err(error) => return fail(&error.to_string()),
        }
    }
}

/// One run of the script. None if it is to be run again.
async fn debug(session: &mut Session, kind: Debugger) -> Result<Option<ExitCode>, Error> {
    session.connect().await?;
    let mode = match kind {
        Debugger::Forked => "YES",
        Debugger::Synchronous => "SYNC",
    };
    if let Value::Error(text) = session.ask(&["SCRIPT", "DEBUG", mode]).await? {
        return Ok(Some(fail(&String::from_utf8_lossy(&text))));
    }
    session.emit(BANNER.as_bytes());
    let words = session.options.command.clone();
    let first = session.ask(&words).await?;
    if ends(&first) {
        // It ended before it began: the script does not compile.
        let reason = session.connection().await?.receive().await?;
        session.emit(b"\nEval debugging session can't start:\n");
        session.emit(&style(session).reply(&reason));
        return Ok(Some(ExitCode::SUCCESS));
    }
    let mut state = show(session, first, kind).await?;
    while state != State::Ended {
        match read() {
            Typed::Leave => return Ok(Some(ExitCode::SUCCESS)),
            Typed::Restart => {
                session.emit(b"\n");
                return Ok(None);
            }
            Typed::Command(words) => {
                let reply = session.ask(&words).await?;
                state = show(session, reply, kind).await?;
            }
        }
    }
    session.options.command.clear();
    session.options.mode = Mode::Commands;
    session.debugging = Some(Debugging::Over);
    // Whoever has talked to the debugger is taken for a person from then on.
    session.style = style(session);
    let code = interact(session).await;
    if session.debugging.take() != Some(Debugging::Again) {
        return Ok(Some(code));
    }
    session.options.command = words;
    session.emit(b"\n");
    Ok(None)
}

fn style(session: &Session) -> Style {
    Style {
        format: Format::Standard,
        ..session.style.clone()
    }
}

/// Whether the debugger says nothing but that it ends.
fn ends(reply: &Value) -> bool {
    match reply {
        Value::Array(lines) => matches!(&lines[..], [Value::Simple(text)] if text == END),
        _ => false,
    }
}

/// Shows what the debugger says, and behind its last words the script's own reply.
async fn show(session: &mut Session, reply: Value, kind: Debugger) -> Result<State, Error> {
    let Value::Array(lines) = reply else {
        session.emit(&style(session).reply(&reply));
        return Ok(State::Stopped);
    };
    let mut state = State::Stopped;
    let colours = terminal::debugger_has_colours();
    for line in &lines {
        match line {
            Value::Simple(text) if text == END => state = State::Ended,
            Value::Simple(text) | Value::Bulk(text) => session.emit(&painted(text, colours)),
            other => session.emit(&style(session).reply(other)),
        }
    }
    if state == State::Ended {
        let last = session.connection().await?.receive().await?;
        let fate = match kind {
            Debugger::Forked => " -- dataset changes rolled back",
            Debugger::Synchronous => "",
        };
        session.emit(b"\n");
        session.emit(&style(session).reply(&last));
        session.emit(format!("\n(Lua debugging session ended{fate})\n\n").as_bytes());
        // The debugged connection is a process of its own, which has ended.
        session.disconnect();
    }
    Ok(state)
}

/// A line, in the colour of what it begins with if there are `colours`.
fn painted(line: &[u8], colours: bool) -> Vec<u8> {
    let starts = |tag: &str| line.starts_with(tag.as_bytes());
    let colour = match () {
        // A line that has a breakpoint, and is not where the script stands.
        () if starts("<debug>") || starts("<hint>") || starts("  #") => "1;37;49",
        () if starts("<redis>") => "0;32;49",
        () if starts("<reply>") => "0;36;49",
        () if starts("<error>") => "0;31;49",
        () if starts("<value>") || starts("<retval>") => "0;35;49",
        () if starts("->") => "0;33;49",
        () => "0;37;49",
    };
    // A script's values come in here, and are not to move the cursor.
    let visible = line
        .iter()
        .copied()
        .filter(|byte| *byte == b'\t' || !byte.is_ascii_control());
    let (begin, end) = match colours {
        true => (format!("\x1b[{colour}m"), "\x1b[0m"),
        false => (String::new(), ""),
    };
    let mut text = begin.into_bytes();
    text.extend(visible);
    text.extend_from_slice(end.as_bytes());
    text.push(b'\n');
    text
}

/// Reads lines until one asks for something.
fn read() -> Typed {
    let stdin = std::io::stdin();
    loop {
        if stdin.is_terminal() {
            terminal::emit(b"lua debugger> ");
        }
        let mut line = Vec::new();
        if !matches!(stdin.lock().read_until(b'\n', &mut line), Ok(1..)) {
            return Typed::Leave;
        }
        if let Some(command) = code(&line) {
            return Typed::Command(command);
        }
        let Ok(words) = split_words(&line) else {
            terminal::emit(b"Invalid argument(s)\n");
            continue;
        };
        let name = words.first().map(|word| word.to_ascii_lowercase());
        match name.as_deref() {
            None => {}
            Some(b"quit" | b"exit") => return Typed::Leave,
            Some(b"restart") => return Typed::Restart,
            Some(b"clear") => terminal::emit(b"\x1b[H\x1b[2J"),
            Some(_) => return Typed::Command(words),
        }
    }
}

/// `eval CODE`: everything behind the name is one word, whatever quotes are in it.
fn code(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let line = line.trim_ascii();
    let (name, code) = line.split_at(line.iter().position(|&byte| byte == b' ')?);
    matches!(name, b"e" | b"eval").then(|| vec![name.to_vec(), code.trim_ascii().to_vec()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_colour_of_what_they_are() {
        assert_eq!(
            painted(b"<reply> \"+OK\"", true),
            b"\x1b[0;36;49m<reply> \"+OK\"\x1b[0m\n"
        );
        assert_eq!(
            painted(b"-> 1 a\x1b[2J", true),
            b"\x1b[0;33;49m-> 1 a[2J\x1b[0m\n"
        );
        assert_eq!(
            painted(b"  #6   a = 1", true),
            b"\x1b[1;37;49m  #6   a = 1\x1b[0m\n"
        );
        assert_eq!(painted(b"", true), b"\x1b[0;37;49m\x1b[0m\n");
        assert_eq!(painted(b"-> 1 a\x1b[2J", false), b"-> 1 a[2J\n");
    }
}
