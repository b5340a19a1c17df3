//! Keys handed on by ourselves: read here, written there, deleted here.
//!
//! `MIGRATE` has one server wait for the other, key by key, and serve nobody meanwhile. Between
//! two reads and two writes both ends serve whoever else asks, and work at the same time.
//!
//! ```text
//!   source: WATCH keys, their sizes, DUMP of each  the source still has the keys and serves them
//!   target: RESTORE of each                        a copy that nobody sees
//!   source: MULTI, DEL of all, EXEC                now it is the only one
//! ```
//!
//! A key that was changed in between stays: the watch lets nothing be deleted, and the batch is
//! read once more. If everything ends in between, the source's value is the one that counts.

use resp::value::Value;

use super::courier::Courier;
use crate::plan::Move;
use crate::words;

/// What one batch came to.
pub enum Relayed {
    /// The first of the keys are at the target alone: so many, of about so many bytes. Which come
    /// next, if the source said so.
    All {
        sent: usize,
        bytes: u64,
        next: Option<Vec<Vec<u8>>>,
    },
    /// A key was changed meanwhile. What is at the target is our own copy.
    Changed,
    /// It does not go this way. Whether our own copies may be at the target.
    Unable { copied: bool },
}

/// How many bytes go at once, unless one key has more.
const BATCH_BYTES_MAX: u64 = 8 << 20;

/// A key of more is left to the servers.
const KEY_BYTES_MAX: u64 = 64 << 20;

const UNABLE: Relayed = Relayed::Unable { copied: false };

/// A value, and how long it has left; 0 is for ever.
struct Parcel {
    payload: Vec<u8>,
    left_ms: i64,
}

/// What became of keys at the source.
enum Deleted {
    All(Option<Vec<Vec<u8>>>),
    None,
    Unknown,
}

impl Courier {
    pub async fn relay(&mut self, step: Move, keys: &[Vec<u8>], replace: bool) -> Relayed {
        let Some((parcels, bytes)) = self.collect(step, keys).await else {
            self.let_go(step).await;
            return UNABLE;
        };
        let keys = &keys[..parcels.len()];
        let mut restores = Vec::with_capacity(keys.len() * 2);
        for (key, parcel) in keys.iter().zip(parcels) {
            let mut restore = vec![b"RESTORE".to_vec(), key.clone()];
            restore.extend(words![parcel.left_ms]);
            restore.push(parcel.payload);
            restore.extend(replace.then(|| b"REPLACE".to_vec()));
            restores.extend([words!["ASKING"], restore]);
        }
        let Ok(replies) = self.link(step.target).ask_all(&restores).await else {
            self.let_go(step).await;
            return Relayed::Unable { copied: true };
        };
        let refused = |reply: &Value| matches!(reply, Value::Error(_));
        if replies.iter().any(refused) {
            let busy =
                |reply: &Value| matches!(reply, Value::Error(t) if t.starts_with(b"BUSYKEY"));
            let copied = !replies.iter().any(busy);
            self.let_go(step).await;
            return Relayed::Unable { copied };
        }
        match self.delete(step, keys).await {
            Deleted::All(next) => Relayed::All {
                sent: keys.len(),
                bytes,
                next,
            },
            Deleted::None => Relayed::Changed,
            Deleted::Unknown => Relayed::Unable { copied: true },
        }
    }

    /// Watches keys, and finds how many of the first ones go at once, and their bytes.
    async fn weigh(&mut self, step: Move, keys: &[Vec<u8>]) -> Option<(usize, u64)> {
        let mut watch = words!["WATCH"];
        watch.extend(keys.iter().cloned());
        let mut commands = vec![watch];
        let usage = |key: &Vec<u8>| vec![b"MEMORY".to_vec(), b"USAGE".to_vec(), key.clone()];
        commands.extend(keys.iter().map(usage));
        let replies = self.link(step.source).ask_all(&commands).await.ok()?;
        let mut replies = replies.into_iter();
        if matches!(replies.next(), Some(Value::Error(_)) | None) {
            return None;
        }
        let (mut count, mut bytes) = (0, 0);
        for reply in replies {
            let Value::Integer(size) = reply else {
                return None;
            };
            let size = u64::try_from(size).unwrap_or(0);
            if size > KEY_BYTES_MAX && count == 0 {
                return None;
            }
            if bytes + size > BATCH_BYTES_MAX && count > 0 {
                break;
            }
            count += 1;
            bytes += size;
        }
        Some((count, bytes))
    }

    /// Reads keys of the source, which are watched from then on.
    async fn collect(&mut self, step: Move, keys: &[Vec<u8>]) -> Option<(Vec<Parcel>, u64)> {
        let (count, bytes) = self.weigh(step, keys).await?;
        let keys = &keys[..count];
        let mut commands = Vec::with_capacity(keys.len() * 2);
        for key in keys {
            commands.push(vec![b"DUMP".to_vec(), key.clone()]);
            commands.push(vec![b"PTTL".to_vec(), key.clone()]);
        }
        let replies = self.link(step.source).ask_all(&commands).await.ok()?;
        let mut replies = replies.into_iter();
        let mut parcels = Vec::with_capacity(keys.len());
        while let (Some(dump), Some(left)) = (replies.next(), replies.next()) {
            match (dump, left) {
                (Value::Bulk(payload), Value::Integer(left)) if left == -1 || left > 0 => {
                    let left_ms = left.max(0);
                    parcels.push(Parcel { payload, left_ms });
                }
                // Gone meanwhile, or too large to be told of.
                _ => return None,
            }
        }
        Some((parcels, bytes))
    }

    async fn let_go(&mut self, step: Move) {
        // A connection that broke watches nothing.
        drop(self.link(step.source).ask(&["UNWATCH"]).await);
    }

    /// Deletes what has arrived, unless it was changed, and asks for the keys that come next.
    async fn delete(&mut self, step: Move, keys: &[Vec<u8>]) -> Deleted {
        let mut delete = words!["DEL"];
        delete.extend(keys.iter().cloned());
        let mut commands = vec![words!["MULTI"], delete, words!["EXEC"]];
        commands.push(words!["CLUSTER", "GETKEYSINSLOT", step.slot, self.batch]);
        let Ok(mut replies) = self.link(step.source).ask_all(&commands).await else {
            return Deleted::Unknown;
        };
        let next = replies.pop();
        match replies.pop() {
            Some(Value::Array(_)) => {
                let next = next.filter(|next| !matches!(next, Value::Error(_)));
                Deleted::All(next.map(super::courier::bulks))
            }
            _ => Deleted::None,
        }
    }
}
