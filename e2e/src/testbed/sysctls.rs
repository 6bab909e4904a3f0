//! The settings of the kernel that the kubelet changes for the whole machine, and insists on changing.
//! What they were is kept while the bed is up, and put back after.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::places::Places;

/// What `KernelTunableModify` of the kubelet writes.
const CHANGED: [&str; 6] = [
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];

/// Notes the present values.
pub(super) fn keep(places: &Places) -> Result<()> {
    let mut lines = String::new();
    for name in CHANGED {
        // Not every kernel has each of them.
        if let Ok(value) = fs::read_to_string(file(name)) {
            writeln!(lines, "{name} {}", value.trim())?;
        }
    }
    fs::write(kept(places), lines).context("noting the kernel's settings")
}

/// Puts the noted values back.
pub(super) fn put_back(places: &Places) -> Result<()> {
    for line in fs::read_to_string(kept(places)).unwrap_or_default().lines() {
        let Some((name, value)) = line.split_once(' ') else { continue };
        let path = file(name);
        if fs::read_to_string(&path).is_ok_and(|now| now.trim() != value) {
            fs::write(&path, value).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    Ok(())
}

fn file(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(name)
}

fn kept(places: &Places) -> PathBuf {
    places.run.join("sysctls")
}
