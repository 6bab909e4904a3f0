//! Arguments of the commands that speak to a cluster, with kubectl's own flags.
//! Parses and bounds; reads no kubeconfig.

use clap::{Args, Subcommand, ValueEnum};
use siskin_api::Duration;

use crate::options::cluster::{ClusterArgs, OPERATOR_NAMESPACE, Subject};
use crate::options::orders::OrderCommand;
use crate::options::trace::TraceCommand;

#[derive(Debug, Subcommand)]
pub(crate) enum LiveCommand {
    /// List the CanaryRollouts: phase, step, pods, lag, verdict, and what each one waits for.
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Show one CanaryRollout: what happens, on what evidence, how long it still takes, what to do.
    ///
    /// Without a name: every CanaryRollout of the namespace. Figures are those that the operator wrote last.
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Wait until a change is promoted or rolled back; for pipelines.
    ///
    /// Run it after the change was applied. Only a status that the operator wrote after it had seen
    /// the Deployment and the CanaryRollout as they are now is taken for an answer, so never that of an earlier
    /// version. With --change-id the Deployment has to carry that annotation (siskin.dev/change-id), and
    /// a change that another one replaces ends the waiting.
    ///
    /// Exit code: 0 promoted; 1 rolled back, or replaced by another change before it was promoted;
    /// 3 needs a person; 124 time-out; 2 wrong usage, or the cluster can't be asked.
    #[command(after_help = WAIT_EXAMPLES)]
    Wait(WaitArgs),
    /// Show the rollouts that are over: how each ended, how long it took, and why. The last ten.
    #[command(after_help = "Examples:
  kubectl siskin history orders -n shop")]
    History(HistoryArgs),
    /// Show which offsets the canary of the last attempt consumed: what to process again after a bad one.
    ///
    /// certain: committed while the canary owned the partition. possible: committed while it may have owned it.
    /// touched: perhaps processed by it, and committed by others. Every offset that it processed lies in one of
    /// them, unless the list says why not. With -o kcat: a command for each range that prints its records.
    #[command(after_help = RANGES_EXAMPLES)]
    ReplayRanges(ReplayRangesArgs),
    /// Say what is wrong with a rollout, or without a name with the installation, and what to do.
    ///
    /// Reads only, with your own rights; a check that they do not reach is told as not made. Values of
    /// Secrets are never asked for. Exit code: 0 nothing wrong, 1 something is, 2 the cluster can't be
    /// asked, or nothing of it looked at.
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Fetch what the operator recorded of a rollout.
    #[command(subcommand)]
    Trace(TraceCommand),
    #[command(flatten)]
    Order(OrderCommand),
}

const DOCTOR_EXAMPLES: &str = "Examples:
  kubectl siskin doctor                      # the installation
  kubectl siskin doctor orders -n shop       # one rollout";

const RANGES_EXAMPLES: &str = "Examples:
  kubectl siskin replay-ranges orders -n shop
  kubectl siskin replay-ranges orders -o json | jq '.ranges[] | select(.kind == \"certain\")'
  kubectl siskin replay-ranges orders -o kcat > again.sh";

const LIST_EXAMPLES: &str = "Examples:
  kubectl siskin list
  kubectl siskin list -A
  kubectl siskin list -A -o name";

const STATUS_EXAMPLES: &str = "Examples:
  kubectl siskin status                       # every one of the namespace
  kubectl siskin status orders -n shop
  kubectl siskin status deployment/orders --watch
  kubectl siskin status orders -o yaml";

const WAIT_EXAMPLES: &str = "Examples:
  kubectl apply -f orders.yaml && kubectl siskin wait deployment/orders -n shop --timeout 2h
  kubectl siskin wait deployment/orders --change-id \"$GIT_SHA\" --timeout 45m
  kubectl siskin wait deployment/orders --keep-waiting --timeout 8h   # somebody approves meanwhile";

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// The objects as JSON.
    Json,
    /// The objects as YAML.
    Yaml,
    /// `canaryrollout.siskin.dev/NAME`, one a line.
    Name,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// All namespaces.
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// The objects themselves instead of a table.
    #[arg(short, long, value_name = "FORM")]
    pub(crate) output: Option<OutputForm>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// NAME or canaryrollout/NAME, or deployment/NAME for the one of that Deployment.
    #[arg(value_name = "NAME")]
    pub(crate) subject: Option<Subject>,
    /// Follow it until Ctrl-C: drawn anew on a terminal, elsewhere a line for each change.
    #[arg(short, long, requires = "subject", conflicts_with = "output")]
    pub(crate) watch: bool,
    /// The object itself instead of its description.
    #[arg(short, long, value_name = "FORM")]
    pub(crate) output: Option<OutputForm>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Form of replay ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RangesForm {
    /// A table, with what is to be said of it.
    Table,
    /// One object as JSON.
    Json,
    /// A kcat command for each range.
    Kcat,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayRangesArgs {
    /// NAME or canaryrollout/NAME, or deployment/NAME for the one of that Deployment.
    #[arg(value_name = "NAME")]
    pub(crate) subject: Subject,
    /// A table, JSON, or commands of kcat.
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    pub(crate) output: RangesForm,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// deployment/NAME, or the name of the CanaryRollout.
    #[arg(value_name = "NAME")]
    pub(crate) subject: Subject,
    /// The change that is waited for, as the Deployment's annotation siskin.dev/change-id names it, at most 256 characters.
    /// Without it: whatever the Deployment asks for.
    #[arg(long, value_name = "ID", value_parser = change_id)]
    pub(crate) change_id: Option<String>,
    /// Longest time to wait, for example 45m or 2h. By default as long as a rollout of this plan may take: for each step its
    /// maxHold and the progressDeadline, and the latter once more for the start and for the promotion.
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Duration>,
    /// Wait on where a person is needed, instead of ending with 3.
    #[arg(long)]
    pub(crate) keep_waiting: bool,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// NAME or canaryrollout/NAME, or deployment/NAME for the one of that Deployment.
    #[arg(value_name = "NAME")]
    pub(crate) subject: Subject,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// NAME or canaryrollout/NAME, or deployment/NAME for the one of that Deployment. Without it: the installation.
    #[arg(value_name = "NAME")]
    pub(crate) subject: Option<Subject>,
    /// Namespace of the operator.
    #[arg(long, value_name = "NAMESPACE", default_value = OPERATOR_NAMESPACE)]
    pub(crate) operator_namespace: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// A longer one is cut in the status, and could never be found there.
fn change_id(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=256 => Ok(text.to_owned()),
        _ => Err("want 1 to 256 characters".to_owned()),
    }
}
