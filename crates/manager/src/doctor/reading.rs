//! Reading what is judged: from the kernel's files, from the disk, from the server.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use resp::value::Value;

use super::facts::{Machine, Server, Sync, fields};
use crate::link::{Link, Trouble};

/// How often a small write is synced, and how large it is.
const SYNCS: usize = 24;
const SYNC_BYTES: usize = 4096;

/// Control groups that are not limited say a number near this.
const UNLIMITED: u64 = 1 << 60;

/// What the kernel's files say, of a server's process if one is here.
pub fn machine(root: &Path, process: Option<u64>) -> Machine {
    let text = |path: &str| fs::read_to_string(root.join(path)).ok();
    let number = |path: &str| text(path)?.trim().parse::<u64>().ok();
    let process = process.map_or("self".to_owned(), |id| id.to_string());
    Machine {
        ports: text("proc/sys/net/ipv4/ip_local_port_range").and_then(|text| pair(&text)),
        waiting: text("proc/net/sockstat").and_then(|text| waiting(&text)),
        reuse: number("proc/sys/net/ipv4/tcp_tw_reuse"),
        backlog: number("proc/sys/net/core/somaxconn"),
        overcommit: number("proc/sys/vm/overcommit_memory"),
        huge_pages: text("sys/kernel/mm/transparent_hugepage/enabled")
            .and_then(|text| chosen(&text)),
        clock: text("sys/devices/system/clocksource/clocksource0/current_clocksource")
            .map(|text| text.trim().to_owned()),
        open_files: text(&format!("proc/{process}/limits")).and_then(|text| open_files(&text)),
        memory_bytes: text("proc/meminfo").and_then(|text| total(&text)),
        limit_bytes: limit(root, &process),
        sync: None,
    }
}

/// Two numbers with a tab in between.
fn pair(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// `TCP: inuse 5 orphan 0 tw 12 alloc 6 mem 1`.
fn waiting(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("TCP:"))?;
    let mut words = line.split_whitespace().skip_while(|word| *word != "tw");
    words.nth(1)?.parse().ok()
}

/// `always [madvise] never`.
fn chosen(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    let (word, _) = rest.split_once(']')?;
    Some(word.to_owned())
}

/// `Max open files            1024                 524288               files`.
fn open_files(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// `MemTotal:        4039856 kB`.
fn total(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The least that a process's control groups allow, each of which has those above it.
fn limit(root: &Path, process: &str) -> Option<u64> {
    let groups = fs::read_to_string(root.join(format!("proc/{process}/cgroup"))).ok()?;
    let mut least = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (base, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // A container sees its own group at the top, whatever its name outside.
        let base = root.join(base);
        let own = base.join(path.trim_start_matches('/'));
        let above = own
            .ancestors()
            .take_while(|folder| folder.starts_with(&base));
        for folder in above {
            let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
            let bytes = text
                .trim()
                .parse::<u64>()
                .ok()
                .filter(|bytes| *bytes < UNLIMITED);
            least = [least, bytes].into_iter().flatten().min();
        }
    }
    least
}

/// Writes and syncs a little several times, in a file that is gone afterwards.
pub fn sync(folder: &Path) -> std::io::Result<Sync> {
    let path = folder.join(format!(".ochre-doctor-{}", std::process::id()));
    let measured = measure(&path);
    // A file that could not be made need not be removed.
    drop(fs::remove_file(&path));
    let mut micros = measured?;
    micros.sort_unstable();
    Ok(Sync {
        folder: folder.display().to_string(),
        median_micros: micros[micros.len() / 2],
        worst_micros: micros[micros.len() - 1],
    })
}

fn measure(path: &Path) -> std::io::Result<Vec<u64>> {
    let mut file = fs::File::create(path)?;
    let mut micros = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[b'x'; SYNC_BYTES])?;
        file.sync_data()?;
        micros.push(begun.elapsed().as_micros() as u64);
    }
    Ok(micros)
}

/// Asks a server for everything that it tells of itself.
pub async fn server(link: &mut Link) -> Result<Server, Trouble> {
    let info = fields(&link.text(&["INFO", "all"]).await?);
    // Providers of servers refuse this, and one that is no node has no cluster.
    let config = link.ask(&["CONFIG", "GET", "*"]).await.map(pairs);
    let cluster = link.text(&["CLUSTER", "INFO"]).await;
    let process = info.get("process_id");
    let is_here = process.is_some_and(|id| is_process(id));
    Ok(Server {
        address: link.place.to_string(),
        is_here: is_here && is_own(&link.place.host),
        config: config.unwrap_or_default(),
        cluster: cluster.map(|text| fields(&text)).unwrap_or_default(),
        info,
    })
}

/// Whether a host is this machine, as far as one can tell by its name.
fn is_own(host: &str) -> bool {
    host == "localhost" || host == "::1" || host.starts_with("127.") || {
        // An address is this machine's if one can listen there.
        std::net::TcpListener::bind((host, 0)).is_ok()
    }
}

/// Whether there is a process with this id, whose files can be looked at.
fn is_process(id: &str) -> bool {
    Path::new("/proc").join(id).join("limits").exists()
}

/// Where a server's data is.
pub fn folder(server: &Server) -> Option<PathBuf> {
    server.is_here.then_some(())?;
    server.setting("dir").map(PathBuf::from)
}

fn pairs(value: Value) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::Bulk(text) | Value::Simple(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    let flat = match value {
        Value::Array(items) => items,
        Value::Map(pairs) => pairs
            .into_iter()
            .flat_map(|(name, value)| [name, value])
            .collect(),
        _ => Vec::new(),
    };
    let pairs = flat.chunks_exact(2);
    pairs
        .filter_map(|pair| Some((text(&pair[0])?, text(&pair[1])?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        assert_eq!(pair("32768\t60999\n"), Some((32768, 60999)));
        let sockets =
            "sockets: used 300\nTCP: inuse 5 orphan 0 tw 12 alloc 6 mem 1\nUDP: inuse 0\n";
        assert_eq!(waiting(sockets), Some(12));
        assert_eq!(
            chosen("always [madvise] never\n").as_deref(),
            Some("madvise")
        );
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files  1024  524288  files\n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(total("MemTotal:        4039856 kB\n"), Some(4_136_812_544));
        for nonsense in [
            "",
            "x",
            "TCP: tw",
            "MemTotal: x",
            "Max open files",
            "[",
            "1",
        ] {
            assert_eq!((pair(nonsense), waiting(nonsense)), (None, None));
            assert_eq!((chosen(nonsense), total(nonsense)), (None, None));
            assert_eq!(open_files(nonsense), None);
        }
    }

    #[test]
    fn what_is_missing_is_not_guessed() {
        let machine = machine(Path::new("/nowhere-at-all"), None);
        assert_eq!(format!("{machine:?}"), format!("{:?}", Machine::default()));
    }

    #[test]
    fn replies_of_either_protocol_are_pairs() {
        let word = |text: &str| Value::Bulk(text.as_bytes().to_vec());
        let flat = Value::Array(vec![word("dir"), word("/x"), word("odd")]);
        let map = Value::Map(vec![(word("dir"), word("/x"))]);
        let wanted = BTreeMap::from([("dir".to_owned(), "/x".to_owned())]);
        assert_eq!((pairs(flat), pairs(map)), (wanted.clone(), wanted));
    }
}
