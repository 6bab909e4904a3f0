//! Autoscaled targets: taken over with nothing changed, kept, and given back; and those that can't be.
//! Bounds stand for metrics: Kubernetes' own controller scales by them, and needs no metrics for it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use siskin_api::PromotionReason;
use siskin_e2e::scenario::event_log::View;
use siskin_e2e::scenario::history::{Change, State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::{Part, Seen};
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

pub const HPA: ObjectKind = ObjectKind::HorizontalPodAutoscaler;

/// Kubernetes' controller looks at an autoscaler every 15 s, and at what it has changed no sooner.
const SCALED_WITHIN: Duration = Duration::from_secs(90);

/// The autoscaler as Git holds it.
pub fn hpa(name: &str, least: u32, most: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": ROLLOUT},
            "minReplicas": least,
            "maxReplicas": most,
        },
    })
}

/// What the autoscaler names, and its UID.
async fn scales(s: &Scenario) -> Result<(String, String)> {
    let it = s.objects.get(HPA, ROLLOUT).await?;
    let kind = it.data["spec"]["scaleTargetRef"]["kind"].as_str().context("it names a kind")?;
    Ok((kind.to_owned(), it.metadata.uid.context("it has a UID")?))
}

/// It names this kind within the patience of a scenario.
pub async fn comes_to_scale(s: &Scenario, wanted: &str) -> Result<()> {
    let looks = 120;
    for _ in 0..looks {
        if scales(s).await?.0 == wanted {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    anyhow::bail!("the autoscaler does not come to scale a {wanted}")
}

/// The bounds of the autoscaler are others now.
pub async fn is_bounded(s: &mut Scenario, least: u32, most: u32) -> Result<()> {
    s.log.note(format!("the autoscaler is bounded by {least} and {most}"));
    let bounds = json!({"spec": {"minReplicas": least, "maxReplicas": most}});
    s.objects.merge(HPA, ROLLOUT, &bounds).await
}

/// N is this, all of its consumers are Ready, and the target has none.
pub async fn counts(s: &mut Scenario, total: u32, canary: u32) -> Result<()> {
    let what = format!("N {total}, of which {canary} canary pods");
    s.then()
        .sees_within(&what, SCALED_WITHIN, |view: View<'_>| {
            let ready = |part| view.state.pods_of(part).filter(|(_, it)| it.ready).count();
            let is = |part, wanted: u32| {
                view.state.count(part) == wanted && u32::try_from(ready(part)) == Ok(wanted)
            };
            let right = is(Part::Primary, total - canary) && is(Part::Canary, canary);
            (view.state.total() == Some(total) && right && is(Part::Target, 0)).then_some(())
        })
        .await
}

/// A fleet with an autoscaler, adopted as it is.
pub async fn adopted(s: &mut Scenario, pods: u32) -> Result<()> {
    s.given().an_operator(Election::None)?;
    s.given().a_fleet(pods).await?;
    s.objects.apply(HPA, &hpa(ROLLOUT, 1, 12)).await?;
    s.given().a_rollout(&RolloutSpec::endless()).await?;
    comes_to_scale(s, "CanaryRollout").await?;
    counts(s, pods, 0).await
}

/// N has been this since then.
fn stood(s: &Scenario, since: Duration, wanted: usize) -> Result<()> {
    let total = |state: &State| {
        let known = state.total().and_then(|it| usize::try_from(it).ok());
        known.unwrap_or(wanted)
    };
    let found = extremes(&s.log.history(), since, total);
    ensure!(found == (wanted, wanted), "N was {found:?}, not {wanted}");
    Ok(())
}

#[test]
fn an_autoscaled_target_is_adopted_with_the_same_autoscaler_and_without_a_rescale() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(6).await?;
        s.objects.apply(HPA, &hpa(ROLLOUT, 1, 12)).await?;
        let (_, uid) = scales(s).await?;
        let begun = s.log.elapsed();
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        comes_to_scale(s, "CanaryRollout").await?;
        counts(s, 6, 0).await?;
        ensure!(scales(s).await?.1 == uid, "it is the same object");
        stood(s, begun, 6)?;
        s.then().tells("ScaleTargetTaken", "instead of Deployment orders").await?;
        let events = s.kubectl(&["get", "events", "-o", "jsonpath={.items[*].reason}"], "").await?;
        ensure!(!events.contains("SuccessfulRescale"), "it was rescaled: {events}");
        let wide = s.kubectl(&["get", "canaryrollout", ROLLOUT, "-o", "wide"], "").await?;
        ensure!(wide.contains("AUTOSCALER"), "{wide}");
        let it = s.objects.get(HPA, ROLLOUT).await?;
        let ours = it.metadata.managed_fields.iter().flatten();
        let ours = ours.filter(|it| it.manager.as_deref() == Some("siskin")).count();
        ensure!(ours == 0, "a field of it is still ours");
        Ok(())
    });
}

#[test]
fn an_autoscaler_scales_at_rest_in_a_trial_and_through_a_promotion() {
    scenario(async |s| {
        adopted(s, 3).await?;
        is_bounded(s, 5, 12).await?;
        counts(s, 5, 0).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let canary = s.log.look(|view| view.state.count(Part::Canary));
        is_bounded(s, 7, 12).await?;
        counts(s, 7, canary).await?;
        is_bounded(s, 1, 4).await?;
        counts(s, 4, canary).await?;
        s.when().commands("promote", "/full").await?;
        is_bounded(s, 6, 12).await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        counts(s, 6, 0).await
    });
}

