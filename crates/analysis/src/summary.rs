//! Lag, throughput and shares per role, for status and dashboards.
//! Descriptive only: no verdict is drawn from a summary.

mod backlog;
mod reading;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lag::time_lag::TimeLag;
use crate::numbers::{Millis, count, seconds, tally};
use crate::observation::record::Record;
use crate::observation::{PartitionId, Role};
use crate::summary::backlog::time_lags;
use crate::summary::reading::{GroupReading, PartitionRow};

/// Members, partitions, lag and throughput of one role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleSummary {
    /// Members of the group on pods of this role.
    pub members: u32,
    /// Partitions that these members own.
    pub partitions: u32,
    /// Share of all assigned partitions, 0 to 1.
    pub partition_share: f64,
    /// Messages waiting in the role's partitions; `None`: no usable offsets.
    pub lag_messages: Option<i64>,
    /// Largest time lag of the role's partitions, in seconds; `None`: unknown.
    pub lag_seconds: Option<f64>,
    /// Whether `lag_seconds` is only a lower bound (the backlog is older than the record).
    pub lag_is_lower_bound: bool,
    /// Messages per second, by committed offsets over about the last minute.
    pub throughput: Option<f64>,
    /// Share of all messages committed over about the last minute, 0 to 1.
    pub message_share: Option<f64>,
}

/// The group at its latest usable observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupSummary {
    /// Time of the observation; `None`: Kafka never gave a usable answer.
    pub at: Option<Millis>,
    /// The primary.
    pub primary: RoleSummary,
    /// The canary.
    pub canary: RoleSummary,
    /// Members that are provably on no pod of the target.
    pub external_members: u32,
    /// Members that could be ours but match no pod.
    pub unattributed_members: u32,
    /// Share of assigned partitions that unattributed members own, 0 to 1.
    pub unattributed_share: f64,
}

/// Time over which throughput is measured: long enough for several commits of most consumers.
const THROUGHPUT_SPAN: Millis = 60_000;

/// Summarizes the latest usable observation of a record.
#[must_use]
pub fn summarize(record: &Record) -> GroupSummary {
    let mut readings = record.observations().rev().filter_map(|seen| GroupReading::of(&seen));
    let Some(latest) = readings.next() else { return GroupSummary::default() };
    let lags = time_lags(&latest, record);
    let (committed, span) = committed(&latest, record);
    let total: f64 = committed.iter().map(|&(_, messages)| count(messages)).sum();
    let role = |role: Role| {
        let members = latest.members;
        let members = match role {
            Role::Primary => members.primary,
            Role::Canary => members.canary,
        };
        let messages: i64 =
            committed.iter().filter(|(of, _)| *of == role).map(|(_, messages)| messages).sum();
        RoleSummary {
            members,
            throughput: (span > 0).then(|| count(messages) / seconds(span)),
            message_share: (total > 0.0).then(|| count(messages) / total),
            ..RoleSummary::of(role, &latest, &lags)
        }
    };
    GroupSummary {
        at: Some(latest.at),
        primary: role(Role::Primary),
        canary: role(Role::Canary),
        external_members: latest.members.external,
        unattributed_members: latest.members.unattributed,
        unattributed_share: share(latest.unattributed, latest.assigned),
    }
}

impl RoleSummary {
    fn of(role: Role, latest: &GroupReading, lags: &BTreeMap<PartitionId, TimeLag>) -> Self {
        let rows: Vec<&PartitionRow> =
            latest.rows.iter().filter(|row| row.role == Some(role)).collect();
        let waiting = rows.iter().filter_map(|row| Some((row.log_end? - row.committed?).max(0)));
        let times = rows.iter().filter_map(|row| lags.get(&row.id).copied());
        let worst = times.max_by(|a, b| a.lower_bound().total_cmp(&b.lower_bound()));
        let partitions = tally(rows.len());
        Self {
            partitions,
            partition_share: share(partitions, latest.assigned),
            lag_messages: waiting.reduce(i64::saturating_add),
            lag_seconds: worst.map(TimeLag::lower_bound),
            lag_is_lower_bound: worst.is_some_and(|worst| worst.exact().is_none()),
            ..Self::default()
        }
    }
}

/// Messages committed per role over about the last minute, and the length of that time. A commit
/// while a partition changes roles counts for neither.
fn committed(latest: &GroupReading, record: &Record) -> (Vec<(Role, i64)>, Millis) {
    let since = latest.at.saturating_sub(THROUGHPUT_SPAN);
    let readings = record
        .observations()
        .rev()
        .filter_map(|seen| GroupReading::of(&seen))
        .skip(1)
        .take_while(|earlier| earlier.at >= since);
    let mut later = latest.clone();
    let mut committed = Vec::new();
    for earlier in readings {
        for row in &later.rows {
            let same = earlier.row(&row.id).filter(|before| before.role == row.role);
            let advance = same.and_then(|before| Some(row.committed? - before.committed?));
            if let (Some(role), Some(messages)) = (row.role, advance.filter(|n| *n > 0)) {
                committed.push((role, messages));
            }
        }
        later = earlier;
    }
    (committed, latest.at.saturating_sub(later.at))
}

fn share(part: u32, of: u32) -> f64 {
    if of == 0 { 0.0 } else { f64::from(part) / f64::from(of) }
}
