//! Opens slots of one source and copies their keys.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use resp::value::Value;
use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

use super::relay::Relayed;
use super::{ATTEMPTS_MAX, Common, Event, Failure, back_off};
use crate::link::{Link, Trouble};
use crate::plan::Move;
use crate::voice::Tone;
use crate::words;

/// How many keys go at once while nobody knows how long they take.
const BATCH_FIRST: usize = 32;
const BATCH_MIN: usize = 1;
const BATCH_MAX: usize = 4096;

/// A batch that takes less may be larger, and one that takes more must be smaller: the source
/// serves nobody else meanwhile.
const BATCH_SHORT: Duration = Duration::from_millis(8);
const BATCH_LONG: Duration = Duration::from_millis(25);

/// How often keys may change while they are handed on, before the source is to send them itself.
const CHANGES_MAX: usize = 4;

/// Opens slots of one source and copies their keys.
pub struct Courier {
    common: Arc<Common>,
    events: Sender<Event>,
    slots: Sender<Move>,
    links: BTreeMap<usize, Link>,
    pub(super) batch: usize,
    sampled: (u64, u64),
    /// Whether keys are handed on here. Not where nodes forbid it.
    relays: bool,
}

/// What one batch came to.
enum Sent {
    /// So many keys are at the target, of about so many bytes. Which come next, if the source
    /// said so.
    All {
        sent: usize,
        bytes: u64,
        next: Option<Vec<Vec<u8>>>,
    },
    Refused(Trouble),
}

impl Courier {
    pub fn new(common: &Arc<Common>, events: &Sender<Event>, slots: &Sender<Move>) -> Courier {
        Courier {
            common: Arc::clone(common),
            events: events.clone(),
            slots: slots.clone(),
            links: BTreeMap::new(),
            batch: common.pace.batch.unwrap_or(BATCH_FIRST).max(1),
            sampled: (0, 0),
            relays: !common.pace.keys_only,
        }
    }

    pub async fn run(mut self, queue: Arc<Mutex<std::vec::IntoIter<Move>>>) {
        while !self.common.is_stopped() {
            let step = queue.lock().ok().and_then(|mut queue| queue.next());
            let Some(step) = step else {
                return;
            };
            let copied = self.bring(step).await;
            match copied {
                Ok(()) if self.common.pace.keys_only => self.tell(Event::Done(step)).await,
                // The notary lives as long as a courier does.
                Ok(()) => drop(self.slots.send(step).await),
                Err(failure) => {
                    self.common.stopped.store(true, Ordering::Relaxed);
                    self.tell(Event::Failed { step, failure }).await;
                    return;
                }
            }
        }
    }

    async fn tell(&mut self, event: Event) {
        // Whoever no longer listens has ended.
        drop(self.events.send(event).await);
    }

    pub(super) fn link(&mut self, node: usize) -> &mut Link {
        let common = &self.common;
        self.links.entry(node).or_insert_with(|| {
            let mut link = Link::new(common.places[node].clone(), &common.access);
            link.allow(common.pace.timeout * 2);
            link
        })
    }

    async fn bring(&mut self, step: Move) -> Result<(), Failure> {
        if !self.common.pace.keys_only {
            let (source, target) = (&self.common.ids[step.source], &self.common.ids[step.target]);
            let importing = words!["CLUSTER", "SETSLOT", step.slot, "IMPORTING", source];
            let migrating = words!["CLUSTER", "SETSLOT", step.slot, "MIGRATING", target];
            // The target first: whom the source sends there is then awaited.
            self.insist(step, step.target, &importing).await?;
            self.insist(step, step.source, &migrating).await?;
        }
        self.copy(step).await
    }

    /// Sends a command until it succeeds, or there is no hope that it will.
    async fn insist(
        &mut self,
        step: Move,
        node: usize,
        words: &[Vec<u8>],
    ) -> Result<Value, Failure> {
        let mut attempt = 0;
        loop {
            match self.link(node).ask(words).await {
                Ok(value) => return Ok(value),
                Err(trouble) if trouble.passes() && attempt < ATTEMPTS_MAX => {
                    self.wait(step.slot, attempt, &trouble).await;
                    attempt += 1;
                }
                Err(trouble) => return Err(self.common.trouble(node, trouble)),
            }
        }
    }

