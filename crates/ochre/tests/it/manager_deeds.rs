//! What the cluster manager does to a cluster of Debian's servers, under its own name and as
//! redis-trib.

use crate::clusters::{Node, assert_whole, cluster, has_redis, join, keys, nodes, ochre, settle};
use crate::process::{Ended, Folder, wait_until};

fn manage(args: &[&str]) -> Ended {
    let args = [&["cluster"], args].concat();
    ochre("ochre", &args, "")
}

#[track_caller]
fn does(args: &[&str]) -> String {
    let ended = manage(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.output);
    ended.output
}

/// Colours depend on the terminal that the tests are started from.
fn trib(args: &[&str], input: &str) -> Ended {
    let mut ended = ochre("redis-trib.rb", args, input);
    let mut parts = ended.output.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += part.split_once('m').map_or("", |(_, text)| text);
    }
    ended.output = plain;
    ended
}

fn held(nodes: &[Node]) -> Vec<u64> {
    nodes.iter().map(|node| node.number("DBSIZE")).collect()
}

#[test]
fn nodes_are_filled_emptied_and_sent_away() {
    if !has_redis() {
        return;
    }
    let mut nodes = cluster(3);
    let first = nodes[0].address();
    let names = keys(40, 5);
    for name in &names {
        assert_eq!(nodes[0].ask(&format!("SET {name} v PX 10000000")), "+OK");
    }
    let plan = does(&["rebalance", &first, "--by", "keys", "--dry-run", "--json"]);
    assert!(plan.contains("\"moves\":[{\"slot\":"), "{plan}");
    assert_eq!(held(&nodes), [200, 0, 0]);
    does(&["rebalance", &first, "--by", "keys", "--json"]);
    let shares = held(&nodes);
    assert_eq!(shares.iter().sum::<u64>(), 200);
    assert!(
        shares.iter().all(|keys| (60..=75).contains(keys)),
        "{shares:?}"
    );
    assert_whole(&nodes);
    let drained = nodes[2].id.clone();
    does(&["drain", &first, &drained]);
    assert_eq!((nodes[2].slots().len(), held(&nodes)[2]), (0, 0));
    assert_whole(&nodes);
    let refused = manage(&["del-node", &first, &nodes[1].id]);
    assert_eq!(refused.code, Some(2), "{}", refused.output);
    // Whether a node answers or not, it is forgotten by all.
    drop(nodes.pop());
    wait_until("the others see that it is gone", || {
        nodes[0].ask("CLUSTER NODES").contains("fail")
            || !manage(&["check", &first]).code.eq(&Some(0))
    });
    let gone = does(&["del-node", &first, &drained]);
    assert!(gone.contains("Everybody has forgotten"), "{gone}");
    assert!(
        nodes
            .iter()
            .all(|node| !node.ask("CLUSTER NODES").contains(&drained))
    );
    assert_eq!(held(&nodes).iter().sum::<u64>(), 200);
    let ttl = nodes
        .iter()
        .map(|node| node.ask(&format!("PTTL {}", names[0])));
    assert!(
        ttl.into_iter().any(|ttl| ttl.starts_with(":99")),
        "expiries go along"
    );
}

#[test]
fn data_comes_from_servers_and_backups() {
    if !has_redis() {
        return;
    }
    let nodes = nodes(3, &["--requirepass", "in", "--masterauth", "in"]);
    let ask = |node: &Node, line: &str| {
        let mut wire = crate::wire::Wire::connect(("127.0.0.1", node.port));
        wire.ask("AUTH in");
        wire.ask(line)
    };
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let entry = ["-a", "in"];
    let mut create = vec!["create", "--yes"];
    create.extend(entry);
    create.extend(addresses.iter().map(String::as_str));
    does(&create);
    let source = Node::start(&["--requirepass", "out"]);
    let mut wire = crate::wire::Wire::connect(("127.0.0.1", source.port));
    wire.ask("AUTH out");
    for db in 0..3 {
        wire.ask(&format!("SELECT {db}"));
        for key in 0..500 {
            wire.ask(&format!("SET k{db}:{key} {key}"));
        }
    }
    let from = source.address();
    let import = [
        "import",
        &addresses[0],
        "--from",
        &from,
        "--from-pass",
        "out",
        "--copy",
        "-a",
        "in",
    ];
    let said = does(&import);
    assert!(
        said.contains("[OK] 1500 keys imported, 0 refused."),
        "{said}"
    );
    let size = |node: &Node| -> u64 {
        let reply = ask(node, "DBSIZE");
        reply.trim_start_matches(':').parse().unwrap()
    };
    assert_eq!(nodes.iter().map(size).sum::<u64>(), 1500);
    // What is there already may come again, unless it is something else: that is said.
    assert_eq!(manage(&import).code, Some(0));
    wire.ask("SET k2:7 other");
    let again = manage(&import);
    assert_eq!(again.code, Some(3), "{}", again.output);
    assert!(
        again
            .output
            .contains("k2:7: is there already, with another value")
    );
    let folder = Folder::new();
    does(&["backup", &addresses[0], folder.root(), "-a", "in"]);
    nodes.iter().for_each(|node| drop(ask(node, "FLUSHALL")));
    let said = does(&["restore", &addresses[0], folder.root(), "-a", "in"]);
    assert!(said.contains("[OK] 1500 keys restored"), "{said}");
    // Keys that are there already are refused, unless they may be replaced.
    let restore = ["restore", &addresses[0], folder.root(), "-a", "in"];
    let again = manage(&restore);
    assert_eq!(again.code, Some(3), "{}", again.output);
    assert!(
        again.output.contains("1500 were refused"),
        "{}",
        again.output
    );
    let said = does(&[&restore[..], &["--replace"]].concat());
    assert!(said.contains("[OK] 1500 keys restored"), "{said}");
    let nowhere = ["restore", &addresses[0], "/nowhere", "-a", "in"];
    assert_eq!(manage(&nowhere).code, Some(1));
    assert_eq!(nodes.iter().map(size).sum::<u64>(), 1500);
}

