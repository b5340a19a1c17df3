//! The machine: its parts, and the way of each input to one of them.

use crate::answer::Answer;
use crate::input::{Input, View};
use crate::output::Output;
use crate::settings::{Settings, Statement};

/// Whether a file may be run as a script.
pub type CanRun<'a> = dyn Fn(&[u8]) -> bool + 'a;

/// Why a statement cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which of the statements.
    pub index: usize,
    pub why: String,
}

/// One Sentinel.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
}

impl Machine {
    /// A Sentinel that starts with the statements of its file. `seed` is random; the id, if the
    /// file has none, and pauses are drawn from it.
    pub fn new(
        settings: Settings,
        statements: &[Statement],
        seed: u64,
        can_run: &CanRun<'_>,
        view: &View,
    ) -> Result<Machine, Refusal> {
        let _ = (statements, seed, can_run, view);
        Ok(Machine { settings })
    }

    /// What a shell does once, before the first input: log what is watched, and save the id.
    pub fn start(&mut self, view: &View, out: &mut Vec<Output>) {
        let _ = (view, out);
    }

    /// Takes in what happened, and says what is to be done.
    pub fn step(&mut self, view: &View, input: Input<'_>, out: &mut Vec<Output>) {
        let _ = (view, input, out);
    }

    /// `SENTINEL`, with the words behind it.
    pub fn command(
        &mut self,
        view: &View,
        words: &[&[u8]],
        can_run: &CanRun<'_>,
        out: &mut Vec<Output>,
    ) -> Answer {
        let _ = (view, words, can_run, out);
        Answer::Ok
    }

    /// The name that must be looked up, and told ([`Input::Resolved`]), before this command.
    pub fn name_to_resolve(&self, words: &[&[u8]]) -> Option<String> {
        let _ = words;
        None
    }

    /// When the next [`Input::Tick`] is due at the latest, on the clock of [`View::now_ms`].
    pub fn next_deadline(&self) -> u64 {
        0
    }

    /// The lines of `INFO sentinel` below its title.
    pub fn info(&self, view: &View) -> String {
        let _ = view;
        String::new()
    }

    /// The names of what is watched, as `ROLE` lists them.
    pub fn masters(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// 40 hexadecimal digits.
    pub fn id(&self) -> &str {
        ""
    }

    /// What the configuration file should say: the words behind `sentinel`, in order.
    pub fn statements(&self) -> Vec<Vec<Vec<u8>>> {
        let _ = &self.settings;
        Vec::new()
    }
}
