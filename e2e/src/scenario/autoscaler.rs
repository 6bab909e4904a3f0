//! Autoscalers of the fleet: as their users write them, what they name, and what they did. What they scale by is said by
//! the scenario (`says`), or is the real lag of the fleet.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, watcher};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::event_log::{EventLog, View};
use super::given::{Given, PATIENCE};
use super::history::{Change, State};
use super::objects::{ObjectKind, Objects};
use super::operator::Election;
use super::rollout::RolloutSpec;
use super::run::{ROLLOUT, Scenario};
use super::seen::{Part, TARGET};
use super::then::Then;
use super::when::When;

/// Kubernetes' controller looks every 2 s here; it scales up by four pods at least, and then waits 15 s.
const SCALES_WITHIN: Duration = Duration::from_secs(180);

/// Pause between two looks at an autoscaler: shorter than what is measured by them.
const LOOKS_EVERY: Duration = Duration::from_millis(100);

/// What an autoscaler scales by, as its user writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// What each pod uses of a processor, in thousandths.
    Cpu(u32),
    /// Lag for each consumer, told by an external metric of the name `lag`.
    Lag(u32),
}

/// What an autoscaler names, and which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointed {
    /// The kind of what it scales; a `ScaledObject` need not say it.
    pub kind: Option<String>,
    /// The name of what it scales.
    pub name: String,
    /// Tells it from another one of the same name.
    pub uid: String,
}

/// Kubernetes' own kind of autoscaler.
pub const HPA: ObjectKind = ObjectKind::HorizontalPodAutoscaler;

/// A `HorizontalPodAutoscaler` of the target between these bounds, which stand for metrics: it scales by them, too.
#[must_use]
pub fn bounded(name: &str, least: u32, most: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": TARGET},
            "minReplicas": least,
            "maxReplicas": most,
        },
    })
}

/// A [`bounded`] one that scales by a metric, and down at once.
#[must_use]
pub fn hpa(name: &str, least: u32, most: u32, by: Metric) -> Value {
    let metric = match by {
        Metric::Cpu(thousandths) => json!({"type": "Resource", "resource": {
            "name": "cpu",
            "target": {"type": "AverageValue", "averageValue": format!("{thousandths}m")},
        }}),
        Metric::Lag(each) => json!({"type": "External", "external": {
            "metric": {"name": "lag"},
            "target": {"type": "AverageValue", "averageValue": each.to_string()},
        }}),
    };
    let mut hpa = bounded(name, least, most);
    hpa["spec"]["metrics"] = json!([metric]);
    hpa["spec"]["behavior"] = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    hpa
}

impl Scenario {
    /// A `ScaledObject` of the target by its name alone, between these bounds, by the real lag of the fleet: a consumer for
    /// each `lag` records. It scales down at once.
    #[must_use]
    pub fn scaled_object(&self, least: u32, most: u32, lag: u32) -> Value {
        json!({
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "ScaledObject",
            "metadata": {"name": ROLLOUT},
            "spec": {
                "scaleTargetRef": {"name": TARGET},
                "minReplicaCount": least,
                "maxReplicaCount": most,
                "pollingInterval": 2,
                "cooldownPeriod": 20,
                "advanced": {"horizontalPodAutoscalerConfig": {
                    "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
                }},
                "triggers": [{"type": "kafka", "metadata": {
                    "bootstrapServers": self.fleet.bootstrap,
                    "consumerGroup": self.fleet.group,
                    "topic": self.fleet.group,
                    "lagThreshold": lag.to_string(),
                    // The protocol that KEDA speaks by default is older than what Kafka 4 still answers.
                    "version": "3.6.0",
                }}],
            },
        })
    }

    /// What this autoscaler names now.
    pub async fn pointed(&self, kind: ObjectKind, name: &str) -> Result<Pointed> {
        let it = self.objects.get(kind, name).await?;
        let reference = &it.data["spec"]["scaleTargetRef"];
        Ok(Pointed {
            kind: reference["kind"].as_str().map(str::to_owned),
            name: reference["name"].as_str().context("it names something")?.to_owned(),
            uid: it.metadata.uid.context("it has a UID")?,
        })
    }

