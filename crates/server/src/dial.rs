//! Connections to other nodes, from the address that they are to come from.

use std::io;
use std::net::{IpAddr, SocketAddr};

use config::Config;
use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// Connects to an address, from `bind-source-addr` if there is one of its kind.
pub async fn to_address(config: &Config, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = match target {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    let source = config
        .network
        .bind_source_addr
        .set()
        .map(String::from_utf8_lossy);
    if let Some(Ok(source)) = source.map(|source| source.parse::<IpAddr>())
        && source.is_ipv4() == target.is_ipv4()
    {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(target).await
}

/// Connects to the first address of a name where somebody answers.
pub async fn to_name(config: &Config, name: &str, port: u16) -> io::Result<TcpStream> {
    let mut made = Err(io::Error::other("the name leads nowhere"));
    for target in lookup_host((name, port)).await? {
        made = to_address(config, target).await;
        if made.is_ok() {
            break;
        }
    }
    made
}
