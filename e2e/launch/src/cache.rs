//! Where the parts of the test bed are kept, between runs and for all work trees of a user.
//! Names places; makes and reads none.

use std::env;
use std::path::{Path, PathBuf};

/// This user's cache: `SISKIN_CACHE`, or `siskin` in the folder of caches.
///
/// # Errors
/// If there is no home folder.
pub fn folder() -> Result<PathBuf, String> {
    match (env::var_os("SISKIN_CACHE"), env::var_os("XDG_CACHE_HOME")) {
        (Some(own), _) if !own.is_empty() => Ok(PathBuf::from(own)),
        (_, Some(caches)) if !caches.is_empty() => Ok(Path::new(&caches).join("siskin")),
        _ => {
            let home = env::home_dir();
            let home = home.ok_or("no home folder: set SISKIN_CACHE to a folder of your own")?;
            Ok(home.join(".cache/siskin"))
        }
    }
}

/// Folder of every part, each in one of its own, `<name>-<version>`.
#[must_use]
pub fn parts(cache: &Path) -> PathBuf {
    cache.join("parts")
}
