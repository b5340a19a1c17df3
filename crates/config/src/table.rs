//! The directive rows of all areas.

mod check;
mod clients;
mod cluster;
mod encodings;
mod latency;
mod logging;
mod memory;
mod modules;
mod network;
mod persistence;
mod process;
mod replication;
mod scripting;
mod security;
mod sentinel;
mod tls;

use crate::directive::Directive;

static AREAS: [&[Directive]; 15] = [
    network::NETWORK,
    memory::MEMORY,
    persistence::PERSISTENCE,
    replication::REPLICATION,
    cluster::CLUSTER,
    clients::CLIENTS,
    scripting::SCRIPTING,
    process::PROCESS,
    logging::LOGGING,
    latency::LATENCY,
    encodings::ENCODINGS,
    security::SECURITY,
    tls::TLS,
    modules::MODULES,
    sentinel::SENTINEL,
];

/// Directives that older files may hold and that do nothing any more.
pub(crate) const RETIRED: [&str; 3] = [
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
];

/// Every directive, area by area.
pub fn directives() -> impl Iterator<Item = &'static Directive> {
    AREAS.iter().copied().flatten()
}

/// The directive of that name or alias, in any case.
pub fn directive(name: &[u8]) -> Option<&'static Directive> {
    directives().find(|directive| directive.is_named(name))
}

/// Whether a line of that name and so many words is one of those that do nothing any more.
pub(crate) fn is_retired(name: &[u8], words: usize) -> bool {
    words == 1
        && RETIRED
            .iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}
