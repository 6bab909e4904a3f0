//! The operator process: settings, client, tasks. Any task that ends early ends the process.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::FutureExt;
use futures::future::Shared;
use kube::Config;
use siskin_kafka::{Notice, Notices, Program, Samplers, serve};
use siskin_operator::admin::{self, Admin};
use siskin_operator::apply::writer::Writer;
use siskin_operator::clock;
use siskin_operator::cluster::calls::Cluster;
use siskin_operator::cluster::connection;
use siskin_operator::cluster::requests::Count;
use siskin_operator::evidence::feeder::Feeder;
use siskin_operator::evidence::neighbors::Neighbors;
use siskin_operator::evidence::sampling::Sampling;
use siskin_operator::evidence::weigh::Weigher;
use siskin_operator::guard::GuardKeeper;
use siskin_operator::name::Trigger;
use siskin_operator::observe::autoscalers::Autoscalers;
use siskin_operator::observe::index::Index;
use siskin_operator::observe::observer::Observer;
use siskin_operator::options::{Options, SAMPLER, init_tracing, is_sampler};
use siskin_operator::pass::Passes;
use siskin_operator::pass::memory::Memory;
use siskin_operator::process::events::Events;
use siskin_operator::process::gate::Gate;
use siskin_operator::process::health::{Health, Readiness};
use siskin_operator::process::lease::election::{self, Lease};
use siskin_operator::process::lease::thread::on_own_thread;
use siskin_operator::process::metrics::Metrics;
use siskin_operator::queue::autoscalers::run as watch_autoscalers;
use siskin_operator::queue::runner::run;
use siskin_operator::queue::watches::{Scope, Triggers, watch_pods};
use siskin_operator::report::reporter::Reporter;
use siskin_operator::traces::archive::{Archive, Files};
use siskin_operator::traces::directory::Directory;
use siskin_operator::traces::shelf::Traces;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A task that is alive says so at least this often.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Lease, Events, traces and admin server have something to finish.
const FINISHING_TASKS: usize = 4;

/// The manager's grace period is 10 s: what has not finished by then is cut off anyway.
const FINISH_WITHIN: Duration = Duration::from_secs(8);

fn main() -> anyhow::Result<()> {
    if is_sampler() {
        return Err(serve(io::stdin(), io::stdout(), clock::now_millis).into());
    }
    operate()
}

#[tokio::main(worker_threads = 2)]
async fn operate() -> anyhow::Result<()> {
    let options = Options::read();
    init_tracing(&options)?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a TLS provider is already installed"))?;
    let config = Config::infer().await.context("no cluster to talk to")?;
    let (end, stopped) = watch::channel(false);
    let shutdown = until_stopped(stopped).boxed().shared();
    let identity = options.election.unique_identity();
    let metrics = Metrics::new();
    let counted = metrics.clone();
    let count: Count = Arc::new(move |verb, code| counted.api_request(verb, code));
    let client = connection::client(config.clone(), &count).context("could not make a client")?;
    let (health, readiness) = (Health::default(), Readiness::default());
    let (events, publisher) = Events::new(client.clone(), &identity, metrics.clone());
    let mut start =
        Start { tasks: JoinSet::new(), metrics: metrics.clone(), shutdown: shutdown.clone() };
    let (traces, files) = start.record(&options)?;
    let gate = start.lead(&options, &config, &identity)?;
    let mut tasks = start.tasks;

    let cluster = Cluster::new(client);
    let scope = Scope::new(cluster.clone(), options.namespace.clone(), readiness.clone());
    let (pods, pod_events) = watch_pods(&scope);
    let index = Index::default();
    let autoscalers = Autoscalers::new(cluster.clone(), options.namespace.as_deref());
    let (sampling, feeds) = Sampling::new(samplers(&metrics)?, traces.clone());
    let (trigger, asked) = Trigger::new();
    let passes = Passes {
        observer: Observer::new(cluster.clone(), pods.clone(), index.clone(), autoscalers.clone()),
        evidence: Weigher::new(cluster.clone(), sampling.clone()),
        writer: Writer::new(cluster.clone(), gate.clone(), metrics.clone()),
        reporter: Reporter::new(events, metrics.clone()),
        gate: gate.clone(),
        metrics: metrics.clone(),
        memory: Memory::default(),
    };
    keep_guard(&mut tasks, &scope, &passes);
    let scalers = watch_autoscalers(autoscalers, index.clone(), trigger.clone(), gate.clone());
    spawn_endless(&mut tasks, "the watches of autoscalers", scalers);
    let heartbeat = health.task("queue", HEARTBEAT);
    let triggers = Triggers { pods: pod_events, asked, heartbeat };
    let queue = run(scope, passes, index.clone(), triggers);
    spawn_endless(&mut tasks, "the queue of passes", queue);
    let neighbors = Neighbors::new(cluster, pods.clone());
    let counts = metrics.clone();
    let feeder = Feeder { sampling, feeds, pods, neighbors, trigger, metrics: counts };
    tasks.spawn(async move { Err(anyhow!("sampling ended: {}", feeder.run().await)) });
    tasks.spawn(gauge(index.clone(), metrics.clone()));
    metrics.shows(move || index.shown());
    let stop = shutdown.clone();
    tasks.spawn(async move {
        publisher.run(stop).await;
        Ok("events")
    });
    let listener = admin::listen(options.admin_address).await?;
    let served = Admin { health, readiness, metrics, traces, files };
    tasks.spawn(async move {
        admin::serve(listener, served, shutdown).await?;
        Ok("admin server")
    });
    supervise(tasks, end).await
}

