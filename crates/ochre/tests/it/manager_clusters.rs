//! What the cluster manager does to clusters of this program's nodes, and to one of both kinds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clusters::{
    DIRECTIVES, Kind, Node, REDIS_CLI, SLOTS, assert_whole, has_redis, join, keys, ochre, settle,
};
use crate::process::{Ended, Process, free_port, wait_until};
use crate::wire::Wire;

const HOSTS: [&str; 3] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"];

fn start(kind: Kind, host: &'static str) -> Node {
    let here = ["--bind", host, "--cluster-announce-ip", host];
    let quick = ["--repl-diskless-sync-delay", "0"];
    let directives = [&DIRECTIVES, &here[..], &quick[..]].concat();
    Node::of(kind, host, free_port(), &directives)
}

fn manage(args: &[&str]) -> Ended {
    ochre("ochre", &[&["cluster"], args].concat(), "")
}

#[track_caller]
fn does(args: &[&str]) -> String {
    let ended = manage(args);
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.output);
    ended.output
}

/// Makes a cluster of nodes with one replica for each primary.
#[track_caller]
fn create(nodes: &[Node]) -> String {
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let mut words = vec!["create", "--replicas", "1", "--yes"];
    words.extend(addresses.iter().map(String::as_str));
    let said = does(&words);
    settle(nodes);
    wait_until("replicas follow", || {
        nodes.iter().all(|node| {
            let role = node.ask("ROLE");
            role.contains("master") || role.contains("connected")
        })
    });
    said
}

fn is_primary(node: &Node) -> bool {
    node.ask("ROLE").contains("master")
}

/// How many slots each node serves.
fn shares(nodes: &[Node]) -> Vec<usize> {
    let count = |node: &Node| {
        let slots = node.slots();
        let ranges = slots.iter().map(|word| {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            last.parse::<usize>().unwrap() + 1 - first.parse::<usize>().unwrap()
        });
        ranges.sum()
    };
    nodes.iter().map(count).collect()
}

/// Keys at the primaries among these.
fn held(nodes: &[Node]) -> u64 {
    let primaries = nodes.iter().filter(|node| is_primary(node));
    primaries.map(|node| node.number("DBSIZE")).sum()
}

/// Increments counters wherever they are until it is told to end, and returns what was confirmed.
fn count(first: String, has_ended: &AtomicBool) -> BTreeMap<String, u64> {
    let mut wires: BTreeMap<String, Wire> = BTreeMap::new();
    let (mut confirmed, mut address, mut number) = (BTreeMap::new(), first, 0);
    let mut is_asked = false;
    while !has_ended.load(Ordering::Relaxed) {
        let key = format!("count:{}", number % 300);
        let wire = wires.entry(address.clone());
        let wire = wire.or_insert_with(|| Wire::connect(address.as_str()));
        if is_asked {
            wire.ask("ASKING");
        }
        let reply = wire.ask(&format!("INCR {key}"));
        is_asked = reply.starts_with("-ASK ");
        match reply.split_once(' ') {
            Some(("-MOVED" | "-ASK", place)) => {
                address = place.rsplit(' ').next().unwrap().to_owned();
            }
            _ if reply.starts_with(':') => {
                *confirmed.entry(key).or_default() += 1;
                number += 1;
            }
            // Whoever is told to wait asks again.
            _ => assert!(
                reply.starts_with("-CLUSTERDOWN") || reply.starts_with("-TRYAGAIN"),
                "{reply}"
            ),
        }
    }
    confirmed
}

/// Every counter stands where the cluster says, at what was confirmed.
#[track_caller]
fn assert_counted(nodes: &[Node], confirmed: &BTreeMap<String, u64>) {
    for (key, count) in confirmed {
        let replies = nodes.iter().map(|node| node.ask(&format!("GET {key}")));
        let found: Vec<String> = replies.filter(|reply| !reply.starts_with('-')).collect();
        let text = count.to_string();
        let wanted = format!("${}\r\n{text}", text.len());
        assert_eq!(found, [wanted], "{key}");
    }
}

