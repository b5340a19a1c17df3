//! A connection to another server, for a command that sends it keys and waits for the answers.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use engine::host::{DialError, Wire};

struct Socket(TcpStream);

/// Connects, within the time that every answer may take later on.
pub fn dial(host: &str, port: u16, timeout: Duration) -> Result<Box<dyn Wire>, DialError> {
    let found = (host, port).to_socket_addrs();
    let addresses: Vec<_> = found.map_err(|_| DialError::NoAddress)?.collect();
    let made = addresses.iter().find_map(|address| {
        let stream = TcpStream::connect_timeout(address, timeout).ok()?;
        // A socket that refuses an option still serves.
        drop(stream.set_nodelay(true));
        let mut socket = Socket(stream);
        socket.set_timeout(timeout).ok()?;
        Some(socket)
    });
    match made {
        Some(socket) => Ok(Box::new(socket)),
        None => Err(DialError::NoAnswer),
    }
}

impl Wire for Socket {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(timeout))?;
        self.0.set_write_timeout(Some(timeout))
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
