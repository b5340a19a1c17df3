//! The machine in a cluster of real `redis-server` nodes, over real sockets.
//!
//! Skipped where no `redis-server` is installed.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cluster::{Command, Input, LinkId, Machine, Output, PrimaryLink, Settings, View};
use config::Config;

const PATIENCE: Duration = Duration::from_secs(40);

struct Redis {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Redis {
    fn start(port: u16) -> Option<Redis> {
        let folder = std::env::temp_dir().join(format!("ochre-bus-{port}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let child = Process::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--bind",
                "127.0.0.1",
            ])
            .args(["--cluster-enabled", "yes", "--cluster-node-timeout", "3000"])
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Redis {
            child,
            port,
            folder,
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(redis)
    }

    fn ask(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let timeout = Some(Duration::from_secs(5));
        stream
            .set_read_timeout(timeout)
            .expect("a timeout can be set");
        let mut bytes = Vec::new();
        resp::reply::write_request(&mut bytes, words);
        stream.write_all(&bytes).expect("it reads");
        let mut reply = vec![0; 65536];
        let len = stream.read(&mut reply).expect("it answers");
        String::from_utf8_lossy(&reply[..len]).into_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a thread has to tell.
enum News {
    Accepted(TcpStream),
    Bytes(LinkId, Vec<u8>),
    Ended(LinkId),
}

/// A machine with sockets, and without data.
struct Shell {
    machine: Machine,
    begun: Instant,
    news: Receiver<News>,
    teller: Sender<News>,
    links: BTreeMap<LinkId, TcpStream>,
    accepted: u64,
    delivered: Vec<String>,
}

impl Shell {
    fn start(port: u16) -> Shell {
        let (teller, news) = channel();
        let listener = TcpListener::bind(("127.0.0.1", port + 10_000)).expect("a port is free");
        let accepts = teller.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepts.send(News::Accepted(stream)).is_err() {
                    return;
                }
            }
        });
        let mut settings = Settings::of(&Config::default(), port, 0);
        settings.node_timeout_ms = 3000;
        let begun = Instant::now();
        let view = view(begun);
        let machine = Machine::new(settings, None, [u64::from(port), 7], &view);
        let mut shell = Shell {
            machine: machine.expect("there is no file"),
            begun,
            news,
            teller,
            links: BTreeMap::new(),
            accepted: 0,
            delivered: Vec::new(),
        };
        let mut out = Vec::new();
        shell.machine.start(&view, &mut out);
        shell.perform(out);
        shell
    }

    fn command(&mut self, command: Command<'_>) {
        let mut out = Vec::new();
        let done = self.machine.command(&view(self.begun), command, &mut out);
        done.expect("it can be done");
        self.perform(out);
    }

    fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.machine.step(&view(self.begun), input, &mut out);
        self.perform(out);
    }

    fn perform(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Connect { link, address, .. } => {
                    match TcpStream::connect((&*address.ip, address.port)) {
                        Ok(stream) => {
                            self.listen(link, stream);
                            self.input(Input::Connected { link });
                        }
                        Err(_) => self.input(Input::Lost {
                            link,
                            why: "refused",
                        }),
                    }
                }
                Output::Send { link, bytes } => {
                    if let Some(mut stream) = self.links.get(&link) {
                        // A link that broke is told by its reader.
                        let _ = stream.write_all(&bytes);
                    }
                }
                Output::Close { link } => {
                    if let Some(stream) = self.links.remove(&link) {
                        let _ = stream.shutdown(std::net::Shutdown::Both);
                    }
                }
                Output::Deliver { message, .. } => {
                    self.delivered
                        .push(String::from_utf8_lossy(&message).into_owned());
                }
                _ => {}
            }
        }
    }

    fn listen(&mut self, link: LinkId, stream: TcpStream) {
        let mut reader = stream.try_clone().expect("a socket can be shared");
        self.links.insert(link, stream);
        let teller = self.teller.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 16384];
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                if teller
                    .send(News::Bytes(link, buffer[..len].to_vec()))
                    .is_err()
                {
                    return;
                }
            }
            let _ = teller.send(News::Ended(link));
        });
    }

    fn run(&mut self) {
        match self.news.recv_timeout(Duration::from_millis(10)) {
            Ok(News::Accepted(stream)) => {
                self.accepted += 1;
                let link = LinkId::In(self.accepted);
                self.listen(link, stream);
                let (peer, local) = ("127.0.0.1", "127.0.0.1");
                self.input(Input::Accepted { link, peer, local });
            }
            Ok(News::Bytes(link, bytes)) => self.input(Input::Received {
                link,
                bytes: &bytes,
            }),
            Ok(News::Ended(link)) => {
                self.links.remove(&link);
                self.input(Input::Lost { link, why: "ended" });
            }
            Err(_) => {}
        }
        if self.machine.next_deadline() <= view(self.begun).now_ms {
            self.input(Input::Tick);
        }
    }

    #[track_caller]
    fn run_until(&mut self, what: &str, mut holds: impl FnMut(&Shell) -> bool) {
        let begun = Instant::now();
        let mut looked = Instant::now();
        loop {
            self.run();
            if looked.elapsed() > Duration::from_millis(100) {
                looked = Instant::now();
                if holds(self) {
                    return;
                }
            }
            let text = || self.machine.nodes_text(&view(self.begun), false);
            assert!(begun.elapsed() < PATIENCE, "no {what}\n{}", text());
        }
    }
}

