//! Whether two servers' replies to a command mean the same.
//!
//! They are the same bytes, or the command is in the table below, which says what is free.

use resp::value::Value;

use super::step::Words;

/// What is free in the replies to a command.
#[derive(Clone, Copy)]
enum Freedom {
    /// The elements come in any order.
    Order,
    /// Keys with their values come in any order.
    PairOrder,
    /// Numbers go with time: they may be apart by this much.
    Near(i64),
    /// Where there is more than one step, each server goes its own way.
    Scan,
    /// Elements are drawn: as many, out of the same.
    Draw,
    /// It may be anything that is no error.
    All,
}

const FREEDOMS: &[(&str, Freedom)] = &[
    ("EXPIRETIME", Freedom::Near(2)),
    ("GETKEYS", Freedom::Order),
    ("HELLO", Freedom::All),
    ("HGETALL", Freedom::PairOrder),
    ("HKEYS", Freedom::Order),
    ("HRANDFIELD", Freedom::Draw),
    ("HSCAN", Freedom::Scan),
    ("HVALS", Freedom::Order),
    ("KEYS", Freedom::Order),
    ("OBJECT|FREQ", Freedom::Near(5)),
    // Of a small integer Redis says how long nobody used it under any key.
    ("OBJECT|IDLETIME", Freedom::All),
    // Redis shares small integers, and not all of them.
    ("OBJECT|REFCOUNT", Freedom::All),
    ("PEXPIRETIME", Freedom::Near(2_000)),
    ("PTTL", Freedom::Near(2_000)),
    ("PUBSUB|CHANNELS", Freedom::Order),
    ("RANDOMKEY", Freedom::Draw),
    ("SCAN", Freedom::Scan),
    ("SDIFF", Freedom::Order),
    ("SINTER", Freedom::Order),
    ("SMEMBERS", Freedom::Order),
    ("SPOP", Freedom::Draw),
    ("SRANDMEMBER", Freedom::Draw),
    ("SSCAN", Freedom::Scan),
    ("SUNION", Freedom::Order),
    ("TTL", Freedom::Near(2)),
    ("ZRANDMEMBER", Freedom::Draw),
    ("ZSCAN", Freedom::Scan),
];

/// Where a client's transaction stands, and what it was last replied.
#[derive(Default)]
pub struct Comparer {
    queue: Option<Vec<Words>>,
    /// The reference's last reply: what a draw is from.
    last: Option<Value>,
}

/// The command whose replies differ: of a transaction, the one inside.
#[derive(Debug, PartialEq, Eq)]
pub struct Unlike(pub Words);

impl Comparer {
    /// Compares two replies to a command, and keeps what the next one needs.
    pub fn compare(
        &mut self,
        words: &Words,
        reference: Value,
        tested: &Value,
    ) -> Result<(), Unlike> {
        let name = words[0].to_ascii_uppercase();
        let queued = match name.as_slice() {
            b"EXEC" => self.queue.take(),
            _ => None,
        };
        self.follow(&name, words, &reference);
        match (&queued, &reference, tested) {
            (Some(queued), Value::Array(references), Value::Array(replies))
                if queued.len() == references.len() && queued.len() == replies.len() =>
            {
                let mut inner = Comparer::default();
                for ((words, reference), reply) in queued.iter().zip(references).zip(replies) {
                    inner.compare(words, reference.clone(), reply)?;
                }
            }
            _ if are_alike(words, &reference, tested, self.last.as_ref()) => {}
            _ => return Err(Unlike(words.clone())),
        }
        self.last = Some(reference);
        Ok(())
    }

    fn follow(&mut self, name: &[u8], words: &Words, reference: &Value) {
        match (name, reference) {
            (_, Value::Simple(text)) if text == b"QUEUED" => {
                self.queue.get_or_insert_default().push(words.clone());
            }
            (b"MULTI", Value::Simple(_)) => self.queue = Some(Vec::new()),
            (b"DISCARD" | b"RESET", Value::Simple(_)) => self.queue = None,
            _ => {}
        }
    }
}

