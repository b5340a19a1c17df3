//! What is looked after ten times a second.

use super::{Machine, Save, TICK_MS, Turn};
use crate::bus::Beat;
use crate::input::LinkId;
use crate::node::Flags;
use crate::output::Output;
use crate::settings::Settings;
use crate::table::Seat;

/// Every so many ticks one node is pinged that has not been heard of for long.
const TICKS_PER_SECOND: u64 = 10;

/// Among so many that are drawn.
const DRAWN: usize = 5;

/// How often those who vote ask each other, for each of them: a death is found out a node timeout
/// after the first question that is not answered. Few ask often; many no more often than Redis.
const ASK_PER_VOTER_MS: u64 = 100;
const ASK_MS_MIN: u64 = 1000;

impl Machine {
    pub(super) fn tick_if_due(&mut self, turn: &mut Turn<'_>) {
        let now_ms = turn.now();
        if self.owes_paused_ping() {
            self.advance_manual(turn);
        }
        if now_ms < self.next_tick_ms {
            return;
        }
        self.forgive_own_absence(now_ms);
        self.next_tick_ms = now_ms + TICK_MS;
        self.last_tick_ms = now_ms;
        self.ticks += 1;
        self.drop_old_forgotten(now_ms);
        self.give_up_handshakes(turn);
        self.cut_full_links(turn);
        self.connect_all(turn);
        if self.ticks.is_multiple_of(TICKS_PER_SECOND) {
            self.ping_one(turn);
        }
        self.look_after_nodes(turn);
        self.follow_moved_primary(turn);
        self.follow_grandprimary(turn);
        self.advance_manual(turn);
        self.advance_election(turn);
        self.look_after_orphans(turn);
        self.judge_state(turn);
        self.renew_lease(turn);
        if self.todo.save == Save::Soon {
            self.todo.save = Save::No;
            let sync = std::mem::take(&mut self.todo.syncs_soon);
            turn.push(Output::Save { sync });
        }
    }

    /// Who has slept through its own ticks cannot say that others have been silent.
    fn forgive_own_absence(&mut self, now_ms: u64) {
        let absent_ms = now_ms.saturating_sub(self.last_tick_ms);
        if self.ticks == 0 || absent_ms <= self.settings.node_timeout_ms / 2 + TICK_MS {
            return;
        }
        for (_, node) in self.nodes.iter_mut() {
            if let Some(pinged_ms) = &mut node.pinged_ms {
                *pinged_ms = now_ms;
            }
            node.heard_ms = now_ms;
        }
    }

    fn connect_all(&mut self, turn: &mut Turn<'_>) {
        let is_open = |node: &crate::node::Node| {
            node.link.is_none()
                && !node.flags.has(Flags::MYSELF | Flags::NO_ADDRESS)
                && !node.ip.is_empty()
                && node.bus_port != 0
        };
        let open = self.nodes.iter().filter(|(_, node)| is_open(node));
        for seat in open.map(|(seat, _)| seat).collect::<Vec<_>>() {
            self.connect(seat, turn);
        }
    }

    /// Pings the one that was heard of longest ago, among a few that are drawn.
    fn ping_one(&mut self, turn: &mut Turn<'_>) {
        let width = self.nodes.width() as u64;
        let mut oldest: Option<(Option<u64>, u64)> = None;
        for _ in 0..DRAWN {
            let seat = Seat(self.random_below(width) as u16);
            let Some(node) = self.nodes.get(seat) else {
                continue;
            };
            let Some(link) = node.link.filter(|_| node.pinged_ms.is_none()) else {
                continue;
            };
            let excepted = node.flags.has(Flags::MYSELF | Flags::HANDSHAKE);
            if !excepted && oldest.is_none_or(|(pong_ms, _)| node.pong_ms < pong_ms) {
                oldest = Some((node.pong_ms, link));
            }
        }
        if let Some((_, link)) = oldest {
            self.send_heartbeat(Beat::Ping, LinkId::Out(link), turn);
        }
    }

