//! Siskin itself on the test bed: built from this work tree, as a pod under its own rights or as a local process.
//! It applies the manifests that users apply and changes nothing in them.

use std::convert::Infallible;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Error, Result, ensure};
use siskin_launch::cargo;

use super::bed::Testbed;
use super::image::Loaded;
use super::shell;

/// The image that `config/default` names.
const OPERATOR_IMAGE: &str = "localhost/siskin-operator:dev";
const WORKER_IMAGE: &str = "localhost/siskin-worker:dev";
/// The image that the producer's manifest names.
const PRODUCER_IMAGE: &str = "localhost/siskin-producer:dev";
/// Namespace into which `config/manager` puts the operator.
const NAMESPACE: &str = "siskin-system";
const NAMESPACE_FILE: &str = "config/manager/namespace.yaml";
const DEPLOYMENT: &str = "deployment/siskin";
/// What makes the guard act.
const GUARD: [&str; 2] = [
    "mutatingadmissionpolicybinding/siskin-drain",
    "mutatingadmissionpolicybinding/siskin-scale-target",
];

/// How cargo builds a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Built in seconds after a change.
    Debug,
    /// What users run; minutes.
    Release,
}

impl Testbed {
    /// Any binary of the workspace, built from the work tree as it is.
    pub fn built(&self, binary: &str, profile: Profile) -> Result<PathBuf> {
        let ours = cargo::folder().map_err(Error::msg)?;
        let folder = ours.with_file_name(match profile {
            Profile::Debug => "debug",
            Profile::Release => "release",
        });
        let activity = format!("testbed: building {binary}");
        cargo::build(&activity, &folder, &["--bin", binary]).map_err(Error::msg)?;
        Ok(folder.join(binary))
    }

    /// Builds the operator and runs it in the cluster, with the guard, under the rights that `config/rbac` grants.
    ///
    /// Returns when it is available; a changed binary replaces the running one.
    pub fn install_operator(&self, profile: Profile) -> Result<()> {
        let binary = self.built("siskin-operator", profile)?;
        let loaded = self.load_image(OPERATOR_IMAGE, &binary)?;
        let installed = self.operator_installed()?;
        self.apply_folder("config/default")?;
        self.apply_folder("config/guard")?;
        if installed {
            // A local run may have put it aside; the tag is the same, so only a restart brings a new binary.
            self.in_operators_namespace(&["scale", "--replicas=1", DEPLOYMENT])?;
            if loaded == Loaded::Imported {
                self.in_operators_namespace(&["rollout", "restart", DEPLOYMENT])?;
            }
        }
        let _activity = shell::doing(&format!("waiting until {DEPLOYMENT} is available"));
        let status = ["rollout", "status", "--timeout=120s", DEPLOYMENT];
        self.in_operators_namespace(&status).with_context(|| self.operators_pods())?;
        shell::say(&format!("{DEPLOYMENT} in {NAMESPACE} is available"));
        Ok(())
    }

    /// Builds the operator and becomes it: Ctrl-C is the operator's own then, with the time it needs to end well.
    ///
    /// Returns only if it cannot. It runs as the administrator: what its own rights forbid shows only in the cluster.
    pub fn become_operator(&self, profile: Profile, arguments: &[String]) -> Result<Infallible> {
        let binary = self.built("siskin-operator", profile)?;
        self.apply_folder("config/crd")?;
        self.apply_operators_namespace()?;
        self.put_operator_aside()?;
        let mut operator = Command::new(&binary);
        operator.args(arguments).env("KUBECONFIG", self.kubeconfig());
        let error = operator.exec();
        Err(error).with_context(|| format!("running {}", binary.display()))
    }

    /// Builds the sample worker and loads it as `localhost/siskin-worker:dev`.
    pub fn load_worker(&self, profile: Profile) -> Result<Loaded> {
        let binary = self.built("worker", profile)?;
        self.load_image(WORKER_IMAGE, &binary)
    }

    /// Builds the sample producer, loads it as `localhost/siskin-producer:dev`, and says where its program is.
    pub fn load_producer(&self, profile: Profile) -> Result<PathBuf> {
        let binary = self.built("producer", profile)?;
        self.load_image(PRODUCER_IMAGE, &binary)?;
        Ok(binary)
    }

    /// Applies the kustomization in a folder of the repository, as users do.
    pub fn apply_folder(&self, folder: &str) -> Result<()> {
        let path = self.repository().join(folder);
        ensure!(path.exists(), "{} is not there", path.display());
        let folder = path.display().to_string();
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", &folder]).map(drop)
    }

    /// Applies the namespace of the operator: its Lease lives there, wherever it runs itself.
    pub fn apply_operators_namespace(&self) -> Result<()> {
        self.apply(&fs::read_to_string(self.repository().join(NAMESPACE_FILE))?).map(drop)
    }

    /// Whether an operator is installed in the cluster, be it scaled to zero.
    pub fn operator_installed(&self) -> Result<bool> {
        let found = ["get", DEPLOYMENT, "--ignore-not-found", "-o", "name"];
        Ok(!self.in_operators_namespace(&found)?.trim().is_empty())
    }

    /// Scales an operator that is installed in the cluster to zero, and waits until it is gone.
    pub fn put_operator_aside(&self) -> Result<()> {
        if self.operator_installed()? {
            shell::say("scaling the operator in the cluster to zero: one of them acts at a time");
            self.in_operators_namespace(&["scale", "--replicas=0", DEPLOYMENT])?;
            let gone = ["wait", "--for=delete", "pod", "-l", "app.kubernetes.io/name=siskin"];
            self.in_operators_namespace(&[&gone[..], &["--timeout=60s"]].concat())?;
        }
        Ok(())
    }

    /// Scales an operator that was [put aside](Self::put_operator_aside) to one again.
    pub fn bring_operator_back(&self) -> Result<()> {
        if self.operator_installed()? {
            self.in_operators_namespace(&["scale", "--replicas=1", DEPLOYMENT])?;
        }
        Ok(())
    }

    /// Removes the operator. The CRD and the roles, which do nothing by themselves, stay.
    pub fn remove_operator(&self) -> Result<()> {
        self.remove_guard()?;
        self.in_operators_namespace(&["delete", DEPLOYMENT, "--ignore-not-found"]).map(drop)
    }

    /// Removes what makes the guard act.
    pub fn remove_guard(&self) -> Result<()> {
        self.kubectl(&[&["delete", "--ignore-not-found"], &GUARD[..]].concat()).map(drop)
    }

    fn in_operators_namespace(&self, args: &[&str]) -> Result<String> {
        self.kubectl(&[&["--namespace", NAMESPACE], args].concat())
    }

    /// What the operator's pods say, for an error.
    fn operators_pods(&self) -> String {
        let pods = self.in_operators_namespace(&["get", "pods", "-o", "wide"]);
        let logs = self.in_operators_namespace(&["logs", DEPLOYMENT, "--tail=20"]);
        let text = |answer: Result<String>| answer.unwrap_or_else(|error| error.to_string());
        format!("{DEPLOYMENT} is not available\n{}\n{}", text(pods), text(logs))
    }
}
