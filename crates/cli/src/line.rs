//! A line of input, run: the client's own commands here, others by the server.

use client::Address;
use stdx::text::split_words;

use crate::session::{Debugging, Session};

/// What comes behind a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    End,
}

/// Runs a line.
pub async fn run(session: &mut Session, line: &[u8]) -> Flow {
    let Ok(words) = split_words(line) else {
        session.emit(b"Invalid argument(s)\n");
        return Flow::Continue;
    };
    let Some(first) = words.first() else {
        return Flow::Continue;
    };
    let is = |name: &str| first.eq_ignore_ascii_case(name.as_bytes());
    match () {
        () if is("quit") || is("exit") => return Flow::End,
        () if is(":tree") && words.len() <= 2 => {
            crate::tree::show(session, words.get(1).cloned()).await;
        }
        () if first.starts_with(b":") => preference(session, &words, ""),
        () if is("restart") && session.debugging.is_some() => {
            session.debugging = Some(Debugging::Again);
            return Flow::End;
        }
        () if is("restart") && words.len() == 1 => {
            session.emit(b"Use 'restart' only in Lua debugging mode.\n");
        }
        () if is("connect") && words.len() == 3 => connect(session, &words).await,
        () if is("clear") && words.len() == 1 => session.emit(b"\x1b[H\x1b[2J"),
        () if local(session, &words) => {}
        () => repeated(session, &words).await,
    }
    Flow::Continue
}

/// Runs a command, as often as a number before it says.
async fn repeated(session: &mut Session, words: &[Vec<u8>]) {
    let number = words.first().and_then(|word| stdx::number::parse_i64(word));
    match (number, words) {
        (Some(1..), [_, command @ ..]) if !command.is_empty() => {
            let times = number.and_then(|times| u64::try_from(times).ok());
            session.run(command, times).await;
        }
        (Some(_), [_, command @ ..]) if !command.is_empty() => {
            session.emit(b"Invalid redis-cli repeat command option value.\n");
        }
        _ => drop(session.run(words, Some(1)).await),
    }
}

/// Runs `help`, which needs no server. Says whether it was that.
pub fn local(session: &Session, words: &[Vec<u8>]) -> bool {
    let is_help = |word: &Vec<u8>| word == b"?" || word.eq_ignore_ascii_case(b"help");
    match words {
        [first, topic @ ..] if is_help(first) => {
            session.emit(&session.help(topic));
            true
        }
        _ => false,
    }
}

async fn connect(session: &mut Session, words: &[Vec<u8>]) {
    let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let Ok(port) = text(&words[2]).parse() else {
        session.emit(b"Invalid server port.\n");
        return;
    };
    session.address = Address::Tcp {
        host: text(&words[1]),
        port,
    };
    session.connect_or_say().await;
}

/// Runs a line that begins with a colon. `origin` says where it stands, if it was not typed.
pub fn preference(session: &mut Session, words: &[Vec<u8>], origin: &str) {
    let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let message = match words {
        [set, name] if set.eq_ignore_ascii_case(b":set") => match session.preferences.set(name) {
            true => return,
            false => format!("unknown redis-cli preference '{}'\n", text(name)),
        },
        [first, ..] => format!("unknown redis-cli internal command '{}'\n", text(first)),
        [] => return,
    };
    session.emit(format!("{origin}{message}").as_bytes());
}
