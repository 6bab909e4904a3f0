//! The stall guard: a canary partition with old messages waiting and no commit while the primary's
//! go on. Deterministic and outside the error budget; it compares no speeds.

use std::collections::BTreeSet;

use crate::constants::longest_bridged;
use crate::findings::doubt::Doubt;
use crate::findings::fault::Fault;
use crate::lag::column::{Column, Moves, Place};
use crate::lag::partitions::{Lags, MORE_THAN_A_MARKER, PartitionLag, Since};
use crate::numbers::{Millis, seconds, tally};
use crate::observation::record::Record;
use crate::observation::{GroupState, PartitionId, Role};

/// Silence shorter than this is never a stall: a GC pause, a slow downstream call, a retry.
const SHORTEST_WAIT: Millis = 30_000;
/// Silence that is a stall while the commit interval is unknown.
const DEFAULT_WAIT: Millis = 60_000;
/// Part of the busy primary partitions that must commit, in percent; otherwise the cause is shared.
const COMMITTING_PERCENT: usize = 80;
/// Stands for a log that has not grown.
const NOT_GROWING: u32 = u32::MAX;

bitflags::bitflags! {
    /// What is known of a partition.
    #[derive(Clone, Copy, Debug)]
    struct Flags: u8 {
        /// It is watched under its owner.
        const WATCHED = 1;
        /// This owner has committed.
        const ARMED = 1 << 1;
        /// Old messages waited when its offsets were last known: silence is then a stall.
        const RIPE = 1 << 2;
        /// An offset was committed while the clock stood.
        const COMMITTED = 1 << 3;
        /// The log grew while the clock stood.
        const GREW = 1 << 4;
        /// It stood still under the primary, and nobody has committed since.
        const STOOD = 1 << 5;
        /// Its owner is a primary pod.
        const PRIMARY = 1 << 6;
        /// Messages have waited for half the time of a stall.
        const WAITS = 1 << 7;
    }
}

/// Watches every owned partition for silence.
#[derive(Clone, Debug)]
pub(crate) struct StallGuard {
    interval: Millis,
    commit_gap: Option<Millis>,
    latest: Option<(Millis, u64)>,
    /// Watched milliseconds without a commit, since the last one or since the assignment.
    quiet: Column<u32>,
    /// Watched milliseconds since messages have arrived after the last commit, or after the
    /// assignment.
    growing: Column<u32>,
    flags: Column<Flags>,
    /// Partitions that stood still before, as an earlier process saved them.
    saved: BTreeSet<PartitionId>,
}

/// What the guard sees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stall {
    /// The canary is stuck and the primary is not.
    Canary(Fault),
    /// Canary and primary are stuck.
    Shared(Doubt),
}

impl StallGuard {
    pub(crate) fn new(interval: Millis, commit_gap: Option<Millis>) -> Self {
        Self {
            interval,
            commit_gap,
            latest: None,
            quiet: Column::default(),
            growing: Column::default(),
            flags: Column::default(),
            saved: BTreeSet::new(),
        }
    }

    /// Goes on with partitions that stood still before, by what an earlier process saved.
    pub(crate) fn recall(&mut self, stood: BTreeSet<PartitionId>) {
        self.saved = stood;
    }

    /// Finds the places of what was saved, once it is listed. To be asked after [`add`](Self::add):
    /// an offset that becomes known looks like a commit.
    pub(crate) fn place_saved(&mut self, lags: &Lags) {
        let flags = &mut self.flags;
        self.saved.retain(|id| match lags.roster.place(id) {
            Some(place) => {
                flags[place.index()].insert(Flags::STOOD);
                false
            }
            None => true,
        });
    }

    /// A guard that knows from a record which partitions stand still. Places are those that [`Lags`]
    /// has after the same record.
    pub(crate) fn going_on(&self, record: &Record) -> Self {
        let mut past = Self::new(self.interval, self.commit_gap);
        let mut lags = Lags::default();
        for seen in record.observations() {
            let Some((group, sight)) = seen.group.as_ref().zip(lags.observe(&seen, 0)) else {
                continue;
            };
            past.follow(&sight.moves);
            match group.state {
                GroupState::Stable => past.add(seen.at, group.epoch, &sight.lags),
                GroupState::Rebalancing | GroupState::Empty => past.pause(&sight.lags),
            }
        }
        let stood = |place| if past.has_stood(place) { Flags::STOOD } else { Flags::empty() };
        let stood: Vec<Flags> = (0..past.flags.len()).map(stood).collect();
        for (place, flags) in stood.into_iter().enumerate() {
            (past.quiet[place], past.growing[place]) = (0, NOT_GROWING);
            past.flags[place] = flags;
        }
        past.latest = None;
        past
    }

