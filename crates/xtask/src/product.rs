//! Builds the product and says where its binary lies.

use crate::tree;
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Command;

/// The profile of cargo that `cargo xtask suite` and the build machines use.
pub const EVERYDAY_PROFILE: &str = "fast";

/// Builds `ochre` with the profile and returns the binary.
pub fn build(profile: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(tree::root())
        .args([
            "build",
            "--quiet",
            "--package",
            "ochre",
            "--profile",
            profile,
        ])
        .status()
        .context("running cargo")?;
    ensure!(
        status.success(),
        "`cargo build --package ochre --profile {profile}` failed"
    );
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(tree::target().join(folder).join("ochre"))
}
