//! A node without sockets, and clients that talk to it in the same thread.

use std::collections::BTreeMap;

use config::Config;
use engine::clients::{ClientFlags, Endpoints};
use engine::command::Table;
use engine::session::Session;
use engine::{Engine, Maintenance, Progress, Worker};
use resp::request::{Batch, Limits, Parser};
use resp::value::{Value, read};

use crate::World;

/// An engine in a virtual world.
pub struct Node {
    pub engine: Engine,
    pub world: World,
    worker: Worker,
    maintenance: Maintenance,
    clients: BTreeMap<String, Connection>,
    /// Bytes that were sent to a client and not shown.
    unseen: BTreeMap<String, Vec<u8>>,
}

/// A client's end and the server's end of one connection.
struct Connection {
    session: Session,
    parser: Parser,
    unread: Vec<u8>,
}

impl Node {
    pub fn new(table: Table) -> Node {
        Node::with_config(table, Config::default())
    }

    pub fn with_config(table: Table, config: Config) -> Node {
        let world = World::default();
        let engine = Engine::new(table, config, Box::new(world.clone()), 1);
        if engine.cluster.is_on() {
            world.join_cluster(&engine);
        }
        let worker = Worker::new(&engine, 2);
        let (maintenance, clients) = (Maintenance::default(), BTreeMap::new());
        Node {
            engine,
            world,
            worker,
            maintenance,
            clients,
            unseen: BTreeMap::new(),
        }
    }

    /// Sends bytes as client `name`, who connects if this is the first time, and returns every
    /// byte that comes back.
    pub fn send(&mut self, name: &str, bytes: &[u8]) -> Vec<u8> {
        let engine = &self.engine;
        let connection = self
            .clients
            .entry(name.to_owned())
            .or_insert_with(|| Connection {
                session: engine.connect(Endpoints {
                    addr: format!("127.0.0.1:{}", port_of(name)),
                    laddr: "127.0.0.1:6379".to_owned(),
                    fd: 8,
                    unix: false,
                    local: true,
                    encrypted: false,
                }),
                parser: Parser::default(),
                unread: Vec::new(),
            });
        connection.unread.extend_from_slice(bytes);
        self.receive(name)
    }

    /// What others sent to a client since, and the replies it was made to wait for.
    pub fn receive(&mut self, name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(connection) = self.clients.get_mut(name) else {
            return out;
        };
        // One who was killed is not heard any more.
        if !connection.is_over() {
            connection.run(&self.engine, &mut self.worker, &mut out);
        }
        if connection.session.client.has(ClientFlags::KILLED) {
            out.clear();
        }
        if connection.is_over() {
            self.close(name);
        }
        out
    }

    /// Sends one command and reads its reply, the first if there are more; `None` if there is none.
    /// What came before is forgotten.
    pub fn command(&mut self, name: &str, words: &[Vec<u8>]) -> Option<Value> {
        let mut bytes = Vec::new();
        resp::reply::write_request(&mut bytes, words);
        drop(self.receive(name));
        let replies = self.send(name, &bytes);
        self.unseen.insert(name.to_owned(), replies);
        self.next_unseen(name)
    }

    /// What a client was sent and has not seen, one value at a time.
    pub fn next(&mut self, name: &str) -> Option<Value> {
        let more = self.receive(name);
        let unseen = self.unseen.entry(name.to_owned()).or_default();
        unseen.extend_from_slice(&more);
        self.next_unseen(name)
    }

    fn next_unseen(&mut self, name: &str) -> Option<Value> {
        let unseen = self.unseen.get_mut(name)?;
        let parsed = read(unseen).expect("the node sends well-formed replies");
        parsed.map(|(value, len)| {
            unseen.drain(..len);
            value
        })
    }

    pub fn close(&mut self, name: &str) {
        if let Some(mut connection) = self.clients.remove(name) {
            self.engine.disconnect(&mut connection.session);
        }
    }

    pub fn is_connected(&self, name: &str) -> bool {
        let connection = self.clients.get(name);
        connection.is_some_and(|connection| !connection.is_over())
    }

    /// Moves the virtual clock, then does what happens without being asked.
    pub fn advance_micros(&mut self, micros: i64) {
        self.world.advance_micros(micros);
        self.tick();
    }

    pub fn tick(&mut self) {
        self.world.work(&self.engine);
        self.maintenance.tick(&self.engine, &mut self.worker, 10);
        while self.engine.garbage.free_some(1000) {}
    }
}

/// The client's end of the connection: another for each name, as long as names are short.
fn port_of(name: &str) -> u32 {
    let digit = |letter: u8| u32::from(letter.wrapping_sub(b'a')) % 26 + 1;
    50_000
        + name
            .bytes()
            .fold(0, |sum, letter| (sum * 27 + digit(letter)) % 10_000)
}

impl Connection {
    fn run(&mut self, engine: &Engine, worker: &mut Worker, out: &mut Vec<u8>) {
        self.session.client.take_inbox(out);
        let waits = match self.session.blocked {
            Some(_) => engine.is_blocked(&mut self.session, worker, out),
            None => self.session.client.has(ClientFlags::BLOCKED),
        };
        if waits {
            return;
        }
        let limits = Limits {
            bulk_bytes_max: engine.config.load().clients.bulk_len_max.0 as i64,
            unauthenticated: !self.session.authenticated,
        };
        let mut input = std::mem::take(&mut self.unread);
        let mut batch = Batch::default();
        let parsed = self.parser.parse(&mut input, &limits, &mut batch);
        let releases = engine.pause.releases();
        let progress = engine.run(&mut self.session, worker, &batch, 0, out);
        if let Progress::Waits { next } | Progress::Blocks { next } = progress {
            if let Progress::Waits { .. } = progress {
                engine.pause.wait(&self.session.client, releases);
            }
            for index in next..batch.len() {
                resp::reply::write_request(&mut self.unread, batch.request(index));
            }
        }
        if let (Progress::All, Some(error)) = (progress, parsed.error) {
            engine.refuse_stream(&mut self.session, error, out);
        }
        self.unread.extend_from_slice(&input[parsed.consumed..]);
        self.session.client.take_inbox(out);
    }

    fn is_over(&self) -> bool {
        let client = &self.session.client;
        client.has(ClientFlags::CLOSE_AFTER_REPLY) || client.has(ClientFlags::KILLED)
    }
}
