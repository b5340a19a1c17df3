use super::*;
use crate::doctor::facts::{Machine, Server, Sync, fields};

/// A machine as it should be.
fn machine() -> Machine {
    Machine {
        ports: Some((32_768, 60_999)),
        waiting: Some(12),
        reuse: Some(2),
        backlog: Some(4096),
        overcommit: Some(1),
        huge_pages: Some("madvise".to_owned()),
        clock: Some("tsc".to_owned()),
        open_files: Some(524_288),
        memory_bytes: Some(8 << 30),
        limit_bytes: None,
        sync: Some(Sync {
            folder: "/data".to_owned(),
            median_micros: 800,
            worst_micros: 3000,
        }),
    }
}

const INFO: &str = "redis_version:7.0.15\r\nprocess_id:7\r\ntcp_port:6379\r\nrole:master\r\n\
    connected_slaves:0\r\nrdb_last_bgsave_status:ok\r\naof_enabled:1\r\n\
    aof_last_write_status:ok\r\naof_last_bgrewrite_status:ok\r\naof_delayed_fsync:0\r\n\
    used_memory:1000000\r\nmem_fragmentation_ratio:1.1\r\nrejected_connections:0\r\n\
    cluster_enabled:0\r\n";

const CONFIG: &str = "requirepass:secret\nmasterauth:secret\nprotected-mode:yes\nbind:0.0.0.0\n\
    save:3600 1\nappendonly:yes\nappendfsync:everysec\nmaxmemory:1000000000\n\
    maxmemory-policy:noeviction\nmaxclients:10000\ntcp-backlog:511\nrepl-backlog-size:1048576\n";

fn server() -> Server {
    Server {
        address: "127.0.0.1:6379".to_owned(),
        is_here: true,
        info: fields(INFO),
        config: fields(CONFIG),
        ..Server::default()
    }
}

/// What is bad when so much of a good machine and a good server is otherwise.
fn bad(change: impl FnOnce(&mut Machine, &mut Server)) -> Vec<&'static str> {
    let (mut machine, mut server) = (machine(), server());
    change(&mut machine, &mut server);
    let findings = judge(&Facts {
        machine,
        server: Some(server),
    });
    let bad = findings.iter().filter(|found| found.state == State::Bad);
    let names = bad.inspect(|found| {
        assert!(!found.read.is_empty() && !found.why.is_empty(), "{found:?}");
        assert!(found.mend.is_some(), "{found:?}");
    });
    names.map(|found| found.name).collect()
}

fn told(server: &mut Server, name: &str, value: &str) {
    server.info.insert(name.to_owned(), value.to_owned());
}

fn set(server: &mut Server, name: &str, value: &str) {
    server.config.insert(name.to_owned(), value.to_owned());
}

#[test]
fn what_is_well_is_left_alone() {
    assert_eq!(bad(|_, _| {}), [""; 0]);
    let alone = judge(&Facts {
        machine: machine(),
        server: None,
    });
    assert!(
        alone.iter().all(|found| found.state == State::Good),
        "{alone:?}"
    );
    assert_eq!(judge(&Facts::default()), []);
}

#[test]
fn the_machine_is_judged() {
    assert_eq!(bad(|machine, _| machine.waiting = Some(20_000)), ["ports"]);
    assert_eq!(
        bad(|machine, _| machine.ports = Some((40_000, 41_000))),
        ["ports"]
    );
    assert_eq!(
        bad(|_, server| told(server, "tcp_port", "40000")),
        ["own ports"]
    );
    let bus = |_: &mut Machine, server: &mut Server| {
        told(server, "tcp_port", "30001");
        told(server, "cluster_enabled", "1");
    };
    assert_eq!(bad(bus), ["own ports"]);
    assert_eq!(bad(|machine, _| machine.backlog = Some(128)), ["somaxconn"]);
    assert_eq!(
        bad(|machine, _| machine.overcommit = Some(0)),
        ["overcommit"]
    );
    assert_eq!(
        bad(|machine, _| machine.overcommit = Some(2)),
        ["overcommit"]
    );
    let always = Some("always".to_owned());
    assert_eq!(
        bad(|machine, _| machine.huge_pages = always),
        ["huge pages"]
    );
    assert_eq!(
        bad(|machine, _| machine.open_files = Some(1024)),
        ["open files"]
    );
    let few = |machine: &mut Machine, server: &mut Server| {
        machine.open_files = Some(1024);
        set(server, "maxclients", "992");
    };
    assert_eq!(bad(few), [""; 0]);
    assert_eq!(
        bad(|machine, _| machine.clock = Some("xen".to_owned())),
        ["clock"]
    );
    let slow = |worst_micros| {
        Some(Sync {
            worst_micros,
            ..machine().sync.unwrap()
        })
    };
    assert_eq!(bad(|machine, _| machine.sync = slow(200_001)), ["disk"]);
    assert_eq!(bad(|machine, _| machine.sync = slow(200_000)), [""; 0]);
}

#[test]
fn a_server_without_a_second_process_needs_no_overcommit() {
    let ochre = |value| {
        bad(|machine, server| {
            machine.overcommit = Some(value);
            told(server, "server_name", "ochre");
        })
    };
    assert_eq!((ochre(0), ochre(2)), (vec![], vec!["overcommit"]));
}

