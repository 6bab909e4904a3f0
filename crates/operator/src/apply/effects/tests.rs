//! What is made and said of a plan of which something is refused. The server is scripted.
//! What each effect writes is seen in the test bed.

use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use kube::core::DynamicObject;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use siskin_api::{CanaryRollout, CanaryRolloutStatus};
use siskin_decide::{Names, Revision, State, WriteScope, testing};
use tower_test::mock::{self, Handle};

use super::*;
use crate::cluster::calls::Cluster;
use crate::name::Name;
use crate::observe::parse;
use crate::observe::pods::PodsOfTarget;
use crate::observe::scaling::Scaling;
use crate::observe::world::{Blocked, Live};
use crate::process::gate::Gate;
use crate::process::metrics::Metrics;
use crate::workloads::children::Family;
use crate::workloads::template::Restarts;

/// A rollout without a finalizer, whose target is gone.
pub(crate) fn world() -> World {
    let rollout: CanaryRollout = serde_json::from_value(json!({
        "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
        "metadata": {"namespace": "shop", "name": "orders", "resourceVersion": "7"},
        "spec": {
            "targetRef": {"name": "orders"},
            "strategy": {"steps": [{"weight": 10}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
        },
    }))
    .unwrap();
    let plan = rollout.spec.freeze(siskin_api::Order::SurgeFirst);
    World {
        name: Name::new("shop", "orders"),
        seen_at: Timestamp::UNIX_EPOCH,
        uid: "1".into(),
        live: Live::default(),
        family: None,
        pods: PodsOfTarget::default(),
        pods_unseen_for: None,
        state: State::Adopting,
        spec_errors: Vec::new(),
        strategy: parse::strategy(&plan),
        plan,
        asked: Vec::new(),
        names: Names::Ours,
        target: None,
        doubt: None,
        target_absent_for: SignedDuration::ZERO,
        primary: None,
        canary: None,
        namespace_terminating: false,
        blocked: Blocked::default(),
        first_look: Timestamp::MIN,
        scaling: Scaling::NONE,
        rollout,
    }
}

/// A child as the API server has it: ours, on this revision, at this count.
fn child(role: &str, revision: Revision, replicas: u32) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "namespace": "shop", "name": format!("orders-{role}"), "resourceVersion": "5",
            "labels": {"siskin.dev/target": "orders", "siskin.dev/role": role},
            "annotations": {"siskin.dev/revision": revision.to_string()},
        },
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "orders"}},
            "template": {"spec": {"containers": [{"name": "worker", "image": "v:1"}]}}},
    }))
    .unwrap()
}

/// A trial of `NEXT`: primary at 3, canary at 1. No template is frozen.
fn on_trial() -> (World, Observed) {
    let seen = testing::progressing();
    let mut world = world();
    world.state = seen.state;
    world.live.primary = Some(child("primary", testing::PROMOTED, 3));
    world.live.canary = Some(child("canary", testing::NEXT, 1));
    world.primary.clone_from(&seen.primary);
    world.canary.clone_from(&seen.canary);
    world.family = Some(Family {
        target: "orders".to_owned(),
        identity: siskin_api::PodIdentity::None.into(),
        restarts: Restarts::default(),
        order: seen.strategy.order,
        max_consumers: None,
        own: seen.primary.as_ref().unwrap().strategy,
        total: 4,
        labels: std::collections::BTreeMap::new(),
        spec: world.live.primary.as_ref().unwrap().data["spec"].clone(),
    });
    (world, seen)
}

fn set_up() -> (Writer, Handle<Request<Body>, Response<Body>>) {
    let (service, server) = mock::pair::<Request<Body>, Response<Body>>();
    let cluster = Cluster::new(Client::new(service, "default"));
    (Writer::new(cluster, Gate::open("me"), Metrics::new()), server)
}

/// One request: its path, and its body.
type Sent = (String, Value);

/// Answers each request by `answer`, code and body, until the client is gone.
async fn serve(
    mut server: Handle<Request<Body>, Response<Body>>,
    answer: impl Fn(&str) -> (u16, Value),
) -> Vec<Sent> {
    let mut all = vec![];
    while let Some((request, reply)) = server.next_request().await {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let body = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap();
        let (code, answered) = answer(&path);
        let answered = Body::from(serde_json::to_vec(&answered).unwrap());
        reply.send_response(Response::builder().status(code).body(answered).unwrap());
        all.push((path, body));
    }
    all
}

fn no(code: u16, message: &str) -> (u16, Value) {
    (code, json!({"kind": "Status", "status": "Failure", "code": code, "message": message}))
}

fn patched<'a>(sent: &'a [Sent], name: &str) -> Option<&'a Value> {
    sent.iter().find(|(path, _)| path.ends_with(name)).map(|(_, body)| body)
}

