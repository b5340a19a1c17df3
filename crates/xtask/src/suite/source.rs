//! Redis 7.0.15's source tree, for its tests: Debian's source package, by apt's own means.
//!
//! The archive is the one this machine's apt already uses. Its binary entries are read as source
//! entries into a private state folder, so apt's configuration and lists stay untouched.

use crate::{process, tree};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const VERSION: &str = "7.0.15";

/// The unpacked source, from the cache below `target/` or fetched now.
pub fn fetch() -> Result<PathBuf> {
    let folder = tree::target()
        .join("suite")
        .join(format!("redis-{VERSION}"));
    if folder.join("tests/test_helper.tcl").is_file() {
        return Ok(folder);
    }
    for program in ["apt-get", "dpkg-source"] {
        ensure!(
            process::is_installed(program),
            "{program} is needed to fetch the suite"
        );
    }
    eprintln!("suite: fetching the source package of Redis {VERSION}");
    let state = tree::target().join("suite").join("apt");
    let done = download(&state).and_then(|description| unpack(&description, &folder));
    // The state is worth nothing once the source is unpacked, or could not be.
    let _ = std::fs::remove_dir_all(&state);
    done.context("the suite's source package could not be fetched")?;
    Ok(folder)
}

/// Downloads the package into `state` and returns its `.dsc`.
fn download(state: &Path) -> Result<PathBuf> {
    let parts = state.join("sources");
    std::fs::create_dir_all(state.join("lists/partial"))?;
    std::fs::create_dir_all(&parts)?;
    let entries = source_entries()?;
    ensure!(
        !entries.is_empty(),
        "this machine has no Debian archive configured"
    );
    std::fs::write(parts.join("source.sources"), entries)?;
    apt(state, &["update"])?;
    apt(state, &["--download-only", "source", "redis"])?;
    let mut listing = std::fs::read_dir(state)?
        .flatten()
        .map(|entry| entry.path());
    let description = listing.find(|path| path.extension().is_some_and(|e| e == "dsc"));
    let description = description.context("apt-get downloaded no source package")?;
    let name = description.to_string_lossy().into_owned();
    ensure!(
        name.contains(VERSION),
        "the archive has another Redis than {VERSION}: {name}"
    );
    Ok(description)
}

fn unpack(description: &Path, folder: &Path) -> Result<()> {
    let status = Command::new("dpkg-source")
        .args(["--no-check", "--no-copy", "-x"])
        .args([description, folder])
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "dpkg-source failed");
    Ok(())
}

fn apt(state: &Path, words: &[&str]) -> Result<()> {
    let option = |name: &str, value: &Path| format!("-o{name}={}", value.display());
    let output = Command::new("apt-get")
        .arg("-qq")
        .arg("-oDir::Etc::sourcelist=/dev/null")
        .arg("-oAPT::Sandbox::User=root")
        .arg(option("Dir::Etc::sourceparts", &state.join("sources")))
        .arg(option("Dir::State::lists", &state.join("lists")))
        .arg(option("Dir::Cache", &state.join("cache")))
        .args(words)
        .current_dir(state)
        .stdin(Stdio::null())
        .output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "apt-get {}: {}",
        words.join(" "),
        complaint.trim()
    );
    Ok(())
}

/// The machine's archive entries turned into source entries of the section that has Redis.
fn source_entries() -> Result<String> {
    let mut entries = String::new();
    let folder = Path::new("/etc/apt/sources.list.d");
    let mut paths = vec![PathBuf::from("/etc/apt/sources.list")];
    paths.extend(
        std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path()),
    );
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => entries.extend(text.split("\n\n").filter_map(stanza_as_source)),
            Some("list") => entries.extend(text.lines().filter_map(line_as_source)),
            _ => {}
        }
    }
    Ok(entries)
}

fn stanza_as_source(stanza: &str) -> Option<String> {
    let mut source = String::new();
    let mut is_archive = false;
    for line in stanza.lines().filter(|line| !line.starts_with('#')) {
        let key = line.split(':').next().unwrap_or_default();
        match key {
            "Types" => is_archive = true,
            "Components" => {}
            _ => source = source + line + "\n",
        }
    }
    is_archive.then(|| format!("Types: deb-src\nComponents: main\n{source}\n"))
}

/// `deb [options] URI suite component…` as a stanza.
fn line_as_source(line: &str) -> Option<String> {
    let rest = line.strip_prefix("deb ")?.trim();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    let signed = options
        .split_whitespace()
        .find_map(|option| option.strip_prefix("signed-by="));
    let signed = signed.map_or(String::new(), |key| format!("Signed-By: {key}\n"));
    Some(format!(
        "Types: deb-src\nURIs: {uri}\nSuites: {suite}\nComponents: main\n{signed}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_syntaxes_of_apt_become_source_entries() {
        let stanza = "Types: deb\n# a note\nURIs: http://a/\nSuites: s\nComponents: main contrib";
        let expected = "Types: deb-src\nComponents: main\nURIs: http://a/\nSuites: s\n\n";
        assert_eq!(stanza_as_source(stanza).unwrap(), expected);
        let line = "deb [signed-by=/k.gpg] http://a/ s main contrib";
        let expected = "Types: deb-src\nURIs: http://a/\nSuites: s\nComponents: main\n\
                        Signed-By: /k.gpg\n\n";
        assert_eq!(line_as_source(line).unwrap(), expected);
        assert_eq!(line_as_source("# deb http://a/ s main"), None);
    }
}
