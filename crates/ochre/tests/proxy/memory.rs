//! What a rush has taken is given back.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::arena::{Proxy, arena};
use crate::process::wait_until;

const CROWD: usize = 32;
const CROWDS: usize = 8;
const VALUE_BYTES: usize = 300_000;
/// Buffers that are kept for whoever comes next, and what the allocator keeps for a thread.
const REMAINS_KIB: u64 = 2048;

/// Clients come, write a long value and read it, and go; every other one without waiting for it.
fn rush(proxy: &Proxy) {
    let value = "x".repeat(VALUE_BYTES);
    let asked = format!(
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${VALUE_BYTES}\r\n{value}\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
    );
    for _ in 0..CROWDS {
        let mut crowd: Vec<TcpStream> = (0..CROWD)
            .map(|_| TcpStream::connect(("127.0.0.1", proxy.port)).unwrap())
            .collect();
        for stream in &mut crowd {
            stream.write_all(asked.as_bytes()).unwrap();
        }
        for stream in crowd.iter_mut().step_by(2) {
            let mut replies = vec![0; "+OK\r\n".len() + "$300000\r\n\r\n".len() + VALUE_BYTES];
            stream.read_exact(&mut replies).unwrap();
            assert!(replies.starts_with(b"+OK\r\n$300000\r\nx"));
        }
    }
}

#[test]
fn memory_is_as_small_after_a_rush_as_before() {
    let (_backends, proxy) = arena(2, &[]);
    assert_eq!(proxy.connect().ask("SET k v"), "+OK");
    let before = proxy.memory_kib();
    rush(&proxy);
    // Nobody asks for anything any longer: the proxy has to think of it by itself.
    wait_until("what the rush has taken is given back", || {
        proxy.memory_kib() < before + REMAINS_KIB
    });
}
