//! Children that policies change, and dry runs that are refused. The server is scripted.

use std::sync::Arc as Shared;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tower_test::mock;

use super::*;

/// A cluster whose dry runs answer this, and how often one was asked for.
fn cluster(code: u16, answer: Value) -> (Cluster, Shared<AtomicU32>) {
    let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
    let asked = Shared::new(AtomicU32::new(0));
    let count = Shared::clone(&asked);
    tokio::spawn(async move {
        while let Some((request, reply)) = server.next_request().await {
            assert!(request.uri().query().unwrap_or_default().contains("dryRun=All"));
            count.fetch_add(1, Ordering::AcqRel);
            let body = Body::from(serde_json::to_vec(&answer).unwrap());
            reply.send_response(Response::builder().status(code).body(body).unwrap());
        }
    });
    (Cluster::new(Client::new(service, "default")), asked)
}

fn deployment(image: &str, surge: u32, version: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "namespace": "shop", "name": "orders-primary", "uid": "1", "resourceVersion": version,
            "labels": {"siskin.dev/role": "primary", "injected": "yes"}, "annotations": {},
        },
        "spec": {
            "replicas": 3, "strategy": {"rollingUpdate": {"maxSurge": surge}},
            "template": {"spec": {"containers": [{"name": "worker", "image": image}]}},
        },
    })
}

fn wanted() -> Child {
    let spec = &deployment("docker.io/orders:1", 1, "")["spec"];
    Child {
        labels: [("siskin.dev/role".to_owned(), "primary".to_owned())].into(),
        annotations: std::collections::BTreeMap::new(),
        spec: json!({"strategy": spec["strategy"], "template": spec["template"]}),
    }
}

fn live(value: &Value) -> DynamicObject {
    serde_json::from_value(value.clone()).unwrap()
}

#[tokio::test]
async fn a_child_that_a_policy_rewrites_is_asked_for_once_and_left_alone() {
    // A registry and a strategy of the cluster's own.
    let there = deployment("mirror.local/orders:1", 0, "5");
    let (cluster, asked) = cluster(200, there.clone());
    let defaults = Defaults::default();
    for _ in 0..3 {
        assert!(defaults.accounts_for(&cluster, &live(&there), &wanted()).await);
    }
    let scaled = {
        let mut scaled = deployment("mirror.local/orders:1", 0, "9");
        scaled["spec"]["replicas"] = json!(8);
        scaled
    };
    assert!(defaults.accounts_for(&cluster, &live(&scaled), &wanted()).await);
    assert_eq!(asked.load(Ordering::Acquire), 1, "a count is no other content");
}

#[tokio::test]
async fn what_a_hand_has_changed_is_repaired() {
    let (cluster, _) = cluster(200, deployment("mirror.local/orders:1", 0, "5"));
    let edited = live(&deployment("docker.io/orders:hacked", 0, "6"));
    assert!(!Defaults::default().accounts_for(&cluster, &edited, &wanted()).await);
}

#[tokio::test]
async fn what_came_back_from_a_write_is_not_written_again() {
    // A policy that makes something else of each write: a dry run never gives what is there.
    let (cluster, asked) = cluster(200, deployment("mirror.local/orders:1", 0, "5"));
    let came_back = deployment("mirror.local/orders@sha256:17", 0, "7");
    cluster.taken.note(wanted().made_of(&came_back), true);
    assert!(Defaults::default().accounts_for(&cluster, &live(&came_back), &wanted()).await);
    assert_eq!(asked.load(Ordering::Acquire), 0);
}

#[tokio::test]
async fn a_refused_dry_run_is_no_error_and_an_unanswered_one_repairs_nothing() {
    let denied = |code: u16| json!({"status": "Failure", "code": code, "message": "no"});
    let there = live(&deployment("docker.io/orders:0", 1, "5"));
    let template = &wanted().spec["template"];
    for code in [403, 400, 422] {
        let (cluster, _) = cluster(code, denied(code));
        let defaults = Defaults::default();
        assert!(!defaults.accounts_for(&cluster, &there, &wanted()).await, "{code}");
        let known = KnownTemplate { key: 1, template, rewritten: true };
        assert!(!defaults.account_for(&cluster, &there, known).await.unwrap(), "{code}");
    }
    let (cluster, _) = cluster(503, denied(503));
    assert!(Defaults::default().accounts_for(&cluster, &there, &wanted()).await);
    let known = KnownTemplate { key: 1, template, rewritten: true };
    assert!(Defaults::default().account_for(&cluster, &there, known).await.is_err());
}

/// The answer of a webhook that is away is no answer about the template.
#[tokio::test]
async fn a_webhook_that_is_away_is_asked_again_and_repairs_nothing() {
    let away = json!({"status": "Failure", "code": 500, "message": "Internal error occurred: failed calling webhook \"images.example.com\": connection refused"});
    let (cluster, asked) = cluster(500, away);
    let there = live(&deployment("docker.io/orders:0", 1, "5"));
    let known = KnownTemplate { key: 1, template: &wanted().spec["template"], rewritten: true };
    let defaults = Defaults::default();
    for _ in 0..2 {
        assert!(!defaults.account_for(&cluster, &there, known).await.unwrap());
    }
    assert_eq!(asked.load(Ordering::Acquire), 2, "not remembered");
    assert!(defaults.accounts_for(&cluster, &there, &wanted()).await);
}
