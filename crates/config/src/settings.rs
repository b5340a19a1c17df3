//! The configuration as the rest of the program sees it: typed and grouped.
//!
//! Hot code reads `config.memory.limit`, never a string. What a field means, and how an operator
//! writes it, stands in its row under `table/`.

mod data;
mod host;
mod peers;

pub use data::{Encodings, Latency, Memory, Persistence, Scripting};
pub use host::{Clients, Logging, Modules, Network, Process, Security, Tls};
pub use peers::{Cluster, Replication, Sentinel};

/// Every setting of a node. `Default` is what a node has without any file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub network: Network,
    pub memory: Memory,
    pub persistence: Persistence,
    pub replication: Replication,
    pub cluster: Cluster,
    pub clients: Clients,
    pub scripting: Scripting,
    pub process: Process,
    pub logging: Logging,
    pub latency: Latency,
    pub encodings: Encodings,
    pub security: Security,
    pub tls: Tls,
    pub modules: Modules,
    pub sentinel: Sentinel,
}

impl Config {
    /// The port that a server is known by: the plain one, if there is one.
    pub fn main_port(&self) -> u16 {
        match self.network.port {
            0 => self.tls.port,
            port => port,
        }
    }

    /// The port that peers of replication are told to connect to.
    pub fn peer_port(&self) -> u16 {
        match self.tls.replication && self.tls.port != 0 {
            true => self.tls.port,
            false => self.network.port,
        }
    }
}
