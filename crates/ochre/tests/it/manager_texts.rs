//! What the cluster manager prints, beside what Debian's redis-cli prints about the same cluster,
//! byte for byte.

use std::path::Path;

use crate::clusters::{Node, REDIS_CLI, cluster, has_redis, keys, nodes, ochre};
use crate::process::{Ended, Folder, Process, wait_until};

/// Both say this with these words, the standard output before the standard error.
#[track_caller]
fn compare(args: &[&str], input: &str) -> String {
    let (theirs, ours) = (redis_cli(args, input), cli(args, input));
    assert_eq!(
        (ours.code, &ours.output),
        (theirs.code, &theirs.output),
        "{args:?}"
    );
    ours.output
}

fn redis_cli(args: &[&str], input: &str) -> Ended {
    let args = [&["--cluster"], args].concat();
    Process::start(Path::new(REDIS_CLI), "redis-cli", &args, input).end()
}

fn cli(args: &[&str], input: &str) -> Ended {
    let args = [&["--cluster"], args].concat();
    ochre("redis-cli", &args, input)
}

/// Both change the cluster in the same way, each after `prepare` has made it what it was.
#[track_caller]
fn compare_changes(args: &[&str], input: &str, mut prepare: impl FnMut()) -> String {
    prepare();
    let theirs = redis_cli(args, input);
    prepare();
    let ours = cli(args, input);
    assert_eq!(
        (ours.code, &ours.output),
        (theirs.code, &theirs.output),
        "{args:?}"
    );
    ours.output
}

#[test]
fn what_is_wrong_with_a_command_is_said_as_redis_cli_says_it() {
    if !has_redis() {
        return;
    }
    for args in [
        &["help"][..],
        &["foo"],
        &["call", "a"],
        &["check", "a"],
        &["check", "127.0.0.1:1"],
        &["info", "127.0.0.1", "1"],
        &["check", "127.0.0.1:1", "--cluster-foo"],
        &["check", "127.0.0.1:1", "--cluster-timeout"],
        &["create", "a:b"],
        &["create", "x", "y"],
        &["create", "127.0.0.1:1", "127.0.0.1:2"],
        &["add-node", "127.0.0.1:1", "x"],
        &[
            "rebalance",
            "a:1",
            "--cluster-weight",
            "a=1",
            "--cluster-weight",
            "b=2",
        ],
        &["set-timeout", "127.0.0.1:1", "99"],
        &["import", "127.0.0.1:1"],
        &["import", "127.0.0.1:1", "--cluster-from", "x"],
    ] {
        compare(args, "");
    }
}

#[test]
fn a_cluster_is_made_as_redis_cli_makes_it() {
    if !has_redis() {
        return;
    }
    let nodes = nodes(6, &[]);
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let mut args = vec!["create"];
    args.extend(addresses.iter().map(String::as_str));
    compare(&args[..3], "");
    args.extend(["--cluster-replicas", "1"]);
    // Who replicates whom is drawn by lot where all share a host.
    let drawn = |ended: Ended| -> Vec<String> {
        let lines = ended.output.lines().map(str::to_owned);
        lines.filter(|line| !line.contains("replicates")).collect()
    };
    assert_eq!(drawn(cli(&args, "no\n")), drawn(redis_cli(&args, "no\n")));
    args.push("--cluster-yes");
    let ours = cli(&args, "");
    assert_eq!(ours.code, Some(0), "{}", ours.output);
    assert!(ours.output.contains("[OK] All 16384 slots covered."));
    wait_until("replicas follow", || {
        nodes[3..]
            .iter()
            .all(|node| node.ask("ROLE").contains("connected"))
    });
    compare(&args, "");
    for command in ["check", "info"] {
        wait_until("all agree", || {
            cli(&["check", &addresses[0]], "").code == Some(0)
        });
        compare(&[command, &addresses[0]], "");
    }
    compare(&["check", "127.0.0.1", &nodes[3].port.to_string()], "");
    compare(&["call", &addresses[0], "config", "get", "maxmemory"], "");
    compare(&["call", &addresses[0], "nonsense"], "");
    let only = "--cluster-only-masters";
    compare(&["call", &addresses[0], "dbsize", only], "");
    compare(&["set-timeout", &addresses[0], "4000"], "");
    compare(&["del-node", &addresses[0], "nobody"], "");
    compare(&["del-node", &addresses[0], &nodes[0].id], "");
    let folder = Folder::new();
    let backup = ["backup", &addresses[0], folder.root()];
    let theirs = redis_cli(&backup, "");
    let listed = std::fs::read_to_string(folder.path("nodes.json")).unwrap();
    let ours = cli(&backup, "");
    assert_eq!(ours.code, theirs.code);
    // Snapshots tell the time, whose length differs.
    let sizes = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .map(|line| match line.split_once(" bytes to ") {
                Some((_, file)) => file.to_owned(),
                None => line.to_owned(),
            });
        lines.collect()
    };
    assert_eq!(sizes(&ours.output), sizes(&theirs.output));
    let ours = std::fs::read_to_string(folder.path("nodes.json")).unwrap();
    assert_eq!(ours, listed);
}

