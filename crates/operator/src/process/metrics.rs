//! What the operator counts about itself, as Prometheus reads it.
//! Labels take values from closed sets only; nothing here is read back to decide anything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use siskin_analysis::Verdict;
use siskin_api::Phase;

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

/// An enum whose variant names are the values of a label, so that their number is known.
///
/// With `#[derive(strum::IntoStaticStr)]` the one method is `self.into()`.
pub trait ClosedSet {
    /// The name of the variant, without its fields.
    fn variant(&self) -> &'static str;
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
    transitions: Family<ByPhase, Counter>,
    effects: Family<ByEffect, Counter>,
    pass_seconds: Histogram,
    pass_errors: Family<ByStep, Counter>,
    rollouts: Family<ByPhase, Gauge>,
    replicas_conflicts: Counter,
    api_writes: Family<ByKind, Counter>,
    samples: Family<ByOutcome, Counter>,
    readings: Family<ByOutcome, Counter>,
    verdicts: Family<ByVerdict, Counter>,
    events: Family<ByOutcome, Counter>,
    trace_files: Family<ByOutcome, Counter>,
    leader: Gauge,
}

/// A label value; comes out of a [`ClosedSet`] and of nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Variant(&'static str);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByPhase {
    phase: Variant,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByEffect {
    effect: Variant,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStep {
    step: Variant,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByKind {
    kind: Variant,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    outcome: Variant,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByVerdict {
    verdict: Variant,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut shared = Shared {
            registry: Registry::with_prefix("siskin"),
            transitions: Family::default(),
            effects: Family::default(),
            pass_seconds: Histogram::new(PASS_SECONDS),
            pass_errors: Family::default(),
            rollouts: Family::default(),
            replicas_conflicts: Counter::default(),
            api_writes: Family::default(),
            samples: Family::default(),
            readings: Family::default(),
            verdicts: Family::default(),
            events: Family::default(),
            trace_files: Family::default(),
            leader: Gauge::default(),
        };
        shared.register();
        let metrics = Self { shared: Arc::new(shared) };
        metrics.rollouts([]);
        metrics
    }

    /// A rollout entered `phase`.
    pub fn transition(&self, phase: Phase) {
        self.shared.transitions.get_or_create(&ByPhase { phase: Variant::of(&phase) }).inc();
    }

    /// An effect was made.
    pub fn effect<E: ClosedSet>(&self, effect: &E) {
        self.shared.effects.get_or_create(&ByEffect { effect: Variant::of(effect) }).inc();
    }

    /// A pass over one rollout took this long, failed or not.
    pub fn pass(&self, took: Duration) {
        self.shared.pass_seconds.observe(took.as_secs_f64());
    }

    /// A pass failed; the variant of the error says at which step.
    pub fn pass_failed<E: ClosedSet>(&self, error: &E) {
        self.shared.pass_errors.get_or_create(&ByStep { step: Variant::of(error) }).inc();
    }

    /// The phases of all the rollouts there are, in any order.
    pub fn rollouts(&self, phases: impl IntoIterator<Item = Phase>) {
        let mut counts = PHASES.map(|phase| (phase, 0));
        for phase in phases {
            for (counted, count) in &mut counts {
                *count += i64::from(*counted == phase);
            }
        }
        for (phase, count) in counts {
            self.shared.rollouts.get_or_create(&ByPhase { phase: Variant::of(&phase) }).set(count);
        }
    }

    /// A target had pods again and was drained.
    pub fn replicas_conflict(&self) {
        self.shared.replicas_conflicts.inc();
    }

    /// A write was sent, whatever its answer.
    pub fn api_write(&self, kind: Written) {
        self.shared.api_writes.get_or_create(&ByKind { kind: Variant::of(&kind) }).inc();
    }

    /// A source was asked for a sample; the variant says how that ended.
    pub fn sample<E: ClosedSet>(&self, outcome: &E) {
        self.shared.samples.get_or_create(&ByOutcome { outcome: Variant::of(outcome) }).inc();
    }

    /// The pods' metrics were read beside a sample; the variant says how that ended.
    pub fn reading<E: ClosedSet>(&self, outcome: &E) {
        self.shared.readings.get_or_create(&ByOutcome { outcome: Variant::of(outcome) }).inc();
    }

    /// The judge gave a verdict.
    pub fn verdict(&self, verdict: Verdict) {
        self.shared.verdicts.get_or_create(&ByVerdict { verdict: Variant::of(&verdict) }).inc();
    }

    /// An Event was published, or not.
    pub fn event(&self, outcome: Publication) {
        self.shared.events.get_or_create(&ByOutcome { outcome: Variant::of(&outcome) }).inc();
    }

    /// So many traces were stored, or not.
    pub fn trace_files(&self, outcome: Storing, count: u64) {
        let by_outcome = ByOutcome { outcome: Variant::of(&outcome) };
        self.shared.trace_files.get_or_create(&by_outcome).inc_by(count);
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
        to.register("rollouts", "CanaryRollouts by phase", self.rollouts.clone());
        to.register("transitions", "Phases entered", self.transitions.clone());
        to.register("effects", "Effects made", self.effects.clone());
        to.register("pass_seconds", "Time of a pass over one rollout", self.pass_seconds.clone());
        to.register("pass_errors", "Passes that failed, by step", self.pass_errors.clone());
        to.register(
            "target_replicas_conflict",
            "Times that a target had pods again and was drained",
            self.replicas_conflicts.clone(),
        );
        to.register("api_writes", "Writes sent, by kind of object", self.api_writes.clone());
        to.register("samples", "Samples asked of a source, by outcome", self.samples.clone());
        let help = "Readings of the pods' own metrics, by outcome";
        to.register("readings", help, self.readings.clone());
        to.register("verdicts", "Verdicts of the judge", self.verdicts.clone());
        to.register("events", "Events, by what became of them", self.events.clone());
        let help = "Traces to be stored in files, by what became of them";
        to.register("trace_files", help, self.trace_files.clone());
    }
}

impl Variant {
    fn of(value: &impl ClosedSet) -> Self {
        Self(value.variant())
    }
}

impl EncodeLabelValue for Variant {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

const PHASES: [Phase; 10] = [
    Phase::Adopting,
    Phase::Initialized,
    Phase::Preparing,
    Phase::Progressing,
    Phase::Paused,
    Phase::Promoting,
    Phase::RollingBack,
    Phase::Succeeded,
    Phase::Failed,
    Phase::Terminating,
];

impl ClosedSet for Phase {
    fn variant(&self) -> &'static str {
        match self {
            Self::Adopting => "Adopting",
            Self::Initialized => "Initialized",
            Self::Preparing => "Preparing",
            Self::Progressing => "Progressing",
            Self::Paused => "Paused",
            Self::Promoting => "Promoting",
            Self::RollingBack => "RollingBack",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
        }
    }
}

impl ClosedSet for Verdict {
    fn variant(&self) -> &'static str {
        match self {
            Self::Pass => "Pass",
            Self::Fail => "Fail",
            Self::Inconclusive => "Inconclusive",
        }
    }
}

impl ClosedSet for Written {
    fn variant(&self) -> &'static str {
        self.into()
    }
}

impl ClosedSet for Storing {
    fn variant(&self) -> &'static str {
        self.into()
    }
}

impl ClosedSet for Publication {
    fn variant(&self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests;
