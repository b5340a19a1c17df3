//! A full copy of the primary's data, on its way in.

use crate::LinkId;
use crate::flaw::flawed;
use crate::follow::greeting::show;
use crate::follow::{Origin, State};
use crate::frames::{self, Content, Frames};
use crate::identity::History;
use crate::input::{Loaded, View};
use crate::machine::Machine;
use crate::output::{Level, Output, Way};
use config::DisklessLoad;

pub(crate) const MARK_LEN: usize = 40;

/// What stands in front of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Sized(u64),
    Marked([u8; MARK_LEN]),
    /// The log of the meantime comes with it.
    WithLog,
    Refused,
    Unknown,
}

impl Header {
    pub fn parse(line: &[u8]) -> Header {
        if line == frames::LINE.as_bytes() {
            return Header::WithLog;
        }
        let Some(text) = line.strip_prefix(b"$") else {
            return match line.first() {
                Some(b'-') => Header::Refused,
                _ => Header::Unknown,
            };
        };
        if let Some(mark) = text.strip_prefix(b"EOF:") {
            return mark.try_into().map_or(Header::Unknown, Header::Marked);
        }
        let len = stdx::number::parse_i64(text).and_then(|len| u64::try_from(len).ok());
        len.map_or(Header::Unknown, Header::Sized)
    }
}

#[derive(Debug)]
pub(crate) struct Copy {
    pub origin: Origin,
    pub way: Way,
    form: Form,
    /// Bytes that have arrived.
    pub read: u64,
}

#[derive(Debug)]
enum Form {
    Sized {
        len: u64,
    },
    Marked {
        mark: [u8; MARK_LEN],
        recent: Vec<u8>,
    },
    WithLog(Frames),
}

/// Bytes off the front of what has arrived.
enum Taken {
    /// So many of the copy, and whether that is its end.
    Copy(usize, bool),
    /// Of the log that comes with it.
    Log(usize),
    /// Only what holds it together.
    Between(usize),
    /// The same, and nothing of the copy comes behind it.
    End(usize),
}

impl Copy {
    /// The bytes it will have, if that is known.
    pub fn len(&self) -> Option<u64> {
        match self.form {
            Form::Sized { len } => Some(len),
            Form::Marked { .. } | Form::WithLog(_) => None,
        }
    }

    /// Takes bytes of one kind.
    fn take(&mut self, bytes: &[u8]) -> Result<Taken, &'static str> {
        let (taken, ends) = match &mut self.form {
            Form::Sized { len } => {
                let left = usize::try_from(*len - self.read).unwrap_or(usize::MAX);
                let taken = left.min(bytes.len());
                (taken, taken == left)
            }
            Form::Marked { mark, recent } => take_marked(mark, recent, bytes),
            Form::WithLog(frames) => match frames.take(bytes)? {
                (taken, Content::Snapshot) => (taken, false),
                (taken, Content::Log) => return Ok(Taken::Log(taken)),
                (taken, Content::Head) => return Ok(Taken::Between(taken)),
                (taken, Content::End) => return Ok(Taken::End(taken)),
            },
        };
        self.read += taken as u64;
        Ok(Taken::Copy(taken, ends))
    }
}

/// Looks for the mark in what came last and what comes now.
fn take_marked(mark: &[u8; MARK_LEN], recent: &mut Vec<u8>, bytes: &[u8]) -> (usize, bool) {
    let kept = recent.len();
    recent.extend_from_slice(&bytes[..bytes.len().min(MARK_LEN - 1)]);
    if let Some(at) = memchr::memmem::find(recent, mark) {
        return (at + MARK_LEN - kept, true);
    }
    if let Some(at) = memchr::memmem::find(bytes, mark) {
        return (at + MARK_LEN, true);
    }
    if bytes.len() >= MARK_LEN - 1 {
        recent.clear();
        recent.extend_from_slice(&bytes[bytes.len() - (MARK_LEN - 1)..]);
    } else {
        let surplus = recent.len().saturating_sub(MARK_LEN - 1);
        recent.drain(..surplus);
    }
    (bytes.len(), false)
}

