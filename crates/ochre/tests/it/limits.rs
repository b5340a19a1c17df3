//! Clients that take more than they may.

use crate::process::{Server, wait_until};
use crate::wire::Wire;

#[test]
fn idle_clients_are_closed_and_busy_ones_are_not() {
    let server = Server::start(&["--loglevel", "verbose"]);
    let mut busy = server.connect();
    let mut monitor = server.connect();
    assert_eq!(monitor.ask("MONITOR"), "+OK");
    let mut idle = server.connect();
    assert_eq!(idle.ask("PING"), "+PONG");
    assert_eq!(busy.ask("CONFIG SET timeout 1"), "+OK");
    wait_until("the idle client is closed", || {
        assert_eq!(busy.ask("PING"), "+PONG");
        server.process.output().contains("Closing idle client")
    });
    idle.wait_for_close();
    assert_eq!(busy.ask("CONFIG SET timeout 0"), "+OK");
    // The monitor has sent nothing for as long, and still hears everything.
    assert!(busy.ask("ECHO heard").ends_with("heard"));
    while !monitor.reply().ends_with("\"heard\"") {}
}

/// Sends until the server has had enough.
fn flood(wire: &mut Wire, request: &[u8]) {
    let many = request.repeat(1000);
    while wire.send(&many).is_ok() {}
}

#[test]
fn a_client_that_never_reads_is_closed() {
    let server = Server::start(&["--client-output-buffer-limit", "normal 1mb 0 0"]);
    let mut wire = server.connect();
    let value = "x".repeat(100_000);
    assert_eq!(wire.ask_words(&["SET", "k", &value]), "+OK");
    flood(&mut wire, b"GET k\r\n");
    server.wait_for_line("for overcoming of output buffer limits");
    assert_eq!(server.connect().ask("PING"), "+PONG");
}

#[test]
fn a_stranger_that_never_reads_is_closed() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut wire = server.connect();
    // A million commands at least; the refusals are five times as long.
    let commands = b"GET k\r\n".repeat(10_000);
    let sent = (0..100)
        .take_while(|_| wire.send(&commands).is_ok())
        .count();
    assert!(sent < 100, "the server took a million commands");
    server.wait_for_line("for overcoming of output buffer limits");
    assert_eq!(server.connect().ask("AUTH secret"), "+OK");
}

#[test]
fn a_request_that_never_ends_is_closed() {
    let server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut wire = server.connect();
    wire.send(b"*2\r\n$3\r\nGET\r\n$100000000\r\n").unwrap();
    flood(&mut wire, &[b'x'; 1000]);
    server.wait_for_line("Closing client that reached max query buffer length");
    assert_eq!(server.connect().ask("PING"), "+PONG");
}

#[test]
fn a_server_without_descriptors_goes_on_once_it_has_some() {
    use rustix::process::{Resource, Rlimit, prlimit};
    let server = Server::start(&[]);
    let mut first = server.connect();
    assert_eq!(first.ask("PING"), "+PONG");
    let few = Rlimit {
        current: Some(64),
        maximum: Some(64),
    };
    prlimit(Some(server.process.id()), Resource::Nofile, few).unwrap();
    let mut crowd: Vec<Wire> = (0..100).map(|_| server.connect()).collect();
    server.wait_for_line("Accepting client connection: Too many open files");
    assert_eq!(first.ask("PING"), "+PONG");
    assert_eq!(crowd[0].ask("PING"), "+PONG");
    drop(crowd);
    assert_eq!(server.connect().ask("PING"), "+PONG");
}

/// A figure of `INFO`.
fn figure(wire: &mut Wire, name: &str) -> u64 {
    let info = wire.ask("INFO everything");
    let mut lines = info.lines();
    let value = lines.find_map(|line| line.strip_prefix(&format!("{name}:")));
    value.expect("INFO has it").parse().expect("it is a number")
}

/// Whether a client of this name is connected.
fn is_connected(wire: &mut Wire, name: &str) -> bool {
    wire.ask("CLIENT LIST").contains(&format!(" name={name} "))
}

#[test]
fn a_stranger_is_sent_no_more_than_a_megabyte_at_once() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut stranger = server.connect();
    // Each of these few bytes would bring about a hundred, and nothing is read.
    let refused = b"a\r\n".repeat(20_000);
    while stranger.send(&refused).is_ok() {}
    server.wait_for_line("for overcoming of output buffer limits");
    assert_eq!(server.connect().ask("AUTH secret"), "+OK");
}

