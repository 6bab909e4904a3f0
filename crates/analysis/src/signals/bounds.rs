//! Bounds that a user set: readings of the canary against them, and a count of those that fail.
//! No statistics, and outside the error budget; what follows is decided in `verdict`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::held::{Ends, Outcome, Reading, Values};
use crate::observation::{Millis, Observation, PodMetrics, PodObservation, Role};
use crate::saved::{Names, name};
use crate::{Against, Bound, Doubt, Effect, Fault, Signal, SignalReport, Threshold};

/// The bounds of one metric at work.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    metric: Arc<str>,
    ends: Ends,
    /// Failing readings that are tolerated.
    limit: u32,
    warm_up: Millis,
    /// Failing readings so far.
    failing: u32,
    /// The latest of them.
    breach: Option<Breach>,
    /// The latest reading with a value, and when it was.
    latest: Option<(Millis, Reading)>,
    /// Whether any pod of the primary before the trial, or of either role since, had a value.
    known: bool,
    /// Values that were no numbers.
    pub(crate) unreadable: u32,
}

/// A value beyond a bound, and whose.
#[derive(Clone, Debug)]
struct Breach {
    pod: Arc<str>,
    value: f64,
    bound: Bound,
}

/// Bounds as they are saved: the count, and what it would be told by.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedBounds {
    pub(super) name: Arc<str>,
    failing: u32,
    breach: Option<(u32, f64, Bound)>,
    known: bool,
}

impl Bounds {
    pub(crate) fn new(metric: Arc<str>, threshold: Threshold, warm_up: Millis) -> Self {
        let Threshold { min, max, failure_limit, against } = threshold;
        Self {
            metric,
            ends: Ends { lower: min.map(Bound::Min), upper: max.map(Bound::Max), against },
            limit: failure_limit,
            warm_up,
            failing: 0,
            breach: None,
            latest: None,
            known: false,
            unreadable: 0,
        }
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        *self.metric == *name
    }

    pub(crate) const fn against(&self) -> Against {
        self.ends.against
    }

    /// Notes whether a pod has a value.
    pub(crate) fn hear(&mut self, metrics: &PodMetrics) {
        self.known |= self.value(metrics).is_some();
    }

    /// Takes the reading of an observation; one without a value counts as nothing.
    pub(crate) fn take(&mut self, seen: &Observation) {
        for metrics in seen.pods.iter().filter_map(|pod| pod.metrics.as_ref()) {
            self.hear(metrics);
            let raw = metrics.user.get(&self.metric).and_then(|it| it.value);
            let wild = raw.is_some_and(|value| !value.is_finite());
            self.unreadable = self.unreadable.saturating_add(u32::from(wild));
        }
        let Some(reading) = self.ends.read(self.values(seen)) else { return };
        if let Outcome::Fails(bound) = reading.outcome {
            self.failing = self.failing.saturating_add(1);
            self.breach = Some(Breach { pod: reading.pod.clone(), value: reading.value, bound });
        }
        self.latest = Some((seen.at, reading));
    }

    /// What the pods show, as far as they are to be compared.
    fn values<'a>(&self, seen: &'a Observation) -> Values<'a> {
        let warm_before = seen.at.saturating_sub(self.warm_up);
        let counts =
            |pod: &&PodObservation| pod.ready && !pod.terminating && pod.created <= warm_before;
        let mut values = Values::default();
        for pod in seen.pods.iter().filter(counts) {
            let Some(value) = pod.metrics.as_ref().and_then(|it| self.value(it)) else { continue };
            match pod.role {
                Role::Canary => values.canary.push((&pod.name, value)),
                Role::Primary => values.primary.push(value),
            }
        }
        values
    }

    fn value(&self, metrics: &PodMetrics) -> Option<f64> {
        metrics.user.get(&self.metric)?.value.filter(|value| value.is_finite())
    }

    /// Times are wrong after the clock was set; the count is not.
    pub(crate) fn forget_times(&mut self) {
        self.latest = None;
    }

    /// More failing readings than are tolerated.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let Breach { pod, value, bound } = self.breach.as_ref()?;
        let limit = self.limit;
        (self.failing > limit).then(|| Fault::OutOfBounds {
            metric: self.metric.clone(),
            pod: pod.clone(),
            value: *value,
            bound: *bound,
            against: self.ends.against,
            readings: self.failing,
            limit,
        })
    }

    /// What stands against a Pass. `oldest`: age in milliseconds up to which a reading is recent.
    ///
    /// # Errors
    /// There is no recent reading, or the latest is beyond a bound.
    pub(crate) fn keep_up(
        &self,
        now: Millis,
        oldest: Millis,
        begin: Option<Millis>,
    ) -> Result<(), Doubt> {
        let since = self.latest.as_ref().map(|it| it.0).or(begin).unwrap_or(now);
        let silent = now.saturating_sub(since);
        let Some((_, reading)) = self.latest.as_ref().filter(|_| silent <= oldest) else {
            return Err(Doubt::SignalSilent { signal: self.signal(), silent: silent.max(0) });
        };
        match reading.outcome {
            Outcome::Within => Ok(()),
            Outcome::Fails(_) => Err(Doubt::SignalSuspected {
                signal: self.signal(),
                pod: reading.pod.clone(),
                effect: self.effect(reading),
            }),
            Outcome::Shared(bound) => Err(Doubt::PrimaryOutOfBounds {
                metric: self.metric.clone(),
                value: reading.value,
                primary: reading.primary.unwrap_or(reading.value),
                bound,
            }),
        }
    }

    /// Nothing that was ever exported could have failed.
    pub(crate) fn is_blind(&self) -> bool {
        !self.known
    }

    pub(crate) fn signal(&self) -> Signal {
        Signal::User(self.metric.clone())
    }

    /// A report without weight: bounds have no part of the error budget.
    pub(crate) fn report(&self) -> SignalReport {
        SignalReport {
            signal: self.signal(),
            weight: 0.0,
            evidence: 1.0,
            proven: None,
            effect: self.latest.as_ref().map(|(_, reading)| self.effect(reading)),
            smallest_effect_seen: None,
        }
    }

    fn effect(&self, reading: &Reading) -> Effect {
        Effect::Bounded {
            value: reading.value,
            primary: reading.primary,
            against: self.ends.against,
            failing: self.failing,
            limit: self.limit,
        }
    }

    pub(crate) fn save(&self, names: &mut Names) -> SavedBounds {
        let breach = self.breach.as_ref();
        SavedBounds {
            name: self.metric.clone(),
            failing: self.failing,
            breach: breach.map(|it| (names.index(&it.pod), it.value, it.bound)),
            known: self.known,
        }
    }

    /// Takes up what [`Bounds::save`] wrote; `None` if it did not write this.
    pub(crate) fn restored(self, saved: &SavedBounds, names: &[Arc<str>]) -> Option<Self> {
        let breach = match saved.breach {
            Some((pod, value, bound)) => Some(Breach { pod: name(names, pod).ok()?, value, bound }),
            None => None,
        };
        // A count without what was counted could not be told.
        let failing = if breach.is_some() { saved.failing } else { 0 };
        Some(Self { failing, breach, known: saved.known, ..self })
    }
}
