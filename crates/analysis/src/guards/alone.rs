//! A canary that falls behind ever further with no live primary beside it: before and after.
//! A wide margin and no statistics; which lag has an excuse it is told.

use std::collections::BTreeMap;

use crate::constants::Constant;
use crate::findings::fault::Fault;
use crate::lag::group::Group;
use crate::numbers::{Millis, seconds};
use crate::observation::PartitionId;

/// Multiple of the lag that is normal from which it is the canary's: what doubles for everyone, by the
/// hour or by a dependency, would double for the primary, too.
const BEYOND_NORMAL: f64 = 3.0;
/// How long lag has to grow. A burst of producers is over by then, or the pod works at full speed.
const SHORTEST_GROWTH: Millis = 300_000;
/// Part of its largest value below which lag has not grown on: a window may hold a pause.
const STILL_GROWING: f64 = 0.9;

/// Follows the lag of a canary that is alone, partition by partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct AloneGuard {
    growing: BTreeMap<PartitionId, Growth>,
    /// How far behind is normal, in seconds.
    normal: f64,
}

/// Lag of one canary partition in a window, with nothing to excuse it.
#[derive(Clone, Debug)]
pub(crate) struct AloneLag {
    pub(crate) partition: PartitionId,
    /// When the window began.
    pub(crate) begin: Millis,
    /// Standing lag in seconds, before the window and in it.
    pub(crate) before: f64,
    pub(crate) now: f64,
}

/// Lag that grows.
#[derive(Clone, Copy, Debug)]
struct Growth {
    since: Millis,
    at: Millis,
    /// Seconds of lag: at first, at most and now.
    first: f64,
    most: f64,
    now: f64,
}

impl AloneGuard {
    /// Takes a window that ends now: all partitions that are further behind than is `normal`, in
    /// seconds, with nothing to excuse it. Any other has not grown on.
    pub(crate) fn add(&mut self, at: Millis, window: &[AloneLag], normal: f64) {
        let before = std::mem::take(&mut self.growing);
        let grown = |one: &AloneLag| {
            let earlier = before.get(&one.partition);
            let earlier = earlier.filter(|it| one.now >= STILL_GROWING * it.most);
            let (since, first, most) = match earlier {
                Some(it) => (it.since, it.first, it.most.max(one.now)),
                None => (one.begin, one.before, one.now),
            };
            (one.partition.clone(), Growth { since, at, first, most, now: one.now })
        };
        self.growing = window.iter().map(grown).collect();
        self.normal = normal;
    }

    /// No growth lasts across a rebalance, or a clock that was set.
    pub(crate) fn restart(&mut self) {
        self.growing.clear();
    }

    /// The partition that is furthest behind of those that fell behind for long enough.
    pub(crate) fn behind(&self, group: &Group) -> Option<Fault> {
        let faulty = self.growing.iter().filter(|(_, it)| it.is_fault(self.normal));
        let (partition, it) = faulty.max_by(|a, b| a.1.now.total_cmp(&b.1.now))?;
        let place = group.lags.roster.place(partition)?;
        let lag = group.answer.as_ref()?.canary.iter().find(|lag| lag.place == place)?;
        Some(Fault::BehindAlone {
            partition: partition.clone(),
            pod: group.lags.roster.name(lag.consumer).clone(),
            lag_seconds: it.now,
            normal_seconds: self.normal,
            growing: it.at.saturating_sub(it.since),
        })
    }
}

impl Growth {
    fn is_fault(self, normal: f64) -> bool {
        let span = self.at.saturating_sub(self.since);
        let gained = (self.now - self.first) / seconds(span.max(1));
        span >= SHORTEST_GROWTH
            && self.now > BEYOND_NORMAL * normal
            && gained > Constant::LeastDrift.value()
    }
}
