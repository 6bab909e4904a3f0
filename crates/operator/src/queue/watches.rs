//! Watches: events on rollouts, Deployments, frozen templates and pods become names of rollouts.
//! Makes no pass; holds nothing but the store of pods and the index of rollouts.

use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt, future, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment};
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use siskin_api::CanaryRollout;
use siskin_api::annotations::{ROLE, TARGET};
use tokio::sync::mpsc;

use crate::clock;
use crate::cluster::calls::Cluster;
use crate::name::Name;
use crate::observe::index::Index;
use crate::observe::pods::{self, Pods, Sight};
use crate::process::health::{Heartbeat, Readiness};
use crate::workloads::children::target_of;

/// What the watch of rollouts yields: one that an older schema let in must not end the watch.
pub(super) type SeenRollout = DeserializeGuard<CanaryRollout>;

/// How often the queue says that it is alive.
const BEAT_EVERY: Duration = Duration::from_secs(15);

/// What is watched, and through what.
#[derive(Clone)]
pub struct Scope {
    /// Gives the watches their API.
    pub cluster: Cluster,
    /// The one namespace that is watched; `None`: all.
    pub namespace: Option<String>,
    /// Learns of each watch's first listing.
    pub readiness: Readiness,
}

impl Scope {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        self.cluster.all(self.namespace.as_deref())
    }
}

/// Pods with a role, trimmed: the store that decisions read, and the stream that fills it.
pub fn watch_pods(scope: &Scope) -> (Pods, impl Stream<Item = Pod> + Send + use<>) {
    let (reader, writer) = reflector::store();
    let sight = Sight::default();
    let found = Pods::new(reader, sight.clone());
    let selection = watcher::Config::default().labels(ROLE);
    let met = scope.readiness.condition("the first listing of Pods");
    let events = watcher(scope.api::<Pod>(), selection).default_backoff();
    let trimmed = events.modify(pods::trim).inspect(move |event| {
        match event {
            Ok(watcher::Event::InitDone) => {
                met.met();
                sight.regained();
            }
            Ok(watcher::Event::Apply(_) | watcher::Event::Delete(_)) => sight.regained(),
            // A listing is complete when it is done.
            Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => {}
            Err(_) => sight.lost(clock::now_millis()),
        }
    });
    let touched = reflector::reflector(writer, trimmed).filter_map(|event| {
        future::ready(match event {
            Ok(
                watcher::Event::Apply(pod)
                | watcher::Event::Delete(pod)
                | watcher::Event::InitApply(pod),
            ) => Some(pod),
            Ok(watcher::Event::Init | watcher::Event::InitDone) => None,
            Err(error) => {
                tracing::warn!(%error, "the watch of Pods failed and is retried");
                None
            }
        })
    });
    (found, touched)
}

/// What asks for passes beside the watches made here.
pub struct Triggers<P> {
    /// Pods that changed.
    pub pods: P,
    /// Names that were asked for.
    pub asked: mpsc::UnboundedReceiver<Name>,
    /// Beaten while the names are polled.
    pub heartbeat: Heartbeat,
}

