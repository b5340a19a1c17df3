//! What a replica asks for: `REPLCONF`, `PSYNC`, `SYNC`.

use stdx::number::parse_i64;
use stdx::text::split_words;

use crate::PeerId;
use crate::flaw::flawed;
use crate::frames;
use crate::identity::ReplicationId;
use crate::input::View;
use crate::machine::Machine;
use crate::output::{Counter, Level, Output, Parts};
use crate::serve::{Replica, Stage};

/// The longest address a replica may announce.
const IP_BYTES_MAX: usize = 45;

const SYNTAX: &str = "ERR syntax error";
const NO_INTEGER: &str = "ERR value is not an integer or out of range";
const NO_LINK: &str = "NOMASTERLINK Can't SYNC while not connected with my master";
const OWES: &str = "ERR SYNC and PSYNC are invalid with pending output";

/// Where a request comes from, and whether earlier replies are still to be sent.
type Arrival<'a> = (&'a str, bool);

enum Said {
    /// The peer is told `OK`.
    Noted,
    /// The peer is told nothing, and the rest is not looked at.
    Silent,
    /// It has said what no replica can say.
    Absurd,
}

impl Machine {
    pub(crate) fn replconf(
        &mut self,
        view: &View,
        peer: PeerId,
        words: &[&[u8]],
        out: &mut Vec<Output>,
    ) {
        if words.len() % 2 == 1 {
            return self.answer_replconf(peer, Err(SYNTAX.to_owned()), out);
        }
        for (index, pair) in words.chunks_exact(2).enumerate() {
            let rest = &words[index * 2..];
            match self.replconf_option(view, peer, (pair[0], pair[1]), rest, out) {
                Ok(Said::Noted) => {}
                Ok(Said::Silent) => return,
                Ok(Said::Absurd) => return self.drop_replica(peer, out),
                Err(error) => return self.answer_replconf(peer, Err(error), out),
            }
        }
        self.answer_replconf(peer, Ok("OK"), out);
    }

    /// A replica only acknowledges. Were anything else answered, the answer would stand in the
    /// stream.
    fn answer_replconf(
        &mut self,
        peer: PeerId,
        answer: Result<&str, String>,
        out: &mut Vec<Output>,
    ) {
        if !self.is_replica(peer) {
            return self.answer(peer, answer, out);
        }
        let name = self.replicas[&peer].name();
        let line =
            format!("Replica {name} generated a reply to command 'replconf', disconnecting it");
        self.log(Level::Warning, line, out);
        self.drop_replica(peer, out);
    }

    fn replconf_option(
        &mut self,
        view: &View,
        peer: PeerId,
        (name, value): (&[u8], &[u8]),
        rest: &[&[u8]],
        out: &mut Vec<Output>,
    ) -> Result<Said, String> {
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        if is("ack") {
            return Ok(self.acknowledge(view, peer, rest, out));
        }
        if is("getack") {
            // Only a primary asks, and its link is no session of clients.
            return Ok(Said::Silent);
        }
        let replica = self
            .replicas
            .entry(peer)
            .or_insert_with(|| Replica::of(view.now_ms));
        if is("listening-port") {
            replica.port = parse_i64(value).ok_or(NO_INTEGER)?;
        } else if is("ip-address") {
            if value.len() > IP_BYTES_MAX {
                return Err(format!(
                    "ERR REPLCONF ip-address provided by replica instance is too long: {} bytes",
                    value.len()
                ));
            }
            replica.announced_ip = Some(String::from_utf8_lossy(value).into_owned());
        } else if is("capa") {
            if value.eq_ignore_ascii_case(b"eof") {
                replica.can_eof = true;
            } else if value.eq_ignore_ascii_case(b"psync2") {
                replica.can_psync2 = true;
            } else if value.eq_ignore_ascii_case(frames::CAPABILITY.as_bytes()) {
                replica.can_carry = true;
            }
        } else if is("rdb-only") {
            replica.rdb_only = match parse_i64(value).ok_or(NO_INTEGER)? {
                0 => false,
                1 => true,
                _ => return Err("ERR value is out of range, value must between 0 and 1".to_owned()),
            };
        } else if is("rdb-filter-only") {
            replica.parts = parse_filter(value)?;
        } else if is("version") {
            // Later versions say theirs; nothing that is sent depends on it.
        } else {
            let name = String::from_utf8_lossy(&name[..name.len().min(128)]).into_owned();
            return Err(format!("ERR Unrecognized REPLCONF option: {name}"));
        }
        Ok(Said::Noted)
    }

