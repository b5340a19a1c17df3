//! A disk in memory that fails on demand, and forgets what was not synced.
//!
//! Every call is one operation, counted from 0. A test plans a [`Fault`] for any of them, runs, and
//! after a crash [restarts](Disk::restart) the disk: of every file is left what was synced and any
//! part of what was appended since; of the names any of the changes since their folder was synced,
//! each by itself. The seed decides which.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::Arc;

use ::node::storage::{Failure, File, Lock, Storage, folder_of};
use parking_lot::Mutex;
use stdx::prng::Prng;

/// A disk. Clones share it.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

/// What happens to one operation, or from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this number of an error, and does nothing.
    Error(i32),
    /// If it is a write, half of it is done, and the rest fails for want of space.
    Full,
    /// Neither it nor anything after it happens.
    Crash,
}

/// An error in reading or writing.
pub const EIO: i32 = 5;
/// Permission denied.
pub const EACCES: i32 = 13;
/// No space left.
pub const ENOSPC: i32 = 28;

#[derive(Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
    /// The names that a crash leaves for certain, and the changes to them it may leave.
    durable_names: BTreeMap<String, usize>,
    pending: Vec<Change>,
    locks: BTreeSet<String>,
    /// What was done, in words.
    operations: Vec<String>,
    faults: BTreeMap<usize, Fault>,
    /// From this operation on everything that takes space fails.
    full_from: Option<usize>,
    has_crashed: bool,
    on_sync: Option<Arc<dyn Fn() + Send + Sync>>,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    /// What the file held when it was last synced.
    synced: Vec<u8>,
}

#[derive(Clone)]
enum Change {
    Name(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

impl Change {
    fn is_in(&self, folder: &str) -> bool {
        match self {
            Change::Name(path, _) | Change::Remove(path) => folder_of(path) == folder,
            Change::Rename(from, to, _) => folder_of(from) == folder || folder_of(to) == folder,
        }
    }

    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Change::Name(path, file) => drop(names.insert(path.clone(), *file)),
            Change::Remove(path) => drop(names.remove(path)),
            Change::Rename(from, to, file) => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
        }
    }
}

impl State {
    /// Counts an operation, and has it fail if that is planned.
    fn begin(&mut self, operation: &'static str, path: &str) -> Result<(), Failure> {
        let number = self.operations.len();
        self.operations.push(format!("{operation} {path}"));
        let fault = self.faults.get(&number).copied();
        self.has_crashed |= fault == Some(Fault::Crash);
        let failed = |number| Failure::new(operation, path, io::Error::from_raw_os_error(number));
        if self.has_crashed {
            return Err(failed(EIO));
        }
        match fault {
            Some(Fault::Error(error)) => Err(failed(error)),
            // A write does half of its work first.
            Some(Fault::Full) if operation != "write" => Err(failed(ENOSPC)),
            _ => Ok(()),
        }
    }

    /// Whether the operation that was counted last finds no space.
    fn is_full(&self) -> bool {
        let last = self.operations.len() - 1;
        self.faults.get(&last) == Some(&Fault::Full)
            || self.full_from.is_some_and(|from| last >= from)
    }

    fn find(&self, operation: &'static str, path: &str) -> Result<usize, Failure> {
        let file = self.names.get(path).copied();
        file.ok_or_else(|| Failure::new(operation, path, ErrorKind::NotFound.into()))
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    fn name_file(&mut self, path: &str) -> usize {
        self.files.push(Content::default());
        let file = self.files.len() - 1;
        self.change(Change::Name(path.to_owned(), file));
        file
    }

    fn check_folder(&self, operation: &'static str, path: &str) -> Result<(), Failure> {
        let folder = folder_of(path);
        match folder.is_empty() || self.folders.contains(folder) {
            true => Ok(()),
            false => Err(Failure::new(operation, path, ErrorKind::NotFound.into())),
        }
    }
}

impl Disk {
    /// Plans what becomes of an operation.
    pub fn plan(&self, operation: usize, fault: Fault) {
        self.0.lock().faults.insert(operation, fault);
    }

