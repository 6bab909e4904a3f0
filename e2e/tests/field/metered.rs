//! Autoscalers that scale by metrics: processor time of the pods, and lag from outside of the cluster. What the metrics are
//! a scenario says; Kubernetes' own controller does the rest.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_api::PromotionReason;
use siskin_e2e::scenario::autoscaler::{HPA, Metric, hpa};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{
    Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario, scenario_alone,
};
use siskin_e2e::testbed::{Part as Server, Testbed};

/// Records of lag for each consumer.
const EACH: u32 = 10;

/// Two steps that do not end by themselves.
fn two_steps() -> RolloutSpec {
    let steps = json!([{"weight": 34, "hold": "10m"}, {"weight": 67, "hold": "10m"}]);
    RolloutSpec::steps(&steps).strategy("maxHold", "10m")
}

/// The metric asks for so many consumers.
async fn wants(s: &mut Scenario, consumers: u32) -> Result<()> {
    s.when().says(Metric::Lag(consumers * EACH)).await
}

/// It has read its metric, and the scale of what it names.
async fn computes(s: &Scenario) -> Result<()> {
    let hpa = format!("hpa/{ROLLOUT}");
    let wait = ["wait", "--for=condition=ScalingActive", "--timeout=60s", &hpa];
    s.kubectl(&wait, "").await.map(drop)
}

/// A fleet that an autoscaler scales, which is content with it.
async fn autoscaled(
    s: &mut Scenario,
    pods: u32,
    bounds: RangeInclusive<u32>,
    by: Metric,
    now: Metric,
) -> Result<()> {
    s.given().watched_autoscalers();
    s.given().partitions(12);
    s.given().an_operator(Election::None)?;
    s.given().a_fleet(pods).await?;
    s.when().says(now).await?;
    s.given().an_autoscaler(HPA, &hpa(ROLLOUT, *bounds.start(), *bounds.end(), by)).await?;
    computes(s).await
}

/// The fleet is adopted with the same autoscaler, and that has changed no count.
async fn taken_over(s: &mut Scenario, pods: u32) -> Result<()> {
    let before = s.pointed(HPA, ROLLOUT).await?;
    let begun = s.log.elapsed();
    s.given().a_rollout(&two_steps()).await?;
    s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
    s.then().has_counts(pods, 0).await?;
    computes(s).await?;
    ensure!(s.pointed(HPA, ROLLOUT).await?.uid == before.uid, "it is another object");
    ensure!(s.rescales().await? == 0, "a count was changed at the take-over");
    let totals = s.totals(begun);
    ensure!(totals == (pods, pods), "N was {totals:?}, not {pods}");
    Ok(())
}

/// The canary of a version, and its count.
async fn on_trial(s: &mut Scenario, version: &str) -> Result<u32> {
    s.given().a_canary_of(&Version::good(version)).await?;
    Ok(s.log.look(|view| view.state.count(Part::Canary)))
}

#[test]
fn an_autoscaler_by_lag_is_followed_at_rest_in_each_step_and_through_promotion_and_rollback() {
    scenario(async |s| {
        autoscaled(s, 6, 2..=12, Metric::Lag(EACH), Metric::Lag(6 * EACH)).await?;
        taken_over(s, 6).await?;
        wants(s, 8).await?;
        s.then().has_counts(8, 0).await?;
        wants(s, 6).await?;
        s.then().has_counts(6, 0).await?;

        let first = on_trial(s, "2").await?;
        wants(s, 9).await?;
        s.then().has_counts(9, first).await?;
        wants(s, 5).await?;
        s.then().has_counts(5, first).await?;

        s.when().commands("promote", "/1").await?;
        let mut then = s.then();
        let second = then.sees("the second step is held", |view| {
            let progress = view.state.rollout()?.status.progress.as_ref()?;
            let held = progress.step == Some(1) && progress.clocks.hold.since.is_some();
            held.then(|| view.state.count(Part::Canary))
        });
        let second = second.await?;
        ensure!(first < second, "the canary grew from {first} to {second}");
        wants(s, 8).await?;
        s.then().has_counts(8, second).await?;
        wants(s, 6).await?;
        s.then().has_counts(6, second).await?;

        s.when().commands("promote", "/full").await?;
        wants(s, 8).await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        s.then().has_counts(8, 0).await?;

        on_trial(s, "3").await?;
        s.when().commands("abort", "").await?;
        wants(s, 5).await?;
        s.then().has_counts(5, 0).await?;
        s.then().serves("2").await?;
        s.then().is_never_ambiguous()
    });
}

