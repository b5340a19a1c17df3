//! `--rebuild-manifest`: a manifest that was lost is made of the files that lie beside it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use persistence::aof::rebuild::rebuild as list;
use persistence::aof::{Manifest, Names};

use super::{Failed, Outcome, bytes, folder_of, say, say_bytes};

/// Writes the manifest at `path`. One that is there and cannot be read is kept beside it.
pub fn rebuild(path: &Path, out: &mut dyn Write) -> Outcome<()> {
    let mut fail = |words: String| {
        say!(out, "Cannot rebuild manifest ", bytes(path), ": ", words);
        Failed
    };
    let Some(file) = path
        .file_name()
        .and_then(|name| name.to_str()?.strip_suffix(".manifest"))
    else {
        return Err(fail("its name does not end in .manifest".to_owned()));
    };
    let names = Names::new("", file);
    let folder = folder_of(path);
    let manifest = read_names(folder)
        .map_err(|error| fail(error.to_string()))
        .and_then(|files| list(&names, &files).map_err(|unclear| fail(unclear.to_string())))?;
    let old = match fs::read(path) {
        Ok(text) if Manifest::parse(&text).is_ok() => {
            return Err(fail("it is there, and can be read".to_owned()));
        }
        Ok(_) => Some(keep(path).map_err(|error| fail(error.to_string()))?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(fail(error.to_string())),
    };
    let draft = folder.join(names.temporary_manifest());
    publish(&manifest.text(), &draft, path).map_err(|error| fail(error.to_string()))?;
    if let Some(old) = old {
        say!(
            out,
            "The manifest that cannot be read is kept as ",
            bytes(&old)
        );
    }
    say!(out, "Rebuilt manifest ", bytes(path), ":");
    say_bytes(out, &manifest.text());
    Ok(())
}

fn read_names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        // No file of ours has a name that is no text.
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Gives a manifest another name, and returns that.
fn keep(path: &Path) -> io::Result<PathBuf> {
    let kept = path.with_extension("manifest.broken");
    fs::rename(path, &kept)?;
    Ok(kept)
}

fn publish(text: &[u8], draft: &Path, path: &Path) -> io::Result<()> {
    let mut file = File::create(draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    File::open(folder_of(path))?.sync_all()
}
