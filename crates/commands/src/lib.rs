//! The commands: one file per family, each with its specification, handler and transcript tests.

#![forbid(unsafe_code)]

mod connection;
mod expiry;
mod string;
#[cfg(test)]
mod testing;
mod transaction;

use engine::command::{Family, Table};

/// Every family of commands.
const FAMILIES: &[&Family] = &[
    &connection::CONNECTION,
    &string::STRINGS,
    &transaction::TRANSACTIONS,
];

/// The command table.
pub fn table() -> Table {
    Table::new(FAMILIES)
}
