//! A template that changes while an attempt is under way: nothing is lost, nothing wrongly rejected.

use anyhow::ensure;
use serde_json::json;
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::history::{State, extremes};
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{ROLLOUT, RolloutSpec, Scenario, Version, scenario};

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

/// One pod of four may be missing: with both roles replaced at once it would be two.
#[test]
fn a_restart_is_no_new_version_and_reaches_one_role_after_the_other() {
    scenario(async |s| {
        let rolling = json!({"maxSurge": 0, "maxUnavailable": 1});
        let strategy = json!({"type": "RollingUpdate", "rollingUpdate": rolling});
        s.given().a_shape(&json!({"spec": {"strategy": strategy}}));
        let steps = json!([{"weight": 50, "hold": "10m"}]);
        let spec = RolloutSpec::steps(&steps).strategy("maxHold", "10m");
        s.given().an_adopted_fleet(4, &spec).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let before = s.log.look(|view| pods(view.state));
        ensure!(before.len() == 4, "all serve: {before:?}");
        let restarted = s.log.elapsed();
        s.log.note("kubectl rollout restart");
        s.kubectl(&["rollout", "restart", "deployment", ROLLOUT], "").await?;
        s.then()
            .sees("every pod was replaced, canary and primary", |view| {
                let now = pods(view.state);
                let kept = before.iter().any(|it| now.contains(it));
                (!kept && now.len() == 4).then_some(())
            })
            .await?;
        let (least, _) = extremes(&s.log.history(), restarted, |state| pods(state).len());
        ensure!(3 <= least, "only {least} of 4 served");
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

/// Names of pods of both roles that serve.
fn pods(state: &State) -> Vec<String> {
    let all = [Part::Primary, Part::Canary].into_iter().flat_map(|it| state.pods_of(it));
    all.filter(|(_, it)| it.ready).map(|(name, _)| name.clone()).collect()
}
