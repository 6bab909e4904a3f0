//! What the operator recorded of a trial, and the same trial judged again by the plugin.
//! Compares nothing: that is the scenario's business.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::run::{ROLLOUT, Scenario};
use crate::testbed::shell;

/// A verdict as it was told.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedVerdict {
    /// `Pass`, `Fail`, `Inconclusive`.
    pub verdict: String,
    /// Name of the finding.
    pub reason: String,
    /// Seconds since the trial started.
    pub second: f64,
}

impl RecordedVerdict {
    /// Whether it, told live, is what judging again tells. What a sample shows is acted on within a second
    /// by the pass that it asks for; judging again tells whole seconds, rounded down.
    #[must_use]
    pub fn agrees_with(&self, again: &Self) -> bool {
        let alike = (&self.verdict, &self.reason) == (&again.verdict, &again.reason);
        alike && (-1.0..2.0).contains(&(self.second - again.second))
    }
}

impl Scenario {
    /// What ended the last trial, by the operator's mark in its trace, and by the plugin that
    /// judges this trace again.
    pub async fn recorded(&mut self) -> Result<(RecordedVerdict, RecordedVerdict)> {
        let path = format!("/traces/{}/{ROLLOUT}", self.namespace);
        let trace = self.operator()?.fetched(&path).await?;
        let file = self.logs.join("trace.jsonl.gz");
        fs::write(&file, trace).with_context(|| format!("writing {}", file.display()))?;
        self.judged_again(&file)
    }

    /// What [`Scenario::recorded`] says, of an operator in the cluster: the plugin fetches the trace.
    pub async fn recorded_in_the_cluster(&self) -> Result<(RecordedVerdict, RecordedVerdict)> {
        let file = self.logs.join("fetched.jsonl.gz");
        let to = file.display().to_string();
        self.siskin_ends(&["trace", "get", ROLLOUT, "--output", &to], 0).await?;
        self.judged_again(&file)
    }

    fn judged_again(&self, file: &Path) -> Result<(RecordedVerdict, RecordedVerdict)> {
        let live = ended(&shell::output(Command::new("gzip").arg("-dc").arg(file))?)?;
        let mut replay = Command::new(self.run.program("kubectl-siskin"));
        let again = shell::output(replay.args(["replay", "--json"]).arg(file))?;
        let again: Value = serde_json::from_str(&again).context("reading the plugin's answer")?;
        Ok((live, told(&again, again["second"].as_f64())?))
    }
}

/// The mark `ended` of a trace, in seconds since its mark `trialStarted`.
fn ended(trace: &str) -> Result<RecordedVerdict> {
    let marked = |mark: &str| {
        let lines = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|it| it["mark"] == mark)
    };
    let started = marked("trialStarted").context("the trace has no mark trialStarted")?;
    let ended = marked("ended").context("the trace has no mark ended")?;
    let span = ended["at"].as_f64().zip(started["at"].as_f64()).map(|(to, from)| (to - from) / 1e3);
    told(&ended, span)
}

fn told(from: &Value, second: Option<f64>) -> Result<RecordedVerdict> {
    let text = |field: &str| {
        let text = from[field].as_str().map(ToOwned::to_owned);
        text.with_context(|| format!("no {field} in {from}"))
    };
    let (verdict, reason) = (text("verdict")?, text("reason")?);
    Ok(RecordedVerdict { verdict, reason, second: second.context("no time in it")? })
}