fn are_alike(words: &Words, reference: &Value, tested: &Value, last: Option<&Value>) -> bool {
    if reference == tested {
        return true;
    }
    let Some(freedom) = freedom_of(words) else {
        return false;
    };
    if matches!(reference, Value::Error(_)) || matches!(tested, Value::Error(_)) {
        return false;
    }
    match freedom {
        Freedom::All => true,
        Freedom::Order => sorted(reference) == sorted(tested),
        Freedom::PairOrder => sorted_pairs(reference) == sorted_pairs(tested),
        Freedom::Near(apart) => match (reference, tested) {
            (Value::Integer(a), Value::Integer(b)) => {
                *a >= 0 && *b >= 0 && a.abs_diff(*b) <= apart as u64
            }
            _ => false,
        },
        Freedom::Scan => is_same_scan(words, reference, tested),
        Freedom::Draw => is_same_draw(reference, tested, last),
    }
}

fn freedom_of(words: &Words) -> Option<Freedom> {
    let name = String::from_utf8_lossy(&words[0]).to_ascii_uppercase();
    let sub = words
        .get(1)
        .map(|word| String::from_utf8_lossy(word).to_ascii_uppercase());
    let full = format!("{name}|{}", sub.unwrap_or_default());
    let row = FREEDOMS
        .iter()
        .find(|(row, _)| *row == name || *row == full);
    row.map(|(_, freedom)| *freedom)
}

fn sorted(value: &Value) -> Option<Vec<String>> {
    let (Value::Array(items) | Value::Set(items)) = value else {
        return None;
    };
    let mut shown: Vec<String> = items.iter().map(testkit::render).collect();
    shown.sort_unstable();
    Some(shown)
}

fn sorted_pairs(value: &Value) -> Option<Vec<String>> {
    let shown = |(key, value): (&Value, &Value)| testkit::render(key) + &testkit::render(value);
    let mut pairs: Vec<String> = match value {
        Value::Map(pairs) => pairs
            .iter()
            .map(|(key, value)| shown((key, value)))
            .collect(),
        Value::Array(items) => {
            let (pairs, []) = items.as_chunks::<2>() else {
                return None;
            };
            pairs
                .iter()
                .map(|[key, value]| shown((key, value)))
                .collect()
        }
        _ => return None,
    };
    pairs.sort_unstable();
    Some(pairs)
}

/// A whole scan in one step has the same elements; of any other, the shape is the same.
fn is_same_scan(words: &Words, reference: &Value, tested: &Value) -> bool {
    let parts = |value: &Value| match value {
        Value::Array(parts) => match parts.as_slice() {
            [Value::Bulk(cursor), Value::Array(items)] => Some((cursor.clone(), items.clone())),
            _ => None,
        },
        _ => None,
    };
    let (Some((cursor, items)), Some((other, others))) = (parts(reference), parts(tested)) else {
        return false;
    };
    let at = if words[0].eq_ignore_ascii_case(b"SCAN") {
        1
    } else {
        2
    };
    let from_start = words.get(at).is_some_and(|word| word == b"0");
    if !from_start || cursor != b"0" || other != b"0" {
        return true;
    }
    let is_flat =
        !words[0].eq_ignore_ascii_case(b"HSCAN") && !words[0].eq_ignore_ascii_case(b"ZSCAN");
    let order = if is_flat { sorted } else { sorted_pairs };
    order(&Value::Array(items)) == order(&Value::Array(others))
}

fn is_same_draw(reference: &Value, tested: &Value, last: Option<&Value>) -> bool {
    let mut drawn = Vec::new();
    if shape(reference) != shape(tested) {
        return false;
    }
    leaves(tested, &mut drawn);
    let Some(last @ (Value::Array(_) | Value::Map(_) | Value::Set(_))) = last else {
        return true;
    };
    let mut there = Vec::new();
    leaves(last, &mut there);
    drawn.iter().all(|leaf| there.contains(leaf))
}

/// A value without its texts.
fn shape(value: &Value) -> String {
    match value {
        Value::Array(items) | Value::Set(items) => {
            format!("[{}]", items.iter().map(shape).collect::<String>())
        }
        Value::Bulk(_) => "$".to_owned(),
        Value::Double(_) => ",".to_owned(),
        other => testkit::render(other),
    }
}

fn leaves<'a>(value: &'a Value, found: &mut Vec<&'a [u8]>) {
    match value {
        Value::Array(items) | Value::Set(items) => {
            items.iter().for_each(|item| leaves(item, found));
        }
        Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            leaves(key, found);
            leaves(value, found);
        }),
        Value::Bulk(text) | Value::Double(text) => found.push(text),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
