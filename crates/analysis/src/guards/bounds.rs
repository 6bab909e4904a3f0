//! Bounds that a user set: readings of the canary against them, and a count of those that fail.
//! No statistics, and outside the error budget; what follows is decided in `verdict`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::constants::COUNT_WINDOW;
use crate::findings::assessment::SignalReport;
use crate::findings::doubt::Doubt;
use crate::findings::effect::Effect;
use crate::findings::fault::Fault;
use crate::findings::note::Note;
use crate::findings::signal::Signal;
use crate::guards::gauge::Gauge;
use crate::guards::held::{BoundOutcome, BoundReading, Ends, Level, Values};
use crate::numbers::{Millis, is_default, median};
use crate::observation::name_table::{NameTable, name};
use crate::observation::{Observation, PodMetrics, PodObservation, Role};
use crate::settings::bound::{Against, Bound, Scope};
use crate::settings::check::{Check, Measure, NoValue};
use crate::settings::user_metric::Threshold;

/// A reading counts as recent for this many windows.
const RECENT_WINDOWS: i64 = 3;
/// Readings before the trial from which their median says what was normal: a minute at the usual
/// pace.
const ENOUGH_BEFORE: usize = 6;

/// The bounds of one metric at work.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    metric: Arc<str>,
    ends: Ends,
    /// Failing readings that are tolerated.
    limit: u32,
    /// What computes the values from what the pods count; `None`: a query of the user's answers
    /// with them.
    gauge: Option<Gauge>,
    times: Times,
    /// Failing readings so far.
    failing: u32,
    /// The latest of them.
    breach: Option<Breach>,
    /// The latest reading with a value, and when it was.
    latest: Option<(Millis, BoundReading)>,
    /// Whether any pod of the primary before the trial, or of either role since, had a value.
    known: bool,
    /// Readings of the primary before the trial; empty after [`Bounds::begin`].
    past: Vec<f64>,
    /// What was normal for the primary before the trial; `None`: unknown, or not asked for.
    before: Option<f64>,
    /// Values that were no numbers.
    pub(crate) unreadable: u32,
    /// Readings that a check could not make, and why it could not make the latest.
    without: u32,
    missing: Option<NoValue>,
}

/// The paces of a trial, in milliseconds. Fixed before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Age from which a pod counts.
    pub(crate) warm_up: Millis,
    /// Time between two observations.
    pub(crate) interval: Millis,
    /// Usual time between two scrapes of a pod.
    pub(crate) cadence: Millis,
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
    pub(crate) name: Arc<str>,
    failing: u32,
    breach: Option<(u32, f64, Bound)>,
    known: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<f64>,
    #[serde(default, skip_serializing_if = "is_default")]
    without: u32,
}

impl Bounds {
    /// Bounds of a value that a query answers with.
    pub(crate) fn of_threshold(metric: Arc<str>, it: Threshold, times: Times) -> Self {
        let (lower, upper) = (it.min.map(Bound::Min), it.max.map(Bound::Max));
        let ends = Ends { lower, upper, against: it.against, scope: it.scope };
        Self::new(metric, ends, it.failure_limit, None, times)
    }

    /// Bounds of a value that is computed from what the pods count.
    pub(crate) fn of_check(measure: Measure, it: Check, times: Times) -> Self {
        let lower = it.greater_than.map(Bound::GreaterThan);
        let upper = it.less_than.map(Bound::LessThan);
        let ends = Ends { lower, upper, against: Against::Absolute, scope: Scope::Pods };
        let gauge = Some(Gauge::new(measure, times.cadence, times.warm_up));
        Self::new(measure.name().into(), ends, it.failure_limit, gauge, times)
    }

    fn new(metric: Arc<str>, ends: Ends, limit: u32, gauge: Option<Gauge>, times: Times) -> Self {
        Self {
            metric,
            ends,
            limit,
            gauge,
            times,
            failing: 0,
            breach: None,
            latest: None,
            known: false,
            past: Vec::new(),
            before: None,
            unreadable: 0,
            without: 0,
            missing: None,
        }
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        *self.metric == *name
    }

    pub(crate) const fn against(&self) -> Against {
        self.ends.against
    }