    /// The least and the most N at any moment since then at which there was a target.
    #[must_use]
    pub fn totals(&self, since: Duration) -> (u32, u32) {
        let mut history = self.log.history();
        history.sort_by_key(|it| it.revision);
        let (mut state, mut least, mut most) = (State::default(), u32::MAX, 0);
        for entry in &history {
            state.apply(entry);
            let Some(total) = state.total() else { continue };
            // What it was then counts as well.
            let (low, high) = if entry.at <= since { (total, total) } else { (least, most) };
            (least, most) = (low.min(total), high.max(total));
        }
        (least, most)
    }

    /// How often Kubernetes' autoscalers have changed a count in this namespace, as they tell.
    pub async fn rescales(&self) -> Result<usize> {
        let (which, what) = ("--field-selector=reason=SuccessfulRescale", "name");
        let told = self.kubectl(&["get", "events", which, "-o", what], "").await?;
        Ok(told.lines().count())
    }
}

impl Given<'_> {
    /// An autoscaler, applied as Git holds it.
    pub async fn an_autoscaler(&mut self, kind: ObjectKind, manifest: &Value) -> Result<()> {
        self.0.log.note(format!("apply {kind:?}"));
        self.0.objects.apply(kind, manifest).await
    }

    /// A fleet with an autoscaler, adopted as it is.
    pub async fn an_adopted_autoscaled_fleet(&mut self, pods: u32) -> Result<()> {
        self.an_operator(Election::None)?;
        self.a_fleet(pods).await?;
        self.an_autoscaler(HPA, &bounded(ROLLOUT, 1, 12)).await?;
        self.a_rollout(&RolloutSpec::endless()).await?;
        self.0.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        self.0.then().has_counts(pods, 0).await
    }

    /// What Kubernetes' autoscalers of this namespace name and complain of is written into the history from now on.
    pub fn watched_autoscalers(&mut self) {
        let (log, objects) = (self.0.log.clone(), self.0.objects.clone());
        self.0.watches.spawn(watch(log, objects));
    }
}

impl When<'_> {
    /// The bounds of the fleet's autoscaler are others now.
    pub async fn bounds(&mut self, least: u32, most: u32) -> Result<()> {
        self.0.log.note(format!("the autoscaler is bounded by {least} and {most}"));
        let bounds = json!({"spec": {"minReplicas": least, "maxReplicas": most}});
        self.0.objects.merge(HPA, ROLLOUT, &bounds).await
    }

    /// The metric that the autoscalers of this namespace scale by is this from now on: for each pod, if it is what they use.
    pub async fn says(&mut self, metric: Metric) -> Result<()> {
        self.0.log.note(format!("the metric is {metric:?}"));
        let said = match metric {
            Metric::Cpu(thousandths) => json!({"cpu": format!("{thousandths}m")}),
            Metric::Lag(records) => json!({"external": {"lag": records}}),
        };
        let (bed, namespace) = (self.0.run.bed.clone(), self.0.namespace.clone());
        tokio::task::spawn_blocking(move || bed.says(&namespace, &said)).await?
    }
}

