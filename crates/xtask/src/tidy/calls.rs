//! Forbidden calls: below the programs there is no clock, socket, file, thread or chance.
//!
//! This is what lets the simulator run the product's own code in virtual time.

use super::Finding;
use super::source::{Source, words};

/// The crates that may do I/O: the client, the programs and the workshop.
const IMPURE: &[&str] = &[
    "server",
    "client",
    "proxy",
    "benchmark",
    "cli",
    "manager",
    "ochre",
    "xtask",
    "sim",
    "testkit",
];

const ARGUMENT: &str = "take `now` as an argument";
const WORLD: &str = "hand an output to the caller, who does I/O";
const CHANCE: &str = "take stdx's generator as an argument";
const SEEDED: &str = "use a fixed-seed hasher or a BTreeMap";

/// What may not be called, and what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("Instant::now", ARGUMENT),
    ("SystemTime::now", ARGUMENT),
    ("quanta::", ARGUMENT),
    ("thread::sleep", "return a deadline to the caller"),
    (
        "thread::spawn",
        "hand an output to the caller, who owns the threads",
    ),
    ("std::net", WORLD),
    ("std::fs", WORLD),
    ("std::process::Command", WORLD),
    (
        "tokio::",
        "keep it synchronous: async starts at the server, the client and the programs",
    ),
    ("rand::", CHANCE),
    ("RandomState", SEEDED),
];

/// Of `std::collections`, these seed themselves at random when made so.
const RANDOM_SEEDED: &[&str] = &[
    "HashMap::new",
    "HashSet::new",
    "HashMap::with_capacity",
    "HashSet::with_capacity",
];

pub fn check(source: &Source, findings: &mut Vec<Finding>) {
    let Some(name) = source.crate_name() else {
        return;
    };
    if IMPURE.contains(&name) {
        return;
    }
    let imports_std_maps = imports(&source.code, "collections", &["HashMap", "HashSet"]);
    for (index, line) in source.product_lines() {
        let mut report = |what: &str, instead: &str| {
            let message = format!("no `{what}` in `{name}`: {instead}");
            findings.push(Finding::new(source.path, index + 1, message));
        };
        for (what, instead) in FORBIDDEN {
            if words(line, what).next().is_some() {
                report(what, instead);
            }
        }
        for what in RANDOM_SEEDED {
            let from_std = imports_std_maps || line.contains("std::collections::");
            if from_std && words(line, what).next().is_some() {
                report(what, SEEDED);
            }
        }
        if line.starts_with("use std::{") {
            let group = &source.code[source.code.find(line).unwrap_or(0)..];
            let group = group.split(';').next().unwrap_or_default();
            for module in ["fs", "net"] {
                if words(group, module).next().is_some() {
                    report(&format!("std::{module}"), WORLD);
                }
            }
        }
    }
}

/// Whether a `use` of `std::MODULE` brings one of `names` in.
fn imports(code: &str, module: &str, names: &[&str]) -> bool {
    code.split("use std::").skip(1).any(|rest| {
        let used = rest.split(';').next().unwrap_or_default();
        used.contains(module) && names.iter().any(|name| words(used, name).next().is_some())
    })
}
