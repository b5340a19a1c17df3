//! Following a primary: the link, the copy, the stream.
//!
//! ```text
//!   Idle ─▶ Connecting ─▶ Greeting ─▶ Online ◀── +CONTINUE
//!    ▲                       │          ▲
//!    │                       ▼          │
//!    └── any failure ─── Announced ─▶ Copying ─▶ Inspecting ─▶ Loading
//! ```
//!
//! Until a copy is loaded the old data stays, unless it has to give way for it; from that moment on
//! its history has no name any peer knows, and its position is not offered again.

mod copy;
mod greeting;
mod link;

use crate::LinkId;
use crate::flaw::flawed;
use crate::follow::copy::Copy;
use crate::follow::greeting::Greeting;
use crate::identity::ReplicationId;
use crate::input::View;
use crate::machine::{Machine, PERIOD_MS};
use crate::output::{Level, Output};
use crate::report::Role;
use crate::settings::Primary;

/// The longest pause after copies that could not be loaded, or were refused.
const PAUSE_MS_MAX: u64 = 60_000;

#[derive(Debug)]
pub(crate) enum State {
    /// No link; the next attempt is due then.
    Idle {
        retry_ms: u64,
    },
    Connecting,
    Greeting(Greeting),
    /// A copy was announced; its header comes next.
    Announced(Origin, Vec<u8>),
    Copying(Copy),
    /// All of a copy is there, and the shell looks at it.
    Inspecting(Copy),
    Loading(Copy),
    Online,
}

/// Which history a copy is from. An old primary does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(pub Option<(ReplicationId, u64)>);

#[derive(Debug)]
pub(crate) struct Following {
    pub primary: Primary,
    pub state: State,
    pub link: LinkId,
    /// When the link last brought anything, or was begun.
    pub heard_ms: u64,
    /// Since when there has been no stream. Nothing, if there never was one.
    pub down_since_ms: Option<u64>,
    /// Since when there has been a stream.
    pub up_since_ms: Option<u64>,
    /// Whether the data is the history of this node up to the log's end.
    pub resumes: bool,
    /// Whether the operator has just said to follow this primary, whatever it holds.
    pub is_ordered: bool,
    /// Whether an empty primary was refused.
    pub refused_empty: bool,
    /// Copies in a row that could not be loaded, or were refused.
    pub failed_copies: u32,
    /// The primary does not know of positions, and is not acknowledged to.
    pub is_old: bool,
    /// How far the stream has arrived.
    pub read: u64,
    /// This node gives its role to the primary, which is to take it with `PSYNC ... FAILOVER`.
    pub hands_over: bool,
}

impl Following {
    fn of(primary: Primary, resumes: bool, now_ms: u64) -> Following {
        Following {
            primary,
            state: State::Idle { retry_ms: now_ms },
            link: LinkId::default(),
            heard_ms: now_ms,
            down_since_ms: None,
            up_since_ms: None,
            resumes,
            is_ordered: true,
            refused_empty: false,
            failed_copies: 0,
            is_old: false,
            read: 0,
            hands_over: false,
        }
    }

    /// What the configuration says at the start. That is no order to give up data.
    pub(crate) fn restored(primary: Primary, resumes: bool, now_ms: u64) -> Following {
        Following {
            is_ordered: false,
            ..Following::of(primary, resumes, now_ms)
        }
    }

    pub(crate) fn is_online(&self) -> bool {
        matches!(self.state, State::Online)
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        match self.state {
            State::Idle { retry_ms } => Some(retry_ms),
            _ => None,
        }
    }

    fn name(&self) -> String {
        format!("{}:{}", self.primary.host, self.primary.port)
    }
}

impl Machine {
    pub(crate) fn replica_of(
        &mut self,
        view: &View,
        primary: Option<Primary>,
        by: &str,
        out: &mut Vec<Output>,
    ) {
        if self.refuses_replica_of().is_some() {
            return;
        }
        match primary {
            Some(primary) => self.follow(view, primary, by, out),
            None if self.following.is_some() => {
                self.promote(view, &format!("user request from '{by}'"), out);
            }
            None => {}
        }
    }

    fn follow(&mut self, view: &View, primary: Primary, by: &str, out: &mut Vec<Output>) {
        if let Some(following) = &mut self.following
            && following.primary == primary
        {
            // Said twice, it is an order: take what the primary has, even if that is nothing.
            following.is_ordered |= !following.is_online();
            if let State::Idle { retry_ms } = &mut following.state {
                *retry_ms = view.now_ms;
            }
            let line = format!("REPLICAOF: this node follows {} already", following.name());
            self.log(Level::Notice, line, out);
            return;
        }
        let name = format!("{}:{}", primary.host, primary.port);
        self.turn_to(view, primary, false, out);
        let line = format!("REPLICAOF {name} enabled (user request from '{by}')");
        self.log(Level::Notice, line, out);
    }

    /// Follows another primary from where this node is.
    pub(crate) fn turn_to(
        &mut self,
        view: &View,
        primary: Primary,
        hands_over: bool,
        out: &mut Vec<Output>,
    ) {
        let resumes = match self.following.take() {
            Some(mut old) => {
                self.close_link(&mut old, out);
                old.resumes
            }
            None => {
                let line = "Before turning into a replica, using my own master parameters to \
                            synthesize a cached master: I may be able to synchronize with the \
                            new master with just a partial transfer.";
                self.log(Level::Notice, line, out);
                if !flawed!(self, KeepWaitersOnDemotion) {
                    self.dismiss_waiters(out);
                }
                true
            }
        };
        let mut following = Following::of(primary.clone(), resumes, view.now_ms);
        following.hands_over = hands_over;
        following.is_ordered = !hands_over;
        self.following = Some(following);
        out.push(Output::Become(Role::Replica));
        let primary = Some(primary);
        out.push(Output::Remember { primary });
        self.advance_following(view, out);
    }

