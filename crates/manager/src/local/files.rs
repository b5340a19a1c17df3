//! The files of local nodes: which there are, and what is written to their logs.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::voice::Voice;

/// Between two looks at logs.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Files of which each node has one: what stands before its port, and behind it.
const KINDS: &[(&str, &str)] = &[
    ("", ".log"),
    ("appendonlydir-", ""),
    ("appendonly-", ".aof"),
    ("dump-", ".rdb"),
    ("nodes-", ".conf"),
];

/// Removes what nodes have left, and says so. Nothing is touched that no node has made.
pub fn clean(voice: &Voice, folder: &Path, only_logs: bool) -> io::Result<()> {
    let kinds = &KINDS[..if only_logs { 1 } else { KINDS.len() }];
    for (before, behind) in kinds {
        voice.line(&format!("Cleaning {before}*{behind}"));
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !belongs(&path, before, behind) {
                continue;
            }
            match path.is_dir() {
                true => fs::remove_dir_all(&path)?,
                false => fs::remove_file(&path)?,
            }
        }
    }
    Ok(())
}

/// Whether a file is named after a port in this way.
fn belongs(path: &Path, before: &str, behind: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // What a node was writing when it ended is named after its process, too.
    let (name, _) = name.split_once(".tmp-").unwrap_or((&name, ""));
    let port = name
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(behind));
    port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The logs of all nodes, by their ports.
pub fn logs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if belongs(&path, "", ".log") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The last lines of a log.
pub fn end_of(path: &Path, lines_max: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(lines_max)..].join("\n")
}

/// How many lines are shown of what is there already.
const LINES_SHOWN: usize = 10;

/// Shows what is written to logs, until somebody ends the program.
pub fn follow(voice: &Voice, paths: &[PathBuf]) -> io::Result<()> {
    let mut logs: Vec<Log> = Vec::new();
    for path in paths {
        let bytes = fs::metadata(path)?.len();
        logs.push(Log {
            path: path.clone(),
            bytes,
        });
    }
    let mut shown = None;
    for (index, log) in logs.iter().enumerate() {
        let text = end_of(&log.path, LINES_SHOWN) + "\n";
        show(voice, &logs, index, text.as_bytes(), &mut shown);
    }
    loop {
        std::thread::sleep(LOOK_EVERY);
        for index in 0..logs.len() {
            let written = logs[index].written();
            if !written.is_empty() {
                show(voice, &logs, index, &written, &mut shown);
            }
        }
    }
}

/// Writes what a log has got, under its name if there are several and another was shown last.
fn show(voice: &Voice, logs: &[Log], index: usize, text: &[u8], shown: &mut Option<usize>) {
    if logs.len() > 1 && *shown != Some(index) {
        let gap = if shown.is_some() { "\n" } else { "" };
        voice.line(&format!("{gap}==> {} <==", logs[index].path.display()));
    }
    *shown = Some(index);
    voice.write_bytes(text);
}

struct Log {
    path: PathBuf,
    /// So much of it has been shown.
    bytes: u64,
}

impl Log {
    /// What was written since the last look. A log that has shrunk begins again.
    fn written(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            let bytes = file.metadata()?.len();
            self.bytes = self.bytes.min(bytes);
            file.seek(SeekFrom::Start(self.bytes))?;
            file.take(bytes - self.bytes).read_to_end(&mut text)
        });
        // One that is away may come back.
        self.bytes += read.unwrap_or(0) as u64;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nodes_have_made_is_theirs() {
        let theirs = |name: &str| {
            KINDS
                .iter()
                .any(|(before, behind)| belongs(Path::new(name), before, behind))
        };
        for name in [
            "30001.log",
            "appendonlydir-30001",
            "dump-30001.rdb",
            "nodes-1.conf",
            "nodes-1.conf.tmp-4711",
        ] {
            assert!(theirs(name), "{name}");
        }
        for name in [
            "app.log",
            ".log",
            "dump.rdb",
            "dump-a.rdb",
            "nodes-.conf",
            "30001",
        ] {
            assert!(!theirs(name), "{name}");
        }
    }
}
