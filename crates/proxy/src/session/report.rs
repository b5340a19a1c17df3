//! `INFO` and `CONFIG` as predixy's clients know them.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::{Flow, Session};
use crate::configuration::{Monitor, Pool as Config};
use crate::pool::{Pool, Server};
use crate::stats::{Counter, PoolCounters, Samples, ServerCounters};

type Section = fn(&Pool, &mut String);
type Setting = fn(&Pool) -> String;

/// The parts of `INFO`, and the names they are asked for by.
const SECTIONS: &[(&str, Section)] = &[
    ("Proxy", proxy),
    ("SystemResource", resources),
    ("Stats", stats),
    ("Servers", servers),
    ("LatencyMonitor", monitors),
];

/// Settings that may be asked for.
const SETTINGS: &[(&str, Setting)] = &[
    ("Name", |pool| pool.config.name.clone()),
    ("Bind", |pool| pool.config.listen.to_string()),
    ("WorkerThreads", |pool| pool.counters.len().to_string()),
    ("BufSize", |_| super::SCRATCH_BYTES.to_string()),
    ("LocalDC", |pool| local_centre(&pool.config).to_owned()),
    ("MaxMemory", |pool| {
        pool.live.memory_max.load(Ordering::Relaxed).to_string()
    }),
    ("ClientTimeout", |pool| {
        (pool.live.client_timeout_ms.load(Ordering::Relaxed) / 1000).to_string()
    }),
    ("AllowMissLog", |_| "false".to_owned()),
    ("LogVerbSample", |_| "0".to_owned()),
    ("LogDebugSample", |_| "0".to_owned()),
    ("LogInfoSample", |_| "0".to_owned()),
    ("LogNoticeSample", |_| "1".to_owned()),
    ("LogWarnSample", |_| "1".to_owned()),
    ("LogErrorSample", |_| "1".to_owned()),
];

const WRONG: &str = "ERR argument wrong";

impl Session {
    pub(super) fn report(&mut self, words: &[&[u8]]) -> Flow {
        let pool = &self.client.backend.pool;
        let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let mut text = String::new();
        match words {
            [word] if is(word, "ResetStats") => return self.reset_stats(),
            [word, name] if is(word, "Latency") => {
                let name = String::from_utf8_lossy(name).into_owned();
                let Some(index) = monitor_index(pool, &name) else {
                    return self.error(&format!("ERR latency \"{name}\" no exists"));
                };
                one_monitor(pool, index, &mut text);
            }
            [word, address, names @ ..] if is(word, "ServerLatency") && names.len() < 2 => {
                let address = String::from_utf8_lossy(address).into_owned();
                let view = pool.view();
                let mut all = view.servers.iter();
                let Some(server) = all.find(|server| server.address.to_string() == address) else {
                    return self.error(&format!("ERR server \"{address}\" no exists"));
                };
                let wanted = names
                    .first()
                    .map(|name| String::from_utf8_lossy(name).into_owned());
                if let Some(name) = &wanted
                    && monitor_index(pool, name).is_none()
                {
                    return self.error(&format!("ERR latency \"{name}\" no exists"));
                }
                text = format!("# ServerLatencyMonitor\nServerLatencyMonitorName:{address}\n");
                for (index, monitor) in pool.config.monitors.iter().enumerate() {
                    if wanted.as_ref().is_none_or(|name| *name == monitor.name) {
                        let _ = writeln!(text, "LatencyMonitorName:{}", monitor.name);
                        let samples = server.counters.iter().map(|c| &c.monitors[index]);
                        rows(monitor, samples, &mut text);
                        text.push('\n');
                    }
                }
            }
            [] | [_] => {
                let word = words.first().copied().unwrap_or(b"all");
                for (name, write) in SECTIONS {
                    let also = *name == "Proxy" && is(word, "Server");
                    if is(word, "all") || is(word, name) || also {
                        let _ = writeln!(text, "# {name}");
                        write(pool, &mut text);
                        text.push('\n');
                    }
                }
            }
            _ => return self.error(WRONG),
        }
        self.reply(|reply| reply.verbatim(b"txt", text.as_bytes()));
        Flow::Next
    }

