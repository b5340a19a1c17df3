//! What the proxy answers itself.

use resp::Protocol;

use super::transaction::Mode;
use super::{Flow, Session, authority};
use crate::configuration::{DEFAULT_NAME, Dialect};
use crate::table::action::Local;

/// Dbs that a client may select.
const DATABASES: u32 = 16;

impl Session {
    pub(super) fn local(&mut self, local: Local, words: &[&[u8]]) -> Flow {
        match local {
            Local::Ping => match words {
                [_] => self.reply(|reply| reply.simple("PONG")),
                [_, text] => self.reply(|reply| reply.bulk(text)),
                _ => return self.error("ERR wrong number of arguments for 'ping' command"),
            },
            Local::Echo => self.reply(|reply| reply.bulk(words[1])),
            Local::Quit => {
                self.ok();
                return Flow::Close;
            }
            Local::Reset => return self.reset(),
            Local::Select => return self.select(words[1]),
            Local::Auth => return self.auth(&words[1..]),
            Local::Hello => return self.hello(&words[1..]),
            Local::Client => return self.client_command(&words[1..]),
            Local::SlowLog => return self.slow_log(&words[1..]),
            Local::Proxy => return self.operate(&words[1..]),
            Local::Config => return self.config(&words[1..]),
            Local::Info if self.client.backend.pool.config.dialect == Dialect::Predixy => {
                return self.report(&words[1..]);
            }
            Local::Info => {
                let text = self.info();
                self.reply(|reply| reply.verbatim(b"txt", text.as_bytes()));
            }
        }
        Flow::Next
    }

    fn reset(&mut self) -> Flow {
        if !self.client.is_idle() {
            return Flow::Hold;
        }
        if let Mode::Bound(bound) = std::mem::replace(&mut self.mode, Mode::Plain) {
            bound.link.close();
        }
        if let Some(subscriptions) = self.subscriptions.take() {
            subscriptions.close();
        }
        self.links.clear();
        self.protocol = Protocol::Resp2;
        self.db = self.client.backend.pool.config.db;
        self.authenticated = self.client.backend.pool.config.password.is_none();
        self.authority = authority::of_everybody(&self.client.backend.pool.config);
        self.identity = authority::identity_of_everybody(&self.client.backend.pool.config);
        self.name.clear();
        self.reply(|reply| reply.simple("RESET"));
        Flow::Next
    }

    fn select(&mut self, text: &[u8]) -> Flow {
        let own = self.client.backend.pool.config.db;
        let Some(db) = stdx::number::parse_i64(text) else {
            return self.error("ERR invalid DB index");
        };
        // A pool that is one db looks like db 0.
        let groups = self.client.backend.pool.config.groups.as_ref();
        let dbs = match groups {
            Some(groups) => groups.dbs,
            None if own > 0 => 1,
            None => DATABASES,
        };
        let db = u32::try_from(db).ok().filter(|db| *db < dbs);
        let Some(db) = db else {
            return self.error("ERR DB index is out of range");
        };
        if matches!(self.mode, Mode::Bound(_)) {
            return self.error("ERR the proxy does not change the db between WATCH and EXEC");
        }
        self.set_lane(db + own, self.protocol)
    }

    /// Changes which connections requests go over, once those under way have been answered.
    fn set_lane(&mut self, db: u32, protocol: Protocol) -> Flow {
        if !self.client.is_idle() {
            return Flow::Hold;
        }
        if (db, protocol) != (self.db, self.protocol) {
            self.links.clear();
        }
        (self.db, self.protocol) = (db, protocol);
        self.ok()
    }

    /// `AUTH password` of the default user, or `AUTH user password`.
    fn auth(&mut self, words: &[&[u8]]) -> Flow {
        let (name, password) = match words {
            [password] => (DEFAULT_NAME.as_bytes(), *password),
            [user, password] => (*user, *password),
            _ => return self.error("ERR syntax error"),
        };
        if self.client.backend.pool.config.passes_users {
            return self.enter(name, password);
        }
        match self.take_authority(name, password) {
            Some(true) => return self.ok(),
            Some(false) if self.client.backend.pool.config.has_users() => {
                return self.error(authority::WRONG_PASSWORD);
            }
            Some(false) => return self.error("ERR invalid password"),
            None if name != DEFAULT_NAME.as_bytes() => return self.error("ERR invalid password"),
            None => {}
        }
        match &self.client.backend.pool.config.password {
            None => self.error("ERR Client sent AUTH, but no password is set"),
            Some(wanted) => {
                self.authenticated = is_same(wanted.as_bytes(), password);
                match self.authenticated {
                    true => self.ok(),
                    false => self.error("ERR invalid password"),
                }
            }
        }
    }

