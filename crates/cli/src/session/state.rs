//! What the server remembers of its client, as far as the client can tell.

use resp::Protocol;
use resp::value::Value;

use super::Kind;

/// What the server remembers of its client, as far as the client can tell.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub db: u32,
    pub in_transaction: bool,
    pub subscribed: bool,
    /// The version agreed on by `HELLO`; none: the one the program was started with.
    pub protocol: Option<Protocol>,
    /// Selected when the transaction began: one that does not run selects nothing.
    db_outside: u32,
}

impl State {
    pub fn new(db: u32) -> State {
        State {
            db,
            ..State::default()
        }
    }

    /// A fresh connection has no transaction and no subscription.
    pub fn connection_lost(&mut self) {
        if self.in_transaction {
            self.db = self.db_outside;
        }
        self.in_transaction = false;
        self.subscribed = false;
    }

    /// Draws conclusions from a command and its reply.
    pub fn learn(&mut self, words: &[Vec<u8>], kind: Kind, reply: &Value) {
        let refused = matches!(reply, Value::Error(_));
        match kind {
            Kind::Select if !refused => {
                let number = words.get(1).and_then(|word| std::str::from_utf8(word).ok());
                self.db = number
                    .and_then(|number| number.parse().ok())
                    .unwrap_or(self.db);
            }
            Kind::Multi if !refused => {
                self.in_transaction = true;
                self.db_outside = self.db;
            }
            Kind::Exec if self.in_transaction => {
                let ran = !refused && !matches!(reply, Value::Null | Value::NullArray);
                self.in_transaction = false;
                if !ran {
                    self.db = self.db_outside;
                }
            }
            Kind::Discard if !refused && self.in_transaction => {
                self.in_transaction = false;
                self.db = self.db_outside;
            }
            Kind::Hello if !refused => {
                self.protocol = Some(match reply {
                    Value::Map(_) => Protocol::Resp3,
                    _ => Protocol::Resp2,
                });
            }
            Kind::Reset if !refused => {
                *self = State {
                    protocol: Some(Protocol::Resp2),
                    ..State::default()
                };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::kind;

    fn after(lines: &[(&str, Value)]) -> State {
        let mut state = State::new(1);
        for (line, reply) in lines {
            let words: Vec<Vec<u8>> = line
                .split(' ')
                .map(|word| word.as_bytes().to_vec())
                .collect();
            state.learn(&words, kind(&words), reply);
        }
        state
    }

    fn ok() -> Value {
        Value::Simple(b"OK".to_vec())
    }

    #[test]
    fn a_transaction_that_does_not_run_selects_nothing() {
        let begun = [("multi", ok()), ("select 4", ok())];
        let ended = |line, reply| {
            let [multi, select] = begun.clone();
            let state = after(&[multi, select, (line, reply)]);
            (state.db, state.in_transaction)
        };
        assert!(after(&begun).in_transaction);
        assert_eq!(ended("exec", Value::Array(vec![ok()])), (4, false));
        assert_eq!(ended("exec", Value::Null), (1, false));
        assert_eq!(
            ended("exec", Value::Error(b"EXECABORT".to_vec())),
            (1, false)
        );
        assert_eq!(ended("discard", ok()), (1, false));
        let mut lost = after(&begun);
        lost.connection_lost();
        assert_eq!((lost.db, lost.in_transaction), (1, false));
    }

    #[test]
    fn refusals_change_nothing_and_reset_changes_all() {
        let no = || Value::Error(b"ERR".to_vec());
        let state = after(&[("select 9", no()), ("multi", no()), ("hello 3", no())]);
        assert_eq!(
            (state.db, state.in_transaction, state.protocol),
            (1, false, None)
        );
        let state = after(&[("hello 3", Value::Map(Vec::new())), ("reset", ok())]);
        assert_eq!((state.db, state.protocol), (0, Some(Protocol::Resp2)));
    }
}
