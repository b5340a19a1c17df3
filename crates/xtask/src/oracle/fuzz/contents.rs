//! Whether two servers hold the same: every key by its value, encoding and expiry.

use resp::value::Value;

use super::side::Side;
use super::step::{Words, line};

/// The dbs that sessions use.
const DBS: &[&str] = &["0", "1", "2", "3", "15"];

/// How far apart two expiries may be that were set at the same moment.
const EXPIRY_APART_MS: i64 = 2_000;

/// Something that is not the same: what was asked of both, and the replies.
pub struct Unlike {
    pub command: String,
    pub reference: String,
    pub tested: String,
}

/// Compares everything. An error is the reference's or the tested server's.
pub fn compare(reference: &mut Side, tested: &mut Side) -> std::io::Result<Option<Unlike>> {
    for db in DBS {
        let select = words(&["SELECT", db]);
        let listing = [select.clone(), words(&["KEYS", "*"])];
        let keys = keys_of(&reference.ask_all(&listing)?);
        let others = keys_of(&tested.ask_all(&listing)?);
        if keys != others {
            let shown = |keys: &[Vec<u8>]| line("", &keys.to_vec());
            return Ok(Some(Unlike {
                command: format!("> SELECT {db}\n> KEYS *"),
                reference: shown(&keys),
                tested: shown(&others),
            }));
        }
        if keys.is_empty() {
            continue;
        }
        let questions = questions(&keys);
        let (mine, theirs) = (reference.ask_all(&questions)?, tested.ask_all(&questions)?);
        for ((question, a), b) in questions.iter().zip(&mine).zip(&theirs) {
            if !are_alike(a, b) {
                let command = format!("> SELECT {db}\n{}", line("", question));
                return Ok(Some(unlike(command, a, b)));
            }
        }
        if let Some(found) = compare_order(reference, tested, db, &keys, &mine)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// How many questions there are about each key.
const QUESTIONS: usize = 3;

fn questions(keys: &[Vec<u8>]) -> Vec<Words> {
    let about = |key: &Vec<u8>| -> [Words; QUESTIONS] {
        [
            vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), key.clone()],
            vec![b"PEXPIRETIME".to_vec(), key.clone()],
            vec![b"DEBUG".to_vec(), b"DIGEST-VALUE".to_vec(), key.clone()],
        ]
    };
    keys.iter().flat_map(about).collect()
}

/// Compares small hashes and sets in their order, which a digest does not see.
fn compare_order(
    reference: &mut Side,
    tested: &mut Side,
    db: &str,
    keys: &[Vec<u8>],
    replies: &[Value],
) -> std::io::Result<Option<Unlike>> {
    let mut questions = Vec::new();
    for (key, replies) in keys.iter().zip(replies.chunks(QUESTIONS)) {
        let listing = match &replies[0] {
            Value::Bulk(encoding) if encoding == b"listpack" => "HGETALL",
            Value::Bulk(encoding) if encoding == b"intset" => "SMEMBERS",
            _ => continue,
        };
        questions.push(vec![listing.as_bytes().to_vec(), key.clone()]);
    }
    let (mine, theirs) = (reference.ask_all(&questions)?, tested.ask_all(&questions)?);
    let mut pairs = questions.iter().zip(mine.iter().zip(&theirs));
    let found = pairs.find(|(_, (a, b))| a != b);
    Ok(found
        .map(|(question, (a, b))| unlike(format!("> SELECT {db}\n{}", line("", question)), a, b)))
}

fn unlike(command: String, a: &Value, b: &Value) -> Unlike {
    Unlike {
        command,
        reference: testkit::render(a),
        tested: testkit::render(b),
    }
}

/// Whether two replies about a key are the same. Only an expiry is a number, and both were set at
/// about the same time.
fn are_alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) if *a >= 0 && *b >= 0 => {
            a.abs_diff(*b) <= EXPIRY_APART_MS as u64
        }
        _ => a == b,
    }
}

fn keys_of(replies: &[Value]) -> Vec<Vec<u8>> {
    let Some(Value::Array(items)) = replies.last() else {
        return Vec::new();
    };
    let mut keys: Vec<Vec<u8>> = items
        .iter()
        .filter_map(|item| match item {
            Value::Bulk(key) => Some(key.clone()),
            _ => None,
        })
        .collect();
    keys.sort_unstable();
    keys
}

fn words(words: &[&str]) -> Words {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}
