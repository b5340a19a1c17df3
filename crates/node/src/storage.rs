//! The files of a node, as far as it may know them.
//!
//! The server implements this with the file system, tests with a disk in memory that fails, tears
//! writes and forgets what was not synced. Paths are relative to the node's folder, with `/`
//! between their parts.
//!
//! What a crash leaves: of a file, what was synced, and any part of what was written since; of a
//! folder, the names as they were at its last [`Storage::sync_folder`], and any of the changes
//! since.

use std::fmt;
use std::io;

/// A folder of files.
pub trait Storage: Send + Sync {
    /// Makes an empty file, in the place of any that is there.
    fn create(&self, path: &str) -> Result<Box<dyn File>, Failure>;

    /// Opens a file to write at its end; makes it if it is not there.
    fn append(&self, path: &str) -> Result<Box<dyn File>, Failure>;

    /// Opens a file to read from its beginning.
    fn open(&self, path: &str) -> Result<Box<dyn io::Read + Send>, Failure>;

    /// The bytes of a file; [`io::ErrorKind::NotFound`] if it is not there.
    fn size(&self, path: &str) -> Result<u64, Failure>;

    /// Cuts a file off behind its first `size` bytes.
    fn truncate(&self, path: &str, size: u64) -> Result<(), Failure>;

    /// Gives a file another name, in the place of any that has it.
    fn rename(&self, from: &str, to: &str) -> Result<(), Failure>;

    fn remove(&self, path: &str) -> Result<(), Failure>;

    /// The names in a folder, in order. `""` is the node's own folder.
    fn list(&self, folder: &str) -> Result<Vec<String>, Failure>;

    /// Makes a folder unless it is there.
    fn create_folder(&self, path: &str) -> Result<(), Failure>;

    /// Makes the names in a folder outlast a crash.
    fn sync_folder(&self, path: &str) -> Result<(), Failure>;

    /// Has a file, which is made if it is not there, belong to this process until the lock is
    /// dropped. [`io::ErrorKind::WouldBlock`] if it belongs to another.
    fn lock(&self, path: &str) -> Result<Box<dyn Lock>, Failure>;
}

/// A file that is being written.
pub trait File: Send + Sync {
    /// Writes a part of `bytes`, at least one, and returns how many.
    fn write(&self, bytes: &[u8]) -> Result<usize, Failure>;

    /// Makes what was written outlast a crash.
    fn sync(&self) -> Result<(), Failure>;
}

/// A file that belongs to this process.
pub trait Lock: Send + Sync {}

/// An operation on a file that failed.
#[derive(Debug)]
pub struct Failure {
    /// What was attempted, as in `Can't ... the file`.
    pub operation: &'static str,
    pub path: String,
    pub cause: io::Error,
}

impl Failure {
    pub fn new(operation: &'static str, path: &str, cause: io::Error) -> Failure {
        Failure {
            operation,
            path: path.to_owned(),
            cause,
        }
    }

    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }

    pub fn is_missing(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }

    /// The cause in the system's words.
    pub fn words(&self) -> String {
        system_words(&self.cause)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "can't {} {}: {}",
            self.operation,
            self.path,
            self.words()
        )
    }
}

/// The system's words, without the number that Rust adds.
pub fn system_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Writes all of `bytes`. On failure any part of them is in the file.
pub fn write_all(file: &dyn File, mut bytes: &[u8]) -> Result<(), Failure> {
    while !bytes.is_empty() {
        let written = file.write(bytes)?;
        bytes = &bytes[written.min(bytes.len())..];
    }
    Ok(())
}

/// Removes a file that may not be there.
pub fn remove_if_there(storage: &dyn Storage, path: &str) -> Result<(), Failure> {
    match storage.remove(path) {
        Err(failure) if !failure.is_missing() => Err(failure),
        _ => Ok(()),
    }
}

/// A path in a folder, of which `""` is the node's own.
pub fn join(folder: &str, name: &str) -> String {
    match folder.is_empty() {
        true => name.to_owned(),
        false => format!("{folder}/{name}"),
    }
}

/// The folder that a path's last name is in.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
