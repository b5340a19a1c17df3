//! Plays a session on both servers and stops at the first difference.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use resp::value::Value;

use super::contents;
use super::normaliser::{Comparer, Unlike};
use super::sentence::Verb;
use super::side::Side;
use super::step::{LISTENER, Step, Words, line};
use crate::oracle::differences::Differences;

/// So many commands of one client are sent at once.
const PIPELINE_MAX: usize = 64;

/// What the listener is pinged with, to see the end of what it was told.
const END: &[u8] = b"end of messages";

pub struct Duel<'a> {
    pub reference: Side,
    pub tested: Side,
    /// Names of commands after which a client may have to wait.
    blocking: BTreeSet<Vec<u8>>,
    pub differences: &'a Differences,
}

/// How a session ended.
#[derive(Debug, Default)]
pub struct Outcome {
    pub commands: usize,
    /// A known difference came up, after which nothing can be compared.
    pub excused: bool,
    pub difference: Option<Difference>,
    /// Lines of a transcript with the reference's replies, if they were asked for.
    pub transcript: String,
}

/// The first thing that was not the same.
#[derive(Debug)]
pub struct Difference {
    /// How many steps were played, with the one that differs.
    pub steps: usize,
    pub command: String,
    pub reference: String,
    pub tested: String,
}

/// A session while it is played.
struct Play<'a, 'b> {
    duel: &'a mut Duel<'b>,
    comparers: BTreeMap<String, Comparer>,
    listens: bool,
    outcome: Outcome,
    writes: bool,
}

/// Nothing more is to be played.
struct Ended;

impl<'a> Duel<'a> {
    pub fn new(
        reference: Side,
        tested: Side,
        verbs: &[Verb],
        differences: &'a Differences,
    ) -> Duel<'a> {
        let blocking = verbs.iter().filter(|verb| verb.blocks);
        Duel {
            reference,
            tested,
            blocking: blocking
                .map(|verb| verb.full_name.to_uppercase().into_bytes())
                .collect(),
            differences,
        }
    }

    /// Plays steps on empty servers. With `writes`, the outcome has a transcript.
    pub fn play(&mut self, steps: &[Step], writes: bool) -> Result<Outcome> {
        self.reference.begin().context("starting the reference")?;
        self.tested
            .begin()
            .context("starting the server under test")?;
        let mut play = Play {
            duel: self,
            comparers: BTreeMap::new(),
            listens: false,
            outcome: Outcome::default(),
            writes,
        };
        let _ended = play.all(steps)?;
        Ok(play.outcome)
    }

    fn may_wait(&self, step: &Step) -> bool {
        let is_blocking = |words: &Words| self.blocking.contains(&words[0].to_ascii_uppercase());
        step.commands.iter().any(is_blocking)
    }
}

impl Play<'_, '_> {
    fn all(&mut self, steps: &[Step]) -> Result<Result<(), Ended>> {
        let mut at = 0;
        while at < steps.len() {
            let len = self.burst(&steps[at..]);
            if let Err(ended) = self.play(&steps[at..at + len], at)? {
                return Ok(Err(ended));
            }
            at += len;
        }
        let found = contents::compare(&mut self.duel.reference, &mut self.duel.tested);
        match found {
            Ok(None) => Ok(Ok(())),
            Ok(Some(found)) => Ok(Err(self.differ(
                steps.len(),
                found.command,
                found.reference,
                found.tested,
            ))),
            Err(error) => {
                let command = "(comparing all keys)".to_owned();
                Ok(Err(self.differ(
                    steps.len(),
                    command,
                    String::new(),
                    self.failure(&error),
                )))
            }
        }
    }

    /// How many of these steps can be sent at once.
    fn burst(&self, steps: &[Step]) -> usize {
        let lonely = |step: &Step| step.client == LISTENER || self.duel.may_wait(step);
        if lonely(&steps[0]) || self.duel.reference.anybody_waits() {
            return 1;
        }
        let mut commands = 0;
        let fits = steps.iter().take_while(|step| {
            commands += step.commands.len();
            step.client == steps[0].client && !lonely(step) && commands <= PIPELINE_MAX
        });
        fits.count().max(1)
    }

