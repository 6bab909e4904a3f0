//! The reverse question: is it proven that no canary partition's lag drifts by τ or more?
//! Betting in the canary's favor, per partition; only a rule of `judge` turns it into a Pass.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::sync::Arc;

use crate::constants::LEAST_OBSERVED_MESSAGES;
use crate::engines::non_inferiority::PROVEN;
use crate::engines::poisson::largest_mean;
use crate::findings::finding::Observed;
use crate::findings::signal::Signal;
use crate::lag::column::CanaryPartitions;
use crate::lag::group::{Group, GroupSnapshot};
use crate::lag::partitions::PartitionLag;
use crate::lag::windows::{LagWindows, WindowLag};
use crate::numbers::{Millis, count, seconds};
use crate::observation::PartitionId;

/// Drift that has to be ruled out, in seconds per second.
const RULED_OUT_DRIFT: f64 = 0.25;
/// Stake: 0.9 of the largest that keeps every factor positive, 1/(1 − τ).
const STAKE: f64 = 0.9 / (1.0 - RULED_OUT_DRIFT);
/// Most evidence kept: a canary that stops after a long healthy time is unproven within three windows.
/// A slower growth shows in the lag itself, which has to be normal for a Pass.
const MOST_EVIDENCE: f64 = 40.0 * PROVEN;
/// Least evidence kept, so that a canary that has recovered is not held for ever. Every return to
/// it starts a new attempt, which wrongly succeeds with probability ≤ 1/400.
const LEAST_EVIDENCE: f64 = 1.0 / PROVEN;
/// Messages a window must bring to speak for the canary: less may be luck.
pub(crate) const LEAST_MESSAGES: u32 = 3;
/// Messages, over all partitions, that prove: with each of them committed in time fewer than one of
/// twenty is late, or a chance of one in twenty came true (0.95⁶⁰ = 4.6 %).
pub(crate) const PROVING_MESSAGES: u32 = 60;
/// Messages a window, on average, below which a partition is sparse.
const FEW_MESSAGES: i64 = 10;
/// Windows after which a partition without traffic is known to be sparse. As many as a proof
/// takes, so that waiting for it costs nothing.
const KNOWN_AFTER_WINDOWS: u32 = 12;

/// The proof of each canary partition.
///
/// Per window with drift y: `m ← m·(1 + 0.9/(1 − τ)·(τ − clip(y, −1, 1)))`: 1.3 at y = 0, so that
/// twelve flat windows prove (ln 20 / ln 1.3 = 11.4), after one that only sets the start.
/// y is the canary's own drift: nothing is excused and no primary is subtracted, which can only
/// make the proof harder. The commit sawtooth can't forge it: its sum telescopes, and with a
/// window of at least one commit gap it adds at most a factor e^1.2 over the whole trial.
#[derive(Clone, Debug)]
pub(crate) struct LagNonInferiority {
    windows: LagWindows,
    /// Sorted by partition.
    proofs: Vec<(PartitionId, LagProof)>,
    /// Messages of all partitions that were committed in time, since the last one that was not. Where
    /// little arrives they prove what no partition can show alone.
    pub(crate) in_time: u32,
}

/// Walks the proofs in step with a sorted list, because looking each one up costs more.
pub(crate) struct Walk<'a>(&'a [(PartitionId, LagProof)]);

/// The proof of one partition.
#[derive(Clone, Debug)]
pub(crate) struct LagProof {
    /// The pod it speaks for.
    pub(crate) pod: Arc<str>,
    pub(crate) ln: f64,
    /// Standing lag in the latest window, in seconds; `None`: none since the start or a restart.
    pub(crate) lag: Option<f64>,
    /// Whether it was proven and has not been refuted since: two windows of commit noise, among
    /// hundreds of partitions, always unprove one that was just proven.
    proven: bool,
    seen: u32,
    counted: u32,
    arrived: i64,
    watched: Millis,
}

impl LagNonInferiority {
    /// Evidence from which on a partition is proven.
    pub(crate) const NEEDED: f64 = PROVEN;

