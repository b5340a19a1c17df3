//! What `MEMORY DOCTOR` finds.

use engine::info::MemoryFigures;

/// With less in use, in bytes, the program's own needs hide everything else.
const USED_MIN: u64 = 5 << 20;

/// Differences below this many bytes are not worth a word.
const BYTES_MIN: i64 = 10 << 20;

pub(super) fn report(figures: &MemoryFigures) -> String {
    if figures.host.used < USED_MIN {
        return "There is so little data that nothing can be said about its memory.\n".to_owned();
    }
    let findings: Vec<&str> = FINDINGS
        .iter()
        .filter(|(holds, _)| holds(figures))
        .map(|(_, text)| *text)
        .collect();
    if findings.is_empty() {
        return "The memory is in good order.\n".to_owned();
    }
    findings
        .iter()
        .map(|finding| format!("* {finding}\n"))
        .collect()
}

type Holds = fn(&MemoryFigures) -> bool;

const FINDINGS: &[(Holds, &str)] = &[
    (
        |figures| figures.host.used_peak as f64 > figures.host.used as f64 * 1.5,
        "At its peak the server needed half as much again as it needs now. What was freed may \
         stay with the process: MEMORY PURGE gives back what it can.",
    ),
    (
        |figures| is_much(figures.allocator_fragmentation(), 1.1),
        "The allocator's pages are only partly used, as happens when values of many sizes come \
         and go. It grows less when new values are about the size of the old.",
    ),
    (
        |figures| is_much(figures.allocator_residence(), 1.1),
        "The allocator keeps pages that nobody uses. It gives them back in time; MEMORY PURGE \
         makes it do so now.",
    ),
    (
        |figures| is_much(figures.residence(), 1.1),
        "The process takes much memory besides the allocator's, such as stacks or huge pages.",
    ),
    (
        |figures| figures.clients > figures.host.used / 4,
        "The clients' buffers take more than a quarter of the memory. CLIENT LIST shows whose.",
    ),
];

fn is_much((ratio, bytes): (f64, i64), most: f64) -> bool {
    ratio > most && bytes > BYTES_MIN
}
