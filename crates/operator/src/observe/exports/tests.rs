//! What is read of a pod, as the watch trims it. No cluster is asked.

use super::*;

#[test]
fn quantities_are_read_as_kubernetes_writes_them() {
    for (text, value) in [
        ("536870912", Some(536_870_912.0)),
        ("512Mi", Some(536_870_912.0)),
        ("1.5Gi", Some(1_610_612_736.0)),
        ("2G", Some(2e9)),
        ("1e9", Some(1e9)),
        ("2E", Some(2e18)),
        ("1500m", Some(1.5)),
        ("", None),
        ("Mi", None),
        ("inf", None),
        ("-1", None),
        ("12KB", None),
    ] {
        assert_eq!(bytes(text), value, "{text:?}");
    }
}

#[test]
fn a_pod_has_a_limit_if_each_of_its_containers_has_one() {
    let pod = |limits: serde_json::Value| -> Pod {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": "orders-canary-1"},
            "spec": {"containers": limits},
            "status": {"podIP": "10.0.0.7"},
        }))
        .unwrap()
    };
    let worker = serde_json::json!({
        "name": "worker",
        "image": "w",
        "env": [{"name": "PASSWORD", "value": "x"}],
        "ports": [{"name": "metrics", "containerPort": 9100}, {"containerPort": 1}],
        "resources": {"limits": {"memory": "1Mi", "cpu": "2"}},
    });
    let trimmed = |mut pod: Pod| {
        crate::observe::pods::trim(&mut pod);
        assert!(!format!("{pod:?}").contains("PASSWORD"), "no environment is kept");
        Export::of(&pod)
    };
    let one = trimmed(pod(serde_json::json!([worker])));
    assert_eq!(
        (one.memory_limit, one.port("metrics"), one.port("http")),
        (Some(1_048_576.0), Some(9100), None)
    );
    assert_eq!(one.ip, "10.0.0.7".parse().ok());
    let sidecar = serde_json::json!({"name": "sidecar", "image": "s"});
    assert_eq!(trimmed(pod(serde_json::json!([worker, sidecar]))).memory_limit, None);
}

#[test]
fn limit_and_ports_of_a_native_sidecar_count_and_those_of_an_init_container_do_not() {
    let container = |name: &str, port: u16, memory: &str| {
        serde_json::json!({
            "name": name,
            "image": "i",
            "ports": [{"name": name, "containerPort": port}],
            "resources": {"limits": {"memory": memory}},
        })
    };
    let mut sidecar = container("proxy", 15_090, "2Mi");
    sidecar["restartPolicy"] = "Always".into();
    let mut pod: Pod = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "orders-canary-1"},
        "spec": {
            "initContainers": [container("migrate", 1, "64Mi"), sidecar],
            "containers": [container("worker", 9_100, "1Mi")],
        },
    }))
    .unwrap();
    crate::observe::pods::trim(&mut pod);
    let export = Export::of(&pod);
    assert_eq!(export.memory_limit, Some(3.0 * 1_048_576.0));
    let ports = ["worker", "proxy", "migrate"].map(|it| export.port(it));
    assert_eq!(ports, [Some(9_100), Some(15_090), None]);
}
