//! The doctor against a cluster: what it reads, what it may not read, and its exit codes.
//! What follows from what was read is a table of its own, beside the code.

use serde_json::{Value, json};
use siskin_api::Crd;
use siskin_api_server::Server;

use crate::cluster::{Cluster, DEPLOYMENT, ROLLOUT, condition, on_trial};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/siskin-system/leases/siskin-operator";
const POD: &str = "/api/v1/namespaces/siskin-system/pods/siskin-6d5f";
const SECRET: &str = "/api/v1/namespaces/shop/secrets/kafka";

/// Both definitions, an operator that is ready and leads, and no policy.
pub(crate) fn install(server: &Server) {
    for kind in Crd::ALL {
        let mut crd = serde_json::to_value(kind.definition()).expect("JSON");
        let condition =
            json!({"type": "Established", "status": "True", "reason": "a", "message": ""});
        crd["status"] = json!({"conditions": [condition]});
        let name = crd["metadata"]["name"].as_str().expect("a name").to_owned();
        server.put(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"), crd);
    }
    server.put(
        POD,
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": "siskin-6d5f", "namespace": "siskin-system",
                "labels": {"app.kubernetes.io/name": "siskin"},
            },
            "spec": {
                "serviceAccountName": "siskin",
                "containers": [{"name": "siskin", "image": "r.example/siskin@sha256:00"}],
            },
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }),
    );
    // Renewed long ago by the clock of the tests: it is looked at twice.
    server.put(
        LEASE,
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "siskin-operator", "namespace": "siskin-system"},
            "spec": {"holderIdentity": "siskin-6d5f_0badcafe", "leaseDurationSeconds": 15, "renewTime": renewal(0)},
        }),
    );
}

fn renewal(second: usize) -> Value {
    json!(format!("2026-01-01T00:00:{:02}.000000Z", second % 60))
}

/// Renews the Lease while something runs, as a leader with another clock does.
fn renewing<T>(server: &Server, runs: impl FnOnce() -> T) -> T {
    let (done, over) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let pause = std::time::Duration::from_millis(500);
            for second in 1.. {
                if over.recv_timeout(pause) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    return;
                }
                server.change(LEASE, |it| it["spec"]["renewTime"] = renewal(second));
            }
        });
        let outcome = runs();
        drop(done);
        outcome
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_without_a_fault_is_told_with_what_it_goes_without() {
    let it = Cluster::with("doctor", on_trial()).await;
    install(&it.server);
    let old = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies";
    it.server.script(old, 404, "text/plain", "404 page not found\n");
    let (code, text, said) = renewing(&it.server, || it.run(&["doctor"]));
    assert_eq!((code, said.as_str()), (Some(0), ""), "{text}");
    for part in [
        "Siskin in namespace siskin-system\n",
        "fine         definition canaryrollouts.siskin.dev has the fields of this build\n",
        "fine         definition canaryguards.siskin.dev has",
        "fine         operator: 1 of 1 pods ready, r.example/siskin@sha256:00\n",
        "note         siskin-6d5f leads and renews Lease siskin-system/siskin-operator, by a clock",
        "note         config/policies is not installed: whoever may write a CanaryRollout",
        "-> this cluster has no MutatingAdmissionPolicy v1: it takes Kubernetes 1.36\n",
        "nothing is wrong of what was checked\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains('\x1b'), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_installed_is_found() {
    let it = Cluster::with("doctor-none", on_trial()).await;
    let (code, text, _) = it.run(&["doctor", "--operator-namespace", "flow"]);
    assert_eq!(code, Some(1), "{text}");
    for part in [
        "WRONG        definition canaryrollouts.siskin.dev does not exist",
        "WRONG        no pod of an operator in namespace flow",
        "WRONG        Lease flow/siskin-operator does not exist",
        "not checked  whether guard and policies name the operator's user, since",
        "4 things are wrong; 1 check could not be made\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_looked_at_is_told_and_never_pretended() {
    let it = Cluster::with("doctor-rights", on_trial()).await;
    install(&it.server);
    for (group, resource) in
        [("apiextensions.k8s.io", "customresourcedefinitions"), ("coordination.k8s.io", "leases")]
    {
        it.server.deny("get", group, resource);
    }
    it.server.deny("list", "", "pods");
    let (code, text, _) = it.run(&["doctor"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("not checked  pods of the operator, since pods is forbidden: User"),
        "{text}"
    );
    assert!(text.contains("; 5 checks could not be made\n"), "{text}");
    for kind in ["mutatingadmissionpolicies", "validatingadmissionpolicies"] {
        it.server.deny("list", "admissionregistration.k8s.io", kind);
    }
    let (code, text, _) = it.run(&["doctor"]);
    assert_eq!(code, Some(2), "nothing was looked at: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_told_what_is_in_its_way_and_no_secret_is_read() {
    let mut status = on_trial();
    status["conditions"] = json!([
        condition("Ready", "True", "PodsReady"),
        condition("WritesAccepted", "False", "NotPermitted"),
    ]);
    let it = Cluster::with("doctor-rollout", status).await;
    install(&it.server);
    it.server.change(ROLLOUT, |it| {
        it["spec"]["analysis"]["kafka"]["credentialsSecretRef"] = json!({"name": "kafka"});
        let address = "https://prometheus.monitoring:9090";
        it["spec"]["analysis"]["prometheus"] =
            json!({"address": address, "credentialsSecretRef": {"name": "prometheus"}});
    });
    it.server.change(ROLLOUT, |it| {
        it["status"]["observedGeneration"] = it["metadata"]["generation"].clone();
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kafka", "namespace": "shop"},
        "data": {"password": "c2VjcmV0"},
    });
    it.server.put(SECRET, secret);
    it.server.deny("patch", "apps", "deployments");
    let (code, text, said) = renewing(&it.server, || it.run(&["doctor", "deployment/orders"]));
    assert_eq!((code, said.as_str()), (Some(1), ""), "{text}");
    for part in [
        "shop/orders\n",
        "WRONG        WritesAccepted is False, NotPermitted: as said\n",
        "WRONG        the operator lacks rights in this namespace: patch deployments.apps\n",
        "WRONG        Secret prometheus does not exist in this namespace; spec.analysis.prometheus",
        "fine         Secret kafka exists (spec.analysis.kafka.credentialsSecretRef)\n",
        "fine         Deployment orders exists\n",
        "note         the judge is blind to latency\n",
        "3 things are wrong\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!it.server.has_given(SECRET), "its values were asked for");
    assert!(it.server.has_given(DEPLOYMENT), "what is asked for whole is noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_can_not_be_asked_is_no_finding() {
    let it = Cluster::with("doctor-absent", on_trial()).await;
    let (code, _, said) = it.run(&["doctor", "carts"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(2), "error: CanaryRollout shop/carts does not exist\n")
    );
    it.server.deny("get", "siskin.dev", "canaryrollouts");
    let (code, _, said) = it.run(&["doctor", "orders"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("ask whoever runs the cluster for this right"), "{said}");
}