impl Then<'_> {
    /// This autoscaler names something of this kind. Answers with how long that took.
    pub async fn is_scaled_through(
        &mut self,
        kind: ObjectKind,
        name: &str,
        target: &str,
    ) -> Result<Duration> {
        let begun = Instant::now();
        loop {
            let now = self.0.pointed(kind, name).await?;
            if now.kind.as_deref() == Some(target) {
                return Ok(begun.elapsed());
            }
            let message = self.0.log.look(|view| view.state.rollout()?.status.message.clone());
            ensure!(
                begun.elapsed() < PATIENCE,
                "{kind:?} {name} does not come to scale a {target}, but {now:?}: {message:?}"
            );
            sleep(LOOKS_EVERY).await;
        }
    }

    /// A policy acts: this manifest of the autoscaler, applied, would be stored naming the rollout.
    pub async fn points(&mut self, kind: ObjectKind, manifest: &Value) -> Result<()> {
        let begun = Instant::now();
        let path = "jsonpath={.spec.scaleTargetRef.kind}";
        let command = ["apply", "--server-side", "--force-conflicts", "--dry-run=server"];
        let arguments = [&command[..], &["-f", "-", "-o", path]].concat();
        while self.0.kubectl(&arguments, &manifest.to_string()).await? != "CanaryRollout" {
            ensure!(begun.elapsed() < PATIENCE, "no policy points {kind:?} at the rollout");
            sleep(LOOKS_EVERY).await;
        }
        Ok(())
    }

    /// N is this, of which so many are canary pods; all are Ready, and the target has none.
    pub async fn has_counts(&mut self, total: u32, canary: u32) -> Result<()> {
        let what = format!("N {total}, of which {canary} canary pods");
        self.sees_within(&what, SCALES_WITHIN, |view: View<'_>| {
            let ready = |part| view.state.pods_of(part).filter(|(_, it)| it.ready).count();
            let is = |part, wanted: u32| {
                view.state.count(part) == wanted && u32::try_from(ready(part)) == Ok(wanted)
            };
            let right = is(Part::Primary, total - canary) && is(Part::Canary, canary);
            (view.state.total() == Some(total) && right && is(Part::Target, 0)).then_some(())
        })
        .await
    }

    /// N has been this at every moment since then.
    pub fn stood_at(&self, total: u32, since: Duration) -> Result<()> {
        let found = self.0.totals(since);
        ensure!(found == (total, total), "N was {found:?}, not {total}");
        Ok(())
    }

    /// No autoscaler ever found that its pods are another one's, too. They were to be
    /// [watched](Given::watched_autoscalers).
    pub fn is_never_ambiguous(&self) -> Result<()> {
        let history = self.0.log.history();
        let told: Vec<_> = history.iter().filter_map(|it| noted(&it.change)).collect();
        ensure!(told.iter().any(|it| it.starts_with(WATCHED)), "no autoscaler was watched");
        let ambiguous: Vec<_> = told.iter().filter(|it| it.contains("AmbiguousSelector")).collect();
        ensure!(ambiguous.is_empty(), "{ambiguous:?}");
        Ok(())
    }
}

/// How the history begins to speak of an autoscaler.
const WATCHED: &str = "autoscaler ";

/// What an entry says that is no change of an object.
fn noted(change: &Change) -> Option<&str> {
    match change {
        Change::Action { text, .. } => Some(text),
        Change::Put(..) | Change::Gone(..) | Change::Stalled(_) => None,
    }
}

/// Writes down what changes in what people care about. A watch that breaks begins anew.
async fn watch(log: EventLog, objects: Objects) {
    let api = objects.api(ObjectKind::HorizontalPodAutoscaler);
    let mut events = watcher(api, watcher::Config::default()).boxed();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    while let Some(event) = events.next().await {
        let Ok(watcher::Event::Apply(it) | watcher::Event::InitApply(it)) = event else { continue };
        let now = described(&it);
        if last.insert(it.name_any(), now.clone()).as_ref() != Some(&now) {
            log.note(format!("{WATCHED}{}: {now}", it.name_any()));
        }
    }
}

fn described(hpa: &DynamicObject) -> String {
    let reference = &hpa.data["spec"]["scaleTargetRef"];
    let conditions = hpa.data["status"]["conditions"].as_array().into_iter().flatten();
    let unhappy = conditions.filter(|it| it["status"] == "False");
    let reasons: Vec<&str> = unhappy.filter_map(|it| it["reason"].as_str()).collect();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    format!("scales {} {}, {reasons:?}", text(&reference["kind"]), text(&reference["name"]))
}
