//! What a configuration file says, whichever of the formats it is written in.

use std::fmt;
use std::path::PathBuf;

use crate::placement::hash::Hash;
use crate::placement::ring::Distribution;
use crate::placement::roster::Ejection;
use crate::tls;

pub use authority::{Authority, DEFAULT_NAME, KeyPattern, Rights, full_name};

mod authority;
pub mod nutcracker;
mod outline;
pub mod own;
pub mod predixy;

/// Everything that a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Never empty; ordered by name.
    pub pools: Vec<Pool>,
    /// How many threads serve, if the file says so.
    pub threads: Option<usize>,
    /// Where figures and orders are served over HTTP.
    pub admin: Option<String>,
    /// Keys that are understood and have no effect.
    pub ignored: Vec<String>,
}

impl Configuration {
    /// Reads the files that the file names.
    pub fn load(&mut self) -> Result<(), String> {
        self.pools.iter_mut().try_for_each(Pool::load)
    }
}

/// Where a socket listens, or a server is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What the servers of a pool speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Redis,
    Memcached,
}

/// One listener, and the servers behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    pub name: String,
    pub listen: Address,
    /// The permissions of a Unix socket, if they are not to follow from the process.
    pub permissions: Option<u32>,
    pub backlog: u32,
    /// The most clients at a time; 0 is any number.
    pub client_connections: u32,
    pub client_keepalive: bool,
    /// Clients that say nothing for so long are closed; 0 is never.
    pub client_timeout_ms: u64,
    pub reuse_port: bool,
    pub language: Language,
    pub hash: Hash,
    pub hash_tag: Option<[u8; 2]>,
    pub distribution: Distribution,
    /// How long a request may take; 0 is for ever.
    pub timeout_ms: u64,
    pub preconnect: bool,
    /// What clients must say.
    pub password: Option<String>,
    /// What servers are told.
    pub server_password: Option<String>,
    /// Connections to servers are probed that often; 0 is never.
    pub server_keepalive_ms: u64,
    /// Clients are users of the servers, who are asked.
    pub passes_users: bool,
    /// Who may do what; everybody everything if there are none.
    pub authorities: Option<Vec<Authority>>,
    pub db: u32,
    pub server_connections: u32,
    pub ejection: Ejection,
    /// Sorted as placement wants it.
    pub servers: Vec<Server>,
    /// Masters with replicas, instead of a ring.
    pub groups: Option<Groups>,
    /// The nodes of a cluster, instead of either.
    pub cluster: Option<Cluster>,
    pub reading: Reading,
    /// Requests that no server can have run wait so long for one to come back; 0 is not at all.
    pub hold_ms: u64,
    pub dialect: Dialect,
    pub monitors: Vec<Monitor>,
    pub custom: Vec<CustomCommand>,
    /// What the proxy may hold for clients and servers, in bytes; 0 is any amount.
    pub memory_max: u64,
    /// A client that leaves more bytes of replies unread is closed; 0 is any number.
    pub unread_max: u64,
    /// Requests that take as long are noted; none of them if it is missing.
    pub slow_us: Option<u64>,
    /// Whether there are transactions though keys are on several servers.
    pub transactions: bool,
    pub client_tls: Option<tls::Listening>,
    pub server_tls: Option<tls::Connecting>,
    /// Keys come from there when they are first asked for.
    pub source: Option<Box<Pool>>,
}

/// Whose reports and settings clients are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Twemproxy,
    Predixy,
}

/// Who is read from: the servers of the highest priority that work; never those of 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub master_priority: u32,
    /// Of replicas that the file names.
    pub static_priority: u32,
    /// Of replicas that Sentinels or nodes name.
    pub dynamic_priority: u32,
    /// A server that failed is left alone for so long.
    pub retry_ms: u64,
    pub centres: Option<Centres>,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading {
            master_priority: 50,
            static_priority: 0,
            dynamic_priority: 0,
            retry_ms: 1000,
            centres: None,
        }
    }
}

impl Reading {
    /// Whether anybody but masters may be read from.
    pub fn has_replicas(&self) -> bool {
        self.static_priority > 0 || self.dynamic_priority > 0
    }
}

/// Data centres, by the beginnings of addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Centres {
    /// The index of the one that the proxy is in.
    pub local: usize,
    pub list: Vec<Centre>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Centre {
    pub name: String,
    pub prefixes: Vec<String>,
    /// Whom its readers turn to.
    pub policy: Vec<Preference>,
}

/// Reads go to the highest priority; equal ones share them by weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Preference {
    /// The index of a centre.
    pub centre: usize,
    pub priority: u32,
    pub weight: u32,
}

