//! The judge of one trial: takes observations, cuts them into windows, keeps the accounts.
//! It reads no clock and starts nothing; the answer is drawn up in `verdict`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::capacity::{BLOCK, Capacity, Paces, works};
use crate::commit_gaps::CommitGaps;
use crate::drift::{Drift, Ledger};
use crate::group_lag::GroupLag;
use crate::hand_over::HandOver;
use crate::lag_windows::{LagWindows, Standing, is_idle, reference};
use crate::lags::{Lags, PartitionLag};
use crate::learn::learn;
use crate::margins::{Margins, whole_polls};
use crate::observation::{GroupState, Millis, Observation, PodObservation, Role};
use crate::proof::Proofs;
use crate::reading::Reading;
use crate::record::{Pushed, Record, arrival};
use crate::signals::Signals;
use crate::stall::StallGuard;
use crate::tolerance::Tolerance;
use crate::user_metric::usable;
use crate::{PartitionId, UserMetric};

/// What a trial is judged by. Frozen when it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Time between observations, in milliseconds. Below 100 it counts as 100.
    pub interval: Millis,
    /// Age in milliseconds from which a pod's lag is compared, and read by a user's thresholds and
    /// checks. The other guards don't wait for it.
    pub warm_up: Millis,
    /// Probability of rolling back a healthy canary over the whole trial, guards excepted.
    /// Above 0 and at most 0.5; anything else counts as the nearest of these bounds.
    pub false_rollback_probability: f64,
    /// The metrics that the user defined, at most [`MOST_USER_METRICS`](crate::MOST_USER_METRICS),
    /// and the checks. What [`check_user_metrics`](crate::check_user_metrics) refuses is left out.
    pub user: Arc<[UserMetric]>,
}

/// The judge of one trial.
#[derive(Clone, Debug)]
pub struct Judge {
    pub(crate) settings: Settings,
    /// How often the accounts were lost.
    pub(crate) losses: u32,
    pub(crate) margins: Margins,
    pub(crate) capacity: Capacity,
    pub(crate) tolerance: Tolerance,
    pub(crate) ledger: Ledger<PartitionId>,
    pub(crate) proofs: Proofs,
    pub(crate) signals: Signals,
    pub(crate) counts: Counts,
    pub(crate) live: Live,
}

/// Counts over the whole trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) samples: u32,
    #[serde(rename = "empty")]
    pub(crate) without_evidence: u32,
    #[serde(rename = "excusedWindows")]
    pub(crate) excused_windows: u32,
    pub(crate) excused: Millis,
}

/// What is rebuilt from new observations after a restart.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) lags: Lags,
    pub(crate) stall: StallGuard,
    pub(crate) hand_over: HandOver,
    pub(crate) group_lag: GroupLag,
    pub(crate) drift_windows: LagWindows,
    pub(crate) proof_windows: LagWindows,
    blocks: LagWindows,
    canary_gaps: CommitGaps,
    /// Of the canary's pods, in drift windows.
    paces: Paces,
    epoch: Option<u64>,
    latest: Option<Millis>,
    pub(crate) pods: Vec<PodObservation>,
    pub(crate) group: Option<Group>,
}

/// The group when Kafka last answered.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) at: Millis,
    pub(crate) state: GroupState,
    pub(crate) assigned: u32,
    pub(crate) unattributed: u32,
    /// Partitions that our pods own; while rebalancing, what the group last showed.
    pub(crate) lags: Vec<PartitionLag>,
}

impl Judge {
    /// A judge for a trial that starts now; its margins are learnt from the record before it.
    #[must_use]
    pub fn new(settings: Settings, record: &Record) -> Self {
        Self::start_over(settings, record, 0)
    }