/// Twelve nodes at three hosts, from their making to their growing and shrinking.
#[test]
fn a_cluster_of_twelve_lives_on_three_hosts() {
    let mut nodes: Vec<Node> = (0..12)
        .map(|index| start(Kind::Ochre, HOSTS[index / 4]))
        .collect();
    let said = create(&nodes);
    assert!(!said.contains("are in the same host"), "{said}");
    let first = nodes[0].address();
    let hosts: BTreeMap<&str, &str> = nodes
        .iter()
        .map(|node| (node.id.as_str(), node.host))
        .collect();
    let mut listed = String::new();
    wait_until("the first node knows the replicas", || {
        listed = nodes[0].ask("CLUSTER NODES");
        listed.matches(" slave ").count() == 6
    });
    let replicas: Vec<(&str, &str)> = listed
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            (words.len() > 3 && words[3].len() == 40).then(|| (words[0], words[3]))
        })
        .collect();
    for (replica, primary) in replicas {
        assert_ne!(hosts[replica], hosts[primary], "{listed}");
    }
    let health = does(&["check", &first, "--json"]);
    assert!(health.contains("\"outcome\":\"ok\""), "{health}");
    let names = keys(600, 2);
    let has_ended = AtomicBool::new(false);
    let confirmed = std::thread::scope(|scope| {
        let writer = scope.spawn(|| count(first.clone(), &has_ended));
        let end = End(&has_ended);
        for name in &names {
            set(&nodes, name);
        }
        change(&mut nodes, &first);
        drop(end);
        writer.join().unwrap()
    });
    assert!(confirmed.values().sum::<u64>() > 300, "{confirmed:?}");
    assert_whole(&nodes);
    assert_eq!(held(&nodes), (names.len() + confirmed.len()) as u64);
    let primaries: Vec<Node> = nodes.into_iter().filter(is_primary).collect();
    assert_counted(&primaries, &confirmed);
}

/// Tells a writer to end, also when something has failed meanwhile.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Writes a key at whoever serves it.
#[track_caller]
fn set(nodes: &[Node], name: &str) {
    let mut replies = nodes.iter().map(|node| node.ask(&format!("SET {name} v")));
    assert!(replies.any(|reply| reply == "+OK"), "{name}");
}

/// Slots move, weights rule, and nodes come and go, while somebody writes.
fn change(nodes: &mut Vec<Node>, first: &str) {
    let primaries: Vec<usize> = (0..nodes.len())
        .filter(|&at| is_primary(&nodes[at]))
        .collect();
    let [giver, taker] = [primaries[0], primaries[1]].map(|at| nodes[at].id.clone());
    let (had, got) = (shares(nodes)[primaries[0]], shares(nodes)[primaries[1]]);
    let moving = [
        "reshard", first, "--from", &giver, "--to", &taker, "--slots", "100", "--yes",
    ];
    does(&moving);
    let moved = shares(nodes);
    assert_eq!(
        (moved[primaries[0]], moved[primaries[1]]),
        (had - 100, got + 100)
    );
    // Of 605 parts one node has 105, the others 100 each.
    let weight = format!("{giver}=1.05");
    does(&["rebalance", first, "--weight", &weight]);
    let evened = shares(nodes);
    let (more, one) = (evened[primaries[0]], evened[primaries[1]]);
    assert!(more.abs_diff(SLOTS * 105 / 605) <= 2, "{evened:?}");
    assert!(one.abs_diff(SLOTS * 100 / 605) <= 2, "{evened:?}");
    let [replica, primary] = [HOSTS[1], HOSTS[2]].map(|host| start(Kind::Ochre, host));
    let (address, id) = (replica.address(), replica.id.clone());
    does(&[
        "add-node",
        &address,
        first,
        "--replica",
        "--primary-id",
        &taker,
    ]);
    wait_until("the replica follows", || {
        replica.ask("ROLE").contains("connected")
    });
    does(&["add-node", &primary.address(), first]);
    let newcomer = primary.id.clone();
    nodes.extend([replica, primary]);
    settle(nodes);
    let weight = format!("{newcomer}=0.03");
    let even = [
        "rebalance",
        first,
        "--use-empty-masters",
        "--weight",
        &weight,
    ];
    does(&even);
    let share = *shares(nodes).last().unwrap();
    assert!(share.abs_diff(SLOTS * 3 / 603) <= 2, "{share}");
    let refused = manage(&["del-node", first, &newcomer]);
    assert_eq!(refused.code, Some(2), "{}", refused.output);
    does(&["drain", first, &newcomer]);
    does(&["del-node", first, &newcomer]);
    does(&["del-node", first, &id]);
    nodes.truncate(nodes.len() - 2);
    settle(nodes);
    let said = does(&["call", "--only-primaries", first, "PING"]);
    assert_eq!(said.matches(": PONG").count(), 6, "{said}");
}

/// The state that nodes mend among themselves, if they are given the time.
const HEARD_OF: &str = "the target owns it, the source does not know";

/// Three primaries of this program, and what somebody who was interrupted may leave of slot 0.
struct Scene {
    nodes: Vec<Node>,
    names: Vec<String>,
}

