//! Units of time that cannot be mistaken for each other. No clock: whoever has one makes these.
//!
//! Arithmetic saturates, so a deadline centuries away is merely the last one there is.

use std::ops::{Add, AddAssign, Sub};

/// A moment: milliseconds since 1970-01-01 UTC, before it if negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

/// A moment: microseconds since 1970-01-01 UTC, before it if negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMicros(pub i64);

/// A span of milliseconds, backwards if negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl UnixMillis {
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Whole seconds, rounded towards the past.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    pub const fn micros(self) -> UnixMicros {
        UnixMicros(self.0.saturating_mul(1_000))
    }
}

impl UnixMicros {
    /// Whole milliseconds, rounded towards the past.
    pub const fn millis(self) -> UnixMillis {
        UnixMillis(self.0.div_euclid(1_000))
    }
}

impl Millis {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Whole seconds, rounded towards the past.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

impl Add<Millis> for UnixMillis {
    type Output = Self;

    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Millis> for UnixMillis {
    fn add_assign(&mut self, span: Millis) {
        *self = *self + span;
    }
}

impl Sub<Millis> for UnixMillis {
    type Output = Self;

    fn sub(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// How long after `earlier` this is.
impl Sub for UnixMillis {
    type Output = Millis;

    fn sub(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Millis> for UnixMicros {
    type Output = Self;

    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0.saturating_mul(1_000)))
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Millis {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_convert() {
        assert_eq!(UnixMillis::from_seconds(2), UnixMillis(2_000));
        assert_eq!(UnixMillis(1_999).seconds(), 1);
        assert_eq!(UnixMillis(-1).seconds(), -1);
        assert_eq!(UnixMillis(3).micros(), UnixMicros(3_000));
        assert_eq!(UnixMicros(3_999).millis(), UnixMillis(3));
        assert_eq!(Millis::from_seconds(1).seconds(), 1);
    }

    #[test]
    fn arithmetic_saturates() {
        let mut now = UnixMillis(10);
        now += Millis(5);
        assert_eq!(now - UnixMillis(3), Millis(12));
        assert_eq!(now - Millis(20), UnixMillis(-5));
        assert_eq!(now + Millis::MAX, UnixMillis::MAX);
        assert_eq!(UnixMillis::MIN - Millis(1), UnixMillis::MIN);
        assert_eq!(UnixMicros(1) + Millis::MAX, UnixMicros(i64::MAX));
        assert_eq!(UnixMillis::from_seconds(i64::MAX), UnixMillis::MAX);
        assert_eq!(Millis(1) + Millis(2) - Millis(4), Millis(-1));
    }
}
