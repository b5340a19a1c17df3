//! Replies, written as bytes at the end of a buffer.
//!
//! One method a RESP type. Where RESP2 lacks a type, the nearest one it has is written, as clients
//! of either version expect: a map becomes a flat array, a double a string, a null a null string.

use stdx::number;

use crate::Protocol;

/// Writes replies of one protocol version at the end of a buffer.
#[derive(Debug)]
pub struct Encoder<'a> {
    pub out: &'a mut Vec<u8>,
    pub protocol: Protocol,
}

impl Encoder<'_> {
    pub fn resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// `+OK\r\n`. `text` holds no line break.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// `-ERR …\r\n`. Line breaks become blanks, so that no text can pass for another reply.
    pub fn error(&mut self, text: &[u8]) {
        self.out.push(b'-');
        let clean = |byte: &u8| {
            if matches!(byte, b'\r' | b'\n' | 0) {
                b' '
            } else {
                *byte
            }
        };
        self.out.extend(text.iter().map(clean));
        self.out.extend_from_slice(b"\r\n");
    }

    pub fn integer(&mut self, number: i64) {
        match number {
            0 => self.out.extend_from_slice(b":0\r\n"),
            1 => self.out.extend_from_slice(b":1\r\n"),
            _ => self.number(b':', number),
        }
    }

    pub fn bulk(&mut self, bytes: &[u8]) {
        self.header(b'$', bytes.len());
        self.out.reserve(bytes.len() + 2);
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// The absence of a value.
    pub fn null(&mut self) {
        self.out
            .extend_from_slice(if self.resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// The absence of an array.
    pub fn null_array(&mut self) {
        self.out
            .extend_from_slice(if self.resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// The header of `len` elements, which are written next.
    pub fn array(&mut self, len: usize) {
        self.header(b'*', len);
    }

    /// The header of `len` pairs.
    pub fn map(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', len * 2),
            Protocol::Resp3 => self.header(b'%', len),
        }
    }

    /// The header of `len` distinct elements.
    pub fn set(&mut self, len: usize) {
        self.header(if self.resp3() { b'~' } else { b'*' }, len);
    }

    /// The header of a message nobody asked for, of `len` elements.
    pub fn push(&mut self, len: usize) {
        self.header(if self.resp3() { b'>' } else { b'*' }, len);
    }

    /// The header of `len` pairs about the next reply. RESP2 has no such thing.
    pub fn attribute(&mut self, len: usize) {
        debug_assert!(self.resp3(), "RESP2 has no attributes");
        self.header(b'|', len);
    }

    pub fn double(&mut self, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(b',', text),
        }
    }

    pub fn boolean(&mut self, value: bool) {
        match self.protocol {
            Protocol::Resp2 => self.integer(i64::from(value)),
            Protocol::Resp3 => self.line(b'#', if value { b"t" } else { b"f" }),
        }
    }

    /// A number beyond 64 bits, as decimal text.
    pub fn big_number(&mut self, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(b'(', text),
        }
    }

    /// Text with a hint of three letters how to show it: `txt` or `mkd`.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.header(b'=', text.len() + 4);
                for part in [format, b":".as_slice(), text, b"\r\n"] {
                    self.out.extend_from_slice(part);
                }
            }
        }
    }

    fn header(&mut self, kind: u8, len: usize) {
        match len {
            0..10 => self
                .out
                .extend_from_slice(&[kind, b'0' + len as u8, b'\r', b'\n']),
            10..100 => {
                let (tens, ones) = (b'0' + (len / 10) as u8, b'0' + (len % 10) as u8);
                self.out
                    .extend_from_slice(&[kind, tens, ones, b'\r', b'\n']);
            }
            _ => self.number(kind, len as i64),
        }
    }

    fn number(&mut self, kind: u8, number: i64) {
        self.out.push(kind);
        number::push(self.out, number);
        self.out.extend_from_slice(b"\r\n");
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.push(kind);
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }
}

/// A request, as a client or the log writes it: an array of strings.
pub fn write_request<T: AsRef<[u8]>>(out: &mut Vec<u8>, args: &[T]) {
    let mut encoder = Encoder {
        out,
        protocol: Protocol::Resp2,
    };
    encoder.array(args.len());
    for arg in args {
        encoder.bulk(arg.as_ref());
    }
}
