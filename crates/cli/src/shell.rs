//! Lines typed by a person.

mod editor;
mod history;
mod prompt;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;

use client::docs::Docs;
use rustyline::error::ReadlineError;
use stdx::text::split_words;

use crate::line::{self, Flow};
use crate::program::fail;
use crate::session::Session;
use editor::Prompter;
use history::History;
use waiting::Waited;

/// Reads and runs lines until the person leaves.
pub async fn run(session: &mut Session) -> ExitCode {
    session.interactive = true;
    session.keyboard = true;
    // A server that is not there is said so with every line, and may come.
    session.connect_or_say().await;
    read_preferences(session);
    learn_commands(session).await;
    let history = History::open();
    let mut prompter = match Prompter::new(session, &history) {
        Ok(prompter) => prompter,
        Err(error) => return fail(&format!("ochre: cannot read from the terminal: {error}")),
    };
    loop {
        if session.state.subscribed && waiting::wait(session).await == Waited::Interrupted {
            session.disconnect();
            session.connect_or_say().await;
        }
        let typed = match prompter.read(session) {
            Ok(typed) => typed,
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return ExitCode::SUCCESS,
            Err(error) => return fail(&format!("ochre: cannot read from the terminal: {error}")),
        };
        // What was pasted may be many lines.
        for line in typed.lines().filter(|line| !line.trim().is_empty()) {
            prompter.remember(line, &history);
            if execute(session, line).await == Flow::End {
                return ExitCode::SUCCESS;
            }
        }
    }
}

/// Runs a line. Ctrl-C gives it up: the connection with the reply under way is dropped.
async fn execute(session: &mut Session, line: &str) -> Flow {
    let interrupted = tokio::select! {
        flow = line::run(session, line.as_bytes()) => return flow,
        interrupted = tokio::signal::ctrl_c() => interrupted,
    };
    if interrupted.is_err() {
        return Flow::End;
    }
    session.emit(b"\n");
    session.disconnect();
    session.connect_or_say().await;
    Flow::Continue
}

/// What stands behind the cursor when `line` is typed: the arguments still to come.
pub fn hint(session: &Session, line: &str) -> Option<String> {
    editor::Knowledge::new(session).arguments_to_come(line)
}

/// Asks the server what its commands take and do, and keeps what is at hand if it does not say.
async fn learn_commands(session: &mut Session) {
    if !session.is_connected() {
        return;
    }
    // A server that hangs up at this question is met again with the first line.
    let answer = session.ask(&["COMMAND", "DOCS"]).await;
    if let Some(docs) = answer.ok().as_ref().and_then(Docs::from_reply)
        && !docs.commands.is_empty()
    {
        session.docs = docs;
    }
}

/// Runs the lines of `~/.redisclirc`, or of the file that the environment names.
fn read_preferences(session: &mut Session) {
    let Some(path) = personal_file("REDISCLI_RCFILE", ".redisclirc") else {
        return;
    };
    let Ok(text) = std::fs::read(path) else {
        return;
    };
    for line in text.split(|&byte| byte == b'\n') {
        let words = split_words(line).unwrap_or_default();
        if words.first().is_some_and(|word| word.starts_with(b":")) {
            line::preference(session, &words, ".redisclirc: ");
        }
    }
}

/// A file of the person's own; none if the environment says so.
fn personal_file(variable: &str, name: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) if path.is_empty() || path == "/dev/null" => None,
        Some(path) => Some(path.into()),
        None => Some(PathBuf::from(std::env::var_os("HOME")?).join(name)),
    }
}
