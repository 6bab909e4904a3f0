//! Watches the namespace of a fleet: what is there now, and what happened, with the time at which it was seen.
//! It only looks; the log of a canary is read for one thing, the moment at which it stands still.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use futures::{AsyncBufReadExt as _, StreamExt as _};
use k8s_openapi::api::core::v1 as core;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, LogParams};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::seen::{Life, Pod, Role, Rollout, Scene};

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When it was seen; of a stall, when it began.
    pub at: Instant,
    /// What it was.
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The operator told it by an Event on the `CanaryRollout`.
    Told {
        /// `CamelCase`.
        reason: String,
        /// One sentence.
        note: String,
        /// Whether a person may be needed.
        warning: bool,
    },
    /// The rollout entered this phase.
    Phase(String),
    /// The canary's Deployment was scaled to this many pods.
    CanaryAt(i64),
    /// A pod came into being.
    Appeared(Role, String),
    /// The container of a canary pod has ended for the n-th time.
    Crashed(i64),
    /// A canary pod stands still at this topic/partition/offset.
    Stalled(String),
}

/// The watches; they end when this is dropped.
pub struct Watch {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    client: Client,
    namespace: String,
    record: Mutex<(Scene, Vec<Moment>)>,
    changed: watch::Sender<()>,
}

/// One kind of object that is watched, and what becomes of it.
struct Kind {
    group: &'static str,
    version: &'static str,
    name: &'static str,
    put: fn(&mut Scene, &DynamicObject) -> Vec<Happening>,
    remove: fn(&mut Scene, &str),
}

const KINDS: [Kind; 4] = [
    Kind {
        group: "apps",
        version: "v1",
        name: "Deployment",
        put: put_deployment,
        remove: |scene, name| scene.replicas.retain(|it, _| it != name),
    },
    Kind {
        group: "",
        version: "v1",
        name: "Pod",
        put: put_pod,
        remove: |scene, name| scene.pods.retain(|it, _| it != name),
    },
    Kind {
        group: "siskin.dev",
        version: "v1alpha1",
        name: "CanaryRollout",
        put: put_rollout,
        remove: |scene, _| scene.rollout = None,
    },
    Kind {
        group: "events.k8s.io",
        version: "v1",
        name: "Event",
        put: put_event,
        remove: |scene, name| scene.told.retain(|it| it != name),
    },
];

/// What the worker logs when it stands still.
const STALLED: &str = "stalled at ";

impl Watch {
    /// Watches this namespace from now on.
    #[must_use]
    pub fn begin(client: &Client, namespace: &str) -> Self {
        let (changed, _) = watch::channel(());
        let (client, namespace) = (client.clone(), namespace.to_owned());
        let shared = Arc::new(Shared { client, namespace, record: Mutex::default(), changed });
        let mut tasks = JoinSet::new();
        for kind in &KINDS {
            tasks.spawn(follow(Arc::clone(&shared), kind));
        }
        tasks.spawn(read_logs(Arc::clone(&shared)));
        Self { shared, _tasks: tasks }
    }

    /// Looks once: at what is there, and at all that has happened, oldest first.
    pub fn look<T>(&self, look: impl FnOnce(&Scene, &[Moment]) -> T) -> T {
        let record = self.shared.lock();
        look(&record.0, &record.1)
    }

    /// How much has happened so far: a place to look on from.
    #[must_use]
    pub fn length(&self) -> usize {
        self.shared.lock().1.len()
    }

    /// Is told of each change from now on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changed.subscribe()
    }

    /// Waits until `look` finds what it looks for.
    ///
    /// # Errors
    /// It was not there `within` this time.
    pub async fn until<T>(
        &self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(&Scene, &[Moment]) -> Option<T>,
    ) -> Result<T> {
        let mut changes = self.changes();
        let deadline = tokio::time::Instant::now() + within;
        loop {
            changes.borrow_and_update();
            if let Some(found) = self.look(&mut look) {
                return Ok(found);
            }
            if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
                bail!("not within {} s: {what}", within.as_secs());
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, (Scene, Vec<Moment>)> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, at: Instant, change: impl FnOnce(&mut Scene) -> Vec<Happening>) {
        let mut record = self.lock();
        let happened = change(&mut record.0);
        record.1.extend(happened.into_iter().map(|what| Moment { at, what }));
        drop(record);
        self.changed.send_replace(());
    }
}

