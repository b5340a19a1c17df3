//! Doing what was planned, or showing it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::plan::{MARK, Step};
use crate::voice::Voice;

/// Prints everything that would be done.
pub fn show(voice: &Voice, steps: &[Step]) {
    for step in steps {
        match step {
            Step::User(name) => voice.line(&format!("# user {name}, unless there is one")),
            Step::Folder(path) => voice.line(&format!("# folder {}", path.display())),
            Step::Log(path) => voice.line(&format!("# log {}", path.display())),
            Step::File {
                path, text, mode, ..
            } => {
                voice.line(&format!("# file {} ({mode:o})", path.display()));
                voice.write(text);
            }
            Step::Run(words) => voice.line(&format!("# run {}", words.join(" "))),
            Step::Remove(path) => voice.line(&format!("# remove {}", path.display())),
        }
    }
}

pub struct Work<'a> {
    pub voice: &'a Voice,
    /// Everything happens below this folder, and nothing outside.
    pub root: Option<&'a Path>,
    pub user: &'a str,
}

impl Work<'_> {
    /// Whether all of it can be done, before any of it is.
    pub fn check(&self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            if let Step::File { path, .. } = step
                && self.place(path).exists()
            {
                return Err(format!(
                    "ERROR: {} is there already: choose another, or --uninstall it. Aborting!",
                    path.display()
                ));
            }
        }
        Ok(())
    }

    pub fn perform(&self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            match step {
                Step::User(name) => self.user(name)?,
                Step::Folder(path) => self.about(path, self.folder(&self.place(path)))?,
                Step::Log(path) => self.about(path, self.log(&self.place(path)))?,
                Step::File {
                    path,
                    text,
                    mode,
                    is_users,
                } => {
                    self.voice.line(&format!("Writing {}", path.display()));
                    let place = self.place(path);
                    self.about(path, self.write(&place, text, *mode, *is_users))?;
                }
                Step::Run(words) => self.run(words)?,
                Step::Remove(path) => self.about(path, self.remove(path))?,
            }
        }
        Ok(())
    }

    fn about<T>(&self, path: &Path, done: io::Result<T>) -> Result<T, String> {
        done.map_err(|error| format!("ERROR: {}: {error}. Aborting!", path.display()))
    }

    /// Where a file is, in the folder that stands for the machine.
    fn place(&self, path: &Path) -> PathBuf {
        match self.root {
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_path_buf(),
        }
    }

    fn user(&self, name: &str) -> Result<(), String> {
        if self.root.is_some() || ids(name).is_some() {
            return Ok(());
        }
        let words = ["useradd", "--system", "--user-group", "--no-create-home"];
        let shell = ["--shell", "/usr/sbin/nologin", name];
        let words: Vec<String> = words
            .iter()
            .chain(&shell)
            .map(|word| (*word).to_owned())
            .collect();
        self.run(&words)
    }

    /// Makes a folder the user's, unless it is there: then somebody has decided whose it is.
    fn folder(&self, place: &Path) -> io::Result<()> {
        if place.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(place)?;
        fs::set_permissions(place, Permissions::from_mode(0o750))?;
        self.give(place)
    }

    fn log(&self, place: &Path) -> io::Result<()> {
        if place.exists() {
            return Ok(());
        }
        self.write(place, "", 0o640, true)
    }

    fn write(&self, place: &Path, text: &str, mode: u32, is_users: bool) -> io::Result<()> {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(place)?;
        file.write_all(text.as_bytes())?;
        // The mask of whoever runs this has no say.
        fs::set_permissions(place, Permissions::from_mode(mode))?;
        match is_users {
            true => self.give(place),
            false => Ok(()),
        }
    }

    /// Gives a file to the user.
    fn give(&self, place: &Path) -> io::Result<()> {
        match (self.root, ids(self.user)) {
            (None, Some((user, group))) => chown(place, Some(user), Some(group)),
            _ => Ok(()),
        }
    }

    /// Removes a file that an installation has made, and nobody else's.
    fn remove(&self, path: &Path) -> io::Result<()> {
        let place = self.place(path);
        let text = match fs::read_to_string(&place) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_ours = text.lines().take(2).any(|line| line == MARK);
        match is_ours {
            true => {
                self.voice.line(&format!("Removing {}", path.display()));
                fs::remove_file(&place)
            }
            false => {
                let line = format!("{} stays: somebody else has written it", path.display());
                self.voice.line(&line);
                Ok(())
            }
        }
    }

    fn run(&self, words: &[String]) -> Result<(), String> {
        let line = words.join(" ");
        if self.root.is_some() {
            self.voice.line(&format!("Not run: {line}"));
            return Ok(());
        }
        self.voice.line(&format!("Running {line}"));
        let ended = Command::new(&words[0]).args(&words[1..]).status();
        match ended {
            Ok(ended) if ended.success() => Ok(()),
            Ok(ended) => Err(format!("ERROR: {line}: {ended}. Aborting!")),
            Err(error) => Err(format!("ERROR: {line}: {error}. Aborting!")),
        }
    }
}

/// A user's number and its group's.
fn ids(name: &str) -> Option<(u32, u32)> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let mut numbers = fields.skip(1).map(str::parse);
        found.then_some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}
