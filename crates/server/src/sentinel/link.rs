//! A link to an instance: what the machine wants sent goes out, and what comes back is told.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use client::{Address, Connection, Options};
use engine::Engine;
use node::sentinel::{Link, Sentinel};
use resp::value::Value;
use sentinel::Input;

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(15);

/// A reply that is longer is no reply of a server.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// Makes a link, and looks after it until it is closed.
pub async fn attend(
    engine: &Arc<Engine>,
    sentinel: &Sentinel,
    link: &Link,
    source: Option<IpAddr>,
) {
    let why = tokio::select! {
        why = converse(engine, sentinel, link, source) => why,
        () = poll_fn(|cx| link.poll_closed(cx.waker())) => return,
    };
    let connection = link.id;
    let lost = Input::Lost {
        connection,
        why: &why,
    };
    sentinel.tell_of(engine, link, lost);
}

/// Returns why the link was lost.
async fn converse(
    engine: &Engine,
    sentinel: &Sentinel,
    link: &Link,
    source: Option<IpAddr>,
) -> String {
    let address = Address::Tcp {
        host: link.ip.to_string(),
        port: link.port,
    };
    let options = Options {
        patience: Some(PATIENCE),
        source,
        ..Options::default()
    };
    let mut stream = match Connection::open(&address, &options).await {
        Ok(stream) => stream,
        Err(client::Error::Connect { source, .. }) => return client::reason(&source),
        Err(error) => return error.to_string(),
    };
    let local_ip = stream.local_ip().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let connection = link.id;
    sentinel.tell_of(
        engine,
        link,
        Input::Connected {
            connection,
            local_ip,
        },
    );
    loop {
        let step = tokio::select! {
            requests = poll_fn(|cx| link.poll_out(cx.waker())) => {
                stream.queue_bytes(&requests);
                stream.flush().await
            }
            received = receive(&mut stream) => received.map(|value| {
                let value = &value;
                sentinel.tell_of(engine, link, Input::Reply { connection, value });
            }),
        };
        if let Err(error) = step {
            return error.to_string();
        }
    }
}

/// The next reply, unless it is longer than any.
async fn receive(stream: &mut Connection) -> Result<Value, client::Error> {
    loop {
        if let Some(value) = stream.decode()? {
            return Ok(value);
        }
        if stream.unread().len() > REPLY_BYTES_MAX {
            return Err(client::Error::Closed);
        }
        stream.fill().await?;
    }
}
