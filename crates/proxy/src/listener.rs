//! Sockets that clients come to, and who serves whom.

use std::io;
use std::net::ToSocketAddrs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc::UnboundedSender;

use crate::configuration::Address;
use crate::pool::Pool;
use crate::worker::{Arrival, Order};

/// A bound socket.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = self {
            // It may have been replaced or removed by others.
            drop(std::fs::remove_file(path));
        }
    }
}

impl Listener {
    pub fn bind(pool: &crate::configuration::Pool) -> io::Result<Listener> {
        match &pool.listen {
            Address::Tcp { host, port } => {
                let mut found = (host.as_str(), *port).to_socket_addrs()?;
                let nothing = || io::Error::other("the name has no address");
                let address = found.next().ok_or_else(nothing)?;
                let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
                socket.set_reuse_address(true)?;
                socket.set_reuse_port(pool.reuse_port)?;
                socket.bind(&address.into())?;
                socket.listen(i32::try_from(pool.backlog).unwrap_or(i32::MAX))?;
                socket.set_nonblocking(true)?;
                Ok(Listener::Tcp(TcpListener::from_std(socket.into())?))
            }
            Address::Unix(path) => {
                drop(std::fs::remove_file(path));
                let listener = UnixListener::bind(path)?;
                if let Some(bits) = pool.permissions {
                    let permissions = std::fs::Permissions::from_mode(bits);
                    std::fs::set_permissions(path, permissions)?;
                }
                Ok(Listener::Unix(listener, path.clone()))
            }
        }
    }

    /// Makes a bound socket as a file now says, but for its address.
    pub fn adjust(&self, pool: &crate::configuration::Pool) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => {
                let backlog = i32::try_from(pool.backlog).unwrap_or(i32::MAX);
                socket2::SockRef::from(listener).listen(backlog)
            }
            Listener::Unix(_, path) => match pool.permissions {
                Some(bits) => std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)),
                None => Ok(()),
            },
        }
    }

    async fn accept(&self) -> io::Result<Arrival> {
        Ok(match self {
            Listener::Tcp(listener) => Arrival::Tcp(listener.accept().await?.0.into_std()?),
            Listener::Unix(listener, _) => Arrival::Unix(listener.accept().await?.0.into_std()?),
        })
    }

    /// Hands every client that comes to one of the workers, in turn.
    pub async fn run(
        self: Arc<Listener>,
        pool: Arc<Pool>,
        number: u64,
        workers: Vec<UnboundedSender<Order>>,
    ) {
        let mut turn = 0;
        loop {
            let Ok(arrival) = self.accept().await else {
                // Out of descriptors, most likely: somebody has to go first.
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            };
            let limit = i64::from(pool.config.client_connections);
            let clients = pool.shared.clients.fetch_add(1, Ordering::Relaxed);
            if limit > 0 && clients >= limit {
                pool.shared.clients.fetch_sub(1, Ordering::Relaxed);
                refuse(&pool, arrival);
                continue;
            }
            turn = (turn + 1) % workers.len();
            if workers[turn].send(Order::Serve(number, arrival)).is_err() {
                return;
            }
        }
    }
}

/// Tells a client that there is no room for it.
fn refuse(pool: &Pool, arrival: Arrival) {
    use std::io::Write;
    let text: &[u8] = match pool.config.language {
        crate::configuration::Language::Redis => b"-ERR max number of clients reached\r\n",
        crate::configuration::Language::Memcached => b"SERVER_ERROR too many clients\r\n",
    };
    // Whether it hears it does not matter.
    drop(match arrival {
        Arrival::Tcp(mut stream) => stream.write_all(text),
        Arrival::Unix(mut stream) => stream.write_all(text),
    });
}
