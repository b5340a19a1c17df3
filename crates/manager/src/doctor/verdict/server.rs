//! What a server is told, and how it is.

use super::{Finding, size};
use crate::doctor::facts::Server;

/// As long as a replica may be behind.
const LAG_SECONDS_MAX: u64 = 10;

/// Data of which a full copy is no small matter, and a backlog that spares none.
const LARGE_BYTES: u64 = 1 << 30;
const SMALL_BACKLOG: u64 = 1 << 20;

/// Of what is in memory against what is data.
const FRAGMENTATION_MAX: f64 = 1.5;
const FRAGMENTED_BYTES_MIN: u64 = 256 << 20;

pub fn judge(server: &Server) -> Vec<Finding> {
    let findings = [
        who(server),
        settings(server),
        access(server),
        snapshots(server),
        append_only(server),
        durability(server),
        empty_primary(server),
        link(server),
        replicas(server),
        backlog(server),
        password(server),
        fragmentation(server),
        rejected(server),
        cluster(server),
    ];
    findings.into_iter().flatten().collect()
}

fn who(server: &Server) -> Option<Finding> {
    let version = server.info("redis_version")?;
    let name = match (server.is_ochre(), server.info("server_name")) {
        (true, _) => "Ochre, compatible with Redis",
        (_, Some("valkey")) => "Valkey, compatible with Redis",
        _ => "Redis",
    };
    let role = server.info("role").unwrap_or("?");
    let role = role
        .replace("slave", "replica")
        .replace("master", "primary");
    let read = format!("{name} {version} at {}, {role}", server.address);
    Some(Finding::good("server", read))
}

fn settings(server: &Server) -> Option<Finding> {
    server.config.is_empty().then(|| {
        Finding::note(
            "settings",
            "CONFIG GET is refused",
            "what the server is told cannot be judged",
        )
    })
}

fn access(server: &Server) -> Option<Finding> {
    let is_open = server.setting("requirepass")?.is_empty()
        && server.setting("protected-mode") == Some("no")
        && server
            .setting("bind")
            .is_none_or(|bind| !bind.split(' ').all(is_loopback));
    let read = format!(
        "protected-mode {}, {}",
        server.setting("protected-mode").unwrap_or("?"),
        match server.setting("requirepass") {
            Some("") => "no password",
            _ => "a password",
        }
    );
    Some(match is_open {
        true => Finding::bad(
            "access",
            read,
            "whoever reaches the port reads and writes everything, and may have files written",
            "CONFIG SET requirepass PASSWORD",
        ),
        false => Finding::good("access", read),
    })
}

fn is_loopback(address: &str) -> bool {
    let address = address.trim_start_matches('-');
    address.starts_with("127.") || address == "::1"
}

fn snapshots(server: &Server) -> Option<Finding> {
    let status = server.info("rdb_last_bgsave_status")?;
    let read = format!(
        "save '{}', the last {status}, {} changes since",
        server.setting("save").unwrap_or("?"),
        server.figure("rdb_changes_since_last_save").unwrap_or(0)
    );
    Some(match status {
        "ok" => Finding::good("snapshots", read),
        _ => Finding::bad(
            "snapshots",
            read,
            "the last snapshot failed: while stop-writes-on-bgsave-error is set, writes are \
             refused with MISCONF",
            "BGSAVE   # when its log tells why it failed: disk full, rights, memory",
        ),
    })
}

fn append_only(server: &Server) -> Option<Finding> {
    if server.info("aof_enabled") != Some("1") {
        return None;
    }
    let fields = ["aof_last_write_status", "aof_last_bgrewrite_status"];
    let [write, rewrite] = fields.map(|name| server.info(name).unwrap_or("?"));
    let delayed = server.figure("aof_delayed_fsync").unwrap_or(0);
    let read = format!("last write {write}, last rewrite {rewrite}, {delayed} syncs were late");
    Some(match (write, rewrite, delayed) {
        ("ok", "ok", 0) => Finding::good("append-only file", read),
        ("ok", "ok", _) => Finding::note(
            "append-only file",
            read,
            "the disk was so slow that writes waited for a sync of the append-only file",
        ),
        ("ok", ..) => Finding::bad(
            "append-only file",
            read,
            "the file is not made shorter any longer, and a restart takes longer every day",
            "BGREWRITEAOF   # when the log tells why it failed",
        ),
        _ => Finding::bad(
            "append-only file",
            read,
            "the file cannot be written: writes are refused until it can",
            "df -h DIR   # room and rights in the folder of 'CONFIG GET dir'",
        ),
    })
}

fn durability(server: &Server) -> Option<Finding> {
    let (save, log) = (server.setting("save")?, server.setting("appendonly")?);
    let sync = server.setting("appendfsync").unwrap_or("?");
    let read = format!("save '{save}', appendonly {log}, appendfsync {sync}");
    let policy = server.setting("maxmemory-policy").unwrap_or_default();
    Some(match (save, log, sync) {
        ("", "no", _) if policy.starts_with("allkeys-") => Finding::note(
            "durability",
            read,
            "nothing survives a restart, as befits a cache",
        ),
        ("", "no", _) => Finding::bad(
            "durability",
            read,
            "nothing survives a restart",
            "CONFIG SET appendonly yes",
        ),
        (_, "yes", "no") => Finding::bad(
            "durability",
            read,
            "the kernel writes when it likes: half a minute of writes is lost with the machine",
            "CONFIG SET appendfsync everysec",
        ),
        (_, "no", _) => Finding::note(
            "durability",
            read,
            "what was written since the last snapshot is lost with the server",
        ),
        _ => Finding::good("durability", read),
    })
}

