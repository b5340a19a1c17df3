//! The biggest key of each type, by elements or by memory.

use std::process::ExitCode;

use resp::value::Value;

use super::{Walk, ask_all, introduction, percent, quoted, total};
use crate::program::fail;
use crate::session::Session;

/// What makes a key big.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Elements,
    Memory,
}

/// What is known of the keys of one type.
pub struct Kind {
    name: String,
    /// The command that counts, and what it counts; none for a type nobody knows how to count.
    counter: Option<(&'static str, &'static str)>,
    keys: u64,
    total: u64,
    biggest: Option<(Vec<u8>, u64)>,
}

/// The types there are without modules, in the order of the report.
const KINDS: &[(&str, &str, &str)] = &[
    ("list", "LLEN", "items"),
    ("hash", "HLEN", "fields"),
    ("string", "STRLEN", "bytes"),
    ("stream", "XLEN", "entries"),
    ("set", "SCARD", "members"),
    ("zset", "ZCARD", "members"),
];

/// What a walk has found.
pub struct Findings {
    measure: Measure,
    kinds: Vec<Kind>,
    pub sampled: u64,
    pub total: u64,
    name_bytes: u64,
}

impl Findings {
    pub fn new(measure: Measure, total: u64) -> Findings {
        let kind = |&(name, command, unit): &(&str, &'static str, &'static str)| Kind {
            name: name.to_owned(),
            counter: Some((command, unit)),
            keys: 0,
            total: 0,
            biggest: None,
        };
        Findings {
            measure,
            kinds: KINDS.iter().map(kind).collect(),
            sampled: 0,
            total,
            name_bytes: 0,
        }
    }

    /// The place of a type, made for a module's when it is first met.
    pub fn kind(&mut self, name: &str) -> usize {
        if let Some(place) = self.kinds.iter().position(|kind| kind.name == name) {
            return place;
        }
        self.kinds.push(Kind {
            name: name.to_owned(),
            counter: None,
            keys: 0,
            total: 0,
            biggest: None,
        });
        self.kinds.len() - 1
    }

    fn unit(&self, kind: &Kind) -> &'static str {
        match (self.measure, kind.counter) {
            (Measure::Memory, _) => "bytes",
            (Measure::Elements, Some((_, unit))) => unit,
            (Measure::Elements, None) => "?",
        }
    }

    /// Notes a key, and says so if it is the biggest of its type yet. `share` is what was walked.
    pub fn note(&mut self, place: usize, key: &[u8], size: u64, share: f64) -> Option<String> {
        self.sampled += 1;
        self.name_bytes += key.len() as u64;
        let kind = &mut self.kinds[place];
        kind.keys += 1;
        kind.total += size;
        if kind.biggest.as_ref().map_or(0, |(_, size)| *size) >= size {
            return None;
        }
        kind.biggest = Some((key.to_vec(), size));
        let kind = &self.kinds[place];
        let (name, unit, key) = (&kind.name, self.unit(kind), quoted(key));
        Some(format!(
            "[{share:05.2}%] Biggest {name:<6} found so far '{key}' with {size} {unit}\n"
        ))
    }

    pub fn summary(&self, interrupted: bool) -> String {
        let mut text = "\n-------- summary -------\n\n".to_owned();
        if interrupted {
            let share = percent(self.sampled, self.total);
            text += &format!("[{share:05.2}%] ");
        }
        text += &format!("Sampled {} keys in the keyspace!\n", self.sampled);
        let average = self.name_bytes as f64 / self.sampled.max(1) as f64;
        let bytes = self.name_bytes;
        text += &format!("Total key length in bytes is {bytes} (avg len {average:.2})\n\n");
        for kind in &self.kinds {
            if let Some((key, size)) = &kind.biggest {
                let (name, unit, key) = (&kind.name, self.unit(kind), quoted(key));
                text += &format!("Biggest {name:>6} found '{key}' has {size} {unit}\n");
            }
        }
        text += "\n";
        for kind in &self.kinds {
            let Kind {
                name, keys, total, ..
            } = kind;
            let (unit, share) = (self.unit(kind), percent(*keys, self.sampled));
            let average = *total as f64 / (*keys).max(1) as f64;
            text += &format!(
                "{keys} {name}s with {total} {unit} \
                 ({share:05.2}% of keys, avg size {average:.2})\n"
            );
        }
        text
    }
}

