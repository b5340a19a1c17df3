//! A master that is watched, with its replicas and the Sentinels that watch it too.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::core::Core;
use crate::link::{LinkId, MasterId};
use crate::output::Level;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Master,
    Replica,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Replica => "slave",
        }
    }
}

/// What every instance has.
#[derive(Debug)]
pub(crate) struct Instance {
    pub name: String,
    pub address: Address,
    pub run_id: Option<String>,
    pub link: LinkId,
    /// Since when this Sentinel alone takes it for down.
    pub down_since_ms: Option<u64>,
    pub script_kill_sent: bool,
    pub last_publish_ms: Option<u64>,
    pub last_info_ms: Option<u64>,
    pub role: Role,
    pub role_since_ms: u64,
    /// What it last said of itself.
    pub info: Vec<u8>,
}

impl Instance {
    pub fn new(core: &mut Core, name: String, address: Address, role: Role) -> Instance {
        Instance {
            name,
            address,
            run_id: None,
            link: core.links.make(true, core.now_ms),
            down_since_ms: None,
            script_kill_sent: false,
            last_publish_ms: None,
            last_info_ms: None,
            role,
            role_since_ms: core.now_ms,
            info: Vec::new(),
        }
    }

    pub fn is_down(&self) -> bool {
        self.down_since_ms.is_some()
    }

    /// Whether its `INFO` is no older.
    pub fn informs_within(&self, core: &Core, limit_ms: u64) -> bool {
        self.last_info_ms
            .is_some_and(|at_ms| core.since_ms(at_ms) <= limit_ms)
    }
}

/// How far a replica is with following the new master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reconfiguration {
    None,
    Sent { at_ms: u64 },
    InProgress,
    Done,
}

#[derive(Debug)]
pub(crate) struct Replica {
    pub base: Instance,
    pub priority: u32,
    pub offset: u64,
    pub is_announced: bool,
    /// Whom it says it follows, and since when.
    pub master_host: Option<String>,
    pub master_port: u16,
    pub master_since_ms: u64,
    pub is_linked: bool,
    /// For how long it has been without its master, as it said.
    pub link_down_ms: u64,
    pub reconfiguration: Reconfiguration,
}

impl Replica {
    fn new(core: &mut Core, address: Address) -> Replica {
        let name = name_of(core, &address);
        Replica {
            base: Instance::new(core, name, address, Role::Replica),
            priority: 100,
            offset: 0,
            is_announced: true,
            master_host: None,
            master_port: 0,
            master_since_ms: core.now_ms,
            is_linked: false,
            link_down_ms: 0,
            reconfiguration: Reconfiguration::None,
        }
    }

    /// Whether it says that it follows whoever is there.
    pub fn follows(&self, core: &Core, address: &Address) -> bool {
        let host = self.master_host.as_deref();
        let followed = host.and_then(|host| core.address(host, self.master_port));
        match followed {
            Some(followed) => followed.is_same(address),
            None => host == Some(&*address.host) && self.master_port == address.port,
        }
    }
}

/// Another Sentinel, as one of those that watch a master.
#[derive(Debug)]
pub(crate) struct Peer {
    pub base: Instance,
    pub last_hello_ms: u64,
    /// When it last said whether the master is down.
    pub replied_ms: Option<u64>,
    pub says_down: bool,
    /// For whom it said it votes, and in which epoch.
    pub leader: Option<String>,
    pub leader_epoch: u64,
}

/// What a failover does now. Each stage begins where the one before has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    WaitStart,
    SelectReplica,
    SendPromotion,
    WaitPromotion,
    ReconfigureReplicas,
    UpdateConfiguration,
}