impl Machine {
    pub(crate) fn copy_header(
        &mut self,
        view: &View,
        link: LinkId,
        origin: Origin,
        header: Header,
        line: &[u8],
        out: &mut Vec<Output>,
    ) {
        let form = match (header, origin.0) {
            (Header::Sized(len), _) => Form::Sized { len },
            (Header::Marked(mark), _) => Form::Marked {
                mark,
                recent: Vec::new(),
            },
            (Header::WithLog, Some((_, offset))) => Form::WithLog(Frames::from(offset)),
            (Header::Refused, _) => {
                let text = format!("MASTER aborted replication with an error: {}", show(line));
                self.log(Level::Warning, text, out);
                return self.break_link(view, out);
            }
            // A log has a place in a history, which an old primary does not tell.
            (Header::Unknown | Header::WithLog, _) => {
                let text = format!(
                    "Bad protocol from MASTER: a full copy cannot begin with '{}'",
                    show(line)
                );
                self.log(Level::Warning, text, out);
                return self.break_link(view, out);
            }
        };
        let way = match self.settings.diskless_load {
            DisklessLoad::OnEmptyDb if !view.holds_data => Way::Direct,
            DisklessLoad::SwapDb => Way::Beside,
            DisklessLoad::Disabled | DisklessLoad::OnEmptyDb => Way::File,
        };
        let copy = Copy {
            origin,
            way,
            form,
            read: 0,
        };
        let to = if way == Way::File { "disk" } else { "parser" };
        let text = match copy.len() {
            Some(len) => {
                format!("MASTER <-> REPLICA sync: receiving {len} bytes from master to {to}")
            }
            None => format!(
                "MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to {to}"
            ),
        };
        self.log(Level::Notice, text, out);
        if way == Way::Direct {
            self.begin_replacing(out);
        }
        let carries_log = matches!(copy.form, Form::WithLog(_));
        out.push(Output::Receive {
            link,
            way,
            carries_log,
        });
        let following = self.linked(link).expect("the caller has looked");
        following.read = origin.0.map_or(view.log.end, |(_, offset)| offset);
        following.state = State::Copying(copy);
        if matches!(header, Header::Sized(0)) {
            self.copy_bytes(view, link, 0, &[], out);
        }
    }

    /// Takes the copy's bytes off the front of `bytes`, which stand at `at` of the input.
    pub(crate) fn copy_bytes(
        &mut self,
        view: &View,
        link: LinkId,
        at: usize,
        bytes: &[u8],
        out: &mut Vec<Output>,
    ) -> usize {
        let loses_log = flawed!(self, LoseCarriedLog);
        let following = self.linked(link).expect("the caller has looked");
        let State::Copying(copy) = &mut following.state else {
            return 0;
        };
        let (taken, ends) = match copy.take(bytes) {
            Ok(Taken::Copy(taken, ends)) => {
                if taken > 0 {
                    let range = at..at + taken;
                    out.push(Output::Copy { link, range });
                }
                (taken, ends)
            }
            Ok(Taken::Log(taken)) => {
                following.read += taken as u64;
                if !loses_log {
                    let range = at..at + taken;
                    out.push(Output::Stream { link, range });
                }
                (taken, false)
            }
            Ok(Taken::Between(taken)) => (taken, false),
            Ok(Taken::End(taken)) => (taken, true),
            Err(what) => {
                let text = format!("Bad protocol from MASTER: {what} within a full copy");
                self.log(Level::Warning, text, out);
                self.break_link(view, out);
                return bytes.len();
            }
        };
        if ends {
            self.end_copy(link, out);
        }
        taken
    }

    /// All of a copy is there.
    fn end_copy(&mut self, link: LinkId, out: &mut Vec<Output>) {
        let following = self.linked(link).expect("the caller has looked");
        let copying = std::mem::replace(&mut following.state, State::Connecting);
        if let State::Copying(copy) = copying {
            let trim = match copy.form {
                Form::Sized { .. } | Form::WithLog(_) => 0,
                Form::Marked { .. } => MARK_LEN,
            };
            following.state = State::Inspecting(copy);
            out.push(Output::Received { link, trim });
        }
    }

