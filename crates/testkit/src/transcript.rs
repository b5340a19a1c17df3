//! Transcripts: parsed, played, and written anew.

use std::time::Duration;

use resp::value::Value;
use stdx::text::split_words;

use crate::{Node, render};

/// One line of a transcript that makes something happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time passes.
    Advance(Duration),
    /// A client sends a command. The unnamed client's name is empty. Without words, it looks what
    /// else it was sent.
    Command { client: String, words: Vec<Vec<u8>> },
    /// A comment or an empty line, kept as it is.
    Text,
}

/// Whoever can play a transcript: a node in this process, or a connection to a real server.
pub trait Player {
    /// The reply, or `None` if there is none yet; without words, the next value that was sent.
    fn command(&mut self, client: &str, words: &[Vec<u8>]) -> Option<Value>;

    fn advance(&mut self, time: Duration);
}

impl Player for Node {
    fn command(&mut self, client: &str, words: &[Vec<u8>]) -> Option<Value> {
        match words {
            [] => self.next(client),
            _ => Node::command(self, client, words),
        }
    }

    fn advance(&mut self, time: Duration) {
        self.advance_micros(time.as_micros() as i64);
    }
}

/// The lines of a transcript that are not replies, with what they mean.
///
/// # Panics
/// If a line cannot be understood: a transcript is part of a test.
pub fn parse(transcript: &str) -> Vec<(String, Step)> {
    let lines = transcript.trim().lines().map(str::trim);
    lines
        .filter_map(|line| Some((line.to_owned(), step(line)?)))
        .collect()
}

/// Plays a transcript on a node, and returns it with the replies that came.
pub fn replay(node: &mut Node, transcript: &str) -> String {
    replay_with(node, transcript)
}

/// Plays a transcript, and returns it with the replies that came.
pub fn replay_with(player: &mut impl Player, transcript: &str) -> String {
    let mut text = String::new();
    for (line, step) in parse(transcript) {
        text += &format!("{line}\n");
        match step {
            Step::Text => {}
            Step::Advance(time) => player.advance(time),
            Step::Command { client, words } => {
                let reply = player.command(&client, &words);
                let shown = reply.map_or("(no reply)\n".to_owned(), |value| render(&value));
                text += &shown;
            }
        }
    }
    text
}

fn step(line: &str) -> Option<Step> {
    if line.is_empty() || line.starts_with('#') {
        return Some(Step::Text);
    }
    if let Some(time) = line.strip_prefix("@ +") {
        return Some(Step::Advance(duration(time)));
    }
    let (client, command) = match line.strip_suffix('<') {
        Some(client) => (client, ""),
        None => line.split_once("> ")?,
    };
    if !client.chars().all(|letter| letter.is_ascii_lowercase()) {
        return None;
    }
    let words = split_words(command.as_bytes()).expect("a transcript's quotes are balanced");
    Some(Step::Command {
        client: client.to_owned(),
        words,
    })
}

fn duration(text: &str) -> Duration {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let number: u64 = digits.parse().expect("a number and a unit, as in `@ +10s`");
    match &text[digits.len()..] {
        "us" => Duration::from_micros(number),
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        unit => panic!("no unit of time is called {unit}"),
    }
}
