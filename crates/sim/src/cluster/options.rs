//! What a seed decides before anything happens.

use std::fmt;

use cluster::Settings;
use config::Config;
use stdx::prng::Prng;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub primaries: usize,
    pub replicas: usize,
    pub timeout_ms: u64,
    pub latency_ms: u64,
    pub chaos_ms: u64,
    pub write_every_ms: u64,
    pub fault_every_ms: u64,
    /// How old a replica's data is at most when all is well.
    pub lag_ms: u64,
    pub validity_factor: u32,
    pub migration_barrier: u32,
    pub crashes: bool,
    /// Whether a crash may take what was not synced, and tell nobody.
    pub power_cuts: bool,
    pub partitions: bool,
    pub pauses: bool,
    pub resets: bool,
    pub disk_faults: bool,
    pub clock_jumps: bool,
    pub strangers: bool,
    /// Failovers that are agreed on, slots that are moved.
    pub operators: bool,
    /// Failovers that nobody agrees on, nodes that are forgotten.
    pub rough_operators: bool,
    /// Of a hundred messages between the ends of a migration, how many are lost or late.
    pub loss: u64,
}

impl Options {
    /// Of a world in which slots move as a whole all the time.
    pub fn draw_moves(prng: &mut Prng) -> Options {
        let options = Options::draw(prng);
        let mut pick = |choices: &[u64]| choices[prng.below(choices.len() as u64) as usize];
        Options {
            primaries: pick(&[2, 3, 3, 4]) as usize,
            replicas: pick(&[0, 0, 1, 2]) as usize,
            timeout_ms: pick(&[500, 1_000, 2_000, 5_000]),
            chaos_ms: pick(&[30_000, 60_000]),
            fault_every_ms: pick(&[150, 500, 1_500]),
            validity_factor: 10,
            loss: pick(&[0, 1, 5, 20]),
            strangers: false,
            rough_operators: false,
            ..options
        }
    }

    pub fn draw(prng: &mut Prng) -> Options {
        let mut pick = |choices: &[u64]| choices[prng.below(choices.len() as u64) as usize];
        let primaries = pick(&[1, 2, 3, 3, 3, 4, 5]) as usize;
        let most = (12 / primaries - 1).min(3) as u64;
        let replicas = pick(&[0, 1, 1, 1, 2, 3]).min(most) as usize;
        Options {
            primaries,
            replicas,
            timeout_ms: pick(&[500, 1_000, 2_000, 5_000, 15_000]),
            latency_ms: pick(&[1, 5, 20]),
            chaos_ms: pick(&[30_000, 60_000, 120_000]),
            write_every_ms: pick(&[10, 50, 200]),
            fault_every_ms: pick(&[300, 1_500, 5_000]),
            lag_ms: pick(&[5, 50, 400]),
            validity_factor: pick(&[0, 1, 10]) as u32,
            migration_barrier: pick(&[0, 1, 1, 2]) as u32,
            crashes: pick(&[0, 1, 1]) == 1,
            power_cuts: pick(&[0, 1]) == 1,
            partitions: pick(&[0, 1, 1]) == 1,
            pauses: pick(&[0, 1]) == 1,
            resets: pick(&[0, 1]) == 1,
            disk_faults: pick(&[0, 0, 1]) == 1,
            clock_jumps: pick(&[0, 1]) == 1,
            strangers: pick(&[0, 1]) == 1,
            operators: pick(&[0, 1]) == 1,
            rough_operators: pick(&[0, 0, 1]) == 1,
            loss: 0,
        }
    }

    pub fn nodes(&self) -> usize {
        self.primaries * (1 + self.replicas)
    }

    pub fn settings(&self, number: usize) -> Settings {
        let mut settings = Settings::of(&Config::default(), port(number), 0);
        settings.node_timeout_ms = self.timeout_ms;
        settings.replica_validity_factor = self.validity_factor;
        settings.migration_barrier = self.migration_barrier;
        settings
    }

    /// How long an election may take before it is held again.
    pub fn patience_ms(&self) -> u64 {
        (self.timeout_ms * 2).max(2_000)
    }

    /// Whether nothing happens but what is planned.
    pub fn is_calm(&self) -> bool {
        !(self.crashes
            || self.partitions
            || self.pauses
            || self.resets
            || self.disk_faults
            || self.rough_operators)
    }
}

pub fn port(number: usize) -> u16 {
    7000 + number as u16
}

pub fn ip(number: usize) -> String {
    format!("10.0.{}.{}", number / 256, number % 256)
}

/// The node that has this address.
pub fn number_of(ip: &str) -> Option<usize> {
    let (high, low) = ip.strip_prefix("10.0.")?.split_once('.')?;
    Some(high.parse::<usize>().ok()? * 256 + low.parse::<usize>().ok()?)
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