    /// Takes an observation of the record: whether the primary has a value, and which.
    pub(crate) fn hear(&mut self, seen: &Observation) {
        if let Some(gauge) = &mut self.gauge {
            return gauge.follow(seen);
        }
        let primary = seen.pods.iter().filter(|pod| pod.role == Role::Primary);
        let metrics = primary.filter_map(|pod| pod.metrics.as_ref());
        let mut values: Vec<f64> = metrics.filter_map(|it| self.answer(it)).collect();
        self.known |= !values.is_empty();
        match self.ends.against {
            Against::Before => self.past.extend(median(&mut values)),
            Against::Absolute | Against::Primary => {}
        }
    }

    /// The record is over: what was normal in it is known, or never will be.
    pub(crate) fn begin(&mut self) {
        let mut past = std::mem::take(&mut self.past);
        self.before = median(&mut past).filter(|_| past.len() >= ENOUGH_BEFORE);
    }

    /// Takes the reading of an observation; one without a value is neither good nor bad.
    pub(crate) fn observe(&mut self, seen: &Observation) {
        match &mut self.gauge {
            None => self.listen(seen),
            Some(gauge) => gauge.follow(seen),
        }
        let (values, missing) = self.values(seen);
        match self.ends.read(values) {
            Ok(Some(reading)) => self.count(seen.at, reading),
            Ok(None) => self.miss(missing),
            Err(why) => self.miss(Some(why)),
        }
    }

    fn listen(&mut self, seen: &Observation) {
        for metrics in seen.pods.iter().filter_map(|pod| pod.metrics.as_ref()) {
            self.known |= self.answer(metrics).is_some();
            let raw = metrics.user.get(&self.metric).and_then(|it| it.value);
            let wild = raw.is_some_and(|value| !value.is_finite());
            self.unreadable = self.unreadable.saturating_add(u32::from(wild));
        }
    }

    fn count(&mut self, at: Millis, reading: BoundReading) {
        if let BoundOutcome::Fails(bound) = reading.outcome {
            self.failing = self.failing.saturating_add(1);
            self.breach = Some(Breach { pod: reading.pod.clone(), value: reading.value, bound });
        }
        self.latest = Some((at, reading));
        self.missing = None;
    }

    fn miss(&mut self, why: Option<NoValue>) {
        // Every trial begins too early: that nothing is known then is nothing to tell.
        let counts = why.is_some_and(|it| !matches!(it, NoValue::TooEarly { .. }));
        self.without = self.without.saturating_add(u32::from(counts));
        self.missing = why.or(self.missing);
    }

