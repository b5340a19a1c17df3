//! A file that is written piece by piece, and then appears whole under its name.
//!
//! Whatever happens on the way, the name leads to the old file or to the new one. Whoever gives a
//! draft up leaves nothing behind.

use std::sync::Arc;

use crate::storage::{Failure, File, Lock, Storage, folder_of, remove_if_there, write_all};

/// Bytes after which a growing file is synced, so that there is no long sync at its end.
const SYNC_EVERY_BYTES: u64 = 4 << 20;

pub struct Draft {
    storage: Arc<dyn Storage>,
    path: String,
    file: Box<dyn File>,
    size: u64,
    unsynced: u64,
    /// Whether the file is synced while it grows.
    incremental: bool,
    /// Tells others that the file is in use. Not every file system can.
    lock: Option<Box<dyn Lock>>,
}

impl Draft {
    /// Begins a file under its temporary name.
    pub fn begin(
        storage: &Arc<dyn Storage>,
        path: &str,
        incremental: bool,
    ) -> Result<Draft, Failure> {
        let lock = match storage.lock(path) {
            Err(failure) if failure.kind() == std::io::ErrorKind::WouldBlock => {
                return Err(failure);
            }
            lock => lock.ok(),
        };
        let file = storage.create(path).inspect_err(|_| {
            // The lock may have made it. What cannot be removed is removed at the next start.
            let _ = remove_if_there(storage.as_ref(), path);
        })?;
        Ok(Draft {
            storage: Arc::clone(storage),
            path: path.to_owned(),
            file,
            size: 0,
            unsynced: 0,
            incremental,
            lock,
        })
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        write_all(self.file.as_ref(), bytes)?;
        self.size += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        match self.incremental && self.unsynced >= SYNC_EVERY_BYTES {
            true => self.sync(),
            false => Ok(()),
        }
    }

    /// Makes what was written outlast a crash.
    pub fn sync(&mut self) -> Result<(), Failure> {
        self.unsynced = 0;
        self.file.sync()
    }

    /// Gives the whole and synced file its name. That outlasts a crash once the folder is synced.
    pub fn rename(&mut self, target: &str) -> Result<(), Failure> {
        self.storage.rename(&self.path, target)?;
        target.clone_into(&mut self.path);
        self.lock = None;
        Ok(())
    }

    pub fn sync_folder(&self) -> Result<(), Failure> {
        self.storage.sync_folder(folder_of(&self.path))
    }

    /// Removes what there is under the temporary name.
    pub fn abandon(self) -> Result<(), Failure> {
        remove_if_there(self.storage.as_ref(), &self.path)
    }
}
