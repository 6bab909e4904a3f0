//! What people command: each command hits one attempt and one step, and never a later one.

use anyhow::ensure;
use serde_json::json;
use siskin_api::{Cause, CommandOutcome, Phase, PromotionReason};
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{RolloutSpec, Scenario, Version, scenario};

#[test]
fn abort_rolls_back_and_retry_tries_again() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().commands("abort", "").await?;
        s.then().rolls_back(Cause::Aborted, "1").await?;
        s.then().says("Completed", "True", "Aborted").await?;
        s.then().tells("CommandFollowed", "siskin.dev/abort").await?;

        s.when().commands("retry", "").await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "2").await?;
        s.then()
            .sees("the abort of the first attempt does not hit the second", |view| {
                let id = view.state.rollout()?.status.rollout_id.as_ref()?;
                id.ends_with("-2").then_some(())
            })
            .await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await
    });
}

#[test]
fn a_step_that_asks_for_approval_waits_for_it() {
    scenario(async |s| {
        let steps = json!([
            {"replicas": 1, "hold": "1s", "approval": "Required"},
            {"replicas": 2, "hold": "10m"},
        ]);
        let spec = RolloutSpec::steps(&steps).strategy("maxHold", "10m");
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().reaches(Phase::Paused).await?;
        s.then().says("Reconciling", "True", "Paused").await?;

        // There are two steps.
        s.when().commands("approve", "/3").await?;
        s.then().tells("CommandStale", "/3").await?;
        s.when().commands("approve", "/1").await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then()
            .sees("two canaries at the second step", |view| {
                (view.state.pods_of(Part::Canary).filter(|(_, it)| it.ready).count() == 2)
                    .then_some(())
            })
            .await
    });
}

#[test]
fn promote_skips_one_step_or_all() {
    scenario(async |s| {
        let steps = json!([{"replicas": 1, "hold": "10m"}, {"replicas": 2, "hold": "10m"}]);
        let spec = RolloutSpec::steps(&steps).strategy("maxHold", "10m");
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().commands("promote", "/1").await?;
        s.then()
            .sees("step 2", |view| {
                let step = view.state.rollout()?.status.progress.as_ref()?.step;
                (step == Some(1)).then_some(())
            })
            .await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await
    });
}

#[test]
fn bypass_skips_the_trial_of_exactly_one_version() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let bypass = json!({"metadata": {"annotations": {"siskin.dev/bypass": "hotfix 4711"}}});
        s.when().edits_target(&bypass).await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().promotes("2", PromotionReason::Bypass).await?;
        s.then().tells("Promoting", "without a trial: hotfix 4711").await?;
        let canaries = s.log.look(|view| view.state.count(Part::Canary));
        ensure!(canaries == 0, "a bypass needs no canary");

        s.when().ships(&Version::good("3")).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "3").await?;
        s.then().runs(Part::Primary, "2").await
    });
}

#[test]
fn suspended_nothing_moves_forward_but_a_failure_still_rolls_back() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.when().edits_rollout(&json!({"spec": {"suspend": true}})).await?;
        s.when().ships(&Version::good("2")).await?;
        s.then()
            .sees("the new version is seen and held", |view| {
                let status = &view.state.rollout()?.status;
                let revisions = status.revisions.as_ref()?;
                let held = status.message.as_ref()?.contains("suspend");
                (revisions.desired != revisions.promoted && held).then_some(())
            })
            .await?;
        s.when().edits_rollout(&json!({"spec": {"suspend": false}})).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "2").await?;

        s.when().edits_rollout(&json!({"spec": {"suspend": true}})).await?;
        s.when().commands("abort", "").await?;
        s.then().rolls_back(Cause::Aborted, "1").await
    });
}

#[test]
fn a_command_that_means_nothing_is_answered_once_and_changes_nothing() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let writes = s.log.length();
        s.when().annotates_rollout("siskin.dev/abort", "yes").await?;
        s.when().annotates_rollout("siskin.dev/approve", "0123456789-7/1").await?;
        s.then().tells("CommandMalformed", "yes").await?;
        s.then().tells("CommandStale", "0123456789-7/1").await?;
        answered(s, CommandOutcome::Malformed).await?;
        answered(s, CommandOutcome::Stale).await?;

        // A pass that looks at everything again: it must find nothing to answer.
        s.when().edits_rollout(&json!({"metadata": {"labels": {"looked": "again"}}})).await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        for reason in ["CommandMalformed", "CommandStale"] {
            let told = s.log.look(|view| count(view.history, reason));
            ensure!(told == 1, "{reason} was told {told} times");
        }
        let rolled_back = s.log.look(|view| {
            view.history.iter().skip(writes).any(|it| it.to_string().contains("RollingBack"))
        });
        ensure!(!rolled_back, "nothing may have been rolled back");
        Ok(())
    });
}

async fn answered(s: &mut Scenario, outcome: CommandOutcome) -> anyhow::Result<()> {
    s.then()
        .sees(&format!("an answer {outcome:?} in the status"), |view| {
            let commands = &view.state.rollout()?.status.commands;
            commands.iter().any(|it| it.outcome == outcome).then_some(())
        })
        .await
}

/// How often an Event of this reason was told.
fn count(history: &[siskin_e2e::scenario::history::Entry], reason: &str) -> i64 {
    use siskin_e2e::scenario::history::Change;
    use siskin_e2e::scenario::seen::Seen;
    let mut counts = std::collections::BTreeMap::new();
    for entry in history {
        if let Change::Put(name, Seen::Event(it)) = &entry.change
            && it.reason == reason
        {
            counts.insert(name.clone(), it.count);
        }
    }
    counts.values().sum()
}
