//! Watches: events on rollouts, Deployments, frozen templates and pods become names of rollouts.
//! Makes no pass; fills the index of rollouts and what is known of pods.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment};
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta, PartialObjectMetaExt};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use siskin_api::CanaryRollout;
use siskin_api::annotations::{ROLE, TARGET};
use tokio::sync::mpsc;

use crate::clock;
use crate::cluster::calls::Cluster;
use crate::name::Name;
use crate::observe::ahead::Shown;
use crate::observe::guarded::Guarded;
use crate::observe::index::Index;
use crate::observe::news::{Seen, ShownAs, WatchedKind};
use crate::observe::pods::{self, Pods};
use crate::observe::sight::Sight;
use crate::pass::next_look::Cause;
use crate::process::health::{Heartbeat, Readiness};
use crate::queue::watched_objects::WatchedObjects;
use crate::workloads::children::target_of;

/// What the watch of rollouts yields: one that an older schema let in must not end the watch.
type SeenRollout = DeserializeGuard<CanaryRollout>;

/// How often the queue says that it is alive.
const BEAT_EVERY: Duration = Duration::from_secs(15);

/// Objects of one page of a listing. A page is held whole, as text and as objects: with the default of
/// 500, six thousand pods cost 40 MB that are never given back.
const LISTED_AT_ONCE: u32 = 100;

fn listing() -> watcher::Config {
    watcher::Config::default().page_size(LISTED_AT_ONCE)
}

/// What is watched, and through what.
#[derive(Clone)]
pub struct Scope {
    /// Gives the watches their API.
    pub cluster: Cluster,
    /// The one namespace that is watched; `None`: all.
    pub namespace: Option<String>,
    /// Learns of each watch's first listing.
    pub readiness: Readiness,
    /// Learns which targets are adopted.
    pub guarded: Guarded,
}

impl Scope {
    /// What is watched: one namespace, or all.
    #[must_use]
    pub fn new(cluster: Cluster, namespace: Option<String>, readiness: Readiness) -> Self {
        Self { cluster, namespace, readiness, guarded: Guarded::default() }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        self.cluster.all(self.namespace.as_deref())
    }
}

/// What the watch of pods says.
#[derive(Debug, PartialEq, Eq)]
pub enum PodsSeen {
    /// Pods of these targets have changed.
    Changed(Vec<Name>),
    /// A listing is over; pods of these targets were not known as it shows them.
    Listed(Vec<Name>),
    /// The watch failed: who waits for a listing waits for nothing.
    Failed,
}

/// Pods with a role: what decisions read of them, and the targets of those that change.
pub fn watch_pods(scope: &Scope) -> (Pods, impl Stream<Item = PodsSeen> + Send + use<>) {
    let sight = Sight::default();
    let pods = Pods::new(sight.clone());
    let selection = listing().labels(ROLE);
    let met = scope.readiness.condition("the first listing of Pods");
    let again = sight.clone();
    let cluster = scope.cluster.telling(move || again.taken_up(clock::now_millis()));
    let api = cluster.all::<Pod>(scope.namespace.as_deref());
    let events = watcher(api, selection).default_backoff().modify(pods::trim);
    let noted = pods.clone();
    // Six pods of a rollout in a listing are one reason to look at it.
    let mut listed = BTreeSet::new();
    let targets = events.map(move |event| match event {
        Ok(watcher::Event::Apply(pod)) => {
            sight.regained();
            PodsSeen::Changed(noted.note(&pod, clock::now_millis()))
        }
        Ok(watcher::Event::Delete(pod)) => {
            sight.regained();
            PodsSeen::Changed(noted.forget(&pod, clock::now_millis()).into_iter().collect())
        }
        // A listing is complete when it is done.
        Ok(watcher::Event::Init) => {
            noted.listing_begins();
            listed.clear();
            PodsSeen::Changed(vec![])
        }
        Ok(watcher::Event::InitApply(pod)) => {
            listed.extend(noted.note(&pod, clock::now_millis()));
            PodsSeen::Changed(vec![])
        }
        Ok(watcher::Event::InitDone) => {
            met.met();
            sight.regained();
            listed.extend(noted.listing_ends(clock::now_millis()));
            PodsSeen::Listed(std::mem::take(&mut listed).into_iter().collect())
        }
        Err(error) => {
            sight.lost(clock::now_millis());
            tracing::warn!(%error, "the watch of Pods failed and is retried");
            PodsSeen::Failed
        }
    });
    (pods, targets)
}

