//! The command line of `siskin-operator`, and logging as it asks for.
//! Everything about one rollout is in its `CanaryRollout`; here is only what the whole process needs.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, ValueEnum, error::ErrorKind};
use siskin_api::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::process::lease::timings::{Timings, TimingsError};
use crate::traces::directory::MIN_BYTES;

/// Progressive delivery of Kafka consumers on Kubernetes.
///
/// Watches `CanaryRollouts` and runs each new version of a Deployment as a few canary consumers
/// first, compares them with the running ones, and promotes the version or rolls it back. Connects
/// with the service account of its pod, or else with the current context of the kubeconfig.
#[derive(Clone, Debug, Parser)]
#[command(name = "siskin-operator", version)]
pub struct Options {
    /// Namespace to work in; without it all namespaces, which needs a `ClusterRole`.
    #[arg(long, env = "SISKIN_NAMESPACE", value_parser = not_empty)]
    pub namespace: Option<String>,

    /// Where to answer /healthz, /readyz, /metrics and /traces.
    #[arg(long, env = "SISKIN_ADMIN_ADDRESS", default_value = "0.0.0.0:8080")]
    pub admin_address: SocketAddr,

    /// `json`: one object a line, for log stores; `text`: for people.
    #[arg(long, env = "SISKIN_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What to log: error, warn, info, debug, trace, also by module: `info,siskin_operator=debug`.
    #[arg(long, env = "SISKIN_LOG_LEVEL", default_value = "info", value_parser = filter)]
    pub log_level: String,

    /// Directory to store the traces of rollouts in, so that they outlive the process; without it
    /// they are in memory only. It must exist and be writable.
    #[arg(long, env = "SISKIN_TRACE_DIRECTORY", value_name = "DIR")]
    pub trace_directory: Option<PathBuf>,

    /// Size of the files in the trace directory, from 8Mi on; the oldest make room, also from 4000
    /// files on. The default is half of the smallest volume that is common, 1Gi, and takes the
    /// traces of 4000 trials of an hour at 12 partitions, or of 600 at 100.
    #[arg(
        long,
        env = "SISKIN_TRACE_DIRECTORY_SIZE",
        value_name = "SIZE",
        default_value = "512Mi",
        value_parser = directory_size
    )]
    pub trace_directory_size: u64,

    // Last: its heading holds for every option that follows.
    /// Who leads, when several run.
    #[command(flatten)]
    pub election: ElectionOptions,
}

/// First argument of a process that only reads one Kafka cluster, for the operator that started it.
/// It takes no option, and is nothing for people.
pub const SAMPLER: &str = "sample";

/// Whether this process is one that only reads a Kafka cluster.
#[must_use]
pub fn is_sampler() -> bool {
    std::env::args_os().nth(1).is_some_and(|it| it == SAMPLER)
}

/// Who leads, when several run.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Leader election")]
pub struct ElectionOptions {
    /// Act at once and without a Lease. For one process only, such as on a developer's machine: two
    /// that act on the same rollouts undo each other's work.
    #[arg(long, env = "SISKIN_NO_LEADER_ELECTION")]
    pub no_leader_election: bool,

    /// Namespace of the Lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "siskin-system", value_parser = not_empty)]
    pub lease_namespace: String,

    /// Name of the Lease; operators with different ones (say, one for each namespace) don't know of
    /// each other.
    #[arg(long, env = "SISKIN_LEASE_NAME", default_value = "siskin-operator", value_parser = not_empty)]
    pub lease_name: String,

    /// Name of this process in the Lease and in Events, by default the host's. A random suffix is
    /// added, so that a restarted process never takes itself for its predecessor.
    #[arg(long, env = "POD_NAME", value_parser = not_empty)]
    pub identity: Option<String>,

    /// How long others wait for a leader that says nothing: the longest time without a leader after
    /// a crash (after a clean stop nobody waits). If it is short, a slow API server is enough to
    /// change the leader.
    #[arg(long, env = "SISKIN_LEASE_DURATION", default_value = "15s")]
    pub lease_duration: Duration,

    /// When a leader that could not renew its lease stops writing and ends. The difference to the
    /// duration is for writes that are on their way then, and for clocks that run unevenly.
    #[arg(long, env = "SISKIN_LEASE_RENEW_DEADLINE", default_value = "10s")]
    pub lease_renew_deadline: Duration,

    /// How often the leader renews its lease and the others look: at 2s, five attempts fit into the
    /// deadline, and the API server sees one small write in 2 s.
    #[arg(long, env = "SISKIN_LEASE_RETRY_PERIOD", default_value = "2s")]
    pub lease_retry_period: Duration,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TracingError {
    /// The filter has no meaning.
    #[error("read the log filter")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Logging was started before.
    #[error("start logging")]
    Init(#[from] tracing_subscriber::util::TryInitError),
}

impl Options {
    /// The options of this process; prints help or what is wrong and exits if there are none.
    #[must_use]
    pub fn read() -> Self {
        let options = Self::parse();
        match options.election.timings() {
            Ok(_) => options,
            Err(error) => Self::command().error(ErrorKind::ValueValidation, error).exit(),
        }
    }
}

impl ElectionOptions {
    /// The lease's times.
    ///
    /// # Errors
    /// If they don't fit each other.
    pub fn timings(&self) -> Result<Timings, TimingsError> {
        let [duration, renew_deadline, retry_period] =
            [self.lease_duration, self.lease_renew_deadline, self.lease_retry_period]
                .map(|it| std::time::Duration::from_secs(it.as_secs().into()));
        Timings::new(duration, renew_deadline, retry_period)
    }

    /// A name for this process that no other one has: `<identity>_<random>`. Another one at each
    /// call, so call it once.
    #[must_use]
    pub fn unique_identity(&self) -> String {
        let name = self.identity.clone().or_else(host_name);
        // Keys of hash maps are random for each process: randomness enough to tell processes apart.
        let suffix = RandomState::new().hash_one(()) & 0xffff_ffff;
        format!("{}_{suffix:08x}", name.as_deref().unwrap_or("siskin-operator"))
    }
}

/// Logs to standard error from here on, as the options ask for.
///
/// # Errors
/// If the filter has no meaning, or logging was started before.
pub fn init_tracing(options: &Options) -> Result<(), TracingError> {
    let filter = EnvFilter::try_new(&options.log_level)?;
    // A pod's log is no terminal: escape codes would stand in it as they are.
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let color = wanted && io::stderr().is_terminal();
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let logs = logs.with_ansi(color);
    match options.log_format {
        LogFormat::Text => logs.finish().try_init()?,
        LogFormat::Json => logs.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// The kernel's name of this host, which in a container is the pod's.
fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|it| !it.is_empty())
}

fn not_empty(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("must not be empty") } else { Ok(text.to_owned()) }
}

/// Bytes as Kubernetes writes them, in whole `Mi` or `Gi`.
fn directory_size(text: &str) -> Result<u64, String> {
    let units = [("Mi", 1 << 20), ("Gi", 1 << 30)];
    let bytes = units.into_iter().find_map(|(unit, bytes)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(u64::from(number) * bytes)
    });
    let bytes = bytes.ok_or("want a whole number of Mi or Gi, such as 512Mi")?;
    if bytes < MIN_BYTES {
        return Err(format!("want {}Mi or more: two traces of the greatest size", MIN_BYTES >> 20));
    }
    Ok(bytes)
}

fn filter(text: &str) -> Result<String, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests;
