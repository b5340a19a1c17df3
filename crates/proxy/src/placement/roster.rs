//! Who is out of the ring: servers that failed too often leave it, and come back after a while.
//!
//! Time is a number of milliseconds that the caller tells.

use super::ring::{Distribution, Member, Ring};

/// When a server is put out, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// Whether anybody is put out at all.
    pub automatic: bool,
    pub failure_limit: u32,
    pub retry_ms: u64,
}

/// A pool's servers, and the ring of those that take part.
#[derive(Clone, Debug)]
pub struct Roster {
    distribution: Distribution,
    members: Vec<Member>,
    ejection: Ejection,
    standings: Vec<Standing>,
    /// When the first of the ejected comes back.
    next_return: Option<u64>,
    ring: Ring,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    failures: u32,
    /// Out of the ring until then.
    out_until: Option<u64>,
}

impl Roster {
    pub fn new(distribution: Distribution, members: Vec<Member>, ejection: Ejection) -> Roster {
        let mut roster = Roster {
            distribution,
            standings: vec![Standing::default(); members.len()],
            members,
            ejection,
            next_return: None,
            ring: Ring::default(),
        };
        roster.rebuild(0);
        roster
    }

    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub fn is_ejected(&self, server: usize) -> bool {
        self.standings[server].out_until.is_some()
    }

    /// When [`Roster::refresh`] will change something.
    pub fn next_return(&self) -> Option<u64> {
        self.next_return
    }

    /// Lets those back in whose time is over. Returns whether the ring has changed.
    pub fn refresh(&mut self, now: u64) -> bool {
        let due = self.next_return.is_some_and(|moment| now > moment);
        if due {
            self.rebuild(now);
        }
        due
    }

    /// A connection to a server has failed. Returns whether that put the server out.
    pub fn failed(&mut self, server: usize, now: u64) -> bool {
        if !self.ejection.automatic {
            return false;
        }
        let standing = &mut self.standings[server];
        standing.failures += 1;
        if standing.failures < self.ejection.failure_limit {
            return false;
        }
        standing.failures = 0;
        standing.out_until = Some(now + self.ejection.retry_ms);
        self.rebuild(now);
        true
    }

    /// A server has given a good answer.
    pub fn answered(&mut self, server: usize) {
        self.standings[server].failures = 0;
    }

    pub fn failures(&self, server: usize) -> u32 {
        self.standings[server].failures
    }

    fn rebuild(&mut self, now: u64) {
        for standing in &mut self.standings {
            if standing.out_until.is_some_and(|until| until <= now) {
                standing.out_until = None;
            }
        }
        let returns = self.standings.iter().filter_map(|s| s.out_until);
        self.next_return = returns.min();
        let takes_part = |&index: &usize| self.standings[index].out_until.is_none();
        let live: Vec<usize> = (0..self.members.len()).filter(takes_part).collect();
        self.ring = Ring::new(self.distribution, &self.members, &live);
    }
}
