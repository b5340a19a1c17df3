//! What a seed decides before anything happens.

use std::fmt;

use stdx::prng::Prng;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub groups: usize,
    /// Nodes of each group.
    pub nodes: usize,
    pub sentinels: usize,
    pub quorum: usize,
    pub latency_ms: u64,
    pub chaos_ms: u64,
    /// The mean time between two strokes of fate.
    pub fault_every_ms: u64,
    pub down_after_ms: u64,
    pub failover_timeout_ms: u64,
    pub parallel_syncs: u64,
    pub crashes: bool,
    pub partitions: bool,
    pub pauses: bool,
    pub clock_jumps: bool,
    /// Whether somebody sends what no Sentinel and no node says.
    pub garbage: bool,
    /// Whether operators give orders to nodes and Sentinels.
    pub orders: bool,
}

impl Options {
    pub fn draw(prng: &mut Prng) -> Options {
        let mut pick = |choices: &[u64]| choices[prng.below(choices.len() as u64) as usize];
        let sentinels = pick(&[3, 3, 3, 5]) as usize;
        Options {
            groups: pick(&[1, 1, 2]) as usize,
            nodes: pick(&[2, 3, 3, 4]) as usize,
            sentinels,
            quorum: (pick(&[0, 0, 0, 1]) as usize) + sentinels / 2 + 1,
            latency_ms: pick(&[1, 1, 5, 30, 100]),
            chaos_ms: pick(&[15_000, 30_000, 60_000]),
            fault_every_ms: pick(&[500, 1_500, 4_000]),
            down_after_ms: pick(&[1_000, 2_000, 4_000]),
            failover_timeout_ms: pick(&[3_000, 6_000, 12_000]),
            parallel_syncs: pick(&[1, 1, 3]),
            crashes: pick(&[0, 1, 1]) == 1,
            partitions: pick(&[0, 1, 1]) == 1,
            pauses: pick(&[0, 1]) == 1,
            clock_jumps: pick(&[0, 0, 1]) == 1,
            garbage: pick(&[0, 1]) == 1,
            orders: pick(&[0, 1, 1]) == 1,
        }
    }

    /// The longest that all may need to agree when faults are over: a clock is trusted again, a
    /// master that says it is none is given up, elections fail a few times, and whoever follows the
    /// wrong one is told so.
    pub fn patience_ms(&self) -> u64 {
        90_000 + 4 * self.down_after_ms + 12 * self.failover_timeout_ms
    }

    /// From the kill until a node is a master, if the first election succeeds: silence, a question,
    /// votes, and the order.
    pub fn failover_usual_ms(&self) -> u64 {
        self.down_after_ms + 1_000 + 2_000 + 1_000 + 20 * self.latency_ms
    }

    /// How long it may take at most: a silence and two time-outs, and the ways of what is said.
    ///
    /// That leaves no time for an election that fails, for N4 has everybody wait for two time-outs
    /// before the next. Where one may fail, its pause is added: if messages are on their way for
    /// nearly as long as Sentinels differ in noticing, all may stand at once, each with a vote of
    /// its own; and whoever wants more votes than a majority's loses them to any two who do.
    pub fn failover_max_ms(&self) -> u64 {
        let pause_ms = 2 * self.failover_timeout_ms;
        let failed = match self.quorum > self.sentinels / 2 + 1 {
            true => 3,
            false => u64::from(self.latency_ms >= 30) + u64::from(self.latency_ms >= 100),
        };
        match failed {
            0 => self.down_after_ms + pause_ms + 20 * self.latency_ms,
            failed => self.failover_usual_ms() + failed * (pause_ms + 2_000),
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
