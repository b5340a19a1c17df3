//! A thread of the load.

mod detour;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use stdx::prng::Prng;

use super::connection::{Connection, Trouble};
use super::endpoint::Endpoint;
use super::schedule::{Schedule, step};
use super::transport::Transport;
use super::{Failure, Job, LATENCY_MAX, Shared, histogram};
use crate::request::{Pipeline, Shape, has_tag};
use detour::Detour;

/// What one read takes at most.
const READ_BYTES: usize = 64 * 1024;

/// How many sockets one look at the poll brings.
const EVENTS: usize = 1024;

/// After which time of silence it is asked whether another thread has failed.
const SILENCE: Duration = Duration::from_millis(100);

/// The timer among the tokens of connections.
const TIMER: Token = Token(usize::MAX);

/// A thread of the load, connected.
pub struct Worker<'a> {
    job: &'a Job<'a>,
    shared: &'a Shared,
    /// Which thread it is, of how many.
    index: usize,
    threads: usize,
    poll: Poll,
    /// The nodes that are known. Those of the job come first.
    endpoints: Vec<Endpoint>,
    clients: Vec<Client>,
    /// One for each client, under the same number; behind them those of slots that move.
    connections: Vec<Connection>,
    pipelines: Vec<Pipeline>,
    /// Whether requests are sent on to other nodes.
    follows: bool,
    /// What is to be sent again a little later.
    detours: Vec<Detour>,
    redirections: u64,
    prng: Prng,
    buffer: Vec<u8>,
    latencies: Histogram<u64>,
    /// The sum of all latencies counted, in microseconds.
    latency: u64,
    requests_of_all: u64,
    /// Clients that wait for replies.
    busy: usize,
    /// Where figures begin to count.
    from: Instant,
    end: Option<Instant>,
    pace: Option<Pace>,
}

/// One of the clients that are played.
struct Client {
    /// Which of the thread's pipelines it sends.
    pipeline: usize,
    /// What the latencies of the requests under way count from.
    since: Instant,
    /// Whether they belong to the warm-up.
    is_warmup: bool,
    /// The connection to where its slot moves.
    guest: Option<usize>,
    /// How often requests under way were sent on, and since when.
    turns: u32,
    astray: Option<Instant>,
}

/// What an open loop needs besides.
struct Pace {
    schedule: Schedule,
    /// Clients that wait for something to be due.
    free: VecDeque<usize>,
    /// Every request was begun.
    is_over: bool,
    timer: OwnedFd,
}

/// What a thread has measured.
pub struct Part {
    pub latencies: Histogram<u64>,
    pub requests_of_all: u64,
    pub redirections: u64,
    pub end: Option<Instant>,
}

