//! What holds for every command, tested over the whole table.
//!
//! A command's syntax is a grammar: from it come sentences, and in a sentence it is known which
//! words are keys. So the line that people read, the specification that locks are taken by, and the
//! arity are held against each other.

use config::Config;
use engine::command::{
    Argument, ArgumentKind, Arity, CommandId, Entry, Flags, RenameError, Table, parse_syntax,
};
use engine::{Access, Error};
use resp::value::Value;
use stdx::prng::Prng;

/// Sentences made of each command's syntax.
const SENTENCES: usize = 50;

/// Calls `check` with every command and subcommand, and fails with all complaints at once.
#[track_caller]
fn for_every_command(mut check: impl FnMut(&Entry) -> Result<(), String>) {
    let complaint = |entry: &Entry| match check(entry) {
        Ok(()) => None,
        Err(complaint) => Some(format!("{}: {complaint}", entry.full_name)),
    };
    let complaints: Vec<String> = commands::table()
        .all()
        .iter()
        .filter_map(complaint)
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn ensure(holds: bool, complaint: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint.into()) }
}

#[test]
fn every_command_is_described() {
    for_every_command(|entry| {
        let command = entry.command;
        let lower = command
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b"-_".contains(&b));
        ensure(lower, "the name is in lower case")?;
        ensure(command.summary.ends_with('.'), "the summary is a sentence")?;
        let numbers = command.since.split('.').map(str::parse::<u32>);
        let numbers: Vec<bool> = numbers.map(|number| number.is_ok()).collect();
        ensure(numbers == [true; 3], "`since` is a version")?;
        parse_syntax(command.syntax).map_err(|error| error.0.to_owned())?;
        let opposed = entry.flags.has(Flags::WRITE) && entry.flags.has(Flags::READONLY);
        ensure(!opposed, "it either writes or only reads")
    });
}

#[test]
fn a_member_that_is_fetched_ahead_is_always_there() {
    for_every_command(|entry| {
        let Some(word) = entry.member_word else {
            return Ok(());
        };
        ensure(!entry.command.arity.allows(word), "it may lack its member")?;
        let first_key = entry.simple_keys.map(|(first, ..)| first);
        ensure(first_key == Some(1), "its first word is no key")
    });
    let of = |name: &[u8]| {
        commands::table()
            .find(name)
            .and_then(|entry| entry.member_word)
    };
    assert_eq!(
        (of(b"sadd"), of(b"hget"), of(b"set")),
        (Some(2), Some(2), None)
    );
}

#[test]
fn a_renamed_command_answers_to_its_new_name_only() {
    let mut table = commands::table();
    let all = table.top().len();
    assert_eq!(table.rename("FlushDB", "badger"), Ok(()));
    assert_eq!(table.rename("flushall", ""), Ok(()));
    assert_eq!(table.rename("get", "GET"), Ok(()));
    let (missing, taken) = (RenameError::NoSuchCommand, RenameError::NameTaken);
    assert_eq!(table.rename("flushdb", "x"), Err(missing));
    assert_eq!(table.rename("", "x"), Err(missing));
    assert_eq!(table.rename("get", "Set"), Err(taken));
    assert_eq!(table.top().len(), all - 1);
    let mut node = testkit::Node::new(table);
    let mut ask = |line: &[u8]| String::from_utf8_lossy(&node.send("", line)).into_owned();
    assert_eq!(ask(b"BADGER\r\n"), "+OK\r\n");
    let complaint = "-ERR wrong number of arguments for 'get' command\r\n";
    assert_eq!(ask(b"GET\r\n"), complaint);
    for gone in ["flushdb", "FLUSHALL"] {
        let reply = ask(format!("{gone}\r\n").as_bytes());
        assert!(reply.starts_with("-ERR unknown command"), "{gone}: {reply}");
    }
}

#[test]
fn every_container_has_help() {
    for_every_command(|entry| {
        let table = commands::table();
        let mut names = entry.subcommands.iter().map(|&id| table.get(id).command);
        let help = names.find(|command| command.name == "help");
        if entry.subcommands.is_empty() {
            return Ok(());
        }
        let help = help.ok_or("it has no HELP")?;
        ensure(help.arity == Arity::Exactly(2), "HELP takes no words")?;
        let words = [entry.command.name.as_bytes().to_vec(), b"HELP".to_vec()];
        // CLUSTER says nothing else elsewhere.
        let mut config = Config::default();
        config.cluster.enabled = true;
        let mut node = testkit::Node::with_config(commands::table(), config);
        let lines = match node.command("", &words) {
            Some(reply @ Value::Array(_)) => testkit::render(&reply),
            other => return Err(format!("HELP answers {other:?}")),
        };
        for &id in &entry.subcommands {
            let name = table.get(id).command.name.to_ascii_uppercase();
            ensure(
                lines.contains(&name),
                format!("HELP is silent about {name}"),
            )?;
        }
        Ok(())
    });
}

