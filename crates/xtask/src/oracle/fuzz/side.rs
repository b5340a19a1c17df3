//! One of the two servers, and the clients that talk to it.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use resp::value::Value;

use super::session::LIMITS_USUAL;
use super::step::Words;
use crate::oracle::player::Connection;
use crate::server::Server;

/// How long a server may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a reply may take that the other server has given already.
const PATIENCE_FOR_WOKEN: Duration = Duration::from_secs(1);

/// So many lines of what an ended server has said are shown.
const LAST_WORDS_MAX: usize = 40;

/// What every server is started with.
const ARGUMENTS: &[&str] = &["--enable-debug-command", "yes"];

pub struct Side {
    binary: PathBuf,
    folder: PathBuf,
    /// None after it failed, until the next session begins.
    server: Option<Server>,
    /// Looks on, and is no part of the session.
    control: Option<Connection>,
    clients: BTreeMap<String, Client>,
}

struct Client {
    connection: Connection,
    id: i64,
    waits: bool,
}

pub type Reply = std::io::Result<Value>;

impl Side {
    pub fn new(binary: PathBuf, folder: PathBuf) -> Side {
        Side {
            binary,
            folder,
            server: None,
            control: None,
            clients: BTreeMap::new(),
        }
    }

    /// Makes the server as it is at the start, without clients and data.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        self.clients.clear();
        if self.server.is_some() && self.reset().is_ok() {
            return Ok(());
        }
        drop(self.server.take());
        let server = Server::start(&self.binary, &self.folder, ARGUMENTS)?;
        self.control = Some(Connection::open(server.port)?);
        self.server = Some(server);
        Ok(self.reset()?)
    }

    fn reset(&mut self) -> std::io::Result<()> {
        for kind in ["normal", "pubsub"] {
            self.ask(&["CLIENT", "KILL", "TYPE", kind])?;
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let clients = self.ask(&["CLIENT", "LIST"])?;
            if lines(&clients) == 1 {
                break;
            }
        }
        let mut config = vec!["CONFIG", "SET"];
        config.extend(
            LIMITS_USUAL
                .iter()
                .flat_map(|(name, value)| [*name, *value]),
        );
        self.ask(&config)?;
        // Keys past their expiry go when they are looked at, not when a timer comes by.
        self.ask(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"])?;
        self.ask(&["FLUSHALL"])?;
        Ok(())
    }

    /// Asks something that is no part of the session.
    pub fn ask(&mut self, words: &[&str]) -> Reply {
        let words: Words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let mut replies = self.ask_all(&[words])?;
        Ok(replies.swap_remove(0))
    }

    /// Asks several things that are no part of the session.
    pub fn ask_all(&mut self, commands: &[Words]) -> std::io::Result<Vec<Value>> {
        let control = self.control.as_mut().ok_or(ErrorKind::NotConnected)?;
        let done = control.send(&requests(commands));
        let replies = done.and_then(|()| commands.iter().map(|_| control.wait()).collect());
        if replies.is_err() {
            self.fail();
        }
        replies
    }

    /// Sends commands as a client, who connects if this is the first time.
    pub fn send(&mut self, name: &str, commands: &[Words]) -> std::io::Result<()> {
        if !self.clients.contains_key(name) {
            let client = self.connect()?;
            self.clients.insert(name.to_owned(), client);
        }
        self.client(name)?.connection.send(&requests(commands))
    }

    fn connect(&mut self) -> std::io::Result<Client> {
        let server = self.server.as_ref().ok_or(ErrorKind::NotConnected)?;
        let mut connection = Connection::open(server.port)?;
        connection.send(b"CLIENT ID\r\n")?;
        let Value::Integer(id) = connection.wait()? else {
            return Err(ErrorKind::InvalidData.into());
        };
        Ok(Client {
            connection,
            id,
            waits: false,
        })
    }

    /// The next reply to a client that does not wait.
    pub fn receive(&mut self, name: &str) -> Reply {
        let reply = self.client(name)?.connection.wait();
        if reply.is_err() {
            self.fail();
        }
        reply
    }

    /// The reply to a client, or that it waits for somebody.
    pub fn receive_or_wait(&mut self, name: &str) -> std::io::Result<Option<Value>> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let is_blocked = self.is_blocked(name)?;
            let client = self.client(name)?;
            if let Some(reply) = client.connection.poll()? {
                return Ok(Some(reply));
            }
            if is_blocked {
                client.waits = true;
                return Ok(None);
            }
        }
        self.fail();
        Err(ErrorKind::TimedOut.into())
    }

    /// The clients that waited and have got a reply, with it. Those the other server has `served`
    /// are given time.
    pub fn woken(&mut self, served: &[(String, Value)]) -> std::io::Result<Vec<(String, Value)>> {
        let waiting = self.clients.iter().filter(|(_, client)| client.waits);
        let waiting: Vec<String> = waiting.map(|(name, _)| name.clone()).collect();
        let mut woken = Vec::new();
        for name in waiting {
            let is_served = served.iter().any(|(other, _)| *other == name);
            let patience = match is_served {
                true => PATIENCE_FOR_WOKEN,
                false if self.is_blocked(&name)? => continue,
                false => PATIENCE,
            };
            let client = self.client(&name)?;
            if let Some(reply) = client.connection.receive(patience)? {
                client.waits = false;
                woken.push((name, reply));
            }
        }
        Ok(woken)
    }

    pub fn waits(&self, name: &str) -> bool {
        self.clients.get(name).is_some_and(|client| client.waits)
    }

    pub fn anybody_waits(&self) -> bool {
        self.clients.values().any(|client| client.waits)
    }

    fn is_blocked(&mut self, name: &str) -> std::io::Result<bool> {
        let id = self.client(name)?.id.to_string();
        let Value::Bulk(line) = self.ask(&["CLIENT", "LIST", "ID", &id])? else {
            return Err(ErrorKind::InvalidData.into());
        };
        let line = String::from_utf8_lossy(&line);
        let mut fields = line
            .split(' ')
            .filter_map(|field| field.strip_prefix("flags="));
        Ok(fields.next().is_some_and(|flags| flags.contains('b')))
    }

    fn client(&mut self, name: &str) -> std::io::Result<&mut Client> {
        let client = self.clients.get_mut(name);
        client.ok_or_else(|| Error::from(ErrorKind::NotConnected))
    }

    /// The server does not behave: the next session gets another.
    fn fail(&mut self) {
        self.server = None;
        self.control = None;
    }

    /// Why the server ended, if it said so.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("stderr.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let panic = lines.iter().position(|line| line.contains("panicked"));
        let from = panic.unwrap_or(lines.len().saturating_sub(LAST_WORDS_MAX));
        let last = &lines[from..];
        last[..last.len().min(LAST_WORDS_MAX)].join("\n")
    }
}

impl Connection {
    /// The next reply, which is an error if none comes.
    fn wait(&mut self) -> Reply {
        let reply = self.receive(PATIENCE)?;
        reply.ok_or_else(|| Error::from(ErrorKind::TimedOut))
    }
}

fn requests(commands: &[Words]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for words in commands {
        resp::reply::write_request(&mut bytes, words);
    }
    bytes
}

fn lines(text: &Value) -> usize {
    match text {
        Value::Bulk(text) => text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .count(),
        _ => 0,
    }
}
