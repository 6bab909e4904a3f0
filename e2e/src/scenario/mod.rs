//! Scenarios: given a fleet on the test bed, when something happens, then this must follow, and all
//! the while the invariants hold. Speaks to the cluster as a user does; it knows no code of Siskin.
//!
//! Each scenario has a namespace, a topic, a consumer group and an operator process of its own, so
//! that several run side by side on one test bed. From its first moment on, every change in the
//! namespace is written down (`chronicle`), and judged at its end (`invariants`).

mod chance;
pub mod chronicle;
mod door;
mod dump;
pub mod fleet;
mod given;
pub mod history;
pub mod invariants;
pub mod java;
mod load;
pub mod objects;
pub mod operator;
pub mod recorded;
pub mod rollout;
pub mod seen;
pub mod stage;
mod then;
mod when;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::FutureExt;
use kube::Client;
use serde_json::json;
use siskin_api::Phase;
use tokio::io::AsyncWriteExt;

pub use door::Source;
pub use fleet::{Consumers, Fleet, Version};
pub use given::Given;
pub use operator::Election;
pub use rollout::RolloutSpec;
pub use then::Then;
pub use when::When;

use chronicle::{Chronicle, Watches};
use door::Door;
use load::Load;
use objects::Objects;
use operator::Operator;
use stage::{Company, Stage};

/// The name of the rollout, as of its target.
pub const ROLLOUT: &str = history::TARGET;

/// Set, it keeps the logs and the timeline of scenarios that went well, too.
const KEEP: &str = "SISKIN_E2E_KEEP";

/// One scenario under way.
pub struct Scenario {
    /// What it shares with the others.
    pub stage: &'static Stage,
    /// Its namespace; topic and group are named like it.
    pub namespace: String,
    /// The objects in it.
    pub objects: Objects,
    /// What has happened in it.
    pub chronicle: Chronicle,
    /// Its operators, the current one last.
    pub operators: Vec<Operator>,
    client: Client,
    fleet: Fleet,
    logs: PathBuf,
    /// Where in the history the next `then` looks on from.
    cursor: usize,
    load: Option<Load>,
    /// Ways to servers that it can lose without the others.
    doors: Vec<(Source, Door)>,
    _watches: Watches,
}

/// Runs a scenario, judges what happened by the invariants, and clears up after it.
///
/// # Panics
/// The scenario failed, or an invariant was violated. What a person needs to find out why has then
/// been printed.
pub fn scenario(body: impl AsyncFnOnce(&mut Scenario) -> Result<()>) {
    enter(Company::Others, body);
}

/// The same while no other scenario runs: it breaks what they share, or needs the whole machine.
///
/// # Panics
/// As [`scenario`] does.
pub fn scenario_alone(body: impl AsyncFnOnce(&mut Scenario) -> Result<()>) {
    enter(Company::None, body);
}

fn enter(company: Company, body: impl AsyncFnOnce(&mut Scenario) -> Result<()>) {
    let outcome = Stage::get().and_then(|stage| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(play(stage, company, body))
    });
    if let Err(error) = outcome {
        panic!("{error:#}");
    }
}

