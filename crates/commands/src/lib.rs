//! The commands: one file per family, each with its specification, handler and transcript tests.

#![forbid(unsafe_code)]

mod client;
mod command;
mod config;
mod connection;
mod database;
mod debug;
mod expire;
mod expiry;
mod geo;
mod help;
mod info;
mod keys;
mod latency;
mod memory;
mod pubsub;
mod scan;
mod server;
mod slowlog;
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
    &command::COMMANDS,
    &connection::CONNECTION,
    &database::DATABASES,
    &database::SELECTION,
    &expire::EXPIRY,
    &geo::PLACES,
    &info::INFOS,
    &keys::KEYS_OF_ANY_KIND,
    &memory::MEMORIES,
    &pubsub::PUBLISH_AND_SUBSCRIBE,
    &server::SERVER,
    &sorted_set::SORTED_SETS,
    &string::STRINGS,
    &transaction::TRANSACTIONS,
];

/// The command table.
pub fn table() -> Table {
    Table::new(FAMILIES)
}
