//! The file in which the node keeps what it knows of the cluster, and that no other may use.

use std::io::{self, Read};
use std::sync::Arc;

use crate::storage::{Failure, Lock, Storage, folder_of, remove_if_there, write_all};

pub(super) struct ConfigFile {
    storage: Arc<dyn Storage>,
    path: String,
    draft: String,
    lock: Option<Box<dyn Lock>>,
}

impl ConfigFile {
    pub fn new(storage: Arc<dyn Storage>, path: String, process: u32) -> ConfigFile {
        ConfigFile {
            storage,
            draft: format!("{path}.tmp-{process}"),
            path,
            lock: None,
        }
    }

    /// Takes the file for this process, and reads it; nothing if there is none yet, or it is
    /// empty. An error is what the operator reads.
    pub fn open(&mut self) -> Result<Option<Vec<u8>>, String> {
        let path = &self.path;
        match self.storage.lock(path) {
            Ok(lock) => self.lock = Some(lock),
            Err(failure) if failure.kind() == io::ErrorKind::WouldBlock => {
                return Err(format!(
                    "Sorry, the cluster configuration file {path} is already used by a different \
                     Redis Cluster node. Please make sure that different nodes use different \
                     cluster configuration files."
                ));
            }
            Err(failure) => {
                let why = failure.words();
                return Err(format!(
                    "Can't open {path} in order to acquire a lock: {why}"
                ));
            }
        }
        let mut text = Vec::new();
        let read = self.storage.open(path).and_then(|mut file| {
            let read = file.read_to_end(&mut text);
            read.map_err(|error| Failure::new("read", path, error))
        });
        read.map_err(|failure| {
            let why = failure.words();
            format!("Loading the cluster node config from {path}: {why}")
        })?;
        Ok((!text.is_empty()).then_some(text))
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
        self.lock = Some(lock);
        match sync {
            true => storage.sync_folder(folder_of(&self.path)),
            false => Ok(()),
        }
    }
}
