//! A node as Sentinels see it: it answers, has a role, and follows somebody or not.

use resp::value::Value;

/// Where a node, or a Sentinel, listens.
pub type Place = (String, u16);

pub type Words = Vec<Vec<u8>>;

/// A modelled node. Its role outlives it: `CONFIG REWRITE` keeps it.
#[derive(Clone, Debug)]
pub struct Node {
    pub run_id: String,
    /// Whom it follows.
    pub master: Option<Place>,
    pub offset: u64,
    pub is_linked: bool,
    pub link_lost_ms: u64,
    /// Who replicates from it now, by address.
    pub replicas: Vec<Place>,
    pub priority: u64,
}

/// What a request does besides being answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Follow(Option<Place>),
    Publish(Vec<u8>),
    Subscribe,
    /// All connections but this one are closed.
    KillClients,
}

fn ok() -> Value {
    Value::Simple(b"OK".to_vec())
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

impl Node {
    pub fn info(&self, now_ms: u64) -> Value {
        let mut text = format!("# Server\r\nrun_id:{}\r\n# Replication\r\n", self.run_id);
        let mut say = |line: String| {
            text.push_str(&line);
            text.push_str("\r\n");
        };
        match &self.master {
            None => say("role:master".to_owned()),
            Some((host, port)) => {
                say("role:slave".to_owned());
                say(format!("master_host:{host}"));
                say(format!("master_port:{port}"));
                let status = if self.is_linked { "up" } else { "down" };
                say(format!("master_link_status:{status}"));
                say(format!("slave_repl_offset:{}", self.offset));
                if !self.is_linked {
                    let seconds = now_ms.saturating_sub(self.link_lost_ms) / 1_000;
                    say(format!("master_link_down_since_seconds:{seconds}"));
                }
                say(format!("slave_priority:{}", self.priority));
                say("replica_announced:1".to_owned());
            }
        }
        say(format!("connected_slaves:{}", self.replicas.len()));
        for (index, (host, port)) in self.replicas.iter().enumerate() {
            say(format!(
                "slave{index}:ip={host},port={port},state=online,offset=0,lag=0"
            ));
        }
        Value::Bulk(text.into_bytes())
    }

    /// Answers one request.
    pub fn answer(&self, now_ms: u64, words: &Words, effects: &mut Vec<Effect>) -> Value {
        let name = words.first().map(|word| text(word)).unwrap_or_default();
        match (&*name, &words[1..]) {
            ("PING", _) => Value::Simple(b"PONG".to_vec()),
            ("INFO", _) => self.info(now_ms),
            ("PUBLISH", [_, message]) => {
                effects.push(Effect::Publish(message.clone()));
                Value::Integer(1)
            }
            ("SUBSCRIBE", [channel]) => {
                effects.push(Effect::Subscribe);
                Value::Array(vec![
                    Value::Bulk(b"subscribe".to_vec()),
                    Value::Bulk(channel.clone()),
                    Value::Integer(1),
                ])
            }
            ("SLAVEOF", [host, port]) => {
                let master = match (&*text(host), text(port).parse()) {
                    ("NO", _) => None,
                    (host, Ok(port)) => Some((host.to_owned(), port)),
                    (_, Err(_)) => return Value::Error(b"ERR Invalid master port".to_vec()),
                };
                effects.push(Effect::Follow(master));
                ok()
            }
            ("CLIENT", [verb, ..]) if verb == b"KILL" => {
                effects.push(Effect::KillClients);
                Value::Integer(1)
            }
            _ => ok(),
        }
    }
}
