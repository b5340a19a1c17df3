//! Follows Sentinels and clusters: who is the master of what, and who are the replicas.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use resp::reply::write_request;
use resp::value::{Value, read};
use tokio::time::timeout;

use crate::configuration::{Address, Follow};
use crate::log::{self, Log};
use crate::pool::{Pool, SlotRange, Slots};
use crate::stream::Stream;
use crate::tls::Connector;

/// A Sentinel that takes longer is not asked further.
const PATIENCE: Duration = Duration::from_secs(1);

/// No answer of a Sentinel is longer.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Asks Sentinels for ever.
pub async fn follow(pool: Arc<Pool>, log: Arc<Log>) {
    let Some(refresh_ms) = pool.config.groups.as_ref().map(|groups| groups.refresh_ms) else {
        return;
    };
    let mut turn = 0;
    loop {
        let rest = Duration::from_millis(refresh_ms);
        // Whether it was time or news does not matter.
        drop(timeout(rest, pool.changed.notified()).await);
        learn(&pool, &log, turn).await;
        turn += 1;
        tokio::time::sleep(BREATH).await;
    }
}

/// Asks one Sentinel, or the next if it does not answer.
pub async fn learn(pool: &Pool, log: &Log, turn: usize) {
    let Some(groups) = &pool.config.groups else {
        return;
    };
    let Follow::Sentinels {
        addresses,
        password,
    } = &groups.follow
    else {
        return;
    };
    for number in 0..addresses.len() {
        let address = &addresses[(turn + number) % addresses.len()];
        let asked = timeout(PATIENCE, ask_all(pool, log, address, password.as_deref())).await;
        match asked {
            Ok(Ok(())) => return,
            Ok(Err(error)) => log.line(log::NOTICE, &format!("sentinel {address}: {error}")),
            Err(_) => log.line(log::NOTICE, &format!("sentinel {address}: no answer")),
        }
    }
}

async fn ask_all(
    pool: &Pool,
    log: &Log,
    address: &Address,
    password: Option<&str>,
) -> io::Result<()> {
    let mut conversation = Conversation::begin(address, pool.sentinel_connector()).await?;
    if let Some(password) = password {
        conversation.ask(&["AUTH", password]).await?;
    }
    let groups = pool.config.groups.iter().flat_map(|groups| &groups.list);
    for (unit, group) in groups.enumerate() {
        let master = conversation
            .ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &group.name])
            .await?;
        let Some(master) = pair(&master) else {
            log.line(
                log::NOTICE,
                &format!("sentinel {address} knows no {}", group.name),
            );
            continue;
        };
        let replicas = conversation
            .ask(&["SENTINEL", "REPLICAS", &group.name])
            .await?;
        let replicas: Vec<Address> = match &replicas {
            Value::Array(rows) => rows.iter().filter_map(replica).collect(),
            _ => Vec::new(),
        };
        if pool.learn(unit, Some(master.clone()), &replicas) {
            let text = format!(
                "group {}: master {master}, {} replicas",
                group.name,
                replicas.len()
            );
            log.line(log::NOTICE, &text);
        }
    }
    Ok(())
}