/// Walks over the keys and reports the biggest, also when it is told to stop.
pub async fn biggest(session: &mut Session, measure: Measure) -> ExitCode {
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    session.emit(introduction("biggest").as_bytes());
    let total = match total(session).await {
        Ok(total) => total,
        Err(message) => return fail(&message),
    };
    let mut findings = Findings::new(measure, total);
    let ended = tokio::select! {
        ended = walk(session, &mut findings) => Some(ended),
        _ = tokio::signal::ctrl_c() => None,
    };
    let interrupted = ended.is_none();
    if let Some(Err(message)) = ended {
        return fail(&message);
    }
    session.emit(findings.summary(interrupted).as_bytes());
    ExitCode::SUCCESS
}

async fn walk(session: &mut Session, findings: &mut Findings) -> Result<(), String> {
    // A replica in a cluster shows its keys only to whoever says this; elsewhere it is an error.
    drop(session.ask(&["READONLY"]).await);
    let mut walk = Walk::default();
    while let Some(keys) = walk.step(session).await? {
        let share = percent(findings.sampled, findings.total);
        let mut places = Vec::new();
        let types: Vec<Vec<&[u8]>> = keys.iter().map(|key| vec![&b"TYPE"[..], key]).collect();
        for reply in ask_all(session, &types).await? {
            match reply {
                Value::Simple(name) => {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    places.push((name != "none").then(|| findings.kind(&name)));
                }
                Value::Error(text) => {
                    return Err(format!(
                        "TYPE returned an error: {}",
                        String::from_utf8_lossy(&text)
                    ));
                }
                _ => places.push(None),
            }
        }
        let samples = session
            .options
            .keys
            .memory_samples
            .map(|samples| samples.to_string());
        let requests = requests(findings, &keys, &places, samples.as_deref());
        let asked: Vec<Vec<&[u8]>> = requests.iter().flatten().cloned().collect();
        let mut sizes = ask_all(session, &asked).await?.into_iter();
        for ((key, place), request) in keys.iter().zip(places).zip(&requests) {
            let size = request.as_ref().and_then(|_| sizes.next());
            // A key that has gone meanwhile, or has become another type, has no size.
            let size = match size {
                Some(Value::Integer(size)) => u64::try_from(size).unwrap_or(0),
                _ => 0,
            };
            if let Some(place) = place
                && let Some(line) = findings.note(place, key, size, share)
            {
                session.emit(line.as_bytes());
            }
        }
        walk.pause(session).await;
    }
    Ok(())
}

/// The question for each key's size; none where there is none to ask.
fn requests<'a>(
    findings: &Findings,
    keys: &'a [Vec<u8>],
    places: &[Option<usize>],
    samples: Option<&'a str>,
) -> Vec<Option<Vec<&'a [u8]>>> {
    let request = |(key, place): (&'a Vec<u8>, &Option<usize>)| {
        let kind = &findings.kinds[(*place)?];
        match (findings.measure, kind.counter) {
            (Measure::Memory, _) => {
                let mut words: Vec<&[u8]> = vec![b"MEMORY", b"USAGE", key];
                if let Some(samples) = samples {
                    words.extend([&b"SAMPLES"[..], samples.as_bytes()]);
                }
                Some(words)
            }
            (Measure::Elements, Some((command, _))) => Some(vec![command.as_bytes(), key]),
            (Measure::Elements, None) => None,
        }
    };
    keys.iter().zip(places).map(request).collect()
}
