//! What the rules of a cluster refuse or change: it is told, it stops nothing else, and it goes on when it is allowed.

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, Policy, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

const WORDS: &str = "ask the platform team first";

/// A write of the primary's Deployment, to see whether it is refused.
const WRITE: [&str; 4] = ["label", "deployment", "orders-primary", "tried=yes"];

/// The refusal is told with the object and the server's words: in the status, as a condition, and by an Event.
async fn refused(s: &mut Scenario, object: &str) -> Result<()> {
    s.then()
        .sees(&format!("a refusal of {object}"), |view| {
            let status = &view.state.rollout()?.status;
            let told = |text: &str| text.contains(object) && text.contains(WORDS);
            let stalled = status.conditions.iter().find(|it| it.type_ == "Stalled")?;
            let condition = stalled.status == "True" && told(&stalled.message);
            let event =
                view.history.iter().any(|it| it.change.tells(|it| it.warning && told(&it.note)));
            (condition && event).then_some(())
        })
        .await
}

#[test]
fn a_label_that_every_deployment_needs_is_on_the_children_too() {
    scenario(async |s| {
        let unless = "has(object.metadata.labels) && 'team' in object.metadata.labels";
        let policy = Policy::refuses("team", "deployments", unless, WORDS);
        s.given().a_policy(&policy).await?;
        s.given().an_operator(Election::None)?;
        s.given().a_shape(&json!({"metadata": {"labels": {"team": "payments"}}}));
        s.given().a_fleet(2).await?;
        s.then().refuses(&["label", "deployment", ROLLOUT, "team-"], WORDS).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.given().rest().await?;
        s.given().a_canary_of(&Version::good("2")).await
    });
}

#[test]
fn an_adoption_that_is_refused_says_so_and_goes_on_when_it_is_allowed() {
    scenario(async |s| {
        let unless = "object.metadata.name != 'orders-primary'";
        s.given().a_policy(&Policy::refuses("primary", "deployments", unless, WORDS)).await?;
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(2).await?;
        s.then().refuses(&["create", "deployment", "orders-primary", "--image=x"], WORDS).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        refused(s, "orders-primary").await?;
        let target = s.log.look(|view| view.state.count(Part::Target));
        ensure!(target == 2, "the target keeps its pods");
        s.when().lifts_policies().await?;
        s.given().rest().await
    });
}

/// The canary goes though the primary can't take its place, and though its rejection can't be marked.
#[test]
fn a_rollback_is_done_as_far_as_the_cluster_lets() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        let from = s.log.length();
        s.when().ships(&Version::good("2").knob("CRASH_AFTER", "400")).await?;
        s.then().runs(Part::Canary, "2").await?;
        let unless = "object.metadata.name != 'orders-primary'";
        s.given().a_policy(&Policy::refuses("primary", "deployments", unless, WORDS)).await?;
        let frozen = Policy::refuses("frozen", "controllerrevisions", "false", WORDS);
        s.given().a_policy(&frozen).await?;
        s.then().refuses(&WRITE, WORDS).await?;
        s.then()
            .sees("the canary is gone", |view| {
                let gave_up = view.history[from..].iter().any(|it| {
                    it.change.enters(Phase::RollingBack) || it.change.enters(Phase::Failed)
                });
                (gave_up && view.state.count(Part::Canary) == 0).then_some(())
            })
            .await?;
        refused(s, "orders-primary").await?;
        s.when().lifts_policies().await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.then().says("Stalled", "True", "RevisionRejected").await
    });
}

/// A registry rewrite, a pull policy: what the cluster makes of a child is what the child is.
#[test]
fn a_value_that_the_cluster_changes_is_not_repaired_for_ever() {
    scenario(async |s| {
        let changed = "Object{spec: Object.spec{template: Object.spec.template{\
                       spec: Object.spec.template.spec{containers: [\
                       Object.spec.template.spec.containers{\
                       name: 'worker', imagePullPolicy: 'IfNotPresent'}]}}}}";
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(2).await?;
        s.given().a_policy(&Policy::changes("pull", changed)).await?;
        let path = "{.spec.template.spec.containers[0].imagePullPolicy}";
        s.then().mutates(&json!({}), path, "IfNotPresent").await?;
        if s.has_all_policies() {
            // What the cluster would make of the operator's own write is none of its counts: see docs/policies.md.
            s.when().applies(&Version::good("1"), 2).await?;
        }
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.given().rest().await?;
        stands_still(s, Part::Primary).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        stands_still(s, Part::Canary).await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        stands_still(s, Part::Primary).await?;
        let repairs = s.log.look(|view| {
            view.history.iter().any(|it| it.change.tells(|it| it.reason == "ChildRepaired"))
        });
        ensure!(!repairs, "what nobody broke was repaired");
        Ok(())
    });
}

/// Passes that look at everything again leave the child as it is.
async fn stands_still(s: &mut Scenario, part: Part) -> Result<()> {
    let before = s.generation(part).await?;
    for look in ["a", "b", "c"] {
        s.when().annotates_rollout("siskin.dev/approve", look).await?;
        s.then().tells("CommandMalformed", look).await?;
    }
    let now = s.generation(part).await?;
    ensure!(before == now, "{part:?} was written: generation {before}, then {now}");
    Ok(())
}
