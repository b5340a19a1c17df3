//! The socket of the link to the primary, and what else replication needs of a program: threads and
//! a timer.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use engine::clients::Endpoints;
use engine::host::LogLevel;
use node::replication::Shell;
use node::replication::copy::{Finished, Task};
use node::replication::follow::Follower;
use node::replication::link::Link;
use node::replication::production::Production;
use replication::Role;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::dial;
use crate::durability::Threads;
use crate::encryption::handshake_words;
use crate::journal::Journal;
use crate::listener::House;
use crate::machine::system_words;
use crate::memory;
use crate::worker::wake_behind_others;

/// Bytes read at once. Other tasks have their turn when so many have been applied: more than a
/// thousand small commands, which take most of a millisecond.
const INPUT_BYTES: usize = 64 * 1024;

/// Between two looks at how far replicas are.
const LOOK_EVERY_MS: u64 = 100;

/// What replication asks of this program.
pub struct Sockets {
    house: House,
    journal: Arc<Journal>,
    runtime: Handle,
    timer: Arc<Notify>,
    threads: usize,
}

impl Sockets {
    /// Called within the runtime that looks after links.
    pub fn open(house: &House, journal: &Arc<Journal>, threads: usize) {
        let timer = Arc::new(Notify::new());
        tokio::spawn(keep_time(house.clone(), Arc::clone(&timer)));
        let sockets = Sockets {
            house: house.clone(),
            journal: Arc::clone(journal),
            runtime: Handle::current(),
            timer,
            threads,
        };
        house.durability.replication.set_shell(Box::new(sockets));
    }
}

impl Shell for Sockets {
    fn connect(&self, link: Arc<Link>) {
        let task = follow(self.house.clone(), link, self.threads);
        self.runtime.spawn(task);
    }

    fn produce(&self, production: Arc<Production>) {
        let house = self.house.clone();
        let run = move || {
            memory::count_this_thread();
            let durability = &house.durability;
            production.run(&durability.replication, &durability.keeper, &house.engine);
        };
        let spawned = spawn("ochre-snapshot", run);
        if let Err(error) = spawned {
            let line = format!("Can't start a thread: {}", system_words(&error));
            self.journal.line(LogLevel::Warning, &line);
        }
    }

    fn note_role(&self, role: Role) {
        self.journal.serve_as(match role {
            Role::Primary => 'M',
            Role::Replica => 'S',
        });
    }

    fn rearm(&self) {
        self.timer.notify_one();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(run).map(drop)
}

/// Tells replication that time passes.
async fn keep_time(house: House, timer: Arc<Notify>) {
    let (engine, replication) = (&house.engine, &house.durability.replication);
    loop {
        let now_ms = engine.host.monotonic_nanos() / 1_000_000;
        let left_ms = replication.deadline_ms().saturating_sub(now_ms);
        let pause = Duration::from_millis(left_ms.clamp(1, LOOK_EVERY_MS));
        tokio::select! {
            () = tokio::time::sleep(pause) => {
                if !engine.switches.asleep.load(Ordering::Relaxed) {
                    replication.tick(engine);
                }
            }
            () = timer.notified() => {}
        }
    }
}

/// Makes a link, and looks after it until it is over.
async fn follow(house: House, link: Arc<Link>, threads: usize) {
    let seed = house.engine.host.monotonic_nanos();
    let mut follower = Follower::new(&house.durability.replication, &house.engine, &link, seed);
    let (host, port) = (&*link.primary.host, link.primary.port);
    let config = house.engine.config.load_full();
    let stream = tokio::select! {
        made = dial::to_name(&config, host, port) => made,
        () = closed(&link) => return,
    };
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => return follower.lose(&system_words(&error)),
    };
    // A socket that refuses an option still serves.
    drop(stream.set_nodelay(true));
    let ends = endpoints(&stream);
    if !house.engine.config.load().tls.replication {
        follower.connect(ends);
        return attend(house, link, stream, follower, threads).await;
    }
    let made = tokio::select! {
        made = house.encryption.connect(stream) => made,
        () = closed(&link) => return,
    };
    match made {
        Ok(stream) => {
            follower.connect(ends);
            attend(house, link, stream, follower, threads).await;
        }
        Err(error) => follower.lose(&handshake_words(&error)),
    }
}

/// Looks after a link that stands until it is over.
async fn attend<S: AsyncRead + AsyncWrite + Unpin>(
    house: House,
    link: Arc<Link>,
    stream: S,
    follower: Follower,
    threads: usize,
) {
    let (sender, finished) = unbounded_channel();
    let mut wire = Wire {
        house,
        link,
        stream,
        follower,
        threads,
        unsent: Vec::new(),
        input: vec![0; INPUT_BYTES].into_boxed_slice(),
        ended: None,
        sender,
        finished,
    };
    poll_fn(|cx| wire.advance(cx)).await;
}

