//! A user's threshold: readings of the canary against bounds that were set, and a count of those
//! that fail. No statistics, and outside the error budget; what follows is decided in `verdict`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::observation::{Millis, Observation, PodMetrics, PodObservation, Role};
use crate::saved::{Names, name};
use crate::units::median;
use crate::{Against, Bound, Doubt, Effect, Fault, Signal, SignalReport, Threshold};

/// One threshold at work.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    metric: Arc<str>,
    threshold: Threshold,
    warm_up: Millis,
    /// Failing readings so far.
    failing: u32,
    /// The latest of them.
    breach: Option<Breach>,
    /// The latest reading with a value.
    latest: Option<Reading>,
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

/// What one observation said.
#[derive(Clone, Debug)]
struct Reading {
    at: Millis,
    pod: Arc<str>,
    value: f64,
    primary: Option<f64>,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Within,
    Fails(Bound),
    /// The primary's median is beyond the same bound: the cause is shared.
    Shared(Bound),
}

/// A threshold as it is saved: the count, and what it would be told by.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedBounds {
    pub(super) name: Arc<str>,
    failing: u32,
    breach: Option<(u32, f64, Bound)>,
    known: bool,
}

impl Bounds {
    pub(crate) fn new(metric: Arc<str>, threshold: Threshold, warm_up: Millis) -> Self {
        Self {
            metric,
            threshold,
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
        self.threshold.against
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
        let Some(reading) = self.read(seen) else { return };
        if let Outcome::Fails(bound) = reading.outcome {
            self.failing = self.failing.saturating_add(1);
            self.breach = Some(Breach { pod: reading.pod.clone(), value: reading.value, bound });
        }
        self.latest = Some(reading);
    }

    /// The reading of an observation, by the bound that it stands worst against; `None`: there is
    /// no value.
    fn read(&self, seen: &Observation) -> Option<Reading> {
        let mut canary = self.values(seen, Role::Canary);
        // The name breaks ties, so that the order of the pods says nothing.
        canary.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0)));
        let (lowest, highest) = (*canary.first()?, *canary.last()?);
        let primary = middle(&self.values(seen, Role::Primary));
        let (low, high) = match self.threshold.against {
            Against::Absolute => (lowest.1, highest.1),
            Against::Primary => {
                let reference = primary.filter(|it| *it != 0.0)?;
                let ratio = Some(middle(&canary)? / reference).filter(|it| it.is_finite())?;
                (ratio, ratio)
            }
        };
        let Threshold { min, max, .. } = self.threshold;
        let ends = [(lowest.0, low, min.map(Bound::Min)), (highest.0, high, max.map(Bound::Max))];
        let held = ends.into_iter().filter_map(|(pod, value, bound)| {
            let outcome = self.outcome(value, bound?, primary);
            Some(Reading { at: seen.at, pod: pod.clone(), value, primary, outcome })
        });
        held.max_by_key(|reading| reading.outcome.rank())
    }

    fn outcome(&self, value: f64, bound: Bound, primary: Option<f64>) -> Outcome {
        let is_shared = match self.threshold.against {
            Against::Absolute => primary.is_some_and(|value| bound.is_crossed_by(value)),
            Against::Primary => false,
        };
        match (bound.is_crossed_by(value), is_shared) {
            (false, _) => Outcome::Within,
            (true, true) => Outcome::Shared(bound),
            (true, false) => Outcome::Fails(bound),
        }
    }

    /// The values of a role's pods, as far as they are to be compared.
    fn values<'a>(&self, seen: &'a Observation, role: Role) -> Vec<(&'a Arc<str>, f64)> {
        let warm_before = seen.at.saturating_sub(self.warm_up);
        let counts = |pod: &&PodObservation| {
            pod.role == role && pod.ready && !pod.terminating && pod.created <= warm_before
        };
        let pods = seen.pods.iter().filter(counts);
        pods.filter_map(|pod| Some((&pod.name, self.value(pod.metrics.as_ref()?)?))).collect()
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
        let limit = self.threshold.failure_limit;
        (self.failing > limit).then(|| Fault::OutOfBounds {
            metric: self.metric.clone(),
            pod: pod.clone(),
            value: *value,
            bound: *bound,
            against: self.threshold.against,
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
        let since = self.latest.as_ref().map(|it| it.at).or(begin).unwrap_or(now);
        let silent = now.saturating_sub(since);
        let Some(reading) = self.latest.as_ref().filter(|_| silent <= oldest) else {
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

    /// A report without weight: a threshold has no part of the error budget.
    pub(crate) fn report(&self) -> SignalReport {
        SignalReport {
            signal: self.signal(),
            weight: 0.0,
            evidence: 1.0,
            proven: None,
            effect: self.latest.as_ref().map(|reading| self.effect(reading)),
            smallest_effect_seen: None,
        }
    }

    fn effect(&self, reading: &Reading) -> Effect {
        Effect::Bounded {
            value: reading.value,
            primary: reading.primary,
            against: self.threshold.against,
            failing: self.failing,
            limit: self.threshold.failure_limit,
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

impl Outcome {
    /// A bound that only the canary is beyond counts, whatever the other one says.
    const fn rank(self) -> u8 {
        match self {
            Self::Within => 0,
            Self::Shared(_) => 1,
            Self::Fails(_) => 2,
        }
    }
}

/// The median of some pods' values.
fn middle(pods: &[(&Arc<str>, f64)]) -> Option<f64> {
    median(&mut pods.iter().map(|(_, value)| *value).collect::<Vec<_>>())
}
