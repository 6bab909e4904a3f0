//! One scenario from its beginning to its verdict: what belongs to it, and what is cleared up after it.
//! It knows no step of any scenario; `given`, `when` and `then` do.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use futures::FutureExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::PostParams;
use serde_json::json;
use tokio::task::JoinSet;

use super::event_log::{EventLog, View};
use super::fleet::{Consumers, Fleet, Version};
use super::load::Load;
use super::objects::{self, ObjectKind, Objects};
use super::operator::{Election, Operator, Program};
use super::proxy::{Proxy, Source};
use super::rollout::RolloutSpec;
use super::seen::{self, Part};
use super::test_run::{self, Isolation, TestRun};
use super::{dump, history, invariants, random};
use crate::testbed::{Testbed, shell};

/// The name of the rollout, as of its target.
pub const ROLLOUT: &str = seen::TARGET;

/// Set, it keeps the logs and the timeline of scenarios that went well, too.
const KEEP: &str = "SISKIN_E2E_KEEP";

/// Set, every scenario has all policies that are shipped on from its beginning.
const POLICIES: &str = "SISKIN_E2E_POLICIES";

/// One scenario under way.
pub struct Scenario {
    /// What it shares with the others.
    pub run: Arc<TestRun>,
    /// Its namespace.
    pub namespace: String,
    /// The objects in it.
    pub objects: Objects,
    /// What has happened in it.
    pub log: EventLog,
    /// Its operators, the current one last. None if one is installed in the cluster.
    pub operators: Vec<Operator>,
    pub(super) client: Client,
    pub(super) fleet: Fleet,
    pub(super) logs: PathBuf,
    /// Place in the history from which the next `then` looks on.
    pub(super) cursor: usize,
    pub(super) load: Option<Load>,
    /// Ways to servers that it can lose without the others.
    pub(super) proxies: Vec<(Source, Proxy)>,
    /// Whether it has asked for brokers beside the first one.
    pub(super) brokers: bool,
    pub(super) watches: JoinSet<()>,
}

/// Runs a scenario, judges what happened by the invariants, and clears up after it.
///
/// # Panics
/// The scenario failed, or an invariant was violated. What a person needs to find out why has then been printed.
pub fn scenario(body: impl AsyncFnOnce(&mut Scenario) -> Result<()>) {
    enter(Isolation::Shared, body);
}

/// Runs a [`scenario`] while no other one runs: it breaks what they share, or needs the whole machine.
///
/// # Panics
/// As [`scenario`] does.
pub fn scenario_alone(body: impl AsyncFnOnce(&mut Scenario) -> Result<()>) {
    enter(Isolation::Alone, body);
}

fn enter(isolation: Isolation, body: impl AsyncFnOnce(&mut Scenario) -> Result<()>) {
    let outcome = TestRun::get().and_then(|run| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(play(run, isolation, body))
    });
    if let Err(error) = outcome {
        panic!("{error:#}");
    }
}

async fn play(
    run: Arc<TestRun>,
    isolation: Isolation,
    body: impl AsyncFnOnce(&mut Scenario) -> Result<()>,
) -> Result<()> {
    let turn = run.turn(isolation).await?;
    if run.is_over() {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("a scenario");
        // Past what libtest keeps to itself of a test that ends well.
        writeln!(std::io::stderr(), "NOT RUN: {name}, for the time of this run is over")?;
        return Ok(());
    }
    let begun = Instant::now();
    let namespace = random::namespace();
    let mut scenario = Scenario::begin(Arc::clone(&run), &namespace, &namespace).await?;
    let all = async |s: &mut Scenario| {
        if s.has_all_policies() {
            s.given().all_policies().await?;
        }
        body(s).await
    };
    let played = AssertUnwindSafe(all(&mut scenario)).catch_unwind().await;
    let outcome = match &played {
        Ok(Ok(())) => scenario.verdict(),
        Ok(Err(error)) => Err(anyhow!("{error:#}")),
        Err(_) => Err(anyhow!("an assertion failed, see above")),
    };
    if let Err(reason) = &outcome {
        let history = scenario.log.history();
        dump::print(&run.bed, &namespace, &scenario.operators, &history, reason);
    }
    let cleared = scenario.end(outcome.is_ok()).await;
    drop(turn);
    if let Err(panic) = played {
        resume_unwind(panic);
    }
    outcome?;
    eprintln!("e2e: {namespace} took {:.0} s", begun.elapsed().as_secs_f64());
    cleared
}

