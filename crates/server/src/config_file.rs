//! The file that the configuration came from.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces the file's text. A crash leaves the old file or the new one, never half of it.
pub fn replace(path: &str, text: &[u8]) -> io::Result<()> {
    let draft = format!("{path}.{}.tmp", std::process::id());
    let written = write(&draft, path, text);
    if written.is_err() {
        // It may never have been there.
        drop(fs::remove_file(&draft));
    }
    written
}

fn write(draft: &str, path: &str, text: &[u8]) -> io::Result<()> {
    let mut file = File::create(draft)?;
    file.write_all(text)?;
    // Whoever may read and write the file stays the same.
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()?;
    fs::rename(draft, path)?;
    match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
