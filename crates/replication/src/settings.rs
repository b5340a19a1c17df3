//! What the configuration says about replication, as the machine needs it.

use config::Config;
use config::{DisklessLoad, OutputLimit};

/// Where a primary listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Primary {
    pub host: String,
    pub port: u16,
}

/// Times are milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The port that is told to the primary.
    pub port: u16,
    /// The address that is told to the primary, if any.
    pub announce_ip: Vec<u8>,
    pub user: Vec<u8>,
    pub password: Vec<u8>,
    pub timeout_ms: u64,
    pub ping_period_ms: u64,
    pub backlog_bytes: u64,
    /// 0 means never.
    pub backlog_ttl_ms: u64,
    pub diskless_sync: bool,
    pub diskless_delay_ms: u64,
    /// A full copy starts at once when so many wait. 0 means only the delay counts.
    pub diskless_replicas: usize,
    pub diskless_load: DisklessLoad,
    pub priority: u32,
    pub read_only: bool,
    pub announced: bool,
    pub replicas_to_write: u32,
    pub lag_max_ms: u64,
    pub output_limit: OutputLimit,
    /// Whether an empty primary that has lost its history may empty this node.
    pub full_sync_from_empty: bool,
    /// The replicas that must confirm each write before its reply. 0 means none.
    pub sync_replicas: u32,
    pub sync_timeout_ms: u64,
}

impl Settings {
    /// `port` is the one that listens, for when none is announced.
    pub fn of(config: &Config, port: u16) -> Settings {
        let replication = &config.replication;
        let seconds = |seconds: u32| u64::from(seconds) * 1000;
        Settings {
            port: match replication.announce_port {
                0 => port,
                announced => announced,
            },
            announce_ip: replication.announce_ip.as_bytes().to_vec(),
            user: replication.primary_user.as_bytes().to_vec(),
            password: replication.primary_password.as_bytes().to_vec(),
            timeout_ms: seconds(replication.timeout),
            ping_period_ms: seconds(replication.ping_period),
            backlog_bytes: replication.backlog_size.0,
            backlog_ttl_ms: replication.backlog_ttl.saturating_mul(1000),
            diskless_sync: replication.diskless_sync,
            diskless_delay_ms: seconds(replication.diskless_sync_delay),
            diskless_replicas: replication.diskless_sync_replicas_max as usize,
            diskless_load: replication.diskless_load,
            priority: replication.priority,
            read_only: replication.read_only,
            announced: replication.announced,
            replicas_to_write: replication.replicas_to_write,
            lag_max_ms: seconds(replication.replicas_lag_max),
            output_limit: config.clients.output_limits.replica,
            full_sync_from_empty: replication.full_sync_from_empty,
            sync_replicas: replication.sync_replicas,
            sync_timeout_ms: replication.sync_timeout,
        }
    }
}
