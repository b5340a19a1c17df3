//! What a cluster's node answers when a key lives elsewhere.

/// `MOVED` or `ASK`: the slot, and the node to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// Only the next request goes there, behind `ASKING`: the slot is on its way.
    pub ask: bool,
    pub slot: u16,
    /// Empty: the host that answered.
    pub host: String,
    pub port: u16,
}

impl Redirection {
    /// Reads an error reply. Any other error, and one that is no address, is none.
    pub fn parse(error: &[u8]) -> Option<Redirection> {
        let mut words = std::str::from_utf8(error).ok()?.split(' ');
        let ask = match words.next()? {
            "ASK" => true,
            "MOVED" => false,
            _ => return None,
        };
        let slot = words.next()?.parse().ok()?;
        let (host, port) = words.next()?.rsplit_once(':')?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        Some(Redirection {
            ask,
            slot,
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_forms_are_read() {
        let read = |text: &str| {
            let found = Redirection::parse(text.as_bytes())?;
            Some((found.ask, found.slot, found.host, found.port))
        };
        let found = |ask, slot, host: &str, port| Some((ask, slot, host.to_owned(), port));
        let v4 = read("MOVED 14687 127.0.0.1:7002");
        assert_eq!(v4, found(false, 14687, "127.0.0.1", 7002));
        assert_eq!(read("ASK 1 ::1:7002"), found(true, 1, "::1", 7002));
        assert_eq!(read("ASK 1 [::1]:7002"), found(true, 1, "::1", 7002));
        assert_eq!(read("MOVED 1 :7002"), found(false, 1, "", 7002));
        for other in [
            "ERR MOVED",
            "MOVED 1",
            "MOVED x a:1",
            "MOVED 1 a:70000",
            "MOVED 1 a",
        ] {
            assert_eq!(read(other), None);
        }
    }
}
