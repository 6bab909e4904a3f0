//! One ledger per rollout, fed by the shared samplers: the only place where samples arrive.
//! Attributes each sample to the pods of that moment, and asks for a pass when it matters.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use siskin_kafka::{
    ClusterConfig, Sample, SampleError, SamplerStopped, Samplers, Subscription, Topics, attribute,
};
use siskin_prometheus::{ReadError, Scrapes};
use tokio::sync::mpsc;

use crate::evidence::meter::{Errand, Metered, MetricsSource};
use crate::evidence::neighbours::Neighbours;
use crate::evidence::rollout_evidence::Ledger;
use crate::name::{Name, Trigger};
use crate::observe::pods::Pods;
use crate::process::metrics::{ClosedSet, Metrics};
use crate::traces::shelf::Traces;
use siskin_decide::Uid;

/// What is sampled for one rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Cluster and credentials.
    pub cluster: ClusterConfig,
    /// Consumer group.
    pub group: String,
    /// Which topics.
    pub topics: Topics,
    /// How often.
    pub interval: Duration,
}

/// Every rollout's ledger.
#[derive(Clone)]
pub struct Watches {
    inner: Arc<Mutex<HashMap<Uid, Watch>>>,
    samplers: Samplers,
    traces: Traces,
    added: mpsc::UnboundedSender<Feed>,
}

struct Watch {
    name: Name,
    target: Arc<str>,
    source: Source,
    metrics: Option<Arc<MetricsSource>>,
    scrapes: Scrapes,
    ledger: Ledger,
}

/// One subscription and whom it feeds.
pub struct Feed {
    uid: Uid,
    source: Source,
    subscription: Subscription,
}

impl Watches {
    /// None yet; attempts are recorded in `traces`. The receiver goes to [`feed`].
    #[must_use]
    pub fn new(samplers: Samplers, traces: Traces) -> (Self, mpsc::UnboundedReceiver<Feed>) {
        let (added, feeds) = mpsc::unbounded_channel();
        (Self { inner: Arc::default(), samplers, traces, added }, feeds)
    }

    /// Samples this source for the rollout from now on; nothing happens if it already does. The
    /// metrics are read beside each sample; the record goes on when they come from elsewhere.
    pub fn ensure(
        &self,
        uid: &Uid,
        (name, target): (&Name, &str),
        source: Source,
        metrics: Option<MetricsSource>,
    ) {
        let mut watches = self.lock();
        let metrics = metrics.map(Arc::new);
        if let Some(watch) = watches.get_mut(uid).filter(|it| it.source == source) {
            watch.metrics = metrics;
            return;
        }
        let Source { cluster, group, topics, interval } = source.clone();
        let subscription = self.samplers.subscribe(cluster, &group, topics, interval);
        let millis = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
        let watch = Watch {
            name: name.clone(),
            target: target.into(),
            source: source.clone(),
            metrics,
            scrapes: Scrapes::default(),
            ledger: Ledger::new(millis, self.traces.recorder(name)),
        };
        if let Some(mut before) = watches.insert(uid.clone(), watch) {
            before.ledger.close(crate::clock::now());
        }
        // The task that receives lives as long as the process: it ends the process if it ends.
        self.added.send(Feed { uid: uid.clone(), source, subscription }).ok();
    }

    /// Forgets a rollout and its trace; its subscription ends with its next sample.
    pub fn forget(&self, name: &Name) {
        self.lock().retain(|_, it| it.name != *name);
        self.traces.forget(name);
    }

    /// Looks into, or changes, one rollout's ledger.
    pub fn with<T>(&self, uid: &Uid, look: impl FnOnce(&mut Ledger) -> T) -> Option<T> {
        self.lock().get_mut(uid).map(|it| look(&mut it.ledger))
    }

    /// What is to be read of the pods beside a sample of this feed; `None` where nothing is.
    fn errand(&self, feed: &Feed, pods: &Pods) -> Option<Errand> {
        let watches = self.lock();
        let watch = watches.get(&feed.uid).filter(|it| it.source == feed.source)?;
        Some(Errand {
            source: watch.metrics.clone()?,
            namespace: watch.name.namespace.clone(),
            pods: pods.of(&watch.name.namespace, &watch.target),
            scrapes: watch.scrapes.clone(),
        })
    }

