//! Somebody is called when it matters: the rules of `config/monitoring` in a real Prometheus, and by their own tests.

use std::fs;

use anyhow::Result;
use siskin_api::{Cause, PromotionReason};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::{ROLLOUT, RolloutSpec, Source, Version, alerts, scenario};

#[test]
fn a_silent_source_a_rollback_and_a_lost_target_call_somebody_until_they_are_over() {
    scenario(async |s| {
        s.given().a_proxy_to(Source::Kafka)?;
        s.given().an_adopted_fleet(2, &RolloutSpec::quick()).await?;
        let watched = s.given().a_watched_operator(5).await?;
        s.when().loses(Source::Kafka).await?;
        s.then().calls_somebody("SiskinSourceUnreachable").await?;
        s.when().ships(&Version::crashing("2")).await?;
        s.when().regains(Source::Kafka)?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.then().calls_somebody("SiskinRolledBack").await?;
        s.then().calls_nobody("SiskinSourceUnreachable").await?;
        s.when().ships(&Version::good("3")).await?;
        s.then().promotes("3", PromotionReason::Passed).await?;
        s.then().calls_nobody("SiskinRolledBack").await?;
        s.when().deletes_in_foreground(ObjectKind::Deployment, ROLLOUT).await?;
        s.then().calls_somebody("SiskinStalled").await?;
        s.then().every_panel_has_data().await?;
        watched.end().await
    });
}

#[test]
fn every_rule_calls_when_it_should_and_not_before() {
    scenario(async |s| {
        let (bed, folder) = (s.run.bed.clone(), s.folder("rules")?);
        let checked = tokio::task::spawn_blocking(move || -> Result<String> {
            fs::write(folder.join("siskin.yml"), alerts::rules(&bed)?.to_string())?;
            let tests = alerts::tests_of_rules(&bed).join("rules.yaml");
            fs::copy(tests, folder.join("rules.yaml"))?;
            bed.promtool(&folder, &["check", "rules", "--lint=all", "--lint-fatal", "siskin.yml"])?;
            bed.promtool(&folder, &["test", "rules", "rules.yaml"])
        });
        s.log.note(checked.await??);
        Ok(())
    });
}
