//! The stall guard: a canary partition with old messages waiting and no commit while the primary's
//! go on. Deterministic and outside the error budget; it compares no speeds.

mod flags;
mod reference;
pub(crate) mod silence;

use std::collections::BTreeSet;

use crate::constants::longest_bridged;
use crate::findings::doubt::Doubt;
use crate::findings::fault::Fault;
use crate::guards::stall::flags::Flags;
use crate::guards::stall::reference::{Busy, Reference};
use crate::guards::stall::silence::UsualSilence;
use crate::lag::column::{Column, Moves, Place};
use crate::lag::partitions::{Lags, PartitionLag, Since};
use crate::numbers::{Millis, seconds};
use crate::observation::record::Record;
use crate::observation::{PartitionId, Role};

/// Stands for a log that has not grown.
const NOT_GROWING: u32 = u32::MAX;

/// Watches every owned partition for silence.
#[derive(Clone, Debug)]
pub(crate) struct StallGuard {
    interval: Millis,
    usual: UsualSilence,
    latest: Option<(Millis, u64)>,
    /// When the group was last seen, under a stable assignment or not.
    seen: Option<Millis>,
    /// Watched milliseconds without a commit, since the last one or since the assignment.
    quiet: Column<u32>,
    /// Watched milliseconds since messages arrived after the last commit, or after the assignment.
    growing: Column<u32>,
    flags: Column<Flags>,
    /// What the primary did up to the latest look.
    primary: Reference,
    /// Partitions that stood still before, as an earlier process saved them.
    saved: BTreeSet<PartitionId>,
}

/// What the guard sees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stall {
    /// The canary is stuck and the primary is not.
    Canary(Fault),
    /// The canary is stuck, but the primary has not been a fair measure for long enough.
    Spared {
        /// What it will be blamed for if that lasts.
        suspicion: Fault,
        doubt: Doubt,
    },
    /// Canary and primary are stuck.
    Shared(Doubt),
}

