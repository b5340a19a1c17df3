//! Mistakes that can be switched on.
//!
//! The simulator must notice each of them; a checker that passes everything proves nothing.

#[cfg(any(test, feature = "flaws"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Vote for whoever asks, however often in an epoch.
    VoteTwice,
    /// Send a vote before it is in the file.
    VoteUnsaved,
    /// Vote for the heir of a primary that may still serve by this node's answer.
    VoteAgainstAnswer,
    /// Say that a node has failed when this node alone thinks so.
    FailAlone,
    /// Let a replica with data of any age ask for votes.
    IgnoreDataAge,
    /// Take slots from whoever claims them, whatever the epochs.
    TakeAnyClaim,
    /// Believe strangers' epochs.
    TrustStrangers,
    /// Keep an epoch that another primary has, too.
    KeepCollision,
    /// Serve on while no majority answers.
    ServeMinority,
    /// Do not tell a node that its view of its slots is old.
    NeverUpdate,
    /// Take back a node that was forgotten a moment ago.
    ForgetBlacklist,
    /// Promote without asking for votes.
    PromoteUnelected,
    /// Stop writes for a manual failover and never go on.
    PauseForEver,
    /// Keep the keys of slots that others own now.
    KeepLostKeys,
    /// Ask for votes again at once, without end.
    RetryAtOnce,
}

#[cfg(any(test, feature = "flaws"))]
impl Flaw {
    pub const ALL: &[Flaw] = &[
        Flaw::VoteTwice,
        Flaw::VoteUnsaved,
        Flaw::VoteAgainstAnswer,
        Flaw::FailAlone,
        Flaw::IgnoreDataAge,
        Flaw::TakeAnyClaim,
        Flaw::TrustStrangers,
        Flaw::KeepCollision,
        Flaw::ServeMinority,
        Flaw::NeverUpdate,
        Flaw::ForgetBlacklist,
        Flaw::PromoteUnelected,
        Flaw::PauseForEver,
        Flaw::KeepLostKeys,
        Flaw::RetryAtOnce,
    ];
}

/// Mistakes of [migrations](crate::migration).
#[cfg(any(test, feature = "flaws"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveFlaw {
    /// Have the target take the slots while writes to them go on.
    HoldNothing,
    /// Have the target take the slots before it has what was written last.
    TakeUndrained,
    /// Take slots however late the order comes.
    TakeAnyTime,
    /// Ask whether the slots were taken while they still can be.
    AskAtOnce,
    /// Go on at the source as soon as an answer is missing.
    NeverAsk,
    /// Go on at the source without a greater epoch, though the target may have taken the slots.
    NeverReclaim,
    /// Wait for a silent source for ever.
    NeverForsake,
}

#[cfg(any(test, feature = "flaws"))]
impl MoveFlaw {
    pub const ALL: &[MoveFlaw] = &[
        MoveFlaw::HoldNothing,
        MoveFlaw::TakeUndrained,
        MoveFlaw::TakeAnyTime,
        MoveFlaw::AskAtOnce,
        MoveFlaw::NeverAsk,
        MoveFlaw::NeverReclaim,
        MoveFlaw::NeverForsake,
    ];
}

/// Whether a machine makes a mistake. A product's never does, and does not ask.
macro_rules! flawed {
    ($machine:expr, $kind:ident::$flaw:ident) => {{
        #[cfg(any(test, feature = "flaws"))]
        let is_flawed = $machine.flaw == Some(crate::flaw::$kind::$flaw);
        #[cfg(not(any(test, feature = "flaws")))]
        let is_flawed = false;
        is_flawed
    }};
    ($machine:expr, $flaw:ident) => {{
        #[cfg(any(test, feature = "flaws"))]
        let is_flawed = $machine.flaw == Some(crate::flaw::Flaw::$flaw);
        #[cfg(not(any(test, feature = "flaws")))]
        let is_flawed = false;
        is_flawed
    }};
}

pub(crate) use flawed;
