//! Many adopted rollouts of fake pods within minutes: one is adopted by the operator, the others are copies of it.
//! It makes objects and waits until their pods are ready; it measures nothing.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::ResourceExt as _;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use siskin_api::annotations::{ROLE, ROLE_PRIMARY, TARGET};

use super::say::say;
use crate::scenario::objects::{ObjectKind, Objects};
use crate::testbed::Testbed;

const MANIFEST: &str = include_str!("seeded.yaml");
/// Name of the one that is adopted. No other text of its objects contains it.
const ORIGIN: &str = "seeded-origin";
/// Name of its copies, a number behind it.
const COPY: &str = "seeded";
/// Groups that one run of Kafka's tool makes.
const GROUPS_AT_ONCE: usize = 250;
const AUTOSCALER: ObjectKind = ObjectKind::HorizontalPodAutoscaler;
/// Bound of a fake node.
const PODS_PER_NODE: u32 = 110;
/// Copies that are made at the same time.
const AT_ONCE: usize = 16;
/// Thousands of pods are made, placed and started one after the other.
const PATIENCE: Duration = Duration::from_secs(900);

/// How many rollouts of how many fake pods.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seeded {
    pub(super) rollouts: u32,
    pub(super) pods: u32,
    /// Whether each has an autoscaler, taken over.
    pub(super) autoscaled: bool,
}

/// What the groups of seeded rollouts read.
#[derive(Clone, Copy)]
pub(super) struct Groups<'a> {
    pub(super) bootstrap: &'a str,
    /// The topic of all of them; `None`: each has one of its own, [named](topic_of) after it, and has committed.
    pub(super) topic: Option<&'a str>,
}

/// Names of the groups of so many seeded rollouts.
pub(super) fn groups(rollouts: u32) -> impl Iterator<Item = String> {
    let copies = (1..rollouts).map(|it| format!("{COPY}-{it}"));
    std::iter::once(ORIGIN.to_owned()).chain(copies)
}

/// The topic of a group that has one of its own, as `producer groups` names it.
fn topic_of(group: &str) -> String {
    format!("{group}-0")
}

/// Seeds the namespace under an operator that runs; the guard is off meanwhile.
pub(super) async fn seed(
    bed: &Testbed,
    objects: &Objects,
    namespace: &str,
    groups: Groups<'_>,
    seeded: Seeded,
) -> Result<()> {
    let Seeded { rollouts, pods, autoscaled } = seeded;
    say(&format!("{rollouts} rollouts of {pods} fake pods (the first time this builds kwok)"));
    // In a copy the name stands where the origin's was, in that of its topic, too.
    let topic = groups.topic.map_or_else(|| topic_of(ORIGIN), ToOwned::to_owned);
    let manifest = [
        ("name", ORIGIN),
        ("namespace", namespace),
        ("pods", &pods.to_string()),
        ("bootstrap", groups.bootstrap),
        ("topic", &topic),
    ];
    let manifest = manifest.iter().fold(MANIFEST.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), value)
    });
    let on = bed.clone();
    let begin = move || {
        on.fake_nodes(((rollouts + 1) * pods).div_ceil(PODS_PER_NODE) + 1)?;
        on.remove_guard()?;
        on.apply(&manifest).map(drop)
    };
    if autoscaled {
        objects.apply(AUTOSCALER, &autoscaler(pods)).await?;
    }
    tokio::task::spawn_blocking(begin).await??;
    let origin = Origin::adopted(objects, autoscaled).await?;
    let copies = (1..rollouts).map(|number| origin.copy(objects, format!("{COPY}-{number}")));
    stream::iter(copies).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    if let Some(topic) = groups.topic {
        known(bed, topic, rollouts).await?;
    }
    ready(objects, rollouts, pods).await?;
    let on = bed.clone();
    tokio::task::spawn_blocking(move || on.apply_folder("config/guard")).await?
}

/// Groups are known to a broker by what they have committed: of any other it says less than of one that rests.
async fn known(bed: &Testbed, topic: &str, rollouts: u32) -> Result<()> {
    say(&format!("{rollouts} consumer groups"));
    let names: Vec<_> = groups(rollouts).skip(1).collect();
    for names in names.chunks(GROUPS_AT_ONCE) {
        let groups = names.iter().flat_map(|it| ["--group", it]);
        let what = ["--reset-offsets", "--to-earliest", "--topic", topic, "--execute"];
        let arguments: Vec<_> = what.into_iter().chain(groups).collect();
        bed.ask_kafka("consumer.group.ConsumerGroupCommand", &arguments).await?;
    }
    Ok(())
}

