//! What one record teaches of a healthy primary, as a judge would learn it: a spell of the memory.
//! Of a canary it learns nothing, and while one is there little of the primary.

use std::sync::Arc;

use crate::counters::kind::Kind;
use crate::normal::learn::learn;
use crate::numbers::Millis;
use crate::observation::record::Record;
use crate::observation::{Observation, Role};
use crate::settings::remembered::Remembered;
use crate::settings::{MinimumEvidence, Settings};
use crate::signals::Signals;
use crate::signals::lag::{Budget, Lag};
use crate::signals::ratio::{LearnedCounts, RatioSignal};

/// Shortest record that makes a spell: margins need about ten minutes of the primary.
const SHORTEST_SPELL: Millis = 540_000;
/// Fewest events that say how much pods differ: of a quiet night nothing is learned for the day.
const ENOUGH_EVENTS: f64 = 100.0;

/// What was seen of a primary for some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spell {
    pub(super) commit_gap: Option<Millis>,
    /// `None`: no pod started.
    pub(super) warm_up: Option<Millis>,
    pub(super) errors: Option<LearnedCounts>,
    pub(super) loss: Option<LearnedCounts>,
    pub(super) latency: Option<LearnedCounts>,
}

/// When a record begins and ends; `None`: it is too short to teach anything.
pub(super) fn span(record: &Record) -> Option<(Millis, Millis)> {
    let begin = record.observations().next()?.at;
    let end = record.latest()?.at;
    (SHORTEST_SPELL <= end.saturating_sub(begin)).then_some((begin, end))
}

impl Spell {
    /// What a record shows.
    pub(super) fn of(interval: Millis, record: &Record) -> Self {
        let settings = Settings {
            interval,
            warm_up: 0,
            false_rollback_probability: 0.5,
            minimum_evidence: MinimumEvidence::Proven,
            user: Arc::default(),
            remembered: Remembered::default(),
        };
        let settings = settings.sane();
        let lesson = learn(&settings, record);
        let margins = lesson.margins;
        let warm_up = Some(margins.warm_up).filter(|span| 0 < *span);
        if record.observations().any(|seen| has_canary(&seen)) {
            return Self { warm_up, ..Self::default() };
        }
        let budget = Budget::of(&settings, 0);
        let lag = Lag::new(budget, margins, lesson.capacity, lesson.tolerance);
        let signals = Signals::learn(&settings, record, lag);
        let learned = |kind| signals.ratio(kind).map(RatioSignal::learned);
        let counts = |kind| learned(kind).filter(|it| ENOUGH_EVENTS <= it.events);
        Self {
            commit_gap: margins.commit_gap,
            warm_up,
            errors: counts(Kind::Errors),
            loss: counts(Kind::Loss),
            latency: counts(Kind::Latency),
        }
    }
}

/// Whether anything of a canary is there: its partitions come from, and go to, the primary.
fn has_canary(seen: &Observation) -> bool {
    let members = seen.group.as_ref().map_or(0, |group| group.members.canary);
    0 < members || seen.pods.iter().any(|pod| pod.role == Role::Canary)
}
