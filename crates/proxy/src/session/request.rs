//! Where a request goes.

use std::rc::Rc;

use resp::Protocol;
use resp::reply::write_request;

use super::transaction::{Mode, Phase};
use super::{Flow, Session};
use crate::backend::Lane;
use crate::hot;
use crate::link::{Again, Errand, Link};
use crate::split::{self, Assembly, CURSOR_SERVERS_MAX, Cut, Gather};
use crate::table::{self, Action, Command, Entry};

pub const CROSSING: &str = "CROSSSLOT Keys in request don't hash to the same server";
pub const HOMELESS: &str = "ERR Connection refused";

/// Of a group without a master, or without anybody to read from.
const NOBODY: &[u8] = b"-ERR no server connection avaliable\r\n";

/// Stands for the key of requests that have none.
const PLACEHOLDER: &[u8] = b"placeholder";

impl Session {
    #[inline]
    pub(super) fn request(&mut self, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        let custom = || self.client.backend.pool.custom(words[0]);
        let Some(entry) = table::find(words[0]).or_else(custom) else {
            return self.unknown(words);
        };
        let command = entry.command;
        self.command = entry.number;
        if !self.authenticated && !command.has(table::NO_AUTH) {
            return self.error("NOAUTH Authentication required");
        }
        if let Some(refused) = self.refuse_without_rights(entry, words) {
            self.spoil();
            return refused;
        }
        if !command.allows(words.len()) || words.len() > entry.words_max {
            self.spoil();
            let name = command.name;
            return self.error(&format!(
                "ERR wrong number of arguments for '{name}' command"
            ));
        }
        match (&self.mode, entry.action) {
            (Mode::Plain, Action::Keys) if self.subscriptions.is_none() => {
                self.send_to_keys(command, words, sent)
            }
            _ => self.special(entry, words, sent),
        }
    }

