//! The lines of the configuration file: reading them at the start, and writing them again.
//!
//! What concerns the whole Sentinel is read first, then what is watched, then what is known of it,
//! in whatever order the lines stand.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::address::Address;
use crate::core::{Core, EPOCH_MAX};
use crate::flaw::flawed;
use crate::hello::is_id;
use crate::machine::{CanRun, Machine, Refusal};
use crate::master::Master;
use crate::settings::Statement;

const UNKNOWN: &str = "Unrecognized sentinel configuration statement.";
const NO_MASTER: &str = "No such master with specified name.";
const NO_TIME: &str = "negative or zero time parameter.";

/// What a configuration, or a command, may not say, in the words clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Quorum,
    Port,
    Host,
    Duplicate,
}

impl Wrong {
    pub fn why(self) -> &'static str {
        match self {
            Wrong::Quorum => "Quorum must be 1 or greater.",
            Wrong::Port => "Invalid port number.",
            Wrong::Host => "Can't resolve instance hostname.",
            Wrong::Duplicate => "Duplicate master name.",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Whole,
    Masters,
    Known,
}

fn phase(keyword: &str) -> Phase {
    match keyword {
        "monitor" => Phase::Masters,
        "announce-ip"
        | "announce-port"
        | "deny-scripts-reconfig"
        | "sentinel-user"
        | "sentinel-pass"
        | "current-epoch"
        | "myid"
        | "resolve-hostnames"
        | "announce-hostnames" => Phase::Whole,
        _ => Phase::Known,
    }
}

/// A configuration on its way into a machine.
pub(crate) struct Reader<'a> {
    core: Core,
    masters: BTreeMap<String, Master>,
    can_run: &'a CanRun<'a>,
}

