//! What a machine wants done, in this order.

use core::net::IpAddr;

use crate::{ConnectionId, ScriptId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Connect, with a time limit of the shell's own. Tell [`Input::Connected`] or
    /// [`Input::Lost`].
    ///
    /// [`Input::Connected`]: crate::Input::Connected
    /// [`Input::Lost`]: crate::Input::Lost
    Connect {
        connection: ConnectionId,
        way: Way,
        ip: IpAddr,
        port: u16,
    },
    /// Close a connection, or give up making it. Nothing of it is told any more.
    Close {
        connection: ConnectionId,
    },
    /// Send a request. What is sent before the connection stands is kept until it does.
    Send {
        connection: ConnectionId,
        words: Vec<Vec<u8>>,
    },
    /// Look up a name, and tell [`Input::Resolved`](crate::Input::Resolved).
    Resolve {
        host: String,
    },
    /// Tell this Sentinel's own subscribers.
    Publish {
        channel: String,
        text: String,
    },
    /// Put [`Machine::statements`](crate::Machine::statements) into the configuration file, on
    /// the disk, before anything that follows. It logs `Sentinel new configuration saved on disk`,
    /// or that it failed.
    Save,
    /// Start a program, and tell [`Input::ScriptStarted`](crate::Input::ScriptStarted) and
    /// [`Input::ScriptEnded`](crate::Input::ScriptEnded).
    RunScript {
        script: ScriptId,
        path: Vec<u8>,
        args: Vec<Vec<u8>>,
    },
    /// A script has had its time: kill it. Its end is told as any other.
    KillScript {
        script: ScriptId,
        pid: u32,
    },
    /// Leave at once with exit code 99: an operator simulates a crash.
    Crash,
    Log {
        level: Level,
        line: String,
    },
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Requests and their replies.
    Command,
    /// The hello channel of a node.
    Subscription,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Verbose,
    Notice,
    Warning,
}
