//! Sessions that operators wrote down, replayed: what they typed into `redis-cli`, and what it
//! answered, in the wording of 7.0.
//!
//! Each is played by our command line against our server and against Debian's, and by Debian's
//! `redis-cli` against its own, so that what stands here is what the original prints.
//!
//! A line that begins with `$` starts the program, one with a prompt is typed, all others are
//! printed. Ports stand for those of the servers at hand, `*` for what is never the same, and `...`
//! for whatever else is printed until the end. Elements of a reply come `(in any order)` where that
//! is said, and an answer `(in time)` is waited for.
//!
//! What runs scripts, ACL rules or streams is left out until the server has them.

use std::path::Path;

use stdx::glob;

use crate::clusters::{REDIS_CLI, has_redis};
use crate::process::{Folder, OCHRE, Process, wait_until};
use crate::side::{Side, cluster};

const ANY_ORDER: &str = " (in any order)";
const IN_TIME: &str = " (in time)";

/// Who plays against whom: whether the program and the servers are Debian's.
const PAIRS: [(bool, bool); 3] = [(false, false), (false, true), (true, true)];

/// One line that was typed, and what was printed then.
#[derive(Debug)]
struct Turn {
    line: String,
    printed: Vec<String>,
    any_order: bool,
}

/// One run of the program.
#[derive(Debug)]
struct Run {
    args: Vec<String>,
    turns: Vec<Turn>,
    in_time: bool,
}

/// Reads a transcript, with `ports` in the place of those that it names.
fn read(transcript: &str, ports: &[(&str, u16)]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for line in transcript.lines().map(str::trim_start) {
        let mut line = line.to_owned();
        for (name, port) in ports {
            line = line.replace(name, &port.to_string());
        }
        let in_time = line.ends_with(IN_TIME);
        if let Some(words) = line.strip_prefix("$ redis-cli") {
            runs.push(Run {
                args: words
                    .trim_end_matches(IN_TIME)
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect(),
                turns: Vec::new(),
                in_time,
            });
            continue;
        }
        let Some(run) = runs.last_mut() else {
            assert!(line.is_empty(), "{line:?} is nobody's");
            continue;
        };
        match line
            .strip_prefix("127.0.0.1:")
            .and_then(|l| l.split_once("> "))
        {
            Some((_, typed)) => run.turns.push(Turn {
                line: typed.trim_end_matches(ANY_ORDER).to_owned(),
                printed: Vec::new(),
                any_order: typed.ends_with(ANY_ORDER),
            }),
            None if line.is_empty() => {}
            None => run.turns.last_mut().unwrap().printed.push(line),
        }
    }
    runs
}

impl Run {
    /// Plays it, and returns what is wrong.
    fn play(&self, is_redis: bool) -> Result<(), String> {
        let program = if is_redis { REDIS_CLI } else { OCHRE };
        let mut args = vec!["--no-raw"];
        args.extend(self.args.iter().map(String::as_str));
        let typed: String = self
            .turns
            .iter()
            .map(|turn| turn.line.clone() + "\n")
            .collect();
        let ended = Process::start(Path::new(program), "redis-cli", &args, &typed).end();
        let warning = "Warning: Using a password";
        let mut printed = ended
            .output
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.is_empty() && !line.starts_with(warning));
        for turn in &self.turns {
            let mut expected: Vec<&str> = turn.printed.iter().map(String::as_str).collect();
            let goes_on = expected.pop_if(|last| *last == "...").is_some();
            let mut found: Vec<&str> = printed.by_ref().take(expected.len()).collect();
            if goes_on {
                printed.by_ref().for_each(drop);
            }
            if turn.any_order {
                for lines in [&mut found, &mut expected] {
                    lines
                        .iter_mut()
                        .for_each(|line| *line = without_number(line));
                    lines.sort_unstable();
                }
            }
            if !is_alike(&expected, &found) {
                let output = &ended.output;
                return Err(format!("{turn:?}\nprinted {found:?}\nall:\n{output}"));
            }
        }
        match printed.next() {
            Some(_) => Err(format!("more than expected:\n{}", ended.output)),
            None => Ok(()),
        }
    }
}

fn without_number(line: &str) -> &str {
    line.split_once(") ").map_or(line, |(_, rest)| rest)
}

