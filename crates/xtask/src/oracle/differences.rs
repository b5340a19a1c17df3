//! What may differ from Redis, and why: `oracle-differences.tsv`.

use crate::tree;
use anyhow::{Context, Result, ensure};
use std::cell::Cell;

const FILE: &str = "crates/xtask/oracle-differences.tsv";
const HEAD: &str = "test\tcommand\treason";

pub struct Differences {
    rows: Vec<Row>,
}

struct Row {
    /// Globs over the name of a test with its file, and over a line of its transcript.
    test: String,
    command: String,
    used: Cell<bool>,
}

impl Differences {
    pub fn read() -> Result<Differences> {
        let path = tree::root().join(FILE);
        let text = std::fs::read_to_string(&path);
        Self::parse(&text.with_context(|| format!("reading {}", path.display()))?)
    }

    fn parse(text: &str) -> Result<Differences> {
        let mut lines = text.lines();
        ensure!(lines.next() == Some(HEAD), "{FILE} begins with {HEAD:?}");
        let mut rows = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [test, command, reason] = fields[..] else {
                anyhow::bail!("{FILE}: a row has test, command and reason: {line}");
            };
            ensure!(
                !reason.is_empty(),
                "{FILE}: a difference has a reason: {line}"
            );
            rows.push(Row {
                test: test.to_owned(),
                command: command.to_owned(),
                used: Cell::new(false),
            });
        }
        Ok(Differences { rows })
    }

    /// Whether the reply to this line of this test may differ.
    pub fn excuse(&self, test: &str, line: &str) -> bool {
        let fits =
            |glob: &str, text: &str| stdx::glob::matches(glob.as_bytes(), text.as_bytes(), true);
        let mut rows = self.rows.iter();
        let row = rows.find(|row| fits(&row.test, test) && fits(&row.command, line));
        row.inspect(|row| row.used.set(true)).is_some()
    }

    /// Rows that excused nothing.
    pub fn unused(&self) -> impl Iterator<Item = String> {
        let rows = self.rows.iter().filter(|row| !row.used.get());
        rows.map(|row| format!("{} {}", row.test, row.command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_reasons() {
        assert!(Differences::read().is_ok());
        let parsed = Differences::parse("test\tcommand\treason\n*\t> INFO *\tfigures\n").unwrap();
        assert_eq!(parsed.unused().count(), 1);
        assert!(!parsed.excuse("a.rs test", "> GET k"));
        assert!(parsed.excuse("a.rs test", "> INFO cpu"));
        assert_eq!(parsed.unused().count(), 0);
        assert!(Differences::parse("test\tcommand\treason\n*\t*\t\n").is_err());
        assert!(Differences::parse("x\n").is_err());
    }
}
