//! Siskin by its chart, as a platform team has it: installed, tested, upgraded, rolled back and removed by real Helm, while a
//! team's rollouts go on. Nobody else plays meanwhile: the operator of a chart acts in every namespace.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use siskin_api::{Cause, PromotionReason};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::{ROLLOUT, RolloutSpec, Scenario, Version, scenario_alone};
use siskin_e2e::testbed::{Artifact, Helm, Profile, Testbed};

/// Namespace of the release, which is there already.
const NAMESPACE: &str = "siskin-system";
const RELEASE: &str = "siskin";
const OPERATOR_IMAGE: &str = "localhost/siskin-operator:chart";
const KUBECTL_IMAGE: &str = "localhost/kubectl:chart";

/// What is set in a cluster that pulls nothing.
const VALUES: [&str; 5] = [
    "image.repository=localhost/siskin-operator",
    "image.tag=chart",
    "image.pullPolicy=Never",
    "test.image=localhost/kubectl:chart",
    "test.pullPolicy=Never",
];

/// Set, it names the archive of `cargo image` that is installed; else it is this build, packed as that does it.
const ARCHIVE: &str = "SISKIN_E2E_ARCHIVE";

/// What the release's namespace refuses: all that the strictest of the pod security standards does.
const RESTRICTED: &str = "pod-security.kubernetes.io/enforce=restricted";

/// A command of Helm that waits for pods.
const TIMEOUT: &str = "180s";

/// A row per Helm.
pub fn cases() -> Vec<Case> {
    let case = |helm: Helm, artifact: Artifact, name: &str| {
        Case::new(format!("{name}/install"), move || play(helm)).needing(artifact)
    };
    vec![case(Helm::V4, Artifact::Helm4, "helm4"), case(Helm::V3, Artifact::Helm3, "helm3")]
}

fn play(helm: Helm) -> String {
    let mut measured = String::new();
    scenario_alone(async |s| {
        on_the_bed(s, makes_room).await?;
        let played = lives(s, helm).await;
        // Whatever happened: the rows that follow need it.
        let restored = on_the_bed(s, restores).await;
        measured = played?;
        restored
    });
    measured
}

/// From the installation to its end, with a fleet under it.
async fn lives(s: &mut Scenario, helm: Helm) -> Result<String> {
    let begun = Instant::now();
    runs(s, helm, "install", &["--wait"]).await?;
    let installed = begun.elapsed();
    runs(s, helm, "test", &[]).await?;
    s.given().a_fleet(3).await?;
    s.given().a_rollout(&RolloutSpec::quick()).await?;
    s.given().rest().await?;
    s.when().ships(&Version::crashing("2")).await?;
    s.then().rolls_back(Cause::GuardFailed, "1").await?;
    let found = begun.elapsed();
    on_call(s).await?;

    runs(s, helm, "upgrade", &["--wait", "--set", "replicas=2"]).await?;
    s.when().ships(&Version::good("3")).await?;
    s.then().promotes("3", PromotionReason::Passed).await?;
    runs(s, helm, "rollback", &["--wait"]).await?;
    s.when().ships(&Version::crashing("4")).await?;
    s.then().rolls_back(Cause::GuardFailed, "3").await?;

    // Back to what serves: a rejected version is never let go.
    s.when().ships(&Version::good("3")).await?;
    s.then().says("Completed", "True", "Succeeded").await?;
    s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
    s.then().hands_back("3").await?;
    runs(s, helm, "uninstall", &["--wait"]).await?;
    on_the_bed(s, nothing_is_left).await?;
    Ok(format!(
        "installed after {:.0} s, the bad version rolled back {:.0} s after the installation began",
        installed.as_secs_f64(),
        found.as_secs_f64()
    ))
}

