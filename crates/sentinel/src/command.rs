//! `SENTINEL`: what operators, clients and peers ask.

mod settings;

use stdx::glob;
use stdx::number::parse_i64;

use crate::answer::Answer;
use crate::core::EPOCH_MAX;
use crate::flaw::flawed;
use crate::input::View;
use crate::machine::{CanRun, Machine};
use crate::master::Master;
use crate::output::{Level, Output};
use crate::statement::{Wrong, watch};

const NO_MASTER: &str = "ERR No such master with that name";
const NO_INTEGER: &str = "ERR value is not an integer or out of range";

fn bulk(text: &str) -> Answer {
    Answer::Bulk(text.into())
}

fn error(text: impl Into<String>) -> Answer {
    Answer::Error(text.into())
}

fn no_such_subcommand(name: &[u8]) -> Answer {
    let name = String::from_utf8_lossy(name);
    error(format!(
        "ERR unknown subcommand '{name}'. Try SENTINEL HELP."
    ))
}

fn wrong_arity(name: &str) -> Answer {
    error(format!(
        "ERR wrong number of arguments for 'sentinel|{name}' command"
    ))
}

/// A word as text. What is none is as good as a word that nobody uses.
fn text(word: &[u8]) -> &str {
    std::str::from_utf8(word).unwrap_or("\u{fffd}")
}

/// Whether a word can stand in a line of a file, and in an event.
fn is_printable(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| !word.chars().any(char::is_control))
}

impl Machine {
    /// `SENTINEL`, with the words behind it.
    pub fn command(
        &mut self,
        view: &View,
        words: &[&[u8]],
        can_run: &CanRun<'_>,
        out: &mut Vec<Output>,
    ) -> Answer {
        self.begin(view, out);
        let answer = self.answer(words, can_run);
        self.end(out);
        answer
    }

    /// The name that must be looked up, and told ([`Input::Resolved`]), before this command.
    ///
    /// [`Input::Resolved`]: crate::Input::Resolved
    pub fn name_to_resolve(&self, words: &[&[u8]]) -> Option<String> {
        let [subcommand, _, host, ..] = words else {
            return None;
        };
        let host = std::str::from_utf8(host).ok()?;
        let is_wanted = subcommand.eq_ignore_ascii_case(b"monitor")
            && self.core.options.resolve_hostnames
            && host.parse::<core::net::IpAddr>().is_err();
        is_wanted.then(|| host.to_owned())
    }

    fn answer(&mut self, words: &[&[u8]], can_run: &CanRun<'_>) -> Answer {
        let Some((subcommand, words)) = words.split_first() else {
            return error("ERR wrong number of arguments for 'sentinel' command");
        };
        let name = subcommand.to_ascii_lowercase();
        match (text(&name), words) {
            ("masters", []) => {
                let reports = self
                    .masters
                    .values()
                    .map(|master| master.report(&self.core));
                Answer::Array(reports.collect())
            }
            ("master", [name]) => self.with_master(name, |it, master| master.report(&it.core)),
            ("replicas" | "slaves", [name]) => {
                self.with_master(name, |it, master| master.report_replicas(&it.core))
            }
            ("sentinels", [name]) => {
                self.with_master(name, |it, master| master.report_peers(&it.core))
            }
            ("get-master-addr-by-name", [name]) => self.address_of(name),
            ("is-master-down-by-addr", [host, port, epoch, id]) => {
                self.is_master_down(text(host), port, epoch, id)
            }
            ("ckquorum", [name]) => self.with_master(name, |_, master| master.check_quorum()),
            ("failover", [name]) => self.fail_over(text(name)),
            ("reset", [pattern]) => self.reset(pattern),
            ("monitor", [name, host, port, quorum]) => self.monitor(name, host, port, quorum),
            ("remove", [name]) => self.remove(text(name)),
            ("set", [name, options @ ..]) if options.len() > 1 => {
                self.set(text(name), options, can_run)
            }
            ("config", words) if !words.is_empty() => self.config(words),
            ("debug", words) => self.debug(words),
            ("flushconfig", []) => {
                self.core.save();
                Answer::OkIfSaved
            }
            ("info-cache", names) if !names.is_empty() => self.info_cache(names),
            ("myid", []) => bulk(&self.core.id),
            ("pending-scripts", []) => self.core.pending_scripts(),
            ("simulate-failure", words) if !words.is_empty() => self.simulate_failure(words),
            (
                known @ ("masters"
                | "master"
                | "replicas"
                | "slaves"
                | "sentinels"
                | "get-master-addr-by-name"
                | "is-master-down-by-addr"
                | "ckquorum"
                | "failover"
                | "reset"
                | "monitor"
                | "remove"
                | "set"
                | "config"
                | "flushconfig"
                | "info-cache"
                | "myid"
                | "pending-scripts"
                | "simulate-failure"),
                _,
            ) => wrong_arity(known),
            _ => no_such_subcommand(subcommand),
        }
    }

