//! The answers, as metrics-server and an adapter give them. What is not said is not there: an autoscaler then
//! computes nothing.

use anyhow::Error;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::values::Values;

/// Time over which a pod's use was measured. Short: a pod counts only once it has been Ready for so long.
const WINDOW: &str = "1s";

/// What the answers are made of.
#[derive(Clone)]
pub(crate) struct Meter {
    pub(crate) client: Client,
    pub(crate) values: Values,
}

/// The part of a question that says which pods are meant.
#[derive(Deserialize)]
pub(crate) struct Selection {
    #[serde(default, rename = "labelSelector")]
    labels: String,
}

/// The metric that is asked for.
#[derive(Deserialize)]
pub(crate) struct ExternalMetric {
    namespace: String,
    metric: String,
}

/// Metrics are of this moment: whatever is older is not heeded.
#[expect(clippy::disallowed_methods, reason = "this program's own reader of the clock")]
fn now() -> String {
    Timestamp::now().to_string()
}

/// Why there is no answer.
pub(crate) struct Failed(Error);

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let message = format!("{:#}", self.0);
        eprintln!("{message}");
        let status = json!({
            "apiVersion": "v1", "kind": "Status", "status": "Failure",
            "code": 500, "reason": "InternalError", "message": message,
        });
        (StatusCode::INTERNAL_SERVER_ERROR, Json(status)).into_response()
    }
}

/// The resources of external.metrics.k8s.io.
pub(crate) async fn external_resources() -> Json<Value> {
    let of_any_name = json!({
        "name": "externalmetrics", "singularName": "", "namespaced": true,
        "kind": "ExternalMetricValueList", "verbs": ["get"],
    });
    resources("external.metrics.k8s.io/v1beta1", &of_any_name)
}

/// The resources of metrics.k8s.io, of which the bed has those of pods.
pub(crate) async fn pod_resources() -> Json<Value> {
    let pods = json!({
        "name": "pods", "singularName": "pod", "namespaced": true,
        "kind": "PodMetrics", "verbs": ["get", "list"],
    });
    resources("metrics.k8s.io/v1beta1", &pods)
}

fn resources(version: &str, resource: &Value) -> Json<Value> {
    Json(json!({
        "apiVersion": "v1", "kind": "APIResourceList",
        "groupVersion": version, "resources": [resource],
    }))
}

/// The value of an external metric.
pub(crate) async fn external(
    State(meter): State<Meter>,
    Path(asked): Path<ExternalMetric>,
) -> Result<Json<Value>, Failed> {
    let ExternalMetric { namespace, metric } = asked;
    let value = meter.values.read(&namespace)?.external.get(&metric).copied();
    let item = |value: i64| {
        json!({
            "metricName": metric, "metricLabels": {},
            "timestamp": now(), "value": value.to_string(),
        })
    };
    Ok(Json(json!({
        "apiVersion": "external.metrics.k8s.io/v1beta1", "kind": "ExternalMetricValueList",
        "metadata": {}, "items": value.map(item).into_iter().collect::<Vec<_>>(),
    })))
}

/// What the pods of a selection use: each of them what is said of its namespace.
pub(crate) async fn pods(
    State(meter): State<Meter>,
    Path(namespace): Path<String>,
    Query(selection): Query<Selection>,
) -> Result<Json<Value>, Failed> {
    let mut items = Vec::new();
    if let Some(cpu) = meter.values.read(&namespace)?.cpu {
        let api: Api<Pod> = Api::namespaced(meter.client, &namespace);
        let all = api.list(&ListParams::default().labels(&selection.labels)).await?;
        items.extend(all.items.iter().map(|pod| usage(pod, &namespace, &cpu)));
    }
    Ok(Json(json!({
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetricsList",
        "metadata": {}, "items": items,
    })))
}

/// All of it is in the first container.
fn usage(pod: &Pod, namespace: &str, cpu: &str) -> Value {
    let containers = pod.spec.iter().flat_map(|it| &it.containers).enumerate();
    let containers = containers.map(|(place, container)| {
        let cpu = if place == 0 { cpu } else { "0" };
        json!({"name": container.name, "usage": {"cpu": cpu, "memory": "0"}})
    });
    json!({
        "metadata": {"name": pod.name_any(), "namespace": namespace, "labels": pod.labels()},
        "timestamp": now(), "window": WINDOW,
        "containers": containers.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_uses_what_is_said_in_all_its_containers_together() {
        let pod = json!({
            "metadata": {"name": "orders-1", "labels": {"app": "orders"}},
            "spec": {"containers": [{"name": "worker"}, {"name": "agent"}]},
        });
        let usage = usage(&serde_json::from_value(pod).unwrap(), "shop", "250m");
        assert_eq!(usage["metadata"]["labels"]["app"], "orders");
        assert_eq!(usage["containers"][0]["usage"]["cpu"], "250m");
        assert_eq!(usage["containers"][1]["usage"]["cpu"], "0");
    }
}
