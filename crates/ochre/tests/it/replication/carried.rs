//! Full copies that carry the log of the meantime.

use super::*;

/// Bytes written before the copy may end.
const WRITTEN: i64 = 20_000_000;

const KEYS: usize = 500;

/// A primary whose copies take their time until [`hurry`] is called.
fn slow_primary(more: &[&str]) -> Node {
    let own = ["--rdb-key-save-delay", "50000"];
    let mut primary = Node::start(OCHRE, &[&own[..], more].concat());
    for number in 0..KEYS {
        primary.ask(&format!("SET key:{number} {number}"));
    }
    primary
}

fn hurry(node: &mut Node, directive: &str) {
    let reply = node.ask(&format!("CONFIG SET {directive} 0"));
    assert_eq!(reply, Value::Simple(b"OK".to_vec()));
}

/// Writes so many bytes, in transactions and in several dbs.
fn write_much(node: &mut Node, bytes: i64) {
    let value = "v".repeat(10_000);
    for number in 0..bytes / 20_000 {
        node.ask(&format!("SELECT {}", number % 3));
        node.ask("MULTI");
        node.ask(&format!("SET big:{} {value}", number % 7));
        node.ask(&format!("APPEND key:{} x", number % 100));
        node.ask("EXEC");
        node.ask(&format!("SETRANGE all {} {value}", number * 3));
    }
}

fn buffers(node: &mut Node) -> i64 {
    node.number("mem_total_replication_buffers")
}

#[test]
fn what_is_written_during_a_copy_is_kept_by_the_replica() {
    for way in ["disabled", "on-empty-db", "swapdb"] {
        let mut primary = slow_primary(NO_PINGS);
        let more = ["--repl-diskless-load", way, "--key-load-delay", "20000"];
        let mut replica = Node::start(OCHRE, &more);
        let before = primary.number("used_memory");
        replica.follow(primary.side.port);
        replica.side.wait_for_line("receiving streamed RDB");
        write_much(&mut primary, WRITTEN);
        wait_until("the replica has most of it", || {
            buffers(&mut replica) > WRITTEN * 3 / 4
        });
        wait_until("the primary has forgotten it", || {
            buffers(&mut primary) < WRITTEN / 4
        });
        let grown = primary.number("used_memory") - before;
        assert!(grown < WRITTEN / 2, "{way}: {grown} bytes");
        assert_eq!(replica.info("master_link_status"), "down", "{way}");
        // While the copy is loaded it goes on.
        hurry(&mut primary, "rdb-key-save-delay");
        replica.side.wait_for_line("Loading DB in memory");
        write_much(&mut primary, WRITTEN / 2);
        wait_until("the replica has that, too", || {
            buffers(&mut replica) > WRITTEN * 3 / 2
        });
        assert_eq!(replica.info("master_link_status"), "down", "{way}");
        hurry(&mut replica, "key-load-delay");
        replica.wait_for_link();
        expect_equal(&mut primary, &mut replica, way);
        let offset = primary.number("master_repl_offset");
        assert_eq!(replica.number("master_repl_offset"), offset, "{way}");
        assert_eq!(replica.number("slave_read_repl_offset"), offset, "{way}");
        assert!(buffers(&mut replica) < WRITTEN / 4, "{way}");
        assert_eq!(primary.number("sync_full"), 1, "{way}");
    }
}

/// What the log holds behind an offset, as a replica is sent it.
fn log_behind(node: &mut Node, offset: i64) -> Vec<u8> {
    let (id, end) = (
        node.info("master_replid"),
        node.number("master_repl_offset"),
    );
    let mut link = TcpStream::connect((Ipv4Addr::LOCALHOST, node.side.port)).unwrap();
    let request = format!("PSYNC {id} {}\r\n", offset + 1);
    link.write_all(request.as_bytes()).unwrap();
    let mut read = vec![0; "+CONTINUE\r\n".len()];
    link.read_exact(&mut read).unwrap();
    assert_eq!(read, b"+CONTINUE\r\n");
    let mut log = vec![0; (end - offset) as usize];
    link.read_exact(&mut log).unwrap();
    log
}

