//! CONFIG SET: many values at once, all or none.

use std::collections::BTreeSet;
use std::fmt;

use crate::directive::{Directive, Effect, Mutability};
use crate::settings::Config;
use crate::table::directive;
use crate::value::How;

/// What the one who asks may do, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether `enable-protected-configs` trusts this client.
    pub protected: bool,
    /// Whether the data set is being loaded.
    pub loading: bool,
}

/// The configuration after the change, and what the server must do before it may take it over.
#[derive(Clone, Debug)]
pub struct Change {
    pub config: Config,
    /// In the order of the arguments, each once.
    pub effects: Vec<Effect>,
    /// The argument that first called for the effect of the same place.
    causes: Vec<&'static str>,
}

/// Why nothing was changed. `Display` is the error the client reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    Unknown {
        name: Vec<u8>,
    },
    /// Names the directive, as the client wrote it if its value was not even looked at.
    Refused {
        name: String,
        why: String,
    },
    Loading,
}

impl Config {
    /// Changes a copy of the configuration.
    pub fn set(&self, pairs: &[(&[u8], &[u8])], policy: Policy) -> Result<Change, SetError> {
        let arguments = find(pairs, policy)?;
        let mut change = Change {
            config: self.clone(),
            effects: Vec::new(),
            causes: Vec::new(),
        };
        for (directive, name, value) in &arguments {
            let words = live_words(directive, value);
            directive
                .assign(&mut change.config, &words, How::Live)
                .map_err(|why| SetError::Refused {
                    name: (*name).to_owned(),
                    why: why.to_string(),
                })?;
        }
        for (directive, name, _) in arguments {
            let due = directive.volatile || !directive.field.is_same(self, &change.config);
            let effect = directive.effect;
            if due && effect != Effect::None && !change.effects.contains(&effect) {
                change.effects.push(effect);
                change.causes.push(name);
            }
        }
        Ok(change)
    }
}

impl Change {
    /// The error for the client when an effect cannot be had.
    pub fn refuse(&self, effect: Effect, why: impl Into<String>) -> SetError {
        let place = self.effects.iter().position(|&due| due == effect);
        let name = place.expect("only an effect of this change is refused");
        SetError::Refused {
            name: self.causes[name].to_owned(),
            why: why.into(),
        }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Unknown { name } => {
                let name = String::from_utf8_lossy(name);
                write!(
                    f,
                    "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
                )
            }
            SetError::Refused { name, why } => write!(
                f,
                "ERR CONFIG SET failed (possibly related to argument '{name}') - {why}"
            ),
            SetError::Loading => f.write_str("LOADING Redis is loading the dataset in memory"),
        }
    }
}

impl std::error::Error for SetError {}

type Argument<'a> = (&'static Directive, &'static str, &'a [u8]);

/// The directives behind the names, each with the name it was called by. Refuses whatever needs
/// no look at the values.
fn find<'a>(pairs: &[(&[u8], &'a [u8])], policy: Policy) -> Result<Vec<Argument<'a>>, SetError> {
    let mut seen = BTreeSet::new();
    let mut arguments = Vec::with_capacity(pairs.len());
    for &(asked, value) in pairs {
        let known = directive(asked).filter(|row| row.mutability != Mutability::FileOnly);
        let row = known.ok_or_else(|| SetError::Unknown {
            name: asked.to_vec(),
        })?;
        let name = row
            .names()
            .find(|name| name.as_bytes().eq_ignore_ascii_case(asked))
            .expect("a directive was found by one of its names");
        let refuse = |why: &str| {
            Err(SetError::Refused {
                name: String::from_utf8_lossy(asked).into_owned(),
                why: why.to_owned(),
            })
        };
        match row.mutability {
            Mutability::Startup => return refuse("can't set immutable config"),
            Mutability::Protected if !policy.protected => {
                return refuse("can't set protected config");
            }
            _ if row.settled_data_only && policy.loading => return Err(SetError::Loading),
            _ if !seen.insert(name) => return refuse("duplicate parameter"),
            _ => arguments.push((row, name, value)),
        }
    }
    Ok(arguments)
}

/// The words in CONFIG SET's one argument.
fn live_words(directive: &Directive, value: &[u8]) -> Vec<Vec<u8>> {
    match directive.multi {
        true if value.is_empty() => Vec::new(),
        true => value
            .split(|&byte| byte == b' ')
            .map(<[u8]>::to_vec)
            .collect(),
        false => vec![value.to_vec()],
    }
}
