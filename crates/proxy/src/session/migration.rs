//! Requests whose keys have to come from another pool first.

use std::rc::Rc;

use resp::request::Batch;

use super::{Flow, Session};
use crate::moving::move_keys;
use crate::table::{self, Action, Entry};

/// Keys that are moved together.
const KEYS_MAX: usize = 256;

impl Session {
    /// Has the keys of a request moved, if they have to be, and then handles it.
    pub(super) fn move_then_request(&mut self, batch: &Batch<'_>, next: usize) -> Flow {
        let words = batch.request(next);
        let entry = self.entry(words[0]);
        if let Some(entry) = entry.filter(|_| self.authenticated) {
            if reaches_all_keys(entry) {
                self.spoil();
                let name = entry.command.name;
                return self.error(&format!("ERR no '{name}' while keys move between pools"));
            }
            let failed = std::mem::take(&mut *self.moving.failed.borrow_mut());
            let mut reason = None;
            let mut waits = false;
            each_key(entry, words, |key| {
                reason = reason.take().or_else(|| failed.get(key).cloned());
                waits |= !self.has_moved(key);
            });
            if let Some(text) = reason {
                self.spoil();
                return self.error(&text);
            }
            if waits {
                self.begin_move(batch, next);
                return Flow::Hold;
            }
        }
        self.request(words, batch.sent(next))
    }

    fn entry(&self, name: &[u8]) -> Option<&'static Entry> {
        table::find(name).or_else(|| self.client.backend.pool.custom(name))
    }

    fn own_db(&self) -> u32 {
        self.db - self.client.backend.pool.config.db
    }

    fn has_moved(&self, key: &[u8]) -> bool {
        self.client.backend.pool.moves.is_done(self.own_db(), key)
    }

    /// Moves the keys of this request, and of those behind it.
    fn begin_move(&self, batch: &Batch<'_>, next: usize) {
        let mut keys = Vec::new();
        for index in next..batch.len() {
            let words = batch.request(index);
            // What comes behind may be meant for another db.
            let entry = self
                .entry(words[0])
                .filter(|entry| entry.command.name != "select");
            let Some(entry) = entry.filter(|_| index == next || keys.len() < KEYS_MAX) else {
                break;
            };
            each_key(entry, words, |key| {
                if !self.has_moved(key) {
                    keys.push(key.to_vec());
                }
            });
        }
        self.moving.busy.set(true);
        let (client, moving) = (Rc::clone(&self.client), Rc::clone(&self.moving));
        tokio::task::spawn_local(move_keys(client, moving, self.own_db(), keys));
    }
}

fn each_key(entry: &Entry, words: &[&[u8]], mut found: impl FnMut(&[u8])) {
    let subcommand = words.get(1).and_then(|name| entry.command.subcommand(name));
    let command = subcommand.unwrap_or(entry.command);
    if command.allows(words.len()) {
        command.each_key(words, |index| found(words[index]));
    }
}

/// What would have to ask both pools.
fn reaches_all_keys(entry: &Entry) -> bool {
    matches!(entry.action, Action::Scan | Action::RandomKey)
        || matches!(
            entry.command.name,
            "keys" | "dbsize" | "flushall" | "flushdb"
        )
}
