//! The judge of one trial: takes observations, cuts them into windows, keeps the accounts.
//! It reads no clock and starts nothing; the answer is drawn up in `verdict`.

pub(crate) mod live;
pub(crate) mod pass;
pub(crate) mod saved;
pub(crate) mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::counters::kind::may_be_warming_up;
use crate::engines::drift_test::{Drift, DriftTest};
use crate::guards::rewind::RewindGuard;
use crate::judge::live::{Group, Live};
use crate::lag::column::index;
use crate::lag::partitions::LagSnapshot;
use crate::lag::windows::{AnyArrival, MessageCounts, WindowLag, growing_since, reference};
use crate::normal::capacity::Capacity;
use crate::normal::learn::learn;
use crate::normal::margins::Margins;
use crate::normal::tolerance::Tolerance;
use crate::numbers::Millis;
use crate::observation::record::{Pushed, Record, arrival};
use crate::observation::{
    GroupObservation, GroupState, Observation, PartitionId, PodObservation, Role,
};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::signals::lag_non_inferiority::Proofs;

/// The judge of one trial.
#[derive(Clone, Debug)]
pub struct Judge {
    pub(crate) settings: Settings,
    /// How often the accounts were lost.
    pub(crate) losses: u32,
    pub(crate) margins: Margins,
    pub(crate) capacity: Capacity,
    pub(crate) tolerance: Tolerance,
    pub(crate) ledger: DriftTest<PartitionId>,
    pub(crate) proofs: Proofs,
    pub(crate) signals: Signals,
    pub(crate) counts: TrialCounts,
    pub(crate) live: Live,
}

