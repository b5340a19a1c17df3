//! What a directive row says, and how it reaches its field.

use crate::settings::Config;
use crate::value::{How, Line, Refusal, Value};

/// One directive: its name, its words about itself, and the field of [`Config`] behind it.
pub struct Directive {
    pub name: &'static str,
    /// A second name, from an older Redis. Read and answered under both, written as `name`.
    pub alias: Option<&'static str>,
    pub doc: &'static str,
    pub field: &'static dyn Field,
    /// What the server owes the world after this directive changed on a running node.
    pub effect: Effect,
    pub mutability: Mutability,
    /// Answered only when CONFIG GET spells its name.
    pub hidden: bool,
    /// Never shown in logs or the slow log.
    pub sensitive: bool,
    /// Takes several words: blanks separate them in CONFIG SET's one argument.
    pub multi: bool,
    /// Refused while the data set loads.
    pub settled_data_only: bool,
    /// Its effect is due even when the value stays: the file it names may have changed.
    pub volatile: bool,
    pub limits: Limits,
    /// A condition on the text beyond its type.
    pub check: Option<Check>,
}

/// Says why a text will not do.
pub type Check = fn(&[u8]) -> Result<(), &'static str>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// CONFIG SET changes it.
    Live,
    /// Only a file or the command line sets it.
    Startup,
    /// CONFIG SET changes it for those whom `enable-protected-configs` trusts.
    Protected,
    /// A statement of the file that CONFIG GET and SET do not know.
    FileOnly,
}

/// What must follow a live change. The server knows how; this crate knows only when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    None,
    ActiveDefrag,
    AllocatorThread,
    AnnounceCluster,
    AppendOnly,
    ChangeDirectory,
    ClusterFailoverFlag,
    CountGoodReplicas,
    EvictClients,
    EvictNow,
    LatencyTracking,
    MaxClients,
    OomScore,
    Password,
    ProcessTitle,
    Rebind,
    RebindTls,
    ReloadTls,
    ResizeBacklog,
    Timers,
    Watchdog,
}

/// Bounds of a number. `between` refuses what lies outside; `settled` then moves the rest inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub min: i128,
    pub max: i128,
    pub settled: Option<(i64, i64)>,
}

impl Limits {
    pub const NONE: Limits = Limits {
        min: i128::MIN,
        max: i128::MAX,
        settled: None,
    };

    /// Bounds several rows share.
    pub(crate) const COUNT: Limits = Limits::between(0, i32::MAX as i64);
    pub(crate) const POSITIVE: Limits = Limits::between(1, i32::MAX as i64);
    pub(crate) const INTEGER: Limits = Limits::between(i32::MIN as i64, i32::MAX as i64);
    pub(crate) const LONG: Limits = Limits::between(0, i64::MAX);
    pub(crate) const PORT: Limits = Limits::between(0, u16::MAX as i64);

    pub const fn between(min: i64, max: i64) -> Limits {
        Limits {
            min: min as i128,
            max: max as i128,
            settled: None,
        }
    }

    pub const fn settling(self, low: i64, high: i64) -> Limits {
        assert!(low <= high);
        Limits {
            settled: Some((low, high)),
            ..self
        }
    }

    pub(crate) fn admit(&self, number: i128) -> Result<i128, Refusal> {
        if !(self.min..=self.max).contains(&number) {
            return Err(Refusal::outside(self.min, self.max));
        }
        Ok(match self.settled {
            Some((low, high)) => number.clamp(i128::from(low), i128::from(high)),
            None => number,
        })
    }
}

impl Directive {
    /// The base of a row that CONFIG SET may change.
    pub(crate) const LIVE: Directive = Directive {
        name: "",
        alias: None,
        doc: "",
        field: &Nowhere,
        effect: Effect::None,
        mutability: Mutability::Live,
        hidden: false,
        sensitive: false,
        multi: false,
        settled_data_only: false,
        volatile: false,
        limits: Limits::NONE,
        check: None,
    };

    /// The base of a row that only a start may set.
    pub(crate) const STARTUP: Directive = Directive {
        mutability: Mutability::Startup,
        ..Directive::LIVE
    };

    /// The base of a row that could hand the machine to whoever may change it.
    pub(crate) const PROTECTED: Directive = Directive {
        mutability: Mutability::Protected,
        ..Directive::LIVE
    };

    /// The base of a row that is a statement of the file, of many words and many lines.
    pub(crate) const FILE_ONLY: Directive = Directive {
        mutability: Mutability::FileOnly,
        multi: true,
        ..Directive::LIVE
    };

    pub fn is_named(&self, name: &[u8]) -> bool {
        self.names()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The name and, if there is one, the alias.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.alias)
    }

    pub(crate) fn assign(
        &self,
        config: &mut Config,
        words: &[Vec<u8>],
        how: How,
    ) -> Result<(), Refusal> {
        if !self.multi && words.len() != 1 {
            return Err(Refusal::WRONG_ARITY);
        }
        if let (Some(check), [word]) = (self.check, words) {
            check(word).map_err(Refusal::because)?;
        }
        self.field.assign(config, words, how, &self.limits)
    }
}

/// One field of [`Config`], seen through its type's parsing and printing.
pub trait Field: Sync {
    fn assign(
        &self,
        config: &mut Config,
        words: &[Vec<u8>],
        how: How,
        limits: &Limits,
    ) -> Result<(), Refusal>;

    /// The value as CONFIG GET answers it.
    fn get(&self, config: &Config) -> Vec<u8>;

    /// The value as lines of a file, `default` deciding which of them say nothing of note.
    fn lines(&self, config: &Config, default: &Config) -> Vec<Line>;

    /// Which of the value's lines a line with these words is.
    fn class(&self, words: &[Vec<u8>]) -> &'static str;

    fn is_same(&self, left: &Config, right: &Config) -> bool;
}

/// A field as two functions: one to read it, one to write it.
pub(crate) struct Place<T> {
    pub read: fn(&Config) -> &T,
    pub write: fn(&mut Config) -> &mut T,
}

impl<T: Value> Field for Place<T> {
    fn assign(
        &self,
        config: &mut Config,
        words: &[Vec<u8>],
        how: How,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        (self.write)(config).assign(words, how, limits)
    }

    fn get(&self, config: &Config) -> Vec<u8> {
        (self.read)(config).print()
    }

    fn lines(&self, config: &Config, default: &Config) -> Vec<Line> {
        (self.read)(config).lines((self.read)(default))
    }

    fn class(&self, words: &[Vec<u8>]) -> &'static str {
        T::class(words)
    }

    fn is_same(&self, left: &Config, right: &Config) -> bool {
        (self.read)(left) == (self.read)(right)
    }
}

/// The field of a base row, which no finished row keeps.
struct Nowhere;

impl Field for Nowhere {
    fn assign(&self, _: &mut Config, _: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        Err(Refusal::because("a base row has no field"))
    }

    fn get(&self, _: &Config) -> Vec<u8> {
        Vec::new()
    }

    fn lines(&self, _: &Config, _: &Config) -> Vec<Line> {
        Vec::new()
    }

    fn class(&self, _: &[Vec<u8>]) -> &'static str {
        ""
    }

    fn is_same(&self, _: &Config, _: &Config) -> bool {
        true
    }
}

/// Names a field of [`Config`] for reading and writing.
macro_rules! field {
    ($($path:ident).+) => {
        $crate::directive::Place { read: |c| &c.$($path).+, write: |c| &mut c.$($path).+ }
    };
}
pub(crate) use field;
