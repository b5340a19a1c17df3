//! A connection to another server, for a command that sends it keys and waits for the answers.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use engine::host::{DialError, Wire};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::encryption::name_of;

/// A stream that blocks; `socket` is where it keeps time.
struct Line<S> {
    stream: S,
    socket: fn(&S) -> &TcpStream,
}

/// Connects, within the time that every answer may take later on. The connection is encrypted if
/// settings for that are given.
pub fn dial(
    host: &str,
    port: u16,
    timeout: Duration,
    encryption: Option<Arc<ClientConfig>>,
) -> Result<Box<dyn Wire>, DialError> {
    let found = (host, port).to_socket_addrs();
    let addresses: Vec<_> = found.map_err(|_| DialError::NoAddress)?.collect();
    let made = addresses.iter().find_map(|address| {
        let stream = TcpStream::connect_timeout(address, timeout).ok()?;
        // A socket that refuses an option still serves.
        drop(stream.set_nodelay(true));
        let mut plain = Line {
            stream,
            socket: |stream| stream,
        };
        plain.set_timeout(timeout).ok()?;
        Some((plain, *address))
    });
    let (plain, peer) = made.ok_or(DialError::NoAnswer)?;
    let Some(settings) = encryption else {
        return Ok(Box::new(plain));
    };
    let session = ClientConnection::new(settings, name_of(peer));
    let session = session.map_err(|_| DialError::NoAnswer)?;
    let mut stream = StreamOwned::new(session, plain.stream);
    // Whoever cannot be talked to is not there.
    while stream.conn.is_handshaking() {
        let done = stream.conn.complete_io(&mut stream.sock);
        done.map_err(|_| DialError::NoAnswer)?;
    }
    Ok(Box::new(Line {
        stream,
        socket: |stream| &stream.sock,
    }))
}

impl<S: Read + Write + Send> Wire for Line<S> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        let socket = (self.socket)(&self.stream);
        socket.set_read_timeout(Some(timeout))?;
        socket.set_write_timeout(Some(timeout))
    }
}

impl<S: Read> Read for Line<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

impl<S: Write> Write for Line<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
