//! The keys of a server as it stands, a page of them at a time.
//!
//! ```text
//!   SCAN a page → which are at the cluster and differ? → the journal → the others, replacing
//! ```
//!
//! Behind the journal everything may be sent again: what is there of the others came from here.
//! The source sends keys itself with `MIGRATE`. Where it cannot, or a key is to get another name,
//! they are read and sent on.

use std::collections::BTreeMap;

use resp::value::Value;

use super::dbs::{Dbs, held};
use super::delivery::{Delivery, collect, same};
use super::journal::{Journal, Page, Stage};
use super::scan;
use crate::command::meter::{Meter, Unit};
use crate::command::{Errand, Outcome, Over};
use crate::fleet::{Fleet, replied};
use crate::link::{Link, Trouble, field};
use crate::place::Place;
use crate::words;

/// How many keys go in one command.
const BATCH: usize = 200;

/// How many refused keys are told of by another run: the journal is written with every page.
const REFUSED_MAX: usize = 1000;

/// How often keys are read again that somebody changes all the time.
const CHANGES_MAX: usize = 100;

/// An import of what a server holds.
struct Copying<'a> {
    errand: &'a Errand,
    source: &'a mut Link,
    delivery: Delivery,
    dbs: &'a Dbs,
    meter: Meter,
    copied: u64,
    /// Whether the source cannot send keys itself.
    relays: bool,
    journal: Option<Journal>,
    /// Keys of the cluster that another run has found to differ, of the page to begin with.
    taken_before: Option<Vec<Vec<u8>>>,
}

/// Where another run has been.
#[derive(Default)]
struct Begin {
    db: u64,
    cursor: Vec<u8>,
    /// Keys of the page there that are at the cluster, if that was found out.
    taken: Option<Vec<Vec<u8>>>,
    refused: Vec<String>,
}

/// A key of the source, and what it is called in the cluster.
type Named = (Vec<u8>, Vec<u8>);

impl Errand {
    /// All dbs, or those that were chosen.
    pub async fn import_all(
        &mut self,
        fleet: &Fleet,
        source: &mut Link,
        dbs: &Dbs,
    ) -> Result<Outcome, Over> {
        let place = source.place.clone();
        let lost = |errand: &Errand, trouble: &Trouble| {
            replied(&errand.voice, &place, trouble);
            Over(Outcome::Unhealthy)
        };
        let info = source.text(&["INFO"]).await;
        let info = info.map_err(|trouble| lost(self, &trouble))?;
        let run = field(&info, "run_id").unwrap_or_default().to_owned();
        let found: Vec<_> = held(&info)
            .into_iter()
            .filter(|(db, _)| dbs.takes(*db))
            .collect();
        self.tell_dbs(&found, dbs);
        let document = |(db, keys): &(u64, u64)| serde_json::json!({"db": db, "keys": keys});
        self.note("dbs", found.iter().map(document).collect::<Vec<_>>());
        if self.request.settings.dry_run {
            return Ok(Outcome::Done);
        }
        let (journal, begin) = self.begin_journal(&run)?;
        let total = found.iter().map(|(_, keys)| keys).sum();
        let mut copying = Copying {
            meter: Meter::new(&self.voice, "Importing", Unit::Keys, total),
            errand: self,
            source,
            delivery: Delivery::new(fleet),
            dbs,
            copied: 0,
            relays: false,
            journal,
            taken_before: None,
        };
        let done = copying.copy_all(&found, begin).await;
        copying.meter.finish();
        let (copied, refused) = (copying.copied, copying.delivery.refused);
        self.note("keys", copied);
        self.note("refused", refused.as_slice());
        if let Err(trouble) = done {
            replied(&self.voice, &place, &trouble);
            return Err(Over(Outcome::Partial));
        }
        if let Some(path) = &self.request.settings.journal {
            // What is done is not to be continued.
            drop(std::fs::remove_file(path));
        }
        self.tell_refused(&refused);
        let refused = refused.len();
        self.voice
            .good(&format!("[OK] {copied} keys imported, {refused} refused."));
        match refused {
            0 => Ok(Outcome::Done),
            _ => Ok(Outcome::Partial),
        }
    }

