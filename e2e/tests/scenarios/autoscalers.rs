//! Autoscalers of the target that come after its adoption: what they write is no wish of the user's, and they are told.

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_e2e::scenario::history::{Change, State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::{Part, Seen};
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, scenario};

/// The autoscaler lets its target begin with one pod; it is drained again.
async fn is_activated(s: &mut Scenario) -> Result<()> {
    let from = s.log.length();
    s.log.note("an autoscaler activates its target");
    s.kubectl(&["scale", "deployment", ROLLOUT, "--replicas=1"], "").await?;
    s.then()
        .sees("one pod is asked of the target, and it is drained", |view| {
            let mut later = view.history.iter().skip(from);
            let asked = later.any(|it| {
                matches!(&it.change, Change::Put(name, Seen::Deployment(target)) if name == ROLLOUT && target.replicas == 1)
            });
            let target = view.state.parts.get(&Part::Target)?;
            (asked && target.replicas == 0 && view.state.total() == Some(3)).then_some(())
        })
        .await
}

/// An autoscaler that is active lets its drained target begin with one pod, every 30 s: a fleet is not for that reduced to one.
#[test]
fn what_an_autoscaler_writes_to_the_drained_target_is_drained_and_not_heeded() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        let adopted = s.log.elapsed();
        let hpa = json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "keda-hpa-orders"},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": ROLLOUT},
                "minReplicas": 1,
                "maxReplicas": 12,
            },
        });
        s.objects.apply(ObjectKind::HorizontalPodAutoscaler, &hpa).await?;
        for _ in 0..2 {
            is_activated(s).await?;
        }
        s.then().tells("TargetDrained", "set to 1 replicas").await?;
        s.then().says("Stalled", "True", "AutoscalerOnTarget").await?;
        s.then().serves("1").await?;
        let total = |state: &State| usize::try_from(state.total().unwrap_or(0)).unwrap_or(0);
        let (least, _) = extremes(&s.log.history(), adopted, total);
        ensure!(least == 3, "N was {least}");
        // Without the autoscaler a count is a wish again.
        let gone = ["delete", "hpa", "keda-hpa-orders"];
        s.kubectl(&gone, "").await?;
        s.when().edits_target(&json!({"spec": {"replicas": 2}})).await?;
        s.then()
            .sees("two pods, and nothing stalls", |view| {
                let conditions = &view.state.rollout()?.status.conditions;
                let stalled = conditions.iter().any(|it| it.type_ == "Stalled");
                (view.state.total() == Some(2) && !stalled).then_some(())
            })
            .await?;
        s.then().serves("1").await
    });
}

/// What a cluster with KEDA knows, as far as it matters here.
const KEDA: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: scaledobjects.keda.sh}
spec:
  group: keda.sh
  scope: Namespaced
  names: {plural: scaledobjects, singular: scaledobject, kind: ScaledObject, listKind: ScaledObjectList}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

/// A paused `ScaledObject` has no autoscaler of its own in the cluster, and begins with one pod once it is resumed.
#[test]
fn a_scaled_object_of_the_drained_target_is_an_autoscaler_and_one_of_the_rollout_can_read_it() {
    scenario(async |s| {
        s.kubectl(&["apply", "-f", "-"], KEDA).await?;
        let known = "crd/scaledobjects.keda.sh";
        s.kubectl(&["wait", "--for=condition=Established", known], "").await?;
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        let object = |reference: serde_json::Value| {
            json!({
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                "metadata": {
                    "name": ROLLOUT,
                    "annotations": {"autoscaling.keda.sh/paused": "true"},
                },
                "spec": {"scaleTargetRef": reference, "triggers": []},
            })
            .to_string()
        };
        s.kubectl(&["apply", "-f", "-"], &object(json!({"name": ROLLOUT}))).await?;
        s.then().says("Stalled", "True", "AutoscalerOnTarget").await?;
        is_activated(s).await?;
        let rollout =
            json!({"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": ROLLOUT});
        s.kubectl(&["apply", "-f", "-"], &object(rollout)).await?;
        s.then()
            .sees("the scale subresource can be read", |view| {
                (view.state.rollout()?.spec.replicas == Some(3)).then_some(())
            })
            .await?;
        s.kubectl(&["delete", known], "").await.map(drop)
    });
}
