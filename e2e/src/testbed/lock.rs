//! One start or end of a test bed at a time.
//! It protects the cache and the run folder; it does not keep two users' beds apart.

use std::fs::{self, File, TryLockError};

use anyhow::{Context as _, Result, bail};

use super::places::Places;
use super::shell;

/// Waits for its turn. The kernel gives the lock back when the process ends, however it ends.
pub(super) fn take(places: &Places) -> Result<File> {
    fs::create_dir_all(&places.cache)?;
    let path = places.cache.join("lock");
    let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            shell::say("another command is starting or ending the test bed: waiting for it");
            let _activity = shell::doing("waiting for another command");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => bail!("locking {}: {error}", path.display()),
    }
    Ok(file)
}
