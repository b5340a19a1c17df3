//! `expect` names the invariant that makes it sound; `unwrap` names nothing.

use super::Finding;
use super::source::Source;

const EXPECT: &str = ".expect(\"";

pub fn check(source: &Source, findings: &mut Vec<Finding>) {
    let mut start = 0;
    for (index, line) in source.code.split_inclusive('\n').enumerate() {
        let line_start = start;
        start += line.len();
        if source.is_test(index) {
            break;
        }
        if line.contains(".unwrap()") {
            let message = "no `.unwrap()`: return the error, or `expect` with the invariant";
            findings.push(Finding::new(source.path, index + 1, message));
        }
        for (at, _) in line.match_indices(EXPECT) {
            let message = &source.strings[line_start + at + EXPECT.len()..];
            let quote = source.code[line_start + at + EXPECT.len()..]
                .find('"')
                .unwrap_or(0);
            if message[..quote].split_whitespace().count() < 2 {
                let message = "`expect` takes a sentence: the invariant that rules the case out";
                findings.push(Finding::new(source.path, index + 1, message));
            }
        }
    }
}