    /// `CONFIG GET`, `SET` and `RESETSTAT`; rights have been looked at.
    pub(super) fn settings(&mut self, words: &[&[u8]]) -> Flow {
        let pool = &self.client.backend.pool;
        let Some((verb, rest)) = words.split_first() else {
            return self.error("ERR wrong number of arguments for 'config' command");
        };
        match (verb.to_ascii_lowercase().as_slice(), rest) {
            (b"get", [name]) => {
                let fits =
                    |setting: &str| *name == b"*" || name.eq_ignore_ascii_case(setting.as_bytes());
                let found = SETTINGS.iter().filter(|(setting, _)| fits(setting));
                let found: Vec<(&str, String)> = found
                    .map(|(setting, value)| (*setting, value(pool)))
                    .collect();
                self.reply(|reply| {
                    reply.array(found.len() * 2);
                    for (setting, value) in &found {
                        reply.bulk(setting.as_bytes());
                        reply.bulk(value.as_bytes());
                    }
                });
                Flow::Next
            }
            (b"set", [name, value]) => match set(pool, name, value) {
                true => self.ok(),
                false => self.error(WRONG),
            },
            (b"resetstat", []) => self.reset_stats(),
            (b"get" | b"set" | b"resetstat", _) => self.error(WRONG),
            _ => self.error("ERR CONFIG subcommand must be one of GET, SET"),
        }
    }

    fn reset_stats(&mut self) -> Flow {
        if !self.is_admin() {
            return self.error(super::authority::DENIED);
        }
        let pool = &self.client.backend.pool;
        for counters in &pool.counters {
            let PoolCounters {
                clients_accepted,
                requests,
                ..
            } = counters;
            let bytes = [&counters.client_bytes_in, &counters.client_bytes_out];
            let all = [clients_accepted, requests].into_iter().chain(bytes);
            all.for_each(Counter::reset);
            counters.monitors.iter().for_each(Samples::reset);
        }
        for server in &pool.view().servers {
            for counters in &server.counters {
                counters.monitors.iter().for_each(Samples::reset);
            }
        }
        self.ok()
    }
}

/// Changes a setting that may be changed. Returns whether it may, and makes sense.
fn set(pool: &Pool, name: &[u8], value: &[u8]) -> bool {
    let Ok(value) = std::str::from_utf8(value) else {
        return false;
    };
    let number = value.parse::<u32>().ok();
    match name.to_ascii_lowercase().as_slice() {
        b"maxmemory" => match crate::configuration::predixy::bytes(value) {
            Some(bytes) => pool.live.memory_max.store(bytes, Ordering::Relaxed),
            None => return false,
        },
        b"clienttimeout" => match number {
            Some(seconds) => {
                let ms = u64::from(seconds) * 1000;
                pool.live.client_timeout_ms.store(ms, Ordering::Relaxed);
            }
            None => return false,
        },
        // The log is written as twemproxy's is: by level, and no line is left out.
        b"allowmisslog" => return value == "true" || value == "false",
        b"logverbsample" | b"logdebugsample" | b"loginfosample" | b"lognoticesample"
        | b"logwarnsample" | b"logerrorsample" => return number.is_some(),
        _ => return false,
    }
    true
}

fn local_centre(config: &Config) -> &str {
    let centres = config.reading.centres.as_ref();
    centres.map_or("", |centres| &centres.list[centres.local].name)
}

fn monitor_index(pool: &Pool, name: &str) -> Option<usize> {
    pool.config
        .monitors
        .iter()
        .position(|monitor| monitor.name == name)
}

fn proxy(pool: &Pool, text: &mut String) {
    let threads = pool.counters.len();
    let _ = write!(
        text,
        "Version:{}\nName:{}\nBind:{}\nRedisMode:proxy\nSingleThread:{}\nWorkerThreads:{threads}\n\
         Uptime:{}\nUptimeSince:{}\n",
        env!("CARGO_PKG_VERSION"),
        pool.config.name,
        pool.config.listen,
        threads == 1,
        pool.now_ms() / 1000,
        crate::log::time_text(crate::pool::unix_us() / 1000 - pool.now_ms()),
    );
}

fn resources(pool: &Pool, text: &mut String) {
    let (system, user) = crate::system::processor_seconds();
    let _ = write!(
        text,
        "UsedMemory:{}\nMaxMemory:{}\nMaxRSS:{}\nUsedCpuSys:{system:.3}\nUsedCpuUser:{user:.3}\n",
        crate::system::memory(),
        pool.live.memory_max.load(Ordering::Relaxed),
        crate::system::memory_peak(),
    );
}