async fn closed(link: &Link) {
    // Nothing is to be sent before the link stands.
    poll_fn(|cx| match link.take_out(cx.waker()) {
        Some(_) => Poll::Pending,
        None => Poll::Ready(()),
    })
    .await;
}

fn endpoints(stream: &TcpStream) -> Endpoints {
    let text = |address: io::Result<std::net::SocketAddr>| {
        address.map_or_else(|_| String::new(), |address| address.to_string())
    };
    Endpoints {
        addr: text(stream.peer_addr()),
        laddr: text(stream.local_addr()),
        fd: stream.as_raw_fd(),
        unix: false,
        local: false,
        encrypted: false,
    }
}

/// A link that stands.
struct Wire<S> {
    house: House,
    link: Arc<Link>,
    stream: S,
    follower: Follower,
    threads: usize,
    unsent: Vec<u8>,
    input: Box<[u8]>,
    /// The socket is over, and why. What has come before is still made use of.
    ended: Option<io::Error>,
    sender: UnboundedSender<Finished>,
    finished: UnboundedReceiver<Finished>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Does all there is to do. Ready when the link is over.
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.serve(cx) {
            Ok(true) => {
                // There may be more to do, but others have waited.
                wake_behind_others(cx);
                Poll::Pending
            }
            Ok(false) => Poll::Pending,
            Err(error) => {
                self.follower.lose(&system_words(&error));
                Poll::Ready(())
            }
        }
    }

    fn serve(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut taken = 0;
        while taken < INPUT_BYTES {
            self.follower.set_waker(cx.waker());
            if self.link.is_closed() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if self.follower.is_killed() {
                return Err(io::Error::other("the link was closed by a client"));
            }
            self.run_tasks();
            while let Poll::Ready(Some(finished)) = self.finished.poll_recv(cx) {
                self.follower.finish(finished);
                self.run_tasks();
            }
            if let Err(error) = self.write(cx) {
                self.end(error)?;
            }
            if self.link.is_closed() {
                continue;
            }
            if self.follower.has_carried() {
                taken += self.follower.apply_carried();
                continue;
            }
            if let Some(error) = self.ended.take() {
                self.end(error)?;
                return Ok(false);
            }
            if !self.follower.may_read(cx.waker()) {
                return Ok(false);
            }
            match self.read(cx) {
                Ok(Poll::Pending) => return Ok(false),
                Ok(Poll::Ready(len)) => {
                    self.follower.receive(&self.input[..len]);
                    taken += len;
                }
                Err(error) => self.end(error)?,
            }
        }
        Ok(true)
    }

    fn read(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<usize>> {
        let mut buffer = ReadBuf::new(&mut self.input);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(read) => read?,
        }
        match buffer.filled().len() {
            0 => Err(io::Error::other("Connection closed by the peer")),
            len => Ok(Poll::Ready(len)),
        }
    }

    /// The socket is over. That is an error as soon as nothing is left that is of use.
    fn end(&mut self, error: io::Error) -> io::Result<()> {
        if !self.follower.is_catching_up() {
            return Err(error);
        }
        self.ended = Some(error);
        Ok(())
    }

    fn run_tasks(&mut self) {
        for task in self.follower.take_tasks() {
            let (house, sender) = (self.house.clone(), self.sender.clone());
            let threads = self.threads;
            let run = move || {
                memory::count_this_thread();
                let finished = run_task(task, &house, threads);
                // The link may be over.
                drop(sender.send(finished));
            };
            if let Err(error) = spawn("ochre-copy", run) {
                self.follower.lose(&system_words(&error));
            }
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.ended.is_some() {
            // Of what is still said to the primary nothing is kept.
            self.link.take_out(cx.waker());
            return Ok(());
        }
        if let Some(mut more) = self.link.take_out(cx.waker()) {
            self.unsent.append(&mut more);
        }
        let mut sent = 0;
        while sent < self.unsent.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.unsent[sent..]) {
                Poll::Ready(written) => sent += written?,
                Poll::Pending => break,
            }
        }
        self.unsent.drain(..sent);
        // Whoever encrypts may hold some of it.
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }
}

fn run_task(task: Task, house: &House, threads: usize) -> Finished {
    let crew = Threads(threads);
    task.run(&house.durability.replication, &house.engine, &crew)
}
