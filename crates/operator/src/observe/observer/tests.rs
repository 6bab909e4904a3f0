//! The order that follows from the target's own strategy, and its pods on their way out where its
//! controller does not count them. The server is scripted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use siskin_decide::testing::{PROMOTED, at_rest, progressing, workload};
use tower_test::mock;

use super::*;
use crate::observe::sight::Sight;

fn deployment(spec: &Value, status: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "orders", "namespace": "shop"}, "spec": spec, "status": status,
    }))
    .expect("a Deployment")
}

fn rollout(strategy: &Value) -> CanaryRollout {
    serde_json::from_value(json!({
        "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
        "metadata": {"namespace": "shop", "name": "orders"},
        "spec": {
            "targetRef": {"name": "orders"}, "strategy": strategy,
            "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
        },
    }))
    .expect("a CanaryRollout")
}

fn order_of(strategy: &Value, asked: &Value) -> Order {
    let live = Live {
        target: Some(deployment(&json!({"replicas": 3, "strategy": strategy}), &Value::Null)),
        ..Live::default()
    };
    let mut spec = json!({"steps": [{"weight": 10}]});
    if !asked.is_null() {
        spec["order"] = asked.clone();
    }
    plan(&rollout(&spec), &live, &at_rest().state).order
}

#[test]
fn a_target_that_never_surges_drains_first_unless_its_user_says_otherwise() {
    let rolling = |surge: Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 1}});
    let recreate = json!({"type": "Recreate"});
    for never in [recreate.clone(), rolling(json!(0)), rolling(json!("0%"))] {
        assert_eq!(order_of(&never, &Value::Null), Order::DrainFirst, "{never}");
        assert_eq!(order_of(&never, &json!("SurgeFirst")), Order::SurgeFirst, "{never}");
    }
    for surges in [json!({}), rolling(json!(1)), rolling(json!("1%"))] {
        assert_eq!(order_of(&surges, &Value::Null), Order::SurgeFirst, "{surges}");
        assert_eq!(order_of(&surges, &json!("DrainFirst")), Order::DrainFirst, "{surges}");
    }
    // While the target is missing its primary has its shape.
    let primary = deployment(&json!({"replicas": 3, "strategy": recreate}), &Value::Null);
    let live = Live { primary: Some(primary), ..Live::default() };
    let spec = json!({"steps": [{"weight": 10}]});
    assert_eq!(plan(&rollout(&spec), &live, &at_rest().state).order, Order::DrainFirst);
}

#[test]
fn an_attempt_follows_the_plan_that_it_began_with() {
    let mut rollout = rollout(&json!({"steps": [{"weight": 10}]}));
    let frozen = FrozenPlan { order: Order::DrainFirst, ..rollout.spec.freeze(Order::SurgeFirst) };
    let state = progressing().state;
    let mut progress = persisted::write(&state, Timestamp::UNIX_EPOCH).expect("a progress");
    progress.plan = Some(frozen.clone());
    rollout.status =
        Some(siskin_api::CanaryRolloutStatus { progress: Some(progress), ..Default::default() });
    assert_eq!(plan(&rollout, &Live::default(), &state), frozen);
    assert_ne!(plan(&rollout, &Live::default(), &at_rest().state), frozen);
}

/// A cluster whose pods are these, and how often it was asked; without pods it gives no answer.
fn observer(pods: Option<Value>) -> (Observer, Arc<AtomicU32>) {
    let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Some((request, reply)) = server.next_request().await {
            assert!(request.uri().path().ends_with("/namespaces/shop/pods"), "{}", request.uri());
            let query = request.uri().query().unwrap_or_default();
            assert!(query.contains("%21siskin.dev%2Frole"), "without the children's: {query}");
            count.fetch_add(1, Ordering::AcqRel);
            let (code, answer) = match &pods {
                Some(items) => (200, json!({"metadata": {}, "items": items})),
                None => (503, json!({"status": "Failure", "code": 503, "message": "away"})),
            };
            let body = Body::from(serde_json::to_vec(&answer).expect("JSON"));
            reply.send_response(Response::builder().status(code).body(body).expect("a response"));
        }
    });
    let cluster = Cluster::new(Client::new(service, "default"));
    let autoscalers = Autoscalers::new(cluster.clone(), None);
    let observer =
        Observer::new(cluster, Pods::new(Sight::default()), Index::default(), autoscalers);
    (observer, asked)
}

/// Pods of a target at 1 of 3 that leave, and how often they were asked for.
async fn leaving(status: &Value, pods: Option<Value>) -> (u32, u32) {
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": "orders"}}});
    let live = Live { target: Some(deployment(&spec, status)), ..Live::default() };
    let (observer, asked) = observer(pods);
    let mut target = at_rest().target.expect("a target");
    target.workload = workload(PROMOTED, 1);
    let name = Name::new("shop", "orders");
    let target = observer.with_leaving(&name, target, &live).await;
    (target.workload.terminating, asked.load(Ordering::Acquire))
}

#[tokio::test]
async fn pods_of_the_target_that_leave_are_counted_where_its_controller_does_not() {
    let pod = |name: &str, deleted: bool, phase: &str| {
        let at = deleted.then_some("2026-11-28T00:00:00Z");
        json!({"metadata": {"name": name, "deletionTimestamp": at}, "status": {"phase": phase}})
    };
    let pods = json!([
        pod("stays", false, "Running"),
        pod("leaves", true, "Running"),
        pod("starts-and-leaves", true, "Pending"),
        pod("has-ended", true, "Succeeded"),
    ]);
    assert_eq!(leaving(&json!({"replicas": 1}), Some(pods.clone())).await, (2, 1));
    let counted = json!({"replicas": 1, "terminatingReplicas": 0});
    assert_eq!(leaving(&counted, Some(pods)).await, (0, 0), "its controller counts them");
    assert_eq!(leaving(&json!({"replicas": 1}), None).await, (1, 1), "as many as it may have had");
}