async fn follow(shared: Arc<Shared>, kind: &'static Kind) {
    let named = GroupVersionKind::gvk(kind.group, kind.version, kind.name);
    let resource = ApiResource::from_gvk(&named);
    let api = Api::namespaced_with(shared.client.clone(), &shared.namespace, &resource);
    let mut events = watcher::<DynamicObject>(api, watcher::Config::default()).boxed();
    while let Some(event) = events.next().await {
        let now = Instant::now();
        match event {
            Ok(watcher::Event::Apply(it) | watcher::Event::InitApply(it)) => {
                shared.change(now, |scene| (kind.put)(scene, &it));
            }
            Ok(watcher::Event::Delete(it)) => shared.change(now, |scene| {
                (kind.remove)(scene, &it.name_any());
                Vec::new()
            }),
            // Begins anew by itself; what the new listing shows is put over what is known.
            Ok(watcher::Event::Init | watcher::Event::InitDone) | Err(_) => {}
        }
    }
}

fn put_deployment(scene: &mut Scene, object: &DynamicObject) -> Vec<Happening> {
    let name = object.name_any();
    let replicas = object.data["spec"]["replicas"].as_i64().unwrap_or(0);
    let is_canary = name.ends_with("-canary");
    let before = scene.replicas.insert(name, replicas).unwrap_or(0);
    let moved = is_canary && before != replicas;
    moved.then_some(Happening::CanaryAt(replicas)).into_iter().collect()
}

fn put_pod(scene: &mut Scene, object: &DynamicObject) -> Vec<Happening> {
    let Some(pod) = Pod::of(object) else { return Vec::new() };
    let before = scene.pods.insert(object.name_any(), pod.clone());
    let mut happened = Vec::new();
    if before.is_none() {
        happened.push(Happening::Appeared(pod.role, pod.version));
    }
    // One that was told to end has not crashed.
    let failed = pod.life != Life::Ending && before.map_or(0, |it| it.crashes) < pod.crashes;
    if pod.role == Role::Canary && failed {
        happened.push(Happening::Crashed(pod.crashes));
    }
    happened
}

fn put_rollout(scene: &mut Scene, object: &DynamicObject) -> Vec<Happening> {
    let Some(rollout) = Rollout::of(object) else { return Vec::new() };
    let phase = rollout.phase.clone();
    let before = scene.rollout.replace(rollout);
    let same = before.is_some_and(|it| it.phase == phase);
    (!same).then_some(Happening::Phase(phase)).into_iter().collect()
}

fn put_event(scene: &mut Scene, event: &DynamicObject) -> Vec<Happening> {
    let of_rollout = event.data["regarding"]["kind"] == "CanaryRollout";
    if !of_rollout || !scene.told.insert(event.name_any()) {
        return Vec::new();
    }
    let text = |field: &str| event.data[field].as_str().unwrap_or_default().to_owned();
    let warning = event.data["type"] == "Warning";
    vec![Happening::Told { reason: text("reason"), note: text("note"), warning }]
}

/// Reads the log of each canary pod from the moment at which it has one.
async fn read_logs(shared: Arc<Shared>) {
    let mut changes = shared.changed.subscribe();
    let (mut logs, mut read) = (JoinSet::new(), BTreeSet::new());
    while changes.changed().await.is_ok() {
        let pods = shared.lock().0.pods.clone();
        let canaries = pods.into_iter().filter(|(_, it)| it.role == Role::Canary && it.running);
        for (name, _) in canaries {
            if read.insert(name.clone()) {
                logs.spawn(read_log(Arc::clone(&shared), name));
            }
        }
        while logs.try_join_next().is_some() {}
    }
}

/// Reads the log of a pod to its end, for what it says of standing still.
async fn read_log(shared: Arc<Shared>, pod: String) {
    let api: Api<core::Pod> = Api::namespaced(shared.client.clone(), &shared.namespace);
    let how = LogParams { follow: true, ..LogParams::default() };
    let Ok(log) = api.log_stream(&pod, &how).await else { return };
    let mut lines = log.lines();
    while let Some(Ok(line)) = lines.next().await {
        if let Some((began, place)) = stall(&line) {
            let at = instant_of(began);
            shared.change(at, |_| vec![Happening::Stalled(place)]);
        }
    }
}

/// When, in milliseconds since 1970, and where.
fn stall(line: &str) -> Option<(u64, String)> {
    let (_, place) = line.split_once(STALLED)?;
    let (_, since) = line.split_once("at_ms=")?;
    let place = place.split_whitespace().next()?;
    Some((since.split_whitespace().next()?.parse().ok()?, place.to_owned()))
}

/// That moment of the wall clock on the monotonic one.
#[expect(clippy::disallowed_methods, reason = "the worker says in its log what the clock said")]
fn instant_of(millis: u64) -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ago = since.saturating_sub(Duration::from_millis(millis));
    let now = Instant::now();
    now.checked_sub(ago).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_read_from_the_workers_log() {
        let line = "2026-01-01T00:00:00Z  WARN worker: stalled at orders/3/17 at_ms=1700000000123";
        assert_eq!(stall(line), Some((1_700_000_000_123, "orders/3/17".to_owned())));
        assert_eq!(stall("2026-01-01T00:00:00Z  INFO worker: assigned partitions=2"), None);
    }
}
