//! `SENTINEL SET`, `SENTINEL CONFIG` and `SENTINEL DEBUG`.
//!
//! Everything is looked at before anything is changed.

use stdx::glob;
use stdx::number::parse_i64;

use super::{NO_MASTER, bulk, error, is_printable, text};
use crate::answer::Answer;
use crate::core::{Core, Periods};
use crate::machine::{CanRun, Machine};
use crate::master::Master;
use crate::output::{Level, Way};
use crate::statement::yes_or_no;

const CONFIG_USAGE: &str =
    "ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.";
const SCRIPTS_DENIED: &str = "ERR Reconfiguration of scripts path is denied for security reasons. \
     Check the deny-scripts-reconfig configuration directive in your Sentinel configuration";

/// One thing that `SENTINEL SET` changes.
enum Change {
    DownAfter(u64),
    FailoverTimeout(u64),
    ParallelSyncs(u32),
    Quorum(u32),
    RebootDownAfter(u64),
    NotificationScript(Option<Vec<u8>>),
    ClientScript(Option<Vec<u8>>),
    Password(Vec<u8>),
    User(Vec<u8>),
    Rename(Vec<u8>, Vec<u8>),
}

fn invalid(option: &[u8], value: &[u8]) -> Answer {
    error(format!(
        "ERR Invalid argument '{}' for SENTINEL SET '{}'",
        String::from_utf8_lossy(value),
        String::from_utf8_lossy(option)
    ))
}

/// A number of at least `min`.
fn at_least(value: &[u8], min: i64) -> Option<u64> {
    let number = parse_i64(value).filter(|number| *number >= min)?;
    u64::try_from(number).ok()
}

fn count(value: &[u8]) -> Option<u32> {
    at_least(value, 1).and_then(|count| u32::try_from(count).ok())
}

impl Machine {
    pub(super) fn set(&mut self, name: &str, options: &[&[u8]], can_run: &CanRun<'_>) -> Answer {
        if !self.masters.contains_key(name) {
            return error(NO_MASTER);
        }
        let mut changes = Vec::new();
        let mut rest = options;
        while let [option, values @ ..] = rest {
            match self.read_change(option, values, can_run) {
                Ok((change, told, used)) => {
                    changes.push((change, told));
                    rest = &values[used..];
                }
                Err(wrong) => return wrong,
            }
        }
        let master = self
            .masters
            .get_mut(name)
            .expect("the master was looked up");
        for (change, told) in changes {
            master.apply(&mut self.core, change);
            let text = format!("{} {told}", master.about(&self.core));
            master.tell(&mut self.core, Level::Warning, "+set", text);
        }
        self.core.save();
        Answer::OkIfSaved
    }

    /// A change, how the event tells it, and how many words behind the option it has taken.
    fn read_change(
        &self,
        option: &[u8],
        values: &[&[u8]],
        can_run: &CanRun<'_>,
    ) -> Result<(Change, String, usize), Answer> {
        let unknown = || {
            error(format!(
                "ERR Unknown option or number of arguments for SENTINEL SET '{}'",
                String::from_utf8_lossy(option)
            ))
        };
        let name = option.to_ascii_lowercase();
        let (&value, more) = values.split_first().ok_or_else(unknown)?;
        let wrong = || invalid(option, value);
        if !is_printable(value) {
            return Err(wrong());
        }
        let script = || (!value.is_empty()).then(|| value.to_vec());
        let cannot_run = !value.is_empty() && !can_run(value);
        let mut used = 1;
        let change = match text(&name) {
            "down-after-milliseconds" => Change::DownAfter(at_least(value, 1).ok_or_else(wrong)?),
            "failover-timeout" => Change::FailoverTimeout(at_least(value, 1).ok_or_else(wrong)?),
            "parallel-syncs" => Change::ParallelSyncs(count(value).ok_or_else(wrong)?),
            "quorum" => Change::Quorum(count(value).ok_or_else(wrong)?),
            "master-reboot-down-after-period" => {
                Change::RebootDownAfter(at_least(value, 0).ok_or_else(wrong)?)
            }
            "notification-script" | "client-reconfig-script" if self.core.denies_scripts => {
                return Err(error(SCRIPTS_DENIED));
            }
            "notification-script" if cannot_run => {
                let why = "ERR Notification script seems non existing or non executable";
                return Err(error(why));
            }
            "notification-script" => Change::NotificationScript(script()),
            "client-reconfig-script" if cannot_run => {
                let why = "ERR Client reconfiguration script seems non existing or non executable";
                return Err(error(why));
            }
            "client-reconfig-script" => Change::ClientScript(script()),
            "auth-pass" => Change::Password(value.to_vec()),
            "auth-user" => Change::User(value.to_vec()),
            "rename-command" => {
                let to = *more.first().ok_or_else(unknown)?;
                if value.is_empty() {
                    return Err(wrong());
                }
                if to.is_empty() || !is_printable(to) {
                    return Err(invalid(option, to));
                }
                used = 2;
                Change::Rename(value.to_ascii_uppercase(), to.to_vec())
            }
            _ => return Err(unknown()),
        };
        let shown = match change {
            Change::Password(_) => "******".to_owned(),
            Change::Rename(..) => format!("{} {}", text(value), text(more[0])),
            _ => text(value).to_owned(),
        };
        Ok((change, format!("{} {shown}", text(option)), used))
    }

