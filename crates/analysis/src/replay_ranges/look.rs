//! What one sample shows of the group and of the canary's processes.
//! Plain data; told apart elsewhere.

use std::sync::Arc;

use crate::observation::{GroupObservation, Millis};

/// One usable look at the group, and at the canary's processes until then.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The group.
    pub group: &'a GroupObservation,
    /// Canary pods that are there, and those that have gone since the look before.
    pub canaries: &'a [CanaryProcess],
    /// Whether the pods could not be seen for a while: then a canary may have lived.
    pub blind: bool,
    /// Whether the last canary had gone before the look began.
    pub left: bool,
}

/// A canary pod as far as its life is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryProcess {
    /// Pod name.
    pub name: Arc<str>,
    /// Restarts of its containers so far.
    pub restarts: u32,
    /// When one of them ended last.
    pub ended: Option<Millis>,
    /// Whether it is Ready.
    pub ready: bool,
    /// Whether it is being deleted, or gone.
    pub leaving: bool,
}
