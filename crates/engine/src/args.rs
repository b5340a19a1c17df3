//! The arguments of a request, read from left to right.

use keyspace::Key;
use stdx::number::parse_i64;
use stdx::time::UnixMillis;
use stdx::{extended, float};

use crate::error::Error;

/// A cursor over the words of a request behind the command's name.
///
/// Keys that dispatch has located, to lock their shards, are handed out as it found them.
#[derive(Clone)]
pub struct Args<'a> {
    words: &'a [&'a [u8]],
    at: usize,
    located: &'a [Located<'a>],
}

/// A word that is a key, and where the key belongs.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    pub word: usize,
    pub key: Key<'a>,
}

impl<'a> Args<'a> {
    /// The words from `at` on; `located` are the keys among them, ascending.
    pub fn new(words: &'a [&'a [u8]], at: usize, located: &'a [Located<'a>]) -> Args<'a> {
        Args { words, at, located }
    }

    /// Every word of the request, the name included.
    pub fn words(&self) -> &'a [&'a [u8]] {
        self.words
    }

    /// The keys among those not read yet.
    pub(crate) fn located(&self) -> &'a [Located<'a>] {
        self.located
    }

    /// The words not read yet.
    pub fn rest(&self) -> &'a [&'a [u8]] {
        &self.words[self.at.min(self.words.len())..]
    }

    /// How many words are left.
    pub fn len(&self) -> usize {
        self.rest().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Moves over words that were read from [`Args::rest`].
    pub fn skip(&mut self, words: usize) {
        self.at += words;
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let word = self.words.get(self.at).ok_or(Error::Syntax)?;
        self.at += 1;
        Ok(word)
    }

    /// The next word, which the command's key specification says is a key.
    #[inline]
    pub fn key(&mut self) -> Result<Key<'a>, Error> {
        if let Some(key) = self.located_key() {
            return Ok(key);
        }
        match self.words.get(self.at) {
            None => Err(Error::Syntax),
            Some(_) => unreachable!("a command's keys are those of its specification"),
        }
    }

    /// The next word, a key behind an option. The specification looks for the option's first
    /// place, which may be another if a client uses its name as a key: that is a mistake.
    pub fn key_of_option(&mut self) -> Result<Key<'a>, Error> {
        self.located_key().ok_or(Error::Syntax)
    }

    #[inline]
    fn located_key(&mut self) -> Option<Key<'a>> {
        while let [first, rest @ ..] = self.located {
            if first.word > self.at {
                break;
            }
            self.located = rest;
            if first.word == self.at {
                self.at += 1;
                return Some(first.key);
            }
        }
        None
    }

    /// The next word, in upper case, if there is one and it is short enough to be an option.
    pub fn keyword(&mut self) -> Option<Keyword> {
        let word = self.peek_keyword()?;
        self.at += 1;
        Some(word)
    }

    /// As [`Args::keyword`], without moving on.
    pub fn peek_keyword(&self) -> Option<Keyword> {
        self.words.get(self.at).map(|word| Keyword::of(word))
    }

    /// Moves on if the next word is `word`.
    pub fn accept(&mut self, word: &[u8]) -> bool {
        let accepted = self
            .words
            .get(self.at)
            .is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(accepted);
        accepted
    }

    pub fn integer(&mut self) -> Result<i64, Error> {
        parse_i64(self.bytes()?).ok_or(Error::NotInteger)
    }

    /// An integer of `least` to `most`; anything else gets `error`.
    pub fn integer_within(&mut self, least: i64, most: i64, error: Error) -> Result<i64, Error> {
        let number = self.integer()?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(error)
        }
    }

    /// The moment when a wait that begins `now` ends, by its length in seconds; 0 is never.
    pub fn deadline(&mut self, now: UnixMillis) -> Result<Option<UnixMillis>, Error> {
        let not_a_number = Error::text("ERR timeout is not a float or out of range");
        let seconds = seconds(self.bytes()?).ok_or(not_a_number)?;
        let millis = (seconds * 1000.0).ceil();
        // What is too large for an integer is told to be negative, as it is once it wraps around.
        if millis < 0.0 || millis >= i64::MAX as f64 {
            return Err(Error::text("ERR timeout is negative"));
        }
        if millis == 0.0 {
            return Ok(None);
        }
        // A moment beyond all that can be told never comes.
        Ok(now.0.checked_add(millis as i64).map(UnixMillis))
    }

    /// Fails unless everything was read.
    pub fn end(&self) -> Result<(), Error> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Error::Syntax)
        }
    }
}

/// A time as clients write it: any number of 80 bits, of which those that are too small or too
/// large for 64 become the next there is.
fn seconds(word: &[u8]) -> Option<f64> {
    float::parse(word).or_else(|| {
        extended::parse(word)?;
        let nearest: f64 = std::str::from_utf8(word).ok()?.parse().ok()?;
        match nearest == 0.0 {
            true => Some(f64::MIN_POSITIVE.copysign(nearest)),
            false => Some(nearest),
        }
    })
}

/// A word that may be an option's name, in upper case. A longer word than any option is empty.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    bytes: [u8; Keyword::BYTES_MAX],
    len: usize,
}

impl Keyword {
    pub const BYTES_MAX: usize = 24;

    pub fn of(word: &[u8]) -> Keyword {
        let mut bytes = [0; Keyword::BYTES_MAX];
        if word.len() > bytes.len() {
            return Keyword { bytes, len: 0 };
        }
        bytes[..word.len()].copy_from_slice(word);
        bytes.make_ascii_uppercase();
        Keyword {
            bytes,
            len: word.len(),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
