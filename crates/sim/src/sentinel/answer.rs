//! How nodes and Sentinels answer, and how data gets from masters to replicas.

use resp::value::Value;
use sentinel::{Answer, Input, Machine, Output};

use crate::chronicle::Violation;
use crate::sentinel::node::{Effect, Node, Place, Words};
use crate::sentinel::site::{Conn, Tenant};
use crate::sentinel::world::{Event, World};

/// How often replicas get what their masters have.
pub const REPLICATE_MS: u64 = 100;

/// Whom nobody has voted for.
const RIVAL: &str = "ffffffffffffffffffffffffffffffffffffffff";

impl World {
    pub(super) fn ask_node(&mut self, site: usize, conn: u64, words: Words) -> Option<Value> {
        let queued = Value::Simple(b"QUEUED".to_vec());
        let known = self.conns.get_mut(&conn)?;
        let requests = match (&words[0][..], &mut known.transaction) {
            (b"MULTI", transaction) => {
                *transaction = Some(Vec::new());
                return Some(Value::Simple(b"OK".to_vec()));
            }
            (b"EXEC", transaction) => transaction.take().unwrap_or_default(),
            (_, Some(requests)) => {
                requests.push(words);
                return Some(queued);
            }
            (_, None) => vec![words],
        };
        let is_one = requests.len() == 1;
        let mut values = Vec::new();
        for words in requests {
            let mut effects = Vec::new();
            let now_ms = self.now_ms;
            let Tenant::Node(node) = &self.sites[site].tenant else {
                return None;
            };
            values.push(node.answer(now_ms, &words, &mut effects));
            for effect in effects {
                self.take_effect(site, conn, effect);
            }
        }
        match is_one {
            true => values.pop(),
            false => Some(Value::Array(values)),
        }
    }

    pub(super) fn take_effect(&mut self, site: usize, conn: u64, effect: Effect) {
        match effect {
            Effect::Follow(master) => self.follow(site, master),
            Effect::Publish(message) => self.publish(site, &message),
            Effect::Subscribe => {
                if let Some(conn) = self.conns.get_mut(&conn) {
                    conn.subscribes = true;
                }
            }
            Effect::KillClients => {
                let others = self.conns.iter();
                let others = others.filter(|(id, other)| **id != conn && other.listener == site);
                for conn in others.map(|(id, _)| *id).collect::<Vec<_>>() {
                    self.travel(conn, true, Event::Close { conn });
                    if let Some(conn) = self.conns.get_mut(&conn) {
                        conn.listener_life = None;
                    }
                }
            }
        }
    }

    pub fn follow(&mut self, site: usize, master: Option<Place>) {
        let now_ms = self.now_ms;
        self.trace(|| format!("[{site}] follows {master:?}"));
        if let Tenant::Node(node) = &mut self.sites[site].tenant
            && node.master != master
        {
            node.master = master;
            node.is_linked = false;
            node.link_lost_ms = now_ms;
        }
    }

    /// A message goes to all who listen at a node, and to its replicas.
    pub fn publish(&mut self, site: usize, message: &[u8]) {
        let value = Value::Array(vec![
            Value::Bulk(b"message".to_vec()),
            Value::Bulk(sentinel::HELLO_CHANNEL.into()),
            Value::Bulk(message.to_vec()),
        ]);
        let life = self.sites[site].life;
        let listens = |conn: &Conn| {
            conn.listener == site && conn.subscribes && conn.listener_life == Some(life)
        };
        let listeners = self.conns.iter().filter(|(_, conn)| listens(conn));
        for conn in listeners.map(|(id, _)| *id).collect::<Vec<_>>() {
            let value = value.clone();
            self.travel(conn, true, Event::Reply { conn, value });
        }
        let Tenant::Node(node) = &self.sites[site].tenant else {
            return;
        };
        let replicas = node.replicas.clone();
        for (host, _) in replicas {
            if let Some(replica) = self.site_at(&host) {
                let message = message.to_vec();
                let in_ms = 1 + self.options.latency_ms;
                self.schedule(
                    in_ms,
                    Event::Pass {
                        site: replica,
                        message,
                    },
                );
            }
        }
    }

    /// Replicas that reach their masters have what these have.
    pub(super) fn replicate(&mut self) {
        self.schedule(REPLICATE_MS, Event::Replicate);
        let nodes = self.options.groups * self.options.nodes;
        let mut linked = vec![Vec::new(); nodes];
        for site in 0..nodes {
            let found = self.reachable_master(site);
            let offset = found.map(|master| self.node(master).offset);
            let now_ms = self.now_ms;
            let is_up = self.sites[site].is_up;
            let node = self.node_mut(site);
            match offset {
                Some(offset) => {
                    node.offset = offset;
                    node.is_linked = true;
                }
                None if node.master.is_none() && is_up => node.offset += 10,
                None if node.is_linked => {
                    node.is_linked = false;
                    node.link_lost_ms = now_ms;
                }
                None => {}
            }
            if let Some(master) = found {
                let place = self.place(site);
                linked[master].push(place);
            }
        }
        for (site, replicas) in linked.into_iter().enumerate() {
            self.node_mut(site).replicas = replicas;
        }
    }

