//! What a node of a cluster says when a slot is elsewhere, or between two nodes.

use client::{Address, Redirection};

/// Where a request goes that was not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The slot has another owner. An empty host is that of the node that says so.
    Moved(Address),
    /// The slot moves, and its key is there already.
    Ask(Address),
    /// The slot moves, and some of the keys have gone: the same again, a little later.
    Again,
}

/// A request that was not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirected {
    /// Which of its pipeline's.
    pub request: usize,
    pub turn: Turn,
    /// What the node said.
    pub text: Vec<u8>,
}

impl Turn {
    /// Reads an error reply. Any other error is none.
    pub fn parse(error: &[u8]) -> Option<Turn> {
        if error.starts_with(b"TRYAGAIN ") {
            return Some(Turn::Again);
        }
        let Redirection {
            ask, host, port, ..
        } = Redirection::parse(error)?;
        let address = Address::Tcp { host, port };
        Some(match ask {
            true => Turn::Ask(address),
            false => Turn::Moved(address),
        })
    }
}

/// Where requests go that were refused together. They have one slot, so an owner that is told to
/// one of them is that of all, and the others are asked for where one of them is.
pub fn turn_of(redirected: &[Redirected]) -> Turn {
    let rank = |turn: &Turn| match turn {
        Turn::Moved(_) => 2,
        Turn::Ask(_) => 1,
        Turn::Again => 0,
    };
    let turns = redirected.iter().map(|redirected| &redirected.turn);
    turns
        .max_by_key(|turn| rank(turn))
        .cloned()
        .unwrap_or(Turn::Again)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirected(text: &str) -> Redirected {
        Redirected {
            request: 0,
            turn: Turn::parse(text.as_bytes()).unwrap(),
            text: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_owner_that_is_told_is_that_of_all() {
        let (again, ask, moved) = (
            redirected("TRYAGAIN Multiple keys request during rehashing of slot"),
            redirected("ASK 7 h:2"),
            redirected("MOVED 7 h:3"),
        );
        let at = |port| Address::Tcp {
            host: "h".to_owned(),
            port,
        };
        assert_eq!(turn_of(std::slice::from_ref(&again)), Turn::Again);
        assert_eq!(turn_of(&[ask.clone(), again.clone()]), Turn::Ask(at(2)));
        assert_eq!(turn_of(&[again, moved, ask]), Turn::Moved(at(3)));
        assert_eq!(Turn::parse(b"CROSSSLOT Keys"), None);
    }
}
