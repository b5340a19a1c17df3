//! The working tree: where it is, which files of it are ours, where build products go.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The root of the workspace this program was built from.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate lies two folders below the root")
}

/// The folder of build products and caches.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// One text file of the tree; `path` is relative to the root, with `/`.
pub struct File {
    pub path: String,
    pub text: String,
}

/// Every Rust, TOML and Markdown file of the tree, in order of path.
pub fn files() -> Result<Vec<File>> {
    let mut files = Vec::new();
    collect(root(), &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<File>) -> Result<()> {
    let listing = std::fs::read_dir(folder);
    for entry in listing.with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                collect(&path, files)?;
            }
        } else if matches!(path.extension(), Some(e) if e == "rs" || e == "toml" || e == "md") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("reading {}", path.display()))?;
            let relative = path.strip_prefix(root()).unwrap_or(&path);
            files.push(File {
                path: relative.to_string_lossy().replace('\\', "/"),
                text,
            });
        }
    }
    Ok(())
}
