//! The slow log: the last commands that took longer than a threshold.

use std::collections::VecDeque;

use crate::sync::Mutex;

const WORDS_MAX: usize = 32;
const WORD_BYTES_MAX: usize = 128;

/// One slow command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowCommand {
    pub id: i64,
    /// When it ended, in seconds of Unix time.
    pub at: i64,
    pub micros: i64,
    /// Its words, cut to a bounded size.
    pub words: Vec<Vec<u8>>,
    pub addr: String,
    pub name: String,
}

#[derive(Debug, Default)]
pub struct SlowLog {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    commands: VecDeque<SlowCommand>,
    next_id: i64,
}

impl SlowLog {
    /// Adds a command and forgets those beyond `len_max`. The id is given here.
    pub fn add(&self, mut command: SlowCommand, len_max: usize) {
        let mut kept = self.kept.lock();
        command.id = kept.next_id;
        kept.next_id += 1;
        kept.commands.push_front(command);
        kept.commands.truncate(len_max);
    }

    /// The last `count` commands, the latest first.
    pub fn latest(&self, count: usize) -> Vec<SlowCommand> {
        self.kept
            .lock()
            .commands
            .iter()
            .take(count)
            .cloned()
            .collect()
    }

    pub fn len(&self) -> usize {
        self.kept.lock().commands.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets those beyond the latest `len_max`.
    pub fn shrink(&self, len_max: usize) {
        self.kept.lock().commands.truncate(len_max);
    }

    pub fn reset(&self) {
        self.kept.lock().commands.clear();
    }
}

/// The words as they are kept: not too many, not too long, and saying how much is missing.
pub fn shortened(words: &[&[u8]]) -> Vec<Vec<u8>> {
    let kept = if words.len() > WORDS_MAX {
        WORDS_MAX - 1
    } else {
        words.len()
    };
    let mut shortened: Vec<Vec<u8>> = words[..kept]
        .iter()
        .map(|word| shortened_word(word))
        .collect();
    if words.len() > kept {
        shortened.push(format!("... ({} more arguments)", words.len() - kept).into_bytes());
    }
    shortened
}

fn shortened_word(word: &[u8]) -> Vec<u8> {
    if word.len() <= WORD_BYTES_MAX {
        return word.to_vec();
    }
    let more = word.len() - WORD_BYTES_MAX;
    [
        &word[..WORD_BYTES_MAX],
        format!("... ({more} more bytes)").as_bytes(),
    ]
    .concat()
}
