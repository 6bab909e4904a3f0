//! What is counted of rollouts that are over: how, why, after how long.
//! Knows no rollout; whoever tells of one names its end as the status' history does.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::register::{histogram, one};

/// Seconds. A trial takes minutes at least and a day at most, unless a person has to approve of it.
const ROLLOUT_SECONDS: [f64; 10] =
    [30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 43_200.0, 86_400.0];

/// Seconds. A crash loop is found in some, a slow loss of messages in many minutes.
const DETECTION_SECONDS: [f64; 10] =
    [1.0, 5.0, 10.0, 20.0, 45.0, 90.0, 180.0, 600.0, 1_800.0, 3_600.0];

/// Outcome and reason, with their keys.
type Labels = [(&'static str, &'static str); 2];

/// The end of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// As in the status' history.
    pub outcome: &'static str,
    /// The cause of its rollback, or what allowed its promotion.
    pub reason: &'static str,
}

impl Ended {
    const fn labels(self) -> Labels {
        [("outcome", self.outcome), ("reason", self.reason)]
    }
}

/// The numbers.
#[derive(Debug)]
pub(crate) struct Endings {
    ended: Family<Labels, Counter>,
    rollout_seconds: Histogram,
    detection_seconds: Histogram,
}

impl Endings {
    pub(super) fn new(to: &mut Registry) -> Self {
        Self {
            ended: one(to, "rollouts_ended", "Rollouts that ended, by outcome and reason"),
            rollout_seconds: histogram(
                to,
                "rollout_seconds",
                "Time of a rollout from its beginning to its end",
                ROLLOUT_SECONDS,
            ),
            detection_seconds: histogram(
                to,
                "detection_seconds",
                "Time from the beginning of a rollout to the verdict Fail",
                DETECTION_SECONDS,
            ),
        }
    }

    /// Shows all ways in which a rollout can end: a counter that began at its first event would hide that one from
    /// `increase`.
    pub(crate) fn can_be(&self, all: impl IntoIterator<Item = Ended>) {
        for ended in all {
            drop(self.ended.get_or_create(&ended.labels()));
        }
    }

    /// A rollout ended, so long after it began.
    pub(crate) fn ended(&self, ended: Ended, took: Duration) {
        self.ended.get_or_create(&ended.labels()).inc();
        self.rollout_seconds.observe(took.as_secs_f64());
    }

    /// A version was found to be worse, so long after its rollout began.
    pub(crate) fn detected(&self, after: Duration) {
        self.detection_seconds.observe(after.as_secs_f64());
    }
}
