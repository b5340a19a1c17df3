//! From one set of files to the next, as steps for whoever has a disk.
//!
//! Every plan may be broken off behind any of its steps, by an error, a kill or a power cut, if
//! steps reach the disk in their order. What lies there then is a set that [`start`] accepts, with
//! nothing missing of what was listed before.
//!
//! ```text
//!   at start      start ─ load parts() ─ if is_empty: write a base, install_base(Nothing)
//!                 ─ without increments: open_increment, else append to the last
//!                 ─ remove_history, leftovers
//!   rewrite       open_increment ─ write a base as of that moment
//!                 ─ install_base(Increment(the one opened)) ─ remove_history
//!   switched on   open_temporary_increment ─ write a base as of that moment
//!                 ─ install_base(Temporary) ─ remove_history
//!   switched off  abandon_temporary_increment, and a rewrite is install_base(Nothing)
//! ```
//!
//! With `aof-disable-auto-gc yes`, `remove_history` and `leftovers` are left out.

use std::fmt;

use super::manifest::{Malformed, Manifest, Part};
use super::names::{self, Format, Names};

#[cfg(test)]
mod tests;

/// One step. Paths are from the node's folder; `""` is that folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Makes a folder unless it is there.
    CreateFolder(String),
    /// Makes an empty file, in the place of any that is there.
    Create(String),
    /// Makes a file of these bytes, in the place of any that is there, and makes them outlast a
    /// crash.
    Write {
        path: String,
        bytes: Vec<u8>,
    },
    Rename {
        from: String,
        to: String,
    },
    /// Removes a file. That it is not there is no error.
    Remove(String),
    /// Makes the names in a folder outlast a crash.
    SyncFolder(String),
}

/// What is to be done, in this order, and the manifest that holds when it is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub actions: Vec<Action>,
    pub manifest: Manifest,
}

/// What there is when a node starts.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The text of the manifest, if there is one.
    pub manifest: Option<&'a [u8]>,
    /// The names in the node's own folder.
    pub node_files: &'a [String],
    /// The names in the folder of the append-only file; none if there is no folder.
    pub files: &'a [String],
    /// `appendonly`: whether the data is to be loaded from there.
    pub enabled: bool,
}

/// Why a node must not start with the files that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed(Malformed),
    /// A file is listed that is not there.
    FileMissing(String),
    /// This file has the name of data, and nothing says what belongs together.
    ManifestMissing(String),
}

