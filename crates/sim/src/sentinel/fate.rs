//! What befalls the world: faults, operators, and somebody who sends nonsense.

use sentinel::Output;

use crate::sentinel::site::Tenant;
use crate::sentinel::world::{Event, World};

const GARBAGE: &[&str] = &[
    "",
    "nonsense",
    "10.0.0.9,26379,ID,1,group0,10.0.0.1,6379",
    "10.0.0.9,26379,ID,1,group0,10.0.0.1,6379,7,7",
    "10.0.0.9,26379,ID,18446744073709551615,group0,10.0.0.1,6379,0",
    "10.0.0.9,26379,ID,3,group0,10.0.0.2,6379,18446744073709551615",
    "::,26379,ID,3,group0,10.0.0.2,6379,99",
    "10.0.0.9,26379,ID,3,group0,::,6379,99",
    "10.0.0.9,0,ID,3,group0,10.0.0.2,6379,99",
    "10.0.0.9,26379,id,3,group0,10.0.0.2,6379,99",
    "10.0.0.9,26379,ID,3,group9,10.0.0.2,6379,99",
    "10.0.0.9,26379,ID,-3,group0,10.0.0.2,6379,99",
];

impl World {
    fn nodes(&self) -> usize {
        self.options.groups * self.options.nodes
    }

    fn draw_site(&mut self) -> usize {
        self.draw(self.sites.len() as u64) as usize
    }

    fn draw_node(&mut self) -> usize {
        self.draw(self.nodes() as u64) as usize
    }

    fn draw_sentinel(&mut self) -> usize {
        self.nodes() + self.draw(self.options.sentinels as u64) as usize
    }

    pub fn strike(&mut self) {
        if self.is_healed {
            return;
        }
        let next_ms = 1 + self.draw(2 * self.options.fault_every_ms);
        self.schedule(next_ms, Event::Fate);
        let site = self.draw_site();
        match self.draw(100) {
            0..20 if self.options.partitions => self.part(site),
            20..28 => self.reset(),
            28..45 if self.options.crashes => self.kill(site),
            45..52 if self.options.crashes => {
                let sentinel = self.draw_sentinel();
                let in_outputs = self.draw(40);
                if let Tenant::Sentinel(sentinel) = &mut self.sites[sentinel].tenant {
                    sentinel.dies_in = Some(in_outputs);
                }
            }
            52..60 if self.options.pauses => {
                let pause_ms = 100 + self.draw(3 * self.options.down_after_ms);
                self.sites[site].frozen_until_ms = self.now_ms + pause_ms;
            }
            60..65 if self.options.clock_jumps => {
                let jump_ms = self.draw(20_000) as i64 - 10_000;
                let sentinel = self.draw_sentinel();
                self.sites[sentinel].wall_off_ms += jump_ms;
            }
            65..75 if self.options.garbage => self.rave(),
            75..90 if self.options.orders => self.order(),
            _ => {}
        }
    }

    /// Whoever has just voted may die before it does anything else.
    pub fn strike_voter(&mut self, site: usize) {
        let is_struck = self.options.crashes && !self.is_healed && self.chance(20);
        if is_struck && let Tenant::Sentinel(sentinel) = &mut self.sites[site].tenant {
            sentinel.dies_in = Some(0);
        }
    }

    /// One site does not hear, or is not heard by, some or all others.
    fn part(&mut self, site: usize) {
        let until_ms = self.now_ms + 100 + self.draw(4 * self.options.down_after_ms);
        let is_total = self.chance(50);
        let is_one_way = self.chance(30);
        for other in 0..self.sites.len() {
            if is_total || self.chance(40) {
                self.deaf_until_ms[site][other] = until_ms;
                if !is_one_way {
                    self.deaf_until_ms[other][site] = until_ms;
                }
            }
        }
        self.trace(|| format!("[{site}] is apart until {until_ms}"));
    }

    fn reset(&mut self) {
        let conns = self.conns.keys().copied().collect::<Vec<_>>();
        if conns.is_empty() {
            return;
        }
        let conn = conns[self.draw(conns.len() as u64) as usize];
        self.schedule(0, Event::Close { conn });
    }

    fn kill(&mut self, site: usize) {
        if !self.sites[site].is_up {
            return;
        }
        self.crash(site);
        let longest_ms = 4 * self.options.down_after_ms;
        let in_ms = 10 + self.draw(longest_ms);
        self.schedule(in_ms, Event::Restart { site });
    }

    fn rave(&mut self) {
        if self.chance(50) {
            let site = self.draw_site();
            self.sites[site].raves_until_ms = self.now_ms + self.draw(3_000);
            return;
        }
        let text = GARBAGE[self.draw(GARBAGE.len() as u64) as usize];
        let text = text.replace("ID", &"0123456789".repeat(4));
        match self.chance(50) {
            true => {
                let node = self.draw_node();
                self.publish(node, text.as_bytes());
            }
            false => {
                let sentinel = self.draw_sentinel();
                self.send_garbage(sentinel, text.as_bytes());
            }
        }
    }

    /// An operator makes a node follow another of its group, or nobody; or wants a failover.
    fn order(&mut self) {
        let node = self.draw_node();
        let group = node / self.options.nodes;
        let other = group * self.options.nodes + self.draw(self.options.nodes as u64) as usize;
        match self.draw(10) {
            0..3 => self.follow(node, None),
            3..5 if node != other => {
                let place = self.place(other);
                self.follow(node, Some(place));
            }
            5..8 => {
                let sentinel = self.draw_sentinel();
                self.command(sentinel, &["FAILOVER", &format!("group{group}")]);
            }
            8 => {
                let sentinel = self.draw_sentinel();
                self.command(sentinel, &["RESET", "*"]);
            }
            _ => {
                let priority = self.draw(3) * 50 + 1;
                self.node_mut(node).priority = priority;
            }
        }
    }

    fn command(&mut self, sentinel: usize, words: &[&str]) {
        let words = words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>();
        self.with_machine(sentinel, |machine, view, out: &mut Vec<Output>| {
            machine.command(view, &words, &|_| false, out);
        });
    }

    /// All faults end.
    pub fn heal(&mut self) {
        self.is_healed = true;
        self.trace(|| "all faults end".to_owned());
        for deaf in self.deaf_until_ms.iter_mut().flatten() {
            *deaf = 0;
        }
        for site in 0..self.sites.len() {
            self.sites[site].frozen_until_ms = 0;
            self.sites[site].raves_until_ms = 0;
            if let Tenant::Sentinel(sentinel) = &mut self.sites[site].tenant {
                sentinel.dies_in = None;
            }
            self.restart(site);
        }
    }
}