    pub(super) fn config(&mut self, words: &[&[u8]]) -> Answer {
        let verb = words[0].to_ascii_lowercase();
        match (text(&verb), &words[1..]) {
            ("get", [pattern]) => self.config_get(pattern),
            ("set", [option, value]) => self.config_set(option, value),
            _ => error(CONFIG_USAGE),
        }
    }

    fn config_get(&self, pattern: &[u8]) -> Answer {
        let options = &self.core.options;
        let yes_no = |is_set: bool| if is_set { "yes" } else { "no" };
        let port = options.announce_port.to_string();
        let values: [(&str, &[u8]); 6] = [
            (
                "resolve-hostnames",
                yes_no(options.resolve_hostnames).as_bytes(),
            ),
            (
                "announce-hostnames",
                yes_no(options.announce_hostnames).as_bytes(),
            ),
            ("announce-ip", options.announce_ip.as_bytes()),
            ("announce-port", port.as_bytes()),
            ("sentinel-user", &options.user),
            ("sentinel-pass", &options.password),
        ];
        let matching = values
            .iter()
            .filter(|(name, _)| glob::matches(pattern, name.as_bytes(), true))
            .map(|(name, value)| (bulk(name), Answer::Bulk(value.to_vec())));
        Answer::Map(matching.collect())
    }

    fn config_set(&mut self, option: &[u8], value: &[u8]) -> Answer {
        let invalid = || {
            error(format!(
                "ERR Invalid value '{}' to SENTINEL CONFIG SET '{}'",
                String::from_utf8_lossy(value),
                String::from_utf8_lossy(option)
            ))
        };
        if !is_printable(value) {
            return invalid();
        }
        let name = option.to_ascii_lowercase();
        let options = &mut self.core.options;
        let is_secret = matches!(text(&name), "sentinel-user" | "sentinel-pass");
        match text(&name) {
            "resolve-hostnames" | "announce-hostnames" => {
                let Some(is_set) = yes_or_no(text(value)) else {
                    return invalid();
                };
                match text(&name) {
                    "resolve-hostnames" => options.resolve_hostnames = is_set,
                    _ => options.announce_hostnames = is_set,
                }
            }
            "announce-ip" if value.is_empty() || crate::address::is_host(text(value)) => {
                text(value).clone_into(&mut options.announce_ip);
            }
            "announce-ip" => return invalid(),
            "announce-port" => {
                let port = at_least(value, 0).and_then(|port| u16::try_from(port).ok());
                let Some(port) = port else {
                    return invalid();
                };
                options.announce_port = port;
            }
            "sentinel-user" => options.user = value.to_vec(),
            "sentinel-pass" => options.password = value.to_vec(),
            _ => {
                let option = String::from_utf8_lossy(option);
                return error(format!(
                    "ERR Invalid argument '{option}' to SENTINEL CONFIG SET"
                ));
            }
        }
        if is_secret {
            for master in self.masters.values() {
                for peer in master.peers.values() {
                    self.core.close(peer.base.link, Way::Command);
                }
            }
        }
        self.core.save();
        Answer::OkIfSaved
    }

