//! Flux's kustomize-controller, with the Deployment, its autoscaler and the CanaryRollout in one Kustomization that waits:
//! applied every ten seconds through an adoption, a trial, a rollback and a deletion.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use siskin_api::{PromotionReason, RolloutOutcome};
use siskin_e2e::scenario::autoscaler::{HPA, Metric, hpa};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario};
use siskin_e2e::testbed::Artifact;

use crate::git::GUARD;
use crate::keda::{NEVER, SCALED_OBJECT};

/// While it waits, Flux applies nothing: it gives up soon, and applies again.
const IMPATIENT: Duration = Duration::from_secs(10);

/// Where what fails is to be told long before.
const PATIENT: Duration = Duration::from_secs(300);

/// A trial, or an adoption, on a busy machine.
const WITHIN: Duration = Duration::from_secs(240);

/// A row per autoscaler.
pub fn cases() -> Vec<Case> {
    let flux = |it: Case| it.needing(Artifact::KustomizeController);
    vec![
        flux(Case::new("flux/hpa/policy".to_owned(), || play(HPA))),
        flux(Case::new("flux/scaled-object".to_owned(), || play(SCALED_OBJECT)))
            .needing(Artifact::Keda),
    ]
}

fn play(kind: ObjectKind) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_load().await?;
        s.when().says(Metric::Lag(30)).await?;
        if kind == HPA {
            s.given().shipped_policies(GUARD).await?;
        }
        pushes(s, 1, &Version::good("1"), kind).await?;
        kustomization(s, IMPATIENT).await?;
        comes_to_say(s, 1, is_ready).await?;
        s.then().is_scaled_through(kind, ROLLOUT, "CanaryRollout").await?;
        s.then().has_counts(3, 0).await?;
        let begun = s.log.elapsed();
        s.given().a_record().await?;

        pushes(s, 2, &Version::good("2"), kind).await?;
        s.then().promotes_within(WITHIN, "2", PromotionReason::Passed).await?;
        comes_to_say(s, 2, is_ready).await?;

        kustomization(s, PATIENT).await?;
        pushes(s, 3, &Version::crashing("3"), kind).await?;
        s.then()
            .sees_within("version 3 is rolled back", WITHIN, |view| {
                let ended = view.state.rollout()?.status.history.first()?;
                (ended.outcome == RolloutOutcome::RolledBack).then_some(())
            })
            .await?;
        let told = comes_to_say(s, 3, ended_early).await?;
        kustomization(s, IMPATIENT).await?;

        pushes(s, 4, &Version::good("2"), kind).await?;
        comes_to_say(s, 4, is_ready).await?;
        s.then().serves("2").await?;
        let totals = s.totals(begun);
        ensure!(totals == (3, 3), "N was {totals:?}");
        drifted(s)?;

        s.log.note_deletion(ROLLOUT);
        s.kubectl(&["delete", "kustomization", ROLLOUT, "--timeout=120s"], "").await?;
        s.then()
            .sees("nothing of it is left", |view| {
                let state = view.state;
                (state.rollouts.is_empty() && state.parts.is_empty() && state.pods.is_empty())
                    .then_some(())
            })
            .await?;
        measured = format!(
            "no drift in {} passes; a rollback was told {} s after it, of {} s to wait",
            passes(s)?.len(),
            told.as_secs(),
            PATIENT.as_secs()
        );
        Ok(())
    });
    measured
}

