//! `import`: the keys of a server that is no cluster.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use resp::value::Value;

use super::{Errand, Outcome, Over};
use crate::fleet::{Fleet, replied};
use crate::link::{Access, Link, Trouble, field};
use crate::place::Place;
use crate::slots::{SLOTS, slot_of};
use crate::voice::Dialect;
use crate::words;

/// How many keys are asked for at once.
const SCANNED: usize = 1000;

/// How many keys go in one command where nobody wants a line for each.
const BATCH: usize = 200;

/// An import on its way.
struct Import {
    source: Link,
    owners: Vec<Option<usize>>,
    copied: u64,
    refused: Vec<String>,
}

impl Errand {
    pub async fn import(&mut self) -> Result<Outcome, Over> {
        let place = self.place_at(0)?;
        let from = self.import_source()?;
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
            copied: 0,
            refused: Vec::new(),
        };
        if self.is(Dialect::Ochre) {
            if !self.wait_until_serving(&mut fleet).await {
                return Err(Over(Outcome::Unhealthy));
            }
            return self.import_all(&mut fleet, &mut import).await;
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

    fn migrate(&self, target: &Place, keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
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
        words.extend(settings.replace.then(|| b"REPLACE".to_vec()));
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
                commands.push(self.migrate(&target, std::slice::from_ref(key)));
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

    /// All dbs. How far it is can be kept in a file, from which another run goes on.
    async fn import_all(
        &mut self,
        fleet: &mut Fleet,
        import: &mut Import,
    ) -> Result<Outcome, Over> {
        let place = import.source.place.clone();
        let info = import.source.text(&["INFO", "keyspace"]).await;
        let info = info.map_err(|trouble| {
            replied(&self.voice, &place, &trouble);
            Over(Outcome::Unhealthy)
        })?;
        let dbs = databases(&info);
        let journal = self.request.settings.journal.clone();
        let (db_reached, cursor_reached) = journal
            .as_deref()
            .and_then(read_journal)
            .unwrap_or((0, b"0".to_vec()));
        for (db, keys) in dbs.into_iter().filter(|(db, _)| *db >= db_reached) {
            self.voice
                .warning(&format!("*** Importing {keys} keys from DB {db}"));
            if self.request.settings.dry_run {
                continue;
            }
            let begin = match db == db_reached {
                true => cursor_reached.clone(),
                false => b"0".to_vec(),
            };
            let done = self
                .import_db(fleet, import, db, begin, journal.as_deref())
                .await;
            if let Err(trouble) = done {
                replied(&self.voice, &place, &trouble);
                self.note("keys", import.copied);
                return Err(Over(Outcome::Partial));
            }
        }
        if let Some(journal) = &journal {
            // What is done is not to be continued.
            drop(std::fs::remove_file(journal));
        }
        self.note("keys", import.copied);
        self.note("refused", import.refused.as_slice());
        for text in import.refused.iter().take(10) {
            self.voice.warning(&format!("[WARNING] {text}"));
        }
        let (copied, refused) = (import.copied, import.refused.len());
        self.voice
            .good(&format!("[OK] {copied} keys imported, {refused} refused."));
        match refused {
            0 => Ok(Outcome::Done),
            _ => Ok(Outcome::Partial),
        }
    }

    async fn import_db(
        &mut self,
        fleet: &mut Fleet,
        import: &mut Import,
        db: u64,
        mut cursor: Vec<u8>,
        journal: Option<&Path>,
    ) -> Result<(), Trouble> {
        loop {
            // With every batch: a connection that was made again is in the first db.
            import.source.ask(&words!["SELECT", db]).await?;
            let (next, keys) = scan(&mut import.source, &cursor).await?;
            let mut by_node: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
            for key in keys {
                match import.owners[usize::from(slot_of(&key))] {
                    Some(node) => by_node.entry(node).or_default().push(key),
                    None => {
                        let key = String::from_utf8_lossy(&key).into_owned();
                        import
                            .refused
                            .push(format!("{key}: nobody serves its slot"));
                    }
                }
            }
            for (node, keys) in by_node {
                let target = fleet.view.nodes[node].place();
                for keys in keys.chunks(BATCH) {
                    self.import_keys(import, &target, keys).await?;
                }
            }
            cursor = next;
            if let Some(journal) = journal {
                write_journal(journal, db, &cursor)
                    .map_err(|error| Trouble::Refused(client::reason(&error)))?;
            }
            if cursor == b"0" {
                return Ok(());
            }
        }
    }

    /// Keys that cannot go together go one by one, so that each is told of.
    async fn import_keys(
        &mut self,
        import: &mut Import,
        target: &Place,
        keys: &[Vec<u8>],
    ) -> Result<(), Trouble> {
        match import.source.ask(&self.migrate(target, keys)).await {
            Ok(_) => {
                import.copied += keys.len() as u64;
                return Ok(());
            }
            Err(Trouble::Refused(_)) => {}
            Err(trouble) => return Err(trouble),
        }
        for key in keys {
            let one = self.migrate(target, std::slice::from_ref(key));
            match import.source.ask(&one).await {
                Ok(Value::Simple(text)) if text == b"NOKEY" => {}
                Ok(_) => import.copied += 1,
                Err(Trouble::Refused(text)) => {
                    let key = String::from_utf8_lossy(key);
                    import.refused.push(format!("{key}: {text}"));
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(())
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

/// The dbs of a server that hold anything, and how many keys: `db0:keys=1,expires=0`.
fn databases(info: &str) -> Vec<(u64, u64)> {
    let dbs = info.lines().filter_map(|line| {
        let (name, figures) = line.trim().split_once(':')?;
        let keys = figures.split(',').next()?.strip_prefix("keys=")?;
        Some((name.strip_prefix("db")?.parse().ok()?, keys.parse().ok()?))
    });
    dbs.collect()
}

/// The db and the cursor that an import has reached.
fn read_journal(path: &Path) -> Option<(u64, Vec<u8>)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (db, cursor) = text.trim().split_once(' ')?;
    Some((db.parse().ok()?, cursor.as_bytes().to_vec()))
}

fn write_journal(path: &Path, db: u64, cursor: &[u8]) -> std::io::Result<()> {
    // The db is done when its cursor is back at 0.
    let (db, cursor) = match cursor {
        b"0" => (db + 1, b"0".as_slice()),
        cursor => (db, cursor),
    };
    let draft = path.with_extension("draft");
    let mut file = std::fs::File::create(&draft)?;
    writeln!(file, "{db} {}", String::from_utf8_lossy(cursor))?;
    file.sync_all()?;
    std::fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dbs_are_read_from_what_servers_tell() {
        let info = "# Keyspace\r\ndb0:keys=12,expires=0,avg_ttl=0\r\ndb9:keys=1,expires=1\r\n";
        assert_eq!(databases(info), [(0, 12), (9, 1)]);
    }
}
