//! The target's own shape is heeded: its strategy, its share of the pods, its pause, its init containers.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::history::{State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

/// Pods whose containers run, those on their way out among them.
fn running(state: &State) -> usize {
    state.pods.values().filter(|it| it.part.is_some() && it.running).count()
}

/// Pods that serve: Ready, and not on their way out.
fn serving(state: &State) -> usize {
    state.pods.values().filter(|it| it.part.is_some() && it.ready && !it.terminating).count()
}

/// A singleton that says so is adopted, tried and promoted, and never runs twice.
async fn never_runs_twice(s: &mut Scenario) -> Result<()> {
    s.given().an_adopted_fleet_under(Election::None, 1, &RolloutSpec::endless()).await?;
    s.given().a_canary_of(&Version::good("2")).await?;
    s.when().commands("promote", "/full").await?;
    s.then().promotes("2", PromotionReason::Commanded).await?;
    let (_, most) = extremes(&s.log.history(), Duration::ZERO, running);
    ensure!(most == 1, "{most} copies ran at once");
    Ok(())
}

#[test]
fn a_singleton_that_recreates_never_runs_twice() {
    scenario(async |s| {
        // It takes a while to end, and nothing but Siskin keeps its successor from starting meanwhile.
        s.given().a_shape(&json!({"spec": {"strategy": {"type": "Recreate"}}}));
        s.given().a_stop_delay(5);
        never_runs_twice(s).await
    });
}

#[test]
fn a_singleton_that_no_node_can_hold_twice_is_adopted_and_promoted() {
    scenario(async |s| {
        let apart = json!({"podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [{
                "topologyKey": "kubernetes.io/hostname",
                "labelSelector": {"matchLabels": {"app": ROLLOUT}},
            }],
        }});
        s.given().a_shape(&json!({"spec": {
            "strategy": {"type": "Recreate"},
            "template": {"spec": {"affinity": apart}},
        }}));
        never_runs_twice(s).await
    });
}

/// An init container that checks a setting.
fn check(broken: bool) -> Value {
    let broken = if broken { "true" } else { "false" };
    json!({"initContainers": [{
        "name": "check",
        "image": "localhost/busybox:1",
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", "[ \"$BROKEN\" != true ]"],
        "env": [{"name": "BROKEN", "value": broken}],
    }]})
}

#[test]
fn an_init_container_that_fails_is_a_crash_loop_and_is_named() {
    scenario(async |s| {
        s.given().a_shape(&json!({"spec": {"template": {"spec": check(false)}}}));
        let spec = RolloutSpec::quick().strategy("progressDeadline", "3m");
        s.given().an_adopted_fleet_under(Election::None, 3, &spec).await?;
        s.when().ships(&Version::good("2").template(json!({"spec": check(true)}))).await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.then().ends_because(&["check"]).await.map(drop)
    });
}

#[test]
fn an_image_that_is_not_there_is_told_at_once_and_rejected_at_the_deadline() {
    scenario(async |s| {
        let spec = RolloutSpec::endless().strategy("progressDeadline", "20s");
        s.given().an_adopted_fleet_under(Election::None, 2, &spec).await?;
        s.when().ships(&Version::without_image("2")).await?;
        s.then()
            .sees("container and reason, before the deadline", |view| {
                let status = &view.state.rollout()?.status;
                let message = status.message.as_ref()?;
                let told = message.contains("worker") && message.contains("ErrImageNeverPull");
                (told && status.phase == Some(Phase::Progressing)).then_some(())
            })
            .await?;
        s.then().tells("PodNotStarted", "ErrImageNeverPull").await?;
        ensure!(s.phase() == Some(Phase::Progressing), "the Event comes before the deadline");
        s.then().rolls_back(Cause::DeadlineExceeded, "1").await?;
        s.then().tells("RollingBack", "ErrImageNeverPull").await
    });
}

#[test]
fn a_paused_target_starts_no_trial_until_it_goes_on() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 2, &RolloutSpec::endless()).await?;
        s.when().edits_target(&json!({"spec": {"paused": true}})).await?;
        s.when().ships(&Version::good("2")).await?;
        s.then()
            .sees("held, with the reason", |view| {
                let status = &view.state.rollout()?.status;
                let told = status.conditions.iter().any(|it| it.reason == "TargetPaused");
                let words = status.message.as_ref()?.contains("paused");
                (told && words && view.state.count(Part::Canary) == 0).then_some(())
            })
            .await?;
        s.when().edits_target(&json!({"spec": {"paused": false}})).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "2").await
    });
}

