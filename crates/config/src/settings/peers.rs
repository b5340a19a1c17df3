//! Settings of a node among others.
//!
//! The defaults stand here and nowhere else.

use crate::value::{
    ByteSize, DisklessLoad, EndpointType, HostPort, PropagationError, Statements, Text,
};

/// Following a primary, and being followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Replication {
    pub primary: Option<HostPort>,
    pub primary_user: Text,
    pub primary_password: Text,
    pub serve_stale_data: bool,
    pub read_only: bool,
    pub ignore_memory_limit: bool,
    pub ignore_disk_errors: bool,
    pub lazy_flush: bool,
    pub priority: u32,
    pub announced: bool,
    pub announce_ip: Text,
    pub announce_port: u16,
    pub ping_period: u32,
    pub timeout: u32,
    pub disable_nodelay: bool,
    pub backlog_size: ByteSize,
    pub backlog_ttl: u64,
    pub diskless_sync: bool,
    pub diskless_sync_delay: u32,
    pub diskless_sync_replicas_max: u32,
    pub diskless_load: DisklessLoad,
    pub replicas_to_write: u32,
    pub replicas_lag_max: u32,
    /// How many replicas confirm each write before its reply.
    pub sync_replicas: u32,
    /// Milliseconds.
    pub sync_timeout: u64,
    pub full_sync_from_empty: bool,
    pub propagation_error: PropagationError,
}

impl Default for Replication {
    fn default() -> Replication {
        Replication {
            primary: None,
            primary_user: Text::default(),
            primary_password: Text::default(),
            serve_stale_data: true,
            read_only: true,
            ignore_memory_limit: true,
            ignore_disk_errors: false,
            lazy_flush: false,
            priority: 100,
            announced: true,
            announce_ip: Text::default(),
            announce_port: 0,
            ping_period: 10,
            timeout: 60,
            disable_nodelay: false,
            backlog_size: ByteSize(1 << 20),
            backlog_ttl: 3600,
            diskless_sync: true,
            diskless_sync_delay: 5,
            diskless_sync_replicas_max: 0,
            diskless_load: DisklessLoad::Disabled,
            replicas_to_write: 0,
            replicas_lag_max: 10,
            sync_replicas: 0,
            sync_timeout: 10_000,
            full_sync_from_empty: false,
            propagation_error: PropagationError::Ignore,
        }
    }
}

/// Being one node of a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    pub enabled: bool,
    pub config_file: Text,
    pub node_timeout: u64,
    pub port: u16,
    pub replica_validity_factor: u32,
    pub migration_barrier: u32,
    pub allow_replica_migration: bool,
    pub require_full_coverage: bool,
    pub no_failover: bool,
    pub reads_when_down: bool,
    pub shard_pubsub_when_down: bool,
    pub link_output_limit: ByteSize,
    pub announce_ip: Text,
    pub announce_hostname: Text,
    pub announce_port: u16,
    pub announce_tls_port: u16,
    pub announce_bus_port: u16,
    pub preferred_endpoint: EndpointType,
}

impl Default for Cluster {
    fn default() -> Cluster {
        Cluster {
            enabled: false,
            config_file: "nodes.conf".into(),
            node_timeout: 15000,
            port: 0,
            replica_validity_factor: 10,
            migration_barrier: 1,
            allow_replica_migration: true,
            require_full_coverage: true,
            no_failover: false,
            reads_when_down: false,
            shard_pubsub_when_down: true,
            link_output_limit: ByteSize(0),
            announce_ip: Text::default(),
            announce_hostname: Text::default(),
            announce_port: 0,
            announce_tls_port: 0,
            announce_bus_port: 0,
            preferred_endpoint: EndpointType::Ip,
        }
    }
}

/// What a Sentinel watches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentinel {
    /// Whether the program runs as Sentinel. No directive says so, but how it was started.
    pub is_on: bool,
    pub statements: Statements,
}