#[test]
fn a_reply_beyond_the_limit_is_not_sent_at_all() {
    let server = Server::start(&["--client-output-buffer-limit", "normal 100000 0 0"]);
    let mut wire = server.connect();
    let value = "x".repeat(60_000);
    assert_eq!(wire.ask_words(&["SET", "k", &value]), "+OK");
    // Each by itself may be sent, both together may not; what stands behind them is not run.
    let pipeline = b"GET k\r\nGET k\r\nSET behind 1\r\n";
    wire.send(pipeline).unwrap();
    assert_eq!(wire.rest(), "");
    let mut other = server.connect();
    assert_eq!(other.ask("EXISTS behind"), ":0");
    // A transaction has run to its end before its client is closed.
    other
        .send(b"MULTI\r\nGET k\r\nGET k\r\nSET inside 1\r\nEXEC\r\n")
        .unwrap();
    other.wait_for_close();
    let mut last = server.connect();
    assert_eq!(last.ask("EXISTS inside"), ":1");
    let closed = server.process.output().matches("overcoming").count();
    assert_eq!(closed, 2);
}

#[test]
fn a_choice_without_end_is_cut_short() {
    let server = Server::start(&["--client-output-buffer-limit", "normal 1mb 0 0"]);
    let mut filler = server.connect();
    assert_eq!(filler.ask("HSET h f v"), ":1");
    assert_eq!(filler.ask("SADD s m"), ":1");
    assert_eq!(filler.ask("ZADD z 1 m"), ":1");
    for request in [
        "HRANDFIELD h -4000000000",
        "SRANDMEMBER s -4000000000",
        "ZRANDMEMBER z -4000000000",
        "ZRANDMEMBER z -4000000000 WITHSCORES",
    ] {
        let mut wire = server.connect();
        wire.send(format!("{request}\r\n").as_bytes()).unwrap();
        assert_eq!(wire.rest(), "", "{request}");
    }
    assert_eq!(filler.ask("PING"), "+PONG");
}

/// Publishes until the subscriber `slow` is gone, and says how much it ever owed at most.
fn publish_until_closed(server: &Server, wire: &mut Wire) -> u64 {
    let message = "m".repeat(10_000);
    let mut most = 0;
    while is_connected(wire, "slow") {
        let pipeline = format!("PUBLISH news {message}\r\n").repeat(20);
        wire.send(pipeline.as_bytes()).unwrap();
        (0..20).for_each(|_| drop(wire.reply()));
        most = most.max(figure(wire, "mem_clients_normal"));
    }
    server.wait_for_line("for overcoming of output buffer limits");
    most
}

#[test]
fn a_subscriber_that_never_reads_is_closed_at_the_hard_limit() {
    let server = Server::start(&["--client-output-buffer-limit", "pubsub 1mb 0 0"]);
    let mut slow = server.connect();
    assert_eq!(slow.ask("CLIENT SETNAME slow"), "+OK");
    assert!(slow.ask("SUBSCRIBE news").contains("subscribe"));
    let mut wire = server.connect();
    let most = publish_until_closed(&server, &mut wire);
    assert!(most < 4 << 20, "it owed {most} bytes");
    // And all that it owed is forgotten.
    wait_until("its memory is given back", || {
        figure(&mut wire, "mem_clients_normal") < 1 << 20
    });
}

/// The most that any client has not read.
fn owed(wire: &mut Wire) -> u64 {
    figure(wire, "client_recent_max_output_buffer")
}

#[test]
fn a_subscriber_above_the_soft_limit_is_closed_when_its_time_is_over() {
    let server = Server::start(&["--client-output-buffer-limit", "pubsub 0 100kb 1"]);
    let mut slow = server.connect();
    assert_eq!(slow.ask("CLIENT SETNAME slow"), "+OK");
    assert!(slow.ask("SUBSCRIBE news").contains("subscribe"));
    let mut wire = server.connect();
    let message = "m".repeat(100_000);
    // The system's own buffers take the first few megabytes.
    while owed(&mut wire) < 500_000 {
        assert_eq!(wire.ask(&format!("PUBLISH news {message}")), ":1");
    }
    // From here on nobody sends it anything, and it does nothing itself.
    assert!(is_connected(&mut wire, "slow"));
    server.wait_for_line("for overcoming of output buffer limits");
    assert!(!is_connected(&mut wire, "slow"));
}

#[test]
fn a_monitor_that_never_reads_is_closed() {
    let server = Server::start(&["--client-output-buffer-limit", "normal 1mb 0 0"]);
    let mut monitor = server.connect();
    assert_eq!(monitor.ask("MONITOR"), "+OK");
    let mut wire = server.connect();
    let long = "x".repeat(100_000);
    while !server.process.output().contains("overcoming") {
        assert!(wire.ask(&format!("ECHO {long}")).ends_with('x'));
    }
    assert_eq!(figure(&mut wire, "connected_clients"), 1);
}