    fn hello(&mut self, words: &[&[u8]]) -> Flow {
        let mut protocol = self.protocol;
        let (mut name, mut authenticated) = (None, self.authenticated);
        if let Some((version, mut options)) = words.split_first() {
            protocol = match *version {
                b"2" => Protocol::Resp2,
                b"3" => Protocol::Resp3,
                _ if stdx::number::parse_i64(version).is_none() => {
                    return self.error("ERR Protocol version is not an integer or out of range");
                }
                _ => return self.error("NOPROTO unsupported protocol version"),
            };
            while let Some((option, rest)) = options.split_first() {
                match (option.to_ascii_lowercase().as_slice(), rest) {
                    (b"auth", [user, password, behind @ ..])
                        if self.client.backend.pool.config.passes_users =>
                    {
                        match self.ask_servers(user, password) {
                            None => return Flow::Hold,
                            Some(Err(text)) => return self.error(&text),
                            Some(Ok(())) => options = behind,
                        }
                    }
                    (b"auth", [user, password, behind @ ..]) => {
                        let wanted = self.client.backend.pool.config.password.clone();
                        let wanted = wanted.unwrap_or_default();
                        let is_default = *user == DEFAULT_NAME.as_bytes();
                        authenticated = self
                            .take_authority(user, password)
                            .unwrap_or_else(|| is_default && is_same(wanted.as_bytes(), password));
                        if !authenticated {
                            return self.error(authority::WRONG_PASSWORD);
                        }
                        options = behind;
                    }
                    (b"setname", [text, behind @ ..]) => {
                        name = Some(text.to_vec());
                        options = behind;
                    }
                    _ => {
                        let option = String::from_utf8_lossy(option).into_owned();
                        return self.error(&format!("ERR Syntax error in HELLO option '{option}'"));
                    }
                }
            }
        }
        if !authenticated || self.is_unknown() {
            return self.error(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
                 HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client \
                 and select the RESP protocol version at the same time",
            );
        }
        self.greet(protocol, name)
    }

    fn greet(&mut self, protocol: Protocol, name: Option<Vec<u8>>) -> Flow {
        if !self.client.is_idle() {
            return Flow::Hold;
        }
        if protocol != self.protocol && !matches!(self.mode, Mode::Plain) {
            return self.error("ERR the proxy does not change the protocol within a transaction");
        }
        if protocol != self.protocol {
            self.links.clear();
        }
        (self.protocol, self.authenticated) = (protocol, true);
        self.name = name.unwrap_or_else(|| std::mem::take(&mut self.name));
        let id = self.client.id as i64;
        self.reply(|reply| {
            reply.map(7);
            for (key, value) in [("server", "redis"), ("version", "7.0.15")] {
                reply.bulk(key.as_bytes());
                reply.bulk(value.as_bytes());
            }
            reply.bulk(b"proto");
            reply.integer(if protocol == Protocol::Resp3 { 3 } else { 2 });
            reply.bulk(b"id");
            reply.integer(id);
            for (key, value) in [("mode", "standalone"), ("role", "master")] {
                reply.bulk(key.as_bytes());
                reply.bulk(value.as_bytes());
            }
            reply.bulk(b"modules");
            reply.array(0);
        });
        Flow::Next
    }