impl Scenario {
    /// Whether all policies that are shipped are on from the beginning.
    #[must_use]
    pub fn has_all_policies(&self) -> bool {
        std::env::var_os(POLICIES).is_some()
    }

    /// Waits for a moment that nobody can foresee: somewhere in the life of an operator that had time to start, and often
    /// just when something has changed.
    pub async fn a_random_moment(&self) {
        let life = Duration::from_millis(300 + random::random(2700));
        tokio::time::sleep(life).await;
        let length = self.log.length();
        let changed = |view: View<'_>| (length < view.history.len()).then_some(());
        // Without a change this moment is as good as another.
        let soon = Duration::from_millis(500);
        self.log.until("a change", soon, changed).await.ok();
        tokio::time::sleep(Duration::from_millis(random::random(20))).await;
    }

    /// A number below `bound`.
    #[must_use]
    pub fn chance(&self, bound: u64) -> u64 {
        random::random(bound)
    }

    /// The operator that was started last.
    pub fn operator(&mut self) -> Result<&mut Operator> {
        self.operators.last_mut().context("no operator was started")
    }

    /// Kills the operator, and starts another one.
    pub async fn kill_operator(&mut self, next: Election) -> Result<()> {
        self.log.note("kill the operator");
        self.operator()?.kill().await?;
        self.start_operator(next)
    }

    /// Ends the operator by SIGTERM, and starts another one.
    pub async fn restart_operator(&mut self, next: Election) -> Result<()> {
        self.log.note("end the operator");
        self.operator()?.terminate().await?;
        self.start_operator(next)
    }

    /// Runs kubectl in the scenario's namespace, with this as its input, and returns what it printed.
    pub async fn kubectl(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = self.run.bed.kubectl_command();
        command.args(arguments).args(["-n", &self.namespace]);
        let input = input.to_owned();
        let run = move || shell::output_with_input(&mut command, &input);
        tokio::task::spawn_blocking(run).await?
    }

