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
use crate::observe::pods::{Pods, Stranger};

/// A list is used for this long: a group with strangers in it is no reason to list at each sample.
const LIST_GOOD_FOR: Duration = Duration::from_secs(30);

/// A list that nobody has renewed for so long is of a group without strangers by now, or of one that is gone.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);

/// Pods taken from one list at most: the smallest clusters' worth, and bounded memory in large
/// ones.
pub const MAX_PODS: u32 = 2_000;

type Listing = (Arc<str>, Result<Vec<Stranger>, CallFailed>);

/// The pods of namespaces in which somebody could not be attributed, those of other rollouts
/// included: two of them may share a group, one for each zone or tier.
pub struct Neighbors {
    cluster: Cluster,
    pods: Pods,
    known: HashMap<Arc<str>, (Instant, Vec<Stranger>)>,
    asked: FuturesUnordered<BoxFuture<'static, Listing>>,
}

impl Neighbors {
    /// No list yet. Rollouts of other namespaces are found in `pods`.
    #[must_use]
    pub fn new(cluster: Cluster, pods: Pods) -> Self {
        Self { cluster, pods, known: HashMap::new(), asked: FuturesUnordered::new() }
    }

    /// Adds the pods of other workloads to `ours`, which are those of `target`: those of other rollouts
    /// as they are now, and the others as they were listed.
    pub(crate) fn beside(
        &self,
        namespace: &str,
        target: &str,
        ours: &[PodIdentity],
    ) -> Vec<PodIdentity> {
        let others = self.known.get(namespace).map_or(&[][..], |(_, pods)| pods.as_slice());
        let rollouts = self.pods.others(namespace, target);
        let listed = strangers(others, target, ours);
        let listed = listed.filter(|it| rollouts.iter().all(|known| known.name != it.name));
        let listed: Vec<_> = listed.collect();
        ours.iter().cloned().chain(rollouts).chain(listed).collect()
    }

    /// Lists the namespace's pods, unless that was done lately.
    pub(crate) fn look(&mut self, namespace: &Arc<str>) {
        let fresh = self.known.get(namespace).is_some_and(|(at, _)| at.elapsed() < LIST_GOOD_FOR);
        if fresh {
            return;
        }
        self.known.retain(|_, (at, _)| at.elapsed() < FORGOTTEN_AFTER);
        // Marked at once, so that one list is under way per namespace, and a failed one waits too.
        let before = self.known.remove(namespace).map(|(_, pods)| pods).unwrap_or_default();
        self.known.insert(namespace.clone(), (Instant::now(), before));
        let (cluster, namespace) = (self.cluster.clone(), namespace.clone());
        let elsewhere = self.pods.elsewhere(&namespace, usize::try_from(MAX_PODS).unwrap_or(0));
        self.asked.push(Box::pin(async move {
            let here = cluster.pods(&namespace, MAX_PODS, Stranger::of).await;
            (namespace, here.map(|here| here.into_iter().chain(elsewhere).collect()))
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

/// Those of `others` that are not the target's: a pod of its own that is gone since the list was
/// made is nobody's neighbor, its member may linger until its session ends.
fn strangers<'a>(
    others: &'a [Stranger],
    target: &'a str,
    ours: &'a [PodIdentity],
) -> impl Iterator<Item = PodIdentity> + 'a {
    let foreign = others.iter().filter(move |it| it.target.as_deref() != Some(target));
    let foreign = foreign.map(|it| &it.identity);
    foreign.filter(move |it| !ours.iter().any(|own| own.name == it.name)).cloned()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;

    use super::*;

    fn pod(name: &str, owner: &str, role: Option<&str>) -> Pod {
        let labels = role.map(|role| serde_json::json!({"siskin.dev/role": role}));
        serde_json::from_value(serde_json::json!({
            "metadata": {
                "name": name,
                "labels": labels,
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": "1",
                }],
            },
            "status": {"phase": "Running", "podIP": "10.0.0.9"},
        }))
        .expect("a pod")
    }

    #[test]
    fn pods_of_another_rollout_are_neighbors_and_those_of_the_own_one_are_not() {
        let pods = [
            pod("orders-b-primary-6d4-x", "orders-b-primary-6d4", Some("primary")),
            pod("orders-b-canary-7c1-y", "orders-b-canary-7c1", Some("canary")),
            pod("billing-66f7-q", "billing-66f7", None),
            pod("orders-a-primary-5b2-gone", "orders-a-primary-5b2", Some("primary")),
        ];
        let others: Vec<_> = pods.iter().filter_map(Stranger::of).collect();
        let known: Vec<_> = strangers(&others, "orders-a", &[]).collect();
        let names: Vec<_> = known.iter().map(|it| &*it.name).collect();
        assert_eq!(names, ["orders-b-primary-6d4-x", "orders-b-canary-7c1-y", "billing-66f7-q"]);
        assert!(known.iter().all(|it| it.role.is_none()), "external, whatever their role there");
    }
}
