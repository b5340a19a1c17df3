//! The keys used most, where the server counts that.

use std::process::ExitCode;

use resp::value::Value;

use super::{Walk, ask_all, introduction, percent, quoted, total};
use crate::program::fail;
use crate::session::Session;

/// How many keys are reported.
const KEYS_MAX: usize = 16;

/// The keys used most so far, most used first.
#[derive(Default)]
pub struct Ranking(Vec<(u64, Vec<u8>)>);

impl Ranking {
    /// Takes a key in if it belongs there. Keys that are used as much stand in order of arrival.
    pub fn note(&mut self, key: &[u8], counter: u64) -> bool {
        let place = self.0.partition_point(|(other, _)| *other >= counter);
        if counter == 0 || place == KEYS_MAX {
            return false;
        }
        self.0.insert(place, (counter, key.to_vec()));
        self.0.truncate(KEYS_MAX);
        true
    }

    pub fn lines(&self) -> String {
        let line = |(counter, key): &(u64, Vec<u8>)| {
            format!(
                "hot key found with counter: {counter}\tkeyname: {}\n",
                quoted(key)
            )
        };
        self.0.iter().map(line).collect()
    }
}

/// Walks over the keys and reports those used most, also when it is told to stop.
pub async fn hottest(session: &mut Session) -> ExitCode {
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    session.emit(introduction("hot").as_bytes());
    let total = match total(session).await {
        Ok(total) => total,
        Err(message) => return fail(&message),
    };
    let (mut ranking, mut sampled) = (Ranking::default(), 0);
    let ended = tokio::select! {
        ended = walk(session, &mut ranking, &mut sampled, total) => Some(ended),
        _ = tokio::signal::ctrl_c() => None,
    };
    if let Some(Err(message)) = ended {
        return fail(&message);
    }
    let mut text = "\n-------- summary -------\n\n".to_owned();
    if ended.is_none() {
        text += &format!("[{:05.2}%] ", percent(sampled, total));
    }
    text += &format!("Sampled {sampled} keys in the keyspace!\n");
    text += &ranking.lines();
    session.emit(text.as_bytes());
    ExitCode::SUCCESS
}

async fn walk(
    session: &mut Session,
    ranking: &mut Ranking,
    sampled: &mut u64,
    total: u64,
) -> Result<(), String> {
    // A replica in a cluster shows its keys only to whoever says this; elsewhere it is an error.
    drop(session.ask(&["READONLY"]).await);
    let mut walk = Walk::default();
    while let Some(keys) = walk.step(session).await? {
        let share = percent(*sampled, total);
        let asked: Vec<Vec<&[u8]>> = keys
            .iter()
            .map(|key| vec![&b"OBJECT"[..], b"FREQ", key])
            .collect();
        for (key, reply) in keys.iter().zip(ask_all(session, &asked).await?) {
            *sampled += 1;
            let counter = match reply {
                Value::Integer(counter) => u64::try_from(counter).unwrap_or(0),
                // The key has gone meanwhile.
                Value::Error(text) if !text.starts_with(b"ERR An LFU") => 0,
                Value::Error(text) => {
                    return Err(format!("Error: {}", String::from_utf8_lossy(&text)));
                }
                _ => 0,
            };
            if ranking.note(key, counter) {
                let key = quoted(key);
                let line = format!(
                    "[{share:05.2}%] Hot key '{key}' found so far with counter {counter}\n"
                );
                session.emit(line.as_bytes());
            }
        }
        walk.pause(session).await;
    }
    Ok(())
}
