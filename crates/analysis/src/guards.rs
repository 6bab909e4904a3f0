//! Deterministic guards: crashes, stalls, rewinds, a group that falls behind, bounds of the user.
//! No statistics, and outside the budget of false rollbacks.

pub(crate) mod alone;
pub(crate) mod bounds;
pub(crate) mod crash;
pub(crate) mod gauge;
pub(crate) mod group_lag;
pub(crate) mod held;
pub(crate) mod measured;
pub(crate) mod rewind;
pub(crate) mod stall;

use std::sync::Arc;

use crate::findings::assessment::SignalReport;
use crate::findings::doubt::Doubt;
use crate::findings::fault::Fault;
use crate::findings::finding::{Finding, Verdict};
use crate::findings::note::Note;
use crate::findings::signal::Signal;
use crate::guards::alone::AloneGuard;
use crate::guards::bounds::{Bounds, SavedBounds, Times};
use crate::guards::crash::history::CrashGuard;
use crate::guards::group_lag::GroupLag;
use crate::guards::rewind::RewindGuard;
use crate::guards::stall::StallGuard;
use crate::guards::stall::silence::UsualSilence;
use crate::lag::group::{Group, GroupSnapshot};
use crate::normal::margins::Margins;
use crate::numbers::{Millis, tally};
use crate::observation::record::Record;
use crate::observation::{Observation, PartitionId};
use crate::settings::Settings;
use crate::settings::bound::Against;
use crate::settings::check::Measure;
use crate::settings::user_metric::{UserMetric, UserRule};

/// All guards of a trial.
#[derive(Clone, Debug)]
pub(crate) struct Guards {
    pub(crate) crash: CrashGuard,
    pub(crate) stall: StallGuard,
    pub(crate) rewind: RewindGuard,
    pub(crate) group_lag: GroupLag,
    pub(crate) alone: AloneGuard,
    /// The user's thresholds and checks.
    pub(crate) bounds: Vec<Bounds>,
}

impl Guards {
    /// Guards that have seen nothing. `cadence`: usual time between two scrapes of a pod.
    pub(crate) fn new(settings: &Settings, margins: &Margins, cadence: Millis) -> Self {
        let times = Times { warm_up: settings.warm_up, interval: settings.interval, cadence };
        let bounds = |metric: &UserMetric| match metric.rule {
            UserRule::Ratio => None,
            UserRule::Threshold(threshold) => {
                Some(Bounds::of_threshold(metric.name.clone(), threshold, times))
            }
            UserRule::Check(check) => {
                Some(Bounds::of_check(Measure::called(&metric.name)?, check, times))
            }
        };
        Self {
            crash: CrashGuard::default(),
            stall: StallGuard::new(
                settings.interval,
                UsualSilence::new(margins, settings.interval),
            ),
            rewind: RewindGuard::default(),
            group_lag: GroupLag::default(),
            alone: AloneGuard::default(),
            bounds: settings.user.iter().filter_map(bounds).collect(),
        }
    }

    /// Takes up the counts of bounds that were saved; `None` if they can't have been.
    pub(crate) fn restore(&mut self, saved: &[SavedBounds], names: &[Arc<str>]) -> Option<()> {
        for bounds in &mut self.bounds {
            if let Some(saved) = saved.iter().find(|saved| bounds.is_called(&saved.name)) {
                *bounds = bounds.clone().restored(saved, names)?;
            }
        }
        Some(())
    }

    /// Goes on with what a record shows: how far everyone was, and which values are known.
    pub(crate) fn going_on(mut self, record: &Record) -> Self {
        self.rewind = RewindGuard::learn(record);
        self.stall = self.stall.going_on(record);
        for seen in record.observations() {
            self.crash.observe(seen.at, &seen.pods);
            self.bounds.iter_mut().for_each(|bounds| bounds.hear(&seen));
        }
        self.bounds.iter_mut().for_each(Bounds::begin);
        self
    }

    /// The group is about to be looked at; `group` still is as it was.
    pub(crate) fn begin(&mut self, seen: &Observation, group: &Group) {
        if let Some(now) = &seen.group {
            self.rewind.begin(now, &group.lags);
        }
    }

