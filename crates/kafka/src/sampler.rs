//! One poller for each (cluster and credentials, group, topics), shared by all who look at it.
//! Knows when to ask, not how: that is behind [`GroupSource`]. The clock comes from outside.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use siskin_analysis::observation::Millis;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::client::KafkaClient;
use crate::config::ClusterConfig;
use crate::error::SampleError;
use crate::notice::{Notices, traced};
use crate::process::source::{Processes, Program};
use crate::snapshot::{GroupSnapshot, Topics};
use crate::source::GroupSource;

/// Shortest interval between polls: below, a cluster would be polled harder than a lag chart needs.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// Longest interval between polls: above, a rebalance could come and go between two of them.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// Longest pause after failures. A cluster that is back must be seen well within the 3 min after
/// which its absence counts as missing evidence, even if its first answer is that it is not ready.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Groups that are polled at longer intervals than [`UNALIGNED_BELOW`] are polled at multiples of
/// this time, so that those of one cluster share requests.
const POLLED_TOGETHER: Duration = Duration::from_millis(500);
/// Shorter intervals are kept to the millisecond: half a second would be much of them.
const UNALIGNED_BELOW: Duration = Duration::from_secs(5);

/// Time between the first polls of two samplers: a process that takes over a thousand groups polls
/// them over ten seconds, and goes on like that.
const FIRST_POLLS_APART: Duration = Duration::from_millis(10);

/// The newest outcome of a sampler.
pub type Sample = Arc<Result<GroupSnapshot, SampleError>>;

/// An outcome, and when its poll began: what it shows is no older.
#[derive(Clone)]
struct Polled {
    sample: Sample,
    begun: Instant,
}

type Connect = dyn Fn(&ClusterConfig) -> Result<Arc<dyn GroupSource>, SampleError> + Send + Sync;

/// All samplers of this process. Cheap to clone; the clones share everything.
#[derive(Clone)]
pub struct Samplers {
    shared: Arc<Shared>,
}

struct Shared {
    connect: Box<Connect>,
    /// Times at which groups are polled together are counted from here.
    begun: Instant,
    sources: Mutex<HashMap<ClusterConfig, Weak<dyn GroupSource>>>,
    samplers: Mutex<HashMap<Arc<SamplerKey>, Weak<Sampler>>>,
    /// Earliest first poll of the next sampler; `None` before the first.
    next_first: Mutex<Option<Instant>>,
}

/// One consumer group as one sampler polls it: equal keys share a sampler.
#[derive(PartialEq, Eq, Hash)]
struct SamplerKey {
    cluster: ClusterConfig,
    group: String,
    topics: Topics,
}

/// A running poller; it stops when its last subscription is dropped.
struct Sampler {
    newest: watch::Receiver<Option<Polled>>,
    /// Asks for a poll before it is due.
    hurry: Arc<Notify>,
    /// Intervals that subscriptions ask for, by subscription number.
    intervals: Mutex<BTreeMap<u64, Duration>>,
    shortest: watch::Sender<Duration>,
    task: JoinHandle<()>,
}

/// When a group is polled.
struct Schedule {
    pace: watch::Receiver<Duration>,
    hurry: Arc<Notify>,
    first: Instant,
}

/// Asks for a poll of one group before it is due.
#[derive(Clone, Debug, Default)]
pub struct Hurry(Arc<Notify>);

impl Hurry {
    /// Asks for a poll now: it begins at once, or one second after the last one ended. All who look
    /// at the group hear of it.
    pub fn poll(&self) {
        self.0.notify_one();
    }
}

/// One reader of a sampler. The sampler stops when its last subscription is dropped.
pub struct Subscription {
    sampler: Arc<Sampler>,
    newest: watch::Receiver<Option<Polled>>,
    /// When the poll of the last returned outcome began.
    begun: Option<Instant>,
    number: u64,
}

/// The sampler's task has ended although it was subscribed to: a bug or a runtime shutting down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sampler of this consumer group has stopped; subscribe again")]
pub struct SamplerStopped;

impl Samplers {
    /// Samplers of real clusters, with all clients in this process, which a broker may end by what
    /// it answers. `clock` dates the snapshots.
    #[must_use]
    pub fn new(clock: fn() -> Millis) -> Self {
        Self::with_connector(move |cluster| {
            let client = KafkaClient::connect(cluster, clock, traced())?;
            Ok(Arc::new(client) as Arc<dyn GroupSource>)
        })
    }

