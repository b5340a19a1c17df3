//! What the screen shows: figures over time, and who does what now.

use std::time::{Duration, Instant};

use resp::value::Value;

use crate::info::Info;

/// How many samples of each figure are kept.
const SAMPLES_MAX: usize = 300;

/// How many slots there are.
pub const SLOTS: usize = 16384;

/// Figures over time, the newest last.
#[derive(Default)]
pub struct Series(Vec<u64>);

impl Series {
    fn note(&mut self, value: u64) {
        if self.0.len() == SAMPLES_MAX {
            self.0.remove(0);
        }
        self.0.push(value);
    }

    pub fn last(&self) -> u64 {
        self.0.last().copied().unwrap_or(0)
    }

    pub fn max(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// The newest, as many as fit.
    pub fn newest(&self, count: usize) -> &[u64] {
        &self.0[self.0.len().saturating_sub(count)..]
    }
}

/// Everything on the screen.
pub struct Figures {
    pub address: String,
    pub colours: bool,
    pub trouble: Option<String>,
    pub headline: String,
    pub requests: Series,
    pub memory: Series,
    /// In tenths of a percent.
    pub hits: Series,
    /// Microseconds of a round trip.
    pub latency: Series,
    pub clients: Vec<[String; 5]>,
    pub slow: Vec<[String; 3]>,
    /// Nodes of a cluster and how many slots each serves.
    pub slots: Vec<(String, usize)>,
    before: Option<Before>,
}

/// What was counted at the sample before.
struct Before {
    at: Instant,
    requests: u64,
    hits: u64,
    misses: u64,
}

impl Figures {
    pub fn new(address: String, colours: bool) -> Figures {
        Figures {
            address,
            colours,
            trouble: None,
            headline: String::new(),
            requests: Series::default(),
            memory: Series::default(),
            hits: Series::default(),
            latency: Series::default(),
            clients: Vec::new(),
            slow: Vec::new(),
            slots: Vec::new(),
            before: None,
        }
    }

