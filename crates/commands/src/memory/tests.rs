use engine::host::Memory;
use engine::info::MemoryFigures;
use expect_test::expect;

use crate::testing::check;

#[test]
fn memory_usage_is_of_one_key() {
    check(expect![[r#"
        > MEMORY USAGE nokey
        (nil)
        > SET k v
        OK
        > MEMORY USAGE k
        (integer) 20
        > SET k v PX 100000
        OK
        > MEMORY USAGE k SAMPLES 0
        (integer) 28
        > SET k 0123456789012345678901234567890123456789
        OK
        > MEMORY USAGE k SAMPLES 5 SAMPLES 3
        (integer) 60
        > MEMORY USAGE k SAMPLES
        (error) ERR syntax error
        > MEMORY USAGE k SAMPLES x
        (error) ERR value is not an integer or out of range
        > MEMORY USAGE k SAMPLES -1
        (error) ERR syntax error
        > MEMORY USAGE k SAMPLES -9223372036854775808
        (error) ERR syntax error
        > MEMORY USAGE k SAMPLES 9223372036854775807
        (integer) 60
        > MEMORY USAGE k SAMPLES 9223372036854775808
        (error) ERR value is not an integer or out of range
        > MEMORY USAGE k x
        (error) ERR syntax error
        > MEMORY USAGE nokey x
        (error) ERR syntax error
        > MEMORY USAGE
        (error) ERR wrong number of arguments for \'memory|usage\' command
        > SET k v PX 10
        OK
        @ +1s
        > MEMORY USAGE k
        (nil)
    "#]]);
}

#[test]
fn memory_speaks_of_the_whole() {
    check(expect![[r#"
        > SET k v
        OK
        > MEMORY STATS
         1) "peak.allocated"
         2) (integer) 1048576
         3) "total.allocated"
         4) (integer) 1048576
         5) "startup.allocated"
         6) (integer) 0
         7) "replication.backlog"
         8) (integer) 0
         9) "clients.slaves"
        10) (integer) 0
        11) "clients.normal"
        12) (integer) 464
        13) "cluster.links"
        14) (integer) 0
        15) "aof.buffer"
        16) (integer) 0
        17) "lua.caches"
        18) (integer) 0
        19) "functions.caches"
        20) (integer) 0
        21) "db.0"
        22) 1) "overhead.hashtable.main"
            2) (integer) 12
            3) "overhead.hashtable.expires"
            4) (integer) 0
            5) "overhead.hashtable.slot-to-keys"
            6) (integer) 0
        23) "overhead.total"
        24) (integer) 476
        25) "keys.count"
        26) (integer) 1
        27) "keys.bytes-per-key"
        28) (integer) 1048576
        29) "dataset.bytes"
        30) (integer) 1048100
        31) "dataset.percentage"
        32) "99.954605102539062"
        33) "peak.percentage"
        34) "100"
        35) "allocator.allocated"
        36) (integer) 1048576
        37) "allocator.active"
        38) (integer) 0
        39) "allocator.resident"
        40) (integer) 0
        41) "allocator-fragmentation.ratio"
        42) "0"
        43) "allocator-fragmentation.bytes"
        44) (integer) -1048576
        45) "allocator-rss.ratio"
        46) "0"
        47) "allocator-rss.bytes"
        48) (integer) 0
        49) "rss-overhead.ratio"
        50) "0"
        51) "rss-overhead.bytes"
        52) (integer) 0
        53) "fragmentation"
        54) "0"
        55) "fragmentation.bytes"
        56) (integer) -1048576
        > MEMORY DOCTOR
        "There is so little data that nothing can be said about its memory.\n"
        > MEMORY MALLOC-STATS
        "allocator: virtual\nallocated: 1048576\nactive: 0\nresident: 0\n"
        > MEMORY PURGE
        OK
        > MEMORY PURGE x
        (error) ERR wrong number of arguments for \'memory|purge\' command
        > MEMORY nosuch
        (error) ERR unknown subcommand \'nosuch\'. Try MEMORY HELP.
        > MEMORY
        (error) ERR wrong number of arguments for \'memory\' command
        > MEMORY HELP
         1) MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) DOCTOR
         3)     Say in words whether the memory is in good order.
         4) MALLOC-STATS
         5)     Show the allocator's own figures.
         6) PURGE
         7)     Give freed memory back to the system.
         8) STATS
         9)     Show where the memory goes.
        10) USAGE <key> [SAMPLES <count>]
        11)     Show the bytes that a key and its value take, all elements of a collection
        12)     counted, whatever <count> says.
        13) HELP
        14)     Print this help.
    "#]]);
}

#[test]
fn doctor_says_what_it_finds() {
    let healthy = Memory {
        used: 100 << 20,
        used_peak: 100 << 20,
        allocator_active: 101 << 20,
        allocator_resident: 102 << 20,
        resident: 103 << 20,
        ..Memory::default()
    };
    let findings = |host: Memory| {
        let figures = MemoryFigures {
            host,
            ..MemoryFigures::default()
        };
        super::doctor::report(&figures)
    };
    assert_eq!(findings(healthy), "The memory is in good order.\n");
    let ailing = Memory {
        used_peak: 200 << 20,
        allocator_active: 150 << 20,
        allocator_resident: 200 << 20,
        resident: 300 << 20,
        ..healthy
    };
    assert_eq!(findings(ailing).lines().count(), 4);
}

#[test]
fn usage_counts_all_elements_of_a_collection() {
    let mut node = testkit::Node::new(crate::table());
    let mut usage = |add: &str, from: usize, to: usize, samples: &str| {
        node.send("", b"FLUSHALL\r\n");
        for id in from..to {
            let text = format!("{id:-<100}");
            let request = add.replace("ID", &id.to_string()).replace("TEXT", &text);
            node.send("", request.as_bytes());
        }
        let reply = node.send("", format!("MEMORY USAGE k {samples}\r\n").as_bytes());
        let number = String::from_utf8_lossy(&reply[1..]).trim().parse::<usize>();
        number.expect("usage is a number")
    };
    for add in [
        "RPUSH k TEXT\r\n",
        "SADD k TEXT\r\n",
        "ZADD k ID TEXT\r\n",
        "HSET k TEXT v\r\n",
    ] {
        for count in [1, 10, 1000] {
            let bytes = usage(add, 0, count, "");
            assert!(
                (100 * count..200 * count + 1000).contains(&bytes),
                "{add}: {bytes}"
            );
            assert_eq!(usage(add, 0, count, "SAMPLES 1"), bytes);
        }
    }
}
