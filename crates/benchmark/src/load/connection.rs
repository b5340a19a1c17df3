//! One connection: what it waits for, and the replies it counts.

use std::io;
use std::time::Instant;

use resp::scan::Scanner;

use super::transport::Transport;

/// One connection: what it waits for, and the replies it counts.
pub struct Connection {
    pub transport: Transport,
    pub node: usize,
    /// Which of the thread's pipelines it sends.
    pub pipeline: usize,
    pub is_connected: bool,
    /// Replies of the greeting that have not come.
    pub greeting: usize,
    /// Replies of the pipeline that have not come.
    pub missing: usize,
    /// What their latencies count from.
    pub since: Instant,
    /// Whether they belong to the warm-up.
    pub is_warmup: bool,
    /// Whether a pipeline was ever sent.
    pub is_used: bool,
    /// What the socket did not take yet.
    output: Vec<u8>,
    scanner: Scanner,
    /// The first byte of the reply under way.
    kind: u8,
    /// The head of a reply that is not whole.
    tail: Vec<u8>,
}

/// What is wrong with a connection.
#[derive(Debug)]
pub enum Trouble {
    Closed,
    Io(io::Error),
    Malformed(resp::value::Malformed, u8),
    /// An error for a reply.
    Refused(Vec<u8>),
}

impl Connection {
    pub fn new(transport: Transport, node: usize, pipeline: usize) -> Connection {
        Connection {
            transport,
            node,
            pipeline,
            is_connected: false,
            greeting: 0,
            missing: 0,
            since: Instant::now(),
            is_warmup: false,
            is_used: false,
            output: Vec::new(),
            scanner: Scanner::default(),
            kind: 0,
            tail: Vec::new(),
        }
    }

    /// Sends behind whatever waits to be sent.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        if !self.output.is_empty() || !self.is_connected {
            self.output.extend_from_slice(bytes);
            return Ok(());
        }
        let written = self.write(bytes)?;
        self.output.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    /// Sends what waits to be sent.
    pub fn flush(&mut self) -> Result<(), Trouble> {
        if !self.output.is_empty() {
            let output = std::mem::take(&mut self.output);
            let written = self.write(&output)?;
            self.output = output;
            self.output.drain(..written);
        }
        self.transport.flush().map_err(Trouble::Io)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, Trouble> {
        let mut written = 0;
        while written < bytes.len() {
            match self.transport.write(&bytes[written..]) {
                Ok(len) => written += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Trouble::Io(error)),
            }
        }
        Ok(written)
    }

    /// Reads what has arrived, and returns how many replies ended there.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Trouble> {
        let mut replies = 0;
        loop {
            let read = match self.transport.read(buffer) {
                Ok(0) => return Err(Trouble::Closed),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(replies),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(Trouble::Closed);
                }
                Err(error) => return Err(Trouble::Io(error)),
            };
            replies += self.take(&buffer[..read])?;
            if read < buffer.len() && self.transport.tells_its_end() {
                return Ok(replies);
            }
        }
    }

    /// Counts the replies that end in `input`, behind what was left of the last one.
    fn take(&mut self, input: &[u8]) -> Result<usize, Trouble> {
        if self.tail.is_empty() {
            let (taken, replies) = self.count(input)?;
            self.tail.extend_from_slice(&input[taken..]);
            return Ok(replies);
        }
        let mut tail = std::mem::take(&mut self.tail);
        tail.extend_from_slice(input);
        let (taken, replies) = self.count(&tail)?;
        tail.drain(..taken);
        self.tail = tail;
        Ok(replies)
    }

    /// The bytes that are understood, and the replies that end in them.
    fn count(&mut self, input: &[u8]) -> Result<(usize, usize), Trouble> {
        let (mut at, mut replies) = (0, 0);
        while at < input.len() {
            let begins = !self.scanner.is_within();
            if begins {
                self.kind = input[at];
            }
            let scanned = self.scanner.scan(&input[at..]);
            let scanned = scanned.map_err(|wrong| Trouble::Malformed(wrong, input[at]))?;
            if !scanned.whole {
                return Ok((at + scanned.len, replies));
            }
            if self.kind == b'-' {
                let line = input[at + 1..at + scanned.len].trim_ascii_end();
                return Err(Trouble::Refused(line.to_vec()));
            }
            at += scanned.len;
            // A push is nobody's reply.
            replies += usize::from(self.kind != b'>');
        }
        Ok((at, replies))
    }
}
