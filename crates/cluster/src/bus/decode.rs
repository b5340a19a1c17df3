//! From bytes to a packet, or to the place where they are none.

use super::{
    Beat, Body, EXTENSION_HEAD_BYTES, Extension, GOSSIP_BYTES, Gossip, HEADER_BYTES,
    HOST_NAME_BYTES_MAX, Header, IP_BYTES, Kind, Malformed, Marks, Packet,
};
use crate::id::NodeId;
use crate::node::Flags;
use crate::slots::SlotSet;

/// Reads one whole packet. What it allocates is less than what it was given.
pub fn decode(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    let mut cursor = Cursor { bytes, offset: 0 };
    if cursor.array::<4>()? != b"RCmb" {
        return Err(cursor.malformed("signature"));
    }
    if cursor.u32()? as usize != bytes.len() {
        return Err(cursor.malformed("length"));
    }
    if cursor.u16()? != 1 {
        return Err(cursor.malformed("version"));
    }
    let port = cursor.u16()?;
    let kind = usize::from(cursor.u16()?);
    let kind = *Kind::ALL.get(kind).ok_or(cursor.malformed("type"))?;
    let gossiped = cursor.u16()?;
    let (header, extended) = header(&mut cursor, port)?;
    let body = match kind {
        Kind::Ping => heartbeat(Beat::Ping, gossiped, extended, &mut cursor)?,
        Kind::Pong => heartbeat(Beat::Pong, gossiped, extended, &mut cursor)?,
        Kind::Meet => heartbeat(Beat::Meet, gossiped, extended, &mut cursor)?,
        Kind::Fail => Body::Fail(cursor.name()?),
        Kind::Publish => publish(&mut cursor, false)?,
        Kind::PublishShard => publish(&mut cursor, true)?,
        Kind::AskVote => Body::AskVote,
        Kind::Vote => Body::Vote,
        Kind::Update => Body::Update {
            config_epoch: cursor.u64()?,
            node: cursor.name()?,
            slots: cursor.array()?,
        },
        Kind::StartFailover => Body::StartFailover,
        Kind::Module => module(&mut cursor)?,
    };
    match cursor.rest() {
        0 => Ok(Packet { header, body }),
        _ => Err(cursor.malformed("surplus")),
    }
}

/// What follows the count of gossip, and how many extensions there are.
fn header<'a>(cursor: &mut Cursor<'a>, port: u16) -> Result<(Header<'a>, u16), Malformed> {
    let current_epoch = cursor.u64()?;
    let config_epoch = cursor.u64()?;
    let offset = cursor.u64()?;
    let sender = cursor.name()?;
    let slots: &[u8; SlotSet::BYTES] = cursor.array()?;
    let primary: &[u8; NodeId::LEN] = cursor.array()?;
    let primary = match primary.iter().all(|&byte| byte == 0) {
        true => None,
        false => Some(NodeId::parse(primary).ok_or(cursor.malformed("primary"))?),
    };
    let ip = cursor.ip()?;
    let extensions = cursor.u16()?;
    let _: &[u8; 30] = cursor.array()?;
    let plain_port = cursor.u16()?;
    let bus_port = cursor.u16()?;
    let flags = Flags(cursor.u16()?);
    let state: &[u8; 1] = cursor.array()?;
    let marks: &[u8; 3] = cursor.array()?;
    debug_assert_eq!(cursor.offset, HEADER_BYTES);
    let header = Header {
        port,
        plain_port,
        bus_port,
        current_epoch,
        config_epoch,
        offset,
        sender,
        slots,
        primary,
        ip,
        flags,
        is_down: state[0] != 0,
        marks: Marks {
            paused: marks[0] & 1 != 0,
            forced: marks[0] & 2 != 0,
            extended: marks[2] & 1 != 0,
        },
    };
    let has_extensions = marks[0] & 4 != 0;
    Ok((header, if has_extensions { extensions } else { 0 }))
}

fn heartbeat<'a>(
    beat: Beat,
    gossiped: u16,
    extended: u16,
    cursor: &mut Cursor<'a>,
) -> Result<Body<'a>, Malformed> {
    let least = usize::from(gossiped) * GOSSIP_BYTES + usize::from(extended) * EXTENSION_HEAD_BYTES;
    if least > cursor.rest() {
        return Err(cursor.malformed("count"));
    }
    let mut gossip = Vec::with_capacity(usize::from(gossiped));
    for _ in 0..gossiped {
        gossip.push(one_gossip(cursor)?);
    }
    let mut extensions = Vec::with_capacity(usize::from(extended));
    for _ in 0..extended {
        extensions.push(extension(cursor)?);
    }
    Ok(Body::Heartbeat {
        beat,
        gossip,
        extensions,
    })
}

