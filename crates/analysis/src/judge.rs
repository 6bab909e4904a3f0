//! The judge of one trial: takes observations, and passes them to guards and signals.
//! It reads no clock and starts nothing; the answer is drawn up in `judge/verdict.rs`.

pub(crate) mod counts;
pub(crate) mod pass;
pub(crate) mod saved;
pub(crate) mod verdict;

use crate::findings::finding::Finding;
use crate::guards::Guards;
use crate::judge::counts::TrialCounts;
use crate::lag::group::{Group, GroupAnswer};
use crate::normal::learn::learn;
use crate::numbers::Millis;
use crate::observation::record::{Pushed, Record};
use crate::observation::{Observation, PodObservation};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::signals::lag::{Budget, Lag};

/// The judge of one trial.
#[derive(Clone, Debug)]
pub struct Judge {
    pub(crate) settings: Settings,
    /// How often the accounts were lost.
    pub(crate) losses: u32,
    pub(crate) group: Group,
    pub(crate) guards: Guards,
    pub(crate) signals: Signals,
    pub(crate) counts: TrialCounts,
}

impl Judge {
    /// A judge for a trial that starts now; its margins are learned from the record before it.
    #[must_use]
    pub fn new(settings: Settings, record: &Record) -> Self {
        Self::start_over(settings, record, 0)
    }

    /// A judge for a trial whose accounts were lost, for the `losses`-th time: the j-th one has
    /// α·2⁻⁽ʲ⁺¹⁾ to spend, so that all of them together stay within α.
    /// [`Judge::times_lost`] says how often that was.
    #[must_use]
    pub fn start_over(settings: Settings, record: &Record, losses: u32) -> Self {
        let settings = settings.sane();
        let lesson = learn(&settings, record);
        let settings = settings.warmed_up(lesson.margins.warm_up);
        let margins = lesson.margins;
        let budget = Budget::of(&settings, losses);
        let lag = Lag::new(budget, margins, lesson.capacity, lesson.tolerance);
        let signals = Signals::learn(&settings, record, lag);
        let guards = Guards::new(&settings, &margins, signals.reader.cadence).going_on(record);
        let group = Group::going_on(lesson.lags, record);
        Self { settings, losses, group, guards, signals, counts: TrialCounts::default() }
    }

    /// Takes the next observation. One that is older than the latest, or as old, is ignored.
    pub fn observe(&mut self, observation: &Observation) {
        match self.group.arrival(observation.at) {
            Pushed::Duplicate | Pushed::OutOfOrder => return,
            Pushed::ClockSetBack => self.forget_times(),
            Pushed::Kept => {}
        }
        self.guards.begin(observation, &self.group);
        let seen = self.group.observe(observation, self.settings.warm_up);
        self.guards.observe(observation, &self.group, seen.as_ref());
        let (group, guards) = (&self.group, &self.guards);
        let window = self.signals.observe(observation, group, seen.as_ref(), guards);
        let Some(seen) = seen else { return };
        if let Some(window) = &window {
            let normal = self.signals.lag.margins.normal_lag;
            self.guards.group_lag.add(seen.at, &window.all, normal);
            self.guards.alone.add(seen.at, &window.alone, normal);
        }
        self.counts.add(&seen, window.as_ref());
        self.group.answer = Some(GroupAnswer::of(&seen, self.signals.is_behind()));
    }

    /// Says of the latest observation whether the primary was healthy then, as [`Judge::assess`] is
    /// told for its own moment. What canary pods did until a moment when it was not is nobody's
    /// fault: after a shared outage both begin anew.
    pub fn primary_was(&mut self, healthy: bool) {
        if !healthy {
            self.guards.crash.forgive();
            self.guards.stall.forgive();
        }
    }

    /// What the crash guard finds on pods that no observation has shown yet.
    #[must_use]
    pub fn crash(
        &self,
        at: Millis,
        pods: &[PodObservation],
        primary_healthy: bool,
    ) -> Option<Finding> {
        self.guards.crash.finding_by(at, pods, primary_healthy)
    }

    /// Every remembered time is wrong after the clock was set; accounts and counts are not.
    fn forget_times(&mut self) {
        self.group.forget_times();
        self.guards.forget_times();
        self.signals.forget_times();
    }
}
