//! What an operator sets up around Sentinels: passwords, scripts that are told, and who listens.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use resp::value::Value;

use super::group::{Group, Kind, NAME, is_redis_there};
use crate::process::{Folder, wait_until};

/// Nodes and Sentinels with passwords, of which the Sentinels know both.
const SECRETS: &str = "\
sentinel auth-pass mymaster node-secret
requirepass sentinel-secret
sentinel sentinel-pass sentinel-secret
";

#[test]
fn sentinels_with_passwords_watch_nodes_with_passwords_and_tell_scripts() {
    if !is_redis_there() {
        return;
    }
    let folder = Folder::new();
    let [heard, told] = ["notified", "reconfigured"].map(|name| script(&folder, name));
    let more = format!(
        "{SECRETS}sentinel notification-script {NAME} {}\n\
         sentinel client-reconfig-script {NAME} {}\n",
        heard.0, told.0
    );
    let nodes = [Kind::Redis, Kind::Redis];
    let secret = "requirepass node-secret\nmasterauth node-secret\n";
    let mut group = Group::protected(&nodes, &[Kind::Ochre, Kind::Ochre], secret, &more);

    let mut listener = group.sentinels[0].wire();
    assert_eq!(listener.ask("PING"), "-NOAUTH Authentication required.");
    assert_eq!(listener.ask("AUTH wrong"), WRONG);
    assert_eq!(listener.ask("AUTH sentinel-secret"), "+OK");
    assert!(listener.ask("PSUBSCRIBE *").starts_with("*3\r\n"));

    group.nodes[0].kill();
    assert_eq!(group.wait_for_another_master_than(0), 1);
    let [old, new] = [0, 1].map(|at| group.nodes[at].port);
    let switch = format!("{NAME} 127.0.0.1 {old} 127.0.0.1 {new}");
    let mut messages = Vec::new();
    wait_until("the listener hears of the switch", || {
        messages.extend(listener.try_next().map(message));
        messages
            .last()
            .is_some_and(|(name, _)| name == "+switch-master")
    });
    assert!(messages.contains(&("+switch-master".to_owned(), switch.clone())));
    let down = format!("master {NAME} 127.0.0.1 {old}");
    assert!(
        messages.contains(&("+sdown".to_owned(), down.clone())),
        "{messages:?}"
    );

    let lines = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let event = format!("+sdown {down}\n");
    wait_until("the script is told of the event", || {
        lines(&heard.1).contains(&event)
    });
    let moved = format!("start 127.0.0.1 {old} 127.0.0.1 {new}\n");
    for role in ["leader", "observer"] {
        let line = format!("{NAME} {role} {moved}");
        wait_until("the script is told of the switch", || {
            lines(&told.1).contains(&line)
        });
    }
}

const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.";

/// A script that keeps what it is told, and where it keeps that.
fn script(folder: &Folder, name: &str) -> (String, String) {
    let kept = folder.path(&format!("{name}.txt"));
    let path = folder.file(name, &format!("#!/bin/sh\necho \"$*\" >> {kept}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    (path, kept)
}

/// The channel and the text of a message.
fn message(value: Value) -> (String, String) {
    let Value::Array(items) = value else {
        panic!("{value:?}");
    };
    let words: Vec<String> = items
        .into_iter()
        .map(|item| String::from_utf8(crate::side::bytes(item)).unwrap())
        .collect();
    assert_eq!(words[..2], ["pmessage", "*"]);
    (words[2].clone(), words[3].clone())
}