    /// Samplers of real clusters, each of which has a process of its own for its client: `program`,
    /// which must [`serve`](crate::serve). What processes tell beside samples goes to `notices`.
    #[must_use]
    pub fn in_processes(program: Program, notices: Notices) -> Self {
        let processes = Processes::new(program, notices);
        Self::with_connector(move |cluster| {
            Ok(Arc::new(processes.source(cluster)) as Arc<dyn GroupSource>)
        })
    }

    /// Samplers of whatever `connect` returns. It is called once for each cluster and credentials
    /// in use, and again after they were out of use.
    #[must_use]
    pub fn with_connector(
        connect: impl Fn(&ClusterConfig) -> Result<Arc<dyn GroupSource>, SampleError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                connect: Box::new(connect),
                begun: Instant::now(),
                sources: Mutex::default(),
                samplers: Mutex::default(),
                next_first: Mutex::default(),
            }),
        }
    }

    /// Joins the sampler of this group, or starts it. It polls at the shortest interval of its
    /// subscriptions; `interval` is brought into 1 s to 60 s.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn subscribe(
        &self,
        cluster: ClusterConfig,
        group: &str,
        topics: Topics,
        interval: Duration,
    ) -> Subscription {
        let interval = interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        let key = SamplerKey { cluster, group: group.to_owned(), topics };
        let mut samplers = self.shared.samplers.lock();
        samplers.retain(|_, sampler| sampler.strong_count() > 0);
        let running = samplers
            .get(&key)
            .and_then(Weak::upgrade)
            .filter(|sampler| !sampler.task.is_finished());
        let sampler = running.unwrap_or_else(|| {
            let key = Arc::new(key);
            let sampler = Arc::new(self.start(Arc::clone(&key), interval));
            samplers.insert(key, Arc::downgrade(&sampler));
            sampler
        });
        drop(samplers);
        let number = sampler.join(interval);
        Subscription { newest: sampler.newest.clone(), sampler, begun: None, number }
    }

    fn start(&self, key: Arc<SamplerKey>, interval: Duration) -> Sampler {
        let (publish, newest) = watch::channel(None);
        let (shortest, pace) = watch::channel(interval);
        let (shared, first) = (Arc::clone(&self.shared), self.shared.first_poll());
        let first = self.shared.together(first, interval);
        let hurry = Arc::new(Notify::new());
        let when = Schedule { pace, hurry: Arc::clone(&hurry), first };
        let task = tokio::spawn(async move {
            tokio::time::sleep_until(first).await;
            poll(shared, key, when, publish).await;
        });
        Sampler { newest, hurry, intervals: Mutex::default(), shortest, task }
    }
}

impl fmt::Debug for Samplers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samplers").finish_non_exhaustive()
    }
}

impl Shared {
    /// When the next new sampler polls first: at once, unless many begin together.
    fn first_poll(&self) -> Instant {
        let (now, mut next) = (Instant::now(), self.next_first.lock());
        let first = next.map_or(now, |it| it.max(now));
        *next = Some(first + FIRST_POLLS_APART);
        first
    }

    /// The next time from `at` on at which groups of this interval are polled together.
    fn together(&self, at: Instant, interval: Duration) -> Instant {
        if interval < UNALIGNED_BELOW {
            return at;
        }
        let since = at.saturating_duration_since(self.begun);
        let beyond = since.as_nanos() % POLLED_TOGETHER.as_nanos();
        let beyond = Duration::from_nanos(u64::try_from(beyond).unwrap_or(0));
        if beyond.is_zero() { at } else { at + POLLED_TOGETHER.saturating_sub(beyond) }
    }

    /// The connection to this cluster with these credentials, shared while anyone uses it.
    fn source(&self, cluster: &ClusterConfig) -> Result<Arc<dyn GroupSource>, SampleError> {
        let mut sources = self.sources.lock();
        sources.retain(|_, source| source.strong_count() > 0);
        if let Some(source) = sources.get(cluster).and_then(Weak::upgrade) {
            return Ok(source);
        }
        let source = (self.connect)(cluster)?;
        sources.insert(cluster.clone(), Arc::downgrade(&source));
        Ok(source)
    }
}

