//! `cargo xtask suite`: Redis 7.0.15's own Tcl suite with Ochre as the server.
//!
//! The suite is fetched from Debian's source package and run one file at a time, because a file
//! that hangs or crashes must not take the rest with it. What passed once is written down in
//! `suite/passing.tsv` and may not shrink; what cannot pass is in `suite/skips.tsv`, with reasons.
//! Sentinel's files have a program of their own, which starts five Sentinels and five servers, and
//! so have those of clusters, of twenty nodes.

mod layout;
mod output;
mod ports;
mod ratchet;
mod runner;
mod source;

use crate::process::{self, Workplace};
use crate::{product, server, tree};
use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use output::Outcome;
use ports::PortBlock;
use ratchet::{Ratchet, Skips};
use runner::Runner;
use std::path::{Path, PathBuf};
use std::time::Duration;

const AFTER_HELP: &str = "\
Each row of the output is one file of the suite: passed, failed and skipped tests; tests that hung;
1 in `crashed` where the file ended before its end. With no FILES, those of suite/passing.tsv run.

  cargo xtask suite unit/type/string unit/type/incr
  cargo xtask suite --mode binary integration/aof
  cargo xtask suite --mode sentinel sentinel/tests/05-manual
  cargo xtask suite --mode cluster cluster/tests/02-failover
  cargo xtask suite --server-bin /usr/bin/redis-server --all
  cargo xtask suite --update unit/type/hash          write down what passes now, if it is more";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// Files of the suite, such as unit/type/string.
    files: Vec<String>,
    /// Who starts the server.
    #[arg(long, value_enum, default_value = "external")]
    mode: Mode,
    /// Run every file of the suite.
    #[arg(long, conflicts_with = "files")]
    all: bool,
    /// Of the files written down, only those that are quick.
    #[arg(long, conflicts_with_all = ["files", "all"])]
    quick: bool,
    /// Raise suite/passing.tsv to what passes now; it never sinks.
    #[arg(long, conflicts_with = "server_bin")]
    update: bool,
    /// Judge this server instead of Ochre; the counts written down are not compared.
    #[arg(long, value_name = "PATH")]
    server_bin: Option<PathBuf>,
    /// The profile of cargo that builds Ochre.
    #[arg(long, default_value = product::EVERYDAY_PROFILE)]
    profile: String,
    /// Only tests with these tags, in the suite's own syntax; overrides suite/passing.tsv.
    #[arg(long, allow_hyphen_values = true)]
    tags: Option<String>,
    /// Seconds without progress after which a test counts as hung.
    #[arg(long, default_value_t = 90)]
    stall: u64,
    /// Seconds one file may take.
    #[arg(long, default_value_t = 600)]
    limit: u64,
    /// Keep each file's log in this folder.
    #[arg(long, value_name = "FOLDER")]
    logs: Option<PathBuf>,
}

/// Replication, shutdown, what is found at the start, and what redis-cli does to clusters: two
/// minutes.
const QUICK_BINARY_FILES: &[&str] = &[
    "integration/aof",
    "integration/aof-multi-part",
    "integration/convert-ziplist-hash-on-load",
    "integration/convert-ziplist-zset-on-load",
    "integration/convert-zipmap-hash-on-load",
    "integration/failover",
    "integration/psync2-master-restart",
    "integration/rdb",
    "integration/replication-2",
    "integration/replication-3",
    "integration/replication-buffer",
    "integration/shutdown",
    "unit/cluster",
    "unit/cluster/announced-endpoints",
    "unit/cluster/links",
    "unit/cluster/misc",
    "unit/shutdown",
    "unit/wait",
];

/// Failovers, by votes and by hand, and what is asked of Sentinels: two minutes. The other files
/// wait for half a minute each.
const QUICK_SENTINEL_FILES: &[&str] = &[
    "sentinel/tests/00-base",
    "sentinel/tests/01-conf-update",
    "sentinel/tests/02-slaves-reconf",
    "sentinel/tests/03-runtime-reconf",
    "sentinel/tests/05-manual",
    "sentinel/tests/06-ckquorum",
    "sentinel/tests/08-hostname-conf",
    "sentinel/tests/10-replica-priority",
    "sentinel/tests/11-port-0",
    "sentinel/tests/13-info-command",
];

/// What a cluster is, a failover, what is told of slots, and a slot that moves: a minute. The other
/// files are run by hand, for each starts twenty nodes.
const QUICK_CLUSTER_FILES: &[&str] = &[
    "cluster/tests/00-base",
    "cluster/tests/02-failover",
    "cluster/tests/19-cluster-nodes-slots",
    "cluster/tests/25-pubsubshard-slot-migration",
];

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// This program starts one fresh server per file; the suite connects to it.
    External,
    /// The suite starts servers itself, as many and configured as each test wants.
    Binary,
    /// The suite starts Sentinels, and servers for them to watch.
    Sentinel,
    /// The suite starts the nodes of a cluster.
    Cluster,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Binary => "binary",
            Self::Sentinel => "sentinel",
            Self::Cluster => "cluster",
        }
    }

    /// Those written down that do not take long, where not all are quick.
    fn quick_files(self) -> Option<&'static [&'static str]> {
        match self {
            Self::External => None,
            Self::Binary => Some(QUICK_BINARY_FILES),
            Self::Sentinel => Some(QUICK_SENTINEL_FILES),
            Self::Cluster => Some(QUICK_CLUSTER_FILES),
        }
    }

    /// Whether the files have a program of their own, which bears the mode's name.
    fn has_program(self) -> bool {
        matches!(self, Self::Sentinel | Self::Cluster)
    }
}

