//! The command line, turned into the configuration text it stands for.
//!
//! ```text
//!   ochre redis.conf --port 7000 --save 900 1 -
//!         └ the file └ one line per option    └ and what stdin holds
//! ```
//!
//! An option's words are quoted, so no value can become a line of its own. A word that starts
//! with `--` opens an option, except right after an option that has no value yet: there it is the
//! value. `--save` and `--sentinel` need no value and never take such a word.

use crate::syntax::{quote, split_words};

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    pub file: Option<Vec<u8>>,
    /// Whether a `-` asks for configuration text on the standard input.
    pub stdin: bool,
    pub sentinel: bool,
    /// The options as configuration text, one line each.
    pub options: Vec<u8>,
}

impl CommandLine {
    /// Reads the arguments, the program's own name not among them.
    pub fn parse<A: AsRef<[u8]>>(args: &[A]) -> CommandLine {
        let mut words: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        let mut line = CommandLine {
            sentinel: words.contains(&b"--sentinel".as_slice()),
            ..Default::default()
        };
        match words.first() {
            Some(&b"-") => {
                line.stdin = true;
                words.remove(0);
            }
            Some(word) if !word.starts_with(b"-") => {
                line.file = Some(word.to_vec()).filter(|path| !path.is_empty());
                words.remove(0);
            }
            _ => {}
        }
        if words.last() == Some(&b"-".as_slice()) {
            line.stdin = true;
            words.pop();
        }
        line.options = options(&words);
        line
    }
}

fn options(words: &[&[u8]]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut awaited = false;
    for word in words {
        match (word.strip_prefix(b"--"), lines.last_mut()) {
            (Some(option), last) if !awaited => {
                // The file has no `save` that says "none"; the command line has.
                if let Some(bare) = last.filter(|line| line.eq_ignore_ascii_case(b"save")) {
                    bare.extend(b" \"\"");
                }
                lines.push(option.to_vec());
                awaited = awaits_value(option);
                continue;
            }
            (_, Some(last)) => {
                last.push(b' ');
                last.extend(quote(word));
            }
            (_, None) => lines.push(quote(word)),
        }
        awaited = false;
    }
    lines.join(&b'\n')
}

/// Whether the next word is this option's value whatever it looks like.
fn awaits_value(line: &[u8]) -> bool {
    let needs_none = [b"save".as_slice(), b"sentinel"];
    let complete = needs_none
        .iter()
        .any(|name| line.eq_ignore_ascii_case(name));
    !complete && split_words(line).is_some_and(|words| words.len() <= 1)
}
