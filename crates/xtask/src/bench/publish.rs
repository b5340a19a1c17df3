//! Server CPU per message that reaches a subscriber.

use super::load::connect;
use super::sample::cpu_time;
use super::table::Target::{None, RatioMost};
use super::{Bench, Row};
use crate::server::Server;
use anyhow::{Context, Result, anyhow, ensure};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const SUBSCRIBERS: usize = 100;
const CPU_MOST: f64 = 0.7;

const SUBSCRIBE: &[u8] = b"*2\r\n$9\r\nSUBSCRIBE\r\n$2\r\nch\r\n";
const SUBSCRIBED: &[u8] = b"*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n";
const PUBLISH: &[u8] =
    b"*3\r\n$7\r\nPUBLISH\r\n$2\r\nch\r\n$32\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
const MESSAGE: &[u8] =
    b"*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$32\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
const REACHED_ALL: &[u8] = b":100\r\n";

/// Subscribers read so often, all in one thread: hardly any time goes into waking it.
const READ_EVERY: Duration = Duration::from_millis(1);

/// Without a message for so long, something is wrong.
const SILENCE_MAX: Duration = Duration::from_secs(10);

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let servers = bench.start_both(&[])?;
    let mut rows = Vec::new();
    // The more a write carries the less a delivery costs: more of them for as exact a number.
    for (pipeline, messages) in [(1, 10_000), (16, 40_000), (100, 80_000)] {
        let messages = if bench.quick { messages / 5 } else { messages };
        let name = format!("PUBLISH to {SUBSCRIBERS}, pipeline {pipeline}");
        let [rate, cpu] = bench.alternate(&name, &servers, |server| {
            publish(server, messages, pipeline)
        })?;
        rows.push(Row::new(format!("{name}: deliveries"), "k/s", rate, None));
        let what = format!("{name}: server CPU per delivery");
        rows.push(Row::new(what, "us", cpu, RatioMost(CPU_MOST)));
    }
    Ok(rows)
}

/// Thousands of deliveries per second, and microseconds of server CPU for each.
fn publish(server: &Server, messages: usize, pipeline: usize) -> Result<[f64; 2]> {
    let mut subscribers = Subscribers::connect(server.port)?;
    let mut publisher = connect(server.port)?;
    let deliveries = messages * SUBSCRIBERS;
    let (before, begun) = (cpu_time(server.pid())?, Instant::now());
    let reader = std::thread::spawn(move || subscribers.read(deliveries * MESSAGE.len()));
    let request = PUBLISH.repeat(pipeline);
    let mut reply = vec![0; REACHED_ALL.len() * pipeline];
    for _ in 0..messages / pipeline {
        publisher.write_all(&request)?;
        publisher.read_exact(&mut reply)?;
        ensure!(
            reply
                .chunks(REACHED_ALL.len())
                .all(|one| one == REACHED_ALL),
            "PUBLISH did not reach all subscribers"
        );
    }
    reader
        .join()
        .map_err(|_| anyhow!("the subscribers panicked"))??;
    let (took, used) = (begun.elapsed(), cpu_time(server.pid())? - before);
    let deliveries = deliveries as f64;
    Ok([
        deliveries / took.as_secs_f64() / 1e3,
        used.as_secs_f64() * 1e6 / deliveries,
    ])
}

struct Subscribers(Vec<TcpStream>);

impl Subscribers {
    fn connect(port: u16) -> Result<Subscribers> {
        let subscribe = |_| {
            let mut stream = connect(port)?;
            stream.write_all(SUBSCRIBE)?;
            let mut reply = [0; SUBSCRIBED.len()];
            stream.read_exact(&mut reply)?;
            ensure!(reply == SUBSCRIBED, "SUBSCRIBE was refused");
            stream.set_nonblocking(true)?;
            Ok(stream)
        };
        (0..SUBSCRIBERS)
            .map(subscribe)
            .collect::<Result<_>>()
            .map(Subscribers)
    }

    /// Reads until so many bytes have come to all of them together.
    fn read(&mut self, bytes: usize) -> Result<()> {
        let mut buffer = vec![0; 1 << 18];
        let (mut left, mut last) = (bytes, Instant::now());
        while left > 0 {
            ensure!(
                last.elapsed() < SILENCE_MAX,
                "{left} bytes of messages are missing"
            );
            std::thread::sleep(READ_EVERY);
            for stream in &mut self.0 {
                match stream.read(&mut buffer) {
                    Ok(0) => return Err(anyhow!("the server closed a subscriber's connection")),
                    Ok(read) => {
                        left = left
                            .checked_sub(read)
                            .context("more came than was published")?;
                        last = Instant::now();
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}
