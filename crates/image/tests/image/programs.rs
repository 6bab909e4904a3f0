//! Programs of others, run to their end.
//! Their errors are ours, with what they said.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Whether there is a program of this name.
pub fn installed(name: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(name).is_file())
}

/// What a program printed.
pub fn printed(program: &str, arguments: &[impl AsRef<OsStr>]) -> Result<String> {
    let mut command = Command::new(program);
    let answer = command.args(arguments).output().with_context(|| format!("running {program}"))?;
    let complaint = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "{command:?}: {complaint}");
    Ok(String::from_utf8(answer.stdout)?)
}
