//! The command line: what can be asked for, and the text of `--help`.
//! Parses and bounds; opens no file.

pub(crate) mod cluster;
pub(crate) mod completion;
pub(crate) mod live;
pub(crate) mod orders;
pub(crate) mod trace;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use siskin_analysis::{MinimumEvidence, Settings};
use siskin_api::Duration;

use crate::lint::expected::Expected;
use crate::options::completion::CompletionArgs;
use crate::options::live::LiveCommand;

/// Show, wait for and command rollouts of Kafka consumers; judge recorded ones again.
///
/// list, status and wait read what the operator says of each CanaryRollout; abort, approve, promote and
/// the like tell it what to do. They reach the cluster as kubectl does, with your own rights. replay
/// and lint need no cluster. Start with: kubectl siskin list -A
#[derive(Debug, Parser)]
#[command(name = "kubectl-siskin", bin_name = "kubectl siskin", version)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Live(LiveCommand),
    /// Run the judge over recorded traces.
    ///
    /// What lies before the trial mark is the record that margins are learned from; from the mark on
    /// the canary is judged as it would be live, up to the first Fail or the end. Prints each change
    /// of the verdict and a table of all signals. Exit code: 0 all judged, 1 a trace was unreadable
    /// (the others are judged all the same), 2 wrong usage. The format: docs/trace.md.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// Check a file with `CanaryRollouts` by the rules of the API server, and by no cluster.
    ///
    /// Series, variables, strings and brackets of queries are read as the operator reads them; the
    /// grammar of PromQL is the server's. Other objects in the file are skipped. Each problem is told with its line and field. With
    /// --partitions and --rate it also estimates, for each step, the smallest effects that are found
    /// by the end of its hold with a probability of 90 %, and how long a healthy version needs until
    /// it passes. Exit code: 0 valid, 1 not, 2 wrong usage.
    #[command(after_help = LINT_EXAMPLES)]
    Lint(LintArgs),
    /// Print the completions for a shell, or for kubectl.
    ///
    /// Those of a shell complete kubectl-siskin. kubectl itself asks the program kubectl_complete-siskin on the PATH
    /// what may follow kubectl siskin, names of CanaryRollouts among it.
    #[command(after_help = COMPLETION_EXAMPLES)]
    Completion(CompletionArgs),
}

const COMPLETION_EXAMPLES: &str = "Examples:
  source <(kubectl siskin completion bash)
  kubectl siskin completion kubectl > ~/.local/bin/kubectl_complete-siskin
  chmod +x ~/.local/bin/kubectl_complete-siskin";

const REPLAY_EXAMPLES: &str = "Examples:
  kubectl siskin replay orders.jsonl
  kubectl siskin replay orders.jsonl --alpha 0.001 --set warmUp=2m
  kubectl siskin replay orders.jsonl --svg orders.svg
  kubectl siskin replay recorded/*.jsonl.gz --json
  curl -sf localhost:8080/traces/shop/orders | kubectl-siskin replay -";

const LINT_EXAMPLES: &str = "Examples:
  kubectl siskin lint orders.yaml
  kubectl siskin lint orders.yaml --consumers 3 --partitions 12 --rate 50
  kubectl siskin lint orders.yaml --consumers 24 --partitions 200 --rate 20000 --metrics --error-rate 0.002";

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Traces, plain or gzip; `-`: standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Accepted probability of rolling back a healthy version, above 0 and at most 0.2, instead of
    /// the recorded one; also instead of the one in --set.
    #[arg(long, value_name = "P", value_parser = probability)]
    pub(crate) alpha: Option<f64>,
    /// Judge by another setting: interval=1s to 5m, warmUp=0s to 24h, falseRollbackProbability=P, or
    /// minimumEvidence=Proven or Observed. Can be given several times; the last one of a field counts.
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) changes: Vec<SettingChange>,
    /// Begin the trial this many seconds after the first observation instead of at the mark.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) from: Option<u32>,
    /// Print one JSON object a line for each file: file, verdict, second, reason, message and more.
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw the evidence over time into this file. One trace only.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// YAML, of one or several objects.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) expected: Expected,
}

/// Settings that `--set` takes, with the bounds of a `CanaryRollout`.
const SETTINGS: &str = "interval (1s to 5m), warmUp (0s to 24h), falseRollbackProbability (above 0, at most 0.2), minimumEvidence (Proven, Observed)";

/// A setting to judge by instead of the recorded one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SettingChange {
    Interval(Duration),
    WarmUp(Duration),
    FalseRollbackProbability(f64),
    MinimumEvidence(MinimumEvidence),
}

impl ReplayArgs {
    /// The recorded settings with what was asked for instead.
    pub(crate) fn settings(&self, recorded: Settings) -> Settings {
        let mut settings = recorded;
        for change in &self.changes {
            match *change {
                SettingChange::Interval(it) => settings.interval = it.as_millis(),
                SettingChange::WarmUp(it) => settings.warm_up = it.as_millis(),
                SettingChange::FalseRollbackProbability(it) => {
                    settings.false_rollback_probability = it;
                }
                SettingChange::MinimumEvidence(it) => settings.minimum_evidence = it,
            }
        }
        settings.false_rollback_probability =
            self.alpha.unwrap_or(settings.false_rollback_probability);
        settings
    }
}

impl FromStr for SettingChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (field, value) = text
            .split_once('=')
            .ok_or_else(|| format!("want field=value; there are {SETTINGS}"))?;
        let duration = |least: u32, most: u32| {
            let it: Duration = value.parse().map_err(|it| format!("{it}"))?;
            let (least, most) = (Duration::from_secs(least), Duration::from_secs(most));
            let fits = (least..=most).contains(&it);
            if fits { Ok(it) } else { Err(format!("want {least} to {most}")) }
        };
        // The bounds of a CanaryRollout.
        match field {
            "interval" => Ok(Self::Interval(duration(1, 300)?)),
            "warmUp" => Ok(Self::WarmUp(duration(0, 24 * 3_600)?)),
            "falseRollbackProbability" => Ok(Self::FalseRollbackProbability(probability(value)?)),
            "minimumEvidence" => match value {
                "Proven" => Ok(Self::MinimumEvidence(MinimumEvidence::Proven)),
                "Observed" => Ok(Self::MinimumEvidence(MinimumEvidence::Observed)),
                _ => Err("want Proven or Observed".into()),
            },
            other => Err(format!("there is no setting {other:?}; there are {SETTINGS}")),
        }
    }
}

/// Parses a probability with the bounds of a `CanaryRollout`: above 0 and at most 0.2.
fn probability(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "want a number such as 0.01".to_owned())?;
    if 0.0 < value && value <= 0.2 {
        Ok(value)
    } else {
        Err("want more than 0, at most 0.2".into())
    }
}
