//! What was asked for on the command line.
//!
//! Words are read in order up to the first that is no option; that one starts the command.

mod cluster;
mod flag;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use client::{Address, Tls, UriError};
use resp::Protocol;

use crate::output::Format;

use cluster::Cluster;
pub use cluster::{Setting, entry};

/// What was asked for on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    pub host: String,
    pub port: u16,
    pub socket: Option<PathBuf>,
    pub family: client::Family,
    pub patience: Option<Duration>,
    pub tls: bool,
    pub tls_settings: Tls,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    pub askpass: bool,
    /// The password can be seen in the list of processes.
    pub password_shown: bool,
    pub auth_warning: bool,
    pub db: u32,
    /// The version that was asked for by name.
    pub protocol: Option<Protocol>,
    /// How often the command is run; none is forever.
    pub repeat: Option<u64>,
    pub interval: Option<Duration>,
    pub stdin: Stdin,
    pub cluster: bool,
    pub error_code: bool,
    pub quoted_input: bool,
    /// None: as the standard output suggests.
    pub format: Option<Format>,
    pub element_delimiter: Vec<u8>,
    pub reply_delimiter: Vec<u8>,
    pub show_pushes: Option<bool>,
    pub verbose: bool,
    pub mode: Mode,
    /// What stands behind `--cluster-`.
    pub cluster_settings: Vec<Setting>,
    /// `--ldb`, or synchronous.
    pub debugger: Option<Debugger>,
    pub keys: Walk,
    pub pipe_timeout: Option<Duration>,
    pub monochrome: bool,
    pub command: Vec<Vec<u8>>,
}

/// What of the command stands on the standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stdin {
    Unused,
    LastArgument,
    Tag(Vec<u8>),
}

/// What the program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Runs the command, or a shell when there is none.
    Commands,
    BigKeys,
    /// The cluster manager's command.
    Cluster(Cluster),
    Eval(PathBuf),
    HotKeys,
    IntrinsicLatency(Duration),
    Latency,
    LatencyDistribution,
    LatencyHistory,
    LruTest(u64),
    MemoryKeys,
    Pipe,
    Rdb {
        file: PathBuf,
        functions_only: bool,
    },
    Replica,
    Scan,
    Stat,
    Top,
    /// Shows the hint for a line.
    TestHint(Vec<u8>),
    TestHintFile(PathBuf),
    Help,
    Version,
}

/// How a script is debugged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debugger {
    Forked,
    Synchronous,
}

/// How the modes that walk over keys do it.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    pub pattern: Option<Vec<u8>>,
    pub count: Option<u64>,
    pub memory_samples: Option<u64>,
}

/// Why there is nothing to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// Two options that exclude each other.
    Exclusive(&'static str, &'static str),
    LdbWithoutEval,
    /// `--cluster` without a command, or with two.
    Cluster,
    /// Weights are one list.
    ClusterWeights,
    Patience,
    Port,
    QuotedPattern,
    Unrecognized(Vec<u8>),
    Uri(UriError),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::Exclusive(one, other) => {
                write!(f, "Options {one} and {other} are mutually exclusive.")
            }
            UsageError::LdbWithoutEval => {
                f.write_str("Options --ldb and --ldb-sync-mode require --eval.")
            }
            UsageError::Cluster => f.write_str(crate::usage::TEXT.trim_end()),
            UsageError::ClusterWeights => f.write_str(cluster::ONE_LIST),
            UsageError::Patience => f.write_str("Invalid connection timeout for -t."),
            UsageError::Port => f.write_str("Invalid server port."),
            UsageError::QuotedPattern => {
                f.write_str("Invalid quoted string specified for --quoted-pattern.")
            }
            UsageError::Unrecognized(word) => {
                let word = String::from_utf8_lossy(word);
                write!(f, "Unrecognized option or bad number of args for: '{word}'")
            }
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
            family: client::Family::Any,
            patience: None,
            tls: false,
            tls_settings: Tls::default(),
            user: None,
            password: None,
            askpass: false,
            password_shown: false,
            auth_warning: true,
            db: 0,
            protocol: None,
            repeat: Some(1),
            interval: None,
            stdin: Stdin::Unused,
            cluster: false,
            error_code: false,
            quoted_input: false,
            format: None,
            element_delimiter: b"\n".to_vec(),
            reply_delimiter: b"\n".to_vec(),
            show_pushes: None,
            verbose: false,
            mode: Mode::Commands,
            cluster_settings: Vec::new(),
            debugger: None,
            keys: Walk::default(),
            pipe_timeout: Some(Duration::from_secs(30)),
            monochrome: false,
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
            let cluster = cluster::read(&mut options, word, behind)?;
            if cluster.is_none() && !word.starts_with(b"-") {
                break;
            }
            let used = match cluster {
                Some(used) => used,
                None => flag::read(&mut options, word, behind)?,
            };
            rest = &behind[used..];
        }
        options.command = rest.to_vec();
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), UsageError> {
        if self.cluster && self.socket.is_some() {
            return Err(UsageError::Exclusive("-c", "-s"));
        }
        if self.debugger.is_some() && !matches!(self.mode, Mode::Eval(_)) {
            return Err(UsageError::LdbWithoutEval);
        }
        Ok(())
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
            patience: self.patience,
            family: self.family,
            tls: self.tls.then(|| self.tls_settings.clone()),
            source: None,
        }
    }

    /// The version to say hello with: JSON tells more of RESP3.
    pub fn wants_resp3(&self) -> bool {
        let json = matches!(self.format, Some(Format::Json | Format::QuotedJson));
        match self.protocol {
            Some(protocol) => protocol == Protocol::Resp3,
            None => json,
        }
    }
}