    /// Has everything that takes space fail from now on, or no longer.
    pub fn fill_up(&self, full: bool) {
        let mut state = self.0.lock();
        let next = state.operations.len();
        state.full_from = full.then_some(next);
    }

    /// Has something happen while a file is being synced.
    pub fn during_syncs(&self, happens: impl Fn() + Send + Sync + 'static) {
        self.0.lock().on_sync = Some(Arc::new(happens));
    }

    /// What was done, in words.
    pub fn operations(&self) -> Vec<String> {
        self.0.lock().operations.clone()
    }

    pub fn has_crashed(&self) -> bool {
        self.0.lock().has_crashed
    }

    /// Ends whatever uses the disk now, as a loss of power does.
    pub fn crash(&self) {
        self.0.lock().has_crashed = true;
    }

    /// The disk as it is found after a loss of power.
    pub fn restart(&self, seed: u64) -> Disk {
        let state = self.0.lock();
        let mut prng = Prng::new(seed);
        let mut names = state.durable_names.clone();
        for change in &state.pending {
            if prng.below(2) == 0 {
                change.apply(&mut names);
            }
        }
        let files = state.files.iter().map(|file| file.after_crash(&mut prng));
        Disk::with(State {
            files: files.collect(),
            durable_names: names.clone(),
            names,
            folders: state.folders.clone(),
            ..State::default()
        })
    }

    /// The disk as the next process finds it when only the one before has died.
    pub fn reopen(&self) -> Disk {
        let state = self.0.lock();
        Disk::with(State {
            files: state.files.clone(),
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            pending: state.pending.clone(),
            folders: state.folders.clone(),
            ..State::default()
        })
    }

    fn with(state: State) -> Disk {
        Disk(Arc::new(Mutex::new(state)))
    }

    /// The paths of all files.
    pub fn paths(&self) -> Vec<String> {
        self.0.lock().names.keys().cloned().collect()
    }

    /// What a file holds.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.0.lock();
        let file = state.names.get(path)?;
        Some(state.files[*file].bytes.clone())
    }

    /// Puts a file there, as if it had been there for ever.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        let mut state = self.0.lock();
        let folder = folder_of(path);
        if !folder.is_empty() {
            state.folders.insert(folder.to_owned());
        }
        state.files.push(Content {
            bytes: bytes.to_vec(),
            synced: bytes.to_vec(),
        });
        let file = state.files.len() - 1;
        state.names.insert(path.to_owned(), file);
        state.durable_names.insert(path.to_owned(), file);
    }
}

impl Content {
    fn after_crash(&self, prng: &mut Prng) -> Content {
        let appended = match self.bytes.starts_with(&self.synced) {
            true => self.bytes.len() - self.synced.len(),
            false => 0,
        };
        let kept = match prng.below(3) {
            0 => 0,
            1 => appended,
            _ => prng.below(appended as u64 + 1) as usize,
        };
        let mut bytes = self.synced.clone();
        bytes.extend_from_slice(&self.bytes[self.bytes.len() - appended..][..kept]);
        Content {
            synced: bytes.clone(),
            bytes,
        }
    }
}

struct DiskFile {
    disk: Disk,
    path: String,
    file: usize,
}

impl File for DiskFile {
    fn write(&self, bytes: &[u8]) -> Result<usize, Failure> {
        let mut state = self.disk.0.lock();
        state.begin("write", &self.path)?;
        let full = state.is_full();
        let len = if full { bytes.len() / 2 } else { bytes.len() };
        state.files[self.file]
            .bytes
            .extend_from_slice(&bytes[..len]);
        match full && len == 0 {
            true => Err(Failure::new(
                "write",
                &self.path,
                io::Error::from_raw_os_error(ENOSPC),
            )),
            false => Ok(len),
        }
    }

    fn sync(&self) -> Result<(), Failure> {
        let happens = self.disk.0.lock().on_sync.clone();
        if let Some(happens) = happens {
            happens();
        }
        let mut state = self.disk.0.lock();
        state.begin("sync", &self.path)?;
        let file = &mut state.files[self.file];
        file.synced = file.bytes.clone();
        Ok(())
    }
}

