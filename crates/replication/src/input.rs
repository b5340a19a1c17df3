//! What a machine is told.

use crate::failover::Request;
use crate::identity::Span;
use crate::output::WaitKind;
use crate::settings::{Primary, Settings};
use crate::{LinkId, PeerId, SnapshotId};

/// What the machine may look at while it decides.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Milliseconds of a clock that never goes back.
    pub now_ms: u64,
    /// What the log keeps. Its end is the replication offset.
    pub log: Span,
    /// Whether there is any key.
    pub holds_data: bool,
}

/// What happened. Slices lie in the caller's buffers; nothing of them is kept but what is small.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A deadline has come.
    Tick,
    Configured(Settings),

    /// `REPLCONF`, with the words behind it.
    Replconf {
        peer: PeerId,
        words: &'a [&'a [u8]],
    },
    /// `PSYNC`, with the words behind it.
    Psync {
        peer: PeerId,
        words: &'a [&'a [u8]],
        address: &'a str,
        /// Replies of earlier commands are still to be sent.
        owes_replies: bool,
    },
    /// `SYNC`.
    Sync {
        peer: PeerId,
        address: &'a str,
        owes_replies: bool,
    },
    /// A replica sent an empty line, to show that it lives.
    Newline {
        peer: PeerId,
    },
    /// The socket of a replica that is fed took the log up to here.
    Sent {
        peer: PeerId,
        offset: u64,
    },
    /// The socket of a replica took more of a snapshot.
    SnapshotMoved {
        peer: PeerId,
    },
    /// A replica was sent its whole snapshot.
    SnapshotSent {
        peer: PeerId,
    },
    /// A session has ended, or a waiting client does not wait any longer.
    Gone {
        peer: PeerId,
    },

    /// A snapshot was taken at this offset of the log.
    SnapshotTaken {
        snapshot: SnapshotId,
        offset: u64,
    },
    /// A snapshot that goes through a file has so many bytes.
    SnapshotWritten {
        snapshot: SnapshotId,
        len: u64,
    },
    /// Every replica of the snapshot was served; or, for a file, it may go.
    SnapshotDone {
        snapshot: SnapshotId,
    },
    SnapshotFailed {
        snapshot: SnapshotId,
    },

    /// A client waits until so many replicas have confirmed an offset. No timeout is for ever.
    Wait {
        client: PeerId,
        kind: WaitKind,
        offset: u64,
        replicas: u32,
        timeout_ms: Option<u64>,
    },

    /// The operator's word: follow, or follow no one. `by` names the client in the log.
    ReplicaOf {
        primary: Option<Primary>,
        by: &'a str,
    },
    Failover {
        client: PeerId,
        request: Request,
    },

    /// The link to the primary stands.
    Connected {
        link: LinkId,
    },
    /// What arrived on it.
    FromPrimary {
        link: LinkId,
        bytes: &'a [u8],
    },
    /// It could not be made, or broke.
    LinkLost {
        link: LinkId,
        why: &'a str,
    },
    /// Units of the stream were applied and appended to the log. If one of them was
    /// `REPLCONF GETACK`, the offset where it began.
    Applied {
        link: LinkId,
        ack_asked: Option<u64>,
    },
    /// The stream cannot be followed any further.
    Corrupt {
        link: LinkId,
        what: &'a str,
    },
    /// A copy that arrived in a file, or was built beside the data, was looked at.
    Inspected {
        link: LinkId,
        is_empty: bool,
    },
    /// A copy is in memory, or never will be.
    Loaded {
        link: LinkId,
        result: Loaded<'a>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded<'a> {
    Whole,
    /// The copy is broken.
    Failed(&'a str),
}
