//! What is simulated: the group, its traffic, what is wrong with the canary and when.
//! Only data; `world` brings it to life.

use crate::mechanism::Mechanism;
use crate::set::Set;

/// A scenario of the benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name in all tables.
    pub name: &'static str,
    /// The set that it is run with.
    pub set: Set,
    /// Whether the canary is at fault.
    pub bad: bool,
    /// What makes a healthy canary look different from the primary.
    pub mechanism: Mechanism,
    /// Pods of the group. The last ones become the canary.
    pub pods: usize,
    /// Partitions of the group.
    pub partitions: usize,
    /// Pods of the canary at the first and at the second step.
    pub canaries: [usize; 2],
    /// Seconds of record before the trial.
    pub record: i64,
    /// Seconds before that record of which only a memory is left.
    pub remembered: i64,
    /// The judge's setting `warmUp`, in seconds.
    pub warm_up: i64,
    /// Part of the group's capacity that arrives.
    pub load: f64,
    /// Messages per second that an average pod can take.
    pub capacity: f64,
    /// Seconds between commits of a pod.
    pub commit: i64,
    /// Seconds that a commit may take longer, each time anew.
    pub commit_spread: i64,
    /// When a pod's commits are due.
    pub phase: CommitPhase,
    /// Standard deviation of ln of the partitions' weights.
    pub skew: f64,
    /// Errors per message.
    pub errors: f64,
    /// Standard deviation of ln of the partitions' error rates.
    pub error_skew: f64,
    /// Errors come in batches of this many.
    pub batch: f64,
    /// Whether the sizes of these batches have a heavy tail (Pareto, exponent 1.5, that mean).
    pub heavy_tail: bool,
    /// Standard deviation of ln of the pods' speeds by the nodes they run on; a new pod has another.
    pub node_spread: f64,
    /// Standard deviation of ln of the CPU that a message takes, by the node and from minute to minute.
    pub cpu_spread: f64,
    pub cpu_wander: f64,
    /// Standard deviation of ln of the partitions' processing times. They take longer and not more of
    /// a pod's capacity, as calls do that wait for somebody.
    pub cost_spread: f64,
    /// Processing time of every third partition's messages, times the others'.
    pub dear: f64,
    /// Standard deviation of ln of a pod's error rate and slowness, which forget in ten minutes.
    pub wander: f64,
    /// Whether partitions are dealt anew when the canary joins.
    pub reshuffled: bool,
    /// When pods count what became of messages.
    pub counting: Counting,
    /// How traffic changes.
    pub traffic: Traffic,
    /// What offsets count.
    pub offsets: Offsets,
    /// The nodes that the pods run on.
    pub node: Node,
    /// What all pods' processing depends on.
    pub dependency: Dependency,
    /// How a new pod starts.
    pub start: Start,
    /// What healthy pods go through.
    pub trouble: HealthyTrouble,
    /// What is wrong, or only looks so.
    pub fault: Fault,
    /// Seconds into the trial when it begins.
    pub onset: i64,
    /// What becomes of observations on their way to the judge.
    pub source: Source,
}

impl Scenario {
    /// The index of the canary's first pod.
    pub const fn canary(&self) -> usize {
        self.pods - 1
    }

    /// Whether messages of some partitions take longer.
    pub fn costs_differ(&self) -> bool {
        self.cost_spread > 0.0 || self.dear > 1.0
    }
}

/// When a pod's commits are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitPhase {
    /// At the pod's own time, whatever happens to the group.
    Own,
    /// So long after each rebalance: all pods commit in the same second.
    Rebalance,
}

/// How a new pod starts: the part of its speed that it has at an age.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// With all of it.
    Full,
    /// With a part of it for some seconds, and then with all.
    Plateau { part: f64, seconds: i64 },
    /// With a part that grows evenly for some seconds.
    Ramp { part: f64, seconds: i64 },
    /// With a part whose distance to the whole falls by 63 % in so many seconds. In reality: a cache.
    Cache { part: f64, seconds: f64 },
    /// Not before an age in seconds. In reality: it restores its state first.
    Late(i64),
}

