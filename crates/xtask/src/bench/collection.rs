//! A loader of collections: many elements of one key, a hundred in every request.

use super::load;
use anyhow::{Result, ensure};
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;

/// Elements that one request adds.
const REQUEST_ELEMENTS: u64 = 100;

/// A kind of collection, and how an element is added to it: members, fields and values of 16 bytes.
#[derive(Clone, Copy)]
pub struct Collection {
    pub command: &'static str,
    pub words: &'static [Word],
}

/// A word of an element.
#[derive(Clone, Copy)]
pub enum Word {
    Name,
    Score,
}

impl Collection {
    pub const SET: Collection = Collection::new("SADD", &[Word::Name]);
    pub const HASH: Collection = Collection::new("HSET", &[Word::Name, Word::Name]);
    pub const SORTED_SET: Collection = Collection::new("ZADD", &[Word::Score, Word::Name]);
    pub const LIST: Collection = Collection::new("RPUSH", &[Word::Name]);
    pub const LIST_FROM_HEAD: Collection = Collection::new("LPUSH", &[Word::Name]);

    const fn new(command: &'static str, words: &'static [Word]) -> Collection {
        Collection { command, words }
    }

    /// Adds the elements of these numbers to `key`.
    pub fn fill(&self, port: u16, key: &str, numbers: Range<u64>) -> Result<()> {
        let mut stream = load::connect(port)?;
        let mut replies = BufReader::new(stream.try_clone()?);
        let (mut request, mut reply) = (Vec::new(), String::new());
        for first in numbers.clone().step_by(REQUEST_ELEMENTS as usize) {
            request.clear();
            let end = numbers.end.min(first + REQUEST_ELEMENTS);
            self.write_request(&mut request, key, first..end)?;
            stream.write_all(&request)?;
            reply.clear();
            replies.read_line(&mut reply)?;
            ensure!(
                reply.starts_with(':'),
                "{} answered {}",
                self.command,
                reply.trim_end()
            );
        }
        Ok(())
    }

    /// One request that adds the elements of these numbers.
    pub fn write_request(
        &self,
        request: &mut Vec<u8>,
        key: &str,
        numbers: Range<u64>,
    ) -> Result<()> {
        let words = 2 + (numbers.end - numbers.start) as usize * self.words.len();
        let (name, len, key_len) = (self.command, self.command.len(), key.len());
        write!(
            request,
            "*{words}\r\n${len}\r\n{name}\r\n${key_len}\r\n{key}\r\n"
        )?;
        for number in numbers {
            for word in self.words {
                match word {
                    Word::Name => write!(request, "$16\r\nelem{number:012}\r\n")?,
                    Word::Score => {
                        let score = number.to_string();
                        write!(request, "${}\r\n{score}\r\n", score.len())?;
                    }
                }
            }
        }
        Ok(())
    }
}
