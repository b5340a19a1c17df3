//! What was asked for, the same under every name.

pub mod table;

use std::time::Duration;

use crate::place::Place;
use crate::voice::Dialect;

/// Options that belong to the manager.
#[derive(Clone, Debug)]
pub struct Settings {
    pub replicas: usize,
    pub yes: bool,
    pub from: Option<String>,
    pub to: Option<String>,
    /// 0 is to be asked for.
    pub slots: i64,
    pub timeout: Duration,
    pub pipeline: Option<usize>,
    pub threshold: f64,
    pub weights: Vec<String>,
    pub use_empty: bool,
    pub simulate: bool,
    pub copy: bool,
    pub replace: bool,
    pub replica: bool,
    pub primary_id: Option<String>,
    pub search_multiple_owners: bool,
    pub fix_with_unreachable: bool,
    pub only_primaries: bool,
    pub only_replicas: bool,
    pub from_user: Option<Vec<u8>>,
    pub from_password: Option<Vec<u8>>,
    pub from_askpass: bool,
    pub verbose: bool,
    pub dry_run: bool,
    pub json: bool,
    pub resume: bool,
    /// Pairs of a host and its zone.
    pub zones: Vec<String>,
    pub by: Measure,
    /// Import follows a source that is written meanwhile.
    pub live: bool,
    /// The dbs that import takes, each with what its keys begin with from then on.
    pub dbs: Vec<String>,
    /// Where import keeps how far it is.
    pub journal: Option<std::path::PathBuf>,
    /// How long to wait for nodes to agree.
    pub patience: Option<Duration>,
}

/// What a rebalance evens out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Slots,
    Keys,
    Memory,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            replicas: 0,
            yes: false,
            from: None,
            to: None,
            slots: 0,
            timeout: Duration::from_secs(60),
            pipeline: None,
            threshold: 2.0,
            weights: Vec::new(),
            use_empty: false,
            simulate: false,
            copy: false,
            replace: false,
            replica: false,
            primary_id: None,
            search_multiple_owners: false,
            fix_with_unreachable: false,
            only_primaries: false,
            only_replicas: false,
            from_user: None,
            from_password: None,
            from_askpass: false,
            verbose: false,
            dry_run: false,
            json: false,
            resume: false,
            zones: Vec::new(),
            by: Measure::Slots,
            live: false,
            dbs: Vec::new(),
            journal: None,
            patience: None,
        }
    }
}

/// What a command is called, and what it takes.
#[derive(Clone, Debug)]
pub struct Request {
    pub command: Command,
    pub args: Vec<Vec<u8>>,
    pub settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    AddNode,
    Backup,
    Call,
    Check,
    Create,
    DelNode,
    Drain,
    Fix,
    Help,
    Import,
    Info,
    Rebalance,
    Reshard,
    Restore,
    SetTimeout,
}

/// Why nothing can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsageError {
    Command(String),
    Arity,
    Option {
        option: String,
        command: String,
    },
    Value {
        option: String,
        wanted: &'static str,
    },
}

impl Command {
    pub fn by_name(name: &str, dialect: Dialect) -> Option<Command> {
        let folded = name.to_ascii_lowercase();
        let name = match dialect {
            Dialect::Trib => folded.as_str(),
            Dialect::Cli | Dialect::Ochre => name,
        };
        let row = table::COMMANDS.iter().find(|row| row.name == name)?;
        let own = matches!(row.command, Command::Drain | Command::Restore);
        let younger = row.command == Command::Backup;
        let there = match dialect {
            Dialect::Ochre => true,
            Dialect::Cli => !own,
            Dialect::Trib => !own && !younger,
        };
        there.then_some(row.command)
    }

    /// Whether it can be given so many words.
    pub fn takes(self, count: usize, dialect: Dialect) -> bool {
        let one_node = match dialect {
            Dialect::Trib => count == 1,
            Dialect::Cli => count >= 1,
            Dialect::Ochre => count == 1 || count == 2,
        };
        match self {
            Command::Create => count > usize::from(dialect == Dialect::Cli),
            Command::Check | Command::Info | Command::Fix | Command::Reshard => one_node,
            Command::Rebalance => count >= 1,
            Command::AddNode | Command::DelNode | Command::SetTimeout => count == 2,
            Command::Backup | Command::Restore => count == 2,
            Command::Call => count >= 2,
            Command::Import => count == 1,
            Command::Drain => count >= 2,
            Command::Help => true,
        }
    }
}

