//! A connection to one server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use resp::decoder::Decoder;
use resp::value::Value;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::time::timeout;

use crate::tls::Tls;
use crate::{Address, Error};

/// How long a silent connection lasts before the system asks whether the peer is there.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// What one read takes at most, and what an emptied buffer keeps.
const READ_BYTES: usize = 64 * 1024;

/// How to connect.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How long to wait for a connection; none is for as long as the system does.
    pub patience: Option<Duration>,
    /// Which addresses of a name to prefer.
    pub family: Family,
    /// The address to connect from, where peers are reached by addresses of its kind.
    pub source: Option<IpAddr>,
    pub tls: Option<Tls>,
}

/// Which addresses of a name come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    #[default]
    Any,
    V4,
    V6,
}

trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A connection to one server: requests out, replies in, in order.
pub struct Connection {
    stream: Box<dyn Transport>,
    local_ip: Option<IpAddr>,
    decoder: Decoder,
    /// What has arrived and is not understood yet starts at `start`.
    input: Vec<u8>,
    start: usize,
    output: Vec<u8>,
}

impl Connection {
    pub async fn open(address: &Address, options: &Options) -> Result<Connection, Error> {
        let opening = Connection::open_at_last(address, options);
        match options.patience {
            Some(patience) => timeout(patience, opening).await.unwrap_or_else(|_| {
                let late = io::Error::new(io::ErrorKind::TimedOut, "Connection timed out");
                Err(Error::Connect {
                    address: address.clone(),
                    source: late,
                })
            }),
            None => opening.await,
        }
    }

    /// Opens a connection, however long that takes.
    async fn open_at_last(address: &Address, options: &Options) -> Result<Connection, Error> {
        let stream = connect(address, options).await;
        let stream = stream.map_err(|source| Error::Connect {
            address: address.clone(),
            source,
        })?;
        let local_ip = match &stream {
            Stream::Tcp(stream) => stream.local_addr().ok().map(|local| local.ip()),
            Stream::Unix(_) => None,
        };
        let stream: Box<dyn Transport> = match (stream, &options.tls) {
            (Stream::Tcp(stream), Some(tls)) => Box::new(tls.wrap(stream, address).await?),
            (Stream::Tcp(stream), None) => Box::new(stream),
            (Stream::Unix(stream), _) => Box::new(stream),
        };
        Ok(Connection {
            stream,
            local_ip,
            decoder: Decoder::default(),
            input: Vec::new(),
            start: 0,
            output: Vec::new(),
        })
    }

    /// This side's address, if the connection has one.
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.local_ip
    }

    /// Adds a request to those that [`Connection::flush`] sends.
    pub fn queue<T: AsRef<[u8]>>(&mut self, words: &[T]) {
        resp::reply::write_request(&mut self.output, words);
    }

    /// Adds bytes as they are.
    pub fn queue_bytes(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Sends what was queued.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.stream.write_all(&self.output).await.map_err(lost)?;
        self.stream.flush().await.map_err(lost)?;
        self.output.clear();
        Ok(())
    }

    /// Sends a request and waits for its reply. A push that comes before it is handed to `push`.
    pub async fn ask<T: AsRef<[u8]>>(
        &mut self,
        words: &[T],
        mut push: impl FnMut(Vec<Value>),
    ) -> Result<Value, Error> {
        self.queue(words);
        self.flush().await?;
        loop {
            match self.receive().await? {
                Value::Push(values) => push(values),
                reply => return Ok(reply),
            }
        }
    }

    /// Waits for the next reply, or push. Nothing is lost when the wait is given up.
    pub async fn receive(&mut self) -> Result<Value, Error> {
        loop {
            if let Some(value) = self.decode()? {
                return Ok(value);
            }
            self.fill().await?;
        }
    }

    /// The next reply, if it has arrived.
    pub fn decode(&mut self) -> Result<Option<Value>, Error> {
        let input = &self.input[self.start..];
        match self.decoder.decode(input) {
            Ok(decoded) => {
                self.consume(decoded.consumed);
                Ok(decoded.value)
            }
            Err(malformed) => {
                let byte = input.first().copied();
                Err(Error::Malformed(malformed, byte))
            }
        }
    }

    /// Reads what has arrived, and waits while nothing has.
    pub async fn fill(&mut self) -> Result<(), Error> {
        self.input.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.input).await {
            Ok(0) => Err(Error::Closed),
            Ok(_) => Ok(()),
            Err(error) => Err(lost(error)),
        }
    }

    /// What has arrived and was not taken, for a peer that sends more than replies.
    pub fn unread(&self) -> &[u8] {
        &self.input[self.start..]
    }

    /// Takes bytes off the front of what has arrived.
    pub fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.input.len() {
            self.input.clear();
            self.input.shrink_to(READ_BYTES);
            self.start = 0;
        } else if self.start >= READ_BYTES && self.start * 2 >= self.input.len() {
            self.input.drain(..self.start);
            self.start = 0;
        }
    }

    /// Sends bytes and reads at the same time: a server that waits for its replies to be read takes
    /// no more requests. Returns how many bytes were sent.
    pub async fn exchange(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.input.reserve(READ_BYTES);
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        tokio::select! {
            read = reader.read_buf(&mut self.input) => match read {
                Ok(0) => Err(Error::Closed),
                Ok(_) => Ok(0),
                Err(error) => Err(lost(error)),
            },
            sent = writer.write(bytes), if !bytes.is_empty() => sent.map_err(lost),
        }
    }
}

/// A connection that broke is a connection the server ended.
fn lost(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::UnexpectedEof => Error::Closed,
        _ => Error::Io(error),
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

async fn reach(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(source) = source.filter(|source| source.is_ipv4() == address.is_ipv4()) else {
        return TcpStream::connect(address).await;
    };
    let socket = match source {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(address).await
}

async fn connect(address: &Address, options: &Options) -> io::Result<Stream> {
    let (host, port) = match address {
        Address::Unix(path) => return Ok(Stream::Unix(UnixStream::connect(path).await?)),
        Address::Tcp { host, port } => (host.as_str(), *port),
    };
    let mut addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    match options.family {
        Family::Any => {}
        Family::V4 => addresses.sort_by_key(SocketAddr::is_ipv6),
        Family::V6 => addresses.sort_by_key(SocketAddr::is_ipv4),
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "Name or service not known");
    for address in addresses {
        match reach(address, options.source).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
                SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
                return Ok(Stream::Tcp(stream));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
