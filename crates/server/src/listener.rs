//! Sockets that accept clients.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use config::{Addresses, Config, Network, Tls};
use engine::Engine;
use engine::clients::Endpoints;
use engine::host::LogLevel;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::connection::Connection;
use crate::durability::Durability;
use crate::encryption::{Encryption, handshake_words};
use crate::line::{Line, Plain};

/// How long to wait when the system has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What clients are let into.
#[derive(Clone)]
pub struct House {
    pub engine: Arc<Engine>,
    pub durability: Arc<Durability>,
    pub encryption: Arc<Encryption>,
    /// Those who are not let in before it is known who they are.
    pub visitors: Arc<AtomicUsize>,
}

impl House {
    pub fn new(
        engine: Arc<Engine>,
        durability: Arc<Durability>,
        encryption: Arc<Encryption>,
    ) -> House {
        House {
            engine,
            durability,
            encryption,
            visitors: Arc::default(),
        }
    }
}

/// Everything that listens. Dropping it closes the sockets and keeps the clients.
#[derive(Default)]
pub struct Listeners {
    plain: Door,
    encrypted: Door,
    unix: Vec<JoinHandle<()>>,
    unix_path: Option<String>,
}

/// What listens at one port.
#[derive(Default)]
struct Door {
    tasks: Vec<JoinHandle<()>>,
    /// What it was opened by.
    place: Option<Place>,
}

/// What a configuration says of a port.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    bind: Addresses,
    port: u16,
    is_encrypted: bool,
}

impl Place {
    fn both(network: &Network, tls: &Tls) -> [Place; 2] {
        [(network.port, false), (tls.port, true)].map(|(port, is_encrypted)| Place {
            bind: network.bind.clone(),
            port,
            is_encrypted,
        })
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        let doors = [&self.plain.tasks, &self.encrypted.tasks, &self.unix];
        doors.into_iter().flatten().for_each(JoinHandle::abort);
        if let Some(path) = &self.unix_path {
            // Another server may have taken the path; then it is not ours to remove.
            drop(std::fs::remove_file(path));
        }
    }
}

impl Door {
    /// Listens, and accepts nobody yet.
    fn sockets(house: &House, config: &Config, place: &Place) -> Result<Vec<TcpListener>, String> {
        let what = if place.is_encrypted { "TLS" } else { "TCP" };
        let sockets = tcp_sockets(&house.engine, &config.network, place.port, what)?;
        let sockets: io::Result<_> = sockets.into_iter().map(TcpListener::from_std).collect();
        sockets.map_err(|error| plain(&error))
    }

    fn open(house: &House, sockets: Vec<TcpListener>, place: Place) -> Door {
        let accept = |socket| match place.is_encrypted {
            true => tokio::spawn(accept_encrypted(house.clone(), socket)),
            false => tokio::spawn(accept_tcp(house.clone(), socket)),
        };
        Door {
            tasks: sockets.into_iter().map(accept).collect(),
            place: Some(place),
        }
    }

    /// Stops listening. The addresses are free when this is over.
    async fn close(&mut self) {
        self.place = None;
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // A task that was called off ends with an error.
            drop(task.await);
        }
    }
}

impl Listeners {
    /// Listens as the configuration says. The error is what the operator reads.
    pub fn bind(house: &House, config: &Config) -> Result<Listeners, String> {
        let mut listeners = Listeners::default();
        // Nothing accepts before everything is bound: a failure then frees the addresses at once.
        let [own, encrypted] = Place::both(&config.network, &config.tls);
        let tcp = Door::sockets(house, config, &own)?;
        let tls = Door::sockets(house, config, &encrypted)?;
        if let Some(path) = config.network.unix_socket.set() {
            let path = String::from_utf8_lossy(path).into_owned();
            let listener = unix_listener(&path, config)?;
            let task = accept_unix(house.clone(), listener, path.clone());
            listeners.unix.push(tokio::spawn(task));
            listeners.unix_path = Some(path);
        }
        listeners.plain = Door::open(house, tcp, own);
        listeners.encrypted = Door::open(house, tls, encrypted);
        Ok(listeners)
    }

    /// Listens at the ports that a configuration says now, or where it did if that cannot be. A
    /// port that stays is not touched.
    pub async fn follow(&mut self, house: &House, config: &Config) -> Result<(), String> {
        let places = Place::both(&config.network, &config.tls);
        let now = house.engine.config.load_full();
        // Both are closed first: one may take the other's port.
        let doors = [&mut self.plain, &mut self.encrypted];
        let mut moves = Vec::new();
        for (door, place) in doors.into_iter().zip(places) {
            if door.place.as_ref() != Some(&place) {
                let old = door.place.clone();
                door.close().await;
                moves.push((door, old, place));
            }
        }
        let mut opened = Vec::new();
        for (_, _, place) in &moves {
            match Door::sockets(house, config, place) {
                Ok(sockets) => opened.push(sockets),
                Err(why) => {
                    drop(opened);
                    for (door, old, _) in moves {
                        let Some(old) = old else { continue };
                        if let Ok(sockets) = Door::sockets(house, &now, &old) {
                            *door = Door::open(house, sockets, old);
                        }
                    }
                    return Err(why);
                }
            }
        }
        for ((door, _, place), sockets) in moves.into_iter().zip(opened) {
            *door = Door::open(house, sockets, place);
        }
        Ok(())
    }

