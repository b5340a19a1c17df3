//! Encrypted connections: what the files say, and the streams that are made by it.
//!
//! The files are read when the program starts and whenever a directive about them is set, also to
//! the value it has: so certificates are exchanged while the server runs. Connections that stand
//! keep what they were made by.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use client::{Admission, Clients, Sessions, TlsError, Versions};
use config::{Config, Text, Tls, TlsClients};
use parking_lot::RwLock;
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ConnectionCommon, InvalidMessage, SideData,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::line::Line;
use crate::machine::system_words;

/// How long a peer may take until it is known who it is.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// The settings of encrypted connections, exchanged as a whole.
#[derive(Default)]
pub struct Encryption(RwLock<Option<Arc<Settings>>>);

struct Settings {
    anonymous: TlsAcceptor,
    /// Without authorities nobody's certificate can be looked at.
    by_certificate: Option<ByCertificate>,
}

struct ByCertificate {
    optional: TlsAcceptor,
    known: TlsAcceptor,
    connector: Arc<ClientConfig>,
}

impl Encryption {
    /// Reads the files, if any connection is to be encrypted. The error is the line of the log;
    /// what was there stays then.
    pub fn load(&self, config: &Config) -> Result<(), String> {
        let tls = &config.tls;
        let is_used = tls.port != 0 || tls.replication || tls.cluster;
        let settings = match is_used {
            true => Some(Arc::new(Settings::load(tls)?)),
            false => None,
        };
        *self.0.write() = settings;
        Ok(())
    }

    /// Negotiates with a client.
    pub async fn accept(&self, stream: TcpStream, clients: TlsClients) -> io::Result<Encrypted> {
        let acceptor = self.acceptor(clients).ok_or_else(unset)?;
        let made = timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await;
        made.map_err(|_| timed_out())?
            .map(|stream| Encrypted(stream.into()))
    }

    fn acceptor(&self, clients: TlsClients) -> Option<TlsAcceptor> {
        let settings = self.0.read();
        let settings = settings.as_ref()?;
        let by_certificate = settings.by_certificate.as_ref();
        match clients {
            TlsClients::No => Some(settings.anonymous.clone()),
            TlsClients::Optional => by_certificate.map(|it| it.optional.clone()),
            TlsClients::Yes => by_certificate.map(|it| it.known.clone()),
        }
    }

    /// Negotiates with a server.
    pub async fn connect(&self, stream: TcpStream) -> io::Result<Encrypted> {
        let settings = self.connector().ok_or_else(unset)?;
        let name = name_of(stream.peer_addr()?);
        let connector = TlsConnector::from(settings);
        let made = timeout(HANDSHAKE_TIME, connector.connect(name, stream)).await;
        made.map_err(|_| timed_out())?
            .map(|stream| Encrypted(stream.into()))
    }

    /// What connections to servers are negotiated by.
    pub fn connector(&self) -> Option<Arc<ClientConfig>> {
        let settings = self.0.read();
        let by_certificate = settings.as_ref()?.by_certificate.as_ref()?;
        Some(Arc::clone(&by_certificate.connector))
    }
}

/// Who is asked for: an address, for names mean nothing to certificates of private authorities.
pub fn name_of(peer: SocketAddr) -> ServerName<'static> {
    ServerName::IpAddress(match peer.ip() {
        IpAddr::V4(ip) => IpAddr::V4(ip).into(),
        IpAddr::V6(ip) => IpAddr::V6(ip).into(),
    })
}

fn unset() -> io::Error {
    io::Error::other("TLS is not configured for connections of this kind")
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long")
}

impl Settings {
    fn load(tls: &Tls) -> Result<Settings, String> {
        let own = files(tls, false)?;
        if !tls.dh_params_file.is_empty() {
            // They are of no use to the ciphers that are spoken, but a mistake is one.
            let path = path(&tls.dh_params_file);
            let opened = std::fs::File::open(&path);
            opened.map_err(|error| {
                format!(
                    "Failed to load {}: {}",
                    path.display(),
                    system_words(&error)
                )
            })?;
        }
        let serve = |clients| {
            let admission = Admission {
                clients,
                prefers_own_order: tls.prefer_server_ciphers,
                sessions: tls.session_caching.then(|| Sessions {
                    count_max: tls.session_cache_size as usize,
                    age_max: Duration::from_secs(u64::from(tls.session_cache_timeout)),
                }),
            };
            let settings = own.serving(&admission);
            settings
                .map(|settings| TlsAcceptor::from(Arc::new(settings)))
                .map_err(|error| why(&error, &own))
        };
        let anonymous = serve(Clients::Anonymous)?;
        if tls.ca_cert_file.is_empty() && tls.ca_cert_dir.is_empty() {
            if tls.cluster || tls.replication || tls.clients != TlsClients::No {
                return Err(NO_AUTHORITY.to_owned());
            }
            return Ok(Settings {
                anonymous,
                by_certificate: None,
            });
        }
        let outgoing = files(tls, true)?;
        let connector = outgoing
            .configuration()
            .map_err(|error| why(&error, &outgoing))?;
        let by_certificate = ByCertificate {
            optional: serve(Clients::Optional)?,
            known: serve(Clients::Known)?,
            connector: Arc::new(connector),
        };
        Ok(Settings {
            anonymous,
            by_certificate: Some(by_certificate),
        })
    }
}

