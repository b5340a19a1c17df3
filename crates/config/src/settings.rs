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
