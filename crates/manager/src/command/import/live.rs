//! The keys of a server that is written meanwhile, until its writers can be sent to the cluster.
//!
//! ```text
//!   PSYNC ─▶ snapshot, into a file ─▶ every record to its node
//!         └▶ stream ─▶ names of keys that changed ─▶ what those hold now, to their nodes
//!                                                     │ none left: in step
//!   hand over: the source refuses writes ─▶ none left once more ─▶ both hold the same
//! ```
//!
//! What is at the cluster is what the source held at some moment, so all of it may be sent again.
//! The journal therefore only tells from which offset on changes may be missing. A source that has
//! forgotten that offset sends another snapshot; what it does not have any longer is then deleted.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use persistence::rdb::{Item, Record, ScanOptions, Scanner, string};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::dbs::{Dbs, held};
use super::delivery::{Content, Delivery, Expiry, Parcel};
use super::follower::{Begun, Feed, Follower, begin};
use super::journal::{Journal, Stage};
use crate::carrier::{ATTEMPTS_MAX, back_off};
use crate::command::meter::{Meter, Unit};
use crate::command::{Errand, Outcome, Over};
use crate::fleet::{Fleet, replied};
use crate::link::{Link, Trouble, field};
use crate::place::Place;

/// How many keys are read or written at once.
pub const BATCH: usize = 200;

/// How much of the snapshot is read, and sent, at once.
const READ_BYTES: usize = 1 << 20;
const SENT_BYTES_MAX: usize = 4 << 20;

/// How many records are sent before the journal tells of them.
const RECORDS_UNTOLD_MAX: u64 = 10_000;

/// An import that follows its source.
pub struct Live<'a> {
    pub errand: &'a Errand,
    pub from: Place,
    pub source: Link,
    /// One more, for the follower's questions.
    pub questions: Link,
    pub delivery: Delivery,
    pub dbs: Dbs,
    pub journal: Option<Journal>,
    pub path: Option<PathBuf>,
    pub spool: PathBuf,
    pub feed: Arc<Feed>,
    pub follower: Option<JoinHandle<()>>,
    pub figures: Figures,
    pub handing: Handing,
    pub fence: Fence,
    /// Whether the cluster may hold what a snapshot before this one had.
    pub sent_before: bool,
}

#[derive(Debug, Default)]
pub struct Figures {
    /// Keys sent, of the snapshot and because they changed.
    pub copied: u64,
    pub changed: u64,
    pub commands: u64,
    pub deleted: u64,
}

/// How far the hand-over is.
pub enum Handing {
    NotYet,
    /// Somebody is asked.
    Asked(oneshot::Receiver<Option<String>>),
    /// Nobody is there to ask.
    Never,
    /// The source takes no writes, and all it took were before this offset.
    Fenced {
        goal: u64,
    },
}

/// What becomes of writes at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    Refuses,
    Pauses,
}

/// Why a session with the source ended.
pub enum End {
    HandedOver,
    /// It may be taken up again.
    Broken(Trouble),
    /// Only from a snapshot.
    Swapped,
    Failed(Trouble),
}

impl From<Trouble> for End {
    fn from(trouble: Trouble) -> End {
        match trouble.passes() {
            true => End::Broken(trouble),
            false => End::Failed(trouble),
        }
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.stop_following();
        if self.path.is_none() {
            // Nobody goes on without a journal.
            drop(std::fs::remove_file(&self.spool));
        }
    }
}

