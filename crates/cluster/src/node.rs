//! A node as another knows it.

use std::fmt;

/// What is known of a node, a bit each, as on the bus.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    pub const PRIMARY: Flags = Flags(1);
    pub const REPLICA: Flags = Flags(2);
    /// This node cannot reach it.
    pub const MAYBE_FAILED: Flags = Flags(4);
    /// A majority could not reach it.
    pub const FAILED: Flags = Flags(8);
    pub const MYSELF: Flags = Flags(16);
    /// It has not told its name yet.
    pub const HANDSHAKE: Flags = Flags(32);
    pub const NO_ADDRESS: Flags = Flags(64);
    /// It is to be sent a MEET.
    pub const MEET: Flags = Flags(128);
    /// It had replicas, or took over from one that had: replicas may migrate to it.
    pub const MIGRATE_TO: Flags = Flags(256);
    pub const NO_FAILOVER: Flags = Flags(512);
    /// It reads what stands behind the gossip of a ping.
    pub const EXTENSIONS: Flags = Flags(1024);

    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    pub fn set(&mut self, other: Flags) {
        self.0 |= other.0;
    }

    pub fn clear(&mut self, other: Flags) {
        self.0 &= !other.0;
    }

    /// Without what only the node that says it knows.
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// The words of files and reports, in their order.
const WORDS: [(Flags, &str); 8] = [
    (Flags::MYSELF, "myself"),
    (Flags::PRIMARY, "master"),
    (Flags::REPLICA, "slave"),
    (Flags::MAYBE_FAILED, "fail?"),
    (Flags::FAILED, "fail"),
    (Flags::HANDSHAKE, "handshake"),
    (Flags::NO_ADDRESS, "noaddr"),
    (Flags::NO_FAILOVER, "nofailover"),
];

impl Flags {
    /// Reads the words of a file, with commas between them; gives back the first unknown one.
    pub fn parse(text: &str) -> Result<Flags, &str> {
        let mut flags = Flags::default();
        for word in text.split(',') {
            match WORDS.iter().find(|(_, known)| *known == word) {
                Some((flag, _)) => flags.set(*flag),
                None if word == "noflags" => {}
                None => return Err(word),
            }
        }
        Ok(flags)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (flag, word) in WORDS {
            if self.has(flag) {
                write!(f, "{separator}{word}")?;
                separator = ",";
            }
        }
        match separator {
            "" => f.write_str("noflags"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
