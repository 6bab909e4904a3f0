//! A source of snapshots that asks a process, starts it again, and outlives it.
//! Knows nothing of Kafka, and of a report no more than that it came.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::config::ClusterConfig;
use crate::error::{Attempt, SampleError};
use crate::foreign::{LONGEST_DETAIL, cleaned};
use crate::notice::{Notice, Notices};
use crate::process::conversation::{REPORT_WITHIN, SampleOutcome, Waiting, hold};
use crate::process::crashes::{Crashes, Pause};
use crate::process::frames;
use crate::process::messages::{Cluster, Order};
use crate::process::refusals::Refusals;
use crate::snapshot::Topics;
use crate::source::GroupSource;

/// Orders that wait to be written: more than the samplers of one cluster have under way.
const ORDERS_AT_ONCE: usize = 4_096;

/// A program that serves one cluster through its standard input and output: see
/// [`serve`](crate::serve).
#[derive(Clone, Debug)]
pub struct Program {
    /// Path of the program.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// All that the processes of one operator share.
pub(crate) struct Processes {
    program: Program,
    notices: Notices,
    crashes: Crashes,
    refusals: Refusals,
}

/// A source that asks a process of its own.
pub(crate) struct ProcessSource {
    processes: Arc<Processes>,
    cluster: ClusterConfig,
    running: Mutex<Option<Arc<Running>>>,
}

/// A process at work. It is ended when this is dropped.
struct Running {
    orders: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Waiting>,
    conversation: JoinHandle<()>,
}

impl Processes {
    /// Nothing runs yet. What processes tell beside samples goes to `notices`.
    pub(crate) fn new(program: Program, notices: Notices) -> Arc<Self> {
        let (crashes, refusals) = (Crashes::default(), Refusals::default());
        Arc::new(Self { program, notices, crashes, refusals })
    }

    /// A source for this cluster. Its process is started for its first sample.
    pub(crate) fn source(self: &Arc<Self>, cluster: &ClusterConfig) -> ProcessSource {
        let (processes, cluster) = (Arc::clone(self), cluster.clone());
        ProcessSource { processes, cluster, running: Mutex::default() }
    }

    /// Starts a process, which may reach nothing of this one but its two pipes.
    fn start(self: &Arc<Self>, cluster: &ClusterConfig) -> io::Result<Running> {
        let Program { path, arguments } = &self.program;
        let child = Command::new(path)
            .args(arguments)
            .env_clear()
            // Every thread of librdkafka would have a heap of its own.
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt at the terminal is for the operator, which ends the others itself.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (orders, written) = mpsc::channel(ORDERS_AT_ONCE);
        let connect = frames::frame(&Order::Connect(Cluster::from(cluster)));
        orders.try_send(connect.map_err(io::Error::other)?).map_err(io::Error::other)?;
        let waiting = Arc::new(Waiting::default());
        let (processes, cluster) = (Arc::clone(self), cluster.clone());
        let waits = Arc::clone(&waiting);
        let conversation = tokio::spawn(async move {
            let why = hold(child, written, &waits, &processes.notices).await;
            waits.end(processes.crashed(&cluster, &why));
        });
        Ok(Running { orders, waiting, conversation })
    }

    /// Notes that the process of this cluster ended, tells of it, and says what samples are told.
    fn crashed(&self, cluster: &ClusterConfig, why: &str) -> SampleError {
        let pause = self.crashes.note(cluster, Instant::now());
        let servers = cluster.servers();
        let next = match pause {
            Pause::AfterCrash => "in 5 s",
            Pause::Quarantine => "in an hour, for it was the second time in short time",
        };
        tracing::error!(servers, why, "a Kafka client ended; it is started again {next}");
        (self.notices)(Notice::Crashed);
        told(cluster, why, pause)
    }
}

/// What samples are told after a process ended.
fn told(cluster: &ClusterConfig, why: &str, pause: Pause) -> SampleError {
    let why = cleaned(why, LONGEST_DETAIL);
    let next = match pause {
        Pause::AfterCrash => "it is started again in 5 s",
        Pause::Quarantine => "for the second time in short time; it is tried again once an hour",
    };
    let detail = format!("{why}; {next}");
    SampleError::KafkaClientCrashed { servers: cluster.servers(), detail }
}

impl ProcessSource {
    /// The process at work, started if there is none and one may be.
    fn running(&self) -> Result<Arc<Running>, SampleError> {
        let mut running = self.running.lock();
        let ended = match &*running {
            Some(it) => match it.waiting.ended() {
                None => return Ok(Arc::clone(it)),
                ended @ Some(_) => ended,
            },
            None => None,
        };
        if let Some(pause) = self.processes.crashes.pause(&self.cluster, Instant::now()) {
            let before = || told(&self.cluster, "another one before", pause);
            return Err(ended.unwrap_or_else(before));
        }
        match self.processes.start(&self.cluster) {
            Ok(started) => Ok(Arc::clone(running.insert(Arc::new(started)))),
            // For want of memory or processes, which passes: nobody's crash.
            Err(error) => Err(SampleError::KafkaClientCrashed {
                servers: self.cluster.servers(),
                detail: format!("it can't be started: {error}"),
            }),
        }
    }

    async fn ask(&self, group: &str, topics: &Topics) -> SampleOutcome {
        if let Some(refused) = self.processes.refusals.of(&self.cluster) {
            return Err(refused);
        }
        let running = self.running()?;
        let mut expected = running.waiting.expect()?;
        let (group, topics) = (group.to_owned(), topics.clone());
        let silent =
            || SampleError::Timeout { attempted: Attempt::Sample, deadline: REPORT_WITHIN };
        let order = frames::frame(&Order::Sample { id: expected.id, group, topics });
        // A process that reads no orders is found out by those who wait for its reports.
        let written = order.ok().and_then(|it| running.orders.try_send(it).ok());
        written.ok_or_else(silent)?;
        match timeout(REPORT_WITHIN, &mut expected.report).await {
            Ok(Ok(outcome)) => {
                match &outcome {
                    Err(refused @ SampleError::Setup { .. }) => {
                        self.processes.refusals.note(&self.cluster, refused);
                        self.running.lock().take();
                    }
                    // It got no client for want of threads: another process may.
                    Err(SampleError::KafkaClientCrashed { .. }) => drop(self.running.lock().take()),
                    Ok(_) | Err(_) => {}
                }
                outcome
            }
            Ok(Err(_)) => Err(running.waiting.ended().unwrap_or_else(silent)),
            Err(_) => {
                running.waiting.give_up();
                Err(silent())
            }
        }
    }
}

impl GroupSource for ProcessSource {
    fn sample<'a>(&'a self, group: &'a str, topics: &'a Topics) -> BoxFuture<'a, SampleOutcome> {
        self.ask(group, topics).boxed()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.conversation.abort();
    }
}