fn stats(pool: &Pool, text: &mut String) {
    let sum = |field: fn(&PoolCounters) -> &Counter| -> u64 {
        pool.counters.iter().map(|c| field(c).get()).sum()
    };
    let view = pool.view();
    let own = |field: fn(&ServerCounters) -> &Counter| -> u64 {
        let all = view.servers.iter().flat_map(|server| &server.counters);
        all.map(|c| field(c).get()).sum()
    };
    let _ = write!(
        text,
        "Accept:{}\nClientConnections:{}\nTotalRequests:{}\nTotalResponses:{}\n\
         TotalRecvClientBytes:{}\nTotalSendServerBytes:{}\nTotalRecvServerBytes:{}\n\
         TotalSendClientBytes:{}\n",
        sum(|c| &c.clients_accepted),
        sum(|c| &c.client_connections),
        sum(|c| &c.requests),
        own(|c| &c.responses),
        sum(|c| &c.client_bytes_in),
        own(|c| &c.request_bytes),
        own(|c| &c.response_bytes),
        sum(|c| &c.client_bytes_out),
    );
}

fn servers(pool: &Pool, text: &mut String) {
    let view = pool.view();
    for (index, server) in view.servers.iter().enumerate() {
        let sum = |field: fn(&ServerCounters) -> &Counter| -> u64 {
            server.counters.iter().map(|c| field(c).get()).sum()
        };
        let (role, group) = pool.role_of(index);
        let groups = pool.config.groups.as_ref().zip(group);
        let group = groups.map_or("", |(groups, group)| &groups.list[group].name);
        let _ = write!(
            text,
            "Server:{}\nRole:{role}\nGroup:{group}\nDC:{}\nCurrentIsFail:{}\nConnections:{}\n\
             Connect:{}\nRequests:{}\nResponses:{}\nSendBytes:{}\nRecvBytes:{}\n\n",
            server.address,
            server.centre(&pool.config.reading),
            u8::from(server.has_failed()),
            sum(|c| &c.server_connections),
            sum(|c| &c.connects),
            sum(|c| &c.requests),
            sum(|c| &c.responses),
            sum(|c| &c.request_bytes),
            sum(|c| &c.response_bytes),
        );
    }
}

fn monitors(pool: &Pool, text: &mut String) {
    for (index, monitor) in pool.config.monitors.iter().enumerate() {
        let _ = writeln!(text, "LatencyMonitorName:{}", monitor.name);
        rows(
            monitor,
            pool.counters.iter().map(|c| &c.monitors[index]),
            text,
        );
        text.push('\n');
    }
}

/// A monitor over all servers, and then of each.
fn one_monitor(pool: &Pool, index: usize, text: &mut String) {
    let monitor = &pool.config.monitors[index];
    let _ = writeln!(
        text,
        "# LatencyMonitor\nLatencyMonitorName:{}",
        monitor.name
    );
    rows(
        monitor,
        pool.counters.iter().map(|c| &c.monitors[index]),
        text,
    );
    for server in &pool.view().servers {
        let Server {
            address, counters, ..
        } = &**server;
        let name = &monitor.name;
        let _ = writeln!(
            text,
            "\n# ServerLatencyMonitor\nServerLatencyMonitorName:{address} {name}"
        );
        rows(monitor, counters.iter().map(|c| &c.monitors[index]), text);
    }
}

/// `<= span sum count share`, `> span sum count share`, and the average, the sum and the count.
fn rows<'a>(monitor: &Monitor, samples: impl Iterator<Item = &'a Samples>, text: &mut String) {
    let mut cells = vec![(0, 0); monitor.spans_us.len() + 1];
    for sample in samples {
        for (cell, (count, sum)) in cells.iter_mut().zip(&sample.cells) {
            *cell = (cell.0 + count.get(), cell.1 + sum.get());
        }
    }
    let (count, sum) = cells
        .iter()
        .fold((0, 0), |all, cell| (all.0 + cell.0, all.1 + cell.1));
    let mut so_far = 0;
    for (at, (own_count, own_sum)) in cells.iter().enumerate().filter(|(_, cell)| cell.0 > 0) {
        so_far += own_count;
        let share = so_far as f64 * 100.0 / count as f64;
        let (sign, span) = match monitor.spans_us.get(at) {
            Some(span) => ("<=", span),
            None => (">", &monitor.spans_us[at - 1]),
        };
        let _ = writeln!(
            text,
            "{sign} {span:>12} {own_sum:>20} {own_count:>16} {share:.2}%"
        );
    }
    let average = sum.checked_div(count).unwrap_or(0);
    let _ = writeln!(text, "T  {average:>12} {sum:>20} {count:>16}");
}