    /// Nothing proven yet, over windows of `length`, a multiple of the polling `interval`.
    pub(crate) fn new(length: Millis, interval: Millis) -> Self {
        Self { windows: LagWindows::new(length, interval), proofs: Vec::new(), in_time: 0 }
    }

    /// Takes what an observation says of the group, where lag up to `normal` seconds is normal.
    pub(crate) fn observe(&mut self, group: &Group, seen: &GroupSnapshot<'_>, normal: f64) {
        self.windows.follow(&seen.canary_moves);
        if seen.is_broken {
            self.windows.restart();
        }
        if seen.epoch.is_none() {
            return;
        }
        if seen.is_canary_new {
            let owned = group.canary_ids();
            self.keep_only(&owned.iter().collect::<Vec<_>>());
        }
        self.count_in_time(&seen.canary, self.largest_settled(normal));
        for window in self.windows.add(seen.at, &seen.canary).iter().flatten() {
            let (id, pod) = group.partition_and_pod(window.position, window.consumer);
            self.bet(&id, pod, window);
        }
    }

    /// Counts the messages that were committed since the poll before, unless one waits for longer than
    /// `longest` seconds: what came after it says nothing while it does.
    fn count_in_time(&mut self, lags: &[PartitionLag], longest: f64) {
        let warm = || lags.iter().filter(|lag| lag.consumer.is_some_and(|it| it.warm));
        if warm().any(|lag| lag.behind() > longest) {
            self.in_time = 0;
            return;
        }
        let known = warm().filter(|lag| lag.has_same_owner() && lag.comparable().is_some());
        let committed = known.map(|lag| lag.since.committed).fold(0, u32::saturating_add);
        self.in_time = self.in_time.saturating_add(committed);
    }

    /// What messages that were committed in time show; `None`: there were too few to show anything.
    pub(crate) fn observed(&self) -> Option<Observed> {
        let messages = u64::from(self.in_time);
        let below = (largest_mean(0.0) / f64::from(self.in_time)).min(1.0);
        let enough = self.in_time >= LEAST_OBSERVED_MESSAGES;
        enough.then_some(Observed { signal: Signal::Lag, events: 0, messages, below })
    }

    /// Forgets the open window: every remembered time is wrong after the clock was set.
    pub(crate) fn forget_times(&mut self, length: Millis, interval: Millis) {
        self.windows = LagWindows::new(length, interval);
    }

    /// Length of the windows that begin from now on.
    pub(crate) fn set_length(&mut self, length: Millis) {
        self.windows.set_length(length);
    }

    pub(crate) fn window_length(&self) -> Millis {
        self.windows.length()
    }

    /// The largest lag, in seconds, that a partition may show while up to `normal` is normal: what
    /// is normal was learned over longer windows, and in one of a single commit gap the least lag
    /// may still contain that gap.
    pub(crate) fn largest_settled(&self, normal: f64) -> f64 {
        normal + seconds(self.windows.length())
    }

    /// Whether a partition lags by more than this many seconds.
    pub(crate) fn is_behind(&self, lag: f64) -> bool {
        self.proofs.iter().any(|(_, proof)| proof.lag > Some(lag))
    }

    /// Forgets partitions that are no longer the canary's; `owned` is sorted.
    fn keep_only(&mut self, owned: &[&PartitionId]) {
        self.proofs.retain(|(id, _)| owned.binary_search(&id).is_ok());
    }

    /// Restores one proof that was saved.
    pub(crate) fn restore(&mut self, id: &PartitionId, pod: &Arc<str>, ln: f64) {
        let proof = self.entry(id, pod);
        proof.ln = ln.clamp(LEAST_EVIDENCE.ln(), MOST_EVIDENCE.ln());
        proof.proven = proof.ln >= PROVEN.ln();
    }

    pub(crate) fn get(&self, id: &PartitionId) -> Option<&LagProof> {
        self.position(id).ok().map(|position| &self.proofs[position].1)
    }

