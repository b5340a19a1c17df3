//! Settings that are one word out of a few.

use super::{How, Refusal, Value, single};
use crate::directive::Limits;

/// A closed set of words. The first word of a value is the one it is printed as.
pub trait Choice: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];

    fn word(self) -> &'static str {
        let known = Self::WORDS.iter().find(|(_, value)| *value == self);
        known.expect("every value of a choice has a word").0
    }
}

impl<T: Choice> Value for T {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        let names: Vec<&str> = T::WORDS.iter().map(|(name, _)| *name).collect();
        let found = find_word(&names, single(words)?);
        *self = T::WORDS[found.ok_or_else(|| Refusal::not_one_of(&names.join(", ")))?].1;
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.word().as_bytes().to_vec()
    }
}

pub(super) fn find_word(names: &[&str], word: &[u8]) -> Option<usize> {
    names
        .iter()
        .position(|name| name.as_bytes().eq_ignore_ascii_case(word))
}

/// What goes first when memory runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvictionPolicy {
    VolatileLru,
    VolatileLfu,
    VolatileRandom,
    VolatileTtl,
    AllKeysLru,
    AllKeysLfu,
    AllKeysRandom,
    NoEviction,
}

impl EvictionPolicy {
    /// Whether only keys that expire are evicted.
    pub fn only_volatile(self) -> bool {
        matches!(
            self,
            EvictionPolicy::VolatileLru
                | EvictionPolicy::VolatileLfu
                | EvictionPolicy::VolatileRandom
                | EvictionPolicy::VolatileTtl
        )
    }

    /// Whether keys remember how often they are used, rather than when.
    pub fn keeps_frequency(self) -> bool {
        matches!(
            self,
            EvictionPolicy::VolatileLfu | EvictionPolicy::AllKeysLfu
        )
    }

    /// Whether keys remember when they are used.
    pub fn keeps_recency(self) -> bool {
        matches!(
            self,
            EvictionPolicy::VolatileLru | EvictionPolicy::AllKeysLru
        )
    }
}

impl Choice for EvictionPolicy {
    const WORDS: &'static [(&'static str, EvictionPolicy)] = &[
        ("volatile-lru", EvictionPolicy::VolatileLru),
        ("volatile-lfu", EvictionPolicy::VolatileLfu),
        ("volatile-random", EvictionPolicy::VolatileRandom),
        ("volatile-ttl", EvictionPolicy::VolatileTtl),
        ("allkeys-lru", EvictionPolicy::AllKeysLru),
        ("allkeys-lfu", EvictionPolicy::AllKeysLfu),
        ("allkeys-random", EvictionPolicy::AllKeysRandom),
        ("noeviction", EvictionPolicy::NoEviction),
    ];
}

/// When appended writes are forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendFsync {
    EverySecond,
    Always,
    Never,
}

impl Choice for AppendFsync {
    const WORDS: &'static [(&'static str, AppendFsync)] = &[
        ("everysec", AppendFsync::EverySecond),
        ("always", AppendFsync::Always),
        ("no", AppendFsync::Never),
    ];
}

/// The least important message that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

impl Choice for LogLevel {
    const WORDS: &'static [(&'static str, LogLevel)] = &[
        ("debug", LogLevel::Debug),
        ("verbose", LogLevel::Verbose),
        ("notice", LogLevel::Notice),
        ("warning", LogLevel::Warning),
    ];
}

/// Which service manager hears that the server is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervised {
    Upstart,
    Systemd,
    Auto,
    No,
}

impl Choice for Supervised {
    const WORDS: &'static [(&'static str, Supervised)] = &[
        ("upstart", Supervised::Upstart),
        ("systemd", Supervised::Systemd),
        ("auto", Supervised::Auto),
        ("no", Supervised::No),
    ];
}

/// The facility under which syslog files messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyslogFacility {
    User,
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

impl Choice for SyslogFacility {
    const WORDS: &'static [(&'static str, SyslogFacility)] = &[
        ("user", SyslogFacility::User),
        ("local0", SyslogFacility::Local0),
        ("local1", SyslogFacility::Local1),
        ("local2", SyslogFacility::Local2),
        ("local3", SyslogFacility::Local3),
        ("local4", SyslogFacility::Local4),
        ("local5", SyslogFacility::Local5),
        ("local6", SyslogFacility::Local6),
        ("local7", SyslogFacility::Local7),
    ];
}

/// How a replica takes a full copy that arrives over the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisklessLoad {
    Disabled,
    OnEmptyDb,
    SwapDb,
}

impl Choice for DisklessLoad {
    const WORDS: &'static [(&'static str, DisklessLoad)] = &[
        ("disabled", DisklessLoad::Disabled),
        ("on-empty-db", DisklessLoad::OnEmptyDb),
        ("swapdb", DisklessLoad::SwapDb),
    ];
}

/// Whose dumped values are verified in depth before they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanitizeDump {
    No,
    Yes,
    Clients,
}

impl Choice for SanitizeDump {
    const WORDS: &'static [(&'static str, SanitizeDump)] = &[
        ("no", SanitizeDump::No),
        ("yes", SanitizeDump::Yes),
        ("clients", SanitizeDump::Clients),
    ];
}

/// Who may do something dangerous: nobody, anybody, or clients on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    No,
    Yes,
    Local,
}

impl Choice for Permit {
    const WORDS: &'static [(&'static str, Permit)] = &[
        ("no", Permit::No),
        ("yes", Permit::Yes),
        ("local", Permit::Local),
    ];
}

/// Whether a TLS client must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsClients {
    No,
    Yes,
    Optional,
}

impl Choice for TlsClients {
    const WORDS: &'static [(&'static str, TlsClients)] = &[
        ("no", TlsClients::No),
        ("yes", TlsClients::Yes),
        ("optional", TlsClients::Optional),
    ];
}

/// Whether the kernel's out-of-memory score is steered, and from which base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OomMode {
    No,
    Relative,
    Absolute,
}

impl Choice for OomMode {
    const WORDS: &'static [(&'static str, OomMode)] = &[
        ("no", OomMode::No),
        ("yes", OomMode::Relative),
        ("relative", OomMode::Relative),
        ("absolute", OomMode::Absolute),
    ];
}

/// The channels a user created without channel rules may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclPubsub {
    AllChannels,
    ResetChannels,
}

impl Choice for AclPubsub {
    const WORDS: &'static [(&'static str, AclPubsub)] = &[
        ("allchannels", AclPubsub::AllChannels),
        ("resetchannels", AclPubsub::ResetChannels),
    ];
}

/// What a cluster node tells clients to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointType {
    Ip,
    Hostname,
    UnknownEndpoint,
}

impl Choice for EndpointType {
    const WORDS: &'static [(&'static str, EndpointType)] = &[
        ("ip", EndpointType::Ip),
        ("hostname", EndpointType::Hostname),
        ("unknown-endpoint", EndpointType::UnknownEndpoint),
    ];
}

/// What a replica does with a command of its primary that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropagationError {
    Ignore,
    Panic,
    PanicOnReplicas,
}

impl Choice for PropagationError {
    const WORDS: &'static [(&'static str, PropagationError)] = &[
        ("ignore", PropagationError::Ignore),
        ("panic", PropagationError::Panic),
        ("panic-on-replicas", PropagationError::PanicOnReplicas),
    ];
}
