//! Memcached's text language: requests in lines, values in blocks, replies in either.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::client::Client;
use crate::link::{Errand, Receiver};
use crate::session::{SCRATCH_BYTES, depart};
use crate::split::{Assembly, Gather};

/// The longest line of a request or a reply.
const LINE_BYTES_MAX: usize = 64 * 1024;
const KEY_BYTES_MAX: usize = 250;
/// The longest value.
const VALUE_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// How far into a reply the bytes of a server have got.
#[derive(Debug, Default)]
pub struct Scanner {
    /// Values have come, and their end has not.
    values: bool,
    /// Bytes that still belong to a value, its line break included.
    left: usize,
}

impl Scanner {
    pub fn is_within(&self) -> bool {
        self.values || self.left > 0
    }

    /// How many bytes at the front belong to the reply, and whether it ends with them. None if it
    /// is no reply.
    pub fn scan(&mut self, input: &[u8]) -> Option<(usize, bool)> {
        let mut at = 0;
        loop {
            let block = self.left.min(input.len() - at);
            at += block;
            self.left -= block;
            if self.left > 0 {
                return Some((at, false));
            }
            let rest = &input[at..];
            let window = &rest[..rest.len().min(LINE_BYTES_MAX)];
            let Some(end) = memchr::memchr(b'\n', window) else {
                return (window.len() < LINE_BYTES_MAX).then_some((at, false));
            };
            let line = &window[..=end];
            at += line.len();
            if !line.starts_with(b"VALUE ") {
                self.values = false;
                return Some((at, true));
            }
            let mut words = line[..end].trim_ascii_end().split(|&byte| byte == b' ');
            let len = std::str::from_utf8(words.nth(3)?).ok()?;
            let len: usize = len.parse().ok().filter(|len| *len <= VALUE_BYTES_MAX)?;
            self.values = true;
            self.left = len + 2;
        }
    }
}

/// What a request is, found in its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// The keys stand from this word on.
    Values {
        keys: usize,
    },
    /// A block of so many bytes follows.
    Store {
        bytes: usize,
    },
    Line,
    Anywhere,
    Everywhere,
    Quit,
    Unknown,
}

fn shape(words: &[&[u8]]) -> Result<Shape, &'static str> {
    let bad = Err("CLIENT_ERROR bad command line format\r\n");
    Ok(
        match (words.first().copied().unwrap_or_default(), words.len()) {
            (b"get" | b"gets", 2..) => Shape::Values { keys: 1 },
            (b"gat" | b"gats", 3..) => Shape::Values { keys: 2 },
            (b"set" | b"add" | b"replace" | b"append" | b"prepend", 5 | 6) | (b"cas", 6 | 7) => {
                let bytes = std::str::from_utf8(words[4]).ok();
                match bytes.and_then(|text| text.parse().ok()) {
                    Some(bytes) if bytes <= VALUE_BYTES_MAX => Shape::Store { bytes },
                    _ => return Err("CLIENT_ERROR bad data chunk\r\n"),
                }
            }
            (b"delete", 2..=4) | (b"incr" | b"decr" | b"touch", 3 | 4) => Shape::Line,
            (b"version", 1) => Shape::Anywhere,
            (b"flush_all", 1..=3) => Shape::Everywhere,
            (b"quit", _) => Shape::Quit,
            (
                b"get" | b"gets" | b"gat" | b"gats" | b"set" | b"add" | b"replace" | b"append"
                | b"prepend" | b"cas" | b"delete" | b"incr" | b"decr" | b"touch",
                _,
            ) => return bad,
            _ => Shape::Unknown,
        },
    )
}

/// A client's task.
pub struct Session {
    client: Rc<Client>,
    /// A request whose end has not come.
    tail: Vec<u8>,
    closing: bool,
}

/// With so many requests without a reply, or so many bytes of replies unsent, a client is not read.
const PENDING_MAX: usize = 4096;
const UNSENT_MAX: usize = 1024 * 1024;

