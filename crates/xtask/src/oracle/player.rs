//! A player of transcripts that talks to a server over TCP.

use resp::value::{Value, read};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use testkit::Player;

/// How long a reply may take.
const REPLY_MAX: Duration = Duration::from_secs(5);

/// After how long a client that should get no reply is believed to get none.
const SILENCE: Duration = Duration::from_millis(150);

/// Named clients of one server, each connected when it first speaks.
pub struct TcpPlayer {
    port: u16,
    connections: BTreeMap<String, Connection>,
    patience: Duration,
}

/// One connection to a server, whose replies are read one at a time.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl TcpPlayer {
    pub fn new(port: u16) -> TcpPlayer {
        TcpPlayer {
            port,
            connections: BTreeMap::new(),
            patience: REPLY_MAX,
        }
    }

    /// Says whether the next command is one that gets no reply at once.
    pub fn expect_silence(&mut self, silent: bool) {
        self.patience = if silent { SILENCE } else { REPLY_MAX };
    }

    fn ask(&mut self, client: &str, words: &[Vec<u8>]) -> std::io::Result<Option<Value>> {
        if words.is_empty() {
            let connection = self.connections.get_mut(client);
            let connection = connection.ok_or(ErrorKind::NotConnected)?;
            return connection.receive(self.patience);
        }
        if let Some(connection) = self.connections.get_mut(client)
            && !connection.forget_unread()?
        {
            self.connections.remove(client);
        }
        if !self.connections.contains_key(client) {
            let connection = Connection::open(self.port)?;
            self.connections.insert(client.to_owned(), connection);
        }
        let connection = self.connections.get_mut(client);
        let connection = connection.expect("the client has just been connected");
        let mut request = Vec::new();
        resp::reply::write_request(&mut request, words);
        connection.send(&request)?;
        connection.receive(self.patience)
    }
}

impl Player for TcpPlayer {
    fn command(&mut self, client: &str, words: &[Vec<u8>]) -> Option<Value> {
        match self.ask(client, words) {
            Ok(reply) => reply,
            Err(_) => {
                // The server has hung up, as some commands make it do.
                self.connections.remove(client);
                None
            }
        }
    }

    fn advance(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
}

impl Connection {
    pub fn open(port: u16) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let unread = Vec::new();
        Ok(Connection { stream, unread })
    }

    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Drops what came unasked, as the node in this process does. Returns whether the connection
    /// still stands.
    fn forget_unread(&mut self) -> std::io::Result<bool> {
        self.unread.clear();
        self.stream.set_nonblocking(true)?;
        let mut buffer = [0; 4096];
        let stands = loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break false,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break error.kind() == ErrorKind::WouldBlock,
            }
        };
        self.stream.set_nonblocking(false)?;
        Ok(stands)
    }

    /// The next reply, if it is there already.
    pub fn poll(&mut self) -> std::io::Result<Option<Value>> {
        self.stream.set_nonblocking(true)?;
        // Any time at all is given to a read that does not wait.
        let reply = self.receive(REPLY_MAX);
        self.stream.set_nonblocking(false)?;
        reply
    }

    /// The next reply; `None` if none comes in time, or the server hangs up.
    pub fn receive(&mut self, patience: Duration) -> std::io::Result<Option<Value>> {
        let mut deadline = Instant::now() + patience;
        let mut buffer = [0; 16 * 1024];
        loop {
            let parsed = read(&self.unread).map_err(|_| ErrorKind::InvalidData)?;
            if let Some((value, len)) = parsed {
                self.unread.drain(..len);
                return Ok(Some(value));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => self.unread.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                // This process was stopped and went on: nobody answers one that stands still.
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    deadline = Instant::now() + patience;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
