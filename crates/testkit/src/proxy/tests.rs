use std::time::Instant;

use super::*;

/// A server that sends everything back, on a thread of its own a link.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut bytes = [0; 1024];
                while let Ok(len @ 1..) = stream.read(&mut bytes) {
                    if stream.write_all(&bytes[..len]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn dial(proxy: &Proxy, patience: Duration) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("the proxy listens");
    stream
        .set_read_timeout(Some(patience))
        .expect("a timeout can be set");
    stream
}

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(60);

#[test]
fn bytes_pass_whole_and_in_pieces() {
    let proxy = Proxy::start(echo()).expect("a proxy starts");
    let mut stream = dial(&proxy, LONG);
    let sent = (0..=255).cycle().take(3_000).collect::<Vec<u8>>();
    for piece_bytes in [0, 1, 7] {
        proxy.set(Faults {
            piece_bytes,
            ..Faults::default()
        });
        stream.write_all(&sent).expect("the link stands");
        let mut received = vec![0; sent.len()];
        stream.read_exact(&mut received).expect("all comes back");
        assert_eq!(received, sent);
    }
}

#[test]
fn a_delay_delays() {
    let proxy = Proxy::start(echo()).expect("a proxy starts");
    let mut stream = dial(&proxy, LONG);
    let delay = Duration::from_millis(40);
    proxy.set(Faults {
        delay,
        ..Faults::default()
    });
    let begun = Instant::now();
    stream.write_all(b"x").expect("the link stands");
    stream.read_exact(&mut [0]).expect("it comes back");
    assert!(begun.elapsed() >= 2 * delay);
}

#[test]
fn what_stalls_comes_later() {
    let proxy = Proxy::start(echo()).expect("a proxy starts");
    let mut stream = dial(&proxy, SHORT);
    proxy.set(Faults {
        stalls_back: true,
        ..Faults::default()
    });
    // One reading may be under way when the stall begins.
    thread::sleep(10 * GLANCE);
    stream.write_all(b"x").expect("the way out is open");
    let error = stream
        .read_exact(&mut [0])
        .expect_err("nothing comes back yet");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    proxy.set(Faults::default());
    stream
        .set_read_timeout(Some(LONG))
        .expect("a timeout can be set");
    stream.read_exact(&mut [0]).expect("now it comes");
}

#[test]
fn links_are_cut_and_refused() {
    let proxy = Proxy::start(echo()).expect("a proxy starts");
    let mut stream = dial(&proxy, LONG);
    stream.write_all(b"x").expect("the link stands");
    stream.read_exact(&mut [0]).expect("it comes back");
    assert_eq!(proxy.links(), 1);
    proxy.cut();
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    proxy.set(Faults {
        refuses: true,
        ..Faults::default()
    });
    let mut stream = dial(&proxy, LONG);
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(proxy.links(), 0);
}

#[test]
fn an_end_can_be_hidden() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let proxy = Proxy::start(listener.local_addr().expect("it is bound")).expect("a proxy starts");
    proxy.set(Faults {
        hides_ends: true,
        ..Faults::default()
    });
    let mut stream = dial(&proxy, SHORT);
    let (server, _) = listener.accept().expect("the proxy connects");
    drop(server);
    thread::sleep(10 * GLANCE);
    let error = stream
        .read(&mut [0])
        .expect_err("the client hears of nothing");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}
