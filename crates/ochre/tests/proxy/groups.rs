//! Masters with replicas, as predixy's files name them.

use std::path::Path;

use crate::arena::{Backend, wait_for_port};
use crate::process::{Folder, OCHRE, Process, free_port, wait_until};
use crate::reload::Own;
use crate::wire::Wire;

/// A proxy with predixy's files: the first is given to it.
pub struct Predixy {
    pub port: u16,
    _process: Process,
    _folder: Folder,
}

impl Predixy {
    pub fn start(text: &str, included: &str) -> Predixy {
        let (port, stats) = (free_port(), free_port().to_string());
        let folder = Folder::new();
        folder.file("pool.conf", included);
        let text = format!("Bind 127.0.0.1:{port}\nInclude pool.conf\n{text}");
        let file = folder.file("predixy.conf", &text);
        let args = ["-s", &stats, "-a", "127.0.0.1", &file];
        let process = Process::start(OCHRE.as_ref(), "predixy", &args, "");
        wait_for_port(port);
        Predixy {
            port,
            _process: process,
            _folder: folder,
        }
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(("127.0.0.1", self.port))
    }
}

/// Groups of one server each.
pub fn fixed(groups: &[&Backend]) -> String {
    let mut text = "StandaloneServerPool {\n RefreshMethod fixed\n Databases 2\n Hash crc16\n \
                    HashTag \"{}\"\n Distribution modula\n"
        .to_owned();
    for (index, backend) in groups.iter().enumerate() {
        text += &format!(" Group g{index} {{\n  + 127.0.0.1:{}\n }}\n", backend.port);
    }
    text + "}\n"
}

#[test]
fn keys_are_spread_over_groups_and_transactions_stay_in_one() {
    let (first, second) = (Backend::start(), Backend::start());
    let proxy = Predixy::start("", &fixed(&[&first, &second]));
    let mut wire = proxy.connect();
    for key in ["k1", "k2", "{oo}k1", "{oo}k2"] {
        assert_eq!(wire.ask(&format!("SET {key} v")), "+OK");
    }
    assert_eq!(first.connect().ask("KEYS *"), "*1\r\n$2\r\nk1");
    assert_eq!(second.connect().ask("DBSIZE"), ":3");
    assert_eq!(wire.ask("DBSIZE"), ":4");
    assert_eq!(wire.ask("MGET k1 k2"), "*2\r\n$1\r\nv\r\n$1\r\nv");
    assert_eq!(wire.ask("WATCH {oo}k1"), "+OK");
    assert_eq!(wire.ask("MULTI"), "+OK");
    assert_eq!(wire.ask("SET {oo}k2 w"), "+QUEUED");
    assert_eq!(wire.ask("GET {oo}k3"), "+QUEUED");
    assert_eq!(wire.ask("EXEC"), "*2\r\n+OK\r\n$-1");
    assert_eq!(wire.ask("SELECT 1"), "+OK");
    assert_eq!(wire.ask("GET k1"), "$-1");
    assert!(wire.ask("SELECT 2").starts_with("-ERR"));
}

#[test]
fn rights_follow_from_passwords() {
    let backend = Backend::start();
    let authority = "Authority {\n Auth {\n  Mode read\n  KeyPrefix open:\n }\n \
                     Auth writer {\n  Mode write\n }\n Auth boss {\n  Mode admin\n }\n}\n";
    let proxy = Predixy::start(authority, &fixed(&[&backend]));
    let mut wire = proxy.connect();
    let denied = "-ERR auth permission deny";
    assert_eq!(wire.ask("GET open:1"), "$-1");
    for line in [
        "GET shut",
        "MGET open:1 shut",
        "SET open:1 x",
        "SCAN 0",
        "KEYS *",
        "CONFIG GET x",
    ] {
        assert_eq!(wire.ask(line), denied, "{line}");
    }
    assert_eq!(wire.ask("AUTH nobody"), "-ERR invalid password");
    assert_eq!(wire.ask("AUTH writer"), "+OK");
    assert_eq!(wire.ask("SET shut x"), "+OK");
    assert_eq!(wire.ask("CONFIG GET x"), denied);
    // Within a transaction no more is allowed than outside.
    assert_eq!(wire.ask("AUTH nobody"), "-ERR invalid password");
    assert_eq!(wire.ask("MULTI"), "+OK");
    assert_eq!(wire.ask("SET shut y"), denied);
    assert!(wire.ask("EXEC").starts_with("-EXECABORT"));
    assert_eq!(wire.ask("AUTH boss"), "+OK");
    assert_eq!(wire.ask("CONFIG GET x"), "*0");
}

const REDIS: &str = "/usr/bin/redis-server";

fn redis(folder: &Folder, port: u16, args: &[&str]) -> Process {
    let number = port.to_string();
    let own = ["--port", &number, "--save", "", "--dir", folder.root()];
    let process = Process::start(Path::new(REDIS), "redis-server", &[&own, args].concat(), "");
    wait_for_port(port);
    process
}