    /// `ACK <offset> [FACK <offset>]`: how far a replica is, and how far on its disk.
    fn acknowledge(
        &mut self,
        view: &View,
        peer: PeerId,
        rest: &[&[u8]],
        out: &mut Vec<Output>,
    ) -> Said {
        let Some(replica) = self.replicas.get_mut(&peer) else {
            return Said::Silent;
        };
        let Stage::Online { is_fed } = replica.stage else {
            return Said::Silent;
        };
        let Some(offset) = parse_i64(rest[1]).and_then(|offset| u64::try_from(offset).ok()) else {
            return Said::Silent;
        };
        if offset > view.log.end {
            let name = replica.name();
            let line = format!(
                "Replica {name} confirmed offset {offset}, which is beyond the end {}. \
                 Closing its connection",
                view.log.end
            );
            self.log(Level::Warning, line, out);
            return Said::Absurd;
        }
        replica.acked = replica.acked.max(offset);
        replica.has_acked = true;
        replica.acked_ms = view.now_ms;
        if let [_, _, fack, fsynced, ..] = rest
            && fack.eq_ignore_ascii_case(b"fack")
            && let Some(fsynced) = parse_i64(fsynced).and_then(|at| u64::try_from(at).ok())
        {
            replica.fsynced = replica.fsynced.max(fsynced.min(offset));
        }
        if !is_fed {
            replica.stage = Stage::Online { is_fed: true };
            out.push(Output::Feed { peer });
        }
        Said::Silent
    }

    pub(crate) fn psync(
        &mut self,
        view: &View,
        peer: PeerId,
        words: &[&[u8]],
        arrival: Arrival<'_>,
        out: &mut Vec<Output>,
    ) {
        if self.is_replica(peer) {
            return;
        }
        let &[id, position, ..] = words else {
            let error = "ERR wrong number of arguments for 'psync' command".to_owned();
            return self.answer(peer, Err(error), out);
        };
        let asked = ReplicationId::parse(id);
        let takes_over = words.len() == 3 && words[2].eq_ignore_ascii_case(b"failover");
        if takes_over && let Err(error) = self.take_over(view, asked, arrival.0, out) {
            return self.answer(peer, Err(error), out);
        }
        if let Err(error) = self.may_sync(arrival) {
            return self.answer(peer, Err(error), out);
        }
        self.note_request(view, peer, arrival.0, out);
        let Some(position) = parse_i64(position) else {
            let name = self.replicas[&peer].name();
            let line = format!("Replica {name} asks for synchronization but with a wrong offset");
            self.log(Level::Warning, line, out);
            return self.answer(peer, Err(NO_INTEGER.to_owned()), out);
        };
        if self.may_continue(view, peer, asked, position, out) {
            self.continue_replica(view, peer, position as u64 - 1, out);
            return;
        }
        if asked.is_some() {
            self.count(Counter::PartialRefused, out);
        } else {
            let line = format!(
                "Full resync requested by replica {}",
                self.replicas[&peer].name()
            );
            self.log(Level::Notice, line, out);
        }
        self.full_sync(view, peer, out);
    }

    pub(crate) fn sync(
        &mut self,
        view: &View,
        peer: PeerId,
        arrival: Arrival<'_>,
        out: &mut Vec<Output>,
    ) {
        if self.is_replica(peer) {
            return;
        }
        if let Err(error) = self.may_sync(arrival) {
            return self.answer(peer, Err(error), out);
        }
        self.note_request(view, peer, arrival.0, out);
        let replica = self.replicas.get_mut(&peer).expect("the request was noted");
        replica.is_silent = true;
        self.full_sync(view, peer, out);
    }

    fn is_replica(&self, peer: PeerId) -> bool {
        self.replicas.get(&peer).is_some_and(Replica::is_listed)
    }

    fn may_sync(&self, (_, owes_replies): Arrival<'_>) -> Result<(), String> {
        let has_link = self
            .following
            .as_ref()
            .is_none_or(|following| following.is_online());
        match (has_link, owes_replies) {
            (false, _) => Err(NO_LINK.to_owned()),
            (true, true) => Err(OWES.to_owned()),
            (true, false) => Ok(()),
        }
    }

    fn note_request(&mut self, view: &View, peer: PeerId, address: &str, out: &mut Vec<Output>) {
        let replica = self
            .replicas
            .entry(peer)
            .or_insert_with(|| Replica::of(view.now_ms));
        replica.address = address.to_owned();
        replica.since_ms = view.now_ms;
        let line = format!("Replica {} asks for synchronization", replica.name());
        self.log(Level::Notice, line, out);
    }

