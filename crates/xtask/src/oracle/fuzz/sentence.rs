//! Sentences of a command's own syntax, and what goes wrong in them.

use engine::command::{Argument, ArgumentKind, Flags, Table};

use super::excluded;
use super::step::Words;
use super::vocabulary::Vocabulary;

/// A command that is fuzzed.
pub struct Verb {
    pub full_name: String,
    pub group: &'static str,
    pub arguments: Vec<Argument>,
    pub blocks: bool,
}

/// The commands that are fuzzed.
pub fn verbs(table: &Table) -> Vec<Verb> {
    let entries = table.all().iter();
    let leaves = entries.filter(|entry| entry.subcommands.is_empty());
    let wanted = leaves.filter(|entry| !excluded::is_excluded(&entry.full_name));
    let verb = |entry: &engine::command::Entry| Verb {
        full_name: entry.full_name.clone(),
        group: entry.group,
        arguments: entry.command.arguments(),
        blocks: entry.flags.has(Flags::BLOCKING),
    };
    wanted.map(verb).collect()
}

/// A sentence of the syntax, in one of `wrong_percent` of a hundred cases with a mistake.
pub fn sentence(verb: &Verb, wrong_percent: u64, vocabulary: &mut Vocabulary) -> Words {
    let name = verb.full_name.split('|');
    let mut sentence = Sentence {
        verb,
        vocabulary,
        words: name.map(|part| part.to_uppercase().into_bytes()).collect(),
        numkeys_at: None,
        keys: 0,
    };
    sentence.all(&verb.arguments);
    let mut words = sentence.words;
    if vocabulary.chance(wrong_percent) {
        spoil(&mut words, vocabulary);
    }
    tame(&mut words);
    keep_to_one_score(&mut words);
    keep_to_places(verb, &mut words);
    keep_distances_away(&mut words);
    words
}

struct Sentence<'a> {
    verb: &'a Verb,
    vocabulary: &'a mut Vocabulary,
    words: Words,
    /// The word that says how many keys follow.
    numkeys_at: Option<usize>,
    /// How many keys the last argument that is keys had.
    keys: usize,
}

impl Sentence<'_> {
    fn all(&mut self, arguments: &[Argument]) {
        arguments.iter().for_each(|argument| self.one(argument));
    }

    fn one(&mut self, argument: &Argument) {
        if argument.optional && !self.vocabulary.chance(40) {
            return;
        }
        let times = self.times(argument);
        for time in 0..times {
            if let Some(token) = &argument.token
                && (time == 0 || argument.multiple_token)
            {
                self.words.push(token.clone().into_bytes());
            }
            match argument.kind {
                ArgumentKind::PureToken => {}
                ArgumentKind::OneOf => {
                    let count = argument.arguments.len() as u64;
                    let chosen = self.vocabulary.below(count) as usize;
                    self.one(&argument.arguments[chosen]);
                }
                ArgumentKind::Block => self.all(&argument.arguments),
                _ => self.value(argument),
            }
        }
        if argument.kind == ArgumentKind::Key {
            self.keys = times;
            if let Some(at) = self.numkeys_at.take()
                && self.vocabulary.chance(95)
            {
                self.words[at] = times.to_string().into_bytes();
            }
        }
    }

    fn times(&mut self, argument: &Argument) -> usize {
        if !argument.multiple {
            return 1;
        }
        if argument.name == "weight" && self.vocabulary.chance(85) {
            return self.keys.max(1);
        }
        let is_key = argument.kind == ArgumentKind::Key;
        let pairs_keys = argument
            .arguments
            .iter()
            .any(|part| part.kind == ArgumentKind::Key);
        let times = match self.vocabulary.below(20) {
            0..8 => 1,
            8..13 => 2,
            13..16 => 3,
            16..19 => 1 + self.vocabulary.below(8),
            _ if is_key || pairs_keys => 4,
            _ => 10 + self.vocabulary.below(140),
        };
        times as usize
    }

    fn value(&mut self, argument: &Argument) {
        let (verb, name) = (self.verb.full_name.as_str(), argument.name.as_str());
        if name == "numkeys" {
            self.numkeys_at = Some(self.words.len());
        }
        let by_kind = verb == "zrange" && matches!(name, "start" | "stop");
        let vocabulary = &mut self.vocabulary;
        let word = match argument.kind {
            _ if by_kind => vocabulary.bound(),
            ArgumentKind::Key => vocabulary.key(self.verb.group),
            ArgumentKind::Integer => vocabulary.integer(verb, name),
            ArgumentKind::Double => vocabulary.double(verb, name),
            ArgumentKind::Pattern => vocabulary.pattern(),
            ArgumentKind::UnixTime => vocabulary.moment(name),
            _ => vocabulary.string(verb, name),
        };
        self.words.push(word);
    }
}