    pub fn note(&mut self, info: &Info, latency: Duration, now: Instant) {
        let requests = info.number("total_commands_processed");
        let (hits, misses) = (info.number("keyspace_hits"), info.number("keyspace_misses"));
        if let Some(before) = &self.before {
            let seconds = now.duration_since(before.at).as_secs_f64().max(0.001);
            let made = requests.saturating_sub(before.requests) as f64 / seconds;
            self.requests.note(made.round() as u64);
            let hit = hits.saturating_sub(before.hits);
            let looked = hit + misses.saturating_sub(before.misses);
            self.hits
                .note((hit * 1000).checked_div(looked).unwrap_or(0));
        }
        self.before = Some(Before {
            at: now,
            requests,
            hits,
            misses,
        });
        self.memory.note(info.number("used_memory"));
        self.latency.note(latency.as_micros() as u64);
        let days = info.number("uptime_in_seconds") / 86_400;
        self.headline = format!(
            "{} {}  up {days} d  {} keys  {} clients ({} blocked)  {} replicas",
            visible(info.text("redis_version")),
            visible(info.text("role")),
            info.keys(),
            info.number("connected_clients"),
            info.number("blocked_clients"),
            info.number("connected_slaves"),
        );
    }
}

/// The clients that did something last: address, name, db, idle seconds, command.
pub fn clients(list: &[u8]) -> Vec<[String; 5]> {
    let list = String::from_utf8_lossy(list);
    let mut clients: Vec<(u64, [String; 5])> = list
        .lines()
        .map(|line| {
            let field = |name: &str| {
                let found = line.split(' ').find_map(|pair| pair.strip_prefix(name));
                visible(found.unwrap_or_default())
            };
            let fields = ["addr=", "name=", "db=", "idle=", "cmd="].map(field);
            (fields[3].parse().unwrap_or(u64::MAX), fields)
        })
        .collect();
    clients.sort_by_key(|(idle, _)| *idle);
    clients.into_iter().map(|(_, fields)| fields).collect()
}

/// Entries of the slow log: number, microseconds, command.
pub fn slow_log(entries: &[Value]) -> Vec<[String; 3]> {
    let entry = |entry: &Value| {
        let Value::Array(fields) = entry else {
            return None;
        };
        let [
            Value::Integer(id),
            _,
            Value::Integer(micros),
            Value::Array(words),
            ..,
        ] = &fields[..]
        else {
            return None;
        };
        let words = words.iter().filter_map(|word| match word {
            Value::Bulk(word) => Some(word.escape_ascii().to_string()),
            _ => None,
        });
        let command = words.collect::<Vec<_>>().join(" ");
        Some([id.to_string(), micros.to_string(), command])
    };
    entries.iter().filter_map(entry).collect()
}

/// How many slots each master serves, by the answer to `CLUSTER SLOTS`.
pub fn slots(ranges: &[Value]) -> Vec<(String, usize)> {
    let mut nodes: Vec<(String, usize)> = Vec::new();
    for range in ranges {
        let Value::Array(range) = range else {
            continue;
        };
        let [
            Value::Integer(first),
            Value::Integer(last),
            Value::Array(master),
            ..,
        ] = &range[..]
        else {
            continue;
        };
        let [Value::Bulk(host), Value::Integer(port), ..] = &master[..] else {
            continue;
        };
        let name = visible(&format!("{}:{port}", String::from_utf8_lossy(host)));
        let count = usize::try_from(last - first + 1).unwrap_or(0).min(SLOTS);
        match nodes.iter_mut().find(|(node, _)| *node == name) {
            Some((_, slots)) => *slots += count,
            None => nodes.push((name, count)),
        }
    }
    nodes
}

/// Without anything that could move a cursor.
fn visible(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_become_rates() {
        let mut figures = Figures::new("a:1".to_owned(), true);
        let begun = Instant::now();
        let info = |requests, hits, misses| {
            let text = format!(
                "total_commands_processed:{requests}\nkeyspace_hits:{hits}\n\
                 keyspace_misses:{misses}\nused_memory:7\n"
            );
            Info::new(text.as_bytes())
        };
        figures.note(&info(100, 10, 0), Duration::from_micros(50), begun);
        let later = begun + Duration::from_secs(2);
        figures.note(&info(300, 19, 1), Duration::from_micros(70), later);
        assert_eq!((figures.requests.last(), figures.hits.last()), (100, 900));
        assert_eq!(
            (figures.latency.max(), figures.memory.newest(9).len()),
            (70, 2)
        );
    }

    #[test]
    fn what_a_server_says_is_read_or_left_out() {
        let list =
            b"id=1 addr=a:1 name=x db=0 idle=9 cmd=get\nid=2 addr=b:2 name= db=1 idle=0 cmd=set\n";
        let clients = clients(list);
        assert_eq!(clients[0], ["b:2", "", "1", "0", "set"].map(str::to_owned));
        let word = |text: &[u8]| Value::Bulk(text.to_vec());
        let words = Value::Array(vec![word(b"get"), word(b"\x1b[2J")]);
        let fields = vec![
            Value::Integer(3),
            Value::Integer(0),
            Value::Integer(5),
            words,
        ];
        let slow = slow_log(&[Value::Array(fields), Value::Null]);
        assert_eq!(slow, [["3", "5", "get \\x1b[2J"].map(str::to_owned)]);
        let master = Value::Array(vec![word(b"h"), Value::Integer(1)]);
        let range = |first, last| {
            let ends = [first, last].map(Value::Integer);
            Value::Array([&ends[..], std::slice::from_ref(&master)].concat())
        };
        let slots = slots(&[range(0, 9), range(20, 29), Value::Null]);
        assert_eq!(slots, [("h:1".to_owned(), 20)]);
    }
}