impl Sampler {
    fn join(&self, interval: Duration) -> u64 {
        let mut intervals = self.intervals.lock();
        let number = intervals.last_key_value().map_or(0, |(last, _)| last + 1);
        intervals.insert(number, interval);
        self.set_pace(&intervals);
        number
    }

    fn leave(&self, number: u64) {
        let mut intervals = self.intervals.lock();
        intervals.remove(&number);
        self.set_pace(&intervals);
    }

    fn set_pace(&self, intervals: &BTreeMap<u64, Duration>) {
        let Some(wanted) = intervals.values().min().copied() else { return };
        self.shortest.send_if_modified(|pace| std::mem::replace(pace, wanted) != wanted);
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Subscription {
    /// The newest outcome, or `None` before the first one.
    #[must_use]
    pub fn latest(&self) -> Option<Sample> {
        self.newest.borrow().as_ref().map(|it| Arc::clone(&it.sample))
    }

    /// How long ago the poll began whose outcome [`Self::changed`] returned last: it shows nothing
    /// older.
    #[must_use]
    pub fn begun_ago(&self) -> Option<Duration> {
        self.begun.map(|it| it.elapsed())
    }

    /// What asks for a poll of this group, apart from the subscription that waits for its outcome.
    #[must_use]
    pub fn hurry(&self) -> Hurry {
        Hurry(Arc::clone(&self.sampler.hurry))
    }

    /// Waits for an outcome that this subscription has not returned from here yet, and returns
    /// the newest; older ones in between are skipped. Cancel safe.
    ///
    /// # Errors
    /// [`SamplerStopped`] when no further one can come.
    pub async fn changed(&mut self) -> Result<Sample, SamplerStopped> {
        loop {
            self.newest.changed().await.map_err(|_| SamplerStopped)?;
            if let Some(polled) = self.newest.borrow_and_update().clone() {
                self.begun = Some(polled.begun);
                return Ok(polled.sample);
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.sampler.leave(self.number);
    }
}

/// Takes snapshots until the sampler is dropped; never two at a time.
async fn poll(
    shared: Arc<Shared>,
    key: Arc<SamplerKey>,
    when: Schedule,
    publish: watch::Sender<Option<Polled>>,
) {
    let Schedule { mut pace, hurry, first } = when;
    let mut source = None;
    let mut failures = 0;
    let mut planned = first;
    loop {
        // A timer that fires late must not delay all polls after this one.
        let now = Instant::now();
        let started = if now < planned + POLLED_TOGETHER { planned } else { now };
        let begun = Instant::now();
        let outcome = sample(&shared, &key, &mut source).await;
        failures = match &outcome {
            Ok(_) => 0,
            Err(error) if error.is_answer() => 0,
            Err(error) => {
                tracing::debug!(group = key.group, %error, failures, "no snapshot");
                failures + 1
            }
        };
        publish.send_replace(Some(Polled { sample: Arc::new(outcome), begun }));
        // After a slow answer, a breath: the cluster is already struggling.
        let earliest = Instant::now() + SHORTEST_INTERVAL;
        loop {
            let interval = *pace.borrow_and_update();
            let due = earliest.max(started + pause(interval, failures));
            planned = shared.together(due, interval);
            tokio::select! {
                () = tokio::time::sleep_until(planned) => break,
                () = hurry.notified() => {
                    planned = earliest;
                    tokio::time::sleep_until(earliest).await;
                    break;
                }
                changed = pace.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// One snapshot; connects first if that has not succeeded yet.
async fn sample(
    shared: &Shared,
    key: &SamplerKey,
    source: &mut Option<Arc<dyn GroupSource>>,
) -> Result<GroupSnapshot, SampleError> {
    let source = match source {
        Some(source) => source,
        None => source.insert(shared.source(&key.cluster)?),
    };
    source.sample(&key.group, &key.topics).await
}

/// Time from the start of one poll to the start of the next; doubles with each failure in a row.
fn pause(interval: Duration, failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    interval.saturating_mul(factor).min(LONGEST_BACKOFF.max(interval))
}

#[cfg(test)]
mod tests;