impl Refusal {
    /// What an operator is told, line by line.
    pub fn report(&self) -> Vec<String> {
        match self {
            Refusal::Malformed(malformed) => malformed.report(),
            Refusal::FileMissing(_) | Refusal::ManifestMissing(_) => vec![self.to_string()],
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(malformed) => malformed.fmt(f),
            Refusal::FileMissing(name) => write!(
                f,
                "Unable to obtain the AOF file {name} length. stat: No such file or directory"
            ),
            Refusal::ManifestMissing(name) => write!(
                f,
                "The AOF manifest file is missing, but there is {name}: \
                 restore the manifest, have ochre check-aof --rebuild-manifest make one of the \
                 files that are there, or move these files away"
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// Decides what a node loads: the set that the manifest of the plan lists, if it lists any.
pub fn start(names: &Names, found: &Found<'_>) -> Result<Plan, Refusal> {
    let Some(text) = found.manifest else {
        return start_without_manifest(names, found);
    };
    let manifest = Manifest::parse(text).map_err(Refusal::Malformed)?;
    let mut actions = Vec::new();
    if found.enabled {
        let is_there = |name: &str| found.files.iter().any(|file| file == name);
        match manifest.parts().find(|part| !is_there(&part.name)) {
            None => {}
            Some(part) if upgrade_is_under_way(names, &manifest, part, found) => {
                actions = move_single_file(names);
            }
            Some(part) => return Err(Refusal::FileMissing(part.name.clone())),
        }
    }
    Ok(Plan { actions, manifest })
}

fn start_without_manifest(names: &Names, found: &Found<'_>) -> Result<Plan, Refusal> {
    if !found.enabled {
        return Ok(Plan::default());
    }
    // A manifest that was about to be the first one: what lies beside it was not in use yet.
    let temporary = names.temporary_manifest();
    let first_was_under_way = found.files.contains(&temporary);
    if !first_was_under_way && let Some(name) = found.files.iter().find(|name| names.is_data(name))
    {
        return Err(Refusal::ManifestMissing(name.clone()));
    }
    match found.node_files.iter().any(|name| name == names.file()) {
        true => Ok(upgrade(names)),
        false => Ok(Plan::default()),
    }
}

/// Whether `missing` is the single file of an older version, listed but not moved yet.
fn upgrade_is_under_way(
    names: &Names,
    manifest: &Manifest,
    missing: &Part,
    found: &Found<'_>,
) -> bool {
    missing.name == names.file()
        && manifest.base.as_ref() == Some(missing)
        && manifest.increments.is_empty()
        && found.node_files.contains(&missing.name)
}

/// Makes the single file of an older version the base. It is listed first and moved then, so it
/// is at any moment either not listed, or listed and found at one of two places.
fn upgrade(names: &Names) -> Plan {
    let manifest = Manifest {
        base: Some(Part {
            name: names.file().to_owned(),
            sequence: 1,
        }),
        ..Manifest::default()
    };
    let mut actions = create_folder(names);
    publish(names, &manifest, Vec::new(), &mut actions);
    actions.append(&mut move_single_file(names));
    Plan { actions, manifest }
}

fn move_single_file(names: &Names) -> Vec<Action> {
    vec![
        Action::Rename {
            from: names.file().to_owned(),
            to: names.path(names.file()),
        },
        Action::SyncFolder(names.folder().to_owned()),
        Action::SyncFolder(String::new()),
    ]
}

/// Since which moment a base that is installed holds the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Since this increment began: it and what follows stay.
    Increment(i64),
    /// Since the temporary increment began, which gets a number now.
    Temporary,
    /// Nothing was logged since.
    Nothing,
}

/// A base that is whole and synced.
#[derive(Clone, Copy, Debug)]
pub struct Installed<'a> {
    /// Where it was written.
    pub path: &'a str,
    pub format: Format,
    pub since: Since,
}

impl Manifest {
    /// Opens another increment. It is the last one of the plan's manifest; what is logged from
    /// now on goes there.
    pub fn open_increment(&self, names: &Names) -> Plan {
        let mut manifest = self.clone();
        let part = manifest.next_increment(names);
        let create = Action::Create(names.path(&part.name));
        manifest.increments.push(part);
        let mut actions = create_folder(names);
        publish(names, &manifest, vec![create], &mut actions);
        Plan { actions, manifest }
    }

    /// Puts a base in the place of everything it holds, which becomes history.
    pub fn install_base(&self, names: &Names, installed: Installed<'_>) -> Plan {
        let base = self.next_base(names, installed.format);
        let mut moves = vec![Action::Rename {
            from: installed.path.to_owned(),
            to: names.path(&base.name),
        }];
        let (mut replaced, mut increments): (Vec<Part>, Vec<Part>) = match installed.since {
            Since::Increment(first) => {
                (self.increments.iter().cloned()).partition(|part| part.sequence < first)
            }
            Since::Temporary | Since::Nothing => (self.increments.clone(), Vec::new()),
        };
        if installed.since == Since::Temporary {
            let part = self.next_increment(names);
            moves.push(Action::Rename {
                from: names.path(&names.temporary_increment()),
                to: names.path(&part.name),
            });
            increments.push(part);
        }
        replaced.extend(self.base.iter().chain(&self.history).cloned());
        let manifest = Manifest {
            base: Some(base),
            history: replaced,
            increments,
        };
        let mut actions = create_folder(names);
        publish(names, &manifest, moves, &mut actions);
        Plan { actions, manifest }
    }

    /// Removes what was replaced. Nothing, if there is no history.
    ///
    /// The files go first and the list of them then: none is ever forgotten.
    pub fn remove_history(&self, names: &Names) -> Option<Plan> {
        if self.history.is_empty() {
            return None;
        }
        let manifest = Manifest {
            history: Vec::new(),
            ..self.clone()
        };
        let remove = |part: &Part| Action::Remove(names.path(&part.name));
        let mut actions: Vec<Action> = self.history.iter().map(remove).collect();
        match manifest.is_empty() {
            // A manifest without a line would be refused.
            true => {
                actions.push(Action::Remove(names.path(&names.manifest())));
                actions.push(Action::SyncFolder(names.folder().to_owned()));
            }
            false => publish(names, &manifest, Vec::new(), &mut actions),
        }
        Some(Plan { actions, manifest })
    }

    /// What a node that ended in the middle of something has left: temporary files, and the base
    /// and increment that were about to be listed.
    pub fn leftovers(&self, names: &Names, node_files: &[String], files: &[String]) -> Vec<Action> {
        let in_folder = [
            names.temporary_manifest(),
            names.temporary_increment(),
            self.next_base(names, Format::Rdb).name,
            self.next_base(names, Format::Commands).name,
            self.next_increment(names).name,
        ];
        let own = node_files
            .iter()
            .filter(|name| names::is_temporary(name))
            .cloned();
        let theirs = files.iter().filter(|name| in_folder.contains(name));
        own.chain(theirs.map(|name| names.path(name)))
            .map(Action::Remove)
            .collect()
    }
}

/// Opens the increment of a log that has just been switched on. It is not listed until there is a
/// base: without one, it would say too little.
pub fn open_temporary_increment(names: &Names) -> Vec<Action> {
    let mut actions = create_folder(names);
    actions.push(Action::Create(names.path(&names.temporary_increment())));
    actions
}

/// Gives that increment up: the log was switched off again, or there is no base after all.
pub fn abandon_temporary_increment(names: &Names) -> Action {
    Action::Remove(names.path(&names.temporary_increment()))
}

fn create_folder(names: &Names) -> Vec<Action> {
    vec![
        Action::CreateFolder(names.folder().to_owned()),
        Action::SyncFolder(String::new()),
    ]
}

/// Lists files after `moves` have put them in their places.
///
/// The temporary manifest is written first: beside it, files without a manifest are known as what
/// a first one was about to list.
fn publish(names: &Names, manifest: &Manifest, moves: Vec<Action>, actions: &mut Vec<Action>) {
    let temporary = names.path(&names.temporary_manifest());
    actions.push(Action::Write {
        path: temporary.clone(),
        bytes: manifest.text(),
    });
    // What the manifest lists outlasts a crash before the manifest does, and is explained by the
    // temporary one meanwhile.
    if !moves.is_empty() {
        actions.push(Action::SyncFolder(names.folder().to_owned()));
        actions.extend(moves);
        actions.push(Action::SyncFolder(names.folder().to_owned()));
    }
    actions.push(Action::Rename {
        from: temporary,
        to: names.path(&names.manifest()),
    });
    actions.push(Action::SyncFolder(names.folder().to_owned()));
}
