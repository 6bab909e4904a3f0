//! Which pods are read, by which labels and series: what one reading is asked for.
//! Plain data; the questions that follow from it are in `gather`.

use std::sync::Arc;
use std::time::Duration;

use crate::promql::{Scope, TargetLabels};
use crate::reading::Scrapes;
use crate::series::Series;

/// Which pods' metrics are read.
#[derive(Clone, Debug)]
pub struct PodsRequest {
    /// The pods' namespace.
    pub namespace: Arc<str>,
    /// Names of the pods, at most 500. None: nothing is asked.
    pub pods: Vec<Arc<str>>,
    /// The labels that Prometheus puts on what it scrapes.
    pub labels: TargetLabels,
    /// What the pods export.
    pub series: Series,
    /// How often Prometheus scrapes the pods.
    pub interval: Duration,
    /// [`Reading::scrapes`] of the previous reading of these pods; the default for the first one.
    pub previous: Scrapes,
}

impl PodsRequest {
    /// Where the pods' series are looked for.
    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope { namespace: &self.namespace, pods: &self.pods, labels: &self.labels }
    }
}
