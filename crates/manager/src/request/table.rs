//! Commands and options by their names, for reading them and for showing them.

use super::Command;

/// A command, what it takes, and its options in the order in which they are shown.
pub struct Row {
    pub name: &'static str,
    pub command: Command,
    /// Under redis-cli.
    pub words: &'static str,
    pub options: &'static [&'static str],
    /// Under redis-trib.
    pub trib_words: &'static str,
    pub trib_options: &'static [&'static str],
    /// Under Ochre: what it does.
    pub summary: &'static str,
}

const ANY_NODE: &str = "<host:port> or <host> <port> - separated by either colon or space";

pub const COMMANDS: &[Row] = &[
    Row {
        name: "create",
        command: Command::Create,
        words: "host1:port1 ... hostN:portN",
        options: &["replicas <arg>"],
        trib_words: "host1:port1 ... hostN:portN",
        trib_options: &["replicas <arg>"],
        summary: "make a cluster of empty nodes [--replicas N] [--zone HOST=ZONE]",
    },
    Row {
        name: "check",
        command: Command::Check,
        words: ANY_NODE,
        options: &["search-multiple-owners"],
        trib_words: "host:port",
        trib_options: &[],
        summary: "look whether all is well",
    },
    Row {
        name: "info",
        command: Command::Info,
        words: ANY_NODE,
        options: &[],
        trib_words: "host:port",
        trib_options: &[],
        summary: "keys, slots and replicas of every primary",
    },
    Row {
        name: "fix",
        command: Command::Fix,
        words: ANY_NODE,
        options: &["search-multiple-owners", "fix-with-unreachable-masters"],
        trib_words: "host:port",
        trib_options: &["timeout <arg>"],
        summary: "close open slots and cover slots that nobody serves [--dry-run]",
    },
    Row {
        name: "reshard",
        command: Command::Reshard,
        words: ANY_NODE,
        options: &[
            "from <arg>",
            "to <arg>",
            "slots <arg>",
            "yes",
            "timeout <arg>",
            "pipeline <arg>",
            "replace",
        ],
        trib_words: "host:port",
        trib_options: &[
            "from <arg>",
            "to <arg>",
            "slots <arg>",
            "yes",
            "timeout <arg>",
            "pipeline <arg>",
        ],
        summary: "move slots [--from ID,..|all --to ID --slots N] [--resume]",
    },
    Row {
        name: "rebalance",
        command: Command::Rebalance,
        words: ANY_NODE,
        options: &[
            "weight <node1=w1...nodeN=wN>",
            "use-empty-masters",
            "timeout <arg>",
            "simulate",
            "pipeline <arg>",
            "threshold <arg>",
            "replace",
        ],
        trib_words: "host:port",
        trib_options: &[
            "weight <arg>",
            "auto-weights",
            "use-empty-masters",
            "timeout <arg>",
            "simulate",
            "pipeline <arg>",
            "threshold <arg>",
        ],
        summary: "even out [--by slots|keys|memory] [--weight ID=W] [--use-empty]",
    },
    Row {
        name: "drain",
        command: Command::Drain,
        words: "host:port node_id",
        options: &[],
        trib_words: "",
        trib_options: &[],
        summary: "move all slots away from these nodes",
    },
    Row {
        name: "add-node",
        command: Command::AddNode,
        words: "new_host:new_port existing_host:existing_port",
        options: &["slave", "master-id <arg>"],
        trib_words: "new_host:new_port existing_host:existing_port",
        trib_options: &["slave", "master-id <arg>"],
        summary: "have a node join [--replica] [--primary-id ID]",
    },
    Row {
        name: "del-node",
        command: Command::DelNode,
        words: "host:port node_id",
        options: &[],
        trib_words: "host:port node_id",
        trib_options: &[],
        summary: "have a node leave, be it there or dead",
    },
    Row {
        name: "call",
        command: Command::Call,
        words: "host:port command arg arg .. arg",
        options: &["only-masters", "only-replicas"],
        trib_words: "host:port command arg arg .. arg",
        trib_options: &[],
        summary: "send a command to every node [--only-primaries|--only-replicas]",
    },
    Row {
        name: "set-timeout",
        command: Command::SetTimeout,
        words: "host:port milliseconds",
        options: &[],
        trib_words: "host:port milliseconds",
        trib_options: &[],
        summary: "set the node timeout everywhere",
    },
    Row {
        name: "import",
        command: Command::Import,
        words: "host:port",
        options: &[
            "from <arg>",
            "from-user <arg>",
            "from-pass <arg>",
            "from-askpass",
            "copy",
            "replace",
        ],
        trib_words: "host:port",
        trib_options: &["from <arg>", "copy", "replace"],
        summary: "take over the keys of a server: --from HOST:PORT [--live] [--db N]",
    },
    Row {
        name: "backup",
        command: Command::Backup,
        words: "host:port backup_directory",
        options: &[],
        trib_words: "",
        trib_options: &[],
        summary: "save snapshots of all primaries, and how the cluster is made up",
    },
    Row {
        name: "restore",
        command: Command::Restore,
        words: "host:port backup_directory",
        options: &["replace"],
        trib_words: "",
        trib_options: &[],
        summary: "load a backup into a cluster [--replace]",
    },
    Row {
        name: "help",
        command: Command::Help,
        words: "",
        options: &[],
        trib_words: "(show this help)",
        trib_options: &[],
        summary: "this text",
    },
];

/// Options that are followed by a value, by their names in any dialect.
pub const WITH_VALUE: &[&str] = &[
    "replicas",
    "from",
    "to",
    "slots",
    "timeout",
    "pipeline",
    "threshold",
    "weight",
    "zone",
    "by",
    "db",
    "journal",
    "patience",
    "master-id",
    "primary-id",
    "from-user",
    "from-pass",
];

/// What redis-trib knows of a command: its row, in the order in which they are shown.
pub fn trib_rows() -> impl Iterator<Item = &'static Row> {
    const ORDER: &[&str] = &[
        "create",
        "check",
        "info",
        "fix",
        "reshard",
        "rebalance",
        "add-node",
        "del-node",
        "set-timeout",
        "call",
        "import",
        "help",
    ];
    ORDER
        .iter()
        .filter_map(|name| COMMANDS.iter().find(|row| row.name == *name))
}
