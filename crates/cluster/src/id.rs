//! The names of nodes and of shards: forty hexadecimal digits.

use std::fmt;

use stdx::prng::Prng;

/// The name of a node, as it stands in packets and files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; 40]);

/// The name that a primary and its replicas share, whoever of them is the primary.
pub type ShardId = NodeId;

impl NodeId {
    pub const LEN: usize = 40;

    /// Reads a name; what is not made of forty digits is none.
    pub fn parse(text: &[u8]) -> Option<NodeId> {
        let digits: [u8; 40] = text.try_into().ok()?;
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        digits.iter().all(is_digit).then_some(NodeId(digits))
    }

    /// Draws a name at random.
    pub fn draw(prng: &mut [Prng; 2]) -> NodeId {
        let digit = |nibble: u64| b"0123456789abcdef"[nibble as usize & 15];
        let mut digits = [0; 40];
        for chunk in digits.chunks_mut(16) {
            let mut word = prng[0].next_u64() ^ prng[1].next_u64();
            for byte in chunk {
                *byte = digit(word);
                word >>= 4;
            }
        }
        NodeId(digits)
    }

    pub fn as_bytes(&self) -> &[u8; 40] {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are text")
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
