//! The cluster bus: its port, its links, and the thread that looks after them.
//!
//! The thread is the bus's own, with a runtime of its own, and takes no lock of the keyspace: so
//! however long a command takes, the node answers its peers.
//!
//! ```text
//!   listener ─┐                         ┌─▶ Wire ─▶ a link's task ─▶ socket
//!   sockets ──┼─▶ Cluster::take_in ─▶ Shell
//!   deadline ─┘                         └─▶ connect
//! ```

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cluster::{Address, Input, LinkId};
use config::{Config, TlsClients};
use engine::Worker;
use engine::host::LogLevel;
use node::cluster::{Cluster, Job, Shell};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::{LocalSet, spawn_local};

use crate::dial;
use crate::encryption::handshake_words;
use crate::listener::{House, tcp_sockets};
use crate::machine::system_words;
use crate::memory;

/// Bytes read at once from a link.
const INPUT_BYTES: usize = 64 * 1024;

/// Between two looks at the clock.
const LOOK_EVERY_MS: u64 = 100;

/// How long the system may take to accept again, if it has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// So many may be asked at a time who they are.
const STRANGERS_MAX: usize = 1000;

/// The bus of this node.
struct Bus {
    house: House,
    cluster: Arc<Cluster>,
    wires: Mutex<BTreeMap<LinkId, Arc<Wire>>>,
    accepted: AtomicU64,
    /// Room for those who have not shown yet who they are.
    strangers: Arc<Semaphore>,
    connects: UnboundedSender<Connect>,
    timer: Notify,
    hands: Hands,
}

/// The way to the thread that may wait for locks.
struct Hands(std::sync::mpsc::Sender<()>);

/// A link that is to be made.
struct Connect {
    link: LinkId,
    address: Address,
    hostname: String,
}

/// What is to be sent on a link.
#[derive(Default)]
struct Wire {
    queue: Mutex<Queue>,
    has_more: Notify,
    is_closed: AtomicBool,
}

#[derive(Default)]
struct Queue {
    pieces: Vec<Bytes>,
    /// Bytes that no socket has taken.
    unsent: u64,
    /// What the machine was told of it.
    told: u64,
}

/// The shell is shared by whoever steps the machine.
struct Sockets(Arc<Bus>);

/// Opens the port of the bus. An error is what the operator reads.
pub fn listen(house: &House, config: &Config) -> Result<Vec<std::net::TcpListener>, String> {
    let settings = cluster::Settings::of(config, config.network.port, config.tls.port);
    let base = match config.tls.cluster {
        true => config.tls.port,
        false => config.network.port,
    };
    if config.cluster.port == 0 && base > u16::MAX - 10_000 {
        return Err(
            "Redis port number too high. Cluster communication port is 10,000 port numbers higher \
             than your Redis port. Your Redis port number must be 55535 or less."
                .to_owned(),
        );
    }
    tcp_sockets(&house.engine, &config.network, settings.bus_port, "cluster")
}

/// Starts the threads, which end with the process. An error is what the operator reads.
pub fn start(house: &House, listeners: Vec<std::net::TcpListener>) -> Result<(), String> {
    let Some(cluster) = house.durability.cluster.clone() else {
        return Ok(());
    };
    let (connects, asked) = unbounded_channel();
    let (calls, called) = std::sync::mpsc::channel();
    let bus = Arc::new(Bus {
        house: house.clone(),
        cluster: Arc::clone(&cluster),
        wires: Mutex::default(),
        accepted: AtomicU64::new(0),
        strangers: Arc::new(Semaphore::new(STRANGERS_MAX)),
        connects,
        timer: Notify::new(),
        hands: Hands(calls),
    });
    cluster.set_shell(Box::new(Sockets(Arc::clone(&bus))));
    let (its_house, its_cluster) = (house.clone(), Arc::clone(&cluster));
    spawn("ochre-roles", move || {
        let engine = &its_house.engine;
        let mut worker = Worker::new(engine, 0);
        while called.recv().is_ok() {
            its_cluster.work_off(engine, &mut worker);
        }
    })
    .map_err(|error| failed(&error))?;
    cluster.start(&house.engine)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    spawn("ochre-bus", move || {
        let local = LocalSet::new();
        local.block_on(&runtime, bus.run(listeners, asked));
    })
    .map_err(|error| failed(&error))
}

