//! What a judge rebuilds from new observations after a restart: log ends, open windows, clocks.
//! It cuts what is seen into windows; accounts, margins and verdicts are the judge's.

use std::sync::Arc;

use crate::findings::fault::Fault;
use crate::guards::group_lag::GroupLag;
use crate::guards::rewind::RewindGuard;
use crate::guards::stall::StallGuard;
use crate::lag::blocks::{Blocks, Worked};
use crate::lag::column::{Moves, index};
use crate::lag::commit_gaps::CommitGaps;
use crate::lag::partitions::{LagSnapshot, Lags, Oddities, PartitionLag};
use crate::lag::roster::Consumer;
use crate::lag::windows::{AnyArrival, LagWindows, MessageCounts, WindowLag};
use crate::normal::capacity::{Paces, blocks, works};
use crate::normal::margins::Margins;
use crate::numbers::{Millis, median, seconds, tally};
use crate::observation::{
    GroupObservation, GroupState, Observation, PartitionId, PodObservation, Role,
};

/// What is rebuilt from new observations after a restart.
///
/// What only canary partitions need is kept for them alone, in columns by their rank among them.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) lags: Lags,
    pub(crate) stall: StallGuard,
    pub(crate) hand_over: RewindGuard,
    pub(crate) group_lag: GroupLag,
    /// The canary's partitions.
    pub(crate) drift_windows: LagWindows<MessageCounts>,
    /// All partitions, at the same times.
    reference_windows: LagWindows<AnyArrival>,
    /// The canary's partitions.
    pub(crate) proof_windows: LagWindows<MessageCounts>,
    /// All partitions.
    blocks: Blocks,
    /// The canary's partitions.
    pub(crate) canary_gaps: CommitGaps,
    /// Of the canary's pods, in drift windows.
    paces: Paces,
    /// Places of the canary's partitions under the last stable assignment.
    canary: Vec<u32>,
    /// Whether the judge has been told so.
    told: bool,
    pub(crate) epoch: Option<u64>,
    pub(crate) latest: Option<Millis>,
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
    /// Partitions of primary pods; while rebalancing, what the group last showed.
    pub(crate) primary: u32,
    /// The same of canary pods.
    pub(crate) canary: Vec<Latest>,
    /// The median time lag of the primary's partitions, in seconds. Only told where a canary
    /// partition is further behind than is normal anyway.
    pub(crate) common_lag: f64,
}

/// A canary partition when Kafka last answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latest {
    place: u32,
    pub(crate) consumer: Consumer,
    /// The part of the time lag that is certain, in seconds.
    pub(crate) behind: f64,
    /// Whether its time lag is known.
    pub(crate) known: bool,
    /// Whether nobody ever committed there and nothing arrives.
    pub(crate) unused: bool,
}

/// The windows that a moment completes.
pub(crate) struct Closed {
    pub(crate) block: Option<Vec<Worked>>,
    pub(crate) proof: Option<Vec<WindowLag<MessageCounts>>>,
    pub(crate) drift: Option<Compared>,
}

/// A window of all partitions, and the same of the canary's.
pub(crate) type Compared = (Vec<WindowLag<AnyArrival>>, Vec<WindowLag<MessageCounts>>);

impl Live {
    pub(crate) fn new(interval: Millis, margins: &Margins) -> Self {
        let drift = margins.drift_window(interval);
        Self {
            lags: Lags::default(),
            stall: StallGuard::new(interval, margins.commit_gap),
            hand_over: RewindGuard::default(),
            group_lag: GroupLag::default(),
            drift_windows: LagWindows::new(drift, interval),
            reference_windows: LagWindows::new(drift, interval),
            proof_windows: LagWindows::new(margins.proof_window(interval), interval),
            blocks: blocks(margins, interval),
            canary_gaps: CommitGaps::new(Role::Canary, interval),
            paces: Paces::default(),
            canary: Vec::new(),
            told: false,
            epoch: None,
            latest: None,
            pods: Vec::new(),
            group: None,
        }
    }

    /// Goes on with the log ends of a record, and with how far everyone was; what was odd then is
    /// not the canary's.
    pub(crate) fn go_on(&mut self, lags: Lags, hand_over: RewindGuard) {
        self.lags = lags;
        self.lags.oddities = Oddities::default();
        self.hand_over = hand_over;
    }

    /// Takes an observation; `None`: Kafka gave no answer.
    pub(crate) fn take(&mut self, seen: &Observation, warm_up: Millis) -> Option<LagSnapshot> {
        self.hand_over.begin(seen.group.as_ref()?, &self.lags);
        let sight = self.lags.take(seen, warm_up)?;
        self.hand_over.follow(&sight.moves);
        self.stall.follow(&sight.moves);
        self.reference_windows.follow(&sight.moves);
        self.blocks.follow(&sight.moves);
        if let Moves::Changed(_) = &sight.moves {
            let rank = |place| self.canary.binary_search(&tally(sight.moves.before(place)?)).ok();
            let ranks = (0..sight.moves.len()).filter_map(|place| Some((place, rank(place)?)));
            let (places, ranks) =
                ranks.map(|(place, rank)| (tally(place), Some(tally(rank)))).unzip();
            self.canary = places;
            self.follow_ranks(&Moves::Changed(ranks));
            self.told = false;
        }
        Some(sight)
    }