/// The objects of the one that was adopted.
struct Origin {
    rollout: Value,
    uid: String,
    others: Vec<(ObjectKind, Value)>,
}

impl Origin {
    async fn adopted(objects: &Objects, autoscaled: bool) -> Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        let rollout = loop {
            let rollout = objects.get(ObjectKind::CanaryRollout, ORIGIN).await?;
            let status = &rollout.data["status"];
            let is_true = |type_: &str| {
                let all = status["conditions"].as_array().into_iter().flatten();
                all.clone().any(|it| it["type"] == type_ && it["status"] == "True")
            };
            if status["phase"] == "Initialized" && is_true("Ready") {
                break rollout;
            }
            ensure!(Instant::now() < deadline, "{ORIGIN} is not adopted: {status}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        let mut others = Vec::new();
        for kind in [ObjectKind::ControllerRevision, ObjectKind::Deployment] {
            let ours = ListParams::default().labels(&format!("{TARGET}={ORIGIN}"));
            let children = objects.api(kind).list(&ours).await?.items;
            others.extend(children.into_iter().map(|it| (kind, copied(&it))));
        }
        let target = objects.get(ObjectKind::Deployment, ORIGIN).await?;
        others.push((ObjectKind::Deployment, copied(&target)));
        if autoscaled {
            let hpa = objects.get(AUTOSCALER, ORIGIN).await?;
            let kind = &hpa.data["spec"]["scaleTargetRef"]["kind"];
            ensure!(kind == "CanaryRollout", "the autoscaler scales a {kind}");
            others.push((AUTOSCALER, copied(&hpa)));
        }
        let uid = rollout.uid().context("a rollout has a UID")?;
        Ok(Self { rollout: copied(&rollout), uid, others })
    }

    async fn copy(&self, objects: &Objects, name: String) -> Result<()> {
        let rollout = self.named(&self.rollout, &name, None)?;
        let api = objects.api(ObjectKind::CanaryRollout);
        let made = api.create(&PostParams::default(), &rollout).await?;
        let status = Patch::Merge(json!({"status": rollout.data["status"]}));
        api.patch_status(&name, &PatchParams::default(), &status).await?;
        let uid = made.uid().context("a rollout has a UID")?;
        for (kind, object) in &self.others {
            let object = self.named(object, &name, Some(&uid))?;
            objects.api(*kind).create(&PostParams::default(), &object).await?;
        }
        Ok(())
    }

    fn named(&self, object: &Value, name: &str, uid: Option<&str>) -> Result<DynamicObject> {
        let text = object.to_string().replace(ORIGIN, name);
        let text = uid.map_or(text.clone(), |it| text.replace(&self.uid, it));
        serde_json::from_str(&text).context("a copy")
    }
}

/// Kubernetes' controller looks at each of them every 15 s.
fn autoscaler(pods: u32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": ORIGIN},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": ORIGIN},
            "minReplicas": 1,
            "maxReplicas": pods,
        },
    })
}

/// An object as it can be made again.
fn copied(object: &DynamicObject) -> Value {
    let mut object = json!(object);
    if let Some(metadata) = object["metadata"].as_object_mut() {
        let own = ["name", "namespace", "labels", "annotations", "finalizers"];
        metadata.retain(|field, _| own.contains(&&**field));
    }
    object
}

/// Waits until the pods of every primary are ready.
async fn ready(objects: &Objects, rollouts: u32, pods: u32) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut told = 0;
    loop {
        let primaries = ListParams::default().labels(&format!("{ROLE}={ROLE_PRIMARY}"));
        let all = objects.api(ObjectKind::Deployment).list(&primaries).await?.items;
        let ready = all.iter().filter(|it| {
            it.name_any().starts_with("seeded-") && it.data["status"]["readyReplicas"] == pods
        });
        let ready = ready.count();
        if rollouts as usize <= ready {
            return Ok(());
        }
        if told + 100 <= ready {
            told = ready;
            say(&format!("{ready} of {rollouts} have their pods"));
        }
        ensure!(Instant::now() < deadline, "{ready} of {rollouts} primaries are ready");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
