//! What the manager does, a command a file.

mod backup;
mod call;
mod carrying;
mod check;
mod create;
mod fix;
mod help;
mod import;
mod membership;
mod meter;
mod preflight;
mod rebalance;
mod reshard;
mod restore;
mod waiting;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::fleet::Fleet;
use crate::link::Access;
use crate::place::Place;
use crate::request::{Command, Request};
use crate::voice::{Dialect, Voice};

pub use help::usage;

/// How a command came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Asked for in a way that cannot be.
    Usage,
    /// The cluster is not well, or nothing could be done.
    Unhealthy,
    /// Some of it is done.
    Partial,
}

impl Outcome {
    /// The code that the program ends with.
    pub fn code(self, dialect: Dialect) -> u8 {
        match (self, dialect) {
            (Outcome::Done, _) => 0,
            (_, Dialect::Cli | Dialect::Trib) | (Outcome::Usage, _) => 1,
            (Outcome::Unhealthy, Dialect::Ochre) => 2,
            (Outcome::Partial, Dialect::Ochre) => 3,
        }
    }
}

/// A command on its way.
pub struct Errand {
    pub voice: Voice,
    pub access: Arc<Access>,
    pub request: Request,
    /// What is to be told at the end, for programs.
    pub result: Map<String, Json>,
}

/// Why a command ends early. What there was to say has been said.
#[derive(Clone, Copy, Debug)]
pub struct Over(pub Outcome);

impl Errand {
    pub async fn run(&mut self) -> Outcome {
        let done = match self.request.command {
            Command::AddNode => self.add_node().await,
            Command::Backup => self.backup().await,
            Command::Call => self.call().await,
            Command::Check => self.check_command().await,
            Command::Create => self.create().await,
            Command::DelNode => self.del_node().await,
            Command::Drain => self.drain().await,
            Command::Fix => self.fix().await,
            Command::Help => Ok(self.help()),
            Command::Import => self.import().await,
            Command::Info => self.info().await,
            Command::Rebalance => self.rebalance().await,
            Command::Reshard => self.reshard().await,
            Command::Restore => self.restore().await,
            Command::SetTimeout => self.set_timeout().await,
        };
        let outcome = done.unwrap_or_else(|over| over.0);
        self.publish(outcome);
        outcome
    }

    fn is(&self, dialect: Dialect) -> bool {
        self.voice.is(dialect)
    }

    /// Keeps a figure of the result.
    fn note(&mut self, name: &str, value: impl Into<Json>) {
        self.result.insert(name.to_owned(), value.into());
    }

    fn publish(&mut self, outcome: Outcome) {
        if !self.voice.document {
            return;
        }
        let name = match outcome {
            Outcome::Done => "ok",
            Outcome::Usage => "usage",
            Outcome::Unhealthy => "unhealthy",
            Outcome::Partial => "partial",
        };
        let mut fields = Map::from_iter([("outcome".to_owned(), name.into())]);
        fields.append(&mut self.result);
        println!("{}", Json::Object(fields));
    }

    /// The node to begin with.
    fn place(&self) -> Result<Place, Over> {
        self.request.place().ok_or_else(|| {
            self.bad_address(&self.request.arg(0));
            Over(Outcome::Usage)
        })
    }

    /// The node that is named by an argument of its own.
    fn place_at(&self, index: usize) -> Result<Place, Over> {
        let text = self.request.arg(index);
        Place::parse(&text).ok_or_else(|| {
            self.bad_address(&text);
            Over(Outcome::Usage)
        })
    }

    fn bad_address(&self, text: &str) {
        match self.voice.dialect {
            Dialect::Trib => self.voice.line(&format!(
                "Invalid IP or Port (given as {text}) - use IP:Port format"
            )),
            Dialect::Cli | Dialect::Ochre => self.voice.aside(
                "[ERR] Invalid arguments: you need to pass either a valid address (ie. \
                 120.0.0.1:7000) or space separated IP and port (ie. 120.0.0.1 7000)",
            ),
        }
    }

    async fn load(&self, place: &Place) -> Result<Fleet, Over> {
        let fleet = Fleet::load(&self.voice, place, &self.access).await;
        fleet.ok_or(Over(Outcome::Unhealthy))
    }
}
