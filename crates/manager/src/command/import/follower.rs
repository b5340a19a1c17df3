//! A source that is followed as its replicas follow it: a snapshot, then every change.
//!
//! Changes are not repeated at the cluster. They say which keys changed, and what those hold is
//! read from the source when there is time for it. So a change may be heard of twice, a command
//! may touch keys of many slots, and a key that is written all the time is sent when it is looked
//! at, not each time.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use client::snapshot::{announced, line, receive};
use client::{Connection, Error};
use resp::value::Value;
use tokio::sync::Notify;

use crate::link::{Link, Trouble};

/// How often the source hears how far we are. It gives up a replica that says nothing.
const ACKNOWLEDGE_EVERY: Duration = Duration::from_secs(1);

/// What a source sends after it was asked to be followed.
pub enum Begun {
    /// What comes after the offset that was asked for.
    Continued,
    /// The snapshot of this history and offset, which is in the file.
    Snapshot { history: String, offset: u64 },
}

/// What has been heard, and not been seen to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Keys that changed, by their db.
    pub keys: BTreeSet<(u64, Vec<u8>)>,
    /// Keys may be gone that were not named.
    pub flushed: bool,
    /// Dbs have changed places.
    pub swapped: bool,
    /// Functions have changed.
    pub functions: bool,
    /// All this happened before this offset. The next change is of this db.
    pub offset: u64,
    pub db: u64,
    /// How many commands there were, from the first.
    pub commands: u64,
    /// Why no more is heard.
    pub ended: Option<String>,
}

/// What a follower and whoever sees to its changes share.
#[derive(Default)]
pub struct Feed {
    heard: Mutex<Heard>,
    pub stirs: Notify,
}

impl Heard {
    /// Notes a command of so many bytes that touches these keys.
    fn note(
        &mut self,
        name: &[u8],
        words: &[Vec<u8>],
        keys: Vec<Vec<u8>>,
        bytes: u64,
    ) -> Result<(), Trouble> {
        match name {
            b"select" => {
                let db = words
                    .get(1)
                    .and_then(|db| std::str::from_utf8(db).ok()?.parse().ok());
                self.db = db.ok_or_else(|| Trouble::Refused("SELECT of no db".to_owned()))?;
            }
            b"flushall" | b"flushdb" => self.flushed = true,
            b"swapdb" => self.swapped = true,
            b"function" => self.functions = true,
            _ => {}
        }
        let db = self.db;
        self.keys.extend(keys.into_iter().map(|key| (db, key)));
        // Two of them name another db.
        if let (b"move" | b"copy", Some(other)) = (name, other_db(name, words))
            && let Some(key) = words.get(if name == b"copy" { 2 } else { 1 })
        {
            self.keys.insert((other, key.clone()));
        }
        self.offset += bytes;
        self.commands += 1;
        Ok(())
    }
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard
            .lock()
            .expect("nobody panics while holding the lock")
    }

    /// Takes what there is to see to.
    pub fn take(&self) -> Heard {
        let mut heard = self.lock();
        let rest = Heard {
            offset: heard.offset,
            db: heard.db,
            commands: heard.commands,
            ended: heard.ended.clone(),
            ..Heard::default()
        };
        std::mem::replace(&mut heard, rest)
    }

    pub fn waiting(&self) -> usize {
        self.lock().keys.len()
    }
}

