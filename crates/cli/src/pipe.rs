//! `--pipe`: the standard input goes to the server as it is, and replies are counted.

use std::io::Read;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{Connection, Error};
use resp::value::Value;
use tokio::time::timeout;

use crate::program::fail;
use crate::session::Session;
use crate::terminal;

const BLOCK_BYTES: usize = 16 * 1024;

/// What came back.
#[derive(Default)]
struct Tally {
    errors: u64,
    replies: u64,
    /// The last reply is there, which tells that all are.
    complete: bool,
}

pub async fn run(session: &mut Session) -> ExitCode {
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    let patience = session.options.pipe_timeout;
    let mark = mark();
    let mut tally = Tally::default();
    let connection = match session.connection().await {
        Ok(connection) => connection,
        Err(error) => return fail(&error.to_string()),
    };
    let ended = match copy(connection, &mark, &mut tally).await {
        Ok(()) => wait(connection, &mark, &mut tally, patience).await,
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        eprintln!("{error}");
        tally.errors += 1;
    }
    let Tally {
        errors, replies, ..
    } = tally;
    terminal::emit(format!("errors: {errors}, replies: {replies}\n").as_bytes());
    ExitCode::from(u8::from(errors > 0))
}

/// Twenty letters that nobody else sends.
fn mark() -> Vec<u8> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut state = now.as_nanos() as u64 ^ (u64::from(std::process::id()) << 32);
    let mut letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        b'a' + ((state >> 33) % 26) as u8
    };
    (0..20).map(|_| letter()).collect()
}

/// Sends the standard input, and takes replies meanwhile.
async fn copy(connection: &mut Connection, mark: &[u8], tally: &mut Tally) -> Result<(), Error> {
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let read = std::io::stdin()
            .lock()
            .read(&mut block)
            .map_err(Error::Io)?;
        if read == 0 {
            break;
        }
        send(connection, &block[..read], mark, tally).await?;
    }
    terminal::emit(b"All data transferred. Waiting for the last reply...\n");
    // A line first: what was sent may have ended within one.
    let mut last = b"\r\n".to_vec();
    resp::reply::write_request(&mut last, &[b"ECHO", mark]);
    send(connection, &last, mark, tally).await
}

async fn send(
    connection: &mut Connection,
    mut bytes: &[u8],
    mark: &[u8],
    tally: &mut Tally,
) -> Result<(), Error> {
    while !bytes.is_empty() {
        let sent = connection.exchange(bytes).await?;
        bytes = &bytes[sent..];
        count(connection, mark, tally)?;
    }
    Ok(())
}

/// Takes replies until the last, or until none has come for too long.
async fn wait(
    connection: &mut Connection,
    mark: &[u8],
    tally: &mut Tally,
    patience: Option<Duration>,
) -> Result<(), Error> {
    loop {
        count(connection, mark, tally)?;
        if tally.complete {
            terminal::emit(b"Last reply received from server.\n");
            return Ok(());
        }
        let filled = match patience {
            None => connection.fill().await,
            Some(patience) => match timeout(patience, connection.fill()).await {
                Ok(filled) => filled,
                Err(_) => {
                    let seconds = patience.as_secs();
                    eprintln!("No replies for {seconds} seconds: exiting.");
                    tally.errors += 1;
                    return Ok(());
                }
            },
        };
        filled?;
    }
}

fn count(connection: &mut Connection, mark: &[u8], tally: &mut Tally) -> Result<(), Error> {
    while let Some(reply) = connection.decode()? {
        match reply {
            Value::Bulk(text) if text == mark => {
                tally.complete = true;
                return Ok(());
            }
            Value::Error(text) => {
                eprintln!("{}", String::from_utf8_lossy(&text));
                tally.errors += 1;
                tally.replies += 1;
            }
            Value::Push(_) => {}
            _ => tally.replies += 1,
        }
    }
    Ok(())
}
