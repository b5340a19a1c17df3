//! Where packets end in what a link brings.

use super::HEADER_BYTES;

/// The greatest packet of somebody who is not known: all a heartbeat can be.
const STRANGER_BYTES_MAX: usize = 1 << 20;

/// The greatest packet of a known node: a message of the greatest size, and its channel.
const BYTES_MAX: usize = (1 << 30) + HEADER_BYTES;

/// The end of a link: its bytes are no packets, or larger ones than its peer may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotABus;

/// What is to be done after a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Go {
        is_known: bool,
    },
    /// The link is closed.
    Stop,
}

/// Cuts the bytes of one link into packets. It holds what has arrived of one, and no more.
#[derive(Debug, Default)]
pub struct Frames {
    tail: Vec<u8>,
}

impl Frames {
    /// Takes whole packets off the front of `bytes` and of what was kept before, as long as `each`
    /// goes on; keeps the rest. `known` says whether the peer may send large packets, and `each`
    /// whether it may from then on.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut known: bool,
        mut each: impl FnMut(&[u8]) -> Next,
    ) -> Result<(), NotABus> {
        let mut rest = bytes;
        while !self.tail.is_empty() {
            let wanted = whole_len(&self.tail, known)?.unwrap_or(8);
            let missing = (wanted - self.tail.len()).min(rest.len());
            self.tail.extend_from_slice(&rest[..missing]);
            rest = &rest[missing..];
            match whole_len(&self.tail, known)? {
                Some(len) if len == self.tail.len() => {
                    let packet = std::mem::take(&mut self.tail);
                    match each(&packet) {
                        Next::Go { is_known } => known = is_known,
                        Next::Stop => return Ok(()),
                    }
                }
                _ if rest.is_empty() => return Ok(()),
                _ => {}
            }
        }
        while let Some(len) = whole_len(rest, known)? {
            let Some((packet, behind)) = rest.split_at_checked(len) else {
                break;
            };
            rest = behind;
            match each(packet) {
                Next::Go { is_known } => known = is_known,
                Next::Stop => return Ok(()),
            }
        }
        self.tail.extend_from_slice(rest);
        Ok(())
    }

    /// How many bytes are kept.
    pub fn held(&self) -> usize {
        self.tail.capacity()
    }
}

/// How long the packet is that begins here, if that has arrived.
fn whole_len(bytes: &[u8], known: bool) -> Result<Option<usize>, NotABus> {
    let signature = b"RCmb";
    let arrived = bytes.len().min(4);
    if bytes[..arrived] != signature[..arrived] {
        return Err(NotABus);
    }
    let Some(len) = bytes.get(4..8) else {
        return Ok(None);
    };
    let len = u32::from_be_bytes(len.try_into().expect("cut to four bytes")) as usize;
    let max = if known { BYTES_MAX } else { STRANGER_BYTES_MAX };
    match (HEADER_BYTES..=max).contains(&len) {
        true => Ok(Some(len)),
        false => Err(NotABus),
    }
}