    async fn wait(&mut self, slot: u16, attempt: u32, trouble: &Trouble) {
        let reason = trouble.to_string();
        self.tell(Event::Waiting { slot, reason }).await;
        sleep(back_off(attempt)).await;
    }

    async fn keys(&mut self, step: Move) -> Result<Vec<Vec<u8>>, Failure> {
        let words = words!["CLUSTER", "GETKEYSINSLOT", step.slot, self.batch];
        let reply = self.insist(step, step.source, &words).await?;
        Ok(bulks(reply))
    }

    async fn copy(&mut self, step: Move) -> Result<(), Failure> {
        let mut attempt = 0;
        let mut replace = self.common.pace.replace;
        let mut keys = self.keys(step).await?;
        while !keys.is_empty() {
            match self.transfer(step, &keys, &mut replace).await {
                Sent::All { sent, bytes, next } => {
                    attempt = 0;
                    replace = self.common.pace.replace;
                    self.tell(Event::Copied {
                        slot: step.slot,
                        keys: sent,
                        bytes,
                    })
                    .await;
                    keys = match next {
                        Some(keys) => keys,
                        None => self.keys(step).await?,
                    };
                }
                Sent::Refused(Trouble::Refused(text)) if text.contains("BUSYKEY") => {
                    self.judge(step, &keys).await?;
                    replace = true;
                }
                Sent::Refused(Trouble::Refused(text)) if self.is_unserved(&text) => {
                    self.serve(step).await?;
                }
                Sent::Refused(trouble) if trouble.passes() && attempt < ATTEMPTS_MAX => {
                    // What was sent may have arrived. The source serves these keys until it hears
                    // so, thus its values are the right ones.
                    replace |= matches!(&trouble, Trouble::Refused(text) if text.contains("IOERR"));
                    self.wait(step.slot, attempt, &trouble).await;
                    attempt += 1;
                    self.batch = (self.batch / 2).max(BATCH_MIN);
                    keys = self.keys(step).await?;
                }
                Sent::Refused(trouble) => return Err(self.common.trouble(step.source, trouble)),
            }
        }
        Ok(())
    }

    /// Brings a batch to the target, by ourselves if that is possible.
    async fn transfer(&mut self, step: Move, keys: &[Vec<u8>], replace: &mut bool) -> Sent {
        if self.relays {
            for _ in 0..CHANGES_MAX {
                let begun = Instant::now();
                match self.relay(step, keys, *replace).await {
                    Relayed::All { sent, bytes, next } => {
                        // Both ends and we take turns, so each is busy for a third of the time.
                        self.adapt(sent, begun.elapsed() / 3);
                        return Sent::All { sent, bytes, next };
                    }
                    Relayed::Changed => *replace = true,
                    Relayed::Unable { copied } => {
                        *replace |= copied;
                        break;
                    }
                }
            }
        }
        self.send(step, keys, *replace).await
    }

    /// Sends a batch, and asks for the keys that come next.
    async fn send(&mut self, step: Move, keys: &[Vec<u8>], replace: bool) -> Sent {
        let pace = self.common.pace;
        let target = &self.common.places[step.target];
        let timeout = pace.timeout.as_millis();
        let mut migrate = words!["MIGRATE", target.host, target.port, "", 0, timeout];
        if replace {
            migrate.push(b"REPLACE".to_vec());
        }
        migrate.extend(self.common.access.migrate_words());
        migrate.push(b"KEYS".to_vec());
        migrate.extend(keys.iter().cloned());
        let next = words!["CLUSTER", "GETKEYSINSLOT", step.slot, self.batch];
        let mut commands = vec![migrate, next];
        if pace.measures {
            let usage = [b"MEMORY".to_vec(), b"USAGE".to_vec(), keys[0].clone()];
            commands.insert(0, usage.to_vec());
        }
        let begun = Instant::now();
        let mut replies = match self.link(step.source).ask_all(&commands).await {
            Ok(replies) => replies,
            Err(trouble) => return Sent::Refused(trouble),
        };
        if pace.measures
            && let Value::Integer(bytes) = replies.remove(0)
        {
            self.sampled.0 += u64::try_from(bytes).unwrap_or(0);
            self.sampled.1 += 1;
        }
        let next = replies.pop();
        match replies.pop() {
            Some(Value::Error(text)) => Sent::Refused(Trouble::Refused(
                String::from_utf8_lossy(&text).into_owned(),
            )),
            _ => {
                self.adapt(keys.len(), begun.elapsed());
                let next = next.filter(|next| !matches!(next, Value::Error(_)));
                Sent::All {
                    sent: keys.len(),
                    bytes: self.estimate(keys.len()),
                    next: next.map(bulks),
                }
            }
        }
    }

