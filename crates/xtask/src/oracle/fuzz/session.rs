//! Sessions: what some clients do, one step after the other, on an empty server.
//!
//! A session takes some groups of commands and leaves others out, so that the few keys it has are
//! long of one type and go through its encodings. Half of all sessions set the encodings' limits
//! low. Most have one client, whose commands are pipelined; in the others several clients watch,
//! wait and push, one at a time.

use super::sentence::{self, Verb};
use super::step::{LISTENER, Step, Words};
use super::vocabulary::Vocabulary;

const SOLO_STEPS: u64 = 300;
const CROWD_STEPS: u64 = 120;
const CROWD: &[&str] = &["", "b", "c"];

/// Commands that give the others something to work on.
const FILLERS: &[&str] = &[
    "geoadd", "hset", "lpush", "rpush", "pfadd", "sadd", "set", "setbit", "zadd",
];

/// Commands that take everything away, or draw: one of them in many.
const RARE: &[&str] = &[
    "flushall",
    "flushdb",
    "swapdb",
    "keys",
    "randomkey",
    "select",
];

/// Directives that move the limits of encodings, and the values to try.
const LIMITS: &[(&str, &[&str])] = &[
    ("hash-max-listpack-entries", &["0", "4", "20"]),
    ("hash-max-listpack-value", &["8", "40"]),
    ("hll-sparse-max-bytes", &["0", "100", "1000"]),
    ("list-compress-depth", &["1", "2"]),
    ("list-max-listpack-size", &["1", "3", "-1"]),
    ("set-max-intset-entries", &["0", "4", "20"]),
    ("zset-max-listpack-entries", &["0", "4", "20"]),
    ("zset-max-listpack-value", &["8", "40"]),
];

/// What those directives are when a session says nothing.
pub const LIMITS_USUAL: &[(&str, &str)] = &[
    ("hash-max-listpack-entries", "128"),
    ("hash-max-listpack-value", "64"),
    ("hll-sparse-max-bytes", "3000"),
    ("list-compress-depth", "0"),
    ("list-max-listpack-size", "-2"),
    ("set-max-intset-entries", "512"),
    ("zset-max-listpack-entries", "128"),
    ("zset-max-listpack-value", "64"),
    ("notify-keyspace-events", ""),
];

/// Of a draw from a collection: how to list what there is to draw from.
const DRAWS: &[(&str, &[&str])] = &[
    ("hrandfield", &["HGETALL"]),
    ("randomkey", &["KEYS", "*"]),
    ("spop", &["SMEMBERS"]),
    ("srandmember", &["SMEMBERS"]),
    ("zrandmember", &["ZRANGE", "0", "-1", "WITHSCORES"]),
];

/// Writes sessions.
pub struct Author<'a> {
    verbs: &'a [Verb],
    /// The groups of commands to choose from.
    groups: Vec<&'static str>,
}

struct Draft<'a> {
    vocabulary: Vocabulary,
    /// Commands and their weights.
    choice: Vec<(&'a Verb, u64)>,
    /// Clients with an open transaction.
    open: Vec<&'static str>,
    steps: Vec<Step>,
}

