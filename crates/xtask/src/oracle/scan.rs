//! The transcripts of the commands' tests, found by reading the sources.

use crate::tree;
use anyhow::Result;
use std::time::Duration;
use testkit::Step;

/// Where the tests are that hold transcripts.
const FOLDER: &str = "crates/commands/";

/// How a transcript shows that nothing was replied.
pub const NO_REPLY: &str = "(no reply)\n";

/// What stands before a transcript, up to the marks of its raw string.
const BEGIN: &str = "check(expect![[r#";

pub struct Transcript {
    file: String,
    test: String,
    pub lines: Vec<Line>,
}

/// Something that happens.
pub enum Line {
    Advance(Duration),
    Command {
        text: String,
        client: String,
        words: Vec<Vec<u8>>,
        /// As the transcript shows it.
        reply: String,
    },
}

impl Line {
    /// The line as it stands in the transcript; empty where time passes.
    pub fn text(&self) -> &str {
        match self {
            Line::Advance(_) => "",
            Line::Command { text, .. } => text,
        }
    }
}

impl Transcript {
    pub fn name(&self) -> String {
        format!("{} {}", self.file, self.test)
    }

    /// How much time passes in it.
    pub fn time(&self) -> Duration {
        let advances = self.lines.iter().filter_map(|line| match line {
            Line::Advance(time) => Some(*time),
            Line::Command { .. } => None,
        });
        advances.sum()
    }
}

pub fn transcripts() -> Result<Vec<Transcript>> {
    let files = tree::files()?.into_iter();
    let tests = files.filter(|file| file.path.starts_with(FOLDER) && file.path.ends_with(".rs"));
    Ok(tests
        .flat_map(|file| in_source(file.path.trim_start_matches(FOLDER), &file.text))
        .collect())
}

fn in_source(file: &str, source: &str) -> Vec<Transcript> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(begin) = source[from..].find(BEGIN).map(|at| from + at) {
        from = begin + BEGIN.len();
        let marks = 1 + source[from..]
            .chars()
            .take_while(|mark| *mark == '#')
            .count();
        let (open, close) = (from + marks, format!("\"{}", "#".repeat(marks)));
        let Some(len) = source[open..].find(&close) else {
            break;
        };
        found.push(Transcript {
            file: file.to_owned(),
            test: test_around(&source[..begin]).to_owned(),
            lines: lines_of(&source[open..open + len]),
        });
        from = open + len;
    }
    found
}

/// The name of the last function that begins in `source`.
fn test_around(source: &str) -> &str {
    let behind = source.rsplit("\nfn ").next().unwrap_or_default();
    behind.split('(').next().unwrap_or_default()
}

fn lines_of(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let indented = |line: &&str| !line.trim().is_empty();
    let indents = text.lines().filter(indented);
    let indent = indents
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    for line in text
        .trim_end()
        .lines()
        .map(|line| line.get(indent..).unwrap_or(""))
    {
        match testkit::parse(line).pop() {
            Some((_, Step::Text)) => {}
            Some((_, Step::Advance(time))) => lines.push(Line::Advance(time)),
            Some((text, Step::Command { client, words })) => lines.push(Line::Command {
                text,
                client,
                words,
                reply: String::new(),
            }),
            None => {
                if let Some(Line::Command { reply, .. }) = lines.last_mut() {
                    *reply += line;
                    *reply += "\n";
                }
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transcripts_are_found_in_sources() {
        // Spelled apart, lest this be taken for a transcript itself.
        let begin = BEGIN.to_owned();
        let source = format!(
            "#[test]\nfn one() {{\n    {begin}\"\n        > GET k\n        1) \"a#\"\n           \
             b\n        @ +2s\n        b> GET x\n        (nil)\n    \"#]]);\n}}\n"
        );
        let found = in_source("a.rs", &source);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name(), "a.rs one");
        assert_eq!(found[0].time(), Duration::from_secs(2));
        let shown: Vec<(&str, &str)> = found[0]
            .lines
            .iter()
            .map(|line| match line {
                Line::Advance(_) => ("", ""),
                Line::Command { text, reply, .. } => (text.as_str(), reply.as_str()),
            })
            .collect();
        let replies = ["1) \"a#\"\n   b\n", "", "(nil)\n"];
        let lines = ["> GET k", "", "b> GET x"];
        assert_eq!(shown, lines.into_iter().zip(replies).collect::<Vec<_>>());
    }
}
