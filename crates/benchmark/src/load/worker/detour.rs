//! Requests on their way to where their slot has moved.
//!
//! A client belongs to one slot. When the slot has a new owner, the client's connection is replaced
//! by one to that node. While the slot is on its way, what has gone already is asked for over a
//! second connection, the guest, and everything else goes on over the first.

use std::time::{Duration, Instant};

use client::Address;

use super::super::endpoint::Endpoint;
use super::super::redirection::{Turn, turn_of};
use super::{Failure, Trouble, Worker};

/// Before the same is tried again.
pub const PAUSE: Duration = Duration::from_millis(1);

/// How often requests are sent on before each further time has to wait.
const TURNS_AT_ONCE_MAX: u32 = 5;

/// How long nodes may send requests to and fro.
const ASTRAY_MAX: Duration = Duration::from_secs(30);

/// Requests of a client, and where they go.
pub struct Detour {
    due: Instant,
    client: usize,
    /// Which of the pipeline.
    requests: Vec<usize>,
    turn: Turn,
}

impl Worker<'_> {
    /// All replies of a connection are there, and some of them send their requests elsewhere.
    pub fn follow(&mut self, index: usize, now: Instant) -> Result<(), Failure> {
        let connection = &mut self.connections[index];
        let redirected = std::mem::take(&mut connection.redirected);
        self.redirections += redirected.len() as u64;
        let client = &mut self.clients[connection.client];
        client.turns += 1;
        let is_patient = client.turns > TURNS_AT_ONCE_MAX;
        if now.duration_since(*client.astray.get_or_insert(now)) > ASTRAY_MAX {
            let text = redirected.into_iter().next().map(|first| first.text);
            let trouble = Trouble::Refused(text.unwrap_or_default());
            return Err(self.failure(&self.connections[index], trouble));
        }
        let turn = self.absolute(turn_of(&redirected), index);
        let has_to_wait = is_patient || turn == Turn::Again;
        let detour = Detour {
            due: if has_to_wait { now + PAUSE } else { now },
            client: self.connections[index].client,
            requests: redirected.iter().map(|one| one.request).collect(),
            turn,
        };
        match has_to_wait {
            true => {
                self.detours.push(detour);
                Ok(())
            }
            false => self.set_out(detour),
        }
    }

    /// Sends what has waited long enough.
    pub fn resume(&mut self) -> Result<(), Failure> {
        if self.detours.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        let detours = std::mem::take(&mut self.detours);
        let (due, waiting) = detours.into_iter().partition(|detour| detour.due <= now);
        self.detours = waiting;
        let due: Vec<Detour> = due;
        due.into_iter().try_for_each(|detour| self.set_out(detour))
    }

    fn set_out(&mut self, detour: Detour) -> Result<(), Failure> {
        let client = detour.client;
        match detour.turn {
            Turn::Again => self.send_some(client, detour.requests, false),
            Turn::Moved(address) => {
                let node = self.node(&address)?;
                if self.connections[client].node != node {
                    self.connections[client] = self.dial(node, client, client)?;
                }
                self.send_some(client, detour.requests, false)
            }
            Turn::Ask(address) => {
                let guest = self.guest(client, &address)?;
                self.send_some(guest, detour.requests, true)
            }
        }
    }

    fn send_some(
        &mut self,
        index: usize,
        requests: Vec<usize>,
        is_asking: bool,
    ) -> Result<(), Failure> {
        let connection = &mut self.connections[index];
        let pipeline = &self.pipelines[self.clients[connection.client].pipeline];
        let mut bytes = Vec::new();
        for request in &requests {
            if is_asking {
                resp::reply::write_request(&mut bytes, &[b"ASKING"]);
            }
            bytes.extend_from_slice(pipeline.request(*request));
        }
        connection.expect_some(requests, is_asking);
        let sent = connection.send(&bytes);
        sent.map_err(|trouble| self.failure(&self.connections[index], trouble))
    }

    /// The connection to where a client's slot moves.
    fn guest(&mut self, client: usize, address: &Address) -> Result<usize, Failure> {
        let node = self.node(address)?;
        match self.clients[client].guest {
            Some(guest) if self.connections[guest].node == node => Ok(guest),
            Some(guest) => {
                self.connections[guest] = self.dial(node, guest, client)?;
                Ok(guest)
            }
            None => {
                let guest = self.connections.len();
                let connection = self.dial(node, guest, client)?;
                self.connections.push(connection);
                self.clients[client].guest = Some(guest);
                Ok(guest)
            }
        }
    }

    /// Which of the nodes listens there. One that is not known becomes so.
    fn node(&mut self, address: &Address) -> Result<usize, Failure> {
        let known = self.endpoints.iter();
        let found = known
            .map(|known| &known.address)
            .position(|known| known == address);
        if let Some(node) = found {
            return Ok(node);
        }
        let endpoint = Endpoint::find(address, self.job.tls).map_err(Failure::Connect)?;
        self.endpoints.push(endpoint);
        Ok(self.endpoints.len() - 1)
    }

    /// The same with a host: that of the node that has answered, if none was told.
    fn absolute(&self, turn: Turn, index: usize) -> Turn {
        let asked = &self.endpoints[self.connections[index].node].address;
        let with_host = |address: Address| match (address, asked) {
            (Address::Tcp { host, port }, Address::Tcp { host: own, .. }) if host.is_empty() => {
                let host = own.clone();
                Address::Tcp { host, port }
            }
            (address, _) => address,
        };
        match turn {
            Turn::Moved(address) => Turn::Moved(with_host(address)),
            Turn::Ask(address) => Turn::Ask(with_host(address)),
            Turn::Again => Turn::Again,
        }
    }
}
