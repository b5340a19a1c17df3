//! Connections to other servers, kept a while for whoever sends them the next key.

use std::collections::BTreeMap;
use std::time::Duration;

use stdx::time::UnixMillis;

use crate::Engine;
use crate::host::{DialError, Wire};
use crate::sync::Mutex;

/// A connection that nobody uses is closed after so long.
const IDLE_MS: i64 = 10_000;

/// More than this are never kept.
const KEPT_MAX: usize = 64;

/// The connections that nobody uses, by the server they lead to.
#[derive(Default)]
pub struct Wires(Mutex<BTreeMap<(String, u16), Idle>>);

struct Idle {
    line: Line,
    since: UnixMillis,
}

/// A connection, and what is known of the other end.
pub struct Line {
    pub wire: Box<dyn Wire>,
    /// The db that was selected there.
    pub db: Option<i64>,
    /// Whether it has served before, so that the other end may have closed it meanwhile.
    pub is_used: bool,
}

impl Engine {
    /// A connection to a server: one that was kept, or a fresh one.
    pub fn line(&self, host: &str, port: u16, timeout: Duration) -> Result<Line, DialError> {
        let kept = self.wires.0.lock().remove(&(host.to_owned(), port));
        if let Some(Idle { mut line, .. }) = kept
            && line.wire.set_timeout(timeout).is_ok()
        {
            return Ok(line);
        }
        Ok(Line {
            wire: self.host.dial(host, port, timeout)?,
            db: None,
            is_used: false,
        })
    }

    /// Gives back a connection over which all went well.
    pub fn keep_line(&self, host: &str, port: u16, line: Line) {
        let mut kept = self.wires.0.lock();
        if kept.len() < KEPT_MAX {
            let since = self.now();
            kept.insert((host.to_owned(), port), Idle { line, since });
        }
    }

    /// Closes connections that nobody has used for long.
    pub(crate) fn close_idle_lines(&self, now: UnixMillis) {
        let mut kept = self.wires.0.lock();
        kept.retain(|_, idle| now.0 - idle.since.0 < IDLE_MS);
    }
}
