//! Requests of another protocol, from a program that does not know whom it talks to.
//!
//! A hostile page can have its visitor's browser send a request of HTTP to a port of the visitor's
//! own machine. To us that is a few unknown commands, its lines of head, and then whatever the page
//! put into the body, which may well be commands that run. But every such request begins with
//! `POST` or has a `Host:` line. Neither is a command that any client of ours sends; so whoever
//! does is cut off there and then, without a reply that a page could read.

use std::sync::atomic::{AtomicI64, Ordering};

use stdx::time::UnixMillis;

use crate::host::{Host, LogLevel};

/// Milliseconds between two lines of the log about intruders, however many there are.
const LINE_MS: i64 = 60_000;

const LINE: &str = "Possible SECURITY ATTACK detected: a client sent POST or Host: as a command, \
    as a browser does when a page has it talk to this port. Its connection was closed.";

/// Whether no client of this protocol sends such a word in a command's place.
pub(crate) fn is_foreign(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"POST") || word.eq_ignore_ascii_case(b"Host:")
}

/// When the log was last told of an intruder.
#[derive(Debug, Default)]
pub struct Intruders {
    told_ms: AtomicI64,
}

impl Intruders {
    pub(crate) fn note(&self, host: &dyn Host, now: UnixMillis) {
        if now.0 - self.told_ms.load(Ordering::Relaxed) >= LINE_MS {
            self.told_ms.store(now.0, Ordering::Relaxed);
            host.log(LogLevel::Warning, LINE);
        }
    }
}
