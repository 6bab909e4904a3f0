//! The signal of lag: bets that the canary's partitions fall behind, beyond the primary's, and says
//! what excuses them. Whether the lag is proven flat is asked in `lag_non_inferiority`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::counters::kind::may_be_warming_up;
use crate::engines::drift_test::{BETS, Drift, DriftTest};
use crate::engines::e_process::ROUNDING;
use crate::findings::fault::Fault;
use crate::guards::alone::AloneLag;
use crate::lag::blocks::{Blocks, Worked};
use crate::lag::commit_gaps::CommitGaps;
use crate::lag::group::{Group, GroupSnapshot};
use crate::lag::windows::{LagWindows, WindowLag, growing_since, reference};
use crate::normal::capacity::{Capacity, Paces, blocks, works};
use crate::normal::margins::Margins;
use crate::normal::tolerance::Tolerance;
use crate::numbers::{Millis, seconds, unmilli};
use crate::observation::{PartitionId, PodObservation, Role};
use crate::settings::Settings;
use crate::signals::lag_non_inferiority::LagNonInferiority;

/// How far a drift is projected, in seconds.
const PROJECTION_S: f64 = 600.0;

/// A canary that is alone is spared if it would work at full speed on a node that is faster by this: the
/// one that the primary had may have been.
const SLOWER_NODE: f64 = 1.18;

/// The signal of lag. What is normal is learned before the trial, and runs on with it.
#[derive(Clone, Debug)]
pub(crate) struct Lag {
    pub(crate) margins: Margins,
    pub(crate) capacity: Capacity,
    pub(crate) tolerance: Tolerance,
    pub(crate) test: DriftTest<PartitionId>,
    budget: Budget,
    clocks: Clocks,
}

/// Logarithms of accounts by partition.
pub(crate) type LnAccounts = BTreeMap<PartitionId, [f64; BETS]>;

/// How a trial is polled, how long its pods warm up, and ln of the evidence that fails a canary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) interval: Millis,
    /// Age in milliseconds below which a pod is warming up.
    warm_up: Millis,
    pub(crate) ln_needed: f64,
}

/// What is open: rebuilt after a restart, or when the clock was set.
#[derive(Clone, Debug)]
struct Clocks {
    /// All partitions.
    windows: LagWindows,
    /// All partitions.
    blocks: Blocks,
    /// The canary's partitions.
    commit_gaps: CommitGaps,
    /// Rates of the canary's pods, learned from windows of drift.
    paces: Paces,
}

/// A window that has ended.
pub(crate) struct LagWindow {
    /// All partitions.
    pub(crate) all: Vec<WindowLag>,
    pub(crate) length: Millis,
    /// Whether no canary partition could be compared.
    pub(crate) is_empty: bool,
    pub(crate) excuses: BTreeSet<Excuse>,
    /// The canary's partitions that are behind without an excuse, where no primary is beside it.
    pub(crate) alone: Vec<AloneLag>,
}

/// Why growing lag is not held against a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Excuse {
    /// It works as fast as any primary pod was seen to.
    Overloaded,
    /// A primary pod is as slow at the same time.
    SlowPeer,
    /// It shares an outage with the primary, or recovers from one.
    Outage,
}

/// What is known of pods and partitions that spares a canary.
pub(crate) struct Sparing<'a> {
    /// Whether a primary pod is as slow as this one at the same time.
    pub(crate) is_as_slow: &'a dyn Fn(&str) -> bool,
    /// Whether a partition stood still under the primary already.
    pub(crate) has_stood: &'a dyn Fn(&PartitionId) -> bool,
    /// Whether an outage is shared with the primary, or was for a part of the window that ends now.
    pub(crate) outage: bool,
}

impl Budget {
    /// The budget of a trial whose accounts were lost so many times.
    pub(crate) fn of(settings: &Settings, losses: u32) -> Self {
        let (interval, warm_up) = (settings.interval, settings.warm_up);
        Self { interval, warm_up, ln_needed: settings.ln_needed(losses) }
    }
}

impl Lag {
    /// A signal that goes on from what a record taught, with fresh accounts.
    pub(crate) fn new(
        budget: Budget,
        margins: Margins,
        capacity: Capacity,
        tolerance: Tolerance,
    ) -> Self {
        let clocks = Clocks::new(&margins, budget.interval);
        let test = DriftTest::new(margins.scale);
        Self { margins, capacity, tolerance, test, budget, clocks }
    }

    /// Goes on with accounts, and with ln of their pool in thousandths, as they were saved.
    pub(crate) fn restore(&mut self, accounts: LnAccounts, pool: i64, windows: u32) {
        self.test = DriftTest::restored(self.margins.scale, unmilli(pool), windows, accounts);
    }

