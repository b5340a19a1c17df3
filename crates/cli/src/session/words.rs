//! What a command's words alone tell about its course.

/// Commands that the client has to do more about than to show the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Auth,
    Discard,
    Exec,
    Hello,
    Monitor,
    Multi,
    Plain,
    Reset,
    Select,
    Shutdown,
    Subscribe,
    Sync,
}

pub fn kind(words: &[Vec<u8>]) -> Kind {
    let name = words.first().map(|name| name.to_ascii_lowercase());
    match name.as_deref().unwrap_or_default() {
        b"auth" => Kind::Auth,
        b"discard" => Kind::Discard,
        b"exec" => Kind::Exec,
        b"hello" => Kind::Hello,
        b"monitor" if words.len() == 1 => Kind::Monitor,
        b"multi" if words.len() == 1 => Kind::Multi,
        b"psync" | b"sync" => Kind::Sync,
        b"reset" => Kind::Reset,
        b"select" if words.len() == 2 => Kind::Select,
        b"shutdown" => Kind::Shutdown,
        b"psubscribe" | b"ssubscribe" | b"subscribe" if words.len() > 1 => Kind::Subscribe,
        _ => Kind::Plain,
    }
}

/// Commands whose reply is a text for people, shown as it is in every format. A second word that is
/// `*` may be any.
const TEXTS: &[&[&str]] = &[
    &["client", "info"],
    &["client", "list"],
    &["cluster", "info"],
    &["cluster", "nodes"],
    &["debug", "client-eviction"],
    &["debug", "htstats"],
    &["debug", "htstats-key"],
    &["info"],
    &["latency", "doctor"],
    &["latency", "graph"],
    &["lolwut"],
    &["memory", "doctor"],
    &["memory", "malloc-stats"],
    &["proxy", "info"],
];

/// Whether the reply is shown as it is, whatever format was chosen.
pub fn shown_as_it_is(words: &[Vec<u8>]) -> bool {
    let starts = |text: &&[&str]| {
        let pairs = text.iter().zip(words);
        let equal = pairs
            .clone()
            .all(|(name, word)| word.eq_ignore_ascii_case(name.as_bytes()));
        equal && pairs.count() == text.len()
    };
    TEXTS.iter().any(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<u8>> {
        line.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    #[test]
    fn texts_are_known_whatever_their_case() {
        assert!(shown_as_it_is(&words("INFO memory")));
        assert!(shown_as_it_is(&words("Client LIST type normal")));
        assert!(!shown_as_it_is(&words("client")));
        assert!(!shown_as_it_is(&words("client id")));
        assert!(!shown_as_it_is(&words("get info")));
    }
}
