//! `cargo xtask bench`: Ochre beside Redis, in one run on one machine, as one table.
//!
//! The two servers take turns, several a round where they can, so that a machine that slows down
//! slows both; a cell is the median of the turns. Meanwhile the bench goes before others.
//!
//! Targets are ratios, or plain values where that is what was promised. Nothing here fails a build:
//! a number is read by a person.

mod cluster;
mod collection;
mod elements;
mod failover;
mod families;
mod growth;
mod idle;
mod load;
mod log;
mod memory;
mod monopoly;
mod precedence;
mod probe;
mod proxy;
mod publish;
mod question;
mod reader;
mod removal;
mod replica;
mod requests;
mod restart;
mod sample;
mod save;
mod standstill;
mod sweep;
mod table;
mod throughput;
mod tool;
mod writer;

use crate::process::{self, Workplace};
use crate::product;
use crate::server::{self, Server};
use anyhow::{Result, ensure};
use clap::ValueEnum;
use precedence::Precedence;
use requests::Load;
use standstill::Tally;
use std::path::{Path, PathBuf};
use table::Row;

const AFTER_HELP: &str = "\
Both servers run at their defaults but for the port, the folder and `save \"\"`.

  cargo xtask bench --quick
  cargo xtask bench --only throughput --only idle
  cargo xtask bench --server-bin /usr/bin/redis-server --load redis
                                             Redis against itself: ratios near 1";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// One short round of everything: minutes, and coarse.
    #[arg(long)]
    quick: bool,
    /// Only this section; may be repeated.
    #[arg(long, value_enum, value_name = "SECTION")]
    only: Vec<Section>,
    /// Measure this server instead of Ochre.
    #[arg(long, value_name = "PATH")]
    server_bin: Option<PathBuf>,
    /// The server to compare with.
    #[arg(long, value_name = "PATH", default_value = "/usr/bin/redis-server")]
    against: PathBuf,
    /// Rounds per cell, of whose turns the median is shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Who sends the requests.
    #[arg(long, value_enum, value_name = "PROGRAM", default_value = "ochre")]
    load: Load,
    /// Threads that send. With more than one, redis-benchmark rounds its run time up to quarters of
    /// a second, so its rates become coarse.
    #[arg(long, default_value_t = 1)]
    load_threads: usize,
    /// The profile of cargo that builds Ochre.
    #[arg(long, default_value = "release")]
    profile: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Requests per second and server CPU per request, at pipelines of 1, 16 and 100.
    Throughput,
    /// The same for a command of every family, at pipeline 16.
    Families,
    /// Server CPU per message that reaches a subscriber.
    Publish,
    /// Time of commands that read every element of large collections.
    Sweep,
    /// Bytes per key.
    Memory,
    /// Bytes per element of a large collection.
    Elements,
    /// What a bystander waits while the key space grows.
    Growth,
    /// Bytes per idle connection.
    Idle,
    /// What a bystander waits while another client runs KEYS.
    Monopoly,
    /// What a bystander waits while millions of elements or keys are deleted.
    Removal,
    /// What a BGSAVE costs those who write meanwhile, and how long it takes.
    Save,
    /// Time of loading a snapshot.
    Restart,
    /// SET with an append-only file.
    Log,
    /// What a replica costs: its first copy, and feeding it.
    Replica,
    /// A node of a cluster beside a server alone; slots that move.
    Cluster,
    /// From the death of a master to the first write its successor takes, with three Sentinels.
    Failover,
    /// `ochre benchmark` beside redis-benchmark, both on a server of Redis.
    Tool,
    /// The proxy beside nutcracker: GET and SET through it, and its idle clients.
    Proxy,
}

/// The two servers and how to measure them.
struct Bench {
    ours: PathBuf,
    theirs: PathBuf,
    quick: bool,
    rounds: usize,
    load: Load,
    load_threads: usize,
    workplace: Workplace,
    stood_still: Tally,
}

pub fn run(options: &Options) -> Result<()> {
    let ours = match &options.server_bin {
        Some(path) => server::locate(path)?,
        None => product::build(&options.profile)?,
    };
    let theirs = server::locate(&options.against)?;
    ensure!(
        process::is_installed("redis-benchmark"),
        "no redis-benchmark: `cargo xtask setup`"
    );
    idle::raise_file_limit();
    let rounds = match options.quick {
        true => 1,
        false => options.rounds.max(1),
    };
    let (quick, load, load_threads) = (options.quick, options.load, options.load_threads);
    let workplace = Workplace::open()?;
    let _precedence = Precedence::take();
    let bench = Bench {
        ours,
        theirs,
        quick,
        rounds,
        load,
        load_threads,
        workplace,
        stood_still: Tally::default(),
    };
    let all = [
        Section::Throughput,
        Section::Families,
        Section::Publish,
        Section::Sweep,
        Section::Memory,
        Section::Elements,
        Section::Growth,
        Section::Idle,
        Section::Monopoly,
        Section::Removal,
        Section::Save,
        Section::Restart,
        Section::Log,
        Section::Replica,
        Section::Cluster,
        Section::Failover,
        Section::Tool,
        Section::Proxy,
    ];
    let mut rows = Vec::new();
    for section in all
        .into_iter()
        .filter(|s| options.only.is_empty() || options.only.contains(s))
    {
        rows.extend(section.measure(&bench)?);
    }
    let name = |path: &PathBuf| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    println!(
        "{}",
        table::render(&name(&bench.ours), &name(&bench.theirs), &rows)
    );
    if let Some(sentence) = bench.stood_still.sentence() {
        println!("{sentence}");
    }
    Ok(())
}

