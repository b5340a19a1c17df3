//! Reading a configuration at the start: defaults, then the file, then the command line.

use std::collections::BTreeSet;
use std::fmt;

use crate::directive::{Directive, Mutability};
use crate::settings::Config;
use crate::syntax::{split_words, trim};
use crate::table::{directive, is_retired};
use crate::value::{How, Refusal};

/// Files may include files so deep; deeper is a circle.
const INCLUDE_DEPTH_MAX: usize = 64;

/// Yields the texts of the files a path names: none for a pattern that matches nothing. The error
/// is the operating system's word for what went wrong.
pub type Include<'a> = dyn FnMut(&[u8]) -> Result<Vec<Vec<u8>>, String> + 'a;

/// Everything that is said about the configuration at the start.
pub struct Sources<'a> {
    /// The text of the file, followed by that of the standard input.
    pub text: &'a [u8],
    /// [`CommandLine::options`](crate::CommandLine).
    pub options: &'a [u8],
    pub sentinel: bool,
    pub include: &'a mut Include<'a>,
}

/// A configuration, and where each of its directives was said.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub config: Config,
    /// In the order they were read. Whoever finds a value impossible only when applying it (a
    /// missing directory, an unknown command to rename) refuses it here, with [`Origin::refuse`].
    pub origins: Vec<Origin>,
}

/// The line that said a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub directive: &'static str,
    pub line: usize,
    pub text: Vec<u8>,
}

/// Why the configuration cannot be used. `Display` is what the server prints before it exits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// A line is wrong.
    Line {
        line: usize,
        text: Vec<u8>,
        why: String,
    },
    /// The lines contradict each other.
    Whole { why: String },
    /// An included file cannot be read.
    Include { path: Vec<u8>, why: String },
}

/// Reads a whole configuration.
pub fn load(sources: Sources<'_>) -> Result<Loaded, LoadError> {
    let text = [sources.text, b"\n", sources.options].concat();
    let mut loader = Loader {
        loaded: Loaded {
            config: defaults(sources.sentinel),
            origins: Vec::new(),
        },
        seen: BTreeSet::new(),
        sentinel: sources.sentinel,
        include: sources.include,
    };
    loader.read(&text, 0)?;
    if loader.loaded.config.cluster.enabled && loader.loaded.config.replication.primary.is_some() {
        let why = "replicaof directive not allowed in cluster mode".to_owned();
        return Err(LoadError::Whole { why });
    }
    Ok(loader.loaded)
}

/// Where a Sentinel listens unless it is told otherwise.
const SENTINEL_PORT: u16 = 26379;

/// What holds where nothing is said. A Sentinel answers others of its kind on any machine.
fn defaults(sentinel: bool) -> Config {
    let mut config = Config::default();
    if sentinel {
        config.sentinel.is_on = true;
        config.network.port = SENTINEL_PORT;
        config.network.protected_mode = false;
    }
    config
}

impl Loaded {
    /// Where a directive was said, in order.
    pub fn origins_of<'a>(&'a self, directive: &'a str) -> impl Iterator<Item = &'a Origin> {
        self.origins
            .iter()
            .filter(move |origin| origin.directive == directive)
    }
}

impl Origin {
    /// The error that this line cannot be carried out.
    pub fn refuse(&self, why: impl Into<String>) -> LoadError {
        LoadError::Line {
            line: self.line,
            text: self.text.clone(),
            why: why.into(),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BANNER: &str = "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***";
        match self {
            LoadError::Line { line, text, why } => {
                let text = String::from_utf8_lossy(text);
                writeln!(f, "{BANNER}")?;
                writeln!(f, "Reading the configuration file, at line {line}")?;
                write!(f, ">>> '{text}'\n{why}")
            }
            LoadError::Whole { why } => write!(f, "{BANNER}\n{why}"),
            LoadError::Include { path, why } => {
                let path = String::from_utf8_lossy(path);
                write!(f, "Fatal error, can't open config file '{path}': {why}")
            }
        }
    }
}

impl std::error::Error for LoadError {}

struct Loader<'a> {
    loaded: Loaded,
    /// Directives that were said already.
    seen: BTreeSet<&'static str>,
    sentinel: bool,
    include: &'a mut Include<'a>,
}

impl Loader<'_> {
    fn read(&mut self, text: &[u8], depth: usize) -> Result<(), LoadError> {
        for (index, raw) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = trim(raw);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let refuse = |why: Refusal| LoadError::Line {
                line: index + 1,
                text: line.to_vec(),
                why: why.to_string(),
            };
            let words = split_words(line)
                .ok_or(Refusal::because("Unbalanced quotes in configuration line"))
                .map_err(refuse)?;
            let Some((name, words)) = words.split_first() else {
                continue;
            };
            if name.eq_ignore_ascii_case(b"include") && words.len() == 1 {
                if depth == INCLUDE_DEPTH_MAX {
                    return Err(refuse(Refusal::because("Too many levels of include")));
                }
                self.include(&words[0], depth)?;
                continue;
            }
            if let Some(directive) = self.take(name, words).map_err(refuse)? {
                let origin = Origin {
                    directive: directive.name,
                    line: index + 1,
                    text: line.to_vec(),
                };
                self.loaded.origins.push(origin);
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &[u8], depth: usize) -> Result<(), LoadError> {
        let texts = (self.include)(path).map_err(|why| LoadError::Include {
            path: path.to_vec(),
            why,
        })?;
        texts.iter().try_for_each(|text| self.read(text, depth + 1))
    }

    /// Carries out one line. Returns the directive, unless the line does nothing.
    fn take(
        &mut self,
        name: &[u8],
        words: &[Vec<u8>],
    ) -> Result<Option<&'static Directive>, Refusal> {
        if is_retired(name, words.len()) {
            return Ok(None);
        }
        let directive = directive(name).ok_or(Refusal::BAD_LINE)?;
        match directive.name {
            "sentinel" if words.is_empty() => return Ok(None),
            "sentinel" if !self.sentinel => {
                let why = "sentinel directive while not in sentinel mode";
                return Err(Refusal::because(why));
            }
            "user" => self.refuse_second_declaration(words)?,
            _ => {}
        }
        let how = match self.seen.insert(directive.name) {
            true => How::First,
            false => How::Further,
        };
        directive.assign(&mut self.loaded.config, &file_words(directive, words), how)?;
        Ok(Some(directive))
    }

    fn refuse_second_declaration(&self, words: &[Vec<u8>]) -> Result<(), Refusal> {
        let Some(name) = words.first() else {
            return Ok(());
        };
        let mut declared = self.loaded.config.security.users.0.iter();
        if !declared.any(|user| user.first() == Some(name)) {
            return Ok(());
        }
        Err(Refusal::from(format!(
            "Error in user declaration '{}': Duplicate user found. \
             A user can only be defined once in config files",
            String::from_utf8_lossy(name)
        )))
    }
}

/// A directive of many words may have them all in one pair of quotes.
fn file_words(directive: &Directive, words: &[Vec<u8>]) -> Vec<Vec<u8>> {
    match words {
        [word] if directive.multi && directive.mutability != Mutability::FileOnly => word
            .split(|&byte| byte == b' ')
            .map(<[u8]>::to_vec)
            .collect(),
        _ => words.to_vec(),
    }
}
