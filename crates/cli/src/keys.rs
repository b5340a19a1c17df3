//! Modes that walk over all keys: `--scan`, `--bigkeys`, `--memkeys`, `--hotkeys`.

mod biggest;
mod hottest;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use resp::value::Value;
use stdx::text::quote;

use crate::output::Format;
use crate::program::fail;
use crate::session::Session;

pub use biggest::{Measure, biggest};
pub use hottest::hottest;

/// How many steps of the walk lie between two pauses.
const STEPS_PER_PAUSE: u64 = 100;

/// Prints every key on a line.
pub async fn scan(session: &mut Session) -> ExitCode {
    let mut walk = Walk::default();
    let quoted = session.style.format == Format::Standard;
    loop {
        let keys = match walk.step(session).await {
            Ok(Some(keys)) => keys,
            Ok(None) => return ExitCode::SUCCESS,
            Err(message) => return fail(&message),
        };
        let mut text = Vec::new();
        for key in keys {
            match quoted {
                true => quote(&key, &mut text),
                false => text.extend_from_slice(&key),
            }
            text.push(b'\n');
        }
        session.emit(&text);
        if let Some(interval) = session.options.interval {
            tokio::time::sleep(interval).await;
        }
    }
}

/// Hands over every key and the memory it takes.
pub async fn sizes(session: &mut Session, mut take: impl FnMut(&[u8], u64)) -> Result<(), String> {
    let mut walk = Walk::default();
    while let Some(keys) = walk.step(session).await? {
        let asked: Vec<Vec<&[u8]>> = keys
            .iter()
            .map(|key| vec![&b"MEMORY"[..], b"USAGE", key])
            .collect();
        for (key, reply) in keys.iter().zip(ask_all(session, &asked).await?) {
            match reply {
                Value::Integer(bytes) => take(key, u64::try_from(bytes).unwrap_or(0)),
                Value::Error(text) => return Err(String::from_utf8_lossy(&text).into_owned()),
                // The key has gone meanwhile.
                _ => {}
            }
        }
    }
    Ok(())
}

/// A walk over all keys, some at a time.
#[derive(Default)]
struct Walk {
    /// None before the first step and behind the last.
    cursor: Option<Vec<u8>>,
    steps: u64,
}

impl Walk {
    /// The next keys; none at the end.
    async fn step(&mut self, session: &mut Session) -> Result<Option<Vec<Vec<u8>>>, String> {
        if self.steps > 0 && self.cursor.is_none() {
            return Ok(None);
        }
        let mut words = vec![
            b"SCAN".to_vec(),
            self.cursor.take().unwrap_or(b"0".to_vec()),
        ];
        if let Some(pattern) = &session.options.keys.pattern {
            words.extend([b"MATCH".to_vec(), pattern.clone()]);
        }
        if let Some(count) = session.options.keys.count {
            words.extend([b"COUNT".to_vec(), count.to_string().into_bytes()]);
        }
        let reply = session
            .ask(&words)
            .await
            .map_err(|error| error.to_string())?;
        self.steps += 1;
        let (cursor, keys) = page(reply)?;
        self.cursor = (cursor != b"0").then_some(cursor);
        Ok(Some(keys))
    }

    /// Pauses now and then, if a pause was asked for.
    async fn pause(&self, session: &Session) {
        if let Some(interval) = session.options.interval
            && self.steps.is_multiple_of(STEPS_PER_PAUSE)
        {
            tokio::time::sleep(interval).await;
        }
    }
}

/// The cursor and the keys of a `SCAN`'s reply.
fn page(reply: Value) -> Result<(Vec<u8>, Vec<Vec<u8>>), String> {
    let strange = || "Non ARRAY response from SCAN!".to_owned();
    let parts = match reply {
        Value::Error(text) => {
            return Err(format!("SCAN error: {}", String::from_utf8_lossy(&text)));
        }
        Value::Array(parts) => parts,
        _ => return Err(strange()),
    };
    let Ok([Value::Bulk(cursor), Value::Array(keys)]) = <[Value; 2]>::try_from(parts) else {
        return Err(strange());
    };
    let keys = keys.into_iter().filter_map(|key| match key {
        Value::Bulk(key) => Some(key),
        _ => None,
    });
    Ok((cursor, keys.collect()))
}

/// How many keys there are, for the share that was seen.
async fn total(session: &mut Session) -> Result<u64, String> {
    let reply = session
        .ask(&["DBSIZE"])
        .await
        .map_err(|error| error.to_string())?;
    match reply {
        Value::Integer(keys) => Ok(u64::try_from(keys).unwrap_or(0)),
        Value::Error(text) => Err(format!(
            "Couldn't determine DBSIZE: {}",
            String::from_utf8_lossy(&text)
        )),
        _ => Err("Non INTEGER response from DBSIZE!".to_owned()),
    }
}

/// Sends all requests at once and reads all replies.
async fn ask_all(session: &mut Session, requests: &[Vec<&[u8]>]) -> Result<Vec<Value>, String> {
    let text = |error: client::Error| error.to_string();
    let connection = session.connection().await.map_err(text)?;
    for request in requests {
        connection.queue(request);
    }
    connection.flush().await.map_err(text)?;
    let mut replies = Vec::with_capacity(requests.len());
    while replies.len() < requests.len() {
        match connection.receive().await.map_err(text)? {
            Value::Push(_) => {}
            reply => replies.push(reply),
        }
    }
    Ok(replies)
}

/// What the modes that look for certain keys say first.
fn introduction(what: &str) -> String {
    format!(
        "\n# Scanning the entire keyspace to find {what} keys as well as\n\
         # average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n\
         # per 100 SCAN commands (not usually needed).\n\n"
    )
}

fn quoted(key: &[u8]) -> String {
    let mut text = Vec::new();
    quote(key, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A part of a whole, in percent.
fn percent(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        whole => 100.0 * part as f64 / whole as f64,
    }
}