    /// Stops listening. The addresses are free when this is over.
    pub async fn close(mut self) {
        self.plain.close().await;
        self.encrypted.close().await;
        for task in std::mem::take(&mut self.unix) {
            task.abort();
            // A task that was called off ends with an error.
            drop(task.await);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.plain.tasks.is_empty() && self.encrypted.tasks.is_empty() && self.unix.is_empty()
    }
}

/// Sockets that listen at a port, for what is told to whoever reads that it failed.
pub fn tcp_sockets(
    engine: &Engine,
    network: &Network,
    port: u16,
    what: &str,
) -> Result<Vec<std::net::TcpListener>, String> {
    let mut listeners = Vec::new();
    if port == 0 {
        return Ok(listeners);
    }
    for address in network.bind.iter() {
        let text = String::from_utf8_lossy(address);
        let (name, optional) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (&*text, false),
        };
        match tcp_listener(name, port, network.tcp_backlog) {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                let line = format!(
                    "Warning: Could not create server TCP listening socket {name}:{port}: {}",
                    plain(&error)
                );
                engine.host.log(LogLevel::Warning, &line);
                let missing = [
                    io::ErrorKind::AddrNotAvailable,
                    io::ErrorKind::Unsupported,
                    io::ErrorKind::InvalidInput,
                ];
                if !optional || !missing.contains(&error.kind()) && !is_no_such_family(&error) {
                    return Err(format!(
                        "Failed listening on port {port} ({what}), aborting."
                    ));
                }
            }
        }
    }
    Ok(listeners)
}

/// The system has no such protocol, as a kernel without IPv6.
fn is_no_such_family(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    const EPROTONOSUPPORT: i32 = 93;
    matches!(error.raw_os_error(), Some(EAFNOSUPPORT | EPROTONOSUPPORT))
}

/// The system's words, without the number that Rust adds.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn tcp_listener(name: &str, port: u16, backlog: u32) -> io::Result<std::net::TcpListener> {
    let ip: IpAddr = match name {
        "*" => Ipv4Addr::UNSPECIFIED.into(),
        "::*" => Ipv6Addr::UNSPECIFIED.into(),
        name => match name.parse() {
            Ok(ip) => ip,
            Err(_) => resolve(name)?,
        },
    };
    let domain = if ip.is_ipv4() {
        Domain::IPV4
    } else {
        Domain::IPV6
    };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if ip.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    let named = |call: &str, error: io::Error| {
        io::Error::new(error.kind(), format!("{call}: {}", plain(&error)))
    };
    socket
        .bind(&SocketAddr::new(ip, port).into())
        .map_err(|error| named("bind", error))?;
    socket
        .listen(i32::try_from(backlog).unwrap_or(i32::MAX))
        .map_err(|error| named("listen", error))?;
    Ok(socket.into())
}

fn resolve(name: &str) -> io::Result<IpAddr> {
    use std::net::ToSocketAddrs;
    let mut found = (name, 0).to_socket_addrs()?;
    let missing = || io::Error::new(io::ErrorKind::NotFound, "Name or service not known");
    found.next().map(|address| address.ip()).ok_or_else(missing)
}

fn unix_listener(path: &str, config: &Config) -> Result<UnixListener, String> {
    // A socket left by a server that was killed would be in the way.
    drop(std::fs::remove_file(path));
    let failed = |error: io::Error| format!("Failed opening Unix socket: bind: {}", plain(&error));
    let listener = UnixListener::bind(path).map_err(failed)?;
    let mode = config.network.unix_socket_permission.0;
    if mode != 0 {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(path, permissions).map_err(failed)?;
    }
    Ok(listener)
}

async fn accept_tcp(house: House, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => greet_tcp(&house, stream, peer),
            Err(error) => survive(&house.engine, &error).await,
        }
    }
}

async fn accept_encrypted(house: House, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => receive(&house, stream, peer),
            Err(error) => survive(&house.engine, &error).await,
        }
    }
}

/// Whoever is being asked who they are. They count as clients, so that there are not too many.
struct Visit(Arc<AtomicUsize>);

