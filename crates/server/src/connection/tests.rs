use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use config::Config;
use engine::Engine;
use engine::clients::{Endpoints, Wakes};
use parking_lot::Mutex;
use proptest::collection::vec;
use proptest::prelude::*;
use testkit::{Disk, World};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::net::UnixStream;

use super::Connection;
use crate::durability::Durability;
use crate::line::{Line, Plain};
use crate::outbox;

impl Line for DuplexStream {}

impl Line for Listener {}

/// Sends `pieces` one by one, each after the server has taken the one before, and returns all
/// replies until the server has nothing more to say or closes.
fn converse(pieces: &[&[u8]]) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime of one thread").block_on(async {
        // A small pipe, so that replies are refused and sent later, too.
        let (client, server) = duplex(64);
        speak(client, server, pieces).await
    })
}

/// As [`converse`], over a socket, on threads that write replies when they have nothing else to do.
fn converse_by_socket(pieces: &[&[u8]]) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_unpark(outbox::open)
        .on_thread_park(outbox::flush)
        .enable_all()
        .build();
    runtime.expect("a runtime of two threads").block_on(async {
        let (client, server) = UnixStream::pair().expect("a pair of sockets");
        speak(client, Plain::unix(server), pieces).await
    })
}

async fn speak<C>(client: C, server: impl Line, pieces: &[&[u8]]) -> Vec<u8>
where
    C: AsyncRead + AsyncWrite + Send + 'static,
{
    let world = Box::new(World::default());
    let engine = Arc::new(Engine::new(commands::table(), Config::default(), world, 2));
    let session = engine.connect(Endpoints::default());
    tokio::spawn(Connection::new(server, engine, durability(), session));
    let (mut from, mut to) = tokio::io::split(client);
    let reader = tokio::spawn(async move {
        let mut replies = Vec::new();
        // A connection that is cut off has still sent what came before.
        drop(from.read_to_end(&mut replies).await);
        replies
    });
    for piece in pieces {
        if to.write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(to.shutdown().await);
    reader.await.expect("the reader does not panic")
}

/// Nothing is kept.
fn durability() -> Arc<Durability> {
    let disk = Arc::new(Disk::default());
    Arc::new(Durability::new(disk, &Config::default(), 2))
}

/// A request as a client library writes it.
fn request(words: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    resp::reply::write_request(&mut bytes, words);
    bytes
}

#[test]
fn a_request_larger_than_every_buffer_is_run() {
    let value = "v".repeat(300_000);
    let sent = [request(&["SET", "k", &value]), request(&["STRLEN", "k"])].concat();
    assert_eq!(converse(&[&sent]), b"+OK\r\n:300000\r\n");
}

#[test]
fn half_a_request_and_a_close_leave_nothing_behind() {
    assert_eq!(converse(&[b"*2\r\n$3\r\nGET\r\n$100\r\nabc"]), b"");
}

#[test]
fn somebody_who_sends_nothing_more_is_told_the_rest() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime of one thread").block_on(async {
        let world = Box::new(World::default());
        let engine = Arc::new(Engine::new(commands::table(), Config::default(), world, 1));
        let session = engine.connect(Endpoints::default());
        let (mut client, server) = duplex(64);
        tokio::spawn(Connection::new(
            server,
            Arc::clone(&engine),
            durability(),
            session,
        ));
        let sent = client
            .write_all(&request(&["ECHO", "word"]).repeat(100))
            .await;
        sent.expect("the server reads");
        client.shutdown().await.expect("the pipe is open");
        // The server sees the end while most replies have not found room.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let mut replies = Vec::new();
        let received = client.read_to_end(&mut replies).await;
        received.expect("the server closes the pipe in its time");
        assert_eq!(replies, b"$4\r\nword\r\n".repeat(100));
        assert!(engine.clients.is_empty(), "nobody is left");
    });
}

#[test]
fn replies_to_somebody_who_has_gone_reach_nobody_else() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime of one thread").block_on(async {
        let world = Box::new(World::default());
        let engine = Arc::new(Engine::new(commands::table(), Config::default(), world, 1));
        let mut replies = Vec::new();
        for (word, stays) in [("secret", false), ("own", true)] {
            let (mut client, server) = duplex(1000);
            let sent = client.write_all(&request(&["ECHO", word])).await;
            sent.expect("the pipe has room");
            let session = engine.connect(Endpoints::default());
            match stays {
                true => client.shutdown().await.expect("the pipe is open"),
                false => drop(std::mem::replace(&mut client, duplex(1).0)),
            }
            Connection::new(server, Arc::clone(&engine), durability(), session).await;
            drop(client.read_to_end(&mut replies).await);
        }
        assert_eq!(replies, b"$3\r\nown\r\n");
    });
}

/// A client that asks when it knows that it was sent a message, just as the server listens.
struct Listener {
    engine: Arc<Engine>,
    reads: usize,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Listener {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads += 1;
        match self.reads {
            1 => into.put_slice(b"SUBSCRIBE c\r\n"),
            2 => {
                let mut wakes = Wakes::default();
                let config = self.engine.config.load();
                self.engine.publish(&config, &mut wakes, b"c", b"m");
                into.put_slice(b"PING\r\n");
            }
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Listener {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.heard.lock().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn messages_come_before_the_replies_to_what_was_asked_behind_them() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime of one thread").block_on(async {
        let world = Box::new(World::default());
        let engine = Arc::new(Engine::new(commands::table(), Config::default(), world, 1));
        let heard = Arc::new(Mutex::default());
        let listener = Listener {
            engine: Arc::clone(&engine),
            reads: 0,
            heard: Arc::clone(&heard),
        };
        let session = engine.connect(Endpoints::default());
        Connection::new(listener, engine, durability(), session).await;
        let heard = String::from_utf8(heard.lock().clone()).expect("it is text");
        let order = ["subscribe", "message", "pong"].map(|word| heard.find(word));
        assert!(order.is_sorted() && order[0].is_some(), "{heard}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_split_gives_the_same_replies(
        numbers in vec(0..1000u32, 1..60),
        cuts in vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let requests: Vec<Vec<u8>> = numbers.iter().map(|number| {
            let (key, value) = (format!("k{}", number % 7), "x".repeat(*number as usize));
            match number % 4 {
                0 => request(&["SET", &key, &value]),
                1 => request(&["GET", &key]),
                2 => format!("append {key} \"a\\x62\"\r\n").into_bytes(),
                _ => request(&["INCR", &key]),
            }
        }).collect();
        let bytes = requests.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        let replies = converse(&[&bytes]);
        prop_assert_eq!(&converse(&pieces), &replies);
        prop_assert_eq!(&converse_by_socket(&pieces), &replies);
    }

    #[test]
    fn garbage_never_hangs_nor_panics(
        pieces in vec(vec(prop::sample::select(b"*$123\r\n\"' aGETk".to_vec()), 0..30), 0..12),
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        converse(&pieces);
    }
}