fn is_alike(expected: &[&str], found: &[&str]) -> bool {
    expected.len() == found.len()
        && expected
            .iter()
            .zip(found)
            .all(|(expected, found)| match expected.contains('*') {
                true => glob::matches(expected.as_bytes(), found.as_bytes(), false),
                false => expected == found,
            })
}

/// Plays a transcript by `program` where its ports lead.
#[track_caller]
fn play(transcript: &str, is_redis: bool, ports: &[(&str, u16)]) {
    for run in read(transcript, ports) {
        let mut outcome = run.play(is_redis);
        if run.in_time {
            wait_until(&format!("{run:?}"), || {
                outcome = run.play(is_redis);
                outcome.is_ok()
            });
        }
        if let Err(flaw) = outcome {
            panic!(
                "redis-cli of {}: {flaw}",
                if is_redis { "Debian" } else { "ochre" }
            );
        }
    }
}

/// Plays a transcript with one server, started with these directives, by each pair.
fn replay(transcript: &str, directives: &[&str]) {
    if !has_redis() {
        return;
    }
    for (program, server) in PAIRS {
        let folder = Folder::new();
        let side = Side::start(server, &folder, directives);
        play(transcript, program, &[("6379", side.port)]);
    }
}

#[test]
fn strings_that_only_the_password_reaches() {
    let transcript = r#"
        $ redis-cli -p 6379 -a mypass
        127.0.0.1:6379> SETNX mykey tom
        (integer) 1
        127.0.0.1:6379> SETNX mykey jerry
        (integer) 0
        127.0.0.1:6379> GET mykey
        "tom"
        127.0.0.1:6379> SET mykey jerry
        OK
        127.0.0.1:6379> GET mykey
        "jerry"
        127.0.0.1:6379> SET counts 10
        OK
        127.0.0.1:6379> INCR counts
        (integer) 11
        127.0.0.1:6379> INCR counts
        (integer) 12
        127.0.0.1:6379> INCR counts
        (integer) 13
        127.0.0.1:6379> INCR counts
        (integer) 14
        127.0.0.1:6379> DECR counts
        (integer) 13
        127.0.0.1:6379> DECR counts
        (integer) 12
        127.0.0.1:6379> DECR counts
        (integer) 11
        127.0.0.1:6379> DECR counts
        (integer) 10
        $ redis-cli -p 6379
        127.0.0.1:6379> GET mykey
        (error) NOAUTH Authentication required.
    "#;
    replay(transcript, &["--requirepass", "mypass"]);
}

#[test]
fn lists_and_hashes_are_printed_with_numbers() {
    let transcript = r#"
        $ redis-cli -h localhost -p 6379
        127.0.0.1:6379> LPUSH mylist 10 11 12 14 19 20 30 99 2 29 76
        (integer) 11
        127.0.0.1:6379> LINDEX mylist 0
        "76"
        127.0.0.1:6379> LINDEX mylist 1
        "29"
        127.0.0.1:6379> LINDEX mylist
        (error) ERR wrong number of arguments for 'lindex' command
        127.0.0.1:6379> LLEN mylist
        (integer) 11
        127.0.0.1:6379> LRANGE mylist 0 5
        1) "76"
        2) "29"
        3) "2"
        4) "99"
        5) "30"
        6) "20"
        127.0.0.1:6379> LREM mylist 0
        (error) ERR wrong number of arguments for 'lrem' command
        127.0.0.1:6379> LREM mylist 0 76
        (integer) 1
        127.0.0.1:6379> LLEN mylist
        (integer) 10
        127.0.0.1:6379> HSET stu id 1
        (integer) 1
        127.0.0.1:6379> HSET stu name 'maxie'
        (integer) 1
        127.0.0.1:6379> HSET stu id 1
        (integer) 0
        127.0.0.1:6379> HGET stu name
        "maxie"
        127.0.0.1:6379> HGET stu id
        "1"
        127.0.0.1:6379> HSET stu age 22
        (integer) 1
        127.0.0.1:6379> HVALS stu
        1) "1"
        2) "maxie"
        3) "22"
        127.0.0.1:6379> HGETALL stu
        1) "id"
        2) "1"
        3) "name"
        4) "maxie"
        5) "age"
        6) "22"
    "#;
    replay(transcript, &[]);
}

