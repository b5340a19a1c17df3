//! When a value expires, as the options `EX`, `PX`, `EXAT` and `PXAT` of several commands say it.

use engine::{Args, Error};
use stdx::number;
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

/// The moment at which a value that is being set expires. The amount must be positive.
pub(crate) fn positive(amount: &[u8], unit: Unit, now: UnixMillis) -> Result<UnixMillis, Error> {
    match number::parse_i64(amount).ok_or(Error::NotInteger)? {
        ..=0 => Err(Error::ExpireTime),
        amount => unit.moment(amount, now).ok_or(Error::ExpireTime),
    }
}

/// What the options of a command say about an expiry.
///
/// The amount is not looked at until all options are read: a mistake in their syntax comes first.
/// An option may be repeated, and the last amount counts; two different ones exclude each other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stated<'a> {
    kind: Option<Kind>,
    amount: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Keep,
    Persist,
    Until(Unit),
}

impl<'a> Stated<'a> {
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// Takes option `kind`, whose amount, if it has one, is the next word.
    pub fn take(&mut self, kind: Kind, args: &mut Args<'a>) -> Result<(), Error> {
        if let Kind::Until(_) = kind {
            self.amount = args.bytes()?;
        }
        exclusive(&mut self.kind, kind)
    }

    /// The moment that is meant by `unit`, which is the unit of the option that was taken.
    pub fn moment(&self, unit: Unit, now: UnixMillis) -> Result<UnixMillis, Error> {
        positive(self.amount, unit, now)
    }
}

/// Sets an option that excludes others of its kind, though not itself.
pub(crate) fn exclusive<T: PartialEq>(option: &mut Option<T>, value: T) -> Result<(), Error> {
    match option {
        Some(other) if *other != value => Err(Error::Syntax),
        _ => {
            *option = Some(value);
            Ok(())
        }
    }
}