#[test]
fn a_metric_that_jumps_while_the_target_is_adopted_or_handed_back_is_followed() {
    scenario(async |s| {
        autoscaled(s, 4, 2..=12, Metric::Lag(EACH), Metric::Lag(4 * EACH)).await?;
        s.given().a_rollout(&two_steps()).await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        wants(s, 7).await?;
        s.then().has_counts(7, 0).await?;
        wants(s, 5).await?;
        s.then().has_counts(5, 0).await?;

        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        wants(s, 6).await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "Deployment").await?;
        s.then()
            .sees("the target alone has what the metric asks for", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                let whole = target.replicas == 6 && target.ready == 6;
                (whole && view.state.rollouts.is_empty()).then_some(())
            })
            .await?;
        s.then().is_never_ambiguous()
    });
}

#[test]
fn an_autoscaler_by_processor_time_sees_primary_and_canary_as_one_fleet() {
    scenario(async |s| {
        autoscaled(s, 3, 3..=6, Metric::Cpu(100), Metric::Cpu(100)).await?;
        taken_over(s, 3).await?;
        // More than all of them together ask for: up to the bound.
        s.when().says(Metric::Cpu(250)).await?;
        s.then().has_counts(6, 0).await?;
        s.when().says(Metric::Cpu(100)).await?;
        let canary = on_trial(s, "2").await?;
        s.then().has_counts(6, canary).await?;
        // Whatever the count, each pod uses next to nothing: down to the bound.
        s.when().says(Metric::Cpu(10)).await?;
        s.then().has_counts(3, canary).await?;
        s.when().says(Metric::Cpu(100)).await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        s.then().has_counts(3, 0).await?;
        s.then().is_never_ambiguous()
    });
}

/// Ends a server and starts it again.
async fn restarts(s: &Scenario, part: Server) -> Result<()> {
    s.log.note(format!("{part:?} is ended and started"));
    let bed = s.run.bed.clone();
    let again = move |bed: Testbed| {
        bed.stop(part)?;
        bed.start(part)
    };
    tokio::task::spawn_blocking(move || again(bed)).await?
}

#[test]
fn scaling_goes_on_when_the_control_plane_is_restarted_and_when_the_operator_was_away() {
    scenario_alone(async |s| {
        // With a Lease it would end while the API server is away, for its kubelet to start it again.
        autoscaled(s, 3, 2..=12, Metric::Lag(EACH), Metric::Lag(3 * EACH)).await?;
        taken_over(s, 3).await?;
        restarts(s, Server::ControllerManager).await?;
        wants(s, 5).await?;
        s.then().has_counts(5, 0).await?;
        restarts(s, Server::ApiServer).await?;
        wants(s, 4).await?;
        s.then().has_counts(4, 0).await?;

        s.log.note("the operator ends, and the lag grows without it");
        s.operators[0].kill().await?;
        let begun = s.log.elapsed();
        wants(s, 9).await?;
        s.then()
            .sees("the autoscaler asks for more", |view| {
                (view.state.rollout()?.spec.replicas == Some(9)).then_some(())
            })
            .await?;
        // Long enough for whoever depends on an operator to give up.
        tokio::time::sleep(Duration::from_secs(60)).await;
        s.then().stood_at(4, begun)?;
        s.given().an_operator(Election::None)?;
        s.then().has_counts(9, 0).await?;
        s.then().is_never_ambiguous()
    });
}