impl Centres {
    /// The centre of an address: that of the longest beginning.
    pub fn of(&self, address: &Address) -> Option<usize> {
        let text = address.to_string();
        let lengths = self.list.iter().enumerate().filter_map(|(index, centre)| {
            let fitting = centre
                .prefixes
                .iter()
                .filter(|p| text.starts_with(p.as_str()));
            fitting.map(String::len).max().map(|len| (len, index))
        });
        lengths.max().map(|(_, index)| index)
    }
}

/// How long chosen commands take.
#[derive(Clone, Debug, PartialEq)]
pub struct Monitor {
    pub name: String,
    pub commands: Vec<Choice>,
    /// Bounds in microseconds, ascending.
    pub spans_us: Vec<u64>,
}

/// Later ones overrule those before.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub adds: bool,
    /// In lower case; none is every command.
    pub command: Option<String>,
}

impl Monitor {
    pub fn watches(&self, command: &str) -> bool {
        let fits = |choice: &&Choice| choice.command.as_deref().is_none_or(|c| c == command);
        let last = self.commands.iter().rev().find(fits);
        last.is_some_and(|choice| choice.adds)
    }
}

/// A command that only the servers know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomCommand {
    /// In lower case.
    pub name: String,
    pub rights: Rights,
    /// How many words a request has, the name included.
    pub words_min: usize,
    pub words_max: usize,
    /// The word that is the key.
    pub key_at: usize,
}

impl Pool {
    /// Whether clients have names, and are answered as by a server that knows users.
    pub fn has_users(&self) -> bool {
        let authorities = self.authorities.as_deref().unwrap_or_default();
        authorities.iter().any(|authority| authority.name.is_some())
    }

    fn load(&mut self) -> Result<(), String> {
        self.client_tls
            .as_mut()
            .map_or(Ok(()), tls::Listening::load)?;
        self.server_tls
            .as_mut()
            .map_or(Ok(()), tls::Connecting::load)?;
        self.source.as_mut().map_or(Ok(()), |source| source.load())
    }

    /// A pool of which nothing is known but its name.
    pub fn named(name: &str) -> Pool {
        Pool {
            name: name.to_owned(),
            listen: Address::Unix(PathBuf::new()),
            permissions: None,
            backlog: 511,
            client_connections: 0,
            client_keepalive: false,
            client_timeout_ms: 0,
            reuse_port: false,
            language: Language::Redis,
            hash: Hash::Crc16,
            hash_tag: None,
            distribution: Distribution::Modula,
            timeout_ms: 0,
            preconnect: false,
            password: None,
            server_password: None,
            server_keepalive_ms: 0,
            passes_users: false,
            authorities: None,
            db: 0,
            server_connections: 1,
            ejection: Ejection {
                automatic: false,
                failure_limit: 1,
                retry_ms: 1000,
            },
            servers: Vec::new(),
            groups: None,
            cluster: None,
            reading: Reading::default(),
            hold_ms: 0,
            dialect: Dialect::Twemproxy,
            monitors: Vec::new(),
            custom: Vec::new(),
            memory_max: 0,
            unread_max: 0,
            slow_us: None,
            transactions: true,
            client_tls: None,
            server_tls: None,
            source: None,
        }
    }
}

/// A cluster, by nodes of which at least one should answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    pub seeds: Vec<Address>,
    pub refresh_ms: u64,
}

/// Masters, each with its replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    pub follow: Follow,
    pub refresh_ms: u64,
    pub hash: GroupHash,
    /// In the order of the file. Never empty.
    pub list: Vec<Group>,
    /// Dbs that clients may select.
    pub dbs: u32,
}

/// Where it is learnt who is a master.
#[derive(Clone, Debug, PartialEq)]
pub enum Follow {
    /// The first server of each group is.
    Fixed,
    Sentinels {
        addresses: Vec<Address>,
        password: Option<String>,
    },
}

/// How keys are spread over groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupHash {
    /// There is one group.
    Nothing,
    Crc16,
    /// The number that a key begins with.
    Number,
    Chance,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What Sentinels call it.
    pub name: String,
    pub servers: Vec<Address>,
}

/// A server of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What is hashed for its place, and what statistics call it.
    pub label: String,
    pub address: Address,
    pub weight: u32,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Counted from 1; 0 if it is about the whole file.
    pub line: usize,
    pub what: String,
}

impl Refusal {
    pub fn new(line: usize, what: impl Into<String>) -> Refusal {
        let what = what.into();
        Refusal { line, what }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

impl std::error::Error for Refusal {}
