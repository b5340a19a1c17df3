//! Mistakes that can be switched on.
//!
//! The simulator must notice each of them; a checker that passes everything proves nothing.

#[cfg(any(test, feature = "flaws"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Continue from a place behind the log's end.
    ContinueBeyondEnd,
    /// Continue from a place that is not kept any longer.
    ContinueBeforeStart,
    /// Continue whoever knows the old name, wherever he stands.
    ForgetSecondLimit,
    /// Do not look at the name at all.
    IgnoreHistory,
    /// Go on calling the history by its old name after promotion.
    KeepNameOnPromotion,
    /// Offer the old position again after a copy has begun to replace the data.
    KeepPositionWhileLoading,
    /// Tell readers of this node nothing when its own history changes.
    KeepReplicasOnNewHistory,
    /// Count as confirmed what a replica was sent.
    CountSentAsConfirmed,
    /// Count replicas that have not finished their copy.
    CountUnfinishedReplicas,
    /// Fail over before the target has everything.
    FailOverEarly,
    /// Let a log begin without another name, though changes were not logged before.
    KeepNameOnFreshLog,
    /// Take an empty copy from a primary that has lost its history.
    TrustEmptyPrimary,
    /// Ask again at once, without end, when a link fails.
    ReconnectAtOnce,
    /// Stay silent about a stalled primary.
    NeverTimeOut,
    /// Start the stream where the log ends instead of where the copy was taken.
    FeedFromEnd,
    /// Take a copy, and not the log that came with it.
    LoseCarriedLog,
    /// Let clients wait on when the node is no primary any longer, and count what is confirmed of
    /// another history.
    KeepWaitersOnDemotion,
}

#[cfg(any(test, feature = "flaws"))]
impl Flaw {
    pub const ALL: &[Flaw] = &[
        Flaw::ContinueBeyondEnd,
        Flaw::ContinueBeforeStart,
        Flaw::ForgetSecondLimit,
        Flaw::IgnoreHistory,
        Flaw::KeepNameOnPromotion,
        Flaw::KeepPositionWhileLoading,
        Flaw::KeepReplicasOnNewHistory,
        Flaw::CountSentAsConfirmed,
        Flaw::CountUnfinishedReplicas,
        Flaw::FailOverEarly,
        Flaw::KeepNameOnFreshLog,
        Flaw::TrustEmptyPrimary,
        Flaw::ReconnectAtOnce,
        Flaw::NeverTimeOut,
        Flaw::FeedFromEnd,
        Flaw::LoseCarriedLog,
        Flaw::KeepWaitersOnDemotion,
    ];
}

/// Whether a machine makes a mistake. A product's never does, and does not ask.
macro_rules! flawed {
    ($machine:expr, $flaw:ident) => {{
        #[cfg(any(test, feature = "flaws"))]
        let is_flawed = $machine.flaw == Some(crate::flaw::Flaw::$flaw);
        #[cfg(not(any(test, feature = "flaws")))]
        let is_flawed = false;
        is_flawed
    }};
}

pub(crate) use flawed;
