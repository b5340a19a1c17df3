//! What a machine wants done, in this order.

use std::ops::Range;

use crate::report::Role;
use crate::settings::Primary;
use crate::{LinkId, PeerId, SnapshotId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for a session, as they are.
    Send {
        peer: PeerId,
        bytes: Vec<u8>,
    },
    /// End a session. What it was fed from the log and from snapshots ends with it.
    Drop {
        peer: PeerId,
    },
    /// From now on the session is a replica: its output counts in the replica class, and replies
    /// of its commands are not sent.
    Enlist {
        peer: PeerId,
    },
    /// Keep the log from `from` on for this session.
    Hold {
        peer: PeerId,
        from: u64,
    },
    /// Send the session the log, from where it is held.
    Feed {
        peer: PeerId,
    },

    /// Take a snapshot: mark it under all locks, have a primary's log say its db again, and tell
    /// the offset ([`Input::SnapshotTaken`](crate::Input::SnapshotTaken)). The log is kept from
    /// there on until the snapshot is done, failed or cancelled. It carries the db of the stream.
    TakeSnapshot {
        snapshot: SnapshotId,
        target: Target,
        parts: Parts,
    },
    /// Send a snapshot's bytes: behind one for sockets its mark, one with the log in
    /// [`frames`](crate::frames), up to the last.
    SendSnapshot {
        peer: PeerId,
        snapshot: SnapshotId,
    },
    /// Nobody wants the snapshot any more.
    CancelSnapshot {
        snapshot: SnapshotId,
    },

    /// Keep a log of so many bytes from now on, even if nobody reads.
    KeepLog {
        bytes: u64,
    },
    /// Nobody needs the past any longer.
    FreeLog,
    /// Append bytes that are no effect of a command.
    Append {
        bytes: &'static [u8],
    },

    /// The node's role has changed. A primary's log says its db again before its next effect; a
    /// replica neither expires nor evicts keys, and clients that wait for keys are sent away.
    Become(Role),
    /// What the configuration file should say of `replicaof`.
    Remember {
        primary: Option<Primary>,
    },
    /// Clients' writes wait, or need not wait any longer.
    PauseWrites(bool),
    /// How many replicas confirm in time; `min-replicas-to-write` is judged by it.
    GoodReplicas(u32),
    WaitOver {
        client: PeerId,
        kind: WaitKind,
        outcome: Outcome,
    },

    Connect {
        link: LinkId,
        primary: Primary,
    },
    SendPrimary {
        link: LinkId,
        bytes: Vec<u8>,
    },
    /// Close the link to the primary, whatever is under way there, and drop what has arrived of a
    /// copy. If the data was emptied for that copy, it stays empty.
    CloseLink {
        link: LinkId,
    },
    /// A copy of the primary's data begins. With [`Way::Direct`] clients see that it loads.
    Receive {
        link: LinkId,
        way: Way,
        /// The log of the meantime comes with it, and what comes behind it is taken in at once.
        carries_log: bool,
    },
    /// A part of the copy: these bytes of the input.
    Copy {
        link: LinkId,
        range: Range<usize>,
    },
    /// The copy is there; its last `trim` bytes are not part of it. Tell whether it holds any key
    /// ([`Input::Inspected`](crate::Input::Inspected)).
    Received {
        link: LinkId,
        trim: usize,
    },
    /// Replace the data by the copy, and say how that went
    /// ([`Input::Loaded`](crate::Input::Loaded)). Except beside the data, the old data goes first.
    Load {
        link: LinkId,
        way: Way,
    },
    /// The copy is the data now: the log is empty and goes on from `offset`. Under all locks.
    Adopt {
        link: LinkId,
        offset: u64,
    },
    /// A part of the primary's stream: these bytes of the input. While a copy arrives and is
    /// loaded they are kept, and applied behind it.
    Stream {
        link: LinkId,
        range: Range<usize>,
    },

    /// Something that INFO counts.
    Count(Counter),
    Log {
        level: Level,
        line: String,
    },
}

/// Where a snapshot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// To all who wait, as it is made, with this mark behind it.
    Sockets {
        mark: [u8; 40],
    },
    /// As for sockets, with all that the log gains meanwhile between its pieces: nothing of it is
    /// kept for those who were sent it.
    WithLog,
    File,
}

/// What a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub keys: bool,
    pub functions: bool,
}

impl Parts {
    pub const ALL: Parts = Parts {
        keys: true,
        functions: true,
    };
}

/// How a copy becomes the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into a file first; the data is emptied when all of it is there.
    File,
    /// Into the data, which is empty.
    Direct,
    /// Into a second data set, which then takes the first one's place.
    Beside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    /// `WAIT`: the reply is the number of replicas, whatever it is.
    Wait,
    /// A write's own reply is held until it is confirmed.
    Write,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Confirmed(u32),
    /// So many had confirmed when the time was over.
    TimedOut(u32),
    /// The node is no primary any longer.
    RoleChanged,
}

impl Outcome {
    /// The error a client is told whose write was not confirmed, in place of its reply.
    pub fn error(&self, wanted: u32) -> Option<String> {
        match self {
            Outcome::Confirmed(_) => None,
            Outcome::TimedOut(count) => Some(format!(
                "NOREPLICAS The write is done here, but only {count} of {wanted} replicas \
                 confirmed it in time."
            )),
            Outcome::RoleChanged => Some(
                "UNBLOCKED force unblock from blocking operation, instance state changed \
                 (master -> replica?)"
                    .to_owned(),
            ),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    FullSync,
    PartialSync,
    PartialRefused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Verbose,
    Notice,
    Warning,
}
