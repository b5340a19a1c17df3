//! A loader: many keys through one blocking connection, in big pipelined writes.

use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Requests in flight at a time; their replies fit any socket's buffers.
const BATCH: u64 = 1000;
const OK: &[u8] = b"+OK\r\n";

/// What a key is set to.
#[derive(Clone, Copy)]
pub enum Value {
    /// 16 bytes that never leave.
    Plain,
    /// 16 bytes with a time to live.
    WithTtl,
}

pub fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sets keys `key:000000000000` to `count - 1`: 16 bytes each, the names redis-benchmark uses.
pub fn fill(port: u16, count: u64, value: Value) -> Result<()> {
    let mut stream = connect(port)?;
    let mut requests = Vec::new();
    let mut replies = vec![0; BATCH as usize * OK.len()];
    let mut next = 0;
    while next < count {
        let end = count.min(next + BATCH);
        requests.clear();
        for number in next..end {
            write_set(&mut requests, number, value)?;
        }
        stream.write_all(&requests)?;
        let expected = &mut replies[..(end - next) as usize * OK.len()];
        stream.read_exact(expected)?;
        ensure!(
            expected.chunks(OK.len()).all(|reply| reply == OK),
            "SET answered {}",
            expected.escape_ascii()
        );
        next = end;
    }
    Ok(())
}

/// A SET of one of the keys of `fill`.
pub fn write_set(requests: &mut Vec<u8>, number: u64, value: Value) -> std::io::Result<()> {
    let (words, tail) = match value {
        Value::Plain => (3, ""),
        Value::WithTtl => (5, "$2\r\nEX\r\n$6\r\n500000\r\n"),
    };
    write!(
        requests,
        "*{words}\r\n$3\r\nSET\r\n$16\r\nkey:{number:012}\r\n$16\r\nval:{number:012}\r\n{tail}"
    )
}

/// One GET of a key that `fill` set.
pub fn get_request(number: u64) -> Vec<u8> {
    format!("*2\r\n$3\r\nGET\r\n$16\r\nkey:{number:012}\r\n").into_bytes()
}
