//! `trace`: what the operator recorded of a rollout, fetched from the one that leads.
//! Writes the file as it came, whole or not at all; judges nothing.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use kube::ResourceExt as _;
use serde::Deserialize;
use thiserror::Error;

use crate::cluster::Cluster;
use crate::cluster::ask_error::{AskError, CANNOT_ASK};
use crate::cluster::installation::{LEASE, leader};
use crate::cluster::proxy::ProxyAnswer;
use crate::live::output;
use crate::options::cluster::Subject;
use crate::options::trace::{TraceCommand, TraceGetArgs, TraceListArgs};
use crate::table;

/// Exit code where there is no such trace.
const NO_TRACE: u8 = 1;

/// Why a trace can't be had.
#[derive(Debug, Error)]
enum TraceError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(
        "no operator leads: nobody holds Lease {namespace}/{lease}. If its namespace is another one, name it by \
         --operator-namespace; else: kubectl siskin doctor",
        lease = LEASE
    )]
    NoLeader { namespace: String },
    #[error(
        "the leader {pod} that Lease {namespace}/{lease} names is gone, and no other one leads yet: try again, or: kubectl \
         siskin doctor",
        lease = LEASE
    )]
    LeaderGone { namespace: String, pod: String },
    #[error(
        "{why}. Whoever runs the cluster lets you: kubectl create role siskin-traces -n {namespace} --verb=get \
         --resource=pods/proxy,leases.coordination.k8s.io && kubectl create rolebinding siskin-traces -n {namespace} \
         --role=siskin-traces --user={user}"
    )]
    NoRight { why: String, namespace: String, user: String },
    #[error(
        "{words}. A trace begins with the first trial, and goes with a restart of the operator unless it has \
         --trace-directory (docs/replay.md): kubectl siskin trace list -A"
    )]
    NoTrace { words: String },
    #[error("the operator answers {code}: {words}")]
    Declined { code: u16, words: String },
    #[error("what the operator lists can't be read: {0}; is this program as new as the operator?")]
    Unreadable(#[from] serde_json::Error),
    #[error("{file} is there already: name another one by --output, or give --force", file = .0.display())]
    FileThere(PathBuf),
    #[error("writing {file}: {cause}", file = .file.display())]
    Unwritten { file: PathBuf, cause: io::Error },
    #[error(
        "a trace is a gzip file, and no text for a terminal: --output - | kubectl siskin replay -"
    )]
    Terminal,
    #[error("{0} is no name of a CanaryRollout")]
    NoName(String),
}

/// Fetches or lists.
pub(crate) async fn run(command: &TraceCommand) -> u8 {
    let ended = match command {
        TraceCommand::Get(args) => get(args).await,
        TraceCommand::List(args) => list(args).await,
    };
    match ended {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error}");
            if matches!(error, TraceError::NoTrace { .. }) { NO_TRACE } else { CANNOT_ASK }
        }
    }
}

async fn get(args: &TraceGetArgs) -> Result<(), TraceError> {
    let cluster = Cluster::asked_once(&args.cluster).await?;
    let name = match &args.subject {
        Subject::Rollout(name) => name.clone(),
        Subject::Deployment(_) => cluster.rollout(&args.subject).await?.name_any(),
    };
    let is_name = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "-.".contains(it);
    if !name.chars().all(is_name) || name.starts_with('.') {
        return Err(TraceError::NoName(name));
    }
    let file = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.jsonl.gz")));
    let to_stdout = file == Path::new("-");
    // Told before anything is fetched; the writing below still looks for itself.
    if to_stdout && io::stdout().is_terminal() {
        return Err(TraceError::Terminal);
    }
    if !to_stdout && !args.force && file.exists() {
        return Err(TraceError::FileThere(file));
    }
    let path = format!("/traces/{}/{name}", cluster.namespace);
    let trace = fetched(&cluster, &args.operator_namespace, &path).await?;
    if to_stdout {
        // A reader that has seen enough closes the pipe: that is no failure.
        let _ = io::stdout().write_all(&trace);
        return Ok(());
    }
    written(&file, &trace, args.force)?;
    output::print(&format!(
        "{} ({} bytes); judge it again: kubectl siskin replay {}\n",
        file.display(),
        trace.len(),
        file.display()
    ));
    Ok(())
}

/// Writes the file; one that can't be written whole is taken away.
fn written(file: &Path, trace: &[u8], force: bool) -> Result<(), TraceError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(!force).create(force).truncate(force);
    let mut open = options.open(file).map_err(|cause| {
        if cause.kind() == io::ErrorKind::AlreadyExists {
            return TraceError::FileThere(file.to_owned());
        }
        TraceError::Unwritten { file: file.to_owned(), cause }
    })?;
    open.write_all(trace).map_err(|cause| {
        let _ = std::fs::remove_file(file);
        TraceError::Unwritten { file: file.to_owned(), cause }
    })
}

/// What the leader serves at a path.
async fn fetched(cluster: &Cluster, namespace: &str, path: &str) -> Result<Vec<u8>, TraceError> {
    let no_right = |error: AskError| {
        let AskError::Forbidden(why) = error else { return TraceError::Ask(error) };
        let user = why.split_once("User \"").and_then(|it| it.1.split_once('"'));
        let user = user.map_or("USER", |it| it.0).to_owned();
        TraceError::NoRight { why, namespace: namespace.to_owned(), user }
    };
    let lease = cluster.lease(namespace).await.map_err(no_right)?;
    let Some(pod) = lease.as_ref().and_then(leader) else {
        return Err(TraceError::NoLeader { namespace: namespace.to_owned() });
    };
    let answer = match cluster.served(namespace, pod, path).await {
        Ok(answer) => answer,
        Err(AskError::Absent(_)) => {
            let (namespace, pod) = (namespace.to_owned(), pod.to_owned());
            return Err(TraceError::LeaderGone { namespace, pod });
        }
        Err(error) => return Err(no_right(error)),
    };
    match answer {
        ProxyAnswer::Served(bytes) => Ok(bytes),
        ProxyAnswer::Declined { code: 404, words } => Err(TraceError::NoTrace { words }),
        ProxyAnswer::Declined { code, words } => Err(TraceError::Declined { code, words }),
    }
}

/// A trace as the operator lists it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedTrace {
    namespace: String,
    name: String,
    rollout_id: String,
    bytes: u64,
    state: String,
    resumed: bool,
}

async fn list(args: &TraceListArgs) -> Result<(), TraceError> {
    let cluster = Cluster::asked_once(&args.cluster).await?;
    let listed = fetched(&cluster, &args.operator_namespace, "/traces").await?;
    let mut traces: Vec<ListedTrace> = serde_json::from_slice(&listed)?;
    traces.retain(|it| args.all_namespaces || it.namespace == cluster.namespace);
    if traces.is_empty() {
        let place = if args.all_namespaces { "any namespace" } else { &cluster.namespace };
        eprintln!("no trace of a rollout in {place}");
        return Ok(());
    }
    let mut rows = vec![["NAMESPACE", "NAME", "ROLLOUT", "BYTES", "STATE"].map(str::to_owned)];
    rows.extend(traces.into_iter().map(|it| {
        let state = if it.resumed { format!("{}, resumed", it.state) } else { it.state };
        [it.namespace, it.name, it.rollout_id, it.bytes.to_string(), state]
    }));
    output::print(&table::text(&rows));
    Ok(())
}