#[test]
fn redis_trib_goes_through_the_life_of_a_cluster() {
    if !has_redis() {
        return;
    }
    let help = trib(&["help"], "");
    assert!(
        help.output
            .starts_with("Usage: redis-trib <command> <options> <arguments ...>\n\n")
    );
    assert!(
        help.output
            .contains("\n  add-node        new_host:new_port"),
        "{}",
        help.output
    );
    let mut nodes = nodes(3, &[]);
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let mut create = vec!["create"];
    create.extend(addresses.iter().map(String::as_str));
    let made = trib(&create, "yes\n");
    let [a, b, c] = &addresses[..] else {
        panic!("three")
    };
    let plan = format!(
        ">>> Creating cluster\n>>> Performing hash slots allocation on 3 nodes...\nUsing 3 \
         masters:\n{a}\n{b}\n{c}\nM: {} {a}\n   slots:0-5460 (5461 slots) master\n",
        nodes[0].id
    );
    assert!(made.output.starts_with(&plan), "{}", made.output);
    assert_eq!(made.code, Some(0));
    let joined = ">>> Sending CLUSTER MEET messages to join the cluster\nWaiting for the cluster \
                  to join";
    assert!(made.output.contains(joined), "{}", made.output);
    settle(&nodes);
    let moved = format!("1\n{}\n{}\ndone\nyes\n", nodes[1].id, nodes[0].id);
    let moved = trib(&["reshard", a], &moved);
    let tail = format!(
        "Source node #1:Source node #2:\nReady to move 1 slots.\n  Source nodes:\n    M: {} {a}\n  \
         \x20slots:0-5460 (5461 slots) master\n   0 additional replica(s)\n  Destination node:\n    M: \
         {} {b}\n   slots:5461-10922 (5462 slots) master\n   0 additional replica(s)\n  Resharding \
         plan:\n    Moving slot 0 from {}\nDo you want to proceed with the proposed reshard plan \
         (yes/no)? Moving slot 0 from {a} to {b}: \n",
        nodes[0].id, nodes[1].id, nodes[0].id
    );
    assert!(moved.output.ends_with(&tail), "{}", moved.output);
    let info = trib(&["info", a], "").output;
    let line = format!(
        "{a} ({}...) -> 0 keys | 5460 slots | 0 slaves.\n",
        &nodes[0].id[..8]
    );
    assert!(info.contains(&line), "{info}");
    assert!(info.ends_with("[OK] 0 keys in 3 masters.\n0.00 keys per slot on average.\n"));
    let newcomer = crate::clusters::nodes(1, &[]).remove(0);
    let added = trib(&["add-node", "--slave", &newcomer.address(), a], "");
    assert!(
        added.output.ends_with("[OK] New node added correctly.\n"),
        "{}",
        added.output
    );
    let id = newcomer.id.clone();
    nodes.push(newcomer);
    let removed = trib(&["del-node", a, &id], "");
    let said = format!(
        ">>> Removing node {id} from cluster {a}\n>>> Sending CLUSTER FORGET messages to the \
         cluster...\n>>> SHUTDOWN the node.\n"
    );
    assert_eq!((removed.code, removed.output), (Some(0), said));
    nodes.pop();
    assert_whole(&nodes);
    for (args, said) in [
        (
            &["nonsense"][..],
            "Unknown redis-trib subcommand 'nonsense'\n",
        ),
        (
            &["check", "x"],
            "Invalid IP or Port (given as x) - use IP:Port format\n",
        ),
        (
            &["check", "--nope", "x"],
            "Unknown option 'nope' for command 'check'\n",
        ),
        (
            &["check"],
            "[ERR] Wrong number of arguments for specified sub command\n",
        ),
        (
            &["info", "127.0.0.1:1"],
            "[ERR] Sorry, can't connect to node 127.0.0.1:1\n",
        ),
    ] {
        let ended = trib(args, "");
        assert_eq!((ended.code, ended.output.as_str()), (Some(1), said));
    }
}

#[test]
fn uncovered_slots_find_somebody() {
    if !has_redis() {
        return;
    }
    let nodes = nodes(3, &[]);
    join(&nodes, 3);
    let first = nodes[0].address();
    let names = keys(1, 3);
    for name in &names {
        nodes[0].ask(&format!("SET {name} v"));
    }
    for node in &nodes {
        node.ask("CLUSTER DELSLOTS 0 100 9000");
    }
    let sick = manage(&["check", &first]);
    assert_eq!(sick.code, Some(2), "{}", sick.output);
    let planned = manage(&["fix", &first, "--dry-run"]);
    assert!(
        planned.output.contains(">>> Covering slot 9000 with"),
        "{}",
        planned.output
    );
    assert!(
        nodes
            .iter()
            .all(|node| node.ask("CLUSTER NODES").contains("1-99 101-"))
    );
    does(&["fix", &first, "--yes"]);
    assert_whole(&nodes);
    assert_eq!(held(&nodes), [3, 0, 0]);
}
