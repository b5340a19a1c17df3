//! Sizes: a function, a file and a line each fit where a reader can hold them.
//!
//! A ratchet file may tolerate what stood before a limit came; it can only shrink.

use super::Finding;
use super::source::{Source, words};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 1000;
const LINE_CHARS_MAX: usize = 100;

/// A size above its limit. `name` is a function's; empty for a file.
struct Excess<'a> {
    what: &'static str,
    path: &'a str,
    name: &'a str,
    line: usize,
    size: usize,
}

pub fn check(sources: &[Source], ratchet: &str, findings: &mut Vec<Finding>) {
    let mut excesses = Vec::new();
    for source in sources {
        check_lines(source, findings);
        let size = source.product_line_count();
        if size > FILE_LINES_MAX {
            excesses.push(Excess {
                what: "file",
                path: source.path,
                name: "",
                line: 0,
                size,
            });
        }
        excesses.extend(functions(source).filter(|f| f.size > FUNCTION_LINES_MAX));
    }
    let tolerated: Vec<Vec<&str>> = ratchet.lines().map(|l| l.split('\t').collect()).collect();
    for excess in &excesses {
        let limit = tolerated
            .iter()
            .find(|row| names(row, excess))
            .map_or(0, |row| size_of(row));
        if excess.size > limit {
            findings.push(excess.finding());
        }
    }
    for row in tolerated.iter().filter(|row| row.len() == 4) {
        if !excesses.iter().any(|excess| names(row, excess)) {
            let message = format!("`{}` fits now: remove it from {}", row[2], super::RATCHET);
            findings.push(Finding::new(row[1], 0, message));
        }
    }
}

impl Excess<'_> {
    fn finding(&self) -> Finding {
        let Self {
            what,
            path,
            name,
            line,
            size,
        } = self;
        let message = match *what {
            "file" => format!("{size} lines (of {FILE_LINES_MAX}): split it by nouns"),
            _ => format!("`{name}` has {size} lines (of {FUNCTION_LINES_MAX}): split it"),
        };
        Finding::new(path, *line, message)
    }
}

fn names(row: &[&str], excess: &Excess) -> bool {
    row.len() == 4 && row[..3] == [excess.what, excess.path, excess.name]
}

fn size_of(row: &[&str]) -> usize {
    row[3].parse().unwrap_or(0)
}

/// Text pasted into a test (a server's reply, say) and addresses may be as long as they are.
fn check_lines(source: &Source, findings: &mut Vec<Finding>) {
    let lines = source.text.lines().zip(source.code.lines());
    for (index, (line, code)) in lines.enumerate() {
        let pasted = source.is_test(index) && code.trim().is_empty();
        let len = line.chars().count();
        if len > LINE_CHARS_MAX && !pasted && !line.contains("https://") {
            let message = format!("{len} characters (of {LINE_CHARS_MAX}): break the line");
            findings.push(Finding::new(source.path, index + 1, message));
        }
    }
}

/// The functions outside tests; a nested one counts for itself and for the one around it.
fn functions<'s>(source: &'s Source) -> impl Iterator<Item = Excess<'s>> {
    let code = source.code.as_str();
    words(code, "fn").filter_map(move |at| {
        let name = code[at + 2..].trim_start();
        let name = &name[..name.find(|c: char| !c.is_alphanumeric() && c != '_')?];
        let first = code[..at].matches('\n').count();
        if name.is_empty() || source.is_test(first) {
            return None;
        }
        let size = body_lines(&code[at..])?;
        Some(Excess {
            what: "function",
            path: source.path,
            name,
            line: first + 1,
            size,
        })
    })
}

/// Lines from here to the brace that closes the body; none for a declaration.
fn body_lines(code: &str) -> Option<usize> {
    let (mut depth, mut nested, mut lines) = (0usize, 0usize, 1);
    for c in code.chars() {
        match c {
            '\n' => lines += 1,
            '(' | '[' if depth == 0 => nested += 1,
            ')' | ']' if depth == 0 => nested = nested.saturating_sub(1),
            ';' if depth == 0 && nested == 0 => return None,
            '{' => depth += 1,
            '}' if depth == 1 => return Some(lines),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}