/// The fewest and the most words that arguments take; no most if they repeat.
fn word_counts(arguments: &[Argument]) -> (usize, Option<usize>) {
    let sum = |(least, most): (usize, Option<usize>), argument: &Argument| {
        let (fewest, greatest) = word_count(argument);
        (least + fewest, most.zip(greatest).map(|(a, b)| a + b))
    };
    arguments.iter().fold((0, Some(0)), sum)
}

fn word_count(argument: &Argument) -> (usize, Option<usize>) {
    let token = usize::from(argument.token.is_some());
    let (least, most) = match argument.kind {
        ArgumentKind::PureToken => (0, Some(0)),
        ArgumentKind::Block => word_counts(&argument.arguments),
        ArgumentKind::OneOf => {
            // One is chosen, though each may be marked as one that need not be.
            let counts = argument.arguments.iter().map(|alternative| {
                word_count(&Argument {
                    optional: false,
                    ..alternative.clone()
                })
            });
            let counts: Vec<_> = counts.collect();
            let least = counts.iter().map(|(least, _)| *least).min();
            let most: Option<Vec<usize>> = counts.iter().map(|(_, most)| *most).collect();
            (
                least.unwrap_or(0),
                most.and_then(|most| most.into_iter().max()),
            )
        }
        _ => (1, Some(1)),
    };
    let most = if argument.multiple { None } else { most };
    let least = if argument.optional { 0 } else { token + least };
    (least, most.map(|most| token + most))
}

const AT_LEAST_TWO: Arity = Arity::AtLeast(2);

#[test]
fn arity_is_that_of_the_syntax() {
    for_every_command(|entry| {
        // DEBUG has subcommands that nobody but its own help describes.
        let undescribed = entry.command.syntax.is_empty() && entry.command.arity == AT_LEAST_TWO;
        if !entry.subcommands.is_empty() || undescribed {
            return Ok(());
        }
        let name = 1 + entry.full_name.matches('|').count();
        let (least, most) = word_counts(&entry.command.arguments());
        let (least, most) = (name + least, most.map(|most| name + most));
        let agrees = match entry.command.arity {
            Arity::Exactly(exact) => exact == least && Some(exact) == most,
            Arity::AtLeast(arity) => arity == least,
        };
        let stated = entry.command.arity;
        ensure(
            agrees,
            format!("{stated:?}, but its syntax takes {least} to {most:?} words"),
        )
    });
}

/// Makes sentences of a grammar.
struct Speaker {
    prng: Prng,
    /// How often what repeats is said in this sentence, so that counts agree.
    times: usize,
    words: Vec<Vec<u8>>,
    keys: Vec<usize>,
}

impl Speaker {
    fn chance(&mut self) -> bool {
        self.prng.below(2) == 0
    }

    fn say(&mut self, word: &str) {
        self.words.push(word.as_bytes().to_vec());
    }

    /// Says arguments one after the other; a number of keys is the number said behind it.
    fn say_all(&mut self, arguments: &[Argument]) {
        let mut count_at = None;
        for argument in arguments {
            let keys_before = self.keys.len();
            self.say_perhaps(argument);
            if let Some(at) = count_at.take() {
                let said: usize = self.keys.len() - keys_before;
                self.words[at] = said.to_string().into_bytes();
            }
            if argument.name == "numkeys" {
                count_at = Some(self.words.len() - 1);
            }
        }
    }

    fn say_perhaps(&mut self, argument: &Argument) {
        if argument.optional && self.chance() {
            return;
        }
        let times = if argument.multiple { self.times } else { 1 };
        for time in 0..times {
            if let Some(token) = &argument.token
                && (time == 0 || argument.multiple_token)
            {
                self.say(token);
            }
            self.say_value(argument);
        }
    }

