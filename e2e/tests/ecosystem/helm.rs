//! Helm 4 and Helm 3 with a chart that has the Deployment, its autoscaler and the CanaryRollout: installed, upgraded to
//! another version, to one that is rolled back, and rolled back by Helm; always with `--wait`, never with force.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use siskin_api::PromotionReason;
use siskin_e2e::scenario::autoscaler::{HPA, Metric, hpa};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario};
use siskin_e2e::testbed::{Artifact, Helm};

/// A trial on a busy machine.
const TRIAL: Duration = Duration::from_secs(240);

/// A row per Helm.
pub fn cases() -> Vec<Case> {
    let case = |helm: Helm, artifact: Artifact, name: &str| {
        Case::new(format!("{name}/chart"), move || play(helm)).needing(artifact)
    };
    vec![case(Helm::V4, Artifact::Helm4, "helm4"), case(Helm::V3, Artifact::Helm3, "helm3")]
}

/// The chart in a folder, and the Helm that installs it.
struct Release {
    helm: Helm,
    chart: PathBuf,
}

fn play(helm: Helm) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        s.given().watched_autoscalers();
        s.given().an_operator(Election::None)?;
        s.given().a_load().await?;
        s.when().says(Metric::Lag(30)).await?;
        let release = Release { helm, chart: s.folder("chart")? };
        release.holds(s, &Version::good("1"))?;
        release.runs(s, &["install"]).await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        s.then().has_counts(3, 0).await?;
        let (uid, begun) = (s.pointed(HPA, ROLLOUT).await?.uid, s.log.elapsed());

        s.given().a_record().await?;
        release.holds(s, &Version::good("2"))?;
        let took = release.runs(s, &["upgrade"]).await?;
        let promoted = s.log.look(|view| {
            let ended = view.state.rollout()?.status.history.first()?;
            Some(ended.promoted_by == Some(PromotionReason::Passed))
        });
        // Helm 3 knows no status but that of Kubernetes' own kinds: it does not wait for a verdict.
        ensure!(helm == Helm::V3 || promoted == Some(true), "it did not wait for the promotion");
        s.then().promotes_within(TRIAL, "2", PromotionReason::Passed).await?;

        release.holds(s, &Version::crashing("3"))?;
        let mut failed = release.runs(s, &["upgrade"]).await;
        if failed.is_ok() {
            // It looked before the operator had seen the Deployment: the CanaryRollout still spoke of the version before.
            failed = release.runs(s, &["upgrade"]).await;
        }
        if helm == Helm::V4 {
            let failed =
                failed.err().context("it reported a version that was rolled back as well")?;
            ensure!(format!("{failed:#}").contains("CanaryRollout"), "{failed:#}");
        }
        s.then().serves("2").await?;
        release.holds(s, &Version::good("2"))?;
        if release.runs(s, &["rollback"]).await.is_err() {
            // For the same reason: the CanaryRollout still spoke of the version that had been rejected.
            release.runs(s, &["upgrade"]).await?;
        }
        s.then().serves("2").await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        ensure!(s.pointed(HPA, ROLLOUT).await?.uid == uid, "it is another autoscaler");
        s.then().stood_at(3, begun)?;
        s.then().is_never_ambiguous()?;
        measured = format!("an upgrade with --wait took {:.0} s", took.as_secs_f64());
        Ok(())
    });
    measured
}

impl Release {
    /// The chart is of this version from now on.
    fn holds(&self, s: &Scenario, version: &Version) -> Result<()> {
        let templates = self.chart.join("templates");
        std::fs::create_dir_all(&templates)?;
        let about = "apiVersion: v2\nname: orders\nversion: 1.0.0\n";
        std::fs::write(self.chart.join("Chart.yaml"), about)?;
        for (file, manifest) in manifests(s, version) {
            std::fs::write(templates.join(file), manifest.to_string())?;
        }
        Ok(())
    }

    /// A command of Helm on the release, with `--wait`. Answers with how long it took.
    async fn runs(&self, s: &mut Scenario, command: &[&str]) -> Result<Duration> {
        s.log.note(format!("helm {}", command.join(" ")));
        let mut helm = s.run.bed.helm(self.helm, &s.folder("helm")?);
        helm.args(command).arg(ROLLOUT);
        if command != ["rollback"] {
            helm.arg(&self.chart);
        }
        let timeout = format!("{}s", TRIAL.as_secs());
        helm.args(["--wait", "--timeout", &timeout, "--namespace", &s.namespace]);
        let begun = Instant::now();
        let run = tokio::process::Command::from(helm).kill_on_drop(true).output().await?;
        let said = String::from_utf8_lossy(&run.stderr);
        ensure!(run.status.success(), "helm {command:?}: {}", said.trim());
        Ok(begun.elapsed())
    }
}

/// What a team has in its chart: no count beside an autoscaler.
fn manifests(s: &Scenario, version: &Version) -> [(&'static str, Value); 3] {
    [
        ("deployment.yaml", s.manifest_without_count(version)),
        ("autoscaler.yaml", hpa(ROLLOUT, 3, 6, Metric::Lag(10))),
        ("canaryrollout.yaml", s.rollout_manifest(&RolloutSpec::quick())),
    ]
}
