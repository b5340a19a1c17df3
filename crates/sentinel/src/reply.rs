//! What instances answer, and what their channels bring.
//!
//! An instance may say anything. What is not the answer that was asked for means nothing.

use core::net::IpAddr;

use resp::value::Value;

use crate::ConnectionId;
use crate::core::{Core, EPOCH_MAX};
use crate::down::Which;
use crate::flaw::flawed;
use crate::hello::{Hello, is_id};
use crate::link::{Asked, LinkId, MasterId};
use crate::machine::Machine;
use crate::master::{Instance, Master};
use crate::monitor::words;
use crate::output::{Level, Way};

/// Sentinels of one master that are believed to exist.
const PEERS_MAX: usize = 1_000;

impl Machine {
    pub(crate) fn take_reply(&mut self, connection: ConnectionId, value: &Value) {
        let Some((link, way)) = self.core.links.owner(connection) else {
            return;
        };
        match way {
            Way::Command => self.take_answer(link, value),
            Way::Subscription => self.take_message(link, value),
        }
    }

    fn take_message(&mut self, link: LinkId, value: &Value) {
        let now_ms = self.core.now_ms;
        let known = self.core.links.get_mut(link);
        known.last_message_ms = now_ms;
        let asked = known
            .subscription
            .as_mut()
            .and_then(|connection| connection.asked.pop_front());
        match (asked, value) {
            // Without a hello channel the link is of no use: it is made anew.
            (Some(Asked::Subscribe), Value::Error(_)) => self.core.close(link, Way::Subscription),
            (None, Value::Array(parts) | Value::Push(parts)) => {
                if let [Value::Bulk(kind), Value::Bulk(channel), Value::Bulk(text)] = &parts[..]
                    && kind == b"message"
                    && channel == crate::HELLO_CHANNEL.as_bytes()
                {
                    self.take_hello(text);
                }
            }
            _ => {}
        }
    }

    fn take_answer(&mut self, link: LinkId, value: &Value) {
        let command = self.core.links.get_mut(link).command.as_mut();
        let Some(asked) = command.and_then(|command| command.asked.pop_front()) else {
            return;
        };
        match asked {
            Asked::Ping => self.take_pong(link, value),
            Asked::Info(id) => {
                if let Value::Bulk(text) | Value::Verbatim(_, text) = value {
                    self.with_instance(id, link, |master, core, which| {
                        master.take_info(core, which, text);
                        master.judge(core);
                    });
                }
            }
            Asked::Publish(id) => {
                if !matches!(value, Value::Error(_)) {
                    self.with_instance(id, link, |master, core, which| {
                        master.instance(which).last_publish_ms = Some(core.now_ms);
                    });
                }
            }
            Asked::Down(id) => {
                self.with_instance(id, link, |master, core, which| {
                    if let Which::Peer(peer) = which {
                        master.take_opinion(core, peer, value);
                        master.judge(core);
                    }
                });
            }
            Asked::Subscribe | Asked::Other => {}
        }
    }

    /// Whose instance a link belongs to, for one master.
    fn with_instance(
        &mut self,
        id: MasterId,
        link: LinkId,
        then: impl FnOnce(&mut Master, &mut Core, &Which),
    ) {
        let masters = self.masters.values_mut();
        let Some(master) = { masters }.find(|master| master.id == id) else {
            return;
        };
        let everyone = master.everyone();
        let mut everyone = everyone.into_iter();
        if let Some(which) = everyone.find(|which| master.instance(which).link == link) {
            then(master, &mut self.core, &which);
        }
    }

