//! A rollout that is deleted: pods handed back or left in good order, never a version that was not
//! promoted, never an outage, never a deletion that hangs.

use serde_json::json;
use siskin_api::{Cause, Phase};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Version, scenario};

#[test]
fn at_rest_the_pods_are_handed_back() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then().hands_back("1").await
    });
}

#[test]
fn a_foreground_deletion_hands_back_too() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().deletes_in_foreground(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then().hands_back("1").await
    });
}

#[test]
fn in_the_middle_of_a_trial_the_primary_is_left_in_charge() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then().leaves_primary_in_charge("1").await
    });
}

#[test]
fn after_a_rejection_the_primary_is_left_in_charge() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().ships(&Version::crashing("2")).await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then().leaves_primary_in_charge("1").await
    });
}

#[test]
fn without_its_target_everything_is_removed() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().deletes_in_foreground(ObjectKind::Deployment, ROLLOUT).await?;
        s.then().says("Stalled", "True", "TargetMissing").await?;
        s.then()
            .sees("the primary keeps running", |view| {
                let ready = view.state.pods_of(Part::Primary).filter(|(_, it)| it.ready).count();
                (ready == 3 && !view.state.parts.contains_key(&Part::Target)).then_some(())
            })
            .await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("nothing is left", |view| {
                let empty = view.state.parts.is_empty() && view.state.frozen.is_empty();
                (empty && view.state.rollouts.is_empty()).then_some(())
            })
            .await
    });
}

#[test]
fn a_target_that_comes_back_is_drained_and_the_primary_never_notices() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let primary: Vec<_> = s.log.look(|view| names(view.state));
        s.when().deletes_in_foreground(ObjectKind::Deployment, ROLLOUT).await?;
        s.then().says("Stalled", "True", "TargetMissing").await?;
        s.then().loses(Part::Target).await?;
        s.when().applies(&Version::good("1"), 3).await?;
        s.then().serves("1").await?;
        s.then().says("Ready", "True", "PodsReady").await?;
        let now: Vec<_> = s.log.look(|view| names(view.state));
        assert_eq!(primary, now, "the same pods serve");
        Ok(())
    });
}

#[test]
fn a_rollout_applied_again_without_its_status_resumes() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        // As after a restore from a backup: the object is new, and nobody handed anything back.
        s.operator()?.kill().await?;
        s.when().edits_rollout(&json!({"metadata": {"finalizers": null}})).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.given().an_operator(Election::None)?;
        s.then().reaches(Phase::RollingBack).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "2").await?;
        s.then().runs(Part::Primary, "1").await?;
        s.then()
            .sees("a later attempt", |view| {
                let id = view.state.rollout()?.status.rollout_id.as_ref()?;
                id.ends_with("-2").then_some(())
            })
            .await
    });
}

fn names(state: &siskin_e2e::scenario::history::State) -> Vec<String> {
    state.pods_of(Part::Primary).map(|(name, _)| name.clone()).collect()
}
