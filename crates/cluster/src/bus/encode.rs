//! From a packet to its bytes.

use bytes::Bytes;

use super::{
    Body, EXTENSION_HEAD_BYTES, Extension, GOSSIP_BYTES, Gossip, HEADER_BYTES, Header, IP_BYTES,
    Packet,
};
use crate::id::NodeId;

impl Packet<'_> {
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.body.size_hint());
        self.write_header(&mut bytes);
        self.body.write(&mut bytes);
        let len = u32::try_from(bytes.len()).expect("messages are far below four gigabytes");
        bytes[4..8].copy_from_slice(&len.to_be_bytes());
        Bytes::from(bytes)
    }

    fn write_header(&self, bytes: &mut Vec<u8>) {
        let (header, body): (&Header<'_>, &Body<'_>) = (&self.header, &self.body);
        let (gossiped, extended) = match body {
            Body::Heartbeat {
                gossip, extensions, ..
            } => (gossip.len() as u16, extensions.len() as u16),
            _ => (0, 0),
        };
        bytes.extend_from_slice(b"RCmb\0\0\0\0");
        put16(bytes, &[1, header.port, body.kind() as u16, gossiped]);
        for number in [header.current_epoch, header.config_epoch, header.offset] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend_from_slice(header.sender.as_bytes());
        bytes.extend_from_slice(header.slots);
        let nobody = [0; NodeId::LEN];
        let primary = header.primary.as_ref().map_or(&nobody, NodeId::as_bytes);
        bytes.extend_from_slice(primary);
        put_ip(bytes, header.ip);
        put16(bytes, &[extended]);
        bytes.extend([0; 30]);
        put16(bytes, &[header.plain_port, header.bus_port, header.flags.0]);
        let marks = header.marks;
        let first =
            u8::from(marks.paused) | u8::from(marks.forced) << 1 | u8::from(extended > 0) << 2;
        bytes.extend([u8::from(header.is_down), first, 0, u8::from(marks.extended)]);
        debug_assert_eq!(bytes.len(), HEADER_BYTES);
    }
}

impl Body<'_> {
    fn size_hint(&self) -> usize {
        match self {
            Body::Heartbeat { gossip, .. } => (gossip.len() + 3) * GOSSIP_BYTES,
            Body::Publish {
                channel, message, ..
            } => 8 + channel.len() + message.len(),
            _ => GOSSIP_BYTES,
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Body::Heartbeat {
                gossip, extensions, ..
            } => {
                for node in gossip {
                    put_gossip(bytes, node);
                }
                for extension in extensions {
                    put_extension(bytes, extension);
                }
            }
            Body::Fail(id) => bytes.extend_from_slice(id.as_bytes()),
            Body::Publish {
                channel, message, ..
            } => {
                put32(bytes, &[channel.len() as u32, message.len() as u32]);
                bytes.extend_from_slice(channel);
                bytes.extend_from_slice(message);
            }
            Body::Update {
                config_epoch,
                node,
                slots,
            } => {
                bytes.extend(config_epoch.to_be_bytes());
                bytes.extend_from_slice(node.as_bytes());
                bytes.extend_from_slice(*slots);
            }
            Body::Module => bytes.extend([0; 13]),
            Body::AskVote | Body::Vote | Body::StartFailover => {}
        }
    }
}

fn put_gossip(bytes: &mut Vec<u8>, node: &Gossip<'_>) {
    bytes.extend_from_slice(node.id.as_bytes());
    put32(bytes, &[node.ping_sent_s, node.pong_s]);
    put_ip(bytes, node.ip);
    put16(
        bytes,
        &[node.port, node.bus_port, node.flags.0, node.plain_port, 0],
    );
}

fn put_extension(bytes: &mut Vec<u8>, extension: &Extension<'_>) {
    let kind = match extension {
        Extension::HostName(_) => 0,
        Extension::Forgotten { .. } => 2,
        Extension::Shard(_) => 3,
        Extension::Unknown(kind) => *kind,
    };
    let start = bytes.len();
    bytes.extend([0; 4]);
    put16(bytes, &[kind, 0]);
    match extension {
        Extension::HostName(name) => {
            bytes.extend_from_slice(name.as_bytes());
            let len = name.len() + 1;
            bytes.resize(start + EXTENSION_HEAD_BYTES + len.next_multiple_of(8), 0);
        }
        Extension::Forgotten { id, ttl_s } => {
            bytes.extend_from_slice(id.as_bytes());
            bytes.extend(ttl_s.to_be_bytes());
        }
        Extension::Shard(id) => bytes.extend_from_slice(id.as_bytes()),
        Extension::Unknown(_) => {}
    }
    let len = (bytes.len() - start) as u32;
    bytes[start..start + 4].copy_from_slice(&len.to_be_bytes());
}

fn put_ip(bytes: &mut Vec<u8>, ip: &str) {
    let end = bytes.len() + IP_BYTES;
    let kept = ip.len().min(IP_BYTES - 1);
    bytes.extend_from_slice(&ip.as_bytes()[..kept]);
    bytes.resize(end, 0);
}

fn put16(bytes: &mut Vec<u8>, numbers: &[u16]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
}

fn put32(bytes: &mut Vec<u8>, numbers: &[u32]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
}