    /// A node that loads or has lost its master answers, so it lives; one that is busy with a
    /// script is helped out of it.
    fn take_pong(&mut self, link: LinkId, value: &Value) {
        let now_ms = self.core.now_ms;
        let is_pong = matches!(value, Value::Simple(text) if text.starts_with(b"PONG"));
        let error = match value {
            Value::Error(text) => &text[..],
            _ => b"",
        };
        let is_alive = error.starts_with(b"LOADING") || error.starts_with(b"MASTERDOWN");
        let known = self.core.links.get_mut(link);
        known.last_answer_ms = now_ms;
        if is_pong || is_alive {
            known.note_round_trip(now_ms);
            known.last_valid_ms = now_ms;
            known.pinged_ms = None;
        }
        let is_busy = error.starts_with(b"BUSY");
        if !is_pong && !is_busy {
            return;
        }
        for master in self.masters.values_mut() {
            if is_pong && master.base.link == link {
                master.rebooted_ms = None;
            }
            let kill = words([&master.command("SCRIPT"), b"KILL"]);
            let nodes = master.replicas.values_mut();
            let nodes = nodes.map(|replica| &mut replica.base);
            let mut nodes = nodes.chain([&mut master.base]);
            let needs_kill = |node: &&mut Instance| {
                is_busy && node.link == link && node.is_down() && !node.script_kill_sent
            };
            if let Some(node) = nodes.find(needs_kill) {
                node.script_kill_sent = self.core.send(link, kill, Asked::Other);
            }
        }
    }

    pub(crate) fn take_hello(&mut self, text: &[u8]) {
        let Some(hello) = Hello::parse(text) else {
            return;
        };
        if hello.id == self.core.id || !self.masters.contains_key(&hello.master) {
            return;
        }
        if !self.meet_peer(&hello) {
            return;
        }
        let master = self
            .masters
            .get_mut(&hello.master)
            .expect("the master was looked up");
        if self.core.see_epoch(hello.epoch) {
            let epoch = hello.epoch.to_string();
            master.tell(&mut self.core, Level::Warning, "+new-epoch", epoch);
        }
        master.take_configuration(&mut self.core, &hello);
        let now_ms = self.core.now_ms;
        if let Some(peer) = master.peers.get_mut(&hello.id) {
            peer.last_hello_ms = now_ms;
        }
    }

    /// Makes sure that the sender is known, at this address and nobody else there.
    fn meet_peer(&mut self, hello: &Hello) -> bool {
        let Some(address) = self.core.address(&hello.host, hello.port) else {
            return false;
        };
        let Some(master) = self.masters.get(&hello.master) else {
            return false;
        };
        let known = master.peers.get(&hello.id);
        if known.is_some_and(|peer| peer.base.address.is_same(&address)) {
            return true;
        }
        if known.is_none() && master.peers.len() >= PEERS_MAX {
            return false;
        }
        let is_known = known.is_some();
        if is_known {
            let text = format!(
                "{} ip {} port {} for {}",
                master.about(&self.core),
                hello.host,
                hello.port,
                hello.id
            );
            let channel = "+sentinel-address-switch";
            master.tell(&mut self.core, Level::Notice, channel, text);
        } else {
            self.forget_squatter(hello, &address);
        }
        let mut others = self.masters.values();
        let shared = others.find_map(|master| master.peers.get(&hello.id));
        let shared = shared.map(|peer| peer.base.link);
        let master = self
            .masters
            .get_mut(&hello.master)
            .expect("the master was looked up");
        if !is_known {
            master.add_peer(&mut self.core, &hello.id, address.clone(), shared);
            let about = master.about_peer(&self.core, &hello.id);
            master.tell(&mut self.core, Level::Notice, "+sentinel", about);
        }
        self.move_peer(&hello.id, &address);
        self.core.save();
        true
    }

    /// Whoever was known at the address of another Sentinel is not there any more.
    fn forget_squatter(&mut self, hello: &Hello, address: &crate::address::Address) {
        let Some(master) = self.masters.get_mut(&hello.master) else {
            return;
        };
        let mut peers = master.peers.values();
        let Some(squatter) = peers.find(|peer| peer.base.address.is_same(address)) else {
            return;
        };
        let id = squatter.base.name.clone();
        let about = master.about_peer(&self.core, &id);
        master.tell(
            &mut self.core,
            Level::Notice,
            "+sentinel-invalid-addr",
            about,
        );
        if let Some(peer) = master.peers.remove(&id) {
            self.core.release(peer.base.link);
        }
        let nowhere = crate::address::Address {
            port: 0,
            ..address.clone()
        };
        self.move_peer(&id, &nowhere);
    }

