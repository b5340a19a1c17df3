//! `cargo xtask tidy`: the house rules that a machine can see, over (path, text) pairs.
//!
//! Every rule is a pure function from the files to findings, with a small test beside it; a
//! message says what to write instead. The same check runs as a test of this crate, so that
//! `cargo test` is enough to learn that a rule was broken.

mod calls;
mod expects;
mod heads;
mod layers;
mod manifest;
mod names;
mod sizes;
mod source;
mod unsafety;
mod words;

#[cfg(test)]
mod tests;

use crate::tree::{self, File};
use anyhow::{Result, bail};
use manifest::Manifest;
use source::Source;
use std::fmt;

/// Sizes tolerated above their limit: `what <tab> path <tab> name <tab> size`. No file, none.
const RATCHET: &str = "crates/xtask/oversized.tsv";

/// One broken rule. `line` counts from 1; 0 stands for the whole file.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Checks the working tree and prints what is broken.
pub fn run() -> Result<()> {
    let findings = check_tree()?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("tidy: {count} broken rules"),
    }
}

fn check_tree() -> Result<Vec<Finding>> {
    let ratchet = std::fs::read_to_string(tree::root().join(RATCHET)).unwrap_or_default();
    Ok(check(&tree::files()?, &ratchet))
}

/// All rules over all files.
fn check(files: &[File], ratchet: &str) -> Vec<Finding> {
    let sources: Vec<Source> = files.iter().filter_map(Source::read).collect();
    let manifests: Vec<Manifest> = files.iter().filter_map(Manifest::read).collect();
    let mut findings = Vec::new();
    layers::check(&manifests, &mut findings);
    manifest::check_used(&manifests, &mut findings);
    sizes::check(&sources, ratchet, &mut findings);
    heads::check(&sources, &mut findings);
    for source in &sources {
        names::check(source, &mut findings);
        calls::check(source, &mut findings);
        unsafety::check(source, &mut findings);
        expects::check(source, &mut findings);
    }
    words::check(files, &sources, &mut findings);
    findings
}