    /// Whom a node replicates from: its master, if that one is there, and has its data from a
    /// master in the end. Nodes that follow each other in a circle have no data to give.
    pub(super) fn reachable_master(&self, site: usize) -> Option<usize> {
        let mut last = site;
        let mut found = None;
        for _ in 0..self.options.nodes {
            let Some((host, _)) = &self.node(last).master else {
                return found;
            };
            let master = self.site_at(host)?;
            if !self.is_connected(last, master) {
                return None;
            }
            found.get_or_insert(master);
            last = master;
        }
        None
    }

    pub(super) fn is_connected(&self, site: usize, other: usize) -> bool {
        let is_awake = |site: usize| {
            let site = &self.sites[site];
            site.is_up && site.frozen_until_ms <= self.now_ms
        };
        let hears = |from: usize, to: usize| self.deaf_until_ms[from][to] <= self.now_ms;
        let is_there = is_awake(site) && is_awake(other) && other != site;
        is_there && hears(site, other) && hears(other, site)
    }

    pub fn node(&self, site: usize) -> &Node {
        match &self.sites[site].tenant {
            Tenant::Node(node) => node,
            Tenant::Sentinel(_) => unreachable!("the first sites are nodes"),
        }
    }

    pub fn node_mut(&mut self, site: usize) -> &mut Node {
        match &mut self.sites[site].tenant {
            Tenant::Node(node) => node,
            Tenant::Sentinel(_) => unreachable!("the first sites are nodes"),
        }
    }

    /// Another Sentinel is asked. Its vote is judged as it leaves.
    pub(super) fn ask_sentinel(&mut self, site: usize, words: &Words) -> Option<Value> {
        match (&words[0][..], &words[1..]) {
            (b"PING", _) => Some(Value::Simple(b"PONG".to_vec())),
            (b"PUBLISH", [_, text]) => {
                self.with_machine(site, |machine, view, out| {
                    machine.step(view, Input::Hello { text }, out);
                })?;
                Some(Value::Integer(1))
            }
            (b"SENTINEL", [_, host, _, _, _]) => {
                let asked = words[1..].iter().map(Vec::as_slice).collect::<Vec<_>>();
                let host = String::from_utf8_lossy(host).into_owned();
                let (answer, name, is_own, voted) =
                    self.with_machine(site, |machine, view, out| {
                        let answer = machine.command(view, &asked, &|_| false, out);
                        let mut watched = machine.watched();
                        let watched = watched.find(|watched| watched.address.0 == host);
                        let name = watched.map_or(String::new(), |it| it.name.to_owned());
                        let is_own = asked[4] == machine.id().as_bytes();
                        let voted = out.iter().any(|output| {
                            matches!(output, Output::Publish { channel, .. }
                                if channel == "+vote-for-leader")
                        });
                        (answer, name, is_own, voted)
                    })?;
                if voted && !is_own {
                    self.judge.yields(site, &name, self.now_ms);
                    self.strike_voter(site);
                }
                self.tell_vote(site, &name, answer)
            }
            _ => Some(Value::Simple(b"OK".to_vec())),
        }
    }

    /// A rival of the last elections asks somebody who lives again. Its vote is given already.
    pub(super) fn ask_for_given_votes(&mut self, site: usize) {
        for (name, epoch) in self.judge.votes_of(site) {
            let Some((host, port)) = self.watched_at(site, &name) else {
                continue;
            };
            let question = format!("SENTINEL is-master-down-by-addr {host} {port} {epoch} {RIVAL}");
            let words = question.split(' ').map(|word| word.as_bytes().to_vec());
            self.ask_sentinel(site, &words.collect());
        }
    }

    /// Where a Sentinel watches a master.
    fn watched_at(&mut self, site: usize, name: &str) -> Option<Place> {
        let machine = self.sentinel(site)?.machine.as_ref()?;
        let mut watched = machine.watched();
        watched
            .find(|watched| watched.name == name)
            .map(|watched| watched.address)
    }

    pub(super) fn tell_vote(&mut self, site: usize, name: &str, answer: Answer) -> Option<Value> {
        let Answer::Array(parts) = answer else {
            return Some(Value::Error(b"ERR".to_vec()));
        };
        let [
            Answer::Integer(is_down),
            Answer::Bulk(leader),
            Answer::Integer(epoch),
        ] = &parts[..]
        else {
            return None;
        };
        let id = String::from_utf8_lossy(leader).into_owned();
        let told = match id == "*" {
            true => Ok(()),
            false => self.judge.vote(site, name, *epoch as u64, &id),
        };
        self.note(told);
        let is_tilted = match &self.sites[site].tenant {
            Tenant::Sentinel(sentinel) => sentinel.machine.as_ref().is_some_and(Machine::is_tilted),
            Tenant::Node(_) => false,
        };
        if is_tilted && *is_down != 0 {
            let what = format!("{site} takes {name} for down in tilt");
            let invariant = "N5";
            self.violation.get_or_insert(Violation { invariant, what });
        }
        Some(Value::Array(vec![
            Value::Integer(*is_down),
            Value::Bulk(leader.clone()),
            Value::Integer(*epoch),
            Value::Bulk(name.as_bytes().to_vec()),
        ]))
    }
}
