//! The line under the cursor: its colours, what could come next, what was typed before.

use std::borrow::Cow;

use client::docs::Docs;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::{DefaultHistory, SearchDirection};
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use stdx::text::split_words;

use super::history::{History, LINES_MAX};
use super::prompt::prompt;
use crate::preferences::Preferences;
use crate::session::Session;

/// Reads lines from the terminal.
pub struct Prompter {
    editor: Editor<Knowledge, DefaultHistory>,
}

impl Prompter {
    pub fn new(session: &Session, history: &History) -> Result<Prompter, ReadlineError> {
        let config = Config::builder()
            .max_history_size(LINES_MAX)?
            .history_ignore_dups(true)?
            .completion_type(CompletionType::Circular)
            .bracketed_paste(true)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Knowledge::new(session)));
        for line in history.lines() {
            editor.add_history_entry(line)?;
        }
        Ok(Prompter { editor })
    }

    /// Waits for a line.
    pub fn read(&mut self, session: &Session) -> Result<String, ReadlineError> {
        if let Some(knowledge) = self.editor.helper_mut() {
            knowledge.preferences = session.preferences;
        }
        self.editor.readline(&prompt(session))
    }

    pub fn remember(&mut self, line: &str, history: &History) {
        // A line that is not remembered can be typed again.
        drop(self.editor.add_history_entry(line));
        history.add(line);
    }
}

/// What is known while a line is typed.
pub struct Knowledge {
    pub docs: Docs,
    pub preferences: Preferences,
    pub colours: bool,
}

/// What stands behind the cursor without having been typed.
pub struct Ghost {
    /// The rest of a line typed before, which may be taken over.
    suggestion: Option<String>,
    shown: String,
}

impl Hint for Ghost {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl Helper for Knowledge {}

impl Validator for Knowledge {}

impl Hinter for Knowledge {
    type Hint = Ghost;

    fn hint(&self, line: &str, at: usize, context: &Context<'_>) -> Option<Ghost> {
        if at < line.len() || line.trim().is_empty() {
            return None;
        }
        let suggestion = match self.preferences.suggestions {
            true => suggestion(line, context),
            false => None,
        };
        let hint = match self.preferences.hints {
            true => self.arguments_to_come(line),
            false => None,
        };
        let shown = match (&suggestion, hint) {
            (Some(suggestion), Some(hint)) => format!("{suggestion}   {}", hint.trim_start()),
            (Some(suggestion), None) => suggestion.clone(),
            (None, hint) => hint?,
        };
        Some(Ghost { suggestion, shown })
    }
}

/// The rest of the last line typed that begins like this one.
fn suggestion(line: &str, context: &Context<'_>) -> Option<String> {
    let history = context.history();
    let last = history.len().checked_sub(1)?;
    let found = history
        .starts_with(line, last, SearchDirection::Reverse)
        .ok()??;
    let rest = found.entry.strip_prefix(line)?;
    (!rest.is_empty() && !rest.contains('\n')).then(|| rest.to_owned())
}

impl Knowledge {
    pub fn new(session: &Session) -> Knowledge {
        Knowledge {
            docs: session.docs.clone(),
            preferences: session.preferences,
            colours: session.style.colours,
        }
    }

    /// The arguments still to come, with a blank before them if the line has none. A word counts
    /// once a blank follows it.
    pub fn arguments_to_come(&self, line: &str) -> Option<String> {
        let mut words = split_words(line.as_bytes()).ok()?;
        let ended = line.ends_with(' ');
        let (command, used) = self.docs.find(&words)?;
        if used == words.len() && !ended {
            let syntax = command.syntax();
            return (!syntax.is_empty()).then(|| format!(" {syntax}"));
        }
        if !ended {
            words.pop();
        }
        let hint = command.hint(&words[used..])?;
        // The word under the cursor is the first of those to come.
        let hint = match ended {
            true => hint,
            false => format!(" {}", without_first(&hint)),
        };
        (!hint.trim().is_empty()).then_some(hint)
    }