    /// From here on the data is no longer what it was.
    fn begin_replacing(&mut self, out: &mut Vec<Output>) {
        let text = "Discarding previously cached master state.";
        self.log(Level::Notice, text, out);
        if flawed!(self, KeepPositionWhileLoading) {
            return self.drop_replicas(out);
        }
        if let Some(following) = &mut self.following {
            following.resumes = false;
        }
        let id = self.draw_id();
        self.change_history(History::of(id), out);
    }

    /// All of a copy is there. An empty one, from a primary that does not know this node's history,
    /// tells of a primary that has lost its data; this node may be the last that has it.
    pub(crate) fn inspected(
        &mut self,
        view: &View,
        link: LinkId,
        is_empty: bool,
        out: &mut Vec<Output>,
    ) {
        let may_empty = self.settings.full_sync_from_empty || flawed!(self, TrustEmptyPrimary);
        let own = self.history;
        let Some(following) = self.linked(link) else {
            return;
        };
        if !matches!(following.state, State::Inspecting(_)) {
            return;
        }
        let inspecting = std::mem::replace(&mut following.state, State::Connecting);
        let State::Inspecting(copy) = inspecting else {
            return;
        };
        let shares_past = copy.origin.0.is_some_and(|(id, _)| {
            id == own.id || own.second.is_some_and(|second| second.id == id)
        });
        let may_replace = following.is_ordered || may_empty || shares_past;
        if is_empty && view.holds_data && copy.way != Way::Direct && !may_replace {
            following.state = State::Inspecting(copy);
            return self.refuse_empty(view, out);
        }
        let way = copy.way;
        following.state = State::Loading(copy);
        if way == Way::File {
            self.begin_replacing(out);
            let text = "MASTER <-> REPLICA sync: Flushing old data";
            self.log(Level::Notice, text, out);
        }
        let text = "MASTER <-> REPLICA sync: Loading DB in memory";
        self.log(Level::Notice, text, out);
        out.push(Output::Load { link, way });
    }

    fn refuse_empty(&mut self, view: &View, out: &mut Vec<Output>) {
        if let Some(following) = &mut self.following {
            following.refused_empty = true;
            following.failed_copies += 1;
            let name = following.name();
            let text = format!(
                "The primary {name} has come back empty and with another history. This node keeps \
                 its data and does not follow. To empty it all the same, repeat REPLICAOF, or set \
                 'replica-full-sync-from-empty-master yes'"
            );
            self.log(Level::Warning, text, out);
        }
        self.break_link(view, out);
    }

    pub(crate) fn loaded(
        &mut self,
        view: &View,
        link: LinkId,
        result: Loaded<'_>,
        out: &mut Vec<Output>,
    ) {
        let Some(following) = self.linked(link) else {
            return;
        };
        let State::Loading(copy) = &following.state else {
            return;
        };
        let (origin, way) = (copy.origin, copy.way);
        if let Loaded::Failed(why) = result {
            following.failed_copies += 1;
            let text = format!("Failed trying to load the MASTER synchronization DB: {why}");
            self.log(Level::Warning, text, out);
            return self.break_link(view, out);
        }
        if way == Way::Beside {
            self.begin_replacing(out);
        }
        let offset = match origin.0 {
            Some((id, offset)) => {
                self.history = History::of(id);
                offset
            }
            // Its history has no name: what follows is told under one of this node's own.
            None => view.log.end,
        };
        out.push(Output::Adopt { link, offset });
        self.continue_log(out);
        self.go_online(view, offset);
        let text = "MASTER <-> REPLICA sync: Finished with success";
        self.log(Level::Notice, text, out);
        self.acknowledge_primary(offset, out);
    }

    /// Has the log kept without giving the history another name.
    pub(crate) fn continue_log(&mut self, out: &mut Vec<Output>) {
        if !self.keeps_log {
            self.keeps_log = true;
            let bytes = self.settings.backlog_bytes;
            out.push(Output::KeepLog { bytes });
        }
    }
}

#[cfg(test)]
mod tests;