impl Reader<'_> {
    pub fn read(
        core: Core,
        statements: &[Statement],
        can_run: &CanRun<'_>,
    ) -> Result<(Core, BTreeMap<String, Master>), Refusal> {
        let mut reader = Reader {
            core,
            masters: BTreeMap::new(),
            can_run,
        };
        for wanted in [Phase::Whole, Phase::Masters, Phase::Known] {
            for (index, statement) in statements.iter().enumerate() {
                let words = statement.words.iter();
                let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
                let words = words.collect::<Vec<_>>();
                let keyword = words.first().map(|word| word.to_ascii_lowercase());
                let Some(keyword) = keyword.filter(|keyword| phase(keyword) == wanted) else {
                    continue;
                };
                let raw = &statement.words[1..];
                let words = words.iter().map(String::as_str).skip(1).collect::<Vec<_>>();
                let read = match wanted {
                    Phase::Whole => reader.read_whole(&keyword, &words, raw),
                    Phase::Masters => reader.read_master(&words),
                    Phase::Known => reader.read_known(&keyword, &words, raw),
                };
                read.map_err(|why| Refusal {
                    index,
                    why: why.to_owned(),
                })?;
            }
        }
        Ok((reader.core, reader.masters))
    }

    fn read_whole(
        &mut self,
        keyword: &str,
        words: &[&str],
        raw: &[Vec<u8>],
    ) -> Result<(), &'static str> {
        let [word] = words else {
            return Err(UNKNOWN);
        };
        let options = &mut self.core.options;
        match keyword {
            "announce-ip" => options.announce_ip = (*word).to_owned(),
            "announce-port" => {
                let port = leading_number(word);
                options.announce_port = u16::try_from(port).map_err(|_| "Invalid port number.")?;
            }
            "sentinel-user" => options.user.clone_from(&raw[0]),
            "sentinel-pass" => options.password.clone_from(&raw[0]),
            "myid" if is_id(word) => self.core.id = (*word).to_owned(),
            "myid" => return Err("Malformed Sentinel id in myid option."),
            "current-epoch" => {
                let epoch = leading_number(word).min(EPOCH_MAX);
                self.core.epoch = self.core.epoch.max(epoch);
            }
            "deny-scripts-reconfig" => {
                let why = "Please specify yes or no for the deny-scripts-reconfig options.";
                self.core.denies_scripts = yes_or_no(word).ok_or(why)?;
            }
            "resolve-hostnames" => {
                let why = "Please specify yes or no for the resolve-hostnames option.";
                options.resolve_hostnames = yes_or_no(word).ok_or(why)?;
            }
            "announce-hostnames" => {
                let why = "Please specify yes or no for the announce-hostnames option.";
                options.announce_hostnames = yes_or_no(word).ok_or(why)?;
            }
            _ => return Err(UNKNOWN),
        }
        Ok(())
    }

    fn read_master(&mut self, words: &[&str]) -> Result<(), &'static str> {
        let [name, host, port, quorum] = words else {
            return Err(UNKNOWN);
        };
        let port = leading_number(port);
        let quorum = quorum.parse::<u32>().unwrap_or(0);
        let known = self.masters.contains_key(*name);
        let master = watch(&mut self.core, known, name, host, port, quorum).map_err(Wrong::why)?;
        self.masters.insert((*name).to_owned(), master);
        Ok(())
    }

    /// A Sentinel that is known for several masters has one link for all of them.
    fn read_peer(&mut self, words: &[&str]) -> Result<(), &'static str> {
        let address = known_address(&self.core, words[1], words[2])?;
        let Some(id) = words.get(3).filter(|id| is_id(id)) else {
            return Ok(());
        };
        let mut masters = self.masters.values();
        let shared = masters.find_map(|master| master.peers.get(*id));
        let shared = shared.map(|peer| peer.base.link);
        let master = self.masters.get_mut(words[0]).ok_or(NO_MASTER)?;
        if master.peers.contains_key(*id) {
            return Err("Duplicate runid for sentinel.");
        }
        master.add_peer(&mut self.core, id, address, shared);
        Ok(())
    }

    fn read_known(
        &mut self,
        keyword: &str,
        words: &[&str],
        raw: &[Vec<u8>],
    ) -> Result<(), &'static str> {
        if !known_arity(keyword).ok_or(UNKNOWN)?.contains(&words.len()) {
            return Err(UNKNOWN);
        }
        let master = self.masters.get_mut(words[0]).ok_or(NO_MASTER)?;
        let core = &mut self.core;
        let word = words[1];
        match keyword {
            "known-slave" | "known-replica" => {
                let address = known_address(core, word, words[2])?;
                let why = "Duplicate hostname and port for replica.";
                master.add_replica(core, address).ok_or(why)?;
            }
            "known-sentinel" => self.read_peer(words)?,
            "rename-command" => {
                let name = raw[1].to_ascii_uppercase();
                if master.renames.insert(name, raw[2].clone()).is_some() {
                    return Err("Same command renamed multiple times with rename-command.");
                }
            }
            "config-epoch" => {
                master.config_epoch = leading_number(word).min(EPOCH_MAX);
                core.epoch = core.epoch.max(master.config_epoch);
            }
            "leader-epoch" => master.leader_epoch = leading_number(word).min(EPOCH_MAX),
            "down-after-milliseconds" => master.down_after_ms = time(word).ok_or(NO_TIME)?,
            "failover-timeout" => master.failover_timeout_ms = time(word).ok_or(NO_TIME)?,
            "master-reboot-down-after-period" => {
                if word.starts_with('-') {
                    return Err("negative time parameter.");
                }
                master.reboot_down_after_ms = leading_number(word);
            }
            "parallel-syncs" => {
                master.parallel_syncs = u32::try_from(leading_number(word)).unwrap_or(u32::MAX);
            }
            "auth-pass" => master.password.clone_from(&raw[1]),
            "auth-user" => master.user.clone_from(&raw[1]),
            "notification-script" if (self.can_run)(&raw[1]) => {
                master.notification_script = Some(raw[1].clone());
            }
            "notification-script" => {
                return Err("Notification script seems non existing or non executable.");
            }
            _ if (self.can_run)(&raw[1]) => master.client_script = Some(raw[1].clone()),
            _ => return Err("Client reconfiguration script seems non existing or non executable."),
        }
        Ok(())
    }
}

/// A master that is to be watched.
pub(crate) fn watch(
    core: &mut Core,
    is_known: bool,
    name: &str,
    host: &str,
    port: u64,
    quorum: u32,
) -> Result<Master, Wrong> {
    if quorum == 0 {
        return Err(Wrong::Quorum);
    }
    let port = u16::try_from(port).map_err(|_| Wrong::Port)?;
    let address = core.address(host, port).ok_or(Wrong::Host)?;
    if is_known {
        return Err(Wrong::Duplicate);
    }
    Ok(Master::new(core, name.to_owned(), address, quorum))
}

/// How many words follow a statement about a master, its name among them.
fn known_arity(keyword: &str) -> Option<RangeInclusive<usize>> {
    match keyword {
        "down-after-milliseconds"
        | "failover-timeout"
        | "parallel-syncs"
        | "notification-script"
        | "client-reconfig-script"
        | "auth-pass"
        | "auth-user"
        | "config-epoch"
        | "leader-epoch"
        | "master-reboot-down-after-period" => Some(2..=2),
        "known-slave" | "known-replica" | "rename-command" => Some(3..=3),
        "known-sentinel" => Some(3..=4),
        _ => None,
    }
}

fn known_address(core: &Core, host: &str, port: &str) -> Result<Address, &'static str> {
    let port = u16::try_from(leading_number(port)).map_err(|_| Wrong::Port.why())?;
    core.address(host, port).ok_or(Wrong::Host.why())
}

