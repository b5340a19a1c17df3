//! predixy's configuration: blocks of `Key Value`, and files that include others.

use std::path::{Path, PathBuf};

use super::{
    Address, Authority, Cluster, Configuration, Dialect, Follow, Group, GroupHash, Groups,
    KeyPattern, Monitor, Pool, Refusal, Rights, Server,
};

mod extras;

/// Clients wait so long for a master that has failed to be replaced, before they hear of it.
const HOLD_MS: u64 = 10_000;

/// A line, and the block behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    key: String,
    value: String,
    line: usize,
    block: Vec<Node>,
    has_block: bool,
}

/// Reads the text of an included file.
pub type Include<'a> = &'a dyn Fn(&Path) -> Result<String, String>;

/// Blocks within blocks.
const DEPTH_MAX: usize = 8;
const INCLUDES_MAX: usize = 32;

pub fn parse(text: &str, path: &Path, include: Include<'_>) -> Result<Configuration, Refusal> {
    let nodes = read(text, path, include, &mut vec![path.to_owned()])?;
    build(&nodes)
}

fn read(
    text: &str,
    path: &Path,
    include: Include<'_>,
    chain: &mut Vec<PathBuf>,
) -> Result<Vec<Node>, Refusal> {
    // The innermost open block is last; the first is the file itself.
    let mut open: Vec<Vec<Node>> = vec![Vec::new()];
    let mut last_line = 0;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        last_line = number;
        let refuse = |what: &str| Refusal::new(number, format!("{}: {what}", path.display()));
        let (key, value, begins) = words(line).map_err(refuse)?;
        if key.is_empty() {
            continue;
        }
        if key == "}" {
            let block = open.pop().unwrap_or_default();
            let above = open.last_mut().and_then(|nodes| nodes.last_mut());
            above.ok_or_else(|| refuse("`}` closes nothing"))?.block = block;
            continue;
        }
        if key.eq_ignore_ascii_case("include") {
            let target = path.parent().unwrap_or(Path::new("")).join(&value);
            if chain.contains(&target) || chain.len() >= INCLUDES_MAX {
                return Err(refuse("a file includes itself"));
            }
            let text = include(&target).map_err(|what| refuse(&what))?;
            chain.push(target.clone());
            let nodes = read(&text, &target, include, chain)?;
            chain.pop();
            open.last_mut()
                .into_iter()
                .for_each(|block| block.extend(nodes.clone()));
            continue;
        }
        if open.len() > DEPTH_MAX {
            return Err(refuse("blocks within too many blocks"));
        }
        open.last_mut().into_iter().for_each(|block| {
            block.push(Node {
                key: key.clone(),
                value: value.clone(),
                line: number,
                block: Vec::new(),
                has_block: begins,
            });
        });
        if begins {
            open.push(Vec::new());
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(nodes), true) => Ok(nodes),
        _ => Err(Refusal::new(
            last_line,
            format!("{}: a block is not closed", path.display()),
        )),
    }
}

/// The key of a line, its value, and whether a block begins behind it.
fn words(line: &str) -> Result<(String, String, bool), &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Default::default());
    }
    let (key, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim();
    if let Some(quoted) = rest.strip_prefix('"') {
        let (mut value, mut letters) = (String::new(), quoted.char_indices());
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    let behind = quoted[at + 1..].trim();
                    let begins = behind == "{";
                    return match begins || behind.is_empty() || behind.starts_with('#') {
                        true => Ok((key.to_owned(), value, begins)),
                        false => Err("more behind a quoted value"),
                    };
                }
                '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
                _ => value.push(letter),
            }
        }
        return Err("a quote is not closed");
    }
    let comment = rest
        .match_indices('#')
        .find(|(at, _)| *at == 0 || rest[..*at].ends_with([' ', '\t']));
    let rest = comment.map_or(rest, |(at, _)| &rest[..at]).trim_end();
    let (value, begins) = match rest.strip_suffix('{') {
        Some(value) => (value.trim_end(), true),
        None => (rest, false),
    };
    let (key, begins) = match key.strip_suffix('{') {
        Some(key) if !key.is_empty() => (key, true),
        _ => (key, begins),
    };
    Ok((key.to_owned(), value.to_owned(), begins))
}

impl Node {
    fn is(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    fn refuse(&self, what: impl Into<String>) -> Refusal {
        Refusal::new(self.line, format!("{}: {}", self.key, what.into()))
    }

    fn number(&self, least: u64, most: u64) -> Result<u64, Refusal> {
        let number = self.value.parse().ok();
        let number = number.filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| self.refuse(format!("a number from {least} to {most}")))
    }

