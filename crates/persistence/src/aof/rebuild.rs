//! A manifest from the names of the files, after it was lost.
//!
//! At rest there is one base and the increments since, numbered without a gap. Where the names say
//! anything else, a person has to decide.

use std::fmt;

use super::names::{Kind, Names};
use super::{Manifest, Part};

#[cfg(test)]
mod tests;

/// Why the names do not tell what belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// There is no file of data.
    Nothing,
    /// A rewrite was under way, or what it replaced was not removed yet.
    Bases(Vec<String>),
    /// Between these two increments one is missing.
    Gap(String, String),
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unclear::Nothing => f.write_str("there is no base and no increment"),
            Unclear::Bases(names) => write!(
                f,
                "there is more than one base ({}): the newer one may not be whole, and the older \
                 one may lack increments. Move away what is not to be loaded, increments of before \
                 the base included, and try again",
                names.join(", ")
            ),
            Unclear::Gap(before, after) => {
                write!(f, "an increment is missing between {before} and {after}")
            }
        }
    }
}

impl std::error::Error for Unclear {}

/// What a manifest would list of the names in the folder.
pub fn rebuild(names: &Names, files: &[String]) -> Result<Manifest, Unclear> {
    let (mut bases, mut increments) = (Vec::new(), Vec::new());
    for name in files {
        let Some((kind, sequence)) = names.part(name) else {
            continue;
        };
        let name = name.clone();
        match kind {
            Kind::Base => bases.push(Part { name, sequence }),
            Kind::Increment => increments.push(Part { name, sequence }),
        }
    }
    increments.sort_by_key(|part| part.sequence);
    if let Some([before, after]) = increments
        .array_windows()
        .find(|[before, after]| before.sequence + 1 != after.sequence)
    {
        return Err(Unclear::Gap(before.name.clone(), after.name.clone()));
    }
    match (bases.len(), increments.len()) {
        (0, 0) => Err(Unclear::Nothing),
        (0 | 1, _) => Ok(Manifest {
            base: bases.pop(),
            history: Vec::new(),
            increments,
        }),
        _ => Err(Unclear::Bases(
            bases.into_iter().map(|part| part.name).collect(),
        )),
    }
}