    /// Finds the number of keys that takes a short time.
    fn adapt(&mut self, sent: usize, took: Duration) {
        if self.common.pace.batch.is_some() {
            return;
        }
        if took > BATCH_LONG {
            self.batch = (sent / 2).max(BATCH_MIN);
        } else if took < BATCH_SHORT && sent >= self.batch {
            self.batch = (self.batch * 2).min(BATCH_MAX);
        }
    }

    fn estimate(&self, keys: usize) -> u64 {
        let (bytes, samples) = self.sampled;
        bytes.checked_div(samples).unwrap_or(0) * keys as u64
    }

    fn is_unserved(&self, text: &str) -> bool {
        self.common.pace.repairs && text.contains("CLUSTERDOWN") && text.contains("not served")
    }

    /// Gives a slot that nobody serves to the node that is to get its keys.
    async fn serve(&mut self, step: Move) -> Result<(), Failure> {
        let place = &self.common.places[step.target];
        let text = format!("*** Slot was not served, setting owner to node {place}.");
        let (slot, tone) = (step.slot, Tone::Warning);
        self.tell(Event::Note { slot, tone, text }).await;
        let owner = words![
            "CLUSTER",
            "SETSLOT",
            slot,
            "NODE",
            self.common.ids[step.target]
        ];
        self.insist(step, step.source, &owner).await?;
        self.insist(step, step.target, &owner).await?;
        Ok(())
    }

    /// Keys that are at both ends may be replaced if they hold the same.
    async fn judge(&mut self, step: Move, keys: &[Vec<u8>]) -> Result<(), Failure> {
        let slot = step.slot;
        let note = |text: &str| Event::Note {
            slot,
            tone: Tone::Warning,
            text: text.to_owned(),
        };
        self.tell(note("\n*** Target key exists")).await;
        if !self.common.pace.replace {
            self.tell(note("*** Checking key values on both nodes..."))
                .await;
            let differing = self.differing(step, keys).await?;
            if !differing.is_empty() {
                return Err(Failure::Conflict(differing));
            }
        }
        self.tell(note("*** Replacing target keys...")).await;
        Ok(())
    }

    /// The keys that are at both ends and hold different values.
    async fn differing(&mut self, step: Move, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Failure> {
        let commands: Vec<Vec<Vec<u8>>> = keys
            .iter()
            .flat_map(|key| {
                let dump = vec![b"DUMP".to_vec(), key.clone()];
                [vec![b"ASKING".to_vec()], dump]
            })
            .collect();
        let mut dumps = Vec::new();
        for node in [step.source, step.target] {
            let replies = self.link(node).ask_all(&commands).await;
            let replies = replies.map_err(Failure::Incomparable)?;
            dumps.push(replies.into_iter().skip(1).step_by(2));
        }
        let (target, source) = (dumps.pop(), dumps.pop());
        let pairs = source
            .into_iter()
            .flatten()
            .zip(target.into_iter().flatten());
        let mut differing = Vec::new();
        for (key, (source, target)) in keys.iter().zip(pairs) {
            match (source, target) {
                (Value::Bulk(source), Value::Bulk(target)) if source != target => {
                    differing.push(key.clone());
                }
                (Value::Error(text), _) | (_, Value::Error(text)) => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    return Err(Failure::Incomparable(Trouble::Refused(text)));
                }
                _ => {}
            }
        }
        Ok(differing)
    }
}

/// The words of an array.
pub fn bulks(reply: Value) -> Vec<Vec<u8>> {
    let Value::Array(values) = reply else {
        return Vec::new();
    };
    let bulks = values.into_iter().filter_map(|value| match value {
        Value::Bulk(bytes) => Some(bytes),
        _ => None,
    });
    bulks.collect()
}
