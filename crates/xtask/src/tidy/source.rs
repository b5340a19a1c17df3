//! A Rust file split into three texts of the same length: code, comments, string contents.
//!
//! Each of the three is the file with everything else blanked out, so a position means the same
//! in all of them, and a rule about calls never trips over a word in a comment.

use crate::tree::File;

pub struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
    /// Strings keep their quotes here and lose their contents.
    pub code: String,
    pub comments: String,
    pub strings: String,
    /// The first line (from 0) of the trailing `mod tests`; the line count when there is none.
    tests_from: usize,
}

impl<'a> Source<'a> {
    pub fn read(file: &'a File) -> Option<Self> {
        file.path
            .ends_with(".rs")
            .then(|| Self::split(&file.path, &file.text))
    }

    fn split(path: &'a str, text: &'a str) -> Self {
        let mut splitter = Splitter::new(text);
        splitter.run();
        let [code, comments, strings] =
            [splitter.code, splitter.comments, splitter.strings].map(|bytes| {
                String::from_utf8(bytes).expect("only whole characters are copied or blanked")
            });
        let is_test_file = path.contains("/tests/") || path.ends_with("tests.rs");
        let tests_from = if is_test_file {
            Some(0)
        } else {
            tests_line(&code)
        };
        let tests_from = tests_from.unwrap_or(code.lines().count());
        Self {
            path,
            text,
            code,
            comments,
            strings,
            tests_from,
        }
    }

    /// Whether the line (from 0) belongs to a test.
    pub fn is_test(&self, line: usize) -> bool {
        line >= self.tests_from
    }

    /// The code lines that are not tests, numbered from 0.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().take(self.tests_from)
    }

    pub fn product_line_count(&self) -> usize {
        self.tests_from
    }

    /// `engine` for `crates/engine/src/gate.rs`.
    pub fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }
}

fn tests_line(code: &str) -> Option<usize> {
    code.lines().position(|line| {
        line.strip_prefix("mod tests")
            .is_some_and(|rest| rest.trim_start().starts_with('{'))
    })
}

/// The positions at which `word` stands in `text`, not as a part of a longer word.
pub fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let starts = !word.starts_with(is_word) || !text[..at].ends_with(is_word);
            let ends = !word.ends_with(is_word) || !text[at + word.len()..].starts_with(is_word);
            starts && ends
        })
}

/// What a stretch of the file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    Comment,
    String,
}

struct Splitter<'a> {
    text: &'a [u8],
    at: usize,
    code: Vec<u8>,
    comments: Vec<u8>,
    strings: Vec<u8>,
}

impl<'a> Splitter<'a> {
    fn new(text: &'a str) -> Self {
        let room = || Vec::with_capacity(text.len());
        Self {
            text: text.as_bytes(),
            at: 0,
            code: room(),
            comments: room(),
            strings: room(),
        }
    }

    fn run(&mut self) {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            if rest.starts_with(b"//") {
                let len = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                self.take(len, Part::Comment);
            } else if rest.starts_with(b"/*") {
                self.take(block_comment(rest), Part::Comment);
            } else if rest[0] == b'"' {
                self.string(1, 0);
            } else if let Some((head, hashes)) = self.raw_string_head() {
                self.string(head, hashes);
            } else if rest[0] == b'\'' {
                self.take(character(rest), Part::Code);
            } else {
                self.take(1, Part::Code);
            }
        }
    }

    /// The length of `r##"` and its number of hashes, if such a head stands here.
    fn raw_string_head(&self) -> Option<(usize, usize)> {
        let rest = &self.text[self.at..];
        let after_word = self.at > 0
            && matches!(self.text[self.at - 1], b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z');
        let is_byte_prefix = self.at > 0 && matches!(self.text[self.at - 1], b'b' | b'c');
        if rest[0] != b'r' || (after_word && !is_byte_prefix) {
            return None;
        }
        let hashes = rest[1..].iter().take_while(|&&b| b == b'#').count();
        (rest.get(1 + hashes) == Some(&b'"')).then_some((2 + hashes, RAW + hashes))
    }

    /// Takes a string whose head is `head` bytes; `kind` says how it ends.
    fn string(&mut self, head: usize, kind: usize) {
        self.take(head, Part::Code);
        let rest = &self.text[self.at..];
        let (len, tail) = match kind {
            0 => (escaped(rest), 1),
            raw => raw_contents(rest, raw % RAW),
        };
        self.take(len, Part::String);
        self.take(tail.min(self.text.len() - self.at), Part::Code);
    }

    fn take(&mut self, len: usize, part: Part) {
        for &byte in &self.text[self.at..self.at + len] {
            let blank = if byte == b'\n' { b'\n' } else { b' ' };
            let to = |of: Part| if of == part { byte } else { blank };
            self.code.push(to(Part::Code));
            self.comments.push(to(Part::Comment));
            self.strings.push(to(Part::String));
        }
        self.at += len;
    }
}

/// Above any number of hashes, so that a raw string's kind is never 0.
const RAW: usize = 1 << 16;

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(rest.len())
}

fn escaped(rest: &[u8]) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at.min(rest.len())
}

fn raw_contents(rest: &[u8], hashes: usize) -> (usize, usize) {
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let len = rest.windows(end.len()).position(|window| window == end);
    (len.unwrap_or(rest.len()), end.len())
}

/// The length of a character literal; 1 for the tick of a lifetime.
fn character(rest: &[u8]) -> usize {
    let close = |from: usize| {
        let end = rest.iter().skip(from).position(|&b| b == b'\'');
        end.map_or(1, |len| from + len + 1)
    };
    match rest {
        [_, b'\\', _, ..] => close(3),
        [_, _, b'\'', ..] => 3,
        [_, first, ..] if *first >= 0x80 => close(1),
        _ => 1,
    }
}
