//! What a machine is told.

use core::net::IpAddr;

use resp::value::Value;

use crate::{ConnectionId, ScriptId};

/// What the machine may look at while it decides.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Milliseconds of a clock that never goes back. It counts on while the process is stopped.
    pub now_ms: u64,
    /// Milliseconds since 1970, as the system says them.
    pub wall_ms: i64,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A deadline has come.
    Tick,
    /// A connection stands; this side of it has this address.
    Connected {
        connection: ConnectionId,
        local_ip: IpAddr,
    },
    /// It could not be made, or broke.
    Lost {
        connection: ConnectionId,
        why: &'a str,
    },
    /// A reply to the oldest request without one, or what a subscription brought.
    Reply {
        connection: ConnectionId,
        value: &'a Value,
    },
    /// A peer published this on this Sentinel's own hello channel.
    Hello {
        text: &'a [u8],
    },
    /// A name was looked up.
    Resolved {
        host: &'a str,
        ip: Option<IpAddr>,
    },
    /// A script runs, or could not be started.
    ScriptStarted {
        script: ScriptId,
        pid: Option<u32>,
    },
    ScriptEnded {
        script: ScriptId,
        end: ScriptEnd,
    },
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptEnd {
    Exited(i32),
    /// By a signal.
    Killed(i32),
}
