//! What a seed decides before anything happens: how many nodes, how good a network, which faults.

use std::fmt;

use config::{Config, DisklessLoad};
use replication::Settings;
use stdx::prng::Prng;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub nodes: usize,
    pub latency_ms: u64,
    /// Bytes that may be on their way in one direction.
    pub window_bytes: usize,
    pub chaos_ms: u64,
    /// The mean time between two commands of clients, and between two strokes of fate.
    pub write_every_ms: u64,
    pub fault_every_ms: u64,
    pub load_ms: u64,
    pub timeout_ms: u64,
    pub ping_ms: u64,
    pub backlog_bytes: u64,
    pub backlog_ttl_ms: u64,
    pub output_limit_bytes: u64,
    pub diskless: bool,
    pub diskless_delay_ms: u64,
    pub diskless_load: DisklessLoad,
    pub crashes: bool,
    pub partitions: bool,
    pub pauses: bool,
    /// Whether a crash may take everything a node has.
    pub losses: bool,
}

impl Options {
    pub fn draw(prng: &mut Prng) -> Options {
        let mut pick = |choices: &[u64]| choices[prng.below(choices.len() as u64) as usize];
        Options {
            nodes: pick(&[2, 3, 3, 4, 5, 6]) as usize,
            latency_ms: pick(&[1, 5, 30, 200]),
            window_bytes: pick(&[64, 700, 16_000]) as usize,
            chaos_ms: pick(&[20_000, 40_000, 60_000]),
            write_every_ms: pick(&[20, 100, 400]),
            fault_every_ms: pick(&[500, 1_500, 4_000]),
            load_ms: pick(&[1, 300, 2_500]),
            timeout_ms: pick(&[3_000, 8_000, 20_000]),
            ping_ms: pick(&[1_000, 2_000, 10_000]),
            backlog_bytes: pick(&[100, 400, 2_000, 100_000]),
            backlog_ttl_ms: pick(&[0, 2_000, 3_600_000]),
            output_limit_bytes: pick(&[0, 0, 0, 0, 0, 3_000]),
            diskless: pick(&[0, 1, 1]) == 1,
            diskless_delay_ms: pick(&[0, 500, 5_000]),
            diskless_load: match pick(&[0, 1, 2]) {
                0 => DisklessLoad::Disabled,
                1 => DisklessLoad::OnEmptyDb,
                _ => DisklessLoad::SwapDb,
            },
            crashes: pick(&[0, 1, 1]) == 1,
            partitions: pick(&[0, 1, 1]) == 1,
            pauses: pick(&[0, 1]) == 1,
            losses: pick(&[0, 1]) == 1,
        }
    }

    pub fn settings(&self, host: &str, port: u16) -> Settings {
        let mut settings = Settings::of(&Config::default(), port);
        settings.announce_ip = host.as_bytes().to_vec();
        settings.timeout_ms = self.timeout_ms;
        settings.ping_period_ms = self.ping_ms.min(self.timeout_ms / 2);
        settings.backlog_bytes = self.backlog_bytes;
        settings.backlog_ttl_ms = self.backlog_ttl_ms;
        settings.diskless_sync = self.diskless;
        settings.diskless_delay_ms = self.diskless_delay_ms;
        settings.diskless_load = self.diskless_load;
        settings.output_limit.hard.0 = self.output_limit_bytes;
        settings.output_limit.soft.0 = 0;
        settings
    }

    /// The longest that replicas may need to follow again when all faults are over.
    pub fn patience_ms(&self) -> u64 {
        // A dead link is noticed, tried again, waits for a snapshot and is loaded, in chains more
        // than once; copies that failed or were refused pause for up to a minute.
        let link_ms = self.timeout_ms + self.diskless_delay_ms + self.load_ms + 5_000;
        let overflow_ms = if self.output_limit_bytes > 0 {
            1_000_000
        } else {
            0
        };
        // A thin link needs its time for what was written.
        let stream_ms = 200_000 * self.latency_ms / self.window_bytes as u64;
        link_ms * 4 + 125_000 + overflow_ms + stream_ms
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
