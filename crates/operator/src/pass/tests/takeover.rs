//! What a new leader does in the middle of a trial while something beside it can't be read or
//! written. Pods are played by hand: a Deployment is what it is asked to be.

use siskin_api::annotations::command;
use tokio::time::Instant as TokioInstant;

use super::*;
use crate::process::gate::{Epoch, GateKeeper};

const SECRET: &str = "/api/v1/namespaces/shop/secrets/kafka";
const PODS: &str = "/api/v1/namespaces/shop/pods";
const AWAY: &str = "apiserver not ready";
/// Part of every mark of a leader.
const MARK: &str = "siskin.dev~1epoch";

/// A trial of one canary pod beside two of the primary, under its first leader.
pub(super) struct Trial {
    pub(super) server: Server,
    id: String,
}

impl Trial {
    pub(super) async fn under_way(change: impl FnOnce(&mut Value)) -> Self {
        let (server, passes) = Server::start();
        server.change(ROLLOUT, change);
        let passes = Led { server: server.clone(), passes, _keeper: None };
        for _ in 0..12 {
            passes.pass().await;
        }
        assert_eq!(server.status()["phase"], "Initialized", "{}", server.status());
        server.change(X, |it| {
            it["spec"]["template"]["spec"]["containers"][0]["image"] = json!("v:2");
            it["metadata"]["generation"] = json!(2);
        });
        passes.pass().await;
        let id = server.status()["rolloutId"].as_str().expect("an attempt").to_owned();
        let trial = Self { server, id };
        trial.order(command::START);
        for _ in 0..8 {
            passes.pass().await;
        }
        assert_eq!(trial.counts(), [0, 2, 1], "{}", trial.server.status());
        trial
    }

    /// Another process, which has just taken over.
    fn new_leader(&self) -> Led {
        let (keeper, gate) = Gate::shut();
        keeper.open(&Epoch::new(2, "b"), TokioInstant::now() + Duration::from_secs(3_600));
        let (passes, _) = self.server.passes_through(gate);
        Led { server: self.server.clone(), passes, _keeper: Some(keeper) }
    }

    pub(super) fn order(&self, key: &str) {
        self.order_of(key, &self.id);
    }

    fn order_of(&self, key: &str, value: &str) {
        self.server.change(ROLLOUT, |it| {
            it["metadata"]["annotations"][key] = json!(value);
        });
    }

    /// What target, primary and canary are asked to be.
    pub(super) fn counts(&self) -> [i64; 3] {
        [X, PRIMARY, CANARY].map(|it| self.server.count(it).as_i64().unwrap_or(0))
    }
}

/// The passes of one leader.
struct Led {
    server: Server,
    passes: Passes,
    _keeper: Option<GateKeeper>,
}

impl Led {
    async fn pass(&self) -> NextLook {
        let next = pass(&self.passes).await;
        self.server.settle();
        next
    }
}

fn soon(next: NextLook) -> bool {
    matches!(next, NextLook::At { after, .. } if after <= FENCE_AGAIN)
}

#[tokio::test]
async fn an_object_that_refuses_the_mark_of_a_new_leader_holds_what_moves_on_and_keeps_no_canary() {
    for path in [X, PRIMARY, CANARY, ROLLOUT] {
        let trial = Trial::under_way(|_| {}).await;
        let leader = trial.new_leader();
        trial.server.refuse_with(MARK, Some((Method::PATCH, path, 403, DENIED)));
        trial.order_of(command::PROMOTE, &format!("{}/full", trial.id));
        for _ in 0..3 {
            assert!(soon(leader.pass().await), "{path}");
        }
        let image = &trial.server.get(PRIMARY).expect("a primary")["spec"]["template"];
        assert_eq!(
            image["spec"]["containers"][0]["image"], "v:1",
            "{path}: an older write may come"
        );
        assert_eq!(trial.counts(), [0, 2, 1], "{path}");
        trial.order(command::ABORT);
        assert!(soon(leader.pass().await), "{path}");
        assert_eq!(trial.counts(), [0, 3, 0], "{path}");
        assert_eq!(trial.server.status()["phase"], "RollingBack", "{path}");
        leader.passes.memory.refused_for_long(&Name::new("shop", "orders"));
        leader.pass().await;
        assert_eq!(trial.server.status()["phase"], "Failed", "{path}");
    }
}

#[tokio::test]
async fn a_new_leader_marks_each_object_once_and_goes_on() {
    let trial = Trial::under_way(|_| {}).await;
    let leader = trial.new_leader();
    leader.pass().await;
    for path in [ROLLOUT, X, PRIMARY, CANARY] {
        let object = trial.server.get(path).expect("an object");
        assert_eq!(object["metadata"]["annotations"]["siskin.dev/epoch"], "2.b", "{path}");
    }
    let version =
        || trial.server.get(CANARY).expect("a canary")["metadata"]["resourceVersion"].clone();
    let before = version();
    pass(&leader.passes).await;
    pass(&leader.passes).await;
    assert_eq!(version(), before);
    trial.order_of(command::PROMOTE, &format!("{}/full", trial.id));
    for _ in 0..4 {
        leader.pass().await;
    }
    let image = trial.server.get(PRIMARY).expect("a primary")["spec"]["template"].clone();
    assert_eq!(image["spec"]["containers"][0]["image"], "v:2");
}

#[tokio::test]
async fn a_policy_that_takes_the_mark_off_again_is_not_fought() {
    let trial = Trial::under_way(|_| {}).await;
    let leader = trial.new_leader();
    trial.server.0.lock().strips = Some("siskin.dev/epoch");
    trial.order(command::ABORT);
    leader.pass().await;
    assert_eq!(trial.counts(), [0, 3, 0]);
}

#[tokio::test]
async fn a_secret_that_can_not_be_read_keeps_no_canary() {
    let named = json!({"name": "kafka"});
    let trial = Trial::under_way(|it| {
        it["spec"]["analysis"]["kafka"]["credentialsSecretRef"] = named;
    });
    let trial = trial.await;
    trial.order(command::ABORT);
    trial.server.refuse(Some((Method::GET, SECRET, 503, AWAY)));
    let leader = trial.new_leader();
    leader.pass().await;
    assert_eq!(trial.counts(), [0, 3, 0]);
    let all = trial.server.status()["conditions"].as_array().cloned().unwrap_or_default();
    let told = all.iter().find(|it| it["type"] == "SourcesReachable").expect("it is told");
    assert_eq!(told["reason"], "SecretUnread", "{told}");
}

#[tokio::test]
async fn pods_that_can_not_be_listed_stop_no_pass_and_nothing_grows_beside_them() {
    let (server, passes) = Server::start();
    let leader = Led { server: server.clone(), passes, _keeper: None };
    server.change(ROLLOUT, |it| it["spec"]["strategy"]["order"] = json!("DrainFirst"));
    server.refuse(Some((Method::GET, PODS, 503, AWAY)));
    for _ in 0..6 {
        leader.pass().await;
    }
    assert_eq!(server.count(PRIMARY), json!(0), "nobody knows what still runs");
    server.refuse(None);
    for _ in 0..12 {
        leader.pass().await;
    }
    assert_eq!((server.count(X), server.count(PRIMARY)), (json!(0), json!(3)));
}