/// A replica's log has what was carried at the offsets where the primary's has it, so that others
/// may go on from any place of it; and copies made by a replica carry what it is sent itself.
#[test]
fn what_was_carried_is_in_the_log_of_a_chain() {
    let backlog = ["--repl-backlog-size", "64mb"];
    let mut primary = slow_primary(&[&backlog[..], NO_PINGS].concat());
    let mut middle = Node::start(OCHRE, &[&backlog[..], NO_PINGS].concat());
    middle.follow(primary.side.port);
    middle.side.wait_for_line("receiving streamed RDB");
    write_much(&mut primary, 6_000_000);
    hurry(&mut primary, "rdb-key-save-delay");
    middle.wait_for_link();
    middle.ask("CONFIG SET rdb-key-save-delay 50000");
    let mut last = Node::start(OCHRE, &[&backlog[..], NO_PINGS].concat());
    last.follow(middle.side.port);
    last.side.wait_for_line("receiving streamed RDB");
    write_much(&mut primary, 6_000_000);
    wait_until("the last holds much of it", || {
        buffers(&mut last) > 3_000_000
    });
    hurry(&mut middle, "rdb-key-save-delay");
    last.wait_for_link();
    expect_equal(&mut primary, &mut middle, "the middle");
    expect_equal(&mut primary, &mut last, "the last");
    for node in [&mut middle, &mut last] {
        let first = node.number("repl_backlog_first_byte_offset") - 1;
        let carried = log_behind(node, first);
        assert!(carried.len() > 3_000_000);
        assert!(
            carried == log_behind(&mut primary, first),
            "the same bytes stand at the same offsets"
        );
    }
}

/// A link that breaks within a copy takes away what came with it.
#[test]
fn half_a_copy_leaves_nothing_behind() {
    let mut primary = slow_primary(NO_PINGS);
    let mut replica = Node::start(OCHRE, &[]);
    replica.ask("SET old data");
    let chaos = proxy(&primary);
    replica.follow(chaos.port());
    replica.side.wait_for_line("receiving streamed RDB");
    write_much(&mut primary, WRITTEN);
    wait_until("the replica has most of it", || {
        buffers(&mut replica) > WRITTEN * 3 / 4
    });
    chaos.refuse(true);
    chaos.cut();
    wait_until("the replica has given it up", || {
        buffers(&mut replica) < WRITTEN / 5
    });
    assert_eq!(bytes(replica.ask("GET old")), b"data");
    hurry(&mut primary, "rdb-key-save-delay");
    chaos.refuse(false);
    replica.wait_for_link();
    expect_equal(&mut primary, &mut replica, "the second copy");
    assert_eq!(primary.number("sync_full"), 2);
}

/// When the primary dies while its copy is loaded, all that has come of it is made use of.
#[test]
fn a_copy_that_is_here_is_loaded_though_its_primary_has_died() {
    let mut primary = slow_primary(NO_PINGS);
    let mut replica = Node::start(OCHRE, &["--key-load-delay", "20000"]);
    replica.follow(primary.side.port);
    replica.side.wait_for_line("receiving streamed RDB");
    hurry(&mut primary, "rdb-key-save-delay");
    replica.side.wait_for_line("Loading DB in memory");
    primary.ask("SET last word");
    let offset = primary.number("master_repl_offset");
    let read = "the replica has read all";
    wait_until(read, || replica.number("slave_read_repl_offset") == offset);
    let id = primary.side.process.id();
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    primary.side.process.end();
    hurry(&mut replica, "key-load-delay");
    replica.side.wait_for_line("Connection with master lost.");
    assert_eq!(bytes(replica.ask("GET last")), b"word");
    assert_eq!(replica.ask("DBSIZE"), Value::Integer(KEYS as i64 + 1));
    assert_eq!(replica.number("master_repl_offset"), offset);
}

/// A replica that cannot take the log shares its copy with none that could.
#[test]
fn both_kinds_are_served_at_once() {
    if !is_redis_there() {
        return;
    }
    let mut primary = slow_primary(&["--repl-diskless-sync-delay", "1"]);
    let mut replicas = [DEBIAN, OCHRE].map(|kind| Node::start(kind, &[]));
    for replica in &mut replicas {
        replica.follow(primary.side.port);
    }
    for replica in &replicas {
        replica.side.wait_for_line("receiving streamed RDB");
    }
    write_much(&mut primary, 1_000_000);
    hurry(&mut primary, "rdb-key-save-delay");
    for replica in &mut replicas {
        replica.wait_for_link();
        expect_equal(&mut primary, replica, "one of two kinds");
    }
}