impl Stage {
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::WaitStart => "wait_start",
            Stage::SelectReplica => "select_slave",
            Stage::SendPromotion => "send_slaveof_noone",
            Stage::WaitPromotion => "wait_promotion",
            Stage::ReconfigureReplicas => "reconf_slaves",
            Stage::UpdateConfiguration => "update_config",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Failover {
    pub epoch: u64,
    pub stage: Stage,
    pub changed_ms: u64,
    /// An operator wants it, whatever others think.
    pub is_forced: bool,
    /// Which replica is to be the master.
    pub promoted: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Master {
    pub id: MasterId,
    pub base: Instance,
    pub quorum: u32,
    pub down_after_ms: u64,
    pub failover_timeout_ms: u64,
    pub parallel_syncs: u32,
    pub user: Vec<u8>,
    pub password: Vec<u8>,
    /// What commands are called there, by their own names in capitals.
    pub renames: BTreeMap<Vec<u8>, Vec<u8>>,
    pub notification_script: Option<Vec<u8>>,
    pub client_script: Option<Vec<u8>>,
    /// 0 means that a reboot is nothing special.
    pub reboot_down_after_ms: u64,
    pub rebooted_ms: Option<u64>,
    pub config_epoch: u64,
    pub replicas: BTreeMap<String, Replica>,
    pub peers: BTreeMap<String, Peer>,
    /// Since when enough Sentinels take it for down.
    pub agreed_down_since_ms: Option<u64>,
    /// For whom this Sentinel has voted, and in which epoch.
    pub leader: Option<String>,
    pub leader_epoch: u64,
    pub failover: Option<Failover>,
    /// When a failover last began, here or by a vote.
    pub tried_ms: Option<u64>,
    /// The beginning for which the log was told that the next one waits.
    pub delay_logged_ms: Option<u64>,
}

fn name_of(core: &Core, address: &Address) -> String {
    let host = core.announced(address);
    match host.contains(':') {
        true => format!("[{host}]:{}", address.port),
        false => format!("{host}:{}", address.port),
    }
}

impl Master {
    pub fn new(core: &mut Core, name: String, address: Address, quorum: u32) -> Master {
        core.masters_made += 1;
        Master {
            id: MasterId(core.masters_made),
            base: Instance::new(core, name, address, Role::Master),
            quorum,
            down_after_ms: core.periods.down_after_ms,
            failover_timeout_ms: core.periods.failover_timeout_ms,
            parallel_syncs: 1,
            user: Vec::new(),
            password: Vec::new(),
            renames: BTreeMap::new(),
            notification_script: None,
            client_script: None,
            reboot_down_after_ms: 0,
            rebooted_ms: None,
            config_epoch: 0,
            replicas: BTreeMap::new(),
            peers: BTreeMap::new(),
            agreed_down_since_ms: None,
            leader: None,
            leader_epoch: 0,
            failover: None,
            tried_ms: None,
            delay_logged_ms: None,
        }
    }

    pub fn name(&self) -> &str {
        &self.base.name
    }

    /// `master mymaster 127.0.0.1 6379`
    pub fn about(&self, core: &Core) -> String {
        let host = core.announced(&self.base.address);
        format!("master {} {host} {}", self.name(), self.base.address.port)
    }

    fn about_other(&self, core: &Core, kind: &str, other: &Instance) -> String {
        let host = core.announced(&other.address);
        let master = core.announced(&self.base.address);
        format!(
            "{kind} {} {host} {} @ {} {master} {}",
            other.name,
            other.address.port,
            self.name(),
            self.base.address.port
        )
    }

    /// `slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379`
    pub fn about_replica(&self, core: &Core, name: &str) -> String {
        match self.replicas.get(name) {
            Some(replica) => self.about_other(core, "slave", &replica.base),
            None => String::new(),
        }
    }

    /// `sentinel <id> 127.0.0.1 26380 @ mymaster 127.0.0.1 6379`
    pub fn about_peer(&self, core: &Core, id: &str) -> String {
        match self.peers.get(id) {
            Some(peer) => self.about_other(core, "sentinel", &peer.base),
            None => String::new(),
        }
    }

    /// An event of this master. A grave one is also told to its notification script.
    pub fn tell(&self, core: &mut Core, level: Level, channel: &str, text: impl Into<String>) {
        let text = text.into();
        core.event(level, channel, text.clone());
        if level == Level::Warning
            && let Some(path) = &self.notification_script
        {
            core.add_script(path, vec![channel.into(), text.into()]);
        }
    }

    pub fn tell_self(&self, core: &mut Core, level: Level, channel: &str) {
        self.tell(core, level, channel, self.about(core));
    }

    pub fn tell_replica(&self, core: &mut Core, level: Level, channel: &str, name: &str) {
        self.tell(core, level, channel, self.about_replica(core, name));
    }

    /// Tells the script that clients must go elsewhere.
    pub fn call_client_script(&self, core: &mut Core, role: &str, from: &Address, to: &Address) {
        let Some(path) = &self.client_script else {
            return;
        };
        let words = [
            self.name().to_owned(),
            role.to_owned(),
            "start".to_owned(),
            core.announced(from),
            from.port.to_string(),
            core.announced(to),
            to.port.to_string(),
        ];
        let words = words.into_iter().map(String::into_bytes).collect();
        core.add_script(path, words);
    }

    /// What a command is called there.
    pub fn command(&self, name: &str) -> Vec<u8> {
        match self.renames.get(name.as_bytes()) {
            Some(renamed) => renamed.clone(),
            None => name.into(),
        }
    }

    /// Where clients should go: to the promoted replica as soon as it says that it is one.
    pub fn current_address(&self) -> &Address {
        let failover = self.failover.as_ref();
        let promoted = failover
            .filter(|failover| failover.stage >= Stage::ReconfigureReplicas)
            .and_then(|failover| failover.promoted.as_ref())
            .and_then(|name| self.replicas.get(name));
        promoted.map_or(&self.base.address, |replica| &replica.base.address)
    }

    pub fn is_promoted(&self, name: &str) -> bool {
        let failover = self.failover.as_ref();
        failover.is_some_and(|failover| failover.promoted.as_deref() == Some(name))
    }

    pub fn stage(&self) -> Option<Stage> {
        self.failover.as_ref().map(|failover| failover.stage)
    }

    /// Adds a replica, unless it is known or is the master itself.
    pub fn add_replica(&mut self, core: &mut Core, address: Address) -> Option<String> {
        let mut known = self.replicas.values();
        if known.any(|replica| replica.base.address.is_same(&address)) {
            return None;
        }
        let replica = Replica::new(core, address);
        let name = replica.base.name.clone();
        self.replicas.insert(name.clone(), replica);
        Some(name)
    }

    /// Adds a Sentinel. One that is known for other masters keeps its link.
    pub fn add_peer(
        &mut self,
        core: &mut Core,
        id: &str,
        address: Address,
        shared: Option<LinkId>,
    ) {
        let link = match shared {
            Some(link) => core.links.share(link),
            None => core.links.make(false, core.now_ms),
        };
        let peer = Peer {
            base: Instance {
                name: id.to_owned(),
                address,
                run_id: Some(id.to_owned()),
                link,
                down_since_ms: None,
                script_kill_sent: false,
                last_publish_ms: None,
                last_info_ms: None,
                role: Role::Master,
                role_since_ms: core.now_ms,
                info: Vec::new(),
            },
            last_hello_ms: core.now_ms,
            replied_ms: None,
            says_down: false,
            leader: None,
            leader_epoch: 0,
        };
        self.peers.insert(id.to_owned(), peer);
    }

    /// Forgets what was learnt: the replicas, the state, and the Sentinels if wanted. What is still
    /// to be answered was asked about another master.
    pub fn reset(&mut self, core: &mut Core, with_peers: bool) {
        core.masters_made += 1;
        self.id = MasterId(core.masters_made);
        for replica in std::mem::take(&mut self.replicas).into_values() {
            core.release(replica.base.link);
        }
        if with_peers {
            for peer in std::mem::take(&mut self.peers).into_values() {
                core.release(peer.base.link);
            }
        }
        core.release(self.base.link);
        let name = std::mem::take(&mut self.base.name);
        self.base = Instance::new(core, name, self.base.address.clone(), Role::Master);
        self.leader = None;
        self.failover = None;
        self.tried_ms = None;
        self.delay_logged_ms = None;
        self.agreed_down_since_ms = None;
        self.rebooted_ms = None;
    }

    /// Watches another instance under the same name. Everybody else is its replica from now on.
    pub fn move_to(&mut self, core: &mut Core, address: Address) {
        let old = self.base.address.clone();
        let known = self.replicas.values();
        let mut others = known
            .map(|replica| replica.base.address.clone())
            .filter(|other| !other.is_same(&address))
            .collect::<Vec<_>>();
        if !old.is_same(&address) && !others.iter().any(|other| other.is_same(&old)) {
            others.push(old);
        }
        // What peers said was about the master that was.
        for peer in self.peers.values_mut() {
            peer.says_down = false;
        }
        self.base.address = address;
        self.reset(core, false);
        for other in others {
            if let Some(name) = self.add_replica(core, other) {
                self.tell_replica(core, Level::Notice, "+slave", &name);
            }
        }
        core.save();
    }

    /// Everybody leaves.
    pub fn release(&mut self, core: &mut Core) {
        let replicas = std::mem::take(&mut self.replicas);
        let peers = std::mem::take(&mut self.peers);
        for replica in replicas.into_values() {
            core.release(replica.base.link);
        }
        for peer in peers.into_values() {
            core.release(peer.base.link);
        }
        core.release(self.base.link);
    }

    /// `+switch-master`, as clients wait for it.
    pub fn tell_switch(&self, core: &mut Core, from: &Address, to: &Address) {
        let text = format!(
            "{} {} {} {} {}",
            self.name(),
            core.announced(from),
            from.port,
            core.announced(to),
            to.port
        );
        self.tell(core, Level::Warning, "+switch-master", text);
    }
}
