//! The machine: its parts, and the way of each input to one of them.

use stdx::prng::Prng;

use crate::command::{Answer, Command, Refused};
use crate::id::{NodeId, ShardId};
use crate::input::{Input, View};
use crate::map::Map;
use crate::nodes_conf::Corrupt;
use crate::output::Output;
use crate::report::{LinkRow, ShardRow, SlotsRow};
use crate::settings::Settings;

/// The cluster as one node sees it.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    myself: NodeId,
    #[allow(unused)]
    prng: [Prng; 2],
}

impl Machine {
    /// A node that starts. `conf` is what its file says, if there is one; `seeds` are random.
    pub fn new(
        settings: Settings,
        conf: Option<&[u8]>,
        seeds: [u64; 2],
        view: &View,
    ) -> Result<Machine, Corrupt> {
        let _ = (conf, view);
        let mut prng = seeds.map(Prng::new);
        let myself = NodeId::draw(&mut prng);
        Ok(Machine {
            settings,
            myself,
            prng,
        })
    }

    /// What a shell does once, before the first input.
    pub fn start(&mut self, _view: &View, _out: &mut Vec<Output>) {}

    /// Takes in what happened, and says what is to be done.
    pub fn step(&mut self, _view: &View, _input: Input<'_>, _out: &mut Vec<Output>) {}

    /// Does what an operator asks for; or nothing, and says why.
    pub fn command(
        &mut self,
        _view: &View,
        _command: Command<'_>,
        _out: &mut Vec<Output>,
    ) -> Result<Answer, Refused> {
        Ok(Answer::Ok)
    }

    /// When the next [`Input::Tick`] is due at the latest.
    pub fn next_deadline(&self) -> u64 {
        0
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn myself(&self) -> NodeId {
        self.myself
    }

    pub fn shard(&self) -> ShardId {
        self.myself
    }

    /// The file's text.
    pub fn nodes_conf(&self, _view: &View) -> String {
        String::new()
    }

    /// Who owns which slot, as clients are told.
    pub fn map(&self) -> Map {
        Map {
            ok: false,
            nodes: Vec::new(),
            myself: 0,
            primary: None,
            owners: Vec::new(),
            migrating: Vec::new(),
            importing: Vec::new(),
        }
    }

    /// `CLUSTER NODES`, for a client whose own connection is `encrypted`.
    pub fn nodes_text(&self, _view: &View, _encrypted: bool) -> String {
        String::new()
    }

    /// `CLUSTER INFO`.
    pub fn info_text(&self) -> String {
        String::new()
    }

    /// `CLUSTER SLOTS`.
    pub fn slots_rows(&self, _encrypted: bool) -> Vec<SlotsRow> {
        Vec::new()
    }

    /// `CLUSTER SHARDS`.
    pub fn shard_rows(&self, _view: &View) -> Vec<ShardRow> {
        Vec::new()
    }

    /// `CLUSTER LINKS`.
    pub fn link_rows(&self, _view: &View) -> Vec<LinkRow> {
        Vec::new()
    }

    /// `CLUSTER REPLICAS`: a line for each.
    pub fn replica_lines(
        &self,
        _view: &View,
        _node: &[u8],
        _encrypted: bool,
    ) -> Result<Vec<String>, Refused> {
        Ok(Vec::new())
    }

    /// `CLUSTER COUNT-FAILURE-REPORTS`.
    pub fn count_failure_reports(&self, _view: &View, _node: &[u8]) -> Result<usize, Refused> {
        Ok(0)
    }
}