    /// Finds the proofs of ascending partitions.
    pub(crate) fn walk(&self) -> Walk<'_> {
        Walk(&self.proofs)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PartitionId, &LagProof)> {
        self.proofs.iter().map(|(id, proof)| (id, proof))
    }

    /// Takes a window of a canary partition and of the pod that owned it.
    pub(crate) fn bet(
        &mut self,
        id: &PartitionId,
        pod: &Arc<str>,
        standing: &WindowLag<CanaryPartitions>,
    ) {
        if !standing.consumer.warm {
            return;
        }
        let proof = self.entry(id, pod);
        if proof.pod != *pod {
            *proof = LagProof::new(pod.clone());
        }
        proof.bet(standing);
    }

    /// The proof of a partition, made if there is none.
    fn entry(&mut self, id: &PartitionId, pod: &Arc<str>) -> &mut LagProof {
        let position = self.position(id).unwrap_or_else(|position| {
            self.proofs.insert(position, (id.clone(), LagProof::new(pod.clone())));
            position
        });
        &mut self.proofs[position].1
    }

    fn position(&self, id: &PartitionId) -> Result<usize, usize> {
        self.proofs.binary_search_by(|(other, _)| other.cmp(id))
    }
}

impl<'a> Walk<'a> {
    /// The proof of a partition that lies behind all those asked for before.
    pub(crate) fn find(&mut self, wanted: &PartitionId) -> Option<&'a LagProof> {
        while let [(id, proof), rest @ ..] = self.0 {
            match id.cmp(wanted) {
                Ordering::Less => self.0 = rest,
                Ordering::Equal => {
                    self.0 = rest;
                    return Some(proof);
                }
                Ordering::Greater => return None,
            }
        }
        None
    }
}

impl LagProof {
    pub(crate) fn new(pod: Arc<str>) -> Self {
        Self { pod, ln: 0.0, lag: None, proven: false, seen: 0, counted: 0, arrived: 0, watched: 0 }
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Whether it has been watched for long enough to tell its traffic.
    pub(crate) fn is_known(&self) -> bool {
        self.seen >= KNOWN_AFTER_WINDOWS
    }

    /// Whether so little arrives that no proof can be expected: none in most windows, or so few in each
    /// that the lag of one says more of them than of the canary.
    pub(crate) fn is_sparse(&self) -> bool {
        let usual = i64::from(self.seen).saturating_mul(FEW_MESSAGES);
        self.is_known() && (self.counted < self.seen / 4 || self.arrived < usual)
    }

    /// Messages arriving per second.
    pub(crate) fn traffic(&self) -> f64 {
        if self.watched > 0 { count(self.arrived) * 1_000.0 / count(self.watched) } else { 0.0 }
    }

    /// Windows that would complete the proof if the lag stayed flat, the first one of a pair
    /// included.
    pub(crate) fn windows_missing(&self) -> u32 {
        let mut ln = self.ln;
        let mut windows = u32::from(self.lag.is_none());
        while ln < PROVEN.ln() {
            ln += (1.0 + STAKE * RULED_OUT_DRIFT).ln();
            windows += 1;
        }
        windows
    }

    fn bet(&mut self, standing: &WindowLag<CanaryPartitions>) {
        self.lag = Some(standing.lag);
        let Some(drift) = standing.drift else { return };
        self.seen = self.seen.saturating_add(1);
        self.arrived = self.arrived.saturating_add(i64::from(standing.counts.arrived));
        self.watched = self.watched.saturating_add(standing.span);
        let factor = 1.0 + STAKE * (RULED_OUT_DRIFT - drift.clamp(-1.0, 1.0));
        let speaks = standing.counts.arrived >= LEAST_MESSAGES;
        self.counted = self.counted.saturating_add(u32::from(speaks));
        // Without traffic a window may only count against the canary.
        if speaks || factor < 1.0 {
            self.ln = (self.ln + factor.ln()).clamp(LEAST_EVIDENCE.ln(), MOST_EVIDENCE.ln());
            self.proven = self.ln >= PROVEN.ln() || self.proven && self.ln >= 0.0;
        }
    }
}
