//! Ochre's own file: it changes while clients talk; figures over HTTP, and limits.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use resp::value::Value;
use rustix::process::{Signal, kill_process};

use crate::arena::{Backend, wait_for_port};
use crate::process::{Folder, OCHRE, Process, free_port, run, wait_until};
use crate::wire::Wire;

/// A proxy with a file that can be changed.
pub struct Own {
    pub port: u16,
    admin: u16,
    process: Process,
    folder: Folder,
}

impl Own {
    /// One pool, with these lines behind where it listens.
    pub fn start(lines: &str) -> Own {
        let (port, admin, folder) = (free_port(), free_port(), Folder::new());
        let file = folder.file("proxy.toml", &Own::text(port, lines));
        let address = format!("127.0.0.1:{admin}");
        let args = ["proxy", "-c", &file, "--admin", &address, "--threads=2"];
        let process = Process::start(OCHRE.as_ref(), "ochre", &args, "");
        wait_for_port(port);
        Own {
            port,
            admin,
            process,
            folder,
        }
    }

    fn text(port: u16, lines: &str) -> String {
        format!("[pool.main]\nlisten = \"127.0.0.1:{port}\"\n{lines}\n")
    }

    pub fn file(&self) -> String {
        self.folder.path("proxy.toml")
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(("127.0.0.1", self.port))
    }

    pub fn http(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin)).unwrap();
        let request = format!("{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    /// One of the figures of the pool.
    pub fn figure(&self, name: &str) -> u64 {
        let figures = self.http("GET /metrics");
        let start = format!("ochre_proxy_{name}{{pool=\"main\"}} ");
        let line = figures.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap().parse().unwrap()
    }

    pub fn write(&self, lines: &str) {
        self.folder.file("proxy.toml", &Own::text(self.port, lines));
    }
}

/// A ring of these servers.
pub fn ring(servers: &[&Backend]) -> String {
    let servers = servers.iter().enumerate();
    let texts: Vec<String> = servers
        .map(|(index, server)| format!("\"127.0.0.1:{}:1 s{index}\"", server.port))
        .collect();
    format!("ring.servers = [{}]", texts.join(", "))
}

#[test]
fn clients_stay_while_the_file_changes() {
    let (first, second) = (Backend::start(), Backend::start());
    let proxy = Own::start(&ring(&[&first]));
    let (mut wire, mut listener) = (proxy.connect(), proxy.connect());
    assert_eq!(wire.ask("SET k first"), "+OK");
    second.connect().ask("SET k second");
    assert!(
        listener
            .ask("SUBSCRIBE c")
            .starts_with("*3\r\n$9\r\nsubscribe")
    );
    let mut within = proxy.connect();
    assert_eq!(within.ask("WATCH k"), "+OK");
    assert_eq!(within.ask("MULTI"), "+OK");
    assert_eq!(within.ask("GET k"), "+QUEUED");
    // Another pool beside, and other servers.
    let beside = free_port();
    let more = format!(
        "{}\n[pool.beside]\nlisten = \"127.0.0.1:{beside}\"\n{}",
        ring(&[&second]),
        ring(&[&first])
    );
    proxy.write(&more);
    kill_process(proxy.process.id(), Signal::HUP).unwrap();
    wait_until("the other server is asked", || {
        wire.ask("GET k") == "$6\r\nsecond"
    });
    wait_for_port(beside);
    let mut other = Wire::connect(("127.0.0.1", beside));
    assert_eq!(other.ask("GET k"), "$5\r\nfirst");
    // What had begun goes on where it began.
    assert_eq!(within.ask("EXEC"), "*1\r\n$5\r\nfirst");
    wait_until("the transaction is left", || {
        within.ask("GET k") == "$6\r\nsecond"
    });
    assert_eq!(first.connect().ask("PUBLISH c m"), ":1");
    assert_eq!(
        listener.reply(),
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm"
    );
    // A file that makes no sense changes nothing.
    proxy.write("nosuch = 1");
    assert!(proxy.http("POST /reload").contains(" 422 "));
    let refusal = wire.ask("PROXY RELOAD");
    assert!(
        refusal.starts_with("-ERR") && refusal.contains("nosuch"),
        "{refusal}"
    );
    assert_eq!(wire.ask("GET k"), "$6\r\nsecond");
    // A pool that is gone lets its clients go.
    proxy.write(&ring(&[&second]));
    assert_eq!(wire.ask("PROXY RELOAD"), "+OK");
    assert_eq!(other.rest(), "");
    assert_eq!(wire.ask("GET k"), "$6\r\nsecond");
    // From now on a password is asked for.
    proxy.write(&format!("password = \"p\"\n{}", ring(&[&second])));
    assert!(proxy.http("POST /reload").contains(" 202 "));
    wait_until("the password counts", || {
        wire.ask("GET k").starts_with("-NOAUTH")
    });
    assert_eq!(wire.ask("AUTH p"), "+OK");
    assert_eq!(wire.ask("GET k"), "$6\r\nsecond");
}

