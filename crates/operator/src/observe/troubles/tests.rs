//! Statuses as clusters write them, shortened to what is read: which trouble they show, in words.
//! Shapes are those of kubelets and schedulers, none of them made by the test bed.

use serde_json::{Value, json};
use siskin_analysis::observation::PodObservation;

use super::*;
use crate::observe::pods::{self, PodsOfTarget};

const CREATED: &str = "2024-05-01T10:00:00Z";

/// A pod of the canary with this status, as the watch keeps it.
fn pod(status: &Value) -> Pod {
    let mut pod: Pod = serde_json::from_value(json!({
        "metadata": {
            "name": "orders-canary-7d4b9c-x2x2x", "namespace": "shop",
            "creationTimestamp": CREATED, "labels": {"siskin.dev/role": "canary", "app": "orders"},
        },
        "spec": {
            "nodeName": "node-1",
            "initContainers": [
                {"name": "migrate", "image": "m:1"},
                {"name": "proxy", "image": "p:1", "restartPolicy": "Always",
                 "ports": [{"name": "metrics", "containerPort": 9901}]},
            ],
            "containers": [{"name": "worker", "image": "w:1"}],
        },
        "status": status,
    }))
    .expect("a pod");
    pods::trim(&mut pod);
    pod
}

fn words(status: &Value) -> Option<String> {
    PodTrouble::of(&pod(status), Role::Canary).map(|it| it.to_string())
}

fn seen(status: &Value) -> PodObservation {
    let PodsOfTarget { mut observations, .. } = pods::one_pod(&pod(status));
    observations.remove(0)
}

fn scheduled() -> Value {
    json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": CREATED})
}

#[test]
fn a_pod_without_a_node_is_told_in_the_schedulers_words() {
    let status = json!({
        "phase": "Pending",
        "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "lastProbeTime": null, "lastTransitionTime": "2019-06-15T10:44:23Z",
            "message": "0/10 nodes are available: 10 node(s) didn't match node selector, 4\n  Insufficient cpu.",
        }],
        "qosClass": "Burstable",
    });
    let expected = "pod orders-canary-7d4b9c-x2x2x can't be placed: 0/10 nodes are available: 10 node(s) didn't match node selector, 4 Insufficient cpu.";
    assert_eq!(words(&status).as_deref(), Some(expected));
    let trouble = PodTrouble::of(&pod(&status), Role::Canary).expect("trouble");
    assert!(trouble.is_of_the_cluster() && trouble.stands(0));
    assert_eq!(trouble.since, 1_560_595_463_000, "since then");
}

