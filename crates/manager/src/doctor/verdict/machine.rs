//! What the kernel is told, and what the disk can do.

use super::{Finding, size};
use crate::doctor::facts::{Facts, Machine, Server, Sync};

/// How long a connection that is over keeps its port.
const WAITING_SECONDS: u64 = 60;

/// Descriptors a server keeps for itself.
const OWN_FILES: u64 = 32;

/// What servers ask for if nobody says otherwise.
const CLIENTS: u64 = 10_000;
const BACKLOG: u64 = 511;

/// The bus of a cluster's node is so far from its port.
const BUS_DISTANCE: u64 = 10_000;

/// Clocks that are read without a call to the kernel.
const QUICK_CLOCKS: &[&str] = &["tsc", "kvm-clock", "hyperv_clocksource", "arch_sys_counter"];

/// Longer than a disk takes that is not overloaded.
const MEDIAN_MICROS_MAX: u64 = 20_000;
const WORST_MICROS_MAX: u64 = 200_000;

pub fn judge(facts: &Facts) -> Vec<Finding> {
    let machine = &facts.machine;
    let server = facts.server.as_ref();
    let mut findings: Vec<Option<Finding>> = vec![ports(machine)];
    // What is elsewhere cannot be seen from here.
    if server.is_none_or(|server| server.is_here) {
        findings.extend([
            listening(machine, server),
            backlog(machine, server),
            overcommit(machine, server),
            huge_pages(machine),
            open_files(machine, server),
            clock(machine),
            machine.sync.as_ref().map(|sync| disk(sync, server)),
            limit(machine, server),
        ]);
    }
    findings.into_iter().flatten().collect()
}

/// Ports of outgoing connections, which programs run out of that connect for every request.
fn ports(machine: &Machine) -> Option<Finding> {
    let (first, last) = machine.ports?;
    let count = (last + 1).saturating_sub(first);
    let waiting = machine.waiting.unwrap_or(0);
    let rate = count / WAITING_SECONDS;
    let read = format!(
        "{waiting} connections in TIME_WAIT, {count} ports ({first}-{last}), \
         net.ipv4.tcp_tw_reuse = {}",
        machine
            .reuse
            .map_or("?".to_owned(), |value| value.to_string())
    );
    let why = format!(
        "a connection that its client closes keeps its port for {WAITING_SECONDS} seconds, so \
         one client address opens at most {rate} a second to one server; beyond that connecting \
         fails with 'Cannot assign requested address'. Programs that keep their connections never \
         get there. (tcp_fin_timeout does not shorten this, and tcp_tw_recycle is gone.)"
    );
    let mend = match machine.reuse {
        Some(1) => "sysctl -w net.ipv4.ip_local_port_range='16384 65535'",
        _ => "sysctl -w net.ipv4.tcp_tw_reuse=1",
    };
    Some(match waiting * 2 > count || count < 10_000 {
        true => Finding::bad("ports", read, why, mend),
        false => Finding::good("ports", read),
    })
}

/// A port of the server's may be given to somebody who connects, while the server is down.
fn listening(machine: &Machine, server: Option<&Server>) -> Option<Finding> {
    let (first, last) = machine.ports?;
    let server = server?;
    let port = server.figure("tcp_port").filter(|port| *port > 0)?;
    let is_node = server.info("cluster_enabled") == Some("1");
    let wanted = [Some(port), is_node.then_some(port + BUS_DISTANCE)];
    let taken: Vec<String> = wanted
        .into_iter()
        .flatten()
        .filter(|port| (first..=last).contains(port))
        .map(|port| port.to_string())
        .collect();
    if taken.is_empty() {
        return Some(Finding::good("own ports", format!("{port}")));
    }
    let list = taken.join(",");
    Some(Finding::bad(
        "own ports",
        format!("{list} within {first}-{last}"),
        "the system gives ports of that range to outgoing connections: a server that starts \
         again may find its own taken, and does not come up",
        format!("sysctl -w net.ipv4.ip_local_reserved_ports={list}"),
    ))
}

fn backlog(machine: &Machine, server: Option<&Server>) -> Option<Finding> {
    let allowed = machine.backlog?;
    let wanted = server.and_then(|server| server.setting_figure("tcp-backlog"));
    let wanted = wanted.unwrap_or(BACKLOG);
    let read = format!("net.core.somaxconn = {allowed}, tcp-backlog {wanted}");
    Some(match allowed < wanted {
        false => Finding::good("somaxconn", read),
        true => Finding::bad(
            "somaxconn",
            read,
            "the kernel cuts the queue of connections that wait to be accepted: when many clients \
             come at once, as after a failover, some wait for a second and more",
            format!("sysctl -w net.core.somaxconn={}", wanted.max(1024)),
        ),
    })
}

