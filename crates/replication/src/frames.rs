//! A full copy that carries the log written meanwhile.
//!
//! While a copy is made and loaded, somebody must keep what is written. A primary that keeps it
//! grows with the time its replicas take; so a replica that can (`REPLCONF capa ochre-log`) is sent
//! it in the middle of the copy, keeps it aside, and applies it behind the copy. What has been sent
//! is given up by the primary. In place of the line that announces a copy stands [`LINE`], which
//! peers that do not know of frames refuse, and behind it come frames up to one that ends the copy:
//!
//! ```text
//!   kind │ len      │ at       │ len bytes
//!   's'  │ 8 bytes  │ 8 bytes  │ a part of the snapshot, behind `at` bytes of it
//!   'l'  │ 8 bytes  │ 8 bytes  │ a part of the log, from the offset `at` on
//!   'e'  │ 0        │ 8 bytes  │ the end; the stream goes on at the offset `at`
//! ```
//!
//! Numbers are little-endian. Each part begins where the last of its kind ended: `at` says nothing
//! that is not known already, so a peer that has lost count is noticed at once. Frames are of a
//! link only: what becomes a file is the snapshot without them.

/// How a replica says that it takes such copies.
pub const CAPABILITY: &str = "ochre-log";

/// What stands in front of the first frame.
pub const LINE: &str = "+OCHRE-LOG";

const HEAD_LEN: usize = 17;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Snapshot,
    Log,
    End,
}

/// The bytes in front of what a frame holds.
pub fn head(kind: Kind, len: usize, at: u64) -> [u8; HEAD_LEN] {
    let mut head = [0; HEAD_LEN];
    head[0] = match kind {
        Kind::Snapshot => b's',
        Kind::Log => b'l',
        Kind::End => b'e',
    };
    head[1..9].copy_from_slice(&(len as u64).to_le_bytes());
    head[9..].copy_from_slice(&at.to_le_bytes());
    head
}

/// What bytes on the link are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A head, or a piece of one.
    Head,
    Snapshot,
    Log,
    /// The rest of the last head.
    End,
}

/// Takes frames apart. It keeps nothing but an incomplete head.
#[derive(Debug)]
pub(crate) struct Frames {
    head: [u8; HEAD_LEN],
    filled: usize,
    /// The kind of the frame under way, and the bytes missing of it.
    kind: Kind,
    left: u64,
    /// Where the next part of the snapshot, and of the log, must begin.
    snapshot_at: u64,
    log_at: u64,
}

impl Frames {
    /// Of a copy that was taken at this offset of the log.
    pub fn from(offset: u64) -> Frames {
        Frames {
            head: [0; HEAD_LEN],
            filled: 0,
            kind: Kind::Snapshot,
            left: 0,
            snapshot_at: 0,
            log_at: offset,
        }
    }

    /// Takes bytes of one content off the front: how many, and what they are. There must be one.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(usize, Content), &'static str> {
        debug_assert!(!bytes.is_empty(), "nothing has arrived");
        if self.left == 0 {
            return self.take_head(bytes);
        }
        let len = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.left -= len as u64;
        let (content, at) = match self.kind {
            Kind::Snapshot => (Content::Snapshot, &mut self.snapshot_at),
            Kind::Log => (Content::Log, &mut self.log_at),
            Kind::End => unreachable!("the last frame is empty"),
        };
        *at += len as u64;
        Ok((len, content))
    }

    fn take_head(&mut self, bytes: &[u8]) -> Result<(usize, Content), &'static str> {
        let len = bytes.len().min(HEAD_LEN - self.filled);
        self.head[self.filled..self.filled + len].copy_from_slice(&bytes[..len]);
        self.filled += len;
        if self.filled < HEAD_LEN {
            return Ok((len, Content::Head));
        }
        self.filled = 0;
        self.open()?;
        let content = match self.kind {
            Kind::End => Content::End,
            Kind::Snapshot | Kind::Log => Content::Head,
        };
        Ok((len, content))
    }

    /// Begins the frame whose head is there.
    fn open(&mut self) -> Result<(), &'static str> {
        let (kind, expected) = match self.head[0] {
            b's' => (Kind::Snapshot, self.snapshot_at),
            b'l' => (Kind::Log, self.log_at),
            b'e' => (Kind::End, self.log_at),
            _ => return Err("a frame of no known kind"),
        };
        let number = |at: usize| {
            let bytes = self.head[at..].first_chunk().expect("a head has two");
            u64::from_le_bytes(*bytes)
        };
        let (len, at) = (number(1), number(9));
        if at != expected {
            return Err("a frame that is out of place");
        }
        if (len == 0) != (kind == Kind::End) || expected.checked_add(len).is_none() {
            return Err("a frame of no possible length");
        }
        (self.kind, self.left) = (kind, len);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