    /// A judge for a trial whose accounts were lost, for the `losses`-th time: the j-th one has
    /// α·2⁻⁽ʲ⁺¹⁾ to spend, so that all of them together stay within α.
    #[must_use]
    pub fn start_over(settings: Settings, record: &Record, losses: u32) -> Self {
        let settings = settings.sane();
        let lesson = learn(&settings, record);
        let mut live = Live::new(settings.interval, &lesson.margins);
        live.lags = lesson.lags;
        live.hand_over = HandOver::learn(record);
        live.lags.oddities = crate::lags::Oddities::default();
        live.pods = record.latest().map(|latest| latest.pods.clone()).unwrap_or_default();
        Self {
            signals: Signals::learn(&settings, record, &lesson.margins),
            settings,
            losses,
            margins: lesson.margins,
            capacity: lesson.capacity,
            tolerance: lesson.tolerance,
            ledger: Ledger::new(lesson.margins.scale),
            proofs: Proofs::default(),
            counts: Counts::default(),
            live,
        }
    }

    /// Takes the next observation. One that is older than the latest, or as old, is ignored.
    pub fn observe(&mut self, observation: &Observation) {
        match arrival(self.live.latest, observation.at) {
            Pushed::Duplicate | Pushed::OutOfOrder => return,
            Pushed::ClockSetBack => self.forget_times(),
            Pushed::Kept => {}
        }
        self.live.latest = Some(observation.at);
        let bare = observation.pods.iter().map(without_metrics);
        self.live.pods.clear();
        self.live.pods.extend(bare);
        let Some(reading) = Reading::of(observation, self.settings.warm_up) else {
            self.signals.take(observation, None, self.live.lags.oddities.rewinds());
            return;
        };
        self.counts.samples = self.counts.samples.saturating_add(1);
        let before = self.live.group.take().map(|group| (group.at, group.lags));
        let (then, spare) = before.unwrap_or((reading.at, Vec::new()));
        self.live.hand_over.take(&reading, (then, &spare));
        let lags = self.live.lags.take(&reading, spare);
        let stable = reading.is_stable().then_some((reading.epoch, &lags[..]));
        self.signals.take(observation, stable, self.live.lags.oddities.rewinds());
        if reading.is_stable() {
            self.compare(&reading, &lags);
        } else {
            self.break_off(None);
        }
        self.live.group = Some(Group {
            at: reading.at,
            state: reading.state,
            assigned: reading.assigned,
            unattributed: reading.unattributed,
            lags,
        });
    }

    /// Every remembered time is wrong after the clock was set; accounts and counts are not.
    fn forget_times(&mut self) {
        let oddities = self.live.lags.oddities;
        let hand_over = self.live.hand_over.forget_times();
        self.live = Live::new(self.settings.interval, &self.margins);
        self.live.lags.oddities = oddities;
        self.live.hand_over = hand_over;
        self.signals.forget_times();
    }

    /// Nothing is compared across a rebalance: open windows end without evidence.
    fn break_off(&mut self, epoch: Option<u64>) {
        if self.live.epoch != epoch {
            self.live.epoch = epoch;
            self.counts.without_evidence = self.counts.without_evidence.saturating_add(1);
            self.live.drift_windows.restart();
            self.live.proof_windows.restart();
            self.live.blocks.restart();
            self.live.canary_gaps.restart();
            self.tolerance.restart();
        }
    }

    fn compare(&mut self, reading: &Reading, lags: &[PartitionLag]) {
        self.break_off(Some(reading.epoch));
        let canary = lags.iter().filter(|lag| lag.consumer.role == Role::Canary);
        let owned: Vec<_> = canary.map(|lag| &lag.id).collect();
        self.ledger.keep_only(&owned);
        self.proofs.keep_only(&owned);
        let at = reading.at;
        self.live.stall.add(at, reading.epoch, lags);
        self.live.group_lag.count(at, reading.members.canary);
        self.live.canary_gaps.add(at, lags);
        if let Some(block) = self.live.blocks.add(at, lags) {
            self.capacity.learn(&block, self.margins.commit_gap_seconds());
        }
        if let Some(window) = self.live.proof_windows.add(at, lags) {
            self.proofs.bet(&window);
        }
        if let Some(window) = self.live.drift_windows.add(at, lags) {
            self.live.group_lag.take(at, &window, self.margins.normal_lag);
            self.bet(&window);
        }
        self.lengthen_windows();
    }

