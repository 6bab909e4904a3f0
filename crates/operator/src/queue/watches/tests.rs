//! The watches against a scripted API server whose watch of Deployments ends too late to be gone on with.
//! No pass is made.

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

use super::*;
use crate::process::health::Health;

/// A listing of these objects.
fn listed(items: &[Value]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "7"}, "items": items,
    })
}

fn rollout() -> Value {
    json!({
        "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "r", "resourceVersion": "3"},
        "spec": {
            "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 10}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
        },
    })
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "resourceVersion": "4"},
    })
}

/// Deployments before and after the time that the watch has missed; none of its events is told.
fn serve(before: Vec<Value>, after: Vec<Value>) -> Cluster {
    serve_with(before, after, None)
}

/// As [`serve`], with an event of the watch of rollouts.
fn serve_with(before: Vec<Value>, after: Vec<Value>, mut event: Option<Value>) -> Cluster {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let expired = json!({"type": "ERROR", "object": {
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "reason": "Expired", "code": 410, "message": "too old resource version: 7 (9)",
    }});
    tokio::spawn(async move {
        let mut deployments = vec![listed(&after), expired, listed(&before)];
        let mut silent = vec![];
        while let Some((request, reply)) = requests.next_request().await {
            let watches = request.uri().query().is_some_and(|it| it.contains("watch=true"));
            let path = request.uri().path();
            let answer = match (path.rsplit('/').next(), watches) {
                (Some("deployments"), _) => deployments.pop(),
                (Some("canaryrollouts"), false) => Some(listed(&[rollout()])),
                (Some("canaryrollouts"), true) => event.take(),
                (_, false) => Some(listed(&[])),
                (_, true) => None,
            };
            match answer {
                Some(it) => {
                    reply.send_response(Response::new((it.to_string() + "\n").into_bytes().into()));
                }
                // A watch without an event.
                None => silent.push(reply),
            }
        }
    });
    Cluster::new(Client::new(service, "default"))
}

/// Looks that are asked for within a minute because something has changed.
async fn changes(cluster: Cluster) -> Vec<Name> {
    changes_beside(cluster, Shown::default()).await
}

/// As [`changes`], and what the first listing shows is kept there.
async fn changes_beside(cluster: Cluster, shown: Shown) -> Vec<Name> {
    let scope = Scope::new(cluster, None, Readiness::default());
    let (_asks, asked) = mpsc::unbounded_channel();
    let heartbeat = Health::default().task("the queue", Duration::from_secs(60));
    let triggers = Triggers { pods: stream::pending(), asked, heartbeat };
    let names = watch_names(&scope, &Index::default(), shown, triggers);
    let until = tokio::time::sleep(Duration::from_secs(60));
    let changed = names.take_until(until).filter_map(async |it| match it {
        Asked::Look(names, Cause::Change) | Asked::Saw(names, _, ShownAs::Changed) => Some(names),
        Asked::Look(_, Cause::Routine)
        | Asked::Saw(_, _, ShownAs::Listed)
        | Asked::Listed(_)
        | Asked::PodsKnown(_)
        | Asked::Gone(_)
        | Asked::Nothing => None,
    });
    changed.collect::<Vec<_>>().await.concat()
}

#[tokio::test(start_paused = true)]
async fn a_target_or_a_child_that_was_deleted_while_nobody_watched_is_looked_at() {
    let all = ["orders", "orders-primary", "bills"].map(deployment);
    let orders = Name::new("shop", "orders");
    for gone in [0, 1] {
        let mut left = all.to_vec();
        left.remove(gone);
        let asked = changes(serve(all.to_vec(), left)).await;
        assert_eq!(
            asked,
            std::slice::from_ref(&orders),
            "without {}",
            all[gone]["metadata"]["name"]
        );
    }
    assert_eq!(changes(serve(all.to_vec(), all.to_vec())).await, [], "all of them are there");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_changes_after_its_listing_is_not_looked_at_as_it_was_listed() {
    let orders = Name::new("shop", "orders");
    for changed in [false, true] {
        let event = json!({"type": "MODIFIED", "object": rollout()});
        let shown = Shown::default();
        let cluster = serve_with(vec![], vec![], changed.then_some(event));
        let watching = tokio::spawn(changes_beside(cluster, shown.clone()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(shown.is_kept(&orders), !changed);
        watching.abort();
    }
}
