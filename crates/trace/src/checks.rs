//! What a line of a trace may not say, and how that is told.
//! Repairs nothing; knows no stream and no line number.

use std::fmt::Display;
use std::ops::RangeInclusive;

use siskin_analysis::observation::{Millis, PodMetrics, PodObservation, UserReading};
use siskin_analysis::{Settings, UserMetricError, check_user_metrics};

use crate::line::Line;

/// The end of the year 9999: a later time is no time but nonsense, and sums of such times overflow.
const LATEST: Millis = 253_402_300_799_999;
/// Longest time between two lines, either way: nothing that is recorded sleeps for a year.
const LONGEST_GAP: Millis = 365 * 24 * 3_600_000;
/// Bounds of the time between observations: what the judge reckons with.
const INTERVALS: RangeInclusive<Millis> = 100..=3_600_000;
/// Longest warm-up: a day, as in a `CanaryRollout`.
const LONGEST_WARM_UP: Millis = 24 * 3_600_000;
/// Largest accepted probability of a false rollback: the judge's.
const LIKELIEST: f64 = 0.5;

/// What a line says that can't be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Nonsense {
    /// A setting is out of its range.
    #[error("settings.{field} is {value}, want {want}")]
    Setting {
        /// Its name.
        field: &'static str,
        /// What was found.
        value: String,
        /// What is possible.
        want: &'static str,
    },
    /// The user metrics can't be judged by.
    #[error("settings.userMetrics: {0}")]
    UserMetrics(#[from] UserMetricError),
    /// A field that this kind of line needs is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// `at` is no moment of the years 1970 to 9999.
    #[error("`at` is {0}, want milliseconds from 1970 to 9999")]
    Time(Millis),
    /// More than a year lies between this line and the one before it.
    #[error("`at` is more than a year away from that of the line before")]
    Gap,
    /// A count or a size is below 0.
    #[error("`{field}` of pod {pod} is {value}, want a number not below 0")]
    Negative {
        /// Name of the field.
        field: String,
        /// The pod.
        pod: String,
        /// What was found.
        value: f64,
    },
    /// The edges of a histogram don't ascend, or there are more or fewer of them than counts.
    #[error("the latency of pod {0} is no histogram: want ascending edges and as many counts")]
    Histogram(String),
    /// The trial began before.
    #[error("a second `trialStarted` or `resumed`: a trace holds one trial")]
    SecondTrial,
}

impl Line {
    /// Whether a [`Reader`](crate::Reader) accepts this line after one of the time `before`. Numbers
    /// are not checked: a [`Writer`](crate::Writer) writes those that can't be as unknown.
    ///
    /// # Errors
    /// What the reader would say.
    pub fn check_after(&self, before: Option<Millis>) -> Result<(), Nonsense> {
        if let Self::Seen(seen) = self {
            let pods = &seen.observation.pods;
            pods.iter().try_for_each(|pod| check_time(pod.created))?;
        }
        check_time(self.at())?;
        check_gap(before, self.at())
    }
}

/// Checks the settings of a header.
pub(crate) fn check_settings(settings: &Settings) -> Result<(), Nonsense> {
    let Settings {
        interval,
        warm_up,
        false_rollback_probability: alpha,
        minimum_evidence: _,
        user,
        remembered,
    } = settings;
    let refuse = |field, value: &dyn Display, want| {
        Err(Nonsense::Setting { field, value: value.to_string(), want })
    };
    if !INTERVALS.contains(interval) {
        return refuse("interval", interval, "100 to 3600000 milliseconds");
    }
    if !(0..=LONGEST_WARM_UP).contains(warm_up) {
        return refuse("warmUp", warm_up, "0 to 86400000 milliseconds");
    }
    if !(0.0 < *alpha && *alpha <= LIKELIEST) {
        return refuse("falseRollbackProbability", alpha, "more than 0, at most 0.5");
    }
    if remembered.capped() != *remembered {
        let value = serde_json::to_string(remembered).unwrap_or_default();
        return refuse("remembered", &value, "what a memory teaches, within its caps");
    }
    Ok(check_user_metrics(user)?)
}

/// Checks the time of a line against that of the line before.
pub(crate) fn check_gap(before: Option<Millis>, at: Millis) -> Result<(), Nonsense> {
    let far = before.is_some_and(|before| at.abs_diff(before) > LONGEST_GAP.unsigned_abs());
    if far { Err(Nonsense::Gap) } else { Ok(()) }
}

/// Checks a moment.
pub(crate) fn check_time(at: Millis) -> Result<(), Nonsense> {
    if (0..=LATEST).contains(&at) { Ok(()) } else { Err(Nonsense::Time(at)) }
}

/// Checks what a pod shows: its time of creation, and numbers that can't be below 0.
pub(crate) fn check_pod(pod: &PodObservation) -> Result<(), Nonsense> {
    check_time(pod.created)?;
    let Some(metrics) = &pod.metrics else { return Ok(()) };
    let PodMetrics {
        consumed,
        processed,
        errors,
        filtered,
        latency,
        working_set,
        memory_limit,
        cpu_seconds,
        user,
    } = metrics;
    for (metric, reading) in user {
        check_user(pod, metric, reading)?;
    }
    let fields = [
        ("consumed", *consumed),
        ("processed", *processed),
        ("errors", *errors),
        ("filtered", *filtered),
        ("latency.total", latency.as_ref().map(|it| it.total)),
        ("workingSet", *working_set),
        ("memoryLimit", *memory_limit),
        ("cpuSeconds", *cpu_seconds),
    ];
    for (field, value) in fields {
        if let Some(value) = value.filter(|value| *value < 0.0) {
            return Err(negative(field, pod, value));
        }
    }
    let is_histogram = latency.as_ref().is_none_or(|it| {
        it.edges.len() == it.counts.len()
            && it.edges.windows(2).all(|pair| pair[0] < pair[1])
            && it.counts.iter().all(|count| *count >= 0.0)
    });
    if is_histogram { Ok(()) } else { Err(Nonsense::Histogram(pod.name.to_string())) }
}

/// Counters of a user's ratio; a value may be any number.
fn check_user(pod: &PodObservation, metric: &str, reading: &UserReading) -> Result<(), Nonsense> {
    for (field, value) in [("events", reading.events), ("total", reading.total)] {
        if let Some(value) = value.filter(|value| *value < 0.0) {
            return Err(negative(&format!("user.{metric}.{field}"), pod, value));
        }
    }
    Ok(())
}

fn negative(field: &str, pod: &PodObservation, value: f64) -> Nonsense {
    Nonsense::Negative { field: field.to_owned(), pod: pod.name.to_string(), value }
}
