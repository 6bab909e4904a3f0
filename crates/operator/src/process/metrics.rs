//! What the operator counts about itself, as Prometheus reads it.
//! Labels take values from closed sets only; nothing here is read back to decide anything.

use std::fmt;
use std::sync::Arc;
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
use strum::IntoEnumIterator;

/// Seconds. A pass at rest takes some 5 ms; 30 s is the longest that one may take.
const PASS_SECONDS: [f64; 12] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The media type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of the process. Cheap to clone: every clone counts into the same numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
}

/// What kind of object was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::EnumIter)]
pub enum Written {
    /// The spec or metadata of a `CanaryRollout`.
    CanaryRollout,
    /// The status of a `CanaryRollout`.
    CanaryRolloutStatus,
    /// A target, primary or canary.
    Deployment,
    /// A frozen template.
    ControllerRevision,
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
    replicas_conflicts: Counter,
    api_writes: Labeled<Counter>,
    samples: Labeled<Counter>,
    readings: Labeled<Counter>,
    verdicts: Labeled<Counter>,
    events: Labeled<Counter>,
    trace_files: Labeled<Counter>,
    leader: Gauge,
}

/// The one label of a family: its key, and a name in the code, so that the number of values is
/// known.
type Label = [(&'static str, &'static str); 1];

/// Numbers told apart by one label.
#[derive(Debug)]
struct Labeled<M> {
    key: &'static str,
    family: Family<Label, M>,
}

impl<M: Clone + Default> Labeled<M> {
    fn by(key: &'static str) -> Self {
        Self { key, family: Family::default() }
    }

    fn of(&self, value: impl Into<&'static str>) -> M {
        self.family.get_or_create(&[(self.key, value.into())]).clone()
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut shared = Shared {
            registry: Registry::with_prefix("siskin"),
            transitions: Labeled::by("phase"),
            effects: Labeled::by("effect"),
            pass_seconds: Histogram::new(PASS_SECONDS),
            pass_errors: Labeled::by("step"),
            rollouts: Labeled::by("phase"),
            replicas_conflicts: Counter::default(),
            api_writes: Labeled::by("kind"),
            samples: Labeled::by("outcome"),
            readings: Labeled::by("outcome"),
            verdicts: Labeled::by("verdict"),
            events: Labeled::by("outcome"),
            trace_files: Labeled::by("outcome"),
            leader: Gauge::default(),
        };
        shared.register();
        let metrics = Self { shared: Arc::new(shared) };
        metrics.rollouts([]);
        metrics
    }

    /// A rollout entered `phase`.
    pub fn transition(&self, phase: Phase) {
        self.shared.transitions.of(phase).inc();
    }

    /// An effect was made.
    pub fn effect(&self, effect: impl Into<&'static str>) {
        self.shared.effects.of(effect).inc();
    }

    /// A pass over one rollout took this long, failed or not.
    pub fn pass(&self, took: Duration) {
        self.shared.pass_seconds.observe(took.as_secs_f64());
    }

    /// A pass failed; the variant of the error says at which step.
    pub fn pass_failed(&self, error: impl Into<&'static str>) {
        self.shared.pass_errors.of(error).inc();
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
            self.shared.rollouts.of(phase).set(count);
        }
    }

    /// A target had pods again and was drained.
    pub fn replicas_conflict(&self) {
        self.shared.replicas_conflicts.inc();
    }

    /// A write was sent, whatever its answer.
    pub fn api_write(&self, kind: Written) {
        self.shared.api_writes.of(kind).inc();
    }

    /// A source was asked for a sample; the variant says how that ended.
    pub fn sample(&self, outcome: impl Into<&'static str>) {
        self.shared.samples.of(outcome).inc();
    }

    /// The pods' metrics were read beside a sample; the variant says how that ended.
    pub fn reading(&self, outcome: impl Into<&'static str>) {
        self.shared.readings.of(outcome).inc();
    }

    /// The judge gave a verdict.
    pub fn verdict(&self, verdict: Verdict) {
        let name = match verdict {
            Verdict::Pass => "Pass",
            Verdict::Fail => "Fail",
            Verdict::Inconclusive => "Inconclusive",
        };
        self.shared.verdicts.of(name).inc();
    }

    /// An Event was published, or not.
    pub fn event(&self, outcome: Publication) {
        self.shared.events.of(outcome).inc();
    }

    /// So many traces were stored, or not.
    pub fn trace_files(&self, outcome: Storing, count: u64) {
        self.shared.trace_files.of(outcome).inc_by(count);
    }

    /// Whether this process leads.
    pub fn leader(&self, leads: bool) {
        self.shared.leader.set(i64::from(leads));
    }

    /// The numbers, in the text format of [`CONTENT_TYPE`].
    ///
    /// # Errors
    /// If a number can't be formatted, which a `String` never causes.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.shared.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    // OpenMetrics appends `_total` to counters and `_info` to infos.
    fn register(&mut self) {
        let to = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        to.register("build", "The version of the operator", build);
        to.register("leader", "1 while this process leads", self.leader.clone());
        to.register("rollouts", "CanaryRollouts by phase", self.rollouts.family.clone());
        to.register("transitions", "Phases entered", self.transitions.family.clone());
        to.register("effects", "Effects made", self.effects.family.clone());
        to.register("pass_seconds", "Time of a pass over one rollout", self.pass_seconds.clone());
        to.register("pass_errors", "Passes that failed, by step", self.pass_errors.family.clone());
        to.register(
            "target_replicas_conflict",
            "Times that a target had pods again and was drained",
            self.replicas_conflicts.clone(),
        );
        to.register("api_writes", "Writes sent, by kind of object", self.api_writes.family.clone());
        to.register(
            "samples",
            "Samples asked of a source, by outcome",
            self.samples.family.clone(),
        );
        let help = "Readings of the pods' own metrics, by outcome";
        to.register("readings", help, self.readings.family.clone());
        to.register("verdicts", "Verdicts of the judge", self.verdicts.family.clone());
        to.register("events", "Events, by what became of them", self.events.family.clone());
        let help = "Traces to be stored in files, by what became of them";
        to.register("trace_files", help, self.trace_files.family.clone());
    }
}

#[cfg(test)]
mod tests;
