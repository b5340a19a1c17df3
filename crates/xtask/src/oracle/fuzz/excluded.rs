//! What is not fuzzed, and why.

/// Globs over full names of commands, as `config|set`, each with its reason.
pub const EXCLUDED: &[(&str, &str)] = &[
    ("acl*", "it would lock the players out"),
    ("auth", "its replies depend on users, which are not fuzzed"),
    ("bgrewriteaof", "it depends on the machine"),
    ("bgsave", "it depends on the machine"),
    (
        "client|*",
        "it is about connections, whose numbers, ports and ages differ",
    ),
    ("cluster*", "it is about the node"),
    (
        "command*",
        "it is about the table, which its own tests compare",
    ),
    (
        "config|*",
        "it is about the node; sessions begin with what matters of it",
    ),
    (
        "debug",
        "it is for looking inside; the players look with it",
    ),
    ("dump", "its bytes are compared where they are written"),
    ("eval*", "scripts have a differ of their own"),
    ("failover", "it is about the node"),
    ("fcall*", "scripts have a differ of their own"),
    ("function*", "scripts have a differ of their own"),
    (
        "hello",
        "its reply holds the connection's number; sessions begin with it",
    ),
    ("info", "it is about the node"),
    ("lastsave", "it depends on the machine"),
    ("latency*", "it is about time"),
    ("lolwut", "the picture is our own"),
    ("memory*", "it is about memory"),
    ("migrate", "it needs a second node"),
    ("module*", "it is about the node"),
    ("monitor", "the connection would reply no more"),
    ("pfselftest", "it takes long and replies OK"),
    ("psync", "it is for replicas"),
    ("quit", "it ends the connection"),
    ("replconf", "it is for replicas"),
    ("replicaof", "it is about the node"),
    ("restore*", "it needs what DUMP gave"),
    ("role", "it is about the node"),
    ("save", "it depends on the machine"),
    ("script*", "scripts have a differ of their own"),
    ("shutdown", "it ends the server"),
    ("slaveof", "it is about the node"),
    ("slowlog*", "it is about time"),
    (
        "sort*",
        "the order of a set shows in its ties, its limits and what it misses",
    ),
    ("sync", "it is for replicas"),
    ("time", "clocks differ"),
    ("wait*", "it waits for replicas"),
    ("*|help", "help is written in our own words"),
];

pub fn is_excluded(full_name: &str) -> bool {
    let fits = |glob: &str| stdx::glob::matches(glob.as_bytes(), full_name.as_bytes(), true);
    EXCLUDED.iter().any(|(glob, _)| fits(glob))
}
