//! The lines of a trace as they are on the wire, and the bounds of what they may say.
//! Knows no stream and no line number.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use siskin_analysis::observation::{
    GroupObservation, Millis, Observation, PodMetrics, PodObservation, UserReading,
};
use siskin_analysis::{Settings, UserMetric, UserMetricError, check_user_metrics};

use super::{Header, Line, Mark};

/// The end of the year 9999: a later time is no time but nonsense, and sums of such times overflow.
const LATEST: Millis = 253_402_300_799_999;
/// Longest time between two lines, either way: nothing that is recorded sleeps for a year.
const LONGEST_GAP: Millis = 365 * 24 * 3_600_000;
/// Bounds of the time between observations: what the judge reckons with.
const INTERVALS: std::ops::RangeInclusive<Millis> = 100..=3_600_000;
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

#[derive(Serialize, Deserialize)]
pub(super) struct HeaderForm {
    #[serde(rename = "siskinTrace")]
    pub(super) version: u32,
    rollout: String,
    settings: SettingsForm,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingsForm {
    interval: Millis,
    warm_up: Millis,
    false_rollback_probability: f64,
    #[serde(default, skip_serializing_if = "no_metric")]
    user_metrics: Arc<[UserMetric]>,
}

fn no_metric(metrics: &Arc<[UserMetric]>) -> bool {
    metrics.is_empty()
}

/// Only the version: a newer header may have another form.
#[derive(Deserialize)]
pub(super) struct VersionForm {
    #[serde(rename = "siskinTrace")]
    pub(super) version: u32,
}

/// An observation, or a mark if it has the field `mark`: one struct, so that long lines are parsed
/// once.
#[derive(Deserialize)]
pub(super) struct LineForm {
    at: Option<Millis>,
    mark: Option<String>,
    #[serde(default)]
    group: Option<GroupObservation>,
    pods: Option<Vec<PodObservation>>,
}

/// A mark as it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct MarkForm {
    at: Millis,
    #[serde(flatten)]
    mark: Mark,
}

/// Names of the marks of this version: others are of a later one.
const MARKS: [&str; 6] = ["trialStarted", "resumed", "stepChanged", "scaled", "ended", "cut"];

impl HeaderForm {
    pub(super) fn of(header: &Header) -> Self {
        let Settings { interval, warm_up, false_rollback_probability, user } = &header.settings;
        let settings = SettingsForm {
            interval: *interval,
            warm_up: *warm_up,
            false_rollback_probability: *false_rollback_probability,
            user_metrics: user.clone(),
        };
        Self { version: super::VERSION, rollout: header.rollout.clone(), settings }
    }

    pub(super) fn header(self) -> Result<Header, Nonsense> {
        let SettingsForm { interval, warm_up, false_rollback_probability: alpha, user_metrics } =
            self.settings;
        let refuse = |field, value: &dyn std::fmt::Display, want| {
            Err(Nonsense::Setting { field, value: value.to_string(), want })
        };
        if !INTERVALS.contains(&interval) {
            return refuse("interval", &interval, "100 to 3600000 milliseconds");
        }
        if !(0..=LONGEST_WARM_UP).contains(&warm_up) {
            return refuse("warmUp", &warm_up, "0 to 86400000 milliseconds");
        }
        if !(0.0 < alpha && alpha <= LIKELIEST) {
            return refuse("falseRollbackProbability", &alpha, "more than 0, at most 0.5");
        }
        check_user_metrics(&user_metrics)?;
        let settings =
            Settings { interval, warm_up, false_rollback_probability: alpha, user: user_metrics };
        Ok(Header { rollout: self.rollout, settings })
    }
}

/// What a line of this form needs to become one.
pub(super) enum Kind {
    Seen(Observation),
    /// The text has to be read again, as a [`MarkForm`].
    Mark,
    /// Of a later version.
    UnknownMark,
}

impl LineForm {
    pub(super) fn kind(self) -> Result<Kind, Nonsense> {
        let at = self.at.ok_or(Nonsense::Missing("at"))?;
        check_time(at)?;
        if let Some(mark) = self.mark {
            let known = MARKS.contains(&mark.as_str());
            return Ok(if known { Kind::Mark } else { Kind::UnknownMark });
        }
        let pods = self.pods.ok_or(Nonsense::Missing("pods"))?;
        pods.iter().try_for_each(check_pod)?;
        Ok(Kind::Seen(Observation { at, group: self.group, pods }))
    }
}

impl MarkForm {
    pub(super) fn of(at: Millis, mark: &Mark) -> Self {
        Self { at, mark: mark.clone() }
    }

    pub(super) fn line(self) -> Line {
        Line::Mark { at: self.at, mark: self.mark }
    }
}

/// Checks the time of a line against that of the line before.
pub(super) fn check_gap(before: Option<Millis>, at: Millis) -> Result<(), Nonsense> {
    let far = before.is_some_and(|before| at.abs_diff(before) > LONGEST_GAP.unsigned_abs());
    if far { Err(Nonsense::Gap) } else { Ok(()) }
}

/// Checks what a writer does not mend: the times.
pub(super) fn check_line(line: &Line, before: Option<Millis>) -> Result<(), Nonsense> {
    let at = match line {
        Line::Seen(seen) => {
            seen.pods.iter().try_for_each(|pod| check_time(pod.created))?;
            seen.at
        }
        Line::Mark { at, .. } => *at,
    };
    check_time(at)?;
    check_gap(before, at)
}

fn check_time(at: Millis) -> Result<(), Nonsense> {
    if (0..=LATEST).contains(&at) { Ok(()) } else { Err(Nonsense::Time(at)) }
}

fn check_pod(pod: &PodObservation) -> Result<(), Nonsense> {
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