async fn play(
    stage: &'static Stage,
    company: Company,
    body: impl AsyncFnOnce(&mut Scenario) -> Result<()>,
) -> Result<()> {
    let turn = stage.turn(company).await?;
    let begun = Instant::now();
    let mut scenario = Scenario::begin(stage).await?;
    let played = AssertUnwindSafe(body(&mut scenario)).catch_unwind().await;
    let outcome = match &played {
        Ok(Ok(())) => scenario.verdict(),
        Ok(Err(error)) => Err(anyhow::anyhow!("{error:#}")),
        Err(_) => Err(anyhow::anyhow!("an assertion failed, see above")),
    };
    if let Err(reason) = &outcome {
        dump::print(&scenario, reason);
    }
    let namespace = scenario.namespace.clone();
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
    /// What is there before it begins.
    pub fn given(&mut self) -> Given<'_> {
        Given(self)
    }

    /// What happens.
    pub fn when(&mut self) -> When<'_> {
        self.cursor = self.chronicle.length();
        When(self)
    }

    /// What must follow.
    pub fn then(&mut self) -> Then<'_> {
        Then(self)
    }

    /// The rollout's phase, as last seen.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.chronicle.look(|view| then::phase(view.state))
    }

    /// Waits for a moment that nobody can foresee: somewhere in the life of an operator that had
    /// time to start, and often just when something has changed.
    pub async fn a_random_moment(&self) {
        let life = Duration::from_millis(300 + chance::random(1700));
        tokio::time::sleep(life).await;
        let length = self.chronicle.length();
        let changed = |view: chronicle::View<'_>| (length < view.history.len()).then_some(());
        // Without a change this moment is as good as another.
        let soon = Duration::from_millis(500);
        self.chronicle.until("a change", soon, changed).await.ok();
        tokio::time::sleep(Duration::from_millis(chance::random(20))).await;
    }

    /// The operator that was started last.
    ///
    /// # Errors
    /// None was started.
    pub fn operator(&mut self) -> Result<&mut Operator> {
        self.operators.last_mut().context("no operator was started")
    }

    /// Kills the operator, and starts another one.
    ///
    /// # Errors
    /// There is none, or none can be started.
    pub async fn kill_operator(&mut self, next: Election) -> Result<()> {
        self.chronicle.note("kill the operator");
        self.operator()?.kill().await?;
        self.start_operator(next)
    }

    /// Ends the operator by SIGTERM, and starts another one.
    ///
    /// # Errors
    /// It does not end, or none can be started.
    pub async fn restart_operator(&mut self, next: Election) -> Result<()> {
        self.chronicle.note("end the operator");
        self.operator()?.terminate().await?;
        self.start_operator(next)
    }

    /// Runs kubectl in the scenario's namespace, with this as its input, and returns what it printed.
    ///
    /// # Errors
    /// Its complaint.
    pub async fn kubectl(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = tokio::process::Command::from(self.stage.bed.kubectl_command());
        command.args(arguments).args(["-n", &self.namespace]).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("running kubectl")?;
        let mut stdin = child.stdin.take().context("a pipe was asked for")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("kubectl {}: {} {}", arguments.join(" "), output.status, complaint.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The fleet's Deployment with this version and count, as its user has it in a file.
    #[must_use]
    pub fn manifest(&self, version: &Version, pods: u32) -> String {
        self.fleet.deployment(version, Some(pods)).to_string()
    }

    /// Starts an operator for this scenario.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start_operator(&mut self, election: Election) -> Result<()> {
        self.chronicle.note(format!("start operator {}", self.operators.len() + 1));
        let log = self.logs.join(format!("operator-{}.log", self.operators.len() + 1));
        let (binary, config) = (&self.stage.operator, &self.stage.operator_config);
        self.operators.push(Operator::start(binary, config, &self.namespace, election, log)?);
        Ok(())
    }

    async fn begin(stage: &'static Stage) -> Result<Self> {
        let namespace = chance::namespace();
        let client = stage.bed.client().await?;
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {stage::LABEL: "true"}},
        });
        let namespaces = kube::Api::all(client.clone());
        let made: k8s_openapi::api::core::v1::Namespace = serde_json::from_value(manifest)?;
        namespaces.create(&kube::api::PostParams::default(), &made).await?;
        let logs = stage.logs.join(&namespace);
        std::fs::create_dir_all(&logs)?;
        let (chronicle, watches) = Chronicle::of(&client, &namespace);
        let fleet = Fleet {
            manager: objects::MANAGER.to_owned(),
            pods: 3,
            strategy: None,
            bootstrap: stage.bed.kafka_bootstrap(),
            group: namespace.clone(),
            consumers: Consumers::Sample,
            settings: Vec::new(),
            memory: None,
            rate: load::RATE,
        };
        Ok(Self {
            stage,
            objects: Objects::of(client.clone(), &namespace),
            namespace,
            chronicle,
            operators: Vec::new(),
            client,
            fleet,
            logs,
            cursor: 0,
            load: None,
            doors: Vec::new(),
            _watches: watches,
        })
    }

    /// No operator has died, and no invariant was broken.
    fn verdict(&mut self) -> Result<()> {
        for operator in &mut self.operators {
            if let Some(status) = operator.died()? {
                bail!("an operator ended by itself: {status}");
            }
        }
        let violations = invariants::violations(&self.chronicle.history());
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
        for (source, door) in self.doors.drain(..) {
            let ends = door.close().await;
            if source == Source::Kafka {
                self.stage.doors.lock().unwrap_or_else(PoisonError::into_inner).push(ends);
            }
        }
        stage::release(&self.client, &self.namespace).await?;
        let timeline = history::timeline(&self.chronicle.history());
        std::fs::write(self.logs.join("timeline.log"), timeline)?;
        if well && std::env::var_os(KEEP).is_none() {
            std::fs::remove_dir_all(&self.logs)?;
        }
        ended
    }
}