impl Session {
    pub fn new(client: Rc<Client>) -> Session {
        Session {
            client,
            tail: Vec::new(),
            closing: false,
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let flushed = self.client.poll_flush(cx);
            let client = Rc::clone(&self.client);
            if client.broken.get() || self.closing && flushed.is_ready() && client.is_idle() {
                return Poll::Ready(());
            }
            if let Some(next) = client
                .backend
                .has_given_way()
                .then(|| client.succeed())
                .flatten()
            {
                next.set_waker(cx.waker());
                self.client = next;
                continue;
            }
            client.waits.set(true);
            let full = client.pending() >= PENDING_MAX || client.unsent() >= UNSENT_MAX;
            if self.closing || full || !client.backend.has_room(&client) {
                return Poll::Pending;
            }
            client.waits.set(false);
            let start = self.tail.len();
            // Room follows what has come, not what was announced.
            self.tail.resize(start + SCRATCH_BYTES.max(start), 0);
            let polled = client
                .stream
                .borrow_mut()
                .poll_read(cx, &mut self.tail[start..]);
            match polled {
                Poll::Pending => {
                    self.tail.truncate(start);
                    self.tail.shrink_to(start);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(len)) if len > 0 => {
                    client.hears(len);
                    self.tail.truncate(start + len);
                    self.run();
                }
                Poll::Ready(_) => {
                    client.backend.counters().client_eof.add(1);
                    self.closing = true;
                }
            }
        }
    }

    /// Runs the whole requests that have come.
    fn run(&mut self) {
        self.client.backend.tick();
        self.client.backend.refresh();
        let input = std::mem::take(&mut self.tail);
        let mut at = 0;
        while at < input.len() && !self.closing {
            match self.request(&input[at..]) {
                0 => break,
                len => {
                    at += len;
                    self.client.backend.counters().requests.add(1);
                }
            }
        }
        self.tail = input;
        self.tail.drain(..at);
    }

    /// Handles the request at the front and returns its length; 0 while it is not all there.
    fn request(&mut self, input: &[u8]) -> usize {
        let window = &input[..input.len().min(LINE_BYTES_MAX)];
        let Some(end) = memchr::memchr(b'\n', window) else {
            if window.len() == LINE_BYTES_MAX {
                self.answer("CLIENT_ERROR line too long\r\n");
                self.closing = true;
            }
            return 0;
        };
        let line = window[..end].trim_ascii_end();
        let words: Vec<&[u8]> = line
            .split(|&b| b == b' ')
            .filter(|w| !w.is_empty())
            .collect();
        let shape = match shape(&words) {
            Ok(shape) => shape,
            Err(text) => {
                self.answer(text);
                // The block behind a line that was not understood would be taken for requests.
                self.closing = text.contains("data chunk");
                return end + 1;
            }
        };
        let len = match shape {
            Shape::Store { bytes } => end + 1 + bytes + 2,
            _ => end + 1,
        };
        if input.len() < len {
            return 0;
        }
        let request = &input[..len];
        let keys: &[&[u8]] = match shape {
            Shape::Values { keys } => &words[keys..],
            Shape::Store { .. } | Shape::Line => &words[1..2],
            _ => &[],
        };
        if keys.iter().any(|key| key.len() > KEY_BYTES_MAX) {
            self.answer("CLIENT_ERROR key is too long\r\n");
            return len;
        }
        if matches!(shape, Shape::Store { .. }) && !request.ends_with(b"\r\n") {
            self.answer("CLIENT_ERROR bad data chunk\r\n");
            self.closing = true;
            return len;
        }
        self.route(shape, &words, request);
        len
    }

    fn route(&mut self, shape: Shape, words: &[&[u8]], request: &[u8]) {
        let quiet = words.last() == Some(&&b"noreply"[..]);
        match shape {
            Shape::Values { keys } => self.values(words, keys, request),
            Shape::Store { .. } | Shape::Line => self.to_key(words[1], request, quiet),
            Shape::Anywhere => self.to_key(b"placeholder", request, false),
            Shape::Everywhere => self.everywhere(request, quiet),
            Shape::Quit => self.closing = true,
            Shape::Unknown => self.answer("ERROR\r\n"),
        }
    }

    fn answer(&self, text: &str) {
        self.client
            .answer(|out| out.extend_from_slice(text.as_bytes()));
    }

    fn errand(&self, number: u64, part: u32, server: usize) -> Errand {
        let receiver = Receiver::Client(Rc::clone(&self.client));
        let unit = server as u32;
        Errand {
            unit,
            ..Errand::of(receiver, number, part)
        }
    }

    /// A unit of memcached's pools is a server.
    fn link(&self, server: usize) -> Rc<crate::link::Link> {
        let lane = crate::backend::Lane {
            server,
            db: 0,
            resp3: false,
            identity: crate::identity::Identity::POOL,
        };
        self.client.backend.link(lane, self.client.id)
    }

