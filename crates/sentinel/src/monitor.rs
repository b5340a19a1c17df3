//! Keeping connections, and asking all instances how they are.

use crate::HELLO_CHANNEL;
use crate::core::Core;
use crate::flaw::flawed;
use crate::hello::Hello;
use crate::link::{Asked, LinkId};
use crate::master::{Instance, Master};
use crate::output::{Output, Way};

/// What kind of instance is looked after, with what is different for it.
struct Care {
    link: LinkId,
    is_peer: bool,
    /// How old its `INFO` may be; `None` if it is not asked.
    info_ms: Option<u64>,
    down_after_ms: u64,
    auth: Option<Vec<Vec<u8>>>,
}

pub(crate) fn words<const N: usize>(words: [&[u8]; N]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_vec()).collect()
}

impl Master {
    /// Connects, pings, asks and publishes, wherever it is time.
    pub fn look_after(&mut self, core: &mut Core) {
        let care = self.care(core, self.base.link, Some(core.periods.info_ms));
        self.look_after_one(core, care, |master| &mut master.base);
        let is_urgent =
            self.base.is_down() || self.agreed_down_since_ms.is_some() || self.failover.is_some();
        for name in self.replicas.keys().cloned().collect::<Vec<_>>() {
            let replica = &self.replicas[&name];
            let info_ms = match is_urgent || replica.link_down_ms > 0 {
                true => core.periods.info_ms.min(1_000),
                false => core.periods.info_ms,
            };
            let care = self.care(core, replica.base.link, Some(info_ms));
            self.look_after_one(core, care, |master| {
                let replica = master.replicas.get_mut(&name);
                &mut replica.expect("the replica is listed").base
            });
        }
        for id in self.peers.keys().cloned().collect::<Vec<_>>() {
            let care = self.care(core, self.peers[&id].base.link, None);
            self.look_after_one(core, care, |master| {
                let peer = master.peers.get_mut(&id);
                &mut peer.expect("the peer is listed").base
            });
        }
    }

    fn care(&self, core: &Core, link: LinkId, info_ms: Option<u64>) -> Care {
        let is_peer = info_ms.is_none();
        let (user, password, name) = match is_peer {
            false => (&self.user, &self.password, self.command("AUTH")),
            true if core.options.password.is_empty() => {
                (&core.options.user, &core.settings.password, b"AUTH".into())
            }
            true => (&core.options.user, &core.options.password, b"AUTH".into()),
        };
        let auth = match (password.is_empty(), user.is_empty()) {
            (true, _) => None,
            (false, true) => Some(vec![name, password.clone()]),
            (false, false) => Some(vec![name, user.clone(), password.clone()]),
        };
        Care {
            link,
            is_peer,
            info_ms,
            down_after_ms: self.down_after_ms,
            auth,
        }
    }

