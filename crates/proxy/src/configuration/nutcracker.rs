//! `nutcracker.yml`: the keys of its pools, and the texts of its addresses.

use std::path::Path;

use super::outline::{self, Content, Scalar, Section};
use super::{Address, Configuration, Language, Pool, Refusal, Server};
use crate::placement::hash::{HASHES, Hash};
use crate::placement::ring::{Distribution, sort_by_label};
use crate::placement::roster::Ejection;

/// Of this port's servers, the label is the host alone, as other clients of memcached have it.
const MEMCACHED_PORT: &str = "11211";

const BACKLOG: u32 = 512;
const RETRY_MS: u64 = 30_000;
const FAILURE_LIMIT: u32 = 2;
const PERMISSIONS_MAX: u32 = 0o777;

pub fn parse(text: &str) -> Result<Configuration, Refusal> {
    let sections = outline::parse(text)?;
    let mut pools: Vec<Pool> = Vec::with_capacity(sections.len());
    let mut listened: Vec<String> = Vec::new();
    for section in &sections {
        let pool = pool(section)?;
        let listen = pool.listen.to_string();
        let line = section.name.line;
        if pools.iter().any(|other| other.name == pool.name) {
            return Err(Refusal::new(
                line,
                format!("two pools are called {}", pool.name),
            ));
        }
        if listened.contains(&listen) {
            return Err(Refusal::new(line, format!("two pools listen at {listen}")));
        }
        listened.push(listen);
        pools.push(pool);
    }
    if pools.is_empty() {
        return Err(Refusal::new(0, "no pool"));
    }
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Configuration {
        pools,
        threads: None,
        admin: None,
        ignored: Vec::new(),
    })
}

/// The values of a pool's keys before they are put together.
struct Draft {
    pool: Pool,
    listen: Option<Address>,
}

fn pool(section: &Section) -> Result<Pool, Refusal> {
    let mut draft = Draft {
        pool: blank(&section.name.text),
        listen: None,
    };
    for (index, (key, content)) in section.entries.iter().enumerate() {
        let earlier = &section.entries[..index];
        if earlier.iter().any(|(other, _)| other.text == key.text) {
            return Err(Refusal::new(key.line, format!("`{}` twice", key.text)));
        }
        match content {
            Content::List(items) if key.text == "servers" => {
                draft.pool.servers = servers(items)?;
            }
            Content::List(_) => return Err(Refusal::new(key.line, "only `servers` is a list")),
            Content::Text(value) => set(&mut draft, &key.text, value)?,
        }
    }
    let refuse = |what: &str| Err(Refusal::new(section.name.line, what));
    let Some(listen) = draft.listen else {
        return refuse("`listen` is missing");
    };
    let mut pool = draft.pool;
    pool.listen = listen;
    if pool.servers.is_empty() {
        return refuse("`servers` is missing");
    }
    if pool.password.is_some() && pool.language != Language::Redis {
        return refuse("`redis_auth` is for a pool with `redis: true`");
    }
    Ok(pool)
}

fn blank(name: &str) -> Pool {
    Pool {
        backlog: BACKLOG,
        language: Language::Memcached,
        hash: Hash::Fnv1a64,
        distribution: Distribution::Ketama,
        ejection: Ejection {
            automatic: false,
            failure_limit: FAILURE_LIMIT,
            retry_ms: RETRY_MS,
        },
        ..Pool::named(name)
    }
}

fn set(draft: &mut Draft, key: &str, value: &Scalar) -> Result<(), Refusal> {
    let pool = &mut draft.pool;
    match key {
        "listen" => {
            let (address, permissions) = listen(value)?;
            (draft.listen, pool.permissions) = (Some(address), permissions);
        }
        "client_connections" => pool.client_connections = number(value)?,
        "hash" => {
            pool.hash = Hash::by_name(value.text.as_bytes()).ok_or_else(|| {
                let names: Vec<&str> = HASHES.iter().map(|(name, _)| *name).collect();
                Refusal::new(value.line, format!("a hash is one of {}", names.join(", ")))
            })?;
        }
        "hash_tag" => {
            let tag = <[u8; 2]>::try_from(value.text.as_bytes());
            let refuse = |_| Refusal::new(value.line, "a hash tag is two characters");
            pool.hash_tag = Some(tag.map_err(refuse)?);
        }
        "distribution" => {
            let named = Distribution::by_name(value.text.as_bytes());
            let what = "a distribution is one of ketama, modula, random";
            pool.distribution = named.ok_or_else(|| Refusal::new(value.line, what))?;
        }
        "timeout" => pool.timeout_ms = u64::from(number(value)?),
        "backlog" => pool.backlog = number(value)?,
        "tcpkeepalive" => pool.client_keepalive = boolean(value)?,
        "reuseport" => pool.reuse_port = boolean(value)?,
        "preconnect" => pool.preconnect = boolean(value)?,
        "redis" => {
            pool.language = match boolean(value)? {
                true => Language::Redis,
                false => Language::Memcached,
            }
        }
        "redis_auth" => {
            pool.password = Some(value.text.clone());
            pool.server_password = Some(value.text.clone());
        }
        "redis_db" => pool.db = number(value)?,
        "server_connections" => match number(value)? {
            0 => return Err(Refusal::new(value.line, "at least one connection")),
            count => pool.server_connections = count,
        },
        "auto_eject_hosts" => pool.ejection.automatic = boolean(value)?,
        "server_retry_timeout" => pool.ejection.retry_ms = u64::from(number(value)?),
        "server_failure_limit" => pool.ejection.failure_limit = number(value)?,
        "servers" => return Err(Refusal::new(value.line, "`servers` is a list")),
        _ => return Err(Refusal::new(value.line, format!("no key is called {key}"))),
    }
    Ok(())
}

