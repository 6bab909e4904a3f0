//! A template that changes while an attempt is under way: nothing is lost, nothing wrongly rejected.

use serde_json::json;
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{RolloutSpec, Scenario, Version, scenario};

/// No revision is remembered as rejected.
async fn nothing_is_rejected(s: &mut Scenario) -> anyhow::Result<()> {
    s.then()
        .sees("no rejected revision", |view| {
            let revisions = view.state.rollout()?.status.revisions.as_ref()?;
            revisions.rejected.is_empty().then_some(())
        })
        .await
}

#[test]
fn a_newer_version_supersedes_the_one_on_trial() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().ships(&Version::good("3")).await?;
        s.then().reaches(Phase::RollingBack).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "3").await?;
        nothing_is_rejected(s).await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("3", PromotionReason::Commanded).await
    });
}

#[test]
fn going_back_to_the_promoted_version_ends_the_trial_at_once() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().ships(&Version::good("1")).await?;
        s.then().rolls_back(Cause::Reverted, "1").await?;
        s.then().says("Promoted", "True", "Initialized").await?;
        nothing_is_rejected(s).await
    });
}

#[test]
fn going_back_to_a_rejected_version_fails_without_another_trial() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().ships(&Version::crashing("2")).await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.given().a_canary_of(&Version::good("3")).await?;
        s.when().ships(&Version::crashing("2")).await?;
        s.then().rolls_back(Cause::Rejected, "1").await?;
        s.then().says("Stalled", "True", "RevisionRejected").await?;
        s.then()
            .sees("two attempts, and no third one", |view| {
                (view.state.rollout()?.status.history.len() == 2).then_some(())
            })
            .await
    });
}

#[test]
fn a_version_that_arrives_during_a_rollback_is_tried_after_it() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().ships(&Version::crashing("2")).await?;
        s.then().reaches(Phase::RollingBack).await?;
        s.when().ships(&Version::good("3")).await?;
        s.then().reaches(Phase::Failed).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "3").await
    });
}

#[test]
fn a_version_that_arrives_during_a_promotion_is_tried_after_it() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().commands("promote", "/full").await?;
        s.then().reaches(Phase::Promoting).await?;
        s.when().ships(&Version::good("3")).await?;
        s.then().reaches(Phase::Succeeded).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "3").await?;
        s.then().runs(Part::Primary, "2").await
    });
}

#[test]
fn going_back_during_a_promotion_takes_primary_back_first() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().commands("promote", "/full").await?;
        s.then().runs(Part::Primary, "2").await?;
        s.when().ships(&Version::good("1")).await?;
        s.then().rolls_back(Cause::Reverted, "1").await?;
        nothing_is_rejected(s).await
    });
}

#[test]
fn a_restart_is_no_new_version_and_reaches_both_roles() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let at = json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
        let fields = json!({"spec": {"template": {"metadata": {"annotations": at}}}});
        let before = s.log.look(|view| pods(&view));
        s.when().edits_target(&fields).await?;
        s.then()
            .sees("every pod was replaced, canary and primary", |view| {
                let now = pods(&view);
                let kept = before.iter().any(|it| now.contains(it));
                (!kept && now.len() == 3).then_some(())
            })
            .await?;
        s.then()
            .sees("the same attempt is still on trial", |view| {
                let status = &view.state.rollout()?.status;
                let id = status.rollout_id.as_ref()?;
                (status.phase == Some(Phase::Progressing) && id.ends_with("-1")).then_some(())
            })
            .await
    });
}

#[test]
fn a_change_that_needs_no_trial_goes_to_primary() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless().field("canaryOn", "PodSpec")).await?;
        let labels = json!({"team": "fulfilment"});
        let fields = json!({"spec": {"template": {"metadata": {"labels": labels}}}});
        s.when().edits_target(&fields).await?;
        s.then().promotes("1", PromotionReason::NoTrialNeeded).await?;
        s.when().edits_target(&json!({"spec": {"minReadySeconds": 1}})).await?;
        s.then()
            .sees("primary takes over what is outside the template", |view| {
                (view.state.parts.get(&Part::Primary)?.spec["minReadySeconds"] == 1).then_some(())
            })
            .await
    });
}

/// Names of ready pods of both roles.
fn pods(view: &siskin_e2e::scenario::event_log::View<'_>) -> Vec<String> {
    let all = [Part::Primary, Part::Canary].into_iter().flat_map(|it| view.state.pods_of(it));
    all.filter(|(_, it)| it.ready).map(|(name, _)| name.clone()).collect()
}
