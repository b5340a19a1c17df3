//! What a move of keys from one pool to another will take, and its doing.

use std::collections::BTreeMap;
use std::sync::Arc;

use resp::value::Value;
use stdx::prng::Prng;

use crate::configuration::{Address, Configuration};
use crate::house::Control;
use crate::log::Log;
use crate::pool::Pool;
use crate::sentinel::{self, Conversation, text};
use crate::stream::error_words;

/// Keys of each server that are looked at for a plan.
const SAMPLE: usize = 1000;
/// Keys that are moved with one request.
const BATCH: usize = 100;

/// Finds the pool that moves keys, as the file names it.
async fn pool_that_moves(configuration: Configuration, name: &str) -> Result<Pool, String> {
    let mut pools = configuration.pools.into_iter();
    let found = pools.find(|pool| pool.name == name && pool.source.is_some());
    let config = found.ok_or_else(|| format!("no pool '{name}' moves keys"))?;
    let control = Arc::new(Control {
        path: String::new(),
        reload: tokio::sync::Notify::new(),
    });
    let pool = Pool::new(config, 1, control)?;
    let log = Log::open(None, crate::log::NOTICE).map_err(|error| error_words(&error))?;
    for pool in [Some(&pool), pool.source.as_deref()].into_iter().flatten() {
        sentinel::learn(pool, &log, 0).await;
        sentinel::learn_cluster(pool, &log, 0).await;
    }
    Ok(pool)
}

/// The masters of a pool.
fn masters(pool: &Pool) -> Vec<Address> {
    let view = pool.view();
    let units = (0..view.units()).map(|number| view.unit_at(number));
    let servers = units.filter_map(|unit| view.master_of(unit));
    servers
        .map(|server| view.servers[server].address.clone())
        .collect()
}

async fn talk(pool: &Pool, address: &Address) -> Result<Conversation, String> {
    let failed = |error: std::io::Error| format!("{address}: {}", error_words(&error));
    let mut conversation = Conversation::begin(address, pool.connector.as_ref())
        .await
        .map_err(failed)?;
    if let Some(password) = &pool.config.server_password {
        conversation
            .ask(&["AUTH", password])
            .await
            .map_err(failed)?;
    }
    if pool.config.db > 0 {
        let db = pool.config.db.to_string();
        conversation.ask(&["SELECT", &db]).await.map_err(failed)?;
    }
    Ok(conversation)
}

/// One page of a server's keys, and where to go on.
async fn page(
    conversation: &mut Conversation,
    cursor: &str,
) -> Result<(String, Vec<Vec<u8>>), String> {
    let failed = |error: std::io::Error| error_words(&error);
    let request: [&[u8]; 4] = [b"SCAN", cursor.as_bytes(), b"COUNT", b"500"];
    match conversation.ask_bytes(&request).await.map_err(failed)? {
        Value::Array(parts) => match &parts[..] {
            [cursor, Value::Array(keys)] => {
                let keys = keys.iter().filter_map(|key| match key {
                    Value::Bulk(key) => Some(key.clone()),
                    _ => None,
                });
                Ok((text(cursor).unwrap_or("0").to_owned(), keys.collect()))
            }
            _ => Err("an unexpected answer to SCAN".to_owned()),
        },
        Value::Error(error) => Err(String::from_utf8_lossy(&error).into_owned()),
        _ => Err("an unexpected answer to SCAN".to_owned()),
    }
}

fn number(value: &Value) -> u64 {
    match value {
        Value::Integer(number) => (*number).max(0) as u64,
        _ => 0,
    }
}

/// Tells what a move will take: how many keys, how many bytes, and to whom.
pub async fn plan(configuration: Configuration, name: &str) -> Result<String, String> {
    let pool = pool_that_moves(configuration, name).await?;
    let Some(source) = &pool.source else {
        return Err(format!("pool '{name}' moves no keys"));
    };
    let mut chance = Prng::new(1);
    let mut report = format!(
        "Pool {name}: from {} to its own servers\n\n",
        source.config.name
    );
    let (mut all_keys, mut all_bytes) = (0, 0);
    let mut share: BTreeMap<String, f64> = BTreeMap::new();
    for address in masters(source) {
        let mut conversation = talk(source, &address).await?;
        let failed = |error: std::io::Error| format!("{address}: {}", error_words(&error));
        let keys = number(&conversation.ask(&["DBSIZE"]).await.map_err(failed)?);
        let (mut cursor, mut sample) = ("0".to_owned(), Vec::new());
        while sample.len() < SAMPLE {
            let (next, page) = page(&mut conversation, &cursor).await?;
            sample.extend(page);
            cursor = next;
            if cursor == "0" {
                break;
            }
        }
        let mut bytes = 0;
        for key in &sample {
            let request: [&[u8]; 3] = [b"MEMORY", b"USAGE", key];
            bytes += number(&conversation.ask_bytes(&request).await.map_err(failed)?);
            let view = pool.view();
            let unit = view.unit_of(key, &mut chance);
            let server = unit.and_then(|unit| view.master_of(unit));
            let to = server.map_or("nobody".to_owned(), |server| {
                view.servers[server].address.to_string()
            });
            *share.entry(to).or_default() += keys as f64 / sample.len() as f64;
        }
        let bytes = bytes * keys / (sample.len() as u64).max(1);
        report += &format!("  from {address:<24} {keys:>12} keys  about {bytes:>14} bytes\n");
        all_keys += keys;
        all_bytes += bytes;
    }
    for (to, keys) in share {
        report += &format!("  to   {to:<24} {keys:>12.0} keys  (by a sample)\n");
    }
    report += &format!(
        "\n{all_keys} keys, about {all_bytes} bytes.\n\n\
         1. Let every client connect to {} instead of to {}; nobody may write past it.\n\
         2. ochre proxy --move={name} -c FILE    moves what nobody asks for\n\
         3. When this plan shows no keys, let the clients connect to the new pool.\n",
        pool.config.listen, source.config.listen
    );
    Ok(report)
}

/// Asks the running proxy for every key of the old pool, so that it moves them. What has been moved
/// is gone from there, so that it can be stopped and begun again.
pub async fn carry_out(configuration: Configuration, name: &str) -> Result<String, String> {
    let pool = pool_that_moves(configuration, name).await?;
    let Some(source) = &pool.source else {
        return Err(format!("pool '{name}' moves no keys"));
    };
    let failed = |error: std::io::Error| format!("{}: {}", pool.config.listen, error_words(&error));
    let mut proxy = Conversation::begin(&pool.config.listen, None)
        .await
        .map_err(failed)?;
    if let Some(password) = &pool.config.password {
        proxy.ask(&["AUTH", password]).await.map_err(failed)?;
    }
    let mut moved = 0;
    for address in masters(source) {
        let mut conversation = talk(source, &address).await?;
        let mut cursor = "0".to_owned();
        loop {
            let (next, keys) = page(&mut conversation, &cursor).await?;
            for keys in keys.chunks(BATCH) {
                let mut request: Vec<&[u8]> = vec![b"EXISTS"];
                request.extend(keys.iter().map(Vec::as_slice));
                match proxy.ask_bytes(&request).await.map_err(failed)? {
                    Value::Error(error) => return Err(String::from_utf8_lossy(&error).into_owned()),
                    _ => moved += keys.len(),
                }
            }
            cursor = next;
            if cursor == "0" {
                break;
            }
        }
    }
    Ok(format!("{moved} keys have been moved\n"))
}
