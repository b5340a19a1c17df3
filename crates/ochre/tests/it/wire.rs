//! A client that blocks, and gives up rather than wait for ever.

use std::fmt::Debug;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use resp::reply::write_request;
use resp::value::Value;

use crate::process::PATIENCE;

/// A connection to a server.
#[derive(Debug)]
pub struct Wire<S = TcpStream> {
    pub stream: S,
    /// Read, but not asked for yet.
    input: Vec<u8>,
}

impl Wire {
    #[track_caller]
    pub fn connect(address: impl ToSocketAddrs + Debug) -> Wire {
        let stream = TcpStream::connect(&address).expect("the server listens");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Wire::over(stream)
    }

    /// Says that nothing more will be sent.
    pub fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

impl Wire<UnixStream> {
    pub fn connect_unix(path: &str) -> Wire<UnixStream> {
        let stream = UnixStream::connect(path).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire::over(stream)
    }
}

impl<S: Read + Write> Wire<S> {
    fn over(stream: S) -> Wire<S> {
        Wire {
            stream,
            input: Vec::new(),
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends words split at spaces and returns the reply as it came, without its last line break.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        self.ask_words(&line.split(' ').collect::<Vec<_>>())
    }

    #[track_caller]
    pub fn ask_words(&mut self, words: &[&str]) -> String {
        let mut request = Vec::new();
        write_request(&mut request, words);
        self.send(&request).unwrap();
        self.reply()
    }

    /// Sends lines of words split at spaces all at once, and returns their replies.
    #[track_caller]
    pub fn ask_all<L: AsRef<str>>(&mut self, lines: &[L]) -> Vec<Value> {
        let mut requests = Vec::new();
        for line in lines {
            write_request(&mut requests, &line.as_ref().split(' ').collect::<Vec<_>>());
        }
        self.send(&requests).unwrap();
        lines.iter().map(|_| self.next().0).collect()
    }

    /// The next reply.
    #[track_caller]
    pub fn reply(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.next().1).into_owned();
        text.trim_end_matches("\r\n").to_owned()
    }

    /// The next reply, and its bytes.
    #[track_caller]
    fn next(&mut self) -> (Value, Vec<u8>) {
        loop {
            if let Some((value, len)) = resp::value::read(&self.input).unwrap() {
                return (value, self.input.drain(..len).collect());
            }
            let more = self.read_some().expect("the server replies");
            assert!(more > 0, "the server closed the connection");
        }
    }

    /// The next reply; none if the server has closed the connection, or is gone.
    pub fn try_next(&mut self) -> Option<Value> {
        loop {
            if let Some((value, len)) = resp::value::read(&self.input).unwrap() {
                self.input.drain(..len);
                return Some(value);
            }
            match self.read_some() {
                Ok(len) if len > 0 => {}
                _ => return None,
            }
        }
    }

    /// Everything until the server closes the connection.
    pub fn rest(&mut self) -> String {
        // A connection closed with bytes unread is reset.
        while self.read_some().is_ok_and(|len| len > 0) {}
        String::from_utf8_lossy(&std::mem::take(&mut self.input)).into_owned()
    }

    /// Waits until the server closes the connection. What it sends meanwhile is dropped.
    #[track_caller]
    pub fn wait_for_close(&mut self) {
        loop {
            match self.read_some() {
                Ok(0) => return,
                Ok(_) => self.input.clear(),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return,
                Err(error) => panic!("the server did not close the connection: {error}"),
            }
        }
    }

    fn read_some(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 64 * 1024];
        let deadline = Instant::now() + PATIENCE;
        let len = loop {
            match self.stream.read(&mut bytes) {
                // Something that does not concern us, or in some systems the end of patience.
                Err(error)
                    if error.kind() == ErrorKind::Interrupted && Instant::now() < deadline => {}
                read => break read?,
            }
        };
        self.input.extend_from_slice(&bytes[..len]);
        Ok(len)
    }
}
