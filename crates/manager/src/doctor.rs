//! `ochre doctor`: looks at a machine and at a server as somebody would who has run many.
//!
//! ```text
//!   reading   kernel, disk, server  ─▶  facts  ─▶  verdict   good, note or bad, and what mends it
//! ```

mod facts;
mod reading;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;

use facts::Facts;
use verdict::{Finding, State, judge};

use crate::command::Outcome;
use crate::link::{Access, Link};
use crate::place::Place;
use crate::program::Entry;
use crate::voice::{Dialect, Voice};

const USAGE: &str = "\
Usage: ochre doctor [OPTIONS] [HOST:PORT]

Looks at this machine, and at a server if one is named: what of it makes servers slow, lose
data or refuse clients. Each finding tells the figure that was read, why it matters, and the
line that mends it. Nothing is changed.

  --dir DIR     where to try how long the disk takes; the server's own folder, or here
  --json        the findings as a document
  -a PASSWORD, --user NAME, --askpass, --tls and its options: how to enter the server

Ends with 0 when there is nothing to mend, 1 when asked in a wrong way, 2 otherwise.
";

/// What was asked for.
#[derive(Default)]
struct Call {
    place: Option<Place>,
    folder: Option<PathBuf>,
    json: bool,
    help: bool,
}

impl Call {
    fn read(words: &[Vec<u8>]) -> Result<Call, String> {
        let mut call = Call::default();
        let mut words = words
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned());
        while let Some(word) = words.next() {
            match word.as_str() {
                "-h" | "--help" => call.help = true,
                "--json" => call.json = true,
                "--dir" => {
                    let folder = words.next().ok_or("--dir takes a folder")?;
                    call.folder = Some(PathBuf::from(folder));
                }
                option if option.starts_with('-') => {
                    return Err(format!("there is no option {option}"));
                }
                text if call.place.is_none() => {
                    let place = Place::parse(text);
                    let place = place.ok_or_else(|| format!("'{text}' is no HOST:PORT"))?;
                    call.place = Some(place);
                }
                text => return Err(format!("one server at a time, not '{text}' too")),
            }
        }
        Ok(call)
    }
}

/// Runs `ochre doctor`, whose connection options have been taken out of the words.
pub fn doctor(entry: Entry, words: &[Vec<u8>]) -> ExitCode {
    let call = match Call::read(words) {
        Ok(call) if call.help => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(call) => call,
        Err(why) => {
            eprintln!("ochre: {why}, see 'ochre doctor --help'");
            return ExitCode::FAILURE;
        }
    };
    let voice = Voice::new(Dialect::Ochre, call.json);
    let outcome = match look(entry, &call, &voice) {
        Ok(findings) => tell(&voice, &findings),
        Err(why) => {
            voice.aside(&format!("ochre: {why}"));
            Outcome::Unhealthy
        }
    };
    ExitCode::from(outcome.code(Dialect::Ochre))
}

/// Reads and judges.
fn look(entry: Entry, call: &Call, voice: &Voice) -> Result<Vec<Finding>, String> {
    let mut facts = Facts::default();
    if let Some(place) = &call.place {
        let access = Access {
            connection: entry.connection,
            user: entry.user,
            password: entry.password,
        };
        let mut link = Link::new(place.clone(), &Arc::new(access));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| format!("cannot watch sockets: {error}"))?;
        let server = runtime.block_on(reading::server(&mut link));
        facts.server = Some(server.map_err(|trouble| format!("{place}: {trouble}"))?);
    }
    let here = facts.server.as_ref().filter(|server| server.is_here);
    let process = here.and_then(|server| server.figure("process_id"));
    facts.machine = reading::machine("/".as_ref(), process);
    let is_elsewhere = facts.server.is_some() && here.is_none();
    if is_elsewhere {
        voice.aside(
            "The server is on another machine: run this there too, to see its kernel and disk.",
        );
    }
    let folder = call
        .folder
        .clone()
        .or_else(|| here.and_then(reading::folder));
    let folder = folder.unwrap_or_else(|| PathBuf::from("."));
    if !is_elsewhere || call.folder.is_some() {
        match reading::sync(&folder) {
            Ok(sync) => facts.machine.sync = Some(sync),
            Err(error) => voice.aside(&format!("{}: {error}", folder.display())),
        }
    }
    Ok(judge(&facts))
}

/// Says what was found, for people or for programs.
fn tell(voice: &Voice, findings: &[Finding]) -> Outcome {
    let bad = findings.iter().filter(|found| found.state == State::Bad);
    let outcome = match bad.clone().count() {
        0 => Outcome::Done,
        _ => Outcome::Unhealthy,
    };
    if voice.document {
        let documents: Vec<_> = findings.iter().map(Finding::document).collect();
        let name = if outcome == Outcome::Done {
            "ok"
        } else {
            "unhealthy"
        };
        println!("{}", json!({ "outcome": name, "findings": documents }));
        return outcome;
    }
    for found in findings {
        let line = format!("{:<17} {}", found.name, found.read);
        match found.state {
            State::Good => voice.good(&format!("[OK]   {line}")),
            State::Note => voice.warning(&format!("[NOTE] {line}")),
            State::Bad => voice.bad(&format!("[BAD]  {line}")),
        }
        if !found.why.is_empty() {
            voice.line(&format!("       {}", found.why));
        }
        if let Some(mend) = &found.mend {
            voice.line(&format!("       > {mend}"));
        }
    }
    let text = match bad.count() {
        0 => "Nothing is to be mended.".to_owned(),
        1 => "One thing is to be mended.".to_owned(),
        count => format!("{count} things are to be mended."),
    };
    voice.line(&text);
    outcome
}
