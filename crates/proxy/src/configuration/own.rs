//! Ochre's own file, in TOML: everything the proxy can do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{
    Address, Authority, Centre, Centres, Choice, Cluster, Configuration, CustomCommand,
    DEFAULT_NAME, Follow, Group, GroupHash, Groups, KeyPattern, Language, Monitor, Pool,
    Preference, Reading, Refusal, Rights, nutcracker, predixy,
};
use crate::placement::hash::Hash;
use crate::placement::ring::Distribution;
use crate::tls::{Connecting, Listening};

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    threads: Option<usize>,
    /// Where figures and orders are served over HTTP.
    admin: Option<String>,
    #[serde(default)]
    pool: BTreeMap<String, Section>,
}

/// One pool.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    listen: String,
    permissions: Option<String>,
    #[serde(default = "backlog")]
    backlog: u32,
    #[serde(default)]
    keepalive: bool,
    #[serde(default)]
    reuse_port: bool,
    #[serde(default)]
    protocol: Protocol,
    password: Option<String>,
    tls: Option<ClientTls>,
    #[serde(default)]
    users: Vec<User>,
    /// Users are those of the servers.
    #[serde(default)]
    pass_users: bool,
    #[serde(default)]
    server: ServerSection,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    reads: Reads,
    #[serde(default)]
    monitors: Vec<MonitorSection>,
    #[serde(default)]
    commands: BTreeMap<String, CommandSection>,
    slow_us: Option<u64>,
    #[serde(default = "yes")]
    transactions: bool,
    ring: Option<Ring>,
    groups: Option<GroupsSection>,
    cluster: Option<ClusterSection>,
    migrate: Option<Migrate>,
}

/// Keys move from one pool of the file to another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Migrate {
    from: String,
    to: String,
}

fn yes() -> bool {
    true
}

