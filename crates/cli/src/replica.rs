//! What a replica receives: `--rdb` and `--functions-rdb` keep the snapshot, `--replica` and a
//! typed `SYNC` show the commands behind it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use client::snapshot::{Payload, announced, line, receive};
use client::{Error, reason};
use resp::value::Value;

use crate::output::{Format, Style};
use crate::program::fail;
use crate::session::{Outcome, Session};
use crate::terminal;

/// How often the server is told that the snapshot has arrived. It sends no command before it has
/// heard so, and does not listen while it still cleans up behind the snapshot.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(1);

/// Why no snapshot came.
enum Failure {
    Connection(Error),
    /// The server's own words.
    Refused(String),
    File(String, std::io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Connection(error)
    }
}

impl Failure {
    fn text(&self) -> String {
        match self {
            Failure::Connection(error) => format!("Error: {error}"),
            Failure::Refused(line) => format!("SYNC with master failed: {line}"),
            Failure::File(what, error) => format!("Error {what}: {}", reason(error)),
        }
    }
}

/// Saves a snapshot, or only its functions. A file of the name `-` is the standard output.
pub async fn save(session: &mut Session, file: &Path, functions_only: bool) -> ExitCode {
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    if let Err(message) = prepare(session, functions_only).await {
        return fail(&message);
    }
    match transfer(session, file).await {
        Ok(text) => {
            eprintln!("{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => fail(&failure.text()),
    }
}

async fn prepare(session: &mut Session, functions_only: bool) -> Result<(), String> {
    configure(session, &["capa", "eof"]).await?;
    configure(session, &["rdb-only", "1"]).await?;
    if functions_only && !configure(session, &["rdb-filter-only", "functions"]).await? {
        return Err("Failed requesting functions only RDB from server, aborting".to_owned());
    }
    Ok(())
}

/// Tells the server about its replica. A refusal is shown, and said so.
async fn configure(session: &mut Session, words: &[&str; 2]) -> Result<bool, String> {
    let [name, value] = words;
    eprintln!("sending REPLCONF {name} {value}");
    match session.ask(&["REPLCONF", name, value]).await {
        Ok(Value::Error(text)) => {
            eprintln!("REPLCONF {name} error: {}", String::from_utf8_lossy(&text));
            Ok(false)
        }
        Ok(_) => Ok(true),
        Err(error) => Err(format!("Error: {error}")),
    }
}

async fn transfer(session: &mut Session, file: &Path) -> Result<String, Failure> {
    let connection = session.connection().await?;
    connection.queue_bytes(b"SYNC\r\n");
    connection.flush().await?;
    let payload = announced(connection).await?.map_err(Failure::Refused)?;
    let name = file.display();
    match &payload {
        Payload::Bytes(bytes) => {
            eprintln!("SYNC sent to master, writing {bytes} bytes to '{name}'")
        }
        Payload::Mark(_) => eprintln!(
            "SYNC sent to master, writing bytes of bulk transfer until EOF marker to '{name}'"
        ),
    }
    let mut output = Output::open(file)?;
    let written = receive(connection, &payload, |bytes| output.write(bytes)).await?;
    output.close()?;
    Ok(match payload {
        Payload::Bytes(_) => "Transfer finished with success.".to_owned(),
        Payload::Mark(_) => format!("Transfer finished with success after {written} bytes"),
    })
}

struct Output {
    file: Option<File>,
    name: String,
}

impl Output {
    fn open(path: &Path) -> Result<Output, Failure> {
        let name = path.display().to_string();
        if name == "-" {
            return Ok(Output { file: None, name });
        }
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true).mode(0o644);
        let file = options.open(path);
        let file = file.map_err(|error| Failure::File(format!("opening '{name}'"), error))?;
        Ok(Output {
            file: Some(file),
            name,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.file {
            None => terminal::emit(bytes),
            Some(file) => file
                .write_all(bytes)
                .map_err(|error| Failure::File(format!("writing to '{}'", self.name), error))?,
        }
        Ok(())
    }

    fn close(self) -> Result<(), Failure> {
        let Some(file) = self.file else {
            return Ok(());
        };
        file.sync_all()
            .map_err(|error| Failure::File(format!("writing to '{}'", self.name), error))
    }
}

/// Shows what a replica receives.
pub async fn run(session: &mut Session) -> ExitCode {
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    for words in [["capa", "eof"], ["rdb-filter-only", ""]] {
        if let Err(message) = configure(session, &words).await {
            return fail(&message);
        }
    }
    match follow(session, &["SYNC"]).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure.text()),
    }
}

/// A `SYNC` or `PSYNC` typed as a command.
pub async fn typed(session: &mut Session, words: &[Vec<u8>]) -> Result<Outcome, Error> {
    terminal::emit(b"Entering replica output mode...  (press Ctrl-C to quit)\n");
    match follow(session, words).await {
        Ok(()) => Ok(Outcome::Done),
        Err(Failure::Connection(error)) => Err(error),
        Err(failure) => {
            eprintln!("{}", failure.text());
            session.disconnect();
            Ok(Outcome::Lost)
        }
    }
}

/// Skips the snapshot, then shows every command.
async fn follow<T: AsRef<[u8]>>(session: &mut Session, words: &[T]) -> Result<(), Failure> {
    let partial = words
        .first()
        .is_some_and(|word| word.as_ref().eq_ignore_ascii_case(b"psync"));
    let connection = session.connection().await?;
    connection.queue(words);
    connection.flush().await?;
    let mut acknowledged = false;
    let mut continues = false;
    if partial {
        let reply = line(connection).await?;
        eprintln!("PSYNC replied {}", String::from_utf8_lossy(&reply));
        continues = reply.starts_with(b"+CONTINUE");
        if !continues && !reply.starts_with(b"+FULLRESYNC") {
            return Err(Failure::Refused(
                String::from_utf8_lossy(&reply).into_owned(),
            ));
        }
    }
    if continues {
        eprintln!("Partial resync with master...");
    } else {
        let payload = announced(connection).await?.map_err(Failure::Refused)?;
        match &payload {
            Payload::Bytes(bytes) => {
                eprintln!("SYNC with master, discarding {bytes} bytes of bulk transfer...");
            }
            Payload::Mark(_) => {
                eprintln!("SYNC with master, discarding bytes of bulk transfer until EOF marker...")
            }
        }
        let bytes = receive(connection, &payload, |_| Ok::<(), Failure>(())).await?;
        match payload {
            Payload::Bytes(_) => eprintln!("SYNC done. Logging commands from master."),
            Payload::Mark(_) => {
                eprintln!("SYNC done after {bytes} bytes. Logging commands from master.");
                acknowledged = true;
            }
        }
    }
    if acknowledged {
        eprintln!("sending REPLCONF ACK 0");
    }
    let style = Style {
        format: Format::Csv,
        ..session.style.clone()
    };
    let mut ticks = tokio::time::interval(ACKNOWLEDGEMENT);
    loop {
        let connection = session.connection().await?;
        tokio::select! {
            command = connection.receive() => terminal::emit(&style.reply(&command?)),
            _ = ticks.tick(), if acknowledged => {
                connection.queue(&["REPLCONF", "ACK", "0"]);
                connection.flush().await?;
            }
        }
    }
}
