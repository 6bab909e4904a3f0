//! Helm, of either kind that clusters have, as a command on this test bed.
//! It installs nothing by itself.

use std::path::Path;
use std::process::Command;

use super::artifact::Artifact;
use super::bed::Testbed;

/// The kinds of Helm: they apply, and wait, in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helm {
    /// Applies server-side, and waits by the conditions of every kind.
    V4,
    /// Patches, and waits for Kubernetes' own kinds.
    V3,
}

impl Testbed {
    /// Helm as the administrator, with nothing of the caller's own configuration: what it keeps is in this folder.
    #[must_use]
    pub fn helm(&self, helm: Helm, folder: &Path) -> Command {
        let artifact = match helm {
            Helm::V4 => Artifact::Helm4,
            Helm::V3 => Artifact::Helm3,
        };
        let mut command = Command::new(self.places.of(artifact).join("helm"));
        command.env("KUBECONFIG", self.kubeconfig());
        for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(name, folder);
        }
        command
    }
}