    /// Hands one sample over, with the metrics that were read beside it. `None` when nobody wants
    /// it any more.
    fn deliver(
        &self,
        feed: &Feed,
        (sample, metered): (&Sample, Option<Metered>),
        (pods, neighbours): (&Pods, &Neighbours),
    ) -> Option<Delivered> {
        let mut watches = self.lock();
        let watch = watches.get_mut(&feed.uid).filter(|it| it.source == feed.source)?;
        let mut seen = pods.of(&watch.name.namespace, &watch.target);
        let identities = neighbours.beside(&watch.name.namespace, &seen.identities);
        let group = match sample.as_ref() {
            Ok(snapshot) => Some(attribute(snapshot, &identities)),
            Err(_) => None,
        };
        let unattributed = group.as_ref().is_some_and(|it| 0 < it.members.unattributed);
        let outcome = |sample: &Sample| sample.as_ref().as_ref().err().map(SampleError::name);
        let before = watch.ledger.latest().map(outcome);
        let mut changed = before != Some(outcome(sample));
        let failure = metered.and_then(|mut metered| {
            metered.attach(&mut seen.observations, &seen.exports);
            watch.scrapes = metered.scrapes;
            metered.failure
        });
        changed |= watch.ledger.metered(failure);
        watch.ledger.take(sample.clone(), crate::clock::now(), seen.observations, group);
        let asks = changed || watch.ledger.is_awaited();
        Some(Delivered { name: watch.name.clone(), asks, unattributed })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uid, Watch>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a sample.
struct Delivered {
    name: Name,
    /// Whether a pass is worth it now.
    asks: bool,
    /// Whether a member matched no pod of ours: a neighbour's pod may explain it.
    unattributed: bool,
}

/// Feeds every ledger until a sampler stops, which none does while it is subscribed to.
pub async fn feed(
    watches: Watches,
    mut feeds: mpsc::UnboundedReceiver<Feed>,
    (pods, mut neighbours): (Pods, Neighbours),
    trigger: Trigger,
    metrics: Metrics,
) -> SamplerStopped {
    let mut pending: FuturesUnordered<BoxFuture<'static, Step>> = FuturesUnordered::new();
    loop {
        let (feed, sample, metered) = tokio::select! {
            Some(feed) = feeds.recv() => {
                pending.push(next(feed).boxed());
                continue;
            }
            () = neighbours.listed() => continue,
            Some(step) = pending.next() => match step {
                Step::Sampled(feed, sample) => {
                    let sample = match sample {
                        Ok(sample) => sample,
                        Err(stopped) => return stopped,
                    };
                    metrics.sample(&Outcome::of(&sample));
                    if let Some(errand) = watches.errand(&feed, &pods) {
                        pending.push(meter(feed, sample, errand).boxed());
                        continue;
                    }
                    (feed, sample, None)
                }
                Step::Metered(feed, sample, metered) => {
                    metrics.reading(&Outcome::of_reading(&metered));
                    (feed, sample, Some(*metered))
                }
            },
        };
        let around = (&pods, &neighbours);
        let Some(delivered) = watches.deliver(&feed, (&sample, metered), around) else { continue };
        if delivered.unattributed {
            neighbours.look(&delivered.name.namespace);
        }
        if delivered.asks {
            trigger.ask(delivered.name);
        }
        pending.push(next(feed).boxed());
    }
}

/// What one feed does in turn.
enum Step {
    /// A sample arrived.
    Sampled(Feed, Result<Sample, SamplerStopped>),
    /// The metrics beside a sample were read, or their time was up.
    Metered(Feed, Sample, Box<Metered>),
}

async fn next(mut feed: Feed) -> Step {
    let sample = feed.subscription.changed().await;
    Step::Sampled(feed, sample)
}

async fn meter(feed: Feed, sample: Sample, errand: Errand) -> Step {
    let at = sample.as_ref().as_ref().map_or_else(|_| crate::clock::now_millis(), |it| it.at);
    let metered = errand.run(at).await;
    Step::Metered(feed, sample, Box::new(metered))
}

/// What became of a sample or a reading: an answer, or one of the errors that its source knows.
struct Outcome(&'static str);

const ANSWERED: &str = "Answered";

impl Outcome {
    fn of(sample: &Sample) -> Self {
        Self(sample.as_ref().as_ref().map_or_else(SampleError::name, |_| ANSWERED))
    }

    fn of_reading(metered: &Metered) -> Self {
        Self(metered.failure.as_ref().map_or(ANSWERED, ReadError::name))
    }
}

impl ClosedSet for Outcome {
    fn variant(&self) -> &'static str {
        self.0
    }
}
