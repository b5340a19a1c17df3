//! Who may do what: commands and keys, by the name and the password a client has said.

use std::rc::Rc;

use super::{Flow, Mode, Session};
use crate::backend::Backend;
use crate::configuration::{Authority, DEFAULT_NAME, Pool, Rights, full_name};
use crate::identity::{Credentials, Identity, knock};
use crate::table::action::Local;
use crate::table::{ADMIN, Action, Command, Entry, READ, WRITE};

pub const DENIED: &str = "ERR auth permission deny";
pub const NO_AUTHORITY: &str = "NOAUTH Authentication required.";
pub const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const NO_KEY: &str =
    "NOPERM this user has no permissions to access one of the keys used as arguments";

/// What clients have that have said nothing: the default authority, if it has no password.
pub fn of_everybody(config: &Pool) -> Option<usize> {
    let authorities = config.authorities.as_ref()?;
    let is_everybodys =
        |a: &Authority| a.password.is_empty() && a.is_called(DEFAULT_NAME.as_bytes());
    authorities.iter().position(is_everybodys)
}

/// Whose connections they use.
pub fn identity_of_everybody(config: &Pool) -> Identity {
    match config.passes_users {
        true => Identity::NOBODY,
        false => Identity::POOL,
    }
}

impl Session {
    /// Who it is in another pool, or in this one as it will be.
    pub(super) fn identity_within(&self, backend: &Backend) -> Identity {
        let config = &backend.pool.config;
        let user = self.client.backend.users.credentials(self.identity);
        match user.filter(|_| config.passes_users) {
            Some(user) => backend.users.enter(&user),
            None => identity_of_everybody(config),
        }
    }

    /// Has a server tell whether this is a user of its, and makes the client that user. None: it
    /// is not known yet.
    pub(super) fn ask_servers(
        &mut self,
        name: &[u8],
        password: &[u8],
    ) -> Option<Result<(), String>> {
        if !self.client.is_idle() {
            return None;
        }
        let user = Credentials {
            name: name.to_vec(),
            password: password.to_vec(),
        };
        let Some(verdict) = self.door.verdict.take() else {
            self.door.busy.set(true);
            let (client, door) = (Rc::clone(&self.client), Rc::clone(&self.door));
            tokio::task::spawn_local(knock(client, door, user));
            return None;
        };
        if verdict.is_ok() {
            self.identity = self.client.backend.users.enter(&user);
            self.links.clear();
        }
        Some(verdict)
    }

    /// `AUTH` where users are the servers'.
    pub(super) fn enter(&mut self, name: &[u8], password: &[u8]) -> Flow {
        if matches!(self.mode, Mode::Bound(_)) {
            return self.error("ERR the proxy does not change the user between WATCH and EXEC");
        }
        match self.ask_servers(name, password) {
            None => Flow::Hold,
            Some(Ok(())) => self.ok(),
            Some(Err(text)) => self.error(&text),
        }
    }

    /// What its name and password give it in another pool, or in this one as it will be.
    pub(super) fn authority_within(&self, config: &Pool) -> Option<usize> {
        let before = self.client.backend.pool.config.authorities.as_ref();
        let own = before.zip(self.authority).map(|(list, index)| &list[index]);
        let list = config.authorities.as_ref()?;
        let is_same = |own: &Authority, other: &Authority| {
            (&own.name, &own.password) == (&other.name, &other.password)
        };
        let found = own.and_then(|own| list.iter().position(|other| is_same(own, other)));
        found.or_else(|| of_everybody(config))
    }

    /// What the client may do, if there are such rules.
    pub(super) fn authority(&self) -> Option<&Authority> {
        let authorities = self.client.backend.pool.config.authorities.as_ref()?;
        Some(&authorities[self.authority?])
    }

