//! How new a listing of frozen templates must be: at least as new as what this process has seen.
//! A number and its rules; it asks nobody.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A cache that lagged is not asked by version for this long. Where it always does, a listing in this
/// time waits for it in vain.
const PAUSE: Duration = Duration::from_secs(300);

/// The newest resourceVersion of any `ControllerRevision` that was listed, watched or written here.
///
/// A listing without one is answered only when the API server's cache has been told by etcd that it
/// misses nothing, which it asks for every 100 ms. One that must be *not older than* this is
/// answered at once, from the cache that feeds our own watch. Resource versions of one kind are
/// ordered numbers (KEP-5504); a server that has others is asked without.
///
/// The version of a listing is one of all kinds. Before Kubernetes 1.31 nobody asks etcd for it, and the
/// cache of a kind of which nothing changes gets there with etcd's next word: seconds or minutes later.
#[derive(Clone, Debug, Default)]
pub struct NewestRevision(Arc<Mutex<Versions>>);

#[derive(Debug, Default)]
struct Versions {
    /// 0: nothing was seen.
    newest: u64,
    /// Until when it is not asked for.
    paused: Option<Instant>,
}

impl NewestRevision {
    /// Something of this version was seen.
    pub(crate) fn note(&self, version: Option<&str>) {
        if let Some(version) = version.and_then(|it| it.parse().ok()) {
            let mut versions = self.0.lock();
            versions.newest = versions.newest.max(version);
        }
    }

    /// The version, unless nothing was seen yet, or the cache lags.
    pub(crate) fn known(&self) -> Option<String> {
        let mut versions = self.0.lock();
        versions.paused = versions.paused.filter(|it| Instant::now() < *it);
        let is_known = versions.paused.is_none() && versions.newest != 0;
        is_known.then(|| versions.newest.to_string())
    }

    /// A server that can't answer may have been restored from a backup: its versions begin lower.
    pub(crate) fn forget(&self) {
        self.0.lock().newest = 0;
    }

    /// The server's cache has not reached this version: a while without. The server may have been
    /// restored from a backup as well.
    pub(crate) fn lags(&self) {
        *self.0.lock() = Versions { newest: 0, paused: Some(Instant::now() + PAUSE) };
    }
}

#[cfg(test)]
mod tests {
    use crate::cluster::newest::NewestRevision;

    #[test]
    fn it_only_grows_until_it_is_forgotten() {
        let newest = NewestRevision::default();
        assert_eq!(newest.known(), None);
        for version in [Some("7"), Some("5"), None, Some("opaque")] {
            newest.note(version);
        }
        assert_eq!(newest.known().as_deref(), Some("7"));
        newest.forget();
        assert_eq!(newest.known(), None);
    }
}
