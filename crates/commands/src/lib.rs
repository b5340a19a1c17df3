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
mod help;
mod info;
mod keys;
mod latency;
mod list;
mod memory;
mod pubsub;
mod scan;
mod server;
mod slowlog;
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
    &info::INFOS,
    &keys::KEYS_OF_ANY_KIND,
    &list::LISTS,
    &memory::MEMORIES,
    &pubsub::PUBLISH_AND_SUBSCRIBE,
    &server::SERVER,
    &string::STRINGS,
    &transaction::TRANSACTIONS,
];

/// The command table.
pub fn table() -> Table {
    Table::new(FAMILIES)
}
