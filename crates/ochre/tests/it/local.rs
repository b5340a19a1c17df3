//! A cluster on this machine, from `start` to `clean`.

use std::path::Path;

use crate::process::{Ended, Folder, OCHRE, Process, free_ports, wait_until};
use crate::side::REDIS;

/// A folder with a `config.sh`, whose nodes end with the test however it ends.
struct Town {
    folder: Folder,
    /// What `ochre` is called, and the words in front of a command.
    called: &'static str,
    words: Vec<String>,
    nodes: u16,
    port: u16,
}

impl Town {
    fn new(called: &'static str, nodes: u16, more: &str) -> Town {
        let folder = Folder::new();
        let port = free_ports(nodes + 1);
        let text = format!("# a test's\nPORT={port}\nNODES={nodes} # nodes\n{more}");
        folder.file("config.sh", &text);
        let local = (called == "ochre").then_some(["cluster", "local"]);
        let words = local.into_iter().flatten().map(str::to_owned).collect();
        Town {
            folder,
            called,
            words,
            nodes,
            port,
        }
    }

    fn run(&self, args: &[&str]) -> Ended {
        let mut words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        words.extend(["--dir", self.folder.root()]);
        words.extend(args);
        Process::start(OCHRE.as_ref(), self.called, &words, "").end()
    }

    #[track_caller]
    fn does(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.output);
        ended.output
    }

    /// What is said of each node.
    fn each(&self, word: &str) -> String {
        let ports = self.port + 1..=self.port + self.nodes;
        ports.map(|port| format!("{word} {port}\n")).collect()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.root()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The nodes' own files by their kinds, without their ports.
    fn kinds(&self) -> Vec<String> {
        let first = (self.port + 1).to_string();
        let names = self.files();
        let own = names.iter().filter(|name| name.contains(&first));
        own.map(|name| name.replace(&first, "P")).collect()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        drop(self.run(&["stop"]));
    }
}

#[test]
fn a_cluster_on_this_machine_lives_and_is_cleaned_away() {
    let town = Town::new("ochre", 6, "REPLICAS=1\n");
    assert_eq!(town.does(&["start"]), town.each("Starting"));
    let again: String = town.does(&["start"]);
    assert_eq!(again.matches("runs already").count(), 6, "{again}");
    let made = town.does(&["create", "-f"]);
    assert!(made.contains("[OK] All 16384 slots covered."), "{made}");
    wait_until("all serve", || {
        let said = town.does(&["call", "CLUSTER", "INFO"]);
        let lines = ["cluster_state:ok", "cluster_known_nodes:6"];
        lines.iter().all(|line| said.matches(line).count() == 6)
    });
    let set = town.does(&["call", "SET", "fruit", "an apple"]);
    assert_eq!(set.matches("OK\n").count(), 1, "{set}");
    let refused = town.run(&["clean"]);
    assert_eq!(refused.code, Some(2), "{}", refused.output);
    assert!(
        refused.output.contains("stop comes before clean"),
        "{}",
        refused.output
    );
    let stopped = format!("{}{}", town.each("Stopping"), town.each("Starting"));
    assert_eq!(town.does(&["restart"]), stopped);
    wait_until("the value is there again", || {
        let said = town.run(&["call", "GET", "fruit"]).output;
        said.matches("an apple\n").count() == 1
    });
    assert_eq!(town.does(&["stop"]), town.each("Stopping"));
    let kinds = ["P.log", "appendonlydir-P", "nodes-P.conf"];
    assert_eq!(town.kinds(), kinds);
    town.folder.file("app.log", "somebody else's");
    assert_eq!(town.does(&["clean-logs"]), "Cleaning *.log\n");
    assert_eq!(town.kinds(), kinds[1..]);
    town.does(&["clean"]);
    assert_eq!(town.files(), ["app.log", "config.sh"]);
}

#[test]
fn create_cluster_works_with_debians_servers() {
    if !Path::new(REDIS).exists() {
        eprintln!("skipped: {REDIS} is not installed");
        return;
    }
    let more = "REPLICAS=0\nBIN_PATH=/usr/bin\nADDITIONAL_OPTIONS='--requirepass secret'\n";
    let town = Town::new("create-cluster", 3, more);
    assert_eq!(town.does(&["start"]), town.each("Starting"));
    let made = town.does(&["create", "-f"]);
    assert!(made.contains("Waiting for the cluster to join"), "{made}");
    assert!(made.contains("[OK] All 16384 slots covered."), "{made}");
    let said = town.does(&["call", "INFO", "server"]);
    assert_eq!(
        said.matches("executable:/usr/bin/redis-server").count(),
        3,
        "{said}"
    );
    let mut watcher = Process::start(
        OCHRE.as_ref(),
        "create-cluster",
        &["--dir", town.folder.root(), "watch"],
        "",
    );
    wait_until("the nodes are listed twice", || {
        watcher.output().matches("myself,master").count() >= 2
    });
    assert!(!watcher.has_ended());
    let reader = Process::start(
        OCHRE.as_ref(),
        "create-cluster",
        &["--dir", town.folder.root(), "tailall"],
        "",
    );
    wait_until("the logs are shown", || {
        let said = reader.output();
        (1..=3).all(|node| said.contains(&format!("{}.log <==", town.port + node)))
    });
    town.does(&["stop"]);
    wait_until("what the nodes say at last is shown", || {
        reader.output().contains("bye bye")
    });
    town.does(&["clean"]);
    assert_eq!(town.files(), ["config.sh"]);
}

#[test]
fn what_is_wrong_with_the_settings_is_said() {
    let town = Town::new("ochre", 6, "PORT=$((1+1))\n");
    let refused = town.run(&["start"]);
    assert_eq!(refused.code, Some(1), "{}", refused.output);
    let why = "ochre: config.sh, line 4: behind a $ only names of variables are read\n";
    assert_eq!(refused.output, why);
    for (args, why) in [
        (&["--nodes"][..], "ochre: --nodes takes a value\n"),
        (
            &["--nope", "1", "start"],
            "ochre: there is no option --nope\n",
        ),
        (
            &["--port", "60000", "start"],
            "ochre: the last node's bus would listen at 70006, and ports end at 65535: choose a \
             lower PORT\n",
        ),
    ] {
        let town = Town::new("ochre", 6, "");
        let ended = town.run(args);
        assert_eq!((ended.code, ended.output.as_str()), (Some(1), why));
    }
    let town = Town::new("create-cluster", 6, "");
    let usage = town.does(&["nonsense"]);
    assert!(usage.starts_with("Usage: create-cluster "), "{usage}");
    // A server that does not start is not waited for.
    let more = "ADDITIONAL_OPTIONS='--nonsense 1'\n";
    let town = Town::new("ochre", 3, more);
    let failed = town.run(&["start"]);
    assert_eq!(failed.code, Some(2), "{}", failed.output);
}