#[test]
fn pipelines_lose_nothing_while_the_file_changes() {
    let backends = [Backend::start(), Backend::start()];
    let lines = |connections: usize| {
        let both = ring(&[&backends[0], &backends[1]]);
        format!("{both}\nserver.connections = {}", 1 + connections % 3)
    };
    let proxy = Own::start(&lines(0));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..20)
            .map(|client| {
                let (proxy, done) = (&proxy, &done);
                scope.spawn(move || {
                    let (mut wire, mut last) = (proxy.connect(), 0);
                    let lines: Vec<String> = (0..20).map(|_| format!("INCR c{client}")).collect();
                    while !done.load(Ordering::Relaxed) {
                        for reply in wire.ask_all(&lines) {
                            last += 1;
                            assert_eq!(reply, Value::Integer(last));
                        }
                    }
                    last
                })
            })
            .collect();
        let mut own = proxy.connect();
        for round in 1..20 {
            proxy.write(&lines(round));
            assert_eq!(own.ask("PROXY RELOAD"), "+OK");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        done.store(true, Ordering::Relaxed);
        assert!(clients.into_iter().all(|client| client.join().unwrap() > 0));
    });
    let log = proxy.process.output();
    assert!(log.contains("pool main is changed"), "{log}");
}

#[test]
fn figures_are_prometheus_s() {
    let backend = Backend::start();
    let proxy = Own::start(&format!("slow_us = 0\n{}", ring(&[&backend])));
    let mut wire = proxy.connect();
    assert_eq!(wire.ask("SET a 1"), "+OK");
    for _ in 0..200 {
        wire.ask("GET hot");
    }
    let figures = proxy.http("GET /metrics");
    for line in [
        "# TYPE ochre_proxy_server_latency_seconds histogram",
        "ochre_proxy_server_latency_seconds_count{pool=\"main\",server=\"s0\"} 201",
        "ochre_proxy_server_latency_seconds_bucket{pool=\"main\",server=\"s0\",le=\"+Inf\"} 201",
        "ochre_proxy_requests_total{pool=\"main\"} 201",
        "ochre_proxy_server_up{pool=\"main\",server=\"s0\"} 1",
        "ochre_proxy_clients{pool=\"main\"} 1",
    ] {
        assert!(
            figures.contains(&format!("{line}\n")),
            "{line} in {figures}"
        );
    }
    assert!(proxy.http("GET /health").ends_with("ok\n"));
    assert_eq!(wire.ask("SLOWLOG LEN"), ":128");
    let slow = wire.ask("SLOWLOG GET 1");
    assert!(
        slow.ends_with("*2\r\n$3\r\nGET\r\n$3\r\nhot\r\n$2\r\ns0\r\n$0"),
        "{slow}"
    );
    assert_eq!(wire.ask("SLOWLOG RESET"), "+OK");
    assert_eq!(wire.ask("SLOWLOG LEN"), ":0");
    let hot = wire.ask("PROXY HOTKEYS 1");
    assert!(hot.starts_with("*2\r\n$3\r\nhot\r\n:"), "{hot}");
    let route = format!("127.0.0.1:{}", backend.port);
    assert_eq!(
        wire.ask("PROXY ROUTE k"),
        format!("${}\r\n{route}", route.len())
    );
    assert!(wire.ask("PROXY NOSUCH").starts_with("-ERR unknown verb"));
}