fn boolean(value: &Scalar) -> Result<bool, Refusal> {
    match value.text.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Refusal::new(value.line, "either `true` or `false`")),
    }
}

/// Decimal digits, up to what 31 bits hold.
fn number(value: &Scalar) -> Result<u32, Refusal> {
    let digits = value.text.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.text.parse().ok().filter(|number| *number < 1 << 31);
    let refuse = || Refusal::new(value.line, "not a number");
    number.filter(|_| digits).ok_or_else(refuse)
}

/// `host:port`, or `/path`, and permissions in octal.
fn listen(value: &Scalar) -> Result<(Address, Option<u32>), Refusal> {
    let refuse = |what: &str| Refusal::new(value.line, what);
    if !value.text.starts_with('/') {
        let address = tcp(&value.text).ok_or_else(|| refuse("an address is `host:port`"))?;
        return Ok((address, None));
    }
    let (path, permissions) = match value.text.split_once(' ') {
        None => (value.text.as_str(), None),
        Some((path, octal)) => {
            let bits = u32::from_str_radix(octal.trim(), 8).ok();
            let bits = bits.filter(|bits| *bits <= PERMISSIONS_MAX);
            let bits = bits.ok_or_else(|| refuse("permissions are an octal number"))?;
            (path, (bits != 0).then_some(bits))
        }
    };
    Ok((Address::Unix(Path::new(path).to_owned()), permissions))
}

fn tcp(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    (!host.is_empty()).then_some(Address::Tcp { host, port })
}

fn servers(items: &[Scalar]) -> Result<Vec<Server>, Refusal> {
    let mut servers: Vec<Server> = Vec::with_capacity(items.len());
    for item in items {
        let server = server(item)?;
        if servers.iter().any(|other| other.label == server.label) {
            let what = format!("two servers are called {}", server.label);
            return Err(Refusal::new(item.line, what));
        }
        servers.push(server);
    }
    sort_by_label(&mut servers, |server| &server.label);
    Ok(servers)
}

/// The servers of a ring by their texts.
pub fn ring_servers(texts: &[String]) -> Result<Vec<Server>, String> {
    let items = texts.iter().map(|text| Scalar {
        text: text.clone(),
        line: 0,
    });
    servers(&items.collect::<Vec<_>>()).map_err(|refusal| refusal.to_string())
}

/// `host:port:weight name` or `/path:weight name`, the name being optional.
fn server(item: &Scalar) -> Result<Server, Refusal> {
    let refuse = |what: &str| Refusal::new(item.line, what);
    let (place, name) = match item.text.rsplit_once(' ') {
        None => (item.text.as_str(), None),
        Some((place, name)) => (place.trim_end(), Some(name)),
    };
    let shape = "a server is `host:port:weight name` or `/path:weight name`";
    let (place, weight) = place.rsplit_once(':').ok_or_else(|| refuse(shape))?;
    let weight = Scalar {
        text: weight.to_owned(),
        line: item.line,
    };
    let weight = number(&weight)?;
    if weight == 0 {
        return Err(refuse("a weight is at least 1"));
    }
    let (address, label) = match place.starts_with('/') {
        true => (
            Address::Unix(Path::new(place).to_owned()),
            format!("{place}:"),
        ),
        false => {
            let address = tcp(place).ok_or_else(|| refuse(shape))?;
            let bare = place.strip_suffix(MEMCACHED_PORT);
            let host = bare.and_then(|host| host.strip_suffix(':'));
            (address, host.unwrap_or(place).to_owned())
        }
    };
    Ok(Server {
        label: name.map_or(label, str::to_owned),
        address,
        weight,
    })
}

#[cfg(test)]
mod tests;
