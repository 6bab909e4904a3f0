//! Arguments of the commands that fetch traces of the operator.
//! Parses and bounds; opens no file.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::options::cluster::{ClusterArgs, OPERATOR_NAMESPACE, Subject};

#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Fetch the trace of the last attempt of a rollout into a file, for replay.
    ///
    /// It comes from the operator that leads, through the API server, which takes get on pods/proxy and on
    /// leases in the operator's namespace. Exit code: 0 written, 1 there is none, 2 it can't be fetched.
    #[command(after_help = "Examples:
  kubectl siskin trace get orders -n shop
  kubectl siskin trace get orders -n shop --output - | kubectl siskin replay -")]
    Get(TraceGetArgs),
    /// List the traces that the operator has, of the last attempt of each rollout.
    #[command(after_help = "Examples:
  kubectl siskin trace list -A")]
    List(TraceListArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TraceGetArgs {
    /// NAME or canaryrollout/NAME, or deployment/NAME for the one of that Deployment.
    #[arg(value_name = "NAME")]
    pub(crate) subject: Subject,
    /// The file, by default NAME.jsonl.gz; `-`: standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Namespace of the operator.
    #[arg(long, value_name = "NAMESPACE", default_value = OPERATOR_NAMESPACE)]
    pub(crate) operator_namespace: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TraceListArgs {
    /// All namespaces.
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Namespace of the operator.
    #[arg(long, value_name = "NAMESPACE", default_value = OPERATOR_NAMESPACE)]
    pub(crate) operator_namespace: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
