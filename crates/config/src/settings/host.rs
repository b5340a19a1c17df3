//! Settings of the server on its machine and towards its clients.
//!
//! The defaults stand here and nowhere else.

use crate::value::{
    ANY, AclPubsub, Addresses, ByteSize, KeyspaceEvents, Lines, LogLevel, MemoryShare, OomMode,
    OomScores, OutputLimit, OutputLimits, Permission, Permit, ShutdownMode, Supervised,
    SyslogFacility, Text, Threads, TlsClients,
};

/// Where the server listens and how it treats its sockets.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub port: u16,
    pub bind: Addresses,
    pub bind_source_addr: Text,
    pub unix_socket: Text,
    pub unix_socket_permission: Permission,
    pub protected_mode: bool,
    pub tcp_backlog: u32,
    pub tcp_keepalive: u32,
    pub socket_mark: u32,
    pub io_threads: Threads,
    pub io_threads_do_reads: bool,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            port: 6379,
            bind: Addresses::everywhere(),
            bind_source_addr: Text::default(),
            unix_socket: Text::default(),
            unix_socket_permission: Permission(0),
            protected_mode: true,
            tcp_backlog: 511,
            tcp_keepalive: 300,
            socket_mark: 0,
            io_threads: Threads::ONE_PER_CORE,
            io_threads_do_reads: false,
        }
    }
}

/// What one client, and all of them together, may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Clients {
    pub count_max: u32,
    pub timeout: u32,
    pub memory: MemoryShare,
    pub query_buffer_limit: ByteSize,
    pub output_limits: OutputLimits,
    pub bulk_len_max: ByteSize,
    pub tracked_keys_max: u64,
    pub keyspace_events: KeyspaceEvents,
}

impl Default for Clients {
    fn default() -> Clients {
        Clients {
            count_max: 10000,
            timeout: 0,
            memory: MemoryShare::UNLIMITED,
            query_buffer_limit: ByteSize(1 << 30),
            output_limits: OUTPUT,
            bulk_len_max: ByteSize(512 << 20),
            tracked_keys_max: 1000000,
            keyspace_events: KeyspaceEvents::default(),
        }
    }
}

/// The server as a process of its machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    pub daemonize: bool,
    pub supervised: Supervised,
    pub pid_file: Text,
    pub databases: u32,
    pub hz: u32,
    pub dynamic_hz: bool,
    pub show_logo: bool,
    pub set_title: bool,
    pub title_template: Text,
    pub server_cpus: Text,
    pub background_cpus: Text,
    pub rewrite_cpus: Text,
    pub save_cpus: Text,
    pub disable_huge_pages: bool,
    pub oom_mode: OomMode,
    pub oom_scores: OomScores,
    pub shutdown_timeout: u32,
    pub on_sigint: ShutdownMode,
    pub on_sigterm: ShutdownMode,
    pub ignored_warnings: Text,
    pub watchdog_period: u32,
    pub exit_on_panic: bool,
}

impl Default for Process {
    fn default() -> Process {
        Process {
            daemonize: false,
            supervised: Supervised::No,
            pid_file: Text::default(),
            databases: 16,
            hz: 10,
            dynamic_hz: true,
            show_logo: false,
            set_title: true,
            title_template: "{title} {listen-addr} {server-mode}".into(),
            server_cpus: Text::default(),
            background_cpus: Text::default(),
            rewrite_cpus: Text::default(),
            save_cpus: Text::default(),
            disable_huge_pages: true,
            oom_mode: OomMode::No,
            oom_scores: OomScores([0, 200, 800]),
            shutdown_timeout: 10,
            on_sigint: ShutdownMode::default(),
            on_sigterm: ShutdownMode::default(),
            ignored_warnings: Text::default(),
            watchdog_period: 0,
            exit_on_panic: false,
        }
    }
}

/// What the server writes down for its operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Logging {
    pub level: LogLevel,
    pub file: Text,
    pub syslog: bool,
    pub syslog_ident: Text,
    pub syslog_facility: SyslogFacility,
    pub crash_log: bool,
    pub crash_memory_check: bool,
}

impl Default for Logging {
    fn default() -> Logging {
        Logging {
            level: LogLevel::Notice,
            file: Text::default(),
            syslog: false,
            syslog_ident: "redis".into(),
            syslog_facility: SyslogFacility::Local0,
            crash_log: true,
            crash_memory_check: true,
        }
    }
}

/// Who may do what.
#[derive(Clone, Debug, PartialEq)]
pub struct Security {
    pub password: Text,
    pub acl_file: Text,
    pub acl_pubsub: AclPubsub,
    pub acl_log_len_max: u64,
    pub protected_configs: Permit,
    pub debug_command: Permit,
    pub module_command: Permit,
    pub users: Lines<1, ANY>,
    pub renamed_commands: Lines<2, 2>,
}

impl Default for Security {
    fn default() -> Security {
        Security {
            password: Text::default(),
            acl_file: Text::default(),
            acl_pubsub: AclPubsub::ResetChannels,
            acl_log_len_max: 128,
            protected_configs: Permit::No,
            debug_command: Permit::No,
            module_command: Permit::No,
            users: Lines::default(),
            renamed_commands: Lines::default(),
        }
    }
}

/// Encrypted connections.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    pub port: u16,
    pub cluster: bool,
    pub replication: bool,
    pub clients: TlsClients,
    pub prefer_server_ciphers: bool,
    pub session_caching: bool,
    pub session_cache_size: u32,
    pub session_cache_timeout: u32,
    pub cert_file: Text,
    pub key_file: Text,
    pub key_password: Text,
    pub client_cert_file: Text,
    pub client_key_file: Text,
    pub client_key_password: Text,
    pub dh_params_file: Text,
    pub ca_cert_file: Text,
    pub ca_cert_dir: Text,
    pub protocols: Text,
    pub ciphers: Text,
    pub ciphersuites: Text,
}

impl Default for Tls {
    fn default() -> Tls {
        Tls {
            port: 0,
            cluster: false,
            replication: false,
            clients: TlsClients::Yes,
            prefer_server_ciphers: false,
            session_caching: true,
            session_cache_size: 20480,
            session_cache_timeout: 300,
            cert_file: Text::default(),
            key_file: Text::default(),
            key_password: Text::default(),
            client_cert_file: Text::default(),
            client_key_file: Text::default(),
            client_key_password: Text::default(),
            dh_params_file: Text::default(),
            ca_cert_file: Text::default(),
            ca_cert_dir: Text::default(),
            protocols: Text::default(),
            ciphers: Text::default(),
            ciphersuites: Text::default(),
        }
    }
}

/// Modules to load.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modules {
    pub load: Lines<1, ANY>,
}

/// Normal clients ask for what they get; the others are sent what they may never read.
const OUTPUT: OutputLimits = OutputLimits {
    normal: OutputLimit::of(0, 0, 0),
    replica: OutputLimit::of(256 << 20, 64 << 20, 60),
    pubsub: OutputLimit::of(32 << 20, 8 << 20, 60),
};