/// A master, its replica, and Sentinels that watch them.
#[test]
fn a_failover_does_not_concern_who_stays_connected() {
    if !Path::new(REDIS).exists() {
        eprintln!("skipped: {REDIS} is not installed");
        return;
    }
    let folder = Folder::new();
    let (master_port, replica_port) = (free_port(), free_port());
    let master = redis(&folder, master_port, &[]);
    let to = master_port.to_string();
    let _replica = redis(&folder, replica_port, &["--replicaof", "127.0.0.1", &to]);
    let sentinels: Vec<(u16, Process)> = (0..3)
        .map(|index| {
            let port = free_port();
            let file = folder.file(
                &format!("sentinel{index}.conf"),
                &format!(
                    "port {port}\nsentinel monitor ooxx 127.0.0.1 {master_port} 2\n\
                     sentinel down-after-milliseconds ooxx 1000\n\
                     sentinel failover-timeout ooxx 3000\n"
                ),
            );
            let program = Path::new(REDIS);
            let process = Process::start(program, "redis-server", &[&file, "--sentinel"], "");
            wait_for_port(port);
            (port, process)
        })
        .collect();
    let mut pool = "SentinelServerPool {\n MasterReadPriority 60\n DynamicSlaveReadPriority 50\n \
                    RefreshInterval 100ms\n Sentinels {\n"
        .to_owned();
    for (port, _) in &sentinels {
        pool += &format!("  + 127.0.0.1:{port}\n");
    }
    pool += " }\n Group ooxx {\n }\n}\n";
    let proxy = Predixy::start("", &pool);
    let mut wire = proxy.connect();
    wait_until("the master is known", || wire.ask("SET k1 sdasfa") == "+OK");
    wait_until("the replica has it", || {
        Wire::connect(("127.0.0.1", replica_port)).ask("GET k1") == "$6\r\nsdasfa"
    });
    for (line, reply) in [
        ("MULTI", "+OK"),
        ("GET k1", "+QUEUED"),
        ("SET k2 2222", "+QUEUED"),
        ("EXEC", "*2\r\n$6\r\nsdasfa\r\n+OK"),
    ] {
        assert_eq!(wire.ask(line), reply);
    }
    let addresses: Vec<String> = sentinels
        .iter()
        .map(|(port, _)| format!("\"127.0.0.1:{port}\""))
        .collect();
    let patient = Own::start(&format!(
        "limits.hold_ms = 60000\n\
         groups = {{ sentinels = [{}], list = [{{ name = \"ooxx\" }}], refresh_ms = 100 }}",
        addresses.join(", ")
    ));
    let mut writer = patient.connect();
    assert_eq!(writer.ask("SET k3 1"), "+OK");
    // Sentinels must know each other and the replica before they can act.
    wait_until("the Sentinels agree", || {
        sentinels.iter().all(|(port, _)| {
            let told = Wire::connect(("127.0.0.1", *port)).ask("SENTINEL MASTER ooxx");
            told.contains("num-slaves\r\n$1\r\n1")
                && told.contains("num-other-sentinels\r\n$1\r\n2")
        })
    });
    drop(master);
    let connections =
        format!("connections{{pool=\"main\",server=\"127.0.0.1:{master_port}\"}} 0\n");
    wait_until("the master is missed", || {
        patient.http("GET /metrics").contains(&connections)
    });
    // The same connection is read from at once, and written to when there is a master.
    let waiting =
        std::thread::spawn(move || ["SET k3 2", "INCR k3", "GET k3"].map(|line| writer.ask(line)));
    assert_eq!(wire.ask("GET k1"), "$6\r\nsdasfa");
    wait_until("there is a master again", || {
        wire.ask("SET k1 new") == "+OK"
    });
    assert_eq!(wire.ask("GET k1"), "$3\r\nnew");
    // Who waits does not hear of it at all.
    assert_eq!(waiting.join().unwrap(), ["+OK", ":3", "$1\r\n3"]);
}

const REPORTS: &str = "\
LatencyMonitor fast {\n Commands {\n  + get\n }\n TimeSpan {\n  + 1\n  + 60000000\n }\n}\n\
CustomCommand {\n getdel {\n  Mode write\n }\n nosuch.at3 {\n  Mode read|keyAt3\n  MinArgs 4\n  \
MaxArgs 4\n }\n}\n\
Authority {\n Auth {\n  Mode write\n }\n Auth boss {\n  Mode admin\n }\n}\n";

