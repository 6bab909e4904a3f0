//! What the pods export reaches the judge, from Prometheus and from the pods themselves; and what
//! can't be read holds a trial with the reason, and decides nothing.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, RolloutSpec, Scenario, Version, scenario};

/// What the sample worker calls its series.
fn series() -> Value {
    json!({
        "consumed": "consumed_total",
        "processed": "processed_total",
        "errors": "errors_total",
        "latency": "processing_seconds",
    })
}

/// An endless trial that is judged by the bed's Prometheus too.
fn by_prometheus(s: &Scenario) -> RolloutSpec {
    let prometheus = json!({"address": s.run.bed.prometheus_url()});
    RolloutSpec::endless().analysis("prometheus", prometheus).analysis("series", series())
}

/// An endless trial that is judged by what the pods answer too.
fn by_the_pods() -> RolloutSpec {
    RolloutSpec::endless()
        .analysis("scrape", json!({"port": "metrics"}))
        .analysis("series", series())
}

async fn analysis(s: &mut Scenario, fields: Value) -> Result<()> {
    s.when().edits_rollout(&json!({"spec": {"analysis": fields}})).await
}

/// The trial of version 2 waits for this, without a canary.
async fn held(s: &mut Scenario, reason: &str, text: &str) -> Result<()> {
    s.then().says("SourcesReachable", "False", reason).await?;
    s.then()
        .sees(&format!("held in Preparing: …{text}…"), |view| {
            let status = &view.state.rollout()?.status;
            let held = status.phase == Some(Phase::Preparing);
            let told = status.message.as_ref()?.contains(text);
            (held && told && view.state.count(Part::Canary) == 0).then_some(())
        })
        .await
}

/// The trace of the trial gives the same verdict, for the same reason, in the same second.
async fn judged_again_as_it_was_live(s: &mut Scenario) -> Result<()> {
    let (live, again) = s.recorded().await?;
    ensure!(live.agrees_with(&again), "{live:?}, {again:?}");
    let told = s.log.look(|view| {
        let status = view.state.rollout().map(|it| &it.status);
        status.and_then(|it| it.analysis.as_ref()?.detected_after_seconds)
    });
    ensure!(told.is_some_and(|it| (0..300).contains(&it)), "detected after {told:?} s");
    Ok(())
}

#[test]
fn errors_that_prometheus_shows_roll_back() {
    scenario(async |s| {
        let spec = by_prometheus(s);
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2").knob("ERROR_SHARE", "0.3")).await?;
        s.then().rolls_back(Cause::AnalysisFailed, "1").await?;
        s.then().tells("RollingBack", "error").await?;
        judged_again_as_it_was_live(s).await
    });
}

#[test]
fn messages_lost_in_silence_are_found_by_asking_the_pods() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &by_the_pods()).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2").knob("DROP_SHARE", "0.3")).await?;
        s.then().rolls_back(Cause::AnalysisFailed, "1").await?;
        s.then().tells("RollingBack", "loss of the canary").await
    });
}

#[test]
fn a_threshold_of_the_users_own_rolls_back() {
    scenario(async |s| {
        let query = r#"sum by (pod) (rate(errors_total{pod=~"{{pods}}"}[10s])) / sum by (pod) (rate(consumed_total{pod=~"{{pods}}"}[10s]))"#;
        let threshold = json!({"query": query, "max": "0.05", "failureLimit": 2});
        let metrics = json!([{"name": "error-share", "threshold": threshold}]);
        let spec = by_prometheus(s).analysis("metrics", metrics);
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2").knob("ERROR_SHARE", "0.3")).await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.then().tells("RollingBack", "error-share").await
    });
}

/// A primary that fails now and then: the comparison, which looks at pods of a minute and older, needs
/// forty seconds more for a probability of one in a million. The bound is the first to say so.
#[test]
fn a_named_check_of_what_the_pods_answer_rolls_back() {
    scenario(async |s| {
        let checks = json!([{"name": "error_rate", "lessThan": "0.05"}]);
        let spec = by_the_pods()
            .analysis("checks", checks)
            .analysis("falseRollbackProbability", "0.000001");
        s.given().an_operator(Election::Usual)?;
        s.given().a_fleet(3).await?;
        s.when().ships(&Version::good("1").knob("ERROR_SHARE", "0.03")).await?;
        s.given().a_rollout(&spec).await?;
        s.given().rest().await?;
        s.given().a_record().await?;
        s.given().a_canary_of(&Version::good("2").knob("ERROR_SHARE", "0.2")).await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.then().tells("RollingBack", "error_rate").await?;
        judged_again_as_it_was_live(s).await
    });
}

#[test]
fn a_good_version_passes_with_its_metrics() {
    scenario(async |s| {
        let steps = json!([{"weight": 34, "hold": "3s"}]);
        let prometheus = json!({"address": s.run.bed.prometheus_url()});
        let spec = RolloutSpec::steps(&steps).analysis("prometheus", prometheus);
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().promotes("2", PromotionReason::Passed).await
    });
}

#[test]
fn what_cannot_be_asked_is_held_with_the_reason_until_it_is_right() {
    scenario(async |s| {
        let (spec, address) = (by_prometheus(s), s.run.bed.prometheus_url());
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_record().await?;
        // Nothing answers on the port of another service's probe.
        analysis(s, json!({"prometheus": {"address": "http://127.0.0.1:9"}})).await?;
        s.then().says("SourcesReachable", "False", "MetricsUnreachable").await?;
        s.when().ships(&Version::good("2")).await?;
        held(s, "MetricsUnreachable", "http://127.0.0.1:9").await?;
        let metric =
            |query: &str| json!([{"name": "m", "threshold": {"query": query, "max": "1"}}]);
        let right = json!({"address": address});
        // Only a Prometheus knows that a rate is that of a range.
        analysis(s, json!({"prometheus": right, "metrics": metric("sum(rate(x))")})).await?;
        held(s, "MetricsBadQuery", "parse error").await?;
        analysis(s, json!({"metrics": metric("sum(rate(x[1m])")})).await?;
        held(s, "InvalidMetric", "`(` is not closed").await?;
        analysis(s, json!({"metrics": metric("x{pod=~\"{{pots}}\"}")})).await?;
        held(s, "InvalidMetric", "no variable `pots`").await?;
        analysis(s, json!({"metrics": null})).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().says("SourcesReachable", "True", "Answered").await
    });
}
