//! The files of a node, as far as it may know them.
//!
//! The server implements this with the file system, tests with a disk in memory that fails, tears
//! writes and forgets what was not synced. Paths are relative to the node's folder, with `/`
//! between their parts.
//!
//! What a crash leaves: of a file, what was synced, and any part of what was written since; of a
//! folder, the names as they were at its last [`Storage::sync_folder`], or later.

use std::io;

/// A folder of files.
pub trait Storage: Send + Sync {
    /// Makes an empty file, in the place of any that is there.
    fn create(&self, path: &str) -> io::Result<Box<dyn File>>;

    /// Opens a file to write at its end; makes it if it is not there.
    fn append(&self, path: &str) -> io::Result<Box<dyn File>>;

    /// Opens a file to read from its beginning.
    fn open(&self, path: &str) -> io::Result<Box<dyn io::Read + Send>>;

    /// The bytes of a file; [`io::ErrorKind::NotFound`] if it is not there.
    fn size(&self, path: &str) -> io::Result<u64>;

    /// Cuts a file off behind its first `size` bytes.
    fn truncate(&self, path: &str, size: u64) -> io::Result<()>;

    /// Gives a file another name, in the place of any that has it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    fn remove(&self, path: &str) -> io::Result<()>;

    /// The names in a folder, in order.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Makes a folder unless it is there.
    fn create_folder(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a folder outlast a crash. `""` is the node's own folder.
    fn sync_folder(&self, path: &str) -> io::Result<()>;
}

/// A file that is being written.
pub trait File: Send + Sync {
    /// Writes a part of `bytes`, at least one, and returns how many.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes what was written outlast a crash.
    fn sync(&self) -> io::Result<()>;
}