    /// Says what comes from where, and what becomes of dbs in a cluster, which has one.
    pub fn tell_dbs(&self, found: &[(u64, u64)], dbs: &Dbs) {
        for (db, keys) in found {
            let names = match dbs.keeps_names(*db) {
                true => String::new(),
                false => {
                    let example = dbs.name(*db, b"KEY").unwrap_or_default();
                    format!(", as {}", String::from_utf8_lossy(&example))
                }
            };
            self.voice
                .warning(&format!("*** Importing {keys} keys from DB {db}{names}"));
        }
        let numbers: Vec<u64> = found.iter().map(|(db, _)| *db).collect();
        if dbs.merges(&numbers) {
            self.voice.warning(
                "[WARNING] A cluster has one db: keys of one name in several dbs are the same \
                 key there.\n          --db 0 --db 1=PREFIX: keeps them apart, --db N takes one.",
            );
        }
    }

    pub fn tell_refused(&self, refused: &[String]) {
        const SHOWN_MAX: usize = 10;
        for text in refused.iter().take(SHOWN_MAX) {
            self.voice.warning(&format!("[WARNING] {text}"));
        }
        if refused.len() > SHOWN_MAX {
            let more = refused.len() - SHOWN_MAX;
            self.voice.warning(&format!("[WARNING] and {more} more"));
        }
    }

    /// The journal, if one is to be kept, and where to begin.
    fn begin_journal(&self, run: &str) -> Result<(Option<Journal>, Begin), Over> {
        let first = Begin {
            cursor: b"0".to_vec(),
            ..Begin::default()
        };
        let Some(path) = &self.request.settings.journal else {
            return Ok((None, first));
        };
        let read = Journal::read(path).map_err(|text| {
            self.voice.aside(&format!("ochre: {text}"));
            Over(Outcome::Usage)
        })?;
        if let Some(journal) = &read {
            let Stage::Page(page) = &journal.stage else {
                self.voice
                    .aside("ochre: the journal is that of an import with --live");
                return Err(Over(Outcome::Usage));
            };
            if journal.source == run {
                let begin = Begin {
                    db: page.db,
                    cursor: page.cursor.clone(),
                    taken: Some(page.taken.clone()),
                    refused: page.refused.clone(),
                };
                return Ok((read, begin));
            }
            self.voice.warning(
                "[WARNING] The source was started again meanwhile: its keys are gone through from \
                 the first.",
            );
        }
        let journal = Journal {
            source: run.to_owned(),
            was_empty: false,
            stage: Stage::Page(Page::default()),
        };
        Ok((Some(journal), first))
    }
}

