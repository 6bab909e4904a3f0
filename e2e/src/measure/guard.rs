//! What the admission guard costs: a write of a Deployment in a namespace of many rollouts, with and without it, and the
//! adoption of all of them under it, beside the restart of all of them without Siskin. Times are the client's; what the
//! API server counts for the policy stands beside.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::figures::{Unit, figures, tenths};
use super::say::say;
use crate::scenario::Scenario;
use crate::testbed::Testbed;

const FAKE: &str = include_str!("fake.yaml");
/// The bound of a fake node.
const PODS_PER_NODE: u32 = 110;
/// A thousand adoptions at the same time, on two cores.
const PATIENCE: &str = "--timeout=1200s";
/// A thousand rolling updates at the same time, on two cores.
const LONGEST_RESTART: Duration = Duration::from_secs(1_200);
/// Writes timed in a row, with the guard and then without: what else the machine does is in both.
const RUNS: u32 = 100;
const ROUNDS: u32 = 4;
/// Until the API server has learned of a policy that came or went.
const LEARNS: Duration = Duration::from_secs(5);
/// The API server's count of what the conditions of a policy took.
const CONDITIONS: &str = "apiserver_admission_match_condition_evaluation_seconds";
/// Name of the guard's policy.
const POLICY: &str = "siskin-drain";

/// Times of the two kinds of write.
#[derive(Default)]
struct Times {
    /// A write that asks for no count.
    plain: Vec<Duration>,
    /// A write of an adopted target that asks for pods.
    count: Vec<Duration>,
}

/// Adopts `rollouts` Deployments of fake pods in one namespace, and times writes there.
pub(super) async fn measure(s: Scenario, rollouts: u32) -> Result<Value> {
    ensure!(0 < rollouts, "at least one rollout");
    let client = s.run.bed.client().await?;
    let namespace = s.namespace.clone();
    let (bed, topic, _load) = s.without_watches();
    bed.apply_folder("config/guard")?;
    let fakes = Fakes::of(&bed, rollouts, &namespace, &topic)?;
    let api: Api<Deployment> = Api::namespaced(client, &namespace);
    say(&format!("{rollouts} Deployments of fake pods (the first time this builds kwok)"));
    // While a pod moves, there are two.
    bed.fake_nodes((2 * rollouts).div_ceil(PODS_PER_NODE))?;
    let (on, of) = (bed.clone(), namespace.clone());
    let available = wait("deployments", "--for=condition=Available", &of);
    tokio::task::spawn_blocking(move || {
        on.apply(&fakes.deployments)?;
        on.kubectl(&available).context("waiting for Deployments")
    })
    .await??;
    let restart = restarted(&api, rollouts).await?;
    say(&format!("restarted, without Siskin, in {:.1} s", restart.as_secs_f64()));
    let begun = Instant::now();
    let on = bed.clone();
    let adopted = wait("canaryrollouts", "--for=jsonpath={.status.adopted}=true", &namespace);
    tokio::task::spawn_blocking(move || {
        on.apply(&fakes.rollouts)?;
        on.kubectl(&adopted).context("waiting for CanaryRollouts")
    })
    .await??;
    let adoption = begun.elapsed();
    say(&format!("adopted in {:.1} s", adoption.as_secs_f64()));
    let (mut with, mut without) = (Times::default(), Times::default());
    let mut counted = (0.0, 0.0);
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        let before = conditions(&bed)?;
        with.take(&api).await?;
        let after = conditions(&bed)?;
        counted = (counted.0 + after.0 - before.0, counted.1 + after.1 - before.1);
        bed.remove_guard()?;
        tokio::time::sleep(LEARNS).await;
        without.take(&api).await?;
        bed.apply_folder("config/guard")?;
        tokio::time::sleep(LEARNS).await;
    }
    Ok(json!({
        "rollouts": rollouts,
        "adoption_s": tenths(adoption.as_secs_f64()),
        "restart_s": tenths(restart.as_secs_f64()),
        "guarded": with.figures(),
        "unguarded": without.figures(),
        "conditions_ms": tenths(1000.0 * counted.0 / counted.1.max(1.0)),
    }))
}

