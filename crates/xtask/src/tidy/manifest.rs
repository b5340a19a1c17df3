//! What tidy needs of a `Cargo.toml`: the package's name and its dependencies by section.
//!
//! A few lines of scanning do; the workspace writes one dependency a line.

use super::Finding;
use crate::tree::File;

/// Dependencies the workspace declares ahead of their first user. A name leaves this list when a
/// crate takes it up, and leaves the workspace when none will.
const AWAITED: &[&str] = &[
    "cli",
    "client",
    "cluster",
    "expect-test",
    "hashbrown",
    "manager",
    "node",
    "persistence",
    "proptest",
    "proxy",
    "quanta",
    "replication",
    "sentinel",
    "sha1",
    "sha2",
    "shuttle",
    "socket2",
    "testkit",
    "tikv-jemalloc-ctl",
    "tikv-jemallocator",
    "tracing",
    "tracing-subscriber",
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Normal,
    Dev,
    Workspace,
}

pub struct Dependency {
    pub name: String,
    pub section: Section,
    /// Counted from 1.
    pub line: usize,
}

pub struct Manifest {
    pub path: String,
    /// Empty for the workspace's own.
    pub name: String,
    pub dependencies: Vec<Dependency>,
}

impl Manifest {
    pub fn read(file: &File) -> Option<Self> {
        let ours = file.path == "Cargo.toml"
            || (file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml"));
        ours.then(|| Self::parse(&file.path, &file.text))
    }

    fn parse(path: &str, text: &str) -> Self {
        let mut name = String::new();
        let mut dependencies = Vec::new();
        let mut section = None;
        let mut header = "";
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(inner) = line.strip_prefix('[') {
                header = inner.trim_end_matches(']');
                section = section_of(header);
                if let Some((_, name)) = header.split_once("dependencies.") {
                    let section = section_of(header.trim_end_matches(&format!(".{name}")));
                    let name = name.trim_matches('"').to_owned();
                    let section = section.unwrap_or(Section::Normal);
                    dependencies.push(Dependency {
                        name,
                        section,
                        line: index + 1,
                    });
                }
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let key = key
                .trim()
                .split('.')
                .next()
                .unwrap_or_default()
                .trim_matches('"');
            if header == "package" && key == "name" {
                name = value.trim().trim_matches('"').to_owned();
            } else if let Some(section) = section
                && !key.starts_with('#')
            {
                let name = key.to_owned();
                dependencies.push(Dependency {
                    name,
                    section,
                    line: index + 1,
                });
            }
        }
        Self {
            path: path.to_owned(),
            name,
            dependencies,
        }
    }
}

fn section_of(header: &str) -> Option<Section> {
    match header {
        "workspace.dependencies" => Some(Section::Workspace),
        _ if header.ends_with("dev-dependencies") => Some(Section::Dev),
        _ if header.ends_with("dependencies") => Some(Section::Normal),
        _ => None,
    }
}

/// Every dependency the workspace declares is used by a crate.
pub fn check_used(manifests: &[Manifest], findings: &mut Vec<Finding>) {
    let all = || {
        manifests
            .iter()
            .flat_map(|m| m.dependencies.iter().map(move |d| (m, d)))
    };
    for (manifest, declared) in all().filter(|(_, d)| d.section == Section::Workspace) {
        let used = all().any(|(_, d)| d.section != Section::Workspace && d.name == declared.name);
        if !used && !AWAITED.contains(&declared.name.as_str()) {
            let name = &declared.name;
            let message = format!("no crate uses `{name}`: remove it from the workspace");
            findings.push(Finding::new(&manifest.path, declared.line, message));
        }
    }
}
