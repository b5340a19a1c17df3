//! Nodes whose addresses change, names that nobody knows, and files that are not whole.

use std::process::Command;

use super::net::{City, Net, NetNode, in_a_net_of_its_own};
use crate::process::{Folder, wait_until};

/// The names that this machine knows, for this test only.
struct Names {
    folder: Folder,
}

impl Names {
    fn new() -> Names {
        let names = Names {
            folder: Folder::new(),
        };
        let file = names.folder.file("hosts", "127.0.0.1 localhost\n");
        let bound = Command::new("mount")
            .args(["--bind", &file, "/etc/hosts"])
            .status();
        assert!(bound.unwrap().success());
        names
    }

    fn set(&self, lines: &str) {
        // The same file, as it is mounted elsewhere, too.
        self.folder
            .file("hosts", &format!("127.0.0.1 localhost\n{lines}"));
    }
}

/// Nodes come back at addresses that nobody knows, and find each other by their names.
#[test]
fn all_addresses_change_and_the_names_stay() {
    in_a_net_of_its_own(|_net| {
        let names = Names::new();
        let hosts = |net: u8| -> String {
            let line = |node| format!("10.9.{net}.{} n{node}.test\n", node + 1);
            (0..3).map(line).collect()
        };
        names.set(&hosts(0));
        let announced = ["n0.test", "n1.test", "n2.test"];
        let start = |net: u8, at: usize, folder: Folder| {
            let more = ["--cluster-announce-hostname", announced[at]];
            let directives = [&City::DIRECTIVES[..], &more].concat();
            NetNode::start(format!("10.9.{net}.{}", at + 1), folder, &directives)
        };
        let nodes = (0..3).map(|at| start(0, at, Folder::new())).collect();
        let mut city = City::join(nodes);
        city.wait("all have heard the names", |city| {
            (0..3).all(|teller| (0..3).all(|at| city.line_of(teller, at).contains(announced[at])))
        });
        city.write(0, "{b}k", "v");
        assert_eq!(city.nodes[0].ask("SAVE"), "+OK");
        let nodes = std::mem::take(&mut city.nodes);
        let folders: Vec<Folder> = nodes.into_iter().map(|node| node.folder).collect();
        names.set(&hosts(1));
        let started = folders.into_iter().enumerate();
        city.nodes = started.map(|(at, folder)| start(1, at, folder)).collect();
        city.wait_for_agreement();
        for at in 0..3 {
            let line = city.line_of((at + 1) % 3, at);
            assert!(
                line.contains(&format!(" 10.9.1.{}:7000@", at + 1)),
                "{line}"
            );
        }
        assert_eq!(city.get("{b}k"), "$1\r\nv");
    });
}

/// A name that nobody knows keeps nobody waiting, and is asked for again.
#[test]
fn a_replica_looks_its_primary_up_again() {
    in_a_net_of_its_own(|net| {
        let names = Names::new();
        let replica = net.start(1, &["--replicaof", "primary.test", "7000"]);
        assert_eq!(
            replica.ask("SET k v"),
            "-READONLY You can't write against a read only replica."
        );
        let first = net.start(0, &[]);
        assert_eq!(first.ask("SET k first"), "+OK");
        names.set(&format!("{} primary.test\n", Net::address(0)));
        wait_until("the replica follows", || {
            replica.ask("GET k") == "$5\r\nfirst"
        });
        let second = net.start(2, &[]);
        assert_eq!(second.ask("SET k second"), "+OK");
        names.set(&format!("{} primary.test\n", Net::address(2)));
        drop(first);
        wait_until("the replica follows another", || {
            replica.ask("GET k") == "$6\r\nsecond"
        });
    });
}
