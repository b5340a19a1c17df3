//! Lines typed before, kept in a file that only its owner reads, and never a secret among them.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use stdx::text::split_words;

use super::personal_file;

/// Older lines are forgotten.
pub const LINES_MAX: usize = 1000;

/// The file of lines typed before.
pub struct History {
    path: Option<PathBuf>,
}

impl History {
    pub fn open() -> History {
        History {
            path: personal_file("REDISCLI_HISTFILE", ".rediscli_history"),
        }
    }

    /// The lines, the oldest first.
    pub fn lines(&self) -> Vec<String> {
        let text = self.path.as_ref().and_then(|path| fs::read(path).ok());
        let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let first = lines.len().saturating_sub(LINES_MAX);
        lines[first..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    }

    /// Adds a line, unless it holds a secret. That it cannot be written is no reason to stop.
    pub fn add(&self, line: &str) {
        if let Some(path) = &self.path
            && !holds_secret(line)
        {
            drop(self.write(path, line));
        }
    }

    fn write(&self, path: &PathBuf, line: &str) -> std::io::Result<()> {
        let mut lines = self.lines();
        if lines.last().is_some_and(|last| last == line) {
            return Ok(());
        }
        let whole = lines.len() >= LINES_MAX;
        lines.push(line.to_owned());
        let mut file = OpenOptions::new()
            .create(true)
            .append(!whole)
            .write(true)
            .truncate(whole)
            .mode(0o600)
            .open(path)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        match whole {
            true => file.write_all((lines[1..].join("\n") + "\n").as_bytes()),
            false => file.write_all(format!("{line}\n").as_bytes()),
        }
    }
}

/// Directives whose value is nobody's business.
const SECRET_DIRECTIVES: &[&str] = &[
    "masterauth",
    "masteruser",
    "requirepass",
    "tls-client-key-file-pass",
    "tls-key-file-pass",
];

/// Whether a line holds a password or a user's name.
pub fn holds_secret(line: &str) -> bool {
    let Ok(words) = split_words(line.as_bytes()) else {
        // Quotes left open do not make a secret less of one.
        let lower = line.to_lowercase();
        return ["auth", "acl", "pass"]
            .iter()
            .any(|word| lower.contains(word));
    };
    let words = words
        .iter()
        .map(|word| String::from_utf8_lossy(word).to_lowercase());
    let words: Vec<String> = words.collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // A number in front repeats the command.
    let words = match words.as_slice() {
        [first, rest @ ..] if first.parse::<i64>().is_ok() => rest,
        words => words,
    };
    let has = |rest: &[&str], names: &[&str]| rest.iter().any(|word| names.contains(word));
    match words {
        ["auth", ..] => true,
        ["acl", "deluser" | "getuser" | "setuser", ..] => true,
        ["config", "set", rest @ ..] => has(rest, SECRET_DIRECTIVES),
        ["hello", rest @ ..] => has(rest, &["auth"]),
        ["migrate", rest @ ..] => has(rest, &["auth", "auth2"]),
        ["sentinel", "config", "set", rest @ ..] => has(rest, &["sentinel-pass", "sentinel-user"]),
        ["sentinel", "set", rest @ ..] => has(rest, &["auth-pass", "auth-user"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_kept() {
        for line in [
            "AUTH secret",
            "auth user secret",
            "2 auth secret",
            "ACL setuser me >secret",
            "config set maxmemory 1 requirepass secret",
            "HELLO 3 auth default secret",
            "migrate h 1 k 0 10 AUTH2 u p",
            "sentinel set mymaster auth-pass secret",
            "sentinel config set sentinel-pass secret",
            "auth \"secret",
        ] {
            assert!(holds_secret(line), "{line}");
        }
        for line in [
            "get auth",
            "acl list",
            "config set maxmemory 1",
            "hello 3",
            "get \"x",
        ] {
            assert!(!holds_secret(line), "{line}");
        }
    }

    #[test]
    fn the_file_is_its_owners_and_keeps_no_line_twice_in_a_row() {
        let path = std::env::temp_dir().join(format!("ochre-history-{}", std::process::id()));
        let history = History {
            path: Some(path.clone()),
        };
        for line in ["get a", "get a", "auth secret", "get b", "get a"] {
            history.add(line);
        }
        assert_eq!(history.lines(), ["get a", "get b", "get a"]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for number in 0..=LINES_MAX {
            history.add(&format!("get {number}"));
        }
        assert_eq!(history.lines().len(), LINES_MAX);
        assert_eq!(history.lines()[0], "get 1");
        fs::remove_file(&path).unwrap();
    }
}