/// Half of the pods at a time: adoption, step, promotion and hand-back of four take two starts each.
#[test]
fn as_many_pods_move_at_a_time_as_the_targets_own_strategy_says() {
    scenario(async |s| {
        let rolling = json!({"maxSurge": "50%", "maxUnavailable": "25%"});
        let strategy = json!({"type": "RollingUpdate", "rollingUpdate": rolling});
        s.given().a_shape(&json!({"spec": {"strategy": strategy}}));
        let steps = json!([{"weight": 50, "hold": "10m"}]);
        let spec = RolloutSpec::steps(&steps).strategy("maxHold", "10m");
        s.given().an_adopted_fleet_under(Election::None, 4, &spec).await?;
        let adopted = s.log.elapsed();
        s.given().a_canary_of(&Version::good("2")).await?;
        s.then()
            .sees("two of each", |view| {
                let ready = |part| view.state.pods_of(part).filter(|(_, it)| it.ready).count();
                (ready(Part::Canary) == 2 && ready(Part::Primary) == 2).then_some(())
            })
            .await?;
        let counts = s.log.look(|view| {
            let counts = view.history.iter().filter_map(|it| it.change.canary_pods());
            let mut counts: Vec<_> = counts.collect();
            counts.dedup();
            counts
        });
        ensure!(!counts.contains(&1), "the canary grew one by one: {counts:?}");
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("the target runs its pods itself", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                let alone = view.state.parts.len() == 1 && view.state.rollouts.is_empty();
                (target.ready == 4 && target.replicas == 4 && alone).then_some(())
            })
            .await?;
        let (least, _) = extremes(&s.log.history(), adopted, serving);
        ensure!(3 <= least, "only {least} of 4 served");
        Ok(())
    });
}

/// The target says twelve, the rollout three: a quarter of twelve would be all of them.
#[test]
fn a_share_of_the_pods_is_of_those_that_there_are_now() {
    scenario(async |s| {
        let spec = RolloutSpec::endless().strategy("order", "DrainFirst").field("replicas", 3);
        s.given().an_adopted_fleet_under(Election::None, 3, &spec).await?;
        s.when().edits_target(&json!({"spec": {"replicas": 12}})).await?;
        s.then().tells("TargetDrained", "12 replicas").await?;
        s.then().serves("1").await?;
        let rested = s.log.elapsed();
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("the target runs its pods itself", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                let alone = view.state.parts.len() == 1 && view.state.rollouts.is_empty();
                (3 <= target.ready && target.ready == target.replicas && alone).then_some(())
            })
            .await?;
        let (least, _) = extremes(&s.log.history(), rested, serving);
        ensure!(2 <= least, "only {least} of 3 served");
        Ok(())
    });
}

#[test]
fn a_target_made_anew_with_another_selector_is_told_and_can_be_let_go() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 2, &RolloutSpec::endless()).await?;
        s.when().deletes_in_foreground(ObjectKind::Deployment, ROLLOUT).await?;
        s.then().says("Stalled", "True", "TargetMissing").await?;
        s.then().loses(Part::Target).await?;
        let labels = json!({"app": ROLLOUT, "tier": "second"});
        s.given().a_shape(&json!({"spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}},
        }}));
        s.when().applies(&Version::good("1"), 2).await?;
        s.then()
            .sees("what is wrong, and what to do", |view| {
                let status = &view.state.rollout()?.status;
                let stalled = status.conditions.iter().find(|it| it.type_ == "Stalled")?;
                stalled.message.contains("selector").then_some(())
            })
            .await?;
        let generation = s.generation(Part::Primary).await?;
        s.when().annotates_rollout("siskin.dev/abort", "anything").await?;
        s.then().tells("CommandMalformed", "anything").await?;
        let now = s.generation(Part::Primary).await?;
        ensure!(generation == now, "orders-primary is written again and again");
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("the rollout is gone, and somebody serves", |view| {
                (view.state.rollouts.is_empty() && 2 <= serving(view.state)).then_some(())
            })
            .await
    });
}
