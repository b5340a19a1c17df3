//! `restore`: what `backup` has saved, loaded into a cluster of any layout.
//!
//! A key goes to whoever serves its slot now, as it stands in the snapshot: no value is understood
//! on the way, only cut out and sent as what `DUMP` would have given.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use persistence::rdb::{Item, Record, ScanOptions, Scanner, string};
use resp::value::Value;
use serde_json::Value as Json;

use super::backup::{NODES, file_name};
use super::{Errand, Outcome, Over};
use crate::fleet::Fleet;
use crate::link::Trouble;
use crate::node::Node;
use crate::slots::{SLOTS, slot_of};

/// How much of a file is read at once.
const READ_BYTES: usize = 1 << 20;

/// How much is sent to a node before its answers are awaited.
const SENT_BYTES_MAX: usize = 4 << 20;
const SENT_KEYS_MAX: usize = 1000;

/// Sends keys to their nodes, many at a time.
struct Loader<'a> {
    fleet: &'a mut Fleet,
    owners: Vec<Option<usize>>,
    replace: bool,
    /// What waits to be sent to each node.
    waiting: Vec<Vec<Vec<Vec<u8>>>>,
    waiting_bytes: usize,
    functions: Vec<Vec<u8>>,
    loaded: u64,
    expired: u64,
    refused: Vec<String>,
}

/// Why a file was not loaded.
enum Failure {
    File(std::io::Error),
    Snapshot(String),
    Node(usize, Trouble),
    Unserved(u16),
    OtherDb(u64),
}

impl Errand {
    pub async fn restore(&mut self) -> Result<Outcome, Over> {
        let place = self.place_at(0)?;
        let folder = self.request.arg(1);
        let folder = Path::new(&folder);
        let names = self.read_names(folder)?;
        let mut fleet = self.load(&place).await?;
        let health = self.check(&fleet, false);
        if !health.is_good() {
            self.voice
                .bad("*** Please fix your cluster problems before restoring");
            return Err(Over(Outcome::Unhealthy));
        }
        if self.request.settings.dry_run {
            names
                .iter()
                .for_each(|name| self.voice.line(&format!("Would load {name}")));
            return Ok(Outcome::Done);
        }
        if !self.wait_until_serving(&mut fleet).await {
            return Err(Over(Outcome::Unhealthy));
        }
        let mut loader = Loader::new(&mut fleet, self.request.settings.replace);
        for name in &names {
            self.voice.heading(&format!(">>> Loading {name}..."));
            if let Err(failure) = loader.load(&folder.join(name)).await {
                let text = loader.explain(name, &failure);
                let loaded = loader.loaded;
                self.voice.bad(&format!("[ERR] {text}"));
                self.note("keys", loaded);
                return Err(Over(match loaded {
                    0 => Outcome::Unhealthy,
                    _ => Outcome::Partial,
                }));
            }
        }
        let (loaded, expired, refused) = (loader.loaded, loader.expired, loader.refused);
        self.note("keys", loaded);
        self.note("expired", expired);
        self.note("refused", refused.as_slice());
        for text in refused.iter().take(10) {
            self.voice.warning(&format!("[WARNING] {text}"));
        }
        let count = refused.len();
        self.voice.good(&format!(
            "[OK] {loaded} keys restored, {expired} had expired, {count} were refused."
        ));
        match count {
            0 => Ok(Outcome::Done),
            _ => Ok(Outcome::Partial),
        }
    }

    /// The files that the backup consists of.
    fn read_names(&self, folder: &Path) -> Result<Vec<String>, Over> {
        let path = folder.join(NODES);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let (path, reason) = (path.display(), client::reason(&error));
            self.voice
                .aside(&format!("ochre: cannot read {path}: {reason}"));
            Over(Outcome::Usage)
        })?;
        let nodes: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
        let names: Vec<String> = nodes
            .as_array()
            .into_iter()
            .flatten()
            .filter(|node| node["replicate"].is_null())
            .filter_map(|node| {
                let named = Node {
                    id: node["name"].as_str()?.to_owned(),
                    host: node["host"].as_str()?.to_owned(),
                    port: node["port"].as_u64()?.try_into().ok()?,
                    ..Node::default()
                };
                Some(file_name(&named))
            })
            .collect();
        if names.is_empty() {
            let path = path.display();
            self.voice.aside(&format!("ochre: {path} names no primary"));
            return Err(Over(Outcome::Usage));
        }
        Ok(names)
    }
}

