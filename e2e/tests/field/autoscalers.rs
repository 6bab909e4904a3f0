//! Autoscaled targets that are scaled, pointed elsewhere, paused or left by somebody else; and those that can't be taken over.
//! Bounds stand for metrics: Kubernetes' own controller scales by them, and needs no metrics for it.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_e2e::scenario::autoscaler::{HPA, bounded};
use siskin_e2e::scenario::history::{Change, State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::{Part, Seen};
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

#[test]
fn an_autoscaler_scales_through_a_rollback() {
    scenario(async |s| {
        s.given().an_adopted_autoscaled_fleet(4).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().commands("abort", "").await?;
        s.when().bounds(6, 12).await?;
        s.then().has_counts(6, 0).await?;
        s.then().serves("1").await
    });
}

#[test]
fn an_autoscaler_that_comes_after_the_adoption_is_taken_over_too() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        let begun = s.log.elapsed();
        s.objects.apply(HPA, &bounded(ROLLOUT, 1, 12)).await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        s.then().stood_at(3, begun)?;
        s.when().bounds(4, 12).await?;
        s.then().has_counts(4, 0).await
    });
}

#[test]
fn a_tool_for_git_that_applies_the_autoscaler_again_and_again_moves_nobody() {
    scenario(async |s| {
        s.given().an_adopted_autoscaled_fleet(3).await?;
        let begun = s.log.elapsed();
        for _ in 0..5 {
            s.objects.apply(HPA, &bounded(ROLLOUT, 1, 12)).await?;
            tokio::time::sleep(Duration::from_secs(5)).await;
            s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        }
        s.objects.apply_as(HPA, &bounded(ROLLOUT, 1, 12), "kustomize-controller").await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        s.then().stood_at(3, begun)?;
        s.then().has_counts(3, 0).await
    });
}

#[test]
fn two_autoscalers_are_held_with_their_names_and_the_target_serves() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        s.objects.apply(HPA, &bounded(ROLLOUT, 1, 12)).await?;
        s.objects.apply(HPA, &bounded("orders-by-lag", 1, 12)).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().says("Stalled", "True", "AutoscalerOnTarget").await?;
        s.then()
            .sees("both are named", |view| {
                let message = view.state.rollout()?.status.message.clone()?;
                (message.contains("orders-by-lag") && message.contains("keep one")).then_some(())
            })
            .await?;
        ensure!(
            s.pointed(HPA, ROLLOUT).await?.kind.as_deref() == Some("Deployment"),
            "it is left alone"
        );
        s.then()
            .sees("the target serves as before", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                (target.replicas == 3 && target.ready == 3).then_some(())
            })
            .await?;
        s.when().deletes(HPA, "orders-by-lag").await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        s.then().has_counts(3, 0).await
    });
}

#[test]
fn an_autoscaler_that_is_to_keep_its_target_is_left_alone() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        let mut keeps = bounded(ROLLOUT, 1, 12);
        keeps["metadata"]["annotations"] = json!({"siskin.dev/scale-target": "keep"});
        s.objects.apply(HPA, &keeps).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().says("Stalled", "True", "AutoscalerOnTarget").await?;
        let children = s.log.look(|view| view.state.parts.len());
        ensure!(children == 1, "nothing was made");
        let rollout =
            json!({"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": ROLLOUT});
        s.objects.merge(HPA, ROLLOUT, &json!({"spec": {"scaleTargetRef": rollout}})).await?;
        s.then().has_counts(3, 0).await
    });
}

#[test]
fn the_autoscaler_follows_a_primary_that_is_left_in_charge() {
    scenario(async |s| {
        s.given().an_adopted_autoscaled_fleet(3).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("it is released", |view| view.state.rollouts.is_empty().then_some(()))
            .await?;
        let it = s.objects.get(HPA, ROLLOUT).await?;
        let name = &it.data["spec"]["scaleTargetRef"]["name"];
        ensure!(*name == "orders-primary", "{name}");
        s.then().tells("ScaleTargetLeft", "orders-primary").await
    });
}

#[test]
fn n_stands_without_its_autoscaler_and_the_targets_count_is_a_wish_again() {
    scenario(async |s| {
        s.given().an_adopted_autoscaled_fleet(3).await?;
        let begun = s.log.elapsed();
        s.when().deletes(HPA, ROLLOUT).await?;
        s.then()
            .sees("the seed is gone", |view| {
                view.state.rollout()?.spec.replicas.is_none().then_some(())
            })
            .await?;
        s.then().stood_at(3, begun)?;
        s.when().edits_target(&json!({"spec": {"replicas": 4}})).await?;
        s.then().has_counts(4, 0).await?;
        s.objects.apply(HPA, &bounded(ROLLOUT, 1, 12)).await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        s.then().has_counts(4, 0).await
    });
}

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
        let mut keeps = bounded("keda-hpa-orders", 1, 12);
        keeps["metadata"]["annotations"] = json!({"siskin.dev/scale-target": "keep"});
        s.objects.apply(HPA, &keeps).await?;
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
                    "annotations": {
                        "autoscaling.keda.sh/paused": "true",
                        // No KEDA runs here: one that is taken over would not work.
                        "siskin.dev/scale-target": "keep",
                    },
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