pub fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Bulk(bytes) | Value::Simple(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// The address in a list of host and port.
fn pair(value: &Value) -> Option<Address> {
    let Value::Array(parts) = value else {
        return None;
    };
    let [host, port] = &parts[..] else {
        return None;
    };
    let (host, port) = (text(host)?.to_owned(), text(port)?.parse().ok()?);
    Some(Address::Tcp { host, port })
}

/// The address of a replica that works, of what a Sentinel says of it.
fn replica(row: &Value) -> Option<Address> {
    let Value::Array(fields) = row else {
        return None;
    };
    let field = |name: &str| {
        let mut pairs = fields.chunks_exact(2);
        let found = pairs.find(|pair| text(&pair[0]) == Some(name));
        found.and_then(|pair| text(&pair[1]))
    };
    let flags = field("flags")?;
    let bad = ["s_down", "o_down", "disconnected"];
    if flags.split(',').any(|flag| bad.contains(&flag)) {
        return None;
    }
    let (host, port) = (field("ip")?.to_owned(), field("port")?.parse().ok()?);
    Some(Address::Tcp { host, port })
}

/// Asks the nodes of a cluster who serves which slots, now and then and when something has moved.
pub async fn follow_cluster(pool: Arc<Pool>, log: Arc<Log>) {
    let Some(refresh_ms) = pool
        .config
        .cluster
        .as_ref()
        .map(|cluster| cluster.refresh_ms)
    else {
        return;
    };
    let mut turn = 0;
    loop {
        let rest = Duration::from_millis(refresh_ms);
        // Whether it was time or news does not matter.
        drop(timeout(rest, pool.changed.notified()).await);
        learn_cluster(&pool, &log, turn).await;
        turn += 1;
        tokio::time::sleep(BREATH).await;
    }
}

/// Between two looks at a cluster in which much moves.
const BREATH: Duration = Duration::from_millis(50);

/// Asks one node, or the next if it does not answer.
pub async fn learn_cluster(pool: &Pool, log: &Log, turn: usize) {
    if pool.config.cluster.is_none() {
        return;
    }
    let view = pool.view();
    for number in 0..view.servers.len() {
        let address = &view.servers[(turn + number) % view.servers.len()].address;
        match timeout(PATIENCE, ask_slots(pool, address)).await {
            Ok(Ok(ranges)) if !ranges.is_empty() => return pool.learn_slots(&ranges, true),
            Ok(Ok(_)) => log.line(log::NOTICE, &format!("node {address} knows no slots")),
            Ok(Err(error)) => log.line(log::NOTICE, &format!("node {address}: {error}")),
            Err(_) => log.line(log::NOTICE, &format!("node {address}: no answer")),
        }
    }
}

async fn ask_slots(pool: &Pool, address: &Address) -> io::Result<Vec<SlotRange>> {
    let mut conversation = Conversation::begin(address, pool.connector.as_ref()).await?;
    if let Some(password) = &pool.config.server_password {
        conversation.ask(&["AUTH", password]).await?;
    }
    match conversation.ask(&["CLUSTER", "SLOTS"]).await? {
        Value::Array(rows) => Ok(rows
            .iter()
            .filter_map(|row| slot_range(row, address))
            .collect()),
        Value::Error(text) => Err(io::Error::other(
            String::from_utf8_lossy(&text).into_owned(),
        )),
        _ => Err(io::Error::other("no array")),
    }
}

/// `[first, last, [host, port, id], replicas ...]`. Without a host it is the one that was asked.
fn slot_range(row: &Value, asked: &Address) -> Option<SlotRange> {
    let Value::Array(parts) = row else {
        return None;
    };
    let [
        Value::Integer(first),
        Value::Integer(last),
        Value::Array(master),
        ..,
    ] = &parts[..]
    else {
        return None;
    };
    let [host, Value::Integer(port), ..] = &master[..] else {
        return None;
    };
    let host = match (text(host).unwrap_or_default(), asked) {
        ("" | "?", Address::Tcp { host, .. }) => host.clone(),
        (host, _) => host.to_owned(),
    };
    let port = u16::try_from(*port).ok()?;
    let replicas = parts[3..].iter().filter_map(|node| {
        let Value::Array(node) = node else {
            return None;
        };
        let [host, Value::Integer(port), ..] = &node[..] else {
            return None;
        };
        let (host, port) = (text(host)?.to_owned(), u16::try_from(*port).ok()?);
        (!host.is_empty()).then_some(Address::Tcp { host, port })
    });
    let replicas = Some(replicas.collect());
    let slots = Slots {
        first: usize::try_from(*first).ok()?,
        end: usize::try_from(*last).ok()?.checked_add(1)?,
    };
    Some(SlotRange {
        slots,
        master: Address::Tcp { host, port },
        replicas,
    })
}

/// A connection on which one question follows the answer to another.
pub struct Conversation {
    stream: Stream,
    input: Vec<u8>,
}

impl Conversation {
    pub async fn begin(address: &Address, tls: Option<&Connector>) -> io::Result<Conversation> {
        Ok(Conversation {
            stream: Stream::connect(address, tls).await?,
            input: Vec::new(),
        })
    }

    pub async fn ask(&mut self, words: &[&str]) -> io::Result<Value> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.ask_bytes(&words).await
    }

    pub async fn ask_bytes(&mut self, words: &[&[u8]]) -> io::Result<Value> {
        let mut request = Vec::new();
        write_request(&mut request, words);
        self.stream.write_all(&request).await?;
        let mut more = [0; 4096];
        loop {
            if let Some((value, len)) = read(&self.input).map_err(io::Error::other)? {
                self.input.drain(..len);
                return Ok(value);
            }
            if self.input.len() > ANSWER_BYTES_MAX {
                return Err(io::Error::other("the answer is too long"));
            }
            match self.stream.read(&mut more).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                len => self.input.extend_from_slice(&more[..len]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.as_bytes().to_vec())
    }

    #[test]
    fn replicas_that_are_down_are_left_out() {
        let row = |flags: &str| {
            let fields = [
                "name", "x", "ip", "10.0.0.1", "port", "6380", "flags", flags,
            ];
            replica(&Value::Array(
                fields.iter().map(|text| bulk(text)).collect(),
            ))
        };
        let address = Address::Tcp {
            host: "10.0.0.1".to_owned(),
            port: 6380,
        };
        assert_eq!(row("slave"), Some(address));
        assert_eq!(row("s_down,slave,disconnected"), None);
        assert_eq!(pair(&Value::NullArray), None);
        assert_eq!(pair(&Value::Array(vec![bulk("h"), bulk("x")])), None);
    }
}