    fn special(&mut self, entry: &'static Entry, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        if let Some(refused) = self.refuse_while_subscribed(entry, words) {
            return refused;
        }
        if let Mode::Queueing(_) | Mode::Bound(_) = self.mode
            && let Some(flow) = self.in_transaction(entry, words, sent)
        {
            return flow;
        }
        let command = match entry.command.subcommands {
            [] => entry.command,
            _ => match words.get(1).and_then(|name| entry.command.subcommand(name)) {
                Some(subcommand) if !subcommand.allows(words.len()) => {
                    let name = format!("{}|{}", entry.command.name, subcommand.name);
                    let text = format!("ERR wrong number of arguments for '{name}' command");
                    return self.error(&text);
                }
                Some(subcommand) => subcommand,
                None => entry.command,
            },
        };
        let is_own = matches!(entry.action, Action::Local(_)) || entry.number == table::CUSTOM;
        if command.has(table::ADMIN) && !is_own {
            return self.refuse(entry, words);
        }
        let reads = command.has(table::READ);
        match entry.action {
            Action::Keys => self.send_to_keys(command, words, sent),
            Action::Channel => self.send_to_key_of(words[1], command, words, sent),
            Action::Anywhere => self.send_to_key_of(PLACEHOLDER, command, words, sent),
            Action::Everywhere => self.everywhere(Assembly::of(command.merge), reads, words, sent),
            Action::RandomKey => {
                let choice = self.client.backend.chance.borrow_mut().next_u64();
                self.everywhere(Assembly::Pick(choice), reads, words, sent)
            }
            Action::Scan => self.scan(words),
            Action::Blocking => self.wait_for_keys(command, words, sent),
            Action::Local(local) => self.local(local, words),
            Action::Transaction(verb) => self.transaction(verb, command, words, sent),
            Action::Subscription(verb) => self.subscription(verb, words),
            Action::Refused => self.refuse(entry, words),
        }
    }

    fn refuse(&self, entry: &Entry, words: &[&[u8]]) -> Flow {
        let name = command_name(entry, words);
        self.error(&format!("ERR the proxy does not pass on '{name}'"))
    }

    fn unknown(&mut self, words: &[&[u8]]) -> Flow {
        if !self.authenticated {
            return self.error("NOAUTH Authentication required");
        }
        self.spoil();
        let name = String::from_utf8_lossy(&words[0][..words[0].len().min(128)]);
        let mut text = format!("ERR unknown command '{name}', with args beginning with: ");
        for word in words[1..].iter().take(20) {
            let word = String::from_utf8_lossy(&word[..word.len().min(128)]);
            text += &format!("'{word}' ");
        }
        self.error(&text)
    }

    /// Looks at a key now and then, to know which are hot.
    #[inline]
    fn count_key(&mut self, key: &[u8]) {
        match self.uncounted.checked_sub(1) {
            Some(left) => self.uncounted = left,
            None => {
                self.uncounted = hot::STRIDE - 1;
                self.client.backend.pool.hot.count(key);
            }
        }
    }

    /// To the server of its keys; cut, if they are on several.
    #[inline]
    fn send_to_keys(&mut self, command: &Command, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        let key = command.first_key(words).map(|at| words[at]);
        if let Some(key) = key {
            self.count_key(key);
        }
        if command.has_one_key() {
            return self.send_to_key_of(key.unwrap_or(PLACEHOLDER), command, words, sent);
        }
        let backend = Rc::clone(&self.client.backend);
        match split::cut(command, words, |key| backend.unit_of(key)) {
            Cut::Whole(Some(unit)) => self.send_to_unit(unit, command, words, sent),
            Cut::Whole(None) => self.send_to_key_of(PLACEHOLDER, command, words, sent),
            Cut::Crossing => self.error(CROSSING),
            Cut::Homeless => self.error(HOMELESS),
            Cut::Fragments(fragments, gather) => {
                backend.counters().fragments.add(fragments.len() as u64);
                let number = self.client.open_gather(gather);
                for (part, fragment) in fragments.iter().enumerate() {
                    let reads = command.has(table::READ);
                    let errand = self.errand(number, part as u32, fragment.unit, reads);
                    self.deliver(errand, |out| out.extend_from_slice(&fragment.request));
                }
                Flow::Next
            }
        }
    }

    #[inline]
    fn send_to_key_of(
        &mut self,
        key: &[u8],
        command: &Command,
        words: &[&[u8]],
        sent: Option<&[u8]>,
    ) -> Flow {
        match self.client.backend.unit_of(key) {
            Some(unit) => self.send_to_unit(unit, command, words, sent),
            None => {
                self.client.backend.counters().forward_error.add(1);
                self.error(HOMELESS)
            }
        }
    }

    #[inline]
    fn send_to_unit(
        &mut self,
        unit: usize,
        command: &Command,
        words: &[&[u8]],
        sent: Option<&[u8]>,
    ) -> Flow {
        let number = self.client.open();
        let errand = self.errand(number, 0, unit, command.has(table::READ));
        self.deliver(errand, |out| write_as_sent(out, words, sent));
        Flow::Next
    }

    pub(super) fn errand(&self, number: u64, part: u32, unit: usize, reads: bool) -> Errand {
        Errand {
            receiver: self.receiver(),
            number,
            part,
            unit: unit as u32,
            reads,
            command: self.command,
        }
    }

    /// Has a request sent over the connection it belongs to, or kept until there is one.
    #[inline]
    fn deliver(&mut self, errand: Errand, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(link) = self.link(errand.unit as usize, errand.reads) {
            return link.send_with(errand, write);
        }
        let backend = &self.client.backend;
        let holds = backend.pool.config.hold_ms > 0 && matches!(self.mode, Mode::Plain);
        if !holds || !backend.can_find(errand.unit as usize) {
            return self.client.fail(errand.number, errand.part, NOBODY);
        }
        let lane = Lane {
            server: 0,
            db: self.db,
            resp3: self.protocol == Protocol::Resp3,
            identity: self.identity,
        };
        let mut request = Vec::new();
        write(&mut request);
        let again = Again::new(errand, request, backend.now_us.get());
        backend.hold(again, lane, NOBODY.to_vec());
    }

    /// The connection for this client's requests to a unit; none if nobody serves it.
    #[inline]
    pub(super) fn link(&mut self, unit: usize, reads: bool) -> Option<&Rc<Link>> {
        if let Mode::Bound(bound) = &self.mode
            && bound.unit == unit
        {
            return Some(&bound.link);
        }
        let client = &self.client;
        let server = client.backend.server_for(unit, reads)?;
        if self.links.len() <= server {
            self.links.resize(server + 1, None);
        }
        let lane = Lane {
            server,
            db: self.db,
            resp3: self.protocol == Protocol::Resp3,
            identity: self.identity,
        };
        let link = &mut self.links[server];
        Some(link.get_or_insert_with(|| client.backend.link(lane, client.id)))
    }

    /// To all units.
    fn everywhere(
        &mut self,
        assembly: Assembly,
        reads: bool,
        words: &[&[u8]],
        sent: Option<&[u8]>,
    ) -> Flow {
        let units = self.client.backend.units();
        if units == 0 {
            return self.error("ERR no server connection avaliable");
        }
        let number = self.client.open_gather(Gather::new(assembly, units));
        for unit in 0..units {
            let at = self.client.backend.unit_at(unit);
            let errand = self.errand(number, unit as u32, at, reads);
            self.deliver(errand, |out| write_as_sent(out, words, sent));
        }
        Flow::Next
    }

    /// One server after the other: the cursor tells which.
    fn scan(&mut self, words: &[&[u8]]) -> Flow {
        let servers = self.client.backend.units().min(CURSOR_SERVERS_MAX);
        let Some((server, cursor)) = split::read_cursor(words[1]) else {
            return self.error("ERR invalid cursor");
        };
        if server >= servers {
            return self.error("ERR invalid cursor");
        }
        let cursor = cursor.to_string();
        let mut request = words.to_vec();
        request[1] = cursor.as_bytes();
        let gather = Gather::new(Assembly::Cursor { server, servers }, 1);
        let number = self.client.open_gather(gather);
        // A cursor means something to one server only, so it is not to be asked of another.
        let unit = self.client.backend.unit_at(server);
        let errand = self.errand(number, 0, unit, false);
        self.deliver(errand, |out| write_request(out, &request));
        Flow::Next
    }

    /// Over a connection of its own, on which it may wait for as long as it likes.
    fn wait_for_keys(&mut self, command: &Command, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        let reads_stream = command.name.starts_with("xread");
        if reads_stream && !words.iter().any(|word| word.eq_ignore_ascii_case(b"block")) {
            return self.send_to_keys(command, words, sent);
        }
        let unit = match self.one_unit(command, words) {
            Ok(unit) => unit,
            Err(text) => return self.error(text),
        };
        if matches!(self.mode, Mode::Bound(_)) {
            return self.error("ERR the proxy does not wait between WATCH and EXEC");
        }
        if !self.client.is_idle() {
            return Flow::Hold;
        }
        if !self.bind(unit, Phase::Waiting) {
            return self.error(HOMELESS);
        }
        self.send_to_unit(unit, command, words, sent);
        self.barrier = true;
        Flow::Next
    }

    /// The one unit of all keys.
    pub(super) fn one_unit(
        &self,
        command: &Command,
        words: &[&[u8]],
    ) -> Result<usize, &'static str> {
        let backend = &self.client.backend;
        let (mut unit, mut crossing) = (None, false);
        command.each_key(words, |index| {
            let owner = backend.unit_of(words[index]);
            crossing |= unit.is_some_and(|unit| unit != owner);
            unit = Some(owner);
        });
        match unit {
            _ if crossing => Err(CROSSING),
            Some(Some(unit)) => Ok(unit),
            Some(None) => Err(HOMELESS),
            None => backend.unit_of(PLACEHOLDER).ok_or(HOMELESS),
        }
    }
}

/// Passes a request on as it was sent, or written anew if it was a line of words.
#[inline]
pub(super) fn forward(link: &Link, words: &[&[u8]], sent: Option<&[u8]>, errand: Errand) {
    link.send_with(errand, |out| write_as_sent(out, words, sent));
}

#[inline]
fn write_as_sent(out: &mut Vec<u8>, words: &[&[u8]], sent: Option<&[u8]>) {
    match sent {
        Some(sent) => out.extend_from_slice(sent),
        None => write_request(out, words),
    }
}

fn command_name(entry: &Entry, words: &[&[u8]]) -> String {
    match words.get(1).and_then(|name| entry.command.subcommand(name)) {
        Some(subcommand) => format!("{} {}", entry.command.name, subcommand.name),
        None => entry.command.name.to_owned(),
    }
}
