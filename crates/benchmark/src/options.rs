//! What was asked for on the command line.
//!
//! Words are read in order up to the first that does not begin with a dash; that one starts a
//! command, which then runs instead of the suite.

mod flag;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use client::{Address, Tls, UriError};

/// How many threads there may be.
pub const THREADS_MAX: usize = 500;

/// The largest payload.
pub const DATA_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// The most significant digits of a latency, and how many there are unless told otherwise.
pub const PRECISION_MAX: u8 = 4;
const PRECISION: u8 = 3;

/// What was asked for on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    pub host: String,
    pub port: u16,
    pub socket: Option<PathBuf>,
    pub tls: bool,
    pub tls_settings: Tls,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub db: u32,
    pub resp3: bool,
    pub tracking: bool,
    pub clients: usize,
    pub requests: u64,
    pub data_bytes: usize,
    /// None: a single thread, and nothing said of it.
    pub threads: Option<usize>,
    pub cluster: bool,
    pub keep_alive: bool,
    /// How many different numbers `__rand_int__` stands for; none leaves the word as it is.
    pub keyspace: Option<u64>,
    pub pipeline: usize,
    pub format: Format,
    pub precision: u8,
    pub endless: bool,
    pub idle: bool,
    /// The tests that were named, in lower case; none names all.
    pub tests: Option<Vec<String>>,
    pub stdin: bool,
    pub seed: Option<u64>,
    pub warmup: Duration,
    /// Requests a second that are due whether or not the server keeps up.
    pub rate: Option<f64>,
    pub cpu: bool,
    pub compare: Option<[Address; 2]>,
    pub rounds: usize,
    pub mode: Mode,
    /// Things to be said before anything else.
    pub warnings: Vec<&'static str>,
    pub command: Vec<Vec<u8>>,
}

/// How figures are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Report,
    Quiet,
    Csv,
    Json,
}

/// What the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Measure,
    Help,
    Version,
}

/// Why there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageError {
    Address(String),
    Exclusive(&'static str, &'static str),
    /// No such option, or its value is missing.
    Invalid(Vec<u8>),
    Number(&'static str),
    Uri(UriError),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::Address(text) => write!(f, "Invalid address '{text}': HOST:PORT it is."),
            UsageError::Exclusive(one, other) => {
                write!(f, "Options {one} and {other} are mutually exclusive.")
            }
            UsageError::Invalid(word) => {
                let word = String::from_utf8_lossy(word);
                write!(f, "Invalid option \"{word}\" or option argument missing")
            }
            UsageError::Number(option) => write!(f, "Invalid number for {option}."),
            UsageError::Uri(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UsageError {}

impl Default for Options {
    fn default() -> Options {
        Options {
            host: "127.0.0.1".to_owned(),
            port: 6379,
            socket: None,
            tls: false,
            tls_settings: Tls::default(),
            user: None,
            password: None,
            db: 0,
            resp3: false,
            tracking: false,
            clients: 50,
            requests: 100_000,
            data_bytes: 3,
            threads: None,
            cluster: false,
            keep_alive: true,
            keyspace: None,
            pipeline: 1,
            format: Format::Report,
            precision: PRECISION,
            endless: false,
            idle: false,
            tests: None,
            stdin: false,
            seed: None,
            warmup: Duration::ZERO,
            rate: None,
            cpu: false,
            compare: None,
            rounds: 5,
            mode: Mode::Measure,
            warnings: Vec::new(),
            command: Vec::new(),
        }
    }
}

impl Options {
    /// Reads the words behind the program's name.
    pub fn parse(words: &[Vec<u8>]) -> Result<Options, UsageError> {
        let mut options = Options::default();
        let mut rest = words;
        while let [word, behind @ ..] = rest {
            if !word.starts_with(b"-") {
                break;
            }
            let used = flag::read(&mut options, word, behind)?;
            if options.mode != Mode::Measure {
                return Ok(options);
            }
            rest = &behind[used..];
        }
        options.command = rest.to_vec();
        options.check()?;
        Ok(options)
    }

    fn check(&mut self) -> Result<(), UsageError> {
        if !self.command.is_empty() && self.tests.is_some() {
            self.warnings.push("WARNING: Option -t is ignored.");
        }
        let pairs = [
            (self.cluster && self.socket.is_some(), "--cluster", "-s"),
            (
                self.compare.is_some() && self.cluster,
                "--compare",
                "--cluster",
            ),
            (
                self.compare.is_some() && self.socket.is_some(),
                "--compare",
                "-s",
            ),
            (self.compare.is_some() && self.endless, "--compare", "-l"),
            (self.compare.is_some() && self.idle, "--compare", "-I"),
            (self.rate.is_some() && !self.keep_alive, "--rate", "-k 0"),
        ];
        match pairs.iter().find(|(both, _, _)| *both) {
            Some((_, one, other)) => Err(UsageError::Exclusive(one, other)),
            None => Ok(()),
        }
    }

    pub fn address(&self) -> Address {
        match &self.socket {
            Some(path) => Address::Unix(path.clone()),
            None => Address::Tcp {
                host: self.host.clone(),
                port: self.port,
            },
        }
    }

    pub fn connection(&self) -> client::Options {
        client::Options {
            tls: self.tls.then(|| self.tls_settings.clone()),
            ..client::Options::default()
        }
    }

    /// `AUTH` and its words, if there is a password.
    pub fn credentials(&self) -> Option<Vec<&[u8]>> {
        let password = self.password.as_deref()?;
        Some(match &self.user {
            Some(user) => vec![b"AUTH", user, password],
            None => vec![b"AUTH", password],
        })
    }
}