#[test]
fn a_flood_without_replies_keeps_nothing() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    assert_eq!(wire.ask("SET k v"), "+OK");
    wire.send(b"CLIENT REPLY OFF\r\n").unwrap();
    let flood = b"GET k\r\nINCR n\r\nNONSENSE\r\n".repeat(1000);
    (0..100).for_each(|_| wire.send(&flood).unwrap());
    wire.send(b"CLIENT REPLY ON\r\n").unwrap();
    assert_eq!(wire.reply(), "+OK");
    assert_eq!(wire.ask("GET n"), "$6\r\n100000");
    let skipped = b"CLIENT REPLY SKIP\r\nINCR n\r\n".repeat(10_000);
    wire.send(&skipped).unwrap();
    assert_eq!(wire.ask("GET n"), "$6\r\n110000");
    assert!(figure(&mut wire, "mem_clients_normal") < 1 << 20);
}

#[test]
fn the_largest_clients_are_closed_first() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    assert_eq!(wire.ask("CLIENT NO-EVICT ON"), "+OK");
    let mut begin = |name: &str, bytes: usize| {
        let mut other = server.connect();
        assert_eq!(other.ask(&format!("CLIENT SETNAME {name}")), "+OK");
        let header = format!("*2\r\n${bytes}\r\n");
        other
            .send(&[header.as_bytes(), &vec![b'x'; bytes]].concat())
            .unwrap();
        wait_until("its bytes have come", || {
            wire.ask("CLIENT LIST").contains(&format!(" qbuf={bytes} "))
        });
        other
    };
    let _others = [
        begin("small", 100_000),
        begin("large", 1_000_000),
        begin("middle", 500_000),
    ];
    assert!(figure(&mut wire, "mem_clients_normal") >= 1_600_000);
    assert_eq!(wire.ask("CONFIG SET maxmemory-clients 1200000"), "+OK");
    let left = ["small", "middle", "large"].map(|name| is_connected(&mut wire, name));
    assert_eq!(left, [true, true, false]);
    assert_eq!(wire.ask("CONFIG SET maxmemory-clients 150000"), "+OK");
    let left = ["small", "middle"].map(|name| is_connected(&mut wire, name));
    assert_eq!(left, [true, false]);
    assert_eq!(figure(&mut wire, "evicted_clients"), 2);
    // Who is spared stays, however little is left to the others.
    assert_eq!(wire.ask("CONFIG SET maxmemory-clients 1"), "+OK");
    assert!(!is_connected(&mut wire, "small"));
    server.wait_for_line("Evicting client: id=");
    server.wait_for_line("Over client maxmemory after evicting all evictable clients");
}

#[test]
fn a_long_queue_and_a_long_request_count_as_memory() {
    let server = Server::start(&["--maxmemory-clients", "3000000"]);
    let mut queue = server.connect();
    assert_eq!(queue.ask("MULTI"), "+OK");
    flood(&mut queue, b"SET k v\r\n");
    queue.wait_for_close();
    let mut large = server.connect();
    let value = "v".repeat(3_000_000);
    let mut request = Vec::new();
    resp::reply::write_request(&mut request, &["SET", "large", &value]);
    // It may be closed before all is sent.
    drop(large.send(&request));
    large.wait_for_close();
    let mut wire = server.connect();
    assert_eq!(wire.ask("EXISTS large"), ":0");
    assert_eq!(figure(&mut wire, "evicted_clients"), 2);
    assert!(figure(&mut wire, "mem_clients_normal") < 100_000);
}

#[test]
fn connections_that_are_gone_before_they_are_served_do_not_stop_others() {
    let server = Server::start(&[]);
    for _ in 0..2000 {
        let wire = server.connect();
        // Without this the end of a connection is a farewell; with it, a reset.
        socket2::SockRef::from(&wire.stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
    }
    let mut wire = server.connect();
    assert_eq!(wire.ask("PING"), "+PONG");
    wait_until("the dead are forgotten", || {
        figure(&mut wire, "connected_clients") == 1
    });
}

#[test]
fn replies_to_one_who_went_away_reach_nobody_else() {
    let server = Server::start(&["--io-threads", "1"]);
    let mut filler = server.connect();
    let secret = "s".repeat(50_000);
    assert_eq!(filler.ask_words(&["SET", "secret", &secret]), "+OK");
    for _ in 0..200 {
        let mut gone = server.connect();
        socket2::SockRef::from(&gone.stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
        gone.send(&b"GET secret\r\n".repeat(50)).unwrap();
        drop(gone);
        assert_eq!(filler.ask("PING"), "+PONG");
    }
}