/// What the watches ask of the queue.
pub(super) enum Asked {
    /// Passes over these rollouts, for this cause.
    Look(Vec<Name>, Cause),
    /// A pass over each of these rollouts to which this object is news.
    Saw(Vec<Name>, Seen, ShownAs),
    /// Every rollout was listed; these are gone.
    Listed(Vec<Name>),
    /// As much is known of pods as will be: pods of these rollouts were listed.
    PodsKnown(Vec<Name>),
    /// A rollout is gone.
    Gone(Name),
    /// Something is alive, no more.
    Nothing,
}

/// What asks for passes beside the watches made here.
pub struct Triggers<P> {
    /// What the watch of pods says.
    pub pods: P,
    /// Names that were asked for.
    pub asked: mpsc::UnboundedReceiver<Name>,
    /// Beaten while the names are polled.
    pub heartbeat: Heartbeat,
}

/// Names of rollouts to look at, and of those that are gone.
pub(super) fn watch_names<P: Stream<Item = PodsSeen> + Send + 'static>(
    scope: &Scope,
    index: &Index,
    shown: Shown,
    triggers: Triggers<P>,
) -> impl Stream<Item = Asked> + Send + use<P> {
    let rollouts = watch_rollouts(scope, index, shown.clone());
    let deployments = watch_metadata::<Deployment>(scope, "Deployments", "");
    let revisions = watch_metadata::<ControllerRevision>(scope, "ControllerRevisions", TARGET);
    let rollouts_of = index.clone();
    let deployments = deployments.map(move |(it, shown)| {
        let (namespace, name) = (it.namespace().unwrap_or_default(), it.name_any());
        let targets = [Some(&*name), target_of(&name)];
        let names = targets.into_iter().flatten();
        let names = names.flat_map(|target| rollouts_of.of_target(&namespace, target));
        Asked::Saw(names.collect(), Seen::of(WatchedKind::Deployment, &it), shown)
    });
    let (rollouts_of, newest) = (index.clone(), scope.cluster.newest.clone());
    let revisions = revisions.map(move |(it, shown)| {
        newest.note(it.resource_version().as_deref());
        let target = it.labels().get(TARGET).map_or("", |it| it.as_str());
        let names = rollouts_of.of_target(&it.namespace().unwrap_or_default(), target);
        Asked::Saw(names, Seen::of(WatchedKind::ControllerRevision, &it), shown)
    });
    let rollouts_of = index.clone();
    let pods = triggers.pods.map(move |seen| {
        let rollouts = |targets: Vec<Name>| {
            let of = |it: &Name| rollouts_of.of_target(&it.namespace, &it.name);
            targets.iter().flat_map(of).collect()
        };
        match seen {
            PodsSeen::Changed(targets) => Asked::Look(rollouts(targets), Cause::Change),
            PodsSeen::Listed(targets) => Asked::PodsKnown(rollouts(targets)),
            PodsSeen::Failed => Asked::PodsKnown(vec![]),
        }
    });
    let asked = stream::unfold(triggers.asked, |mut asked| async move {
        asked.recv().await.map(|name| (Asked::Look(vec![name], Cause::Change), asked))
    });
    // Polled by the queue itself: one that is stuck misses its beat.
    let beats = stream::unfold((triggers.heartbeat, shown), |(heartbeat, shown)| async move {
        heartbeat.beat();
        shown.forget_old();
        tokio::time::sleep(BEAT_EVERY).await;
        Some((Asked::Nothing, (heartbeat, shown)))
    });
    stream::select_all([
        rollouts.boxed(),
        deployments.boxed(),
        revisions.boxed(),
        pods.boxed(),
        asked.boxed(),
        beats.boxed(),
    ])
}

