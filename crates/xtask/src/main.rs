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
    /// Measure Ochre beside Redis in one run and print one table.
    Bench(bench::Options),
    /// Write the files that are made of others: the proxy's command table.
    Codegen(codegen::Options),
    /// Run every check in order: format, clippy, tests, docs, oracle, suite.
    Ci(ci::Options),
    /// Install the Debian packages that `suite` and `bench` use, where that is allowed.
    Setup,
    /// `setup`, then `ci`: the one command for a clean checkout.
    Test(ci::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Tidy => tidy::run(),
        Verb::Suite(options) => suite::run(&options),
        Verb::Oracle(options) => oracle::run(&options),
        Verb::Bench(options) => bench::run(&options),
        Verb::Codegen(options) => codegen::run(&options),
        Verb::Ci(options) => ci::run(&options),
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
