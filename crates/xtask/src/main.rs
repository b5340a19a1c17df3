//! The workshop: `cargo xtask VERB`, everything a developer or a build machine runs around the
//! product. One file per verb; what two verbs share (processes, servers, the tree) has its own.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

use clap::{Parser, Subcommand};
use std::process::ExitCode;

mod tidy;
mod tree;

/// The workshop of Ochre: checks, suites and measurements.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check the house rules that neither rustfmt nor clippy knows.
    Tidy,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
