//! What was read of a machine and of a server. What could not be read is missing.

use std::collections::BTreeMap;

/// Everything that is judged.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub machine: Machine,
    pub server: Option<Server>,
}

/// The machine that the doctor runs on.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The first and the last port of outgoing connections.
    pub ports: Option<(u64, u64)>,
    /// Connections that are over and keep their port for a minute.
    pub waiting: Option<u64>,
    /// 1 has ports of connections that are over taken again, 2 at the loopback only.
    pub reuse: Option<u64>,
    /// How many connections may wait to be accepted.
    pub backlog: Option<u64>,
    pub overcommit: Option<u64>,
    /// `always`, `madvise` or `never`.
    pub huge_pages: Option<String>,
    pub clock: Option<String>,
    /// Of the server's process if it is here, or else of this one.
    pub open_files: Option<u64>,
    pub memory_bytes: Option<u64>,
    /// What the control group may take.
    pub limit_bytes: Option<u64>,
    pub sync: Option<Sync>,
}

/// How long small writes took to be on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    pub folder: String,
    pub median_micros: u64,
    pub worst_micros: u64,
}

/// A server that answers.
#[derive(Clone, Debug, Default)]
pub struct Server {
    pub address: String,
    /// It runs on this machine.
    pub is_here: bool,
    /// The fields of `INFO`.
    pub info: BTreeMap<String, String>,
    /// What `CONFIG GET *` tells; nothing if it is refused.
    pub config: BTreeMap<String, String>,
    /// The fields of `CLUSTER INFO`; nothing if it is no node.
    pub cluster: BTreeMap<String, String>,
}

impl Server {
    pub fn info(&self, name: &str) -> Option<&str> {
        self.info.get(name).map(String::as_str)
    }

    pub fn figure(&self, name: &str) -> Option<u64> {
        self.info(name)?.parse().ok()
    }

    pub fn setting(&self, name: &str) -> Option<&str> {
        self.config.get(name).map(String::as_str)
    }

    pub fn setting_figure(&self, name: &str) -> Option<u64> {
        self.setting(name)?.parse().ok()
    }

    /// One that saves without a second process.
    pub fn is_ochre(&self) -> bool {
        self.info("server_name") == Some("ochre")
    }

    pub fn is_replica(&self) -> bool {
        self.info("role") == Some("slave")
    }

    pub fn replicas(&self) -> u64 {
        self.figure("connected_slaves").unwrap_or(0)
    }
}

/// The fields of an `INFO`-like text.
pub fn fields(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim_end);
    let pairs = lines.filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