/// Samplers whose clients are processes of this program: what a broker answers ends no operator.
fn samplers(metrics: &Metrics) -> anyhow::Result<Samplers> {
    let path = std::env::current_exe().context("this program has no path")?;
    let program = Program { path, arguments: vec![SAMPLER.into()] };
    let metrics = metrics.clone();
    let notices: Notices = Arc::new(move |notice| match notice {
        Notice::Line(line) => line.trace(),
        Notice::Unread { reason, partitions } => metrics.unread(reason, partitions),
        Notice::Crashed => metrics.sampler_crashed(),
    });
    Ok(Samplers::in_processes(program, notices))
}

type Tasks = JoinSet<anyhow::Result<&'static str>>;

/// A task that ends only if something is wrong.
fn spawn_endless(
    tasks: &mut Tasks,
    what: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    tasks.spawn(async move {
        task.await;
        Err(anyhow!("{what} ended"))
    });
}

/// Keeps what the admission guard reads: it follows the watch of rollouts, not the passes.
fn keep_guard(tasks: &mut Tasks, scope: &Scope, passes: &Passes) {
    let Scope { cluster, namespace, guarded, .. } = scope.clone();
    let (writer, gate) = (passes.writer.clone(), passes.gate.clone());
    let keeper = GuardKeeper { cluster, namespace, guarded, writer, gate };
    spawn_endless(tasks, "the keeper of the guard", keeper.run());
}

/// Keeps the counts of rollouts by phase up to date.
async fn gauge(rollouts: Index, metrics: Metrics) -> anyhow::Result<&'static str> {
    loop {
        metrics.rollouts(rollouts.phases());
        tokio::time::sleep(HEARTBEAT / 4).await;
    }
}

/// What tasks are started with.
struct Start {
    tasks: Tasks,
    metrics: Metrics,
    shutdown: Shutdown,
}

impl Start {
    /// Takes part in the election, or acts alone if told to.
    fn lead(&mut self, options: &Options, config: &Config, identity: &str) -> anyhow::Result<Gate> {
        let election = &options.election;
        let (metrics, shutdown) = (self.metrics.clone(), self.shutdown.clone());
        if election.no_leader_election {
            metrics.leader(true);
            self.wait("leading without an election");
            return Ok(Gate::open(identity));
        }
        let (keeper, gate) = Gate::shut();
        let timings = election.timings()?;
        let (namespace, name) = (election.lease_namespace.clone(), election.lease_name.clone());
        let (config, identity) = (config.clone(), identity.to_owned());
        let lease = async move || -> anyhow::Result<()> {
            let client = election::client(&config)?;
            let lease = Lease::new(client, &namespace, &name, &identity, timings);
            lease.run(keeper, metrics, shutdown).await?;
            Ok(())
        };
        self.tasks.spawn(async move {
            on_own_thread(lease).await??;
            Ok("lease")
        });
        Ok(gate)
    }

    /// Traces in memory, and the files they are stored in if there is a directory for them.
    fn record(&mut self, options: &Options) -> anyhow::Result<(Traces, Option<Files>)> {
        let Some(directory) = &options.trace_directory else {
            self.wait("traces in memory");
            return Ok((Traces::default(), None));
        };
        let directory = Directory::open(directory, options.trace_directory_size)?;
        let (traces, ended) = Traces::archived();
        let files = Files::new(directory.clone());
        let archive = Archive::new(directory, traces.clone(), ended, self.metrics.clone());
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            archive.run(shutdown).await;
            Ok("archive of traces")
        });
        Ok((traces, Some(files)))
    }

    /// A task that has nothing to do until shutdown, and nothing to finish.
    fn wait(&mut self, name: &'static str) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            shutdown.await;
            Ok(name)
        });
    }
}

/// Until a signal, no task may end. Then, or when one has ended, the others are told to stop: the
/// lease is vacated, so that a successor takes over at once, Events are flushed, and the admin
/// server is drained. Whatever has nothing to finish is dropped.
async fn supervise(mut tasks: Tasks, stop: watch::Sender<bool>) -> anyhow::Result<()> {
    let outcome = tokio::select! {
        () = signalled() => {
            tracing::info!("stopping");
            Ok(())
        }
        Some(ended) = tasks.join_next() => match ended {
            Ok(Ok(name)) => Err(anyhow!("{name} ended early")),
            Ok(Err(error)) => Err(error),
            Err(error) => Err(anyhow!(error).context("a task panicked")),
        },
    };
    stop.send_replace(true);
    let finish = async {
        let mut finished = 0;
        while finished < FINISHING_TASKS {
            match tasks.join_next().await {
                Some(Ok(Ok(name))) => tracing::debug!(name, "ended"),
                Some(Ok(Err(error))) => tracing::warn!(%error, "ended badly"),
                Some(Err(error)) => tracing::warn!(%error, "a task panicked"),
                None => break,
            }
            finished += 1;
        }
    };
    tokio::time::timeout(FINISH_WITHIN, finish).await.ok();
    outcome
}

type Shutdown = Shared<futures::future::BoxFuture<'static, ()>>;

async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is an end as well.
    stopped.wait_for(|it| *it).await.ok();
}

/// SIGTERM or Ctrl-C.
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM can't be listened to");
            interrupt.await.ok();
        }
    }
}
