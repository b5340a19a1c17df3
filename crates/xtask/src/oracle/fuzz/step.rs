//! What a session consists of, and how it is written down.

use std::fmt::Write;

use anyhow::{Result, bail, ensure};

/// The words of one command.
pub type Words = Vec<Vec<u8>>;

/// The client that subscribes and is told; every other one gets a reply for each command.
pub const LISTENER: &str = "listener";

/// Commands of one client that belong together: a draw, say, and what makes it not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The unnamed client's name is empty.
    pub client: String,
    pub commands: Vec<Words>,
}

impl Step {
    pub fn new(client: &str, words: Words) -> Step {
        Step {
            client: client.to_owned(),
            commands: vec![words],
        }
    }

    /// The step of a command that is known by heart.
    pub fn of(client: &str, line: &str) -> Step {
        let words = line.split(' ').map(|word| word.as_bytes().to_vec());
        Step::new(client, words.collect())
    }
}

/// A command as a line of a transcript.
pub fn line(client: &str, words: &Words) -> String {
    let mut line = format!("{client}>");
    for word in words {
        let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
        if !word.is_empty() && word.iter().all(plain) {
            let _ = write!(line, " {}", String::from_utf8_lossy(word));
        } else {
            let mut quoted = Vec::new();
            stdx::text::quote(word, &mut quoted);
            let _ = write!(line, " {}", String::from_utf8_lossy(&quoted));
        }
    }
    line
}

/// The steps of a transcript; replies and what a client looks at are left out.
pub fn parse(transcript: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for text in transcript.lines().map(str::trim_start) {
        let Some((client, command)) = text.split_once('>') else {
            continue;
        };
        if !client.bytes().all(|letter| letter.is_ascii_lowercase()) {
            continue;
        }
        let Ok(words) = stdx::text::split_words(command.as_bytes()) else {
            bail!("quotes are left open: {text}");
        };
        if !words.is_empty() {
            steps.push(Step::new(client, words));
        }
    }
    ensure!(!steps.is_empty(), "the transcript has no command");
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let words = ["SET", "", "a b", "\"\\'", "\u{1}\u{ff}"];
        let words: Words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let steps = [Step::new("", words), Step::of("b", "GET k")];
        let lines = steps
            .iter()
            .map(|step| line(&step.client, &step.commands[0]));
        let text: Vec<String> = lines.map(|line| line + "\n   (nil)\n1) \"x\"").collect();
        assert_eq!(parse(&text.join("\n")).unwrap(), steps);
        assert!(parse("nothing").is_err());
        assert!(parse("> GET \"k").is_err());
    }
}