    pub(super) fn debug(&mut self, words: &[&[u8]]) -> Answer {
        if words.is_empty() {
            return Answer::Map(describe_periods(&mut self.core.periods.clone()));
        }
        let mut periods = self.core.periods.clone();
        let mut rest = words;
        while let [option, values @ ..] = rest {
            let unknown = || {
                error(format!(
                    "ERR Unknown option or number of arguments for SENTINEL DEBUG '{}'",
                    String::from_utf8_lossy(option)
                ))
            };
            let Some((value, after)) = values.split_first() else {
                return unknown();
            };
            let name = option.to_ascii_uppercase();
            let mut fields = periods_by_name(&mut periods).into_iter();
            let Some((_, field)) = fields.find(|(known, _)| known.as_bytes() == name) else {
                return unknown();
            };
            let Some(ms) = at_least(value, 1) else {
                return error(format!(
                    "ERR Invalid argument '{}' for SENTINEL DEBUG '{}'",
                    String::from_utf8_lossy(value),
                    String::from_utf8_lossy(option)
                ));
            };
            *field = ms;
            rest = after;
        }
        self.core.periods = periods;
        Answer::Ok
    }
}

fn periods_by_name(periods: &mut Periods) -> [(&'static str, &mut u64); 13] {
    [
        ("INFO-PERIOD", &mut periods.info_ms),
        ("PING-PERIOD", &mut periods.ping_ms),
        ("ASK-PERIOD", &mut periods.ask_ms),
        ("PUBLISH-PERIOD", &mut periods.publish_ms),
        ("DEFAULT-DOWN-AFTER", &mut periods.down_after_ms),
        ("DEFAULT-FAILOVER-TIMEOUT", &mut periods.failover_timeout_ms),
        ("TILT-TRIGGER", &mut periods.tilt_trigger_ms),
        ("TILT-PERIOD", &mut periods.tilt_ms),
        ("SLAVE-RECONF-TIMEOUT", &mut periods.reconfigure_ms),
        ("MIN-LINK-RECONNECT-PERIOD", &mut periods.reconnect_ms),
        ("ELECTION-TIMEOUT", &mut periods.election_ms),
        ("SCRIPT-MAX-RUNTIME", &mut periods.script_runtime_ms),
        ("SCRIPT-RETRY-DELAY", &mut periods.script_retry_ms),
    ]
}

fn describe_periods(periods: &mut Periods) -> Vec<(Answer, Answer)> {
    let fields = periods_by_name(periods).into_iter();
    fields
        .map(|(name, ms)| (bulk(name), bulk(&ms.to_string())))
        .collect()
}

impl Master {
    fn apply(&mut self, core: &mut Core, change: Change) {
        let is_secret = matches!(change, Change::Password(_) | Change::User(_));
        match change {
            Change::DownAfter(ms) => self.down_after_ms = ms,
            Change::FailoverTimeout(ms) => self.failover_timeout_ms = ms,
            Change::ParallelSyncs(count) => self.parallel_syncs = count,
            Change::Quorum(count) => self.quorum = count,
            Change::RebootDownAfter(ms) => self.reboot_down_after_ms = ms,
            Change::NotificationScript(path) => self.notification_script = path,
            Change::ClientScript(path) => self.client_script = path,
            Change::Password(password) => self.password = password,
            Change::User(user) => self.user = user,
            Change::Rename(from, to) => {
                // A command with its own name is not renamed.
                match from.eq_ignore_ascii_case(&to) {
                    true => self.renames.remove(&from),
                    false => self.renames.insert(from, to),
                };
            }
        }
        if is_secret {
            let replicas = self.replicas.values().map(|replica| replica.base.link);
            let links = replicas.chain([self.base.link]);
            for link in links.collect::<Vec<_>>() {
                core.close(link, Way::Command);
                core.close(link, Way::Subscription);
            }
        }
    }
}