impl StallGuard {
    pub(crate) fn new(interval: Millis, usual: UsualSilence) -> Self {
        Self {
            interval,
            usual,
            latest: None,
            seen: None,
            quiet: Column::default(),
            growing: Column::default(),
            flags: Column::default(),
            primary: Reference::default(),
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
                flags[place.index()].insert(Flags::STOOD | Flags::ALONE);
                false
            }
            None => true,
        });
    }

    /// A guard that knows from a record which partitions stand still. Places are those that [`Lags`]
    /// has after the same record.
    pub(crate) fn going_on(&self, record: &Record) -> Self {
        let mut past = Self::new(self.interval, self.usual);
        Lags::of(record, |it| {
            past.follow(&it.seen.moves);
            match it.group.stable_epoch() {
                Some(epoch) => past.add(it.at, epoch, &it.seen.lags),
                None => past.pause(it.at, &it.seen.lags),
            }
        });
        for place in 0..past.flags.len() {
            past.flags[place] = past.has_stood(place);
            (past.quiet[place], past.growing[place]) = (0, NOT_GROWING);
        }
        (past.latest, past.seen) = (None, None);
        past
    }

    /// Forgets everything that has a time: the clock was set.
    pub(crate) fn forget_times(&mut self) {
        *self = Self::new(self.interval, self.usual);
    }

    /// How long an owner that has committed may be silent.
    pub(crate) fn wait(&self) -> Millis {
        self.usual.wait()
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
        self.see(at);
        let step = match self.latest.replace((at, epoch)) {
            Some((before, same)) if same == epoch => at.saturating_sub(before),
            Some(_) | None => 0,
        };
        let is_bridged = step <= longest_bridged(self.interval);
        let step = if is_bridged { u32::try_from(step).unwrap_or(u32::MAX) } else { 0 };
        for (place, lag) in lags.iter().enumerate() {
            if lag.consumer.is_none() {
                self.flags[place] = self.leave(place, lag.since);
            } else if lag.has_same_owner() && self.flags[place].contains(Flags::WATCHED) {
                self.go_on(place, lag, step);
            } else {
                self.begin(place, lag);
            }
        }
        self.follow_primary(step);
    }

    /// The primary was unhealthy at the latest look: no silence so far is held against anybody.
    pub(crate) fn forgive(&mut self) {
        self.primary.begin_anew();
    }

    /// Whether an outage is shared with the primary, or was in the `span` that ends now. It lasts until
    /// a canary has had as long to recover as a stall takes.
    pub(crate) fn is_outage(&self, span: Millis) -> bool {
        self.primary.since_outage() < self.wait().saturating_add(span)
    }

    /// Takes the lags of a moment without a stable assignment: the clocks stand.
    pub(crate) fn pause(&mut self, at: Millis, lags: &[PartitionLag]) {
        self.see(at);
        for (flags, lag) in self.flags.iter_mut().zip(lags) {
            flags.remember(lag.since);
        }
    }

    /// What silenced the source may have silenced the consumers.
    fn see(&mut self, at: Millis) {
        let unseen = self.seen.replace(at).map_or(0, |before| at.saturating_sub(before));
        if unseen > longest_bridged(self.interval) {
            self.primary.begin_anew();
        }
    }

    /// Partitions of the canary that stood still under the primary already.
    pub(crate) fn stood(&self, lags: &Lags) -> impl Iterator<Item = Place> {
        let all = self.flags.iter().enumerate().map(|(place, flags)| (Place::at(place), flags));
        let stood = all.filter(|(_, it)| it.contains(Flags::STOOD | Flags::WATCHED));
        let owned = stood.filter(|(it, _)| lags.roster.role(*it) == Some(Role::Canary));
        owned.map(|(place, _)| place)
    }

    /// What has to be saved of them, what was saved and is not listed yet included. Those that stood
    /// still with everyone are not: whoever reads it could not tell when that was over.
    pub(crate) fn to_save(&self, lags: &Lags) -> BTreeSet<PartitionId> {
        let alone = |place: &Place| self.flags[place.index()].contains(Flags::ALONE);
        let placed = self.stood(lags).filter(alone).map(|place| lags.roster.id(place));
        placed.chain(self.saved.iter().cloned()).collect()
    }

    /// Whether a partition stood still under the primary, and nobody has committed since.
    pub(crate) fn has_stood_at(&self, place: Place) -> bool {
        self.flags.get(place.index()).is_some_and(|it| it.contains(Flags::STOOD))
    }

    /// The gravest stall of the canary now: the longest one. `lags` are those that were watched.
    /// What stood still before tells nothing of either role, nor does silence while the primary
    /// stood still, was unhealthy or out of sight: it counts from where that ended.
    pub(crate) fn stall(&self, lags: &Lags) -> Option<Stall> {
        let stuck = || {
            let all = (0..self.flags.len()).filter(|&place| self.is_stuck(place));
            all.filter(|&place| lags.roster.role(Place::at(place)) == Some(Role::Canary))
        };
        let longest = |a: &usize, b: &usize| (self.quiet[*a], *b).cmp(&(self.quiet[*b], *a));
        if let Some(place) = stuck().filter(|&it| self.is_blamed(it)).max_by(longest) {
            return Some(Stall::Canary(self.fault(place, lags)?));
        }
        let place = stuck().max_by(longest)?;
        let partition = lags.roster.id(Place::at(place));
        if self.primary.is_silent() {
            let (committing, of) = (self.primary.busy().committing, self.primary.busy().all());
            return Some(Stall::Shared(Doubt::SharedStall { partition, committing, of }));
        }
        let remaining = self.patience(place).saturating_sub(self.primary.steady());
        let doubt = Doubt::JustRecovered { partition, remaining };
        Some(Stall::Spared { suspicion: self.fault(place, lags)?, doubt })
    }

    /// Whether its owner has been silent for too long, if nothing excuses that.
    fn is_stuck(&self, place: usize) -> bool {
        let flags = self.flags[place];
        let watched = flags.contains(Flags::WATCHED) && !flags.contains(Flags::STOOD);
        watched && self.is_stalled(place) && self.patience(place) <= self.quiet[place].into()
    }

    /// Whether its owner was as silent while the primary was a fair measure. Primary pods that are
    /// slow, each for less than the time of a stall, excuse no silence of three times as long.
    fn is_blamed(&self, place: usize) -> bool {
        let patience = self.patience(place);
        let long = patience.saturating_add(self.wait().saturating_mul(2));
        let since_outage = self.primary.since_outage().min(self.quiet[place].into());
        patience <= self.primary.steady() || long <= since_outage
    }

    /// How long its owner may be silent; up to its first commit one gap more.
    fn patience(&self, place: usize) -> Millis {
        let armed = self.flags[place].contains(Flags::ARMED);
        let more = if armed { 0 } else { self.usual.before_first_commit() };
        self.wait().saturating_add(more)
    }

    /// Whether its owner has been silent for half the time of a stall. That speaks for a canary:
    /// it is more than any healthy gap, all the same.
    fn is_silent(&self, place: usize) -> bool {
        Millis::from(self.quiet[place]).saturating_mul(2) >= self.wait()
    }

    /// Whether messages have waited for the time of a stall without a commit.
    fn is_stalled(&self, place: usize) -> bool {
        let ripe = self.flags[place].contains(Flags::RIPE);
        ripe && Millis::from(self.quiet[place]) >= self.wait()
    }

    /// Whether a primary pod commits nothing here although messages wait.
    fn stands(&self, place: usize) -> bool {
        let flags = self.flags[place];
        flags.contains(Flags::PRIMARY | Flags::WAITS) && self.is_silent(place)
    }

    /// Whether nobody commits here although messages wait, since before its owner got it if that is
    /// no primary pod.
    fn stands_still(&self, place: usize) -> bool {
        self.stands(place) || self.flags[place].contains(Flags::STOOD)
    }

    /// How that is known to the next owner; empty: it is not so, or not any more.
    fn has_stood(&self, place: usize) -> Flags {
        let flags = self.flags[place];
        if !self.stands_still(place) || flags.contains(Flags::COMMITTED) {
            return Flags::empty();
        }
        let alone = self.primary.mostly_commits() || flags.contains(Flags::ALONE);
        if alone { Flags::STOOD | Flags::ALONE } else { Flags::STOOD }
    }

    /// Its owner has left it: what is still known of it.
    fn leave(&mut self, place: usize, since: Since) -> Flags {
        self.flags[place].remember(since);
        if self.flags[place].contains(Flags::COMMITTED) {
            self.revive(place);
        }
        self.has_stood(place)
    }

    /// Somebody has committed here.
    fn revive(&mut self, place: usize) {
        if self.flags[place].contains(Flags::PRIMARY) && self.stands_still(place) {
            self.primary.revive();
        }
    }

    /// Takes what the primary's partitions do, and what follows for those that stand still.
    fn follow_primary(&mut self, step: u32) {
        let recovered = self.primary.look(self.busy(), step);
        for place in 0..self.flags.len() {
            // Where everyone falls silent some do so earlier, by less than half that time.
            let stalled = self.stands(place) && self.is_stalled(place);
            if stalled && self.primary.mostly_commits() {
                self.flags[place].insert(Flags::ALONE);
            } else if recovered && !self.flags[place].contains(Flags::ALONE) {
                // What stood still with everyone is to go on with everyone.
                self.flags[place].remove(Flags::STOOD);
            }
        }
    }

    /// The primary's partitions that commit or would have to. One that stood still before for
    /// reasons of its own tells nothing.
    fn busy(&self) -> Busy {
        let mut busy = Busy::default();
        for (place, flags) in self.flags.iter().enumerate() {
            let tells = !flags.contains(Flags::STOOD | Flags::ALONE);
            if !tells || !flags.contains(Flags::WATCHED | Flags::PRIMARY) {
                continue;
            }
            if self.stands_still(place) {
                busy.silent += 1;
                busy.stalled += u32::from(flags.contains(Flags::STOOD) || self.is_stalled(place));
            } else if flags.contains(Flags::ARMED) && !self.is_silent(place) {
                busy.committing += 1;
            }
        }
        busy
    }

    fn begin(&mut self, place: usize, lag: &PartitionLag) {
        let stood = self.leave(place, lag.since);
        self.quiet[place] = 0;
        self.growing[place] = NOT_GROWING;
        self.flags[place] = Flags::WATCHED | stood;
        self.flags[place].set(Flags::PRIMARY, lag.role() == Some(Role::Primary));
        self.look(place, lag);
    }

    /// Goes on with the same owner a poll later, of which `step` milliseconds count.
    fn go_on(&mut self, place: usize, lag: &PartitionLag, step: u32) {
        self.flags[place].remember(lag.since);
        // No answer about the offset is no evidence of silence.
        if lag.unanswered {
            return;
        }
        let flags = self.flags[place];
        let (committed, grew) = (flags.contains(Flags::COMMITTED), flags.contains(Flags::GREW));
        self.flags[place].remove(Flags::COMMITTED | Flags::GREW);
        if committed {
            self.revive(place);
            self.flags[place].remove(Flags::STOOD | Flags::ALONE);
            self.flags[place].insert(Flags::ARMED);
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
        let work = lag.has_work() || (lag.committed.is_none() && growing.is_some());
        // A pod that loads a cache first commits nothing until it is warm.
        let begun = self.flags[place].contains(Flags::ARMED) || lag.is_warm();
        self.flags[place].set(Flags::RIPE, old(wait) && work && begun);
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