    /// Plays a burst of one client's steps, of which the first is number `at`.
    fn play(&mut self, steps: &[Step], at: usize) -> Result<Result<(), Ended>> {
        let client = steps[0].client.as_str();
        if client == LISTENER {
            self.listens = true;
        } else if self.duel.reference.waits(client) {
            return Ok(Ok(()));
        }
        let commands: Vec<Words> = steps
            .iter()
            .flat_map(|step| step.commands.clone())
            .collect();
        let last = at + steps.len();
        self.duel
            .reference
            .send(client, &commands)
            .context("the reference hung up")?;
        if let Err(error) = self.duel.tested.send(client, &commands) {
            let command = line(client, &commands[0]);
            return Ok(Err(self.differ(
                last,
                command,
                String::new(),
                self.failure(&error),
            )));
        }
        self.outcome.commands += commands.len();
        if client == LISTENER {
            self.write(client, &commands[0], None);
            return self.listen(last, &line(client, &commands[0]));
        }
        let ends = steps.iter().scan(0, |end, step| {
            *end += step.commands.len();
            Some(*end)
        });
        let ends: Vec<usize> = ends.collect();
        for (number, words) in commands.iter().enumerate() {
            let step = at + 1 + ends.iter().take_while(|end| **end <= number).count();
            let waits = steps.len() == 1 && self.duel.may_wait(&steps[0]);
            if let Err(ended) = self.reply(client, words, waits, (step, last))? {
                return Ok(Err(ended));
            }
        }
        let command = line(client, &commands[commands.len() - 1]);
        if let Err(ended) = self.wake(last, &command)? {
            return Ok(Err(ended));
        }
        match self.listens {
            true => self.listen(last, &command),
            false => Ok(Ok(())),
        }
    }

    /// Reads and compares the reply to one command, which is part of step `step` of a burst up to
    /// step `last`.
    fn reply(
        &mut self,
        client: &str,
        words: &Words,
        may_wait: bool,
        (step, last): (usize, usize),
    ) -> Result<Result<(), Ended>> {
        let read = |side: &mut Side| match may_wait {
            true => side.receive_or_wait(client),
            false => side.receive(client).map(Some),
        };
        let expected = read(&mut self.duel.reference);
        let expected =
            expected.with_context(|| format!("the reference on {}", line(client, words)))?;
        self.write(client, words, Some(expected.as_ref()));
        let shown = shown(expected.as_ref());
        match (read(&mut self.duel.tested), expected) {
            (Ok(None), None) => Ok(Ok(())),
            (Ok(Some(reply)), Some(expected)) => {
                let comparer = self.comparers.entry(client.to_owned()).or_default();
                if is_corrupted(&expected) && expected == reply {
                    let excused = self
                        .duel
                        .differences
                        .excuse("fuzz INVALIDOBJ", &line("", words));
                    self.outcome.excused |= excused;
                    return Ok(if excused { Err(Ended) } else { Ok(()) });
                }
                let compared = comparer.compare(words, expected, &reply);
                Ok(compared.map_err(|Unlike(inner)| {
                    let command = match inner == *words {
                        true => line(client, words),
                        false => format!("{}\n(of it:{})", line(client, words), line("", &inner)),
                    };
                    let excused = self.duel.differences.excuse("fuzz", &line("", &inner));
                    self.outcome.excused |= excused;
                    match excused {
                        true => Ended,
                        false => self.differ(step, command, shown, testkit::render(&reply)),
                    }
                }))
            }
            (Ok(reply), _) => {
                let reply = self::shown(reply.as_ref());
                Ok(Err(self.differ(step, line(client, words), shown, reply)))
            }
            (Err(error), _) => {
                // It may be a later command of the burst that ended the server.
                let failure = self.failure(&error);
                Ok(Err(self.differ(last, line(client, words), shown, failure)))
            }
        }
    }

