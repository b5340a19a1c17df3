//! What operators wrote down while they set Sentinels up, typed again: a password and a failover by
//! hand; three Sentinels over two masters, one of which is killed.

use std::path::Path;

use crate::process::{Folder, OCHRE, Process, Server, free_port, run, wait_until};

/// What `SENTINEL masters` says of a master, in this order.
const FIELDS: &[&str] = &[
    "name",
    "ip",
    "port",
    "runid",
    "flags",
    "link-pending-commands",
    "link-refcount",
    "last-ping-sent",
    "last-ok-ping-reply",
    "last-ping-reply",
    "down-after-milliseconds",
    "info-refresh",
    "role-reported",
    "role-reported-time",
    "config-epoch",
    "num-slaves",
    "num-other-sentinels",
    "quorum",
    "failover-timeout",
    "parallel-syncs",
];

/// A Sentinel with a file of these lines.
struct Sentinel {
    port: u16,
    process: Process,
    _folder: Folder,
}

/// Whoever looks for what went wrong reads what it said.
impl Drop for Sentinel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- Sentinel at {}\n{}", self.port, self.process.output());
        }
    }
}

impl Sentinel {
    /// `first` and `last` are the words around the file's name.
    fn start(first: &str, last: &[&str], lines: &str) -> Sentinel {
        let (folder, port) = (Folder::new(), free_port());
        let file = folder.file("conf", &format!("port {port}\n{lines}"));
        let args = [&[first, &file], last].concat();
        let process = Process::start(Path::new(OCHRE), "ochre", &args, "");
        wait_until("the Sentinel answers", || ask(port, "ping") == "PONG\n");
        Sentinel {
            port,
            process,
            _folder: folder,
        }
    }

    #[track_caller]
    fn wait_for_line(&self, text: &str) {
        wait_until(text, || self.process.output().contains(text));
    }

    /// The fields of each master, as a terminal shows them.
    fn masters(&self) -> Vec<Vec<(String, String)>> {
        let shown = ask(self.port, "SENTINEL masters");
        let mut masters = Vec::new();
        let mut words: Vec<String> = Vec::new();
        for line in shown.lines() {
            let (number, word) = line.rsplit_once(") ").unwrap();
            // A master's first line has its own number before that of its field.
            if number.contains(')') {
                masters.push(pairs(&words));
                words.clear();
            }
            words.push(word.trim_matches('"').to_owned());
        }
        masters.push(pairs(&words));
        masters.split_off(1)
    }
}

fn pairs(words: &[String]) -> Vec<(String, String)> {
    let pairs = words.chunks(2);
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

/// The only master of a Sentinel, as it is shown when no question to it is under way, it has named
/// itself and both of its replicas are known.
fn at_rest(sentinel: &Sentinel) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    wait_until("the master is known and at rest", || {
        let mut masters = sentinel.masters();
        assert_eq!(masters.len(), 1, "{masters:?}");
        seen = masters.remove(0);
        value(&seen, "link-pending-commands") == "0"
            && value(&seen, "last-ping-sent") == "0"
            && value(&seen, "runid").len() == 40
            && value(&seen, "num-slaves") == "2"
    });
    seen
}

/// What the command line shows in a terminal.
fn ask(port: u16, line: &str) -> String {
    let port = port.to_string();
    let words = ["cli", "--no-auth-warning", "--no-raw", "-p", &port];
    let words = words.into_iter().chain(line.split(' '));
    run(&words.collect::<Vec<_>>()).output
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let field = fields.iter().find(|(known, _)| known == name);
    field.map(|(_, value)| &**value).unwrap_or_default()
}

/// A master and those that follow it.
fn nodes(count: usize, secret: &[&str]) -> Vec<Server> {
    let more = [&["--repl-diskless-sync-delay", "0"], secret].concat();
    let mut nodes = vec![Server::start(&more)];
    let port = nodes[0].port.to_string();
    for _ in 1..count {
        let more = [&more[..], &["--replicaof", "127.0.0.1", &port]].concat();
        nodes.push(Server::start(&more));
    }
    let password = secret.get(1).copied();
    wait_until("the replicas have all there is", || {
        let said = replication(nodes[0].port, password);
        said.matches("state=online").count() == count - 1
    });
    nodes
}

fn replication(port: u16, password: Option<&str>) -> String {
    match password {
        Some(password) => ask(port, &format!("-a {password} INFO Replication")),
        None => ask(port, "INFO Replication"),
    }
}