impl Section {
    fn measure(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Section::Throughput => throughput::measure(bench),
            Section::Families => families::measure(bench),
            Section::Publish => publish::measure(bench),
            Section::Sweep => sweep::measure(bench),
            Section::Memory => memory::measure(bench),
            Section::Elements => elements::measure(bench),
            Section::Growth => growth::measure(bench),
            Section::Idle => idle::measure(bench),
            Section::Monopoly => monopoly::measure(bench),
            Section::Removal => removal::measure(bench),
            Section::Save => save::measure(bench),
            Section::Restart => restart::measure(bench),
            Section::Log => log::measure(bench),
            Section::Replica => replica::measure(bench),
            Section::Cluster => cluster::measure(bench),
            Section::Failover => failover::measure(bench),
            Section::Tool => tool::measure(bench),
            Section::Proxy => proxy::measure(bench),
        }
    }
}

impl Bench {
    /// Measures both servers in turns, each time a fresh process, and returns the medians: ours,
    /// theirs, one pair per value.
    fn compare<const N: usize>(
        &self,
        what: &str,
        rounds: usize,
        arguments: &[&str],
        measure: impl Fn(&Server) -> Result<[f64; N]>,
    ) -> Result<[(f64, f64); N]> {
        self.take_turns(what, rounds, |side| measure(&self.start(side, arguments)?))
    }

    /// As [`Bench::compare`], of two servers that run all the time. One at rest takes nothing from
    /// the other, so that the turns are as short as one measurement.
    fn alternate<const N: usize>(
        &self,
        what: &str,
        servers: &[Server; 2],
        measure: impl Fn(&Server) -> Result<[f64; N]>,
    ) -> Result<[(f64, f64); N]> {
        self.take_turns(what, self.rounds, |side| measure(&servers[side]))
    }

    fn take_turns<const N: usize>(
        &self,
        what: &str,
        rounds: usize,
        measure: impl Fn(usize) -> Result<[f64; N]>,
    ) -> Result<[(f64, f64); N]> {
        let mut values = [[const { Vec::new() }; N], [const { Vec::new() }; N]];
        for round in 0..rounds {
            for side in turns(round) {
                self.announce(what, round, rounds, side);
                for (list, value) in values[side].iter_mut().zip(measure(side)?) {
                    list.push(value);
                }
            }
        }
        let [ours, theirs] = values;
        Ok(std::array::from_fn(|i| {
            (median(ours[i].clone()), median(theirs[i].clone()))
        }))
    }

    /// Starts both servers.
    fn start_both(&self, arguments: &[&str]) -> Result<[Server; 2]> {
        Ok([self.start(0, arguments)?, self.start(1, arguments)?])
    }

    /// Starts two of the servers to compare with.
    fn start_both_of_theirs(&self) -> Result<[Server; 2]> {
        let start = |number: usize| {
            let folder = self.workplace.folder().join(format!("backend-{number}"));
            Server::start(&self.theirs, &folder, &[])
        };
        Ok([start(0)?, start(1)?])
    }

    /// Starts one of the two servers: 0 is ours, 1 is theirs.
    fn start(&self, side: usize, arguments: &[&str]) -> Result<Server> {
        self.start_as(side, "server", arguments)
    }

    /// The same, one of several, in a new folder of this name.
    fn start_as(&self, side: usize, name: &str, arguments: &[&str]) -> Result<Server> {
        let folder = self.workplace.folder().join(format!("{name}-{side}"));
        Server::start(self.binary(side), &folder, arguments)
    }

    fn binary(&self, side: usize) -> &Path {
        [&self.ours, &self.theirs][side]
    }

    fn announce(&self, what: &str, round: usize, rounds: usize, side: usize) {
        let binary = self.binary(side).display();
        eprintln!("bench: {what}, turn {} of {rounds}: {binary}", round + 1);
    }
}

/// Who goes first changes from round to round.
fn turns(round: usize) -> [usize; 2] {
    if round.is_multiple_of(2) {
        [0, 1]
    } else {
        [1, 0]
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