    fn look_after_one(
        &mut self,
        core: &mut Core,
        care: Care,
        instance: impl for<'a> Fn(&'a mut Master) -> &'a mut Instance,
    ) {
        self.reconnect(core, &care, &instance);
        self.question(core, &care, &instance);
    }

    fn reconnect(
        &mut self,
        core: &mut Core,
        care: &Care,
        instance: &impl for<'a> Fn(&'a mut Master) -> &'a mut Instance,
    ) {
        let link = core.links.get(care.link);
        let waits = link
            .last_try_ms
            .is_some_and(|tried_ms| core.since_ms(tried_ms) < core.periods.ping_ms);
        if link.is_up() || waits {
            return;
        }
        let (has_command, has_subscription) = (link.command.is_some(), link.subscription.is_some());
        let address = instance(self).address.clone();
        if address.port == 0 {
            return;
        }
        let now_ms = core.now_ms;
        core.links.get_mut(care.link).last_try_ms = Some(now_ms);
        if address.is_name() {
            let host = address.host.clone();
            core.out.push(Output::Resolve { host });
        }
        let Some(ip) = address.ip else {
            return;
        };
        let connect = |core: &mut Core, way| {
            let connection = core.links.connect(care.link, way, now_ms);
            let port = address.port;
            core.out.push(Output::Connect {
                connection,
                way,
                ip,
                port,
            });
            connection
        };
        let client = self.command_for("CLIENT", care.is_peer);
        let short = core.id[..8].to_owned();
        if !has_command {
            connect(core, Way::Command);
            if let Some(auth) = &care.auth {
                core.send(care.link, auth.clone(), Asked::Other);
            }
            let name = format!("sentinel-{short}-cmd");
            let set_name = words([&client, b"SETNAME", name.as_bytes()]);
            core.send(care.link, set_name, Asked::Other);
            self.ping(core, care);
            if !care.is_peer {
                // Whoever has lost its connections may have started anew, or be another.
                self.ask_info(core, care.link);
            }
        }
        if !has_subscription && !care.is_peer {
            let connection = connect(core, Way::Subscription);
            let name = format!("sentinel-{short}-pubsub");
            let set_name = words([&client, b"SETNAME", name.as_bytes()]);
            let channel = HELLO_CHANNEL.as_bytes();
            let subscribe = words([&self.command("SUBSCRIBE"), channel]);
            let auth = care.auth.clone().map(|auth| (auth, Asked::Other));
            let requests = [(set_name, Asked::Other), (subscribe, Asked::Subscribe)];
            for (words, asked) in auth.into_iter().chain(requests) {
                core.links.expect(care.link, asked);
                core.out.push(Output::Send { connection, words });
            }
        }
    }

    fn ping(&self, core: &mut Core, care: &Care) {
        let link = care.link;
        let ping = self.command_for("PING", care.is_peer);
        if core.send(link, vec![ping], Asked::Ping) {
            let now_ms = core.now_ms;
            let link = core.links.get_mut(link);
            link.last_ping_ms = now_ms;
            link.pinged_ms.get_or_insert(now_ms);
        }
    }

    fn question(
        &mut self,
        core: &mut Core,
        care: &Care,
        instance: &impl for<'a> Fn(&'a mut Master) -> &'a mut Instance,
    ) {
        let link = core.links.get(care.link);
        if link.command.is_none() || core.is_overloaded(care.link) {
            return;
        }
        let (info, publish) = (Asked::Info(self.id), Asked::Publish(self.id));
        let base = instance(self);
        let wants_info = care
            .info_ms
            .is_some_and(|limit_ms| !base.informs_within(core, limit_ms) && !link.awaits(info));
        let ping_ms = core.periods.ping_ms.min(care.down_after_ms);
        let wants_ping = core.since_ms(link.last_answer_ms) > ping_ms
            && core.since_ms(link.last_ping_ms) > ping_ms / 2;
        let is_fresh = |at_ms| core.since_ms(at_ms) <= core.periods.publish_ms;
        let wants_publish = !base.last_publish_ms.is_some_and(is_fresh) && !link.awaits(publish);
        if wants_info {
            core.send(care.link, vec![self.command("INFO")], info);
        }
        if wants_ping {
            self.ping(core, care);
        }
        if wants_publish {
            self.publish(core, care.link, care.is_peer);
        }
    }

    /// Commands are renamed on nodes. Other Sentinels know them by their own names.
    fn command_for(&self, name: &str, is_peer: bool) -> Vec<u8> {
        match is_peer {
            true => name.into(),
            false => self.command(name),
        }
    }

    /// Says hello on an instance's channel, once its connection tells this side's address.
    fn publish(&self, core: &mut Core, link: LinkId, is_peer: bool) -> bool {
        let connection = core.links.get(link).command.as_ref();
        let Some(local_ip) = connection.and_then(|connection| connection.local_ip) else {
            return false;
        };
        let options = &core.options;
        let current = self.current_address();
        let hello = Hello {
            host: match options.announce_ip.is_empty() {
                true => local_ip.to_string(),
                false => options.announce_ip.clone(),
            },
            port: match options.announce_port {
                0 => core.settings.port,
                announced => announced,
            },
            id: core.id.clone(),
            epoch: core.epoch,
            master: self.name().to_owned(),
            master_host: core.announced(current),
            master_port: current.port,
            master_epoch: match flawed!(core, KeepOutcomeSecret) {
                true => 0,
                false => self.config_epoch,
            },
        };
        let publish = self.command_for("PUBLISH", is_peer);
        let hello = hello.to_string();
        let words = words([&publish, HELLO_CHANNEL.as_bytes(), hello.as_bytes()]);
        core.send(link, words, Asked::Publish(self.id))
    }

    /// Says hello everywhere, at once: something was decided.
    pub fn publish_everywhere(&self, core: &mut Core) {
        let replicas = self.replicas.values().map(|replica| replica.base.link);
        for link in std::iter::once(self.base.link).chain(replicas) {
            self.publish(core, link, false);
        }
        for peer in self.peers.values() {
            self.publish(core, peer.base.link, true);
        }
    }

    /// Makes a node follow somebody, or nobody, as one transaction: its clients must come anew.
    pub fn send_replica_of(&self, core: &mut Core, link: LinkId, host: &str, port: &str) -> bool {
        if core.links.get(link).command.is_none() {
            return false;
        }
        let (config, client) = (self.command("CONFIG"), self.command("CLIENT"));
        for request in [
            vec![self.command("MULTI")],
            words([&self.command("SLAVEOF"), host.as_bytes(), port.as_bytes()]),
            words([&config, b"REWRITE"]),
            words([&client, b"KILL", b"TYPE", b"normal"]),
            words([&client, b"KILL", b"TYPE", b"pubsub"]),
            vec![self.command("EXEC")],
        ] {
            core.send(link, request, Asked::Other);
        }
        true
    }

    /// Asks an instance for its state now, whenever it was asked last.
    pub fn ask_info(&self, core: &mut Core, link: LinkId) {
        core.send(link, vec![self.command("INFO")], Asked::Info(self.id));
    }
}