    fn with_master(&self, name: &[u8], then: impl Fn(&Machine, &Master) -> Answer) -> Answer {
        match self.masters.get(text(name)) {
            Some(master) => then(self, master),
            None => error(NO_MASTER),
        }
    }

    fn address_of(&self, name: &[u8]) -> Answer {
        let Some(master) = self.masters.get(text(name)) else {
            return Answer::NullArray;
        };
        let address = master.current_address();
        Answer::Array(vec![
            bulk(&self.core.announced(address)),
            bulk(&address.port.to_string()),
        ])
    }

    /// Another Sentinel asks for this one's view, and, with its own id, for this one's vote.
    fn is_master_down(&mut self, host: &str, port: &[u8], epoch: &[u8], id: &[u8]) -> Answer {
        let (Some(port), Some(epoch)) = (parse_i64(port), parse_i64(epoch)) else {
            return error(NO_INTEGER);
        };
        let epoch = u64::try_from(epoch)
            .ok()
            .filter(|epoch| *epoch <= EPOCH_MAX);
        let Some(epoch) = epoch else {
            return error(NO_INTEGER);
        };
        let address = u16::try_from(port).ok();
        let address = address.and_then(|port| self.core.address(host, port));
        let is_tilted = self.core.tilt_since_ms.is_some() && !flawed!(self.core, ActInTilt);
        let mut masters = self.masters.values_mut();
        let master = address
            .and_then(|address| masters.find(|master| master.base.address.is_same(&address)));
        let is_down = master.as_ref().is_some_and(|master| master.base.is_down());
        let candidate = text(id);
        let (leader, leader_epoch) = match master {
            Some(master) if candidate != "*" && is_printable(id) => {
                master.vote(&mut self.core, epoch, candidate)
            }
            _ => (None, 0),
        };
        Answer::Array(vec![
            Answer::Integer(i64::from(is_down && !is_tilted)),
            bulk(leader.as_deref().unwrap_or("*")),
            Answer::Integer(leader_epoch as i64),
        ])
    }

    fn fail_over(&mut self, name: &str) -> Answer {
        let Some(master) = self.masters.get_mut(name) else {
            return error(NO_MASTER);
        };
        if master.failover.is_some() {
            return error("INPROG Failover already in progress");
        }
        if master.select_replica(&self.core).is_none() {
            return error("NOGOODSLAVE No suitable replica to promote");
        }
        let line = format!("Executing user requested FAILOVER of '{name}'");
        self.core.log(Level::Warning, line);
        master.begin_failover(&mut self.core, true);
        Answer::Ok
    }

    fn reset(&mut self, pattern: &[u8]) -> Answer {
        let mut count = 0;
        for master in self.masters.values_mut() {
            if glob::matches(pattern, master.name().as_bytes(), true) {
                master.reset(&mut self.core, true);
                master.tell_self(&mut self.core, Level::Warning, "+reset-master");
                count += 1;
            }
        }
        if count > 0 {
            self.core.save();
        }
        Answer::Integer(count)
    }

