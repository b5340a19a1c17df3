//! Moving slots, and showing how far it is.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Errand;
use crate::carrier::{self, Event, Failure, Pace};
use crate::fleet::Fleet;
use crate::plan::Move;
use crate::voice::{Dialect, Voice};

/// How moves are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A line for each slot, a dot for each key.
    Lines,
    /// A mark for each slot.
    Marks,
    /// How far all is.
    Progress,
}

/// What became of moves.
#[derive(Debug, Default)]
pub struct Carried {
    pub done: usize,
    /// Slots that servers were moving, and have let be.
    pub called_off: Vec<Move>,
    pub failed: Option<String>,
}

/// Between two lines that tell how far it is, where nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// How many couriers share a source: while one reads, another writes.
const COURIERS: usize = 3;

/// What has no room in a line is left out.
const FORM: &str = "Moving {bar:16} {wide_msg}";

struct Reporter<'a> {
    voice: &'a Voice,
    fleet: &'a Fleet,
    manner: Manner,
    /// What has been gathered about slots whose lines are not written yet.
    pending: BTreeMap<u16, String>,
    carried: Carried,
    progress: Progress,
}

impl Errand {
    pub fn pace(&self) -> Pace {
        let settings = &self.request.settings;
        Pace {
            timeout: settings.timeout,
            batch: settings.pipeline,
            replace: settings.replace,
            repairs: self.request.command == crate::request::Command::Fix,
            keys_only: false,
            whole: false,
            measures: self.is(Dialect::Ochre),
            couriers: COURIERS,
        }
    }

    /// Moves slots, and shows it.
    pub async fn carry(
        &self,
        fleet: &mut Fleet,
        moves: &[Move],
        pace: Pace,
        manner: Manner,
    ) -> Carried {
        let couriers = match manner {
            Manner::Progress => pace.couriers,
            // Their lines come in the order of the slots.
            Manner::Lines | Manner::Marks => 1,
        };
        // Whoever wants lines wants to see every slot go.
        let whole = manner == Manner::Progress && !pace.repairs && !pace.keys_only;
        let pace = Pace {
            couriers,
            whole,
            ..pace
        };
        let keys = match manner {
            Manner::Progress => count_keys(fleet, moves).await,
            Manner::Lines | Manner::Marks => 0,
        };
        let mut reporter = Reporter {
            voice: &self.voice,
            fleet,
            manner,
            pending: BTreeMap::new(),
            carried: Carried::default(),
            progress: Progress::new(&self.voice, moves.len(), keys, manner),
        };
        let all = carrier::carry(fleet, moves, pace, |event| reporter.see(event)).await;
        reporter.progress.finish(&self.voice);
        let mut carried = reporter.carried;
        if !all && carried.failed.is_none() {
            carried.failed = Some("interrupted".to_owned());
        }
        carried
    }
}

/// How many keys there are to move.
async fn count_keys(fleet: &mut Fleet, moves: &[Move]) -> u64 {
    let mut by_source: BTreeMap<usize, Vec<u16>> = BTreeMap::new();
    for step in moves {
        by_source.entry(step.source).or_default().push(step.slot);
    }
    let mut keys = 0;
    for (source, slots) in by_source {
        // Without figures there is no estimate of the time that is left, and nothing worse.
        let counts = fleet
            .keys_in_slots(source, &slots)
            .await
            .unwrap_or_default();
        keys += counts.iter().sum::<u64>();
    }
    keys
}