struct DiskLock {
    disk: Disk,
    path: String,
}

impl Lock for DiskLock {}

impl Drop for DiskLock {
    fn drop(&mut self) {
        self.disk.0.lock().locks.remove(&self.path);
    }
}

impl Storage for Disk {
    fn create(&self, path: &str) -> Result<Box<dyn File>, Failure> {
        let mut state = self.0.lock();
        state.begin("create", path)?;
        state.check_folder("create", path)?;
        // Emptying a file that is there is as good as another file of that name.
        let file = state.name_file(path);
        let (disk, path) = (self.clone(), path.to_owned());
        Ok(Box::new(DiskFile { disk, path, file }))
    }

    fn append(&self, path: &str) -> Result<Box<dyn File>, Failure> {
        let mut state = self.0.lock();
        state.begin("open", path)?;
        state.check_folder("open", path)?;
        let file = match state.names.get(path) {
            Some(file) => *file,
            None => state.name_file(path),
        };
        let (disk, path) = (self.clone(), path.to_owned());
        Ok(Box::new(DiskFile { disk, path, file }))
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + Send>, Failure> {
        let mut state = self.0.lock();
        state.begin("open", path)?;
        let file = state.find("open", path)?;
        Ok(Box::new(Cursor::new(state.files[file].bytes.clone())))
    }

    fn size(&self, path: &str) -> Result<u64, Failure> {
        let mut state = self.0.lock();
        state.begin("look at", path)?;
        let file = state.find("look at", path)?;
        Ok(state.files[file].bytes.len() as u64)
    }

    fn truncate(&self, path: &str, size: u64) -> Result<(), Failure> {
        let mut state = self.0.lock();
        state.begin("cut off", path)?;
        let file = state.find("cut off", path)?;
        let file = &mut state.files[file];
        file.bytes.truncate(size as usize);
        file.synced = file.bytes.clone();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Failure> {
        let mut state = self.0.lock();
        state.begin("rename", from)?;
        let file = state.find("rename", from)?;
        state.check_folder("rename", to)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), Failure> {
        let mut state = self.0.lock();
        state.begin("remove", path)?;
        state.find("remove", path)?;
        state.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let mut state = self.0.lock();
        state.begin("list", folder)?;
        if !folder.is_empty() && !state.folders.contains(folder) {
            return Err(Failure::new("list", folder, ErrorKind::NotFound.into()));
        }
        let inside = |path: &&String| folder_of(path) == folder;
        let name = |path: &String| path.rsplit('/').next().unwrap_or(path).to_owned();
        let mut names: Vec<_> = state.names.keys().filter(inside).map(name).collect();
        if folder.is_empty() {
            names.extend(state.folders.iter().cloned());
        }
        names.sort();
        Ok(names)
    }

    fn create_folder(&self, path: &str) -> Result<(), Failure> {
        let mut state = self.0.lock();
        state.begin("create", path)?;
        state.folders.insert(path.to_owned());
        Ok(())
    }

    fn sync_folder(&self, path: &str) -> Result<(), Failure> {
        let mut state = self.0.lock();
        state.begin("sync", path)?;
        let pending = std::mem::take(&mut state.pending);
        let (synced, rest) = pending.into_iter().partition(|change| change.is_in(path));
        state.pending = rest;
        let synced: Vec<Change> = synced;
        for change in synced {
            change.apply(&mut state.durable_names);
        }
        Ok(())
    }

    fn lock(&self, path: &str) -> Result<Box<dyn Lock>, Failure> {
        let mut state = self.0.lock();
        state.begin("lock", path)?;
        if !state.locks.insert(path.to_owned()) {
            return Err(Failure::new("lock", path, ErrorKind::WouldBlock.into()));
        }
        if !state.names.contains_key(path) {
            state.name_file(path);
        }
        let (disk, path) = (self.clone(), path.to_owned());
        Ok(Box::new(DiskLock { disk, path }))
    }
}

#[cfg(test)]
mod tests;
