//! What a Sentinel is told when it starts.

use config::{Config, Loaded};

/// What the configuration says outside of Sentinel's own statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The port that peers can reach, for when none is announced.
    pub port: u16,
    /// What clients and peers must say, and what peers are told if nothing else is configured.
    pub password: Vec<u8>,
}

impl Settings {
    /// `port` is the one that listens; with TLS between nodes, the one of TLS.
    pub fn of(config: &Config, port: u16) -> Settings {
        Settings {
            port,
            password: config.security.password.as_bytes().to_vec(),
        }
    }
}

/// A line of the configuration file that begins with `sentinel`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where it stands, from 1; 0 if it came from somewhere else.
    pub line: usize,
    /// As it was written.
    pub text: Vec<u8>,
    /// Its words behind `sentinel`.
    pub words: Vec<Vec<u8>>,
}

impl Statement {
    /// Those of a configuration that was read.
    pub fn all(loaded: &Loaded) -> Vec<Statement> {
        let words = loaded.config.sentinel.statements.0.iter();
        let origins = loaded.origins_of("sentinel");
        words
            .zip(origins)
            .map(|(words, origin)| Statement {
                line: origin.line,
                text: origin.text.clone(),
                words: words.clone(),
            })
            .collect()
    }
}
