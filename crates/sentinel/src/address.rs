//! Where an instance listens: by the name it was given, and by number.

use core::net::IpAddr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// As it was given: a name, or the text of the number.
    pub host: String,
    /// `None` while a name is not looked up.
    pub ip: Option<IpAddr>,
    /// 0 for an instance that nobody may be at.
    pub port: u16,
}

impl Address {
    /// How it is told to others.
    pub fn announced(&self, hostnames: bool) -> String {
        match (hostnames, self.ip) {
            (true, _) => self.host.clone(),
            (false, Some(ip)) => ip.to_string(),
            (false, None) => String::new(),
        }
    }

    /// Whether it is a name.
    pub fn is_name(&self) -> bool {
        self.host.parse::<IpAddr>().is_err()
    }

    pub fn is_same(&self, other: &Address) -> bool {
        let is_same_host = match (self.ip, other.ip) {
            (Some(ip), Some(other)) => ip == other,
            _ => self.host.eq_ignore_ascii_case(&other.host),
        };
        is_same_host && self.port == other.port
    }
}

/// Whether something may be a host's name. Whatever is no letter would end up in files and events.
pub(crate) fn is_host(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
    (1..=255).contains(&text.len()) && text.bytes().all(is_plain)
}