    /// Follows nobody, with the data as it is.
    pub(crate) fn promote(&mut self, view: &View, by: &str, out: &mut Vec<Output>) {
        let Some(mut old) = self.following.take() else {
            return;
        };
        self.close_link(&mut old, out);
        self.log(
            Level::Notice,
            "Discarding previously cached master state.",
            out,
        );
        self.rename_history(view, out);
        if !self.keeps_log {
            // The past is in no log, and nobody can have read it here.
            self.history.second = None;
        }
        self.log(Level::Notice, format!("MASTER MODE enabled ({by})"), out);
        out.push(Output::Become(Role::Primary));
        out.push(Output::Remember { primary: None });
    }

    fn close_link(&mut self, following: &mut Following, out: &mut Vec<Output>) {
        if !matches!(following.state, State::Idle { .. }) {
            let link = following.link;
            out.push(Output::CloseLink { link });
        }
        if following.is_online() {
            self.log(Level::Warning, "Connection with master lost.", out);
            self.log(Level::Notice, "Caching the disconnected master state.", out);
        }
    }

    /// Begins a link when it is time.
    pub(crate) fn advance_following(&mut self, view: &View, out: &mut Vec<Output>) {
        let Some(following) = &mut self.following else {
            return;
        };
        let State::Idle { retry_ms } = following.state else {
            return;
        };
        if view.now_ms < retry_ms {
            return;
        }
        self.links_made += 1;
        following.link = LinkId(self.links_made);
        following.state = State::Connecting;
        following.heard_ms = view.now_ms;
        let (link, primary) = (following.link, following.primary.clone());
        let line = format!("Connecting to MASTER {}", following.name());
        self.log(Level::Notice, line, out);
        out.push(Output::Connect { link, primary });
        self.log(Level::Notice, "MASTER <-> REPLICA sync started", out);
    }

    /// Time-outs, acknowledgements, and a sign of life while a copy is loaded.
    pub(crate) fn look_after_primary(&mut self, view: &View, out: &mut Vec<Output>) {
        let timeout_ms = self.settings.timeout_ms;
        let Some(following) = &self.following else {
            return;
        };
        let link = following.link;
        let is_late = view.now_ms.saturating_sub(following.heard_ms) > timeout_ms;
        let is_late = is_late && !flawed!(self, NeverTimeOut);
        match following.state {
            State::Idle { .. } | State::Inspecting(_) => {}
            State::Loading(_) => {
                let bytes = b"\n".to_vec();
                out.push(Output::SendPrimary { link, bytes });
            }
            State::Online if is_late => {
                let line = "MASTER timeout: no data nor PING received...";
                self.log(Level::Warning, line, out);
                self.break_link(view, out);
            }
            State::Online => self.acknowledge_primary(view.log.end, out),
            State::Copying(_) if is_late => {
                let line = "Timeout receiving bulk data from MASTER... If this goes on, set \
                            'repl-timeout' to a larger value.";
                self.log(Level::Warning, line, out);
                self.break_link(view, out);
            }
            State::Connecting | State::Greeting(_) | State::Announced(..) if is_late => {
                self.log(Level::Warning, "Timeout connecting to the MASTER...", out);
                self.break_link(view, out);
            }
            State::Connecting | State::Greeting(_) | State::Announced(..) | State::Copying(_) => {}
        }
    }

    pub(crate) fn acknowledge_primary(&self, offset: u64, out: &mut Vec<Output>) {
        let Some(following) = self
            .following
            .as_ref()
            .filter(|following| !following.is_old)
        else {
            return;
        };
        let mut bytes = Vec::new();
        let offset = offset.to_string();
        resp::reply::write_request(&mut bytes, &["REPLCONF", "ACK", &offset]);
        let link = following.link;
        out.push(Output::SendPrimary { link, bytes });
    }

    /// Ends the link from this side; the next attempt follows.
    pub(crate) fn break_link(&mut self, view: &View, out: &mut Vec<Output>) {
        if let Some(following) = &self.following {
            let link = following.link;
            out.push(Output::CloseLink { link });
            self.lose_link(view, out);
        }
    }

    /// The link is gone. A stream that has lasted is taken up again at once.
    pub(crate) fn lose_link(&mut self, view: &View, out: &mut Vec<Output>) {
        let at_once = flawed!(self, ReconnectAtOnce);
        let Some(following) = &mut self.following else {
            return;
        };
        let was_online = following.is_online();
        let lasted_ms = following
            .up_since_ms
            .map(|since| view.now_ms.saturating_sub(since));
        if lasted_ms.is_some_and(|lasted_ms| lasted_ms >= PAUSE_MS_MAX) {
            following.failed_copies = 0;
        }
        let had_lasted = lasted_ms.is_some_and(|lasted_ms| lasted_ms >= PERIOD_MS);
        let pause_ms = match following.failed_copies {
            _ if at_once => 0,
            0 if was_online && had_lasted => 0,
            0 => PERIOD_MS,
            failed => (PERIOD_MS << failed.min(6)).min(PAUSE_MS_MAX),
        };
        let retry_ms = view.now_ms + pause_ms;
        following.state = State::Idle { retry_ms };
        following.up_since_ms = None;
        if was_online {
            following.down_since_ms = Some(view.now_ms);
            let line = format!("Reconnecting to MASTER {}", following.name());
            self.log(Level::Warning, "Connection with master lost.", out);
            self.log(Level::Notice, "Caching the disconnected master state.", out);
            self.log(Level::Notice, line, out);
        }
    }
}
