//! Which rollouts are sampled, and the evidence of each: shared by the passes and the feeder.
//! Reads no source itself.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use siskin_decide::Uid;
use siskin_kafka::{ClusterConfig, Hurry, Samplers, Subscription, Topics};
use siskin_prometheus::Scrapes;
use tokio::sync::mpsc;

use crate::clock;
use crate::evidence::meter::MetricsSource;
use crate::evidence::rollout_evidence::RolloutEvidence;
use crate::name::Name;
use crate::observe::world::World;
use crate::per_rollout::PerRollout;
use crate::traces::shelf::Traces;

/// What is sampled for one rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Cluster and credentials.
    pub cluster: ClusterConfig,
    pub(crate) group: String,
    /// Topics that are read.
    pub topics: Topics,
    pub(crate) interval: Duration,
}

impl Source {
    /// Whether samples of both are of one record: credentials may be rotated in the middle of it.
    fn has_the_record_of(&self, other: &Self) -> bool {
        let Self { cluster, group, topics, interval } = self;
        cluster.servers() == other.cluster.servers()
            && (group, topics, interval) == (&other.group, &other.topics, &other.interval)
    }
}

/// The evidence of every rollout that is sampled.
#[derive(Clone)]
pub struct Sampling {
    /// Each behind a lock of its own: a judge that reads a record keeps nobody else waiting.
    rollouts: PerRollout<Arc<Mutex<Sampled>>>,
    samplers: Samplers,
    traces: Traces,
    feeds: mpsc::UnboundedSender<Feed>,
}

/// One rollout that is sampled, and what is known of it.
pub(super) struct Sampled {
    uid: Uid,
    source: Arc<Source>,
    pub(super) target: Arc<str>,
    pub(super) metrics: Option<Arc<MetricsSource>>,
    /// Asks for a sample before it is due.
    hurry: Hurry,
    /// When its pods were last scraped.
    pub(super) scrapes: Scrapes,
    pub(super) evidence: RolloutEvidence,
}

/// One subscription and whom it feeds.
pub struct Feed {
    pub(super) name: Name,
    uid: Uid,
    source: Arc<Source>,
    pub(super) subscription: Subscription,
}

impl Sampling {
    /// Samples nothing yet; attempts are recorded in `traces`. The receiver goes to the feeder.
    #[must_use]
    pub fn new(samplers: Samplers, traces: Traces) -> (Self, mpsc::UnboundedReceiver<Feed>) {
        let (feeds, receiver) = mpsc::unbounded_channel();
        (Self { rollouts: PerRollout::default(), samplers, traces, feeds }, receiver)
    }

    /// Samples this source for the rollout from now on; nothing happens if it already does. The
    /// metrics are read beside each sample; the record goes on when they come from elsewhere, and
    /// when the same group is read with other credentials.
    pub(super) fn ensure(&self, world: &World, source: Source, metrics: Option<MetricsSource>) {
        let World { name, uid, .. } = world;
        let metrics = metrics.map(Arc::new);
        let before = self.rollouts.get(name);
        if let Some(mut sampled) = before.as_ref().map(|it| it.lock())
            && sampled.uid == *uid
            && sampled.source.has_the_record_of(&source)
        {
            sampled.metrics = metrics;
            if *sampled.source != source {
                let subscription = self.subscribe(&source);
                sampled.hurry = subscription.hurry();
                sampled.source = Arc::new(source);
                self.feed(world, &sampled.source, subscription);
            }
            return;
        }
        let subscription = self.subscribe(&source);
        let source = Arc::new(source);
        let millis = i64::try_from(source.interval.as_millis()).unwrap_or(i64::MAX);
        let sampled = Sampled {
            uid: uid.clone(),
            target: world.target_name().into(),
            source: Arc::clone(&source),
            metrics,
            hurry: subscription.hurry(),
            scrapes: Scrapes::default(),
            evidence: RolloutEvidence::new(millis, self.traces.recorder(name)),
        };
        self.rollouts.insert(name, Arc::new(Mutex::new(sampled)));
        if let Some(before) = before {
            before.lock().evidence.close(clock::now());
        }
        self.feed(world, &source, subscription);
    }

    fn subscribe(&self, source: &Source) -> Subscription {
        let Source { cluster, group, topics, interval } = source;
        self.samplers.subscribe(cluster.clone(), group, topics.clone(), *interval)
    }

    /// Feeds the rollout from this subscription. What was subscribed to before feeds nobody any more.
    fn feed(&self, world: &World, source: &Arc<Source>, subscription: Subscription) {
        let (name, uid, source) = (world.name.clone(), world.uid.clone(), Arc::clone(source));
        // The task that receives lives as long as the process: it ends the process if it ends.
        self.feeds.send(Feed { name, uid, source, subscription }).ok();
    }

    /// Asks for a sample of the rollout's group now.
    pub(super) fn hasten(&self, name: &Name) {
        if let Some(sampled) = self.rollouts.get(name) {
            sampled.lock().hurry.poll();
        }
    }

    /// Forgets a rollout and its trace; its subscription ends with its next sample.
    pub(super) fn forget(&self, name: &Name) {
        self.rollouts.forget(name);
        self.traces.forget(name);
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, name: &Name) -> bool {
        self.rollouts.knows(name)
    }

    /// Looks into, or changes, the evidence of one rollout; `None` if it is not sampled.
    pub(super) fn with<T>(
        &self,
        world: &World,
        look: impl FnOnce(&mut RolloutEvidence) -> T,
    ) -> Option<T> {
        let sampled = self.rollouts.get(&world.name)?;
        let mut sampled = sampled.lock();
        (sampled.uid == world.uid).then(|| look(&mut sampled.evidence))
    }

    /// Looks into, or changes, what this feed is for; `None` when nobody wants it any more.
    pub(super) fn fed<T>(&self, feed: &Feed, look: impl FnOnce(&mut Sampled) -> T) -> Option<T> {
        let sampled = self.rollouts.get(&feed.name)?;
        let mut sampled = sampled.lock();
        sampled.is(&feed.uid, &feed.source).then(|| look(&mut sampled))
    }
}

impl Sampled {
    fn is(&self, uid: &Uid, source: &Source) -> bool {
        self.uid == *uid && *self.source == *source
    }
}

#[cfg(test)]
mod tests;