#[test]
fn a_failing_pull_reads_the_same_between_two_tries() {
    let status = |reason: &str, message: &str| {
        json!({
            "phase": "Pending",
            "conditions": [scheduled(), {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
            "initContainerStatuses": [
                {"name": "migrate", "image": "m:1", "imageID": "sha256:0", "ready": true, "restartCount": 0,
                 "state": {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2024-05-01T10:00:09Z"}}},
            ],
            "containerStatuses": [
                {"name": "worker", "image": "registry.example.com/orders:nope", "imageID": "",
                 "ready": false, "started": false, "restartCount": 0,
                 "state": {"waiting": {"reason": reason, "message": message}}},
            ],
        })
    };
    let pull = status(
        "ErrImagePull",
        "rpc error: code = NotFound desc = failed to pull and unpack image \"registry.example.com/orders:nope\": not found",
    );
    let wait =
        status("ImagePullBackOff", "Back-off pulling image \"registry.example.com/orders:nope\"");
    let expected = "container worker of pod orders-canary-7d4b9c-x2x2x waits: ErrImagePull (image registry.example.com/orders:nope)";
    assert_eq!(words(&pull).as_deref(), Some(expected));
    assert_eq!(words(&wait).as_deref(), Some(expected));
    let trouble = PodTrouble::of(&pod(&pull), Role::Canary).expect("trouble");
    assert!(!trouble.is_of_the_cluster());
    assert_eq!(trouble.key(), "canary worker ErrImagePull");
    let seen = seen(&pull);
    assert_eq!(seen.restarts, 0);
    assert_eq!(seen.containers.len(), 1, "an init container that did its work says nothing");
    assert_eq!(seen.containers[0].waiting.as_deref(), Some("ErrImagePull"));
}

#[test]
fn a_crash_loop_of_an_init_container_is_one_of_the_pod() {
    let status = json!({
        "phase": "Pending",
        "conditions": [scheduled(), {"type": "Initialized", "status": "False", "reason": "ContainersNotInitialized"}],
        "initContainerStatuses": [
            {"name": "migrate", "image": "m:1", "imageID": "sha256:0", "ready": false, "restartCount": 3,
             "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": "2024-05-01T10:01:00Z",
                "finishedAt": "2024-05-01T10:01:02Z", "message": "password is hunter2"}},
             "state": {"waiting": {"reason": "CrashLoopBackOff",
                "message": "back-off 40s restarting failed container=migrate pod=orders-canary-7d4b9c-x2x2x_shop(c8e1)"}}},
        ],
        "containerStatuses": [
            {"name": "worker", "image": "w:1", "imageID": "", "ready": false, "restartCount": 0,
             "state": {"waiting": {"reason": "PodInitializing"}}},
        ],
    });
    let expected =
        "container migrate of pod orders-canary-7d4b9c-x2x2x waits: CrashLoopBackOff (exit code 1)";
    assert_eq!(words(&status).as_deref(), Some(expected));
    let seen = seen(&status);
    assert!(seen.crash_loop);
    assert_eq!(seen.restarts, 3);
    let [container] = &*seen.containers else { panic!("{seen:?}") };
    assert_eq!((&*container.name, container.restarts), ("migrate", 3));
    assert_eq!(container.ended, Some(1_714_557_662_000), "10:01:02");
    assert!(
        !format!("{:?}", pod(&status)).contains("hunter2"),
        "what the application says is dropped"
    );
}

#[test]
fn a_native_sidecar_is_a_container_and_its_kill_is_seen() {
    let status = json!({
        "phase": "Running",
        "conditions": [scheduled(), {"type": "Ready", "status": "True"}],
        "initContainerStatuses": [
            {"name": "proxy", "image": "p:1", "imageID": "sha256:1", "ready": true, "started": true, "restartCount": 1,
             "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2024-05-01T11:00:00Z"}},
             "state": {"running": {"startedAt": "2024-05-01T11:00:01Z"}}},
        ],
        "containerStatuses": [
            {"name": "worker", "image": "w:1", "imageID": "sha256:2", "ready": true, "started": true, "restartCount": 0,
             "state": {"running": {"startedAt": CREATED}}},
        ],
    });
    assert_eq!(words(&status), None);
    let seen = seen(&status);
    assert!(seen.ready);
    assert_eq!((seen.restarts, seen.oom_kills), (1, 1));
    let export = crate::observe::exports::Export::of(&pod(&status));
    assert_eq!(export.ports, [("metrics".to_owned(), 9901)], "the sidecar's");
}

#[test]
fn a_missing_secret_names_the_container_and_the_secret() {
    let status = json!({
        "phase": "Pending",
        "conditions": [scheduled()],
        "containerStatuses": [
            {"name": "worker", "image": "w:1", "imageID": "", "ready": false, "restartCount": 0,
             "state": {"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"orders-db\" not found"}}},
        ],
    });
    let expected = "container worker of pod orders-canary-7d4b9c-x2x2x waits: CreateContainerConfigError (secret \"orders-db\" not found)";
    assert_eq!(words(&status).as_deref(), Some(expected));
}

