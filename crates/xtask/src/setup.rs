//! `cargo xtask setup`: the Debian packages that `suite` and `bench` use, where it may install.
//!
//! Installing redis-server must not leave a server running: a `policy-rc.d` that forbids starting
//! services stands for as long as the installation takes.

use crate::process;
use anyhow::Result;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Packages, each with a program that shows it is there.
const PACKAGES: &[(&str, &str)] = &[
    ("redis-server", "redis-server"),
    ("redis-tools", "redis-benchmark"),
    ("tcl", "tclsh"),
    ("procps", "ps"),
    ("iproute2", "ip"),
    ("nutcracker", "nutcracker"),
    ("memcached", "memcached"),
    ("tmux", "tmux"),
    ("dpkg-dev", "dpkg-source"),
];

/// Packages of Debian's own Python, each with a module that shows it is there.
const MODULES: &[(&str, &str)] = &[("python3-redis", "redis.cluster")];
const PYTHON: &str = "/usr/bin/python3";

const POLICY: &str = "/usr/sbin/policy-rc.d";
/// The answer that means "not allowed".
const POLICY_TEXT: &str = "#!/bin/sh\nexit 101\n";

/// Installs what is missing. What it may not do it says; that is not an error, because `ci` skips
/// what needs those packages.
pub fn run() -> Result<()> {
    let programs = PACKAGES
        .iter()
        .filter(|(_, program)| !process::is_installed(program));
    let modules = MODULES.iter().filter(|(_, module)| !has_module(module));
    let missing: Vec<&str> = programs
        .chain(modules)
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        println!("setup: everything is installed");
        return Ok(());
    }
    let names = missing.join(" ");
    if !process::is_installed("apt-get") {
        println!("setup: skipped, there is no apt-get; missing: {names}");
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        println!("setup: skipped, not root; `apt-get install {names}` would do it");
        return Ok(());
    }
    println!("setup: installing {names}");
    if install(&missing)? {
        println!("setup: done");
    } else {
        println!("setup: apt-get could not install {names}; what needs them is skipped");
    }
    Ok(())
}

fn has_module(module: &str) -> bool {
    let import = format!("import {module}");
    let output = Command::new(PYTHON).args(["-c", &import]).output();
    output.is_ok_and(|output| output.status.success())
}

fn install(packages: &[&str]) -> Result<bool> {
    let _quiet = QuietServices::begin()?;
    // Stale lists may still do, and without a network installing fails by itself.
    let _ = apt(&["update"]);
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(packages);
    apt(&words)
}

fn apt(words: &[&str]) -> Result<bool> {
    let status = Command::new("apt-get")
        .arg("-qq")
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("RUNLEVEL", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    Ok(status.success())
}

/// While it lives, installing a package starts no service. A policy that stands already is kept.
struct QuietServices {
    ours: bool,
}

impl QuietServices {
    fn begin() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            std::fs::write(POLICY, POLICY_TEXT)?;
            std::fs::set_permissions(POLICY, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for QuietServices {
    fn drop(&mut self) {
        if self.ours {
            // Nothing can be done here about a file that does not go.
            let _ = std::fs::remove_file(POLICY);
        }
    }
}
