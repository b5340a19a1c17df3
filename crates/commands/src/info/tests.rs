use expect_test::expect;

use crate::testing::check;

#[test]
fn info_shows_each_section_once_in_its_order() {
    check(expect![[r##"
        > INFO nosuch
        ""
        > INFO keyspace cluster Keyspace nosuch
        "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n"
        > INFO modules
        "# Modules\r\n"
    "##]]);
}

#[test]
fn info_counts_keys_by_db() {
    check(expect![[r##"
        > SET a 1
        OK
        > SET b 1 PX 100
        OK
        > INFO keyspace
        "# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0\r\n"
        > MULTI
        OK
        > SET c 1
        QUEUED
        > INFO keyspace
        QUEUED
        > EXEC
        1) OK
        2) "# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\n"
        @ +10s
        > GET b
        (nil)
        > INFO keyspace
        "# Keyspace\r\ndb0:keys=2,expires=0,avg_ttl=0\r\n"
    "##]]);
}

#[test]
fn info_tells_how_commands_fared() {
    check(expect![[r##"
        > SET a 1
        OK
        > GET a
        "1"
        > GET
        (error) ERR wrong number of arguments for \'get\' command
        > SET a 1 FOO
        (error) ERR syntax error
        > MEMORY USAGE a
        (integer) 28
        > INFO commandstats
        "# Commandstats\r\ncmdstat_memory|usage:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0\r\ncmdstat_get:calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\ncmdstat_set:calls=2,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1\r\n"
        > INFO errorstats
        "# Errorstats\r\nerrorstat_ERR:count=2\r\n"
        > INFO latencystats
        "# Latencystats\r\nlatency_percentiles_usec_info:p50=0.001,p99=0.001,p99.9=0.001\r\nlatency_percentiles_usec_memory|usage:p50=0.001,p99=0.001,p99.9=0.001\r\nlatency_percentiles_usec_get:p50=0.001,p99=0.001,p99.9=0.001\r\nlatency_percentiles_usec_set:p50=0.001,p99=0.001,p99.9=0.001\r\n"
    "##]]);
}

/// The names of the lines of some sections, of which Redis 7.0.15 shows the same in this order.
fn names_of(sections: &[&str]) -> Vec<String> {
    let mut node = testkit::Node::new(crate::table());
    let words = ["INFO"].iter().chain(sections);
    let words: Vec<Vec<u8>> = words.map(|word| word.as_bytes().to_vec()).collect();
    let Some(resp::value::Value::Bulk(text)) = node.command("", &words) else {
        panic!("INFO answers with text");
    };
    let text = String::from_utf8(text).expect("INFO is text");
    let lines = text.split("\r\n").filter(|line| !line.is_empty());
    let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    lines.map(name).collect()
}

#[test]
fn info_has_every_section() {
    let titles = |sections: &[&str]| {
        let names = names_of(sections);
        let titles = names.iter().filter_map(|name| name.strip_prefix("# "));
        titles.collect::<Vec<_>>().join(" ")
    };
    let default = "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats \
                   Cluster Keyspace";
    let all = "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats \
               Errorstats Latencystats Cluster Keyspace";
    assert_eq!(titles(&[]), default);
    assert_eq!(titles(&["DEFAULT"]), default);
    assert_eq!(titles(&["cpu", "default"]), default);
    assert_eq!(titles(&["all"]), all);
    assert_eq!(titles(&["everything"]), all);
    assert_eq!(titles(&["cpu", "sentinel"]), "CPU");
}

#[test]
fn info_has_every_line_that_redis_has() {
    let lines = [
        SERVER,
        CLIENTS,
        MEMORY,
        PERSISTENCE,
        STATS,
        REPLICATION,
        CPU,
        REST,
    ];
    let expected: Vec<&str> = lines
        .iter()
        .flat_map(|text| text.split_whitespace())
        .collect();
    let names = names_of(&[]);
    let names: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !name.starts_with('#'))
        .collect();
    assert_eq!(names, expected);
}

const SERVER: &str = "\
    redis_version redis_git_sha1 redis_git_dirty redis_build_id redis_mode os arch_bits \
    monotonic_clock multiplexing_api atomicvar_api gcc_version process_id \
    process_supervised run_id tcp_port server_time_usec uptime_in_seconds uptime_in_days \
    hz configured_hz lru_clock executable config_file io_threads_active server_name \
    ochre_version";

const CLIENTS: &str = "\
    connected_clients cluster_connections maxclients client_recent_max_input_buffer \
    client_recent_max_output_buffer blocked_clients tracking_clients \
    clients_in_timeout_table";

const MEMORY: &str = "\
    used_memory used_memory_human used_memory_rss used_memory_rss_human used_memory_peak \
    used_memory_peak_human used_memory_peak_perc used_memory_overhead \
    used_memory_startup used_memory_dataset used_memory_dataset_perc allocator_allocated \
    allocator_active allocator_resident total_system_memory total_system_memory_human \
    used_memory_lua used_memory_vm_eval used_memory_lua_human used_memory_scripts_eval \
    number_of_cached_scripts number_of_functions number_of_libraries \
    used_memory_vm_functions used_memory_vm_total used_memory_vm_total_human \
    used_memory_functions used_memory_scripts used_memory_scripts_human maxmemory \
    maxmemory_human maxmemory_policy allocator_frag_ratio allocator_frag_bytes \
    allocator_rss_ratio allocator_rss_bytes rss_overhead_ratio rss_overhead_bytes \
    mem_fragmentation_ratio mem_fragmentation_bytes mem_not_counted_for_evict \
    mem_replication_backlog mem_total_replication_buffers mem_clients_slaves \
    mem_clients_normal mem_cluster_links mem_aof_buffer mem_allocator \
    active_defrag_running lazyfree_pending_objects lazyfreed_objects";

const PERSISTENCE: &str = "\
    loading async_loading current_cow_peak current_cow_size current_cow_size_age \
    current_fork_perc current_save_keys_processed current_save_keys_total \
    rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time \
    rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec \
    rdb_saves rdb_last_cow_size rdb_last_load_keys_expired rdb_last_load_keys_loaded \
    aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled aof_last_rewrite_time_sec \
    aof_current_rewrite_time_sec aof_last_bgrewrite_status aof_rewrites \
    aof_rewrites_consecutive_failures aof_last_write_status aof_last_cow_size \
    module_fork_in_progress module_fork_last_cow_size";

const STATS: &str = "\
    total_connections_received total_commands_processed instantaneous_ops_per_sec \
    total_net_input_bytes total_net_output_bytes total_net_repl_input_bytes \
    total_net_repl_output_bytes instantaneous_input_kbps instantaneous_output_kbps \
    instantaneous_input_repl_kbps instantaneous_output_repl_kbps rejected_connections \
    sync_full sync_partial_ok sync_partial_err expired_keys expired_stale_perc \
    expired_time_cap_reached_count expire_cycle_cpu_milliseconds evicted_keys \
    evicted_clients total_eviction_exceeded_time current_eviction_exceeded_time \
    keyspace_hits keyspace_misses pubsub_channels pubsub_patterns pubsubshard_channels \
    latest_fork_usec total_forks migrate_cached_sockets slave_expires_tracked_keys \
    active_defrag_hits active_defrag_misses active_defrag_key_hits \
    active_defrag_key_misses total_active_defrag_time current_active_defrag_time \
    tracking_total_keys tracking_total_items tracking_total_prefixes \
    unexpected_error_replies total_error_replies dump_payload_sanitizations \
    total_reads_processed total_writes_processed io_threaded_reads_processed \
    io_threaded_writes_processed reply_buffer_shrinks reply_buffer_expands";

const REPLICATION: &str = "\
    role connected_slaves master_failover_state master_replid master_replid2 \
    master_repl_offset second_repl_offset repl_backlog_active repl_backlog_size \
    repl_backlog_first_byte_offset repl_backlog_histlen";

const CPU: &str = "\
    used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children \
    used_cpu_sys_main_thread used_cpu_user_main_thread";

const REST: &str = "cluster_enabled";

#[test]
fn info_counts_what_was_freed_in_the_background() {
    let mut node = testkit::Node::new(crate::table());
    let figure = |node: &mut testkit::Node, name: &str| {
        let reply = node.send("", b"INFO memory\r\n");
        let text = String::from_utf8_lossy(&reply).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::to_owned)
    };
    node.send("", b"MSET a 1 b 2 c 3\r\nFLUSHALL ASYNC\r\n");
    let pending = figure(&mut node, "lazyfree_pending_objects:");
    assert_eq!(pending.as_deref(), Some("3"));
    node.tick();
    let freed = figure(&mut node, "lazyfreed_objects:");
    assert_eq!(freed.as_deref(), Some("3"));
    node.send("", b"CONFIG RESETSTAT\r\n");
    let freed = figure(&mut node, "lazyfreed_objects:");
    assert_eq!(freed.as_deref(), Some("0"));
}
