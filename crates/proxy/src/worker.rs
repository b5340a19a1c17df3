//! Threads that serve: each has clients and connections to servers of its own, and shares nothing
//! that changes with every request.

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
    /// To serve a client of the pool with this number.
    Serve(usize, Arrival),
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
    pub fn start(index: usize, pools: Vec<Arc<Pool>>, seed: u64) -> io::Result<Worker> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (orders, received) = unbounded_channel();
        let thread = std::thread::Builder::new()
            .name(format!("ochre-proxy-{index}"))
            .spawn(move || {
                let set = LocalSet::new();
                set.block_on(&runtime, serve(index, pools, seed, received));
            })?;
        Ok(Worker { orders, thread })
    }
}

async fn serve(
    index: usize,
    pools: Vec<Arc<Pool>>,
    seed: u64,
    mut orders: UnboundedReceiver<Order>,
) {
    let seeds = (0..).map(|pool: u64| seed ^ ((index as u64) << 32) ^ pool);
    let backends: Vec<Rc<Backend>> = pools
        .into_iter()
        .zip(seeds)
        .map(|(pool, seed)| Backend::new(pool, index, seed))
        .collect();
    backends.iter().for_each(preconnect);
    for backend in &backends {
        tokio::task::spawn_local(close_silent(Rc::clone(backend)));
    }
    while let Some(order) = orders.recv().await {
        match order {
            Order::Serve(pool, arrival) => {
                if let Err(error) = begin(&backends[pool], arrival) {
                    let counters = backends[pool].counters();
                    counters.client_err.add(1);
                    drop(error);
                }
            }
            Order::Drain => break,
        }
    }
    while backends.iter().any(|b| !b.clients.borrow().is_empty()) {
        for backend in &backends {
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
        };
        backend.link(lane, 0).connect();
    }
}

fn begin(backend: &Rc<Backend>, arrival: Arrival) -> io::Result<()> {
    let config = &backend.pool.config;
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
    if config.client_keepalive {
        stream.keep_alive(KEEP_ALIVE)?;
    }
    static NEXT_ID: AtomicU64 = AtomicU64::new(1);
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let is_memcached = config.language == Language::Memcached;
    let client = Rc::new(Client::new(id, Rc::clone(backend), stream, is_memcached));
    let counters = backend.counters();
    counters.client_connections.add(1);
    counters.clients_accepted.add(1);
    backend.clients.borrow_mut().insert(id, Rc::clone(&client));
    match config.language {
        Language::Redis => drop(tokio::task::spawn_local(Session::new(client))),
        Language::Memcached => drop(tokio::task::spawn_local(memcached::Session::new(client))),
    }
    Ok(())
}