/// A plan made against a server that refuses what `refuses` says, and the status recorded.
async fn carried_out(
    world: World,
    seen: &Observed,
    plan: &Plan,
    refuses: impl Fn(&str) -> Option<(u16, Value)>,
) -> (Applied, Vec<Sent>) {
    let (writer, server) = set_up();
    let rollout = json!(world.rollout);
    let (primary, canary) = (json!(world.live.primary), json!(world.live.canary));
    let answers = serve(server, |path| {
        refuses(path).unwrap_or_else(|| {
            let object = if path.ends_with("-primary") {
                &primary
            } else if path.ends_with("-canary") {
                &canary
            } else {
                &rollout
            };
            (200, object.clone())
        })
    });
    let act = async move {
        let applied = writer.apply(&world, seen, plan, &[]).await;
        writer.record(&world, &applied, &CanaryRolloutStatus::default()).await.unwrap();
        applied
    };
    tokio::join!(act, answers)
}

#[tokio::test]
async fn a_lost_template_stops_no_rollback_and_the_status_is_written() {
    let (world, seen) = on_trial();
    let facts = seen.primary.as_ref().unwrap().facts.clone();
    let plan = Plan::to(
        testing::rolling_back().state,
        vec![
            Effect::Refreeze { revision: testing::PROMOTED },
            Effect::Canary { revision: testing::NEXT, replicas: 0, scope: WriteScope::Whole },
            Effect::Primary {
                revision: testing::PROMOTED,
                replicas: 4,
                facts,
                scope: WriteScope::Whole,
            },
        ],
    );
    let (applied, sent) = Box::pin(carried_out(world, &seen, &plan, |_| None)).await;
    assert_eq!(applied.made, plan.effects[1..]);
    let [refused] = &applied.refused[..] else { panic!("{applied:?}") };
    assert_eq!(refused.reason, RefusalReason::TemplateLost, "{}", refused.told);
    let carried = applied.carried_out(&plan, &seen, testing::NOW);
    assert_eq!(carried.next, plan.next, "the canary is going");
    let primary = patched(&sent, "orders-primary").unwrap().to_string();
    assert!(primary.contains(r#""/spec/replicas","value":4"#), "{primary}");
    assert!(!primary.contains("/spec/template"), "its pods are left alone: {primary}");
    assert!(sent.last().unwrap().0.ends_with("/orders/status"), "{sent:?}");
}

#[tokio::test]
async fn each_role_is_written_where_the_other_is_refused() {
    let facts = on_trial().1.primary.unwrap().facts;
    let both = vec![
        Effect::Canary { revision: testing::NEXT, replicas: 0, scope: WriteScope::Whole },
        Effect::Primary {
            revision: testing::PROMOTED,
            replicas: 4,
            facts,
            scope: WriteScope::Whole,
        },
    ];
    let plan = Plan::to(testing::rolling_back().state, both);
    for (name, index) in [("orders-canary", 0), ("orders-primary", 1)] {
        let (world, seen) = on_trial();
        let denied = r#"admission webhook "policy.example.com" denied the request: frozen"#;
        let answer = |path: &str| path.ends_with(name).then(|| no(403, denied));
        let (applied, sent) = Box::pin(carried_out(world, &seen, &plan, answer)).await;
        assert_eq!(applied.made, [plan.effects[1 - index].clone()]);
        let [refused] = &applied.refused[..] else { panic!("{applied:?}") };
        assert_eq!(refused.effect, plan.effects[index]);
        assert_eq!(refused.told, format!("could not patch Deployment {name}: {denied}"));
        assert_eq!(sent.len(), 3, "both, and the status");
    }
}

#[tokio::test]
async fn an_api_server_that_is_away_stops_the_pass_and_no_status_is_written() {
    let (world, seen) = on_trial();
    let canary = Effect::Canary { revision: testing::NEXT, replicas: 0, scope: WriteScope::Whole };
    let plan = Plan::to(testing::rolling_back().state, vec![canary, Effect::AddFinalizer]);
    for error in [no(503, "apiserver not ready"), no(409, "the object has been modified")] {
        let (world, answer) = (world.clone(), |_: &str| Some(error.clone()));
        let (applied, sent) = Box::pin(carried_out(world, &seen, &plan, answer)).await;
        assert_eq!((applied.made.len(), applied.refused.len(), sent.len()), (0, 0, 1));
        assert!(applied.finish().is_err(), "the pass is tried again");
    }
}

#[tokio::test]
async fn a_conflict_ends_the_plan_where_it_stands() {
    let (writer, server) = set_up();
    let world = world();
    let (first, second) = (Effect::AddFinalizer, Effect::Target { replicas: 2 });
    let effects = vec![first.clone(), second.clone(), Effect::RemoveFinalizer];
    let plan = Plan::to(State::Adopting, effects);
    let mut written = json!(world.rollout);
    written["metadata"]["resourceVersion"] = json!("8");
    let seen = testing::adopting();
    let act = async {
        let writer = writer;
        let applied = writer.apply(&world, &seen, &plan, &[]).await;
        writer.record(&world, &applied, &CanaryRolloutStatus::default()).await.unwrap();
        applied
    };
    let (applied, sent) = tokio::join!(act, serve(server, |_| (200, written.clone())));
    assert_eq!((&applied.made[..], sent.len()), (&[first][..], 1), "no status was written");
    assert!(matches!(applied.stopped, Some(ApplyFailed::Gone("the target"))), "{applied:?}");
    assert_eq!(applied.rollout_version.as_deref(), Some("8"));
    assert_eq!(world.rollout.resource_version().as_deref(), Some("7"), "as it was read");
    assert!(applied.finish().is_err(), "the pass ends with it");
}
