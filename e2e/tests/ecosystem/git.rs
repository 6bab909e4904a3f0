//! Tools for Git that apply an autoscaler again and again, as they have it: by kubectl, and server-side as
//! kustomize-controller does; with and without the policy that keeps it pointed. Nobody is moved by it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;
use siskin_e2e::scenario::autoscaler::{HPA, Metric, hpa};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::history::{State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, scenario};
use siskin_e2e::testbed::Artifact;

use crate::keda::{NEVER, SCALED_OBJECT, is_ready};

/// Set, it says how often each tool applies.
const APPLIES: &str = "SISKIN_E2E_APPLIES";

/// Time between two of them. One that is pointed back is taken again at most so often.
const EVERY: Duration = Duration::from_secs(5);

/// Longest that an autoscaler may point at the drained target.
const HEALED_WITHIN: Duration = Duration::from_secs(1);

/// The overlay whose policies keep autoscalers pointed.
pub const GUARD: &str = "config/guard";

/// How the manifest gets to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    /// Client-side, with the manifest that was applied last in an annotation.
    Kubectl,
    /// Server-side, as Flux does.
    Flux,
}

/// A row per tool and kind of autoscaler, and with the policy.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (tool, name) in [(Tool::Kubectl, "kubectl"), (Tool::Flux, "server-side")] {
        cases.push(Case::new(format!("git/hpa/{name}"), move || by_hpa(tool, false)));
        cases.push(Case::new(format!("git/hpa/{name}/policy"), move || by_hpa(tool, true)));
        let keda = Case::new(format!("git/scaled-object/{name}"), move || by_keda(tool));
        cases.push(keda.needing(Artifact::Keda));
    }
    cases
}

fn by_hpa(tool: Tool, policy: bool) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        s.given().watched_autoscalers();
        s.when().says(Metric::Lag(30)).await?;
        let manifest = hpa(ROLLOUT, 3, 6, Metric::Lag(10));
        adopted(s, tool, HPA, &manifest).await?;
        if policy {
            s.given().shipped_policies(GUARD).await?;
            s.then().points(HPA, &manifest).await?;
        }
        let begun = s.log.elapsed();
        let worst = again_and_again(s, tool, HPA, &manifest).await?;
        ensure!(!policy || worst.is_zero(), "flipped in spite of the policy, for {worst:?}");
        ensure!(worst <= HEALED_WITHIN, "pointed at the target for {worst:?}");
        if policy {
            // As the tool compares: a server-side comparison of fields that kubectl owns is a conflict.
            let diff: &[_] = match tool {
                Tool::Kubectl => &["diff", "-f", "-"],
                Tool::Flux => {
                    &["diff", "--server-side", "--field-manager=kustomize-controller", "-f", "-"]
                }
            };
            s.kubectl(diff, &manifest.to_string()).await?;
        }
        stood(s, begun)?;
        s.then().is_never_ambiguous()?;
        measured = format!("{} times, pointed back for {} ms at most", times(), worst.as_millis());
        Ok(())
    });
    measured
}

/// One that names its target by name alone differs from Git in nothing that Git holds.
fn by_keda(tool: Tool) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        let manifest = s.scaled_object(3, 6, NEVER);
        adopted(s, tool, SCALED_OBJECT, &manifest).await?;
        is_ready(s).await?;
        let begun = s.log.elapsed();
        let worst = again_and_again(s, tool, SCALED_OBJECT, &manifest).await?;
        ensure!(worst.is_zero(), "flipped, for {worst:?}");
        stood(s, begun)?;
        measured = format!("{} times, 0 flips", times());
        Ok(())
    });
    measured
}

async fn adopted(s: &mut Scenario, tool: Tool, kind: ObjectKind, manifest: &Value) -> Result<()> {
    s.given().an_operator(Election::None)?;
    s.given().a_fleet(3).await?;
    applies(s, tool, kind, manifest).await?;
    s.given().a_rollout(&RolloutSpec::endless()).await?;
    s.then().is_scaled_through(kind, ROLLOUT, "CanaryRollout").await?;
    s.given().rest().await
}

async fn applies(s: &mut Scenario, tool: Tool, kind: ObjectKind, manifest: &Value) -> Result<()> {
    match tool {
        Tool::Kubectl => s.kubectl(&["apply", "-f", "-"], &manifest.to_string()).await.map(drop),
        Tool::Flux => s.objects.apply_as(kind, manifest, "kustomize-controller").await,
    }
}

/// Applies the manifest every few seconds. Answers with the longest time for which it pointed elsewhere.
async fn again_and_again(
    s: &mut Scenario,
    tool: Tool,
    kind: ObjectKind,
    manifest: &Value,
) -> Result<Duration> {
    let mut worst = Duration::ZERO;
    for _ in 0..times() {
        tokio::time::sleep(EVERY).await;
        applies(s, tool, kind, manifest).await?;
        let begun = Instant::now();
        if s.pointed(kind, ROLLOUT).await?.kind.as_deref() != Some("CanaryRollout") {
            s.then().is_scaled_through(kind, ROLLOUT, "CanaryRollout").await?;
            worst = worst.max(begun.elapsed());
        }
    }
    Ok(worst)
}

/// N was the same all the time, and no pod was the target's.
fn stood(s: &Scenario, since: Duration) -> Result<()> {
    let totals = s.totals(since);
    ensure!(totals == (3, 3), "N was {totals:?}");
    let (_, most) =
        extremes(&s.log.history(), since, |state: &State| state.pods_of(Part::Target).count());
    ensure!(most == 0, "{most} pods were the target's");
    Ok(())
}

fn times() -> u32 {
    std::env::var(APPLIES).ok().and_then(|it| it.parse().ok()).unwrap_or(100)
}
