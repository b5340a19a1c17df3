//! What the system knows of this process.

/// Bytes of memory that are in use.
pub fn memory() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    resident.unwrap_or(0) * rustix::param::page_size() as u64
}

/// The most there has been.
pub fn memory_peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Seconds of processor time: of the system for it, and its own.
pub fn processor_seconds() -> (f64, f64) {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name, in parentheses, may hold anything.
    let behind = text.rsplit(')').next().unwrap_or_default();
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let mut fields = behind.split_whitespace().skip(11);
    let mut next = || fields.next().and_then(|field| field.parse::<f64>().ok());
    let (user, system) = (next().unwrap_or(0.0), next().unwrap_or(0.0));
    (system / ticks, user / ticks)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_has_memory() {
        assert!(super::memory() > 4096 && super::memory_peak() >= 4096);
        let (system, user) = super::processor_seconds();
        assert!(system >= 0.0 && user >= 0.0);
    }
}
