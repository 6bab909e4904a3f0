//! The consumer group as it is followed from one observation to the next: lags, owners, pods.
//! It tells what changed; nothing is compared, and what is normal is not known here.

use std::sync::Arc;

use crate::lag::column::{Moves, Place, Rank};
use crate::lag::partitions::{LagSnapshot, Lags, Oddities, PartitionLag};
use crate::lag::roster::Consumer;
use crate::numbers::{Millis, median, tally};
use crate::observation::record::{Pushed, Record, arrival};
use crate::observation::{
    GroupObservation, GroupState, Observation, PartitionId, PodObservation, Role,
};

/// A group that is followed. After a restart it is rebuilt from new observations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) lags: Lags,
    /// Places of the canary's partitions under the last stable assignment, sorted. What only they
    /// need is kept for them alone, in columns by their rank among them.
    canary: Vec<Place>,
    /// Whether that list has been reported since the list of all partitions changed.
    reported: bool,
    /// Epoch of the assignment under way; `None`: the group is not Stable.
    epoch: Option<u64>,
    /// The first observation, as far as this process knows.
    pub(crate) begin: Option<Millis>,
    latest: Option<Millis>,
    pub(crate) pods: Vec<PodObservation>,
    pub(crate) answer: Option<GroupAnswer>,
}

/// What one observation says of the group.
pub(crate) struct GroupSnapshot<'a> {
    pub(crate) at: Millis,
    pub(crate) group: &'a GroupObservation,
    pub(crate) lags: LagSnapshot,
    /// The epoch of the assignment; `None`: the group is not Stable, and nothing is compared.
    pub(crate) epoch: Option<u64>,
    /// Whether the assignment is another than before: nothing is compared across a rebalance.
    pub(crate) is_broken: bool,
    /// Lags of the canary's partitions, by rank; empty while the group is not Stable.
    pub(crate) canary: Vec<PartitionLag>,
    /// How the list of the canary's partitions changed.
    pub(crate) canary_moves: Moves,
    /// Whether the canary has other partitions than were last reported.
    pub(crate) is_canary_new: bool,
}

/// The group when Kafka last answered.
#[derive(Clone, Debug)]
pub(crate) struct GroupAnswer {
    pub(crate) at: Millis,
    pub(crate) state: GroupState,
    pub(crate) assigned: u32,
    pub(crate) unattributed: u32,
    /// Partitions of primary pods; while rebalancing, what the group last showed.
    pub(crate) primary: u32,
    /// Partitions of canary pods; while rebalancing, what the group last showed.
    pub(crate) canary: Vec<CanaryPartition>,
    /// The median time lag of the primary's partitions, in seconds; 0 if it was not asked for.
    pub(crate) common_lag: f64,
}

/// A canary partition when Kafka last answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CanaryPartition {
    pub(crate) place: Place,
    pub(crate) consumer: Consumer,
    /// The part of the time lag that is certain, in seconds.
    pub(crate) behind: f64,
    /// Whether its time lag is known.
    pub(crate) known: bool,
    /// Whether nobody ever committed there and nothing arrives.
    pub(crate) unused: bool,
}

impl Group {
    /// Goes on with the log ends of a record and its pods; what was odd then is not the canary's.
    pub(crate) fn going_on(lags: Lags, record: &Record) -> Self {
        let pods = record.latest().map(|latest| latest.pods.clone()).unwrap_or_default();
        let mut group = Self { lags, pods, ..Self::default() };
        group.lags.oddities = Oddities::default();
        group
    }

    /// A group of which nothing is known but what was odd in the offsets of the canary.
    pub(crate) fn with_oddities(oddities: Oddities) -> Self {
        let mut group = Self::default();
        group.lags.oddities = oddities;
        group
    }

    /// What to do with an observation of this time.
    pub(crate) fn arrival(&self, at: Millis) -> Pushed {
        arrival(self.latest, at)
    }

    /// Forgets everything that has a time: the clock was set.
    pub(crate) fn forget_times(&mut self) {
        *self = Self::with_oddities(self.lags.oddities);
    }

