//! Watches, queue and tasks put together: events become names, names become passes.
//! One JoinSet holds every task; any that ends early ends the process with a named cause.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt, future, stream};
use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment};
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::controller::{self, Action, ReconcileRequest};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use siskin_api::CanaryRollout;
use siskin_api::annotations::{ROLE, TARGET};
use tokio::sync::mpsc;

use crate::admin::{Heartbeat, Readiness};
use crate::clock;
use crate::cluster::newest::Newest;
use crate::name::Name;
use crate::observe::index::Index;
use crate::observe::pods;
use crate::observe::pods::{Pods, Sight};
use crate::pass::{PassFailed, Passes};
use crate::workloads::children::target_of;

/// What the watch of rollouts yields: one that an older schema let in must not end the watch.
type Seen = DeserializeGuard<CanaryRollout>;

/// The first retry of a failed pass, doubled up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// The longest time between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// How often the queue says that it is alive.
const BEAT: Duration = Duration::from_secs(15);

/// Where to watch.
#[derive(Clone)]
pub struct Scope {
    /// The client of all watches.
    pub client: Client,
    /// One namespace, or all.
    pub namespace: Option<String>,
    /// Told of each watch's first listing.
    pub readiness: Readiness,
    /// Told of each ControllerRevision.
    pub newest: Newest,
}

impl Scope {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
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

/// Runs passes until the process ends.
pub async fn run(
    scope: Scope,
    passes: Passes,
    index: Index,
    (pods, asked): (impl Stream<Item = Pod> + Send + 'static, mpsc::UnboundedReceiver<Name>),
    heartbeat: Heartbeat,
) {
    let (store, rollouts) = watch_rollouts(&scope, &index);
    let deployments = watch_metadata::<Deployment>(&scope, "Deployments", "");
    let revisions = watch_metadata::<ControllerRevision>(&scope, "ControllerRevisions", TARGET);
    let by_target = {
        let index = index.clone();
        move |namespace: String, target: &str| index.of_target(&namespace, target)
    };
    let of_deployment = by_target.clone();
    let deployments = deployments.map(move |it| {
        let (namespace, name) = (it.namespace().unwrap_or_default(), it.name_any());
        let mut names = of_deployment(namespace.clone(), &name);
        names.extend(
            target_of(&name).into_iter().flat_map(|it| of_deployment(namespace.clone(), it)),
        );
        names
    });
    let of_revision = by_target.clone();
    let newest = scope.newest.clone();
    let revisions = revisions.map(move |it| {
        newest.note(it.resource_version().as_deref());
        let target = it.labels().get(TARGET).cloned().unwrap_or_default();
        of_revision(it.namespace().unwrap_or_default(), &target)
    });
    let pods = pods.map(move |it| {
        let namespace = it.namespace().unwrap_or_default();
        pods::target_of_pod(&it).map(|target| by_target(namespace, target)).unwrap_or_default()
    });
    let asked = stream::unfold(asked, |mut asked| async move {
        asked.recv().await.map(|name| (vec![name], asked))
    });
    // Polled by the queue itself: one that is stuck misses its beat.
    let beats = stream::unfold(heartbeat, |heartbeat| async move {
        heartbeat.beat();
        tokio::time::sleep(BEAT).await;
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
    let queue = names.flat_map(stream::iter).map(|name| {
        let reference = ObjectRef::<Seen>::new(&name.name).within(&name.namespace);
        Ok::<_, watcher::Error>(ReconcileRequest::from(reference))
    });
    reconcile(store, passes, queue.boxed()).await;
}

/// The queue: each name once, one pass per name at a time, failed ones later.
async fn reconcile(
    store: Store<Seen>,
    passes: Passes,
    queue: impl Stream<Item = Result<ReconcileRequest<Seen>, watcher::Error>> + Send + 'static,
) {
    let backoff = Arc::new(Backoff::default());
    let passes = Arc::new((passes, backoff));
    let one = |seen: Arc<Seen>, context: Arc<(Passes, Arc<Backoff>)>| {
        Box::pin(async move {
            let (passes, backoff) = &*context;
            let name = Name::new(seen.namespace().unwrap_or_default(), seen.name_any());
            let action = Box::pin(passes.pass(&name)).await?;
            backoff.forget(&name);
            Ok::<_, PassFailed>(action)
        })
    };
    let failed = |seen: Arc<Seen>, error: &PassFailed, context: Arc<(Passes, Arc<Backoff>)>| {
        let (passes, backoff) = &*context;
        let name = Name::new(seen.namespace().unwrap_or_default(), seen.name_any());
        passes.metrics.pass_failed(error);
        let source = std::error::Error::source(error).and_then(std::error::Error::source);
        tracing::warn!(rollout = %name, %error, source = ?source.map(ToString::to_string), "a pass failed and is retried");
        Action::requeue(backoff.next(&name))
    };
    let config = controller::Config::default();
    controller::applier(one, failed, passes, store, queue, config)
        .for_each(|outcome| {
            if let Err(error) = outcome {
                tracing::debug!(%error, "queue");
            }
            future::ready(())
        })
        .await;
}

fn watch_rollouts(
    scope: &Scope,
    index: &Index,
) -> (Store<Seen>, impl Stream<Item = Vec<Name>> + Send + use<>) {
    let (reader, writer) = reflector::store();
    let met = scope.readiness.condition("the first listing of CanaryRollouts");
    let index = index.clone();
    let events = watcher(scope.api::<Seen>(), watcher::Config::default()).default_backoff();
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

fn note(index: &Index, seen: &Seen) {
    match &seen.0 {
        Ok(rollout) => index.note(rollout),
        Err(error) => {
            index.note_unreadable(name(seen), error.metadata.uid.as_deref().unwrap_or_default());
            tracing::warn!(rollout = %name(seen), error = %error.error, "can't be read and is left alone; apply it again under the current schema");
        }
    }
}

fn name(seen: &Seen) -> Name {
    Name::new(seen.namespace().unwrap_or_default(), seen.name_any())
}

fn watch_metadata<K>(
    scope: &Scope,
    what: &'static str,
    labels: &str,
) -> impl Stream<Item = PartialObjectMeta<K>> + Send + use<K>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
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

/// How often each rollout's pass has failed in a row.
#[derive(Default)]
struct Backoff(std::sync::Mutex<std::collections::HashMap<Name, u32>>);

impl Backoff {
    fn next(&self, name: &Name) -> Duration {
        let mut failures = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = failures.entry(name.clone()).or_insert(0);
        *count = count.saturating_add(1);
        FIRST_BACKOFF.saturating_mul(1 << (*count - 1).min(10)).min(MAX_BACKOFF)
    }

    fn forget(&self, name: &Name) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(name);
    }
}
