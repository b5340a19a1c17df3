//! Where a request goes.

use std::rc::Rc;

use resp::Protocol;
use resp::reply::write_request;

use super::transaction::{Mode, Phase};
use super::{Flow, Session};
use crate::backend::Lane;
use crate::link::{Link, Receiver};
use crate::split::{self, Assembly, CURSOR_SERVERS_MAX, Cut, Gather};
use crate::table::{self, Action, Command, Entry};

pub const CROSSING: &str = "CROSSSLOT Keys in request don't hash to the same server";
pub const HOMELESS: &str = "ERR Connection refused";

/// Stands for the key of requests that have none.
const PLACEHOLDER: &[u8] = b"placeholder";

impl Session {
    #[inline]
    pub(super) fn request(&mut self, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        let Some(entry) = table::find(words[0]) else {
            return self.unknown(words);
        };
        let command = entry.command;
        if !self.authenticated && !command.has(table::NO_AUTH) {
            return self.error("NOAUTH Authentication required");
        }
        if !command.allows(words.len()) {
            self.spoil();
            let name = command.name;
            return self.error(&format!(
                "ERR wrong number of arguments for '{name}' command"
            ));
        }
        match (&self.mode, entry.action) {
            (Mode::Plain, Action::Keys) if self.subscriptions.is_none() => {
                self.to_keys(command, words, sent)
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
        if command.has(table::ADMIN) && !matches!(entry.action, Action::Local(_)) {
            return self.refuse(entry, words);
        }
        match entry.action {
            Action::Keys => self.to_keys(command, words, sent),
            Action::Channel => self.to_key_of(words[1], words, sent),
            Action::Anywhere => self.to_key_of(PLACEHOLDER, words, sent),
            Action::Everywhere => self.everywhere(Assembly::of(command.merge), words, sent),
            Action::RandomKey => {
                let choice = self.client.backend.chance.borrow_mut().next_u64();
                self.everywhere(Assembly::Pick(choice), words, sent)
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

    /// To the server of its keys; cut, if they are on several.
    #[inline]
    fn to_keys(&mut self, command: &Command, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        if command.has_one_key() {
            let key = command.first_key(words).map_or(PLACEHOLDER, |at| words[at]);
            return self.to_key_of(key, words, sent);
        }
        let backend = Rc::clone(&self.client.backend);
        match split::cut(command, words, |key| backend.server_of(key)) {
            Cut::Whole(Some(server)) => self.to_server(server, words, sent),
            Cut::Whole(None) => self.to_key_of(PLACEHOLDER, words, sent),
            Cut::Crossing => self.error(CROSSING),
            Cut::Homeless => self.error(HOMELESS),
            Cut::Fragments(fragments, gather) => {
                backend.counters().fragments.add(fragments.len() as u64);
                let number = self.client.open_gather(gather);
                for (part, fragment) in fragments.iter().enumerate() {
                    let receiver = self.receiver();
                    let link = self.link(fragment.server);
                    link.send(&fragment.request, receiver, number, part as u32);
                }
                Flow::Next
            }
        }
    }

    #[inline]
    fn to_key_of(&mut self, key: &[u8], words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        match self.client.backend.server_of(key) {
            Some(server) => self.to_server(server, words, sent),
            None => {
                self.client.backend.counters().forward_error.add(1);
                self.error(HOMELESS)
            }
        }
    }

    #[inline]
    fn to_server(&mut self, server: usize, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        let number = self.client.open();
        let receiver = self.receiver();
        let link = self.link(server);
        forward(link, words, sent, receiver, number, 0);
        Flow::Next
    }

    /// The connection for this client's requests to a server.
    #[inline]
    pub(super) fn link(&mut self, server: usize) -> &Rc<Link> {
        if let Mode::Bound(bound) = &self.mode
            && bound.link.lane.server == server
        {
            return &bound.link;
        }
        if self.links.len() <= server {
            self.links.resize(server + 1, None);
        }
        let lane = Lane {
            server,
            db: self.db,
            resp3: self.protocol == Protocol::Resp3,
        };
        let client = &self.client;
        self.links[server].get_or_insert_with(|| client.backend.link(lane, client.id))
    }

    /// To all servers that take part.
    fn everywhere(&mut self, assembly: Assembly, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        let servers = self.client.backend.view().servers.len();
        let number = self.client.open_gather(Gather::new(assembly, servers));
        for server in 0..servers {
            let receiver = self.receiver();
            forward(
                self.link(server),
                words,
                sent,
                receiver,
                number,
                server as u32,
            );
        }
        Flow::Next
    }

    /// One server after the other: the cursor tells which.
    fn scan(&mut self, words: &[&[u8]]) -> Flow {
        let servers = self.client.backend.view().servers.len();
        let servers = servers.min(CURSOR_SERVERS_MAX);
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
        let receiver = self.receiver();
        let link = self.link(server);
        link.send_with(receiver, number, 0, |out| write_request(out, &request));
        Flow::Next
    }

    /// Over a connection of its own, on which it may wait for as long as it likes.
    fn wait_for_keys(&mut self, command: &Command, words: &[&[u8]], sent: Option<&[u8]>) -> Flow {
        let reads_stream = command.name.starts_with("xread");
        if reads_stream && !words.iter().any(|word| word.eq_ignore_ascii_case(b"block")) {
            return self.to_keys(command, words, sent);
        }
        let server = match self.one_server(command, words) {
            Ok(server) => server,
            Err(text) => return self.error(text),
        };
        if matches!(self.mode, Mode::Bound(_)) {
            return self.error("ERR the proxy does not wait between WATCH and EXEC");
        }
        if !self.client.is_idle() {
            return Flow::Hold;
        }
        self.bind(server, Phase::Leaving);
        self.to_server(server, words, sent);
        self.barrier = true;
        Flow::Next
    }

    /// The one server of all keys.
    pub(super) fn one_server(
        &self,
        command: &Command,
        words: &[&[u8]],
    ) -> Result<usize, &'static str> {
        let backend = &self.client.backend;
        let (mut server, mut crossing) = (None, false);
        command.each_key(words, |index| {
            let owner = backend.server_of(words[index]);
            crossing |= server.is_some_and(|server| server != owner);
            server = Some(owner);
        });
        match server {
            _ if crossing => Err(CROSSING),
            Some(Some(server)) => Ok(server),
            Some(None) => Err(HOMELESS),
            None => backend.server_of(PLACEHOLDER).ok_or(HOMELESS),
        }
    }
}

/// Passes a request on as it was sent, or written anew if it was a line of words.
#[inline]
pub(super) fn forward(
    link: &Link,
    words: &[&[u8]],
    sent: Option<&[u8]>,
    receiver: Receiver,
    number: u64,
    part: u32,
) {
    match sent {
        Some(sent) => link.send(sent, receiver, number, part),
        None => link.send_with(receiver, number, part, |out| write_request(out, words)),
    }
}

fn command_name(entry: &Entry, words: &[&[u8]]) -> String {
    match words.get(1).and_then(|name| entry.command.subcommand(name)) {
        Some(subcommand) => format!("{} {}", entry.command.name, subcommand.name),
        None => entry.command.name.to_owned(),
    }
}
