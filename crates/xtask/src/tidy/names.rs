//! File names: every file is a noun, and no name tells history.

use super::Finding;
use super::source::Source;

const FORBIDDEN: &[&str] = &[
    "mod", "utils", "util", "helpers", "helper", "common", "misc", "manager",
];
const FORBIDDEN_STARTS: &[&str] = &["new_", "old_", "optimized"];
const FORBIDDEN_ENDS: &[&str] = &["_v2", "_new", "_old", "_optimized"];

pub fn check(source: &Source, findings: &mut Vec<Finding>) {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    let stem = name.trim_end_matches(".rs");
    let instead = match stem {
        "mod" => "write foo.rs beside foo/",
        _ if FORBIDDEN.contains(&stem) => "name the noun that lives in it",
        _ if FORBIDDEN_STARTS.iter().any(|start| stem.starts_with(start))
            || FORBIDDEN_ENDS.iter().any(|end| stem.ends_with(end)) =>
        {
            "replace the other one: git remembers it"
        }
        _ => return,
    };
    findings.push(Finding::new(
        source.path,
        0,
        format!("no file is called {name}: {instead}"),
    ));
}
