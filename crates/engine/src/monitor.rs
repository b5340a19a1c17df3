//! `MONITOR`: clients that see every command.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use config::Config;
use keyspace::DbIndex;
use stdx::text::quote;

use crate::Engine;
use crate::clients::{Client, ClientFlags, Wakes};
use crate::sync::{AtomicUsize, Mutex};

#[derive(Debug, Default)]
pub struct Monitors {
    watching: Mutex<Vec<Arc<Client>>>,
    count: AtomicUsize,
}

impl Monitors {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// Shows a client every command from now on. Returns false if it sees them already.
    pub fn add(&self, client: &Arc<Client>) -> bool {
        let mut watching = self.watching.lock();
        if client.has(ClientFlags::MONITOR) {
            return false;
        }
        client.set(ClientFlags::MONITOR, true);
        watching.push(Arc::clone(client));
        self.count.store(watching.len(), Ordering::Relaxed);
        true
    }

    pub fn remove(&self, client: &Arc<Client>) {
        if client.has(ClientFlags::MONITOR) {
            let mut watching = self.watching.lock();
            watching.retain(|other| !Arc::ptr_eq(other, client));
            self.count.store(watching.len(), Ordering::Relaxed);
            client.set(ClientFlags::MONITOR, false);
        }
    }

    /// Shows a command to everyone who watches.
    pub fn feed(
        &self,
        engine: &Engine,
        config: &Config,
        (db, from): (DbIndex, &Client),
        words: &[&[u8]],
    ) {
        let at_micros = engine.host.unix_micros();
        let (seconds, micros) = (at_micros / 1_000_000, at_micros % 1_000_000);
        let addr = match from.endpoints.unix {
            true => format!("unix:{}", from.endpoints.laddr.trim_end_matches(":0")),
            false => from.endpoints.addr.clone(),
        };
        let mut line = format!("+{seconds}.{micros:06} [{} {addr}]", db.0).into_bytes();
        for word in words {
            line.push(b' ');
            quote(word, &mut line);
        }
        line.extend_from_slice(b"\r\n");
        let mut wakes = Wakes::default();
        for client in self.watching.lock().iter() {
            engine.send(config, &mut wakes, client, &line);
        }
    }
}