fn empty_primary(server: &Server) -> Option<Finding> {
    let (save, log) = (server.setting("save")?, server.setting("appendonly")?);
    let count = server.replicas();
    let risks = count > 0 && !server.is_replica() && save.is_empty() && log == "no";
    risks.then(|| {
        Finding::bad(
            "empty primary",
            format!("a primary that keeps nothing, with {count} replicas"),
            "if it is started again by itself it comes up empty, and so do its replicas, before \
             anybody notices that it was away",
            "CONFIG SET appendonly yes   # or do not have it restarted by itself",
        )
    })
}

fn link(server: &Server) -> Option<Finding> {
    if !server.is_replica() {
        return None;
    }
    let status = server.info("master_link_status")?;
    let seconds = server.figure("master_link_down_since_seconds").unwrap_or(0);
    let primary = server.info("master_host").unwrap_or("?");
    Some(match status {
        "up" => Finding::good("link", format!("follows {primary}")),
        _ => Finding::bad(
            "link",
            format!("does not reach {primary} for {seconds} seconds"),
            "what is read here is old, and nobody can take over from here",
            "CONFIG GET masterauth   # the log tells why: password, address, firewall",
        ),
    })
}

fn replicas(server: &Server) -> Option<Finding> {
    let count = server.replicas();
    if count == 0 {
        return None;
    }
    let mut behind = Vec::new();
    for (name, line) in &server.info {
        let is_replica = name
            .strip_prefix("slave")
            .is_some_and(|rest| rest.parse::<u32>().is_ok());
        let field = |wanted: &str| {
            let mut words = line.split(',').filter_map(|word| word.split_once('='));
            words
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| value)
        };
        let lag = field("lag").and_then(|lag| lag.parse::<u64>().ok());
        let is_behind =
            field("state") != Some("online") || lag.is_none_or(|lag| lag > LAG_SECONDS_MAX);
        if is_replica && is_behind {
            behind.push(format!(
                "{}:{} {} lag {}",
                field("ip").unwrap_or("?"),
                field("port").unwrap_or("?"),
                field("state").unwrap_or("?"),
                field("lag").unwrap_or("?")
            ));
        }
    }
    Some(match behind.is_empty() {
        true => Finding::good("replicas", format!("{count} follow")),
        false => Finding::bad(
            "replicas",
            behind.join("; "),
            "a replica that is behind loses what it lacks when it takes over",
            "INFO replication   # at the replica; its log tells what it waits for",
        ),
    })
}

fn backlog(server: &Server) -> Option<Finding> {
    let bytes = server.setting_figure("repl-backlog-size")?;
    let used = server.figure("used_memory").unwrap_or(0);
    let is_small = server.replicas() > 0 && bytes <= SMALL_BACKLOG && used >= LARGE_BYTES;
    let read = format!("repl-backlog-size {}, {} of data", size(bytes), size(used));
    (server.replicas() > 0).then(|| match is_small {
        true => Finding::bad(
            "backlog",
            read,
            "a replica that was away for a moment finds its place gone, and all data is sent again",
            "CONFIG SET repl-backlog-size 256mb",
        ),
        false => Finding::good("backlog", read),
    })
}

fn password(server: &Server) -> Option<Finding> {
    let (own, given) = (
        server.setting("requirepass")?,
        server.setting("masterauth")?,
    );
    let is_node = server.info("cluster_enabled") == Some("1");
    let has_others = server.is_replica() || server.replicas() > 0 || is_node;
    let is_bad = has_others && !own.is_empty() && given.is_empty();
    is_bad.then(|| {
        Finding::bad(
            "masterauth",
            "requirepass is set, masterauth is not",
            "after a failover this server follows another, cannot enter there, and falls behind \
             unnoticed",
            "CONFIG SET masterauth PASSWORD",
        )
    })
}

fn fragmentation(server: &Server) -> Option<Finding> {
    let ratio: f64 = server.info("mem_fragmentation_ratio")?.parse().ok()?;
    let used = server.figure("used_memory")?;
    let read = format!(
        "{ratio} times the data is in memory ({} of data)",
        size(used)
    );
    Some(
        match ratio > FRAGMENTATION_MAX && used >= FRAGMENTED_BYTES_MIN {
            true => Finding::bad(
                "fragmentation",
                read,
                "memory that was freed is not given back, or was never needed again",
                "MEMORY PURGE   # then: CONFIG SET activedefrag yes",
            ),
            false => Finding::good("fragmentation", read),
        },
    )
}

fn rejected(server: &Server) -> Option<Finding> {
    let rejected = server.figure("rejected_connections")?;
    let limit = server.setting("maxclients").unwrap_or("?");
    let read = format!("{rejected} connections refused, maxclients {limit}");
    Some(match rejected {
        0 => Finding::good("clients", read),
        _ => Finding::bad(
            "clients",
            read,
            "there were more clients than may be: often somebody does not close what he opens",
            "CLIENT LIST   # who has so many; or: CONFIG SET maxclients N",
        ),
    })
}

fn cluster(server: &Server) -> Option<Finding> {
    let state = server.cluster.get("cluster_state")?;
    let field = |name: &str| server.cluster.get(name).map_or("?", String::as_str);
    let read = format!(
        "cluster_state:{state}, {} of 16384 slots served, {} nodes known",
        field("cluster_slots_ok"),
        field("cluster_known_nodes")
    );
    Some(match state.as_str() {
        "ok" => Finding::good("cluster", read),
        _ => Finding::bad(
            "cluster",
            read,
            "a node that does not see all slots served by a majority refuses what clients ask",
            format!("ochre cluster check {}", server.address),
        ),
    })
}
