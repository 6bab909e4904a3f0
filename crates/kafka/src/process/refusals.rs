//! Credentials of which no client can be made: they are not tried again unchanged.
//! They are hashed, not kept; nothing is decided by them but that.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use parking_lot::Mutex;

use crate::config::ClusterConfig;
use crate::error::SampleError;

/// Most that are remembered, some 300 bytes each; then all are tried once more.
const MOST_REMEMBERED: usize = 4_096;

/// Clusters with credentials that were refused before anybody was asked, and why.
#[derive(Default)]
pub(super) struct Refusals {
    keys: RandomState,
    known: Mutex<HashMap<u64, SampleError>>,
}

impl Refusals {
    pub(super) fn note(&self, cluster: &ClusterConfig, error: &SampleError) {
        let mut known = self.known.lock();
        if MOST_REMEMBERED <= known.len() {
            known.clear();
        }
        known.insert(self.keys.hash_one(cluster), error.clone());
    }

    /// Why no client can be made for this cluster.
    pub(super) fn of(&self, cluster: &ClusterConfig) -> Option<SampleError> {
        let known = self.known.lock();
        if known.is_empty() { None } else { known.get(&self.keys.hash_one(cluster)).cloned() }
    }
}
