//! `--eval`: a script from a file; with `--ldb` under the server's debugger.

mod debugger;

use std::path::Path;
use std::process::ExitCode;

use client::reason;

use crate::program::{fail, one_command};
use crate::session::Session;

/// Runs the script with the words behind it: keys, and behind a comma arguments.
pub async fn run(session: &mut Session, file: &Path) -> ExitCode {
    let words = match command(file, &session.options.command) {
        Ok(words) => words,
        Err(message) => return fail(&message),
    };
    session.options.command = words;
    match session.options.debugger {
        None => one_command(session).await,
        Some(kind) => debugger::run(session, file, kind).await,
    }
}

fn command(file: &Path, behind: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
    let script = std::fs::read(file);
    let script = script
        .map_err(|error| format!("Can't open file '{}': {}", file.display(), reason(&error)))?;
    let comma = behind.iter().position(|word| word == b",");
    let (keys, arguments) = match comma {
        Some(at) => (&behind[..at], &behind[at + 1..]),
        None => (behind, &behind[behind.len()..]),
    };
    let count = keys.len().to_string().into_bytes();
    let mut words = vec![b"EVAL".to_vec(), script, count];
    words.extend_from_slice(keys);
    words.extend_from_slice(arguments);
    Ok(words)
}
