//! The folder the suite runs in: a copy of its scripts, with links to the programs under test.

use crate::server::is_ochre;
use anyhow::{Context, Result, ensure};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAMS: &[&str] = &[
    "redis-server",
    "redis-sentinel",
    "redis-cli",
    "redis-benchmark",
    "redis-check-aof",
    "redis-check-rdb",
];

/// Where Debian puts the programs that the one under test does not replace.
const FALLBACK: &str = "/usr/bin";

/// Copies what the suite reads of the source tree and links the programs it starts.
pub fn lay(source: &Path, folder: &Path, binary: &Path) -> Result<PathBuf> {
    let programs = folder.join("src");
    std::fs::create_dir_all(&programs)?;
    for name in ["tests", "utils"] {
        copy_all(&source.join(name), &folder.join(name))?;
    }
    for entry in std::fs::read_dir(source)? {
        let path = entry?.path();
        if path.is_file()
            && path
                .extension()
                .is_some_and(|extension| extension == "conf")
        {
            std::fs::copy(&path, folder.join(path.file_name().unwrap_or_default()))?;
        }
    }
    for entry in std::fs::read_dir(source.join("src"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "h" || extension == "sup")
        {
            std::fs::copy(&path, programs.join(path.file_name().unwrap_or_default()))?;
        }
    }
    copy_all(&source.join("src/commands"), &programs.join("commands"))?;
    forgive_missing_functions(folder)?;
    edit(&folder.join("tests/instances.tcl"), &[PORTS])?;
    if is_ochre(binary) {
        fail_jobs_for_children(folder)?;
        edit(&folder.join("tests/sentinel/tests/00-base.tcl"), COMMANDS)?;
        for name in ["04-resharding", "10-manual-failover"] {
            let path = folder.join("tests/cluster/tests").join(name);
            edit(&path.with_extension("tcl"), SCRIPTED_WRITES)?;
        }
    }
    for name in PROGRAMS {
        link_program(name, binary, &programs)?;
    }
    Ok(folder.to_owned())
}

/// A node's bus has the port 10000 beyond its own. Where systems take ports for what they connect
/// from, a node that comes back may find its port taken.
const PORTS: (&str, &str) = (
    "set ::redis_base_port 30000\n",
    "set ::redis_base_port 21500\n",
);

/// Before every block the suite deletes all functions, and gives up on a server that has none.
fn forgive_missing_functions(folder: &Path) -> Result<()> {
    let path = folder.join("tests/support/server.tcl");
    let script = std::fs::read_to_string(&path)?;
    let forgiving = script.replace("    r function flush\n", "    catch {r function flush}\n");
    std::fs::write(&path, forgiving).with_context(|| format!("writing {}", path.display()))
}

/// The suite has saves and rewrites fail by killing the process that does them. Here that is no
/// process of its own, and the job is told to fail: what is judged is what follows.
fn fail_jobs_for_children(folder: &Path) -> Result<()> {
    let utilities = folder.join("tests/support/util.tcl");
    edit(&utilities, &[CHILD_IS_SERVER])?;
    for part in ["unit", "unit/type", "integration"] {
        for entry in std::fs::read_dir(folder.join("tests").join(part))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tcl") {
                edit(&path, CHILD_KILLS)?;
            }
        }
    }
    Ok(())
}

/// The name of a child's temporary file has its number in it, and here the server's.
const CHILD_IS_SERVER: (&str, &str) = (
    "proc get_child_pid {idx} {\n",
    "proc get_child_pid {idx} {\n    return [srv $idx pid]\n",
);

const CHILD_KILLS: &[(&str, &str)] = &[
    ("exec kill -9 [get_child_pid 0]", "r debug fail-job"),
    ("exec kill -9 $pid1", "r debug fail-job"),
    ("exec kill -9 $pid2", "r debug fail-job"),
    ("exec kill -9 $pid3", "r debug fail-job"),
];

/// The suite counts the commands of a Sentinel. Here it has no `ACL`, and fewer of `CLIENT`.
const COMMANDS: &[(&str, &str)] = &[
    (
        "assert_equal {72} [llength [S $id command list]]",
        "assert_equal {57} [llength [S $id command list]]",
    ),
    (
        "assert_equal {15} [S $id command count]",
        "assert_equal {14} [S $id command count]",
    ),
];

/// Takes tests out of a file of those with a program of their own, which cannot skip any.
pub fn leave_out(tree: &Path, file: &str, tests: &[String]) -> Result<()> {
    let path = tree.join("tests").join(file).with_extension("tcl");
    for test in tests {
        edit(&path, &[(&format!("\ntest \"{test}\" {{\n"), "\nif 0 {\n")])?;
    }
    Ok(())
}

/// Half of the writes during a resharding are a script's. Here all are commands.
const SCRIPTED_WRITES: &[(&str, &str)] = &[(
    "$cluster eval {redis.call(\"rpush\",KEYS[1],ARGV[1])} 1 $key $ele",
    "$cluster rpush $key $ele",
)];

fn edit(path: &Path, replacements: &[(&str, &str)]) -> Result<()> {
    let before = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    // A few scripts hold bytes that are no text.
    let Ok(before) = String::from_utf8(before) else {
        return Ok(());
    };
    let mut after = before.clone();
    for (from, to) in replacements {
        after = after.replace(from, to);
    }
    if after == before {
        return Ok(());
    }
    std::fs::write(path, after).with_context(|| format!("writing {}", path.display()))
}

/// The suite's own list: a few files lie in its folders unused.
pub fn all_files(source: &Path) -> Result<Vec<String>> {
    let output = Command::new("tclsh")
        .args(["tests/test_helper.tcl", "--list-tests"])
        .current_dir(source)
        .output()
        .context("running tclsh")?;
    let files: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    ensure!(!files.is_empty(), "the suite lists no files");
    Ok(files)
}

/// The files that a program of its own runs: Sentinel's, or those of clusters.
pub fn all_files_of_program(source: &Path, program: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(source.join("tests").join(program).join("tests"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tcl") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            files.push(format!("{program}/tests/{name}"));
        }
    }
    files.sort();
    Ok(files)
}

/// Links `name` to the program under test, or to Debian's where that one does not know the name.
fn link_program(name: &str, binary: &Path, programs: &Path) -> Result<()> {
    let link = programs.join(name);
    if is_ochre(binary) {
        symlink(binary, &link)?;
        if name == "redis-server" || answers_version(&link) {
            return Ok(());
        }
        std::fs::remove_file(&link)?;
    }
    let sibling = binary.with_file_name(name);
    let fallback = Path::new(FALLBACK).join(name);
    if name == "redis-server" {
        symlink(binary, &link)?;
    } else if let Some(found) = [sibling, fallback].iter().find(|path| path.is_file()) {
        symlink(found, &link)?;
    }
    Ok(())
}

/// Whether the program, called by the link's name, knows the part it is asked to play.
fn answers_version(link: &Path) -> bool {
    let output = Command::new(link)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_all(&path, &to)?;
        } else if kind.is_symlink() {
            symlink(std::fs::read_link(&path)?, &to)?;
        } else {
            std::fs::copy(&path, &to)?;
        }
    }
    Ok(())
}