fn watch_rollouts(
    scope: &Scope,
    index: &Index,
    shown: Shown,
) -> impl Stream<Item = Asked> + Send + use<> {
    let met = scope.readiness.condition("the first listing of CanaryRollouts");
    let (index, guarded) = (index.clone(), scope.guarded.clone());
    let events = watcher(scope.api::<SeenRollout>(), listing()).default_backoff();
    events.map(move |event| match event {
        Ok(watcher::Event::Apply(it)) => {
            note(&index, &guarded, &it);
            let name = name(&it);
            // A follower makes no look for this: its first one as the leader must not go by the copy.
            shown.forget(&name);
            Asked::Saw(vec![name], Seen::of(WatchedKind::CanaryRollout, &it), ShownAs::Changed)
        }
        Ok(watcher::Event::InitApply(it)) => {
            note(&index, &guarded, &it);
            let names = vec![name(&it)];
            shown.keep(it.0.ok());
            Asked::Look(names, Cause::Routine)
        }
        Ok(watcher::Event::Delete(it)) => {
            let name = name(&it);
            index.forget(&name);
            guarded.forget(&name);
            Asked::Gone(name)
        }
        Ok(watcher::Event::Init) => {
            index.listing_begins();
            Asked::Nothing
        }
        Ok(watcher::Event::InitDone) => {
            met.met();
            let gone = index.listing_ends();
            guarded.listed(&gone);
            Asked::Listed(gone)
        }
        Err(error) => {
            tracing::warn!(%error, "the watch of CanaryRollouts failed and is retried");
            Asked::Nothing
        }
    })
}

/// One that can't be read is not taken for gone: what is guarded for it stays so.
fn note(index: &Index, guarded: &Guarded, seen: &SeenRollout) {
    match &seen.0 {
        Ok(rollout) => {
            index.note(rollout);
            guarded.note(rollout);
        }
        Err(error) => {
            index.note_unreadable(name(seen), error.metadata.uid.as_deref().unwrap_or_default());
            tracing::warn!(rollout = %name(seen), error = %error.error, "can't be read and is left alone; apply it again under the current schema");
        }
    }
}

fn name(seen: &SeenRollout) -> Name {
    Name::new(seen.namespace().unwrap_or_default(), seen.name_any())
}

fn watch_metadata<K>(
    scope: &Scope,
    what: &'static str,
    labels: &str,
) -> impl Stream<Item = (PartialObjectMeta<K>, ShownAs)> + Send + use<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + DeserializeOwned
        + Clone
        + std::fmt::Debug
        + Send
        + 'static,
{
    let met = scope.readiness.condition(what);
    let selection = listing().labels(labels);
    let events = watcher(scope.api::<PartialObjectMeta<K>>(), selection).default_backoff();
    let mut watched = WatchedObjects::default();
    let seen = events.map(move |event| match event {
        Ok(watcher::Event::Apply(it)) => {
            watched.note(&it.metadata);
            vec![(it, ShownAs::Changed)]
        }
        Ok(watcher::Event::Delete(it)) => {
            watched.forget(&it.metadata);
            vec![(it, ShownAs::Changed)]
        }
        // A listing shows everything there is, most of it unchanged.
        Ok(watcher::Event::InitApply(it)) => {
            watched.note(&it.metadata);
            vec![(it, ShownAs::Listed)]
        }
        Ok(watcher::Event::InitDone) => {
            met.met();
            // It is known to have changed: an older cache of another API server must not hide that.
            let gone = watched.listing_ends().into_iter();
            gone.map(|it| (it.into_response_partial(), ShownAs::Changed)).collect()
        }
        Ok(watcher::Event::Init) => {
            watched.listing_begins();
            vec![]
        }
        Err(error) => {
            tracing::warn!(%error, what, "a watch failed and is retried");
            vec![]
        }
    });
    seen.flat_map(stream::iter)
}

#[cfg(test)]
mod tests;
