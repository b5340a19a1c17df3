//! Mistakes that can be switched on.
//!
//! The simulator must notice each of them; a checker that passes everything proves nothing.

#[cfg(any(test, feature = "flaws"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Vote in an epoch that was voted in already.
    VoteTwice,
    /// Keep no vote in the file, so that it is forgotten by the next life.
    ForgetVote,
    /// Fail over with the votes of fewer than half.
    IgnoreMajority,
    /// Begin a failover on this Sentinel's word alone.
    IgnoreQuorum,
    /// Believe any hello, however old its configuration is.
    TakeOlderConfiguration,
    /// Act though the clock cannot be trusted.
    ActInTilt,
    /// Begin the next failover without waiting.
    RetryAtOnce,
    /// Leave the old primary alone when it comes back.
    LeaveOldPrimary,
    /// Leave replicas that follow somebody else where they are.
    LeaveStrayReplicas,
    /// Do not tell peers of the outcome.
    KeepOutcomeSecret,
}

#[cfg(any(test, feature = "flaws"))]
impl Flaw {
    pub const ALL: &[Flaw] = &[
        Flaw::VoteTwice,
        Flaw::ForgetVote,
        Flaw::IgnoreMajority,
        Flaw::IgnoreQuorum,
        Flaw::TakeOlderConfiguration,
        Flaw::ActInTilt,
        Flaw::RetryAtOnce,
        Flaw::LeaveOldPrimary,
        Flaw::LeaveStrayReplicas,
        Flaw::KeepOutcomeSecret,
    ];
}

/// Whether a machine makes a mistake. A product's never does, and does not ask.
macro_rules! flawed {
    ($core:expr, $flaw:ident) => {{
        #[cfg(any(test, feature = "flaws"))]
        let is_flawed = $core.flaw == Some(crate::flaw::Flaw::$flaw);
        #[cfg(not(any(test, feature = "flaws")))]
        let is_flawed = {
            let _ = &$core;
            false
        };
        is_flawed
    }};
}

pub(crate) use flawed;
