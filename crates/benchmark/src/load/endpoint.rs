//! Where connections lead: a name, looked up once.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client::{Address, Tls};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

/// How long an address of several may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where connections lead.
#[derive(Clone)]
pub struct Endpoint {
    pub address: Address,
    pub place: Place,
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

#[derive(Clone)]
pub enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Endpoint {
    pub fn find(address: &Address, tls: Option<&Tls>) -> Result<Endpoint, client::Error> {
        let failed = |source| client::Error::Connect {
            address: address.clone(),
            source,
        };
        let place = match address {
            Address::Unix(path) => Place::Unix(path.clone()),
            Address::Tcp { host, port } => {
                let found = (host.as_str(), *port).to_socket_addrs().map_err(failed)?;
                Place::Tcp(reachable(found.collect()).map_err(failed)?)
            }
        };
        let tls = match (tls, &place) {
            (Some(tls), Place::Tcp(_)) => {
                let settings = tls.configuration().map_err(client::Error::Tls)?;
                let name = tls.name(address).map_err(client::Error::Tls)?;
                Some((Arc::new(settings), name))
            }
            _ => None,
        };
        Ok(Endpoint {
            address: address.clone(),
            place,
            tls,
        })
    }

    pub fn refused(&self, source: io::Error) -> client::Error {
        client::Error::Connect {
            address: self.address.clone(),
            source,
        }
    }
}

/// The first address of several that answers. A single one is not asked beforehand.
fn reachable(addresses: Vec<SocketAddr>) -> io::Result<SocketAddr> {
    if let [only] = addresses[..] {
        return Ok(only);
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "Name or service not known");
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}
