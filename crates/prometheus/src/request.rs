//! Which pods are read, by which labels and series: what one reading is asked for.
//! Plain data; the questions that follow from it are in `gather`.

use std::sync::Arc;
use std::time::Duration;

use crate::promql::{Scope, TargetLabels};
use crate::reading::Scrapes;
use crate::series::Series;

/// Pods whose metrics are read, and how to find these.
#[derive(Clone, Debug)]
pub struct PodsRequest {
    /// The pods' namespace.
    pub namespace: Arc<str>,
    /// Names of the pods, at most 500; without any, nothing is asked.
    pub pods: Vec<Arc<str>>,
    /// The labels that Prometheus puts on what it scrapes.
    pub labels: TargetLabels,
    /// Series that the pods export.
    pub series: Series,
    /// How often Prometheus scrapes the pods.
    pub interval: Duration,
    /// [`Reading::scrapes`](crate::reading::Reading::scrapes) of the previous reading of these
    /// pods; the default for the first one.
    pub previous: Scrapes,
}

impl PodsRequest {
    /// Scope of the pods' series in PromQL.
    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope { namespace: &self.namespace, pods: &self.pods, labels: &self.labels }
    }
}