impl<'a> Worker<'a> {
    /// Opens the thread's share of the connections and says what each says first.
    pub fn connect(
        job: &'a Job<'a>,
        shared: &'a Shared,
        index: usize,
        threads: usize,
    ) -> Result<Worker<'a>, Failure> {
        let now = Instant::now();
        let mut worker = Worker {
            job,
            shared,
            index,
            threads,
            poll: Poll::new().map_err(Failure::System)?,
            endpoints: job.nodes.iter().map(|node| node.endpoint.clone()).collect(),
            clients: Vec::new(),
            connections: Vec::new(),
            pipelines: Vec::new(),
            follows: job.is_cluster && has_tag(job.request),
            detours: Vec::new(),
            redirections: 0,
            prng: Prng::new(job.seed.wrapping_add(index as u64)),
            buffer: vec![0; READ_BYTES],
            latencies: histogram(job.precision),
            latency: 0,
            requests_of_all: 0,
            busy: 0,
            from: now,
            end: None,
            pace: None,
        };
        for number in (index..job.clients).step_by(threads) {
            worker.open(number)?;
        }
        let mut events = Events::with_capacity(EVENTS);
        let is_waiting =
            |connection: &Connection| !connection.is_connected || connection.greeting > 0;
        while worker.connections.iter().any(is_waiting) && !worker.has_failed() {
            worker.wait(&mut events)?;
            for event in &events {
                worker.advance(event.token().0)?;
            }
        }
        Ok(worker)
    }

    /// Opens client `number` of all.
    fn open(&mut self, number: usize) -> Result<(), Failure> {
        let node = number % self.job.nodes.len();
        let tags = &self.job.nodes[node].tags;
        let tag = match tags.is_empty() {
            true => None,
            false => Some(tags[number / self.job.nodes.len() % tags.len()]),
        };
        // Connections without a tag all send the same.
        if tag.is_some() || self.pipelines.is_empty() {
            let shape = Shape {
                requests: self.job.pipeline,
                keyspace: self.job.keyspace,
                payload: self.job.payload,
                tag,
            };
            self.pipelines.push(Pipeline::new(self.job.request, shape));
        }
        let connection = self.dial(node, self.connections.len(), self.clients.len())?;
        self.connections.push(connection);
        self.clients.push(Client {
            pipeline: self.pipelines.len() - 1,
            since: Instant::now(),
            is_warmup: false,
            guest: None,
            turns: 0,
            astray: None,
        });
        Ok(())
    }

    /// A connection to `node` for a client, which will be number `index`.
    fn dial(&self, node: usize, index: usize, client: usize) -> Result<Connection, Failure> {
        let endpoint = &self.endpoints[node];
        let transport = Transport::open(endpoint, self.poll.registry(), Token(index));
        let transport = transport.map_err(|error| Failure::Connect(endpoint.refused(error)))?;
        let mut connection = Connection::new(transport, node, client, self.follows);
        self.greet(&mut connection)?;
        Ok(connection)
    }

    fn greet(&self, connection: &mut Connection) -> Result<(), Failure> {
        connection.greeting = self.job.greeting.replies;
        let sent = connection.send(&self.job.greeting.bytes);
        sent.map_err(|trouble| self.failure(connection, trouble))
    }

    /// Sends the thread's share of the requests.
    pub fn run(mut self) -> Result<Part, Failure> {
        let start = *self.shared.start.get_or_init(Instant::now);
        self.from = start + self.job.warmup;
        if let Some(rate) = self.job.rate {
            self.pace = Some(self.pace(start, rate)?);
        }
        for index in 0..self.connections.len() {
            self.next(index, start)?;
        }
        let mut events = Events::with_capacity(EVENTS);
        while self.is_under_way() && !self.has_failed() {
            self.wait(&mut events)?;
            for event in &events {
                match event.token() {
                    TIMER => self.ring()?,
                    token => self.advance(token.0)?,
                }
            }
            self.resume()?;
        }
        Ok(Part {
            latencies: self.latencies,
            requests_of_all: self.requests_of_all,
            redirections: self.redirections,
            end: self.end,
        })
    }

    /// Keeps the connections until one of them ends.
    pub fn hold(mut self, watch: &mut dyn FnMut(usize)) -> Result<Infallible, Failure> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            watch(self.connections.len());
            self.wait(&mut events)?;
            for event in &events {
                self.advance(event.token().0)?;
            }
        }
    }

    fn is_under_way(&self) -> bool {
        self.busy > 0 || self.pace.as_ref().is_some_and(|pace| !pace.is_over)
    }

    fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }

    fn wait(&mut self, events: &mut Events) -> Result<(), Failure> {
        let patience = match self.detours.is_empty() {
            true => SILENCE,
            false => detour::PAUSE,
        };
        match self.poll.poll(events, Some(patience)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            polled => polled.map_err(Failure::System),
        }
    }

    /// Does what has become possible on a connection.
    fn advance(&mut self, index: usize) -> Result<(), Failure> {
        let connection = &mut self.connections[index];
        if !connection.is_connected {
            match connection.transport.is_connected() {
                Ok(true) => connection.is_connected = true,
                Ok(false) => return Ok(()),
                Err(error) => {
                    let endpoint = &self.endpoints[connection.node];
                    return Err(Failure::Connect(endpoint.refused(error)));
                }
            }
            let client = &mut self.clients[connection.client];
            // What is sent again counts from the first time.
            if self.pace.is_none() && client.astray.is_none() {
                client.since = Instant::now();
            }
        }
        let was_waiting = connection.missing > 0;
        let answered = connection
            .flush()
            .and_then(|()| connection.receive(&mut self.buffer));
        match answered {
            Ok(0) if !was_waiting || connection.missing > 0 => Ok(()),
            Ok(answered) => self.count(index, answered),
            // A slot that has arrived leaves such connections behind.
            Err(_) if !was_waiting && index >= self.clients.len() => {
                self.clients[self.connections[index].client].guest = None;
                Ok(())
            }
            Err(trouble) => Err(self.failure(&self.connections[index], trouble)),
        }
    }

    /// Requests were answered, or the last of them sent on.
    fn count(&mut self, index: usize, answered: usize) -> Result<(), Failure> {
        let now = Instant::now();
        let number = self.connections[index].client;
        let client = &mut self.clients[number];
        self.requests_of_all += answered as u64;
        if !client.is_warmup && answered > 0 {
            let latency = now.saturating_duration_since(client.since).as_micros();
            self.record(
                u64::try_from(latency).unwrap_or(LATENCY_MAX),
                answered as u64,
            );
            self.end = Some(now);
        }
        if self.connections[index].missing > 0 {
            return Ok(());
        }
        if !self.connections[index].redirected.is_empty() {
            return self.follow(index, now);
        }
        let client = &mut self.clients[number];
        (client.turns, client.astray) = (0, None);
        self.busy -= 1;
        self.next(number, now)
    }

    fn record(&mut self, latency: u64, replies: u64) {
        let latency = latency.min(LATENCY_MAX);
        self.latencies
            .record_n(latency, replies)
            .expect("latencies end where the histogram does");
        self.latency += latency * replies;
        let progress = &self.shared.progress[self.index];
        progress
            .requests
            .store(self.latencies.len(), Ordering::Relaxed);
        progress.latency.store(self.latency, Ordering::Relaxed);
    }

    /// A client has nothing to wait for.
    fn next(&mut self, index: usize, now: Instant) -> Result<(), Failure> {
        if let Some(pace) = &mut self.pace {
            pace.free.push_back(index);
            return self.send_due(now);
        }
        let is_warmup = now < self.from;
        if !is_warmup && !self.begin() {
            return Ok(());
        }
        if !self.job.keep_alive && self.connections[index].is_used {
            self.reconnect(index)?;
        }
        self.send(index, now, is_warmup)
    }

    /// Takes a pipeline of those that are to be sent, if one is left.
    fn begin(&self) -> bool {
        let pipeline = self.job.pipeline as u64;
        self.shared.begun.fetch_add(pipeline, Ordering::Relaxed) < self.job.requests
    }

    fn send(&mut self, index: usize, since: Instant, is_warmup: bool) -> Result<(), Failure> {
        let connection = &mut self.connections[index];
        let client = &mut self.clients[index];
        let pipeline = &mut self.pipelines[client.pipeline];
        connection.expect(pipeline.replies);
        client.since = since;
        client.is_warmup = is_warmup;
        self.busy += 1;
        let sent = connection.send(pipeline.draw(&mut self.prng));
        sent.map_err(|trouble| self.failure(&self.connections[index], trouble))
    }

    /// Every pipeline has a connection of its own.
    fn reconnect(&mut self, index: usize) -> Result<(), Failure> {
        self.connections[index] = self.dial(self.connections[index].node, index, index)?;
        Ok(())
    }

    /// A schedule that begins now, and a timer that rings when something is due.
    fn pace(&self, start: Instant, rate: f64) -> Result<Pace, Failure> {
        let (pipeline, threads) = (self.job.pipeline, self.threads);
        let failed = |error: rustix::io::Errno| Failure::System(error.into());
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).map_err(failed)?;
        let step = step(pipeline as f64 * threads as f64 / rate);
        let step = Timespec {
            tv_sec: step.as_secs() as i64,
            tv_nsec: step.subsec_nanos().into(),
        };
        let setting = Itimerspec {
            it_interval: step,
            it_value: step,
        };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &setting).map_err(failed)?;
        let registered = self.poll.registry().register(
            &mut SourceFd(&timer.as_raw_fd()),
            TIMER,
            Interest::READABLE,
        );
        registered.map_err(Failure::System)?;
        Ok(Pace {
            schedule: Schedule::new(start, rate, pipeline, self.index, threads),
            free: VecDeque::new(),
            is_over: false,
            timer,
        })
    }

    /// The timer has rung. It does so again only once that was taken note of.
    fn ring(&mut self) -> Result<(), Failure> {
        if let Some(pace) = &self.pace {
            let mut rings = [0; 8];
            // None is there when it was only rumoured to have rung.
            let _ = rustix::io::read(&pace.timer, &mut rings);
        }
        self.send_due(Instant::now())
    }

    /// Sends what is due over connections that are free. The rest waits, and its time counts.
    fn send_due(&mut self, now: Instant) -> Result<(), Failure> {
        loop {
            let Some(pace) = &mut self.pace else {
                return Ok(());
            };
            let due = pace.schedule.due();
            if pace.is_over || due > now || pace.free.is_empty() {
                return Ok(());
            }
            let is_warmup = due < self.from;
            if !is_warmup && !self.begin() {
                self.end_of_pace();
                return Ok(());
            }
            let pace = self.pace.as_mut().expect("it was just there");
            let index = pace.free.pop_front().expect("one was just there");
            pace.schedule.advance();
            self.send(index, due, is_warmup)?;
        }
    }

    fn end_of_pace(&mut self) {
        if let Some(pace) = &mut self.pace {
            pace.is_over = true;
            let timer = pace.timer.as_raw_fd();
            // A timer that goes on ringing only wakes the thread for nothing.
            drop(self.poll.registry().deregister(&mut SourceFd(&timer)));
        }
    }

    fn failure(&self, connection: &Connection, trouble: Trouble) -> Failure {
        let endpoint = &self.endpoints[connection.node];
        match trouble {
            Trouble::Closed => Failure::Lost(client::Error::Closed),
            Trouble::Io(error) if endpoint.tls.is_some() => {
                Failure::Connect(client::Error::handshake(&endpoint.address, &error))
            }
            Trouble::Io(error) => Failure::Lost(client::Error::Io(error)),
            Trouble::Malformed(what, byte) => {
                Failure::Lost(client::Error::Malformed(what, Some(byte)))
            }
            Trouble::Refused(text) => Failure::Refused {
                node: (self.endpoints.len() > 1).then(|| endpoint.address.to_string()),
                text: String::from_utf8_lossy(&text).into_owned(),
            },
        }
    }
}
