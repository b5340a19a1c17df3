//! Who may depend on whom: a crate may use rows below its own, never its own row or above.

use super::Finding;
use super::manifest::{Manifest, Section};

/// The floor plan, top row first. Every crate of the workspace stands in exactly one row.
const LAYERS: &[&[&str]] = &[
    &["sim", "xtask"],
    &["ochre", "server", "proxy", "benchmark", "cli", "manager"],
    &["testkit"],
    &["commands", "node", "client"],
    &["engine"],
    &[
        "keyspace",
        "persistence",
        "replication",
        "cluster",
        "sentinel",
    ],
    &["datatypes", "resp", "config"],
    &["stdx"],
];

/// Edges the rows forbid and the design wants: (from, to, dev-dependency only). `*` is any crate.
const EXCEPTIONS: &[(&str, &[&str], Section)] = &[
    // `ochre` is the binary: it does nothing but choose among the programs of its own row.
    (
        "ochre",
        &["server", "proxy", "benchmark", "cli", "manager"],
        Section::Normal,
    ),
    // Tests are written with the harness, and its transcripts need a command table to run.
    ("*", &["testkit", "commands"], Section::Dev),
];

pub fn check(manifests: &[Manifest], findings: &mut Vec<Finding>) {
    for manifest in manifests
        .iter()
        .filter(|manifest| !manifest.name.is_empty())
    {
        let Some(from) = row(&manifest.name) else {
            let message = format!(
                "crate `{}` stands in no layer: add it to LAYERS",
                manifest.name
            );
            findings.push(Finding::new(&manifest.path, 0, message));
            continue;
        };
        for dependency in &manifest.dependencies {
            let climbs = row(&dependency.name).is_some_and(|to| to <= from);
            let to = dependency.name.as_str();
            if climbs && to != manifest.name && !excepted(&manifest.name, to, dependency.section) {
                let message = format!(
                    "`{}` may not use `{to}`: only rows below its own; move what it needs down",
                    manifest.name
                );
                findings.push(Finding::new(&manifest.path, dependency.line, message));
            }
        }
    }
}

/// Counted from the top, so that a greater row is lower.
fn row(name: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&name))
}

fn excepted(from: &str, to: &str, section: Section) -> bool {
    EXCEPTIONS.iter().any(|(user, used, allowed)| {
        (*user == "*" || *user == from) && used.contains(&to) && *allowed == section
    })
}
