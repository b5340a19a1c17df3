//! A TCP proxy that makes links bad: late, in small pieces, stalled one way or both, cut, refused,
//! or gone without a word.
//!
//! ```text
//!   client ──▶ 127.0.0.1:port ──▶ Proxy ──▶ target
//!                                   └ Faults: what happens to bytes now, for every link
//! ```
//!
//! It is for tests of real processes; what is tested in virtual time needs no socket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

/// How often threads look whether anything has changed.
const GLANCE: Duration = Duration::from_millis(2);

/// Bytes taken at once where nothing asks for less.
const CHUNK_BYTES: usize = 16 * 1024;

/// What happens to every link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Each piece waits so long.
    pub delay: Duration,
    /// The most bytes that are passed on at once. 0 means no limit.
    pub piece_bytes: usize,
    /// Nothing is passed on from the client, or to it. What was sent is kept and comes later.
    pub stalls_out: bool,
    pub stalls_back: bool,
    /// New links end at once.
    pub refuses: bool,
    /// The end of one side is not told to the other: the link is half open.
    pub hides_ends: bool,
}

#[derive(Debug)]
struct Shared {
    faults: Mutex<Faults>,
    links: Mutex<Vec<[TcpStream; 2]>>,
    is_over: AtomicBool,
}

/// A proxy of one target. It ends when it is dropped, and all links with it.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Proxy {
    pub fn start(target: SocketAddr) -> io::Result<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            faults: Mutex::default(),
            links: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let listener = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || accept(&listener, target, &shared))
        };
        Ok(Proxy {
            port,
            shared,
            listener: Some(listener),
        })
    }

    /// Where clients connect to, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What happens from now on.
    pub fn set(&self, faults: Faults) {
        *self.shared.faults.lock() = faults;
    }

    /// Ends all links, on both sides.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// The links that have been made and not been cut.
    pub fn links(&self) -> usize {
        self.shared.links.lock().len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.cut();
        if let Some(listener) = self.listener.take() {
            // A panic there has been printed already.
            let _ = listener.join();
        }
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, shared: &Arc<Shared>) {
    let mut pumps = Vec::new();
    while !shared.is_over.load(Ordering::Relaxed) {
        let Ok((client, _)) = listener.accept() else {
            thread::sleep(GLANCE);
            continue;
        };
        if shared.faults.lock().refuses {
            continue;
        }
        // A target that is gone is a link that ends at once.
        if let Ok(server) = TcpStream::connect(target)
            && let Ok(threads) = join(client, server, shared)
        {
            pumps.extend(threads);
        }
    }
    // A link may have been made while the proxy was being ended.
    shared.cut();
    pumps
        .into_iter()
        .for_each(|pump: JoinHandle<()>| drop(pump.join()));
}

/// Passes bytes on between two streams, one thread a direction.
fn join(
    client: TcpStream,
    server: TcpStream,
    shared: &Arc<Shared>,
) -> io::Result<[JoinHandle<()>; 2]> {
    for stream in [&client, &server] {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(GLANCE))?;
    }
    let pair = [client.try_clone()?, server.try_clone()?];
    let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
    shared.links.lock().push(pair);
    let (out, back) = (Arc::clone(shared), Arc::clone(shared));
    Ok([
        thread::spawn(move || pump(client, server, &out, |faults| faults.stalls_out)),
        thread::spawn(move || pump(from_server, to_client, &back, |faults| faults.stalls_back)),
    ])
}

fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared, stalls: fn(&Faults) -> bool) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while !shared.is_over.load(Ordering::Relaxed) {
        let faults = *shared.faults.lock();
        if stalls(&faults) {
            thread::sleep(GLANCE);
            continue;
        }
        let len = match faults.piece_bytes {
            0 => CHUNK_BYTES,
            len => len.min(CHUNK_BYTES),
        };
        match from.read(&mut chunk[..len]) {
            Ok(len) if len > 0 => {
                thread::sleep(faults.delay);
                if to.write_all(&chunk[..len]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Ok(_) | Err(_) => break,
        }
    }
    if !shared.faults.lock().hides_ends {
        // The other side may have ended first.
        let _ = to.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn cut(&self) {
        for stream in self.links.lock().drain(..).flatten() {
            // It may have ended by itself just now.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests;
