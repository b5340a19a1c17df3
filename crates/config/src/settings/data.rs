//! Settings of the data set: memory, files, encodings, scripts.
//!
//! The defaults stand here and nowhere else.

use crate::value::{
    AppendFsync, ByteSize, EvictionPolicy, Percentiles, SanitizeDump, SavePoint, SavePoints, Text,
};

/// How much memory the data set may take, and what gives way.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    pub limit: ByteSize,
    pub policy: EvictionPolicy,
    pub samples: u32,
    pub eviction_tenacity: u32,
    pub lfu_log_factor: u32,
    pub lfu_decay_time: u32,
    pub active_expire_effort: u32,
    pub lazy_eviction: bool,
    pub lazy_expire: bool,
    pub lazy_server_del: bool,
    pub lazy_user_del: bool,
    pub lazy_user_flush: bool,
    pub active_rehashing: bool,
    pub active_defrag: bool,
    pub defrag_ignore_bytes: ByteSize,
    pub defrag_threshold_lower: u32,
    pub defrag_threshold_upper: u32,
    pub defrag_cycle_min: u32,
    pub defrag_cycle_max: u32,
    pub defrag_scan_fields_max: u64,
    pub allocator_thread: bool,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            limit: ByteSize(0),
            policy: EvictionPolicy::NoEviction,
            samples: 5,
            eviction_tenacity: 10,
            lfu_log_factor: 10,
            lfu_decay_time: 1,
            active_expire_effort: 1,
            lazy_eviction: false,
            lazy_expire: false,
            lazy_server_del: false,
            lazy_user_del: false,
            lazy_user_flush: false,
            active_rehashing: true,
            active_defrag: false,
            defrag_ignore_bytes: ByteSize(100 << 20),
            defrag_threshold_lower: 10,
            defrag_threshold_upper: 100,
            defrag_cycle_min: 1,
            defrag_cycle_max: 25,
            defrag_scan_fields_max: 1000,
            allocator_thread: true,
        }
    }
}

/// Snapshots and the append-only file.
#[derive(Clone, Debug, PartialEq)]
pub struct Persistence {
    pub save: SavePoints,
    pub dir: Text,
    pub dbfilename: Text,
    pub stop_writes_on_error: bool,
    pub rdb_compression: bool,
    pub rdb_checksum: bool,
    pub delete_sync_files: bool,
    pub rdb_incremental_fsync: bool,
    pub sanitize_dump: SanitizeDump,
    pub append_only: bool,
    pub append_filename: Text,
    pub append_dirname: Text,
    pub append_fsync: AppendFsync,
    pub no_fsync_on_rewrite: bool,
    pub rewrite_percentage: u32,
    pub rewrite_size_min: ByteSize,
    pub load_truncated: bool,
    pub load_corrupt_tail_max: ByteSize,
    pub rdb_preamble: bool,
    pub rewrite_incremental_fsync: bool,
    pub append_timestamps: bool,
    pub append_sums: bool,
    pub keep_history: bool,
    pub key_save_delay: i64,
    pub key_load_delay: i64,
    pub loading_events_interval: u32,
}

impl Default for Persistence {
    fn default() -> Persistence {
        Persistence {
            save: default_save_points(),
            dir: "./".into(),
            dbfilename: "dump.rdb".into(),
            stop_writes_on_error: true,
            rdb_compression: true,
            rdb_checksum: true,
            delete_sync_files: false,
            rdb_incremental_fsync: true,
            sanitize_dump: SanitizeDump::No,
            append_only: false,
            append_filename: "appendonly.aof".into(),
            append_dirname: "appendonlydir".into(),
            append_fsync: AppendFsync::EverySecond,
            no_fsync_on_rewrite: false,
            rewrite_percentage: 100,
            rewrite_size_min: ByteSize(64 << 20),
            load_truncated: true,
            load_corrupt_tail_max: ByteSize(0),
            rdb_preamble: true,
            rewrite_incremental_fsync: true,
            append_timestamps: false,
            append_sums: false,
            keep_history: false,
            key_save_delay: 0,
            key_load_delay: 0,
            loading_events_interval: 2 << 20,
        }
    }
}

/// How large a collection may grow in its compact encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct Encodings {
    pub hash_entries_max: u64,
    pub hash_value_max: ByteSize,
    pub set_integers_max: u64,
    pub sorted_set_entries_max: u64,
    pub sorted_set_value_max: ByteSize,
    pub list_node_size_max: i64,
    pub list_compress_depth: u32,
    pub hyperloglog_sparse_max: ByteSize,
    pub stream_node_bytes_max: ByteSize,
    pub stream_node_entries_max: u64,
}

impl Default for Encodings {
    fn default() -> Encodings {
        Encodings {
            hash_entries_max: 512,
            hash_value_max: ByteSize(64),
            set_integers_max: 512,
            sorted_set_entries_max: 128,
            sorted_set_value_max: ByteSize(64),
            list_node_size_max: -2,
            list_compress_depth: 0,
            hyperloglog_sparse_max: ByteSize(3000),
            stream_node_bytes_max: ByteSize(4096),
            stream_node_entries_max: 100,
        }
    }
}

/// Scripts and functions.
#[derive(Clone, Debug, PartialEq)]
pub struct Scripting {
    pub busy_reply_threshold: u64,
    pub deprecated_api: bool,
}

impl Default for Scripting {
    fn default() -> Scripting {
        Scripting {
            busy_reply_threshold: 5000,
            deprecated_api: false,
        }
    }
}

/// Slow commands and where time goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    pub slow_log_threshold: i64,
    pub slow_log_len_max: u64,
    pub monitor_threshold: u64,
    pub tracking: bool,
    pub info_percentiles: Percentiles,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency {
            slow_log_threshold: 10000,
            slow_log_len_max: 128,
            monitor_threshold: 0,
            tracking: true,
            info_percentiles: Percentiles(vec![50.0, 99.0, 99.9]),
        }
    }
}

/// Sooner the more changes there are.
fn default_save_points() -> SavePoints {
    let point = |seconds, changes| SavePoint { seconds, changes };
    SavePoints(vec![point(3600, 1), point(300, 100), point(60, 10_000)])
}