impl Times {
    /// Times writes of one adopted target. The count that is asked for is another one each time.
    async fn take(&mut self, api: &Api<Deployment>) -> Result<()> {
        for number in 0..RUNS {
            let mark = json!({"metadata": {"annotations": {"measured": number.to_string()}}});
            self.plain.push(timed(api, &mark).await?);
        }
        for number in 0..RUNS {
            // A dry run passes every admission, and is drained by nobody.
            let count = json!({"spec": {"replicas": 1 + number % 7}});
            self.count.push(timed(api, &count).await?);
        }
        Ok(())
    }

    fn figures(&self) -> Value {
        let short = |times: &[Duration]| {
            let mut all = figures(times, Unit::Millis);
            all.as_object_mut().map(|it| it.remove("all_ms"));
            all
        };
        json!({"write": short(&self.plain), "count": short(&self.count)})
    }
}

async fn timed(api: &Api<Deployment>, fields: &Value) -> Result<Duration> {
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    let begun = Instant::now();
    api.patch("fake-1", &dry, &Patch::Merge(fields)).await.context("a write of fake-1")?;
    Ok(begun.elapsed())
}

/// The manifests of Deployments of one fake pod each, and of their `CanaryRollouts`.
struct Fakes {
    deployments: String,
    rollouts: String,
}

impl Fakes {
    fn of(bed: &Testbed, count: u32, namespace: &str, topic: &str) -> Result<Self> {
        let all = FAKE.replace("{{namespace}}", namespace).replace("{{topic}}", topic);
        let all = all.replace("{{bootstrap}}", &bed.kafka_bootstrap());
        let (deployment, rollout) = all.split_once("---\n").context("two documents")?;
        let each = |of: &str| -> String {
            let one =
                |number| format!("---\n{}", of.replace("{{name}}", &format!("fake-{number}")));
            (1..=count).map(one).collect()
        };
        Ok(Self { deployments: each(deployment), rollouts: each(rollout) })
    }
}

/// Arguments for kubectl, which waits until all of a kind are so.
fn wait(kind: &str, condition: &str, namespace: &str) -> Vec<String> {
    ["wait", kind, "--all", condition, "-n", namespace, PATIENCE].map(str::to_owned).into()
}

/// Restarts all of them at once, as a rolling update of each: what the control plane takes for the same pods without
/// Siskin.
async fn restarted(api: &Api<Deployment>, count: u32) -> Result<Duration> {
    let begun = Instant::now();
    let annotations = json!({"kubectl.kubernetes.io/restartedAt": "measured"});
    let restart = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
    for number in 1..=count {
        let (name, fields) = (format!("fake-{number}"), Patch::Merge(&restart));
        api.patch(&name, &PatchParams::default(), &fields).await.context("a restart")?;
    }
    loop {
        let all = api.list(&ListParams::default()).await?.items;
        if all.iter().all(is_complete) {
            return Ok(begun.elapsed());
        }
        ensure!(begun.elapsed() < LONGEST_RESTART, "the restarts do not end");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Its one pod runs the template, and no other is left.
fn is_complete(deployment: &Deployment) -> bool {
    let Some(status) = &deployment.status else { return false };
    let counts = [status.replicas, status.updated_replicas, status.available_replicas];
    status.observed_generation == deployment.metadata.generation && counts == [Some(1); 3]
}

/// Seconds that the guard's conditions have taken so far, and how often they were asked.
fn conditions(bed: &Testbed) -> Result<(f64, f64)> {
    let metrics = bed.kubectl(&["get", "--raw", "/metrics"])?;
    let sum = |suffix: &str| -> f64 {
        let lines = metrics.lines().filter(|it| {
            it.strip_prefix(CONDITIONS).is_some_and(|it| it.starts_with(suffix))
                && it.contains(POLICY)
        });
        lines.filter_map(|it| it.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    };
    Ok((sum("_sum"), sum("_count")))
}
