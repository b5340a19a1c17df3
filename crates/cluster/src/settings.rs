//! What the configuration says about the cluster, as the machine needs it.

use config::{Config, EndpointType};

/// Where a node listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub ip: String,
    pub port: u16,
}

/// Times are milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where clients connect; 0 if they cannot.
    pub port: u16,
    /// Where clients connect with TLS; 0 if they cannot.
    pub tls_port: u16,
    /// Where the bus listens.
    pub bus_port: u16,
    /// Whether the bus, and so what nodes are told, is about TLS.
    pub tls: bool,
    pub node_timeout_ms: u64,
    pub replica_validity_factor: u32,
    pub migration_barrier: u32,
    pub allow_replica_migration: bool,
    pub require_full_coverage: bool,
    pub no_failover: bool,
    /// Unsent bytes at which a link is cut. 0 means never.
    pub link_unsent_bytes_max: u64,
    /// Empty and 0 mean what the node listens on.
    pub announce_ip: String,
    pub announce_hostname: String,
    pub announce_port: u16,
    pub announce_tls_port: u16,
    pub announce_bus_port: u16,
    pub preferred_endpoint: EndpointType,
    /// How often a primary pings its replicas through the stream.
    pub replication_ping_ms: u64,
}

impl Settings {
    /// `port` and `tls_port` are the ones that listen.
    pub fn of(config: &Config, port: u16, tls_port: u16) -> Settings {
        let cluster = &config.cluster;
        let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        let tls = config.tls.cluster;
        let base = if tls { tls_port } else { port };
        Settings {
            port,
            tls_port,
            bus_port: match cluster.port {
                0 => base.saturating_add(10_000),
                chosen => chosen,
            },
            tls,
            node_timeout_ms: cluster.node_timeout,
            replica_validity_factor: cluster.replica_validity_factor,
            migration_barrier: cluster.migration_barrier,
            allow_replica_migration: cluster.allow_replica_migration,
            require_full_coverage: cluster.require_full_coverage,
            no_failover: cluster.no_failover,
            link_unsent_bytes_max: cluster.link_output_limit.0,
            announce_ip: text(cluster.announce_ip.as_bytes()),
            announce_hostname: text(cluster.announce_hostname.as_bytes()),
            announce_port: cluster.announce_port,
            announce_tls_port: cluster.announce_tls_port,
            announce_bus_port: cluster.announce_bus_port,
            preferred_endpoint: cluster.preferred_endpoint,
            replication_ping_ms: u64::from(config.replication.ping_period) * 1000,
        }
    }
}