    /// Takes an observation; `None`: Kafka gave no answer. Pods are warm from the age `warm_up`.
    pub(crate) fn observe<'a>(
        &mut self,
        seen: &'a Observation,
        warm_up: Millis,
    ) -> Option<GroupSnapshot<'a>> {
        self.begin.get_or_insert(seen.at);
        self.latest = Some(seen.at);
        self.pods.clear();
        self.pods.extend(seen.pods.iter().map(without_metrics));
        let group = seen.group.as_ref()?;
        let lags = self.lags.observe(seen, warm_up)?;
        let mut canary_moves = self.keep_canary(&lags.moves);
        let epoch = group.stable_epoch();
        let is_broken = std::mem::replace(&mut self.epoch, epoch) != epoch;
        let (mut canary, mut is_canary_new) = (Vec::new(), false);
        if epoch.is_some() {
            let moves = self.follow_canary(&lags.lags);
            let is_same = moves == Moves::Same(self.canary.len());
            is_canary_new = !(std::mem::replace(&mut self.reported, true) && is_same);
            canary_moves = canary_moves.then(&moves);
            canary.extend(self.canary.iter().map(|place| lags.lags[place.index()]));
        }
        let at = seen.at;
        Some(GroupSnapshot {
            at,
            group,
            lags,
            epoch,
            is_broken,
            canary,
            canary_moves,
            is_canary_new,
        })
    }

    /// When the group was last observed.
    pub(crate) fn latest(&self) -> Millis {
        self.latest.unwrap_or(0)
    }

    /// The canary's partitions by rank, with their places.
    pub(crate) fn ranked(&self) -> impl Iterator<Item = (Rank, Place)> {
        self.canary.iter().enumerate().map(|(rank, place)| (Rank::at(rank), *place))
    }

    /// The canary's partitions, sorted.
    pub(crate) fn canary_ids(&self) -> Vec<PartitionId> {
        self.canary.iter().map(|place| self.lags.roster.id(*place)).collect()
    }

    /// A partition of the canary by its rank, and the pod that owns it.
    pub(crate) fn partition_and_pod(
        &self,
        rank: Rank,
        consumer: Consumer,
    ) -> (PartitionId, &Arc<str>) {
        let roster = &self.lags.roster;
        (roster.id(self.canary[rank.index()]), roster.name(consumer))
    }

    /// A partition of the canary by its rank, and the pod that owned it under the last stable
    /// assignment.
    pub(crate) fn partition_and_owner(&self, rank: Rank) -> Option<(PartitionId, &Arc<str>)> {
        let place = *self.canary.get(rank.index())?;
        Some((self.lags.roster.id(place), self.lags.roster.owner(place)?))
    }

    /// Keeps those of the canary's partitions that are still listed.
    fn keep_canary(&mut self, moves: &Moves) -> Moves {
        let Moves::Changed(_) = moves else { return Moves::Same(self.canary.len()) };
        let rank = |place| self.canary.binary_search(&Place::at(moves.before(place)?)).ok();
        let ranks = (0..moves.len()).filter_map(|place| Some((place, rank(place)?)));
        let (places, ranks) =
            ranks.map(|(place, rank)| (Place::at(place), Some(tally(rank)))).unzip();
        self.canary = places;
        self.reported = false;
        Moves::Changed(ranks)
    }

    /// Takes over which partitions are the canary's under a stable assignment.
    fn follow_canary(&mut self, lags: &[PartitionLag]) -> Moves {
        let ours = |(_, lag): &(usize, &PartitionLag)| lag.role() == Some(Role::Canary);
        let places =
            lags.iter().enumerate().filter(ours).map(|(place, _)| Place::at(place)).collect();
        let before = std::mem::replace(&mut self.canary, places);
        Moves::between(&before, &self.canary)
    }
}

impl GroupAnswer {
    /// What is kept of an answer until the next one. `asks_common_lag`: whether the primary's lag
    /// will be asked for, which takes a walk through all partitions.
    pub(crate) fn of(seen: &GroupSnapshot<'_>, asks_common_lag: bool) -> Self {
        let lags = &seen.lags;
        let of = |role| lags.lags.iter().filter(move |lag| lag.role() == Some(role));
        let mut known: Vec<f64> = if asks_common_lag {
            of(Role::Primary).filter_map(PartitionLag::comparable).collect()
        } else {
            Vec::new()
        };
        let canary = |(place, lag): (usize, &PartitionLag)| {
            let consumer = lag.consumer.filter(|consumer| consumer.role == Role::Canary)?;
            let (behind, unused) = (lag.behind(), lag.is_unused());
            let known = lag.comparable().is_some();
            Some(CanaryPartition { place: Place::at(place), consumer, behind, known, unused })
        };
        Self {
            at: seen.at,
            state: seen.group.state,
            assigned: lags.assigned,
            unattributed: lags.unattributed,
            primary: tally(of(Role::Primary).count()),
            canary: lags.lags.iter().enumerate().filter_map(canary).collect(),
            common_lag: median(&mut known).unwrap_or(0.0),
        }
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
        containers: pod.containers.clone(),
        node: None,
        metrics: None,
    }
}
