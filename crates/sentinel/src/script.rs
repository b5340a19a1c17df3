//! Programs that are run when something happens: which is next, how long, and how often again.

use std::collections::VecDeque;

use crate::ScriptId;
use crate::answer::Answer;
use crate::core::Core;
use crate::input::ScriptEnd;
use crate::output::{Level, Output};

/// Scripts that may wait. When there are more, the oldest that waits is forgotten.
const QUEUE_MAX: usize = 256;

/// Scripts that may run at the same time.
const RUNNING_MAX: usize = 16;

const ATTEMPTS_MAX: u32 = 10;

#[derive(Debug)]
enum State {
    /// To be started then.
    Waits { until_ms: u64 },
    Runs {
        since_ms: u64,
        pid: u32,
        is_killed: bool,
    },
}

#[derive(Debug)]
struct Script {
    id: ScriptId,
    path: Vec<u8>,
    args: Vec<Vec<u8>>,
    state: State,
    attempts: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Scripts {
    queue: VecDeque<Script>,
    made: u64,
}

impl Scripts {
    pub fn running(&self) -> usize {
        let runs = |script: &&Script| matches!(script.state, State::Runs { .. });
        self.queue.iter().filter(runs).count()
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    fn add(&mut self, path: &[u8], args: Vec<Vec<u8>>, now_ms: u64) {
        self.made += 1;
        self.queue.push_back(Script {
            id: ScriptId(self.made),
            path: path.to_vec(),
            args,
            state: State::Waits { until_ms: now_ms },
            attempts: 0,
        });
        let waits = |script: &Script| matches!(script.state, State::Waits { .. });
        if self.queue.len() > QUEUE_MAX
            && let Some(oldest) = self.queue.iter().position(waits)
        {
            self.queue.remove(oldest);
        }
    }

    fn position(&self, id: ScriptId) -> Option<usize> {
        self.queue.iter().position(|script| script.id == id)
    }
}

impl Core {
    pub fn add_script(&mut self, path: &[u8], args: Vec<Vec<u8>>) {
        self.scripts.add(path, args, self.now_ms);
    }

    /// Starts what is due, and kills what has run too long.
    pub fn look_after_scripts(&mut self) {
        let (now_ms, runtime_ms) = (self.now_ms, self.periods.script_runtime_ms);
        let mut free = RUNNING_MAX.saturating_sub(self.scripts.running());
        let mut late = Vec::new();
        for script in &mut self.scripts.queue {
            match &mut script.state {
                State::Waits { until_ms } if *until_ms <= now_ms && free > 0 => {
                    free -= 1;
                    script.attempts += 1;
                    script.state = State::Runs {
                        since_ms: now_ms,
                        pid: 0,
                        is_killed: false,
                    };
                    self.out.push(Output::RunScript {
                        script: script.id,
                        path: script.path.clone(),
                        args: script.args.clone(),
                    });
                }
                State::Runs {
                    since_ms,
                    pid,
                    is_killed,
                } if !*is_killed && *pid != 0 && now_ms - *since_ms > runtime_ms => {
                    *is_killed = true;
                    late.push((script.id, *pid, script.path.clone()));
                }
                _ => {}
            }
        }
        for (script, pid, path) in late {
            let text = format!("{} {pid}", String::from_utf8_lossy(&path));
            self.event(Level::Warning, "-script-timeout", text);
            self.out.push(Output::KillScript { script, pid });
        }
    }

    pub fn script_started(&mut self, id: ScriptId, started: Option<u32>) {
        let Some(position) = self.scripts.position(id) else {
            return;
        };
        let script = &mut self.scripts.queue[position];
        let State::Runs { pid, .. } = &mut script.state else {
            return;
        };
        match started {
            Some(started) => {
                *pid = started;
                self.event(Level::Debug, "+script-child", started.to_string());
            }
            None => {
                let text = format!("{} 99 0", String::from_utf8_lossy(&script.path));
                self.event(Level::Warning, "-script-error", text);
                self.retry_script(position);
            }
        }
    }

    /// A script that was killed or left with 1 is tried again; with more it has failed for good.
    pub fn script_ended(&mut self, id: ScriptId, end: ScriptEnd) {
        let Some(position) = self.scripts.position(id) else {
            return;
        };
        let script = &self.scripts.queue[position];
        let State::Runs { pid, .. } = script.state else {
            return;
        };
        let (code, signal) = match end {
            ScriptEnd::Exited(code) => (code, 0),
            ScriptEnd::Killed(signal) => (0, signal),
        };
        let path = String::from_utf8_lossy(&script.path).into_owned();
        let may_retry = (signal != 0 || code == 1) && script.attempts < ATTEMPTS_MAX;
        self.event(
            Level::Debug,
            "-script-child",
            format!("{pid} {code} {signal}"),
        );
        if may_retry {
            return self.retry_script(position);
        }
        if signal != 0 || code != 0 {
            let text = format!("{path} {signal} {code}");
            self.event(Level::Warning, "-script-error", text);
        }
        self.scripts.queue.remove(position);
    }

    /// Each attempt waits twice as long as the one before.
    fn retry_script(&mut self, position: usize) {
        let script = &mut self.scripts.queue[position];
        let doubled = script.attempts.saturating_sub(1);
        let delay_ms = self.periods.script_retry_ms.saturating_mul(1 << doubled);
        script.state = State::Waits {
            until_ms: self.now_ms.saturating_add(delay_ms),
        };
        if script.attempts >= ATTEMPTS_MAX {
            self.scripts.queue.remove(position);
        }
    }

    pub fn pending_scripts(&self) -> Answer {
        let scripts = self.scripts.queue.iter();
        Answer::Array(scripts.map(|script| self.describe_script(script)).collect())
    }

    fn describe_script(&self, script: &Script) -> Answer {
        let words = std::iter::once(&script.path).chain(&script.args);
        let argv = words.map(|word| Answer::Bulk(word.clone())).collect();
        let (flags, pid, time_name, time_ms) = match script.state {
            State::Runs { since_ms, pid, .. } => {
                ("running", pid, "run-time", self.now_ms - since_ms)
            }
            State::Waits { until_ms } => (
                "scheduled",
                0,
                "run-delay",
                until_ms.saturating_sub(self.now_ms),
            ),
        };
        let text = |text: &str| Answer::Bulk(text.into());
        Answer::Map(vec![
            (text("argv"), Answer::Array(argv)),
            (text("flags"), text(flags)),
            (text("pid"), text(&pid.to_string())),
            (text(time_name), text(&time_ms.to_string())),
            (text("retry-num"), text(&script.attempts.to_string())),
        ])
    }
}
