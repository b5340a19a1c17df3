//! What `SENTINEL MASTERS` and its kin tell, and `INFO sentinel`, in the order clients know.

use std::fmt::Write;

use crate::address::Address;
use crate::answer::Answer;
use crate::core::Core;
use crate::input::View;
use crate::machine::Machine;
use crate::master::{Instance, Master, Peer, Reconfiguration, Replica};

/// What is watched under a name, as whoever checks Sentinels looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched<'a> {
    pub name: &'a str,
    /// Where it is watched.
    pub address: (String, u16),
    /// Where clients are sent.
    pub current: (String, u16),
    pub config_epoch: u64,
    pub replicas: usize,
    pub peers: usize,
    pub is_down: bool,
    pub is_agreed_down: bool,
    pub failover: Option<FailoverState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailoverState {
    pub epoch: u64,
    pub stage: &'static str,
    pub is_forced: bool,
}

/// Fields of one instance.
struct Fields(Vec<(Answer, Answer)>);

impl Fields {
    fn text(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let value = Answer::Bulk(value.into());
        self.0.push((Answer::Bulk(name.into()), value));
    }

    fn number(&mut self, name: &str, value: impl Into<u64>) {
        self.text(name, value.into().to_string());
    }

    fn begin(core: &Core, instance: &Instance, flags: String) -> Fields {
        let link = core.links.get(instance.link);
        let mut fields = Fields(Vec::new());
        fields.text("name", &*instance.name);
        fields.text("ip", core.announced(&instance.address));
        fields.number("port", instance.address.port);
        fields.text("runid", instance.run_id.clone().unwrap_or_default());
        fields.text("flags", flags);
        fields.number("link-pending-commands", link.pending() as u64);
        fields.number("link-refcount", link.uses);
        fields
    }

    fn add_life(&mut self, core: &Core, master: &Master, instance: &Instance) {
        let link = core.links.get(instance.link);
        let since = |at_ms: Option<u64>| at_ms.map_or(0, |at_ms| core.since_ms(at_ms));
        self.number("last-ping-sent", since(link.pinged_ms));
        self.number("last-ok-ping-reply", core.since_ms(link.last_valid_ms));
        self.number("last-ping-reply", core.since_ms(link.last_answer_ms));
        if let Some(since_ms) = instance.down_since_ms {
            self.number("s-down-time", core.since_ms(since_ms));
        }
        let is_master = std::ptr::eq(instance, &raw const master.base);
        if let Some(since_ms) = master.agreed_down_since_ms.filter(|_| is_master) {
            self.number("o-down-time", core.since_ms(since_ms));
        }
        self.number("down-after-milliseconds", master.down_after_ms);
    }

    fn add_role(&mut self, core: &Core, instance: &Instance) {
        let info_ms = instance
            .last_info_ms
            .map_or(0, |at_ms| core.since_ms(at_ms));
        self.number("info-refresh", info_ms);
        self.text("role-reported", instance.role.as_str());
        let role_ms = core.since_ms(instance.role_since_ms);
        self.number("role-reported-time", role_ms);
    }
}

/// The flags that are set, in their order.
fn flags(flags: &[(bool, &str)]) -> String {
    let set = flags.iter().filter(|(is_set, _)| *is_set);
    let names = set.map(|(_, name)| *name).collect::<Vec<_>>();
    names.join(",")
}

impl Master {
    pub fn report(&self, core: &Core) -> Answer {
        let link = core.links.get(self.base.link);
        let failover = self.failover.as_ref();
        let flags = flags(&[
            (self.base.is_down(), "s_down"),
            (self.agreed_down_since_ms.is_some(), "o_down"),
            (true, "master"),
            (!link.is_up(), "disconnected"),
            (failover.is_some(), "failover_in_progress"),
            (failover.is_some_and(|it| it.is_forced), "force_failover"),
            (self.base.script_kill_sent, "script_kill_sent"),
            (self.rebooted_ms.is_some(), "master_reboot"),
        ]);
        let mut fields = Fields::begin(core, &self.base, flags);
        if let Some(failover) = failover {
            fields.text("failover-state", failover.stage.as_str());
        }
        fields.add_life(core, self, &self.base);
        fields.add_role(core, &self.base);
        fields.number("config-epoch", self.config_epoch);
        fields.number("num-slaves", self.replicas.len() as u64);
        fields.number("num-other-sentinels", self.peers.len() as u64);
        fields.number("quorum", self.quorum);
        fields.number("failover-timeout", self.failover_timeout_ms);
        fields.number("parallel-syncs", self.parallel_syncs);
        if let Some(path) = &self.notification_script {
            fields.text("notification-script", path.clone());
        }
        if let Some(path) = &self.client_script {
            fields.text("client-reconfig-script", path.clone());
        }
        Answer::Map(fields.0)
    }

    pub fn report_replicas(&self, core: &Core) -> Answer {
        let announced = self
            .replicas
            .values()
            .filter(|replica| replica.is_announced);
        let reports = announced.map(|replica| self.report_replica(core, replica));
        Answer::Array(reports.collect())
    }

