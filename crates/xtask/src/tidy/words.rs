//! Words of history and process: git remembers what was, and the tree says only what is.

use super::Finding;
use super::source::Source;
use crate::tree::File;

/// This file and its tests must spell the words to forbid them.
const SPELLS_THEM: &[&str] = &[
    "crates/xtask/src/tidy/words.rs",
    "crates/xtask/src/tidy/tests.rs",
];

/// How many words after the mark are enough to be a reason.
const REASON_WORDS_MIN: usize = 4;

/// Not in comments, strings or documents.
const PROCESS: &[(&str, &str)] = &[
    ("fixme", "fix it, or leave it out"),
    ("issue #", "say the reason instead of a number"),
    ("ticket #", "say the reason instead of a number"),
    ("pull request #", "say the reason instead of a number"),
    ("/home/", "no path of one machine"),
    ("/root/", "no path of one machine"),
    ("/users/", "no path of one machine"),
];

/// Not in comments and documents. Strings may: Redis's own texts are written with such words.
const HISTORY: &[(&str, &str)] = &[
    ("previously", "say what is; git remembers what was"),
    ("used to be", "say what is; git remembers what was"),
    ("refactor", "say what is; git remembers what was"),
    ("for now", "say what would make it worth changing"),
    ("this ticket", "say the reason"),
    ("the ticket", "say the reason"),
];

pub fn check(files: &[File], sources: &[Source], findings: &mut Vec<Finding>) {
    for source in sources
        .iter()
        .filter(|source| !SPELLS_THEM.contains(&source.path))
    {
        scan(source.path, &source.comments, &[PROCESS, HISTORY], findings);
        scan(source.path, &source.strings, &[PROCESS], findings);
        check_reasons(source.path, &source.comments, findings);
    }
    for file in files.iter().filter(|file| !file.path.ends_with(".rs")) {
        scan(&file.path, &file.text, &[PROCESS, HISTORY], findings);
    }
}

type Words = &'static [(&'static str, &'static str)];

fn scan(path: &str, text: &str, lists: &[Words], findings: &mut Vec<Finding>) {
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let line = line.to_lowercase();
        for (word, instead) in lists.iter().copied().flatten() {
            if line.contains(word) {
                let message = format!("no \"{word}\": {instead}");
                findings.push(Finding::new(path, index + 1, message));
            }
        }
    }
}

/// A TODO must say what would make it worth doing.
fn check_reasons(path: &str, comments: &str, findings: &mut Vec<Finding>) {
    for (index, line) in comments.lines().enumerate() {
        let Some((_, reason)) = line.split_once("TODO") else {
            continue;
        };
        if reason
            .split_whitespace()
            .filter(|word| *word != ":")
            .count()
            < REASON_WORDS_MIN
        {
            let message = "TODO without a reason: say what would make it worth doing";
            findings.push(Finding::new(path, index + 1, message));
        }
    }
}
