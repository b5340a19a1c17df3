//! Slots that move as a whole from one node to another: what either end of one migration does next.
//!
//! ```text
//!  source   connect ─ copy slots ─ follow the log ─ hold writes ─ send the rest ─┬─ give, let go
//!             │           │              │               │              │   take │
//!  target   hide ─────────┴── receive ───┴───────────────┴──────────────┴────────┴─ own, show
//! ```
//!
//! Until the target takes the slots they are the source's, whatever happens: it forgets the
//! migration and goes on. From then on they are the target's. In between there is one moment at
//! which the source does not know which it is, when its order to take was sent and no answer has
//! come. So the target takes only what it was told to take soon after it last heard of it, and the
//! source holds writes back until that time is over, and then asks. If nobody answers for long it
//! goes on by itself, with an epoch that is beyond what the target can have taken: whoever comes
//! back later is told that the slots are not his.
//!
//! Nothing here knows of sockets or keys: [`Export::task`] says what to do, and the shell tells
//! what came of it.

use crate::flaw::flawed;

#[cfg(test)]
mod tests;

/// The target takes slots only so long after it has confirmed what it was sent last.
pub const TAKE_WITHIN_MS: u64 = 2_000;

/// A target that hears nothing for so long gives up.
pub const SILENCE_MS: u64 = 10_000;

/// How long writes are held before the target is told to take: then the source gives up.
pub const HAND_OVER_MS: u64 = 3_000;

/// How long an unreachable target is asked what became of it, while writes are held.
pub const ASK_MS: u64 = 5_000;

/// How long a source that has started again in a hand-over waits for somebody to claim the slots:
/// the target may still take them for a time, and is waited for as if there had been no restart.
pub const DOUBT_MS: u64 = TAKE_WITHIN_MS + ASK_MS;

/// How long a target may be busy before a migration begins.
pub const BUSY_MS: u64 = 30_000;

/// With so little to be sent writes can be held.
const CAUGHT_UP_BYTES: u64 = 256 << 10;

/// Between two tries.
const RETRY_MS: u64 = 50;

/// Where a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Connecting,
    Copying,
    Following,
    Holding,
    Draining,
    Taking,
    Asking,
    Giving,
    RollingBack,
    Success,
    Failed,
    Cancelled,
}

impl Stage {
    pub fn is_over(self) -> bool {
        matches!(self, Stage::Success | Stage::Failed | Stage::Cancelled)
    }

    /// Whether it can still be called off.
    fn may_be_cancelled(self) -> bool {
        use Stage::{Connecting, Copying, Draining, Following, Holding};
        matches!(self, Connecting | Copying | Following | Holding | Draining)
    }
}

/// What a source is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Reach the target, and have it hide the slots.
    Connect,
    /// Send one more slot as it is now.
    Copy,
    /// Send what the log says of the slots.
    Follow,
    /// Hold writes to the slots.
    Hold,
    /// Send the rest of the log, and have all of it confirmed.
    Drain,
    /// Tell the target to take the slots.
    Take,
    /// Find out whether the target has taken them.
    Ask,
    /// Believe that the slots are the target's, and let writes go.
    Give,
    /// Have the target forget all, and let writes go; first with a new epoch, if it `reclaims`.
    RollBack { reclaims: bool },
    /// Do nothing for so long.
    Wait { ms: u64 },
    /// It is over.
    End,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The target is ready to receive.
    Established,
    /// The target cannot yet.
    Busy,
    /// One slot is sent, and maybe there are more.
    Copied {
        more: bool,
    },
    /// So many bytes of the log were there to be looked at.
    Followed {
        bytes: u64,
    },
    Held,
    /// Everything is confirmed.
    Drained,
    Taken,
    /// The target says that it has not taken the slots, and will not.
    Refused(&'a str),
    /// There is no answer.
    Lost(&'a str),
    Given,
    RolledBack,
}

/// The source's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    stage: Stage,
    began_ms: u64,
    held_ms: u64,
    /// When the target last confirmed something.
    confirmed_ms: u64,
    /// Nothing is done before.
    wait_until_ms: u64,
    reclaims: bool,
    is_cancelled: bool,
    message: String,
    #[cfg(any(test, feature = "flaws"))]
    flaw: Option<crate::flaw::MoveFlaw>,
}

