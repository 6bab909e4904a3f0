//! Pods of other workloads, listed only when a member of a group matches none of ours: whoever is
//! provably on such a pod is external, not a gap in our knowledge. Nothing is watched for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use siskin_kafka::PodIdentity;

use crate::cluster::calls::{CallFailed, Cluster};
use crate::observe::pods;

/// A list is used for this long: a group with strangers in it is no reason to list at each sample.
const LIST_GOOD_FOR: Duration = Duration::from_secs(30);

/// Pods taken from one list at most: the smallest clusters' worth, and bounded memory in large
/// ones.
pub const MAX_PODS: u32 = 2_000;

type Listing = (Arc<str>, Result<Vec<PodIdentity>, CallFailed>);

/// The pods of namespaces in which somebody could not be attributed.
pub struct Neighbors {
    cluster: Cluster,
    known: HashMap<Arc<str>, (Instant, Vec<PodIdentity>)>,
    asked: FuturesUnordered<BoxFuture<'static, Listing>>,
}

impl Neighbors {
    /// No list yet.
    #[must_use]
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, known: HashMap::new(), asked: FuturesUnordered::new() }
    }

    /// Adds the pods of other workloads of the namespace to `ours`.
    pub(crate) fn beside(&self, namespace: &str, ours: &[PodIdentity]) -> Vec<PodIdentity> {
        let others = self.known.get(namespace).map_or(&[][..], |(_, pods)| pods.as_slice());
        let strangers = others.iter().filter(|it| !ours.iter().any(|own| own.name == it.name));
        ours.iter().chain(strangers).cloned().collect()
    }

    /// Lists the namespace's pods, unless that was done lately.
    pub(crate) fn look(&mut self, namespace: &Arc<str>) {
        let fresh = self.known.get(namespace).is_some_and(|(at, _)| at.elapsed() < LIST_GOOD_FOR);
        if fresh {
            return;
        }
        // Marked at once, so that one list is under way per namespace, and a failed one waits too.
        let before = self.known.remove(namespace).map(|(_, pods)| pods).unwrap_or_default();
        self.known.insert(namespace.clone(), (Instant::now(), before));
        let (cluster, namespace) = (self.cluster.clone(), namespace.clone());
        self.asked.push(Box::pin(async move {
            let found = cluster.pods(&namespace, MAX_PODS).await;
            (namespace, found.map(|all| all.iter().filter_map(pods::stranger).collect()))
        }));
    }

    /// Waits for a list that was asked for and takes it in; for ever when none was.
    pub(crate) async fn listed(&mut self) {
        match self.asked.next().await {
            Some((namespace, Ok(pods))) => {
                self.known.insert(namespace, (Instant::now(), pods));
            }
            Some((namespace, Err(error))) => {
                tracing::warn!(%namespace, %error, "members of a group can't be told from strangers");
            }
            None => std::future::pending().await,
        }
    }
}