#[test]
fn sets_and_sorted_sets_are_compared() {
    let transcript = r#"
        $ redis-cli -p 6379
        127.0.0.1:6379> SADD students 'tom' 'jerry' 'lucy' 'lily'
        (integer) 4
        127.0.0.1:6379> SADD teachers 'sam' 'trump'
        (integer) 2
        127.0.0.1:6379> SADD teachers 'lucy' 'tom'
        (integer) 2
        127.0.0.1:6379> SMEMBERS teachers (in any order)
        1) "trump"
        2) "tom"
        3) "sam"
        4) "lucy"
        127.0.0.1:6379> SMEMBERS students (in any order)
        1) "lily"
        2) "tom"
        3) "lucy"
        4) "jerry"
        127.0.0.1:6379> SUNION students teachers (in any order)
        1) "trump"
        2) "lily"
        3) "tom"
        4) "sam"
        5) "lucy"
        6) "jerry"
        127.0.0.1:6379> SDIFF students teachers (in any order)
        1) "lily"
        2) "jerry"
        127.0.0.1:6379> SDIFF teachers students (in any order)
        1) "trump"
        2) "sam"
        127.0.0.1:6379> ZADD stus 90 'maxie' 100 'tom' 69 'lily' 85 'jerry' 95 'sam'
        (integer) 5
        127.0.0.1:6379> ZCARD stus
        (integer) 5
        127.0.0.1:6379> ZRANK stus 'tom'
        (integer) 4
        127.0.0.1:6379> ZRANGE stus 0 4
        1) "lily"
        2) "jerry"
        3) "maxie"
        4) "sam"
        5) "tom"
        127.0.0.1:6379> ZRANGEBYSCORE stus 0 3
        (empty array)
        127.0.0.1:6379> ZRANGEBYSCORE stus 60 90
        1) "lily"
        2) "jerry"
        3) "maxie"
    "#;
    replay(transcript, &[]);
}

#[test]
fn clients_are_listed_and_ended() {
    let transcript = r#"
        $ redis-cli -p 6379
        127.0.0.1:6379> CLIENT SETNAME test-1
        OK
        127.0.0.1:6379> CLIENT KILL ID 1234567
        (integer) 0
        127.0.0.1:6379> CLIENT KILL TYPE normal
        (integer) 1
        127.0.0.1:6379> CLIENT LIST
        id=* addr=127.0.0.1:* laddr=127.0.0.1:6379 fd=* name=test-1 age=* idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=* qbuf-free=* argv-mem=* multi-mem=0 rbs=* rbp=* obl=0 oll=0 omem=0 tot-mem=* events=r cmd=client|list user=default redir=-1 resp=2
        127.0.0.1:6379> CONFIG SET masterauth mypass
        OK
        127.0.0.1:6379> CONFIG GET masterauth
        1) "masterauth"
        2) "mypass"
        127.0.0.1:6379> CONFIG REWRITE
        (error) ERR The server is running without a config file
    "#;
    replay(transcript, &[]);
}

#[test]
fn files_are_told_of() {
    if !has_redis() {
        return;
    }
    for (program, server) in PAIRS {
        let folder = Folder::new();
        let side = Side::start(server, &folder, &["--appendonly", "yes"]);
        let port = side.port.to_string();
        let path = Path::new(if program { REDIS_CLI } else { OCHRE });
        let args = ["-p", &port, "INFO", "Persistence"];
        let output = Process::start(path, "redis-cli", &args, "").end().output;
        let mut lines = output.lines();
        assert_eq!(lines.next(), Some("# Persistence"));
        for line in [
            "loading:0",
            "rdb_changes_since_last_save:0",
            "rdb_bgsave_in_progress:0",
            "rdb_last_bgsave_status:ok",
            "rdb_last_bgsave_time_sec:-1",
            "rdb_current_bgsave_time_sec:-1",
            "aof_enabled:1",
            "aof_rewrite_in_progress:0",
            "aof_rewrite_scheduled:0",
            "aof_last_rewrite_time_sec:-1",
            "aof_current_rewrite_time_sec:-1",
            "aof_last_bgrewrite_status:ok",
            "aof_last_write_status:ok",
            "aof_pending_rewrite:0",
            "aof_buffer_length:0",
            "aof_pending_bio_fsync:0",
            "aof_delayed_fsync:0",
        ] {
            assert!(
                output.lines().any(|found| found == line),
                "{line}: {output}"
            );
        }
    }
}