    /// Takes over which partitions are the canary's under a stable assignment; answers whether
    /// they are others than before.
    pub(crate) fn follow_canary(&mut self, sight: &LagSnapshot) -> bool {
        let ours = |(_, lag): &(usize, &PartitionLag)| lag.role() == Some(Role::Canary);
        let places = sight.lags.iter().enumerate().filter(ours).map(|(place, _)| tally(place));
        let places: Vec<u32> = places.collect();
        let moves = Moves::between(&self.canary, &places);
        self.canary = places;
        self.follow_ranks(&moves);
        let same = moves == Moves::Same(self.canary.len());
        !(std::mem::replace(&mut self.told, true) && same)
    }

    /// Nothing is compared across a rebalance.
    pub(crate) fn restart(&mut self) {
        self.drift_windows.restart();
        self.reference_windows.restart();
        self.proof_windows.restart();
        self.blocks.restart();
        self.canary_gaps.restart();
    }

    /// Lengths of the windows that begin from now on.
    pub(crate) fn set_lengths(&mut self, margins: &Margins, interval: Millis) {
        self.proof_windows.set_length(margins.proof_window(interval));
        self.drift_windows.set_length(margins.drift_window(interval));
        self.reference_windows.set_length(margins.drift_window(interval));
    }

    /// Takes one moment of a stable group.
    pub(crate) fn add(
        &mut self,
        at: Millis,
        group: &GroupObservation,
        sight: &LagSnapshot,
    ) -> Closed {
        let canary = self.canary.iter().map(|place| sight.lags[index(*place)]);
        let canary: Vec<PartitionLag> = canary.collect();
        // Who is not ours may do what it likes with what nobody of ours has.
        let strangers = group.members.external > 0 || group.members.unattributed > 0;
        self.hand_over.take(at, &self.canary, (&sight.lags, strangers));
        self.group_lag.count(at, group.members.canary);
        self.stall.add(at, group.epoch, &sight.lags);
        self.canary_gaps.add(at, &canary);
        let block = self.blocks.add(at, &sight.lags);
        let proof = self.proof_windows.add(at, &canary);
        let reference = self.reference_windows.add(at, &sight.lags);
        let drift = reference.zip(self.drift_windows.add(at, &canary));
        Closed { block, proof, drift }
    }

    /// The canary's partitions, sorted.
    pub(crate) fn canary_ids(&self) -> Vec<PartitionId> {
        self.canary.iter().map(|place| self.lags.roster.id(index(*place))).collect()
    }

    /// Which partition of the canary a window speaks of, and the pod that owns it.
    pub(crate) fn who(&self, standing: &WindowLag<MessageCounts>) -> (PartitionId, &Arc<str>) {
        let place = index(self.canary[standing.place]);
        (self.lags.roster.id(place), self.lags.roster.name(standing.consumer))
    }

    /// Messages per second of each canary pod, by its number, over all its partitions: its pace,
    /// to which a drift window is added, or if it never had a backlog what it did in that window.
    /// Lag of more than `backlog` seconds is one.
    pub(crate) fn pod_rates(
        &mut self,
        window: &[WindowLag<MessageCounts>],
        backlog: f64,
    ) -> Vec<f64> {
        let worked = |one: &WindowLag<MessageCounts>| Worked {
            consumer: one.consumer,
            rate: one.rate(),
            behind: one.lag > backlog,
        };
        let works = works(window.iter().map(worked), &self.lags.roster);
        self.paces.learn(&works);
        let mut rates = vec![0.0; self.lags.roster.numbers()];
        for (pod, work) in works {
            rates[index(work.consumer.number)] = self.paces.of(pod).unwrap_or(work.rate);
        }
        rates
    }

    /// The canary's largest rewind under way.
    pub(crate) fn rewound(&self) -> Option<Fault> {
        let (rank, records) = self.hand_over.rewound()?;
        let place = index(*self.canary.get(rank)?);
        let (partition, pod) = (self.lags.roster.id(place), self.lags.roster.owner(place)?.clone());
        Some(Fault::Rewound { partition, pod, records })
    }

    /// The commit gap, in seconds, that the least lag in a window of proof may still contain.
    pub(crate) fn proof_gap(&self) -> f64 {
        seconds(self.proof_windows.length())
    }

    fn follow_ranks(&mut self, moves: &Moves) {
        self.drift_windows.follow(moves);
        self.proof_windows.follow(moves);
        self.canary_gaps.follow(moves);
        self.hand_over.follow_ranks(moves);
    }
}

impl Group {
    /// What stays of an observation. `suspect`: whether the primary's lag will be asked for.
    pub(crate) fn of(
        (at, state): (Millis, GroupState),
        sight: &LagSnapshot,
        suspect: bool,
    ) -> Self {
        let of = |role| sight.lags.iter().filter(move |lag| lag.role() == Some(role));
        let mut lags: Vec<f64> = if suspect {
            of(Role::Primary).filter_map(PartitionLag::comparable).collect()
        } else {
            Vec::new()
        };
        let latest = |(place, lag): (usize, &PartitionLag)| {
            let consumer = lag.consumer.filter(|consumer| consumer.role == Role::Canary)?;
            let (behind, unused) = (lag.behind(), lag.is_unused());
            let known = lag.comparable().is_some();
            Some(Latest { place: tally(place), consumer, behind, known, unused })
        };
        Self {
            at,
            state,
            assigned: sight.assigned,
            unattributed: sight.unattributed,
            primary: tally(of(Role::Primary).count()),
            canary: sight.lags.iter().enumerate().filter_map(latest).collect(),
            common_lag: median(&mut lags).unwrap_or(0.0),
        }
    }
}

impl Latest {
    /// Its place in the roster.
    pub(crate) fn place(&self) -> usize {
        index(self.place)
    }
}
