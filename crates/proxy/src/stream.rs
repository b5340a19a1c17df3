//! A socket of either family.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::configuration::Address;

#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Connects; names are looked up anew each time.
    pub async fn connect(address: &Address) -> io::Result<Stream> {
        match address {
            Address::Tcp { host, port } => {
                let found = tokio::net::lookup_host((host.as_str(), *port)).await;
                // What the original says of a name that cannot be found.
                let found = found.map_err(|_| io::Error::from_raw_os_error(libc_host_down()));
                let mut failure = io::Error::from_raw_os_error(libc_host_down());
                for address in found? {
                    match TcpStream::connect(address).await {
                        Ok(stream) => {
                            stream.set_nodelay(true)?;
                            return Ok(Stream::Tcp(stream));
                        }
                        Err(error) => failure = error,
                    }
                }
                Err(failure)
            }
            Address::Unix(path) => Ok(Stream::Unix(UnixStream::connect(path).await?)),
        }
    }

    pub fn keep_alive(&self, every: Duration) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => {
                SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(every))
            }
            Stream::Unix(_) => Ok(()),
        }
    }

    /// Writes what the socket takes at once.
    #[inline]
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.try_write(bytes),
            Stream::Unix(stream) => stream.try_write(bytes),
        }
    }

    #[inline]
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        let polled = match self {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
        };
        polled.map_ok(|()| buffer.filled().len())
    }

    #[inline]
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// The address of the other side.
    pub fn peer(&self) -> String {
        match self {
            Stream::Tcp(stream) => match stream.peer_addr() {
                Ok(address) => address.to_string(),
                Err(_) => "?:0".to_owned(),
            },
            Stream::Unix(_) => "unix:0".to_owned(),
        }
    }
}

/// `EHOSTDOWN`.
fn libc_host_down() -> i32 {
    rustix::io::Errno::HOSTDOWN.raw_os_error()
}

/// What the system calls an error, without Rust's own words.
pub fn error_words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => match error.kind() {
            io::ErrorKind::TimedOut => "Connection timed out".to_owned(),
            io::ErrorKind::UnexpectedEof => "Connection reset by peer".to_owned(),
            _ => text,
        },
    }
}
