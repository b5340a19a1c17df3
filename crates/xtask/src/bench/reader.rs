//! A peer that asks for the stream as a replica does, reads it, and keeps nothing of it: to the
//! primary it is a replica, to the cores of this machine next to nothing.

use super::load::connect;
use super::question::ask;
use anyhow::{Result, anyhow};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Replicas say so often how far they are.
const ACK_EVERY: Duration = Duration::from_secs(1);

pub struct Reader {
    stream: TcpStream,
    thread: JoinHandle<Result<()>>,
}

impl Reader {
    pub fn start(port: u16) -> Result<Reader> {
        let mut stream = connect(port)?;
        for line in ["PING", "REPLCONF listening-port 1 capa eof capa psync2"] {
            ask(&mut stream, line)?;
        }
        stream.write_all(b"PSYNC ? -1\r\n")?;
        let reading = stream.try_clone()?;
        let thread = std::thread::spawn(move || read(reading));
        Ok(Reader { stream, thread })
    }

    pub fn finish(self) -> Result<()> {
        self.stream.shutdown(Shutdown::Both)?;
        let read = self.thread.join();
        read.map_err(|_| anyhow!("the reader panicked"))?
    }
}

fn read(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(ACK_EVERY))?;
    let mut buffer = vec![0; 128 * 1024];
    let (mut offset, mut told) = (0, Instant::now());
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(len) => offset += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        if told.elapsed() >= ACK_EVERY {
            told = Instant::now();
            write!(stream, "REPLCONF ACK {offset}\r\n")?;
        }
    }
}