fn overcommit(machine: &Machine, server: Option<&Server>) -> Option<Finding> {
    let value = machine.overcommit?;
    let read = format!("vm.overcommit_memory = {value}");
    let forks = server.is_some_and(|server| !server.is_ochre());
    let why = match (value, forks) {
        (0, true) => {
            "a background save needs a second process, which the kernel refuses when the data \
             takes more than what is free: saves and full copies to replicas fail"
        }
        (2, _) => "the kernel refuses memory that it could give, and the server ends or saves fail",
        _ => return Some(Finding::good("overcommit", read)),
    };
    let mend = "sysctl -w vm.overcommit_memory=1";
    Some(Finding::bad("overcommit", read, why, mend))
}

fn huge_pages(machine: &Machine) -> Option<Finding> {
    let value = machine.huge_pages.as_deref()?;
    let read = format!("transparent_hugepage = {value}");
    Some(match value {
        "always" => Finding::bad(
            "huge pages",
            read,
            "memory is taken in pieces of 2 MB: what is freed in between is not given back, and a \
             server that forks copies 2 MB for the first byte that changes, which clients wait for",
            "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        ),
        _ => Finding::good("huge pages", read),
    })
}

fn open_files(machine: &Machine, server: Option<&Server>) -> Option<Finding> {
    let files = machine.open_files?;
    let clients = server.and_then(|server| server.setting_figure("maxclients"));
    let clients = clients.unwrap_or(CLIENTS);
    let wanted = clients + OWN_FILES;
    let read = format!("{files} open files, maxclients {clients}");
    Some(match files < wanted {
        false => Finding::good("open files", read),
        true => Finding::bad(
            "open files",
            read,
            format!("every client takes one: with all {clients} the server would need {wanted}"),
            format!("LimitNOFILE={wanted}   # in the unit, or: ulimit -n {wanted}"),
        ),
    })
}

fn clock(machine: &Machine) -> Option<Finding> {
    let clock = machine.clock.as_deref()?;
    let read = format!("clock source {clock}");
    Some(match QUICK_CLOCKS.contains(&clock) {
        true => Finding::good("clock", read),
        false => Finding::bad(
            "clock",
            read,
            "reading this clock is a call to the kernel, and servers read it for every command",
            "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
        ),
    })
}

fn disk(sync: &Sync, server: Option<&Server>) -> Finding {
    let millis = |micros: u64| micros as f64 / 1000.0;
    let (median, worst) = (sync.median_micros, sync.worst_micros);
    let read = format!(
        "a synced write in {} takes {:.1} ms, at worst {:.1} ms",
        sync.folder,
        millis(median),
        millis(worst)
    );
    if median <= MEDIAN_MICROS_MAX && worst <= WORST_MICROS_MAX {
        return Finding::good("disk", read);
    }
    let always = server.and_then(|server| server.setting("appendfsync")) == Some("always");
    let why = match always {
        true => "with appendfsync always every write waits for this",
        false => {
            "a sync of the append-only file that takes longer than a second makes writes wait, \
             and the disk is nearly there when nothing else goes on"
        }
    };
    let mend = match always {
        true => "CONFIG SET appendfsync everysec   # or a disk of its own for the data",
        false => "dir /another/disk   # one that nobody else writes to",
    };
    Finding::bad("disk", read, why, mend)
}

/// Whether the kernel ends the server before it refuses a write.
fn limit(machine: &Machine, server: Option<&Server>) -> Option<Finding> {
    let total = machine.memory_bytes?;
    let (limit, whose) = match machine.limit_bytes.filter(|limit| *limit < total) {
        Some(limit) => (limit, "the control group allows"),
        None => (total, "the machine has"),
    };
    let is_cut = limit < total;
    let Some(server) = server else {
        return Some(Finding::good("memory", format!("{whose} {}", size(limit))));
    };
    let maximum = server.setting_figure("maxmemory").unwrap_or(0);
    let used = server.figure("used_memory").unwrap_or(0);
    let read = match maximum {
        0 => format!("no maxmemory, {} used, {whose} {}", size(used), size(limit)),
        _ => format!(
            "maxmemory {}, {} used, {whose} {}",
            size(maximum),
            size(used),
            size(limit)
        ),
    };
    let why = "what the kernel does not give it takes by ending the server; a server with a limit \
               of its own refuses writes or evicts keys before";
    let mend = format!("CONFIG SET maxmemory {}mb", limit / 5 * 4 / (1 << 20));
    let is_bad = match maximum {
        0 => is_cut || used > limit / 2,
        _ => maximum > limit / 10 * 9,
    };
    Some(match is_bad {
        true => Finding::bad("memory", read, why, mend),
        false => Finding::good("memory", read),
    })
}
