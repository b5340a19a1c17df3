//! Where the memory goes.

use std::sync::atomic::Ordering::Relaxed;

use config::Choice;
use keyspace::DbIndex;

use super::{Lines, human, ratio};
use crate::clients::ClientFlags;
use crate::context::Context;
use crate::host::Memory;

/// What a table takes for one of its keys: its share of a bucket at the load at which tables grow,
/// and of the overflow that about every third bucket has.
pub const KEY_TABLE_BYTES: u64 = 12;

/// What the machine says about memory, and what follows from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MemoryFigures {
    pub host: Memory,
    /// What all clients take, in bytes.
    pub clients: u64,
    pub keys: u64,
}

impl MemoryFigures {
    pub fn of(cx: &mut Context<'_>) -> MemoryFigures {
        // Before this very look at it takes memory of its own.
        let host = cx.engine.host.memory();
        MemoryFigures {
            host,
            clients: cx.engine.clients.tally.bytes(),
            keys: cx.count_keys().iter().map(|(_, keys, _)| keys).sum(),
        }
    }

    /// What the tables of all dbs take, in bytes.
    pub fn tables(&self) -> u64 {
        self.keys * KEY_TABLE_BYTES
    }

    /// Everything but keys and values, in bytes.
    pub fn overhead(&self) -> u64 {
        self.host.startup + self.clients + self.tables()
    }

    /// Keys and values, in bytes.
    pub fn dataset(&self) -> u64 {
        self.host.used.saturating_sub(self.overhead())
    }

    /// The share of the data set in what was taken since the start, in percent.
    pub fn dataset_percent(&self) -> f64 {
        let since_start = self.host.used.saturating_sub(self.host.startup);
        ratio(self.dataset() as f64 * 100.0, since_start as f64)
    }

    /// What is in use, in percent of the most that ever was.
    pub fn peak_percent(&self) -> f64 {
        ratio(self.host.used as f64 * 100.0, self.host.used_peak as f64)
    }

    /// Ratio and difference in bytes of the pages in use to what was asked of the allocator.
    pub fn allocator_fragmentation(&self) -> (f64, i64) {
        compare(self.host.allocator_active, self.host.used)
    }

    /// Of the pages the allocator keeps to those in use.
    pub fn allocator_residence(&self) -> (f64, i64) {
        compare(self.host.allocator_resident, self.host.allocator_active)
    }

    /// Of the whole process to the allocator's pages.
    pub fn residence(&self) -> (f64, i64) {
        compare(self.host.resident, self.host.allocator_resident)
    }

    /// Of the whole process to what was asked of the allocator.
    pub fn fragmentation(&self) -> (f64, i64) {
        compare(self.host.resident, self.host.used)
    }
}

fn compare(whole: u64, part: u64) -> (f64, i64) {
    let difference = whole as i64 - part as i64;
    (ratio(whole as f64, part as f64), difference)
}

/// What the log takes, and whom that is for.
struct ReplicationMemory {
    /// With what of a primary's log waits until its copy is loaded.
    buffers: u64,
    /// As much of the log as is kept anyway.
    backlog: u64,
    /// What replicas take: their sessions, and what is kept for them beyond the backlog.
    replicas: u64,
    sessions: u64,
}

impl ReplicationMemory {
    fn of(cx: &Context<'_>) -> ReplicationMemory {
        let engine = cx.engine;
        let log = match engine.log.is_kept() {
            true => engine.log.memory(),
            false => 0,
        };
        let clients = engine.clients.all();
        let sessions = clients
            .iter()
            .filter(|client| client.has(ClientFlags::REPLICA))
            .map(|client| client.usage.total());
        let sessions = sessions.sum();
        let backlog = match sessions {
            0 => log,
            _ => log.min(cx.config.replication.backlog_size.0),
        };
        let carried = engine.standing.carried_bytes.load(Relaxed);
        ReplicationMemory {
            buffers: log + carried,
            backlog,
            replicas: sessions + log - backlog,
            sessions,
        }
    }
}