    /// A Sentinel's address, wherever it is known.
    fn move_peer(&mut self, id: &str, address: &crate::address::Address) {
        for master in self.masters.values_mut() {
            let Some(peer) = master.peers.get_mut(id) else {
                continue;
            };
            if peer.base.address != *address {
                peer.base.address = address.clone();
                self.core.close(peer.base.link, Way::Command);
            }
        }
    }

    pub(crate) fn resolved(&mut self, host: &str, ip: Option<IpAddr>) {
        let Some(ip) = ip else {
            let line = format!("Failed to resolve hostname '{host}'");
            return self.core.log(Level::Warning, line);
        };
        self.core.learn_name(host, ip);
        for master in self.masters.values_mut() {
            for which in master.everyone() {
                let instance = master.instance(&which);
                if instance.address.host != host || instance.address.ip == Some(ip) {
                    continue;
                }
                instance.address.ip = Some(ip);
                let link = instance.link;
                // The next attempt needs not wait: this one could not even begin.
                self.core.links.get_mut(link).last_try_ms = None;
                self.core.close(link, Way::Command);
                self.core.close(link, Way::Subscription);
            }
        }
    }
}

impl Master {
    /// A peer's word on whether this master is down, and for whom it votes.
    fn take_opinion(&mut self, core: &mut Core, id: &str, value: &Value) {
        let Value::Array(parts) = value else {
            return;
        };
        let [
            Value::Integer(is_down),
            Value::Bulk(leader),
            Value::Integer(epoch),
        ] = &parts[..]
        else {
            return;
        };
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        peer.replied_ms = Some(core.now_ms);
        peer.says_down = *is_down == 1;
        let epoch = u64::try_from(*epoch)
            .ok()
            .filter(|epoch| *epoch <= EPOCH_MAX);
        let leader = std::str::from_utf8(leader).ok().filter(|id| is_id(id));
        let (Some(epoch), Some(leader)) = (epoch, leader) else {
            return;
        };
        if peer.leader_epoch != epoch {
            let line = format!("{id} voted for {leader} {epoch}");
            core.log(Level::Warning, line);
        }
        peer.leader = Some(leader.to_owned());
        peer.leader_epoch = epoch;
    }

    /// A newer configuration replaces this one.
    ///
    /// Two failovers that were both forced by operators may have come to the same epoch. Then one
    /// of the two is everybody's, and it does not matter which.
    fn take_configuration(&mut self, core: &mut Core, hello: &Hello) {
        let Some(address) = core.address(&hello.master_host, hello.master_port) else {
            return;
        };
        let current = self.current_address();
        let is_same = address.is_same(current);
        let collides = hello.master_epoch == self.config_epoch && hello.master_epoch > 0;
        let yields =
            collides && !is_same && (address.ip, address.port) > (current.ip, current.port);
        let is_old = hello.master_epoch < self.config_epoch;
        let believes = is_old && flawed!(core, TakeOlderConfiguration);
        if hello.master_epoch <= self.config_epoch && !yields && !believes {
            return;
        }
        self.config_epoch = hello.master_epoch;
        core.save();
        if address.is_same(&self.base.address) {
            // Whatever this Sentinel was about to make of it is outdated.
            if !is_same {
                self.abandon_failover();
            }
            return;
        }
        let about = self.about_peer(core, &hello.id);
        self.tell(core, Level::Warning, "+config-update-from", about);
        let from = self.base.address.clone();
        self.tell_switch(core, &from, &address);
        self.move_to(core, address.clone());
        self.call_client_script(core, "observer", &from, &address);
    }
}
