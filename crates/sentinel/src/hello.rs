//! The message by which Sentinels find each other and spread what they have decided.
//!
//! ```text
//!   127.0.0.1,26380,<id>,4,mymaster,127.0.0.1,6379,3
//!   └ the sender ─────┘  │ └ the master ────────┘ └ the epoch of this configuration
//!                        └ the sender's epoch
//! ```
//!
//! Whoever can publish on a node can send one, so what no Sentinel says is not believed: another
//! number of fields, an id that is none, an address that nobody can have, an epoch at the end of
//! all epochs.

use core::net::IpAddr;
use std::fmt;

use crate::address::is_host;
use crate::core::EPOCH_MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub host: String,
    pub port: u16,
    pub id: String,
    pub epoch: u64,
    pub master: String,
    pub master_host: String,
    pub master_port: u16,
    pub master_epoch: u64,
}

impl Hello {
    pub fn parse(text: &[u8]) -> Option<Hello> {
        let text = std::str::from_utf8(text).ok()?;
        let mut fields = text.split(',');
        let mut next = || fields.next();
        let hello = Hello {
            host: host(next()?)?,
            port: port(next()?)?,
            id: id(next()?)?,
            epoch: epoch(next()?)?,
            master: next()?.to_owned(),
            master_host: host(next()?)?,
            master_port: port(next()?)?,
            master_epoch: epoch(next()?)?,
        };
        fields.next().is_none().then_some(hello)
    }
}

impl fmt::Display for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},{},{},{},{},{},{},{}",
            self.host,
            self.port,
            self.id,
            self.epoch,
            self.master,
            self.master_host,
            self.master_port,
            self.master_epoch
        )
    }
}

fn host(field: &str) -> Option<String> {
    let is_somewhere = match field.parse::<IpAddr>() {
        Ok(ip) => !ip.is_unspecified() && !ip.is_multicast(),
        Err(_) => is_host(field),
    };
    is_somewhere.then(|| field.to_owned())
}

fn port(field: &str) -> Option<u16> {
    let port = number(field)?;
    u16::try_from(port).ok().filter(|port| *port > 0)
}

fn epoch(field: &str) -> Option<u64> {
    number(field).filter(|epoch| *epoch <= EPOCH_MAX)
}

fn number(field: &str) -> Option<u64> {
    stdx::number::parse_u64(field.as_bytes())
}

fn id(field: &str) -> Option<String> {
    is_id(field).then(|| field.to_owned())
}

/// Whether it is what instances are called: 40 hexadecimal digits.
pub(crate) fn is_id(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 40 && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests;
