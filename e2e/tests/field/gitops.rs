//! What tools for Git read: the objects on which the tests of Argo CD's health and actions run are of the form in which the
//! operator writes them. Runs no such tool.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::autoscaler::{HPA, bounded};
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

const FOLDER: &str = "config/argo-cd/resource_customizations/siskin.dev/CanaryRollout/testdata";

/// Told beside the state of the rollout, and not always from its first moment on.
const BESIDE: [&str; 2] = ["SourcesReachable", "WritesAccepted"];

/// What health, actions and kstatus read of a `CanaryRollout`, without names, times and texts.
fn form(rollout: &Value) -> Value {
    let (spec, status) = (&rollout["spec"], &rollout["status"]);
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let conditions = conditions.filter(|it| !BESIDE.iter().any(|beside| it["type"] == *beside));
    let conditions: BTreeSet<String> =
        conditions.map(|it| format!("{}={} {}", it["type"], it["status"], it["reason"])).collect();
    let progress = &status["progress"];
    let step = progress["step"].as_u64().and_then(|it| usize::try_from(it).ok());
    let rejected = status["revisions"]["rejected"].as_array().into_iter().flatten();
    let retried = rejected.filter(|it| it["revision"] == progress["revision"]).count();
    json!({
        "seen": status["observedGeneration"] == rollout["metadata"]["generation"],
        "suspended": spec["suspend"],
        "counted": spec["replicas"].is_u64(),
        "phase": status["phase"],
        "conditions": conditions,
        "message": status["message"].is_string(),
        "attempt": status["rolloutId"].is_string(),
        "step": step.map(|it| progress["plan"]["steps"][it]["approval"].clone()),
        "retried": retried,
        "autoscaler": status["autoscaler"],
    })
}

/// The rollout comes to look as in this file; what it looks like is kept beside the logs.
async fn comes_to_look(s: &Scenario, file: &str) -> Result<()> {
    let path = s.run.bed.repository().join(FOLDER).join(format!("{file}.yaml"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let wanted = form(&serde_yaml_ng::from_str(&text)?);
    let mut found = Value::Null;
    let looks = 300;
    for _ in 0..looks {
        let live = s.kubectl(&["get", "canaryrollout", ROLLOUT, "-o", "yaml"], "").await?;
        found = form(&serde_yaml_ng::from_str(&live)?);
        if found == wanted {
            s.keeps(&format!("{file}.yaml"), &live)?;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("{file}: the rollout looks like {found:#}, and the file like {wanted:#}")
}

#[test]
fn a_trial_looks_as_the_tests_of_argo_cd_have_it() {
    scenario(async |s| {
        s.given().a_fleet(3).await?;
        let steps = json!([{"weight": 34, "hold": "1s", "approval": "Required"}]);
        let spec = RolloutSpec::steps(&steps).strategy("maxHold", "10m");
        s.given().a_rollout(&spec).await?;
        comes_to_look(s, "unobserved").await?;
        s.given().an_operator(Election::None)?;
        comes_to_look(s, "initialized").await?;
        s.given().a_record().await?;
        s.when().edits_rollout(&json!({"spec": {"suspend": true}})).await?;
        s.when().ships(&Version::good("2")).await?;
        comes_to_look(s, "initialized_suspended").await?;
        s.when().edits_rollout(&json!({"spec": {"suspend": false}})).await?;
        s.then().reaches(Phase::Paused).await?;
        comes_to_look(s, "paused_approval").await?;
        s.when().commands("approve", "/1").await?;
        s.then().promotes("2", PromotionReason::Passed).await?;
        comes_to_look(s, "succeeded").await?;
        s.when().ships(&Version::crashing("3")).await?;
        s.then().rolls_back(Cause::GuardFailed, "2").await?;
        comes_to_look(s, "failed_guard").await
    });
}

#[test]
fn a_held_rollout_looks_as_the_tests_of_argo_cd_have_it() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        s.when().edits_target(&json!({"spec": {"paused": true}})).await?;
        s.when().ships(&Version::good("2")).await?;
        comes_to_look(s, "target_paused").await?;
        s.when().edits_target(&json!({"spec": {"paused": false}})).await?;
        s.then().reaches(Phase::Progressing).await?;
        comes_to_look(s, "progressing").await?;
        s.when().edits_rollout(&json!({"spec": {"suspend": true}})).await?;
        comes_to_look(s, "progressing_suspended").await
    });
}

#[test]
fn an_autoscaled_rollout_looks_as_the_tests_of_argo_cd_have_it() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        s.objects.apply(HPA, &bounded(ROLLOUT, 1, 12)).await?;
        s.objects.apply(HPA, &bounded("orders-by-lag", 1, 12)).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        comes_to_look(s, "pending_autoscaler_on_target").await?;
        s.when().deletes(HPA, "orders-by-lag").await?;
        comes_to_look(s, "initialized_autoscaled").await?;
        s.log.note("end the operator");
        s.operator()?.terminate().await?;
        s.when().scales_rollout(5).await?;
        comes_to_look(s, "initialized_scaled_not_seen").await
    });
}
