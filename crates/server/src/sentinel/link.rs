//! A link to an instance: what the machine wants sent goes out, and what comes back is told.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use client::{Address, Connection, Options, Tls};
use node::sentinel::Link;
use resp::value::Value;
use tokio::sync::mpsc::Sender;

use super::post::Event;

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(15);

/// A reply that is longer is no reply of a server.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// Makes a link, and looks after it until it is closed.
pub async fn attend(
    post: Sender<Event>,
    link: Arc<Link>,
    source: Option<IpAddr>,
    tls: Option<Tls>,
) {
    let why = tokio::select! {
        why = converse(&post, &link, source, tls) => why,
        () = poll_fn(|cx| link.poll_closed(cx.waker())) => return,
    };
    // The post is open as long as the program runs.
    let _ = post.send(Event::Lost(link, why)).await;
}

/// Returns why the link was lost.
async fn converse(
    post: &Sender<Event>,
    link: &Arc<Link>,
    source: Option<IpAddr>,
    tls: Option<Tls>,
) -> String {
    let address = Address::Tcp {
        host: link.ip.to_string(),
        port: link.port,
    };
    let options = Options {
        patience: Some(PATIENCE),
        source,
        tls,
        ..Options::default()
    };
    let mut stream = match Connection::open(&address, &options).await {
        Ok(stream) => stream,
        Err(client::Error::Connect { source, .. }) => return client::reason(&source),
        Err(error) => return error.to_string(),
    };
    let local_ip = stream.local_ip().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let _ = post
        .send(Event::Connected(Arc::clone(link), local_ip))
        .await;
    loop {
        let step = tokio::select! {
            requests = poll_fn(|cx| link.poll_out(cx.waker())) => {
                stream.queue_bytes(&requests);
                stream.flush().await
            }
            received = receive(&mut stream) => match received {
                Ok(value) => {
                    let _ = post.send(Event::Reply(Arc::clone(link), value)).await;
                    Ok(())
                }
                Err(error) => Err(error),
            },
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