    /// Takes what an observation says of the group; answers with the window that it ends, if any.
    pub(crate) fn observe(
        &mut self,
        group: &Group,
        seen: &GroupSnapshot<'_>,
        sparing: &Sparing<'_>,
    ) -> Option<LagWindow> {
        self.tolerance.follow(&seen.lags.moves);
        self.clocks.follow(seen);
        if seen.is_broken {
            self.clocks.restart();
            self.tolerance.restart();
        }
        seen.epoch?;
        if seen.is_canary_new {
            let owned = group.canary_ids();
            self.test.keep_only(&owned.iter().collect::<Vec<_>>());
        }
        self.clocks.commit_gaps.add(seen.at, &seen.canary);
        if let Some(block) = self.clocks.blocks.add(seen.at, &seen.lags.lags) {
            self.capacity.add(&block, &group.lags.roster);
        }
        let window = self.clocks.windows.add(seen.at, &seen.lags.lags);
        let window = window.map(|all| self.bet(group, all, sparing));
        // A canary that commits less often than the primary needs longer windows. Decided before a
        // window begins, so the bets stay fair.
        let length = self.margins_at_its_pace().drift_window(self.budget.interval);
        self.clocks.windows.set_length(length);
        window
    }

    /// Bets on a window that ends now.
    fn bet(&mut self, group: &Group, all: Vec<WindowLag>, sparing: &Sparing<'_>) -> LagWindow {
        let roster = &group.lags.roster;
        let rates = self.pod_rates(group, &all);
        let reference = reference(&all);
        let mut excuses = BTreeSet::new();
        let drifts: Vec<Drift<_>> = reference.map_or_else(Vec::new, |reference| {
            let compared = of_canary(&all).filter(|one| one.consumer.warm && !one.is_idle());
            compared
                .filter_map(|one| {
                    let seen = one.drift? - reference;
                    // Bet on or not is decided by the lag at the begin. A queue that stands at 0
                    // can only grow, so that its drift is no fair bet.
                    let stands = one.lag_before > self.margins.normal_lag;
                    let id = roster.id(one.position);
                    if (sparing.has_stood)(&id) {
                        return None;
                    }
                    let (pod, number) = (roster.name(one.consumer), one.consumer.number);
                    let excuse = || self.excuse(one, pod, rates[number.index()], sparing);
                    let excuse = if stands && seen > 0.0 { excuse() } else { None };
                    excuses.extend(excuse);
                    let judged = if excuse.is_some() { 0.0 } else { seen };
                    Some(Drift { id, judged: stands.then_some(judged), seen })
                })
                .collect()
        });
        self.test.bet(&drifts, self.tolerance.drift());
        let is_alone = all.iter().all(|one| one.consumer.role == Role::Canary);
        let alone =
            if is_alone { self.behind_alone(group, &all, &rates, sparing) } else { Vec::new() };
        self.hold_back(group, &all);
        self.tolerance.add(&all, reference.unwrap_or(0.0), self.margins.normal_lag);
        let (length, is_empty) = (self.window_length(), drifts.is_empty());
        LagWindow { all, length, is_empty, excuses, alone }
    }

    /// Why growing lag is not held against a canary, by its pod and the messages that this
    /// one processes per second.
    fn excuse(
        &self,
        one: &WindowLag,
        pod: &str,
        pod_rate: f64,
        sparing: &Sparing<'_>,
    ) -> Option<Excuse> {
        if sparing.outage {
            return Some(Excuse::Outage);
        }
        if self.capacity.excuses(one.rate(), pod_rate) {
            return Some(Excuse::Overloaded);
        }
        (sparing.is_as_slow)(pod).then_some(Excuse::SlowPeer)
    }

    /// The partitions that are further behind than is normal and have nothing to excuse it. Pods that
    /// are young may be warming up, and a node may be slower than the one before.
    fn behind_alone(
        &self,
        group: &Group,
        window: &[WindowLag],
        rates: &[f64],
        sparing: &Sparing<'_>,
    ) -> Vec<AloneLag> {
        let young = self.young(group);
        let behind = of_canary(window).filter(|one| {
            !sparing.outage && one.consumer.warm && one.lag > self.margins.normal_lag
        });
        let unexcused = behind.filter_map(|one| {
            let roster = &group.lags.roster;
            let (partition, pod) = (roster.id(one.position), roster.name(one.consumer));
            let pod_rate = rates[one.consumer.number.index()] * SLOWER_NODE;
            let excused = self.capacity.excuses(one.rate() * SLOWER_NODE, pod_rate);
            if excused || young.contains(pod) || (sparing.has_stood)(&partition) {
                return None;
            }
            let begin = group.latest().saturating_sub(one.span);
            Some(AloneLag { partition, begin, before: one.lag_before, now: one.lag })
        });
        unexcused.collect()
    }