    fn report_replica(&self, core: &Core, replica: &Replica) -> Answer {
        let base = &replica.base;
        let link = core.links.get(base.link);
        let state = replica.reconfiguration;
        let is_sent = matches!(state, Reconfiguration::Sent { .. });
        let flags = flags(&[
            (base.is_down(), "s_down"),
            (true, "slave"),
            (!link.is_up(), "disconnected"),
            (self.is_promoted(&base.name), "promoted"),
            (is_sent, "reconf_sent"),
            (state == Reconfiguration::InProgress, "reconf_inprog"),
            (state == Reconfiguration::Done, "reconf_done"),
            (base.script_kill_sent, "script_kill_sent"),
        ]);
        let mut fields = Fields::begin(core, base, flags);
        fields.add_life(core, self, base);
        fields.add_role(core, base);
        fields.number("master-link-down-time", replica.link_down_ms);
        let status = if replica.is_linked { "ok" } else { "err" };
        fields.text("master-link-status", status);
        fields.text("master-host", replica.master_host.as_deref().unwrap_or("?"));
        fields.number("master-port", replica.master_port);
        fields.number("slave-priority", replica.priority);
        fields.number("slave-repl-offset", replica.offset);
        fields.number("replica-announced", u8::from(replica.is_announced));
        Answer::Map(fields.0)
    }

    pub fn report_peers(&self, core: &Core) -> Answer {
        let reports = self.peers.values().map(|peer| self.report_peer(core, peer));
        Answer::Array(reports.collect())
    }

    fn report_peer(&self, core: &Core, peer: &Peer) -> Answer {
        let base = &peer.base;
        let flags = flags(&[
            (base.is_down(), "s_down"),
            (true, "sentinel"),
            (!core.links.get(base.link).is_up(), "disconnected"),
            (peer.says_down, "master_down"),
        ]);
        let mut fields = Fields::begin(core, base, flags);
        fields.add_life(core, self, base);
        fields.number("last-hello-message", core.since_ms(peer.last_hello_ms));
        fields.text("voted-leader", peer.leader.as_deref().unwrap_or("?"));
        fields.number("voted-leader-epoch", peer.leader_epoch);
        Answer::Map(fields.0)
    }

    /// The last `INFO` of the master and of each replica, with its age.
    pub fn report_infos(&self, core: &Core) -> Answer {
        let replicas = self.replicas.values().map(|replica| &replica.base);
        let entries = std::iter::once(&self.base).chain(replicas).map(|base| {
            let age_ms = base.last_info_ms.map_or(0, |at_ms| core.since_ms(at_ms));
            let info = match base.last_info_ms {
                Some(_) => Answer::Bulk(base.info.clone()),
                None => Answer::Null,
            };
            Answer::Array(vec![
                Answer::Integer(i64::try_from(age_ms).unwrap_or(i64::MAX)),
                info,
            ])
        });
        Answer::Array(entries.collect())
    }
}

impl Machine {
    pub fn watched(&self) -> impl Iterator<Item = Watched<'_>> {
        let place = |address: &Address| (self.core.announced(address), address.port);
        self.masters.values().map(move |master| Watched {
            name: master.name(),
            address: place(&master.base.address),
            current: place(master.current_address()),
            config_epoch: master.config_epoch,
            replicas: master.replicas.len(),
            peers: master.peers.len(),
            is_down: master.base.is_down(),
            is_agreed_down: master.agreed_down_since_ms.is_some(),
            failover: master.failover.as_ref().map(|failover| FailoverState {
                epoch: failover.epoch,
                stage: failover.stage.as_str(),
                is_forced: failover.is_forced,
            }),
        })
    }

    /// Whether the clock is not trusted.
    pub fn is_tilted(&self) -> bool {
        self.core.tilt_since_ms.is_some()
    }

    /// The lines of `INFO sentinel` below its title.
    pub fn info(&self, view: &View) -> String {
        let core = &self.core;
        let tilt = core.tilt_since_ms;
        let tilt_seconds = tilt.map_or(-1, |since_ms| {
            (view.now_ms.saturating_sub(since_ms) / 1_000) as i64
        });
        let failures = core.failures;
        let failure_bits =
            u8::from(failures.after_election) | u8::from(failures.after_promotion) << 1;
        let mut text = String::new();
        let mut say = |name: &str, value: &dyn std::fmt::Display| {
            write!(text, "{name}:{value}\r\n").expect("a string takes all");
        };
        say("sentinel_masters", &self.masters.len());
        say("sentinel_tilt", &u8::from(tilt.is_some()));
        say("sentinel_tilt_since_seconds", &tilt_seconds);
        say("sentinel_running_scripts", &core.scripts.running());
        say("sentinel_scripts_queue_length", &core.scripts.len());
        say("sentinel_simulate_failure_flags", &failure_bits);
        for (index, master) in self.masters.values().enumerate() {
            let status = match (master.agreed_down_since_ms, master.base.is_down()) {
                (Some(_), _) => "odown",
                (None, true) => "sdown",
                (None, false) => "ok",
            };
            let line = format!(
                "name={},status={status},address={}:{},slaves={},sentinels={}",
                master.name(),
                core.announced(&master.base.address),
                master.base.address.port,
                master.replicas.len(),
                master.peers.len() + 1
            );
            say(&format!("master{index}"), &line);
        }
        text
    }
}