#[test]
fn slots_move_as_with_redis_cli() {
    if !has_redis() {
        return;
    }
    let nodes = cluster(3);
    let first = nodes[0].address();
    let names = keys(3, 12);
    for name in &names {
        assert_eq!(nodes[0].ask(&format!("SET {name} v")), "+OK");
    }
    let options = |from: &str, to: &str, slots: &str| -> Vec<String> {
        let words = [
            "reshard",
            &first,
            "--cluster-from",
            from,
            "--cluster-to",
            to,
            "--cluster-slots",
            slots,
        ];
        words.iter().map(|word| (*word).to_owned()).collect()
    };
    // There and back, by the one and by the other.
    let mut texts = Vec::new();
    for by_redis in [true, false] {
        for (from, to) in [(0, 1), (1, 0)] {
            let mut args = options(&nodes[from].id, &nodes[to].id, "3");
            args.push("--cluster-yes".to_owned());
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let ended = match by_redis {
                true => redis_cli(&args, ""),
                false => cli(&args, ""),
            };
            assert_eq!(ended.code, Some(0), "{}", ended.output);
            assert_eq!(nodes[to].number("DBSIZE"), names.len() as u64);
            texts.push(ended.output);
            wait_until("all agree", || cli(&["check", &first], "").code == Some(0));
        }
    }
    assert_eq!((&texts[2], &texts[3]), (&texts[0], &texts[1]));
    assert!(texts[0].contains(": ............\n"), "{}", texts[0]);
    let refused = options("all", &nodes[0].id, "5");
    let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
    compare(&refused, "no\n");
    for (from, to) in [("nobody", &nodes[0].id), (&nodes[0].id, &nodes[0].id)] {
        let args = options(from, to, "5");
        compare(&args.iter().map(String::as_str).collect::<Vec<_>>(), "");
    }
    let weight = format!("{}=2", &nodes[1].id[..10]);
    for args in [
        &["rebalance", &first][..],
        &[
            "rebalance",
            &first,
            "--cluster-simulate",
            "--verbose",
            "--cluster-weight",
            &weight,
        ],
        &["rebalance", &first, "--cluster-weight", "nobody=1"],
    ] {
        compare(args, "");
    }
}

/// What was left of a slot by somebody who was interrupted, and the same slot again.
#[test]
fn open_slots_are_closed_as_redis_cli_closes_them() {
    if !has_redis() {
        return;
    }
    let nodes = cluster(3);
    let first = nodes[0].address();
    let ids: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    let names = keys(1, 7);
    let stable = || {
        for node in &nodes {
            node.ask("CLUSTER SETSLOT 0 STABLE");
            node.ask_asking("FLUSHALL");
        }
        // The first node has the slot, whoever had it meanwhile. What was said before may arrive
        // after this, so it is said until all agree.
        wait_until("all agree", || {
            nodes[0].ask(&format!("CLUSTER SETSLOT 0 IMPORTING {}", ids[1]));
            for node in &nodes {
                node.ask(&format!("CLUSTER SETSLOT 0 NODE {}", ids[0]));
            }
            nodes[0].ask("CLUSTER BUMPEPOCH");
            let agreed = cli(&["check", &first], "").code == Some(0);
            agreed && nodes[0].slots()[0].starts_with("0-")
        });
        for name in &names {
            nodes[0].ask(&format!("SET {name} v"));
        }
    };
    let import = |node: usize| {
        let from = ids[0];
        assert_eq!(
            nodes[node].ask(&format!("CLUSTER SETSLOT 0 IMPORTING {from}")),
            "+OK"
        );
    };
    let migrate = |to: usize| {
        assert_eq!(
            nodes[0].ask(&format!("CLUSTER SETSLOT 0 MIGRATING {}", ids[to])),
            "+OK"
        );
    };
    let send = |to: usize, count: usize| {
        let (port, names) = (nodes[to].port, names[..count].join(" "));
        nodes[0].ask(&format!("MIGRATE 127.0.0.1 {port}  0 5000 KEYS {names}"));
    };
    let states: &[&dyn Fn()] = &[
        &|| (import(1), migrate(1)).0,
        &|| {
            import(1);
            migrate(1);
            send(1, 3);
        },
        &|| {
            import(1);
            migrate(1);
            send(1, 5);
        },
        &|| import(1),
        &|| migrate(1),
        &|| {
            import(1);
            import(2);
        },
        &|| {
            migrate(2);
            import(1);
            import(2);
        },
        &|| {
            migrate(1);
            import(2);
        },
    ];
    for (number, state) in states.iter().enumerate() {
        let said = compare_changes(&["fix", &first], "", || {
            stable();
            state();
        });
        assert!(said.contains(">>> Fixing open slot 0"), "{number}: {said}");
        let held: u64 = nodes.iter().map(|node| node.number("DBSIZE")).sum();
        assert_eq!(held, names.len() as u64, "{number}");
    }
    stable();
    migrate(1);
    for args in [
        &["check", &first][..],
        &["reshard", &first],
        &["rebalance", &first],
    ] {
        compare(args, "");
    }
}
