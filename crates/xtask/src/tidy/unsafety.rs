//! `unsafe` stands in listed files only, each use with the sentence that makes it sound.

use super::Finding;
use super::source::{Source, words};

/// The files that may hold `unsafe`, each a leaf with a safe face.
pub const UNSAFE_FILES: &[&str] = &[
    "crates/keyspace/src/lock.rs",
    "crates/keyspace/src/entry.rs",
    "crates/keyspace/src/entry/collection.rs",
    "crates/keyspace/src/entry/copies.rs",
    "crates/keyspace/src/kind.rs",
    "crates/datatypes/src/compact.rs",
    "crates/datatypes/src/hash.rs",
    "crates/datatypes/src/hash/tests.rs",
    "crates/datatypes/src/intset.rs",
    "crates/datatypes/src/list.rs",
    "crates/datatypes/src/list/tests.rs",
    "crates/datatypes/src/listpack.rs",
    "crates/datatypes/src/listpack/block.rs",
    "crates/datatypes/src/packed/blob.rs",
    "crates/datatypes/src/packed/bucket.rs",
    "crates/datatypes/src/set.rs",
    "crates/datatypes/src/set/tests.rs",
    "crates/datatypes/src/sorted_set.rs",
    "crates/datatypes/src/sorted_set/element.rs",
    "crates/datatypes/src/sorted_set/large.rs",
    "crates/datatypes/src/sorted_set/tests.rs",
    "crates/datatypes/src/sorted_set/tree.rs",
    "crates/datatypes/src/table.rs",
    "crates/datatypes/src/table/bucket.rs",
    "crates/datatypes/src/table/tests.rs",
    "crates/ochre/src/allocator.rs",
    "crates/server/src/memory.rs",
];

pub fn check(source: &Source, findings: &mut Vec<Finding>) {
    let code: Vec<&str> = source.code.lines().collect();
    let comments: Vec<&str> = source.comments.lines().collect();
    for (index, line) in code.iter().enumerate() {
        for at in words(line, "unsafe") {
            let mut report = |message: &str| {
                findings.push(Finding::new(source.path, index + 1, message));
            };
            if !UNSAFE_FILES.contains(&source.path) {
                report("no `unsafe` here: use a safe face, or list the file in UNSAFE_FILES");
                continue;
            }
            let rest = line[at + "unsafe".len()..].trim_start();
            let declares = rest.starts_with("fn") || rest.starts_with("trait");
            let wanted = if declares { "# Safety" } else { "SAFETY:" };
            let is_type = rest.starts_with("fn(") || rest.starts_with("extern");
            if !is_type && !explained(&code, &comments, index, wanted) {
                report(&format!(
                    "`unsafe` without `{wanted}`: say why it is sound, just above"
                ));
            }
        }
    }
}

/// Whether a comment on this line, or above it up to the end of the statement before, says so.
fn explained(code: &[&str], comments: &[&str], index: usize, wanted: &str) -> bool {
    if comments[index].contains(wanted) {
        return true;
    }
    let above = (0..index).rev().take_while(|&i| {
        let line = code[i].trim();
        let blank = line.is_empty() && comments[i].trim().is_empty();
        !blank && !line.ends_with([';', '{', '}'])
    });
    above.into_iter().any(|i| comments[i].contains(wanted))
}