    fn say_value(&mut self, argument: &Argument) {
        match argument.kind {
            ArgumentKind::PureToken => {}
            ArgumentKind::Block => self.say_all(&argument.arguments),
            ArgumentKind::OneOf => {
                let chosen = self.prng.below(argument.arguments.len() as u64) as usize;
                let chosen = Argument {
                    optional: false,
                    ..argument.arguments[chosen].clone()
                };
                self.say_perhaps(&chosen);
            }
            ArgumentKind::Key => {
                self.keys.push(self.words.len());
                self.say("some-key");
            }
            ArgumentKind::Integer | ArgumentKind::Double => self.say("1"),
            ArgumentKind::UnixTime => self.say("1893456000"),
            ArgumentKind::Pattern => self.say("*"),
            ArgumentKind::String => self.say("text"),
        }
    }
}

/// A sentence that is a request of this command, and which of its words are keys.
fn sentence(entry: &Entry, seed: u64) -> (Vec<Vec<u8>>, Vec<usize>) {
    let mut speaker = Speaker {
        prng: Prng::new(seed),
        times: 1 + seed as usize % 3,
        words: Vec::new(),
        keys: Vec::new(),
    };
    let name = entry.full_name.split('|');
    name.for_each(|word| speaker.say(word));
    speaker.say_all(&entry.command.arguments());
    (speaker.words, speaker.keys)
}

#[test]
fn key_specifications_find_the_keys_of_the_syntax() {
    for_every_command(|entry| {
        let is_vague = |access: Access| access.has(Access::INCOMPLETE.and(Access::NOT_KEY));
        // An empty word in a key's place means that the keys are elsewhere.
        let hides = entry.command.syntax.contains("\"\"");
        if hides || entry.command.keys.iter().any(|spec| is_vague(spec.access)) {
            return Ok(());
        }
        for seed in 0..SENTENCES as u64 {
            let (words, keys) = sentence(entry, seed);
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let shown = || String::from_utf8_lossy(&words.join(&b' ')).into_owned();
            let mut found = Vec::new();
            let result = entry.command.find_keys(&words, |word, _| found.push(word));
            found.sort_unstable();
            ensure(result.is_ok(), format!("no keys in `{}`", shown()))?;
            ensure(
                found == keys,
                format!("{found:?}, not {keys:?} in `{}`", shown()),
            )?;
        }
        Ok(())
    });
}

#[test]
fn every_key_specification_belongs_to_an_argument() {
    fn numbers(arguments: &[Argument], found: &mut Vec<usize>) {
        for argument in arguments {
            found.extend(argument.key_spec);
            numbers(&argument.arguments, found);
        }
    }
    for_every_command(|entry| {
        let mut found = Vec::new();
        numbers(&entry.command.arguments(), &mut found);
        let keys = entry.command.keys.iter().enumerate();
        let unclear = Access::INCOMPLETE.and(Access::NOT_KEY);
        let mut unknown = keys
            .filter(|(index, spec)| !spec.access.has(unclear) && !found.contains(index))
            .map(|(index, _)| index);
        let first = unknown.next();
        ensure(
            first.is_none(),
            format!("no argument is key specification {first:?}"),
        )
    });
}

#[test]
fn every_sentence_is_a_request() {
    let mut node = testkit::Node::new(commands::table());
    for_every_command(|entry| {
        if entry.flags.has(Flags::ADMIN | Flags::PROTECTED) || !entry.subcommands.is_empty() {
            return Ok(());
        }
        for seed in 0..SENTENCES as u64 {
            let (words, _) = sentence(entry, seed);
            let reply = node.command("speaker", &words);
            node.close("speaker");
            let arity = Error::Arity.message(&entry.full_name).into_owned();
            let shown = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
            ensure(
                reply != Some(Value::Error(arity)),
                format!("refuses `{shown}`"),
            )?;
        }
        Ok(())
    });
}

#[test]
fn only_what_requests_call_is_found_again() {
    let mut table = commands::table();
    let id = |table: &Table, name: &str| {
        let found = table.find_full(name.as_bytes());
        found.expect("a command of the table").id
    };
    let (get, set, config_get) = (
        id(&table, "get"),
        id(&table, "set"),
        id(&table, "config|get"),
    );
    let again = |table: &Table, name: &str, last| {
        let found = table.find_again(name.as_bytes(), last);
        found.map(|entry| entry.id)
    };
    assert_eq!(again(&table, "GeT", get), Some(get));
    assert_eq!(again(&table, "get", set), None);
    assert_eq!(again(&table, "get", config_get), None);
    assert_eq!(again(&table, "get", CommandId(u16::MAX)), None);
    table.rename("get", "fetch").expect("a name that is free");
    table.rename("set", "").expect("a command of the table");
    assert_eq!(again(&table, "get", get), None);
    assert_eq!(again(&table, "fetch", get), Some(get));
    assert_eq!(again(&table, "", set), None);
}
