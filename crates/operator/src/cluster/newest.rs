//! How new a listing of frozen templates must be: at least as new as what this process has seen.
//! A number and its rules; it asks nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The newest resourceVersion of any ControllerRevision that was listed, watched or written here.
///
/// A listing without one is answered only when the API server's cache has been told by etcd that it
/// misses nothing, which it asks for every 100 ms. One that must be *not older than* this is
/// answered at once, from the cache that feeds our own watch. Resource versions of one kind are
/// ordered numbers (KEP-5504); a server that has others is asked without.
#[derive(Clone, Debug, Default)]
pub struct NewestRevision(Arc<AtomicU64>);

impl NewestRevision {
    /// Something of this version was seen.
    pub(crate) fn note(&self, version: Option<&str>) {
        if let Some(version) = version.and_then(|it| it.parse().ok()) {
            self.0.fetch_max(version, Ordering::AcqRel);
        }
    }

    /// The version, unless nothing was seen yet.
    pub(crate) fn known(&self) -> Option<String> {
        Some(self.0.load(Ordering::Acquire)).filter(|it| *it != 0).map(|it| it.to_string())
    }

    /// A server that can't answer may have been restored from a backup: its versions begin lower.
    pub(crate) fn forget(&self) {
        self.0.store(0, Ordering::Release);
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