fn one_gossip<'a>(cursor: &mut Cursor<'a>) -> Result<Gossip<'a>, Malformed> {
    let gossip = Gossip {
        id: cursor.name()?,
        ping_sent_s: cursor.u32()?,
        pong_s: cursor.u32()?,
        ip: cursor.ip()?,
        port: cursor.u16()?,
        bus_port: cursor.u16()?,
        flags: Flags(cursor.u16()?),
        plain_port: cursor.u16()?,
    };
    let _unused = cursor.u16()?;
    Ok(gossip)
}

fn extension<'a>(cursor: &mut Cursor<'a>) -> Result<Extension<'a>, Malformed> {
    let len = cursor.u32()? as usize;
    let kind = cursor.u16()?;
    let _unused = cursor.u16()?;
    if !len.is_multiple_of(8) || len < EXTENSION_HEAD_BYTES {
        return Err(cursor.malformed("extension length"));
    }
    let malformed = cursor.malformed("extension");
    let mut inside = cursor.part(len - EXTENSION_HEAD_BYTES)?;
    match kind {
        0 => {
            let text = inside.bytes;
            let end = text.iter().position(|&byte| byte == 0).ok_or(malformed)?;
            let name = host_name(&text[..end]).ok_or(malformed)?;
            Ok(Extension::HostName(name))
        }
        2 => Ok(Extension::Forgotten {
            id: inside.name()?,
            ttl_s: inside.u64()?,
        }),
        3 => Ok(Extension::Shard(inside.name()?)),
        unknown => Ok(Extension::Unknown(unknown)),
    }
}

/// A host name as the configuration would take it.
fn host_name(text: &[u8]) -> Option<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let is_name = text.len() <= HOST_NAME_BYTES_MAX && text.iter().all(is_part);
    std::str::from_utf8(text).ok().filter(|_| is_name)
}

fn publish<'a>(cursor: &mut Cursor<'a>, sharded: bool) -> Result<Body<'a>, Malformed> {
    let channel_len = cursor.u32()? as usize;
    let message_len = cursor.u32()? as usize;
    Ok(Body::Publish {
        channel: cursor.part(channel_len)?.bytes,
        message: cursor.part(message_len)?.bytes,
        sharded,
    })
}

fn module<'a>(cursor: &mut Cursor<'a>) -> Result<Body<'a>, Malformed> {
    let _id = cursor.u64()?;
    let len = cursor.u32()? as usize;
    let _kind: &[u8; 1] = cursor.array()?;
    cursor.part(len)?;
    Ok(Body::Module)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn malformed(&self, what: &'static str) -> Malformed {
        let offset = self.offset;
        Malformed { offset, what }
    }

    fn rest(&self) -> usize {
        self.bytes.len() - self.offset
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let cut = self.bytes[self.offset..].first_chunk();
        let cut = cut.ok_or(self.malformed("end"))?;
        self.offset += N;
        Ok(cut)
    }

    /// The next `len` bytes, read from their beginning.
    fn part(&mut self, len: usize) -> Result<Cursor<'a>, Malformed> {
        let cut = self.bytes[self.offset..].get(..len);
        let bytes = cut.ok_or(self.malformed("end"))?;
        self.offset += len;
        Ok(Cursor { bytes, offset: 0 })
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(|bytes| u64::from_be_bytes(*bytes))
    }

    fn name(&mut self) -> Result<NodeId, Malformed> {
        let malformed = self.malformed("name");
        let digits: &[u8; NodeId::LEN] = self.array()?;
        NodeId::parse(digits).ok_or(malformed)
    }

    /// An address: digits, dots and colons up to a zero.
    fn ip(&mut self) -> Result<&'a str, Malformed> {
        let malformed = self.malformed("address");
        let field: &[u8; IP_BYTES] = self.array()?;
        let end = field.iter().position(|&byte| byte == 0).ok_or(malformed)?;
        let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
        match field[..end].iter().all(is_part) {
            true => std::str::from_utf8(&field[..end]).map_err(|_| malformed),
            false => Err(malformed),
        }
    }
}
