//! The stall guard: a canary partition with old messages waiting and no commit while the primary's
//! go on. Deterministic and outside the error budget; it compares no speeds.

use crate::by_partition::ByPartition;
use crate::lags::{MORE_THAN_A_MARKER, PartitionLag};
use crate::observation::{Millis, Role};
use crate::reading::Consumer;
use crate::time_lag::TimeLag;
use crate::{Doubt, Fault, PartitionId};

/// Silence shorter than this is never a stall: a GC pause, a slow downstream call, a retry.
const SHORTEST_WAIT: Millis = 30_000;
/// Silence that is a stall while the commit interval is unknown.
const DEFAULT_WAIT: Millis = 60_000;
/// Part of the busy primary partitions that must commit, in percent; otherwise the cause is shared.
const COMMITTING: usize = 80;
/// Watches every owned partition for silence.
#[derive(Clone, Debug)]
pub(crate) struct StallGuard {
    interval: Millis,
    commit_gap: Option<Millis>,
    latest: Option<(Millis, u64)>,
    /// Always some after [`StallGuard::add`].
    clocks: ByPartition<Option<Clock>>,
}

/// What the guard sees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stall {
    /// The canary is stuck and the primary is not.
    Canary(Fault),
    /// Both are stuck.
    Shared(Doubt),
}

/// One partition under one owner.
#[derive(Clone, Debug)]
struct Clock {
    consumer: Consumer,
    /// Whether this owner has committed.
    armed: bool,
    /// Watched time without a commit, since the last one or since the assignment.
    quiet: Millis,
    committed: Option<i64>,
    /// Log end at the last commit, or when the partition was given.
    end_then: Option<i64>,
    /// Watched time since messages have arrived after that.
    growing: Option<Millis>,
    /// Certain time lag, in seconds.
    behind: f64,
    waiting: i64,
}

impl StallGuard {
    pub(crate) fn new(interval: Millis, commit_gap: Option<Millis>) -> Self {
        Self { interval, commit_gap, latest: None, clocks: ByPartition::default() }
    }

    /// How long an owner that has committed may be silent: twice the longest healthy gap, to
    /// which the polls add one interval.
    pub(crate) fn wait(&self) -> Millis {
        self.commit_gap.map_or(DEFAULT_WAIT, |gap| {
            SHORTEST_WAIT.max(gap.saturating_add(self.interval).saturating_mul(2))
        })
    }

    /// How long a new owner may take to its first commit: one gap more.
    fn first_wait(&self) -> Millis {
        self.wait().saturating_add(self.commit_gap.unwrap_or(0))
    }

    /// Takes the lags of one moment under a stable assignment.
    pub(crate) fn add(&mut self, at: Millis, epoch: u64, lags: &[PartitionLag]) {
        // A rebalance since the last poll, or silence of the source, stops the clocks: a consumer
        // can't commit through either.
        let patience = self.interval.saturating_mul(5) / 2;
        let step = match self.latest.replace((at, epoch)) {
            Some((before, same)) if same == epoch => at.saturating_sub(before),
            Some(_) | None => 0,
        };
        let step = if step > patience { 0 } else { step };
        self.clocks.follow(lags.iter().map(|lag| &lag.id), || None);
        for ((_, clock), lag) in self.clocks.iter_mut().zip(lags) {
            match clock {
                Some(clock) if clock.consumer.is(&lag.consumer) => clock.go_on(lag, step),
                Some(_) | None => *clock = Some(Clock::new(lag)),
            }
        }
    }

    /// The gravest stall of the canary now: the longest one.
    pub(crate) fn stall(&self) -> Option<Stall> {
        let (id, clock) = self
            .clocks
            .iter()
            .filter_map(|(id, clock)| Some((id, clock.as_ref()?)))
            .filter(|(_, clock)| clock.consumer.role == Role::Canary && self.is_stuck(clock))
            .max_by(|a, b| (a.1.quiet, b.0).cmp(&(b.1.quiet, a.0)))?;
        let primary =
            || self.clocks.values().flatten().filter(|one| one.consumer.role == Role::Primary);
        let stuck = primary().filter(|one| self.is_stuck(one)).count();
        let committing = primary().filter(|one| one.armed && one.quiet < self.wait()).count();
        let busy = stuck + committing;
        if committing * 100 < busy * COMMITTING {
            return Some(Stall::Shared(Doubt::SharedStall {
                partition: id.clone(),
                committing: crate::units::tally(committing),
                of: crate::units::tally(busy),
            }));
        }
        Some(Stall::Canary(clock.fault(id)))
    }

    fn is_stuck(&self, clock: &Clock) -> bool {
        let wait = self.wait();
        let patience = if clock.armed { wait } else { self.first_wait() };
        // Never committed by anyone: how old the first message is, only its arrival tells.
        let old = match clock.committed {
            Some(_) => clock.behind >= crate::units::seconds(wait),
            None => clock.growing.is_some_and(|growing| growing >= wait),
        };
        // If nothing arrived since the last commit, a single message may be a marker.
        let work = clock.growing.is_some() || clock.waiting >= MORE_THAN_A_MARKER;
        clock.quiet >= patience && old && work
    }
}

impl Clock {
    fn new(lag: &PartitionLag) -> Self {
        Self {
            consumer: lag.consumer.clone(),
            armed: false,
            quiet: 0,
            committed: lag.committed,
            end_then: lag.log_end,
            growing: None,
            behind: lag.lag.map_or(0.0, TimeLag::lower_bound),
            waiting: lag.waiting(),
        }
    }

    /// The same owner a poll later, of which `step` counts.
    fn go_on(&mut self, lag: &PartitionLag, step: Millis) {
        // No answer about the offset is no evidence of silence.
        if lag.committed.is_none() && self.committed.is_some() || lag.log_end.is_none() {
            return;
        }
        self.behind = lag.lag.map_or(0.0, TimeLag::lower_bound);
        self.waiting = lag.waiting();
        if lag.committed == self.committed {
            let grew = lag.log_end > self.end_then;
            self.quiet = self.quiet.saturating_add(step);
            let longer = self.growing.map(|since| since.saturating_add(step));
            self.growing = longer.or(grew.then_some(0));
        } else {
            (self.armed, self.quiet, self.growing) = (true, 0, None);
            (self.committed, self.end_then) = (lag.committed, lag.log_end);
        }
    }

    fn fault(&self, id: &PartitionId) -> Fault {
        let (partition, pod) = (id.clone(), self.consumer.pod.clone());
        let (quiet, waiting) = (self.quiet, self.waiting);
        if self.armed {
            Fault::Stalled { partition, pod, quiet, waiting }
        } else {
            Fault::NoFirstCommit { partition, pod, quiet, waiting }
        }
    }
}
