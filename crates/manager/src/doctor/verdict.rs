//! What facts mean: a pure function of them, so that every verdict can be tried.

mod machine;
mod server;

use serde_json::{Value as Json, json};

use super::facts::Facts;

/// How it stands with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Good,
    /// Nothing is wrong, but one may want to know.
    Note,
    /// It is to be mended.
    Bad,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub name: &'static str,
    pub state: State,
    /// The figure that was read.
    pub read: String,
    /// Why it matters.
    pub why: String,
    /// The line that mends it.
    pub mend: Option<String>,
}

impl Finding {
    pub fn good(name: &'static str, read: impl Into<String>) -> Finding {
        Finding {
            name,
            state: State::Good,
            read: read.into(),
            why: String::new(),
            mend: None,
        }
    }

    pub fn note(name: &'static str, read: impl Into<String>, why: impl Into<String>) -> Finding {
        Finding {
            state: State::Note,
            why: why.into(),
            ..Finding::good(name, read)
        }
    }

    pub fn bad(
        name: &'static str,
        read: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            state: State::Bad,
            mend: Some(mend.into()),
            ..Finding::note(name, read, why)
        }
    }

    pub fn document(&self) -> Json {
        let state = match self.state {
            State::Good => "good",
            State::Note => "note",
            State::Bad => "bad",
        };
        json!({
            "name": self.name,
            "state": state,
            "read": self.read,
            "why": self.why,
            "mend": self.mend,
        })
    }
}

/// Judges everything that was read.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = machine::judge(facts);
    if let Some(server) = &facts.server {
        findings.extend(server::judge(server));
    }
    findings
}

/// `1.5G`.
fn size(bytes: u64) -> String {
    const UNITS: &[(u64, &str)] = &[(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    match unit {
        Some((unit, name)) => format!("{:.1}{name}", bytes as f64 / *unit as f64),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests;