fn backlog() -> u32 {
    511
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    #[default]
    Redis,
    Memcached,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    /// Without one, a password alone makes the user.
    name: Option<String>,
    #[serde(default)]
    password: String,
    /// `admin` if there are commands instead.
    rights: Option<RightsWord>,
    /// `+` or `-`, and a command or `@` and a category.
    commands: Option<Vec<String>>,
    /// Beginnings of the keys it may read and change.
    keys: Option<Vec<String>>,
    read_keys: Option<Vec<String>>,
    write_keys: Option<Vec<String>>,
    /// The same as globs.
    patterns: Option<Vec<String>>,
    read_patterns: Option<Vec<String>>,
    write_patterns: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RightsWord {
    Read,
    Write,
    Admin,
}

/// How servers are talked to.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerSection {
    password: Option<String>,
    database: u32,
    connections: Option<u32>,
    preconnect: bool,
    keepalive_ms: u64,
    tls: Option<ServerTls>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientTls {
    certificate: PathBuf,
    key: PathBuf,
    /// Clients have to show a certificate that one of these vouches for.
    authorities: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerTls {
    authorities: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    name: Option<String>,
    insecure: bool,
    sentinels: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Limits {
    clients: u32,
    idle_ms: u64,
    request_ms: u64,
    hold_ms: u64,
    /// Of replies that a client does not read, such as `16M`.
    unread: Size,
    /// Of all that is kept for clients.
    memory: Size,
}

/// A number of bytes, or a text such as `16M`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Size {
    Bytes(u64),
    Text(String),
}

impl Default for Size {
    fn default() -> Size {
        Size::Bytes(0)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Reads {
    master: u32,
    listed_replicas: u32,
    found_replicas: u32,
    retry_ms: u64,
    centre: Option<String>,
    centres: Vec<CentreSection>,
}

impl Default for Reads {
    fn default() -> Reads {
        let reading = Reading::default();
        Reads {
            master: reading.master_priority,
            listed_replicas: reading.static_priority,
            found_replicas: reading.dynamic_priority,
            retry_ms: reading.retry_ms,
            centre: None,
            centres: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CentreSection {
    name: String,
    addresses: Vec<String>,
    #[serde(default)]
    reads: Vec<PreferenceSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreferenceSection {
    centre: String,
    priority: u32,
    #[serde(default = "one")]
    weight: u32,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MonitorSection {
    name: String,
    /// `all`, a command, or `-` and a command.
    commands: Vec<String>,
    spans_us: Vec<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandSection {
    rights: RightsWord,
    words_min: usize,
    words_max: usize,
    #[serde(default = "one")]
    key_at: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ring {
    /// As in twemproxy's files: `host:port:weight name`.
    servers: Vec<String>,
    hash: Option<String>,
    hash_tag: Option<String>,
    distribution: Option<String>,
    eject: Option<Eject>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Eject {
    failures: u32,
    return_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupsSection {
    #[serde(default)]
    sentinels: Vec<String>,
    sentinel_password: Option<String>,
    #[serde(default = "second")]
    refresh_ms: u64,
    hash: Option<String>,
    hash_tag: Option<String>,
    #[serde(default = "sixteen")]
    databases: u32,
    list: Vec<GroupSection>,
}

fn second() -> u64 {
    1000
}

fn sixteen() -> u32 {
    16
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupSection {
    name: String,
    #[serde(default)]
    servers: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterSection {
    nodes: Vec<String>,
    #[serde(default = "second")]
    refresh_ms: u64,
}

pub fn parse(text: &str) -> Result<Configuration, Refusal> {
    let file: File = toml::from_str(text).map_err(|error| {
        let before = error
            .span()
            .map_or("", |span| &text[..span.start.min(text.len())]);
        Refusal::new(before.matches('\n').count() + 1, error.message())
    })?;
    let (mut pools, mut moves) = (Vec::with_capacity(file.pool.len()), Vec::new());
    for (name, section) in file.pool {
        moves.extend(
            section
                .migrate
                .clone()
                .map(|migrate| (name.clone(), migrate)),
        );
        let pool =
            pool(&name, section).map_err(|what| Refusal::new(0, format!("pool {name}: {what}")))?;
        if pools.iter().any(|other: &Pool| other.listen == pool.listen) {
            let what = format!("two pools listen at {}", pool.listen);
            return Err(Refusal::new(0, what));
        }
        pools.push(pool);
    }
    for (name, migrate) in moves {
        move_between(&mut pools, &name, &migrate)
            .map_err(|what| Refusal::new(0, format!("pool {name}: {what}")))?;
    }
    if pools.is_empty() {
        return Err(Refusal::new(0, "no pool"));
    }
    if file.threads == Some(0) {
        return Err(Refusal::new(0, "no thread would serve"));
    }
    Ok(Configuration {
        pools,
        threads: file.threads,
        admin: file.admin,
        ignored: Vec::new(),
    })
}

type Outcome<T> = Result<T, String>;

fn pool(name: &str, section: Section) -> Outcome<Pool> {
    let mut pool = Pool::named(name);
    pool.listen = address(&section.listen)?;
    pool.permissions = section.permissions.as_deref().map(octal).transpose()?;
    pool.backlog = section.backlog;
    (pool.client_keepalive, pool.reuse_port) = (section.keepalive, section.reuse_port);
    pool.language = match section.protocol {
        Protocol::Redis => Language::Redis,
        Protocol::Memcached => Language::Memcached,
    };
    pool.password = section.password;
    (pool.slow_us, pool.transactions) = (section.slow_us, section.transactions);
    let server = section.server;
    (pool.server_password, pool.db) = (server.password, server.database);
    pool.server_tls = server.tls.map(|tls| Connecting {
        authorities: tls.authorities,
        certificate: tls.certificate,
        key: tls.key,
        name: tls.name,
        insecure: tls.insecure,
        sentinels: tls.sentinels,
        ..Connecting::default()
    });
    let client_tls = section.tls;
    pool.client_tls =
        client_tls.map(|tls| Listening::new(tls.certificate, tls.key, tls.authorities));
    (pool.preconnect, pool.server_keepalive_ms) = (server.preconnect, server.keepalive_ms);
    pool.server_connections = server.connections.unwrap_or(1);
    if pool.server_connections == 0 {
        return Err("server.connections is at least 1".to_owned());
    }
    let limits = section.limits;
    (pool.client_connections, pool.client_timeout_ms) = (limits.clients, limits.idle_ms);
    (pool.timeout_ms, pool.hold_ms) = (limits.request_ms, limits.hold_ms);
    (pool.unread_max, pool.memory_max) = (bytes(&limits.unread)?, bytes(&limits.memory)?);
    pool.reading = reading(section.reads)?;
    for section in section.monitors {
        pool.monitors.push(monitor(section)?);
    }
    for (name, section) in section.commands {
        pool.custom.push(custom(&name, &section)?);
    }
    pool.passes_users = section.pass_users;
    clients(&mut pool, section.users)?;
    if pool.passes_users && section.migrate.is_some() {
        return Err("keys move between pools for nobody in particular".to_owned());
    }
    match (
        section.ring,
        section.groups,
        section.cluster,
        section.migrate,
    ) {
        (Some(section), None, None, None) => ring(&mut pool, section)?,
        (None, Some(section), None, None) => groups(&mut pool, section)?,
        (None, None, Some(section), None) => cluster(&mut pool, section)?,
        (None, None, None, Some(_)) => {}
        _ => return Err("one of ring, groups, cluster and migrate says where keys are".to_owned()),
    }
    let is_memcached = pool.language == Language::Memcached;
    if is_memcached && (pool.groups.is_some() || pool.cluster.is_some()) {
        return Err("memcached's servers form a ring".to_owned());
    }
    let has_users = pool.authorities.is_some() || pool.passes_users;
    if is_memcached && (pool.password.is_some() || has_users || pool.db > 0) {
        return Err("memcached knows no passwords and no databases".to_owned());
    }
    Ok(pool)
}

/// Who clients are: those who say a password, users of the proxy's own or of the servers.
fn clients(pool: &mut Pool, users: Vec<User>) -> Outcome<()> {
    if !users.is_empty() {
        if pool.password.is_some() {
            return Err("either a password or users".to_owned());
        }
        pool.authorities = Some(authorities(users, &pool.custom)?);
    }
    if pool.passes_users && (pool.password.is_some() || pool.authorities.is_some()) {
        return Err("either users of the servers or those of the proxy".to_owned());
    }
    Ok(())
}

/// A pool serves as another does, and gets its keys from a third.
fn move_between(pools: &mut [Pool], name: &str, migrate: &Migrate) -> Outcome<()> {
    let place = |name: &str| {
        let found = pools.iter().find(|pool| pool.name == name);
        let found = found.filter(|pool| !pool.servers.is_empty() || pool.groups.is_some());
        let found = found.filter(|pool| pool.source.is_none() && pool.language == Language::Redis);
        found
            .cloned()
            .ok_or_else(|| format!("'{name}' is no pool that keys can move between"))
    };
    let (from, to) = (place(&migrate.from)?, place(&migrate.to)?);
    if from.name == to.name {
        return Err("keys move between two pools".to_owned());
    }
    for pool in pools.iter_mut().filter(|pool| pool.name == name) {
        let own = pool.clone();
        *pool = Pool {
            name: own.name,
            listen: own.listen,
            permissions: own.permissions,
            backlog: own.backlog,
            client_connections: own.client_connections,
            client_keepalive: own.client_keepalive,
            client_timeout_ms: own.client_timeout_ms,
            reuse_port: own.reuse_port,
            password: own.password,
            authorities: own.authorities,
            slow_us: own.slow_us,
            transactions: own.transactions,
            unread_max: own.unread_max,
            memory_max: own.memory_max,
            client_tls: own.client_tls,
            source: Some(Box::new(from.clone())),
            ..to.clone()
        };
    }
    Ok(())
}

fn address(text: &str) -> Outcome<Address> {
    predixy::address(text).ok_or_else(|| format!("'{text}' is no address"))
}

fn octal(text: &str) -> Outcome<u32> {
    let bits = u32::from_str_radix(text, 8)
        .ok()
        .filter(|bits| *bits <= 0o777);
    bits.ok_or_else(|| format!("'{text}' are no permissions"))
}

fn bytes(size: &Size) -> Outcome<u64> {
    match size {
        Size::Bytes(bytes) => Ok(*bytes),
        Size::Text(text) => {
            predixy::bytes(text).ok_or_else(|| format!("'{text}' is no number of bytes"))
        }
    }
}

fn tag(text: Option<String>) -> Outcome<Option<[u8; 2]>> {
    let tag = text.map(|text| <[u8; 2]>::try_from(text.as_bytes()));
    tag.transpose()
        .map_err(|_| "hash_tag is two characters".to_owned())
}

fn rights(word: RightsWord) -> Rights {
    match word {
        RightsWord::Read => Rights::Read,
        RightsWord::Write => Rights::Write,
        RightsWord::Admin => Rights::Admin,
    }
}

fn authorities(users: Vec<User>, custom: &[CustomCommand]) -> Outcome<Vec<Authority>> {
    let mut authorities: Vec<Authority> = Vec::with_capacity(users.len());
    for user in users {
        let is_same = |other: &Authority| match (&user.name, &other.name) {
            (None, None) => other.password == user.password,
            (name, other) => name == other,
        };
        if authorities.iter().any(is_same) {
            return Err("two users of the same name, or of the same password".to_owned());
        }
        authorities.push(authority(user, custom)?);
    }
    let has_names = authorities.iter().any(|user| user.name.is_some());
    let defaults = authorities
        .iter()
        .filter(|user| user.is_called(DEFAULT_NAME.as_bytes()));
    if has_names && defaults.count() > 1 {
        return Err("more than one user is the default".to_owned());
    }
    Ok(authorities)
}

fn authority(user: User, custom: &[CustomCommand]) -> Outcome<Authority> {
    let name = user.name.as_deref().unwrap_or(DEFAULT_NAME);
    if user.password.is_empty() && name != DEFAULT_NAME {
        return Err(format!("the user '{name}' has no password"));
    }
    let rights = match (user.rights, &user.commands) {
        (Some(word), _) => rights(word),
        (None, Some(_)) => Rights::Admin,
        (None, None) => return Err("a user has rights or commands".to_owned()),
    };
    let commands = user.commands.as_deref();
    let commands = commands.map(|rules| super::authority::commands(rules, custom));
    let own_reads = patterns(user.read_keys, user.read_patterns);
    let own_writes = patterns(user.write_keys, user.write_patterns);
    let both = patterns(user.keys, user.patterns);
    Ok(Authority {
        name: user.name,
        password: user.password,
        rights,
        commands: commands.transpose()?,
        read_keys: own_reads.or_else(|| both.clone()),
        write_keys: own_writes.or(both),
    })
}

fn patterns(prefixes: Option<Vec<String>>, globs: Option<Vec<String>>) -> Option<Vec<KeyPattern>> {
    if prefixes.is_none() && globs.is_none() {
        return None;
    }
    let prefixes = prefixes.into_iter().flatten().map(KeyPattern::Prefix);
    let globs = globs.into_iter().flatten().map(KeyPattern::Glob);
    Some(prefixes.chain(globs).collect())
}

fn reading(reads: Reads) -> Outcome<Reading> {
    let names: Vec<String> = reads.centres.iter().map(|c| c.name.clone()).collect();
    let index_of = |name: &str| {
        let found = names.iter().position(|known| known == name);
        found.ok_or_else(|| format!("there is no centre '{name}'"))
    };
    let mut list = Vec::with_capacity(names.len());
    for section in reads.centres {
        let mut policy = Vec::with_capacity(section.reads.len());
        for preference in section.reads {
            if preference.weight == 0 {
                return Err("a weight is at least 1".to_owned());
            }
            policy.push(Preference {
                centre: index_of(&preference.centre)?,
                priority: preference.priority,
                weight: preference.weight,
            });
        }
        list.push(Centre {
            name: section.name,
            prefixes: section.addresses,
            policy,
        });
    }
    let centres = match (&reads.centre, list.is_empty()) {
        (None, true) => None,
        (Some(name), false) => Some(Centres {
            local: index_of(name)?,
            list,
        }),
        _ => return Err("reads.centre and reads.centres belong together".to_owned()),
    };
    Ok(Reading {
        master_priority: reads.master,
        static_priority: reads.listed_replicas,
        dynamic_priority: reads.found_replicas,
        retry_ms: reads.retry_ms,
        centres,
    })
}

fn monitor(section: MonitorSection) -> Outcome<Monitor> {
    let ascend = section.spans_us.is_sorted_by(|a, b| a < b);
    if section.spans_us.is_empty() || !ascend {
        return Err("spans_us of a monitor ascend, and there is at least one".to_owned());
    }
    let commands = section.commands.iter().map(|text| {
        let name = text.strip_prefix('-').unwrap_or(text).to_ascii_lowercase();
        Choice {
            adds: !text.starts_with('-'),
            command: (name != "all").then_some(name),
        }
    });
    Ok(Monitor {
        name: section.name,
        commands: commands.collect(),
        spans_us: section.spans_us,
    })
}

fn custom(name: &str, section: &CommandSection) -> Outcome<CustomCommand> {
    let key_at = section.key_at as usize;
    if key_at == 0 || key_at >= section.words_min || section.words_min > section.words_max {
        return Err(format!(
            "command {name}: its key or its words make no sense"
        ));
    }
    Ok(CustomCommand {
        name: name.to_ascii_lowercase(),
        rights: rights(section.rights),
        words_min: section.words_min,
        words_max: section.words_max,
        key_at,
    })
}

fn ring(pool: &mut Pool, section: Ring) -> Outcome<()> {
    pool.servers = nutcracker::ring_servers(&section.servers)?;
    if pool.servers.is_empty() {
        return Err("a ring has at least one server".to_owned());
    }
    pool.hash = match section.hash {
        None => Hash::Fnv1a64,
        Some(name) => {
            let hash = Hash::by_name(name.as_bytes());
            hash.ok_or_else(|| format!("there is no hash '{name}'"))?
        }
    };
    pool.distribution = match section.distribution {
        None => Distribution::Ketama,
        Some(name) => {
            let distribution = Distribution::by_name(name.as_bytes());
            distribution.ok_or_else(|| format!("there is no distribution '{name}'"))?
        }
    };
    pool.hash_tag = tag(section.hash_tag)?;
    if let Some(eject) = section.eject {
        pool.ejection.automatic = true;
        pool.ejection.failure_limit = eject.failures;
        pool.ejection.retry_ms = eject.return_ms;
    }
    Ok(())
}

fn groups(pool: &mut Pool, section: GroupsSection) -> Outcome<()> {
    let addresses = |texts: &[String]| -> Outcome<Vec<Address>> {
        texts.iter().map(|text| address(text)).collect()
    };
    let mut list = Vec::with_capacity(section.list.len());
    for group in &section.list {
        list.push(Group {
            name: group.name.clone(),
            servers: addresses(&group.servers)?,
        });
    }
    let is_fixed = section.sentinels.is_empty();
    if list.is_empty() || is_fixed && list.iter().any(|group| group.servers.is_empty()) {
        return Err("there is at least one group, and without Sentinels it has servers".to_owned());
    }
    let hash = match (section.hash.as_deref(), list.len()) {
        (None, 1) => GroupHash::Nothing,
        (Some("crc16") | None, _) => GroupHash::Crc16,
        (Some("number"), _) => GroupHash::Number,
        (Some("chance"), _) => GroupHash::Chance,
        _ => return Err("hash is one of crc16, number, chance".to_owned()),
    };
    pool.hash_tag = match section.hash_tag {
        Some(text) if text.is_empty() => None,
        Some(text) => tag(Some(text))?,
        None => Some(*b"{}"),
    };
    pool.servers = predixy::static_servers(list.iter().flat_map(|group| &group.servers));
    pool.groups = Some(Groups {
        follow: match is_fixed {
            true => Follow::Fixed,
            false => Follow::Sentinels {
                addresses: addresses(&section.sentinels)?,
                password: section.sentinel_password,
            },
        },
        refresh_ms: section.refresh_ms.max(1),
        hash,
        list,
        dbs: section.databases,
    });
    Ok(())
}

fn cluster(pool: &mut Pool, section: ClusterSection) -> Outcome<()> {
    let seeds: Outcome<Vec<Address>> = section.nodes.iter().map(|text| address(text)).collect();
    let seeds = seeds?;
    if seeds.is_empty() || pool.db > 0 {
        return Err("a cluster has nodes, and no databases".to_owned());
    }
    pool.hash_tag = Some(*b"{}");
    pool.servers = predixy::static_servers(&seeds);
    pool.cluster = Some(Cluster {
        seeds,
        refresh_ms: section.refresh_ms.max(1),
    });
    Ok(())
}

#[cfg(test)]
mod tests;
