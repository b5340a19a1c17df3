//! What an instance says of itself, and what is done about it.

use crate::core::Core;
use crate::down::Which;
use crate::flaw::flawed;
use crate::hello::is_id;
use crate::master::{Master, Reconfiguration, Role, Stage};
use crate::output::Level;

/// The longest `INFO` that is kept.
const INFO_MAX: usize = 256 * 1024;

/// Replicas of one master that are watched.
const REPLICAS_MAX: usize = 10_000;

/// The lines that matter. What is missing or makes no sense is not said.
#[derive(Debug, Default)]
struct Said {
    run_id: Option<String>,
    role: Option<Role>,
    replicas: Vec<(String, u16)>,
    link_down_ms: u64,
    master_host: Option<String>,
    master_port: Option<u16>,
    is_linked: Option<bool>,
    priority: Option<u32>,
    offset: Option<u64>,
    is_announced: Option<bool>,
}

impl Said {
    fn read(text: &str) -> Said {
        let mut said = Said::default();
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            match name {
                "run_id" if is_id(value) => said.run_id = Some(value.to_owned()),
                "role" => {
                    said.role = match value {
                        "master" => Some(Role::Master),
                        "slave" => Some(Role::Replica),
                        _ => said.role,
                    }
                }
                "master_link_down_since_seconds" => {
                    // -1 is said by a replica that never had its master.
                    let seconds = value.parse::<i64>().unwrap_or(0);
                    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX / 1_000);
                    said.link_down_ms = seconds.saturating_mul(1_000);
                }
                "master_host" => said.master_host = Some(value.to_owned()),
                "master_port" => said.master_port = value.parse().ok(),
                "master_link_status" => said.is_linked = Some(value == "up"),
                "slave_priority" => said.priority = value.parse().ok(),
                "slave_repl_offset" => said.offset = value.parse().ok(),
                "replica_announced" => said.is_announced = value.parse::<u8>().ok().map(|n| n != 0),
                _ if is_replica_line(name) => said.replicas.extend(replica(value)),
                _ => {}
            }
        }
        said
    }
}