/// Why the suite cannot run on this machine, or nothing.
pub fn missing() -> Option<String> {
    if !process::is_installed("tclsh") {
        return Some("tclsh is not installed (`cargo xtask setup`)".to_owned());
    }
    source::fetch().err().map(|error| format!("{error:#}"))
}

/// Whether there is anything to run when no file is named.
pub fn has_ratcheted_files(mode: Mode) -> Result<bool> {
    Ok(Ratchet::read()?.files(mode).next().is_some())
}

pub fn run(options: &Options) -> Result<()> {
    ensure!(
        process::is_installed("tclsh"),
        "tclsh is not installed: run `cargo xtask setup`"
    );
    let source = source::fetch()?;
    let mut ratchet = Ratchet::read()?;
    let skips = Skips::read()?;
    let files = chosen_files(options, &ratchet, &source)?;
    let binary = match &options.server_bin {
        Some(path) => server::locate(path)?,
        None => product::build(&options.profile)?,
    };
    let workplace = Workplace::open()?;
    let tree = layout::lay(&source, &workplace.folder().join("tree"), &binary)?;
    let logs = options
        .logs
        .clone()
        .unwrap_or_else(|| workplace.folder().join("logs"));
    std::fs::create_dir_all(&logs)?;
    let runner = Runner {
        mode: options.mode,
        tree,
        binary,
        folder: workplace.folder().join("servers"),
        logs,
        ports: PortBlock::claim()?,
        stall: Duration::from_secs(options.stall),
        limit: Duration::from_secs(options.limit),
    };
    let mut results = Vec::new();
    println!("file\tpassed\tfailed\tskipped\thung\tcrashed\tseconds\tnote");
    for file in files {
        let tags = options
            .tags
            .as_deref()
            .unwrap_or_else(|| ratchet.tags(options.mode, &file));
        let skipped = skips.names(options.mode, &file);
        let mut outcome = runner.run(&file, tags, &skipped)?;
        println!("{}", outcome.row(&file));
        let expected = ratchet.passing(options.mode, &file).unwrap_or_default();
        if options.server_bin.is_none() && outcome.passed < expected {
            // Many of its tests measure time, and a busy machine may have missed a moment.
            let second = runner.run(&file, tags, &skipped)?;
            println!("{}", second.row(&format!("{file} again")));
            if second.passed > outcome.passed {
                outcome = second;
            }
        }
        results.push((file, outcome));
    }
    report(options, &results, &mut ratchet)
}

fn chosen_files(options: &Options, ratchet: &Ratchet, source: &Path) -> Result<Vec<String>> {
    if options.all {
        return match options.mode {
            mode if mode.has_program() => layout::all_files_of_program(source, mode.name()),
            _ => layout::all_files(source),
        };
    }
    if let Some(files) = options.mode.quick_files().filter(|_| options.quick) {
        return Ok(files.iter().map(|file| (*file).to_owned()).collect());
    }
    if options.files.is_empty() {
        let files: Vec<String> = ratchet.files(options.mode).map(str::to_owned).collect();
        ensure!(
            !files.is_empty(),
            "no file is in {} yet: name some, or --all",
            ratchet::PASSING
        );
        return Ok(files);
    }
    let bare = |file: &String| {
        file.trim_start_matches("tests/")
            .trim_end_matches(".tcl")
            .to_owned()
    };
    let files: Vec<String> = options.files.iter().map(bare).collect();
    for file in &files {
        let path = source.join("tests").join(file).with_extension("tcl");
        ensure!(path.is_file(), "the suite has no file {file}");
    }
    Ok(files)
}

/// Prints the totals and what failed, and judges the run.
fn report(options: &Options, results: &[(String, Outcome)], ratchet: &mut Ratchet) -> Result<()> {
    let mut total = Outcome::default();
    for (_, outcome) in results {
        total.add(outcome);
    }
    println!(
        "{}",
        total.row(&format!("total of {} files", results.len()))
    );
    for (file, outcome) in results {
        for failure in &outcome.failures {
            println!("  {file}: {failure}");
        }
    }
    if options.server_bin.is_some() {
        ensure!(total.is_clean(), "the suite did not pass");
        return Ok(());
    }
    let mut fallen = Vec::new();
    for (file, outcome) in results {
        let before = ratchet.passing(options.mode, file);
        let (now, name) = (outcome.passed, file);
        if before.is_some_and(|before| now < before) {
            fallen.push(format!("{name}: {now} pass, {} did", before.unwrap_or(0)));
        } else if options.update {
            ratchet.raise(options.mode, file, now, options.tags.as_deref());
        } else if before.is_some_and(|before| now > before) {
            println!("  {name}: {now} pass; `cargo xtask suite --update {name}` writes it down");
        }
    }
    if options.update {
        ratchet.write(&tree::root().join(ratchet::PASSING))?;
    }
    if fallen.is_empty() {
        return Ok(());
    }
    bail!(
        "fewer tests pass than are written down:\n  {}",
        fallen.join("\n  ")
    )
}
