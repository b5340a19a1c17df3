//! What passed once must pass again: `suite/passing.tsv`, and `suite/skips.tsv` with its reasons.

use super::Mode;
use crate::tree;
use anyhow::{Context, Result, ensure};
use std::path::Path;

pub const PASSING: &str = "suite/passing.tsv";
const SKIPS: &str = "suite/skips.tsv";
const PASSING_HEAD: &str = "mode\tfile\tpassing\ttags";

/// Tests tagged so take minutes and are run on demand.
const TAGS_DEFAULT: &str = "-slow";

struct Row {
    mode: String,
    file: String,
    passing: u32,
    tags: String,
}

/// How many tests of each file pass, per mode, and with which tags it is run.
pub struct Ratchet {
    rows: Vec<Row>,
}

impl Ratchet {
    pub fn read() -> Result<Self> {
        Self::parse(&read_or_empty(PASSING)?)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut rows = Vec::new();
        for fields in rows_of(text) {
            ensure!(
                fields.len() >= 3,
                "{PASSING}: a row has mode, file, passing and tags"
            );
            let passing = fields[2]
                .parse()
                .with_context(|| format!("{PASSING}: {}", fields[2]))?;
            let tags = fields.get(3).copied().unwrap_or_default();
            let [mode, file, tags] = [fields[0], fields[1], tags].map(str::to_owned);
            rows.push(Row {
                mode,
                file,
                passing,
                tags,
            });
        }
        Ok(Self { rows })
    }

    pub fn files(&self, mode: Mode) -> impl Iterator<Item = &str> {
        self.rows
            .iter()
            .filter(move |row| row.mode == mode.name())
            .map(|row| row.file.as_str())
    }

    pub fn passing(&self, mode: Mode, file: &str) -> Option<u32> {
        self.row(mode, file).map(|row| row.passing)
    }

    pub fn tags(&self, mode: Mode, file: &str) -> &str {
        match self.row(mode, file) {
            Some(row) if !row.tags.is_empty() => &row.tags,
            _ => TAGS_DEFAULT,
        }
    }

    /// Writes a count down if it is more than the one that stands; `tags` replace the row's own.
    pub fn raise(&mut self, mode: Mode, file: &str, passing: u32, tags: Option<&str>) {
        let at = self
            .rows
            .iter()
            .position(|row| row.mode == mode.name() && row.file == file);
        let at = at.unwrap_or_else(|| {
            let (mode, file) = (mode.name().to_owned(), file.to_owned());
            self.rows.push(Row {
                mode,
                file,
                passing: 0,
                tags: String::new(),
            });
            self.rows.len() - 1
        });
        let row = &mut self.rows[at];
        if passing > row.passing {
            row.passing = passing;
            row.tags = tags.unwrap_or(&row.tags).to_owned();
        }
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, self.text()).with_context(|| format!("writing {}", path.display()))
    }

    fn text(&self) -> String {
        let mut lines: Vec<String> = self
            .rows
            .iter()
            .filter(|row| row.passing > 0)
            .map(line)
            .collect();
        lines.sort();
        lines.insert(0, PASSING_HEAD.to_owned());
        lines.join("\n") + "\n"
    }

    fn row(&self, mode: Mode, file: &str) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.mode == mode.name() && row.file == file)
    }
}

fn line(row: &Row) -> String {
    let line = format!("{}\t{}\t{}\t{}", row.mode, row.file, row.passing, row.tags);
    line.trim_end().to_owned()
}

/// Stands for all tests of a file that the build machines leave to whoever has the time.
const WHOLE_FILE: &str = "*";

/// The tests that are not run: mode (or `both`), file, the test's name, the reason.
pub struct Skips {
    rows: Vec<[String; 3]>,
}

impl Skips {
    pub fn read() -> Result<Self> {
        let text = read_or_empty(SKIPS)?;
        let mut rows = Vec::new();
        for fields in rows_of(&text) {
            let complete = fields.len() == 4 && !fields[3].trim().is_empty();
            ensure!(
                complete,
                "{SKIPS}: a row has mode, file, test and the reason"
            );
            rows.push([fields[0], fields[1], fields[2]].map(str::to_owned));
        }
        Ok(Self { rows })
    }

    pub fn names(&self, mode: Mode, file: &str) -> Vec<String> {
        let matching = self.rows.iter().filter(|[its_mode, its_file, test]| {
            let is_of_mode = its_mode == mode.name() || its_mode == "both";
            is_of_mode && its_file == file && test != WHOLE_FILE
        });
        matching.map(|[_, _, test]| test.clone()).collect()
    }
}

/// The rows below the head line, by tabs.
fn rows_of(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().skip(1).filter(|line| !line.trim().is_empty());
    lines.map(|line| line.split('\t').collect())
}

fn read_or_empty(path: &str) -> Result<String> {
    match std::fs::read_to_string(tree::root().join(path)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("reading {path}"))
        }
        text => Ok(text.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_only_rise() {
        let text = "mode\tfile\tpassing\ttags\nexternal\tunit/scan\t17\t-needs:debug\n";
        let mut ratchet = Ratchet::parse(text).unwrap();
        ratchet.raise(Mode::External, "unit/scan", 16, None);
        ratchet.raise(Mode::Binary, "unit/scan", 2, None);
        assert_eq!(ratchet.passing(Mode::External, "unit/scan"), Some(17));
        assert_eq!(ratchet.tags(Mode::External, "unit/scan"), "-needs:debug");
        assert_eq!(ratchet.tags(Mode::Binary, "unit/scan"), TAGS_DEFAULT);
        ratchet.raise(Mode::External, "unit/scan", 18, None);
        let expected = "mode\tfile\tpassing\ttags\nbinary\tunit/scan\t2\n\
                        external\tunit/scan\t18\t-needs:debug\n";
        assert_eq!(ratchet.text(), expected);
    }
}
