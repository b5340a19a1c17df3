//! The machine: its parts, and the way of each input to one of them.

use std::collections::BTreeMap;

use crate::core::Core;
use crate::flaw::flawed;
use crate::input::{Input, View};
use crate::master::Master;
use crate::output::{Level, Output, Way};
use crate::settings::{Settings, Statement};
use crate::statement::Reader;

/// Ticks are about so far apart, and never in step with those of other Sentinels.
const TICK_MS: u64 = 30;

/// Clocks are compared over spans no shorter than this.
const SPAN_MIN_MS: u64 = 20;

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
    pub(crate) core: Core,
    pub(crate) masters: BTreeMap<String, Master>,
    next_tick_ms: u64,
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
        let core = Core::new(settings, seed, view);
        let (core, masters) = Reader::read(core, statements, can_run)?;
        Ok(Machine {
            core,
            masters,
            next_tick_ms: view.now_ms,
        })
    }

    /// The same machine with a mistake.
    #[cfg(any(test, feature = "flaws"))]
    pub fn with_flaw(mut self, flaw: Option<crate::flaw::Flaw>) -> Machine {
        self.core.flaw = flaw;
        self
    }

    /// What a shell does once, before the first input: save the id, and tell what is watched.
    pub fn start(&mut self, view: &View, out: &mut Vec<Output>) {
        self.begin(view, out);
        self.core.save();
        let line = format!("Sentinel ID is {}", self.core.id);
        self.core.log(Level::Warning, line);
        for master in self.masters.values() {
            let text = format!("{} quorum {}", master.about(&self.core), master.quorum);
            master.tell(&mut self.core, Level::Warning, "+monitor", text);
        }
        self.end(out);
    }

    /// Takes in what happened, and says what is to be done.
    pub fn step(&mut self, view: &View, input: Input<'_>, out: &mut Vec<Output>) {
        self.begin(view, out);
        match input {
            Input::Tick => self.tick(),
            Input::Connected {
                connection,
                local_ip,
            } => {
                if let Some((link, Way::Command)) = self.core.links.owner(connection)
                    && let Some(command) = &mut self.core.links.get_mut(link).command
                {
                    command.local_ip = Some(local_ip);
                }
            }
            Input::Lost { connection, .. } => {
                if let Some((link, way)) = self.core.links.owner(connection) {
                    self.core.links.drop(link, way);
                }
            }
            Input::Reply { connection, value } => self.take_reply(connection, value),
            Input::Hello { text } => self.take_hello(text),
            Input::Resolved { host, ip } => self.resolved(host, ip),
            Input::ScriptStarted { script, pid } => self.core.script_started(script, pid),
            Input::ScriptEnded { script, end } => {
                self.core.script_ended(script, end);
                self.core.look_after_scripts();
            }
        }
        self.end(out);
    }

    /// When the next [`Input::Tick`] is due at the latest, on the clock of [`View::now_ms`].
    pub fn next_deadline(&self) -> u64 {
        self.next_tick_ms
    }

    /// The names of what is watched, as `ROLE` lists them.
    pub fn masters(&self) -> impl Iterator<Item = &str> {
        self.masters.keys().map(String::as_str)
    }

    /// 40 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.core.id
    }

    pub(crate) fn begin(&mut self, view: &View, out: &mut Vec<Output>) {
        self.core.out = std::mem::take(out);
        self.core.now_ms = self.core.now_ms.max(view.now_ms);
        self.core.wall_ms = view.wall_ms;
        self.distrust_clock(view);
    }

    pub(crate) fn end(&mut self, out: &mut Vec<Output>) {
        *out = std::mem::take(&mut self.core.out);
    }

    /// Time that jumps, or that nobody counted, makes silence mean nothing: it is waited out.
    fn distrust_clock(&mut self, view: &View) {
        let Some(last) = self.core.last.replace(*view) else {
            return;
        };
        let trigger_ms = self.core.periods.tilt_trigger_ms;
        let counted_ms = view.now_ms.saturating_sub(last.now_ms);
        let wall_ms = view.wall_ms.saturating_sub(last.wall_ms);
        let trigger = i64::try_from(trigger_ms).unwrap_or(i64::MAX);
        if counted_ms < SPAN_MIN_MS && wall_ms.abs() < trigger {
            self.core.last = Some(last);
            return;
        }
        if wall_ms < 0 || wall_ms > trigger || counted_ms > trigger_ms {
            self.core.tilt_since_ms = Some(self.core.now_ms);
            self.core
                .event(Level::Warning, "+tilt", "#tilt mode entered");
        }
    }

    fn tick(&mut self) {
        for master in self.masters.values_mut() {
            master.look_after(&mut self.core);
        }
        if let Some(since_ms) = self.core.tilt_since_ms
            && self.core.since_ms(since_ms) >= self.core.periods.tilt_ms
        {
            self.core.tilt_since_ms = None;
            self.core
                .event(Level::Warning, "-tilt", "#tilt mode exited");
        }
        if self.core.tilt_since_ms.is_none() || flawed!(self.core, ActInTilt) {
            for master in self.masters.values_mut() {
                for which in master.everyone() {
                    master.check_down(&mut self.core, &which);
                }
                master.judge(&mut self.core);
                master.ask_peers(&mut self.core, false);
            }
        }
        self.core.look_after_scripts();
        self.next_tick_ms = self.core.now_ms + TICK_MS + self.core.prng.below(TICK_MS);
    }
}

impl Master {
    /// Draws the conclusions of what is known now.
    pub fn judge(&mut self, core: &mut Core) {
        if core.tilt_since_ms.is_some() && !flawed!(core, ActInTilt) {
            return;
        }
        self.check_agreed_down(core);
        if self.fails_over_if_needed(core) {
            self.ask_peers(core, true);
        }
        self.advance_failover(core);
        self.finish_failover(core);
    }
}