fn failed(error: &io::Error) -> String {
    format!("Can't start the bus: {}", system_words(error))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    let counted = move || {
        memory::count_this_thread();
        run();
    };
    builder.spawn(counted).map(drop)
}

impl Shell for Sockets {
    fn connect(&self, link: LinkId, address: &Address, hostname: &str) {
        self.0.wires.lock().insert(link, Arc::default());
        let (address, hostname) = (address.clone(), hostname.to_owned());
        // The bus ends with the process.
        drop(self.0.connects.send(Connect {
            link,
            address,
            hostname,
        }));
    }

    fn send(&self, link: LinkId, bytes: Bytes) {
        if let Some(wire) = self.0.wires.lock().get(&link) {
            wire.push(bytes);
        }
    }

    fn close(&self, link: LinkId) {
        if let Some(wire) = self.0.wires.lock().remove(&link) {
            wire.is_closed.store(true, Ordering::Release);
            wire.has_more.notify_one();
        }
    }

    fn rearm(&self) {
        self.0.timer.notify_one();
    }

    fn call_hands(&self) {
        // The thread ends with the process.
        let _ = self.0.hands.0.send(());
    }

    fn begin_export(&self, job: Arc<Job>) {
        let bus = Arc::clone(&self.0);
        let run = move || bus.cluster.export(&bus.house.engine, &job);
        if let Err(error) = spawn("ochre-slots", run) {
            let line = format!("Can't begin to move slots: {}", system_words(&error));
            self.0.log(LogLevel::Warning, &line);
        }
    }
}

impl Wire {
    fn push(&self, bytes: Bytes) {
        let mut queue = self.queue.lock();
        queue.unsent += bytes.len() as u64;
        queue.pieces.push(bytes);
        drop(queue);
        self.has_more.notify_one();
    }

    fn take(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.queue.lock().pieces)
    }

    fn note_sent(&self, bytes: usize) {
        self.queue.lock().unsent -= bytes as u64;
    }

    /// How much is unsent, if the machine does not know yet.
    fn news(&self) -> Option<u64> {
        let mut queue = self.queue.lock();
        let unsent = queue.unsent;
        (std::mem::replace(&mut queue.told, unsent) != unsent).then_some(unsent)
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }
}

impl Bus {
    async fn run(
        self: Arc<Self>,
        listeners: Vec<std::net::TcpListener>,
        mut asked: UnboundedReceiver<Connect>,
    ) {
        for listener in listeners {
            match TcpListener::from_std(listener) {
                Ok(listener) => drop(spawn_local(Arc::clone(&self).accept(listener))),
                Err(error) => self.log(LogLevel::Warning, &system_words(&error)),
            }
        }
        loop {
            let now_ms = self.house.engine.host.monotonic_nanos() / 1_000_000;
            let left_ms = self.cluster.deadline_ms().saturating_sub(now_ms);
            let pause = Duration::from_millis(left_ms.min(LOOK_EVERY_MS));
            tokio::select! {
                Some(connect) = asked.recv() => {
                    drop(spawn_local(Arc::clone(&self).connect(connect)));
                }
                () = self.timer.notified() => {}
                () = tokio::time::sleep(pause) => self.tick(),
            }
        }
    }

    fn tell(&self, input: Input<'_>) {
        self.cluster.take_in(&self.house.engine, input);
    }

    fn log(&self, level: LogLevel, line: &str) {
        self.house.engine.host.log(level, line);
    }

