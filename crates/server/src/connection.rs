//! One client: a task that reads what has arrived, runs it, and writes the replies at once.
//!
//! Between two moments of work a connection holds only what it must: the incomplete end of a
//! request, and bytes the socket did not take.

use std::future::Future;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use engine::clients::{ClientFlags, Input};
use engine::host::LogLevel;
use engine::session::Session;
use engine::{Engine, Progress};
use node::log_file::Lost;
use resp::reply::write_request;
use resp::request::{Limits, Parser};
use tokio::io::AsyncReadExt;
use tokio::time::Sleep;

use crate::connection::replica::Replica;
use crate::durability::{Durability, Lead};
use crate::line::Line;
use crate::outbox::{self, Outgoing, Unsent};
use crate::worker::{Tools, should_gather, should_queue, wake_behind_others, with_tools};

mod replica;

/// Reads, and what they make to do, before other connections have their turn.
const READS_PER_TURN: usize = 2;

/// Reads beside those that only bring more of a long argument, and so make nothing to do.
const MERE_READS_PER_TURN: usize = 8;

/// An unfinished request's buffer grows at least by this much.
const TAIL_BYTES_MIN: usize = 16 * 1024;

/// An argument as long as this gets a buffer of just its length.
const LONG_ARGUMENT_BYTES: usize = 32 * 1024;

/// A timer is set for at most this long, a day; then it is set again.
const WAIT_MS_MAX: i64 = 86_400_000;

/// What has a connection do more than to write replies.
const ENDS_OR_IS_FED: ClientFlags =
    ClientFlags(ClientFlags::CLOSE_AFTER_REPLY.0 | ClientFlags::KILLED.0 | ClientFlags::REPLICA.0);

/// A client's connection. Resolves when it is over.
pub struct Connection<S> {
    stream: S,
    engine: Arc<Engine>,
    session: Session,
    parser: Parser,
    /// The beginning of a request whose end has not arrived.
    tail: Vec<u8>,
    /// Replies that wait to leave, or that the socket did not take.
    outgoing: Arc<Outgoing>,
    /// Some of them may be this task's to write, because the socket did not take them.
    may_have_unsent: bool,
    /// The stream may hold bytes that the socket did not take, as those that encrypt do.
    is_unflushed: bool,
    /// Whether the tail begins with whole requests that had to wait.
    holds_requests: bool,
    /// Whether the client knows how to wake this task.
    can_be_woken: bool,
    /// Set while the session waits for something that ends by itself.
    timer: Option<Pin<Box<Sleep>>>,
    durability: Arc<Durability>,
    /// How much of the log has to be synced before any reply leaves; 0 if nothing.
    held_until: u64,
    /// Set while others count on this connection to have a sync made.
    lead: Option<Lead>,
    /// When messages for the client were last left to be gathered.
    gathers_since: u32,
    replica: Option<Box<Replica>>,
}

/// Why a connection ends.
enum End {
    /// The client sends nothing more.
    Input,
    /// The client is to go.
    Closed,
    Failed,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> End {
        End::Failed
    }
}

impl<S: Line> Connection<S> {
    pub fn new(
        stream: S,
        engine: Arc<Engine>,
        durability: Arc<Durability>,
        session: Session,
    ) -> Connection<S> {
        let outgoing = Outgoing::new(stream.outlet(), Arc::clone(&session.client));
        Connection {
            stream,
            engine,
            session,
            parser: Parser::default(),
            tail: Vec::new(),
            outgoing: Arc::new(outgoing),
            may_have_unsent: false,
            is_unflushed: false,
            holds_requests: false,
            can_be_woken: false,
            timer: None,
            durability,
            held_until: 0,
            lead: None,
            gathers_since: 0,
            replica: None,
        }
    }

