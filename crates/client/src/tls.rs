//! Encrypted connections.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme,
    SupportedCipherSuite,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{Address, Error};

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
    /// Trust whoever answers.
    pub insecure: bool,
    /// Cipher suites of TLS 1.2, in the words of OpenSSL's lists; empty: all that are safe.
    pub ciphers: Vec<String>,
    /// Names of cipher suites of TLS 1.3; empty: all.
    pub suites: Vec<String>,
}

#[derive(Debug)]
pub enum TlsError {
    Authorities,
    AuthoritiesOfSystem,
    Certificate,
    Ciphers,
    Key,
    Name,
    Suites,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Could not negotiate a TLS connection: ")?;
        f.write_str(match self {
            TlsError::Authorities => "Invalid CA Certificate File/Directory",
            TlsError::AuthoritiesOfSystem => "Failed to use default CA paths",
            TlsError::Certificate => "Invalid client certificate",
            TlsError::Ciphers => "Error while configuring ciphers",
            TlsError::Key => "Invalid private key",
            TlsError::Name => "Failed to configure SNI",
            TlsError::Suites => "Error while setting cypher suites",
        })
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

    /// What connections are negotiated by; the files that are named are read here.
    pub fn configuration(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(self.provider()?);
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Suites)?;
        let builder = if self.insecure {
            let anyone = Arc::new(Anyone(provider));
            builder.dangerous().with_custom_certificate_verifier(anyone)
        } else {
            let roots = self.roots()?;
            let private = self.authorities.is_some() || self.authorities_folder.is_some();
            let chain = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider)
                .build()
                .map_err(|_| TlsError::Authorities)?;
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
                let chain = CertificateDer::pem_file_iter(certificate)
                    .and_then(Iterator::collect)
                    .map_err(|_| TlsError::Certificate)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|_| TlsError::Key)?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|_| TlsError::Key)
            }
            // One of them is of no use alone.
            _ => Ok(builder.with_no_client_auth()),
        }
    }

    fn provider(&self) -> Result<CryptoProvider, TlsError> {
        let mut provider = ring::default_provider();
        let all = std::mem::take(&mut provider.cipher_suites);
        let (newer, older): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|suite| suite.version().version == ProtocolVersion::TLSv1_3);
        let named = |list: &[String], suite: &SupportedCipherSuite| {
            list.iter().any(|word| is_named(word, suite))
        };
        let newer: Vec<_> = newer
            .into_iter()
            .filter(|suite| self.suites.is_empty() || named(&self.suites, suite))
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

    /// The certificates of the file of authorities, one of which may be the server's own.
    fn own(&self) -> Vec<CertificateDer<'static>> {
        let file = self.authorities.as_ref();
        let certificates = file.and_then(|file| CertificateDer::pem_file_iter(file).ok());
        certificates.into_iter().flatten().flatten().collect()
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.authorities {
            let certificates: Result<Vec<_>, _> =
                CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
            let certificates = certificates.map_err(|_| TlsError::Authorities)?;
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err(TlsError::Authorities);
            }
        }
        if let Some(folder) = &self.authorities_folder {
            let found = rustls_native_certs::load_certs_from_paths(None, Some(folder));
            if roots.add_parsable_certificates(found.certs).0 == 0 {
                return Err(TlsError::Authorities);
            }
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

fn is_named(word: &str, suite: &SupportedCipherSuite) -> bool {
    same_suite(word, &format!("{:?}", suite.suite()))
}

/// Whether a list of OpenSSL's leaves a suite in. Each word adds to what the ones before chose, or
/// takes away; those for groups of suites stand for all here, as only safe ones are known.
fn is_listed(list: &[String], suite: &SupportedCipherSuite) -> bool {
    let mut is_in = false;
    for word in list {
        match word.strip_prefix(['-', '!']) {
            Some(name) if is_named(name, suite) => is_in = false,
            Some(_) => {}
            None if matches!(word.as_str(), "ALL" | "DEFAULT" | "HIGH") => is_in = true,
            None => is_in |= is_named(word, suite),
        }
    }
    is_in
}

/// Whether OpenSSL's or the standard's name of a suite is this one's: `TLS_AES_128_GCM_SHA256`,
/// `ECDHE-RSA-AES128-GCM-SHA256`.
fn same_suite(written: &str, name: &str) -> bool {
    let letters = |text: &str| -> String {
        let text = text.to_ascii_uppercase();
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        kept.collect()
    };
    let plain = |text: &str| {
        let text = letters(text).replace("WITH", "");
        let text = text.strip_prefix("TLS13").unwrap_or(&text).to_owned();
        let text = text.strip_prefix("TLS").unwrap_or(&text).to_owned();
        text.replace("POLY1305SHA256", "POLY1305")
    };
    plain(written) == plain(name)
}

/// Trusts whom an authority vouches for.
///
/// Of private authorities, names are not asked for: nodes of one installation share certificates
/// that name none of them. And a server may show the very certificate that was named as trusted.
#[derive(Debug)]
struct Known {
    chain: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
    private: bool,
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use rustls::CertificateError::{NotValidForName, NotValidForNameContext};
        let verified = self
            .chain
            .verify_server_cert(certificate, between, name, status, now);
        match verified {
            Err(rustls::Error::InvalidCertificate(
                NotValidForName | NotValidForNameContext { .. },
            )) if self.private => Ok(ServerCertVerified::assertion()),
            Err(_) if self.own.contains(certificate) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Trusts whoever answers, and still checks that they hold the key they show.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_known_by_either_name() {
        let gcm = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        assert!(same_suite("ECDHE-RSA-AES128-GCM-SHA256", gcm));
        assert!(same_suite(gcm, gcm));
        assert!(same_suite(
            "TLS_AES_256_GCM_SHA384",
            "TLS13_AES_256_GCM_SHA384"
        ));
        let chacha = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
        assert!(same_suite("ECDHE-RSA-CHACHA20-POLY1305", chacha));
        assert!(!same_suite("ECDHE-RSA-AES256-GCM-SHA384", gcm));
    }

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