    /// Takes an observation, with what it says of the group if Kafka answered.
    pub(crate) fn observe(
        &mut self,
        observation: &Observation,
        group: &Group,
        seen: Option<&GroupSnapshot<'_>>,
    ) {
        self.crash.observe(observation.at, &observation.pods);
        self.bounds.iter_mut().for_each(|bounds| bounds.observe(observation));
        let Some(seen) = seen else { return };
        if seen.is_broken {
            self.alone.restart();
        }
        self.rewind.follow(&seen.lags.moves);
        self.rewind.follow_ranks(&seen.canary_moves);
        self.stall.follow(&seen.lags.moves);
        match seen.epoch {
            Some(epoch) => {
                self.rewind.observe(group, seen);
                self.group_lag.count(seen.at, seen.group.members.canary);
                self.stall.add(seen.at, epoch, &seen.lags.lags);
                self.stall.place_saved(&group.lags);
            }
            None => self.stall.pause(seen.at, &seen.lags.lags),
        }
    }

    /// Every remembered time is wrong after the clock was set; counts are not.
    pub(crate) fn forget_times(&mut self) {
        self.crash = CrashGuard::default();
        self.stall.forget_times();
        self.rewind = self.rewind.forget_times();
        self.group_lag = GroupLag::default();
        self.alone.restart();
        self.bounds.iter_mut().for_each(Bounds::forget_times);
    }

    /// What needs neither Kafka nor statistics: crashes, and bounds that the user set. A Fail goes
    /// before a doubt.
    pub(crate) fn finding(&self, group: &Group, primary_healthy: bool) -> Option<Finding> {
        let crash = self.crash.finding(&group.pods, primary_healthy);
        let found = [crash, self.out_of_bounds(primary_healthy)].into_iter().flatten();
        found.min_by_key(|finding| finding.verdict() != Verdict::Fail)
    }

    /// A threshold, or a check, that more readings failed than are tolerated. One of values alone
    /// needs no primary; a comparison with an unhealthy one blames nobody.
    fn out_of_bounds(&self, primary_healthy: bool) -> Option<Finding> {
        let faults = || self.bounds.iter().filter_map(|it| Some((it.against(), it.fault()?)));
        let blames = |against| match against {
            Against::Absolute | Against::Before => true,
            Against::Primary => primary_healthy,
        };
        if let Some((_, fault)) = faults().find(|(against, _)| blames(*against)) {
            return Some(Finding::Fault(fault));
        }
        let suspicion = Some(Box::new(faults().next()?.1));
        Some(Finding::Doubt(Doubt::PrimaryUnhealthy { suspicion }))
    }

    /// The canary's largest rewind under way.
    pub(crate) fn rewound(&self, group: &Group) -> Option<Fault> {
        let (rank, records) = self.rewind.rewound()?;
        let (partition, pod) = group.partition_and_owner(rank)?;
        Some(Fault::Rewound { partition, pod: pod.clone(), records })
    }

    /// What stands against a Pass: a bound without a recent reading, or one that is crossed now.
    ///
    /// # Errors
    /// The first such doubt.
    pub(crate) fn keep_up(&self, now: Millis, begin: Option<Millis>) -> Result<(), Doubt> {
        self.bounds.iter().try_for_each(|bounds| bounds.keep_up(now, begin))
    }

    /// Bounds of which no value was ever seen.
    pub(crate) fn blind(&self) -> impl Iterator<Item = Signal> {
        self.bounds.iter().filter(|it| it.is_blind()).map(Bounds::signal)
    }

    /// A report of each bound of which a value was seen.
    pub(crate) fn reports(&self) -> impl Iterator<Item = SignalReport> {
        self.bounds.iter().filter(|bounds| !bounds.is_blind()).map(Bounds::report)
    }

    /// Values that were no numbers.
    pub(crate) fn unreadable(&self) -> u32 {
        self.bounds.iter().map(|bounds| bounds.unreadable).fold(0, u32::saturating_add)
    }

    /// Whether a partition stood still under the primary already.
    pub(crate) fn has_stood(&self, group: &Group, partition: &PartitionId) -> bool {
        let place = group.lags.roster.place(partition);
        place.is_some_and(|place| self.stall.has_stood_at(place))
    }

    /// What a reader of the verdict should know of crashes, of partitions that stood still before,
    /// and of bounds.
    pub(crate) fn notes(&self, group: &Group) -> impl Iterator<Item = Note> {
        let mut stood = self.stall.stood(&group.lags);
        let first = stood.next().map(|place| group.lags.roster.id(place));
        let stood =
            first.map(|partition| Note::StoodBefore { partition, more: tally(stood.count()) });
        let crashes = self.crash.notes(&group.pods).into_iter();
        crashes.chain(stood).chain(self.bounds.iter().flat_map(Bounds::notes))
    }
}
