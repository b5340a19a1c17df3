//! Keys on their way from a source to whoever serves their slots.
//!
//! A parcel says what a key holds, or that there is none, and puts that in the place of whatever
//! the cluster has of it. So it may be sent again whenever it is not known whether it arrived.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::Redirection;
use resp::value::Value;
use tokio::time::sleep;

use crate::carrier::{ATTEMPTS_MAX, back_off};
use crate::fleet::Fleet;
use crate::link::{Access, Link, Trouble};
use crate::place::Place;
use crate::slots::{SLOTS, slot_of};
use crate::words;

/// What a key of the cluster is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    pub key: Vec<u8>,
    /// None: there is no such key.
    pub content: Option<Content>,
}

/// A value as `DUMP` gives it, and until when it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub payload: Vec<u8>,
    pub expiry: Expiry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    /// In so many milliseconds.
    In(i64),
    /// At this time, in milliseconds since 1970.
    At(i64),
}

impl Parcel {
    fn command(&self) -> Vec<Vec<u8>> {
        let Some(content) = &self.content else {
            return vec![b"DEL".to_vec(), self.key.clone()];
        };
        let (time, absolute) = match content.expiry {
            Expiry::Never => (0, false),
            Expiry::In(left) => (left.max(1), false),
            Expiry::At(time) => (time.max(1), true),
        };
        let mut words = vec![b"RESTORE".to_vec(), self.key.clone()];
        words.extend(words![time]);
        words.push(content.payload.clone());
        words.push(b"REPLACE".to_vec());
        words.extend(absolute.then(|| b"ABSTTL".to_vec()));
        words
    }
}

/// Links to a cluster, and who serves which slot as far as is known.
pub struct Delivery {
    access: Arc<Access>,
    links: BTreeMap<Place, Link>,
    owners: Vec<Place>,
    /// Keys that the cluster cannot hold, and why.
    pub refused: Vec<String>,
}

impl Delivery {
    /// To the nodes of a cluster whose every slot is served.
    pub fn new(fleet: &Fleet) -> Delivery {
        let nodes = &fleet.view.nodes;
        let owner = |slot| fleet.view.owners(slot).first().copied().unwrap_or_default();
        let access = Arc::clone(&fleet.access);
        let link = |node: usize| {
            let place = nodes[node].place();
            (place.clone(), Link::new(place, &access))
        };
        Delivery {
            links: fleet.view.primaries().map(link).collect(),
            owners: (0..SLOTS).map(|slot| nodes[owner(slot)].place()).collect(),
            access,
            refused: Vec::new(),
        }
    }

    pub fn owner(&self, key: &[u8]) -> &Place {
        &self.owners[usize::from(slot_of(key))]
    }

    /// All nodes that serve slots.
    pub fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = self.owners.clone();
        places.sort();
        places.dedup();
        places
    }

    pub fn link(&mut self, place: &Place) -> &mut Link {
        let access = &self.access;
        self.links
            .entry(place.clone())
            .or_insert_with(|| Link::new(place.clone(), access))
    }

    /// Brings parcels to their nodes, wherever those are. Returns how many arrived.
    pub async fn deliver(&mut self, parcels: &[Parcel]) -> Result<u64, Trouble> {
        let commands: Vec<_> = parcels.iter().map(Parcel::command).collect();
        let replies = self.ask(&commands).await?;
        let mut done = 0;
        for (parcel, reply) in parcels.iter().zip(replies) {
            match reply {
                Value::Error(text) => {
                    let key = String::from_utf8_lossy(&parcel.key);
                    let text = String::from_utf8_lossy(&text);
                    self.refused.push(format!("{key}: {text}"));
                }
                _ => done += 1,
            }
        }
        Ok(done)
    }

    /// Sends commands of one key each, the second word, that may be sent twice. Errors among the
    /// replies are about the value.
    pub async fn ask(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<Vec<Value>, Trouble> {
        let mut replies: Vec<Option<Value>> = commands.iter().map(|_| None).collect();
        let mut attempt = 0;
        loop {
            let missing: Vec<usize> = (0..replies.len())
                .filter(|&at| replies[at].is_none())
                .collect();
            if missing.is_empty() {
                return Ok(replies.into_iter().flatten().collect());
            }
            let mut by_place: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
            for at in missing {
                by_place
                    .entry(self.owner(&commands[at][1]).clone())
                    .or_default()
                    .push(at);
            }
            let mut waits = None;
            for (place, indices) in by_place {
                if let Err(trouble) = self.round(&place, &indices, commands, &mut replies).await? {
                    waits = Some(trouble);
                }
            }
            if let Some(trouble) = waits {
                if attempt == ATTEMPTS_MAX {
                    return Err(trouble);
                }
                sleep(back_off(attempt)).await;
                attempt += 1;
            }
        }
    }

    /// Sends some commands to a node. The inner error is a reason to wait before the next round.
    async fn round(
        &mut self,
        place: &Place,
        indices: &[usize],
        commands: &[Vec<Vec<u8>>],
        replies: &mut [Option<Value>],
    ) -> Result<Result<(), Trouble>, Trouble> {
        let sent: Vec<&[Vec<u8>]> = indices.iter().map(|&at| commands[at].as_slice()).collect();
        let answers = match self.link(place).ask_all(&sent).await {
            Ok(answers) => answers,
            Err(trouble) if trouble.passes() => {
                self.look_elsewhere(place);
                return Ok(Err(trouble));
            }
            Err(trouble) => return Err(trouble),
        };
        let mut waits = Ok(());
        for (&at, answer) in indices.iter().zip(answers) {
            let Value::Error(text) = answer else {
                replies[at] = Some(answer);
                continue;
            };
            let shown = Trouble::Refused(String::from_utf8_lossy(&text).into_owned());
            match Redirection::parse(&text) {
                Some(moved) if !moved.ask => self.follow(place, &moved),
                // The slot is on its way, and will have arrived.
                Some(_) => waits = Err(shown),
                None if shown.passes() => waits = Err(shown),
                None if text.starts_with(b"ERR ") => replies[at] = Some(Value::Error(text)),
                None => return Err(shown),
            }
        }
        Ok(waits)
    }

    fn follow(&mut self, asked: &Place, moved: &Redirection) {
        let host = match moved.host.as_str() {
            "" => asked.host.clone(),
            host => host.to_owned(),
        };
        let port = moved.port;
        if let Some(owner) = self.owners.get_mut(usize::from(moved.slot)) {
            *owner = Place { host, port };
        }
    }

    /// Another node tells whose the slots are of one that does not answer.
    fn look_elsewhere(&mut self, silent: &Place) {
        let behind = |place: &&Place| *place > silent;
        let next = self
            .links
            .keys()
            .find(behind)
            .or_else(|| self.links.keys().next());
        let Some(next) = next.cloned() else {
            return;
        };
        for owner in self.owners.iter_mut().filter(|owner| *owner == silent) {
            owner.clone_from(&next);
        }
    }
}

