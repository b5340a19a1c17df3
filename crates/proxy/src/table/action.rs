//! What the proxy does with each command: mostly what the table says of its keys, and what it has
//! to do itself.

use super::{ADMIN, BLOCKING, Command, Merge, PUBSUB, Spread};

/// What becomes of a command's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To the servers of their keys.
    Keys,
    /// To the server of the channel.
    Channel,
    /// To one server, whichever.
    Anywhere,
    /// To all servers.
    Everywhere,
    RandomKey,
    Scan,
    /// May wait, so they need a connection of their own.
    Blocking,
    Local(Local),
    Transaction(Verb),
    Subscription(Kind),
    Refused,
}

/// What the proxy answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    Auth,
    Client,
    Config,
    Echo,
    Hello,
    Info,
    Ping,
    Proxy,
    Quit,
    Reset,
    Select,
    SlowLog,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Multi,
    Exec,
    Discard,
    Watch,
    Unwatch,
}

/// What is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Channels { add: bool },
    Patterns { add: bool },
    ShardChannels { add: bool },
}

pub fn of(command: &Command) -> Action {
    by_name(command.name).unwrap_or_else(|| by_facts(command))
}

fn by_name(name: &str) -> Option<Action> {
    Some(match name {
        "auth" => Action::Local(Local::Auth),
        "client" => Action::Local(Local::Client),
        "config" => Action::Local(Local::Config),
        "echo" => Action::Local(Local::Echo),
        "hello" => Action::Local(Local::Hello),
        "info" => Action::Local(Local::Info),
        "ping" => Action::Local(Local::Ping),
        "proxy" => Action::Local(Local::Proxy),
        "slowlog" => Action::Local(Local::SlowLog),
        "quit" => Action::Local(Local::Quit),
        "reset" => Action::Local(Local::Reset),
        "select" => Action::Local(Local::Select),
        "multi" => Action::Transaction(Verb::Multi),
        "exec" => Action::Transaction(Verb::Exec),
        "discard" => Action::Transaction(Verb::Discard),
        "watch" => Action::Transaction(Verb::Watch),
        "unwatch" => Action::Transaction(Verb::Unwatch),
        "subscribe" => Action::Subscription(Kind::Channels { add: true }),
        "unsubscribe" => Action::Subscription(Kind::Channels { add: false }),
        "psubscribe" => Action::Subscription(Kind::Patterns { add: true }),
        "punsubscribe" => Action::Subscription(Kind::Patterns { add: false }),
        "ssubscribe" => Action::Subscription(Kind::ShardChannels { add: true }),
        "sunsubscribe" => Action::Subscription(Kind::ShardChannels { add: false }),
        "publish" => Action::Channel,
        "scan" => Action::Scan,
        "randomkey" => Action::RandomKey,
        "command" | "time" | "lolwut" => Action::Anywhere,
        // It is said on one connection and would change what other clients get.
        "readonly" | "readwrite" | "asking" => Action::Refused,
        // It asks about the writes of a connection, which here are everybody's.
        "wait" | "monitor" => Action::Refused,
        _ => return None,
    })
}

fn by_facts(command: &Command) -> Action {
    if command.has(BLOCKING) {
        return Action::Blocking;
    }
    if !command.keys.is_empty() {
        return Action::Keys;
    }
    let spread = |spread| command.spread == spread;
    let asks_all = |command: &Command| matches!(command.spread, Spread::Shards | Spread::Nodes);
    match command.subcommands {
        _ if command.has(ADMIN) => Action::Refused,
        [] if spread(Spread::Shards) || spread(Spread::Nodes) => Action::Everywhere,
        [] => Action::Refused,
        // `OBJECT`, `XINFO` and others, whose subcommands have keys.
        some if some.iter().any(|sub| !sub.keys.is_empty()) => Action::Keys,
        some if some.iter().any(asks_all) && !command.has(PUBSUB) => Action::Everywhere,
        some if some.iter().any(|sub| sub.merge != Merge::Elements) => Action::Everywhere,
        _ => Action::Refused,
    }
}