/// Who is called after a rollback: what is wrong, and what the judge was given.
async fn on_call(s: &mut Scenario) -> Result<()> {
    let said = s.siskin_ends(&["doctor"], 0).await?;
    ensure!(said.contains("fine") && !said.contains("WRONG"), "of the installation: {said}");
    // A rejected version is still wanted: that is what is wrong here.
    let said = s.siskin_ends(&["doctor", ROLLOUT], 1).await?;
    ensure!(said.contains("WRONG") && said.contains("rolled back"), "of the rollout: {said}");
    let said = s.siskin_ends(&["trace", "list"], 0).await?;
    ensure!(said.contains(ROLLOUT), "no trace is listed: {said}");
    let (live, again) = s.recorded_in_the_cluster().await?;
    let agrees = live.verdict == "Fail" && live.agrees_with(&again);
    ensure!(agrees, "judged again: {live:?}, {again:?}");
    Ok(())
}

/// A command of Helm on the release.
async fn runs(s: &mut Scenario, helm: Helm, command: &str, more: &[&str]) -> Result<Duration> {
    s.log.note(format!("helm {command} {}", more.join(" ")));
    let mut run = s.run.bed.helm(helm, &s.folder("helm")?);
    run.arg(command).arg(RELEASE);
    if ["install", "upgrade"].contains(&command) {
        run.arg(s.run.bed.repository().join("helm/siskin"));
        run.args(VALUES.iter().flat_map(|it| ["--set", it]));
    }
    run.args(more).args(["--namespace", NAMESPACE, "--timeout", TIMEOUT]);
    let begun = Instant::now();
    let done = tokio::process::Command::from(run).kill_on_drop(true).output().await?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "helm {command}: {}", said.trim());
    Ok(begun.elapsed())
}

/// On the test bed, which blocks; the scenario's watches go on meanwhile.
async fn on_the_bed(s: &Scenario, what: fn(&Testbed) -> Result<()>) -> Result<()> {
    let bed = s.run.bed.clone();
    tokio::task::spawn_blocking(move || what(&bed)).await?
}

/// Helm takes over nothing that it did not make. The images are those that a registry would have.
fn makes_room(bed: &Testbed) -> Result<()> {
    match env::var_os(ARCHIVE) {
        Some(archive) => bed.load_archive(OPERATOR_IMAGE, Path::new(&archive))?,
        None => {
            bed.load_image(OPERATOR_IMAGE, &bed.built("siskin-operator", Profile::Debug)?)?;
        }
    }
    let kubectl = Command::get_program(&bed.kubectl_command()).to_owned();
    bed.load_image(KUBECTL_IMAGE, kubectl.as_ref())?;
    for folder in ["config/guard", "config/guard-scale", "config/rbac", "config/crd"] {
        let path = bed.repository().join(folder).display().to_string();
        bed.kubectl(&["delete", "-k", &path, "--ignore-not-found"])?;
    }
    bed.kubectl(&["label", "namespace", NAMESPACE, RESTRICTED]).map(drop)
}

/// The release has gone whole; its definitions, which hold users' objects, have stayed.
fn nothing_is_left(bed: &Testbed) -> Result<()> {
    for kind in ["clusterroles", "clusterrolebindings", "validatingadmissionpolicies"] {
        let all = bed.kubectl(&["get", kind, "-o", "name"])?;
        let ours: Vec<_> = all.lines().filter(|it| it.contains("/siskin-operator")).collect();
        ensure!(ours.is_empty(), "left behind: {ours:?}");
    }
    let deployments = bed.kubectl(&["get", "deployments", "-n", NAMESPACE, "-o", "name"])?;
    ensure!(!deployments.contains("deployment.apps/siskin"), "the operator is there still");
    bed.kubectl(&["get", "crd", "canaryrollouts.siskin.dev"]).context("the definition").map(drop)
}

/// As the rows that follow expect it.
fn restores(bed: &Testbed) -> Result<()> {
    bed.kubectl(&["label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce-"])?;
    let crds = bed.repository().join("config/crd").display().to_string();
    bed.kubectl(&["delete", "-k", &crds, "--ignore-not-found"])?;
    bed.apply_folder("config/crd")?;
    bed.apply_folder("config/rbac")?;
    bed.serves(&["crd/canaryrollouts.siskin.dev", "crd/canaryguards.siskin.dev"])
}
