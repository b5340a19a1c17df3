//! What the program says, and to whom.
//!
//! The manager answers to three names, and says the same things under each in slightly other
//! words: scripts read the texts of `redis-cli --cluster` and of redis-trib.

use std::io::{IsTerminal, Read, Write};

/// Whose words are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `ochre cluster`.
    Ochre,
    /// `redis-cli --cluster`.
    Cli,
    /// `redis-trib`.
    Trib,
}

/// How a line is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// What begins.
    Heading,
    Good,
    Warning,
    Bad,
}

/// Speaks to whoever started the program.
#[derive(Clone, Debug)]
pub struct Voice {
    pub dialect: Dialect,
    colours: bool,
    /// The standard output is for one document, so everything else goes beside it.
    pub document: bool,
    /// Nothing is said, as while a list of nodes is read again.
    pub hushed: bool,
}

impl Voice {
    pub fn new(dialect: Dialect, document: bool) -> Voice {
        let term = std::env::var("TERM").unwrap_or_default();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = match dialect {
            Dialect::Cli => term.contains("xterm"),
            Dialect::Trib => term == "xterm",
            Dialect::Ochre => std::io::stdout().is_terminal() && term != "dumb" && !refused,
        };
        Voice {
            dialect,
            colours,
            document,
            hushed: false,
        }
    }

    pub fn is(&self, dialect: Dialect) -> bool {
        self.dialect == dialect
    }

    pub fn heading(&self, text: &str) {
        self.toned(Tone::Heading, text);
    }

    pub fn good(&self, text: &str) {
        self.toned(Tone::Good, text);
    }

    pub fn warning(&self, text: &str) {
        self.toned(Tone::Warning, text);
    }

    pub fn bad(&self, text: &str) {
        self.toned(Tone::Bad, text);
    }

    pub fn line(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    fn toned(&self, tone: Tone, text: &str) {
        self.write(&self.dress(tone, text));
    }

    /// The line with its colour. redis-cli takes the colour back behind the line's end.
    pub fn dress(&self, tone: Tone, text: &str) -> String {
        if !self.colours {
            return format!("{text}\n");
        }
        match self.dialect {
            Dialect::Trib => match trib_colour(text) {
                Some(colour) => format!("\x1b[{colour}m{text}\x1b[0m\n"),
                None => format!("{text}\n"),
            },
            Dialect::Cli | Dialect::Ochre => format!("{}{text}\n\x1b[0m", colour(tone)),
        }
    }

    /// Text in a colour, without a line's end.
    pub fn write_toned(&self, tone: Tone, text: &str) {
        match self.colours && !self.is(Dialect::Trib) {
            true => self.write(&format!("{}{text}\x1b[0m", colour(tone))),
            false => self.write(text),
        }
    }

    pub fn write(&self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    /// Writes at once. If nobody reads it any longer, the program goes on: it may be half-way.
    pub fn write_bytes(&self, bytes: &[u8]) {
        if self.hushed {
            return;
        }
        if self.document {
            let mut stderr = std::io::stderr().lock();
            drop(stderr.write_all(bytes));
            return;
        }
        let mut stdout = std::io::stdout().lock();
        drop(stdout.write_all(bytes).and_then(|()| stdout.flush()));
    }

    /// A line beside the output.
    pub fn aside(&self, text: &str) {
        if !self.hushed {
            let mut stderr = std::io::stderr().lock();
            drop(stderr.write_all(format!("{text}\n").as_bytes()));
        }
    }

    /// What a program failed at, where its own kind of program says it.
    pub fn complaint(&self, text: &str) {
        match self.dialect {
            Dialect::Trib => self.bad(text),
            Dialect::Cli | Dialect::Ochre => self.aside(text),
        }
    }

    /// Asks a question and returns the line that answers it; none if there is nobody.
    pub fn ask(&self, question: &str) -> Option<String> {
        self.write(question);
        let mut line = Vec::new();
        for byte in std::io::stdin().lock().bytes() {
            match byte {
                Ok(b'\n') => return Some(String::from_utf8_lossy(&line).into_owned()),
                Ok(byte) => line.push(byte),
                Err(_) => break,
            }
        }
        (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
    }

    /// Asks whether to go on.
    pub fn confirms(&self, question: &str) -> bool {
        let answer = self.ask(&format!("{question} (type 'yes' to accept): "));
        let answer = answer.unwrap_or_default();
        match self.dialect {
            Dialect::Cli => answer.starts_with("yes"),
            Dialect::Trib => answer.eq_ignore_ascii_case("yes"),
            Dialect::Ochre => answer.trim() == "yes",
        }
    }
}

fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Heading => "\x1b[29;1m",
        Tone::Good => "\x1b[32;1m",
        Tone::Warning => "\x1b[33;1m",
        Tone::Bad => "\x1b[31;1m",
    }
}

/// redis-trib colours a line by how it begins.
fn trib_colour(text: &str) -> Option<&'static str> {
    match text.get(..3)? {
        ">>>" => Some("29;1"),
        "[ER" | "[WA" => Some("31;1"),
        "[OK" => Some("32"),
        "[FA" | "***" => Some("33"),
        _ => None,
    }
}
