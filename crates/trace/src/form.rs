//! The lines of a trace as they are on the wire.
//! Knows no stream and no line number; what a line may not say, `checks` knows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siskin_analysis::observation::{GroupObservation, Millis, Observation, PodObservation};
use siskin_analysis::{MinimumEvidence, Remembered, Settings, UserMetric};

use crate::checks::{Nonsense, check_pod, check_settings, check_time};
use crate::line::{Header, Line, Mark, Seen, VERSION};

#[derive(Serialize, Deserialize)]
pub(crate) struct HeaderForm {
    #[serde(rename = "siskinTrace")]
    pub(crate) version: u32,
    rollout: String,
    settings: SettingsForm,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingsForm {
    interval: Millis,
    warm_up: Millis,
    false_rollback_probability: f64,
    /// Absent: recorded before there was another than `Proven`.
    #[serde(default = "proven", skip_serializing_if = "is_proven")]
    minimum_evidence: MinimumEvidence,
    #[serde(default, skip_serializing_if = "no_metric")]
    user_metrics: Arc<[UserMetric]>,
    /// Absent: nothing was remembered, or nothing could be yet.
    #[serde(default, skip_serializing_if = "Remembered::is_empty")]
    remembered: Remembered,
}

const fn proven() -> MinimumEvidence {
    MinimumEvidence::Proven
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_proven(least: &MinimumEvidence) -> bool {
    matches!(least, MinimumEvidence::Proven)
}

fn no_metric(metrics: &Arc<[UserMetric]>) -> bool {
    metrics.is_empty()
}

/// Only the version: a newer header may have another form.
#[derive(Deserialize)]
pub(crate) struct VersionForm {
    #[serde(rename = "siskinTrace")]
    pub(crate) version: u32,
}

/// An observation, or a mark if it has the field `mark`: one struct, so that long lines are parsed
/// once.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LineForm {
    at: Option<Millis>,
    mark: Option<String>,
    #[serde(default)]
    group: Option<GroupObservation>,
    pods: Option<Vec<PodObservation>>,
    primary_healthy: Option<bool>,
}

/// An observation as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SeenForm<'a> {
    at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_healthy: Option<bool>,
    group: Option<&'a GroupObservation>,
    pods: &'a [PodObservation],
}

/// A mark as it is written.
#[derive(Serialize, Deserialize)]
pub(crate) struct MarkForm {
    at: Millis,
    #[serde(flatten)]
    mark: Mark,
}

/// Names of the marks of this version: others are of a later one.
const MARKS: [&str; 6] = ["trialStarted", "resumed", "stepChanged", "scaled", "ended", "cut"];

impl HeaderForm {
    pub(crate) fn of(header: &Header) -> Self {
        let Settings {
            interval,
            warm_up,
            false_rollback_probability,
            minimum_evidence,
            user,
            remembered,
        } = &header.settings;
        let settings = SettingsForm {
            interval: *interval,
            warm_up: *warm_up,
            false_rollback_probability: *false_rollback_probability,
            minimum_evidence: *minimum_evidence,
            user_metrics: user.clone(),
            remembered: *remembered,
        };
        Self { version: VERSION, rollout: header.rollout.clone(), settings }
    }

    pub(crate) fn header(self) -> Result<Header, Nonsense> {
        let it = self.settings;
        let settings = Settings {
            interval: it.interval,
            warm_up: it.warm_up,
            false_rollback_probability: it.false_rollback_probability,
            minimum_evidence: it.minimum_evidence,
            user: it.user_metrics,
            remembered: it.remembered,
        };
        check_settings(&settings)?;
        Ok(Header { rollout: self.rollout, settings })
    }
}

/// What a line of this form needs to become one.
pub(crate) enum LineKind {
    Seen(Seen),
    /// The text has to be read again, as a [`MarkForm`].
    Mark,
    /// A mark of a later version.
    UnknownMark,
}

impl LineForm {
    pub(crate) fn kind(self) -> Result<LineKind, Nonsense> {
        let at = self.at.ok_or(Nonsense::Missing("at"))?;
        check_time(at)?;
        if let Some(mark) = self.mark {
            let known = MARKS.contains(&mark.as_str());
            return Ok(if known { LineKind::Mark } else { LineKind::UnknownMark });
        }
        let pods = self.pods.ok_or(Nonsense::Missing("pods"))?;
        pods.iter().try_for_each(check_pod)?;
        let observation = Observation { at, group: self.group, pods };
        Ok(LineKind::Seen(Seen { observation, primary_healthy: self.primary_healthy }))
    }
}

impl<'a> SeenForm<'a> {
    pub(crate) fn of(seen: &'a Observation, primary_healthy: Option<bool>) -> Self {
        Self { at: seen.at, primary_healthy, group: seen.group.as_ref(), pods: &seen.pods }
    }
}

impl MarkForm {
    pub(crate) fn of(at: Millis, mark: &Mark) -> Self {
        Self { at, mark: mark.clone() }
    }

    pub(crate) fn line(self) -> Line {
        Line::Mark { at: self.at, mark: self.mark }
    }
}