impl Export {
    pub fn new(now_ms: u64) -> Export {
        Export {
            stage: Stage::Connecting,
            began_ms: now_ms,
            held_ms: 0,
            confirmed_ms: now_ms,
            wait_until_ms: 0,
            reclaims: false,
            is_cancelled: false,
            message: String::new(),
            #[cfg(any(test, feature = "flaws"))]
            flaw: None,
        }
    }

    /// The same machine with a mistake.
    #[cfg(any(test, feature = "flaws"))]
    pub fn with_flaw(mut self, flaw: Option<crate::flaw::MoveFlaw>) -> Export {
        self.flaw = flaw;
        self
    }

    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Why it has failed.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Calls it off. Returns false if it is too late for that.
    pub fn cancel(&mut self) -> bool {
        if !self.stage.may_be_cancelled() {
            return false;
        }
        self.is_cancelled = true;
        self.fail("");
        true
    }

    /// Ends it before the target was told to take anything, because the slots are not what they
    /// were. Returns false if it is too late for that.
    pub fn spoil(&mut self, why: &str) -> bool {
        let may = self.stage.may_be_cancelled();
        if may {
            self.fail(why);
        }
        may
    }

    pub fn task(&self, now_ms: u64) -> Task {
        if now_ms < self.wait_until_ms && !self.stage.is_over() {
            let ms = self.wait_until_ms - now_ms;
            return Task::Wait { ms };
        }
        match self.stage {
            Stage::Connecting => Task::Connect,
            Stage::Copying => Task::Copy,
            Stage::Following => Task::Follow,
            Stage::Holding => Task::Hold,
            Stage::Draining => Task::Drain,
            Stage::Taking => Task::Take,
            Stage::Asking => Task::Ask,
            Stage::Giving => Task::Give,
            Stage::RollingBack => Task::RollBack {
                reclaims: self.reclaims,
            },
            Stage::Success | Stage::Failed | Stage::Cancelled => Task::End,
        }
    }

    pub fn note(&mut self, now_ms: u64, event: Event<'_>) {
        self.wait_until_ms = 0;
        match (self.stage, event) {
            (Stage::RollingBack, Event::RolledBack) => {
                self.stage = match self.is_cancelled {
                    true => Stage::Cancelled,
                    false => Stage::Failed,
                }
            }
            (Stage::RollingBack, Event::Lost(_)) => self.wait_until_ms = now_ms + RETRY_MS,
            (Stage::RollingBack | Stage::Success | Stage::Failed | Stage::Cancelled, _) => {}
            (Stage::Connecting, Event::Established) => {
                self.stage = Stage::Copying;
                self.confirmed_ms = now_ms;
            }
            (Stage::Connecting, Event::Busy) if now_ms < self.began_ms + BUSY_MS => {
                self.wait_until_ms = now_ms + RETRY_MS;
            }
            (Stage::Copying, Event::Copied { more }) => {
                self.stage = match more {
                    true => Stage::Copying,
                    false => Stage::Following,
                }
            }
            (Stage::Following, Event::Followed { bytes }) if bytes <= CAUGHT_UP_BYTES => {
                self.stage = match flawed!(self, MoveFlaw::HoldNothing) {
                    true => Stage::Taking,
                    false => Stage::Holding,
                };
                self.confirmed_ms = now_ms;
            }
            (Stage::Following, Event::Followed { .. }) => {}
            (Stage::Holding, Event::Held) => {
                self.stage = match flawed!(self, MoveFlaw::TakeUndrained) {
                    true => Stage::Taking,
                    false => Stage::Draining,
                };
                self.held_ms = now_ms;
            }
            (Stage::Draining, Event::Drained) if now_ms > self.held_ms + HAND_OVER_MS => {
                self.fail("The hand-over took too long");
            }
            (Stage::Draining, Event::Drained) => {
                self.stage = Stage::Taking;
                self.confirmed_ms = now_ms;
            }
            (Stage::Taking | Stage::Asking, event) => self.note_taking(now_ms, event),
            (Stage::Giving, Event::Given) => {
                self.stage = Stage::Success;
                self.message.clear();
            }
            (Stage::Giving, _) => self.wait_until_ms = now_ms + RETRY_MS,
            (_, Event::Refused(why) | Event::Lost(why)) => self.fail(why),
            (_, Event::Busy) => self.fail("The target node is busy"),
            (stage, event) => unreachable!("{event:?} is no answer to {stage:?}"),
        }
    }

