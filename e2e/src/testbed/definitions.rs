//! What the modules of other projects bring for a cluster: definitions and roles, applied as they ship them, and removed
//! again with every object of their kinds.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::artifact::Artifact;
use super::bed::Testbed;

impl Testbed {
    /// A file or folder of the artifact's manifests.
    pub(super) fn manifests(&self, artifact: Artifact, path: &str) -> String {
        self.places.of(artifact).join("config").join(path).display().to_string()
    }

    /// Applies a kustomization of the artifact.
    pub(super) fn apply_manifests(&self, artifact: Artifact, folder: &str) -> Result<()> {
        let folder = self.manifests(artifact, folder);
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", &folder]).map(drop)
    }

    /// Removes the artifact's definitions; those that its controller keeps with finalizers are named. It may be dead.
    pub(super) fn remove_definitions(&self, artifact: Artifact, held: &[&str]) -> Result<()> {
        let names =
            r#"jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{"\n"}{end}"#;
        let bare = r#"{"metadata":{"finalizers":null}}"#;
        for kind in held {
            let all = self.kubectl(&["get", kind, "-A", "-o", names])?;
            self.kubectl(&["delete", kind, "--all", "-A", "--wait=false"])?;
            for object in all.lines().filter(|it| !it.is_empty()) {
                let (namespace, name) = object.split_once(' ').context("a namespace and a name")?;
                let patch = ["patch", kind, name, "-n", namespace, "--type=merge", "-p", bare];
                // It may be gone by now, and its namespace too.
                self.kubectl(&patch).ok();
            }
        }
        let definitions = self.manifests(artifact, "crd");
        self.kubectl(&["delete", "--ignore-not-found", "--timeout=60s", "-k", &definitions])?;
        Ok(())
    }

    /// A kubeconfig like the administrator's, but acting as this user.
    pub fn acting_as(&self, user: &str, to: &Path) -> Result<()> {
        let text = std::fs::read_to_string(self.kubeconfig()).context("reading the kubeconfig")?;
        let mut config: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text)?;
        let users = config.get_mut("users").and_then(|it| it.as_sequence_mut());
        for entry in users.context("a kubeconfig has users")? {
            let entry = entry.get_mut("user").and_then(|it| it.as_mapping_mut());
            entry.context("a user has credentials")?.insert("as".into(), user.into());
        }
        std::fs::write(to, serde_yaml_ng::to_string(&config)?)
            .with_context(|| format!("writing {}", to.display()))
    }
}
