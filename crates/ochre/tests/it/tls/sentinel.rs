//! Sentinels of either kind that watch over TLS.

use std::path::Path;

use super::{KNOWN, Server, cli};
use crate::clusters::{Kind, has_redis};
use crate::papers::Papers;
use crate::process::{Folder, OCHRE, Process, free_port, wait_until};
use crate::side::REDIS;
use crate::wire::Wire;

use Kind::{Debian, Ochre};

const QUICK: &str = "--tls-replication yes --repl-diskless-sync-delay 0";

/// As often as both kinds can be made to look.
const HASTE: &str = "SENTINEL DEBUG info-period 500 publish-period 400 ask-period 300 \
                     ping-period 300 tilt-period 2000";

/// A Sentinel with a port of either sort.
struct Sentinel {
    _process: Process,
    _folder: Folder,
    plain: u16,
    port: u16,
}

impl Sentinel {
    fn start(kind: Kind, papers: &Papers, watched: u16) -> Sentinel {
        let (plain, port, folder) = (free_port(), free_port(), Folder::new());
        let path = |name: &str| papers.path(name);
        let file = folder.file(
            "conf",
            &format!(
                "port {plain}\ntls-port {port}\ntls-replication yes\n\
                 tls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ndir {}\n\
                 sentinel monitor mymaster 127.0.0.1 {watched} 2\n\
                 sentinel down-after-milliseconds mymaster 1000\n\
                 sentinel failover-timeout mymaster 4000\n",
                path("server.pem"),
                path("server.key"),
                path("authority.pem"),
                folder.root(),
            ),
        );
        let process = match kind {
            Debian => {
                let args = [&*file, "--sentinel"];
                Process::start(Path::new(REDIS), "redis-server", &args, "")
            }
            Ochre => Process::start(OCHRE.as_ref(), "redis-sentinel", &[&file], ""),
        };
        wait_until("the Sentinel watches", || {
            process.output().contains("+monitor")
        });
        let sentinel = Sentinel {
            _process: process,
            _folder: folder,
            plain,
            port,
        };
        assert_eq!(sentinel.ask(HASTE), "+OK");
        sentinel
    }

    #[track_caller]
    fn ask(&self, line: &str) -> String {
        Wire::connect(("127.0.0.1", self.plain)).ask(line)
    }

    /// Whether the Sentinel knows so many others, and so many replicas.
    fn knows(&self, others: usize, replicas: usize) -> bool {
        let reply = self.ask("INFO sentinel");
        let line = format!("slaves={replicas},sentinels={}", others + 1);
        reply.contains(&line) && reply.contains("status=ok")
    }

    fn master_port(&self) -> u16 {
        let reply = self.ask("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster");
        reply.rsplit("\r\n").next().unwrap().parse().unwrap()
    }
}

/// What is watched by one Sentinel of each kind goes through a failover.
fn fail_over(primary: Kind, replica: Kind) {
    if !has_redis() {
        return;
    }
    let papers = Papers::new();
    let mut source = Server::start(primary, &papers, QUICK);
    let target = Server::start(replica, &papers, QUICK);
    assert_eq!(
        target.ask(&format!("REPLICAOF 127.0.0.1 {}", source.port)),
        "+OK"
    );
    target.wait_for("INFO replication", "master_link_status:up");
    let sentinels = [Ochre, Debian].map(|kind| Sentinel::start(kind, &papers, source.port));
    wait_until("the Sentinels know each other and the replica", || {
        sentinels.iter().all(|sentinel| sentinel.knows(1, 1))
    });
    // They are known by where they speak TLS.
    for (sentinel, other) in [(0, 1), (1, 0)] {
        let known = sentinels[sentinel].ask("SENTINEL SENTINELS mymaster");
        assert!(
            known.contains(&sentinels[other].port.to_string()),
            "{known}"
        );
    }
    assert_eq!(source.ask("SET k v"), "+OK");
    target.wait_for("GET k", "v");

    source.process = Process::start(OCHRE.as_ref(), "ochre", &["--version"], "");
    wait_until("the replica is the master", || {
        sentinels
            .iter()
            .all(|sentinel| sentinel.master_port() == target.port)
    });
    target.wait_for("ROLE", "master");
    let line = format!(
        "-p {} {KNOWN} SENTINEL CKQUORUM mymaster",
        sentinels[0].port
    );
    let ended = cli(&papers, &line, "");
    assert!(
        ended.output.contains("OK 2 usable Sentinels"),
        "{}",
        ended.output
    );

    // Who was the master is told whom to follow.
    source.restart(primary, &papers, QUICK);
    let followed = format!("master_port:{}", target.port);
    source.wait_for("INFO replication", &followed);
    source.wait_for("INFO replication", "master_link_status:up");
    source.wait_for("GET k", "v");
}

#[test]
fn a_replica_of_ours_takes_the_place_of_redis() {
    fail_over(Debian, Ochre);
}

#[test]
fn redis_takes_the_place_of_ours() {
    fail_over(Ochre, Debian);
}