impl Context<'_> {
    /// The dbs that hold keys: how many, and how many of them expire.
    pub fn count_keys(&mut self) -> Vec<(DbIndex, u64, u64)> {
        let here = self.db.index();
        let mut counts = Vec::new();
        for index in (0..self.engine.keyspace.dbs()).map(DbIndex) {
            self.db.select(index);
            let (keys, volatile) = self.db.count();
            if keys > 0 {
                counts.push((index, keys as u64, volatile as u64));
            }
        }
        self.db.select(here);
        counts
    }
}

pub(super) fn memory(cx: &mut Context<'_>, lines: &mut Lines) {
    let figures = MemoryFigures::of(cx);
    write_totals(&figures, lines);
    write_scripts(lines);
    lines.bytes("maxmemory", cx.config.memory.limit.0);
    lines.put("maxmemory_policy", cx.config.memory.policy.word());
    write_fragmentation(&figures, lines);
    lines.put("mem_not_counted_for_evict", 0);
    let replication = ReplicationMemory::of(cx);
    lines.put("mem_replication_backlog", replication.backlog);
    lines.put("mem_total_replication_buffers", replication.buffers);
    lines.put("mem_clients_slaves", replication.replicas);
    let normal = figures.clients.saturating_sub(replication.sessions);
    lines.put("mem_clients_normal", normal);
    let (_, held) = cx.engine.bus_figures();
    lines.put("mem_cluster_links", held);
    lines.zeros(&["mem_aof_buffer"]);
    lines.put("mem_allocator", figures.host.allocator);
    lines.put("active_defrag_running", 0);
    let garbage = &cx.engine.garbage;
    lines.put("lazyfree_pending_objects", garbage.pending.load(Relaxed));
    lines.put("lazyfreed_objects", garbage.freed.load(Relaxed));
}

fn write_totals(figures: &MemoryFigures, lines: &mut Lines) {
    let host = &figures.host;
    lines.bytes("used_memory", host.used);
    lines.bytes("used_memory_rss", host.resident);
    lines.bytes("used_memory_peak", host.used_peak);
    let percent = |number: f64| format!("{number:.2}%");
    lines.put("used_memory_peak_perc", percent(figures.peak_percent()));
    lines.put("used_memory_overhead", figures.overhead());
    lines.put("used_memory_startup", host.startup);
    lines.put("used_memory_dataset", figures.dataset());
    lines.put(
        "used_memory_dataset_perc",
        percent(figures.dataset_percent()),
    );
    lines.put("allocator_allocated", host.used);
    lines.put("allocator_active", host.allocator_active);
    lines.put("allocator_resident", host.allocator_resident);
    lines.bytes("total_system_memory", host.system);
}

fn write_scripts(lines: &mut Lines) {
    lines.zeros(&["used_memory_lua", "used_memory_vm_eval"]);
    lines.put("used_memory_lua_human", human(0));
    lines.zeros(&[
        "used_memory_scripts_eval",
        "number_of_cached_scripts",
        "number_of_functions",
        "number_of_libraries",
        "used_memory_vm_functions",
    ]);
    lines.bytes("used_memory_vm_total", 0);
    lines.put("used_memory_functions", 0);
    lines.bytes("used_memory_scripts", 0);
}

fn write_fragmentation(figures: &MemoryFigures, lines: &mut Lines) {
    let pairs = [
        ("allocator_frag", figures.allocator_fragmentation()),
        ("allocator_rss", figures.allocator_residence()),
        ("rss_overhead", figures.residence()),
        ("mem_fragmentation", figures.fragmentation()),
    ];
    for (name, (ratio, bytes)) in pairs {
        lines.put(format_args!("{name}_ratio"), format_args!("{ratio:.2}"));
        lines.put(format_args!("{name}_bytes"), bytes);
    }
}
