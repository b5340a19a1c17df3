//! Threads that serve: each has clients and connections to servers of its own, and shares nothing
//! that changes with every request.

use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use crate::backend::{Backend, Lane};
use crate::client::Client;
use crate::configuration::Language;
use crate::memcached;
use crate::pool::Pool;
use crate::session::Session;
use crate::stream::Stream;

/// A client that has come.
pub enum Arrival {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

/// What a worker is told.
pub enum Order {
    /// To serve a pool, perhaps in place of another.
    Install {
        number: u64,
        pool: Arc<Pool>,
        instead: Option<u64>,
    },
    /// To serve it no longer.
    Retire(u64),
    /// To serve a client of the pool with this number.
    Serve(u64, Arrival),
    /// To end when no client is left.
    Drain,
}

/// A worker, as the listeners see it.
pub struct Worker {
    pub orders: UnboundedSender<Order>,
    pub thread: JoinHandle<()>,
}

/// Idle connections of clients are probed that often, if they are to be.
const KEEP_ALIVE: Duration = Duration::from_secs(300);

/// Between two looks whether the last client has gone.
const DRAIN_GLANCE: Duration = Duration::from_millis(10);

/// Between two looks who has been silent for too long.
const SILENCE_GLANCE: Duration = Duration::from_millis(500);

impl Worker {
    pub fn start(index: usize, seed: u64) -> io::Result<Worker> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (orders, received) = unbounded_channel();
        let thread = std::thread::Builder::new()
            .name(format!("ochre-proxy-{index}"))
            .spawn(move || {
                let set = LocalSet::new();
                set.block_on(&runtime, serve(index, seed, received));
            })?;
        Ok(Worker { orders, thread })
    }
}

/// The pools of a worker, by their numbers. One that has been replaced leads to its successor.
type Backends = HashMap<u64, Rc<Backend>>;

async fn serve(index: usize, seed: u64, mut orders: UnboundedReceiver<Order>) {
    let mut backends = Backends::new();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Install {
                number,
                pool,
                instead,
            } => {
                let seed = seed ^ ((index as u64) << 32) ^ number;
                install(
                    &mut backends,
                    Backend::new(pool, index, seed),
                    number,
                    instead,
                );
            }
            Order::Retire(number) => {
                let gone = backends.get(&number).map(Rc::clone);
                if let Some(gone) = gone {
                    backends.retain(|_, backend| !Rc::ptr_eq(backend, &gone));
                    tokio::task::spawn_local(async move { let_go(&[gone]).await });
                }
            }
            Order::Serve(number, arrival) => {
                let Some(backend) = backends.get(&number) else {
                    continue;
                };
                if begin(backend, arrival).is_err() {
                    turn_away(backend);
                }
            }
            Order::Drain => break,
        }
    }
    let backends: Vec<Rc<Backend>> = backends.into_values().collect();
    let_go(&backends).await;
}

fn install(backends: &mut Backends, backend: Rc<Backend>, number: u64, instead: Option<u64>) {
    preconnect(&backend);
    tokio::task::spawn_local(close_silent(Rc::clone(&backend)));
    let before = instead
        .and_then(|number| backends.get(&number))
        .map(Rc::clone);
    if let Some(before) = before {
        for known in backends
            .values_mut()
            .filter(|known| Rc::ptr_eq(known, &before))
        {
            *known = Rc::clone(&backend);
        }
        before.give_way_to(Rc::clone(&backend));
        tokio::task::spawn_local(async move {
            while !before.clients.borrow().is_empty() {
                tokio::time::sleep(DRAIN_GLANCE).await;
            }
            before.close();
        });
    }
    backends.insert(number, backend);
}

/// Lets clients go that wait for nothing, until there is none.
async fn let_go(backends: &[Rc<Backend>]) {
    while backends.iter().any(|b| !b.clients.borrow().is_empty()) {
        for backend in backends {
            let clients: Vec<Rc<Client>> = backend.clients.borrow().values().cloned().collect();
            let is_done = |client: &&Rc<Client>| client.is_idle() && client.unsent() == 0;
            for client in clients.iter().filter(is_done) {
                client.broken.set(true);
                client.wake();
            }
        }
        tokio::time::sleep(DRAIN_GLANCE).await;
    }
    backends.iter().for_each(|backend| backend.close());
}

/// Closes clients that say nothing for too long.
async fn close_silent(backend: Rc<Backend>) {
    loop {
        tokio::time::sleep(SILENCE_GLANCE).await;
        if backend.is_closed() {
            return;
        }
        let held = backend.unread.get() + backend.queued.get();
        backend.counters().memory.set(held as u64);
        if backend.pool.live.client_timeout_ms.load(Ordering::Relaxed) == 0 {
            continue;
        }
        let now_ms = backend.pool.now_ms();
        let clients = backend.clients.borrow();
        for client in clients.values().filter(|client| client.is_overdue(now_ms)) {
            client.broken.set(true);
            client.wake();
        }
    }
}

/// Connects to every server, if the pool is to do so before anybody asks.
fn preconnect(backend: &Rc<Backend>) {
    if !backend.pool.config.preconnect {
        return;
    }
    for server in 0..backend.view().servers.len() {
        let db = backend.pool.config.db;
        let lane = Lane {
            server,
            db,
            resp3: false,
            identity: crate::identity::Identity::POOL,
        };
        backend.link(lane, 0).connect();
    }
}

/// Encrypted connections have so long to agree on how.
const HANDSHAKE: Duration = Duration::from_secs(10);

fn begin(backend: &Rc<Backend>, arrival: Arrival) -> io::Result<()> {
    let stream = match arrival {
        Arrival::Tcp(stream) => {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            Stream::Tcp(TcpStream::from_std(stream)?)
        }
        Arrival::Unix(stream) => {
            stream.set_nonblocking(true)?;
            Stream::Unix(UnixStream::from_std(stream)?)
        }
    };
    if backend.pool.config.client_keepalive {
        stream.keep_alive(KEEP_ALIVE)?;
    }
    match (stream, &backend.pool.acceptor) {
        (Stream::Tcp(stream), Some(acceptor)) => {
            let agreed = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
            let backend = Rc::clone(backend);
            tokio::task::spawn_local(async move {
                match agreed.await {
                    Ok(Ok(stream)) if !backend.is_closed() => {
                        admit(&backend, Stream::Tls(Box::new(stream.into())));
                    }
                    _ => turn_away(&backend),
                }
            });
        }
        (stream, _) => admit(backend, stream),
    }
    Ok(())
}

/// A client that could not be served.
fn turn_away(backend: &Backend) {
    backend.counters().client_err.add(1);
    backend.pool.shared.clients.fetch_sub(1, Ordering::Relaxed);
}

fn admit(backend: &Rc<Backend>, stream: Stream) {
    static NEXT_ID: AtomicU64 = AtomicU64::new(1);
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let language = backend.pool.config.language;
    let is_memcached = language == Language::Memcached;
    let client = Rc::new(Client::new(id, Rc::clone(backend), stream, is_memcached));
    let counters = backend.counters();
    counters.client_connections.add(1);
    counters.clients_accepted.add(1);
    backend.clients.borrow_mut().insert(id, Rc::clone(&client));
    match language {
        Language::Redis => drop(tokio::task::spawn_local(Session::new(client))),
        Language::Memcached => drop(tokio::task::spawn_local(memcached::Session::new(client))),
    }
}
