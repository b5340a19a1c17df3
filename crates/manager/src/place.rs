//! Where a node is reached.

use std::fmt;

/// A host, as a name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub host: String,
    pub port: u16,
}

impl Place {
    /// Reads `host:port`. The last colon counts, so IPv6 addresses may stand bare or in brackets,
    /// and what stands behind an `@` does not.
    pub fn parse(text: &str) -> Option<Place> {
        let text = text.split('@').next().unwrap_or_default();
        let (host, port) = text.rsplit_once(':')?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port > 0)?;
        (!host.is_empty()).then(|| Place {
            host: host.to_owned(),
            port,
        })
    }

    pub fn address(&self) -> client::Address {
        client::Address::Tcp {
            host: self.host.clone(),
            port: self.port,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_addresses_are_read() {
        let read = |text| Place::parse(text).map(|place| (place.host, place.port));
        let place = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(read("127.0.0.1:7000"), place("127.0.0.1", 7000));
        assert_eq!(read("a.b:1@10001"), place("a.b", 1));
        assert_eq!(read("::1:7000"), place("::1", 7000));
        assert_eq!(read("[::1]:7000"), place("::1", 7000));
        for other in ["", "7000", "a:", ":7000", "a:0", "a:70000", "a:x"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
