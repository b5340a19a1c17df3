//! Encrypted connections on either side. The files are read with the configuration, so that a
//! renewed certificate is a change of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
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
        let wrong = |path: &Path| format!("'{}' holds nothing of use", path.display());
        let [chain, key, authorities @ ..] = &self.contents[..] else {
            return Err("the certificates have not been read".to_owned());
        };
        let chain = certificates(chain).ok_or_else(|| wrong(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| wrong(&self.key))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match (authorities, &self.authorities) {
            ([pem], Some(path)) => {
                let mut roots = RootCertStore::empty();
                let known = certificates(pem).ok_or_else(|| wrong(path))?;
                if roots.add_parsable_certificates(known).0 == 0 {
                    return Err(wrong(path));
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| error.to_string())?)
            }
            _ => builder.with_no_client_auth(),
        };
        let config = builder.with_single_cert(chain, key);
        let config = config.map_err(|error| format!("certificate and key: {error}"))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// All certificates of a text; none if there is none.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.ok().filter(|found| !found.is_empty())
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
