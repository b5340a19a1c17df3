//! Encrypted connections: what files say of us and of whom we trust, for either side.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{Address, Error};

mod files;
mod sessions;
mod suites;
mod verify;

pub use files::Fault;
pub use sessions::Sessions;

use sessions::Store;
use suites::{is_listed, is_named};
use verify::{Anyone, Known, KnownClient};

/// Whom to trust, and who we are.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The name to ask for and to check, if it is not the host's.
    pub server_name: Option<String>,
    /// Certificates of authorities in one file; neither this nor a folder: the system's.
    pub authorities: Option<PathBuf>,
    pub authorities_folder: Option<PathBuf>,
    /// Our own certificate and its key.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// What opens the key, if it is encrypted.
    pub password: Option<Vec<u8>>,
    /// Trust whoever answers.
    pub insecure: bool,
    /// Which versions are spoken.
    pub versions: Versions,
    /// Cipher suites of TLS 1.2, in the words of OpenSSL's lists; empty: all that are safe.
    pub ciphers: Vec<String>,
    /// Names of cipher suites of TLS 1.3; empty: all.
    pub suites: Vec<String>,
}

/// The versions of the protocol that are spoken, of those that are safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    #[default]
    Both,
    Only12,
    Only13,
}

/// How clients are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    pub clients: Clients,
    /// Choose among a client's cipher suites by our own preference.
    pub prefers_own_order: bool,
    /// None are resumed without.
    pub sessions: Option<Sessions>,
}

/// Whether clients show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    Anonymous,
    /// If they like. One that nobody vouches for is refused.
    Optional,
    Known,
}

#[derive(Debug)]
pub enum TlsError {
    Authorities(Fault),
    AuthoritiesOfSystem,
    Certificate(Fault),
    Ciphers,
    Key(Fault),
    Name,
    Suites,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Could not negotiate a TLS connection: ")?;
        f.write_str(match self {
            TlsError::Authorities(_) => "Invalid CA Certificate File/Directory",
            TlsError::AuthoritiesOfSystem => "Failed to use default CA paths",
            TlsError::Certificate(_) => "Invalid client certificate",
            TlsError::Ciphers => "Error while configuring ciphers",
            TlsError::Key(_) => "Invalid private key",
            TlsError::Name => "Failed to configure SNI",
            TlsError::Suites => "Error while setting cypher suites",
        })
    }
}

impl Versions {
    fn list(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Versions::Both => vec![&TLS13, &TLS12],
            Versions::Only12 => vec![&TLS12],
            Versions::Only13 => vec![&TLS13],
        }
    }
}

impl Tls {
    /// Negotiates over a fresh connection.
    pub async fn wrap(
        &self,
        stream: TcpStream,
        address: &Address,
    ) -> Result<TlsStream<TcpStream>, Error> {
        let name = self.name(address).map_err(Error::Tls)?;
        let settings = self.configuration().map_err(Error::Tls)?;
        let connector = TlsConnector::from(Arc::new(settings));
        let stream = connector.connect(name, stream).await;
        stream.map_err(|error| Error::handshake(address, &error))
    }