    /// Whether the log can go on at `position`, and is the past that the replica knows.
    fn may_continue(
        &self,
        view: &View,
        peer: PeerId,
        asked: Option<ReplicationId>,
        position: i64,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(asked) = asked else {
            return false;
        };
        let name = self.replicas[&peer].name();
        let place = u64::try_from(position).unwrap_or(0);
        let known = match self.history.second {
            Some(second) if flawed!(self, ForgetSecondLimit) && second.id == asked => true,
            _ => self.history.tells(asked, place) || flawed!(self, IgnoreHistory),
        };
        if !known {
            let line = match self.history.second {
                Some(second) if second.id == asked => format!(
                    "Partial resynchronization not accepted: Requested offset for second ID was \
                     {position}, but I can reply up to {}",
                    second.limit
                ),
                second => format!(
                    "Partial resynchronization not accepted: Replication ID mismatch (Replica \
                     asked for '{asked}', my replication IDs are '{}' and '{}')",
                    self.history.id,
                    second.map_or(ReplicationId::NONE, |second| second.id)
                ),
            };
            self.log(Level::Notice, line, out);
            return false;
        }
        let (mut first, mut last) = (view.log.start + 1, view.log.end + 1);
        if flawed!(self, ContinueBeforeStart) {
            first = 1;
        }
        if flawed!(self, ContinueBeyondEnd) {
            last = u64::MAX;
        }
        if self.keeps_log && (first..=last).contains(&place) {
            return true;
        }
        let line = format!(
            "Unable to partial resync with replica {name} for lack of backlog \
             (Replica request was: {position})."
        );
        self.log(Level::Notice, line, out);
        if place > last {
            let line = format!(
                "Warning: replica {name} tried to PSYNC with an offset that is greater than \
                 the master replication offset."
            );
            self.log(Level::Warning, line, out);
        }
        false
    }

    fn continue_replica(&mut self, view: &View, peer: PeerId, from: u64, out: &mut Vec<Output>) {
        // Only a flawed machine starts outside of what is kept.
        let from = from.clamp(view.log.start, view.log.end);
        let id = self.history.id;
        let replica = self.replicas.get_mut(&peer).expect("the request was noted");
        replica.stage = Stage::Online { is_fed: true };
        (replica.sent, replica.acked_ms) = (from, view.now_ms);
        let bytes = match replica.can_psync2 {
            true => format!("+CONTINUE {id}\r\n").into_bytes(),
            false => b"+CONTINUE\r\n".to_vec(),
        };
        let line = format!(
            "Partial resynchronization request from {} accepted. Sending {} bytes of backlog \
             starting from offset {}.",
            replica.name(),
            view.log.end - from,
            from + 1
        );
        self.count(Counter::PartialSync, out);
        out.push(Output::Enlist { peer });
        out.push(Output::Send { peer, bytes });
        out.push(Output::Hold { peer, from });
        out.push(Output::Feed { peer });
        self.log(Level::Notice, line, out);
    }

    fn full_sync(&mut self, view: &View, peer: PeerId, out: &mut Vec<Output>) {
        let replica = self.replicas.get_mut(&peer).expect("the request was noted");
        if replica.parts != Parts::ALL && !replica.can_eof {
            let error = "ERR Filtered replica requires EOF capability".to_owned();
            return self.answer(peer, Err(error), out);
        }
        let since_ms = view.now_ms;
        replica.stage = Stage::Waiting { since_ms };
        let delayed = self.settings.diskless_sync && replica.can_eof;
        let paused_until_ms = self.overflows.allowed_ms(&replica.name());
        let name = replica.name();
        self.count(Counter::FullSync, out);
        out.push(Output::Enlist { peer });
        self.keep_log(out);
        if paused_until_ms > view.now_ms {
            let seconds = (paused_until_ms - view.now_ms).div_ceil(1000);
            let line = format!(
                "Replica {name} read too slowly. Its next full copy begins in {seconds} seconds"
            );
            self.log(Level::Warning, line, out);
        } else if self.snapshot.is_none() && delayed {
            self.log(Level::Notice, "Delay next BGSAVE for diskless SYNC", out);
        }
        self.join_snapshot(view, peer, out);
    }

    pub(crate) fn answer(&self, peer: PeerId, answer: Result<&str, String>, out: &mut Vec<Output>) {
        let bytes = match answer {
            Ok(text) => format!("+{text}\r\n"),
            Err(error) => format!("-{}\r\n", error.replace(['\r', '\n', '\0'], " ")),
        };
        let bytes = bytes.into_bytes();
        out.push(Output::Send { peer, bytes });
    }
}

/// The parts that `rdb-filter-only` names. Without a name there are no keys and no functions.
fn parse_filter(value: &[u8]) -> Result<Parts, String> {
    let words = split_words(value).map_err(|_| "ERR Missing rdb-filter-only values")?;
    let mut parts = Parts {
        keys: false,
        functions: false,
    };
    for word in words {
        if !word.eq_ignore_ascii_case(b"functions") {
            let word = String::from_utf8_lossy(&word);
            return Err(format!("ERR Unsupported rdb-filter-only option: {word}"));
        }
        parts.functions = true;
    }
    Ok(parts)
}