#[test]
fn reports_and_settings_are_predixy_s() {
    let (first, second) = (Backend::start(), Backend::start());
    let proxy = Predixy::start(&format!("Name p\n{REPORTS}"), &fixed(&[&first, &second]));
    let mut wire = proxy.connect();
    for key in ["k1", "k2", "k3"] {
        assert_eq!(wire.ask(&format!("GET {key}")), "$-1");
    }
    assert!(
        wire.ask("NOSUCH.AT3 a b k1")
            .starts_with("-ERR unknown command")
    );
    let arity = "-ERR wrong number of arguments for 'nosuch.at3' command";
    assert_eq!(wire.ask("NOSUCH.AT3 a b k1 c"), arity);
    let info = wire.ask("INFO");
    let bind = format!("\nBind:127.0.0.1:{}\n", proxy.port);
    for part in [
        "# Proxy\n",
        "\nName:p\n",
        &bind,
        "\nRedisMode:proxy\n",
        "# SystemResource\n",
        "\nUsedCpuSys:0.",
        "# Stats\n",
        "\nClientConnections:1\n",
        "# Servers\n",
        "\nRole:master\nGroup:g1\n",
        "\nCurrentIsFail:0\n",
        "# LatencyMonitor\nLatencyMonitorName:fast\n",
    ] {
        assert!(info.contains(part), "{part} in {info}");
    }
    assert!(wire.ask("INFO Stats").contains("\n# Stats\nAccept:"));
    assert_eq!(wire.ask("INFO nosuch"), "$0");
    let latency = wire.ask("INFO Latency fast");
    assert!(latency.contains("100.00%\nT "), "{latency}");
    let total = latency.lines().find(|line| line.starts_with("T ")).unwrap();
    assert_eq!(total.split_whitespace().last(), Some("3"));
    let address = format!("127.0.0.1:{}", second.port);
    let own = wire.ask(&format!("INFO ServerLatency {address} fast"));
    assert!(
        own.contains(&format!("ServerLatencyMonitorName:{address}\n")),
        "{own}"
    );
    assert_eq!(wire.ask("INFO Latency x"), "-ERR latency \"x\" no exists");
    assert_eq!(
        wire.ask("INFO ServerLatency x"),
        "-ERR server \"x\" no exists"
    );
    let denied = "-ERR auth permission deny";
    assert_eq!(wire.ask("INFO ResetStats"), denied);
    assert_eq!(wire.ask("CONFIG GET Name"), denied);
    assert_eq!(wire.ask("AUTH boss"), "+OK");
    assert_eq!(wire.ask("CONFIG GET name"), "*2\r\n$4\r\nName\r\n$1\r\np");
    assert!(wire.ask("CONFIG GET *").starts_with("*28\r\n"));
    assert_eq!(wire.ask("CONFIG SET ClientTimeout 300"), "+OK");
    assert_eq!(
        wire.ask("CONFIG GET ClientTimeout"),
        "*2\r\n$13\r\nClientTimeout\r\n$3\r\n300"
    );
    assert_eq!(wire.ask("CONFIG SET Bind x"), "-ERR argument wrong");
    assert_eq!(
        wire.ask("CONFIG REWRITE"),
        "-ERR CONFIG subcommand must be one of GET, SET"
    );
    assert_eq!(wire.ask("INFO ResetStats"), "+OK");
    let total = wire.ask("INFO Latency fast");
    assert!(
        total
            .lines()
            .any(|line| line.starts_with("T ") && line.ends_with(" 0"))
    );
    // Who leaves too much unread is let go.
    let value = "x".repeat(100_000);
    assert_eq!(wire.ask(&format!("SET k1 {value}")), "+OK");
    assert_eq!(wire.ask("CONFIG SET MaxMemory 1M"), "+OK");
    let mut greedy = proxy.connect();
    let requests = "*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n".repeat(500);
    greedy.send(requests.as_bytes()).unwrap();
    wait_until("the greedy client has gone", || {
        wire.ask("INFO Stats").contains("ClientConnections:1\n")
    });
    assert_eq!(wire.ask("STRLEN k1"), ":100000");
}

#[test]
fn reads_stay_in_the_data_centre() {
    let (here, there) = (Backend::start(), Backend::start());
    let centre = |name: &str, port: u16, policy: &str| {
        format!(
            " DC {name} {{\n  AddrPrefix {{\n   + 127.0.0.1:{port}\n  }}\n  \
             ReadPolicy {{\n{policy}  }}\n }}\n"
        )
    };
    let centres = format!(
        "LocalDC there\nDataCenter {{\n{}{}}}\n",
        centre("here", here.port, ""),
        centre("there", there.port, "   there 50\n   here 20 5\n"),
    );
    let pool = format!(
        "StandaloneServerPool {{\n RefreshMethod fixed\n MasterReadPriority 60\n \
         StaticSlaveReadPriority 50\n Group g {{\n  + 127.0.0.1:{}\n  + 127.0.0.1:{}\n }}\n}}\n",
        here.port, there.port
    );
    let proxy = Predixy::start(&centres, &pool);
    let (mut wire, mut there) = (proxy.connect(), there);
    // The second is nobody's replica, so that it can be told apart.
    there.connect().ask("SET k there");
    assert_eq!(wire.ask("SET k here"), "+OK");
    assert_eq!(wire.ask("GET k"), "$5\r\nthere");
    assert!(wire.ask("INFO Servers").contains("\nDC:there\n"));
    there.kill();
    wait_until("the other centre is read from", || {
        wire.ask("GET k") == "$4\r\nhere"
    });
}