impl<'a> Loader<'a> {
    fn new(fleet: &'a mut Fleet, replace: bool) -> Loader<'a> {
        let owner = |slot| fleet.view.owners(slot).first().copied();
        Loader {
            owners: (0..SLOTS).map(owner).collect(),
            waiting: vec![Vec::new(); fleet.links.len()],
            fleet,
            replace,
            waiting_bytes: 0,
            functions: Vec::new(),
            loaded: 0,
            expired: 0,
            refused: Vec::new(),
        }
    }

    fn explain(&self, name: &str, failure: &Failure) -> String {
        match failure {
            Failure::File(error) => format!("cannot read {name}: {}", client::reason(error)),
            Failure::Snapshot(text) => format!("{name}: {text}"),
            Failure::Node(node, trouble) => {
                format!("{}: {trouble}", self.fleet.view.nodes[*node].place())
            }
            Failure::Unserved(slot) => format!("nobody serves slot {slot}"),
            Failure::OtherDb(db) => format!("{name} has keys in db {db}, and a cluster has one"),
        }
    }

    async fn load(&mut self, path: &Path) -> Result<(), Failure> {
        let mut file = File::open(path).map_err(Failure::File)?;
        let mut scanner = Scanner::new(ScanOptions::default());
        let mut buffer = Vec::new();
        loop {
            let item = scanner.next(&buffer);
            match item.map_err(|error| Failure::Snapshot(format!("{error:?}")))? {
                Some(Item::Record(record)) => {
                    self.key(&record, &buffer, scanner.version())?;
                    if self.waiting_bytes > SENT_BYTES_MAX {
                        self.send().await?;
                    }
                }
                Some(Item::Function(code)) => self.function(code).await?,
                Some(Item::End(_)) => return self.send().await,
                Some(_) => {}
                None => {
                    let read = (&mut file).take(READ_BYTES as u64).read_to_end(&mut buffer);
                    if read.map_err(Failure::File)? == 0 {
                        let ended = scanner.finish(&buffer);
                        ended.map_err(|error| Failure::Snapshot(format!("{error:?}")))?;
                        return self.send().await;
                    }
                }
            }
            let consumed = scanner.take_consumed();
            buffer.drain(..consumed);
        }
    }

    /// Every node has the functions, and every snapshot brings them.
    async fn function(&mut self, code: Vec<u8>) -> Result<(), Failure> {
        if self.functions.contains(&code) {
            return Ok(());
        }
        let words = [
            b"FUNCTION".to_vec(),
            b"LOAD".to_vec(),
            b"REPLACE".to_vec(),
            code.clone(),
        ];
        for node in self.fleet.view.primaries().collect::<Vec<_>>() {
            let loaded = self.fleet.links[node].ask(&words).await;
            loaded.map_err(|trouble| Failure::Node(node, trouble))?;
        }
        self.functions.push(code);
        Ok(())
    }

    fn key(&mut self, record: &Record, buffer: &[u8], version: u32) -> Result<(), Failure> {
        if record.db != 0 {
            return Err(Failure::OtherDb(record.db));
        }
        let key = string(&buffer[record.key()]);
        let key = key.map_err(|error| Failure::Snapshot(format!("{error:?}")))?;
        let key = key.into_bytes().into_owned();
        let slot = slot_of(&key);
        let node = self.owners[usize::from(slot)].ok_or(Failure::Unserved(slot))?;
        let mut payload = vec![record.kind];
        payload.extend_from_slice(&buffer[record.value()]);
        payload.extend_from_slice(&(version as u16).to_le_bytes());
        let sum = stdx::crc64::update(0, &payload);
        payload.extend_from_slice(&sum.to_le_bytes());
        self.waiting_bytes += payload.len() + key.len();
        let expiry = record.expiry.unwrap_or(0).to_string();
        let mut words = vec![b"RESTORE".to_vec(), key, expiry.into_bytes(), payload];
        if record.expiry.is_some() {
            words.push(b"ABSTTL".to_vec());
        }
        if self.replace {
            words.push(b"REPLACE".to_vec());
        }
        self.waiting[node].push(words);
        if self.waiting[node].len() >= SENT_KEYS_MAX {
            self.waiting_bytes = usize::MAX / 2;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Failure> {
        for node in 0..self.waiting.len() {
            let commands = std::mem::take(&mut self.waiting[node]);
            if commands.is_empty() {
                continue;
            }
            let replies = self.fleet.links[node].ask_all(&commands).await;
            let replies = replies.map_err(|trouble| Failure::Node(node, trouble))?;
            for (words, reply) in commands.iter().zip(replies) {
                match reply {
                    Value::Error(text) => {
                        let key = String::from_utf8_lossy(&words[1]).into_owned();
                        let text = String::from_utf8_lossy(&text).into_owned();
                        self.refused.push(format!("{key}: {text}"));
                    }
                    _ => self.loaded += 1,
                }
            }
        }
        self.waiting_bytes = 0;
        Ok(())
    }
}
