//! A socket of either family.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use tokio_rustls::TlsStream;

use crate::configuration::Address;
use crate::tls::Connector;

#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// Of a client inside the proxy: nothing comes from it, and what it is sent stays where it is.
    Nowhere,
}

impl Stream {
    /// Connects; names are looked up anew each time.
    pub async fn connect(address: &Address, tls: Option<&Connector>) -> io::Result<Stream> {
        match (Stream::connect_plain(address).await?, tls) {
            (Stream::Tcp(stream), Some(tls)) => {
                let name = tls.name_of(address)?;
                let stream = tls.connector.connect(name, stream).await?;
                Ok(Stream::Tls(Box::new(stream.into())))
            }
            (stream, _) => Ok(stream),
        }
    }

    async fn connect_plain(address: &Address) -> io::Result<Stream> {
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
            Stream::Tls(stream) => SockRef::from(stream.get_ref().0)
                .set_tcp_keepalive(&TcpKeepalive::new().with_time(every)),
            Stream::Unix(_) | Stream::Nowhere => Ok(()),
        }
    }

    /// Writes what the socket takes at once. Encrypted connections have to be asked with a context.
    #[inline]
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.try_write(bytes),
            Stream::Unix(stream) => stream.try_write(bytes),
            Stream::Tls(_) | Stream::Nowhere => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    #[inline]
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        let polled = match self {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
            Stream::Nowhere => Poll::Pending,
        };
        polled.map_ok(|()| buffer.filled().len())
    }

    #[inline]
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Nowhere => Poll::Pending,
        }
    }

    /// Sends what has been encrypted and is kept.
    #[inline]
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Tcp(_) | Stream::Unix(_) | Stream::Nowhere => Poll::Ready(Ok(())),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    pub async fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match poll_fn(|cx| self.poll_write(cx, bytes)).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                len => bytes = &bytes[len..],
            }
        }
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    pub async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read(cx, into)).await
    }

    /// The address of the other side.
    pub fn peer(&self) -> String {
        match self {
            Stream::Tcp(stream) => match stream.peer_addr() {
                Ok(address) => address.to_string(),
                Err(_) => "?:0".to_owned(),
            },
            Stream::Tls(stream) => match stream.get_ref().0.peer_addr() {
                Ok(address) => address.to_string(),
                Err(_) => "?:0".to_owned(),
            },
            Stream::Unix(_) | Stream::Nowhere => "unix:0".to_owned(),
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
