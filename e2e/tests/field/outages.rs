//! What everybody depends on is away for a while: nothing is promoted, nothing is rolled back for it,
//! and the rollout goes on when it is back.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_api::{Phase, PromotionReason};
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{
    Election, RolloutSpec, Scenario, Source, Version, scenario, scenario_alone,
};
use siskin_e2e::testbed::{Part as Server, Testbed};

/// A step whose hold ends within the outage.
fn ten_seconds() -> RolloutSpec {
    let steps = json!([{"weight": 34, "hold": "10s"}]);
    RolloutSpec::steps(&steps).strategy("maxHold", "10m")
}

/// Starting and stopping a server blocks; the scenario's watches go on meanwhile.
async fn server(
    s: &Scenario,
    action: fn(&Testbed, Server) -> Result<()>,
    part: Server,
) -> Result<()> {
    let bed = s.run.bed.clone();
    tokio::task::spawn_blocking(move || action(&bed, part)).await?
}

/// The canary is on trial still, and the primary serves.
fn on_trial(s: &Scenario) -> bool {
    s.log.look(|view| {
        let counts = (view.state.count(Part::Primary), view.state.count(Part::Canary));
        let status = view.state.rollout().map(|it| &it.status);
        status.and_then(|it| it.phase) == Some(Phase::Progressing) && counts == (2, 1)
    })
}

#[test]
fn without_kafka_for_a_minute_a_trial_is_held_and_then_goes_on() {
    scenario(async |s| {
        s.given().a_proxy_to(Source::Kafka)?;
        s.given().an_adopted_fleet(3, &ten_seconds()).await?;
        s.given().a_record().await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().loses(Source::Kafka).await?;
        s.then()
            .sees("the reason why it holds", |view| {
                let message = view.state.rollout()?.status.message.as_ref()?;
                message.contains("Kafka").then_some(())
            })
            .await?;
        // The outage itself.
        tokio::time::sleep(Duration::from_secs(60)).await;
        ensure!(on_trial(s), "the trial did not wait for Kafka");
        s.when().regains(Source::Kafka)?;
        s.then().promotes("2", PromotionReason::Passed).await
    });
}

#[test]
fn without_the_api_server_for_a_while_a_trial_goes_on() {
    scenario_alone(async |s| {
        // With a Lease it would end after 10 s, for its kubelet to start it again.
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        s.given().a_rollout(&ten_seconds()).await?;
        s.given().rest().await?;
        s.given().a_record().await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.log.note("the API server is stopped and started");
        server(s, Testbed::stop, Server::ApiServer).await?;
        // Its watches end at once, its requests fail for as long as the server takes to start.
        server(s, Testbed::start, Server::ApiServer).await?;
        s.then().promotes("2", PromotionReason::Passed).await
    });
}

#[test]
fn without_prometheus_for_a_minute_a_trial_is_held_and_then_goes_on() {
    scenario(async |s| {
        let address = format!("http://{}", s.given().a_proxy_to(Source::Prometheus)?);
        let prometheus = json!({"address": address});
        let series = json!({"consumed": "consumed_total", "errors": "errors_total"});
        let spec = ten_seconds().analysis("prometheus", prometheus).analysis("series", series);
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_record().await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().loses(Source::Prometheus).await?;
        s.then().says("SourcesReachable", "False", "MetricsUnreachable").await?;
        // The outage itself.
        tokio::time::sleep(Duration::from_secs(60)).await;
        ensure!(on_trial(s), "the trial did not wait for Prometheus");
        s.when().regains(Source::Prometheus)?;
        s.then().says("SourcesReachable", "True", "Answered").await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await
    });
}

/// The pods of the canary become Ready and nobody counts them: their Deployment says less than there is.
#[test]
fn a_canary_that_no_controller_counts_is_waited_for_beyond_its_deadline() {
    scenario_alone(async |s| {
        let spec = ten_seconds().strategy("progressDeadline", "15s");
        s.given().an_adopted_fleet(3, &spec).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2")).await?;
        s.then()
            .sees("a pod of the canary", |view| {
                let mut pods = view.state.pods.values();
                pods.any(|it| it.part == Some(Part::Canary)).then_some(())
            })
            .await?;
        s.log.note("no controller works any more");
        server(s, Testbed::stop, Server::ControllerManager).await?;
        s.then().gives_nobody_up_for(Duration::from_secs(45)).await?;
        server(s, Testbed::start, Server::ControllerManager).await?;
        s.then().promotes("2", PromotionReason::Passed).await
    });
}