impl Scene {
    fn new() -> Scene {
        let nodes: Vec<Node> = HOSTS.map(|host| start(Kind::Ochre, host)).into();
        let scene = Scene {
            nodes,
            names: keys(1, 7),
        };
        join(&scene.nodes, scene.nodes.len());
        scene
    }

    fn first(&self) -> String {
        self.nodes[0].address()
    }

    #[track_caller]
    fn tell(&self, node: usize, line: &str) {
        assert_eq!(self.nodes[node].ask(line), "+OK", "{line}");
    }

    /// Slot 0 is the first node's, closed, and has its keys there only.
    fn stable(&self) {
        for node in &self.nodes {
            node.ask("CLUSTER SETSLOT 0 STABLE");
            node.ask("FLUSHALL");
        }
        wait_until("all agree", || {
            let owner = &self.nodes[0].id;
            self.nodes[0].ask(&format!("CLUSTER SETSLOT 0 IMPORTING {}", self.nodes[1].id));
            for node in &self.nodes {
                node.ask(&format!("CLUSTER SETSLOT 0 NODE {owner}"));
            }
            self.nodes[0].ask("CLUSTER BUMPEPOCH");
            self.nodes[0].slots()[0].starts_with('0')
                && manage(&["check", &self.first()]).code == Some(0)
        });
        for name in &self.names {
            self.tell(0, &format!("SET {name} v"));
        }
    }

    fn import(&self, node: usize) {
        self.tell(
            node,
            &format!("CLUSTER SETSLOT 0 IMPORTING {}", self.nodes[0].id),
        );
    }

    fn migrate(&self, to: usize) {
        self.tell(
            0,
            &format!("CLUSTER SETSLOT 0 MIGRATING {}", self.nodes[to].id),
        );
    }

    /// Hands on some keys.
    fn send(&self, to: usize, count: usize) {
        let (to, names) = (&self.nodes[to], self.names[..count].join(" "));
        let line = format!("MIGRATE {} {}  0 5000 KEYS {names}", to.host, to.port);
        self.tell(0, &line);
    }

    /// Nobody has slot 0 any longer, whoever holds keys of it.
    fn forget(&self) {
        for node in &self.nodes {
            assert_eq!(node.ask("CLUSTER DELSLOTS 0"), "+OK");
        }
        wait_until("nobody has the slot", || {
            self.nodes.iter().all(|node| {
                node.ask("CLUSTER INFO")
                    .contains("cluster_slots_assigned:16383")
            })
        });
    }

    #[track_caller]
    fn is_mended(&self, what: &str, keys: usize) {
        // A source that does not know the owner may hear of it by itself before anybody looks.
        if what != HEARD_OF {
            let checked = manage(&["check", &self.first()]);
            assert_eq!(checked.code, Some(2), "{what}: {}", checked.output);
        }
        let plan = does_or_more(&["fix", &self.first(), "--dry-run"]);
        assert!(!plan.is_empty(), "{what}");
        let said = does(&["fix", &self.first(), "--yes"]);
        settle(&self.nodes);
        wait_until(what, || manage(&["check", &self.first()]).code == Some(0));
        assert_whole(&self.nodes);
        assert_eq!(held(&self.nodes), keys as u64, "{what}: {said}");
    }
}

/// What a plan says, whether or not there is something to be done.
fn does_or_more(args: &[&str]) -> String {
    let ended = manage(args);
    assert!(matches!(ended.code, Some(0 | 2)), "{}", ended.output);
    ended.output
}

#[test]
fn what_an_interrupted_move_leaves_is_mended() {
    let scene = Scene::new();
    type State<'a> = (&'a str, &'a dyn Fn());
    let states: &[State<'_>] = &[
        ("open, and nothing has moved", &|| {
            scene.import(1);
            scene.migrate(1);
        }),
        ("half of it has moved", &|| {
            scene.import(1);
            scene.migrate(1);
            scene.send(1, 3);
        }),
        ("all of it has moved", &|| {
            scene.import(1);
            scene.migrate(1);
            scene.send(1, scene.names.len());
        }),
        ("only the target knows", &|| scene.import(1)),
        ("only the source knows", &|| scene.migrate(1)),
        ("two import", &|| {
            scene.import(1);
            scene.import(2);
        }),
        ("another one imports", &|| {
            scene.migrate(1);
            scene.import(2);
        }),
        (HEARD_OF, &|| {
            scene.import(1);
            scene.migrate(1);
            scene.send(1, scene.names.len());
            scene.tell(1, &format!("CLUSTER SETSLOT 0 NODE {}", scene.nodes[1].id));
        }),
    ];
    for (what, state) in states {
        scene.stable();
        state();
        scene.is_mended(what, scene.names.len());
    }
}

