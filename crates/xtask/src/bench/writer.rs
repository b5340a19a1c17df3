//! A client that writes without end: one connection, pipelined, over names drawn from a range.

use super::collection::Collection;
use super::load::{self, connect};
use anyhow::{Result, anyhow, ensure};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stdx::prng::Prng;

const PIPELINE: u64 = 16;

/// Requests under way, at least a batch below which another is sent. A writer that waits for each
/// batch sleeps while the server works, and the other way round; it is then bound by how long
/// idle cores take to wake, and faster when something else keeps them awake.
const UNDER_WAY: u64 = 8 * PIPELINE;

/// What is written to.
#[derive(Clone, Copy)]
enum Target {
    Keys,
    /// Of one slot, by their hash tag.
    Slot(u32),
    Collection(Collection, &'static str),
}

pub struct Writer {
    stream: TcpStream,
    target: Target,
    names: u64,
    /// What is written next. Who writes again in an order that was written before finds keys side
    /// by side in memory, and is half as fast again.
    order: Prng,
}

/// A writer at work.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<f64>>,
}

impl Writer {
    /// Sets keys as `load::fill` names them, to the same values.
    pub fn over(port: u16, keys: u64) -> Result<Writer> {
        Writer::of(port, Target::Keys, keys)
    }

    /// Sets keys with a hash tag.
    pub fn over_slot(port: u16, tag: u32, keys: u64) -> Result<Writer> {
        Writer::of(port, Target::Slot(tag), keys)
    }

    /// Puts elements anew that `Collection::fill` has put.
    pub fn of_collection(
        port: u16,
        collection: Collection,
        key: &'static str,
        elements: u64,
    ) -> Result<Writer> {
        Writer::of(port, Target::Collection(collection, key), elements)
    }

    fn of(port: u16, target: Target, names: u64) -> Result<Writer> {
        let stream = connect(port)?;
        // No two writers have the same.
        let seed = stream.local_addr()?.port();
        Ok(Writer {
            stream,
            target,
            names,
            order: Prng::new(seed.into()),
        })
    }

    /// Writes for so long, and returns writes per second.
    pub fn run_for(mut self, duration: Duration) -> Result<f64> {
        let begun = Instant::now();
        self.run(|| begun.elapsed() >= duration)
    }

    pub fn start(mut self) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || self.run(|| stopped.load(Ordering::Relaxed)));
        Running { stop, thread }
    }

    fn run(&mut self, is_over: impl Fn() -> bool) -> Result<f64> {
        let (begun, mut sent, mut written) = (Instant::now(), 0, 0);
        let (mut requests, mut replies) = (Vec::new(), vec![0; 1 << 16]);
        while !is_over() {
            while sent + PIPELINE <= written + UNDER_WAY {
                self.send(&mut requests)?;
                sent += PIPELINE;
            }
            written += self.receive(&mut replies)?;
        }
        let rate = written as f64 / begun.elapsed().as_secs_f64();
        while written < sent {
            written += self.receive(&mut replies)?;
        }
        Ok(rate)
    }

    fn send(&mut self, requests: &mut Vec<u8>) -> Result<()> {
        requests.clear();
        for _ in 0..PIPELINE {
            let number = self.order.below(self.names);
            self.write_request(number, requests)?;
        }
        Ok(self.stream.write_all(requests)?)
    }

    /// How many writes are answered by what comes next.
    fn receive(&mut self, replies: &mut [u8]) -> Result<u64> {
        let read = self.stream.read(replies)?;
        ensure!(read > 0, "the server closed the writer's connection");
        let replies = &replies[..read];
        ensure!(!replies.contains(&b'-'), "a write was refused");
        Ok(replies.iter().filter(|byte| **byte == b'\n').count() as u64)
    }

    fn write_request(&self, number: u64, requests: &mut Vec<u8>) -> Result<()> {
        match self.target {
            Target::Keys => load::write_set(requests, number, load::Value::Plain)?,
            Target::Slot(tag) => {
                let (key, value) = (format!("{{{tag}}}{number:06}"), number);
                let (key_len, value_len) = (key.len(), value.to_string().len());
                write!(
                    requests,
                    "*3\r\n$3\r\nSET\r\n${key_len}\r\n{key}\r\n${value_len}\r\n{value}\r\n"
                )?;
            }
            Target::Collection(collection, key) => {
                collection.write_request(requests, key, number..number + 1)?;
            }
        }
        Ok(())
    }
}

impl Running {
    /// Ends the writing and returns writes per second.
    pub fn finish(self) -> Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_| anyhow!("the writer panicked"))?
    }
}
