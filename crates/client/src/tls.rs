//! Encrypted connections.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Address;

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
    /// Names of cipher suites, of TLS 1.2 and 1.3; empty: all that are safe.
    pub suites: Vec<String>,
}

#[derive(Debug)]
pub enum TlsError {
    AuthoritiesFile,
    AuthoritiesFolder,
    AuthoritiesOfSystem,
    Certificate,
    Handshake(String),
    Key,
    Name,
    Suites,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Could not negotiate a TLS connection: ")?;
        f.write_str(match self {
            TlsError::AuthoritiesFile => "Invalid CA Certificate File",
            TlsError::AuthoritiesFolder => "Invalid CA Certificate Directory",
            TlsError::AuthoritiesOfSystem => "Failed to use default CA paths",
            TlsError::Certificate => "Invalid client certificate",
            TlsError::Handshake(reason) => reason,
            TlsError::Key => "Invalid private key",
            TlsError::Name => "Failed to configure SNI",
            TlsError::Suites => "Error while configuring ciphers",
        })
    }
}

impl Tls {
    /// Negotiates over a fresh connection.
    pub async fn wrap(
        &self,
        stream: TcpStream,
        address: &Address,
    ) -> Result<TlsStream<TcpStream>, TlsError> {
        let name = self.name(address)?;
        let connector = TlsConnector::from(Arc::new(self.configuration()?));
        let stream = connector.connect(name, stream).await;
        stream.map_err(|error| TlsError::Handshake(error.to_string()))
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

    /// Reads the files that are named, for whoever drives many connections himself.
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
                .map_err(|_| TlsError::AuthoritiesFile)?;
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
            (Some(_), None) => Err(TlsError::Key),
            (None, _) => Ok(builder.with_no_client_auth()),
        }
    }

    fn provider(&self) -> Result<CryptoProvider, TlsError> {
        let mut provider = ring::default_provider();
        if !self.suites.is_empty() {
            let chosen = |name: &str| self.suites.iter().any(|suite| same_suite(suite, name));
            provider.cipher_suites.retain(|suite| {
                let name = format!("{:?}", suite.suite());
                chosen(&name)
            });
            if provider.cipher_suites.is_empty() {
                return Err(TlsError::Suites);
            }
        }
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
            let certificates = certificates.map_err(|_| TlsError::AuthoritiesFile)?;
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err(TlsError::AuthoritiesFile);
            }
        }
        if let Some(folder) = &self.authorities_folder {
            let found = rustls_native_certs::load_certs_from_paths(None, Some(folder));
            if roots.add_parsable_certificates(found.certs).0 == 0 {
                return Err(TlsError::AuthoritiesFolder);
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
        let none = Tls {
            suites: vec!["NULL-MD5".to_owned()],
            ..Tls::default()
        };
        assert!(matches!(none.configuration(), Err(TlsError::Suites)));
    }
}
