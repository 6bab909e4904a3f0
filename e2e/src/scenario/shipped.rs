//! The policies that Siskin ships, over one scenario's namespace: each overlay, or all at once.
//! Knows no scenario; what the policies refuse is for those that ask for them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tokio::time::Instant;

use super::given::Given;
use super::operator;
use super::policy;
use super::when::When;

/// The API server learns of a policy some time after it was made.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks at whether it has.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

impl Given<'_> {
    /// The policies of an overlay as it is shipped, for this scenario's namespace alone; answers with what was applied. The
    /// API server learns of them some time later.
    pub async fn shipped_policies(&mut self, overlay: &str) -> Result<String> {
        self.0.log.note(format!("the policies of {overlay}"));
        let folder = self.0.run.bed.repository().join(overlay);
        let folder = folder.to_str().context("a path in UTF-8")?;
        let shipped = self.0.kubectl(&["kustomize", folder], "").await?;
        let policies = policy::narrowed(&shipped, &self.0.namespace)?.to_string();
        self.0.kubectl(&["apply", "-f", "-"], &policies).await?;
        Ok(policies)
    }

    /// Everything at once, and in force.
    pub async fn all_policies(&mut self) -> Result<()> {
        for overlay in ["config/guard", "config/guard-scale", "config/policies", "config/stamp"] {
            self.shipped_policies(overlay).await?;
        }
        self.a_policy_that_refuses_revisions("with the label siskin.dev/target only").await?;
        self.0.when().opts_in().await?;
        self.shipped_policies("config/opt-in").await.map(drop)
    }

    /// A policy is in force that refuses the operator a revision without a label, in these words.
    pub async fn a_policy_that_refuses_revisions(&mut self, words: &str) -> Result<()> {
        let probe = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "probe"}, "revision": 1, "data": {},
        });
        let deadline = Instant::now() + PATIENCE;
        let create = ["create", "--dry-run=server", "-f", "-", "--as", operator::USER];
        loop {
            match self.0.kubectl(&create, &probe.to_string()).await {
                Err(error) if format!("{error:#}").contains(words) => return Ok(()),
                Err(error) => return Err(error),
                Ok(_) => ensure!(Instant::now() < deadline, "the policy is not in force"),
            }
            tokio::time::sleep(LOOKS_EVERY).await;
        }
    }
}

impl When<'_> {
    /// The namespace is made one in which the operator may write.
    pub async fn opts_in(&mut self) -> Result<()> {
        let namespace = format!("namespace/{}", self.0.namespace);
        self.0.kubectl(&["label", &namespace, "siskin.dev/enabled=true"], "").await.map(drop)
    }
}
