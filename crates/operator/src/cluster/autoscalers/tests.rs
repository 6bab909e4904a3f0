//! What objects of autoscalers are taken for. No API server is asked.
//! Objects as KEDA 2.21 and Kubernetes 1.36 write them.

use serde_json::json;

use super::*;

fn named(by: &str, reference: &Value) -> Option<Scaled> {
    scaled(reference, by.parse().expect("a kind"))
}

fn object(rest: &Value) -> DynamicObject {
    let mut all = json!({"metadata": {"name": "orders", "namespace": "shop", "uid": "u"}});
    all.as_object_mut().expect("a map").extend(rest.as_object().cloned().expect("a map"));
    serde_json::from_value(all).expect("an object")
}

fn scaled_object(rest: &Value) -> AutoscalerFound {
    parse(ScalerKind::ScaledObject, &object(rest)).expect("an autoscaler")
}

#[test]
fn the_autoscaler_of_a_scaled_object_is_not_one_of_its_own() {
    let owner = |api: &str| {
        json!({"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"}},
            "metadata": {"name": "orders", "namespace": "shop", "ownerReferences": [
                {"apiVersion": api, "kind": "ScaledObject", "name": "orders", "uid": "1"}]}})
    };
    let hpa = |api| parse(ScalerKind::HorizontalPodAutoscaler, &object(&owner(api)));
    assert_eq!(hpa("keda.sh/v1alpha1"), None);
    assert!(hpa("example.com/v1").is_some());
}

#[test]
fn a_scaled_object_works_once_it_has_looked_up_what_it_scales_now() {
    let told = |ready: &str, looked_up: &str| {
        let it = scaled_object(&json!({
            "spec": {"scaleTargetRef": {"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": "orders"}},
            "status": {
                "scaleTargetGVKR": {"kind": looked_up},
                "conditions": [{"type": "Ready", "status": ready, "message": "no rights"}],
            },
        }));
        it.told
    };
    assert_eq!(told("True", "CanaryRollout"), ScalerWord::Works { surely: true });
    assert_eq!(told("True", "Deployment"), ScalerWord::Nothing);
    assert_eq!(told("False", "Deployment"), ScalerWord::Fails("no rights".into()));
    assert_eq!(told("Unknown", "CanaryRollout"), ScalerWord::Nothing);
}

#[test]
fn what_an_autoscaler_is_asked_to_do_is_not_what_it_scales() {
    let asked = |name: &str, most: u32| {
        let spec = json!({"scaleTargetRef": {"name": name}, "maxReplicaCount": most});
        scaled_object(&json!({"spec": spec})).asked
    };
    assert_eq!(asked("orders", 9), asked("carts", 9));
    assert_ne!(asked("orders", 9), asked("orders", 10));
}

#[test]
fn one_that_is_resumed_is_asked_for_something_else() {
    let asked = |annotations: Value| {
        let spec = json!({"scaleTargetRef": {"name": "orders"}});
        let metadata = json!({"name": "orders", "uid": "u", "annotations": annotations});
        scaled_object(&json!({"metadata": metadata, "spec": spec})).asked
    };
    let rests = asked(json!({"autoscaling.keda.sh/paused": "true"}));
    assert_ne!(asked(json!({})), rests);
    assert_eq!(asked(json!({})), asked(json!({"argocd.argoproj.io/sync-wave": "1"})));
}

#[test]
fn a_trigger_that_reads_the_containers_environment_is_known_by_its_key() {
    let reads = |metadata: Value| {
        let spec =
            json!({"scaleTargetRef": {"name": "orders"}, "triggers": [{"metadata": metadata}]});
        scaled_object(&json!({"spec": spec})).reads_environment
    };
    assert!(reads(json!({"bootstrapServersFromEnv": "KAFKA"})));
    assert!(!reads(json!({"bootstrapServers": "k:1", "passwordFromEnv": ""})));
}

#[test]
fn a_vertical_autoscaler_that_only_recommends_acts_on_nothing() {
    let vertical = |mode: Value| {
        let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"});
        let spec = json!({"targetRef": reference, "updatePolicy": mode});
        scaled_vertically(&object(&json!({"spec": spec})))
    };
    assert_eq!(vertical(json!({"updateMode": "Off"})), None);
    assert_eq!(vertical(json!({"updateMode": "Initial"})), Some("orders".into()));
    assert_eq!(vertical(json!(null)), Some("orders".into()), "it acts by default");
}

#[test]
fn the_group_is_compared_and_not_the_version() {
    let hpa = |version: &str, kind: &str| {
        let reference = json!({"apiVersion": version, "kind": kind, "name": "orders"});
        named("HorizontalPodAutoscaler", &reference)
    };
    let deployment = Some(Scaled::Deployment("orders".into()));
    assert_eq!(hpa("apps/v1", "Deployment"), deployment);
    assert_eq!(hpa("apps/v1beta2", "Deployment"), deployment);
    assert_eq!(hpa("siskin.dev/v1", "CanaryRollout"), Some(Scaled::Rollout("orders".into())));
    assert_eq!(hpa("", "Deployment"), None, "it finds nothing either");
    assert_eq!(hpa("extensions/v1beta1", "Deployment"), None);
    assert_eq!(hpa("apps/v1", "deployment"), None);
    assert_eq!(hpa("apps/v1", "StatefulSet"), None);
    assert_eq!(hpa("example.com/v1", "CanaryRollout"), None);
}

#[test]
fn a_scaled_object_by_name_alone_scales_a_deployment() {
    let keda = |reference: Value| named("ScaledObject", &reference);
    let deployment = Some(Scaled::Deployment("orders".into()));
    assert_eq!(keda(json!({"name": "orders"})), deployment);
    assert_eq!(keda(json!({"name": "orders", "kind": "Deployment"})), deployment);
    assert_eq!(keda(json!({"name": "orders", "kind": "CanaryRollout"})), None);
    assert_eq!(keda(json!({})), None);
    let rollout =
        json!({"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": "orders"});
    assert_eq!(keda(rollout), Some(Scaled::Rollout("orders".into())));
}