#[test]
fn replicas_follow_change_sides_and_come_back() {
    if !has_redis() {
        return;
    }
    let before = r#"
        $ redis-cli -p 6380
        127.0.0.1:6380> REPLICAOF 127.0.0.1 6379
        OK
        $ redis-cli -p 6379
        127.0.0.1:6379> set k1 hello
        OK
        $ redis-cli -p 6380 (in time)
        127.0.0.1:6380> get k1
        "hello"
        127.0.0.1:6380> set k1 222
        (error) READONLY You can't write against a read only replica.
        $ redis-cli -p 6381
        127.0.0.1:6381> set key2 ccc
        OK
        127.0.0.1:6381> get key2
        "ccc"
        $ redis-cli -p 6379
        127.0.0.1:6379> get key2
        (nil)
        $ redis-cli -p 6381
        127.0.0.1:6381> REPLICAOF 127.0.0.1 6379
        OK
        $ redis-cli -p 6381 (in time)
        127.0.0.1:6381> keys *
        1) "k1"
        $ redis-cli -p 6379 (in time)
        127.0.0.1:6379> INFO Replication
        # Replication
        role:master
        connected_slaves:2
        slave0:ip=127.0.0.1,port=6380,state=online,offset=*,lag=*
        slave1:ip=127.0.0.1,port=6381,state=online,offset=*,lag=*
        master_failover_state:no-failover
        master_replid:*
        master_replid2:*
        master_repl_offset:*
        second_repl_offset:-1
        repl_backlog_active:1
        repl_backlog_size:1048576
        repl_backlog_first_byte_offset:1
        repl_backlog_histlen:*
    "#;
    let after = r#"
        $ redis-cli -p 6379
        127.0.0.1:6379> set k3 aaa
        OK
        127.0.0.1:6379> set k4 444
        OK
        127.0.0.1:6379> set k2 4123313
        OK
        127.0.0.1:6379> set k5 141jddpfipj
        OK
        127.0.0.1:6379> set k6 sada
        OK
        $ redis-cli -p 6381 (in time)
        127.0.0.1:6381> keys * (in any order)
        1) "k3"
        2) "k5"
        3) "k4"
        4) "k1"
        5) "k6"
        6) "k2"
        $ redis-cli -p 6381
        127.0.0.1:6381> REPLICAOF no one
        OK
        127.0.0.1:6381> set k7 own
        OK
        $ redis-cli -p 6380
        127.0.0.1:6380> REPLICAOF 127.0.0.1 6381
        OK
        $ redis-cli -p 6380 (in time)
        127.0.0.1:6380> get k7
        "own"
    "#;
    for (program, server) in PAIRS {
        let folders = [Folder::new(), Folder::new(), Folder::new()];
        let directives = ["--repl-diskless-sync-delay", "0"];
        let start = |folder: &Folder| Side::start(server, folder, &directives);
        let [primary, first, second] = folders.each_ref().map(start);
        let port = primary.port;
        let ports = [("6379", port), ("6380", first.port), ("6381", second.port)];
        play(before, program, &ports);
        drop(second);
        let of = ["--replicaof", "127.0.0.1", &port.to_string()];
        let _second = Side::start_at(server, &folders[2], ports[2].1, &of);
        play(after, program, &ports);
    }
}

#[test]
fn a_cluster_is_formed_by_hand() {
    if !has_redis() {
        return;
    }
    let transcript = r#"
        $ redis-cli -p 7000
        127.0.0.1:7000> CLUSTER NODES
        * :7000@* myself,master - 0 0 0 connected
        127.0.0.1:7000> CLUSTER MEET 127.0.0.1 7001
        OK
        127.0.0.1:7000> CLUSTER MEET 127.0.0.1 7002
        OK
        127.0.0.1:7000> GET k1
        (error) CLUSTERDOWN Hash slot not served
        $ redis-cli -p 7000 (in time)
        127.0.0.1:7000> CLUSTER INFO
        cluster_state:fail
        cluster_slots_assigned:0
        cluster_slots_ok:0
        cluster_slots_pfail:0
        cluster_slots_fail:0
        cluster_known_nodes:3
        cluster_size:0
        cluster_current_epoch:*
        cluster_my_epoch:*
        ...
    "#;
    for (program, server) in PAIRS {
        let folders = [Folder::new(), Folder::new(), Folder::new()];
        let start = |folder: &Folder| Side::start(server, folder, &["--cluster-enabled", "yes"]);
        let sides = folders.each_ref().map(start);
        let names = ["7000", "7001", "7002"];
        let ports: Vec<_> = names
            .into_iter()
            .zip(sides.iter().map(|s| s.port))
            .collect();
        play(transcript, program, &ports);
    }
}

