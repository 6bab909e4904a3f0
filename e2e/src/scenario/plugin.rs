//! The plugin on the rollouts of a scenario, started by kubectl as people start it.
//! Reads what it says; what it should say is the scenario's business.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use super::run::Scenario;

/// What the plugin said, and how it ended.
#[derive(Clone, Debug)]
pub struct Said {
    /// Exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub text: String,
    /// Standard error.
    pub errors: String,
}

impl Scenario {
    /// `kubectl siskin ARGUMENTS -n NAMESPACE`.
    pub async fn siskin(&self, arguments: &[&str]) -> Result<Said> {
        let plugin = self.run.program("kubectl-siskin");
        let folder = plugin.parent().context("programs are in a folder")?;
        let mut command = self.run.bed.kubectl_command();
        command.env("PATH", folder).arg("siskin").args(arguments).args(["-n", &self.namespace]);
        let mut command = tokio::process::Command::from(command);
        let ended = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
        let ended = ended.with_context(|| format!("kubectl siskin {}", arguments.join(" ")))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said {
            code: ended.status.code(),
            text: text(&ended.stdout),
            errors: text(&ended.stderr),
        })
    }

    /// The plugin ends with this code; what it printed.
    pub async fn siskin_ends(&self, arguments: &[&str], code: i32) -> Result<String> {
        let said = self.siskin(arguments).await?;
        ensure!(said.code == Some(code), "kubectl siskin {}: {said:?}", arguments.join(" "));
        Ok(said.text + &said.errors)
    }
}