    fn monitor(&mut self, name: &[u8], host: &[u8], port: &[u8], quorum: &[u8]) -> Answer {
        let Some(quorum) = parse_i64(quorum) else {
            return error("ERR Invalid quorum");
        };
        let Some(port) = parse_i64(port) else {
            return error("ERR Invalid port");
        };
        if !is_printable(name) {
            return error("ERR Invalid master name");
        }
        let quorum = u32::try_from(quorum.clamp(0, i64::from(u32::MAX))).unwrap_or(0);
        let port = u64::try_from(port).unwrap_or(u64::MAX);
        let is_known = self.masters.contains_key(text(name));
        let core = &mut self.core;
        let watched = watch(core, is_known, text(name), text(host), port, quorum);
        let watched = watched.and_then(|master| match master.base.address.ip {
            Some(_) => Ok(master),
            // A client is told at once that a name means nothing.
            None => Err(Wrong::Host),
        });
        let master = match watched {
            Ok(master) => master,
            Err(Wrong::Host) => return error("ERR Invalid IP address or hostname specified"),
            Err(wrong) => return error(format!("ERR {}", wrong.why())),
        };
        let text = format!("{} quorum {}", master.about(core), master.quorum);
        core.save();
        master.tell(core, Level::Warning, "+monitor", text);
        self.masters.insert(master.name().to_owned(), master);
        Answer::Ok
    }

    fn remove(&mut self, name: &str) -> Answer {
        let Some(mut master) = self.masters.remove(name) else {
            return error(NO_MASTER);
        };
        master.tell_self(&mut self.core, Level::Warning, "-monitor");
        master.release(&mut self.core);
        self.core.save();
        Answer::Ok
    }

    fn info_cache(&self, names: &[&[u8]]) -> Answer {
        let known = names.iter().filter_map(|name| self.masters.get(text(name)));
        let mut entries = Vec::<(Answer, Answer)>::new();
        for master in known {
            let name = bulk(master.name());
            if !entries.iter().any(|(known, _)| *known == name) {
                entries.push((name, master.report_infos(&self.core)));
            }
        }
        // Names and what belongs to them, but no map in any protocol.
        let items = entries.into_iter().flat_map(|(name, infos)| [name, infos]);
        Answer::Array(items.collect())
    }

    fn simulate_failure(&mut self, words: &[&[u8]]) -> Answer {
        let mut failures = crate::core::Failures::default();
        for word in words {
            match text(&word.to_ascii_lowercase()) {
                "crash-after-election" => failures.after_election = true,
                "crash-after-promotion" => failures.after_promotion = true,
                "help" => {
                    let names = ["crash-after-election", "crash-after-promotion"];
                    return Answer::Array(names.map(bulk).into());
                }
                _ => return error("ERR Unknown failure simulation specified"),
            }
        }
        let begin = "Failure simulation: this Sentinel will crash after";
        if failures.after_election {
            let line = format!("{begin} being successfully elected as failover leader");
            self.core.log(Level::Warning, line);
        }
        if failures.after_promotion {
            let line = format!("{begin} promoting the selected replica to master");
            self.core.log(Level::Warning, line);
        }
        self.core.failures = failures;
        Answer::Ok
    }
}

impl Master {
    /// Whether enough Sentinels are there to agree, and to elect.
    fn check_quorum(&self) -> Answer {
        let others = self.peers.values().filter(|peer| !peer.base.is_down());
        let usable = 1 + others.count();
        let begin = format!("NOQUORUM {usable} usable Sentinels. ");
        let no_quorum = (usable < self.quorum as usize).then_some(
            "Not enough available Sentinels to reach the specified quorum for this master",
        );
        let no_majority = (usable <= self.peers.len().div_ceil(2)).then_some(
            "Not enough available Sentinels to reach the majority and authorize a failover",
        );
        match (no_quorum, no_majority) {
            (None, None) => Answer::Status(format!(
                "OK {usable} usable Sentinels. Quorum and failover authorization can be reached"
            )),
            (Some(why), None) | (None, Some(why)) => error(format!("{begin}{why}")),
            (Some(why), Some(also)) => error(format!("{begin}{why}. {also}")),
        }
    }
}