    /// Forgets everything that has a time: the clock was set.
    pub(crate) fn forget_times(&mut self) {
        *self = Self::new(self.interval, self.commit_gap);
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

    /// The list of partitions changed.
    pub(crate) fn follow(&mut self, moves: &Moves) {
        self.quiet.follow(moves, 0);
        self.growing.follow(moves, NOT_GROWING);
        self.flags.follow(moves, Flags::empty());
    }

    /// Takes the lags of all partitions at one moment under a stable assignment.
    pub(crate) fn add(&mut self, at: Millis, epoch: u64, lags: &[PartitionLag]) {
        // A rebalance since the last poll, or silence of the source, stops the clocks: a consumer
        // can't commit through either.
        let patience = longest_bridged(self.interval);
        let step = match self.latest.replace((at, epoch)) {
            Some((before, same)) if same == epoch => at.saturating_sub(before),
            Some(_) | None => 0,
        };
        let step = if step > patience { 0 } else { u32::try_from(step).unwrap_or(u32::MAX) };
        for (place, lag) in lags.iter().enumerate() {
            if lag.consumer.is_none() {
                let stood = self.has_stood(place) && !lag.since.commit;
                self.flags[place] = if stood { Flags::STOOD } else { Flags::empty() };
            } else if lag.has_same_owner() && self.flags[place].contains(Flags::WATCHED) {
                self.go_on(place, lag, step);
            } else {
                self.begin(place, lag);
            }
        }
    }

    /// Takes the lags of a moment without a stable assignment: the clocks stand.
    pub(crate) fn pause(&mut self, lags: &[PartitionLag]) {
        for (flags, lag) in self.flags.iter_mut().zip(lags) {
            remember(flags, lag.since);
        }
    }

    /// Partitions of the canary that stood still under the primary already.
    pub(crate) fn stood(&self, lags: &Lags) -> impl Iterator<Item = Place> {
        let all = self.flags.iter().enumerate().map(|(place, flags)| (Place::at(place), flags));
        let stood = all.filter(|(_, it)| it.contains(Flags::STOOD | Flags::WATCHED));
        let owned = stood.filter(|(it, _)| lags.roster.role(*it) == Some(Role::Canary));
        owned.map(|(place, _)| place)
    }

    /// What has to be saved of them, what was saved and is not listed yet included.
    pub(crate) fn to_save(&self, lags: &Lags) -> BTreeSet<PartitionId> {
        let placed = self.stood(lags).map(|place| lags.roster.id(place));
        placed.chain(self.saved.iter().cloned()).collect()
    }

    /// Whether a partition stood still under the primary, and nobody has committed since.
    pub(crate) fn has_stood_at(&self, place: Place) -> bool {
        self.flags.get(place.index()).is_some_and(|it| it.contains(Flags::STOOD))
    }

    /// The gravest stall of the canary now: the longest one. `lags` are those that were watched.
    /// What stood still before tells nothing of either role.
    pub(crate) fn stall(&self, lags: &Lags) -> Option<Stall> {
        let of = |role: Role| {
            let all = (0..self.flags.len()).filter(|&place| {
                let flags = self.flags[place];
                flags.contains(Flags::WATCHED) && !flags.contains(Flags::STOOD)
            });
            all.filter(move |&place| lags.roster.role(Place::at(place)) == Some(role))
        };
        let canary = of(Role::Canary).filter(|&place| self.is_stuck(place));
        let place = canary.max_by(|&a, &b| (self.quiet[a], b).cmp(&(self.quiet[b], a)))?;
        let wait = self.wait();
        let commits = |place: &usize| {
            self.flags[*place].contains(Flags::ARMED) && Millis::from(self.quiet[*place]) < wait
        };
        let stuck = of(Role::Primary).filter(|&place| self.is_stuck(place)).count();
        let committing = of(Role::Primary).filter(commits).count();
        let busy = stuck + committing;
        if committing * 100 < busy * COMMITTING_PERCENT {
            return Some(Stall::Shared(Doubt::SharedStall {
                partition: lags.roster.id(Place::at(place)),
                committing: tally(committing),
                of: tally(busy),
            }));
        }
        Some(Stall::Canary(self.fault(place, lags)?))
    }

    fn is_stuck(&self, place: usize) -> bool {
        let flags = self.flags[place];
        let patience =
            || if flags.contains(Flags::ARMED) { self.wait() } else { self.first_wait() };
        flags.contains(Flags::RIPE) && Millis::from(self.quiet[place]) >= patience()
    }

    /// Whether nobody commits here although messages wait, since before its owner got it.
    fn has_stood(&self, place: usize) -> bool {
        let flags = self.flags[place];
        // Half the time of a stall speaks for the canary: more than any healthy gap, all the same.
        let long = Millis::from(self.quiet[place]).saturating_mul(2) >= self.wait();
        let stands = flags.contains(Flags::PRIMARY | Flags::WAITS) && long;
        (stands || flags.contains(Flags::STOOD)) && !flags.contains(Flags::COMMITTED)
    }

    fn begin(&mut self, place: usize, lag: &PartitionLag) {
        let stood = self.has_stood(place) && !lag.since.commit;
        self.quiet[place] = 0;
        self.growing[place] = NOT_GROWING;
        self.flags[place] = Flags::WATCHED;
        self.flags[place].set(Flags::STOOD, stood);
        self.flags[place].set(Flags::PRIMARY, lag.role() == Some(Role::Primary));
        self.look(place, lag);
    }

    /// Goes on with the same owner a poll later, of which `step` milliseconds count.
    fn go_on(&mut self, place: usize, lag: &PartitionLag, step: u32) {
        let flags = &mut self.flags[place];
        remember(flags, lag.since);
        // No answer about the offset is no evidence of silence.
        if lag.unanswered {
            return;
        }
        let (committed, grew) = (flags.contains(Flags::COMMITTED), flags.contains(Flags::GREW));
        flags.remove(Flags::COMMITTED | Flags::GREW);
        if committed {
            flags.remove(Flags::STOOD);
            flags.insert(Flags::ARMED);
            (self.quiet[place], self.growing[place]) = (0, NOT_GROWING);
        } else {
            self.quiet[place] = self.quiet[place].saturating_add(step);
            self.growing[place] = match self.growing[place] {
                NOT_GROWING if grew => 0,
                NOT_GROWING => NOT_GROWING,
                since => since.saturating_add(step).min(NOT_GROWING - 1),
            };
        }
        self.look(place, lag);
    }

    /// Whether what waits is old enough for a stall.
    fn look(&mut self, place: usize, lag: &PartitionLag) {
        let growing = Some(self.growing[place]).filter(|since| *since != NOT_GROWING);
        let wait = self.wait();
        // Never committed by anyone: how old the first message is, only its arrival tells.
        let old = |wait: Millis| match lag.committed {
            Some(_) => lag.behind() >= seconds(wait),
            None => growing.is_some_and(|since| Millis::from(since) >= wait),
        };
        // If nothing arrived since the last commit, a single message may be a marker.
        let work = growing.is_some() || lag.waiting() >= MORE_THAN_A_MARKER;
        self.flags[place].set(Flags::RIPE, old(wait) && work);
        self.flags[place].set(Flags::WAITS, old(wait / 2) && work);
    }

    fn fault(&self, place: usize, lags: &Lags) -> Option<Fault> {
        let at = Place::at(place);
        let (partition, pod) = (lags.roster.id(at), lags.roster.owner(at)?.clone());
        let (quiet, waiting) = (Millis::from(self.quiet[place]), lags.waiting(at));
        Some(if self.flags[place].contains(Flags::ARMED) {
            Fault::Stalled { partition, pod, quiet, waiting }
        } else {
            Fault::NoFirstCommit { partition, pod, quiet, waiting }
        })
    }
}

/// What happens while the clock stands counts when it goes on.
fn remember(flags: &mut Flags, since: Since) {
    if since.commit {
        flags.insert(Flags::COMMITTED);
    }
    if since.grew {
        flags.insert(Flags::GREW);
    }
}