/// What healthy pods go through, canary and primary alike. In reality: garbage collections, flaky
/// dependencies, autoscalers, deployments of others. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HealthyTrouble {
    /// Nothing.
    None,
    /// Each pod is blocked now and then, once in `every` seconds on average.
    Blocks { every: f64, seconds: i64 },
    /// Each pod has so many times the errors now and then.
    ErrorBursts { every: f64, seconds: i64, times: f64 },
    /// One partition's messages have so many times the errors, once in the first 16 minutes.
    BadPartition { seconds: i64, times: f64 },
    /// Each pod works by this part slower for half of a period, and faster for the other half; no two
    /// begin at once.
    Swings { part: f64, period: i64 },
    /// All pods work at this part of their speed for a while, ten minutes into the trial.
    SlowForAll { part: f64, seconds: i64 },
    /// The canary's container restarts once, at this age.
    OneRestart(i64),
    /// Each pod's container restarts now and then, once in so many seconds on average.
    Restarts(f64),
    /// A primary pod is replaced in this second, before or in the trial.
    Replaced(i64),
    /// The group gets another pod in this period, until it has doubled.
    MorePods(i64),
    /// The group rebalances in this period, and each pod throws away up to so many messages that it
    /// took and will read again.
    Rebalances { period: i64, discards: f64 },
    /// Each pod's memory grows by so many MiB in its first half hour, and then no more.
    CacheFills(f64),
}

/// When pods count what became of messages. What they consume is counted as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// With each message.
    Message,
    /// When a batch is committed. In reality: a batch listener, or a writer that flushes on a timer.
    /// Until then all of the batch is consumed and neither processed nor failed, as if it was lost.
    Batch,
}

/// How traffic changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Traffic {
    /// Not at all.
    Steady,
    /// ±30 % over 40 min.
    Diurnal,
    /// Twice as much for 2 min, 10 min into the trial.
    Burst,
    /// Half of it comes from eight producers, each with one key, which write for 20 s and then rest
    /// for 60 s. In reality: batch jobs, imports, one large customer. A key has one partition, so a
    /// burst is four times an average partition's messages and more, on whoever owns it.
    FewKeys,
    /// All of it in the first `length` seconds of each period. In reality: cron.
    Cron { period: i64, length: i64 },
    /// Its logarithm swings by `reach` in a period of so many seconds.
    Swing { reach: f64, period: f64 },
}

/// What offsets count beside messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offsets {
    /// Nothing.
    Dense,
    /// Messages that the cleaner took away. In reality: a message goes when a newer one has its key,
    /// and those that stay keep their offsets, so a consumer sees offsets jump; by how much depends
    /// on how often keys are written, so it differs by partition. The newest segment isn't cleaned
    /// yet, so who keeps up sees less of it. Modelled at its worst: everything that is read is
    /// cleaned, to 30–90 % of its offsets by partition, wandering by 10 % over five minutes.
    Compacted,
    /// Markers of transactions. In reality: the end of a transaction takes an offset of its own, a
    /// consumer that reads committed messages sees none of a transaction before it has ended, and
    /// one that has read all stands before the last marker: a lag of one that never goes. Modelled
    /// as a transaction every 1–2 s per partition; one in 300 hangs for 20–40 s, holds back the last
    /// stable offset, and then releases all at once.
    Transactional,
}

/// The nodes that the pods run on. In reality: a neighbour without a CPU limit, or a throttled
/// disk, takes from all pods of a node at the same time, for a while, again and again. Modelled as
/// a neighbour that is busy for 90 s on average and idle as long, and leaves 70 % of the speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// Without neighbours.
    Fair,
    /// The canary and one primary pod share one with such a neighbour.
    Shared,
    /// The canary alone has such a neighbour. The version is as good as the old one, and yet this
    /// is listed with the faults: what a judge sees is a canary that is slower than every primary
    /// pod, and nothing that tells the node from the version. To pass it would be to promote
    /// against the evidence; to roll it back costs another attempt, on another node.
    CanaryAlone,
}