impl Reporter<'_> {
    fn see(&mut self, event: Event) {
        match event {
            Event::Copied { slot, keys, bytes } => {
                self.progress.keys += keys as u64;
                self.progress.bytes += bytes;
                let line = self.pending.entry(slot).or_default();
                line.extend(std::iter::repeat_n('.', keys));
            }
            Event::Note { slot, tone, text } => {
                let text = self.voice.dress(tone, &text);
                *self.pending.entry(slot).or_default() += &text;
            }
            Event::Waiting { slot, reason } => {
                if self.manner == Manner::Progress {
                    self.progress
                        .say(self.voice, &format!("Slot {slot} waits: {reason}"));
                }
            }
            Event::Interrupted => {
                let text = "Ending what was begun. Ctrl-C once more leaves at once.";
                self.progress.say(self.voice, text);
            }
            Event::CalledOff(step) => self.carried.called_off.push(step),
            Event::Done(step) => self.done(step),
            Event::Failed { step, failure } => self.failed(step, &failure),
        }
        self.progress.show(self.voice);
    }

    fn opening(&mut self, step: Move) -> String {
        let place = |node: usize| self.fleet.view.nodes[node].place();
        let (source, target) = (place(step.source), place(step.target));
        let gathered = self.pending.remove(&step.slot).unwrap_or_default();
        let slot = step.slot;
        format!("Moving slot {slot} from {source} to {target}: {gathered}")
    }

    fn done(&mut self, step: Move) {
        self.carried.done += 1;
        self.progress.slots += 1;
        match self.manner {
            Manner::Lines => {
                let line = self.opening(step);
                self.voice.line(&line);
            }
            Manner::Marks => self.voice.write("#"),
            Manner::Progress => drop(self.pending.remove(&step.slot)),
        }
    }

    fn failed(&mut self, step: Move, failure: &Failure) {
        let opening = self.opening(step);
        self.progress.pause();
        if self.manner == Manner::Lines {
            self.voice.write(&opening);
        }
        let text = self.explain(step, failure);
        self.voice.write("\n");
        self.carried.failed.get_or_insert(text);
    }

    /// Says why a slot did not move, and returns the reason in a line.
    fn explain(&self, step: Move, failure: &Failure) -> String {
        let voice = self.voice;
        match failure {
            Failure::Trouble { place, trouble } if voice.is(Dialect::Trib) => {
                voice.line("");
                voice.bad(&format!("[ERR] Calling MIGRATE: {trouble}"));
                format!("{place}: {trouble}")
            }
            Failure::Trouble { place, trouble } => {
                voice.line("");
                crate::fleet::replied(voice, place, trouble);
                trouble.to_string()
            }
            Failure::Incomparable(trouble) => {
                voice.bad("*** Value check failed!");
                trouble.to_string()
            }
            Failure::Conflict(keys) => {
                let place = |node: usize| self.fleet.view.nodes[node].place();
                let (source, target, count) = (place(step.source), place(step.target), keys.len());
                voice.bad(&format!(
                    "*** Found {count} key(s) in both source node and target node having \
                     different values.\n    Source node: {source}\n    Target node: {target}\n    \
                     Keys(s):"
                ));
                for key in keys {
                    let line = [b"    - ".as_slice(), key].concat();
                    voice.bad(&String::from_utf8_lossy(&line));
                }
                let option = match voice.dialect {
                    Dialect::Cli => "--cluster-replace",
                    Dialect::Ochre | Dialect::Trib => "--replace",
                };
                voice.bad(&format!(
                    "Please fix the above key(s) manually and try again or relaunch the command \
                     \nwith {option} option to force key overriding."
                ));
                format!("slot {} has differing keys at both ends", step.slot)
            }
        }
    }
}

/// How far all is.
struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    begun: Instant,
    shown: Instant,
    slots: usize,
    slots_total: usize,
    keys: u64,
    keys_total: u64,
    bytes: u64,
}

impl Progress {
    fn new(voice: &Voice, slots_total: usize, keys_total: u64, manner: Manner) -> Progress {
        let wanted = manner == Manner::Progress;
        let watched = wanted && !voice.document && std::io::stdout().is_terminal();
        let bar = watched.then(|| {
            let style = ProgressStyle::with_template(FORM).expect("the form is well-formed");
            let bar = ProgressBar::new(keys_total.max(slots_total as u64));
            bar.set_style(style);
            bar
        });
        let now = Instant::now();
        Progress {
            lines: wanted && bar.is_none(),
            bar,
            begun: now,
            shown: now,
            slots: 0,
            slots_total,
            keys: 0,
            keys_total,
            bytes: 0,
        }
    }

    fn show(&mut self, voice: &Voice) {
        if let Some(bar) = &self.bar {
            let done = if self.keys_total > 0 {
                self.keys
            } else {
                self.slots as u64
            };
            bar.set_position(done);
            bar.set_message(self.figures());
        } else if self.lines && self.shown.elapsed() >= LINE_EVERY {
            self.shown = Instant::now();
            voice.line(&self.figures());
        }
    }

    fn figures(&self) -> String {
        let (slots, slots_total) = (self.slots, self.slots_total);
        let (keys, keys_total) = (self.keys, self.keys_total.max(self.keys));
        let (bytes, left) = (self.about_bytes(), self.left());
        format!("{slots}/{slots_total} slots, {keys}/{keys_total} keys, {left}{bytes}")
    }

    /// Servers that move slots by themselves tell nothing of bytes.
    fn about_bytes(&self) -> String {
        match self.bytes {
            0 => String::new(),
            bytes => format!(", about {}", human_bytes(bytes)),
        }
    }

    /// How much time is left, if it goes on as so far.
    fn left(&self) -> String {
        let done = match self.keys_total {
            0 => self.slots as f64 / self.slots_total.max(1) as f64,
            total => self.keys as f64 / total as f64,
        };
        super::meter::time_left(self.begun.elapsed(), done)
    }

    fn say(&self, voice: &Voice, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => voice.line(text),
        }
    }

    /// Makes room for other lines.
    fn pause(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn finish(&self, voice: &Voice) {
        self.pause();
        if self.bar.is_some() || self.lines {
            let seconds = self.begun.elapsed().as_secs_f64();
            let (slots, keys, bytes) = (self.slots, self.keys, self.about_bytes());
            voice.line(&format!(
                "Moved {slots} slots with {keys} keys{bytes} in {seconds:.1} s."
            ));
        }
    }
}

/// So many bytes, for people.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: &[&str] = &["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for larger in units {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{bytes} B"),
        _ => format!("{value:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_units_of_a_thousand() {
        assert_eq!(human_bytes(999), "999 B");
        assert_eq!(human_bytes(1_234_567), "1.2 MB");
        assert_eq!(human_bytes(5_000_000_000_000_000), "5000.0 TB");
    }
}