#[test]
fn slots_that_nobody_serves_are_covered() {
    let scene = Scene::new();
    scene.stable();
    scene.nodes[0].ask("FLUSHALL");
    scene.forget();
    scene.is_mended("nobody holds keys of it", 0);
    scene.stable();
    scene.forget();
    scene.is_mended("one holds keys of it", scene.names.len());
    scene.stable();
    scene.import(1);
    scene.migrate(1);
    scene.send(1, 3);
    for node in [0, 1] {
        scene.tell(node, "CLUSTER SETSLOT 0 STABLE");
    }
    scene.forget();
    scene.is_mended("two hold keys of it", scene.names.len());
}

#[test]
fn both_kinds_are_managed_together() {
    if !has_redis() {
        return;
    }
    let kinds = [Kind::Ochre, Kind::Debian];
    let nodes: Vec<Node> = (0..6)
        .map(|index| start(kinds[index % 2], HOSTS[0]))
        .collect();
    create(&nodes);
    let first = nodes[0].address();
    let names = keys(500, 2);
    for name in &names {
        set(&nodes, name);
    }
    let primaries: Vec<usize> = (0..6).filter(|&at| is_primary(&nodes[at])).collect();
    let [a, b] = [primaries[0], primaries[1]].map(|at| nodes[at].id.as_str());
    for (from, to) in [(a, b), (b, a)] {
        let words = [
            "reshard", &first, "--from", from, "--to", to, "--slots", "100", "--yes",
        ];
        does(&words);
        assert_whole(&nodes);
        assert_eq!(held(&nodes), names.len() as u64);
    }
    // Slot 0 is the first primary's, and is left half-way.
    let (source, target) = (&nodes[primaries[0]], &nodes[primaries[1]]);
    target.ask(&format!("CLUSTER SETSLOT 0 IMPORTING {a}"));
    source.ask(&format!("CLUSTER SETSLOT 0 MIGRATING {b}"));
    let (port, name) = (target.port, &names[0]);
    let sent = source.ask(&format!("MIGRATE 127.0.0.1 {port} {name} 0 5000"));
    assert_eq!(sent, "+OK");
    assert_eq!(manage(&["check", &first]).code, Some(2));
    does(&["fix", &first]);
    assert_whole(&nodes);
    assert_eq!(held(&nodes), names.len() as u64);
    does(&["rebalance", &first, "--threshold", "1"]);
    assert_eq!(held(&nodes), names.len() as u64);
    wait_until("Redis's own tool finds nothing wrong", || {
        let words = ["--cluster", "check", &first];
        Process::start(REDIS_CLI.as_ref(), "redis-cli", &words, "")
            .end()
            .code
            == Some(0)
    });
}

/// Whether this machine has the address of IPv6 that means itself. Says so if not.
fn has_ipv6() -> bool {
    let bound = std::net::TcpListener::bind("[::1]:0");
    if let Err(error) = &bound {
        eprintln!("skipped: this machine has no ::1 ({error})");
    }
    bound.is_ok()
}

/// Addresses in brackets and bare, names of hosts that are given and names that nodes announce.
fn are_reached_by_ipv6(kind: Kind) {
    let mut nodes: Vec<Node> = (0..4)
        .map(|number| {
            let name = format!("node-{number}.example");
            let own = ["--bind", "::1", "--cluster-announce-hostname", &name];
            Node::of(kind, "::1", free_port(), &[&DIRECTIVES[..], &own].concat())
        })
        .collect();
    let newcomer = nodes.pop().unwrap();
    let bracketed = |node: &Node| format!("[::1]:{}", node.port);
    let create: Vec<String> = nodes.iter().map(bracketed).collect();
    let mut words = vec!["create", "--yes"];
    words.extend(create.iter().map(String::as_str));
    does(&words);
    settle(&nodes);
    for number in 0..20 {
        let key = format!("{{tag}}{number}");
        assert!(
            nodes
                .iter()
                .any(|node| node.ask(&format!("SET {key} v")) == "+OK")
        );
    }
    // Redis writes addresses without brackets.
    let first = nodes[0].address();
    let checked = ochre("redis-cli", &["--cluster", "check", &first], "");
    let line = format!("M: {} ::1:{}\n", nodes[1].id, nodes[1].port);
    assert!(checked.output.contains(&line), "{}", checked.output);
    assert_eq!(checked.code, Some(0));
    let joined = ["--cluster", "add-node", &bracketed(&newcomer), &first];
    let joined = ochre("redis-cli", &joined, "");
    assert_eq!(joined.code, Some(0), "{}", joined.output);
    nodes.push(newcomer);
    settle(&nodes);
    // A name is as good as what it stands for.
    let named = format!("ip6-localhost:{}", nodes[0].port);
    let named = match std::net::ToSocketAddrs::to_socket_addrs(&named) {
        Ok(_) => named,
        Err(_) => bracketed(&nodes[0]),
    };
    let (from, to) = (nodes[0].id.as_str(), nodes[3].id.as_str());
    let move_on = ["reshard", &named, "--from", from, "--to", to];
    does(&[&move_on[..], &["--slots", "10", "--yes"]].concat());
    let move_on = [
        "--cluster",
        "reshard",
        &first,
        "--cluster-from",
        from,
        "--cluster-to",
        to,
    ];
    let rest = ["--cluster-slots", "10", "--cluster-yes"];
    let moved = ochre("redis-cli", &[&move_on[..], &rest].concat(), "");
    assert_eq!(moved.code, Some(0), "{}", moved.output);
    let line = format!(" from ::1:{} to ::1:{}: ", nodes[0].port, nodes[3].port);
    assert!(moved.output.contains(&line), "{}", moved.output);
    assert_whole(&nodes);
    assert_eq!(held(&nodes), 20);
}