impl Copying<'_> {
    async fn copy_all(&mut self, found: &[(u64, u64)], begin: Begin) -> Result<(), Trouble> {
        self.delivery.refused = begin.refused;
        if found.iter().any(|(db, _)| *db == begin.db) {
            self.taken_before = begin.taken;
        }
        for (db, _) in found.iter().filter(|(db, _)| *db >= begin.db) {
            let first = b"0".as_slice();
            let cursor = if *db == begin.db {
                &begin.cursor
            } else {
                first
            };
            self.copy(*db, cursor.to_vec()).await?;
        }
        Ok(())
    }

    async fn copy(&mut self, db: u64, mut cursor: Vec<u8>) -> Result<(), Trouble> {
        loop {
            // With every page: a connection that was made again is in the first db.
            self.source.ask(&words!["SELECT", db]).await?;
            let (next, keys) = scan(self.source, &cursor).await?;
            let named = |key: Vec<u8>| Some((key.clone(), self.dbs.name(db, &key)?));
            let mut page: Vec<Named> = keys.into_iter().filter_map(named).collect();
            page.sort();
            page.dedup();
            let taken = match self.taken_before.take() {
                Some(taken) => taken,
                None => self.taken(db, &page).await?,
            };
            self.record(db, &cursor, &taken)?;
            for key in &taken {
                let key = String::from_utf8_lossy(key);
                self.delivery
                    .refused
                    .push(format!("{key}: is there already, with another value"));
            }
            let before = page.len();
            page.retain(|(_, name)| !taken.contains(name));
            self.send(db, &page).await?;
            self.meter.add(before as u64);
            cursor = next;
            if cursor == b"0" {
                return Ok(());
            }
        }
    }

    fn record(&mut self, db: u64, cursor: &[u8], taken: &[Vec<u8>]) -> Result<(), Trouble> {
        let path = &self.errand.request.settings.journal;
        let (Some(journal), Some(path)) = (&mut self.journal, path) else {
            return Ok(());
        };
        let (cursor, taken) = (cursor.to_vec(), taken.to_vec());
        let refused = self.delivery.refused.iter().take(REFUSED_MAX).cloned();
        let refused = refused.collect();
        journal.stage = Stage::Page(Page {
            db,
            cursor,
            taken,
            refused,
        });
        journal.write(path).map_err(Trouble::Refused)
    }

    /// Keys of a page that are at the cluster and hold something else.
    async fn taken(&mut self, db: u64, page: &[Named]) -> Result<Vec<Vec<u8>>, Trouble> {
        if self.errand.request.settings.replace {
            return Ok(Vec::new());
        }
        let ask = |(_, name): &Named| vec![b"EXISTS".to_vec(), name.clone()];
        let asked: Vec<_> = page.iter().map(ask).collect();
        let there = self.delivery.ask(&asked).await?;
        let there = page.iter().zip(there);
        let there: Vec<Named> = there
            .filter(|(_, reply)| *reply == Value::Integer(1))
            .map(|(key, _)| key.clone())
            .collect();
        let mut taken = Vec::new();
        for keys in there.chunks(BATCH) {
            let parcels = collect(self.source, db, keys).await?;
            let ask = |(_, name): &Named| vec![b"DUMP".to_vec(), name.clone()];
            let asked: Vec<_> = keys.iter().map(ask).collect();
            let dumps = self.delivery.ask(&asked).await?;
            for (parcel, dump) in parcels.into_iter().zip(dumps) {
                let is_same = match (&parcel.content, &dump) {
                    (Some(content), Value::Bulk(dump)) => same(&content.payload, dump),
                    _ => true,
                };
                if !is_same {
                    taken.push(parcel.key);
                }
            }
        }
        Ok(taken)
    }

    async fn send(&mut self, db: u64, page: &[Named]) -> Result<(), Trouble> {
        let mut by_place: BTreeMap<Place, Vec<Named>> = BTreeMap::new();
        for named in page {
            let place = self.delivery.owner(&named.1).clone();
            by_place.entry(place).or_default().push(named.clone());
        }
        for (place, keys) in by_place {
            for keys in keys.chunks(BATCH) {
                if self.relays || !self.dbs.keeps_names(db) || !self.migrate(&place, keys).await? {
                    self.relay(db, keys).await?;
                }
            }
        }
        Ok(())
    }

    /// Has the source send keys. Returns whether it did.
    async fn migrate(&mut self, place: &Place, keys: &[Named]) -> Result<bool, Trouble> {
        let keys: Vec<Vec<u8>> = keys.iter().map(|(key, _)| key.clone()).collect();
        match self
            .source
            .ask(&self.errand.migrate(place, &keys, true))
            .await
        {
            Ok(_) => {
                self.copied += keys.len() as u64;
                Ok(true)
            }
            Err(Trouble::Refused(text)) => {
                const UNABLE: &[&str] = &["unknown command", "NOPERM", "IOERR", "connect"];
                if UNABLE.iter().any(|word| text.contains(word)) {
                    self.meter.say(&format!(
                        "The source cannot send keys itself, so they go through here: {text}"
                    ));
                    self.relays = true;
                }
                Ok(false)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Reads keys here and sends them on. What leaves the source does so only as it was read.
    async fn relay(&mut self, db: u64, keys: &[Named]) -> Result<(), Trouble> {
        let copy = self.errand.request.settings.copy;
        for _ in 0..CHANGES_MAX {
            if !copy {
                let mut watch = words!["WATCH"];
                watch.extend(keys.iter().map(|(key, _)| key.clone()));
                self.source.ask_all(&[words!["SELECT", db], watch]).await?;
            }
            let connection = self.source.openings();
            let mut parcels = collect(self.source, db, keys).await?;
            parcels.retain(|parcel| parcel.content.is_some());
            let refused_before = self.delivery.refused.len();
            let done = self.delivery.deliver(&parcels).await?;
            // What the cluster does not take stays where it is.
            if copy || self.delivery.refused.len() > refused_before {
                self.source.ask(&["UNWATCH"]).await?;
                self.copied += done;
                return Ok(());
            }
            // Only the connection that watches may delete.
            if self.source.openings() != connection {
                continue;
            }
            let mut delete = words!["DEL"];
            delete.extend(keys.iter().map(|(key, _)| key.clone()));
            let commands = [words!["MULTI"], delete, words!["EXEC"]];
            let replies = self.source.ask_all(&commands).await?;
            match replies.last() {
                Some(Value::Array(_)) => {
                    self.copied += done;
                    return Ok(());
                }
                Some(Value::Error(text)) => {
                    return Err(Trouble::Refused(String::from_utf8_lossy(text).into_owned()));
                }
                _ => {}
            }
        }
        Err(Trouble::Refused(
            "keys are changed faster than they can be read".to_owned(),
        ))
    }
}
