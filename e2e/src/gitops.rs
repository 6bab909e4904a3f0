//! Argo CD's and Flux's own code, run on objects of Siskin: the tests of the Go module in `e2e/gitops`.
//! Starts them and says how they went; what is claimed stands there.

use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::scenario::objects::ObjectKind;
use crate::scenario::seen::Part;
use crate::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version};
use crate::testbed::{shell, work_tree};

/// The test that asks a running cluster; all others bring their own objects.
const LIVE: &str = "TestWhatTheOperatorWroteIsSyncedInArgoCD";

/// Pods of the fleet that is adopted.
const PODS: u32 = 3;

/// Builds nothing that another row is building: one after the other finds it in Go's cache.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Others' packages are not vetted: that takes as long as building them.
const TEST: [&str; 4] = ["test", "-vet=off", "-count=1", "-v"];

fn go(arguments: &[&str]) -> Command {
    let mut command = Command::new("go");
    command.current_dir(work_tree().join("e2e/gitops")).args(arguments);
    command.env("GOFLAGS", "-mod=readonly -buildvcs=false").env("GOWORK", "off");
    command
}

/// Whether Go and every module are on this machine, so that nothing is fetched.
#[must_use]
pub fn is_cached() -> bool {
    let mut list = go(&["list", "-test", "-deps", "."]);
    list.env("GOPROXY", "off");
    shell::output(&mut list).is_ok()
}

/// Runs what needs no cluster but an API server of its own: health, actions, kstatus, and the comparison of Git with it.
/// Builds some 1,500 packages the first time.
pub fn run() -> Result<()> {
    passes(&mut go(&[&TEST[..], &["."]].concat()))
}

/// A target and its autoscaler, adopted by the operator, are compared with their manifests by Argo CD.
pub async fn what_the_operator_wrote_is_synced(s: &mut Scenario) -> Result<()> {
    s.given().an_operator(Election::None)?;
    s.given().a_fleet(PODS).await?;
    let autoscaler = autoscaler();
    s.objects.apply(ObjectKind::HorizontalPodAutoscaler, &autoscaler).await?;
    let rollout = RolloutSpec::endless();
    s.given().a_rollout(&rollout).await?;
    s.then()
        .sees("adopted with its autoscaler", |view| {
            let status = &view.state.rollout()?.status;
            let taken = status.autoscaler.is_some() && status.adopted;
            (taken && view.state.count(Part::Target) == 0).then_some(())
        })
        .await?;
    let target: Value = serde_json::from_str(&s.manifest(&Version::good("1"), PODS))?;
    let found = s.objects.get(ObjectKind::CanaryRollout, ROLLOUT).await?;
    let mut rollout = rollout.manifest(ROLLOUT, "", "");
    // The scenario's own Kafka and group, as they were applied.
    rollout["spec"]["analysis"]["kafka"] = found.data["spec"]["analysis"]["kafka"].clone();
    let mut folder = None;
    for manifest in [&target, &autoscaler, &rollout] {
        let kind = manifest["kind"].as_str().context("a manifest has a kind")?;
        let path = s.keeps(&format!("{kind}.yaml"), &manifest.to_string())?;
        folder = path.parent().map(std::path::Path::to_path_buf);
    }
    let mut test = go(&[&TEST[..], &["-run", LIVE, "."]].concat());
    test.env("SISKIN_GITOPS_KUBECONFIG", s.run.bed.kubeconfig());
    test.env("SISKIN_GITOPS_NAMESPACE", &s.namespace);
    test.env("SISKIN_GITOPS_MANIFESTS", folder.context("the logs are in a folder")?);
    tokio::task::spawn_blocking(move || passes(&mut test)).await?
}

/// A test that was skipped for want of a part has shown nothing.
fn passes(test: &mut Command) -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let told = shell::output(test)?;
    ensure!(!told.contains("NOT CHECKED"), "{told}");
    Ok(())
}

/// The autoscaler as Git holds it.
fn autoscaler() -> Value {
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": ROLLOUT},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": ROLLOUT},
            "minReplicas": 1,
            "maxReplicas": 12,
        },
    })
}