/// The rollouts as watched, and the names of those to look at.
pub(super) fn watch_names<P: Stream<Item = Pod> + Send + 'static>(
    scope: &Scope,
    index: &Index,
    triggers: Triggers<P>,
) -> (Store<SeenRollout>, impl Stream<Item = Name> + Send + use<P>) {
    let (store, rollouts) = watch_rollouts(scope, index);
    let deployments = watch_metadata::<Deployment>(scope, "Deployments", "");
    let revisions = watch_metadata::<ControllerRevision>(scope, "ControllerRevisions", TARGET);
    let rollouts_of = index.clone();
    let deployments = deployments.map(move |it| {
        let (namespace, name) = (it.namespace().unwrap_or_default(), it.name_any());
        let targets = [Some(&*name), target_of(&name)];
        let names = targets.into_iter().flatten();
        names.flat_map(|target| rollouts_of.of_target(&namespace, target)).collect()
    });
    let (rollouts_of, newest) = (index.clone(), scope.cluster.newest.clone());
    let revisions = revisions.map(move |it| {
        newest.note(it.resource_version().as_deref());
        let target = it.labels().get(TARGET).map_or("", |it| it.as_str());
        rollouts_of.of_target(&it.namespace().unwrap_or_default(), target)
    });
    let rollouts_of = index.clone();
    let pods = triggers.pods.map(move |it| {
        let namespace = it.namespace().unwrap_or_default();
        let target = pods::target_of_pod(&it);
        target.map(|target| rollouts_of.of_target(&namespace, target)).unwrap_or_default()
    });
    let asked = stream::unfold(triggers.asked, |mut asked| async move {
        asked.recv().await.map(|name| (vec![name], asked))
    });
    // Polled by the queue itself: one that is stuck misses its beat.
    let beats = stream::unfold(triggers.heartbeat, |heartbeat| async move {
        heartbeat.beat();
        tokio::time::sleep(BEAT_EVERY).await;
        Some((vec![], heartbeat))
    });
    let names = stream::select_all([
        rollouts.boxed(),
        deployments.boxed(),
        revisions.boxed(),
        pods.boxed(),
        asked.boxed(),
        beats.boxed(),
    ]);
    (store, names.flat_map(stream::iter))
}

fn watch_rollouts(
    scope: &Scope,
    index: &Index,
) -> (Store<SeenRollout>, impl Stream<Item = Vec<Name>> + Send + use<>) {
    let (reader, writer) = reflector::store();
    let met = scope.readiness.condition("the first listing of CanaryRollouts");
    let index = index.clone();
    let events = watcher(scope.api::<SeenRollout>(), watcher::Config::default()).default_backoff();
    let noted =
        events.modify(|it| it.managed_fields_mut().clear()).inspect(move |event| match event {
            Ok(watcher::Event::Apply(it) | watcher::Event::InitApply(it)) => note(&index, it),
            Ok(watcher::Event::Delete(it)) => index.forget(&name(it)),
            Ok(watcher::Event::InitDone) => met.met(),
            Ok(watcher::Event::Init) => {}
            Err(error) => {
                tracing::warn!(%error, "the watch of CanaryRollouts failed and is retried");
            }
        });
    let names = reflector::reflector(writer, noted).map_ok(|event| match event {
        watcher::Event::Apply(it) | watcher::Event::InitApply(it) | watcher::Event::Delete(it) => {
            vec![name(&it)]
        }
        watcher::Event::Init | watcher::Event::InitDone => vec![],
    });
    (reader, names.filter_map(|it| future::ready(it.ok())))
}

fn note(index: &Index, seen: &SeenRollout) {
    match &seen.0 {
        Ok(rollout) => index.note(rollout),
        Err(error) => {
            index.note_unreadable(name(seen), error.metadata.uid.as_deref().unwrap_or_default());
            tracing::warn!(rollout = %name(seen), error = %error.error, "can't be read and is left alone; apply it again under the current schema");
        }
    }
}

pub(super) fn name(seen: &SeenRollout) -> Name {
    Name::new(seen.namespace().unwrap_or_default(), seen.name_any())
}

fn watch_metadata<K>(
    scope: &Scope,
    what: &'static str,
    labels: &str,
) -> impl Stream<Item = PartialObjectMeta<K>> + Send + use<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug
        + Send
        + 'static,
{
    let met = scope.readiness.condition(what);
    let selection = watcher::Config::default().labels(labels);
    let events = watcher(scope.api::<PartialObjectMeta<K>>(), selection).default_backoff();
    events.filter_map(move |event| {
        future::ready(match event {
            Ok(
                watcher::Event::Apply(it)
                | watcher::Event::Delete(it)
                | watcher::Event::InitApply(it),
            ) => Some(it),
            Ok(watcher::Event::InitDone) => {
                met.met();
                None
            }
            Ok(watcher::Event::Init) => None,
            Err(error) => {
                tracing::warn!(%error, what, "a watch failed and is retried");
                None
            }
        })
    })
}