    /// Compares who of those that wait was served.
    fn wake(&mut self, step: usize, command: &str) -> Result<Result<(), Ended>> {
        if !self.duel.reference.anybody_waits() && !self.duel.tested.anybody_waits() {
            return Ok(Ok(()));
        }
        let expected = self.duel.reference.woken(&[]).context("the reference")?;
        for (client, reply) in &expected {
            self.write_message(client, reply);
        }
        let all = |woken: &[(String, Value)]| {
            let shown = woken
                .iter()
                .map(|(name, reply)| format!("{name}< {}", testkit::render(reply)));
            shown.collect::<String>()
        };
        match self.duel.tested.woken(&expected) {
            Ok(woken) if woken == expected => Ok(Ok(())),
            Ok(woken) => Ok(Err(self.differ(
                step,
                command.to_owned(),
                all(&expected),
                all(&woken),
            ))),
            Err(error) => {
                let failure = self.failure(&error);
                Ok(Err(self.differ(
                    step,
                    command.to_owned(),
                    all(&expected),
                    failure,
                )))
            }
        }
    }

    /// Compares what the listener was told.
    fn listen(&mut self, step: usize, command: &str) -> Result<Result<(), Ended>> {
        let expected = messages(&mut self.duel.reference).context("the reference")?;
        for message in &expected {
            self.write_message(LISTENER, message);
        }
        let told = match messages(&mut self.duel.tested) {
            Ok(told) if without_expiries(&told) == without_expiries(&expected) => {
                return Ok(Ok(()));
            }
            Ok(told) => told,
            Err(error) => {
                let failure = self.failure(&error);
                return Ok(Err(self.differ(
                    step,
                    command.to_owned(),
                    String::new(),
                    failure,
                )));
            }
        };
        let pairs = expected.iter().zip(&told);
        let alike = pairs.take_while(|(a, b)| a == b).count();
        let rest = |messages: &[Value]| {
            let shown = messages[alike..].iter().map(testkit::render);
            format!("(after {alike} messages)\n{}", shown.collect::<String>())
        };
        let (expected, told) = (rest(&expected), rest(&told));
        Ok(Err(self.differ(
            step,
            format!("{command} (messages)"),
            expected,
            told,
        )))
    }

    fn failure(&self, error: &std::io::Error) -> String {
        format!("(no reply: {error})\n{}\n", self.duel.tested.last_words())
    }

    fn differ(
        &mut self,
        steps: usize,
        command: String,
        reference: String,
        tested: String,
    ) -> Ended {
        self.outcome.difference = Some(Difference {
            steps,
            command,
            reference,
            tested,
        });
        Ended
    }

    fn write(&mut self, client: &str, words: &Words, reply: Option<Option<&Value>>) {
        if self.writes {
            self.outcome.transcript += &format!("{}\n", line(client, words));
            if let Some(reply) = reply {
                self.outcome.transcript += &shown(reply);
            }
        }
    }

    fn write_message(&mut self, client: &str, message: &Value) {
        if self.writes {
            self.outcome.transcript += &format!("{client}<\n{}", testkit::render(message));
        }
    }
}

/// Whether a value was found to be corrupted, perhaps when some of it had been changed.
fn is_corrupted(reply: &Value) -> bool {
    matches!(reply, Value::Error(text) if text.starts_with(b"INVALIDOBJ"))
}

fn shown(reply: Option<&Value>) -> String {
    reply.map_or_else(|| "(no reply)\n".to_owned(), testkit::render)
}

/// Messages but those of keys whose time has come: each server tells of them when it comes by.
fn without_expiries(messages: &[Value]) -> Vec<&Value> {
    let is_expiry = |message: &&Value| match message {
        Value::Array(items) | Value::Push(items) => items
            .iter()
            .any(|item| matches!(item, Value::Bulk(text) if text.ends_with(b"expired"))),
        _ => false,
    };
    let others = messages.iter().filter(|message| !is_expiry(message));
    others.collect()
}

/// What a server told the listener since it was last asked.
fn messages(side: &mut Side) -> std::io::Result<Vec<Value>> {
    side.send(LISTENER, &[vec![b"PING".to_vec(), END.to_vec()]])?;
    let is_end = |value: &Value| match value {
        Value::Bulk(text) => text == END,
        Value::Array(items) => matches!(&items[..], [_, Value::Bulk(text)] if text == END),
        _ => false,
    };
    let mut messages = Vec::new();
    loop {
        match side.receive(LISTENER)? {
            end if is_end(&end) => return Ok(messages),
            message => messages.push(message),
        }
    }
}