    /// A canary that commits less often than the primary needs longer windows. Decided before
    /// a window begins, so the bets stay fair.
    fn lengthen_windows(&mut self) {
        let pace = self.live.canary_gaps.typical();
        let margins = Margins {
            commit_gap: pace.max(self.margins.commit_gap),
            typical_gap: pace.max(self.margins.typical_gap),
            ..self.margins
        };
        let interval = self.settings.interval;
        self.live.proof_windows.set_length(margins.proof_window(interval));
        self.live.drift_windows.set_length(margins.drift_window(interval));
    }

    /// Bets on a window, or counts it as one without evidence.
    fn bet(&mut self, window: &[Standing]) {
        let mut excused = false;
        let works = works(window, Role::Canary, self.margins.commit_gap_seconds());
        self.live.paces.keep_only(&works);
        self.live.paces.learn(&works);
        let reference = reference(window);
        let drifts: Vec<Drift<_>> = reference.map_or_else(Vec::new, |reference| {
            let canary = window.iter().filter(|one| one.consumer.role == Role::Canary);
            canary
                .filter(|one| one.consumer.warm && !is_idle(one))
                .filter_map(|one| {
                    let seen = one.drift? - reference;
                    // Bet on or not is decided by the lag at the begin. A queue that stands at 0
                    // can only grow, so that its drift is no fair bet.
                    let stands = one.lag_before > self.margins.normal_lag;
                    let late = stands && seen > 0.0;
                    let pod = &one.consumer.pod;
                    let pod_rate = self.live.paces.of(pod).unwrap_or_else(|| works[pod].rate);
                    let overloaded = late && self.capacity.excuses(one.rate, pod_rate);
                    excused |= overloaded;
                    let judged = if overloaded { 0.0 } else { seen };
                    Some(Drift { id: one.id.clone(), judged: stands.then_some(judged), seen })
                })
                .collect()
        });
        let counts = &mut self.counts;
        if drifts.is_empty() {
            counts.without_evidence = counts.without_evidence.saturating_add(1);
        }
        if excused {
            counts.excused_windows = counts.excused_windows.saturating_add(1);
            counts.excused = counts.excused.saturating_add(self.live.drift_windows.length());
        }
        self.ledger.bet(&drifts, self.tolerance.drift());
        self.tolerance.learn(window, reference.unwrap_or(0.0), self.margins.normal_lag);
    }
}

/// What the guards and the warm-up need of a pod; its histogram would be copied in every pass.
fn without_metrics(pod: &PodObservation) -> PodObservation {
    PodObservation {
        name: pod.name.clone(),
        role: pod.role,
        created: pod.created,
        ready: pod.ready,
        terminating: pod.terminating,
        restarts: pod.restarts,
        oom_kills: pod.oom_kills,
        crash_loop: pod.crash_loop,
        node: None,
        metrics: None,
    }
}

impl Settings {
    /// The nearest settings that can be judged by.
    pub(crate) fn sane(self) -> Self {
        let alpha = self.false_rollback_probability;
        Self {
            interval: self.interval.clamp(100, 3_600_000),
            warm_up: self.warm_up.max(0),
            // Below one in a billion no float and no trial could tell the difference.
            false_rollback_probability: if alpha.is_nan() { 1e-9 } else { alpha.clamp(1e-9, 0.5) },
            user: usable(&self.user),
        }
    }
}

impl Live {
    pub(crate) fn new(interval: Millis, margins: &Margins) -> Self {
        Self {
            lags: Lags::default(),
            stall: StallGuard::new(interval, margins.commit_gap),
            hand_over: HandOver::default(),
            group_lag: GroupLag::default(),
            drift_windows: LagWindows::new(margins.drift_window(interval), interval),
            proof_windows: LagWindows::new(margins.proof_window(interval), interval),
            blocks: LagWindows::new(whole_polls(BLOCK, interval), interval),
            canary_gaps: CommitGaps::new(Role::Canary, interval),
            paces: Paces::default(),
            epoch: None,
            latest: None,
            pods: Vec::new(),
            group: None,
        }
    }
}
