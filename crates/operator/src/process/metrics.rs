//! What the operator counts about itself, as Prometheus reads it.
//! Labels take values from closed sets only; nothing here is read back to decide anything.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use siskin_analysis::Verdict;
use siskin_api::Phase;
use siskin_kafka::UnreadReason;
use strum::IntoEnumIterator;

pub mod endings;
mod register;
pub mod shown;

use endings::Endings;
use register::{Labeled, by_outcome, histogram, labeled, one};
use shown::{Shown, Shows};

/// Seconds. A pass at rest takes some 5 ms; 30 s is the longest that one may take.
const PASS_SECONDS: [f64; 12] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The media type of [`Metrics::encode`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of the process. Cheap to clone: every clone counts into the same numbers.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Shared>);

/// What kind of object was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumIter)]
pub enum Written {
    /// The spec or metadata of a `CanaryRollout`.
    CanaryRollout,
    /// The status of a `CanaryRollout`.
    CanaryRolloutStatus,
    /// A target, primary or canary.
    Deployment,
    /// An autoscaler of Kubernetes.
    HorizontalPodAutoscaler,
    /// An autoscaler of KEDA.
    ScaledObject,
    /// A frozen template.
    ControllerRevision,
    /// What the admission guard keeps drained.
    CanaryGuard,
    /// Replay ranges.
    ConfigMap,
    /// An Event.
    Event,
    /// The Lease of the leader election.
    Lease,
}

/// What became of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
pub enum Publication {
    /// The API server has it.
    Published,
    /// The API server refused it or did not answer.
    Failed,
    /// Too many were waiting.
    Dropped,
}

/// What became of a trace that was to be stored in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
pub enum Storing {
    /// The file has it.
    Written,
    /// It could not be written; it is tried again while memory has it.
    Failed,
    /// Memory has it no more: it is lost.
    Dropped,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    transitions: Labeled<Counter>,
    effects: Labeled<Counter>,
    pass_seconds: Histogram,
    pass_errors: Labeled<Counter>,
    rollouts: Labeled<Gauge>,
    shows: Shows,
    endings: Endings,
    replicas_conflicts: Counter,
    api_writes: Labeled<Counter>,
    api_requests: Family<Answered, Counter>,
    samples: Labeled<Counter>,
    unread: Labeled<Counter>,
    sampler_crashes: Counter,
    readings: Labeled<Counter>,
    verdicts: Labeled<Counter>,
    events: Labeled<Counter>,
    trace_files: Labeled<Counter>,
    leader: Gauge,
    takeover_seconds: Gauge<f64, AtomicU64>,
}

