use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::{Chaos, Mood};

/// A server that sends back what it is sent, and a proxy before it.
fn echo() -> Chaos {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut reader = stream.try_clone().expect("a descriptor is free");
                // It ends when the client does.
                drop(std::io::copy(&mut reader, &mut stream));
            });
        }
    });
    Chaos::before(address).expect("a port is free")
}

fn connect(chaos: &Chaos) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, chaos.port())).expect("it listens");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("it is not zero");
    stream
}

fn ask(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).expect("the proxy reads");
    let mut reply = vec![0; bytes.len()];
    stream.read_exact(&mut reply).expect("the proxy passes on");
    reply
}

#[test]
fn bytes_pass_whatever_the_pace() {
    let chaos = echo();
    let mut stream = connect(&chaos);
    for mood in [
        Mood::Pass,
        Mood::Drip,
        Mood::Delay(Duration::from_millis(5)),
    ] {
        chaos.set_mood(mood);
        let sent = b"whatever".repeat(10);
        assert_eq!(ask(&mut stream, &sent), sent, "{mood:?}");
    }
    assert_eq!(chaos.accepted(), 1);
}

#[test]
fn a_stalled_link_goes_on_and_a_vanished_one_does_not() {
    let chaos = echo();
    let mut stream = connect(&chaos);
    assert_eq!(ask(&mut stream, b"a"), b"a");
    for (mood, goes_on) in [(Mood::Stall, true), (Mood::Vanish, false)] {
        chaos.set_mood(mood);
        // A read that was under way is of the old mood.
        thread::sleep(Duration::from_millis(50));
        stream.write_all(b"b").expect("there is room");
        let moment = Some(Duration::from_millis(100));
        stream.set_read_timeout(moment).expect("it is not zero");
        assert!(stream.read(&mut [0]).is_err(), "nothing comes: {mood:?}");
        chaos.set_mood(Mood::Pass);
        let patience = match goes_on {
            true => Duration::from_secs(20),
            false => Duration::from_millis(100),
        };
        let patience = Some(patience);
        stream.set_read_timeout(patience).expect("it is not zero");
        assert_eq!(stream.read(&mut [0]).is_ok(), goes_on, "{mood:?}");
    }
}

#[test]
fn a_cut_comes_after_so_many_bytes() {
    let chaos = echo();
    let mut stream = connect(&chaos);
    chaos.cut_after(7);
    stream.write_all(b"0123").expect("there is room");
    let mut all = Vec::new();
    // Cut connections may end with an error.
    drop(stream.read_to_end(&mut all));
    assert_eq!(all, b"012", "four there, three back");
    let mut stream = connect(&chaos);
    assert_eq!(ask(&mut stream, b"again"), b"again");
    chaos.refuse(true);
    chaos.cut();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(connect(&chaos).read(&mut [0]).unwrap_or(0), 0);
}
