//! `import`: the keys of a server that is no cluster.
//!
//! ```text
//!   copying   keys as they stand, page by page     live     a snapshot, then every change
//!   delivery  to whoever serves their slots        pursuit  keeping up, and taking over
//!   dbs       what their keys are called           journal  how far it is
//! ```

mod copying;
mod dbs;
mod delivery;
mod follower;
mod journal;
mod live;
mod pursuit;

use std::sync::Arc;

use resp::value::Value;

use super::{Errand, Outcome, Over};
use crate::fleet::Fleet;
use crate::link::{Access, Link, Trouble, field};
use crate::place::Place;
use crate::slots::{SLOTS, slot_of};
use crate::voice::Dialect;
use crate::words;

/// How many keys are asked for at once.
const SCANNED: usize = 1000;

/// An import on its way.
struct Import {
    source: Link,
    owners: Vec<Option<usize>>,
}

impl Errand {
    pub async fn import(&mut self) -> Result<Outcome, Over> {
        let place = self.place_at(0)?;
        let from = self.import_source()?;
        let dbs = dbs::Dbs::parse(&self.request.settings.dbs).map_err(|word| {
            self.voice
                .aside(&format!("ochre: --db takes N or N=PREFIX, not {word}"));
            Over(Outcome::Usage)
        })?;
        let shown = if self.is(Dialect::Trib) {
            String::new()
        } else {
            place.to_string()
        };
        self.voice.heading(&format!(
            ">>> Importing data from {from} to cluster {shown}"
        ));
        let mut fleet = self.load(&place).await?;
        let health = self.check(&fleet, true);
        if !health.is_good() && !self.is(Dialect::Trib) {
            return Err(Over(Outcome::Unhealthy));
        }
        let source = self.open_source(&from).await?;
        let owner = |slot| fleet.view.owners(slot).first().copied();
        let mut import = Import {
            source,
            owners: (0..SLOTS).map(owner).collect(),
        };
        if self.is(Dialect::Ochre) {
            if !self.wait_until_serving(&mut fleet).await {
                return Err(Over(Outcome::Unhealthy));
            }
            return match self.request.settings.live {
                true => self.import_live(&fleet, import.source, dbs).await,
                false => self.import_all(&fleet, &mut import.source, &dbs).await,
            };
        }
        self.import_first(&mut fleet, &mut import).await
    }

    fn import_source(&self) -> Result<Place, Over> {
        let Some(from) = &self.request.settings.from else {
            match self.voice.dialect {
                Dialect::Trib => self
                    .voice
                    .line("Option '--from' is required for subcommand 'import'"),
                Dialect::Cli => self
                    .voice
                    .aside("[ERR] Option '--cluster-from' is required for subcommand 'import'."),
                Dialect::Ochre => self.voice.aside("ochre: import needs --from HOST:PORT"),
            }
            return Err(Over(Outcome::Usage));
        };
        Place::parse(from).ok_or_else(|| {
            match self.voice.dialect {
                Dialect::Trib => self.bad_address(from),
                Dialect::Cli | Dialect::Ochre => self.voice.aside(
                    "[ERR] Invalid --cluster-from host. You need to pass a valid address (ie. \
                     120.0.0.1:7000).",
                ),
            }
            Over(Outcome::Usage)
        })
    }

    async fn open_source(&mut self, from: &Place) -> Result<Link, Over> {
        let settings = &self.request.settings;
        let access = Access {
            connection: self.access.connection.clone(),
            user: settings.from_user.clone(),
            password: settings.from_password.clone(),
        };
        if self.is(Dialect::Trib) {
            self.voice
                .heading(">>> Connecting to the source Redis instance");
        }
        let mut source = Link::new(from.clone(), &Arc::new(access));
        let info = match source.text(&["INFO"]).await {
            Ok(info) => info,
            Err(trouble @ Trouble::Refused(_)) => {
                self.source_replied(from, &trouble);
                return Err(Over(Outcome::Unhealthy));
            }
            Err(trouble) => {
                self.voice.complaint(&match self.is(Dialect::Trib) {
                    true => format!("[ERR] Sorry, can't connect to node {from}"),
                    false => trouble.to_string(),
                });
                return Err(Over(Outcome::Unhealthy));
            }
        };
        if field(&info, "cluster_enabled") == Some("1") {
            self.voice
                .bad("[ERR] The source node should not be a cluster node.");
            return Err(Over(Outcome::Unhealthy));
        }
        Ok(source)
    }