impl<'a> Author<'a> {
    /// An author of the commands in groups whose name fits one of the filters, if there are any.
    pub fn new(verbs: &'a [Verb], filters: &[String]) -> Author<'a> {
        let fits = |group: &str| filters.is_empty() || filters.iter().any(|name| name == group);
        let mut groups: Vec<&str> = verbs.iter().map(|verb| verb.group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.retain(|group| fits(group));
        Author { verbs, groups }
    }

    /// The session of this seed, always the same.
    pub fn session(&self, seed: u64) -> Vec<Step> {
        let mut vocabulary = Vocabulary::new(seed);
        let crowded = vocabulary.chance(25);
        let mut draft = Draft {
            choice: self.choice(crowded, &mut vocabulary),
            vocabulary,
            open: Vec::new(),
            steps: Vec::new(),
        };
        draft.begin(if crowded { CROWD } else { &CROWD[..1] });
        let mut client = CROWD[0];
        for _ in 0..if crowded { CROWD_STEPS } else { SOLO_STEPS } {
            if crowded && draft.vocabulary.chance(40) {
                client = draft.vocabulary.pick(CROWD);
            }
            draft.step(client);
        }
        draft.steps
    }

    fn choice(&self, crowded: bool, vocabulary: &mut Vocabulary) -> Vec<(&'a Verb, u64)> {
        let any = vocabulary.below(self.groups.len().max(1) as u64) as usize;
        let percent = [15, 30, 70][vocabulary.below(3) as usize];
        let mut groups = Vec::new();
        for (at, group) in self.groups.iter().enumerate() {
            if at == any || vocabulary.chance(percent) || crowded && *group == "transactions" {
                groups.push(*group);
            }
        }
        let mut choice = Vec::new();
        for verb in self
            .verbs
            .iter()
            .filter(|verb| groups.contains(&verb.group))
        {
            let name = verb.full_name.as_str();
            let weight = match name {
                _ if verb.blocks && !crowded => 0,
                _ if verb.blocks => 20,
                _ if verb.group == "pubsub" && name != "publish" => 0,
                "multi" => 10,
                // Ends that somebody else begins.
                "exec" | "discard" | "reset" | "unwatch" => 1,
                _ if RARE.contains(&name) => 1,
                _ if FILLERS.contains(&name) => 35,
                _ if vocabulary.chance(20) => 0,
                _ => 8,
            };
            choice.push((verb, weight));
        }
        choice
    }
}

impl<'a> Draft<'a> {
    fn begin(&mut self, clients: &[&'static str]) {
        if self.vocabulary.chance(50) {
            for (directive, values) in LIMITS {
                if self.vocabulary.chance(50) {
                    let value = self.vocabulary.pick(values);
                    let line = format!("CONFIG SET {directive} {value}");
                    self.steps.push(Step::of("", &line));
                }
            }
        }
        for client in clients {
            if self.vocabulary.chance(40) {
                self.steps.push(Step::of(client, "HELLO 3"));
            }
        }
        if self.vocabulary.chance(40) {
            let line = "CONFIG SET notify-keyspace-events AKEmn";
            self.steps.push(Step::of("", line));
            let patterns = self
                .vocabulary
                .pick(&["*", "__keyevent@*", "__keyspace@* c*"]);
            self.steps
                .push(Step::of(LISTENER, &format!("PSUBSCRIBE {patterns}")));
        }
    }

    fn step(&mut self, client: &'static str) {
        if self.open.contains(&client) && self.vocabulary.chance(20) {
            self.open.retain(|other| *other != client);
            let end = self.vocabulary.pick(&["EXEC", "EXEC", "EXEC", "DISCARD"]);
            return self.steps.push(Step::of(client, end));
        }
        let Some(verb) = self.verb() else { return };
        let mut words = sentence::sentence(verb, 10, &mut self.vocabulary);
        let key = sentence::ONE_SCORE.as_bytes();
        if words.iter().any(|word| word == key) && self.vocabulary.chance(60) {
            self.fill_one_score(client);
        }
        match verb.full_name.as_str() {
            "multi" if !self.open.contains(&client) => self.open.push(client),
            "exec" | "discard" | "reset" => self.open.retain(|other| *other != client),
            _ => {}
        }
        if !self.vocabulary.chance(90) {
            words[0].make_ascii_lowercase();
        }
        if self.vocabulary.below(200) == 0 {
            // Perhaps there is no command of this name.
            words.insert(0, self.vocabulary.stray());
        }
        self.steps.push(Step {
            client: client.to_owned(),
            commands: around(verb, words),
        });
    }

    /// Adds members of one score to the set that ranges by bytes are of.
    fn fill_one_score(&mut self, client: &str) {
        let mut words = Step::of("", "ZADD y").commands.swap_remove(0);
        for _ in 0..=self.vocabulary.below(4) {
            words.extend([b"0".to_vec(), self.vocabulary.datum()]);
        }
        self.steps.push(Step::new(client, words));
    }

    fn verb(&mut self) -> Option<&'a Verb> {
        let sum: u64 = self.choice.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.vocabulary.below(sum.max(1));
        let verb = self.choice.iter().find(|(_, weight)| {
            let found = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            found
        });
        verb.map(|(verb, _)| *verb)
    }
}

/// A command, and if it draws, what it may draw before it. What it took away at random is deleted
/// behind it, so that both servers are alike again.
fn around(verb: &Verb, words: Words) -> Vec<Words> {
    let name = verb.full_name.as_str();
    let Some((_, listing)) = DRAWS.iter().find(|(draw, _)| *draw == name) else {
        return vec![words];
    };
    let mut before: Words = listing
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    let key = words.get(1).cloned();
    if let Some(key) = key.clone().filter(|_| name != "randomkey") {
        before.insert(1, key);
    }
    let mut commands = vec![before, words];
    if let Some(key) = key.filter(|_| name == "spop") {
        commands.push(vec![b"DEL".to_vec(), key]);
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_session() {
        let table = commands::table();
        let verbs = sentence::verbs(&table);
        let author = Author::new(&verbs, &[]);
        assert_eq!(author.session(3), author.session(3));
        assert_ne!(author.session(3), author.session(4));
        let filtered = Author::new(&verbs, &["hash".to_owned()]);
        let steps = filtered.session(5);
        let asked = |step: &Step| step.commands[0][0].to_ascii_uppercase();
        let begins = |step: &Step| matches!(asked(step).as_slice(), b"CONFIG" | b"HELLO");
        // A stray word may stand before the name.
        let hash = |step: &Step| {
            let mut names = step.commands[0].iter().take(2);
            step.client == LISTENER || names.any(|name| name.to_ascii_uppercase().starts_with(b"H"))
        };
        assert!(steps.iter().all(|step| begins(step) || hash(step)));
    }

    #[test]
    fn draws_stand_between_a_listing_and_a_deletion() {
        let table = commands::table();
        let verbs = sentence::verbs(&table);
        let spop = verbs.iter().find(|verb| verb.full_name == "spop");
        let words = Step::of("", "SPOP t 2").commands.swap_remove(0);
        let step = around(spop.expect("there is SPOP"), words);
        let lines: Vec<String> = step
            .iter()
            .map(|words| super::super::step::line("", words))
            .collect();
        assert_eq!(lines, ["> SMEMBERS t", "> SPOP t 2", "> DEL t"]);
    }
}
