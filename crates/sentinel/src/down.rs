//! Who is down: in this Sentinel's own view, and in the view of enough of them.

use crate::core::Core;
use crate::link::Asked;
use crate::master::{Master, Role, Stage};
use crate::monitor::words;
use crate::output::{Level, Way};

/// Which instance of a master.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    Master,
    Replica(String),
    Peer(String),
}

impl Master {
    pub fn everyone(&self) -> Vec<Which> {
        let replicas = self.replicas.keys().cloned().map(Which::Replica);
        let peers = self.peers.keys().cloned().map(Which::Peer);
        std::iter::once(Which::Master)
            .chain(replicas)
            .chain(peers)
            .collect()
    }

    pub fn instance(&mut self, which: &Which) -> &mut crate::master::Instance {
        let instance = match which {
            Which::Master => Some(&mut self.base),
            Which::Replica(name) => self.replicas.get_mut(name).map(|replica| &mut replica.base),
            Which::Peer(id) => self.peers.get_mut(id).map(|peer| &mut peer.base),
        };
        instance.expect("the instance is listed")
    }

    pub fn about_which(&self, core: &Core, which: &Which) -> String {
        match which {
            Which::Master => self.about(core),
            Which::Replica(name) => self.about_replica(core, name),
            Which::Peer(id) => self.about_peer(core, id),
        }
    }

    /// Judges an instance by its silence, and closes connections on which nothing comes.
    pub fn check_down(&mut self, core: &mut Core, which: &Which) {
        let down_after_ms = self.down_after_ms;
        let link_id = self.instance(which).link;
        let silent_ms = core.links.get(link_id).silent_ms(core.now_ms);
        self.close_dead_ways(core, which);
        let mut is_down = silent_ms > down_after_ms;
        if let Which::Master = which {
            let base = &self.base;
            let wrong_ms = down_after_ms + 2 * core.periods.info_ms;
            is_down |= base.role == Role::Replica && core.since_ms(base.role_since_ms) > wrong_ms;
            let limit_ms = self.reboot_down_after_ms;
            is_down |= self
                .rebooted_ms
                .is_some_and(|at_ms| core.since_ms(at_ms) > limit_ms);
        }
        let now_ms = core.now_ms;
        let instance = self.instance(which);
        if is_down == instance.is_down() {
            return;
        }
        instance.down_since_ms = is_down.then_some(now_ms);
        if !is_down {
            instance.script_kill_sent = false;
        }
        let channel = if is_down { "+sdown" } else { "-sdown" };
        let text = self.about_which(core, which);
        self.tell(core, Level::Warning, channel, text);
        if is_down && matches!(which, Which::Master) {
            // Whoever is to choose among the replicas wants to know how they are now.
            let links = self.replicas.values().map(|replica| replica.base.link);
            self.ask_for_news(core, &links.collect::<Vec<_>>());
        }
    }

    /// A connection that has stood for a while and brings nothing is made anew.
    fn close_dead_ways(&mut self, core: &mut Core, which: &Which) {
        let half_ms = self.down_after_ms / 2;
        let id = self.instance(which).link;
        let link = core.links.get(id);
        let reconnect_ms = core.periods.reconnect_ms;
        let is_old = |since_ms: u64| core.since_ms(since_ms) > reconnect_ms;
        let unanswered = |at_ms: u64| core.since_ms(at_ms) > half_ms;
        let command = link.command.as_ref();
        let is_command_dead = command.is_some_and(|command| is_old(command.since_ms))
            && link.pinged_ms.is_some_and(unanswered)
            && unanswered(link.last_answer_ms);
        let subscription = link.subscription.as_ref();
        let is_subscription_dead = subscription
            .is_some_and(|subscription| is_old(subscription.since_ms))
            && core.since_ms(link.last_message_ms) > 3 * core.periods.publish_ms;
        if is_command_dead {
            core.close(id, Way::Command);
        }
        if is_subscription_dead {
            core.close(id, Way::Subscription);
        }
    }

    /// Whether enough Sentinels take the master for down, this one among them.
    pub fn check_agreed_down(&mut self, core: &mut Core) {
        self.forget_old_words(core);
        let count = match self.base.is_down() {
            true => 1 + self.peers.values().filter(|peer| peer.says_down).count(),
            false => 0,
        };
        let is_down = count > 0 && count >= self.quorum as usize;
        if is_down == self.agreed_down_since_ms.is_some() {
            return;
        }
        self.agreed_down_since_ms = is_down.then_some(core.now_ms);
        match is_down {
            true => {
                let text = format!("{} #quorum {count}/{}", self.about(core), self.quorum);
                self.tell(core, Level::Warning, "+odown", text);
            }
            false => self.tell_self(core, Level::Warning, "-odown"),
        }
    }

    /// What peers said too long ago says nothing of now.
    fn forget_old_words(&mut self, core: &Core) {
        let limit_ms = 5 * core.periods.ask_ms;
        for peer in self.peers.values_mut() {
            let is_fresh = |at_ms| core.since_ms(at_ms) <= limit_ms;
            if !peer.replied_ms.is_some_and(is_fresh) {
                peer.says_down = false;
                peer.leader = None;
            }
        }
    }

    /// Asks peers again while the master is down. In an election they are asked for their votes as
    /// well.
    pub fn ask_peers(&mut self, core: &mut Core, at_once: bool) {
        let ask_ms = core.periods.ask_ms;
        let candidate = match self.stage() {
            Some(Stage::WaitStart) => core.id.clone(),
            _ => "*".to_owned(),
        };
        let host = core.announced(&self.base.address);
        let port = self.base.address.port.to_string();
        let epoch = core.epoch.to_string();
        let sentinel = "SENTINEL".as_bytes();
        for id in self.peers.keys().cloned().collect::<Vec<_>>() {
            let (asked, is_down) = (Asked::Down(self.id), self.base.is_down());
            let peer = self.peers.get(&id).expect("the peer is listed");
            let elapsed_ms = peer.replied_ms.map(|at_ms| core.since_ms(at_ms));
            let link = core.links.get(peer.base.link);
            let is_time = elapsed_ms.is_none_or(|elapsed_ms| elapsed_ms >= ask_ms);
            let is_due = at_once || is_time && !link.awaits(asked);
            if !is_down || !link.is_up() || !is_due {
                continue;
            }
            let request = words([
                sentinel,
                b"is-master-down-by-addr",
                host.as_bytes(),
                port.as_bytes(),
                epoch.as_bytes(),
                candidate.as_bytes(),
            ]);
            let link = peer.base.link;
            core.send(link, request, asked);
        }
    }
}