/// Asks a source to be followed from an offset of a history, or from a snapshot, which is written
/// to a file and told of in bytes. The link's connection becomes the follower's.
pub async fn begin(
    link: &mut Link,
    from: Option<(&str, u64)>,
    file: &Path,
    mut see: impl FnMut(u64),
) -> Result<(Begun, Connection), Trouble> {
    // Who does not know a word is asked in older ones.
    for words in [["capa", "eof"], ["capa", "psync2"]] {
        match link.ask(&["REPLCONF", words[0], words[1]]).await {
            Ok(_) | Err(Trouble::Refused(_)) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    let mut connection = link.take().await?;
    let (history, next) = match from {
        Some((history, offset)) => (history.to_owned(), (offset + 1).to_string()),
        None => ("?".to_owned(), "-1".to_owned()),
    };
    connection.queue(&["PSYNC", &history, &next]);
    connection.flush().await.map_err(Trouble::Lost)?;
    let reply = loop {
        let line = line(&mut connection).await.map_err(Trouble::Lost)?;
        if !line.is_empty() {
            break String::from_utf8_lossy(&line).into_owned();
        }
    };
    if reply.starts_with("+CONTINUE") {
        return Ok((Begun::Continued, connection));
    }
    let words: Vec<&str> = reply.split(' ').collect();
    let ["+FULLRESYNC", history, offset] = words.as_slice() else {
        let text = reply.strip_prefix('-').unwrap_or(&reply);
        return Err(Trouble::Refused(text.to_owned()));
    };
    let unexpected = || Trouble::Refused(format!("PSYNC gave an unexpected reply: {reply}"));
    let offset = offset.parse().map_err(|_| unexpected())?;
    let payload = announced(&mut connection).await.map_err(Trouble::Lost)?;
    let payload = payload.map_err(Trouble::Refused)?;
    let mut bytes_seen = 0;
    let cannot = |error: std::io::Error| {
        let (file, reason) = (file.display(), client::reason(&error));
        Failed::Here(format!("cannot write {file}: {reason}"))
    };
    let mut output = std::fs::File::create(file)
        .map_err(cannot)
        .map_err(Trouble::from)?;
    receive(&mut connection, &payload, |bytes| {
        bytes_seen += bytes.len() as u64;
        see(bytes_seen);
        std::io::Write::write_all(&mut output, bytes).map_err(cannot)
    })
    .await?;
    output.sync_all().map_err(cannot)?;
    let history = (*history).to_owned();
    Ok((Begun::Snapshot { history, offset }, connection))
}

enum Failed {
    There(Error),
    Here(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::There(error)
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Trouble {
        match failed {
            Failed::There(error) => Trouble::Lost(error),
            Failed::Here(text) => Trouble::Refused(text),
        }
    }
}

/// Listens to a source from an offset on, for as long as it speaks.
pub struct Follower {
    pub connection: Connection,
    /// For asking what commands mean.
    pub link: Link,
    pub feed: Arc<Feed>,
    shapes: HashMap<Vec<u8>, Shape>,
}

/// Where a command has its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// From the first to the last, in steps; counted from the end if negative.
    At { first: i64, last: i64, step: i64 },
    /// The source has to be asked for each.
    Asked,
}

impl Follower {
    pub fn new(
        connection: Connection,
        link: Link,
        feed: Arc<Feed>,
        offset: u64,
        db: u64,
    ) -> Follower {
        let mut heard = feed.lock();
        heard.offset = offset;
        heard.db = db;
        drop(heard);
        Follower {
            connection,
            link,
            feed,
            shapes: HashMap::new(),
        }
    }

    pub async fn run(mut self) {
        let ended = match self.listen().await {
            Ok(()) => "it ended".to_owned(),
            Err(trouble) => trouble.to_string(),
        };
        self.feed.lock().ended = Some(ended);
        self.feed.stirs.notify_one();
    }

    async fn listen(&mut self) -> Result<(), Trouble> {
        let mut ticks = tokio::time::interval(ACKNOWLEDGE_EVERY);
        let mut bytes = 0;
        loop {
            let before = self.connection.unread().len();
            let command = self.connection.decode().map_err(Trouble::Lost)?;
            bytes += (before - self.connection.unread().len()) as u64;
            if let Some(command) = command {
                self.hear(command, std::mem::take(&mut bytes)).await?;
                continue;
            }
            self.feed.stirs.notify_one();
            tokio::select! {
                filled = self.connection.fill() => filled.map_err(Trouble::Lost)?,
                _ = ticks.tick() => self.acknowledge().await?,
            }
        }
    }

    async fn acknowledge(&mut self) -> Result<(), Trouble> {
        let offset = self.feed.lock().offset.to_string();
        self.connection.queue(&["REPLCONF", "ACK", &offset]);
        self.connection.flush().await.map_err(Trouble::Lost)
    }

    async fn hear(&mut self, command: Value, bytes: u64) -> Result<(), Trouble> {
        let Value::Array(words) = command else {
            return Err(Trouble::Refused(format!("not a command: {command:?}")));
        };
        let words: Vec<Vec<u8>> = words
            .into_iter()
            .filter_map(|word| match word {
                Value::Bulk(word) => Some(word),
                _ => None,
            })
            .collect();
        let name = words
            .first()
            .map(|name| name.to_ascii_lowercase())
            .unwrap_or_default();
        let keys = match name.as_slice() {
            b"select" | b"flushall" | b"flushdb" | b"swapdb" | b"function" | b"replconf" => {
                Vec::new()
            }
            // They say something of no key.
            b"ping" | b"multi" | b"exec" | b"publish" | b"spublish" | b"script" => Vec::new(),
            _ => self.keys(&name, &words).await?,
        };
        self.feed.lock().note(&name, &words, keys, bytes)?;
        if name == b"replconf" {
            self.acknowledge().await?;
        }
        Ok(())
    }

    /// The keys of a command, by what the source says of it.
    async fn keys(&mut self, name: &[u8], words: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Trouble> {
        let shape = match self.shapes.get(name) {
            Some(shape) => *shape,
            None => {
                let info = [b"COMMAND".as_slice(), b"INFO", name];
                let shape = Shape::of(&self.link.ask(&info).await?);
                self.shapes.insert(name.to_vec(), shape);
                shape
            }
        };
        if let Some(keys) = shape.keys(words) {
            return Ok(keys);
        }
        let mut ask = vec![b"COMMAND".to_vec(), b"GETKEYS".to_vec()];
        ask.extend(words.iter().cloned());
        match self.link.ask(&ask).await {
            Ok(keys) => Ok(crate::carrier::bulks(keys)),
            Err(Trouble::Refused(text)) if text.contains("no key") => Ok(Vec::new()),
            Err(trouble) => Err(trouble),
        }
    }
}

/// The db that a command of two dbs names besides its own.
fn other_db(name: &[u8], words: &[Vec<u8>]) -> Option<u64> {
    let word = match name {
        b"move" => words.get(2)?,
        _ => {
            let at = words
                .iter()
                .skip(3)
                .position(|word| word.eq_ignore_ascii_case(b"DB"))?;
            words.get(3 + at + 1)?
        }
    };
    std::str::from_utf8(word).ok()?.parse().ok()
}

impl Shape {
    /// Reads what `COMMAND INFO` says of one command.
    fn of(reply: &Value) -> Shape {
        let Value::Array(rows) = reply else {
            return Shape::Asked;
        };
        let Some(Value::Array(fields)) = rows.first() else {
            return Shape::Asked;
        };
        let flags = match fields.get(2) {
            Some(Value::Array(flags) | Value::Set(flags)) => flags.as_slice(),
            _ => &[],
        };
        let moves = |flag: &Value| matches!(flag, Value::Simple(name) if name == b"movablekeys");
        match (fields.get(3), fields.get(4), fields.get(5)) {
            (
                Some(Value::Integer(first @ 1..)),
                Some(Value::Integer(last)),
                Some(Value::Integer(step @ 1..)),
            ) if !flags.iter().any(moves) => {
                let (first, last, step) = (*first, *last, *step);
                Shape::At { first, last, step }
            }
            _ => Shape::Asked,
        }
    }

    /// The keys among words; none if the source has to be asked.
    fn keys(self, words: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
        let Shape::At { first, last, step } = self else {
            return None;
        };
        let len = i64::try_from(words.len()).ok()?;
        let last = if last < 0 {
            len + last
        } else {
            last.min(len - 1)
        };
        let (first, step) = (usize::try_from(first).ok()?, usize::try_from(step).ok()?);
        let end = usize::try_from(last + 1).ok()?;
        Some(
            (first..end)
                .step_by(step)
                .map(|at| words[at].clone())
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<u8>> {
        text.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    #[test]
    fn keys_stand_where_the_source_says() {
        let row = |flag: &str, first, last, step| {
            Value::Array(vec![Value::Array(vec![
                Value::Bulk(b"x".to_vec()),
                Value::Integer(-2),
                Value::Array(vec![Value::Simple(flag.as_bytes().to_vec())]),
                Value::Integer(first),
                Value::Integer(last),
                Value::Integer(step),
            ])])
        };
        let keys = |reply: &Value, text: &str| Shape::of(reply).keys(&words(text));
        assert_eq!(keys(&row("write", 1, -1, 1), "DEL a b"), Some(words("a b")));
        assert_eq!(
            keys(&row("write", 1, -1, 2), "MSET a 1 b 2"),
            Some(words("a b"))
        );
        assert_eq!(
            keys(&row("write", 1, 2, 1), "RENAME a b"),
            Some(words("a b"))
        );
        assert_eq!(keys(&row("write", 2, -2, 1), "X op"), Some(Vec::new()));
        assert_eq!(keys(&row("movablekeys", 1, 1, 1), "SORT a STORE b"), None);
        assert_eq!(keys(&row("write", 0, 0, 0), "XGROUP CREATE a g 0"), None);
        // Who does not know a command of its own is asked nothing it could answer.
        assert_eq!(keys(&Value::Array(vec![Value::Null]), "X a"), None);
    }

    #[test]
    fn what_is_heard_is_told_once() {
        let feed = Feed::default();
        let hear = |text: &str, keys: &str| {
            let (words, keys) = (words(text), keys.split_terminator(' '));
            let keys = keys.map(|key| key.as_bytes().to_vec()).collect();
            let name = words[0].to_ascii_lowercase();
            feed.lock().note(&name, &words, keys, 10)
        };
        hear("SELECT 3", "").unwrap();
        hear("DEL a b", "a b").unwrap();
        hear("INCR a", "a").unwrap();
        hear("COPY a c DB 5", "a c").unwrap();
        let heard = feed.take();
        let key = |db, key: &str| (db, key.as_bytes().to_vec());
        let keys: Vec<_> = heard.keys.iter().cloned().collect();
        assert_eq!(keys, [key(3, "a"), key(3, "b"), key(3, "c"), key(5, "c")]);
        assert_eq!((heard.offset, heard.db, heard.commands), (40, 3, 4));
        hear("FLUSHALL", "").unwrap();
        let heard = feed.take();
        assert!(heard.flushed && heard.keys.is_empty());
        assert_eq!((heard.offset, heard.db, heard.commands), (50, 3, 5));
        assert!(hear("SELECT x", "").is_err());
    }

    #[test]
    fn commands_of_two_dbs_name_the_other_one() {
        assert_eq!(other_db(b"move", &words("MOVE k 3")), Some(3));
        assert_eq!(other_db(b"copy", &words("COPY a b DB 4 REPLACE")), Some(4));
        assert_eq!(other_db(b"copy", &words("COPY a b REPLACE")), None);
        // A key may be called so.
        assert_eq!(other_db(b"copy", &words("COPY DB DB")), None);
    }
}