#[test]
fn a_failover_by_hand_of_nodes_with_a_password() {
    let secret = ["--requirepass", "mypass", "--masterauth", "mypass"];
    let nodes = nodes(3, &secret);
    let master = nodes[0].port;
    let added = ask(master, "-a mypass SADD students tom lucy jerry");
    assert_eq!(added, "(integer) 3\n");
    let sentinel = Sentinel::start(
        "sentinel",
        &[],
        &format!(
            "sentinel monitor mymaster 127.0.0.1 {master} 1\n\
             sentinel auth-pass mymaster mypass\n\
             sentinel down-after-milliseconds mymaster 5000\n\
             sentinel parallel-syncs mymaster 1\n\
             sentinel failover-timeout mymaster 180000\n"
        ),
    );
    let fields = |port: u16, epoch: &str| {
        let master = at_rest(&sentinel);
        let names: Vec<&str> = master.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, FIELDS);
        for (name, expected) in [
            ("name", "mymaster"),
            ("ip", "127.0.0.1"),
            ("port", &port.to_string()),
            ("flags", "master"),
            ("link-refcount", "1"),
            ("down-after-milliseconds", "5000"),
            ("role-reported", "master"),
            ("config-epoch", epoch),
            ("num-other-sentinels", "0"),
            ("quorum", "1"),
            ("failover-timeout", "180000"),
            ("parallel-syncs", "1"),
        ] {
            assert_eq!(value(&master, name), expected, "{name}");
        }
    };
    fields(master, "0");

    // The replicas have to have spoken themselves.
    wait_until("a failover begins", || {
        ask(sentinel.port, "SENTINEL failover mymaster") == "OK\n"
    });
    sentinel.wait_for_line("+switch-master mymaster 127.0.0.1");
    let new = || value(&sentinel.masters()[0], "port").to_owned();
    let new: u16 = new().parse().unwrap();
    assert_ne!(new, master);
    fields(new, "1");
    wait_until("the others follow, the old master among them", || {
        let said = replication(new, Some("mypass"));
        said.contains("role:master") && said.contains("connected_slaves:2")
    });
    let members = ask(new, "-a mypass SMEMBERS students");
    for name in ["tom", "lucy", "jerry"] {
        assert!(members.contains(name), "{members}");
    }
}

#[test]
fn three_sentinels_over_two_masters_of_which_one_is_killed() {
    let mut killed = nodes(2, &[]);
    let spared = nodes(2, &[]);
    let (old, new, other) = (killed[0].port, killed[1].port, spared[0].port);
    let lines = [
        format!("sentinel monitor ooxx 127.0.0.1 {old} 2\n"),
        format!("sentinel monitor xxoo 127.0.0.1 {other} 2\n"),
    ];
    let sentinels = [[0, 1], [0, 1], [1, 0]].map(|order| {
        let lines = order.map(|at| lines[at].clone()).concat();
        Sentinel::start("server", &["--sentinel"], &lines)
    });
    let first = &sentinels[0];
    for line in [
        format!(" # +monitor master ooxx 127.0.0.1 {old} quorum 2\n"),
        format!(" * +slave slave 127.0.0.1:{new} 127.0.0.1 {new} @ ooxx 127.0.0.1 {old}\n"),
    ] {
        first.wait_for_line(&line);
    }
    for another in &sentinels[1..] {
        let id = ask(another.port, "SENTINEL myid");
        let (id, port) = (id.trim().trim_matches('"'), another.port);
        for (name, master) in [("ooxx", old), ("xxoo", other)] {
            first.wait_for_line(&format!(
                " * +sentinel sentinel {id} 127.0.0.1 {port} @ {name} 127.0.0.1 {master}\n"
            ));
        }
    }
    let mut listener = killed[1].connect();
    listener.ask("PSUBSCRIBE *");
    // The note's operator waited for half a minute.
    for sentinel in &sentinels {
        let set = "SENTINEL SET ooxx down-after-milliseconds 1000";
        assert_eq!(ask(sentinel.port, set), "OK\n");
        wait_until("it knows the others", || {
            let masters = sentinel.masters();
            masters
                .iter()
                .all(|master| value(master, "num-other-sentinels") == "2")
        });
    }
    drop(killed.remove(0));
    let promotion = format!(
        " * +failover-state-send-slaveof-noone slave 127.0.0.1:{new} 127.0.0.1 {new} @ ooxx \
         127.0.0.1 {old}\n"
    );
    wait_until("one of them promotes the replica", || {
        sentinels
            .iter()
            .any(|sentinel| sentinel.process.output().contains(&promotion))
    });
    for sentinel in &sentinels {
        let switch = format!(" # +switch-master ooxx 127.0.0.1 {old} 127.0.0.1 {new}\n");
        sentinel.wait_for_line(&switch);
        let asked = ask(sentinel.port, "SENTINEL get-master-addr-by-name ooxx");
        assert_eq!(asked, format!("1) \"127.0.0.1\"\n2) \"{new}\"\n"));
        let asked = ask(sentinel.port, "SENTINEL get-master-addr-by-name xxoo");
        assert_eq!(asked, format!("1) \"127.0.0.1\"\n2) \"{other}\"\n"));
    }
    // Sentinels tell each other by what they publish on the nodes.
    let told = format!(",ooxx,127.0.0.1,{new},1");
    let mut listener = {
        // The promotion has closed the connections of clients.
        drop(listener);
        let mut listener = killed[0].connect();
        listener.ask("PSUBSCRIBE *");
        listener
    };
    wait_until("a Sentinel says hello", || {
        listener.try_next().is_some_and(|message| {
            let words = words(message);
            let fields = words[3].split(',').count();
            words[..3] == ["pmessage", "*", "__sentinel__:hello"]
                && fields == 8
                && words[3].ends_with(&told)
        })
    });
}

fn words(message: resp::value::Value) -> Vec<String> {
    let resp::value::Value::Array(items) = message else {
        panic!("{message:?}");
    };
    let words = items.into_iter().map(crate::side::bytes);
    words.map(|word| String::from_utf8(word).unwrap()).collect()
}