impl Errand {
    pub async fn import_live(
        &mut self,
        fleet: &Fleet,
        mut source: Link,
        mut dbs: Dbs,
    ) -> Result<Outcome, Over> {
        let from = source.place.clone();
        let found = match source.text(&["INFO"]).await {
            Ok(info) if field(&info, "role") == Some("slave") => {
                let primary = ["master_host", "master_port"].map(|name| field(&info, name));
                let primary = primary.map(|part| part.unwrap_or("?")).join(":");
                self.voice.bad(&format!(
                    "[ERR] {from} is a replica: its writes can only be stopped at {primary}. \
                     Import from there."
                ));
                return Err(Over(Outcome::Unhealthy));
            }
            Ok(info) => held(&info),
            Err(trouble) => {
                replied(&self.voice, &from, &trouble);
                return Err(Over(Outcome::Unhealthy));
            }
        };
        let found: Vec<_> = found.into_iter().filter(|(db, _)| dbs.takes(*db)).collect();
        let numbers: Vec<u64> = found.iter().map(|(db, _)| *db).collect();
        self.tell_dbs(&found, &dbs);
        if dbs.merges(&numbers) {
            self.voice
                .bad("[ERR] A live import needs to know what keys of each db are called.");
            return Err(Over(Outcome::Usage));
        }
        // Others may come up later, and nobody has said what their keys are to be called.
        dbs.only(if numbers.is_empty() { vec![0] } else { numbers }.into_iter());
        let mut live = self.begin_live(fleet, source, dbs).await?;
        if let Some(Stage::Done) = live.journal.as_ref().map(|journal| &journal.stage) {
            self.voice.good("[OK] This import was handed over already.");
            return Ok(Outcome::Done);
        }
        if self.request.settings.dry_run {
            return Ok(Outcome::Done);
        }
        let end = tokio::select! {
            end = live.run() => end,
            _ = tokio::signal::ctrl_c() => Err(Trouble::Refused("interrupted".to_owned())),
        };
        live.stop_following();
        let sizes = match &end {
            Ok(()) => live.sizes().await.ok(),
            Err(_) => None,
        };
        let refused = std::mem::take(&mut live.delivery.refused);
        let figures = std::mem::take(&mut live.figures);
        let (keeps, fence) = (live.path.is_some(), live.fence);
        if end.is_ok() {
            drop(std::fs::remove_file(&live.spool));
        }
        drop(live);
        match end {
            Ok(()) => Ok(self.handed_over(sizes, &figures, &refused, fence)),
            Err(trouble) => Err(self.not_handed_over(&trouble, &figures, &refused, keeps)),
        }
    }

    /// What is needed to begin, or to go on.
    async fn begin_live(&self, fleet: &Fleet, source: Link, dbs: Dbs) -> Result<Live<'_>, Over> {
        let path = self.request.settings.journal.clone();
        let journal = match &path {
            Some(path) => Journal::read(path).map_err(|text| {
                self.voice.aside(&format!("ochre: {text}"));
                Over(Outcome::Usage)
            })?,
            None => None,
        };
        if let Some(Stage::Page(_)) = journal.as_ref().map(|journal| &journal.stage) {
            self.voice
                .aside("ochre: the journal is that of an import without --live");
            return Err(Over(Outcome::Usage));
        }
        let spool = match &path {
            Some(path) => path.with_extension("rdb"),
            None => std::env::temp_dir().join(format!("ochre-import-{}.rdb", std::process::id())),
        };
        let mut live = Live {
            from: source.place.clone(),
            questions: source.another(),
            source,
            delivery: Delivery::new(fleet),
            dbs,
            journal,
            path,
            spool,
            feed: Arc::default(),
            follower: None,
            figures: Figures::default(),
            handing: Handing::NotYet,
            fence: Fence::Refuses,
            sent_before: false,
            errand: self,
        };
        live.sent_before = live.journal.is_some();
        if live.journal.is_none() {
            let size = live.cluster_size().await.map_err(|trouble| {
                self.voice.bad(&format!(
                    "[ERR] The cluster's keys cannot be counted: {trouble}"
                ));
                Over(Outcome::Unhealthy)
            })?;
            if size > 0 && !self.request.settings.replace {
                self.voice.bad(&format!(
                    "[ERR] The cluster holds {size} keys. A live import makes keys what they are \
                     at the source: say --replace if it may, or empty the cluster."
                ));
                return Err(Over(Outcome::Unhealthy));
            }
            let (source, was_empty) = ("?".to_owned(), size == 0);
            let stage = Stage::Stream { offset: 0, db: 0 };
            live.journal = Some(Journal {
                source,
                was_empty,
                stage,
            });
        }
        Ok(live)
    }

    fn note_live(&mut self, figures: &Figures, refused: &[String]) {
        self.note("keys", figures.copied);
        self.note("changed", figures.changed);
        self.note("deleted", figures.deleted);
        self.note("commands", figures.commands);
        self.note("refused", refused);
        self.tell_refused(refused);
    }

    fn not_handed_over(
        &mut self,
        trouble: &Trouble,
        figures: &Figures,
        refused: &[String],
        keeps_journal: bool,
    ) -> Over {
        self.note_live(figures, refused);
        self.note("handed_over", false);
        self.note("error", trouble.to_string());
        self.voice.bad(&format!("[ERR] Not handed over: {trouble}"));
        if figures.copied + figures.changed == 0 && !keeps_journal {
            return Over(Outcome::Unhealthy);
        }
        self.voice.line(match keeps_journal {
            true => "The same command goes on from here, its journal tells how far it is.",
            false => {
                "The same command begins anew, with --replace. With --journal FILE it goes on."
            }
        });
        Over(Outcome::Partial)
    }

    fn handed_over(
        &mut self,
        sizes: Option<(u64, u64)>,
        figures: &Figures,
        refused: &[String],
        fence: Fence,
    ) -> Outcome {
        self.note_live(figures, refused);
        self.note("handed_over", true);
        let (copied, changed) = (figures.copied, figures.changed);
        self.voice.line(&format!(
            "{copied} keys came with the snapshot, {changed} as they changed."
        ));
        if let Some((source, cluster)) = sizes {
            self.note("source_keys", source);
            self.note("cluster_keys", cluster);
            self.voice.line(&format!(
                "The source holds {source} keys, the cluster {cluster}."
            ));
        }
        self.voice
            .good("[OK] Handed over: send your clients to the cluster.");
        self.voice.line(match fence {
            Fence::Refuses => {
                "The source refuses writes until it is told CONFIG SET min-replicas-to-write 0."
            }
            Fence::Pauses => "At the source writes wait for an hour, or until CLIENT UNPAUSE.",
        });
        match refused.len() {
            0 => Outcome::Done,
            _ => Outcome::Partial,
        }
    }
}

