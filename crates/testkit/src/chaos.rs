//! A TCP proxy that misbehaves on demand: between two servers, what networks do to them.
//!
//! ```text
//!   client ──▶ Chaos ──▶ target        each way is a thread that looks at the mood before it reads
//! ```

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

/// Between two looks at the mood.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Bytes passed on at once.
const BYTES: usize = 16 * 1024;

/// How bytes are treated, on every connection there is and will be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Pass,
    /// Every piece comes late.
    Delay(Duration),
    /// One byte at a time.
    Drip,
    /// Nothing is read, so that the sender's socket fills.
    Stall,
    /// Everything is read and forgotten, and nobody is told of an end: the other side has vanished.
    Vanish,
}

/// A proxy for one target. It ends when it is dropped.
pub struct Chaos {
    shared: Arc<Shared>,
    port: u16,
}

struct Shared {
    target: SocketAddr,
    mood: Mutex<Mood>,
    /// New connections are closed at once.
    refuses: AtomicBool,
    has_ended: AtomicBool,
    /// Bytes that are still passed on before all connections are cut; negative for no end.
    left: AtomicI64,
    streams: Mutex<Vec<TcpStream>>,
    accepted: AtomicUsize,
}

impl Chaos {
    /// Listens on a port of its own.
    pub fn before(target: SocketAddr) -> io::Result<Chaos> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            target,
            mood: Mutex::default(),
            refuses: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            left: AtomicI64::new(-1),
            streams: Mutex::default(),
            accepted: AtomicUsize::new(0),
        });
        listener.set_nonblocking(true)?;
        let its = Arc::clone(&shared);
        thread::spawn(move || its.accept(&listener));
        Ok(Chaos { shared, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn set_mood(&self, mood: Mood) {
        *self.shared.mood.lock() = mood;
    }

    /// Closes new connections at once, or lets them through again.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Ends every connection.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Ends every connection once so many more bytes have been passed on, wherever that is.
    pub fn cut_after(&self, bytes: u32) {
        self.shared.left.store(bytes.into(), Ordering::SeqCst);
    }

    /// Connections that were let through.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::SeqCst);
        self.cut();
    }
}

impl Shared {
    fn accept(self: Arc<Shared>, listener: &TcpListener) {
        while !self.has_ended() {
            match listener.accept() {
                Ok((client, _)) if !self.refuses.load(Ordering::SeqCst) => {
                    // Whoever cannot be connected is turned away.
                    drop(self.join(client));
                }
                Ok(_) => {}
                Err(_) => thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }

    fn join(self: &Arc<Shared>, client: TcpStream) -> io::Result<()> {
        client.set_nonblocking(false)?;
        let server = TcpStream::connect(self.target)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LOOK_EVERY))?;
            self.streams.lock().push(stream.try_clone()?);
        }
        self.accepted.fetch_add(1, Ordering::SeqCst);
        let ways = [(client.try_clone()?, server.try_clone()?), (server, client)];
        for (from, to) in ways {
            let shared = Arc::clone(self);
            thread::spawn(move || shared.pass(from, to));
        }
        Ok(())
    }

    fn cut(&self) {
        for stream in self.streams.lock().drain(..) {
            // It may have ended by itself.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// Passes bytes on until one side ends.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = vec![0; BYTES];
        while !self.has_ended() {
            let mood = *self.mood.lock();
            let most = match mood {
                Mood::Stall => {
                    thread::sleep(LOOK_EVERY);
                    continue;
                }
                Mood::Drip => 1,
                Mood::Pass | Mood::Delay(_) | Mood::Vanish => BYTES,
            };
            let read = match from.read(&mut bytes[..most]) {
                Err(error) if is_pause(&error) => continue,
                read => read.unwrap_or(0),
            };
            if mood == Mood::Vanish {
                if read == 0 {
                    thread::sleep(LOOK_EVERY);
                }
                continue;
            }
            if let Mood::Delay(pause) = mood {
                thread::sleep(pause);
            }
            if read == 0 || !self.pass_on(&mut to, &bytes[..read]) {
                break;
            }
        }
        drop(from.shutdown(Shutdown::Both));
        drop(to.shutdown(Shutdown::Both));
    }

    /// Returns whether there is more to pass on.
    fn pass_on(&self, to: &mut TcpStream, bytes: &[u8]) -> bool {
        let before = self.left.load(Ordering::SeqCst);
        let passed = match usize::try_from(before) {
            Ok(left) => left.min(bytes.len()),
            Err(_) => bytes.len(),
        };
        if to.write_all(&bytes[..passed]).is_err() {
            return false;
        }
        if before >= 0 {
            let left = self.left.fetch_sub(passed as i64, Ordering::SeqCst) - passed as i64;
            if left <= 0 {
                self.left.store(-1, Ordering::SeqCst);
                self.cut();
                return false;
            }
        }
        true
    }
}

/// Whether nothing has come for a moment.
fn is_pause(error: &io::Error) -> bool {
    let pauses = [
        io::ErrorKind::WouldBlock,
        io::ErrorKind::TimedOut,
        io::ErrorKind::Interrupted,
    ];
    pauses.contains(&error.kind())
}

#[cfg(test)]
mod tests;
