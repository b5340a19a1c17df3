//! The commands: one file per family, each with its specification, handler and transcript tests.

#![forbid(unsafe_code)]

mod bitmap;
mod chance;
mod client;
mod cluster;
mod command;
mod config;
mod connection;
mod database;
mod debug;
mod event;
mod expire;
mod expiry;
mod geo;
mod hash;
mod help;
mod hyperloglog;
mod info;
mod keys;
mod latency;
mod list;
mod memory;
mod persistence;
mod pubsub;
mod replication;
mod scan;
mod sentinel;
mod server;
mod set;
mod slowlog;
mod sort;
mod sorted_set;
mod string;
#[cfg(test)]
mod testing;
mod transaction;

use engine::command::{Family, Table};

/// The version of Redis whose behaviour this is.
const VERSION: &str = "7.0.15";

/// Every family of commands.
const FAMILIES: &[&Family] = &[
    &bitmap::BITMAPS,
    &cluster::CLUSTERS,
    &command::COMMANDS,
    &connection::CONNECTION,
    &database::DATABASES,
    &database::SELECTION,
    &expire::EXPIRY,
    &geo::PLACES,
    &hash::HASHES,
    &hyperloglog::HYPERLOGLOGS,
    &info::INFOS,
    &keys::KEYS_OF_ANY_KIND,
    &keys::KEYS_ON_THEIR_WAY,
    &list::LISTS,
    &memory::MEMORIES,
    &persistence::PERSISTENCE,
    &pubsub::PUBLISH_AND_SUBSCRIBE,
    &replication::REPLICATION,
    &replication::WAITING,
    &server::SERVER,
    &set::SETS,
    &sorted_set::SORTED_SETS,
    &string::STRINGS,
    &transaction::TRANSACTIONS,
];

/// The command table.
pub fn table() -> Table {
    Table::new(FAMILIES)
}

/// The command table of a Sentinel.
pub fn sentinel_table() -> Table {
    Table::new(sentinel::FAMILIES)
}