    fn tick(&self) {
        let wires = self.wires.lock().clone();
        for (link, wire) in wires {
            if let Some(unsent) = wire.news() {
                let (held, used) = (unsent, unsent);
                self.tell(Input::Unsent { link, held, used });
            }
        }
        self.tell(Input::Tick);
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    let line = format!("Error accepting cluster node: {}", system_words(&error));
                    self.log(LogLevel::Verbose, &line);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let local = stream.local_addr().map(text).unwrap_or_default();
            // A socket that refuses an option still serves.
            drop(stream.set_nodelay(true));
            if self.house.engine.config.load().tls.cluster {
                let strangers = Arc::clone(&self.strangers);
                let Ok(place) = strangers.try_acquire_owned() else {
                    continue;
                };
                spawn_local(Arc::clone(&self).receive(stream, text(peer), local, place));
            } else {
                let (link, wire) = self.admit(&text(peer), &local);
                let (reader, writer) = stream.into_split();
                spawn_local(Arc::clone(&self).serve(link, wire, reader, writer));
            }
        }
    }

    /// Serves a node once it has shown who it is.
    async fn receive(
        self: Arc<Self>,
        stream: TcpStream,
        peer: String,
        local: String,
        place: OwnedSemaphorePermit,
    ) {
        // Nodes have to be known, whatever clients have.
        let accepted = self.house.encryption.accept(stream, TlsClients::Yes).await;
        drop(place);
        match accepted {
            Ok(stream) => {
                let (link, wire) = self.admit(&peer, &local);
                let (reader, writer) = tokio::io::split(stream);
                self.serve(link, wire, reader, writer).await;
            }
            Err(error) => {
                let words = handshake_words(&error);
                let line = format!("Error accepting cluster node connection: {words}");
                self.log(LogLevel::Verbose, &line);
            }
        }
    }

    fn admit(&self, peer: &str, local: &str) -> (LinkId, Arc<Wire>) {
        let link = LinkId::In(self.accepted.fetch_add(1, Ordering::Relaxed) + 1);
        let wire = Arc::<Wire>::default();
        self.wires.lock().insert(link, Arc::clone(&wire));
        self.tell(Input::Accepted { link, peer, local });
        (link, wire)
    }

    async fn connect(self: Arc<Self>, connect: Connect) {
        let link = connect.link;
        let Some(wire) = self.wires.lock().get(&link).cloned() else {
            return;
        };
        let made = tokio::select! {
            made = self.dial(&connect) => made,
            () = until_closed(&wire) => return,
        };
        let stream = match made {
            Ok(stream) => stream,
            Err(error) => return self.lose(link, &wire, &system_words(&error)),
        };
        // A socket that refuses an option still serves.
        drop(stream.set_nodelay(true));
        if !self.house.engine.config.load().tls.cluster {
            self.tell(Input::Connected { link });
            let (reader, writer) = stream.into_split();
            return self.serve(link, wire, reader, writer).await;
        }
        let made = tokio::select! {
            made = self.house.encryption.connect(stream) => made,
            () = until_closed(&wire) => return,
        };
        match made {
            Ok(stream) => {
                self.tell(Input::Connected { link });
                let (reader, writer) = tokio::io::split(stream);
                self.serve(link, wire, reader, writer).await;
            }
            Err(error) => self.lose(link, &wire, &handshake_words(&error)),
        }
    }

    /// Connects to the address, or to what the name leads to.
    async fn dial(&self, connect: &Connect) -> io::Result<TcpStream> {
        let (address, hostname) = (&connect.address, connect.hostname.as_str());
        let ip: IpAddr = address.ip.parse().map_err(io::Error::other)?;
        let config = self.house.engine.config.load_full();
        let target = SocketAddr::new(ip, address.port);
        match dial::to_address(&config, target).await {
            Err(_) if !hostname.is_empty() => dial::to_name(&config, hostname, address.port).await,
            made => made,
        }
    }

    /// Reads and writes until the link is over.
    async fn serve<R, W>(
        self: Arc<Self>,
        link: LinkId,
        wire: Arc<Wire>,
        mut reader: R,
        mut writer: W,
    ) where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut input = vec![0; INPUT_BYTES];
        let read = async {
            loop {
                let len = match reader.read(&mut input).await {
                    Ok(0) => return "connection closed".to_owned(),
                    Ok(len) => len,
                    Err(error) => return system_words(&error),
                };
                if wire.is_closed() {
                    return String::new();
                }
                let bytes = &input[..len];
                self.tell(Input::Received { link, bytes });
            }
        };
        let write = async {
            loop {
                for piece in wire.take() {
                    if let Err(error) = writer.write_all(&piece).await {
                        return system_words(&error);
                    }
                    wire.note_sent(piece.len());
                }
                if let Err(error) = writer.flush().await {
                    return system_words(&error);
                }
                if wire.is_closed() {
                    return String::new();
                }
                wire.has_more.notified().await;
            }
        };
        let why = tokio::select! {
            why = read => why,
            why = write => why,
        };
        self.lose(link, &wire, &why);
    }

    fn lose(&self, link: LinkId, wire: &Wire, why: &str) {
        self.wires.lock().remove(&link);
        if !wire.is_closed() {
            self.tell(Input::Lost { link, why });
        }
    }
}

async fn until_closed(wire: &Wire) {
    while !wire.is_closed() {
        wire.has_more.notified().await;
    }
}

fn text(address: SocketAddr) -> String {
    address.ip().to_string()
}
