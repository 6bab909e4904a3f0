//! What is said of a plan that is refused halfway. The server is scripted: it has the rollout only.
//! What each effect writes is seen in the test bed.

use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use kube::{Client, ResourceExt};
use serde_json::json;
use siskin_api::{CanaryRollout, CanaryRolloutStatus};
use siskin_decide::{Names, State};
use tower_test::mock;

use super::*;
use crate::cluster::calls::Cluster;
use crate::name::Name;
use crate::observe::autoscalers::AutoscaledBy;
use crate::observe::parse;
use crate::observe::pods::PodsOfTarget;
use crate::observe::world::{Blocked, Live};
use crate::process::gate::Gate;
use crate::process::metrics::Metrics;

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
        target_absent_for: SignedDuration::ZERO,
        primary: None,
        canary: None,
        namespace_terminating: false,
        blocked: Blocked::default(),
        first_look: Timestamp::MIN,
        autoscaled: AutoscaledBy::Nobody,
        autoscaler_on_rollout: false,
        rollout,
    }
}

#[tokio::test]
async fn a_refused_effect_is_named_and_none_after_it_is_made() {
    let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
    let cluster = Cluster::new(Client::new(service, "default"));
    let writer = Writer::new(cluster, Gate::open("me"), Metrics::new());
    let world = world();
    let (first, second) = (Effect::AddFinalizer, Effect::Target { replicas: 2 });
    let effects = vec![first.clone(), second.clone(), Effect::RemoveFinalizer];
    let plan = Plan::to(State::Adopting, effects);
    let serve = async {
        let (_, reply) = server.next_request().await.unwrap();
        let mut written = json!(world.rollout);
        written["metadata"]["resourceVersion"] = json!("8");
        let body = Body::from(serde_json::to_vec(&written).unwrap());
        reply.send_response(Response::new(body));
    };
    let (applied, ()) = tokio::join!(writer.apply(&world, &plan), serve);
    assert_eq!(applied.made, [first]);
    let refused = applied.refused.as_ref().unwrap();
    assert_eq!(refused.effect, second);
    assert!(matches!(refused.why, ApplyFailed::Gone("the target")), "{}", refused.why);
    assert_eq!(applied.rollout_version.as_deref(), Some("8"));
    assert_eq!(world.rollout.resource_version().as_deref(), Some("7"), "as it was read");
    writer.record(&world, &applied, CanaryRolloutStatus::default()).await.unwrap();
    assert!(applied.finish().is_err(), "the pass ends with it, and no status was written");
}