    fn client_command(&mut self, words: &[&[u8]]) -> Flow {
        let (verb, rest) = match words.split_first() {
            Some((verb, rest)) => (verb.to_ascii_lowercase(), rest),
            None => return self.error("ERR wrong number of arguments for 'client' command"),
        };
        match (verb.as_slice(), rest) {
            (b"id", []) => {
                let id = self.client.id as i64;
                self.reply(|reply| reply.integer(id));
            }
            (b"getname", []) => {
                let name = &self.name;
                self.reply(|reply| match name.is_empty() {
                    true => reply.null(),
                    false => reply.bulk(name),
                });
            }
            (b"setname", [name]) => {
                if !name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
                    return self.error(
                        "ERR Client names cannot contain spaces, newlines or special characters.",
                    );
                }
                self.name = name.to_vec();
                return self.ok();
            }
            (b"setinfo", [_, _]) | (b"no-evict" | b"no-touch", [_]) => return self.ok(),
            (b"info", []) => {
                let line = self.client_line();
                self.reply(|reply| reply.verbatim(b"txt", line.as_bytes()));
            }
            _ => {
                let verb = String::from_utf8_lossy(&verb).into_owned();
                return self.error(&format!("ERR the proxy does not know 'client {verb}'"));
            }
        }
        Flow::Next
    }

    fn client_line(&self) -> String {
        let peer = self.client.stream.borrow().peer();
        let name = String::from_utf8_lossy(&self.name);
        let resp = if self.protocol == Protocol::Resp3 {
            3
        } else {
            2
        };
        let (id, db) = (self.client.id, self.db - self.client.backend.pool.config.db);
        let passed = self.client.backend.users.credentials(self.identity);
        let passed = passed.map(|user| String::from_utf8_lossy(&user.name).into_owned());
        let user = self.authority().and_then(|own| own.name.as_deref());
        let user = passed.as_deref().or(user).unwrap_or(DEFAULT_NAME);
        format!("id={id} addr={peer} name={name} db={db} cmd=client|info user={user} resp={resp}\n")
    }

    /// There is nothing to be asked for: tools that only look find nothing.
    fn config(&mut self, words: &[&[u8]]) -> Flow {
        if self.client.backend.pool.config.dialect == Dialect::Predixy {
            return self.settings(words);
        }
        match words {
            [verb, _, ..] if verb.eq_ignore_ascii_case(b"get") => {
                self.reply(|reply| reply.map(0));
                Flow::Next
            }
            _ => self.error("ERR the proxy does not pass on 'config'"),
        }
    }

    fn info(&self) -> String {
        let pool = &self.client.backend.pool;
        let sum = |field: fn(&crate::stats::PoolCounters) -> &crate::stats::Counter| {
            pool.counters.iter().map(|c| field(c).get()).sum::<u64>()
        };
        let mut text = format!(
            "# Proxy\r\nproxy_version:{}\r\nredis_version:7.0.15\r\nredis_mode:proxy\r\n\
             pool:{}\r\nprocess_id:{}\r\nuptime_in_seconds:{}\r\n\r\n# Clients\r\n\
             connected_clients:{}\r\n\r\n# Stats\r\ntotal_connections_received:{}\r\n\
             total_commands_processed:{}\r\ntotal_net_input_bytes:{}\r\n\
             total_net_output_bytes:{}\r\n\r\n# Servers\r\n",
            env!("CARGO_PKG_VERSION"),
            pool.config.name,
            std::process::id(),
            pool.now_ms() / 1000,
            sum(|c| &c.client_connections),
            sum(|c| &c.clients_accepted),
            sum(|c| &c.requests),
            sum(|c| &c.client_bytes_in),
            sum(|c| &c.client_bytes_out),
        );
        for (index, server) in pool.view().servers.iter().enumerate() {
            let sum = |field: fn(&crate::stats::ServerCounters) -> &crate::stats::Counter| {
                server.counters.iter().map(|c| field(c).get()).sum::<u64>()
            };
            text += &format!(
                "server{index}:name={},connections={},requests={},responses={},errors={}\r\n",
                server.label,
                sum(|c| &c.server_connections),
                sum(|c| &c.requests),
                sum(|c| &c.responses),
                sum(|c| &c.server_err) + sum(|c| &c.server_timedout),
            );
        }
        text
    }
}

/// Compares without telling by its time where the difference is.
pub(super) fn is_same(wanted: &[u8], given: &[u8]) -> bool {
    let differences = wanted
        .iter()
        .zip(given)
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    wanted.len() == given.len() && differences == 0
}