    /// What the pods show, as far as they are to be compared, and why one of the canary's that
    /// should show something does not.
    fn values<'a>(&self, seen: &'a Observation) -> (Values<'a>, Option<NoValue>) {
        let warm_before = seen.at.saturating_sub(self.times.warm_up);
        let counts =
            |pod: &&PodObservation| pod.ready && !pod.terminating && pod.created <= warm_before;
        let mut values = Values { before: self.before, ..Values::default() };
        let mut missing = None;
        for pod in seen.pods.iter().filter(counts) {
            match (self.value(pod, seen.at), pod.role) {
                (Some(Ok(level)), Role::Canary) => values.canary.push((&pod.name, level)),
                (Some(Ok(level)), Role::Primary) => values.primary.push(level),
                (Some(Err(why)), Role::Canary) => missing = missing.or(Some(why)),
                (Some(Err(_)), Role::Primary) | (None, Role::Canary | Role::Primary) => {}
            }
        }
        (values, missing)
    }

    fn value(&self, pod: &PodObservation, at: Millis) -> Option<Result<Level, NoValue>> {
        match &self.gauge {
            None => self.answer(pod.metrics.as_ref()?).map(|it| Ok(Level::Is(it))),
            Some(gauge) => gauge.value(pod, at),
        }
    }

    fn answer(&self, metrics: &PodMetrics) -> Option<f64> {
        metrics.user.get(&self.metric)?.value.filter(|value| value.is_finite())
    }

    /// Times are wrong after the clock was set; the count is not.
    pub(crate) fn forget_times(&mut self) {
        self.latest = None;
        self.missing = None;
        self.gauge.iter_mut().for_each(Gauge::forget_times);
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
            scope: self.ends.scope,
            readings: self.failing,
            limit,
        })
    }

    /// What stands against a Pass.
    ///
    /// # Errors
    /// There is no recent reading, or the latest is beyond a bound.
    pub(crate) fn keep_up(&self, now: Millis, begin: Option<Millis>) -> Result<(), Doubt> {
        let since = self.latest.as_ref().map(|it| it.0).or(begin).unwrap_or(now);
        let silent = now.saturating_sub(since).max(0);
        let Some((_, reading)) = self.latest.as_ref().filter(|_| silent <= self.recent()) else {
            return Err(self.silence(silent));
        };
        match reading.outcome {
            BoundOutcome::Within => Ok(()),
            BoundOutcome::Fails(_) => Err(Doubt::SignalSuspected {
                signal: self.signal(),
                pod: reading.pod.clone(),
                effect: self.effect(reading),
            }),
            BoundOutcome::Shared(bound) => Err(Doubt::PrimaryOutOfBounds {
                metric: self.metric.clone(),
                value: reading.value,
                primary: reading.primary.unwrap_or(reading.value),
                bound,
            }),
        }
    }

    /// Age in milliseconds up to which a reading is recent.
    fn recent(&self) -> Millis {
        let Times { interval, cadence, .. } = self.times;
        let pace = if self.gauge.is_some() { cadence } else { interval };
        RECENT_WINDOWS.saturating_mul(pace.max(COUNT_WINDOW))
    }

    fn silence(&self, silent: Millis) -> Doubt {
        match &self.gauge {
            None => Doubt::SignalSilent { signal: self.signal(), silent },
            Some(gauge) => Doubt::WithoutValue {
                metric: self.metric.clone(),
                silent,
                why: self.missing.unwrap_or(gauge.unread()),
            },
        }
    }

    /// Nothing that was ever exported could have failed.
    pub(crate) fn is_blind(&self) -> bool {
        !self.known && !self.gauge.as_ref().is_some_and(|gauge| gauge.known)
    }

    /// What a reader of the verdict should know of these readings.
    pub(crate) fn notes(&self) -> impl Iterator<Item = Note> {
        let metric = || self.metric.clone();
        let without = Note::WithoutValue { metric: metric(), readings: self.without };
        let lacks_errors = self.gauge.as_ref().is_some_and(Gauge::lacks_errors);
        let no_events = lacks_errors.then(|| Note::NoEvents { metric: metric() });
        let asks_before = self.ends.against == Against::Before;
        let nothing_before = (asks_before && self.before.is_none())
            .then(|| Note::NothingBefore { metric: metric() });
        let without = (self.without > 0).then_some(without);
        [no_events, nothing_before, without].into_iter().flatten()
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

    fn effect(&self, reading: &BoundReading) -> Effect {
        Effect::Bounded {
            value: reading.value,
            primary: reading.primary,
            against: self.ends.against,
            failing: self.failing,
            limit: self.limit,
        }
    }

    pub(crate) fn save(&self, names: &mut NameTable) -> SavedBounds {
        let breach = self.breach.as_ref();
        SavedBounds {
            name: self.metric.clone(),
            failing: self.failing,
            breach: breach.map(|it| (names.index(&it.pod), it.value, it.bound)),
            known: !self.is_blind(),
            before: self.before,
            without: self.without,
        }
    }

    /// Takes up what [`Bounds::save`] wrote; `None` if it did not write this.
    pub(crate) fn restored(self, saved: &SavedBounds, names: &[Arc<str>]) -> Option<Self> {
        let breach = match saved.breach {
            Some((pod, value, bound)) => Some(Breach { pod: name(names, pod)?, value, bound }),
            None => None,
        };
        // A count without what was counted could not be told.
        let failing = if breach.is_some() { saved.failing } else { 0 };
        let SavedBounds { known, before, without, .. } = *saved;
        let before = before.filter(|it| it.is_finite());
        Some(Self { failing, breach, known, before, without, ..self })
    }
}
