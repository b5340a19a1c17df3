//! `INFO`: the server's figures, as lines of text in sections.
//!
//! Every section is one small function beside its like. The names and their order are Redis's, for
//! tools that read them; a figure of something that does not exist is the figure of a server that
//! never used it.

mod clients;
mod commands;
mod keyspace;
mod memory;
mod persistence;
mod replication;
mod sentinel;
mod server;
mod stats;

use std::fmt::{Display, Write as _};

pub use memory::{KEY_TABLE_BYTES, MemoryFigures};

use crate::context::Context;

/// The part of the text that one word of `INFO` asks for.
pub struct Section {
    pub name: &'static str,
    title: &'static str,
    /// Part of `INFO` without a word.
    default: bool,
    write: fn(&mut Context<'_>, &mut Lines),
}

/// All sections, in the order they are shown.
pub const SECTIONS: &[Section] = &[
    section("server", "Server", true, server::server),
    section("clients", "Clients", true, clients::clients),
    section("memory", "Memory", true, memory::memory),
    section("persistence", "Persistence", true, persistence::persistence),
    section("stats", "Stats", true, stats::stats),
    section("replication", "Replication", true, replication::replication),
    section("cpu", "CPU", true, server::cpu),
    section("modules", "Modules", true, server::modules),
    section("commandstats", "Commandstats", false, commands::calls),
    section("errorstats", "Errorstats", true, commands::errors),
    section("latencystats", "Latencystats", false, commands::latencies),
    section("cluster", "Cluster", true, replication::cluster),
    section("keyspace", "Keyspace", true, keyspace::keyspace),
    section("sentinel", "Sentinel", true, sentinel::sentinel),
];

/// Those that a Sentinel has, which holds no data.
const OF_SENTINEL: &[&str] = &["server", "clients", "stats", "cpu", "sentinel"];

const fn section(
    name: &'static str,
    title: &'static str,
    default: bool,
    write: fn(&mut Context<'_>, &mut Lines),
) -> Section {
    Section {
        name,
        title,
        default,
        write,
    }
}

impl Section {
    /// Whether any of these words asks for it. No words ask for the default.
    fn is_asked_for(&self, words: &[&[u8]]) -> bool {
        let asks = |word: &&[u8]| match word.to_ascii_lowercase().as_slice() {
            b"default" => self.default,
            b"all" | b"everything" => true,
            word => word == self.name.as_bytes(),
        };
        words.iter().any(asks) || words.is_empty() && self.default
    }
}

/// The text of the sections that `words` ask for, each once, in their own order.
pub fn text(cx: &mut Context<'_>, words: &[&[u8]]) -> String {
    let mut lines = Lines(String::new());
    let is_there = |section: &&Section| match cx.config.sentinel.is_on {
        true => OF_SENTINEL.contains(&section.name),
        false => section.name != "sentinel",
    };
    let shown = SECTIONS.iter().filter(is_there);
    for section in shown.filter(|section| section.is_asked_for(words)) {
        lines.begin(section.title);
        (section.write)(cx, &mut lines);
    }
    lines.0
}

/// The text as it grows.
pub(crate) struct Lines(String);

impl Lines {
    fn begin(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0 += "\r\n";
        }
        self.0 += "# ";
        self.0 += title;
        self.0 += "\r\n";
    }

    fn put(&mut self, name: impl Display, value: impl Display) {
        let written = write!(self.0, "{name}:{value}\r\n");
        written.expect("a string takes any text");
    }

    /// Several that are 0.
    fn zeros(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.put(name, 0));
    }

    /// An amount of memory: in bytes, and for people.
    fn bytes(&mut self, name: &str, bytes: u64) {
        self.put(name, bytes);
        self.put(format_args!("{name}_human"), human(bytes));
    }
}

/// Bytes in the largest unit they fill.
fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let (mut amount, mut unit) = (bytes as f64 / 1024.0, 'K');
    for larger in ['M', 'G', 'T', 'P', 'E'] {
        if amount < 1024.0 {
            break;
        }
        (amount, unit) = (amount / 1024.0, larger);
    }
    format!("{amount:.2}{unit}")
}

/// A part of a whole that may be nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
