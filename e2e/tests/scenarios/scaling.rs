//! Another number of consumers, asked for in every way, at rest and in the middle of a trial.
//! How pods share the partitions is not looked at.

use anyhow::ensure;
use serde_json::{Value, json};
use siskin_api::{Phase, PromotionReason};
use siskin_e2e::scenario::history::{State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{ROLLOUT, RolloutSpec, Scenario, Version, scenario};

/// The rollout has this N, and its pods are Ready in these counts.
async fn counts(s: &mut Scenario, total: u32, primary: u32, canary: u32) -> anyhow::Result<()> {
    let what = format!("N {total}: {primary} primary and {canary} canary pods");
    let ready = |state: &State, part| state.pods_of(part).filter(|(_, it)| it.ready).count();
    s.then()
        .sees(&what, |view| {
            let right = |part, wanted| {
                let pods = u32::try_from(ready(view.state, part)) == Ok(wanted);
                pods && view.state.count(part) == wanted
            };
            let all = right(Part::Primary, primary) && right(Part::Canary, canary);
            (view.state.total() == Some(total) && all && right(Part::Target, 0)).then_some(())
        })
        .await
}

#[test]
fn by_the_target_in_the_middle_of_a_trial() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().edits_target(&json!({"spec": {"replicas": 5}})).await?;
        counts(s, 5, 4, 1).await?;
        s.then().tells("TargetDrained", "5 consumers are wanted now").await?;
        s.when().edits_target(&json!({"spec": {"replicas": 2}})).await?;
        counts(s, 2, 1, 1).await
    });
}

#[test]
fn by_the_rollout_and_then_the_target_has_no_say() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().edits_rollout(&json!({"spec": {"replicas": 4}})).await?;
        counts(s, 4, 4, 0).await?;
        s.when().edits_target(&json!({"spec": {"replicas": 6}})).await?;
        s.then().tells("TargetDrained", "replicas: 4 of CanaryRollout").await?;
        counts(s, 4, 4, 0).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().edits_rollout(&json!({"spec": {"replicas": 2}})).await?;
        counts(s, 2, 1, 1).await
    });
}

#[test]
fn by_an_autoscaler_through_the_scale_subresource() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let target =
            json!({"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": ROLLOUT});
        s.objects.apply(ObjectKind::HorizontalPodAutoscaler, &autoscaler(&target)).await?;
        // Something happens, so that the operator looks; without it, within its resync.
        s.when().edits_target(&json!({"metadata": {"labels": {"looked": "at"}}})).await?;
        s.then()
            .sees("the scale subresource can be read", |view| {
                (view.state.rollout()?.spec.replicas == Some(3)).then_some(())
            })
            .await?;
        s.when().scales_rollout(4).await?;
        counts(s, 4, 3, 1).await
    });
}

#[test]
fn to_zero_and_back() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().edits_rollout(&json!({"spec": {"replicas": 0}})).await?;
        counts(s, 0, 0, 0).await?;
        s.when().ships(&Version::good("2")).await?;
        s.then()
            .sees("the new version waits for consumers", |view| {
                view.state.rollout()?.status.message.as_ref()?.contains("zero").then_some(())
            })
            .await?;
        s.when().edits_rollout(&json!({"spec": {"replicas": 2}})).await?;
        s.then().reaches(Phase::Progressing).await?;
        counts(s, 2, 1, 1).await
    });
}

#[test]
fn the_only_consumer_is_replaced_by_its_canary() {
    scenario(async |s| {
        s.given().an_adopted_fleet(1, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        counts(s, 1, 0, 1).await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        counts(s, 1, 1, 0).await
    });
}

#[test]
fn never_more_consumers_than_partitions() {
    scenario(async |s| {
        let spec =
            RolloutSpec::endless().strategy("order", "DrainFirst").strategy("maxConsumers", 3);
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        counts(s, 3, 2, 1).await?;
        let tried = s.log.elapsed();
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        // The primary's own rolling update among it. Of two ReplicaSets that are told at once to have one pod more and one
        // less, the one may be quicker: a pod that has only been made is no consumer yet.
        let consumes =
            |state: &State| state.pods.values().filter(|it| it.ready && !it.terminating).count();
        let (_, most) = extremes(&s.log.history(), tried, consumes);
        ensure!(most <= 3, "{most} consumers at once");
        Ok(())
    });
}

fn autoscaler(target: &Value) -> Value {
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": ROLLOUT},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 6},
    })
}