impl Live<'_> {
    /// Follows the source until it is handed over, over as many connections as that takes.
    async fn run(&mut self) -> Result<(), Trouble> {
        let mut attempt = 0;
        loop {
            let commands = self.figures.commands;
            let end = self.session().await;
            self.stop_following();
            let trouble = match end {
                End::HandedOver => return self.record(Stage::Done),
                End::Failed(trouble) => return Err(trouble),
                End::Swapped => {
                    self.forget_history();
                    continue;
                }
                End::Broken(trouble) => trouble,
            };
            attempt = if self.figures.commands > commands {
                0
            } else {
                attempt + 1
            };
            if attempt > ATTEMPTS_MAX {
                return Err(trouble);
            }
            let from = &self.from;
            self.errand
                .voice
                .line(&format!("{from}: {trouble}. It is asked again."));
            sleep(back_off(attempt)).await;
        }
    }

    fn stop_following(&mut self) {
        if let Some(follower) = self.follower.take() {
            follower.abort();
        }
    }

    fn forget_history(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.source = "?".to_owned();
        }
    }

    pub fn record(&mut self, stage: Stage) -> Result<(), Trouble> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        if journal.stage == stage {
            return Ok(());
        }
        journal.stage = stage;
        match &self.path {
            Some(path) => journal.write(path).map_err(Trouble::Refused),
            None => Ok(()),
        }
    }

    /// One connection to the source, from its beginning to its end.
    async fn session(&mut self) -> End {
        match self.follow().await {
            Ok(()) => End::HandedOver,
            Err(end) => end,
        }
    }

    async fn follow(&mut self) -> Result<(), End> {
        if let Handing::Fenced { .. } = self.handing {
            // A source that was started again may have forgotten it.
            self.handing = Handing::NotYet;
        }
        let journal = self.journal.clone();
        let known = journal.filter(|journal| journal.source != "?");
        let point = known.as_ref().and_then(|journal| match journal.stage {
            Stage::Snapshot { offset, records } => {
                self.spool.exists().then_some((offset, 0, Some(records)))
            }
            Stage::Stream { offset, db } => Some((offset, db, None)),
            Stage::Page(_) | Stage::Done => None,
        });
        let (offset, db, records) = point.unwrap_or_default();
        let history = known.as_ref().map(|journal| journal.source.as_str());
        let from = point.and(history).map(|history| (history, offset));
        let mut meter = Meter::new(&self.errand.voice, "Snapshot", Unit::Bytes, 0);
        let mut link = self.source.another();
        let begun = begin(&mut link, from, &self.spool, |bytes| meter.set(bytes)).await;
        meter.finish();
        let (begun, connection) = begun.map_err(|trouble| self.refused(trouble))?;
        let (offset, records) = match begun {
            Begun::Continued => {
                self.errand
                    .voice
                    .line(&format!("The source goes on from offset {offset}."));
                (offset, records)
            }
            Begun::Snapshot { history, offset } => {
                if let Some(journal) = &mut self.journal {
                    journal.source = history;
                }
                self.record(Stage::Snapshot { offset, records: 0 })?;
                (offset, Some(0))
            }
        };
        self.feed = Arc::default();
        let questions = self.questions.another();
        let follower = Follower::new(connection, questions, Arc::clone(&self.feed), offset, db);
        self.follower = Some(tokio::spawn(follower.run()));
        if let Some(records) = records {
            self.send_snapshot(offset, records).await?;
            if self.sent_before {
                self.sweep().await?;
            }
            self.sent_before = true;
        }
        self.keep_up().await
    }

    /// What a source says that does not let itself be followed, with what helps.
    fn refused(&self, trouble: Trouble) -> End {
        let Trouble::Refused(text) = &trouble else {
            return End::from(trouble);
        };
        if trouble.passes() || text.starts_with("NOMASTERLINK") {
            return End::Broken(trouble);
        }
        self.errand.voice.bad(&format!(
            "[ERR] {} does not let itself be followed: {text}\nStop its writers and import without \
             --live, or serve both with 'ochre proxy' and a pool of 'migrate = ...'.",
            self.from
        ));
        End::Failed(trouble)
    }

    /// Sends the snapshot's records but for the first ones, which are there.
    async fn send_snapshot(&mut self, offset: u64, skipped: u64) -> Result<(), End> {
        let here = |error: &dyn std::fmt::Display| End::Failed(Trouble::Refused(error.to_string()));
        let mut file = File::open(&self.spool).map_err(|error| here(&client::reason(&error)))?;
        let total = file.metadata().map_or(0, |metadata| metadata.len());
        let mut meter = Meter::new(&self.errand.voice, "Importing", Unit::Bytes, total);
        let mut scanner = Scanner::new(ScanOptions {
            pass_unsupported: true,
            ..ScanOptions::default()
        });
        let (mut buffer, mut parcels, mut bytes) = (Vec::new(), Vec::new(), 0);
        let (mut records, mut told, mut read) = (0, skipped, 0);
        loop {
            let item = scanner
                .next(&buffer)
                .map_err(|error| here(&format!("{error:?}")))?;
            let ends = matches!(item, Some(Item::End(_)));
            match item {
                Some(Item::Record(record)) => {
                    records += 1;
                    if records > skipped
                        && let Some(parcel) = self.parcel(&record, &buffer, scanner.version())
                    {
                        bytes += buffer[record.value()].len();
                        parcels.push(parcel);
                    }
                }
                Some(Item::Function(code)) => self.load_function(code).await?,
                None => {
                    let more = (&mut file).take(READ_BYTES as u64).read_to_end(&mut buffer);
                    let more = more.map_err(|error| here(&client::reason(&error)))?;
                    if more == 0 {
                        scanner
                            .finish(&buffer)
                            .map_err(|error| here(&format!("{error:?}")))?;
                    }
                    read += more as u64;
                }
                Some(_) => {}
            }
            if ends || parcels.len() >= BATCH || bytes >= SENT_BYTES_MAX {
                self.figures.copied += self.delivery.deliver(&parcels).await?;
                parcels.clear();
                bytes = 0;
                meter.set(read.saturating_sub(buffer.len() as u64));
                if records > told + RECORDS_UNTOLD_MAX {
                    told = records;
                    self.record(Stage::Snapshot { offset, records })?;
                }
            }
            if ends {
                break;
            }
            let consumed = scanner.take_consumed();
            buffer.drain(..consumed);
        }
        meter.finish();
        Ok(())
    }

    fn parcel(&mut self, record: &Record, buffer: &[u8], version: u32) -> Option<Parcel> {
        let key = string(&buffer[record.key()]).ok()?.into_bytes();
        let name = self.dbs.name(record.db, &key)?;
        if !persistence::rdb::kind::is_supported(record.kind) {
            let (key, kind) = (
                String::from_utf8_lossy(&key),
                persistence::rdb::kind::name(record.kind),
            );
            self.delivery
                .refused
                .push(format!("{key}: a value of type {kind} cannot be sent"));
            return None;
        }
        let mut payload = vec![record.kind];
        payload.extend_from_slice(&buffer[record.value()]);
        payload.extend_from_slice(&(version as u16).to_le_bytes());
        let sum = stdx::crc64::update(0, &payload);
        payload.extend_from_slice(&sum.to_le_bytes());
        let expiry = record.expiry.map_or(Expiry::Never, Expiry::At);
        Some(Parcel {
            key: name,
            content: Some(Content { payload, expiry }),
        })
    }

    async fn load_function(&mut self, code: Vec<u8>) -> Result<(), Trouble> {
        let words = [
            b"FUNCTION".to_vec(),
            b"LOAD".to_vec(),
            b"REPLACE".to_vec(),
            code,
        ];
        for place in self.delivery.places() {
            self.delivery.link(&place).ask(&words).await?;
        }
        Ok(())
    }
}