    /// Whether it may do everything.
    pub(super) fn is_admin(&self) -> bool {
        match &self.client.backend.pool.config.authorities {
            Some(_) => self
                .authority()
                .is_some_and(|own| own.rights == Rights::Admin),
            // What the servers let a user do says nothing of the proxy.
            None => !self.client.backend.pool.config.passes_users,
        }
    }

    /// Whether clients have names and this one has not said who it is.
    pub(super) fn is_unknown(&self) -> bool {
        self.authority.is_none() && self.client.backend.pool.config.has_users()
    }

    /// The refusal of what the client may not do.
    pub(super) fn refuse_without_rights(&self, entry: &Entry, words: &[&[u8]]) -> Option<Flow> {
        let config = &self.client.backend.pool.config;
        let is_operators = matches!(entry.action, Action::Local(Local::Proxy | Local::SlowLog));
        if config.passes_users && is_operators {
            // They tell of everybody's keys, and no server says who may hear that.
            let name = entry.command.name;
            let text = format!("NOPERM this user has no permissions to run the '{name}' command");
            return Some(self.error(&text));
        }
        config.authorities.as_ref()?;
        if matches!(
            entry.action,
            Action::Local(Local::Auth | Local::Hello | Local::Quit | Local::Reset)
        ) {
            return None;
        }
        let subcommand = words.get(1).and_then(|name| entry.command.subcommand(name));
        let Some(authority) = self.authority() else {
            return Some(self.deny(NO_AUTHORITY));
        };
        let command = subcommand.unwrap_or(entry.command);
        let needed = needed(entry, command);
        let runs = authority
            .commands
            .as_ref()
            .is_none_or(|commands| match subcommand {
                Some(_) => commands.contains(&full_name(entry.command, subcommand)),
                None => commands.contains(entry.command.name),
            });
        if needed > authority.rights || !runs {
            let name = full_name(entry.command, subcommand);
            let text = format!("NOPERM this user has no permissions to run the '{name}' command");
            return Some(self.deny(&text));
        }
        let patterns = match needed {
            Rights::Read => &authority.read_keys,
            Rights::Write | Rights::Admin => &authority.write_keys,
        };
        let patterns = patterns.as_ref()?;
        let fits = |key: &[u8]| patterns.iter().any(|pattern| pattern.fits(key));
        let mut allowed = true;
        match entry.action {
            // They reach every key there is.
            Action::Everywhere | Action::Scan | Action::RandomKey => allowed = false,
            _ => command.each_key(words, |index| allowed &= fits(words[index])),
        }
        (!allowed).then(|| self.deny(NO_KEY))
    }

    /// Says why, or what predixy says where clients have no names.
    fn deny(&self, text: &str) -> Flow {
        match self.client.backend.pool.config.has_users() {
            true => self.error(text),
            false => self.error(DENIED),
        }
    }

    /// `AUTH` where there are authorities. Without names, a wrong password takes away what was
    /// given.
    pub(super) fn take_authority(&mut self, name: &[u8], password: &[u8]) -> Option<bool> {
        let config = &self.client.backend.pool.config;
        let authorities = config.authorities.as_ref()?;
        let is_meant = |authority: &Authority| {
            let fits = super::local::is_same(authority.password.as_bytes(), password);
            fits && authority.is_called(name)
        };
        let found = authorities.iter().position(is_meant);
        self.authority = match config.has_users() {
            true => found.or(self.authority),
            false => found.or_else(|| of_everybody(config)),
        };
        Some(found.is_some())
    }
}

fn needed(entry: &Entry, command: &Command) -> Rights {
    match entry.action {
        Action::Local(Local::Config) => Rights::Admin,
        Action::Channel => Rights::Write,
        _ if command.has(ADMIN) => Rights::Admin,
        _ if command.has(WRITE) => Rights::Write,
        // Scripts are readers by their flags, and may do anything.
        Action::Keys if !command.has(READ) && !command.keys.is_empty() => Rights::Write,
        Action::Everywhere if !command.has(READ) => Rights::Write,
        _ => Rights::Read,
    }
}
