//! The workshop: `cargo xtask VERB`, everything a developer or a build machine runs around the
//! product. One file per verb; what two verbs share (processes, servers, the tree) has its own.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

use clap::{Parser, Subcommand};
use std::process::ExitCode;

mod bench;
mod ci;
mod codegen;
mod oracle;
mod process;
mod product;
mod server;
mod setup;
mod suite;
mod tidy;
mod tree;
mod twins;

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
    /// Run Redis 7.0.15's own Tcl suite against Ochre and compare with what passed before.
    Suite(suite::Options),
    /// Replay the commands' transcripts against a real Redis and compare.
    Oracle(oracle::Options),
    /// Write the files that are written from other files.
    Codegen,
    /// Measure Ochre beside Redis in one run and print one table.
    Bench(bench::Options),
    /// Run every check in order: format, clippy, tests, docs, oracle, suite.
    Ci(ci::Options),
    /// Install the Debian packages that `suite` and `bench` use, where that is allowed.
    Setup,
    /// Run Ochre's command line beside Redis's and compare what they print.
    Twins(twins::Options),
    /// `setup`, then `ci`: the one command for a clean checkout.
    Test(ci::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Tidy => tidy::run(),
        Verb::Suite(options) => suite::run(&options),
        Verb::Oracle(options) => oracle::run(&options),
        Verb::Codegen => codegen::run(),
        Verb::Bench(options) => bench::run(&options),
        Verb::Ci(options) => ci::run(&options),
        Verb::Twins(options) => twins::run(&options),
        Verb::Setup => setup::run(),
        Verb::Test(options) => setup::run().and_then(|()| ci::run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