#[test]
fn a_cluster_sends_clients_where_their_keys_are() {
    if !has_redis() {
        return;
    }
    let transcript = r#"
        $ redis-cli -p 30001
        127.0.0.1:30001> set k1 sdfsdf
        (error) MOVED 12706 127.0.0.1:30003
        $ redis-cli -c -p 30001
        127.0.0.1:30001> set k1 sdfsdf
        -> Redirected to slot [12706] located at 127.0.0.1:30003
        OK
        127.0.0.1:30003> get k1
        "sdfsdf"
        127.0.0.1:30003> set k2 sdfsdsf
        -> Redirected to slot [449] located at 127.0.0.1:30001
        OK
        127.0.0.1:30001> get k2
        "sdfsdsf"
        127.0.0.1:30001> get k1
        -> Redirected to slot [12706] located at 127.0.0.1:30003
        "sdfsdf"
        127.0.0.1:30003> WATCH k2
        -> Redirected to slot [449] located at 127.0.0.1:30001
        OK
        127.0.0.1:30001> MULTI
        OK
        127.0.0.1:30001> set k1 232323456
        -> Redirected to slot [12706] located at 127.0.0.1:30003
        OK
        127.0.0.1:30003> set sdfsdf sdfsdf
        OK
        127.0.0.1:30003> exec
        (error) ERR EXEC without MULTI
        127.0.0.1:30003> set {oo}k1 sdfsdf
        -> Redirected to slot [1629] located at 127.0.0.1:30001
        OK
        127.0.0.1:30001> set {oo}k2 sdfsdf
        OK
        127.0.0.1:30001> set {oo}k3 sdfsdf
        OK
        127.0.0.1:30001> WATCH {oo}k1
        OK
        127.0.0.1:30001> MULTI
        OK
        127.0.0.1:30001> set {oo}k2 234234
        QUEUED
        127.0.0.1:30001> get  {oo}k3
        QUEUED
        127.0.0.1:30001> exec
        1) OK
        2) "sdfsdf"
        $ redis-cli -h localhost -c -p 30001
        127.0.0.1:30001> SET mykey maxie
        -> Redirected to slot [14687] located at 127.0.0.1:30003
        OK
        127.0.0.1:30003> GET mykey
        "maxie"
        127.0.0.1:30003> exit
        $ redis-cli -c -p 30002
        127.0.0.1:30002> GET mykey
        -> Redirected to slot [14687] located at 127.0.0.1:30003
        "maxie"
        $ redis-cli -p 30001
        127.0.0.1:30001> shutdown
    "#;
    for (program, server) in PAIRS {
        let folders = [Folder::new(), Folder::new(), Folder::new()];
        let mut sides = cluster(server, &folders);
        let names = ["30001", "30002", "30003"];
        let ports: Vec<_> = names
            .into_iter()
            .zip(sides.iter().map(|s| s.port))
            .collect();
        play(transcript, program, &ports);
        wait_until("the first has ended", || sides[0].process.has_ended());
    }
}