/// What a server holds under these keys of the db that is selected there, as parcels under the
/// names that the keys have in the cluster.
pub async fn collect(
    source: &mut Link,
    db: u64,
    keys: &[(Vec<u8>, Vec<u8>)],
) -> Result<Vec<Parcel>, Trouble> {
    let mut commands = vec![words!["SELECT", db]];
    for (key, _) in keys {
        commands.push(vec![b"DUMP".to_vec(), key.clone()]);
        commands.push(vec![b"PTTL".to_vec(), key.clone()]);
    }
    let mut replies = source.ask_all(&commands).await?.into_iter();
    let refused = |text: Vec<u8>| Trouble::Refused(String::from_utf8_lossy(&text).into_owned());
    if let Some(Value::Error(text)) = replies.next() {
        return Err(refused(text));
    }
    let mut parcels = Vec::with_capacity(keys.len());
    for (_, name) in keys {
        let content = match (replies.next(), replies.next()) {
            (Some(Value::Error(text)), _) | (_, Some(Value::Error(text))) => {
                return Err(refused(text));
            }
            // Gone in between is gone.
            (Some(Value::Bulk(payload)), Some(Value::Integer(left))) if left != -2 => {
                Some(Content {
                    payload,
                    expiry: match left {
                        -1 => Expiry::Never,
                        left => Expiry::In(left),
                    },
                })
            }
            _ => None,
        };
        parcels.push(Parcel {
            key: name.clone(),
            content,
        });
    }
    Ok(parcels)
}

/// Whether two values as `DUMP` gives them are the same. Behind each stand its version and a sum.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    const FOOTER_BYTES: usize = 10;
    let value = |payload: &[u8]| {
        payload
            .len()
            .checked_sub(FOOTER_BYTES)
            .map(|len| payload[..len].to_vec())
    };
    value(one) == value(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parcels_say_what_is_to_be_there() {
        let text = |parcel: &Parcel| {
            let words = parcel.command();
            words
                .iter()
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let parcel = |expiry| Parcel {
            key: b"k".to_vec(),
            content: Some(Content {
                payload: b"v".to_vec(),
                expiry,
            }),
        };
        assert_eq!(text(&parcel(Expiry::Never)), "RESTORE k 0 v REPLACE");
        // No time at all would be for ever.
        assert_eq!(text(&parcel(Expiry::In(0))), "RESTORE k 1 v REPLACE");
        assert_eq!(text(&parcel(Expiry::At(9))), "RESTORE k 9 v REPLACE ABSTTL");
        let gone = Parcel {
            key: b"k".to_vec(),
            content: None,
        };
        assert_eq!(text(&gone), "DEL k");
    }

    #[test]
    fn values_are_the_same_whoever_dumped_them() {
        assert!(same(b"value\x0a\x0012345678", b"value\x09\x0087654321"));
        assert!(!same(b"valuf\x0a\x0012345678", b"value\x0a\x0012345678"));
    }
}
