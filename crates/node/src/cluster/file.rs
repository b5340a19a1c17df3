//! The file in which the node keeps what it knows of the cluster, and that no other may use.

use std::io::{self, Read};
use std::sync::Arc;

use crate::storage::{Failure, Lock, Storage, folder_of, remove_if_there, write_all};

pub(super) struct ConfigFile {
    storage: Arc<dyn Storage>,
    path: String,
    draft: String,
    /// What is locked in the place of a file that is not there yet: a start that dies before it
    /// has written must not leave an empty file, for that is one whose content was lost. No process
    /// has its number.
    stand_in: String,
    lock: Option<Box<dyn Lock>>,
    /// Whether the stand-in is to be removed.
    stands_in: bool,
}

impl ConfigFile {
    pub fn new(storage: Arc<dyn Storage>, path: String, process: u32) -> ConfigFile {
        ConfigFile {
            storage,
            draft: format!("{path}.tmp-{process}"),
            stand_in: format!("{path}.tmp-0"),
            path,
            lock: None,
            stands_in: false,
        }
    }

    /// Takes the file for this process, and reads it; nothing if there is none yet. An error is
    /// what the operator reads.
    pub fn open(&mut self) -> Result<Option<Vec<u8>>, String> {
        if !self.is_there()? {
            let lock = self.lock(&self.stand_in)?;
            // Somebody may have written it in between.
            if !self.is_there()? {
                (self.lock, self.stands_in) = (Some(lock), true);
                return Ok(None);
            }
            let _ = remove_if_there(self.storage.as_ref(), &self.stand_in);
        }
        self.lock = Some(self.lock(&self.path)?);
        let path = &self.path;
        let mut text = Vec::new();
        let read = self.storage.open(path).and_then(|mut file| {
            let read = file.read_to_end(&mut text);
            read.map_err(|error| Failure::new("read", path, error))
        });
        read.map_err(|failure| {
            let why = failure.words();
            format!("Loading the cluster node config from {path}: {why}")
        })?;
        if text.is_empty() {
            // Under another name it would be nobody's primary and nobody's replica, and under its
            // own it would vote again where it has voted.
            return Err(format!(
                "The cluster configuration file {path} is empty: the name of this node, its slots \
                 and its votes are lost. Put back a copy of the file, or delete it to start \
                 afresh, as a new node that its cluster does not know."
            ));
        }
        Ok(Some(text))
    }

    fn is_there(&self) -> Result<bool, String> {
        match self.storage.size(&self.path) {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_missing() => Ok(false),
            Err(failure) => Err(self.cannot_lock(&failure)),
        }
    }

    /// Has what stands for the file belong to this process.
    fn lock(&self, path: &str) -> Result<Box<dyn Lock>, String> {
        self.storage.lock(path).map_err(|failure| {
            if failure.kind() != io::ErrorKind::WouldBlock {
                return self.cannot_lock(&failure);
            }
            let path = &self.path;
            format!(
                "Sorry, the cluster configuration file {path} is already used by a different \
                 Redis Cluster node. Please make sure that different nodes use different \
                 cluster configuration files."
            )
        })
    }

    fn cannot_lock(&self, failure: &Failure) -> String {
        let (path, why) = (&self.path, failure.words());
        format!("Can't open {path} in order to acquire a lock: {why}")
    }

    /// Writes the file anew. A crash leaves the old one or the new one; with `sync` the new one. An
    /// error is the system's words, and the old file stays.
    pub fn save(&mut self, text: &str, sync: bool) -> Result<(), String> {
        let written = self.write(text, sync);
        written.map_err(|failure| {
            // What cannot be removed is overwritten the next time.
            let _ = remove_if_there(self.storage.as_ref(), &self.draft);
            failure.words()
        })
    }

    fn write(&mut self, text: &str, sync: bool) -> Result<(), Failure> {
        let storage = self.storage.as_ref();
        // The new file is locked before it gets the name, so that nobody else can have it.
        let lock = storage.lock(&self.draft)?;
        let file = storage.create(&self.draft)?;
        write_all(file.as_ref(), text.as_bytes())?;
        if sync {
            file.sync()?;
        }
        storage.rename(&self.draft, &self.path)?;
        // It goes while it is still locked, so that nobody has one that is gone for the file's.
        if std::mem::take(&mut self.stands_in) {
            let _ = remove_if_there(storage, &self.stand_in);
        }
        self.lock = Some(lock);
        match sync {
            true => storage.sync_folder(folder_of(&self.path)),
            false => Ok(()),
        }
    }
}
