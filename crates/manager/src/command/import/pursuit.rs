//! Keeping up with a source that is followed, and taking over from it.

use std::time::Duration;

use resp::value::Value;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::dbs::held;
use super::delivery::{Parcel, collect};
use super::follower::Heard;
use super::journal::Stage;
use super::live::{BATCH, End, Fence, Handing, Live};
use crate::command::meter::{Meter, Unit};
use crate::link::{Trouble, field};
use crate::words;

/// With so many changed keys at once it is as good as in step.
const NEAR_MAX: usize = 1000;

/// How long to wait for a change before the source is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// As many replicas as no source has.
const REPLICAS_ENOUGH: &str = "2147483647";

/// How long writes wait at a source that cannot refuse them: an hour.
const PAUSE_MS: &str = "3600000";

impl Live<'_> {
    /// Brings what changes, until the source is handed over.
    pub async fn keep_up(&mut self) -> Result<(), End> {
        let mut meter = Meter::new(&self.errand.voice, "Following", Unit::Keys, 0);
        loop {
            let heard = self.feed.take();
            let is_quiet = heard.keys.is_empty() && !heard.flushed && !heard.functions;
            let is_near = heard.keys.len() <= NEAR_MAX;
            let (offset, db) = (heard.offset, heard.db);
            if heard.swapped {
                return Err(End::Swapped);
            }
            self.figures.commands = self.figures.commands.max(heard.commands);
            let ended = heard.ended.clone();
            self.bring(heard).await?;
            self.record(Stage::Stream { offset, db })?;
            let (changed, waiting) = (self.figures.changed, self.feed.waiting());
            meter.show(&format!(
                "Following: {changed} changed keys brought, {waiting} to bring"
            ));
            if let Some(reason) = ended {
                meter.finish();
                return Err(End::Broken(Trouble::Refused(reason)));
            }
            if is_near && self.hand_over(offset, &mut meter).await? {
                meter.finish();
                return Ok(());
            }
            if is_quiet {
                // Whether it stirs or not, there is something to look at.
                drop(timeout(LOOK_EVERY, self.feed.stirs.notified()).await);
            }
        }
    }

    async fn bring(&mut self, heard: Heard) -> Result<(), Trouble> {
        if heard.functions {
            self.bring_functions().await?;
        }
        if heard.flushed {
            self.sweep().await?;
        }
        let keys: Vec<(u64, Vec<u8>)> = heard.keys.into_iter().collect();
        for keys in keys.chunk_by(|one, other| one.0 == other.0) {
            let db = keys[0].0;
            let named = |(_, key): &(u64, Vec<u8>)| Some((key.clone(), self.dbs.name(db, key)?));
            let named: Vec<_> = keys.iter().filter_map(named).collect();
            for named in named.chunks(BATCH) {
                let parcels = collect(&mut self.source, db, named).await?;
                self.figures.changed += self.delivery.deliver(&parcels).await?;
            }
        }
        Ok(())
    }

    async fn bring_functions(&mut self) -> Result<(), Trouble> {
        let Value::Bulk(dump) = self.source.ask(&["FUNCTION", "DUMP"]).await? else {
            return Ok(());
        };
        let words = [
            b"FUNCTION".to_vec(),
            b"RESTORE".to_vec(),
            dump,
            b"REPLACE".to_vec(),
        ];
        for place in self.delivery.places() {
            self.delivery.link(&place).ask(&words).await?;
        }
        Ok(())
    }

    /// Deletes what the source does not have any longer. What the cluster held before all this
    /// cannot be told from it, and then everything stays.
    pub async fn sweep(&mut self) -> Result<(), Trouble> {
        if !self
            .journal
            .as_ref()
            .is_some_and(|journal| journal.was_empty)
        {
            self.errand.voice.warning(
                "[WARNING] Keys may have been deleted at the source without a trace. As the \
                 cluster held keys of its own, they stay there.",
            );
            return Ok(());
        }
        for place in self.delivery.places() {
            let mut cursor = b"0".to_vec();
            loop {
                let (next, names) = super::scan(self.delivery.link(&place), &cursor).await?;
                for names in names.chunks(BATCH) {
                    self.delete_missing(names).await?;
                }
                cursor = next;
                if cursor == b"0" {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn delete_missing(&mut self, names: &[Vec<u8>]) -> Result<(), Trouble> {
        let mut commands = Vec::new();
        let mut asked = Vec::new();
        for (at, name) in names.iter().enumerate() {
            for (db, key) in self.dbs.origins(name) {
                commands.push(words!["SELECT", db]);
                commands.push(vec![b"EXISTS".to_vec(), key.to_vec()]);
                asked.push(at);
            }
        }
        let replies = self.source.ask_all(&commands).await?;
        let mut there = vec![false; names.len()];
        for (at, reply) in asked.iter().zip(replies.into_iter().skip(1).step_by(2)) {
            match reply {
                Value::Integer(0) => {}
                Value::Integer(_) => there[*at] = true,
                other => return Err(Trouble::Refused(format!("an unexpected reply: {other:?}"))),
            }
        }
        let gone = names.iter().zip(there).filter(|(_, there)| !there);
        let gone = gone.map(|(name, _)| Parcel {
            key: name.clone(),
            content: None,
        });
        let gone: Vec<Parcel> = gone.collect();
        self.figures.deleted += self.delivery.deliver(&gone).await?;
        Ok(())
    }

    /// Whether the source is handed over. All before this offset is at the cluster.
    async fn hand_over(&mut self, offset: u64, meter: &mut Meter) -> Result<bool, Trouble> {
        match &mut self.handing {
            Handing::NotYet => {
                meter.say("[OK] In step with the source.");
                if self.errand.request.settings.yes {
                    self.fence(meter).await?;
                } else {
                    meter.finish();
                    self.handing = Handing::Asked(self.ask());
                }
                Ok(false)
            }
            Handing::Asked(answer) => {
                match answer.try_recv() {
                    Ok(Some(answer)) if answer.trim() == "yes" => self.fence(meter).await?,
                    Ok(Some(_)) => self.handing = Handing::Asked(self.ask()),
                    Ok(None) | Err(oneshot::error::TryRecvError::Closed) => {
                        meter.say("Nobody answers: it follows until Ctrl-C. --yes hands over.");
                        self.handing = Handing::Never;
                    }
                    Err(oneshot::error::TryRecvError::Empty) => {}
                }
                Ok(false)
            }
            Handing::Never => Ok(false),
            Handing::Fenced { goal } => {
                let goal = *goal;
                if offset < goal {
                    return Ok(false);
                }
                // What was under way while writes came to be refused is seen now.
                let now = self.source_offset().await?;
                self.handing = Handing::Fenced { goal: now };
                Ok(now == goal)
            }
        }
    }

    /// Asks on a thread of its own, so that the source is followed meanwhile.
    fn ask(&self) -> oneshot::Receiver<Option<String>> {
        let (answer, answered) = oneshot::channel();
        let voice = self.errand.voice.clone();
        std::thread::spawn(move || {
            let question = "Hand over? The source will refuse writes from then on \
                            (type 'yes' to accept): ";
            // Who asked may have gone.
            drop(answer.send(voice.ask(question)));
        });
        answered
    }

    /// Has the source refuse writes, or let them wait where that is all it allows.
    async fn fence(&mut self, meter: &Meter) -> Result<(), Trouble> {
        let refusing = ["CONFIG", "SET", "min-replicas-to-write", REPLICAS_ENOUGH];
        // With no such delay it would not be looked at.
        let delay = ["CONFIG", "SET", "min-replicas-max-lag", "10"];
        let pausing = ["CLIENT", "PAUSE", PAUSE_MS, "WRITE"];
        self.fence = match self.source.ask_all(&[&refusing[..], &delay]).await?.first() {
            Some(Value::Error(_)) => match self.source.ask(&pausing).await {
                Ok(_) => Fence::Pauses,
                Err(Trouble::Refused(text)) => {
                    return Err(Trouble::Refused(format!(
                        "the source lets nobody stop its writes ({text}); stop its writers, then \
                         import without --live"
                    )));
                }
                Err(trouble) => return Err(trouble),
            },
            _ => Fence::Refuses,
        };
        meter.say(match self.fence {
            Fence::Refuses => "The source refuses writes from now on.",
            Fence::Pauses => "The source lets writes wait from now on.",
        });
        let goal = self.source_offset().await?;
        self.handing = Handing::Fenced { goal };
        Ok(())
    }

    async fn source_offset(&mut self) -> Result<u64, Trouble> {
        let info = self.source.text(&["INFO", "replication"]).await?;
        let is_replica = field(&info, "role") == Some("slave");
        let name = if is_replica {
            "slave_repl_offset"
        } else {
            "master_repl_offset"
        };
        let offset = field(&info, name).and_then(|offset| offset.parse().ok());
        offset.ok_or_else(|| Trouble::Refused(format!("the source tells no {name}")))
    }

    /// How many keys the source holds of what was taken, and the cluster.
    pub async fn sizes(&mut self) -> Result<(u64, u64), Trouble> {
        let info = self.source.text(&["INFO", "keyspace"]).await?;
        let dbs = held(&info)
            .into_iter()
            .filter(|(db, _)| self.dbs.takes(*db));
        let source = dbs.map(|(_, keys)| keys).sum();
        Ok((source, self.cluster_size().await?))
    }

    pub async fn cluster_size(&mut self) -> Result<u64, Trouble> {
        let mut size = 0;
        for place in self.delivery.places() {
            let keys = self.delivery.link(&place).number(&["DBSIZE"]).await?;
            size += u64::try_from(keys).unwrap_or(0);
        }
        Ok(size)
    }
}