    fn candidates(&self, line: &str) -> Vec<String> {
        let lower = line.to_lowercase();
        let names = self.docs.commands.iter().map(|command| &command.name);
        if let Some(topic) = lower.strip_prefix("help ") {
            let mut groups: Vec<String> = self
                .docs
                .commands
                .iter()
                .map(|command| format!("@{}", command.group))
                .collect();
            groups.sort();
            groups.dedup();
            let topics = groups.into_iter().chain(names.cloned());
            let fitting = topics.filter(|name| name.to_lowercase().starts_with(topic));
            return fitting.map(|name| format!("help {name}")).collect();
        }
        let fitting = names.filter(|name| name.to_lowercase().starts_with(&lower));
        fitting.cloned().collect()
    }
}

/// The hint behind its first argument, which is being typed.
fn without_first(hint: &str) -> &str {
    let mut depth = 0usize;
    for (at, letter) in hint.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => return &hint[at + 1..],
            _ => {}
        }
    }
    ""
}

impl Completer for Knowledge {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> Result<(usize, Vec<Pair>), ReadlineError> {
        let candidates = self.candidates(&line[..at]);
        let pair = |name: String| Pair {
            display: name.clone(),
            replacement: name,
        };
        Ok((0, candidates.into_iter().map(pair).collect()))
    }
}

impl Highlighter for Knowledge {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match self.colours {
            true => Cow::Owned(self.painted(line)),
            false => Cow::Borrowed(line),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        // Without colours what was not typed is faint.
        let style = if self.colours { "90" } else { "2" };
        Cow::Owned(format!("\x1b[{style}m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.colours
    }
}

impl Knowledge {
    /// The line with its command, quoted words and numbers told apart.
    fn painted(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name_words = self.docs.find(&words).map_or(0, |(_, used)| used);
        let mut painted = String::with_capacity(line.len() + 32);
        let (mut word_index, mut rest) = (0, line);
        while !rest.is_empty() {
            let blanks = rest.len() - rest.trim_start().len();
            painted += &rest[..blanks];
            rest = &rest[blanks..];
            let word = &rest[..word_bytes(rest)];
            rest = &rest[word.len()..];
            let colour = match word.as_bytes() {
                [] => None,
                _ if word_index < name_words => Some("1;36"),
                [b'"' | b'\'', ..] => Some("32"),
                _ if word.parse::<f64>().is_ok() => Some("33"),
                _ => None,
            };
            match colour {
                Some(colour) => painted += &format!("\x1b[{colour}m{word}\x1b[0m"),
                None => painted += word,
            }
            word_index += 1;
        }
        painted
    }
}

/// How long the word is that a text begins with, its quotes included.
fn word_bytes(text: &str) -> usize {
    let mut open = None;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match (open, letter) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(quote), letter) if letter == quote => open = None,
            (None, '"' | '\'') => open = Some(letter),
            (None, letter) if letter.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowledge() -> Knowledge {
        Knowledge {
            docs: Docs::builtin(),
            preferences: Preferences::default(),
            colours: true,
        }
    }

    #[test]
    fn the_word_being_typed_is_not_shown_as_still_to_come() {
        let to_come = |line: &str| knowledge().arguments_to_come(line);
        assert_eq!(to_come("get"), Some(" key".to_owned()));
        assert_eq!(to_come("get "), Some("key".to_owned()));
        assert_eq!(to_come("get k"), None);
        assert_eq!(
            to_come("hset h"),
            Some(" field value [field value ...]".to_owned())
        );
        assert_eq!(
            to_come("hset h f "),
            Some("value [field value ...]".to_owned())
        );
        assert_eq!(to_come("get a b "), None);
        assert_eq!(to_come("nosuch "), None);
    }

    #[test]
    fn names_and_topics_complete() {
        let knowledge = knowledge();
        assert_eq!(knowledge.candidates("getr"), ["GETRANGE"]);
        let config = knowledge.candidates("config s");
        assert_eq!(config, ["CONFIG SET"]);
        assert_eq!(knowledge.candidates("help @str"), ["help @string"]);
        assert_eq!(knowledge.candidates("HELP getd"), ["help GETDEL"]);
    }

    #[test]
    fn colours_change_no_letter() {
        let line = "set  \"a \\\" b\" 12 x'y z' \"open";
        let painted = knowledge().painted(line);
        let plain: String = painted
            .split("\x1b[")
            .enumerate()
            .map(|(index, part)| match index {
                0 => part,
                _ => part.split_once('m').unwrap().1,
            })
            .collect();
        assert_eq!(plain, line);
        assert!(painted.starts_with("\x1b[1;36mset\x1b[0m"));
    }
}
