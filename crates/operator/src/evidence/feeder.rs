//! The one task in which samples arrive: each is attributed to the pods of that moment and handed
//! to its rollout's evidence. Asks for a pass when it matters; decides nothing.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use siskin_analysis::observation::Millis;
use siskin_kafka::{Sample, SampleError, SamplerStopped, attribute, unready_canaries};
use siskin_prometheus::ReadError;
use tokio::sync::mpsc;

use crate::clock;
use crate::evidence::meter::{MetricsRead, MetricsReading};
use crate::evidence::neighbors::Neighbors;
use crate::evidence::replay_ranges::Lives;
use crate::evidence::sampling::{Feed, Sampling};
use crate::name::Trigger;
use crate::observe::pods::Pods;
use crate::process::metrics::Metrics;

/// Feeds the evidence of every rollout; [`run`](Self::run) it as a task.
pub struct Feeder {
    /// Receives the samples.
    pub sampling: Sampling,
    /// Yields new subscriptions.
    pub feeds: mpsc::UnboundedReceiver<Feed>,
    /// Pods with a role: members of a group are attributed to them.
    pub pods: Pods,
    /// Pods of other workloads, for members that match none with a role.
    pub neighbors: Neighbors,
    /// Asks for passes.
    pub trigger: Trigger,
    /// Counts samples and readings.
    pub metrics: Metrics,
}

/// What became of a sample.
struct Delivered {
    /// Whether a pass is worth it now.
    asks: bool,
    /// Whether a member matched no pod of ours: a neighbor's pod may explain it.
    unattributed: bool,
}

/// What one feed does in turn.
enum Turn {
    /// A sample arrived.
    Sampled(Feed, Result<Sample, SamplerStopped>),
    /// The metrics beside a sample were read, or their time was up.
    Metered(Feed, Sample, Box<MetricsReading>),
}

impl Feeder {
    /// Runs until a sampler stops, which none does while it is subscribed to.
    pub async fn run(mut self) -> SamplerStopped {
        let mut pending: FuturesUnordered<BoxFuture<'static, Turn>> = FuturesUnordered::new();
        loop {
            let (feed, sample, reading) = tokio::select! {
                Some(feed) = self.feeds.recv() => {
                    pending.push(next(feed).boxed());
                    continue;
                }
                () = self.neighbors.listed() => continue,
                Some(turn) = pending.next() => match turn {
                    Turn::Sampled(feed, sample) => {
                        let sample = match sample {
                            Ok(sample) => sample,
                            Err(stopped) => return stopped,
                        };
                        self.metrics.sample(outcome(&sample));
                        if let Some(read) = self.metrics_read(&feed) {
                            pending.push(meter(feed, sample, read).boxed());
                            continue;
                        }
                        (feed, sample, None)
                    }
                    Turn::Metered(feed, sample, reading) => {
                        self.metrics.reading(reading.failure.as_ref().map_or(ANSWERED, ReadError::name));
                        (feed, sample, Some(*reading))
                    }
                },
            };
            let Some(delivered) = self.deliver(&feed, &sample, reading) else { continue };
            if delivered.unattributed {
                self.neighbors.look(&feed.name.namespace);
            }
            if delivered.asks {
                self.trigger.ask(feed.name.clone());
            }
            pending.push(next(feed).boxed());
        }
    }

    /// The reading to be made beside a sample; `None` where the rollout names no metrics.
    fn metrics_read(&self, feed: &Feed) -> Option<MetricsRead> {
        let namespace = &feed.name.namespace;
        let read = self.sampling.fed(feed, |sampled| {
            Some(MetricsRead {
                source: sampled.metrics.clone()?,
                namespace: namespace.clone(),
                pods: self.pods.of(namespace, &sampled.target),
                scrapes: sampled.scrapes.clone(),
            })
        });
        read.flatten()
    }

    /// Hands a sample over, with the metrics that were read beside it. `None` when nobody wants it
    /// any more.
    fn deliver(
        &self,
        feed: &Feed,
        sample: &Sample,
        reading: Option<MetricsReading>,
    ) -> Option<Delivered> {
        let (namespace, now) = (&feed.name.namespace, clock::now());
        // Attributed off the lock: a pass that looks at this rollout's evidence does not wait for it.
        let target = self.sampling.fed(feed, |sampled| Arc::clone(&sampled.target))?;
        let mut pods = self.pods.of(namespace, &target);
        let gone = self.pods.gone(namespace, &target, now.as_millisecond());
        let ours = gone.iter().map(|it| it.identity.clone());
        let ours: Vec<_> = pods.identities.iter().cloned().chain(ours).collect();
        let answer = sample.as_ref().as_ref().ok();
        let group = answer.map(|snapshot| {
            let group = attribute(snapshot, &ours);
            // Others are looked through only where somebody is left over.
            if group.members.unattributed == 0 {
                return group;
            }
            attribute(snapshot, &self.neighbors.beside(namespace, &target, &ours))
        });
        // Only Kafka Streams is waited for; a group that rebalances does not show whose it is.
        let streams = answer.filter(|it| it.is_streams() != Some(false));
        let unready = streams.map_or(0, |it| unready_canaries(it, &ours));
        self.sampling.fed(feed, |sampled| {
            let unattributed = group.as_ref().is_some_and(|it| 0 < it.members.unattributed);
            let failure = reading.and_then(|mut reading| {
                reading.attach(&mut pods.observations, &pods.exports);
                sampled.scrapes = reading.scrapes;
                reading.failure
            });
            let evidence = &mut sampled.evidence;
            evidence.unread = failure;
            if let Some(snapshot) = answer {
                evidence.streams.observe(snapshot, unready, now);
            }
            evidence.lives = Lives {
                begun: feed.subscription.begun_ago().map(|it| before(now, it)),
                gone,
                blind: self.pods.unseen_for(now.as_millisecond()).is_some(),
            };
            evidence.observe(sample.clone(), now, pods.observations, group);
            Delivered { asks: evidence.is_news(), unattributed }
        })
    }
}

async fn next(mut feed: Feed) -> Turn {
    let sample = feed.subscription.changed().await;
    Turn::Sampled(feed, sample)
}

async fn meter(feed: Feed, sample: Sample, read: MetricsRead) -> Turn {
    let at = sample.as_ref().as_ref().map_or_else(|_| clock::now_millis(), |it| it.at);
    let reading = read.run(at).await;
    Turn::Metered(feed, sample, Box::new(reading))
}

/// Milliseconds since 1970 of what was so long ago.
fn before(now: Timestamp, ago: Duration) -> Millis {
    now.as_millisecond().saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))
}

/// What became of a sample: an answer, or one of the errors that its source knows.
fn outcome(sample: &Sample) -> &'static str {
    sample.as_ref().as_ref().map_or_else(SampleError::name, |_| ANSWERED)
}

const ANSWERED: &str = "Answered";
