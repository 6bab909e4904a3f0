//! What the operator asks of the API server, against what `config/rbac` grants it: every right is used, and no other is.
//! The program is the real one; the server is in memory, and answers whatever it is asked.

mod granted;
mod sampler;

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use siskin_api_server::{Right, Server};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const X: &str = "/apis/apps/v1/namespaces/shop/deployments/orders";
const ROLLOUTS: &str = "/apis/siskin.dev/v1alpha1/namespaces/shop/canaryrollouts";
const HPA: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/orders";
const SCALED_OBJECT: &str = "/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects/carts";
const RANGES: &str = "/api/v1/namespaces/shop/configmaps/carts-replay-ranges";
const GUARD: &str = "/apis/siskin.dev/v1alpha1/namespaces/shop/canaryguards/siskin-guard";

/// Longest wait for what takes some seconds on a machine with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Pause between two looks.
const LOOKS_EVERY: Duration = Duration::from_millis(50);

/// The operator; it ends with the test.
struct Operator(Child);

impl Drop for Operator {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn start(server: &Server) -> Operator {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let kubeconfig = folder.join(format!("rights-{}.yaml", std::process::id()));
    std::fs::write(&kubeconfig, server.kubeconfig("shop").to_string()).expect("a kubeconfig");
    let mut command = Command::new(env!("CARGO_BIN_EXE_siskin-operator"));
    command.args(["--admin-address", "127.0.0.1:0", "--log-level", "error"]);
    command.env("KUBECONFIG", kubeconfig).stdin(Stdio::null());
    Operator(command.spawn().expect("the operator starts"))
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "worker", "image": "v:1"}]},
        }},
    })
}

/// It names a Secret; nobody answers at its Kafka.
fn rollout(name: &str) -> Value {
    json!({
        "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "targetRef": {"name": name}, "strategy": {"steps": [{"weight": 10}]},
            "analysis": {"kafka": {
                "bootstrapServers": ["127.0.0.1:1"], "consumerGroup": name,
                "credentialsSecretRef": {"name": "kafka"},
            }},
        },
    })
}

fn reference(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name})
}

/// Two Deployments, each with an autoscaler of another kind.
fn seed(server: &Server) {
    server.put(
        "/api/v1/namespaces/shop",
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    );
    let login =
        json!({"username": "YQ==", "password": "YQ==", "sasl.mechanism": "U0NSQU0tU0hBLTI1Ng=="});
    server.put(
        "/api/v1/namespaces/shop/secrets/kafka",
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kafka", "namespace": "shop"}, "data": login}),
    );
    for name in ["orders", "carts"] {
        server.put(&format!("{DEPLOYMENTS}/{name}"), deployment(name));
    }
    server.put(
        HPA,
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "orders", "namespace": "shop"},
            "spec": {"scaleTargetRef": reference("orders"), "minReplicas": 1, "maxReplicas": 9},
        }),
    );
    server.put(
        SCALED_OBJECT,
        json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": "carts", "namespace": "shop"},
            "spec": {"scaleTargetRef": reference("carts"), "triggers": []},
        }),
    );
}

async fn until(what: &str, server: &Server, so: impl Fn(&Server) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so(server) {
        assert!(Instant::now() < deadline, "{what}: {:#?}", server.rollouts());
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}

fn all_are(server: &Server, phase: &str) -> bool {
    server.rollouts().iter().all(|it| it["status"]["phase"] == phase)
}

/// From two adoptions to two hand-backs; in between somebody scales a target that has an autoscaler, again and again.
async fn live(server: &Server) {
    // One after the other: the guard of the namespace is made for the first one, and changed for the second.
    for (name, targets) in [("orders", 1), ("carts", 2)] {
        server.put(&format!("{ROLLOUTS}/{name}"), rollout(name));
        until("it is adopted and guarded", server, |it| {
            let guard = it.get(GUARD).unwrap_or_default();
            let guarded = guard["spec"]["targets"].as_object().map_or(0, serde_json::Map::len);
            guarded == targets && all_are(it, "Initialized")
        })
        .await;
    }
    let told_again = Right {
        verb: "patch".to_owned(),
        group: "events.k8s.io".to_owned(),
        resource: "events".to_owned(),
    };
    // The second time by the same Event, unless the rollout was written in between.
    for _ in 0..20 {
        if server.used().contains(&told_again) {
            break;
        }
        server.change(X, |it| it["spec"]["replicas"] = json!(5));
        until("it is drained", server, |it| {
            it.get(X).is_some_and(|it| it["spec"]["replicas"] == 0)
        })
        .await;
    }
    try_a_version(server).await;
    for name in ["orders", "carts"] {
        server.delete(&format!("{ROLLOUTS}/{name}"));
    }
    until("both are handed back", server, |it| it.rollouts().is_empty() && it.get(GUARD).is_none())
        .await;
}

/// A trial that a person starts, since nobody answers at its Kafka, and a revert: its replay ranges are kept.
async fn try_a_version(server: &Server) {
    let (carts, target) = (format!("{ROLLOUTS}/carts"), format!("{DEPLOYMENTS}/carts"));
    let set_image = |image: &str| {
        server.change(&target, |it| {
            it["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        });
    };
    set_image("v:2");
    let phase = |it: &Server| it.get(&carts).unwrap_or_default()["status"]["phase"].clone();
    until("it waits for its preflight", server, |it| phase(it) == "Preparing").await;
    let id = server.get(&carts).unwrap_or_default()["status"]["rolloutId"].clone();
    server.change(&carts, |it| it["metadata"]["annotations"]["siskin.dev/start"] = id);
    until("its ranges are kept", server, |it| it.get(RANGES).is_some()).await;
    set_image("v:1");
    until("it is reverted", server, |it| phase(it) == "Initialized").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_uses_every_right_that_it_has_and_no_other() {
    let server = Server::start().await;
    seed(&server);
    let operator = start(&server);
    live(&server).await;
    drop(operator);
    let (granted, used) = (granted::to_the_operator(), server.used());
    let left = |some: &BTreeSet<Right>, others: &BTreeSet<Right>| -> Vec<String> {
        some.difference(others).map(ToString::to_string).collect()
    };
    assert_eq!(left(&granted, &used), [""; 0], "granted by config/rbac, and used by no code");
    assert_eq!(left(&used, &granted), [""; 0], "used, and not granted by config/rbac");
}
