//! The node's files: those of the file system, from the process's folder on.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use node::storage::{Failure, File, Lock, Storage};
use rustix::fs::{FlockOperation, flock};

pub struct Disk;

/// An open file, and the path to name when something fails.
struct DiskFile {
    file: fs::File,
    path: String,
}

/// Gives the file back when it is closed.
struct DiskLock {
    _file: fs::File,
}

impl Lock for DiskLock {}

impl File for DiskFile {
    fn write(&self, bytes: &[u8]) -> Result<usize, Failure> {
        let written = loop {
            match (&self.file).write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) if !bytes.is_empty() => break Err(ErrorKind::WriteZero.into()),
                written => break written,
            }
        };
        written.map_err(|cause| Failure::new("write", &self.path, cause))
    }

    fn sync(&self) -> Result<(), Failure> {
        let synced = self.file.sync_data();
        synced.map_err(|cause| Failure::new("sync", &self.path, cause))
    }
}

impl Disk {
    fn writer(
        operation: &'static str,
        path: &str,
        options: &OpenOptions,
    ) -> Result<Box<dyn File>, Failure> {
        let file = options
            .open(path)
            .map_err(|cause| Failure::new(operation, path, cause))?;
        let path = path.to_owned();
        Ok(Box::new(DiskFile { file, path }))
    }
}

/// Has failures name the operation and the path.
fn named<T>(operation: &'static str, path: &str, result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|cause| Failure::new(operation, path, cause))
}

fn real_folder(folder: &str) -> &str {
    if folder.is_empty() { "." } else { folder }
}

impl Storage for Disk {
    fn create(&self, path: &str) -> Result<Box<dyn File>, Failure> {
        let mut options = OpenOptions::new();
        Disk::writer(
            "create",
            path,
            options.write(true).create(true).truncate(true),
        )
    }

    fn append(&self, path: &str) -> Result<Box<dyn File>, Failure> {
        Disk::writer("open", path, OpenOptions::new().append(true).create(true))
    }

    fn open(&self, path: &str) -> Result<Box<dyn Read + Send>, Failure> {
        let opened = named("open", path, fs::File::open(path))?;
        // A folder can be opened, but not read.
        match named("open", path, opened.metadata())?.is_dir() {
            true => Err(Failure::new("read", path, ErrorKind::IsADirectory.into())),
            false => Ok(Box::new(opened)),
        }
    }

    fn size(&self, path: &str) -> Result<u64, Failure> {
        named("look at", path, fs::metadata(path)).map(|metadata| metadata.len())
    }

    fn truncate(&self, path: &str, size: u64) -> Result<(), Failure> {
        let opened = OpenOptions::new().write(true).open(path);
        named(
            "cut off",
            path,
            opened.and_then(|file| {
                file.set_len(size)?;
                file.sync_data()
            }),
        )
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Failure> {
        named("rename", from, fs::rename(from, to))
    }

    fn remove(&self, path: &str) -> Result<(), Failure> {
        named("remove", path, fs::remove_file(path))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let entries = named("list", folder, fs::read_dir(real_folder(folder)))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = named("list", folder, entry)?;
            // What is not text is none of the node's files.
            names.extend(entry.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    fn create_folder(&self, path: &str) -> Result<(), Failure> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && Path::new(path).is_dir() => {
                Ok(())
            }
            created => named("create", path, created),
        }
    }

    fn sync_folder(&self, path: &str) -> Result<(), Failure> {
        let opened = fs::File::open(real_folder(path));
        named("sync", path, opened.and_then(|folder| folder.sync_all()))
    }

    fn lock(&self, path: &str) -> Result<Box<dyn Lock>, Failure> {
        // A folder can be locked as well as a file, but not opened to be written.
        let opened = match fs::File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(path),
            opened => opened,
        };
        let file = named("open", path, opened)?;
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        named("lock", path, locked.map_err(io::Error::from))?;
        Ok(Box::new(DiskLock { _file: file }))
    }
}