    /// Messages per second of each warm canary pod, by its number, over all its partitions: its pace,
    /// to which a window is added, or if it never had a backlog what it did in that window.
    fn pod_rates(&mut self, group: &Group, window: &[WindowLag]) -> Vec<f64> {
        let roster = &group.lags.roster;
        let backlog = self.margins.backlog_seconds();
        let worked = |one: &WindowLag| Worked {
            consumer: one.consumer,
            rate: one.rate(),
            behind: one.lag > backlog,
        };
        // What a pod does while it warms up is no pace: it would look slow for minutes after.
        let warm = of_canary(window).filter(|one| one.consumer.warm);
        let works = works(warm.map(worked), roster);
        self.clocks.paces.add(&works);
        let mut rates = vec![0.0; roster.numbers()];
        for (pod, work) in works {
            rates[work.consumer.number.index()] = self.clocks.paces.of(pod).unwrap_or(work.rate);
        }
        rates
    }

    /// Lag that grows while a pod is young may be its warm-up: it counts, but does not decide.
    fn hold_back(&mut self, group: &Group, window: &[WindowLag]) {
        let young = self.young(group);
        if young.is_empty() {
            return;
        }
        let roster = &group.lags.roster;
        let held = of_canary(window).filter(|one| young.contains(roster.name(one.consumer)));
        let held: BTreeSet<PartitionId> = held.map(|one| roster.id(one.position)).collect();
        self.test.hold_back(|id| held.contains(id), self.budget.ln_needed);
    }

    /// Canary pods whose lag of the window that ends now may be their warm-up.
    fn young<'a>(&self, group: &'a Group) -> BTreeSet<&'a Arc<str>> {
        let since = growing_since(group.latest(), self.window_length());
        let young = |pod: &&PodObservation| {
            let age = since.saturating_sub(pod.created);
            pod.role == Role::Canary && may_be_warming_up(age, self.budget.warm_up)
        };
        group.pods.iter().filter(young).map(|pod| &pod.name).collect()
    }

    /// The margins with the commit gaps of the canary, where these are longer.
    pub(crate) fn margins_at_its_pace(&self) -> Margins {
        let pace = self.clocks.commit_gaps.typical();
        Margins {
            commit_gap: pace.max(self.margins.commit_gap),
            typical_gap: pace.max(self.margins.typical_gap),
            ..self.margins
        }
    }

    /// The proof that goes with it, with nothing proven yet.
    pub(crate) fn non_inferiority(&self) -> LagNonInferiority {
        let interval = self.budget.interval;
        LagNonInferiority::new(self.margins.proof_window(interval), interval)
    }

    /// Forgets what is open: every remembered time is wrong after the clock was set.
    pub(crate) fn forget_times(&mut self) {
        self.clocks = Clocks::new(&self.margins, self.budget.interval);
    }

    /// Length of the windows that are compared, in milliseconds.
    pub(crate) fn window_length(&self) -> Millis {
        self.clocks.windows.length()
    }

    /// The partition with the most evidence and its drift, if there is more evidence than at first.
    pub(crate) fn suspected(&self) -> Option<(&PartitionId, f64)> {
        self.test.leading().filter(|_| self.test.ln_value() > ROUNDING)
    }

    /// The partition with the most evidence, and what its lag comes to.
    pub(crate) fn worse(&self, group: &Group) -> Option<Fault> {
        let (id, drift) = self.test.leading()?;
        let roster = &group.lags.roster;
        let place = roster.place(id)?;
        let lag = group.answer.as_ref()?.canary.iter().find(|lag| lag.place == place)?;
        Some(Fault::Drifting {
            partition: id.clone(),
            pod: roster.name(lag.consumer).clone(),
            drift,
            lag_seconds: lag.behind,
            projected_seconds: lag.behind + drift.max(0.0) * PROJECTION_S,
        })
    }

    /// The smallest steady drift that would have reached `ln_needed` by now, in seconds per second.
    pub(crate) fn smallest_seen(&self, ln_needed: f64) -> Option<f64> {
        let normal = self.margins.normal_lag / seconds(self.window_length());
        self.test.smallest_drift_seen(ln_needed, self.tolerance.drift(), normal)
    }
}

impl Clocks {
    fn new(margins: &Margins, interval: Millis) -> Self {
        Self {
            windows: LagWindows::new(margins.drift_window(interval), interval),
            blocks: blocks(margins, interval),
            commit_gaps: CommitGaps::new(Role::Canary, interval),
            paces: Paces::default(),
        }
    }

    fn follow(&mut self, seen: &GroupSnapshot<'_>) {
        self.windows.follow(&seen.lags.moves);
        self.blocks.follow(&seen.lags.moves);
        self.commit_gaps.follow(&seen.canary_moves);
    }

    fn restart(&mut self) {
        self.windows.restart();
        self.blocks.restart();
        self.commit_gaps.restart();
    }
}

fn of_canary(window: &[WindowLag]) -> impl Iterator<Item = &WindowLag> {
    window.iter().filter(|one| one.consumer.role == Role::Canary)
}
