//! One partition: its last two samples, and what of it the canary consumed before them.
//! Knows no other partition.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::observation::{Owner, PartitionObservation, Role};
use crate::replay_ranges::consumed::{RangeKind, Shortfall};
use crate::replay_ranges::proof::Proof;
use crate::replay_ranges::spans::Spans;

/// What is kept of one partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartitionLog {
    /// The interval between the two is told apart when the next sample has come.
    before: Option<OffsetSample>,
    last: Option<OffsetSample>,
    /// Most that was committed between two samples.
    most: i64,
    pub(crate) certain: Spans,
    pub(crate) possible: Spans,
    pub(crate) touched: Spans,
    /// First offset that was touched where the end of the log was not known.
    owed: Option<i64>,
    /// Where commits went back to last: told apart with the interval after it, which shows how fast
    /// the canary goes on.
    rewound: Option<i64>,
    pub(crate) shortfalls: BTreeSet<Shortfall>,
}

/// Offsets of a partition at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OffsetSample {
    look: u64,
    holder: Holder,
    committed: Option<i64>,
    log_start: Option<i64>,
    log_end: Option<i64>,
}

/// What is kept of a partition for another process: committed offset, start and end of the log, the
/// most that was committed between two samples, and what few partitions have.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptPartition(
    Option<i64>,
    Option<i64>,
    Option<i64>,
    i64,
    #[serde(default)] KeptRest,
);

/// First offset touched up to an end that is not known yet, and what is wrong with the ranges.
#[derive(Debug, Default, Serialize, Deserialize)]
struct KeptRest(Option<i64>, BTreeSet<Shortfall>);

/// Who owns a partition, as far as it concerns the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// A canary pod.
    Canary,
    /// Somebody who is not the canary, or nobody.
    Other,
    /// A member that could be anybody.
    Unknown,
}

/// What an interval between two samples is to the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interval {
    Certain,
    Possible,
    NotCanary,
}

impl PartitionLog {
    /// What an earlier process knew: what was committed since its sample is not told apart.
    pub(crate) fn resumed(kept: KeptPartition) -> Self {
        let KeptPartition(committed, log_start, log_end, most, KeptRest(owed, shortfalls)) = kept;
        let sample =
            OffsetSample { look: 0, holder: Holder::Unknown, committed, log_start, log_end };
        let last = committed.or(log_start).or(log_end).map(|_| sample);
        Self { last, most, owed, shortfalls, ..Self::default() }
    }

    /// What resumes it, beside its spans up to now: the older of the two samples, since the interval
    /// after it can still turn out to be the canary's.
    pub(crate) fn kept(&self, proof: &Proof) -> KeptPartition {
        let now = self.up_to_now(proof);
        let mut shortfalls = now.shortfalls;
        shortfalls.remove(&Shortfall::EndUnknown);
        let of = |it: fn(OffsetSample) -> Option<i64>| self.before.or(self.last).and_then(it);
        let (committed, log_start) = (of(|it| it.committed), of(|it| it.log_start));
        let rest = KeptRest(now.owed, shortfalls);
        KeptPartition(committed, log_start, of(|it| it.log_end), self.most, rest)
    }

    /// Whether the latest sample shows less committed than the one before it, and a canary may have
    /// gone back.
    pub(crate) fn went_back(&self, proof: &Proof) -> bool {
        let (Some(from), Some(to)) = (self.before, self.last) else { return false };
        let fell = from.committed.zip(to.committed).is_some_and(|(a, b)| b < a);
        fell && to.look == proof.look() && interval(proof, from, to) != Interval::NotCanary
    }

    /// Tells the latest but one interval apart, before a look is taken in that shows the partition.
    pub(crate) fn settle(&mut self, proof: &Proof) {
        if let (Some(from), Some(to)) = (self.before, self.last) {
            self.tell_apart(proof, from, to);
            self.before = None;
        }
    }

    /// Takes in what the look that was just taken shows of the partition. One without a commit says
    /// nothing where there was one before: the coordinator gave no answer.
    pub(crate) fn observe(&mut self, proof: &Proof, seen: &PartitionObservation) {
        let known = self.last.and_then(|it| it.committed);
        if known.is_some() && seen.committed.is_none() {
            return;
        }
        let sample = OffsetSample {
            look: proof.look(),
            holder: Holder::of(&seen.owner),
            committed: seen.committed,
            log_start: seen.log_start,
            log_end: seen.log_end,
        };
        self.pay(sample.log_end);
        let Some(last) = self.last else {
            return self.first_seen(proof, sample);
        };
        if is_made_anew(last, sample) {
            *self = Self::default();
            self.shortfalls.insert(Shortfall::TopicMadeAnew);
            return self.first_seen(proof, sample);
        }
        if let (Some(from), Some(to)) = (last.committed, sample.committed) {
            self.most = self.most.max(to.saturating_sub(from));
        }
        self.before = Some(last);
        self.last = Some(sample);
    }

    /// With the interval between the last two samples told apart, as far as it can be by now.
    pub(crate) fn up_to_now(&self, proof: &Proof) -> Self {
        let mut now = self.clone();
        now.settle(proof);
        now.estimate_rewind();
        if now.owed.is_some() {
            now.shortfalls.insert(Shortfall::EndUnknown);
        }
        now
    }