fn view(begun: Instant) -> View {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is after 1970");
    View {
        now_ms: begun.elapsed().as_millis() as u64 + 10_000,
        wall_ms: wall.as_millis() as u64,
        replication_offset: 0,
        primary_link: PrimaryLink::Down { since_ms: None },
        holds_keys: false,
    }
}

/// The first of `count` ports that are free, and those of the bus with them. They are below those
/// that the system gives to whoever connects.
fn free_ports(count: u16) -> u16 {
    const FIRST: u16 = 11_000;
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let begin = FIRST + (std::process::id() % 1_000) as u16 * 8;
    let mut bases = (begin..FIRST + 10_000).step_by(8);
    bases
        .find(|&base| (base..base + count).all(|port| is_free(port) && is_free(port + 10_000)))
        .expect("some ports are free")
}

#[test]
fn a_machine_and_real_nodes_are_one_cluster() {
    let base = free_ports(5);
    let nodes: Option<Vec<Redis>> = (0..4).map(|at| Redis::start(base + at)).collect();
    let Some(mut nodes) = nodes else {
        return println!("skipped: there is no redis-server");
    };
    let port = base + 4;
    let mut shell = Shell::start(port);
    for (at, range) in [["0", "4095"], ["4096", "8191"], ["8192", "12287"]]
        .iter()
        .enumerate()
    {
        let epoch = (at + 1).to_string();
        nodes[at].ask(&["CLUSTER", "ADDSLOTSRANGE", range[0], range[1]]);
        nodes[at].ask(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
    }
    shell.command(Command::AddSlots(&[12288..=16383]));
    shell.command(Command::SetConfigEpoch(9));
    // One is met by the machine, one meets it, and all hear of all.
    let [ip, first] = ["127.0.0.1", &nodes[0].port.to_string()];
    for node in &nodes[1..] {
        node.ask(&["CLUSTER", "MEET", ip, first]);
    }
    let bus_port = nodes[0].port + 10_000;
    let port = nodes[0].port;
    shell.command(Command::Meet { ip, port, bus_port });
    shell.run_until("cluster", |shell| {
        let info = nodes.iter().map(|node| node.ask(&["CLUSTER", "INFO"]));
        let mut whole = info.map(|info| {
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:5")
        });
        shell.machine.map().ok && whole.all(|is_whole| is_whole)
    });
    let me = shell.machine.myself();
    assert_eq!(shell.machine.refused(), 0);
    let text = nodes[2].ask(&["CLUSTER", "NODES"]);
    assert!(
        text.contains(&format!("{me} 127.0.0.1:{}@", base + 4)),
        "{text}"
    );
    assert!(text.contains("connected 12288-16383"), "{text}");
    nodes[1].ask(&["PUBLISH", "news", "hello"]);
    shell.run_until("message", |shell| shell.delivered == ["hello"]);

    // A real replica takes the place of a real primary with the machine's vote.
    let primary = nodes[2].ask(&["CLUSTER", "MYID"]);
    let primary = primary.lines().nth(1).expect("a bulk string").to_owned();
    assert!(
        nodes[3]
            .ask(&["CLUSTER", "REPLICATE", &primary])
            .starts_with("+OK")
    );
    let online = |nodes: &[Redis]| {
        nodes[3]
            .ask(&["INFO", "replication"])
            .contains("master_link_status:up")
    };
    shell.run_until("replica", |_| online(&nodes));
    nodes[2].child.kill().expect("it runs");
    let heir = base + 3;
    shell.run_until("failover", |shell| {
        let map = shell.machine.map();
        map.nodes
            .get(usize::from(map.owners[8192]))
            .is_some_and(|node| node.port == heir)
    });
    assert!(shell.machine.last_vote_epoch() > 0);
    assert_eq!(shell.machine.refused(), 0);
}
