//! The processor's time, of this program and of a server.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What this program has taken so far, with all its threads.
pub fn of_process() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}

/// What a server says it has taken so far, in its `INFO`. Its children are not counted.
pub fn of_server(info: &[u8]) -> Option<Duration> {
    let field = |name: &str| {
        let lines = info.split(|&byte| byte == b'\n');
        let mut values = lines.filter_map(|line| line.strip_prefix(name.as_bytes()));
        let value = std::str::from_utf8(values.next()?).ok()?;
        Duration::try_from_secs_f64(value.trim().parse().ok()?).ok()
    };
    Some(field("used_cpu_user:")? + field("used_cpu_sys:")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_tells_both_its_times() {
        let info = b"# CPU\r\nused_cpu_sys:1.250000\r\nused_cpu_user:2.500000\r\n\
            used_cpu_user_children:9.0\r\n";
        assert_eq!(of_server(info), Some(Duration::from_millis(3750)));
        assert_eq!(of_server(b"used_cpu_sys:1.0\r\n"), None);
        assert_eq!(of_server(b"used_cpu_sys:x\r\nused_cpu_user:1\r\n"), None);
    }

    #[test]
    fn time_that_was_worked_is_counted() {
        let before = of_process();
        let mut number = 1u64;
        while of_process() == before {
            number = number.wrapping_mul(31);
        }
        assert!(std::hint::black_box(number) != 0);
        assert!(of_process() > before);
    }
}
