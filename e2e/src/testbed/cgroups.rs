//! The cgroups below which every container of the bed lives, in version 1 and 2 of the kernel's interface.
//! They hold containers only, so whoever is in them may be killed; daemons are elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::places::CGROUP;

const MOUNT: &str = "/sys/fs/cgroup";

/// Makes the bed's cgroup under every controller: the kubelet wants to find it.
pub(super) fn create() -> Result<()> {
    for root in roots()? {
        fs::create_dir_all(&root).with_context(|| format!("making {}", root.display()))?;
    }
    Ok(())
}

/// Kills whoever is left in them and removes them.
pub(super) fn remove() -> Result<()> {
    // A killed process leaves its cgroup a moment later.
    let deadline = Duration::from_secs(20);
    let begun = Instant::now();
    loop {
        let left: Vec<PathBuf> = roots()?.into_iter().filter(|root| root.exists()).collect();
        if left.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > deadline {
            bail!("these cgroups do not empty: {left:?}");
        }
        for root in &left {
            clear(root);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Deepest first; what is still busy is for the next round.
fn clear(cgroup: &Path) {
    for child in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if child.file_type().is_ok_and(|kind| kind.is_dir()) {
            clear(&child.path());
        }
    }
    let members = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
    for pid in members.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = fs::remove_dir(cgroup);
}

/// One on version 2; one for each controller on version 1, where some may be one folder by two names.
fn roots() -> Result<BTreeSet<PathBuf>> {
    let mount = Path::new(MOUNT);
    if mount.join("cgroup.controllers").exists() {
        return Ok([mount.join(CGROUP)].into());
    }
    let mut roots = BTreeSet::new();
    for entry in fs::read_dir(mount).context("reading the cgroups")? {
        let path = entry?.path();
        if path.join("cgroup.procs").exists() {
            roots.insert(path.canonicalize()?.join(CGROUP));
        }
    }
    Ok(roots)
}