    /// Keeps a file beside the logs, and says where it is.
    pub fn keeps(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.logs.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// The generation of a part's Deployment: how often its spec was written.
    pub async fn generation(&self, part: Part) -> Result<i64> {
        let deployment = self.objects.get(ObjectKind::Deployment, &part.name()).await?;
        Ok(deployment.metadata.generation.unwrap_or(0))
    }

    /// The fleet's Deployment with this version and count, as its user has it in a file.
    #[must_use]
    pub fn manifest(&self, version: &Version, pods: u32) -> String {
        self.fleet.deployment(version, Some(pods)).to_string()
    }

    /// The fleet's Deployment with this version, as somebody has it in Git who has an autoscaler, too: without a count.
    #[must_use]
    pub fn manifest_without_count(&self, version: &Version) -> serde_json::Value {
        self.fleet.deployment(version, None)
    }

    /// A rollout of this spec as its user has it in a file.
    #[must_use]
    pub fn rollout_manifest(&self, spec: &RolloutSpec) -> serde_json::Value {
        spec.manifest(ROLLOUT, &self.fleet.bootstrap, &self.fleet.group)
    }

    /// A folder of its own, which goes with its logs.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.logs.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Starts an operator for this scenario.
    pub fn start_operator(&mut self, election: Election) -> Result<()> {
        self.log.note(format!("start operator {}", self.operators.len() + 1));
        let log = self.logs.join(format!("operator-{}.log", self.operators.len() + 1));
        let (binary, kubeconfig) = (self.run.program("siskin-operator"), &self.run.operator_config);
        let program =
            Program { binary: &binary, kubeconfig, log_level: "info,siskin_operator=debug" };
        self.operators.push(Operator::start(program, &self.namespace, election, log)?);
        Ok(())
    }

    /// A scenario with nothing in it but its new namespace; `group` names its topic and its consumer group.
    pub(crate) async fn begin(run: Arc<TestRun>, namespace: &str, group: &str) -> Result<Self> {
        let client = run.bed.client().await?;
        let labels = if run.disposable { json!({objects::LABEL: "true"}) } else { json!({}) };
        let made: Namespace = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": labels},
        }))?;
        kube::Api::all(client.clone()).create(&PostParams::default(), &made).await?;
        let logs = run.logs.join(namespace);
        std::fs::create_dir_all(&logs)?;
        let objects = Objects::of(client.clone(), namespace);
        let (log, watches) = EventLog::of(&objects);
        Ok(Self {
            fleet: Fleet::new(objects::MANAGER, &run.bed.kafka_bootstrap(), group),
            objects,
            namespace: namespace.to_owned(),
            run,
            log,
            operators: Vec::new(),
            client,
            logs,
            cursor: 0,
            load: None,
            proxies: Vec::new(),
            brokers: false,
            watches,
        })
    }

    /// The topic of its fleet.
    pub(crate) fn topic(&self) -> String {
        self.fleet.group.clone()
    }

    /// What happens from now on is not written down.
    pub(crate) fn forget_watches(&mut self) {
        self.watches.abort_all();
    }

    /// Its test bed, its topic and its load, which goes on; what happens from now on is not written down.
    pub(crate) fn without_watches(self) -> (Testbed, String, Option<Load>) {
        (self.run.bed.clone(), self.fleet.group, self.load)
    }

    /// No operator has died, and no invariant was broken.
    pub(crate) fn verdict(&mut self) -> Result<()> {
        for operator in &mut self.operators {
            if let Some(status) = operator.died()? {
                bail!("an operator ended by itself: {status}");
            }
        }
        let violations = invariants::violations(&self.log.history());
        if !violations.is_empty() {
            let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
            bail!("invariants were violated:\n{}", lines.join("\n"));
        }
        Ok(())
    }

    /// Ends the operators and removes the namespace; the logs only if nobody needs them.
    async fn end(mut self, well: bool) -> Result<()> {
        let mut ended = Ok(());
        for operator in &mut self.operators {
            if operator.ended()?.is_some() {
                continue;
            }
            operator.thaw()?;
            // One that has only just begun does not listen to signals yet.
            let clean = operator.is_ready().await;
            let end = if clean { operator.terminate().await } else { operator.kill().await };
            ended = ended.and(end);
        }
        for (source, proxy) in self.proxies.drain(..) {
            let ends = proxy.close().await;
            if source == Source::Kafka {
                self.run.proxies.lock().unwrap_or_else(PoisonError::into_inner).push(ends);
            }
        }
        if matches!(self.fleet.consumers, Consumers::Fake(_)) {
            let (bed, owner) = (self.run.bed.clone(), self.fleet.group.clone());
            tokio::task::spawn_blocking(move || bed.remove_fake_nodes(&owner)).await??;
        }
        test_run::release(&self.client, &self.namespace).await?;
        if self.brokers {
            let bed = self.run.bed.clone();
            tokio::task::spawn_blocking(move || bed.end_brokers()).await??;
        }
        let timeline = history::timeline(&self.log.history());
        std::fs::write(self.logs.join("timeline.log"), timeline)?;
        if well && std::env::var_os(KEEP).is_none() {
            std::fs::remove_dir_all(&self.logs)?;
        }
        ended
    }
}
