//! Encrypted connections on either side. The files are read with the configuration, so that a
//! renewed certificate is a change of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use client::{Admission, Clients, Sessions, TlsError};
use rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::configuration::Address;

/// How clients are spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Clients have to show a certificate that one of these vouches for.
    pub authorities: Option<PathBuf>,
    /// What the files held when they were read.
    pub contents: Vec<Vec<u8>>,
}

/// How servers are spoken to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connecting {
    /// Whom to trust; the system's authorities if nobody is named.
    pub authorities: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// The name to ask for, if it is not the host's.
    pub name: Option<String>,
    /// Trust whoever answers.
    pub insecure: bool,
    /// Sentinels are spoken to in the same way.
    pub sentinels: bool,
    /// What the files held when they were read.
    pub contents: Vec<Vec<u8>>,
}

fn load(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| {
        let words = crate::stream::error_words(&error);
        format!("cannot read '{}': {words}", path.display())
    })
}

impl Listening {
    pub fn new(certificate: PathBuf, key: PathBuf, authorities: Option<PathBuf>) -> Listening {
        Listening {
            certificate,
            key,
            authorities,
            contents: Vec::new(),
        }
    }

    pub fn load(&mut self) -> Result<(), String> {
        let paths = [
            Some(&self.certificate),
            Some(&self.key),
            self.authorities.as_ref(),
        ];
        let contents = paths.into_iter().flatten().map(|path| load(path));
        self.contents = contents.collect::<Result<_, _>>()?;
        self.acceptor().map(drop)
    }

    pub fn acceptor(&self) -> Result<TlsAcceptor, String> {
        let tls = client::Tls {
            authorities: self.authorities.clone(),
            certificate: Some(self.certificate.clone()),
            key: Some(self.key.clone()),
            ..client::Tls::default()
        };
        let admission = Admission {
            clients: match self.authorities {
                Some(_) => Clients::Known,
                None => Clients::Anonymous,
            },
            prefers_own_order: false,
            sessions: Some(Sessions::default()),
        };
        let wrong = |path: Option<&PathBuf>, why: &str| {
            let path = path.map(|path| path.display().to_string());
            format!("'{}' is of no use: {why}", path.unwrap_or_default())
        };
        let config = tls.serving(&admission).map_err(|error| match error {
            TlsError::Certificate(why) => wrong(Some(&self.certificate), &why),
            TlsError::Key(why) => wrong(Some(&self.key), &why),
            TlsError::Authorities(why) => wrong(self.authorities.as_ref(), &why),
            other => other.to_string(),
        })?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl Connecting {
    pub fn load(&mut self) -> Result<(), String> {
        let paths = [&self.authorities, &self.certificate, &self.key];
        let contents = paths.into_iter().flatten().map(|path| load(path));
        self.contents = contents.collect::<Result<_, _>>()?;
        self.connector().map(drop)
    }

    pub fn connector(&self) -> Result<Connector, String> {
        let tls = client::Tls {
            server_name: self.name.clone(),
            authorities: self.authorities.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            insecure: self.insecure,
            ..client::Tls::default()
        };
        let config = tls.configuration().map_err(|error| error.to_string())?;
        Ok(Connector {
            connector: TlsConnector::from(Arc::new(config)),
            name: self.name.clone(),
        })
    }
}

/// Encrypts connections to servers.
#[derive(Clone)]
pub struct Connector {
    pub connector: TlsConnector,
    name: Option<String>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connector({:?})", self.name)
    }
}

impl Connector {
    /// The name that a server has to have.
    pub fn name_of(&self, address: &Address) -> std::io::Result<ServerName<'static>> {
        let name = match (&self.name, address) {
            (Some(name), _) => name.clone(),
            (None, Address::Tcp { host, .. }) => host.clone(),
            (None, Address::Unix(_)) => "localhost".to_owned(),
        };
        ServerName::try_from(name).map_err(std::io::Error::other)
    }
}