    fn source_replied(&self, place: &Place, trouble: &Trouble) {
        self.voice
            .bad(&format!("Source {place} replied with error:\n{trouble}"));
    }

    fn migrate(&self, target: &Place, keys: &[Vec<u8>], replace: bool) -> Vec<Vec<u8>> {
        let settings = &self.request.settings;
        let (key, several): (&[u8], _) = match keys {
            [only] => (only, false),
            _ => (b"", true),
        };
        let timeout = settings.timeout.as_millis();
        let mut words = words!["MIGRATE", target.host, target.port];
        words.push(key.to_vec());
        words.extend(words!["0", timeout]);
        words.extend(settings.copy.then(|| b"COPY".to_vec()));
        words.extend(replace.then(|| b"REPLACE".to_vec()));
        words.extend(self.access.migrate_words());
        if several {
            words.push(b"KEYS".to_vec());
            words.extend(keys.iter().cloned());
        }
        words
    }

    /// The first db alone, and a line for each key, as it has always been done.
    async fn import_first(
        &mut self,
        fleet: &mut Fleet,
        import: &mut Import,
    ) -> Result<Outcome, Over> {
        let place = import.source.place.clone();
        let lost = |errand: &Errand, trouble: Trouble| {
            errand.source_replied(&place, &trouble);
            Over(Outcome::Unhealthy)
        };
        let size = import.source.number(&["DBSIZE"]).await;
        let size = size.map_err(|trouble| lost(self, trouble))?;
        self.voice
            .warning(&format!("*** Importing {size} keys from DB 0"));
        let mut cursor = b"0".to_vec();
        loop {
            let scanned = scan(&mut import.source, &cursor).await;
            let (next, keys) = scanned.map_err(|trouble| lost(self, trouble))?;
            let mut commands = Vec::new();
            let mut targets = Vec::new();
            for key in &keys {
                let Some(node) = import.owners[usize::from(slot_of(key))] else {
                    continue;
                };
                let target = fleet.view.nodes[node].place();
                let replace = self.request.settings.replace;
                commands.push(self.migrate(&target, std::slice::from_ref(key), replace));
                targets.push((key, target));
            }
            for (commands, targets) in commands.chunks(16).zip(targets.chunks(16)) {
                let replies = import.source.ask_all(commands).await;
                let replies = replies.map_err(|trouble| lost(self, trouble))?;
                for ((key, target), reply) in targets.iter().zip(replies) {
                    let opening = [
                        b"Migrating ".as_slice(),
                        key,
                        format!(" to {target}: ").as_bytes(),
                    ]
                    .concat();
                    self.voice.write_bytes(&opening);
                    match reply {
                        Value::Error(text) => {
                            let text = String::from_utf8_lossy(&text).into_owned();
                            if self.is(Dialect::Cli) {
                                return Err(lost(self, Trouble::Refused(text)));
                            }
                            self.voice.line(&text);
                        }
                        _ => self.voice.line("OK"),
                    }
                }
            }
            cursor = next;
            if cursor == b"0" {
                return Ok(Outcome::Done);
            }
        }
    }
}

async fn scan(source: &mut Link, cursor: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>), Trouble> {
    let count = SCANNED.to_string();
    let words = [b"SCAN".as_slice(), cursor, b"COUNT", count.as_bytes()];
    let reply = source.ask(&words).await?;
    let unexpected = || Trouble::Refused("SCAN gave an unexpected reply".to_owned());
    let Value::Array(mut parts) = reply else {
        return Err(unexpected());
    };
    match (parts.pop(), parts.pop()) {
        (Some(Value::Array(keys)), Some(Value::Bulk(cursor))) => {
            let keys = keys.into_iter().filter_map(|key| match key {
                Value::Bulk(key) => Some(key),
                _ => None,
            });
            Ok((cursor, keys.collect()))
        }
        _ => Err(unexpected()),
    }
}