#[test]
fn limits_are_kept() {
    let backend = Backend::start();
    let limits = "limits = { clients = 2, unread = \"1M\" }";
    let proxy = Own::start(&format!("{limits}\n{}", ring(&[&backend])));
    // Whoever looked whether the port was open has to be gone.
    let admitted = || {
        let mut found = None;
        wait_until("there is room", || {
            let mut wire = proxy.connect();
            let is_in = wire.ask("PING") == "+PONG";
            found = Some(wire).filter(|_| is_in);
            is_in
        });
        found.unwrap()
    };
    let (mut wire, mut greedy) = (admitted(), admitted());
    assert_eq!(
        proxy.connect().rest(),
        "-ERR max number of clients reached\r\n"
    );
    assert_eq!(wire.ask(&format!("SET k {}", "x".repeat(100_000))), "+OK");
    let requests = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".repeat(500);
    greedy.send(requests.as_bytes()).unwrap();
    wait_until("who leaves too much unread is let go", || {
        let figures = proxy.http("GET /metrics");
        figures.contains("ochre_proxy_closed_for_memory_total{pool=\"main\"} 1\n")
    });
    // So is who says nothing.
    proxy.write(&format!("limits.idle_ms = 1\n{}", ring(&[&backend])));
    assert_eq!(wire.ask("PROXY RELOAD"), "+OK");
    assert_eq!(wire.rest(), "");
}

#[test]
fn requests_wait_for_a_server_that_comes_back() {
    let (mut first, second) = (Backend::start(), Backend::start());
    let proxy = Own::start(&format!(
        "limits.hold_ms = 60000\n{}\nring.distribution = \"modula\"",
        ring(&[&first, &second])
    ));
    let mut wire = proxy.connect();
    let keys: Vec<String> = (0..20).map(|i| format!("k{i}")).collect();
    let at = format!("127.0.0.1:{}", first.port);
    let here = keys
        .iter()
        .find(|key| wire.ask(&format!("PROXY ROUTE {key}")).ends_with(&at));
    let there = keys
        .iter()
        .find(|key| !wire.ask(&format!("PROXY ROUTE {key}")).ends_with(&at));
    let (here, there) = (here.unwrap(), there.unwrap());
    assert_eq!(wire.ask(&format!("SET {here} 1")), "+OK");
    first.kill();
    let lines = [
        format!("SET {here} 2"),
        format!("INCR {here}"),
        format!("GET {there}"),
        format!("MGET {here} {there}"),
    ];
    let replies = std::thread::scope(|scope| {
        let asked = scope.spawn(|| wire.ask_all(&lines));
        wait_until("requests wait", || proxy.figure("held_requests_total") > 0);
        first.revive();
        asked.join().unwrap()
    });
    // Each was run once, and in order.
    let three = || Value::Bulk(b"3".to_vec());
    assert_eq!(
        replies,
        [
            Value::Simple(b"OK".to_vec()),
            Value::Integer(3),
            Value::Null,
            Value::Array(vec![three(), Value::Null])
        ]
    );
}

#[test]
fn transactions_may_be_forbidden() {
    let (first, second) = (Backend::start(), Backend::start());
    let proxy = Own::start(&format!(
        "transactions = false\n{}",
        ring(&[&first, &second])
    ));
    let mut wire = proxy.connect();
    let refusal = "-ERR forbid transaction in current server pool";
    assert_eq!(wire.ask("WATCH k"), refusal);
    assert_eq!(wire.ask("MULTI"), refusal);
    assert_eq!(wire.ask("EXEC"), "-ERR EXEC without MULTI");
    assert_eq!(wire.ask("SET k v"), "+OK");
}

#[test]
fn own_files_are_checked() {
    let folder = Folder::new();
    let good = "[pool.a]\nlisten = \"127.0.0.1:1\"\nring.servers = [\"127.0.0.1:2:1\"]\n";
    let good = folder.file("good.toml", good);
    let bad = folder.file(
        "bad.toml",
        "[pool.a]\nlisten = \"127.0.0.1:1\"\nnosuch = 1\n",
    );
    let ended = run(&["proxy", "--check", &good]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let ended = run(&["proxy", "--check", &bad]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.output.contains("line 3: unknown field `nosuch`"),
        "{}",
        ended.output
    );
}
