//! What the admission guard costs: a write of a Deployment in a namespace of many rollouts, with and without it, and the
//! adoption of all of them under it, beside the restart of all of them without Siskin. Times are the client's; what the
//! API server counts for the policy stands beside.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use siskin_api::CanaryRollout;

use super::figures::{Unit, figures, tenths};
use super::say::say;
use crate::scenario::Scenario;
use crate::testbed::Testbed;

const FAKE: &str = include_str!("fake.yaml");
/// The bound of a fake node.
const PODS_PER_NODE: u32 = 110;
/// A thousand Deployments made at the same time, on two cores.
const PATIENCE: &str = "--timeout=1200s";
/// A thousand rolling updates, or adoptions, at the same time, on two cores.
const LONGEST: Duration = Duration::from_secs(1_200);
/// Objects that are made or changed at the same time. `kubectl apply` and `kubectl wait` keep to a number of requests
/// in a second, which a thousand objects would be measured by.
const AT_ONCE: usize = 16;
/// Writes timed in a row, with the guard and then without: what else the machine does is in both.
const RUNS: u32 = 100;
const ROUNDS: u32 = 4;
/// The last of so many are looked at every second, all others rarely.
const ALMOST: usize = 20;
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
    let api: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
    say(&format!("{rollouts} Deployments of fake pods (the first time this builds kwok)"));
    // While a pod moves, there are two.
    bed.fake_nodes((2 * rollouts).div_ceil(PODS_PER_NODE))?;
    let available = ["wait", "deployments", "--all", "--for=condition=Available", "-n", &namespace];
    let available = [&available[..], &[PATIENCE]].concat().into_iter().map(str::to_owned);
    let (on, available) = (bed.clone(), available.collect::<Vec<_>>());
    let deployments = fakes.deployments;
    tokio::task::spawn_blocking(move || {
        on.apply(&deployments)?;
        on.kubectl(&available).context("waiting for Deployments")
    })
    .await??;
    let restart = restarted(&api, rollouts).await?;
    say(&format!("restarted, without Siskin, in {:.1} s", restart.as_secs_f64()));
    let adoption = adopted(Api::namespaced(client, &namespace), fakes.rollouts).await?;
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
    rollouts: Vec<CanaryRollout>,
}

impl Fakes {
    fn of(bed: &Testbed, count: u32, namespace: &str, topic: &str) -> Result<Self> {
        let all = FAKE.replace("{{namespace}}", namespace).replace("{{topic}}", topic);
        let all = all.replace("{{bootstrap}}", &bed.kafka_bootstrap());
        let (deployment, rollout) = all.split_once("---\n").context("two documents")?;
        let named = |of: &str, number| of.replace("{{name}}", &format!("fake-{number}"));
        let deployments: Vec<_> = (1..=count).map(|it| named(deployment, it)).collect();
        let rollouts = (1..=count).map(|it| serde_yaml_ng::from_str(&named(rollout, it)));
        Ok(Self {
            deployments: deployments.join("---\n"),
            rollouts: rollouts.collect::<Result<_, _>>()?,
        })
    }
}

/// Adopts all of them at once: until the last is adopted, from when the first one was made.
async fn adopted(api: Api<CanaryRollout>, rollouts: Vec<CanaryRollout>) -> Result<Duration> {
    let begun = Instant::now();
    let (all, params) = (rollouts.len(), PostParams::default());
    let making = rollouts.iter().map(|it| api.create(&params, it));
    stream::iter(making).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    say(&format!("{all} CanaryRollouts made in {:.1} s", begun.elapsed().as_secs_f64()));
    loop {
        let list = api.list(&ListParams::default()).await?.items;
        let adopted = list.iter().filter(|it| it.status.as_ref().is_some_and(|it| it.adopted));
        let left = all - adopted.count();
        if left == 0 {
            return Ok(begun.elapsed());
        }
        ensure!(begun.elapsed() < LONGEST, "the adoptions do not end");
        // A listing of a thousand takes a second of the server's time that the adoptions lack.
        let pause = if left * ALMOST <= all { 1 } else { 10 };
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}

/// Restarts all of them at once, as a rolling update of each: what the control plane takes for the same pods without
/// Siskin.
async fn restarted(api: &Api<Deployment>, count: u32) -> Result<Duration> {
    let begun = Instant::now();
    let annotations = json!({"kubectl.kubernetes.io/restartedAt": "measured"});
    let restart = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
    let params = PatchParams::default();
    let fields = Patch::Merge(&restart);
    let names: Vec<_> = (1..=count).map(|number| format!("fake-{number}")).collect();
    let restarts = names.iter().map(|name| api.patch(name, &params, &fields));
    stream::iter(restarts).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    loop {
        let all = api.list(&ListParams::default()).await?.items;
        if all.iter().all(is_complete) {
            return Ok(begun.elapsed());
        }
        ensure!(begun.elapsed() < LONGEST, "the restarts do not end");
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
