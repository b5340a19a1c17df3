//! Sessions that operators wrote down while they ran redis-trib and redis-cli, run again on this
//! program's nodes: what is printed is what they saw, but for ids, addresses and times.

use crate::clusters::{DIRECTIVES, Kind, Node, ochre, settle};
use crate::process::{free_port, wait_until};

fn start() -> Node {
    let quick = ["--repl-diskless-sync-delay", "0"];
    let directives = [&DIRECTIVES[..], &quick].concat();
    Node::of(Kind::Ochre, "127.0.0.1", free_port(), &directives)
}

/// Nodes in the order in which they came, which is what they are called.
struct Session {
    nodes: Vec<Node>,
    called: &'static str,
}

impl Session {
    fn new(called: &'static str, count: usize) -> Session {
        let nodes = (0..count).map(|_| start()).collect();
        Session { nodes, called }
    }

    /// Runs a line in which `@1` is a node's address and `#1` its id, with such lines as input, and
    /// returns what is printed in the same way.
    #[track_caller]
    fn run(&self, line: &str, input: &str) -> String {
        let (line, input) = (self.filled(line), self.filled(input));
        let words: Vec<&str> = line.split(' ').collect();
        let ended = ochre(self.called, &words, &input);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.output);
        // Colours depend on the terminal that the tests are started from.
        self.named(&plain(&ended.output))
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (index, node) in self.nodes.iter().enumerate() {
            let number = index + 1;
            text = text.replace(&format!("@{number}"), &node.address());
            text = text.replace(&format!("#{number}"), &node.id);
        }
        text
    }

    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (index, node) in self.nodes.iter().enumerate() {
            let number = index + 1;
            text = text.replace(&node.address(), &format!("@{number}"));
            text = text.replace(&node.id, &format!("#{number}"));
            text = text.replace(&node.id[..8], &format!("#{number}"));
        }
        in_order(&text)
    }

    /// Waits until all know all, and replicas their primaries.
    fn settle(&self, replicas: usize) {
        settle(&self.nodes);
        wait_until("all say the same of replicas", || {
            self.nodes.iter().all(|node| {
                let listed = node.ask("CLUSTER NODES");
                listed.lines().filter(|line| line.contains("slave")).count() == replicas
            })
        });
    }

    /// A primary that has just come serves nobody for a while.
    fn wait_until_serving(&self, number: usize) {
        wait_until("the node serves", || {
            let info = self.nodes[number - 1].ask("CLUSTER INFO");
            info.contains("cluster_state:ok")
        });
    }
}

/// Without colours.
fn plain(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += part.split_once('m').map_or("", |(_, text)| text);
    }
    plain
}

/// What stands before as many dots as seconds.
const WAITING: &str = "Waiting for the cluster to join";
const WAITING_LINE: &str = "Waiting for the cluster to join\n";

/// Nodes are listed in the order in which one of them happens to know the others: here by their
/// names, but for the first, which is the one that was asked. How long they wait is not told.
fn in_order(text: &str) -> String {
    let mut ordered = String::new();
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines() {
        let begins = ["M: ", "S: "].iter().any(|word| line.starts_with(word));
        match blocks.last_mut() {
            _ if begins => blocks.push(format!("{line}\n")),
            Some(block) if line.starts_with("   ") => *block += &format!("{line}\n"),
            _ => {
                close(&mut blocks, &mut ordered);
                let shown = match line.starts_with(WAITING) {
                    true => WAITING,
                    // Dots on a line of their own, however many it took.
                    false
                        if ordered.ends_with(WAITING_LINE)
                            && line.trim_end_matches('.').is_empty() =>
                    {
                        continue;
                    }
                    false => line,
                };
                ordered += &format!("{shown}\n");
            }
        }
    }
    close(&mut blocks, &mut ordered);
    ordered
}

fn close(blocks: &mut Vec<String>, ordered: &mut String) {
    if blocks.len() > 1 {
        blocks[1..].sort_by_key(|block| block.chars().nth(4));
    }
    blocks.drain(..).for_each(|block| *ordered += &block);
}

const GOOD: &str = "\
[OK] All nodes agree about slots configuration.
>>> Check for open slots...
>>> Check slots coverage...
[OK] All 16384 slots covered.
";

const SIX: &str = "\
>>> Performing Cluster Check (using node @1)
M: #1 @1
   slots:0-5460 (5461 slots) master
   1 additional replica(s)
M: #2 @2
   slots:5461-10922 (5462 slots) master
   1 additional replica(s)
M: #3 @3
   slots:10923-16383 (5461 slots) master
   1 additional replica(s)
S: #4 @4
   slots: (0 slots) slave
   replicates #1
S: #5 @5
   slots: (0 slots) slave
   replicates #2
S: #6 @6
   slots: (0 slots) slave
   replicates #3
";