/// Counts over the whole trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrialCounts {
    pub(crate) samples: u32,
    #[serde(rename = "empty")]
    pub(crate) without_evidence: u32,
    #[serde(rename = "excusedWindows")]
    pub(crate) excused_windows: u32,
    pub(crate) excused: Millis,
    /// Time in which lag grew beside a primary pod that was as slow.
    #[serde(rename = "beside", default, skip_serializing_if = "is_zero")]
    pub(crate) beside_a_slow_peer: Millis,
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
        live.go_on(lesson.lags, RewindGuard::learn(record));
        live.pods = record.latest().map(|latest| latest.pods.clone()).unwrap_or_default();
        Self {
            signals: Signals::learn(&settings, record, &lesson.margins),
            settings,
            losses,
            margins: lesson.margins,
            capacity: lesson.capacity,
            tolerance: lesson.tolerance,
            ledger: DriftTest::new(lesson.margins.scale),
            proofs: Proofs::default(),
            counts: TrialCounts::default(),
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
        let Some((group, sight)) =
            observation.group.as_ref().zip(self.live.take(observation, self.settings.warm_up))
        else {
            self.signals.take(observation, None, self.live.lags.oddities.rewinds());
            return;
        };
        self.tolerance.follow(&sight.moves);
        self.counts.samples = self.counts.samples.saturating_add(1);
        let stable = (group.state == GroupState::Stable).then_some(group.epoch);
        let lags = &self.live.lags;
        let owned = stable.map(|epoch| (epoch, &lags.roster, &sight.lags[..]));
        self.signals.take(observation, owned, lags.oddities.rewinds());
        if stable.is_some() {
            self.compare(observation.at, group, &sight);
        } else {
            self.break_off(None);
            self.live.stall.pause(&sight.lags);
        }
        let known = self.margins.normal_lag + self.live.proof_gap();
        let suspect = self.proofs.iter().any(|(_, proof)| proof.lag > Some(known));
        self.live.group = Some(Group::of((observation.at, group.state), &sight, suspect));
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
            self.live.restart();
            self.tolerance.restart();
        }
    }

    fn compare(&mut self, at: Millis, group: &GroupObservation, sight: &LagSnapshot) {
        self.break_off(Some(group.epoch));
        if self.live.follow_canary(sight) {
            let owned = self.live.canary_ids();
            let owned: Vec<_> = owned.iter().collect();
            self.ledger.keep_only(&owned);
            self.proofs.keep_only(&owned);
        }
        let windows = self.live.add(at, group, sight);
        if let Some(block) = windows.block {
            self.capacity.learn(&block, &self.live.lags.roster);
        }
        for standing in windows.proof.iter().flatten() {
            let (id, pod) = self.live.who(standing);
            self.proofs.bet(&id, pod, standing);
        }
        if let Some((all, canary)) = windows.drift {
            self.live.group_lag.take(at, &all, self.margins.normal_lag);
            self.bet(at, &all, &canary);
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
        self.live.set_lengths(&margins, self.settings.interval);
    }

    /// Bets on a window that ends now, or counts it as one without evidence.
    fn bet(
        &mut self,
        at: Millis,
        all: &[WindowLag<AnyArrival>],
        canary: &[WindowLag<MessageCounts>],
    ) {
        let rates = self.live.pod_rates(canary, self.margins.backlog_seconds());
        let reference = reference(all);
        let mut excuses = Vec::new();
        let drifts: Vec<Drift<_>> = reference.map_or_else(Vec::new, |reference| {
            canary
                .iter()
                .filter(|one| one.consumer.warm && !one.is_idle())
                .filter_map(|one| {
                    let seen = one.drift? - reference;
                    // Bet on or not is decided by the lag at the begin. A queue that stands at 0
                    // can only grow, so that its drift is no fair bet.
                    let stands = one.lag_before > self.margins.normal_lag;
                    let (id, pod) = self.live.who(one);
                    let late = stands && seen > 0.0;
                    let rate = (one.rate(), rates[index(one.consumer.number)]);
                    let excuse = late.then(|| self.excuse(pod, rate)).flatten();
                    excuses.extend(excuse);
                    let judged = if excuse.is_some() { 0.0 } else { seen };
                    Some(Drift { id, judged: stands.then_some(judged), seen })
                })
                .collect()
        });
        self.counts.add(drifts.is_empty(), &excuses, self.live.drift_windows.length());
        self.ledger.bet(&drifts, self.tolerance.drift());
        self.hold_back(at, canary);
        self.tolerance.learn(all, reference.unwrap_or(0.0), self.margins.normal_lag);
    }

    /// Why growing lag is not held against a pod that works at these rates, in messages per second:
    /// on that partition, and in all.
    fn excuse(&self, pod: &str, (partition_rate, pod_rate): (f64, f64)) -> Option<Excuse> {
        if self.capacity.excuses(partition_rate, pod_rate) {
            return Some(Excuse::Overloaded);
        }
        self.signals.peers.one_is_as_slow(pod).then_some(Excuse::SlowPeer)
    }

    /// Lag that grows while a pod is young may be its warm-up: it counts, but does not decide.
    fn hold_back(&mut self, at: Millis, canary: &[WindowLag<MessageCounts>]) {
        let since = growing_since(at, self.live.drift_windows.length());
        let young = |pod: &&PodObservation| {
            pod.role == Role::Canary && may_be_warming_up(since.saturating_sub(pod.created))
        };
        let young: BTreeSet<&Arc<str>> =
            self.live.pods.iter().filter(young).map(|pod| &pod.name).collect();
        if young.is_empty() {
            return;
        }
        let of_young = canary.iter().map(|one| self.live.who(one));
        let of_young = of_young.filter(|(_, pod)| young.contains(pod)).map(|(id, _)| id);
        let held: BTreeSet<PartitionId> = of_young.collect();
        let ln_most = self.settings.ln_needed(self.losses);
        self.ledger.hold_back(|id| held.contains(id), ln_most);
    }
}

/// Why growing lag is not held against a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Excuse {
    /// It works as fast as any primary pod was seen to.
    Overloaded,
    /// A primary pod is as slow at the same time.
    SlowPeer,
}

impl TrialCounts {
    /// Counts a window of drift.
    fn add(&mut self, is_empty: bool, excuses: &[Excuse], length: Millis) {
        if is_empty {
            self.without_evidence = self.without_evidence.saturating_add(1);
        }
        if excuses.contains(&Excuse::Overloaded) {
            self.excused_windows = self.excused_windows.saturating_add(1);
            self.excused = self.excused.saturating_add(length);
        }
        if excuses.contains(&Excuse::SlowPeer) {
            self.beside_a_slow_peer = self.beside_a_slow_peer.saturating_add(length);
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(span: &Millis) -> bool {
    *span == 0
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
