//! Real KEDA, with its webhooks on: the Kafka scaler on the real lag of the sample worker, down to zero and back, one that
//! names the rollout from the start, and what is not taken over.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use siskin_api::{Phase, PromotionReason, RolloutOutcome};
use siskin_e2e::scenario::autoscaler::{Metric, hpa};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{
    Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario, scenario_alone,
};
use siskin_e2e::testbed::{Artifact, KedaRights};

pub const SCALED_OBJECT: ObjectKind = ObjectKind::ScaledObject;

/// Records of lag for each consumer that are never there: the trigger is active, and content with the least count.
pub const NEVER: u32 = 100_000;

/// KEDA looks every 2 s, and waits for 20 s before it goes down to zero.
const WITHIN: Duration = Duration::from_secs(150);

/// Plays a story and says what was measured.
type Story = fn() -> String;

/// A row per story.
pub fn cases() -> Vec<Case> {
    let rows: [(&str, Story); 7] = [
        ("lag", lag),
        ("zero", zero),
        ("names-the-rollout", names_the_rollout),
        ("held/from-env", from_env),
        ("held/two", two),
        ("held/narrowed", narrowed),
        ("handed-back", handed_back),
    ];
    let case = |(name, play): (&str, Story)| {
        Case::new(format!("keda/{name}"), play).needing(Artifact::Keda)
    };
    rows.into_iter().map(case).collect()
}

/// KEDA says that it can scale what the `ScaledObject` names.
pub async fn is_ready(s: &Scenario) -> Result<()> {
    let object = format!("scaledobject/{ROLLOUT}");
    let wait = ["wait", "--for=condition=Ready", "--timeout=90s", &object];
    s.kubectl(&wait, "").await.map(drop)
}

/// A fleet that KEDA scales, and the operator that is to adopt it.
async fn scaled(s: &mut Scenario, pods: u32, object: &Value) -> Result<()> {
    s.given().watched_autoscalers();
    s.given().an_operator(Election::None)?;
    s.given().a_fleet(pods).await?;
    s.given().an_autoscaler(SCALED_OBJECT, object).await?;
    is_ready(s).await
}

async fn adopted(s: &mut Scenario, pods: u32, object: &Value) -> Result<()> {
    scaled(s, pods, object).await?;
    s.given().a_rollout(&RolloutSpec::endless()).await?;
    s.then().is_scaled_through(SCALED_OBJECT, ROLLOUT, "CanaryRollout").await?;
    s.given().rest().await?;
    is_ready(s).await
}

/// The target serves as before, with all of its pods.
async fn target_serves(s: &mut Scenario, pods: u32) -> Result<()> {
    s.then()
        .sees("the target serves as before", |view| {
            let target = view.state.parts.get(&Part::Target)?;
            let whole = target.replicas == pods && target.ready == pods;
            (whole && view.state.count(Part::Primary) == 0).then_some(())
        })
        .await
}

/// The message names all of this.
async fn says(s: &mut Scenario, words: &[&str]) -> Result<()> {
    s.then().says("Stalled", "True", "AutoscalerOnTarget").await?;
    s.then()
        .sees(&format!("a message with {words:?}"), |view| {
            let message = view.state.rollout()?.status.message.clone()?;
            words.iter().all(|it| message.contains(it)).then_some(())
        })
        .await
}

