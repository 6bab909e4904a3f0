//! Arguments of the commands that tell the operator what to do.
//! Parses and bounds; knows no rollout.

use clap::{Args, Subcommand};
use siskin_api::Duration;

use crate::options::cluster::{ClusterArgs, Subject};

#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Roll back now: the canary goes, its version is rejected.
    #[command(after_help = "Examples:
  kubectl siskin abort orders -n shop
  kubectl siskin abort deployment/orders")]
    Abort(OrderArgs),
    /// Let the present step pass that asks for an approval, once it has proven itself.
    #[command(after_help = "Examples:
  kubectl siskin approve orders -n shop")]
    Approve(OrderArgs),
    /// Skip what is left of the present step, or with --full of all steps.
    ///
    /// What is skipped is not compared; a Fail found before that still rolls back.
    #[command(after_help = "Examples:
  kubectl siskin promote orders -n shop
  kubectl siskin promote orders -n shop --full --yes")]
    Promote(PromoteArgs),
    /// Try the rejected version again, by a new trial.
    #[command(after_help = "Examples:
  kubectl siskin retry orders -n shop")]
    Retry(OrderArgs),
    /// Begin the trial although preflight does not pass.
    #[command(after_help = "Examples:
  kubectl siskin start orders -n shop")]
    Start(OrderArgs),
    /// Promote the next version of the Deployment to all consumers at once, without a trial: for a hotfix.
    ///
    /// Holds for exactly one version: the one that waits now, or else the next one that is applied. Each
    /// time needs a reason of its own, which history and Events tell.
    #[command(after_help = "Examples:
  kubectl siskin bypass orders -n shop --reason 'INC-4211: fix of the poison message' --yes")]
    Bypass(BypassArgs),
    /// Stop going forward; rollbacks, repairs and scaling go on.
    #[command(after_help = "Examples:
  kubectl siskin suspend orders -n shop")]
    Suspend(OrderArgs),
    /// Go on after suspend.
    #[command(after_help = "Examples:
  kubectl siskin resume orders -n shop")]
    Resume(OrderArgs),
    /// Let the Deployment ask again for the version that serves, or else for the one promoted before.
    ///
    /// Writes the frozen template into the Deployment. A trial or a rejected version ends with it; going back
    /// further is a new trial. Git, if it has the Deployment, has to be reverted, too.
    #[command(after_help = "Examples:
  kubectl siskin undo orders -n shop")]
    Undo(UndoArgs),
}

#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    /// NAME or canaryrollout/NAME, or deployment/NAME for the one of that Deployment.
    #[arg(value_name = "NAME")]
    pub(crate) subject: Subject,
    /// Don't ask before what skips a comparison. Needed where there is no terminal to ask on.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Longest time to wait for the operator's answer.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    /// All steps that are left, not only the present one.
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) order: OrderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BypassArgs {
    /// Why, for those who read history later.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) order: OrderArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// NAME or canaryrollout/NAME, or deployment/NAME for the one of that Deployment.
    #[arg(value_name = "NAME")]
    pub(crate) subject: Subject,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("want a reason".to_owned()) } else { Ok(text.to_owned()) }
}
