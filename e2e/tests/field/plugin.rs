//! `kubectl siskin` on a real cluster: what it shows, does and waits for.
//! How it says it is held by its own tests.

use std::env;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{ROLLOUT, RolloutSpec, Scenario, Version, scenario};
use tokio::time::sleep;

const DEPLOYMENT: &str = "deployment/orders";

/// Set, it says how many changes are waited for.
const CHANGES: &str = "SISKIN_E2E_CHANGES";

/// The plugin ends with this code, and says these.
async fn says(s: &Scenario, arguments: &[&str], code: i32, texts: &[&str]) -> Result<()> {
    let said = s.siskin_ends(arguments, code).await?;
    for text in texts {
        ensure!(said.contains(text), "{} says nothing of {text:?}:\n{said}", arguments.join(" "));
    }
    Ok(())
}

#[test]
fn on_call_one_sees_what_happens_and_acts() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let abort = format!("kubectl siskin abort {ROLLOUT} -n {}", s.namespace);
        let shown = ["Progressing", "Hold", "primary", "canary", "EVENT", &abort];
        says(s, &["status", DEPLOYMENT], 0, &shown).await?;
        says(s, &["list"], 0, &["MESSAGE", "Progressing"]).await?;
        says(s, &["list", "-o", "name"], 0, &["canaryrollout.siskin.dev/orders"]).await?;
        says(s, &["abort", ROLLOUT], 0, &["it is followed"]).await?;
        s.then().rolls_back(Cause::Aborted, "1").await?;
        says(s, &["wait", DEPLOYMENT, "--timeout", "2m"], 1, &["not promoted"]).await?;
        says(s, &["abort", ROLLOUT], 2, &["there is nothing to abort"]).await?;
        says(s, &["retry", DEPLOYMENT], 0, &["it is followed"]).await?;
        s.then().reaches(Phase::Progressing).await?;
        says(s, &["promote", ROLLOUT, "--full"], 2, &["it needs --yes"]).await?;
        says(s, &["promote", ROLLOUT, "--full", "--yes"], 0, &["it is followed"]).await?;
        says(s, &["wait", DEPLOYMENT, "--timeout", "4m"], 0, &["promoted"]).await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        says(s, &["history", ROLLOUT], 0, &["rolled back", "promoted"]).await
    });
}

#[test]
fn undo_goes_back_and_a_suspended_rollout_needs_a_person() {
    scenario(async |s| {
        s.given().an_adopted_fleet(2, &RolloutSpec::endless()).await?;
        for (version, reason) in [("2", "INC-4711"), ("3", "INC-4712")] {
            let bypass = ["bypass", DEPLOYMENT, "--yes", "--reason", reason];
            says(s, &bypass, 0, &["the next version applied"]).await?;
            s.when().ships(&Version::good(version)).await?;
            s.then().promotes(version, PromotionReason::Bypass).await?;
            says(s, &bypass, 2, &["give another one"]).await?;
        }
        says(s, &["undo", ROLLOUT], 0, &["a trial of it follows"]).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().runs(Part::Canary, "2").await?;
        says(s, &["suspend", ROLLOUT], 0, &["suspended"]).await?;
        says(s, &["wait", DEPLOYMENT, "--timeout", "2m"], 3, &["kubectl siskin resume"]).await?;
        says(s, &["resume", ROLLOUT], 0, &["resumed"]).await?;
        // What is on trial is undone by going back to what serves.
        says(s, &["undo", ROLLOUT], 0, &[]).await?;
        says(s, &["wait", DEPLOYMENT, "--timeout", "4m"], 0, &["promoted"]).await?;
        s.then().serves("3").await
    });
}

/// A version that serves and one that was rejected take turns, each time as a change of its own: the status has the result
/// of the change before until the operator has seen the next one, and the wait begins before or after that.
#[test]
fn each_wait_ends_with_the_result_of_its_own_change() {
    scenario(async |s| {
        s.given().an_adopted_fleet(2, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        says(s, &["abort", ROLLOUT], 0, &[]).await?;
        s.then().rolls_back(Cause::Aborted, "1").await?;
        let changes = env::var(CHANGES).unwrap_or_else(|_| "20".to_owned());
        let changes: u64 = changes.parse().with_context(|| format!("{CHANGES}={changes}"))?;
        for number in 0..changes {
            let chosen = s.chance(1 << 16);
            let (version, code) = if chosen % 2 == 0 { ("1", 0) } else { ("2", 1) };
            let id = format!("change-{number}");
            let change = json!({
                "metadata": {"annotations": {"siskin.dev/change-id": id}},
                "spec": {"template": s.manifest_without_count(&Version::good(version))["spec"]["template"]},
            });
            let (applied, waits) = (chosen % 5 * 40, chosen % 7 * 40);
            s.log.note(format!(
                "{id}: version {version}, applied at {applied} ms, waited for at {waits} ms"
            ));
            let wait = ["wait", DEPLOYMENT, "--change-id", &id, "--timeout", "2m"];
            let (applied, said) = tokio::join!(
                async {
                    sleep(Duration::from_millis(applied)).await;
                    s.objects.merge(ObjectKind::Deployment, ROLLOUT, &change).await
                },
                async {
                    sleep(Duration::from_millis(waits)).await;
                    s.siskin(&wait).await
                }
            );
            applied?;
            let said = said?;
            ensure!(said.code == Some(code), "{id}, version {version}: {said:?}");
        }
        Ok(())
    });
}