    fn advance(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> Poll<End> {
        debug_assert!(
            tools.output.is_empty(),
            "the last one took its replies along"
        );
        match self.serve(tools, cx) {
            Ok(()) => Poll::Pending,
            Err(end) => {
                // What could not be written is for nobody else.
                tools.clear_output();
                Poll::Ready(end)
            }
        }
    }

    /// Does all there is to do. `Ok` means that it waits for something.
    fn serve(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> Result<(), End> {
        if !self.can_be_woken {
            self.session.client.set_waker(cx.waker());
            self.can_be_woken = true;
        }
        let (mut reads, mut mere_reads) = (0, 0);
        while reads < READS_PER_TURN {
            self.take_messages(tools);
            let waits = self.is_waiting(tools, cx);
            self.write(tools, cx)?;
            if self.held_until > 0 {
                return Ok(());
            }
            let client = &self.session.client;
            if client.has(ClientFlags::CLOSE_AFTER_REPLY) {
                return if self.has_said_all() {
                    Err(End::Closed)
                } else {
                    Ok(())
                };
            }
            if waits {
                return self.read_ahead(tools, cx);
            }
            match self.read_and_run(tools, cx) {
                Poll::Ready(Err(End::Input)) if !self.has_said_all() => {
                    // It may well read what it has asked for; if it has gone, writing fails.
                    self.session.close_after_reply();
                    continue;
                }
                Poll::Ready(result) => result?,
                Poll::Pending if self.session.client.has(ClientFlags::WOKEN) => {}
                Poll::Pending => return Ok(()),
            }
            if mere_reads < MERE_READS_PER_TURN && self.reads_long_argument() {
                mere_reads += 1;
            } else {
                reads += 1;
            }
        }
        // There may be more to do, but others have waited.
        self.take_messages(tools);
        self.write(tools, cx)?;
        if self.held_until == 0 {
            wake_behind_others(cx);
        }
        Ok(())
    }

    fn has_said_all(&self) -> bool {
        self.outgoing.unsent().len() == 0 && !self.is_unflushed
    }

    fn reads_long_argument(&self) -> bool {
        let standing = self.parser.standing(self.tail.len());
        standing.argument_left >= LONG_ARGUMENT_BYTES
    }

    /// What other sessions have sent goes out before this one's own replies.
    fn take_messages(&mut self, tools: &mut Tools) {
        if self.session.client.has(ClientFlags::WOKEN) {
            self.session.client.take_inbox(&mut tools.output);
            self.may_have_unsent = true;
        }
    }

    /// Whether the session waits for a key or for a pause to end. The reply of a wait that has just
    /// ended is written.
    fn is_waiting(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> bool {
        while self.session.client.has(ClientFlags::BLOCKED) {
            let until_ms = match &self.session.blocked {
                Some(blocked) => blocked.deadline().map(|at| at.0),
                None => self.engine.pause.until_ms(),
            };
            if self.session.blocked.is_some() && !self.is_blocked(tools) {
                // Whoever served it has it in the log.
                self.promise(self.engine.log.offset());
                break;
            }
            match until_ms {
                Some(until_ms) if !self.is_reached(until_ms, cx) => return true,
                Some(_) => self.engine.pause.tick(self.engine.now().0),
                None => return true,
            }
        }
        self.timer = None;
        false
    }

    /// Whether the session still waits for a key.
    fn is_blocked(&mut self, tools: &mut Tools) -> bool {
        let (worker, output) = (&tools.worker, &mut tools.output);
        self.engine.is_blocked(&mut self.session, worker, output)
    }

    /// Whether a moment of Unix time has come. If not, the task is woken then.
    fn is_reached(&mut self, moment_ms: i64, cx: &mut Context<'_>) -> bool {
        let left_ms = moment_ms - self.engine.now().0;
        let left = Duration::from_millis(left_ms.clamp(0, WAIT_MS_MAX) as u64);
        let sleep = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
        let reached = sleep.as_mut().poll(cx).is_ready();
        if reached {
            self.timer = None;
        }
        reached
    }

    /// Takes in what a client sends while it waits, to run it later; and notices that it has gone.
    fn read_ahead(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> Result<(), End> {
        let mut input = mem::take(&mut tools.input);
        let result = loop {
            match self.read(&mut input, cx) {
                Poll::Pending => break Ok(()),
                Poll::Ready(Err(end)) => break Err(end),
                Poll::Ready(Ok(len)) => {
                    tools.worker.stats.bytes_in.add(len as u64);
                    self.tail.extend_from_slice(&input[..len]);
                    self.holds_requests = true;
                    if let Err(end) = self.check_query_buffer() {
                        break Err(end);
                    }
                }
            }
        };
        tools.input = input;
        result
    }

    /// Runs what was held back, or else what arrives.
    fn read_and_run(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if self.holds_requests {
            self.holds_requests = false;
            let tail = mem::take(&mut self.tail);
            return Poll::Ready(self.run_tail(tools, tail));
        }
        if self.tail.is_empty() {
            let mut input = mem::take(&mut tools.input);
            let result = self.read_into_scratch(tools, &mut input, cx);
            tools.input = input;
            return result;
        }
        let start = self.tail.len();
        let mut tail = mem::take(&mut self.tail);
        make_room(&mut tail, self.parser.standing(start).argument_left);
        match pin!(self.stream.read_buf(&mut tail)).poll(cx) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(End::Input)),
            Poll::Ready(Ok(len)) => {
                tools.worker.stats.bytes_in.add(len as u64);
                self.note_input(tail.len(), tail.capacity());
                Poll::Ready(self.run_tail(tools, tail))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Pending => {
                self.tail = tail;
                Poll::Pending
            }
        }
    }

    fn read_into_scratch(
        &mut self,
        tools: &mut Tools,
        input: &mut [u8],
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), End>> {
        let len = ready!(self.read(input, cx))?;
        tools.worker.stats.bytes_in.add(len as u64);
        let consumed = self.run(tools, &mut input[..len]);
        if consumed < len {
            self.tail.extend_from_slice(&input[consumed..len]);
        }
        Poll::Ready(self.check_query_buffer())
    }

    fn run_tail(&mut self, tools: &mut Tools, mut tail: Vec<u8>) -> Result<(), End> {
        let consumed = self.run(tools, &mut tail);
        if self.holds_requests {
            self.tail.extend_from_slice(&tail[consumed..]);
        } else if consumed < tail.len() {
            tail.drain(..consumed);
            if tail.capacity() > 4 * tail.len().max(TAIL_BYTES_MIN) {
                tail.shrink_to(tail.len());
            }
            self.tail = tail;
        }
        self.check_query_buffer()
    }

    fn read(&mut self, into: &mut [u8], cx: &mut Context<'_>) -> Poll<Result<usize, End>> {
        match ready!(self.stream.poll_recv(cx, into)) {
            Ok(0) => Poll::Ready(Err(End::Input)),
            Ok(len) => Poll::Ready(Ok(len)),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }

    /// Runs the requests at the front of `input` and returns how many bytes they were. What has to
    /// wait is put into the tail.
    fn run(&mut self, tools: &mut Tools, input: &mut [u8]) -> usize {
        // What was sent before these requests were is said before their replies.
        self.take_messages(tools);
        let limits = Limits {
            bulk_bytes_max: tools.worker.config(&self.engine).clients.bulk_len_max.0 as i64,
            unauthenticated: !self.session.authenticated,
        };
        self.note_newlines(input);
        let mut batch = tools.take_batch();
        let parsed = self.parser.parse(input, &limits, &mut batch);
        let (worker, output) = (&mut tools.worker, &mut tools.output);
        worker.stats.reads.add(1);
        let releases = self.engine.pause.releases();
        let progress = self
            .engine
            .run(&mut self.session, worker, &batch, 0, output);
        let appended_to = tools.worker.take_appended_to();
        if appended_to > 0 {
            self.promise(appended_to);
        } else if !batch.is_empty() {
            self.durability.note_other();
        }
        if let Progress::Waits { next } | Progress::Blocks { next } = progress {
            if let Progress::Waits { .. } = progress {
                self.engine.pause.wait(&self.session.client, releases);
            }
            self.holds_requests = true;
            // What stands behind the requests held back is looked at again after them.
            self.parser = Parser::default();
            for index in next..batch.len() {
                write_request(&mut self.tail, batch.request(index));
            }
        }
        tools.keep_batch(batch);
        if let (Progress::All, Some(error)) = (progress, parsed.error) {
            self.engine
                .refuse_stream(&mut self.session, error, &mut tools.output);
        }
        parsed.consumed
    }

    /// Has effects up to an offset of the log be in the files before any reply leaves.
    fn promise(&mut self, up_to: u64) {
        if self.durability.promise(&self.engine, up_to) {
            self.held_until = self.held_until.max(up_to);
        }
    }

    /// Keeps replies back until what they say is done outlasts anything. Returns whether they are
    /// kept back.
    fn hold(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.outgoing.unsent().len() == 0 && tools.output.is_empty() {
            // Nobody waits to hear of it.
            self.held_until = 0;
            return Ok(false);
        }
        let (durability, lead) = (&self.durability, &mut self.lead);
        match durability.poll_synced(&self.engine, self.held_until, cx, lead) {
            Poll::Ready(Ok(())) => {
                self.held_until = 0;
                Ok(false)
            }
            // It was done and may be undone by a crash: nothing that could be said is true.
            Poll::Ready(Err(Lost)) => Err(End::Closed),
            Poll::Pending => {
                let mut unsent = self.outgoing.unsent();
                unsent.unlist();
                unsent.add(&tools.output);
                tools.clear_output();
                Ok(true)
            }
        }
    }

    /// Ends a connection whose unfinished request has grown beyond the limit.
    fn check_query_buffer(&mut self) -> Result<(), End> {
        let client = &self.session.client;
        if self.tail.is_empty() && client.usage.query_capacity.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        self.note_input(self.tail.len(), self.tail.capacity());
        let config = self.engine.config.load();
        self.engine.settle(client, &config);
        let limit = config.clients.query_buffer_limit.0;
        if self.tail.len() as u64 <= limit {
            return Ok(());
        }
        self.engine
            .stats
            .query_limit_disconnections
            .fetch_add(1, Ordering::Relaxed);
        let line = format!(
            "Closing client that reached max query buffer length: {}",
            client.id.0
        );
        self.engine.host.log(LogLevel::Warning, &line);
        Err(End::Closed)
    }

    /// Has others see how much input waits for its end.
    fn note_input(&self, len: usize, capacity: usize) {
        let standing = self.parser.standing(len);
        self.session.client.note_input(Input {
            query: len - standing.understood,
            arguments: standing.argument_bytes,
            free: capacity - len,
            capacity,
        });
    }

    /// Writes what is there; to a replica, what it is fed behind that.
    fn write(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> Result<(), End> {
        if tools.output.is_empty() && !self.may_owe() {
            return Ok(());
        }
        self.write_replies(tools, cx)?;
        if self.is_replica() && self.outgoing.unsent().len() == 0 {
            self.feed(tools, cx)?;
        }
        match self.is_unflushed {
            true => self.flush(cx),
            false => Ok(()),
        }
    }

    /// Has the socket take what the stream holds. A plain one holds nothing.
    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(flushed) => {
                self.is_unflushed = false;
                Ok(flushed?)
            }
            Poll::Pending => Ok(()),
        }
    }

    /// Whether there may be something to write, or to end, beside new replies.
    fn may_owe(&self) -> bool {
        self.may_have_unsent
            || self.held_until > 0
            || self.is_unflushed
            || self.session.client.has(ENDS_OR_IS_FED)
    }

    /// Whether nothing has to be written before something else is.
    fn may_leave_later(&self) -> bool {
        let client = &self.session.client;
        !client.has(ClientFlags::CLOSE_AFTER_REPLY) && !client.has(ClientFlags::REPLICA)
    }

    /// Writes what is there, now or when the thread does, and keeps what the socket does not take.
    fn write_replies(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> Result<(), End> {
        // Who is closed hears nothing more.
        if self.session.client.has(ClientFlags::KILLED) {
            return Err(End::Closed);
        }
        if self.held_until > 0 && self.hold(tools, cx)? {
            return Ok(());
        }
        let (output, worker) = (&tools.output, &tools.worker);
        if self.may_leave_later() && outbox::leave(&self.outgoing, output, worker) {
            self.may_have_unsent = false;
            tools.clear_output();
            return Ok(());
        }
        let had_unsent = self.outgoing.unsent().len() > 0;
        if !had_unsent && tools.output.is_empty() {
            self.may_have_unsent = false;
            return Ok(());
        }
        self.is_unflushed = true;
        let sent = self.write_now(&mut tools.output, cx)?;
        tools.worker.stats.bytes_out.add(sent as u64);
        tools.worker.stats.writes.add(1);
        tools.clear_output();
        self.may_have_unsent = self.outgoing.unsent().len() > 0;
        if had_unsent || self.may_have_unsent {
            self.check_output_limits()?;
        }
        Ok(())
    }

    /// Writes what is unsent, and the thread's reply buffer behind it. What the socket does not
    /// take becomes unsent.
    fn write_now(&mut self, output: &mut Vec<u8>, cx: &mut Context<'_>) -> Result<usize, End> {
        let mut unsent = self.outgoing.unsent();
        unsent.unlist();
        let mut sent = 0;
        while unsent.len() > 0 {
            match Pin::new(&mut self.stream).poll_write(cx, unsent.rest()) {
                Poll::Ready(len) => {
                    let len = len?;
                    unsent.advance(len);
                    sent += len;
                }
                Poll::Pending => {
                    unsent.keep_behind(output);
                    return Ok(sent);
                }
            }
        }
        *unsent = Unsent::default();
        let mut written = 0;
        while written < output.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &output[written..]) {
                Poll::Ready(len) => written += len?,
                Poll::Pending => {
                    unsent.keep(output, written);
                    break;
                }
            }
        }
        Ok(sent + written)
    }

    /// Ends a connection that leaves too many replies unread.
    fn check_output_limits(&mut self) -> Result<(), End> {
        let client = &self.session.client;
        {
            let unsent = self.outgoing.unsent();
            client.note_unsent(unsent.len(), unsent.capacity());
        }
        let config = self.engine.config.load();
        self.engine.check_output(&config, &self.session);
        self.engine.settle(client, &config);
        match client.has(ClientFlags::KILLED) {
            true => Err(End::Closed),
            false => Ok(()),
        }
    }
}

/// Makes room for more of an unfinished request, of whose last argument so much is missing. The
/// room grows with what has arrived, not with what was announced.
fn make_room(tail: &mut Vec<u8>, argument_left: usize) {
    if tail.len() < tail.capacity() {
        return;
    }
    let more = tail.len().max(TAIL_BYTES_MIN);
    let is_long = tail.len() + argument_left >= LONG_ARGUMENT_BYTES;
    tail.reserve_exact(match argument_left {
        1.. if is_long => more.min(argument_left),
        _ => more,
    });
}

impl<S: Line> Future for Connection<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if should_queue() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let this = &mut *self;
        if this.session.client.has(ClientFlags::WOKEN) && should_gather(&mut this.gathers_since) {
            wake_behind_others(cx);
            return Poll::Pending;
        }
        with_tools(|place| this.advance(place.tools(&this.engine), cx).map(|_| ()))
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.durability.resign(self.lead.take());
        self.engine.disconnect(&mut self.session);
    }
}

#[cfg(test)]
mod tests;
