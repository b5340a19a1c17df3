//! The commands: one file per family, each with its specification, handler and transcript tests.

#![forbid(unsafe_code)]

mod connection;
mod database;
mod expire;
mod expiry;
mod keys;
mod scan;
mod string;
#[cfg(test)]
mod testing;
mod transaction;

use engine::command::{Family, Table};

/// Every family of commands.
const FAMILIES: &[&Family] = &[
    &connection::CONNECTION,
    &database::DATABASES,
    &database::SELECTION,
    &expire::EXPIRY,
    &keys::KEYS_OF_ANY_KIND,
    &string::STRINGS,
    &transaction::TRANSACTIONS,
];

/// The command table.
pub fn table() -> Table {
    Table::new(FAMILIES)
}