    /// Spans of one kind that are in no surer kind.
    pub(crate) fn spans(&self, kind: RangeKind) -> Spans {
        match kind {
            RangeKind::Certain => self.certain.clone(),
            RangeKind::Possible => self.possible.without(&self.certain),
            RangeKind::Touched => self.touched.without(&self.certain).without(&self.possible),
        }
    }

    /// Adds to the spans of one kind.
    pub(crate) fn add(&mut self, kind: RangeKind, from: i64, to: i64) {
        match kind {
            RangeKind::Certain => self.certain.add(from, to),
            RangeKind::Possible => self.possible.add(from, to),
            RangeKind::Touched => self.touched.add(from, to),
        }
    }

    /// Spans of all kinds.
    pub(crate) const fn len(&self) -> usize {
        self.certain.len() + self.possible.len() + self.touched.len()
    }

    /// Joins spans until no more than so many are left: touched ones first, certain ones last. What lies
    /// between two is not certain, so neither is what was certain beside it.
    pub(crate) fn thin(&mut self, most: usize) {
        if self.len() <= most {
            return;
        }
        let least = most / 3;
        let others = self.certain.len() + self.possible.len();
        self.touched.thin(most.saturating_sub(others).max(least));
        let others = self.certain.len() + self.touched.len();
        self.possible.thin(most.saturating_sub(others).max(least));
        if most < self.len() {
            self.possible.add_all(&std::mem::take(&mut self.certain));
            self.possible.thin(most.saturating_sub(self.touched.len()));
        }
        self.shortfalls.insert(Shortfall::Joined);
    }

    /// The first sample of the partition: where a canary lived before it, nobody knows where it
    /// began.
    fn first_seen(&mut self, proof: &Proof, sample: OffsetSample) {
        self.last = Some(sample);
        let look = sample.look.saturating_sub(1);
        if proof.lived_since(look) || sample.holder == Holder::Canary {
            self.shortfalls.insert(Shortfall::NoFirstSample);
            let unseen = OffsetSample { look, committed: None, ..sample };
            self.tell_apart(proof, unseen, sample);
        }
    }

    /// A canary that went back had gone on for up to an interval when it was seen: it began so much
    /// lower at most, unless it is faster than ever. Before that it is touched, since nobody saw it.
    fn estimate_rewind(&mut self) {
        let Some(low) = self.rewound.take() else { return };
        let start = self.last.and_then(|it| it.log_start).unwrap_or(0);
        self.possible.add(low.saturating_sub(self.most).max(start), low);
        self.touched.add(start, low);
    }

    fn tell_apart(&mut self, proof: &Proof, from: OffsetSample, to: OffsetSample) {
        self.estimate_rewind();
        let kind = match interval(proof, from, to) {
            Interval::Certain => RangeKind::Certain,
            Interval::Possible => RangeKind::Possible,
            Interval::NotCanary => return,
        };
        let start = from.log_start.or(to.log_start).unwrap_or(0);
        let (low, high) = match (from.committed, to.committed) {
            (Some(a), Some(b)) => {
                if b < a {
                    self.shortfalls.insert(Shortfall::Rewound);
                    self.rewound = Some(b);
                }
                self.add(kind, a.min(b), a.max(b));
                (a.min(b), a.max(b))
            }
            // Nothing says where a consumer without a commit began.
            (None, Some(first)) => {
                self.possible.add(start, first);
                (start, first)
            }
            (None | Some(_), None) => (start, start),
        };
        match to.log_end {
            Some(end) => self.touched.add(low, end.max(high)),
            None => self.owed = Some(self.owed.map_or(low, |it| it.min(low))),
        }
    }

    /// Touches up to the end of the log, once it is known, from where it was not.
    fn pay(&mut self, log_end: Option<i64>) {
        if let (Some(from), Some(end)) = (self.owed, log_end) {
            self.touched.add(from, end);
            self.owed = None;
        }
    }
}

impl Holder {
    const fn of(owner: &Owner) -> Self {
        match owner {
            Owner::Pod { role: Role::Canary, .. } => Self::Canary,
            Owner::Pod { role: Role::Primary, .. } | Owner::External | Owner::Nobody => Self::Other,
            Owner::Unattributed => Self::Unknown,
        }
    }
}

fn interval(proof: &Proof, from: OffsetSample, to: OffsetSample) -> Interval {
    let intact = proof.is_intact_since(from.look);
    let both = |holder| from.holder == holder && to.holder == holder;
    if intact && both(Holder::Canary) {
        return Interval::Certain;
    }
    let owned = from.holder == Holder::Canary || to.holder == Holder::Canary;
    let lived = owned || proof.lived_since(from.look);
    if lived && !(intact && both(Holder::Other)) { Interval::Possible } else { Interval::NotCanary }
}

/// Whether the partition is that of a topic made anew: a log never begins earlier than it did, nor
/// ends earlier. Where a commit lies beyond the end, a transaction may be open, and the end is the
/// commit's own: that says nothing.
fn is_made_anew(from: OffsetSample, to: OffsetSample) -> bool {
    let starts_earlier = from.log_start.zip(to.log_start).is_some_and(|(a, b)| b < a);
    let true_end = from.log_end.filter(|it| from.committed.is_none_or(|committed| committed < *it));
    let ends_earlier = true_end.zip(to.log_end).is_some_and(|(a, b)| b < a);
    starts_earlier || ends_earlier
}