/// What an operator asks the nodes of a cluster before it grows, and what is refused.
#[test]
fn a_cluster_is_asked_about_its_slots() {
    if !has_redis() {
        return;
    }
    let transcript = r#"
        $ redis-cli -c -p 30001
        127.0.0.1:30001> set k1 v
        -> Redirected to slot [12706] located at 127.0.0.1:30003
        OK
        127.0.0.1:30003> cluster keyslot k1
        (integer) 12706
        127.0.0.1:30003> cluster countkeysinslot 12706
        (integer) 1
        127.0.0.1:30003> cluster getkeysinslot 12706 3
        1) "k1"
        127.0.0.1:30003> cluster flushslots
        (error) ERR DB must be empty to perform CLUSTER FLUSHSLOTS.
        127.0.0.1:30003> cluster replicate abc
        (error) ERR Unknown node abc
        $ redis-cli -p 30001
        127.0.0.1:30001> cluster myid
        "*"
        127.0.0.1:30001> cluster saveconfig
        OK
        127.0.0.1:30001> cluster set-config-epoch 9
        (error) ERR The user can assign a config epoch only when the node does not know any other node.
        127.0.0.1:30001> cluster forget abc
        (error) ERR Unknown node abc
        127.0.0.1:30001> cluster slaves abc
        (error) ERR Unknown node abc
        127.0.0.1:30001> cluster addslots 0
        (error) ERR Slot 0 is already busy
        127.0.0.1:30001> cluster setslot 0 importing abc
        (error) ERR I'm already the owner of hash slot 0
        127.0.0.1:30001> cluster setslot 0 migrating abc
        (error) ERR I don't know about node abc
        127.0.0.1:30001> cluster setslot 16383 migrating abc
        (error) ERR I'm not the owner of hash slot 16383
        127.0.0.1:30001> cluster setslot 0 stable
        OK
        127.0.0.1:30001> cluster delslots 0
        OK
        127.0.0.1:30001> cluster delslots 0
        (error) ERR Slot 0 is already unassigned
        127.0.0.1:30001> cluster addslots 0
        OK
        127.0.0.1:30001> cluster flushslots
        OK
        127.0.0.1:30001> config resetstat
        OK
        127.0.0.1:30001> config set masterauth xxxxxxx
        OK
        127.0.0.1:30001> config rewrite
        (error) ERR The server is running without a config file
    "#;
    for (program, server) in PAIRS {
        let folders = [Folder::new(), Folder::new(), Folder::new()];
        let sides = cluster(server, &folders);
        let names = ["30001", "30002", "30003"];
        let ports: Vec<_> = names
            .into_iter()
            .zip(sides.iter().map(|s| s.port))
            .collect();
        play(transcript, program, &ports);
    }
}

#[test]
fn sentinels_are_heard_and_asked() {
    if !has_redis() {
        return;
    }
    let transcript = r#"
        $ redis-cli -p 26379 (in time)
        127.0.0.1:26379> SENTINEL get-master-addr-by-name mymaster
        1) "127.0.0.1"
        2) "6379"
        127.0.0.1:26379> SENTINEL slaves mymaster
        (empty array)
        127.0.0.1:26379> SENTINEL failover mymaster
        (error) NOGOODSLAVE No suitable replica to promote
        127.0.0.1:26379> SENTINEL masters
        1)  1) "name"
         2) "mymaster"
         3) "ip"
         4) "127.0.0.1"
         5) "port"
         6) "6379"
         7) "runid"
         8) "*"
         9) "flags"
        10) "master"
        11) "link-pending-commands"
        12) "*"
        13) "link-refcount"
        14) "1"
        15) "last-ping-sent"
        16) "*"
        17) "last-ok-ping-reply"
        18) "*"
        19) "last-ping-reply"
        20) "*"
        21) "down-after-milliseconds"
        22) "30000"
        23) "info-refresh"
        24) "*"
        25) "role-reported"
        26) "master"
        27) "role-reported-time"
        28) "*"
        29) "config-epoch"
        30) "0"
        31) "num-slaves"
        32) "0"
        33) "num-other-sentinels"
        34) "0"
        35) "quorum"
        36) "1"
        37) "failover-timeout"
        38) "180000"
        39) "parallel-syncs"
        40) "1"
    "#;
    for (program, server) in PAIRS {
        let folder = Folder::new();
        let watched = Side::start(server, &folder, &[]);
        let monitor = format!("sentinel monitor mymaster 127.0.0.1 {} 1\n", watched.port);
        let (port, _sentinel) = sentinel(server, &folder, &monitor);
        play(
            transcript,
            program,
            &[("26379", port), ("6379", watched.port)],
        );
    }
}

/// A Sentinel at a free port, with these lines in its file.
fn sentinel(is_redis: bool, folder: &Folder, lines: &str) -> (u16, Process) {
    let port = crate::process::free_port();
    let file = folder.file("sentinel.conf", &format!("port {port}\n{lines}"));
    let process = match is_redis {
        true => Process::start(
            Path::new(crate::side::REDIS),
            "redis-sentinel",
            &[&file, "--sentinel"],
            "",
        ),
        false => Process::start(OCHRE.as_ref(), "ochre", &["sentinel", &file], ""),
    };
    wait_until("the Sentinel watches", || {
        process.output().contains("+monitor master mymaster")
    });
    (port, process)
}