#[test]
fn containers_that_are_not_created_for_a_minute_are_told_without_a_guess() {
    let status = json!({
        "phase": "Pending",
        "conditions": [scheduled(), {"type": "PodReadyToStartContainers", "status": "False"}],
        "containerStatuses": [
            {"name": "worker", "image": "w:1", "imageID": "", "ready": false, "restartCount": 0,
             "state": {"waiting": {"reason": "ContainerCreating"}}},
        ],
    });
    let trouble = PodTrouble::of(&pod(&status), Role::Canary).expect("trouble");
    let since = 1_714_557_600_000;
    assert!(!trouble.stands(since + CREATED_WITHIN - 1) && trouble.stands(since + CREATED_WITHIN));
    assert!(trouble.to_string().contains("since 2024-05-01T10:00:00Z"), "{trouble}");
    let silent_kubelet = json!({"phase": "Pending", "conditions": [scheduled()]});
    assert!(words(&silent_kubelet).is_some());
    let migrating = json!({
        "phase": "Pending",
        "conditions": [scheduled()],
        "initContainerStatuses": [
            {"name": "migrate", "image": "m:1", "imageID": "sha256:0", "ready": false, "restartCount": 0,
             "state": {"running": {"startedAt": CREATED}}},
        ],
        "containerStatuses": [
            {"name": "worker", "image": "w:1", "imageID": "", "ready": false, "restartCount": 0,
             "state": {"waiting": {"reason": "PodInitializing"}}},
        ],
    });
    assert_eq!(words(&migrating), None, "an init container may take its time");
}

#[test]
fn an_evicted_pod_and_one_about_to_go_have_no_trouble() {
    let mut going = pod(&json!({
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no"}],
    }));
    going.metadata.deletion_timestamp = going.metadata.creation_timestamp.clone();
    assert_eq!(PodTrouble::of(&going, Role::Canary), None);
    let evicted = pod(&json!({
        "phase": "Failed", "reason": "Evicted",
        "message": "The node was low on resource: memory. Container worker was using 2Gi, request is 0.",
    }));
    assert!(pods::one_pod(&evicted).observations.is_empty());
}

#[test]
fn members_of_a_dual_stack_pod_are_known_by_either_address() {
    let status = json!({
        "phase": "Running",
        "hostIP": "172.18.0.3", "hostIPs": [{"ip": "172.18.0.3"}, {"ip": "fc00:f853:ccd:e793::3"}],
        "podIP": "10.244.1.8", "podIPs": [{"ip": "10.244.1.8"}, {"ip": "fd00:10:244:1::8"}],
    });
    let found = pods::one_pod(&pod(&status));
    let identity = &found.identities[0];
    let texts = |all: &[std::net::IpAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&identity.ips), ["10.244.1.8", "fd00:10:244:1::8"]);
    assert_eq!(texts(&identity.node_ips), ["172.18.0.3", "fc00:f853:ccd:e793::3"]);
}

#[test]
fn a_quota_is_told_without_the_name_that_each_refused_pod_has() {
    let deployment = |pod: &str| -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders-canary"},
            "status": {"conditions": [
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetCreated"},
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "lastTransitionTime": CREATED, "message": format!(
                    "pods \"{pod}\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=6, limited: pods=6")},
            ]},
        }))
        .expect("a Deployment")
    };
    let expected = "pods of orders-canary can't be made: pods \"orders-canary-…\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=6, limited: pods=6";
    for pod in ["orders-canary-7d4b9c-x2x2x", "orders-canary-7d4b9c-zzzzz"] {
        let told = replica_failure(&deployment(pod));
        assert_eq!(told.as_ref().map(|it| it.0.as_str()), Some(expected));
        assert_eq!(told.and_then(|it| it.1), CREATED.parse().ok());
    }
}

#[test]
fn the_servers_words_are_one_bounded_line_without_credentials() {
    let told =
        sanitized("failed to fetch\r\n\u{7}https://robot:s3cret@registry.example.com/v2/:  401");
    assert_eq!(told, "failed to fetch https://…@registry.example.com/v2/: 401");
    assert_eq!(sanitized(&"ä".repeat(1_000)).chars().count(), MOST_WORDS + 1);
}
