//! The slow log: requests that took long, the newest first.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use resp::request::{Batch, Limits, Parser};

/// A request that took long.
#[derive(Clone, Debug)]
pub struct Slow {
    pub id: u64,
    /// When it was answered, in seconds of Unix time.
    pub at: u64,
    pub took_us: u64,
    pub words: Vec<Vec<u8>>,
    pub server: String,
}

#[derive(Debug, Default)]
pub struct SlowLog(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    next_id: u64,
    list: VecDeque<Slow>,
}

/// Entries that are kept.
const LEN_MAX: usize = 128;
/// Of a request so many words are kept, and of each so many bytes.
const WORDS_MAX: usize = 32;
const WORD_BYTES_MAX: usize = 128;
/// Of longer requests only the name is kept.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

impl SlowLog {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request as it was sent.
    pub fn note(&self, at: u64, took_us: u64, request: &[u8], server: String) {
        let words = words(request);
        let mut entries = self.entries();
        let id = entries.next_id;
        entries.next_id += 1;
        entries.list.push_front(Slow {
            id,
            at,
            took_us,
            words,
            server,
        });
        entries.list.truncate(LEN_MAX);
    }

    pub fn newest(&self, count: usize) -> Vec<Slow> {
        self.entries().list.iter().take(count).cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.entries().list.len()
    }

    pub fn reset(&self) {
        self.entries().list.clear();
    }
}

fn words(request: &[u8]) -> Vec<Vec<u8>> {
    let limits = Limits {
        bulk_bytes_max: REQUEST_BYTES_MAX as i64,
        unauthenticated: false,
    };
    let mut bytes = request[..request.len().min(REQUEST_BYTES_MAX)].to_vec();
    let mut batch = Batch::default();
    Parser::default().parse(&mut bytes, &limits, &mut batch);
    if batch.is_empty() {
        let line = request
            .split(|&byte| byte == b'\n')
            .nth(2)
            .unwrap_or_default();
        return vec![
            line.trim_ascii_end()[..line.trim_ascii_end().len().min(WORD_BYTES_MAX)].to_vec(),
        ];
    }
    let all = batch.request(0);
    let mut words: Vec<Vec<u8>> = all
        .iter()
        .take(WORDS_MAX)
        .map(|word| match word.len().checked_sub(WORD_BYTES_MAX) {
            Some(more) if more > 0 => {
                let mut kept = word[..WORD_BYTES_MAX].to_vec();
                kept.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
                kept
            }
            _ => word.to_vec(),
        })
        .collect();
    if all.len() > WORDS_MAX {
        let more = all.len() - WORDS_MAX + 1;
        words[WORDS_MAX - 1] = format!("... ({more} more arguments)").into_bytes();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_requests_are_cut() {
        let log = SlowLog::default();
        log.note(1, 2, b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "s".to_owned());
        let mut long = b"*40\r\n".to_vec();
        (0..40).for_each(|_| long.extend_from_slice(b"$1\r\nx\r\n"));
        log.note(1, 3, &long, "s".to_owned());
        // What does not fit is told by its name.
        let mut huge = b"*2\r\n$3\r\nSET\r\n$100000\r\n".to_vec();
        huge.resize(100_100, b'x');
        log.note(1, 4, &huge, "s".to_owned());
        let newest = log.newest(9);
        assert_eq!(newest[0].words, [b"SET"]);
        assert_eq!(newest[1].words.len(), 32);
        assert_eq!(newest[1].words[31], b"... (9 more arguments)");
        assert_eq!((newest[2].id, &newest[2].words[1][..]), (0, &b"k"[..]));
        (0..200).for_each(|_| log.note(1, 2, &long, String::new()));
        assert_eq!(log.len(), 128);
        log.reset();
        assert_eq!(log.len(), 0);
    }
}