/// A request's verb, and the code of its answer.
type Answered = [(&'static str, Cow<'static, str>); 2];

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        // OpenMetrics appends `_total` to counters and `_info` to infos.
        let mut to = Registry::with_prefix("siskin");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        to.register("build", "The version of the operator", build);
        let leader: Gauge = one(&mut to, "leader", "1 while this process leads");
        let shows = Shows::new(leader.clone());
        to.register_collector(Box::new(shows.clone()));
        // Fields are registered in this order, which is that of the text.
        let metrics = Self(Arc::new(Shared {
            leader,
            takeover_seconds: one(
                &mut to,
                "takeover_seconds",
                "Time from this process's lease until every CanaryRollout was looked at; 0 before",
            ),
            rollouts: labeled(&mut to, "rollouts", "CanaryRollouts by phase", "phase"),
            transitions: labeled(&mut to, "transitions", "Phases entered", "phase"),
            effects: labeled(&mut to, "effects", "Effects made", "effect"),
            endings: Endings::new(&mut to),
            pass_seconds: histogram(
                &mut to,
                "pass_seconds",
                "Time of a pass over one rollout",
                PASS_SECONDS,
            ),
            pass_errors: labeled(&mut to, "pass_errors", "Passes that failed, by step", "step"),
            replicas_conflicts: one(
                &mut to,
                "target_replicas_conflict",
                "Times that a target had pods again and was drained",
            ),
            api_writes: labeled(&mut to, "api_writes", "Writes sent, by kind of object", "kind"),
            api_requests: one(
                &mut to,
                "api_requests",
                "Requests to the API server, those of the lease aside, by verb and code",
            ),
            samples: by_outcome(&mut to, "samples", "Samples asked of a source, by outcome"),
            unread: labeled(
                &mut to,
                "partitions_unread",
                "Partitions whose leader gave no offset, sample by sample, by reason",
                "reason",
            ),
            sampler_crashes: one(
                &mut to,
                "sampler_crashes",
                "Processes of a Kafka client that ended by what a broker answered",
            ),
            readings: by_outcome(
                &mut to,
                "readings",
                "Readings of the pods' own metrics, by outcome",
            ),
            verdicts: labeled(&mut to, "verdicts", "Verdicts of the judge", "verdict"),
            events: by_outcome(&mut to, "events", "Events, by what became of them"),
            trace_files: by_outcome(
                &mut to,
                "trace_files",
                "Traces to be stored in files, by what became of them",
            ),
            shows,
            registry: to,
        }));
        metrics.rollouts([]);
        for reason in UnreadReason::iter() {
            metrics.unread(reason, 0);
        }
        metrics
    }

    /// A rollout entered `phase`.
    pub(crate) fn transition(&self, phase: Phase) {
        self.0.transitions.of(phase).inc();
    }

    /// An effect was made.
    pub(crate) fn effect(&self, effect: impl Into<&'static str>) {
        self.0.effects.of(effect).inc();
    }

    /// Every rollout was looked at, so long after this process began to lead.
    pub(crate) fn taken_over(&self, took: Duration) {
        self.0.takeover_seconds.set(took.as_secs_f64());
    }

    /// A pass over one rollout took this long, failed or not.
    pub(crate) fn pass(&self, took: Duration) {
        self.0.pass_seconds.observe(took.as_secs_f64());
    }

    /// A pass failed; the variant of the error says at which step.
    pub(crate) fn pass_failed(&self, error: impl Into<&'static str>) {
        self.0.pass_errors.of(error).inc();
    }

    /// The phases of all the rollouts there are, in any order.
    pub fn rollouts(&self, phases: impl IntoIterator<Item = Phase>) {
        let mut counts = Phase::iter().map(|phase| (phase, 0)).collect::<Vec<_>>();
        for phase in phases {
            for (counted, count) in &mut counts {
                *count += i64::from(*counted == phase);
            }
        }
        for (phase, count) in counts {
            self.0.rollouts.of(phase).set(count);
        }
    }

    /// Where all rollouts come from that are shown one by one.
    pub fn shows(&self, rollouts: impl Fn() -> Vec<Shown> + Send + Sync + 'static) {
        self.0.shows.from(Box::new(rollouts));
    }

    /// What is counted of rollouts that are over.
    pub(crate) fn endings(&self) -> &Endings {
        &self.0.endings
    }

    /// A target had pods again and was drained.
    pub(crate) fn replicas_conflict(&self) {
        self.0.replicas_conflicts.inc();
    }

    /// A write was sent, whatever its answer.
    pub(crate) fn api_write(&self, kind: Written) {
        self.0.api_writes.of(kind).inc();
    }

    /// The API server was asked, and answered with this code; without one nothing came back.
    pub fn api_request(&self, verb: &'static str, code: Option<u16>) {
        let code = code.map_or(Cow::Borrowed("none"), |it| Cow::Owned(it.to_string()));
        self.0.api_requests.get_or_create(&[("verb", Cow::Borrowed(verb)), ("code", code)]).inc();
    }

    /// A source was asked for a sample; the variant says how that ended.
    pub(crate) fn sample(&self, outcome: impl Into<&'static str>) {
        self.0.samples.of(outcome).inc();
    }

    /// Leaders of so many partitions gave no offset in a sample.
    pub fn unread(&self, reason: UnreadReason, partitions: usize) {
        self.0.unread.of(reason).inc_by(u64::try_from(partitions).unwrap_or(u64::MAX));
    }

    /// The process of a Kafka client ended without being told to.
    pub fn sampler_crashed(&self) {
        self.0.sampler_crashes.inc();
    }

    /// The pods' metrics were read beside a sample; the variant says how that ended.
    pub(crate) fn reading(&self, outcome: impl Into<&'static str>) {
        self.0.readings.of(outcome).inc();
    }

    /// The judge gave a verdict.
    pub(crate) fn verdict(&self, verdict: Verdict) {
        let name = match verdict {
            Verdict::Pass => "Pass",
            Verdict::Fail => "Fail",
            Verdict::Inconclusive => "Inconclusive",
        };
        self.0.verdicts.of(name).inc();
    }

    /// An Event was published, or not.
    pub(crate) fn event(&self, outcome: Publication) {
        self.0.events.of(outcome).inc();
    }

    /// So many traces were stored, or not.
    pub(crate) fn trace_files(&self, outcome: Storing, count: u64) {
        self.0.trace_files.of(outcome).inc_by(count);
    }

    /// Whether this process leads.
    pub fn leader(&self, leads: bool) {
        self.0.leader.set(i64::from(leads));
    }

    /// The numbers, in the text format of [`CONTENT_TYPE`].
    pub(crate) fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