    /// A time in milliseconds: a number of seconds, or with a unit. `m` is milliseconds.
    fn time_ms(&self) -> Result<u64, Refusal> {
        let digits = self.value.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = self.value.split_at(digits);
        let number: u64 = number.parse().map_err(|_| self.refuse("not a time"))?;
        let ms = match unit.trim() {
            "" | "s" => number.checked_mul(1000),
            "ms" | "m" => Some(number),
            "us" | "u" => Some(number / 1000),
            _ => None,
        };
        ms.ok_or_else(|| self.refuse("not a time"))
    }

    fn bytes(&self) -> Result<u64, Refusal> {
        bytes(&self.value).ok_or_else(|| self.refuse("not a number of bytes"))
    }

    /// The items of a list: lines that begin with `+`.
    fn items(&self) -> Result<Vec<String>, Refusal> {
        let item = |node: &Node| match node.key.as_str() {
            "+" => Ok(node.value.clone()),
            _ => match node.key.strip_prefix('+') {
                Some(joined) => Ok(format!("{joined} {}", node.value).trim_end().to_owned()),
                None => Err(node.refuse("an item begins with `+`")),
            },
        };
        self.block.iter().map(item).collect()
    }
}

/// A number of bytes, perhaps of thousands, millions or milliards of them.
pub fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim().to_ascii_uppercase().as_str() {
        "" => 1,
        "K" | "KB" => 1 << 10,
        "M" | "MB" => 1 << 20,
        "G" | "GB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// What a file may say without effect.
const IGNORED: &[&str] = &[
    "BufSize",
    "Log",
    "LogRotate",
    "AllowMissLog",
    "LogVerbSample",
    "LogDebugSample",
    "LogInfoSample",
    "LogNoticeSample",
    "LogWarnSample",
    "LogErrorSample",
];

fn build(nodes: &[Node]) -> Result<Configuration, Refusal> {
    let mut listen = Address::Tcp {
        host: "0.0.0.0".to_owned(),
        port: 7617,
    };
    let (mut name, mut pool, mut threads) = (String::new(), None, 1);
    let (mut authorities, mut client_timeout_ms, mut ignored) = (None, 0, Vec::new());
    let (mut memory_max, mut local, mut centres) = (0, "", None);
    let (mut monitors, mut custom): (Vec<Monitor>, _) = (Vec::new(), Vec::new());
    for node in nodes {
        if node.is("Name") {
            name.clone_from(&node.value);
        } else if node.is("Bind") {
            listen = address(&node.value).ok_or_else(|| node.refuse("not an address"))?;
        } else if node.is("WorkerThreads") {
            threads = node.number(1, 1024)? as usize;
        } else if node.is("ClientTimeout") {
            client_timeout_ms = node.number(0, u64::from(u32::MAX))? * 1000;
        } else if node.is("MaxMemory") {
            memory_max = node.bytes()?;
        } else if node.is("LocalDC") {
            local = &node.value;
        } else if node.is("DataCenter") {
            centres = Some(node);
        } else if node.is("LatencyMonitor") {
            monitors.push(extras::monitor(node)?);
        } else if node.is("CustomCommand") {
            custom.extend(extras::custom_commands(node)?);
        } else if node.is("Authority") {
            authorities = Some(authority(node)?);
        } else if node.is("StandaloneServerPool") || node.is("SentinelServerPool") {
            if pool.is_some() {
                return Err(node.refuse("there is a pool already"));
            }
            pool = Some(group_pool(node, node.is("SentinelServerPool"))?);
        } else if node.is("ClusterServerPool") {
            if pool.is_some() {
                return Err(node.refuse("there is a pool already"));
            }
            pool = Some(cluster_pool(node)?);
        } else if IGNORED.iter().any(|key| node.is(key)) {
            ignored.push(node.key.clone());
        } else {
            return Err(node.refuse("no such key"));
        }
    }
    let mut pool = pool.ok_or_else(|| Refusal::new(0, "no pool of servers"))?;
    pool.listen = listen;
    pool.name = if name.is_empty() {
        "predixy".to_owned()
    } else {
        name
    };
    pool.authorities = authorities;
    pool.client_timeout_ms = client_timeout_ms;
    (pool.memory_max, pool.monitors, pool.custom) = (memory_max, monitors, custom);
    pool.reading.centres = match centres {
        Some(node) => Some(extras::centres(node, local)?),
        None => None,
    };
    Ok(Configuration {
        pools: vec![pool],
        threads: Some(threads),
        admin: None,
        ignored,
    })
}

pub fn address(text: &str) -> Option<Address> {
    if text.starts_with('/') {
        return Some(Address::Unix(PathBuf::from(text)));
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    (!host.is_empty()).then_some(Address::Tcp { host, port })
}

fn authority(node: &Node) -> Result<Vec<Authority>, Refusal> {
    let mut authorities: Vec<Authority> = Vec::new();
    for auth in &node.block {
        if !auth.is("Auth") {
            return Err(auth.refuse("only `Auth` stands here"));
        }
        let mut authority = Authority {
            name: None,
            password: auth.value.clone(),
            rights: Rights::Read,
            commands: None,
            read_keys: None,
            write_keys: None,
        };
        let mut both: Option<Vec<KeyPattern>> = None;
        for line in &auth.block {
            let prefixes = || {
                let words = line.value.split_whitespace().map(str::to_owned);
                Some(words.map(KeyPattern::Prefix).collect())
            };
            if line.is("Mode") {
                authority.rights = match line.value.as_str() {
                    "read" => Rights::Read,
                    "write" => Rights::Write,
                    "admin" => Rights::Admin,
                    _ => return Err(line.refuse("one of read, write, admin")),
                };
            } else if line.is("KeyPrefix") {
                both = prefixes();
            } else if line.is("ReadKeyPrefix") {
                authority.read_keys = prefixes();
            } else if line.is("WriteKeyPrefix") {
                authority.write_keys = prefixes();
            } else {
                return Err(line.refuse("no such key"));
            }
        }
        authority.read_keys = authority.read_keys.or_else(|| both.clone());
        authority.write_keys = authority.write_keys.or(both);
        if authorities
            .iter()
            .any(|other| other.password == authority.password)
        {
            return Err(auth.refuse("two of the same password"));
        }
        authorities.push(authority);
    }
    Ok(authorities)
}

fn cluster_pool(node: &Node) -> Result<Pool, Refusal> {
    let mut draft = Draft::new(false);
    let mut seeds = Vec::new();
    for line in &node.block {
        if line.is("Servers") {
            seeds = addresses(line)?;
        } else if line.is("Password") {
            draft.pool.server_password = Some(line.value.clone());
        } else if !set_number(&mut draft, line)? {
            return Err(line.refuse("no such key"));
        }
    }
    if seeds.is_empty() {
        return Err(node.refuse("`Servers` is missing"));
    }
    if draft.groups.dbs != 1 {
        return Err(node.refuse("a cluster has one db"));
    }
    let mut pool = draft.pool;
    pool.hash_tag = Some(*b"{}");
    pool.servers = static_servers(&seeds);
    pool.cluster = Some(Cluster {
        seeds,
        refresh_ms: draft.groups.refresh_ms,
    });
    Ok(pool)
}

/// What a block of a pool has said so far.
struct Draft {
    pool: Pool,
    groups: Groups,
    method: Option<Method>,
    sentinels: Option<(Vec<Address>, String)>,
    hash: Option<GroupHash>,
    /// Whether keys are spread by chance.
    chance: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Fixed,
    Sentinels,
}

impl Draft {
    fn new(is_sentinel: bool) -> Draft {
        let groups = Groups {
            follow: Follow::Fixed,
            refresh_ms: 1000,
            hash: GroupHash::Nothing,
            list: Vec::new(),
            dbs: 1,
        };
        Draft {
            pool: blank(),
            groups,
            method: is_sentinel.then_some(Method::Sentinels),
            sentinels: None,
            hash: None,
            chance: None,
        }
    }
}

fn group_pool(node: &Node, is_sentinel: bool) -> Result<Pool, Refusal> {
    let mut draft = Draft::new(is_sentinel);
    for line in &node.block {
        if !set_number(&mut draft, line)? {
            set_word(&mut draft, line, is_sentinel)?;
        }
    }
    complete(node, draft)
}

/// Whether the key's value is a number or a time.
fn set_number(draft: &mut Draft, line: &Node) -> Result<bool, Refusal> {
    let (pool, groups) = (&mut draft.pool, &mut draft.groups);
    match line.key.to_ascii_lowercase().as_str() {
        "databases" => groups.dbs = line.number(1, 128)? as u32,
        "masterreadpriority" => pool.reading.master_priority = line.number(0, 100)? as u32,
        "staticslavereadpriority" => pool.reading.static_priority = line.number(0, 100)? as u32,
        "dynamicslavereadpriority" => pool.reading.dynamic_priority = line.number(0, 100)? as u32,
        "refreshinterval" => groups.refresh_ms = line.time_ms()?.max(1),
        "servertimeout" => pool.timeout_ms = line.time_ms()?,
        "serverretrytimeout" => pool.reading.retry_ms = line.time_ms()?,
        "keepalive" => pool.server_keepalive_ms = line.time_ms()?,
        // A server that failed is left alone at once, unless there is no other.
        "serverfailurelimit" => {
            line.number(1, u64::from(u32::MAX))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn set_word(draft: &mut Draft, line: &Node, is_sentinel: bool) -> Result<(), Refusal> {
    let value = line.value.as_str();
    match line.key.to_ascii_lowercase().as_str() {
        "password" => draft.pool.server_password = Some(value.to_owned()),
        "refreshmethod" if !is_sentinel => {
            draft.method = match value {
                "fixed" => Some(Method::Fixed),
                "sentinel" => Some(Method::Sentinels),
                _ => return Err(line.refuse("one of fixed, sentinel")),
            }
        }
        "hash" => {
            draft.hash = match value {
                "crc16" => Some(GroupHash::Crc16),
                "atol" => Some(GroupHash::Number),
                _ => return Err(line.refuse("one of crc16, atol")),
            }
        }
        "hashtag" if value.is_empty() => draft.pool.hash_tag = None,
        "hashtag" => {
            let tag = <[u8; 2]>::try_from(value.as_bytes());
            draft.pool.hash_tag = Some(tag.map_err(|_| line.refuse("two characters"))?);
        }
        "distribution" => {
            draft.chance = match value {
                "modula" => Some(false),
                "random" => Some(true),
                _ => return Err(line.refuse("one of modula, random")),
            }
        }
        "sentinels" => draft.sentinels = Some((addresses(line)?, value.to_owned())),
        "group" => draft.groups.list.push(Group {
            name: value.to_owned(),
            servers: addresses(line)?,
        }),
        _ => return Err(line.refuse("no such key")),
    }
    Ok(())
}

fn complete(node: &Node, draft: Draft) -> Result<Pool, Refusal> {
    let (mut pool, mut groups) = (draft.pool, draft.groups);
    if groups.list.is_empty() {
        return Err(node.refuse("a pool has at least one `Group`"));
    }
    if groups.list.len() > 1 {
        let both = draft.hash.zip(draft.chance);
        let (hash, chance) =
            both.ok_or_else(|| node.refuse("several groups need `Hash` and `Distribution`"))?;
        groups.hash = if chance { GroupHash::Chance } else { hash };
    }
    groups.follow = match (draft.method, draft.sentinels) {
        (Some(Method::Sentinels), Some((addresses, password))) if !addresses.is_empty() => {
            let password = Some(password).filter(|password| !password.is_empty());
            Follow::Sentinels {
                addresses,
                password,
            }
        }
        (Some(Method::Sentinels), _) => return Err(node.refuse("`Sentinels` is missing")),
        (Some(Method::Fixed), None) => {
            if groups.list.iter().any(|group| group.servers.is_empty()) {
                return Err(node.refuse("a group without servers"));
            }
            Follow::Fixed
        }
        _ => return Err(node.refuse("`RefreshMethod` is missing, or not for `Sentinels`")),
    };
    pool.servers = static_servers(groups.list.iter().flat_map(|group| &group.servers));
    pool.groups = Some(groups);
    Ok(pool)
}

fn addresses(node: &Node) -> Result<Vec<Address>, Refusal> {
    let items = node.items()?;
    let parsed = items.iter().map(|item| {
        // A password before the address is the pool's business.
        let text = item
            .rsplit_once('@')
            .map_or(item.as_str(), |(_, text)| text);
        address(text).ok_or_else(|| node.refuse(format!("'{text}' is no address")))
    });
    parsed.collect()
}

/// Every server that is named, once.
pub fn static_servers<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Vec<Server> {
    let mut servers: Vec<Server> = Vec::new();
    for address in addresses {
        if servers.iter().all(|server| server.address != *address) {
            servers.push(Server {
                label: address.to_string(),
                address: address.clone(),
                weight: 1,
            });
        }
    }
    servers
}

fn blank() -> Pool {
    Pool {
        dialect: Dialect::Predixy,
        hold_ms: HOLD_MS,
        ..Pool::named("")
    }
}

#[cfg(test)]
mod tests;
