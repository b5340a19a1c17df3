//! When a value expires, as the options `EX`, `PX`, `EXAT` and `PXAT` of several commands say it.

use engine::{Args, Error};
use stdx::time::UnixMillis;

/// The unit of an expiry, and what it counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    UnixSeconds,
    UnixMillis,
}

impl Unit {
    /// The unit that an option's name stands for.
    pub fn of_option(word: &[u8]) -> Option<Unit> {
        match word {
            b"EX" => Some(Unit::Seconds),
            b"PX" => Some(Unit::Millis),
            b"EXAT" => Some(Unit::UnixSeconds),
            b"PXAT" => Some(Unit::UnixMillis),
            _ => None,
        }
    }

    /// The moment that `amount` means, or `None` if it cannot be kept.
    pub fn moment(self, amount: i64, now: UnixMillis) -> Option<UnixMillis> {
        let millis = match self {
            Unit::Seconds | Unit::UnixSeconds => amount.checked_mul(1000)?,
            Unit::Millis | Unit::UnixMillis => amount,
        };
        match self {
            Unit::Seconds | Unit::Millis => millis.checked_add(now.0).map(UnixMillis),
            Unit::UnixSeconds | Unit::UnixMillis => Some(UnixMillis(millis)),
        }
    }
}

/// Reads the expiry of a value that is being set. It must be positive.
pub(crate) fn positive(
    args: &mut Args<'_>,
    unit: Unit,
    now: UnixMillis,
) -> Result<UnixMillis, Error> {
    match args.integer()? {
        ..=0 => Err(Error::ExpireTime),
        amount => unit.moment(amount, now).ok_or(Error::ExpireTime),
    }
}
