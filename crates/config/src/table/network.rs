//! Where the server listens and how it treats its sockets: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};

pub(crate) static NETWORK: &[Directive] = &[
    Directive {
        name: "port",
        doc: "TCP port to listen on. 0 means no TCP listener without TLS.",
        field: &field!(network.port),
        effect: Effect::Rebind,
        limits: Limits::PORT,
        ..Directive::LIVE
    },
    Directive {
        name: "bind",
        doc: "Addresses to listen on. A `-` in front forgives an address that is missing.",
        field: &field!(network.bind),
        effect: Effect::Rebind,
        multi: true,
        ..Directive::LIVE
    },
    Directive {
        name: "bind-source-addr",
        doc: "Address from which this node opens its own connections.",
        field: &field!(network.bind_source_addr),
        ..Directive::LIVE
    },
    Directive {
        name: "unixsocket",
        doc: "Path of a Unix socket to listen on.",
        field: &field!(network.unix_socket),
        ..Directive::STARTUP
    },
    Directive {
        name: "unixsocketperm",
        doc: "Permission bits of the Unix socket, in octal. 0 leaves them to the umask.",
        field: &field!(network.unix_socket_permission),
        ..Directive::STARTUP
    },
    Directive {
        name: "protected-mode",
        doc: "Refuse other machines while no password is set.",
        field: &field!(network.protected_mode),
        ..Directive::LIVE
    },
    Directive {
        name: "tcp-backlog",
        doc: "Connections the kernel may hold before they are accepted.",
        field: &field!(network.tcp_backlog),
        limits: Limits::COUNT,
        ..Directive::STARTUP
    },
    Directive {
        name: "tcp-keepalive",
        doc: "Seconds between probes of a silent connection. 0 means no probes.",
        field: &field!(network.tcp_keepalive),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "socket-mark-id",
        doc: "Mark of listening sockets, for the packet filter. 0 means none.",
        field: &field!(network.socket_mark),
        limits: Limits::between(0, u32::MAX as i64),
        ..Directive::STARTUP
    },
    Directive {
        name: "io-threads",
        doc: "Worker threads that serve commands. Unset means one per core.",
        field: &field!(network.io_threads),
        limits: Limits::between(1, 128),
        ..Directive::STARTUP
    },
    Directive {
        name: "io-threads-do-reads",
        doc: "Accepted for older files: every worker both reads and writes.",
        field: &field!(network.io_threads_do_reads),
        ..Directive::STARTUP
    },
];