#[test]
fn an_autoscaler_scales_through_a_rollback() {
    scenario(async |s| {
        adopted(s, 4).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().commands("abort", "").await?;
        is_bounded(s, 6, 12).await?;
        counts(s, 6, 0).await?;
        s.then().serves("1").await
    });
}

#[test]
fn an_autoscaler_that_comes_after_the_adoption_is_taken_over_too() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        let begun = s.log.elapsed();
        s.objects.apply(HPA, &hpa(ROLLOUT, 1, 12)).await?;
        comes_to_scale(s, "CanaryRollout").await?;
        stood(s, begun, 3)?;
        is_bounded(s, 4, 12).await?;
        counts(s, 4, 0).await
    });
}

#[test]
fn a_tool_for_git_that_applies_the_autoscaler_again_and_again_moves_nobody() {
    scenario(async |s| {
        adopted(s, 3).await?;
        let begun = s.log.elapsed();
        for _ in 0..5 {
            s.objects.apply(HPA, &hpa(ROLLOUT, 1, 12)).await?;
            tokio::time::sleep(Duration::from_secs(5)).await;
            comes_to_scale(s, "CanaryRollout").await?;
        }
        s.objects.apply_as(HPA, &hpa(ROLLOUT, 1, 12), "kustomize-controller").await?;
        comes_to_scale(s, "CanaryRollout").await?;
        stood(s, begun, 3)?;
        counts(s, 3, 0).await
    });
}

#[test]
fn two_autoscalers_are_held_with_their_names_and_the_target_serves() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        s.objects.apply(HPA, &hpa(ROLLOUT, 1, 12)).await?;
        s.objects.apply(HPA, &hpa("orders-by-lag", 1, 12)).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().says("Stalled", "True", "AutoscalerOnTarget").await?;
        s.then()
            .sees("both are named", |view| {
                let message = view.state.rollout()?.status.message.clone()?;
                (message.contains("orders-by-lag") && message.contains("keep one")).then_some(())
            })
            .await?;
        ensure!(scales(s).await?.0 == "Deployment", "it is left alone");
        s.then()
            .sees("the target serves as before", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                (target.replicas == 3 && target.ready == 3).then_some(())
            })
            .await?;
        s.when().deletes(HPA, "orders-by-lag").await?;
        comes_to_scale(s, "CanaryRollout").await?;
        counts(s, 3, 0).await
    });
}

#[test]
fn an_autoscaler_that_is_to_keep_its_target_is_left_alone() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        let mut keeps = hpa(ROLLOUT, 1, 12);
        keeps["metadata"]["annotations"] = json!({"siskin.dev/scale-target": "keep"});
        s.objects.apply(HPA, &keeps).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().says("Stalled", "True", "AutoscalerOnTarget").await?;
        let children = s.log.look(|view| view.state.parts.len());
        ensure!(children == 1, "nothing was made");
        let rollout =
            json!({"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": ROLLOUT});
        s.objects.merge(HPA, ROLLOUT, &json!({"spec": {"scaleTargetRef": rollout}})).await?;
        counts(s, 3, 0).await
    });
}

#[test]
fn the_autoscaler_is_given_back_to_a_target_that_has_its_pods_again() {
    scenario(async |s| {
        adopted(s, 3).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("the target serves alone", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                let whole = target.replicas == 3 && target.ready == 3;
                (whole && view.state.rollouts.is_empty()).then_some(())
            })
            .await?;
        let it = s.objects.get(HPA, ROLLOUT).await?;
        let reference = &it.data["spec"]["scaleTargetRef"];
        ensure!(*reference == hpa(ROLLOUT, 1, 12)["spec"]["scaleTargetRef"], "{reference}");
        let annotations = it.metadata.annotations.unwrap_or_default();
        ensure!(!annotations.contains_key("siskin.dev/scale-target"), "{annotations:?}");
        is_bounded(s, 5, 12).await?;
        s.then()
            .sees_within("it scales the target", SCALED_WITHIN, |view| {
                (view.state.parts.get(&Part::Target)?.ready == 5).then_some(())
            })
            .await
    });
}

#[test]
fn the_autoscaler_follows_a_primary_that_is_left_in_charge() {
    scenario(async |s| {
        adopted(s, 3).await?;
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
        adopted(s, 3).await?;
        let begun = s.log.elapsed();
        s.when().deletes(HPA, ROLLOUT).await?;
        s.then()
            .sees("the seed is gone", |view| {
                view.state.rollout()?.spec.replicas.is_none().then_some(())
            })
            .await?;
        stood(s, begun, 3)?;
        s.when().edits_target(&json!({"spec": {"replicas": 4}})).await?;
        counts(s, 4, 0).await?;
        s.objects.apply(HPA, &hpa(ROLLOUT, 1, 12)).await?;
        comes_to_scale(s, "CanaryRollout").await?;
        counts(s, 4, 0).await
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
        let mut keeps = hpa("keda-hpa-orders", 1, 12);
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