impl Visit {
    fn begin(visitors: &Arc<AtomicUsize>) -> Visit {
        visitors.fetch_add(1, Ordering::Relaxed);
        Visit(Arc::clone(visitors))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Asks a client of an encrypted connection who they are, and lets them in then.
fn receive(house: &House, stream: TcpStream, peer: SocketAddr) {
    let (engine, config) = (&house.engine, house.engine.config.load_full());
    if is_full(house, &config) {
        let rejected = &engine.stats.rejected_connections;
        rejected.fetch_add(1, Ordering::Relaxed);
        // Who has not been talked to cannot be told why.
        return;
    }
    let (house, visit) = (house.clone(), Visit::begin(&house.visitors));
    let mut endpoints = prepare(&config, &stream, peer);
    endpoints.encrypted = true;
    tokio::spawn(async move {
        let made = house.encryption.accept(stream, config.tls.clients).await;
        drop(visit);
        match made {
            Ok(stream) => greet(&house, &config, stream, endpoints),
            Err(error) => {
                let stats = &house.engine.stats;
                stats.connections.fetch_add(1, Ordering::Relaxed);
                let words = handshake_words(&error);
                let line = format!("Error accepting a client connection: {words} (addr={peer})");
                house.engine.host.log(LogLevel::Warning, &line);
            }
        }
    });
}

async fn accept_unix(house: House, listener: UnixListener, path: String) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => greet_unix(&house, stream, &path),
            Err(error) => survive(&house.engine, &error).await,
        }
    }
}

/// A client that gave up is no reason to stop accepting others, nor is a lack of descriptors.
async fn survive(engine: &Engine, error: &io::Error) {
    if error.kind() != io::ErrorKind::ConnectionAborted {
        let line = format!("Accepting client connection: {}", plain(error));
        engine.host.log(LogLevel::Warning, &line);
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

fn greet_tcp(house: &House, stream: TcpStream, peer: SocketAddr) {
    let config = house.engine.config.load();
    let endpoints = prepare(&config, &stream, peer);
    greet(house, &config, Plain::tcp(stream), endpoints);
}

/// Sets the options of a socket. Returns what is known of its ends.
fn prepare(config: &Config, stream: &TcpStream, peer: SocketAddr) -> Endpoints {
    let local = stream
        .local_addr()
        .map(|addr| addr.to_string())
        .unwrap_or_default();
    let endpoints = Endpoints {
        addr: peer.to_string(),
        laddr: local,
        fd: stream.as_raw_fd(),
        unix: false,
        local: is_loopback(peer.ip()),
        encrypted: false,
    };
    // A socket that refuses an option still serves.
    drop(stream.set_nodelay(true));
    if config.network.tcp_keepalive > 0 {
        let idle = Duration::from_secs(u64::from(config.network.tcp_keepalive));
        let third = Duration::from_secs(u64::from(config.network.tcp_keepalive / 3).max(1));
        let keepalive = TcpKeepalive::new()
            .with_time(idle)
            .with_interval(third)
            .with_retries(3);
        drop(SockRef::from(stream).set_tcp_keepalive(&keepalive));
    }
    endpoints
}

fn is_loopback(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
    }
}

fn greet_unix(house: &House, stream: UnixStream, path: &str) {
    let config = house.engine.config.load();
    let endpoints = Endpoints {
        addr: format!("{path}:0"),
        laddr: format!("{path}:0"),
        fd: stream.as_raw_fd(),
        unix: true,
        local: true,
        encrypted: false,
    };
    greet(house, &config, Plain::unix(stream), endpoints);
}

/// Whether as many are here as may be.
fn is_full(house: &House, config: &Config) -> bool {
    let visitors = house.visitors.load(Ordering::Relaxed);
    house.engine.clients.len() + visitors >= config.clients.count_max as usize
}

/// Lets a client in, or says why not.
fn greet<S: Line>(house: &House, config: &Config, stream: S, endpoints: Endpoints) {
    let engine = &house.engine;
    if is_full(house, config) {
        engine
            .stats
            .rejected_connections
            .fetch_add(1, Ordering::Relaxed);
        turn_away(stream, "-ERR max number of clients reached\r\n");
    } else if is_unprotected(config) && !endpoints.local {
        engine
            .stats
            .rejected_connections
            .fetch_add(1, Ordering::Relaxed);
        turn_away(stream, PROTECTED_MODE);
    } else {
        let session = engine.connect(endpoints);
        let (engine, durability) = (Arc::clone(engine), Arc::clone(&house.durability));
        tokio::spawn(Connection::new(stream, engine, durability, session));
    }
}

/// Whether a stranger could walk in: protected mode then admits only this machine.
fn is_unprotected(config: &Config) -> bool {
    config.network.protected_mode && config.security.password.is_empty()
}

const PROTECTED_MODE: &str = "-DENIED Redis is running in protected mode: no password is set for \
    the default user, so only clients on this machine are served. To serve others, set a password \
    with 'requirepass' (or CONFIG SET requirepass from this machine), or turn the protection off \
    with 'protected-mode no' if a firewall does its work.\r\n";

fn turn_away<S: Line>(mut stream: S, why: &'static str) {
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        // The client may be gone already.
        drop(stream.write_all(why.as_bytes()).await);
        drop(stream.shutdown().await);
    });
}
