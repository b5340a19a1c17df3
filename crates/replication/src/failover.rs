//! `FAILOVER`: a primary gives its role to a replica that has everything.
//!
//! Writes wait, so the log ends; the replica that has confirmed its end is followed with
//! `PSYNC ... FAILOVER`, which makes it primary. Nothing is lost, and nobody copies anything.

use stdx::number::parse_i64;

use crate::PeerId;
use crate::flaw::flawed;
use crate::identity::ReplicationId;
use crate::input::View;
use crate::machine::Machine;
use crate::output::{Level, Output};
use crate::serve::{Replica, Stage};
use crate::settings::Primary;

/// What `FAILOVER` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Begin {
        target: Option<Primary>,
        /// Fail over at the end of the time even if the target lacks something.
        force: bool,
        timeout_ms: Option<u64>,
    },
    Abort,
}

const SYNTAX: &str = "ERR syntax error";
const NO_INTEGER: &str = "ERR value is not an integer or out of range";

impl Request {
    /// The words behind `FAILOVER`. An error is the reply's text.
    pub fn parse(words: &[&[u8]]) -> Result<Request, &'static str> {
        let (mut target, mut force, mut abort, mut timeout_ms) = (None, false, false, None);
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("timeout") && timeout_ms.is_none() && words.len() >= 1 {
                let value = words
                    .next()
                    .and_then(|word| parse_i64(word))
                    .ok_or(NO_INTEGER)?;
                if value <= 0 {
                    return Err("ERR FAILOVER timeout must be greater than 0");
                }
                timeout_ms = Some(value as u64);
            } else if is("abort") && !abort {
                abort = true;
            } else if is("to") && target.is_none() && words.len() >= 2 {
                let host = words
                    .next()
                    .map(|host| String::from_utf8_lossy(host).into_owned());
                let port = words
                    .next()
                    .and_then(|port| parse_i64(port))
                    .ok_or(NO_INTEGER)?;
                let port = u16::try_from(port).unwrap_or(0);
                target = host.map(|host| Primary { host, port });
            } else if is("force") && !force {
                force = true;
            } else {
                return Err(SYNTAX);
            }
        }
        match abort {
            true if target.is_some() || force || timeout_ms.is_some() => Err(SYNTAX),
            true => Ok(Request::Abort),
            false => Ok(Request::Begin {
                target,
                force,
                timeout_ms,
            }),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Failover {
    target: Option<Primary>,
    force: bool,
    until_ms: Option<u64>,
    /// How often the target was asked to take the role; nothing while it is waited for.
    pub asked: Option<u32>,
    pub checked_ms: u64,
}

impl Machine {
    pub(crate) fn request_failover(
        &mut self,
        view: &View,
        client: PeerId,
        request: Request,
        out: &mut Vec<Output>,
    ) {
        let result = match request {
            Request::Abort if self.failover.is_none() => {
                Err("ERR No failover in progress.".to_owned())
            }
            Request::Abort => {
                self.abort_failover(view, "Failover manually aborted", out);
                Ok("OK")
            }
            Request::Begin {
                target,
                force,
                timeout_ms,
            } => self
                .may_fail_over(target.as_ref(), force, timeout_ms)
                .map(|()| {
                    let until_ms =
                        timeout_ms.map(|timeout_ms| view.now_ms.saturating_add(timeout_ms));
                    let name = target
                        .as_ref()
                        .map_or_else(|| "any replica".to_owned(), name);
                    self.failover = Some(Failover {
                        target,
                        force,
                        until_ms,
                        asked: None,
                        checked_ms: view.now_ms,
                    });
                    self.log(Level::Notice, format!("FAILOVER requested to {name}."), out);
                    out.push(Output::PauseWrites(true));
                    "OK"
                }),
        };
        self.answer(client, result, out);
    }

    fn may_fail_over(
        &self,
        target: Option<&Primary>,
        force: bool,
        timeout_ms: Option<u64>,
    ) -> Result<(), String> {
        let listed = self.replicas.values().any(Replica::is_listed);
        let found = target.map(|target| self.find_target(target));
        Err(match found {
            _ if self.failover.is_some() => "ERR FAILOVER already in progress.",
            _ if self.following.is_some() => "ERR FAILOVER is not valid when server is a replica.",
            _ if !listed => "ERR FAILOVER requires connected replicas.",
            _ if force && (target.is_none() || timeout_ms.is_none()) => {
                "ERR FAILOVER with force option requires both a timeout and target HOST and IP."
            }
            Some(None) => "ERR FAILOVER target HOST and PORT is not a replica.",
            Some(Some(replica)) if !is_online(replica) => {
                "ERR FAILOVER target replica is not online."
            }
            _ => return Ok(()),
        }
        .to_owned())
    }

    fn find_target(&self, target: &Primary) -> Option<&Replica> {
        let is_target = |replica: &&Replica| {
            replica.is_listed()
                && replica.port == i64::from(target.port)
                && replica.ip() == target.host
        };
        self.replicas.values().find(is_target)
    }

    /// Goes on when the target has everything, or its time is over.
    pub(crate) fn advance_failover(&mut self, view: &View, out: &mut Vec<Output>) {
        let Some(failover) = &mut self.failover else {
            return;
        };
        failover.checked_ms = view.now_ms;
        if failover.asked.is_some() {
            return;
        }
        let early = flawed!(self, FailOverEarly);
        let failover = self.failover.as_ref().expect("it was there above");
        let has_all = |replica: &&Replica| {
            let confirms_all = replica.has_acked && replica.acked == view.log.end;
            is_online(replica)
                && replica.port > 0
                && !self.is_left_behind(replica)
                && (early || confirms_all)
        };
        let ready = match &failover.target {
            Some(target) => self.find_target(target).filter(has_all),
            None => self.replicas.values().find(has_all),
        };
        let ready = ready.map(|replica| Primary {
            host: replica.ip().to_owned(),
            port: u16::try_from(replica.port).unwrap_or(0),
        });
        let is_over = failover
            .until_ms
            .is_some_and(|until_ms| until_ms <= view.now_ms);
        let forced = failover
            .target
            .clone()
            .filter(|_| failover.force && is_over);
        let line = match (&ready, &forced) {
            (Some(target), _) => {
                format!("Failover target {} is synced, failing over.", name(target))
            }
            (None, Some(target)) => {
                format!(
                    "Failover to {} time out exceeded, failing over.",
                    name(target)
                )
            }
            (None, None) if is_over => {
                return self.abort_failover(view, "Replica never caught up before timeout", out);
            }
            (None, None) => return,
        };
        if let Some(target) = ready.or(forced) {
            self.log(Level::Notice, line, out);
            if let Some(failover) = &mut self.failover {
                failover.asked = Some(0);
            }
            self.turn_to(view, target, true, out);
        }
    }

    fn abort_failover(&mut self, view: &View, why: &str, out: &mut Vec<Output>) {
        let Some(failover) = self.failover.take() else {
            return;
        };
        let target = failover
            .target
            .as_ref()
            .map_or_else(|| "any replica".to_owned(), name);
        let line = format!("FAILOVER to {target} aborted: {why}");
        self.log(Level::Notice, line, out);
        if failover.asked.is_some() {
            self.promote(view, "failover aborted", out);
        }
        out.push(Output::PauseWrites(false));
    }

    pub(crate) fn note_handed_over(&mut self) {
        if let Some(asked) = self
            .failover
            .as_mut()
            .and_then(|failover| failover.asked.as_mut())
        {
            *asked += 1;
        }
    }

    /// The target serves this node, so it has taken the role.
    pub(crate) fn target_accepted(&mut self, out: &mut Vec<Output>) {
        let handed_over = self
            .failover
            .as_ref()
            .is_some_and(|failover| failover.asked.is_some());
        if handed_over {
            self.failover = None;
            if let Some(following) = &mut self.following {
                following.hands_over = false;
            }
            out.push(Output::PauseWrites(false));
        }
    }

    /// Whether an error was about the failover. It is called off, unless an earlier request, whose
    /// reply was lost, has made the target primary already; then the target is followed.
    pub(crate) fn target_refused(
        &mut self,
        view: &View,
        line: &[u8],
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(asked) = self.failover.as_ref().and_then(|failover| failover.asked) else {
            return false;
        };
        let is_primary = memchr::memmem::find(line, b"can't be sent to a master").is_some();
        match &mut self.following {
            Some(following) if is_primary && asked > 1 => following.hands_over = false,
            _ => self.abort_failover(view, "Failover target rejected psync request", out),
        }
        true
    }

    /// `PSYNC ... FAILOVER`: the primary gives its role to this node.
    pub(crate) fn take_over(
        &mut self,
        view: &View,
        asked: Option<ReplicationId>,
        by: &str,
        out: &mut Vec<Output>,
    ) -> Result<(), String> {
        if self.following.is_none() {
            return Err("ERR PSYNC FAILOVER can't be sent to a master.".to_owned());
        }
        let Some(id) = asked.filter(|id| *id == self.history.id) else {
            return Err("ERR PSYNC FAILOVER replid must match my replid.".to_owned());
        };
        let line = format!("Failover request received for replid {id}.");
        self.log(Level::Warning, line, out);
        self.promote(view, &format!("failover request from '{by}'"), out);
        Ok(())
    }

    /// To whom this node is giving its role, and whether it does so whatever may be lacking.
    pub fn hands_over(&self) -> Option<(&Primary, bool)> {
        self.failover.as_ref()?.asked?;
        let forced = self
            .failover
            .as_ref()
            .is_some_and(|failover| failover.force);
        Some((&self.following.as_ref()?.primary, forced))
    }

    /// Why `REPLICAOF` is refused, if it is.
    pub fn refuses_replica_of(&self) -> Option<&'static str> {
        let refuses = self.failover.is_some();
        refuses.then_some("ERR REPLICAOF not allowed while failing over.")
    }
}

fn is_online(replica: &Replica) -> bool {
    matches!(replica.stage, Stage::Online { .. })
}

fn name(target: &Primary) -> String {
    format!("{}:{}", target.host, target.port)
}