    fn look_after_nodes(&mut self, turn: &mut Turn<'_>) {
        let is_told = |node: &crate::node::Node| {
            !node
                .flags
                .has(Flags::MYSELF | Flags::NO_ADDRESS | Flags::HANDSHAKE)
        };
        let told = self.nodes.iter().filter(|(_, node)| is_told(node));
        for seat in told.map(|(seat, _)| seat).collect::<Vec<_>>() {
            self.look_after(seat, turn);
        }
        let suspects = self
            .nodes
            .iter()
            .filter(|(_, node)| node.flags.has(Flags::MAYBE_FAILED));
        self.health.suspects = suspects.count();
    }

    fn look_after(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        let (now_ms, timeout_ms) = (turn.now(), self.settings.node_timeout_ms);
        let node = &self.nodes[seat];
        let silent_ms = |since_ms: u64| now_ms.saturating_sub(since_ms);
        let heard_ms = silent_ms(node.heard_ms);
        if let (Some(link), Some(pinged_ms)) = (node.link, node.pinged_ms) {
            let link = LinkId::Out(link);
            let is_old = self
                .links
                .get(&link)
                .is_some_and(|it| silent_ms(it.created_ms) > timeout_ms);
            let is_dead = silent_ms(pinged_ms) > timeout_ms / 2 && heard_ms > timeout_ms / 2;
            // A node that could not write its file has left the ping unanswered, and talks again.
            let is_ignored = silent_ms(pinged_ms) > timeout_ms;
            if is_old && (is_dead || is_ignored) {
                self.close(link, turn);
            }
        }
        let node = &self.nodes[seat];
        match (node.link, node.pinged_ms) {
            (Some(link), None) => {
                let is_due = node.pong_ms.is_none_or(|at| silent_ms(at) > timeout_ms / 2);
                // A majority's answers are what this node may serve by; they must not grow old,
                // and be there when the first slots come.
                let ask_ms = self.ask_interval_ms();
                let is_old = node.is_voter()
                    && self.my().is_primary()
                    && node.answered_ms.is_none_or(|at| silent_ms(at) > ask_ms);
                if is_due || is_old {
                    self.send_heartbeat(Beat::Ping, LinkId::Out(link), turn);
                }
            }
            (_, Some(pinged_ms)) => {
                if silent_ms(pinged_ms).min(heard_ms) > timeout_ms {
                    self.suspect(seat, turn);
                }
            }
            (None, None) => {}
        }
    }

    fn ask_interval_ms(&self) -> u64 {
        let all_ms = self.health.voters as u64 * ASK_PER_VOTER_MS;
        all_ms
            .max(ASK_MS_MIN)
            .min(self.settings.node_timeout_ms / 2)
    }

    pub(super) fn configure(&mut self, settings: Settings, turn: &mut Turn<'_>) {
        self.settings = settings;
        self.announce();
        self.todo.judge = true;
        self.todo.map_changed = true;
        self.save(Save::Soon);
        self.follow_moved_primary(turn);
    }

    /// Takes over what the configuration says of this node.
    pub(super) fn announce(&mut self) {
        let settings = self.settings.clone();
        let me = self.me;
        let node = &mut self.nodes[me];
        let told =
            |announced: u16, listening: u16| if announced == 0 { listening } else { announced };
        let plain = told(settings.announce_port, settings.port);
        let encrypted = told(settings.announce_tls_port, settings.tls_port);
        (node.port, node.plain_port) = match settings.tls {
            true => (encrypted, plain),
            false => (plain, 0),
        };
        node.bus_port = told(settings.announce_bus_port, settings.bus_port);
        if !settings.announce_ip.is_empty() {
            node.ip = settings.announce_ip;
        }
        node.hostname = settings.announce_hostname;
        match settings.no_failover {
            true => node.flags.set(Flags::NO_FAILOVER),
            false => node.flags.clear(Flags::NO_FAILOVER),
        }
    }
}