/// What all pods' processing depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// It answers.
    Steady,
    /// It fails for 3 s every two minutes, for both roles alike. In reality: a database fails over,
    /// the batch listener throws, and the whole batch is read again: messages are consumed twice and
    /// take their time twice, and some go to the dead letters together. Modelled as batches of 50 of
    /// which 30 % fail meanwhile; each is read again at once and leaves ten errors.
    Hiccups,
}

/// What the canary does differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Takes no message any more.
    Stall,
    /// One partition does not get past a message.
    Poison,
    /// Works at this part of its speed.
    Slow(f64),
    /// Works at this part of the rate at which its own messages arrive on average.
    Deficit(f64),
    /// Loses 1 % of its speed each minute.
    Leak,
    /// This many times as many errors, for so many seconds.
    Errors(f64, i64),
    /// Leaves the group every 40 s and joins again, with a pause for everyone each time.
    Storm,
    /// Needs 30 MiB more each minute.
    Memory,
    /// Takes this many times the CPU for a message for so many seconds, and no more time: there is CPU to
    /// spare.
    Cpu(f64, i64),
    /// Drops this part of the messages without a trace.
    Drops(f64),
    /// Commits this part of the messages without processing them.
    Skips(f64),
    /// Dies 20 s after each start, with growing pauses in between.
    CrashLoop,
    /// Messages of one partition take ten times as long.
    HotPartition,
    /// At half speed, getting faster for some minutes.
    WarmUp,
    /// One and a half times as fast.
    Faster,
    /// Its pod is replaced once.
    Eviction,
    /// The group rebalances every 2 min because primary pods are replaced one by one.
    Rolling,
    /// All pods fail.
    Everyone,
    /// Runs in another zone than the brokers and what it writes to. In reality: each round trip
    /// takes a few milliseconds more, whatever the version does. Modelled as a constant tenth of the
    /// usual processing time on top (3 ms where 30 ms are usual), and commits every 6 s, not 5.
    FarZone,
    /// Commits 5 s later than the old version did. In reality: a larger batch, a slower timer. With
    /// outcomes counted by the batch twice as many messages look lost, until the batch ends.
    LargerBatches,
    /// Aborts each transaction, in a loop. In reality: an exactly-once consumer whose transactional
    /// id is fenced or whose work outlasts the transaction's timeout; it processes, aborts, and goes
    /// back to the committed offset. Modelled like that: counters rise as if all was well.
    Aborts,
    /// Processes each batch twice. In reality: the first attempt runs into a short timeout, the
    /// batch is read again. Half of the speed is lost, what is consumed doubles, and nothing fails
    /// for good, so that error rates stay. Modelled like that.
    Retries,
    /// Stops for 5 s every 30 s. In reality: a heap that is too small for the new version, or a
    /// memory limit near swap; the collector stops the world. Shorter than the session's timeout, so
    /// the group keeps the member. Modelled as a sixth of the time in which the pod does nothing.
    Pauses,
    /// Processes this part of the messages a second time. In reality: offsets that are committed
    /// too late or by another thread, seeks after errors; every repeated message is a duplicate for
    /// whoever is downstream. Modelled as more that is consumed and processed than is committed.
    Reprocesses(f64),
}

/// What becomes of observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// They arrive.
    Steady,
    /// None of Kafka or metrics for ten minutes.
    Outage,
    /// Every fourth scrape of a pod is missing.
    Gaps,
    /// Counters of one pod after the other begin anew, with a restart that is older than the trial.
    Resets,
    /// The operator is replaced in the middle and resumes from what it saved.
    Restart,
}
