//! The head of each crate: what it is for, and that it keeps `unsafe` out.

use super::Finding;
use super::source::Source;
use super::unsafety::UNSAFE_FILES;

const FORBID: &str = "#![forbid(unsafe_code)]";

pub fn check(sources: &[Source], findings: &mut Vec<Finding>) {
    for source in sources.iter().filter(|source| is_root(source)) {
        if !source.text.starts_with("//!") {
            let message = "begin with `//!`: the first screen says what the crate is for";
            findings.push(Finding::new(source.path, 1, message));
        }
        let folder = source.path.split("src/").next().unwrap_or_default();
        let listed = UNSAFE_FILES.iter().any(|path| path.starts_with(folder));
        // A crate that is only a sentence yet has nothing to forbid.
        let has_code = source.code.lines().any(|line| line.contains([';', '{']));
        if has_code && !listed && !source.code.contains(FORBID) {
            let message = format!("add `{FORBID}`: no file of this crate is listed for unsafe");
            findings.push(Finding::new(source.path, 1, message));
        }
    }
}

fn is_root(source: &Source) -> bool {
    source.path.ends_with("/src/lib.rs") || source.path.ends_with("/src/main.rs")
}