    /// The name to ask the server for.
    pub fn name(&self, address: &Address) -> Result<ServerName<'static>, TlsError> {
        let host = match (&self.server_name, address) {
            (Some(name), _) => name.clone(),
            (None, Address::Tcp { host, .. }) => host.clone(),
            (None, Address::Unix(_)) => return Err(TlsError::Name),
        };
        ServerName::try_from(host).map_err(|_| TlsError::Name)
    }

    /// What connections to servers are negotiated by; the files that are named are read here.
    pub fn configuration(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(self.provider()?);
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&self.versions.list())
            .map_err(|_| TlsError::Suites)?;
        let builder = if self.insecure {
            let anyone = Arc::new(Anyone(provider));
            builder.dangerous().with_custom_certificate_verifier(anyone)
        } else {
            let roots = self.roots()?;
            let private = self.is_private();
            let chain = WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| TlsError::Authorities(error.to_string()))?;
            let verifier = Arc::new(Known {
                chain,
                own: if private { self.own() } else { Vec::new() },
                private,
            });
            builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
        };
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let chain = files::certificates(certificate).map_err(TlsError::Certificate)?;
                let key = files::key(key, self.password.as_deref()).map_err(TlsError::Key)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| TlsError::Key(error.to_string()))
            }
            // One of them is of no use alone.
            _ => Ok(builder.with_no_client_auth()),
        }
    }

    /// What connections of clients are negotiated by; the files that are named are read here.
    /// Sessions of one are not resumed by another, so nobody comes by an older admission.
    pub fn serving(&self, admission: &Admission) -> Result<ServerConfig, TlsError> {
        let missing = || "none is named".to_owned();
        let certificate = self.certificate.as_ref();
        let certificate = certificate.ok_or_else(|| TlsError::Certificate(missing()))?;
        let key = self.key.as_ref().ok_or_else(|| TlsError::Key(missing()))?;
        let chain = files::certificates(certificate).map_err(TlsError::Certificate)?;
        let key = files::key(key, self.password.as_deref()).map_err(TlsError::Key)?;
        let provider = Arc::new(self.provider()?);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions.list())
            .map_err(|_| TlsError::Suites)?;
        let builder = match admission.clients {
            Clients::Anonymous => builder.with_no_client_auth(),
            Clients::Optional | Clients::Known => {
                let roots = WebPkiClientVerifier::builder_with_provider(self.roots()?, provider);
                let roots = match admission.clients == Clients::Optional {
                    true => roots.allow_unauthenticated(),
                    false => roots,
                };
                let chain = roots
                    .build()
                    .map_err(|error| TlsError::Authorities(error.to_string()))?;
                let own = self.own();
                builder.with_client_cert_verifier(Arc::new(KnownClient { chain, own }))
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(|error| TlsError::Key(error.to_string()))?;
        config.ignore_client_order = admission.prefers_own_order;
        config.session_storage = match admission.sessions {
            Some(sessions) => Arc::new(Store::new(sessions)),
            None => Arc::new(NoServerSessionStorage {}),
        };
        Ok(config)
    }

    /// Whether authorities are named, instead of those that the system knows.
    fn is_private(&self) -> bool {
        self.authorities.is_some() || self.authorities_folder.is_some()
    }

    fn provider(&self) -> Result<CryptoProvider, TlsError> {
        let mut provider = ring::default_provider();
        let all = std::mem::take(&mut provider.cipher_suites);
        let (newer, older): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|suite| suite.version().version == ProtocolVersion::TLSv1_3);
        let is_chosen = |suite: &_| self.suites.iter().any(|word| is_named(word, suite));
        let newer: Vec<_> = newer
            .into_iter()
            .filter(|suite| self.suites.is_empty() || is_chosen(suite))
            .collect();
        let older: Vec<_> = older
            .into_iter()
            .filter(|suite| self.ciphers.is_empty() || is_listed(&self.ciphers, suite))
            .collect();
        if newer.is_empty() {
            return Err(TlsError::Suites);
        }
        if older.is_empty() {
            return Err(TlsError::Ciphers);
        }
        provider.cipher_suites = [newer, older].concat();
        Ok(provider)
    }

    /// The certificates of the file of authorities, one of which may be the peer's own.
    fn own(&self) -> Vec<CertificateDer<'static>> {
        let file = self.authorities.as_ref();
        file.and_then(|file| files::certificates(file).ok())
            .unwrap_or_default()
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.authorities {
            files::add_file(&mut roots, file).map_err(TlsError::Authorities)?;
        }
        if let Some(folder) = &self.authorities_folder {
            files::add_folder(&mut roots, folder).map_err(TlsError::Authorities)?;
        }
        if roots.is_empty() {
            let found = rustls_native_certs::load_native_certs();
            if roots.add_parsable_certificates(found.certs).0 == 0 {
                return Err(TlsError::AuthoritiesOfSystem);
            }
        }
        Ok(Arc::new(roots))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The suites offered, of both versions.
    fn offered(ciphers: &str, suites: &str) -> Result<Vec<String>, TlsError> {
        let list = |text: &str| {
            let words = text.split(':').filter(|word| !word.is_empty());
            words.map(str::to_owned).collect()
        };
        let tls = Tls {
            ciphers: list(ciphers),
            suites: list(suites),
            ..Tls::default()
        };
        let provider = tls.provider()?;
        let names = provider.cipher_suites.iter();
        Ok(names.map(|suite| format!("{:?}", suite.suite())).collect())
    }

    #[test]
    fn lists_choose_among_the_suites_of_their_version() {
        let all = offered("", "").unwrap();
        let newer = all.iter().filter(|name| name.starts_with("TLS13")).count();
        assert_eq!(offered("DEFAULT:-AES128-SHA256", "").unwrap(), all);
        let one = "ECDHE-RSA-AES128-GCM-SHA256";
        assert_eq!(offered(one, "").unwrap().len(), newer + 1);
        let without = offered(&format!("ALL:!{one}"), "").unwrap();
        assert_eq!(without.len(), all.len() - 1);
        let chosen = offered("", "TLS_AES_128_GCM_SHA256").unwrap();
        assert_eq!(chosen.len(), all.len() - newer + 1);
        assert!(matches!(offered("NULL-MD5", ""), Err(TlsError::Ciphers)));
        assert!(matches!(offered("", "NULL"), Err(TlsError::Suites)));
    }
}
