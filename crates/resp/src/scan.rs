//! Where replies end, found without reading what they say: for whoever passes them on.

use memchr::memchr;
use stdx::number::parse_i64;

use crate::value::Malformed;

/// The longest line of a reply: a header, an error or a plain text.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// How far into a reply the bytes of a connection have got.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    /// Values that still belong to the reply under way.
    missing: u64,
    /// Bytes that still belong to the string under way, its line break included.
    string_left: u64,
}

/// What [`Scanner::scan`] has understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Bytes that belong to the reply. What is behind them is to be passed again.
    pub len: usize,
    /// Whether the reply ends with them.
    pub whole: bool,
}

impl Scanner {
    /// Whether a reply has begun and not ended.
    pub fn is_within(&self) -> bool {
        self.missing > 0 || self.string_left > 0
    }

    /// Takes the bytes of one reply off the front of `input`, or as many as are there.
    pub fn scan(&mut self, input: &[u8]) -> Result<Scanned, Malformed> {
        let mut at = 0;
        if !self.is_within() {
            self.missing = 1;
        }
        loop {
            if self.string_left > 0 {
                at += self.string(&input[at..], at)?;
                if self.string_left > 0 {
                    break;
                }
            }
            if self.missing == 0 {
                return Ok(Scanned {
                    len: at,
                    whole: true,
                });
            }
            match self.value(&input[at..], at)? {
                0 => break,
                len => at += len,
            }
        }
        if at == 0 && self.missing == 1 && self.string_left == 0 {
            self.missing = 0;
        }
        Ok(Scanned {
            len: at,
            whole: false,
        })
    }

    /// The bytes that are there of a string, and of the line break behind it.
    fn string(&mut self, input: &[u8], offset: usize) -> Result<usize, Malformed> {
        let len =
            usize::try_from(self.string_left).map_or(input.len(), |left| left.min(input.len()));
        let left = self.string_left - len as u64;
        for (behind, wanted) in [(2, b'\r'), (1, b'\n')] {
            if left < behind && behind <= self.string_left {
                let at = (self.string_left - behind) as usize;
                if input[at] != wanted {
                    return Err(Malformed {
                        offset: offset + at,
                        what: "string longer than announced",
                    });
                }
            }
        }
        self.string_left = left;
        Ok(len)
    }

    /// The header or the line that a value begins with; 0 while it is not all there.
    fn value(&mut self, input: &[u8], offset: usize) -> Result<usize, Malformed> {
        let malformed = |what| Malformed { offset, what };
        let Some(&kind) = input.first() else {
            return Ok(0);
        };
        let window = &input[..input.len().min(LINE_BYTES_MAX)];
        let Some(end) = memchr(b'\n', window) else {
            return match window.len() < LINE_BYTES_MAX {
                true => Ok(0),
                false => Err(malformed("line too long")),
            };
        };
        let line = window[1..end.max(1)]
            .strip_suffix(b"\r")
            .ok_or(malformed("bare line feed"))?;
        let count = |least: i64| {
            let number = parse_i64(line).filter(|number| (least..=i64::MAX / 4).contains(number));
            number.ok_or(malformed("not a length"))
        };
        let mut more = 0;
        match kind {
            b'+' | b'-' | b':' | b',' | b'(' | b'#' | b'_' => {}
            b'$' | b'=' => match count(-1)? {
                -1 => {}
                len => self.string_left = len as u64 + 2,
            },
            b'*' | b'~' | b'>' => more = count(-1)?.max(0),
            b'%' => more = 2 * count(0)?,
            // What is said about a value is not a value.
            b'|' => more = 2 * count(0)? + 1,
            _ => return Err(malformed("unknown type")),
        }
        let missing = (self.missing - 1).checked_add(more as u64);
        self.missing = missing.ok_or(malformed("too many values"))?;
        Ok(end + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLIES: &[&[u8]] = &[
        b"+OK\r\n",
        b"-ERR no\r\n",
        b":12\r\n",
        b"$5\r\nhello\r\n",
        b"$0\r\n\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"*0\r\n",
        b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
        b"%1\r\n+a\r\n~2\r\n#t\r\n_\r\n",
        b"|1\r\n+ttl\r\n:3\r\n$3\r\na\r\n\r\n",
        b">2\r\n+message\r\n=6\r\ntxt:ab\r\n",
        b",1.5\r\n",
        b"(123456789012345678901234567890\r\n",
    ];

    #[test]
    fn every_reply_ends_where_it_ends_however_it_is_cut() {
        let all = REPLIES.concat();
        for step in 1..all.len() {
            let (mut scanner, mut ends) = (Scanner::default(), Vec::new());
            let (mut from, mut seen) = (0, 0);
            while from < all.len() {
                seen = (seen + step).min(all.len());
                loop {
                    let scanned = scanner
                        .scan(&all[from..seen])
                        .expect("all of it are replies");
                    from += scanned.len;
                    if !scanned.whole {
                        break;
                    }
                    ends.push(from);
                }
            }
            let mut end = 0;
            let wanted: Vec<usize> = REPLIES
                .iter()
                .map(|reply| {
                    end += reply.len();
                    end
                })
                .collect();
            assert_eq!(ends, wanted, "in steps of {step}");
            assert!(!scanner.is_within());
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for input in [
            "!\r\n",
            "$x\r\n",
            "$-2\r\n",
            "$1\r\nabc",
            "%-1\r\n",
            "+a\n",
            "\n",
            "*9223372036854775807\r\n",
            "$1\r\nabcd",
        ] {
            assert!(
                Scanner::default().scan(input.as_bytes()).is_err(),
                "{input}"
            );
        }
        assert!(
            Scanner::default()
                .scan(&vec![b'+'; LINE_BYTES_MAX])
                .is_err()
        );
    }
}