/// A commit of this number, fetched and ready to be applied.
async fn pushes(s: &mut Scenario, number: u32, version: &Version, kind: ObjectKind) -> Result<()> {
    s.log.note(format!("push {number}, version {}", version.name));
    let autoscaler = if kind == HPA {
        hpa(ROLLOUT, 3, 6, Metric::Lag(10))
    } else {
        s.scaled_object(3, 6, NEVER)
    };
    let manifests = [
        ("deployment.yaml", s.manifest_without_count(version).to_string()),
        ("autoscaler.yaml", autoscaler.to_string()),
        ("canaryrollout.yaml", s.rollout_manifest(&RolloutSpec::quick()).to_string()),
    ];
    let name = format!("{}-{number}", s.namespace);
    let published = s.run.bed.publish(&name, &manifests)?;
    let repository = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": ROLLOUT},
        "spec": {"interval": "1m", "url": "https://git.invalid/orders"},
    });
    s.objects.apply(ObjectKind::GitRepository, &repository).await?;
    let api = s.objects.api(ObjectKind::GitRepository);
    let generation = api.get(ROLLOUT).await?.metadata.generation.unwrap_or(1);
    let now = "2026-01-01T00:00:00Z";
    let ready = json!({
        "type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored",
        "lastTransitionTime": now, "observedGeneration": generation,
    });
    let status = json!({"status": {
        "observedGeneration": generation,
        "conditions": [ready],
        "artifact": {
            "url": published.url, "digest": published.digest, "path": name,
            "revision": revision(number), "lastUpdateTime": now,
        },
    }});
    api.patch_status(ROLLOUT, &PatchParams::default(), &Patch::Merge(&status)).await?;
    Ok(())
}

fn revision(number: u32) -> String {
    format!("main@sha1:{number:040x}")
}

async fn kustomization(s: &Scenario, waits: Duration) -> Result<()> {
    let manifest = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": ROLLOUT},
        "spec": {
            "interval": "10s",
            "retryInterval": "10s",
            "timeout": format!("{}s", waits.as_secs()),
            "prune": true,
            "wait": true,
            "path": "./",
            "targetNamespace": s.namespace,
            "sourceRef": {"kind": "GitRepository", "name": ROLLOUT},
        },
    });
    s.objects.apply(ObjectKind::Kustomization, &manifest).await
}

fn is_ready(condition: &Value) -> bool {
    condition["status"] == "True"
}

/// It did not wait for the end of its time.
fn ended_early(condition: &Value) -> bool {
    let message = condition["message"].as_str().unwrap_or_default();
    condition["reason"] == "HealthCheckFailed" && message.contains("failed early")
}

/// The Kustomization says this of a commit. Answers with how long that took.
async fn comes_to_say(
    s: &mut Scenario,
    number: u32,
    right: fn(&Value) -> bool,
) -> Result<Duration> {
    let begun = Instant::now();
    loop {
        let it = s.objects.get(ObjectKind::Kustomization, ROLLOUT).await?;
        let status = &it.data["status"];
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        let condition = conditions.find(|it| it["type"] == "Ready");
        let attempted = status["lastAttemptedRevision"] == *revision(number);
        if attempted && condition.is_some_and(right) {
            return Ok(begun.elapsed());
        }
        ensure!(begun.elapsed() < WITHIN, "commit {number} does not come to be so: {status}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What each application of the Kustomization has found, from the controller's log.
fn passes(s: &Scenario) -> Result<Vec<(String, Value)>> {
    let log = std::fs::read_to_string(s.run.bed.flux_log()).context("reading Flux's log")?;
    let lines = log.lines().filter_map(|it| serde_json::from_str::<Value>(it).ok());
    let ours = lines.filter(|it| {
        let kustomization = &it["Kustomization"];
        kustomization["namespace"] == *s.namespace && it["output"].is_object()
    });
    Ok(ours.map(|it| (it["revision"].to_string(), it["output"].clone())).collect())
}

/// Each commit changes what it brings, once; whatever is changed again had drifted.
fn drifted(s: &Scenario) -> Result<()> {
    let passes = passes(s)?;
    ensure!(4 <= passes.len(), "the log tells of {} passes only", passes.len());
    let mut last = String::new();
    for (revision, output) in passes {
        let again = std::mem::replace(&mut last, revision.clone()) == revision;
        let changed = output.as_object().into_iter().flatten();
        let changed: Vec<_> = changed.filter(|(_, it)| *it != "unchanged").collect();
        ensure!(!again || changed.is_empty(), "{revision} was drifted from: {changed:?}");
    }
    Ok(())
}