/// The number that a word begins with; 0 if it begins with none.
fn leading_number(word: &str) -> u64 {
    let end = word.bytes().position(|byte| !byte.is_ascii_digit());
    let digits = &word[..end.unwrap_or(word.len())];
    match digits {
        "" => 0,
        digits => digits.parse().unwrap_or(u64::MAX),
    }
}

fn time(word: &str) -> Option<u64> {
    Some(leading_number(word)).filter(|ms| *ms > 0)
}

pub(crate) fn yes_or_no(word: &str) -> Option<bool> {
    match &*word.to_ascii_lowercase() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

impl Machine {
    /// What the configuration file should say: the words behind `sentinel`, in order. What is as it
    /// would be anyway is not said.
    pub fn statements(&self) -> Vec<Vec<Vec<u8>>> {
        let core = &self.core;
        let options = &core.options;
        let mut lines = Lines(Vec::new());
        lines.say(&["myid", &core.id]);
        if !core.denies_scripts {
            lines.say(&["deny-scripts-reconfig", "no"]);
        }
        if options.resolve_hostnames {
            lines.say(&["resolve-hostnames", "yes"]);
        }
        if options.announce_hostnames {
            lines.say(&["announce-hostnames", "yes"]);
        }
        for master in self.masters.values() {
            master.write(core, &mut lines);
        }
        lines.say(&["current-epoch", &core.epoch.to_string()]);
        if !options.announce_ip.is_empty() {
            lines.say(&["announce-ip", &options.announce_ip]);
        }
        if options.announce_port != 0 {
            lines.say(&["announce-port", &options.announce_port.to_string()]);
        }
        if !options.user.is_empty() {
            lines.say_bytes(&[b"sentinel-user", &options.user]);
        }
        if !options.password.is_empty() {
            lines.say_bytes(&[b"sentinel-pass", &options.password]);
        }
        lines.0
    }
}

struct Lines(Vec<Vec<Vec<u8>>>);

impl Lines {
    fn say(&mut self, words: &[&str]) {
        self.0
            .push(words.iter().map(|word| (*word).into()).collect());
    }

    fn say_bytes(&mut self, words: &[&[u8]]) {
        self.0
            .push(words.iter().map(|word| word.to_vec()).collect());
    }
}

impl Master {
    fn write(&self, core: &Core, lines: &mut Lines) {
        let name = self.name();
        // What is not looked up yet is kept as it was given.
        let host = |address: &Address| match core.announced(address) {
            empty if empty.is_empty() => address.host.clone(),
            host => host,
        };
        let current = self.current_address();
        let port = current.port.to_string();
        let quorum = self.quorum.to_string();
        lines.say(&["monitor", name, &host(current), &port, &quorum]);
        self.write_settings(core, lines);
        lines.say(&["config-epoch", name, &self.config_epoch.to_string()]);
        let voted_epoch = match flawed!(core, ForgetVote) {
            true => 0,
            false => self.leader_epoch,
        };
        lines.say(&["leader-epoch", name, &voted_epoch.to_string()]);
        for (from, to) in &self.renames {
            lines.say_bytes(&[b"rename-command", name.as_bytes(), from, to]);
        }
        // While a failover ends, the master that was is a replica already.
        let known = self.replicas.values().map(|replica| &replica.base.address);
        for address in known {
            let address = match address.is_same(current) {
                true => &self.base.address,
                false => address,
            };
            let port = address.port.to_string();
            lines.say(&["known-replica", name, &host(address), &port]);
        }
        let reachable = self
            .peers
            .values()
            .filter(|peer| peer.base.address.port != 0);
        for peer in reachable {
            let address = &peer.base.address;
            let port = address.port.to_string();
            let id = &peer.base.name;
            lines.say(&["known-sentinel", name, &host(address), &port, id]);
        }
    }

    fn write_settings(&self, core: &Core, lines: &mut Lines) {
        let name = self.name();
        let periods = &core.periods;
        let numbers = [
            (
                "down-after-milliseconds",
                self.down_after_ms,
                periods.down_after_ms,
            ),
            (
                "failover-timeout",
                self.failover_timeout_ms,
                periods.failover_timeout_ms,
            ),
            ("parallel-syncs", u64::from(self.parallel_syncs), 1),
            (
                "master-reboot-down-after-period",
                self.reboot_down_after_ms,
                0,
            ),
        ];
        for (keyword, value, default) in numbers {
            if value != default {
                lines.say(&[keyword, name, &value.to_string()]);
            }
        }
        let no_script = Vec::new();
        let texts = [
            (
                "notification-script",
                self.notification_script.as_ref().unwrap_or(&no_script),
            ),
            (
                "client-reconfig-script",
                self.client_script.as_ref().unwrap_or(&no_script),
            ),
            ("auth-pass", &self.password),
            ("auth-user", &self.user),
        ];
        for (keyword, text) in texts {
            if !text.is_empty() {
                lines.say_bytes(&[keyword.as_bytes(), name.as_bytes(), text]);
            }
        }
    }
}