#[test]
fn redis_trib_makes_grows_and_shrinks_a_cluster_as_it_was_written_down() {
    let mut session = Session::new("redis-trib.rb", 6);
    let made = session.run("create --replicas 1 @1 @2 @3 @4 @5 @6", "yes\n");
    let plan = "\
>>> Creating cluster
>>> Performing hash slots allocation on 6 nodes...
Using 3 masters:
@1
@2
@3
Adding replica @4 to @1
Adding replica @5 to @2
Adding replica @6 to @3
M: #1 @1
   slots:0-5460 (5461 slots) master
M: #2 @2
   slots:5461-10922 (5462 slots) master
M: #3 @3
   slots:10923-16383 (5461 slots) master
S: #4 @4
   replicates #1
S: #5 @5
   replicates #2
S: #6 @6
   replicates #3
Can I set the above configuration? (type 'yes' to accept): >>> Nodes configuration updated
>>> Assign a different config epoch to each node
>>> Sending CLUSTER MEET messages to join the cluster
Waiting for the cluster to join
";
    assert_eq!(made.get(..plan.len()), Some(plan), "{made}");
    session.settle(3);
    assert_eq!(session.run("check @1", ""), format!("{SIX}{GOOD}"));
    session.wait_until_serving(3);
    assert_eq!(session.nodes[2].ask("SET mykey maxie"), "+OK");
    let info = "\
@1 (#1...) -> 0 keys | 5461 slots | 1 slaves.
@2 (#2...) -> 0 keys | 5462 slots | 1 slaves.
@3 (#3...) -> 1 keys | 5461 slots | 1 slaves.
[OK] 1 keys in 3 masters.
0.00 keys per slot on average.
";
    let mut lines: Vec<String> = session
        .run("info @1", "")
        .lines()
        .map(str::to_owned)
        .collect();
    lines[..3].sort();
    assert_eq!(lines.join("\n") + "\n", info);
    session.nodes.push(start());
    let added = session.run("add-node @7 @1", "");
    let wanted = format!(
        ">>> Adding node @7 to cluster @1\n{SIX}{GOOD}>>> Send CLUSTER MEET to node @7 to make it \
         join the cluster.\n[OK] New node added correctly.\n"
    );
    assert_eq!(added, wanted);
    session.settle(3);
    session.wait_until_serving(7);
    reshard(
        &session,
        3,
        7,
        "10923-16383 (5461 slots)",
        "1",
        " (0 slots)",
        "0",
    );
    session.settle(3);
    session.nodes.push(start());
    let added = session.run("add-node --slave --master-id #7 @8 @1", "");
    let tail = ">>> Send CLUSTER MEET to node @8 to make it join the cluster.\nWaiting for the \
                cluster to join\n>>> Configure node as replica of @7.\n[OK] New node added \
                correctly.\n";
    assert!(added.ends_with(&format!("{GOOD}{tail}")), "{added}");
    session.settle(4);
    reshard(
        &session,
        7,
        3,
        "10923-11022 (100 slots)",
        "1",
        "11023-16383 (5361 slots)",
        "1",
    );
    wait_until(
        "the replica goes where its primary's slots have gone",
        || {
            let third = &session.nodes[2];
            let listed = third.ask("CLUSTER NODES");
            listed.matches(&format!("slave {}", third.id)).count() == 2
        },
    );
    for number in [7, 8] {
        let removed = session.run(&format!("del-node @{number} #{number}"), "");
        let wanted = format!(
            ">>> Removing node #{number} from cluster @{number}\n>>> Sending CLUSTER FORGET \
             messages to the cluster...\n>>> SHUTDOWN the node.\n"
        );
        assert_eq!(removed, wanted);
    }
    session.nodes.truncate(6);
    session.settle(3);
    assert_eq!(session.run("check @1", ""), format!("{SIX}{GOOD}"));
    assert_eq!(session.nodes[2].ask("GET mykey"), "$5\r\nmaxie");
}

/// Moves a hundred slots in answer to questions.
#[track_caller]
fn reshard(
    session: &Session,
    from: usize,
    to: usize,
    source: &str,
    source_replicas: &str,
    target: &str,
    target_replicas: &str,
) {
    let answers = format!("100\n#{to}\n#{from}\ndone\nyes\n");
    let said = session.run("reshard @1", &answers);
    let slots = 10_923..=11_022;
    let planned: String = slots
        .clone()
        .map(|slot| format!("    Moving slot {slot} from #{from}\n"))
        .collect();
    let moved: String = slots
        .map(|slot| format!("Moving slot {slot} from @{from} to @{to}: \n"))
        .collect();
    let wanted = format!(
        "{GOOD}How many slots do you want to move (from 1 to 16384)? What is the receiving node \
         ID? Please enter all the source node IDs.\n  Type 'all' to use all the nodes as source \
         nodes for the hash slots.\n  Type 'done' once you entered all the source nodes \
         IDs.\nSource node #1:Source node #2:\nReady to move 100 slots.\n  Source nodes:\n    M: \
         #{from} @{from}\n   slots:{source} master\n   {source_replicas} additional replica(s)\n  \
         Destination node:\n    M: #{to} @{to}\n   slots:{target} master\n   {target_replicas} \
         additional replica(s)\n  Resharding plan:\n{planned}Do you want to proceed with the \
         proposed reshard plan (yes/no)? {moved}"
    );
    assert!(said.ends_with(&wanted), "{said}\n----\n{wanted}");
}

#[test]
fn redis_cli_makes_and_reshards_a_cluster_as_it_was_written_down() {
    let mut session = Session::new("redis-cli", 6);
    let made = session.run(
        "--cluster create @1 @2 @3 @4 @5 @6 --cluster-replicas 1",
        "yes\n",
    );
    let plan = "\
>>> Performing hash slots allocation on 6 nodes...
Master[0] -> Slots 0 - 5460
Master[1] -> Slots 5461 - 10922
Master[2] -> Slots 10923 - 16383
Adding replica @5 to @1
Adding replica @6 to @2
Adding replica @4 to @3
>>> Trying to optimize slaves allocation for anti-affinity
[WARNING] Some slaves are in the same host as their master
M: #1 @1
   slots:[0-5460] (5461 slots) master
";
    assert_eq!(made.get(..plan.len()), Some(plan), "{made}");
    let joined = "\
>>> Nodes configuration updated
>>> Assign a different config epoch to each node
>>> Sending CLUSTER MEET messages to join the cluster
Waiting for the cluster to join
>>> Performing Cluster Check (using node @1)
";
    assert!(made.contains(joined), "{made}");
    session.settle(3);
    // Which replica is whose is drawn by lot on one host: they are called after their primaries.
    let listed = session.nodes[0].ask("CLUSTER NODES");
    let ids: Vec<String> = session.nodes.iter().map(|node| node.id.clone()).collect();
    session.nodes[3..].sort_by_key(|node| {
        let line = listed.lines().find(|line| line.contains(&node.id));
        let primary = line.unwrap().split(' ').nth(3).unwrap();
        ids.iter().position(|id| id == primary)
    });
    let six = SIX.replace("0-5460", "[0-5460]");
    let six = six.replace("5461-10922", "[5461-10922]");
    let six = six.replace("10923-16383", "[10923-16383]");
    let said = session.run("--cluster reshard @1", "200\n#2\n#1\ndone\nyes\n");
    let begun = format!(
        "{six}{GOOD}How many slots do you want to move (from 1 to 16384)? What is the receiving \
         node ID? Please enter all the source node IDs.\n  Type 'all' to use all the nodes as \
         source nodes for the hash slots.\n  Type 'done' once you entered all the source nodes \
         IDs.\nSource node #1: Source node #2: \nReady to move 200 slots.\n  Source nodes:\n"
    );
    assert_eq!(said.get(..begun.len()), Some(begun.as_str()), "{said}");
    session.settle(3);
    wait_until("all agree", || {
        let words = ["--cluster", "check", &session.nodes[0].address()];
        ochre("redis-cli", &words, "").code == Some(0)
    });
    let info = "\
@1 (#1...) -> 0 keys | 5261 slots | 1 slaves.
@2 (#2...) -> 0 keys | 5662 slots | 1 slaves.
@3 (#3...) -> 0 keys | 5461 slots | 1 slaves.
[OK] 0 keys in 3 masters.
0.00 keys per slot on average.
";
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[..3].sort();
        lines.join("\n") + "\n"
    };
    assert_eq!(sorted(&session.run("--cluster info @1", "")), info);
    let six = six.replace("[0-5460] (5461", "[200-5460] (5261");
    let six = six.replace("[5461-10922] (5462", "[0-199],[5461-10922] (5662");
    let checked = sorted(&session.run("--cluster check @1", ""));
    assert_eq!(checked, format!("{info}{six}{GOOD}"));
}

#[test]
fn redis_trib_says_that_nobody_answers() {
    let said = ochre(
        "redis-trib.rb",
        &["create", "--replicas", "1", "127.0.0.1:1"],
        "",
    );
    assert_eq!(said.code, Some(1));
    let wanted = ">>> Creating cluster\n[ERR] Sorry, can't connect to node 127.0.0.1:1\n";
    assert_eq!(plain(&said.output), wanted);
}

#[test]
fn redis_trib_explains_itself() {
    let help = "\
Usage: redis-trib <command> <options> <arguments ...>

  create          host1:port1 ... hostN:portN
                  --replicas <arg>
  check           host:port
  info            host:port
  fix             host:port
                  --timeout <arg>
  reshard         host:port
                  --from <arg>
                  --to <arg>
                  --slots <arg>
                  --yes
                  --timeout <arg>
                  --pipeline <arg>
  rebalance       host:port
                  --weight <arg>
                  --auto-weights
                  --use-empty-masters
                  --timeout <arg>
                  --simulate
                  --pipeline <arg>
                  --threshold <arg>
  add-node        new_host:new_port existing_host:existing_port
                  --slave
                  --master-id <arg>
  del-node        host:port node_id
  set-timeout     host:port milliseconds
  call            host:port command arg arg .. arg
  import          host:port
                  --from <arg>
                  --copy
                  --replace
  help            (show this help)

For check, fix, reshard, del-node, set-timeout you can specify the host and port of any working \
                node in the cluster.
";
    assert_eq!(ochre("redis-trib.rb", &["help"], "").output, help);
}