    /// As [`Export::note`], while the target may have taken the slots.
    fn note_taking(&mut self, now_ms: u64, event: Event<'_>) {
        match (self.stage, event) {
            // Two that hand slots over to each other are not to meet again and again.
            (Stage::Taking, Event::Busy) if now_ms < self.confirmed_ms + TAKE_WITHIN_MS => {
                self.wait_until_ms = now_ms + 1 + now_ms % RETRY_MS;
            }
            (Stage::Taking | Stage::Asking, Event::Taken) => self.stage = Stage::Giving,
            (Stage::Taking, Event::Lost(why)) if flawed!(self, MoveFlaw::NeverAsk) => {
                self.fail(why);
            }
            (Stage::Taking, Event::Lost(why)) => {
                self.stage = Stage::Asking;
                self.message = why.to_owned();
                // Before that the answer could still become another one.
                self.wait_until_ms = match flawed!(self, MoveFlaw::AskAtOnce) {
                    true => now_ms,
                    false => self.confirmed_ms + TAKE_WITHIN_MS,
                };
            }
            (Stage::Asking, Event::Lost(_)) if now_ms < self.asks_until_ms() => {
                self.wait_until_ms = now_ms + RETRY_MS;
            }
            (Stage::Asking, Event::Lost(why)) => {
                self.reclaims = !flawed!(self, MoveFlaw::NeverReclaim);
                self.fail(why);
            }
            (_, Event::Refused(why)) => self.fail(why),
            (_, Event::Busy) => self.fail("The target node is busy"),
            (stage, event) => unreachable!("{event:?} is no answer to {stage:?}"),
        }
    }

    fn asks_until_ms(&self) -> u64 {
        self.confirmed_ms + TAKE_WITHIN_MS + ASK_MS
    }

    fn fail(&mut self, why: &str) {
        self.stage = Stage::RollingBack;
        self.message = why.to_owned();
        self.wait_until_ms = 0;
    }
}

/// The target's side, from the moment at which the slots are hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// When the source was last answered.
    answered_ms: u64,
    #[cfg(any(test, feature = "flaws"))]
    flaw: Option<crate::flaw::MoveFlaw>,
}

impl Import {
    pub fn new(now_ms: u64) -> Import {
        Import {
            answered_ms: now_ms,
            #[cfg(any(test, feature = "flaws"))]
            flaw: None,
        }
    }

    /// The same machine with a mistake.
    #[cfg(any(test, feature = "flaws"))]
    pub fn with_flaw(mut self, flaw: Option<crate::flaw::MoveFlaw>) -> Import {
        self.flaw = flaw;
        self
    }

    /// What the source has sent is there, and it is told so behind this.
    pub fn note_received(&mut self, now_ms: u64) {
        self.answered_ms = now_ms;
    }

    /// Whether the slots can be taken. If not, they never are.
    pub fn may_take(&self, now_ms: u64) -> bool {
        now_ms <= self.answered_ms + TAKE_WITHIN_MS || flawed!(self, MoveFlaw::TakeAnyTime)
    }

    /// Whether the source is to be thought of as gone.
    pub fn is_forsaken(&self, now_ms: u64) -> bool {
        now_ms > self.answered_ms + SILENCE_MS && !flawed!(self, MoveFlaw::NeverForsake)
    }
}
