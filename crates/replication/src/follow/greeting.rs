//! The first words on the link: who this node is, and from where it wants to go on.

use crate::LinkId;
use crate::follow::copy::Header;
use crate::follow::{Origin, State};
use crate::identity::{History, ReplicationId, Second};
use crate::input::View;
use crate::machine::Machine;
use crate::output::{Level, Output};

/// The longest line a primary may send before its stream.
const LINE_BYTES_MAX: usize = 4096;

/// No log gets as long as this; the offset of a peer that says so would overflow soon.
const OFFSET_MAX: u64 = 1 << 62;

/// How much of a line is told to the operator.
const LINE_BYTES_SHOWN: usize = 128;

/// Which reply comes next. After `PING`, all requests up to `PSYNC` are sent in one go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    Ping,
    Auth,
    Port,
    Ip,
    Capa,
    Psync,
}

#[derive(Debug, Default)]
pub(crate) struct Greeting {
    step: Step,
    line: Vec<u8>,
    /// The position asked for, if one was.
    asked: Option<u64>,
}

impl Machine {
    /// Takes bytes up to the end of a line, and acts if it is there. Returns how many.
    pub(crate) fn line(
        &mut self,
        view: &View,
        link: LinkId,
        bytes: &[u8],
        out: &mut Vec<Output>,
    ) -> usize {
        let following = self.linked(link).expect("the caller has looked");
        let line = match &mut following.state {
            State::Greeting(greeting) => &mut greeting.line,
            State::Announced(_, line) => line,
            _ => unreachable!("lines are read in these states only"),
        };
        let room = LINE_BYTES_MAX - line.len();
        let window = &bytes[..bytes.len().min(room)];
        let Some(end) = memchr::memchr(b'\n', window) else {
            line.extend_from_slice(window);
            if line.len() == LINE_BYTES_MAX {
                let text = "The primary sent a line without an end. Closing the link";
                self.log(Level::Warning, text, out);
                self.break_link(view, out);
            }
            return window.len();
        };
        line.extend_from_slice(&window[..end]);
        let mut line = std::mem::take(line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        // Empty lines say that the primary is alive and busy.
        if !line.is_empty() {
            match following.state {
                State::Announced(origin, _) => {
                    let header = Header::parse(&line);
                    self.copy_header(view, link, origin, header, &line, out);
                }
                _ => self.greeting_reply(view, link, &line, out),
            }
        }
        end + 1
    }

    fn greeting_reply(&mut self, view: &View, link: LinkId, line: &[u8], out: &mut Vec<Output>) {
        let following = self.linked(link).expect("the caller has looked");
        let State::Greeting(greeting) = &following.state else {
            return;
        };
        let is_error = line.first() == Some(&b'-');
        let shown = show(line);
        match greeting.step {
            Step::Ping => {
                let accepted = [
                    &b"+"[..],
                    b"-NOAUTH",
                    b"-NOPERM",
                    b"-ERR operation not permitted",
                ];
                if !accepted.iter().any(|start| line.starts_with(start)) {
                    let text = format!("Error reply to PING from master: '{shown}'");
                    self.log(Level::Warning, text, out);
                    return self.break_link(view, out);
                }
                let text = "Master replied to PING, replication can continue...";
                self.log(Level::Notice, text, out);
                self.introduce(link, out);
            }
            Step::Auth if is_error => {
                let text = format!("Unable to AUTH to MASTER: {shown}");
                self.log(Level::Warning, text, out);
                self.break_link(view, out);
            }
            Step::Auth => self.next_step(view, Step::Port, out),
            step @ (Step::Port | Step::Ip | Step::Capa) => {
                let (name, next) = match step {
                    Step::Port if !self.settings.announce_ip.is_empty() => {
                        ("listening-port", Step::Ip)
                    }
                    Step::Port => ("listening-port", Step::Capa),
                    Step::Ip => ("ip-address", Step::Capa),
                    _ => ("capa", Step::Psync),
                };
                if is_error {
                    let text = format!(
                        "(Non critical) Master does not understand REPLCONF {name}: {shown}"
                    );
                    self.log(Level::Notice, text, out);
                }
                self.next_step(view, next, out);
            }
            Step::Psync => self.psync_reply(view, link, line, out),
        }
    }

    /// Says who this node is. The replies come in the same order.
    fn introduce(&mut self, link: LinkId, out: &mut Vec<Output>) {
        let settings = &self.settings;
        let mut bytes = Vec::new();
        let mut first = Step::Port;
        if !settings.password.is_empty() {
            first = Step::Auth;
            let (user, password) = (&settings.user[..], &settings.password[..]);
            match user.is_empty() {
                true => resp::reply::write_request(&mut bytes, &[b"AUTH", password]),
                false => resp::reply::write_request(&mut bytes, &[b"AUTH", user, password]),
            }
        }
        let port = settings.port.to_string();
        resp::reply::write_request(&mut bytes, &["REPLCONF", "listening-port", &port]);
        if !settings.announce_ip.is_empty() {
            let ip = &settings.announce_ip[..];
            resp::reply::write_request(&mut bytes, &[b"REPLCONF", &b"ip-address"[..], ip]);
        }
        let own = crate::frames::CAPABILITY;
        let capabilities = ["REPLCONF", "capa", "eof", "capa", "psync2", "capa", own];
        resp::reply::write_request(&mut bytes, &capabilities);
        out.push(Output::SendPrimary { link, bytes });
        self.set_step(first);
    }

    fn set_step(&mut self, next: Step) {
        if let Some(following) = &mut self.following
            && let State::Greeting(greeting) = &mut following.state
        {
            greeting.step = next;
        }
    }

    fn next_step(&mut self, view: &View, next: Step, out: &mut Vec<Output>) {
        self.set_step(next);
        if next == Step::Psync {
            self.ask(view, out);
        }
    }

    /// Asks to go on from where this node is, or for everything.
    fn ask(&mut self, view: &View, out: &mut Vec<Output>) {
        let id = self.history.id;
        let Some(following) = &mut self.following else {
            return;
        };
        let (link, hands_over) = (following.link, following.hands_over);
        let asked = following.resumes.then_some(view.log.end + 1);
        if let State::Greeting(greeting) = &mut following.state {
            greeting.asked = asked;
        }
        let line = match asked {
            Some(position) => {
                format!("Trying a partial resynchronization (request {id}:{position}).")
            }
            None => "Partial resynchronization not possible (no cached master)".to_owned(),
        };
        self.log(Level::Notice, line, out);
        let (id, position) = match asked {
            Some(position) => (id.to_string(), position.to_string()),
            None => ("?".to_owned(), "-1".to_owned()),
        };
        let words = ["PSYNC", &id, &position, "FAILOVER"];
        let mut bytes = Vec::new();
        resp::reply::write_request(&mut bytes, &words[..3 + usize::from(hands_over)]);
        out.push(Output::SendPrimary { link, bytes });
        if hands_over {
            self.note_handed_over();
        }
    }

    fn psync_reply(&mut self, view: &View, link: LinkId, line: &[u8], out: &mut Vec<Output>) {
        let shown = show(line);
        if let Some(rest) = line.strip_prefix(b"+FULLRESYNC") {
            let Some((id, offset)) = parse_full_resync(rest) else {
                let text = format!("Master replied with wrong +FULLRESYNC syntax: {shown}");
                self.log(Level::Warning, text, out);
                return self.break_link(view, out);
            };
            let text = format!("Full resync from master: {id}:{offset}");
            self.log(Level::Notice, text, out);
            self.target_accepted(out);
            self.announce(Origin(Some((id, offset))));
        } else if let Some(rest) = line.strip_prefix(b"+CONTINUE") {
            self.continue_stream(view, link, rest, out);
        } else if line.starts_with(b"-NOMASTERLINK") || line.starts_with(b"-LOADING") {
            let text =
                format!("Master is currently unable to PSYNC but should be in the future: {shown}");
            self.log(Level::Notice, text, out);
            self.break_link(view, out);
        } else if self.target_refused(view, line, out) {
            self.break_link(view, out);
        } else if line.starts_with(b"-ERR") {
            let text =
                format!("Master does not support PSYNC or is in error state (reply: {shown})");
            self.log(Level::Notice, text, out);
            self.log(Level::Notice, "Retrying with SYNC...", out);
            let bytes = b"SYNC\r\n".to_vec();
            out.push(Output::SendPrimary { link, bytes });
            self.announce(Origin(None));
        } else {
            let text = format!("Unexpected reply to PSYNC from master: {shown}");
            self.log(Level::Warning, text, out);
            self.break_link(view, out);
        }
    }

    fn announce(&mut self, origin: Origin) {
        if let Some(following) = &mut self.following {
            following.is_old = origin.0.is_none();
            following.state = State::Announced(origin, Vec::new());
        }
    }

    fn continue_stream(&mut self, view: &View, link: LinkId, rest: &[u8], out: &mut Vec<Output>) {
        let following = self.linked(link).expect("the caller has looked");
        let asked = match &following.state {
            State::Greeting(greeting) => greeting.asked,
            _ => None,
        };
        let id = match rest.trim_ascii() {
            b"" => Some(None),
            id => ReplicationId::parse(id).map(Some),
        };
        let (Some(position), Some(id)) = (asked, id) else {
            let text = "The primary continues what was not asked for, or under no proper name. \
                        Closing the link";
            self.log(Level::Warning, text, out);
            return self.break_link(view, out);
        };
        following.is_old = false;
        following.read = position - 1;
        let text = "Successful partial resynchronization with master.";
        self.log(Level::Notice, text, out);
        // The log must be kept, or this node could not be followed by others.
        self.continue_log(out);
        if let Some(id) = id.filter(|id| *id != self.history.id) {
            let text = format!("Master replication ID changed to {id}");
            self.log(Level::Warning, text, out);
            let second = Some(Second {
                id: self.history.id,
                limit: position,
            });
            self.change_history(History { id, second }, out);
        }
        self.target_accepted(out);
        self.go_online(view, position - 1);
        let text = "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.";
        self.log(Level::Notice, text, out);
    }
}

fn parse_full_resync(rest: &[u8]) -> Option<(ReplicationId, u64)> {
    let mut words = rest
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let (id, offset) = (words.next()?, words.next()?);
    let offset = u64::try_from(stdx::number::parse_i64(offset)?).ok()?;
    if offset > OFFSET_MAX {
        return None;
    }
    Some((ReplicationId::parse(id)?, offset))
}

/// A line for the operator: its beginning, without what a terminal would act on.
pub(crate) fn show(line: &[u8]) -> String {
    let shown = &line[..line.len().min(LINE_BYTES_SHOWN)];
    shown.escape_ascii().to_string()
}