/// Makes a mistake, or two, behind the command's name.
fn spoil(words: &mut Words, vocabulary: &mut Vocabulary) {
    for _ in 0..=vocabulary.below(2) {
        let behind = words.len() as u64 - 1;
        let at = match behind {
            0 => 1,
            _ => 1 + vocabulary.below(behind) as usize,
        };
        match vocabulary.below(7) {
            0 if behind > 0 => drop(words.remove(at)),
            1 if behind > 0 => words.insert(at, words[at].clone()),
            2 if behind > 1 => {
                let other = 1 + vocabulary.below(behind) as usize;
                words.swap(at, other);
            }
            3 | 4 if behind > 0 => words[at] = vocabulary.stray(),
            5 => words.push(vocabulary.stray()),
            6 if behind > 0 => words[at] = words[at].to_ascii_lowercase(),
            _ => words.insert(at.min(words.len()), vocabulary.stray()),
        }
    }
}

/// The sorted set whose members all have one score: what a range by bytes is of another set,
/// depends on the levels that its members drew.
pub const ONE_SCORE: &str = "y";

/// Has a command whose range is by bytes use the set where that means something.
fn keep_to_one_score(words: &mut Words) {
    let is = |word: &[u8], name: &[u8]| word.eq_ignore_ascii_case(name);
    let name = String::from_utf8_lossy(&words[0]).to_ascii_lowercase();
    let may_ask = matches!(name.as_str(), "zrange" | "zrangestore");
    if name.contains("lex") || may_ask && words.iter().any(|word| is(word, b"BYLEX")) {
        let at = if is(&words[0], b"ZRANGESTORE") { 2 } else { 1 };
        if let Some(key) = words.get_mut(at) {
            *key = ONE_SCORE.as_bytes().to_vec();
        }
    }
}

/// Keeps places and other scores apart: where a score lies on no map, so does what is found there.
fn keep_to_places(verb: &Verb, words: &mut Words) {
    let (from, to) = match verb.group {
        "geo" => (b'z', b'g'),
        "sorted-set" => (b'g', b'z'),
        _ => return,
    };
    for word in words[1..].iter_mut().filter(|word| word.len() == 2) {
        if word[0] == from && word[1].is_ascii_digit() {
            word[0] = to;
        }
    }
}

/// Has distances stored where no places are: taken for places they all are the same one, and which
/// of them is nearer is open.
fn keep_distances_away(words: &mut Words) {
    let stores = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case(b"STOREDIST"));
    let Some(at) = stores else { return };
    let target = match words[0].eq_ignore_ascii_case(b"GEOSEARCHSTORE") {
        true => 1,
        false => at + 1,
    };
    if let Some(word) = words.get_mut(target) {
        *word = b"x".to_vec();
    }
}

/// A longer string than this is not made by one word, nor more elements drawn.
const GROWTH_MAX: i64 = 2_000;

/// From here on an offset is refused.
const OFFSET_REFUSED: i64 = 1 << 33;

/// Takes out of a sentence what would take all memory or time of both servers: offsets of half a
/// gigabyte, and draws of billions.
fn tame(words: &mut Words) {
    let name = words[0].to_ascii_lowercase();
    let number = |word: &[u8]| {
        let text = word.strip_prefix(b"#").unwrap_or(word);
        std::str::from_utf8(text).ok()?.parse::<i64>().ok()
    };
    let is_wild: fn(i64) -> bool = match name.as_slice() {
        b"setbit" | b"setrange" | b"bitfield" => {
            |number| (GROWTH_MAX * 8..OFFSET_REFUSED).contains(&number)
        }
        b"srandmember" | b"hrandfield" | b"zrandmember" => {
            |number| number < -GROWTH_MAX && number != i64::MIN
        }
        _ => return,
    };
    let limit = if name.starts_with(b"set") || name == b"bitfield" {
        GROWTH_MAX
    } else {
        -5
    };
    for word in &mut words[1..] {
        if number(word).is_some_and(is_wild) {
            *word = limit.to_string().into_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_fit_the_arity_and_the_keys() {
        let table = commands::table();
        let mut vocabulary = Vocabulary::new(7);
        for verb in verbs(&table) {
            for _ in 0..200 {
                let words = sentence(&verb, 0, &mut vocabulary);
                let slices: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                let entry = table.resolve(&slices).expect("the command is in the table");
                assert_eq!(entry.full_name, verb.full_name);
                let shown = super::super::step::line("", &words);
                assert!(entry.command.arity.allows(words.len()), "{shown}");
                // One count of keys in twenty is wrong on purpose.
                let counted = verb
                    .arguments
                    .iter()
                    .any(|argument| argument.name == "numkeys");
                let found = entry.command.find_keys(&slices, |_, _| {});
                assert!(counted || found.is_ok(), "{shown}");
            }
        }
    }

    #[test]
    fn mistakes_leave_the_name_and_no_wild_number() {
        let table = commands::table();
        let mut vocabulary = Vocabulary::new(8);
        for verb in verbs(&table) {
            for _ in 0..200 {
                let words = sentence(&verb, 100, &mut vocabulary);
                let name = String::from_utf8_lossy(&words[0]).to_lowercase();
                assert_eq!(Some(name.as_str()), verb.full_name.split('|').next());
                let offset = |word: &Vec<u8>| String::from_utf8_lossy(word).parse::<i64>().ok();
                let wild = words[1..].iter().filter_map(offset);
                let mut wild = wild.filter(|number| (1 << 20..1 << 32).contains(number));
                assert!(verb.full_name != "setbit" || wild.next().is_none());
            }
        }
    }
}