/// The lag of the whole group, the canary's included, scales the fleet.
fn lag() -> String {
    let mut measured = String::new();
    scenario(async |s| {
        s.given().partitions(12);
        // Ten records a second and pod: three pods keep up with these.
        s.given().a_setting("WORK_PER_MESSAGE", "100ms");
        s.given().a_rate(21);
        let object = s.scaled_object(3, 6, 40);
        scaled(s, 3, &object).await?;
        let mut second = object.clone();
        second["metadata"]["name"] = json!("orders-too");
        let refused = s.objects.apply(SCALED_OBJECT, &second).await;
        let refused = refused.err().map(|it| format!("{it:#}")).unwrap_or_default();
        ensure!(refused.contains("already managed"), "KEDA's webhook does not act: {refused:?}");
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.then().is_scaled_through(SCALED_OBJECT, ROLLOUT, "CanaryRollout").await?;
        s.given().rest().await?;

        s.when().changes_rate(120).await?;
        let begun = s.log.elapsed();
        s.then().has_counts(6, 0).await?;
        let up = s.log.elapsed().saturating_sub(begun);
        s.when().changes_rate(21).await?;
        s.then().has_counts(3, 0).await?;

        // It takes its records, and does nothing with them.
        let idle = Version::good("2").knob("STALL_SHARE", "1");
        s.when().ships(&idle).await?;
        s.then()
            .sees_within("the canary's lag scales the fleet up", WITHIN, |view| {
                (3 < view.state.total()? && 0 < view.state.count(Part::Canary)).then_some(())
            })
            .await?;
        s.then()
            .sees_within("the canary is rolled back", WITHIN, |view| {
                let ended = view.state.rollout()?.status.history.first()?;
                (ended.outcome == RolloutOutcome::RolledBack).then_some(())
            })
            .await?;
        s.then().has_counts(3, 0).await?;
        let least = s.totals(Duration::ZERO).0;
        ensure!(least == 3, "N was {least}");
        s.then().is_never_ambiguous()?;
        measured =
            format!("3 to 6 by real lag in {:.0} s, and up by the canary's", up.as_secs_f64());
        Ok(())
    });
    measured
}

/// Down to no consumer in a trial, and back: the attempt goes on.
fn zero() -> String {
    let mut measured = String::new();
    scenario(async |s| {
        // With any record in flight it asks for all four.
        let object = s.scaled_object(0, 4, 1);
        adopted(s, 4, &object).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let attempt = s.log.look(|view| view.state.rollout()?.status.rollout_id.clone());

        s.when().changes_rate(0).await?;
        let begun = s.log.elapsed();
        s.then()
            .sees_within("no consumer is left", WITHIN, |view| {
                let none = [Part::Target, Part::Primary, Part::Canary]
                    .iter()
                    .all(|it| view.state.count(*it) == 0);
                (view.state.total() == Some(0) && none).then_some(())
            })
            .await?;
        let down = s.log.elapsed().saturating_sub(begun);
        let frozen = s.phase();
        ensure!(
            matches!(frozen, Some(Phase::Progressing | Phase::Paused)),
            "the trial is {frozen:?}"
        );

        s.when().changes_rate(60).await?;
        let begun = s.log.elapsed();
        s.then()
            .sees_within("primary and canary consume again", WITHIN, |view| {
                let ready = |part| view.state.pods_of(part).any(|(_, it)| it.ready);
                (ready(Part::Primary) && ready(Part::Canary)).then_some(())
            })
            .await?;
        let up = s.log.elapsed().saturating_sub(begun);
        let after = s.log.look(|view| view.state.rollout()?.status.rollout_id.clone());
        ensure!(attempt == after, "{attempt:?} became {after:?}");
        s.when().commands("promote", "/full").await?;
        s.then().promotes_within(WITHIN, "2", PromotionReason::Commanded).await?;
        s.then().is_never_ambiguous()?;
        measured = format!("at 0 after {} s, back after {} s", down.as_secs(), up.as_secs());
        Ok(())
    });
    measured
}

/// What our documentation once told people to write: the rollout, which has no count of its own.
fn names_the_rollout() -> String {
    scenario(async |s| {
        s.given().watched_autoscalers();
        let mut object = s.scaled_object(3, 6, NEVER);
        object["spec"]["scaleTargetRef"] =
            json!({"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": ROLLOUT});
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        s.given().an_autoscaler(SCALED_OBJECT, &object).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.given().rest().await?;
        is_ready(s).await?;
        object["spec"]["minReplicaCount"] = json!(5);
        s.objects.apply(SCALED_OBJECT, &object).await?;
        s.then().has_counts(5, 0).await?;
        let least = s.totals(Duration::ZERO).0;
        ensure!(least == 3, "N was {least}");
        s.then().is_never_ambiguous()
    });
    "scaled without a hand".to_owned()
}