#[test]
fn memory_is_what_the_kernel_gives() {
    let unlimited = |machine: &mut Machine, server: &mut Server| {
        machine.limit_bytes = Some(1 << 30);
        set(server, "maxmemory", "0");
    };
    assert_eq!(bad(unlimited), ["memory"]);
    assert_eq!(
        bad(|machine, _| machine.limit_bytes = Some(1_000_000_000)),
        ["memory"]
    );
    assert_eq!(
        bad(|machine, _| machine.limit_bytes = Some(2 << 30)),
        [""; 0]
    );
    // A server without a limit is well while there is room.
    assert_eq!(bad(|_, server| set(server, "maxmemory", "0")), [""; 0]);
    let full = |_: &mut Machine, server: &mut Server| {
        set(server, "maxmemory", "0");
        told(server, "used_memory", "5000000000");
    };
    assert_eq!(bad(full), ["memory"]);
}

#[test]
fn a_server_elsewhere_has_a_machine_of_its_own() {
    let elsewhere = |machine: &mut Machine, server: &mut Server| {
        server.is_here = false;
        machine.backlog = Some(1);
        machine.open_files = Some(1);
        machine.waiting = Some(28_000);
    };
    assert_eq!(bad(elsewhere), ["ports"]);
}

#[test]
fn persistence_is_judged() {
    assert_eq!(
        bad(|_, server| told(server, "rdb_last_bgsave_status", "err")),
        ["snapshots"]
    );
    for field in ["aof_last_write_status", "aof_last_bgrewrite_status"] {
        assert_eq!(
            bad(|_, server| told(server, field, "err")),
            ["append-only file"]
        );
    }
    assert_eq!(
        bad(|_, server| set(server, "appendfsync", "no")),
        ["durability"]
    );
    let nothing = |server: &mut Server| {
        set(server, "save", "");
        set(server, "appendonly", "no");
    };
    assert_eq!(bad(|_, server| nothing(server)), ["durability"]);
    let cache = |_: &mut Machine, server: &mut Server| {
        nothing(server);
        set(server, "maxmemory-policy", "allkeys-lru");
    };
    assert_eq!(bad(cache), [""; 0]);
    let primary = |_: &mut Machine, server: &mut Server| {
        nothing(server);
        told(server, "connected_slaves", "1");
        told(server, "slave0", "ip=a,port=1,state=online,offset=1,lag=0");
    };
    assert_eq!(bad(primary), ["durability", "empty primary"]);
}

#[test]
fn replication_is_judged() {
    let replica = |_: &mut Machine, server: &mut Server| {
        told(server, "role", "slave");
        told(server, "master_link_status", "down");
        set(server, "masterauth", "");
    };
    assert_eq!(bad(replica), ["link", "masterauth"]);
    let lags = |line: &str| {
        bad(|_, server| {
            told(server, "connected_slaves", "1");
            told(server, "slave0", line);
        })
    };
    assert_eq!(lags("ip=a,port=1,state=online,offset=1,lag=10"), [""; 0]);
    assert_eq!(
        lags("ip=a,port=1,state=online,offset=1,lag=11"),
        ["replicas"]
    );
    assert_eq!(
        lags("ip=a,port=1,state=wait_bgsave,offset=1,lag=0"),
        ["replicas"]
    );
    let large = |_: &mut Machine, server: &mut Server| {
        told(server, "connected_slaves", "1");
        told(server, "slave0", "ip=a,port=1,state=online,offset=1,lag=0");
        told(server, "used_memory", "2000000000");
    };
    assert_eq!(bad(large), ["backlog"]);
}

#[test]
fn who_may_enter_and_who_was_refused_is_judged() {
    let open = |server: &mut Server| {
        set(server, "requirepass", "");
        set(server, "masterauth", "");
        set(server, "protected-mode", "no");
    };
    assert_eq!(bad(|_, server| open(server)), ["access"]);
    let loopback = |_: &mut Machine, server: &mut Server| {
        open(server);
        set(server, "bind", "127.0.0.1 -::1");
    };
    assert_eq!(bad(loopback), [""; 0]);
    assert_eq!(
        bad(|_, server| told(server, "rejected_connections", "3")),
        ["clients"]
    );
    let scattered = |_: &mut Machine, server: &mut Server| {
        told(server, "used_memory", "500000000");
        told(server, "mem_fragmentation_ratio", "1.61");
    };
    assert_eq!(bad(scattered), ["fragmentation"]);
    let fails = |_: &mut Machine, server: &mut Server| {
        server.cluster = fields("cluster_state:fail\ncluster_slots_ok:5461\n");
    };
    assert_eq!(bad(fails), ["cluster"]);
}

#[test]
fn documents_tell_the_same() {
    let found = Finding::bad("disk", "read", "why", "mend");
    let wanted = json!({
        "name": "disk",
        "state": "bad",
        "read": "read",
        "why": "why",
        "mend": "mend",
    });
    assert_eq!(found.document(), wanted);
}