const NO_AUTHORITY: &str = "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when \
                            tls-cluster, tls-replication or tls-auth-clients are enabled!";

const NO_VERSION: &str = "Invalid tls-protocols specified. Use a combination of 'TLSv1', \
                          'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.";

const OLD_VERSIONS: &str = "tls-protocols leaves no protocol: of those before 'TLSv1.2' none is \
                            spoken.";

/// What the directives say of who this is, to its clients or as one of others.
pub fn files(tls: &Tls, outgoing: bool) -> Result<client::Tls, String> {
    if tls.cert_file.is_empty() {
        return Err("No tls-cert-file configured!".to_owned());
    }
    if tls.key_file.is_empty() {
        return Err("No tls-key-file configured!".to_owned());
    }
    let has_another = !tls.client_cert_file.is_empty() && !tls.client_key_file.is_empty();
    let (certificate, key, password) = match outgoing && has_another {
        true => (
            &tls.client_cert_file,
            &tls.client_key_file,
            &tls.client_key_password,
        ),
        false => (&tls.cert_file, &tls.key_file, &tls.key_password),
    };
    let some = |text: &Text| (!text.is_empty()).then(|| path(text));
    Ok(client::Tls {
        authorities: some(&tls.ca_cert_file),
        authorities_folder: some(&tls.ca_cert_dir),
        certificate: some(certificate),
        key: some(key),
        password: (!password.is_empty()).then(|| password.as_bytes().to_vec()),
        versions: versions(&tls.protocols)?,
        ciphers: words(&tls.ciphers, &[':', ',', ' ']),
        suites: words(&tls.ciphersuites, &[':']),
        ..client::Tls::default()
    })
}

fn path(text: &Text) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(text.as_bytes())).to_owned()
}

fn words(text: &Text, between: &[char]) -> Vec<String> {
    let text = String::from_utf8_lossy(text.as_bytes()).into_owned();
    let words = text.split(between).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn versions(text: &Text) -> Result<Versions, String> {
    let (mut has_12, mut has_13) = (text.is_empty(), text.is_empty());
    for word in words(text, &[' ']) {
        match word.to_ascii_lowercase().as_str() {
            "tlsv1" | "tlsv1.1" => {}
            "tlsv1.2" => has_12 = true,
            "tlsv1.3" => has_13 = true,
            _ => return Err(NO_VERSION.to_owned()),
        }
    }
    match (has_12, has_13) {
        (true, true) => Ok(Versions::Both),
        (true, false) => Ok(Versions::Only12),
        (false, true) => Ok(Versions::Only13),
        (false, false) => Err(OLD_VERSIONS.to_owned()),
    }
}

/// The line of the log about files that are of no use.
fn why(error: &TlsError, tls: &client::Tls) -> String {
    let name = |path: &Option<PathBuf>| {
        let path = path.as_ref().map(|path| path.display().to_string());
        path.unwrap_or_default()
    };
    match error {
        TlsError::Certificate(why) => {
            format!(
                "Failed to load certificate: {}: {why}",
                name(&tls.certificate)
            )
        }
        TlsError::Key(why) => format!("Failed to load private key: {}: {why}", name(&tls.key)),
        TlsError::Authorities(why) => {
            format!("Failed to configure CA certificate(s) file/directory: {why}")
        }
        TlsError::Ciphers => format!("Failed to configure ciphers: {}", tls.ciphers.join(":")),
        TlsError::Suites => {
            format!("Failed to configure ciphersuites: {}", tls.suites.join(":"))
        }
        TlsError::AuthoritiesOfSystem | TlsError::Name => error.to_string(),
    }
}

/// Why there was no handshake, in the words that operators look for.
pub fn handshake_words(error: &io::Error) -> String {
    use rustls::Error as Tls;
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Tls>());
    match inner {
        Some(Tls::NoCertificatesPresented) => "peer did not return a certificate".to_owned(),
        Some(Tls::InvalidCertificate(CertificateError::Expired)) => {
            "certificate verify failed (it has expired)".to_owned()
        }
        Some(Tls::InvalidCertificate(why)) => format!("certificate verify failed ({why:?})"),
        Some(Tls::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "wrong version number".to_owned()
        }
        Some(Tls::AlertReceived(AlertDescription::UnknownCA)) => {
            "tlsv1 alert unknown ca".to_owned()
        }
        Some(error) => error.to_string(),
        None => system_words(error),
    }
}

/// An encrypted connection, of either side.
pub struct Encrypted(TlsStream<TcpStream>);

impl Line for Encrypted {}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Drop for Encrypted {
    /// Says that this is the end on purpose, if the socket takes it at once.
    fn drop(&mut self) {
        struct Socket<'a>(&'a TcpStream);
        impl io::Write for Socket<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.try_write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        fn end<S: SideData>(session: &mut ConnectionCommon<S>, socket: &TcpStream) {
            session.send_close_notify();
            // The peer may be gone.
            drop(session.write_tls(&mut Socket(socket)));
        }
        match &mut self.0 {
            TlsStream::Client(stream) => {
                let (socket, session) = stream.get_mut();
                end(session, socket);
            }
            TlsStream::Server(stream) => {
                let (socket, session) = stream.get_mut();
                end(session, socket);
            }
        }
    }
}

#[cfg(test)]
mod tests;