#[test]
fn nodes_of_ours_have_addresses_of_ipv6() {
    if has_ipv6() {
        are_reached_by_ipv6(Kind::Ochre);
    }
}

#[test]
fn nodes_of_debian_have_addresses_of_ipv6() {
    if has_redis() && has_ipv6() {
        are_reached_by_ipv6(Kind::Debian);
    }
}

/// Whose replicas are whose is decided by zones, and rebalancing weighs what is asked for.
#[test]
fn zones_are_kept_apart_and_memory_is_shared() {
    const SIX: [&str; 6] = [
        "127.0.0.1",
        "127.0.0.2",
        "127.0.0.3",
        "127.0.0.4",
        "127.0.0.5",
        "127.0.0.6",
    ];
    let zone = |host: &str| ["a", "b", "c"][SIX.iter().position(|one| *one == host).unwrap() / 2];
    let nodes: Vec<Node> = SIX.iter().map(|host| start(Kind::Ochre, host)).collect();
    let zones: Vec<String> = SIX
        .iter()
        .map(|host| format!("{host}={}", zone(host)))
        .collect();
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let mut words = vec!["create", "--yes", "--replicas", "1"];
    words.extend(addresses.iter().map(String::as_str));
    words.extend(zones.iter().flat_map(|zone| ["--zone", zone]));
    does(&words);
    let mut listed = String::new();
    wait_until("the first node knows the replicas", || {
        listed = nodes[0].ask("CLUSTER NODES");
        listed.matches(" slave ").count() == 3
    });
    let find = |id: &str| nodes.iter().find(|node| node.id == id).unwrap();
    for line in listed
        .lines()
        .filter(|line| line.contains(" slave ") || line.contains(",slave "))
    {
        let words: Vec<&str> = line.split(' ').collect();
        let (replica, primary) = (find(words[0]), find(words[3]));
        assert_ne!(zone(replica.host), zone(primary.host), "{listed}");
    }
    // All that is large is at one node, in slots of its own each.
    let owner = nodes
        .iter()
        .find(|node| node.slots().iter().any(|slots| slots.starts_with("0-")));
    let owner = owner.unwrap();
    let names = keys(60, 1);
    for (number, name) in names.iter().enumerate() {
        let length = if number % 2 == 0 { 40_000 } else { 1 };
        assert_eq!(
            owner.ask(&format!("SET {name} {}", "x".repeat(length))),
            "+OK"
        );
    }
    does(&["rebalance", &addresses[0], "--by", "memory"]);
    let large = |node: &Node| {
        let mut wire = Wire::connect((node.host, node.port));
        let lines: Vec<String> = names
            .iter()
            .step_by(2)
            .map(|name| format!("STRLEN {name}"))
            .collect();
        let replies = wire.ask_all(&lines);
        replies
            .iter()
            .filter(|reply| **reply == resp::value::Value::Integer(40_000))
            .count()
    };
    let primaries: Vec<&Node> = nodes.iter().filter(|node| is_primary(node)).collect();
    let shares: Vec<usize> = primaries.iter().map(|node| large(node)).collect();
    assert_eq!(shares.iter().sum::<usize>(), 30, "{shares:?}");
    assert!(
        shares.iter().all(|share| (8..=12).contains(share)),
        "{shares:?}"
    );
}
