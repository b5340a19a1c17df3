//! How far an import is, in a file from which another run goes on.

use std::io::Write;
use std::path::Path;

use serde_json::{Value as Json, json};

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The source's run, or the history that is followed.
    pub source: String,
    /// Whether the cluster held nothing when it began, so that all it holds came from here.
    pub was_empty: bool,
    pub stage: Stage,
}

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Keys are read a page at a time.
    Page(Page),
    /// The snapshot taken at this offset is sent; so many records of it are there.
    Snapshot { offset: u64, records: u64 },
    /// All changes before this offset are there. The next one is of this db.
    Stream { offset: u64, db: u64 },
    /// Nothing is left to do.
    Done,
}

/// A page of keys that may have been sent in part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub db: u64,
    pub cursor: Vec<u8>,
    /// Its keys that were at the cluster before, and differ. They are named before the others are
    /// sent.
    pub taken: Vec<Vec<u8>>,
    /// What could not be brought so far, for the report at the end.
    pub refused: Vec<String>,
}

impl Journal {
    /// Reads what another run has written; none if there is none. The error is what is wrong.
    pub fn read(path: &Path) -> Result<Option<Journal>, String> {
        let shown = path.display();
        match std::fs::read_to_string(path) {
            Ok(text) => match Journal::parse(&text) {
                Some(journal) => Ok(Some(journal)),
                None => Err(format!("{shown} is no journal of an import")),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {shown}: {}", client::reason(&error))),
        }
    }

    /// Takes the place of what was written before, at once and for good.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        self.save(path).map_err(|error| {
            let (path, reason) = (path.display(), client::reason(&error));
            format!("cannot write {path}: {reason}")
        })
    }

    fn save(&self, path: &Path) -> std::io::Result<()> {
        let draft = path.with_extension("draft");
        let mut file = std::fs::File::create(&draft)?;
        writeln!(file, "{}", self.document())?;
        file.sync_all()?;
        std::fs::rename(draft, path)
    }

    fn document(&self) -> Json {
        let stage = match &self.stage {
            Stage::Page(page) => {
                let taken: Vec<String> = page.taken.iter().map(|key| hex(key)).collect();
                let cursor = String::from_utf8_lossy(&page.cursor);
                let (db, refused) = (page.db, &page.refused);
                json!({"page": {"db": db, "cursor": cursor, "taken": taken, "refused": refused}})
            }
            Stage::Snapshot { offset, records } => {
                json!({"snapshot": {"offset": offset, "records": records}})
            }
            Stage::Stream { offset, db } => json!({"stream": {"offset": offset, "db": db}}),
            Stage::Done => json!("done"),
        };
        json!({"source": self.source, "was_empty": self.was_empty, "stage": stage})
    }

    fn parse(text: &str) -> Option<Journal> {
        let document: Json = serde_json::from_str(text).ok()?;
        let stage = &document["stage"];
        let stage = if let Some(page) = stage["page"].as_object() {
            let taken = page.get("taken")?.as_array()?.iter();
            Stage::Page(Page {
                db: page.get("db")?.as_u64()?,
                cursor: page.get("cursor")?.as_str()?.as_bytes().to_vec(),
                taken: taken
                    .map(|key| unhex(key.as_str()?))
                    .collect::<Option<_>>()?,
                refused: serde_json::from_value(page.get("refused")?.clone()).ok()?,
            })
        } else if let Some(snapshot) = stage["snapshot"].as_object() {
            Stage::Snapshot {
                offset: snapshot.get("offset")?.as_u64()?,
                records: snapshot.get("records")?.as_u64()?,
            }
        } else if let Some(stream) = stage["stream"].as_object() {
            Stage::Stream {
                offset: stream.get("offset")?.as_u64()?,
                db: stream.get("db")?.as_u64()?,
            }
        } else {
            (stage.as_str()? == "done").then_some(Stage::Done)?
        };
        Some(Journal {
            source: document["source"].as_str()?.to_owned(),
            was_empty: document["was_empty"].as_bool()?,
            stage,
        })
    }
}

/// Keys are any bytes, and the file is text.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let path = std::env::temp_dir().join(format!("ochre-journal-{}", std::process::id()));
        let stages = [
            Stage::Page(Page {
                db: 3,
                cursor: b"18446744073709551615".to_vec(),
                taken: vec![b"\x00\xff \n".to_vec(), Vec::new()],
                refused: vec!["k: why \"not\"".to_owned()],
            }),
            Stage::Snapshot {
                offset: 7,
                records: 9,
            },
            Stage::Stream {
                offset: u64::MAX,
                db: 15,
            },
            Stage::Done,
        ];
        for stage in stages {
            let journal = Journal {
                source: "ab".to_owned(),
                was_empty: true,
                stage,
            };
            journal.write(&path).unwrap();
            assert_eq!(Journal::read(&path), Ok(Some(journal)));
        }
        std::fs::write(&path, "0 17").unwrap();
        assert!(Journal::read(&path).is_err());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Journal::read(&path), Ok(None));
    }
}