fn from_env() -> String {
    scenario(async |s| {
        let plain = s.scaled_object(3, 6, NEVER);
        let mut object = plain.clone();
        let trigger = &mut object["spec"]["triggers"][0]["metadata"];
        trigger.as_object_mut().context("a trigger")?.remove("bootstrapServers");
        trigger["bootstrapServersFromEnv"] = json!("KAFKA_BOOTSTRAP");
        scaled(s, 3, &object).await?;
        let before = s.objects.get(SCALED_OBJECT, ROLLOUT).await?.data["spec"].clone();
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        says(s, &["FromEnv", "Write the value into the trigger"]).await?;
        target_serves(s, 3).await?;
        let after = s.objects.get(SCALED_OBJECT, ROLLOUT).await?.data["spec"].clone();
        ensure!(before == after, "{before} became {after}");
        // What the message says to do.
        s.objects.apply(SCALED_OBJECT, &plain).await?;
        s.then().is_scaled_through(SCALED_OBJECT, ROLLOUT, "CanaryRollout").await?;
        s.given().rest().await?;
        let least = s.totals(Duration::ZERO).0;
        ensure!(least == 3, "N was {least}");
        Ok(())
    });
    "held with the remedy, and taken over after it".to_owned()
}

fn two() -> String {
    scenario(async |s| {
        let object = s.scaled_object(3, 6, NEVER);
        scaled(s, 3, &object).await?;
        s.when().says(Metric::Lag(30)).await?;
        let name = "orders-by-hand";
        let by_hand = hpa(name, 3, 6, Metric::Lag(10));
        s.given().an_autoscaler(ObjectKind::HorizontalPodAutoscaler, &by_hand).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        says(s, &[name, "ScaledObject", "keep one"]).await?;
        target_serves(s, 3).await?;
        s.when().deletes(ObjectKind::HorizontalPodAutoscaler, name).await?;
        s.then().is_scaled_through(SCALED_OBJECT, ROLLOUT, "CanaryRollout").await?;
        s.given().rest().await
    });
    "both are named; the one that is left is taken over".to_owned()
}

/// KEDA that may not read our scale: what is not taken over because it would not work, with KEDA's own words.
fn narrowed() -> String {
    scenario_alone(async |s| {
        let object = s.scaled_object(3, 6, NEVER);
        may(s, KedaRights::Narrowed).await?;
        let outcome = without_rights(s, &object).await;
        may(s, KedaRights::Shipped).await?;
        outcome?;
        let mut changed = object;
        changed["spec"]["pollingInterval"] = json!(3);
        s.objects.apply(SCALED_OBJECT, &changed).await?;
        s.then().is_scaled_through(SCALED_OBJECT, ROLLOUT, "CanaryRollout").await?;
        s.given().rest().await?;
        let least = s.totals(Duration::ZERO).0;
        ensure!(least == 3, "N was {least}");
        Ok(())
    });
    "given back with KEDA's words, and taken over once KEDA may".to_owned()
}

async fn may(s: &mut Scenario, rights: KedaRights) -> Result<()> {
    s.log.note(format!("KEDA's rights are {rights:?}"));
    let bed = s.run.bed.clone();
    tokio::task::spawn_blocking(move || bed.keda_may(rights)).await?
}

async fn without_rights(s: &mut Scenario, object: &Value) -> Result<()> {
    scaled(s, 3, object).await?;
    s.given().a_rollout(&RolloutSpec::endless()).await?;
    says(s, &["did not work there"]).await?;
    s.then().is_scaled_through(SCALED_OBJECT, ROLLOUT, "Deployment").await?;
    target_serves(s, 3).await
}

fn handed_back() -> String {
    scenario(async |s| {
        let object = s.scaled_object(3, 6, NEVER);
        adopted(s, 3, &object).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then().is_scaled_through(SCALED_OBJECT, ROLLOUT, "Deployment").await?;
        s.then()
            .sees("the target serves alone", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                let whole = target.replicas == 3 && target.ready == 3;
                (whole && view.state.rollouts.is_empty()).then_some(())
            })
            .await?;
        let least = s.totals(Duration::ZERO).0;
        ensure!(least == 3, "N was {least}");
        let bounds = json!({"spec": {"minReplicaCount": 5}});
        s.objects.merge(SCALED_OBJECT, ROLLOUT, &bounds).await?;
        s.then()
            .sees_within("KEDA scales the target", WITHIN, |view| {
                (view.state.parts.get(&Part::Target)?.ready == 5).then_some(())
            })
            .await
    });
    "the target has its pods, and KEDA scales it".to_owned()
}
