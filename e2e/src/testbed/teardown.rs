//! The end of a bed, in whatever state it is: whole, half started, or with any of its parts dead.
//! It ends only what the bed started, and removes only what names the bed.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::daemon::{self, Identity};
use super::part::Part;
use super::places::Places;
use super::{cgroups, containers, mounts, network, shell, sysctls};

/// Ends every process, then unmounts, then removes. Does nothing where nothing is.
pub(super) fn run(places: &Places) -> Result<()> {
    let activity = shell::doing("ending the test bed");
    let something = places.run.exists();
    let (_, others) = daemon::marked(&places.run)?;
    end_processes(places)?;
    // Beside a bed of another cache, network and cgroups are that one's, and only our folder can be left over.
    if others.is_empty() {
        cgroups::remove()?;
        containers::remove_traces(places)?;
        network::remove(places)?;
        sysctls::put_back(places)?;
    }
    // A mount that stayed would have its content deleted with the folder.
    mounts::unmount_below(&places.run)?;
    fs::remove_dir_all(&places.run)
        .or_else(daemon::absent_is_fine)
        .with_context(|| format!("removing {}", places.run.display()))?;
    if something {
        shell::say(&format!("down in {:.1} s", activity.taken().as_secs_f64()));
    }
    Ok(())
}

/// Nothing they could save is kept, so none is asked; the kubelet goes first, or it would restart containers.
fn end_processes(places: &Places) -> Result<()> {
    for part in Part::ALL {
        if let Some(identity) = Identity::recorded(&places.record(part.name())) {
            identity.kill().with_context(|| format!("ending {}", part.name()))?;
        }
    }
    // Shims, and daemons that had no time to write their record. One may start another: look again until none is left.
    let begun = Instant::now();
    loop {
        let (left, _) = daemon::marked(&places.run)?;
        if left.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(20) {
            let numbers: Vec<i32> = left.into_iter().map(|it| it.pid).collect();
            bail!("these processes do not end: {numbers:?}");
        }
        for identity in left {
            identity.kill()?;
        }
    }
}