    fn to_key(&self, key: &[u8], request: &[u8], quiet: bool) {
        match self.client.backend.unit_of(key) {
            Some(server) if quiet => self.link(server).send_unanswered(request),
            Some(server) => {
                let number = self.client.open();
                self.link(server)
                    .send(request, self.errand(number, 0, server));
            }
            None if quiet => {}
            None => self.answer("SERVER_ERROR Connection refused\r\n"),
        }
    }

    fn everywhere(&self, request: &[u8], quiet: bool) {
        let servers = self.client.backend.view().servers.len();
        if quiet {
            return (0..servers).for_each(|server| self.link(server).send_unanswered(request));
        }
        let number = self
            .client
            .open_gather(Gather::new(Assembly::Lines, servers));
        for server in 0..servers {
            self.link(server)
                .send(request, self.errand(number, server as u32, server));
        }
    }

    /// Values of several keys, from the servers that have them.
    fn values(&self, words: &[&[u8]], first_key: usize, request: &[u8]) {
        let mut parts: Vec<(usize, Vec<&[u8]>)> = Vec::new();
        for key in &words[first_key..] {
            let Some(server) = self.client.backend.unit_of(key) else {
                return self.answer("SERVER_ERROR Connection refused\r\n");
            };
            match parts.iter_mut().find(|(other, _)| *other == server) {
                Some((_, keys)) => keys.push(key),
                None => parts.push((server, vec![key])),
            }
        }
        if let [(server, _)] = parts[..] {
            let number = self.client.open();
            return self
                .link(server)
                .send(request, self.errand(number, 0, server));
        }
        self.client
            .backend
            .counters()
            .fragments
            .add(parts.len() as u64);
        let gather = Gather::new(Assembly::Values, parts.len());
        let number = self.client.open_gather(gather);
        for (part, (server, keys)) in parts.iter().enumerate() {
            let link = self.link(*server);
            link.send_with(self.errand(number, part as u32, *server), |out| {
                let line = words[..first_key].iter().chain(keys);
                line.for_each(|word| {
                    out.extend_from_slice(word);
                    out.push(b' ');
                });
                out.pop();
                out.extend_from_slice(b"\r\n");
            });
        }
    }
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.client.set_waker(cx.waker());
        let over = this.advance(cx);
        if over.is_ready() {
            depart(&this.client);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_end_where_they_end_however_they_are_cut() {
        let replies: &[&[u8]] = &[
            b"STORED\r\n",
            b"VALUE a 0 5\r\nEND\r\n\r\nVALUE b 1 0 77\r\n\r\nEND\r\n",
            b"END\r\n",
            b"12\r\n",
            b"SERVER_ERROR no\r\n",
        ];
        let all = replies.concat();
        for step in 1..all.len() {
            let (mut scanner, mut ends, mut from, mut seen) = (Scanner::default(), vec![], 0, 0);
            while seen < all.len() {
                seen = (seen + step).min(all.len());
                while from < seen {
                    let (len, whole) = scanner.scan(&all[from..seen]).unwrap();
                    from += len;
                    if whole {
                        ends.push(from);
                    }
                    if len == 0 || !whole {
                        break;
                    }
                }
            }
            let ends_wanted: Vec<usize> = (1..=replies.len())
                .map(|count| replies[..count].concat().len())
                .collect();
            assert_eq!(ends, ends_wanted, "in steps of {step}");
        }
        for bad in [
            "VALUE a 0 x\r\n",
            "VALUE a\r\n",
            "VALUE a 0 99999999999999\r\n",
        ] {
            assert_eq!(Scanner::default().scan(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn requests_are_told_by_their_first_line() {
        let shape_of = |line: &str| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            shape(&words)
        };
        assert_eq!(shape_of("get a b"), Ok(Shape::Values { keys: 1 }));
        assert_eq!(shape_of("gat 10 a"), Ok(Shape::Values { keys: 2 }));
        assert_eq!(shape_of("set a 0 0 3"), Ok(Shape::Store { bytes: 3 }));
        assert_eq!(
            shape_of("cas a 0 0 3 9 noreply"),
            Ok(Shape::Store { bytes: 3 })
        );
        assert_eq!(shape_of("incr a 1"), Ok(Shape::Line));
        assert_eq!(shape_of("stats"), Ok(Shape::Unknown));
        for bad in [
            "get",
            "set a 0 0",
            "set a 0 0 x",
            "set a 0 0 99999999999",
            "incr a",
        ] {
            assert!(shape_of(bad).is_err(), "{bad}");
        }
    }
}
