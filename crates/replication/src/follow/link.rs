//! What happens on the link to the primary.

use crate::LinkId;
use crate::flaw::flawed;
use crate::follow::greeting::Greeting;
use crate::follow::{Following, State};
use crate::input::View;
use crate::machine::Machine;
use crate::output::{Level, Output};

impl Machine {
    /// The primary, if `link` is the one that stands.
    pub(crate) fn linked(&mut self, link: LinkId) -> Option<&mut Following> {
        let is_idle = |following: &Following| matches!(following.state, State::Idle { .. });
        self.following
            .as_mut()
            .filter(|following| following.link == link && !is_idle(following))
    }

    pub(crate) fn connected(&mut self, view: &View, link: LinkId, out: &mut Vec<Output>) {
        let Some(following) = self.linked(link) else {
            return;
        };
        if !matches!(following.state, State::Connecting) {
            return;
        }
        following.heard_ms = view.now_ms;
        following.state = State::Greeting(Greeting::default());
        let line = "Non blocking connect for SYNC fired the event.";
        self.log(Level::Notice, line, out);
        let bytes = b"*1\r\n$4\r\nPING\r\n".to_vec();
        out.push(Output::SendPrimary { link, bytes });
    }

    pub(crate) fn link_lost(
        &mut self,
        view: &View,
        link: LinkId,
        why: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(following) = self.linked(link) else {
            return;
        };
        let line = match following.state {
            State::Idle { .. } | State::Online => None,
            State::Connecting => Some(format!("Error condition on socket for SYNC: {why}")),
            State::Greeting(_) | State::Announced(..) => Some(format!(
                "Master did not respond to command during SYNC handshake: {why}"
            )),
            State::Copying(_) | State::Inspecting(_) | State::Loading(_) => {
                Some(format!("I/O error trying to sync with MASTER: {why}"))
            }
        };
        if let Some(line) = line {
            self.log(Level::Warning, line, out);
        }
        // What the shell still does for this link is called off.
        out.push(Output::CloseLink { link });
        self.lose_link(view, out);
    }

    pub(crate) fn take_from_primary(
        &mut self,
        view: &View,
        link: LinkId,
        bytes: &[u8],
        out: &mut Vec<Output>,
    ) {
        let mut at = 0;
        while at < bytes.len() {
            let Some(following) = self.linked(link) else {
                return;
            };
            following.heard_ms = view.now_ms;
            let rest = &bytes[at..];
            at += match following.state {
                // Nothing is read before the link stands, and the shell does not read on then.
                State::Idle { .. } | State::Connecting => return,
                State::Greeting(_) | State::Announced(..) => self.line(view, link, rest, out),
                State::Copying(_) => self.copy_bytes(view, link, at, rest, out),
                // The stream follows the copy directly; it is applied once that is loaded.
                State::Inspecting(_) | State::Loading(_) | State::Online => {
                    following.read += rest.len() as u64;
                    let range = at..bytes.len();
                    out.push(Output::Stream { link, range });
                    rest.len()
                }
            };
        }
    }

    pub(crate) fn applied(
        &mut self,
        view: &View,
        link: LinkId,
        ack_asked: Option<u64>,
        out: &mut Vec<Output>,
    ) {
        let is_online = self
            .linked(link)
            .is_some_and(|following| following.is_online());
        if let Some(offset) = ack_asked.filter(|_| is_online) {
            self.acknowledge_primary(offset.min(view.log.end), out);
        }
    }

    pub(crate) fn corrupt(&mut self, view: &View, link: LinkId, what: &str, out: &mut Vec<Output>) {
        let Some(following) = self.linked(link) else {
            return;
        };
        // What was applied may already be something else than the primary meant.
        following.resumes = false;
        following.failed_copies += 1;
        let line = format!(
            "WARNING: the stream of the primary is corrupt ({what}). Closing the link and \
             discarding the position in it"
        );
        self.log(Level::Warning, line, out);
        self.break_link(view, out);
    }

    /// The stream goes on from the end of this node's log.
    pub(crate) fn go_online(&mut self, view: &View, end: u64) {
        let keeps_position = flawed!(self, KeepPositionWhileLoading);
        if let Some(following) = &mut self.following {
            following.state = State::Online;
            following.up_since_ms = Some(view.now_ms);
            following.down_since_ms = None;
            following.heard_ms = view.now_ms;
            following.resumes = !following.is_old || keeps_position;
            following.is_ordered = false;
            following.refused_empty = false;
            following.read = following.read.max(end);
        }
    }
}
