//! Bytes of resident memory per element of one large collection.

use super::load;
use super::sample::resident_bytes;
use super::table::Target::ValueMost;
use super::{Bench, Row};
use anyhow::{Result, ensure};
use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

/// What the loader's own buffers need to be given back.
const REST: Duration = Duration::from_secs(2);

/// Elements that one request adds.
const REQUEST_ELEMENTS: u64 = 100;

/// A kind of collection, and how an element is added to it: members, fields and values of 16 bytes.
struct Case {
    what: &'static str,
    command: &'static str,
    words: &'static [Word],
    bytes_most: f64,
}

/// A word of an element.
#[derive(Clone, Copy)]
enum Word {
    Name,
    Score,
}

const CASES: &[Case] = &[
    Case {
        what: "member of a large set",
        command: "SADD",
        words: &[Word::Name],
        bytes_most: 34.0,
    },
    Case {
        what: "field and value of a large hash",
        command: "HSET",
        words: &[Word::Name, Word::Name],
        bytes_most: 52.0,
    },
    Case {
        what: "member of a large sorted set",
        command: "ZADD",
        words: &[Word::Score, Word::Name],
        bytes_most: 56.0,
    },
];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let count = if bench.quick { 1_000_000 } else { 5_000_000 };
    let mut rows = Vec::new();
    for case in CASES {
        let what = format!("memory per {}, {} M", case.what, count / 1_000_000);
        // The same elements give the same memory: one round tells all.
        let [values] = bench.compare(&what, 1, &[], |server| {
            let before = resident_bytes(server.pid())?;
            case.fill(server.port, count)?;
            std::thread::sleep(REST);
            let grown = resident_bytes(server.pid())?.saturating_sub(before);
            Ok([grown as f64 / count as f64])
        })?;
        rows.push(Row::new(what, "bytes", values, ValueMost(case.bytes_most)));
    }
    Ok(rows)
}

impl Case {
    fn fill(&self, port: u16, count: u64) -> Result<()> {
        let mut stream = load::connect(port)?;
        let mut replies = BufReader::new(stream.try_clone()?);
        let (mut request, mut reply) = (Vec::new(), String::new());
        for first in (0..count).step_by(REQUEST_ELEMENTS as usize) {
            request.clear();
            self.write_request(&mut request, first)?;
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

    fn write_request(&self, request: &mut Vec<u8>, first: u64) -> Result<()> {
        let words = 2 + REQUEST_ELEMENTS as usize * self.words.len();
        let (name, len) = (self.command, self.command.len());
        write!(request, "*{words}\r\n${len}\r\n{name}\r\n$3\r\nkey\r\n")?;
        for number in first..first + REQUEST_ELEMENTS {
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
