//! One connection: what it waits for, and the replies it counts.

use std::io;

use resp::scan::Scanner;

use super::redirection::{Redirected, Turn};
use super::transport::Transport;

/// One connection: what it waits for, and the replies it counts.
pub struct Connection {
    pub transport: Transport,
    pub node: usize,
    /// Which of the thread's clients it serves.
    pub client: usize,
    pub is_connected: bool,
    /// Replies of the greeting that have not come.
    pub greeting: usize,
    /// Replies of what was sent last that have not come.
    pub missing: usize,
    /// Whether a pipeline was ever sent.
    pub is_used: bool,
    /// Whether requests may be sent on to another node.
    follows: bool,
    /// The requests of the pipeline that were sent last; none: all of them.
    sent: Vec<usize>,
    /// Whether each was sent behind `ASKING`.
    is_asking: bool,
    /// Replies to what was sent last that have come.
    seen: usize,
    /// What is to be sent again, once all replies are there.
    pub redirected: Vec<Redirected>,
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
    pub fn new(transport: Transport, node: usize, client: usize, follows: bool) -> Connection {
        Connection {
            transport,
            node,
            client,
            is_connected: false,
            greeting: 0,
            missing: 0,
            is_used: false,
            follows,
            sent: Vec::new(),
            is_asking: false,
            seen: 0,
            redirected: Vec::new(),
            output: Vec::new(),
            scanner: Scanner::default(),
            kind: 0,
            tail: Vec::new(),
        }
    }

    /// Expects the replies of a whole pipeline.
    pub fn expect(&mut self, replies: usize) {
        self.missing = replies;
        self.seen = 0;
        self.sent.clear();
        self.is_asking = false;
        self.is_used = true;
    }

    /// Expects the replies of some requests of a pipeline, each perhaps behind one of `ASKING`.
    pub fn expect_some(&mut self, requests: Vec<usize>, is_asking: bool) {
        self.missing = requests.len() * (1 + usize::from(is_asking));
        self.seen = 0;
        self.sent = requests;
        self.is_asking = is_asking;
        self.is_used = true;
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

    /// Reads what has arrived, and returns how many requests were answered there.
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
            let reply = &input[at..at + scanned.len];
            at += scanned.len;
            match self.kind {
                b'-' => self.redirect(reply[1..].trim_ascii_end())?,
                // A push is nobody's reply.
                b'>' => {}
                _ => replies += usize::from(self.answer()),
            }
        }
        Ok((at, replies))
    }

    /// A reply has ended. Returns whether it answers a request.
    fn answer(&mut self) -> bool {
        if self.greeting > 0 {
            self.greeting -= 1;
            return false;
        }
        if self.missing == 0 {
            return false;
        }
        self.missing -= 1;
        self.seen += 1;
        !self.is_asking || self.seen.is_multiple_of(2)
    }

    /// An error has come: the request is to be sent elsewhere, or all is over.
    fn redirect(&mut self, error: &[u8]) -> Result<(), Trouble> {
        let turn = Turn::parse(error).filter(|_| self.follows && self.greeting == 0);
        match turn {
            Some(turn) if self.answer() => {
                let number = (self.seen - 1) / (1 + usize::from(self.is_asking));
                self.redirected.push(Redirected {
                    request: self.sent.get(number).copied().unwrap_or(number),
                    turn,
                    text: error.to_vec(),
                });
                Ok(())
            }
            _ => Err(Trouble::Refused(error.to_vec())),
        }
    }
}