/// `slave0`, `slave1`, ...
fn is_replica_line(name: &str) -> bool {
    let number = name.strip_prefix("slave").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// `ip=127.0.0.1,port=6380,state=online,...`, or `127.0.0.1,6380,online` of long ago.
fn replica(value: &str) -> Option<(String, u16)> {
    let mut fields = value.split(',');
    let (host, port) = (fields.next()?, fields.next()?);
    let host = host.strip_prefix("ip=").unwrap_or(host);
    let port = port.strip_prefix("port=").unwrap_or(port);
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    Some((host.to_owned(), port))
}

impl Master {
    pub fn take_info(&mut self, core: &mut Core, which: &Which, text: &[u8]) {
        let text = String::from_utf8_lossy(&text[..text.len().min(INFO_MAX)]);
        let said = Said::read(&text);
        let now_ms = core.now_ms;
        let instance = self.instance(which);
        instance.info = text.as_bytes().to_vec();
        instance.last_info_ms = Some(now_ms);
        if let Some(run_id) = &said.run_id {
            self.take_run_id(core, which, run_id);
        }
        let role = said.role.unwrap_or(self.instance(which).role);
        if let Which::Master = which {
            self.discover_replicas(core, &said, role);
        }
        if let Which::Replica(name) = which {
            self.take_replica_state(core, name, &said, role);
        }
        self.take_role(core, which, role);
        if core.tilt_since_ms.is_some() && !flawed!(core, ActInTilt) {
            return;
        }
        if let Which::Replica(name) = which {
            match role {
                Role::Master => self.meet_second_master(core, name),
                Role::Replica => self.meet_replica(core, name),
            }
        }
    }

    fn take_run_id(&mut self, core: &mut Core, which: &Which, run_id: &str) {
        let instance = self.instance(which);
        let known = instance.run_id.replace(run_id.to_owned());
        if known.is_none_or(|known| known == run_id) {
            return;
        }
        let text = self.about_which(core, which);
        self.tell(core, Level::Notice, "+reboot", text);
        if matches!(which, Which::Master) && self.reboot_down_after_ms > 0 {
            self.rebooted_ms = Some(core.now_ms);
        }
    }

    fn discover_replicas(&mut self, core: &mut Core, said: &Said, role: Role) {
        if role != Role::Master {
            return;
        }
        for (host, port) in &said.replicas {
            if self.replicas.len() >= REPLICAS_MAX {
                return;
            }
            let Some(address) = core.address(host, *port) else {
                continue;
            };
            if address.ip.is_some_and(|ip| ip.is_unspecified()) {
                continue;
            }
            if let Some(name) = self.add_replica(core, address) {
                self.tell_replica(core, Level::Notice, "+slave", &name);
                core.save();
            }
        }
    }

    fn take_replica_state(&mut self, core: &Core, name: &str, said: &Said, role: Role) {
        let Some(replica) = self.replicas.get_mut(name) else {
            return;
        };
        replica.link_down_ms = said.link_down_ms;
        if role != Role::Replica {
            return;
        }
        let host = said.master_host.clone();
        let port = said.master_port;
        if host.is_some() && host != replica.master_host {
            replica.master_host = host;
            replica.master_since_ms = core.now_ms;
        }
        if let Some(port) = port
            && port != replica.master_port
        {
            replica.master_port = port;
            replica.master_since_ms = core.now_ms;
        }
        replica.is_linked = said.is_linked.unwrap_or(replica.is_linked);
        replica.priority = said.priority.unwrap_or(replica.priority);
        replica.offset = said.offset.unwrap_or(replica.offset);
        replica.is_announced = said.is_announced.unwrap_or(replica.is_announced);
    }

    fn take_role(&mut self, core: &mut Core, which: &Which, role: Role) {
        let instance = self.instance(which);
        if instance.role == role {
            return;
        }
        instance.role = role;
        instance.role_since_ms = core.now_ms;
        if let (Which::Replica(name), Role::Replica) = (which, role)
            && let Some(replica) = self.replicas.get_mut(name)
        {
            replica.master_since_ms = core.now_ms;
        }
        let is_as_known = matches!(
            (which, role),
            (Which::Master, Role::Master) | (Which::Replica(_), Role::Replica)
        );
        let channel = match is_as_known {
            true => "+role-change",
            false => "-role-change",
        };
        let about = self.about_which(core, which);
        let text = format!("{about} new reported role is {}", role.as_str());
        self.tell(core, Level::Verbose, channel, text);
    }

    /// A replica that says it is a master is the promoted one, or one that came back too late.
    fn meet_second_master(&mut self, core: &mut Core, name: &str) {
        if self.is_promoted(name) {
            if self.stage() == Some(Stage::WaitPromotion) {
                self.promotion_succeeded(core);
            }
            return;
        }
        // Another Sentinel may have promoted it just now. Its hello comes first, then.
        let wait_ms = 4 * core.periods.publish_ms;
        let Some(replica) = self.replicas.get(name) else {
            return;
        };
        let has_waited = core.since_ms(replica.base.role_since_ms) > wait_ms;
        if self.looks_sane(core)
            && !self.was_down_within(core, wait_ms)
            && has_waited
            && !flawed!(core, LeaveOldPrimary)
        {
            self.correct(core, name, "+convert-to-slave");
        }
    }

    /// A replica follows, or is on its way, or has gone astray.
    fn meet_replica(&mut self, core: &mut Core, name: &str) {
        let Some(replica) = self.replicas.get(name) else {
            return;
        };
        if replica.master_host.is_some() && !replica.follows(core, &self.base.address) {
            let wait_ms = self.failover_timeout_ms;
            let has_waited = core.since_ms(replica.master_since_ms) > wait_ms;
            if self.failover.is_none()
                && self.looks_sane(core)
                && !self.was_down_within(core, wait_ms)
                && has_waited
                && !flawed!(core, LeaveStrayReplicas)
            {
                self.correct(core, name, "+fix-slave-config");
            }
        }
        self.follow_reconfiguration(core, name);
    }

    fn follow_reconfiguration(&mut self, core: &mut Core, name: &str) {
        let Some(replica) = self.replicas.get(name) else {
            return;
        };
        let follows = replica.follows(core, self.current_address());
        let is_linked = replica.is_linked;
        let is_sent = matches!(replica.reconfiguration, Reconfiguration::Sent { .. });
        if is_sent && follows {
            self.set_reconfiguration(name, Reconfiguration::InProgress);
            self.tell_replica(core, Level::Notice, "+slave-reconf-inprog", name);
        }
        let state = self
            .replicas
            .get(name)
            .map(|replica| replica.reconfiguration);
        if state == Some(Reconfiguration::InProgress) && is_linked {
            self.set_reconfiguration(name, Reconfiguration::Done);
            self.tell_replica(core, Level::Notice, "+slave-reconf-done", name);
        }
    }

    fn was_down_within(&self, core: &Core, limit_ms: u64) -> bool {
        let since = self.base.down_since_ms.max(self.agreed_down_since_ms);
        since.is_some_and(|since_ms| core.since_ms(since_ms) <= limit_ms)
    }

    /// Makes a replica follow this master.
    fn correct(&mut self, core: &mut Core, name: &str, channel: &str) {
        let Some(link) = self.replicas.get(name).map(|replica| replica.base.link) else {
            return;
        };
        let address = &self.base.address;
        let (host, port) = (core.announced(address), address.port.to_string());
        if self.send_replica_of(core, link, &host, &port) {
            self.tell_replica(core, Level::Notice, channel, name);
        }
    }
}
