//! Autoscaled targets: taken over with nothing changed, kept, and given back; and those that can't be.
//! Bounds stand for metrics: Kubernetes' own controller scales by them, and needs no metrics for it.

use anyhow::ensure;
use siskin_api::PromotionReason;
use siskin_e2e::scenario::autoscaler::{HPA, bounded};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Version, scenario};

#[test]
fn an_autoscaled_target_is_adopted_with_the_same_autoscaler_and_without_a_rescale() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(6).await?;
        s.objects.apply(HPA, &bounded(ROLLOUT, 1, 12)).await?;
        let uid = s.pointed(HPA, ROLLOUT).await?.uid;
        let begun = s.log.elapsed();
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        s.then().has_counts(6, 0).await?;
        ensure!(s.pointed(HPA, ROLLOUT).await?.uid == uid, "it is the same object");
        s.then().stood_at(6, begun)?;
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
        s.given().an_adopted_autoscaled_fleet(3).await?;
        s.when().bounds(5, 12).await?;
        s.then().has_counts(5, 0).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let canary = s.log.look(|view| view.state.count(Part::Canary));
        s.when().bounds(7, 12).await?;
        s.then().has_counts(7, canary).await?;
        s.when().bounds(1, 4).await?;
        s.then().has_counts(4, canary).await?;
        s.when().commands("promote", "/full").await?;
        s.when().bounds(6, 12).await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        s.then().has_counts(6, 0).await
    });
}

#[test]
fn the_autoscaler_is_given_back_to_a_target_that_has_its_pods_again() {
    scenario(async |s| {
        s.given().an_adopted_autoscaled_fleet(3).await?;
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
        ensure!(*reference == bounded(ROLLOUT, 1, 12)["spec"]["scaleTargetRef"], "{reference}");
        let annotations = it.metadata.annotations.unwrap_or_default();
        ensure!(!annotations.contains_key("siskin.dev/scale-target"), "{annotations:?}");
        s.when().bounds(5, 12).await?;
        s.then()
            .sees("it scales the target", |view| {
                (view.state.parts.get(&Part::Target)?.ready == 5).then_some(())
            })
            .await
    });
}
