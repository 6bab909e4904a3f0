//! What the list of traces says of each.
//! Values only.

use std::sync::Arc;

use serde::Serialize;

/// A trace that can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Namespace of the rollout.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The attempt.
    pub rollout_id: String,
    /// Memory that it takes, compressed; while it is recorded, without what is yet to be.
    pub bytes: usize,
    /// How much of the attempt is in it.
    pub state: Extent,
    /// Whether its beginning was seen by an earlier process and is not in it.
    pub resumed: bool,
}

/// How much of an attempt is in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Extent {
    /// All of it so far.
    Recording,
    /// All of it.
    Complete,
    /// A bound was reached: not its end.
    Cut,
}
