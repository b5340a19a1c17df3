//! Who may do what: rights and prefixes of keys, by the password a client has said.

use super::{Flow, Session};
use crate::configuration::{Pool, Rights};
use crate::table::action::Local;
use crate::table::{ADMIN, Action, Command, Entry, READ, WRITE};

pub const DENIED: &str = "ERR auth permission deny";

/// What clients have that have said nothing: the authority without a password.
pub fn of_everybody(config: &Pool) -> Option<usize> {
    let authorities = config.authorities.as_ref()?;
    authorities.iter().position(|a| a.password.is_empty())
}

impl Session {
    /// What its password gives it in another pool, or in this one as it will be.
    pub(super) fn authority_within(&self, config: &Pool) -> Option<usize> {
        let before = self.client.backend.pool.config.authorities.as_ref();
        let own = before
            .zip(self.authority)
            .map(|(list, index)| &list[index].password);
        let list = config.authorities.as_ref()?;
        let found = own.and_then(|own| list.iter().position(|a| a.password == *own));
        found.or_else(|| of_everybody(config))
    }

    /// Whether it may do everything.
    pub(super) fn is_admin(&self) -> bool {
        match &self.client.backend.pool.config.authorities {
            Some(list) => self
                .authority
                .is_some_and(|index| list[index].rights == Rights::Admin),
            None => true,
        }
    }

    /// The refusal of what the client may not do.
    pub(super) fn refuse_without_rights(&self, entry: &Entry, words: &[&[u8]]) -> Option<Flow> {
        let authorities = self.client.backend.pool.config.authorities.as_ref()?;
        if matches!(
            entry.action,
            Action::Local(Local::Auth | Local::Hello | Local::Quit | Local::Reset)
        ) {
            return None;
        }
        let Some(authority) = self.authority.map(|index| &authorities[index]) else {
            return Some(self.error(DENIED));
        };
        let subcommand = words.get(1).and_then(|name| entry.command.subcommand(name));
        let command = subcommand.unwrap_or(entry.command);
        let needed = needed(entry, command);
        if needed > authority.rights {
            return Some(self.error(DENIED));
        }
        let prefixes = match needed {
            Rights::Read => &authority.read_prefixes,
            Rights::Write | Rights::Admin => &authority.write_prefixes,
        };
        let prefixes = prefixes.as_ref()?;
        let fits = |key: &[u8]| prefixes.iter().any(|p| key.starts_with(p.as_bytes()));
        let mut allowed = true;
        match entry.action {
            // They reach every key there is.
            Action::Everywhere | Action::Scan | Action::RandomKey => allowed = false,
            _ => command.each_key(words, |index| allowed &= fits(words[index])),
        }
        (!allowed).then(|| self.error(DENIED))
    }

    /// `AUTH` where passwords stand for authorities. A wrong one takes away what was given.
    pub(super) fn take_authority(&mut self, password: &[u8]) -> Option<bool> {
        let config = &self.client.backend.pool.config;
        let authorities = config.authorities.as_ref()?;
        let found = authorities
            .iter()
            .position(|authority| super::local::is_same(authority.password.as_bytes(), password));
        self.authority = found.or_else(|| of_everybody(config));
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
