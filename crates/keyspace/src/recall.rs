//! What entries remember of their use, in 24 bits, for eviction to choose by.
//!
//! ```text
//!   recency     seconds:24                when it was last used
//!   frequency   minutes:16  counter:8     when the counter was last set, and the counter
//! ```
//!
//! The counter grows with the logarithm of the uses: the higher it is, the less likely is a use to
//! add one. It loses one for every `decay_minutes` that pass, so that what was popular once gives
//! way to what is popular now. Both clocks wrap around.

use stdx::prng::Prng;
use stdx::time::UnixMillis;

const SECONDS_MASK: u32 = 0xff_ffff;
const MINUTES_MASK: u32 = 0xffff;
const COUNTER_BITS: u32 = 8;

/// What a counter starts with, so that what is new is not the first to go.
const COUNTER_INITIAL: u8 = 5;

/// Which of the two entries remember.
#[derive(Clone, Debug, Default)]
pub enum Recall {
    #[default]
    Recency,
    Frequency(Frequency),
}

/// How fast a counter of uses grows and shrinks.
#[derive(Clone, Debug)]
pub struct Frequency {
    /// The higher, the more uses it takes to reach the highest count. 0 counts each.
    pub log_factor: u32,
    /// Minutes until an unused counter loses one. 0 is never.
    pub decay_minutes: u32,
    pub chances: Prng,
}

/// What is known about the use of an entry that comes from elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    #[default]
    Unknown,
    IdleSeconds(u64),
    /// The counter of uses.
    Frequency(u8),
}

impl Recall {
    /// What an entry remembers that comes from elsewhere. It counts as made at `now` if the two do
    /// not remember the same.
    pub(crate) fn restored(&self, usage: Usage, now: UnixMillis) -> u32 {
        match (self, usage) {
            (Recall::Recency, Usage::IdleSeconds(idle)) => {
                seconds(now).wrapping_sub(idle.min(u64::from(SECONDS_MASK)) as u32) & SECONDS_MASK
            }
            (Recall::Frequency(_), Usage::Frequency(counter)) => {
                minutes(now) << COUNTER_BITS | u32::from(counter)
            }
            _ => self.created(now),
        }
    }

    /// What an entry remembers that is made at `now`.
    pub(crate) fn created(&self, now: UnixMillis) -> u32 {
        match self {
            Recall::Recency => seconds(now),
            Recall::Frequency(_) => minutes(now) << COUNTER_BITS | u32::from(COUNTER_INITIAL),
        }
    }

    /// What an entry remembers after a use at `now`, if it remembered `access` before.
    #[inline]
    pub(crate) fn used(&mut self, access: u32, now: UnixMillis) -> u32 {
        match self {
            Recall::Recency => seconds(now),
            Recall::Frequency(frequency) => {
                let counter = frequency.decayed(access, now);
                let counter = counter + u8::from(frequency.chance(counter));
                minutes(now) << COUNTER_BITS | u32::from(counter)
            }
        }
    }

    /// Seconds since the last use; 0 if entries remember something else.
    pub fn idle_seconds(&self, access: u32, now: UnixMillis) -> u32 {
        match self {
            Recall::Recency => seconds(now).wrapping_sub(access) & SECONDS_MASK,
            Recall::Frequency(_) => 0,
        }
    }

    /// The counter of uses; 0 if entries remember something else.
    pub fn frequency(&self, access: u32, now: UnixMillis) -> u8 {
        match self {
            Recall::Recency => 0,
            Recall::Frequency(frequency) => frequency.decayed(access, now),
        }
    }
}

impl Frequency {
    fn decayed(&self, access: u32, now: UnixMillis) -> u8 {
        let (set_at, counter) = (access >> COUNTER_BITS, access as u8);
        let elapsed = minutes(now).wrapping_sub(set_at) & MINUTES_MASK;
        let lost = elapsed.checked_div(self.decay_minutes).unwrap_or(0);
        counter.saturating_sub(u8::try_from(lost).unwrap_or(u8::MAX))
    }

    /// Whether this use adds one to `counter`.
    fn chance(&mut self, counter: u8) -> bool {
        if counter == u8::MAX {
            return false;
        }
        let above = u64::from(counter.saturating_sub(COUNTER_INITIAL));
        // One in so many uses.
        let uses = above * u64::from(self.log_factor) + 1;
        self.chances.below(uses) == 0
    }
}

fn seconds(now: UnixMillis) -> u32 {
    (now.0 / 1000) as u32 & SECONDS_MASK
}

fn minutes(now: UnixMillis) -> u32 {
    (now.0 / 60_000) as u32 & MINUTES_MASK
}

#[cfg(test)]
mod tests;
