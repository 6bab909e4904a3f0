//! Pods that no watch has: those of other workloads of a namespace, and those of a target that are on their way out.
//! Listed page by page: the whole pods of one page are what is in memory at a time.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams};
use kube::core::{Expression, Selector};
use siskin_api::annotations::ROLE;

use crate::cluster::calls::{CallFailed, Cluster, call, page, parted};

/// Pods of a page: a pod with sidecars and their managed fields has some 20 KB.
const PAGE: u32 = 100;

impl Cluster {
    /// What `keep` makes of the pods of a namespace, of whatever workload, so many at most.
    pub(crate) async fn pods<T>(
        &self,
        namespace: &str,
        most: u32,
        keep: impl Fn(&Pod) -> Option<T>,
    ) -> Result<Vec<T>, CallFailed> {
        let which = ListParams::default().limit(most);
        self.pods_of(namespace, &which, || format!("Pods of {namespace}"), keep).await
    }

    /// Pods of a target that are being deleted, its children's left out: they are watched.
    pub(crate) async fn terminating_of(
        &self,
        namespace: &str,
        target: &DynamicObject,
    ) -> Result<u32, CallFailed> {
        let selector = serde_json::from_value(target.data["spec"]["selector"].clone()).ok();
        let selector = selector.and_then(|it: LabelSelector| Selector::try_from(it).ok());
        let Some(mut selector) = selector else { return Ok(0) };
        selector.extend([Expression::DoesNotExist(ROLE.into())]);
        let of_it = ListParams::default().labels_from(&selector);
        let what = || format!("Pods of {}", target.name_any());
        let leaving = self.pods_of(namespace, &of_it, what, leaves).await?;
        Ok(u32::try_from(leaving.len()).unwrap_or(u32::MAX))
    }

    /// The limit of `which` is of all pages together.
    async fn pods_of<T>(
        &self,
        namespace: &str,
        which: &ListParams,
        what: impl Fn() -> String,
        keep: impl Fn(&Pod) -> Option<T>,
    ) -> Result<Vec<T>, CallFailed> {
        let api = self.all::<Pod>(Some(namespace));
        let most = which.limit.unwrap_or(u32::MAX);
        let (mut kept, mut listed, mut next) = (Vec::new(), 0_u32, None::<String>);
        loop {
            let some = which.clone().limit(PAGE.min(most - listed));
            let found = call("list", &what, api.list(&page(some, next.as_deref()))).await?;
            let (pods, following) = parted(found);
            kept.extend(pods.iter().filter_map(&keep));
            listed = listed.saturating_add(u32::try_from(pods.len()).unwrap_or(u32::MAX));
            next = following;
            if next.is_none() || most <= listed {
                return Ok(kept);
            }
        }
    }
}

/// A pod that is being deleted and still runs.
fn leaves(pod: &Pod) -> Option<()> {
    let phase = pod.status.as_ref().and_then(|it| it.phase.as_deref());
    let runs = !matches!(phase, Some("Succeeded" | "Failed"));
    (pod.metadata.deletion_timestamp.is_some() && runs).then_some(())
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use tower_test::mock;

    use super::*;

    /// A server with 250 pods, a hundred on a page at most, of which each third is being deleted.
    fn cluster() -> Cluster {
        let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
        tokio::spawn(async move {
            while let Some((request, reply)) = server.next_request().await {
                let query = request.uri().query().unwrap_or_default().to_owned();
                let value = |key: &str| {
                    query.split('&').find_map(|it| it.strip_prefix(key)?.strip_prefix('='))
                };
                let limit: usize = value("limit").expect("a page").parse().expect("a number");
                let from: usize = value("continue").map_or(0, |it| it.parse().expect("a number"));
                let to = (from + limit.min(100)).min(250);
                let pods = (from..to).map(|it| {
                    let deleted = (it % 3 == 0).then_some("2026-01-01T00:00:00Z");
                    json!({"metadata": {"name": format!("p{it}"), "deletionTimestamp": deleted}})
                });
                let next = if to < 250 { to.to_string() } else { String::new() };
                let list = json!({
                    "kind": "PodList", "apiVersion": "v1",
                    "metadata": {"continue": next}, "items": pods.collect::<Vec<_>>(),
                });
                let body = Body::from(list.to_string().into_bytes());
                reply.send_response(Response::new(body));
            }
        });
        Cluster::new(Client::new(service, "default"))
    }

    #[tokio::test]
    async fn pods_come_page_by_page_up_to_what_was_asked_for() {
        let cluster = cluster();
        let name = |it: &Pod| Some(it.name_any());
        assert_eq!(cluster.pods("shop", 2_000, name).await.expect("pods").len(), 250);
        assert_eq!(cluster.pods("shop", 130, name).await.expect("pods").len(), 130);
        let target = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"},
            "spec": {"selector": {"matchLabels": {"app": "orders"}}},
        });
        let target = serde_json::from_value(target).expect("a Deployment");
        assert_eq!(cluster.terminating_of("shop", &target).await.expect("pods"), 84);
    }
}
