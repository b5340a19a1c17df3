//! The bytes of a connection that never waits.

use std::io::{self, Read, Write};

use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustls::ClientConnection;

use super::endpoint::{Endpoint, Place};

/// The bytes of a connection that never waits.
pub enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<(ClientConnection, TcpStream)>),
}

impl Transport {
    /// Begins to connect. The first event tells that it is done, or that it failed.
    pub fn open(endpoint: &Endpoint, registry: &Registry, token: Token) -> io::Result<Transport> {
        let both = Interest::READABLE | Interest::WRITABLE;
        let address = match &endpoint.place {
            Place::Tcp(address) => *address,
            Place::Unix(path) => {
                let mut stream = UnixStream::connect(path)?;
                registry.register(&mut stream, token, both)?;
                return Ok(Transport::Unix(stream));
            }
        };
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, both)?;
        let Some((settings, name)) = &endpoint.tls else {
            return Ok(Transport::Tcp(stream));
        };
        let mut session =
            ClientConnection::new(settings.clone(), name.clone()).map_err(io::Error::other)?;
        session.set_buffer_limit(None);
        Ok(Transport::Tls(Box::new((session, stream))))
    }

    /// Whether the connection stands, or why it never will.
    pub fn is_connected(&self) -> io::Result<bool> {
        let (error, peer) = match self {
            Transport::Tcp(stream) => (stream.take_error()?, stream.peer_addr().err()),
            Transport::Unix(stream) => (stream.take_error()?, stream.peer_addr().err()),
            Transport::Tls(both) => (both.1.take_error()?, both.1.peer_addr().err()),
        };
        if let Some(error) = error {
            return Err(error);
        }
        match peer {
            None => Ok(true),
            Some(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Some(error) => Err(error),
        }
    }

    /// Whether a read that did not fill its buffer has taken all there was.
    pub fn tells_its_end(&self) -> bool {
        !matches!(self, Transport::Tls(_))
    }

    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Transport::Tcp(stream) => stream.read(buffer),
            Transport::Unix(stream) => stream.read(buffer),
            Transport::Tls(both) => {
                let (session, stream) = &mut **both;
                loop {
                    match session.reader().read(buffer) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        read => return read,
                    }
                    if session.read_tls(stream)? == 0 {
                        return Ok(0);
                    }
                    session.process_new_packets().map_err(io::Error::other)?;
                    send(session, stream)?;
                }
            }
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Transport::Tcp(stream) => stream.write(bytes),
            Transport::Unix(stream) => stream.write(bytes),
            Transport::Tls(both) => {
                let (session, stream) = &mut **both;
                let written = session.writer().write(bytes)?;
                send(session, stream)?;
                Ok(written)
            }
        }
    }

    /// Sends what the session holds back.
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Transport::Tls(both) => {
                let (session, stream) = &mut **both;
                send(session, stream)
            }
            Transport::Tcp(_) | Transport::Unix(_) => Ok(()),
        }
    }
}

/// Sends what the session has ready, as far as the socket takes it.
fn send(session: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<()> {
    while session.wants_write() {
        match session.write_tls(stream) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