impl Settings {
    /// Sets an option by its name, which has no prefix. Returns whether there is such an option.
    pub fn set(&mut self, name: &str, values: &[Vec<u8>]) -> Result<bool, UsageError> {
        let text = || {
            let first = values.first().map(Vec::as_slice).unwrap_or_default();
            String::from_utf8_lossy(first).into_owned()
        };
        let wrong = |wanted| UsageError::Value {
            option: name.to_owned(),
            wanted,
        };
        match name {
            "replicas" => self.replicas = whole(&text()).unsigned_abs() as usize,
            "from" => self.from = Some(text()),
            "to" => self.to = Some(text()),
            "slots" => self.slots = whole(&text()),
            "timeout" => {
                let millis = u64::try_from(whole(&text())).map_err(|_| wrong("milliseconds"))?;
                self.timeout = Duration::from_millis(millis);
            }
            "pipeline" => self.pipeline = usize::try_from(whole(&text())).ok().filter(|n| *n > 0),
            "threshold" => self.threshold = text().parse().map_err(|_| wrong("a percentage"))?,
            "weight" => {
                let words = values.iter().map(|word| String::from_utf8_lossy(word));
                self.weights.extend(words.map(|word| word.into_owned()));
            }
            "zone" => self.zones.push(text()),
            "db" => self.dbs.push(text()),
            "by" => {
                self.by = match text().as_str() {
                    "slots" => Measure::Slots,
                    "keys" => Measure::Keys,
                    "memory" => Measure::Memory,
                    _ => return Err(wrong("slots, keys or memory")),
                }
            }
            "journal" => self.journal = Some(text().into()),
            "patience" => {
                let seconds = u64::try_from(whole(&text())).map_err(|_| wrong("seconds"))?;
                self.patience = Some(Duration::from_secs(seconds));
            }
            "master-id" | "primary-id" => self.primary_id = Some(text()),
            "from-user" => self.from_user = values.first().cloned(),
            "from-pass" => self.from_password = values.first().cloned(),
            _ => return Ok(self.switch(name)),
        }
        Ok(true)
    }

    fn switch(&mut self, name: &str) -> bool {
        let switch = match name {
            "yes" => &mut self.yes,
            "use-empty-masters" | "use-empty-primaries" | "use-empty" => &mut self.use_empty,
            "simulate" => &mut self.simulate,
            "copy" => &mut self.copy,
            "replace" => &mut self.replace,
            "slave" | "replica" => &mut self.replica,
            "search-multiple-owners" => &mut self.search_multiple_owners,
            "fix-with-unreachable-masters" => &mut self.fix_with_unreachable,
            "only-masters" | "only-primaries" => &mut self.only_primaries,
            "only-replicas" => &mut self.only_replicas,
            "from-askpass" => &mut self.from_askpass,
            "verbose" => &mut self.verbose,
            "dry-run" => &mut self.dry_run,
            "json" => &mut self.json,
            "resume" => &mut self.resume,
            "live" => &mut self.live,
            // It says what happens anyway.
            "auto-weights" => return true,
            _ => return false,
        };
        *switch = true;
        true
    }
}

/// The integer that a word begins with; none is 0.
fn whole(word: &str) -> i64 {
    let word = word.trim_start();
    let sign = usize::from(word.starts_with(['-', '+']));
    let digits = word[sign..].bytes().take_while(u8::is_ascii_digit).count();
    word[..sign + digits].parse().unwrap_or(0)
}

impl Request {
    /// Words as text, for those that are names, addresses and numbers.
    pub fn arg(&self, index: usize) -> String {
        let word = self.args.get(index).map(Vec::as_slice);
        String::from_utf8_lossy(word.unwrap_or_default()).into_owned()
    }

    /// The node to begin with: `host:port`, or both as words of their own.
    pub fn place(&self) -> Option<Place> {
        let both = match self.args.len() {
            1 => self.arg(0),
            _ => format!("{}:{}", self.arg(0), self.arg(1)),
        };
        Place::parse(&self.arg(0)).or_else(|| Place::parse(&both))
    }
}

#[cfg(test)]
mod tests;
