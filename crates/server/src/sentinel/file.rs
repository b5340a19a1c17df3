//! The configuration file, which holds what Sentinel has learned.

use std::fs::{self, OpenOptions};

use config::Config;
use parking_lot::Mutex;

use crate::config_file;
use crate::machine::system_words;

pub struct File {
    path: String,
    /// What was written last, and is on the disk.
    written: Mutex<Vec<u8>>,
}

impl File {
    pub fn new(path: String) -> File {
        File {
            path,
            written: Mutex::default(),
        }
    }

    /// Puts the statements into the file. The error is the system's word for what went wrong.
    pub fn save(&self, config: &Config, statements: Vec<Vec<Vec<u8>>>) -> Result<(), String> {
        let old = fs::read(&self.path).map_err(|error| system_words(&error))?;
        let text = sentinel::file::rewrite(&old, config, statements);
        let mut written = self.written.lock();
        if text != old || text != *written {
            config_file::replace(&self.path, &text).map_err(|error| system_words(&error))?;
            *written = text;
        }
        Ok(())
    }
}

/// Whether a file can be written. The error is the system's word for what went wrong.
pub fn check(path: &str) -> Result<(), String> {
    let opened = OpenOptions::new().append(true).open(path);
    opened.map(drop).map_err(|error| system_words(&error))
}
