//! Which offsets a canary consumed: the record of one attempt, fed by samples and the lives of its
//! pods, and what of it goes into the status and into an object. Writes nothing itself.

pub(crate) mod object;

use jiff::{SignedDuration, Timestamp};
use siskin_analysis::Record;
use siskin_analysis::observation::{GroupObservation, Millis, PodObservation, Role};
use siskin_analysis::replay_ranges::{
    CanaryProcess, Consumed, ConsumedLog, ConsumedRange, Look, RangeKind,
};
use siskin_api::{ReplayRange, ReplayRangeKind, ReplaySummary};

use crate::observe::gone::GonePod;

/// Ranges that the status shows: the object has all of them.
const SHOWN_RANGES: usize = 50;

/// Shortest and longest time between two writes of the object, but for those that must come first
/// or last. What another process does not find in it counts as possible.
const WRITTEN_EVERY: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(10), SignedDuration::from_secs(60));

/// Bytes of the object that are written in a second: a large one is written less often.
const BYTES_PER_SECOND: usize = 4_096;

/// Looks before the canary came that say where partitions stood: one may miss a partition, in a
/// rebalance or for want of an answer.
const LOOKS_BEFORE: usize = 3;

/// What is known of the canary's pods beside a sample, and of the sample itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives {
    /// When the poll began: what it shows is no older. `None`: as old as its offsets.
    pub(crate) begun: Option<Millis>,
    /// Pods that went lately.
    pub(crate) gone: Vec<GonePod>,
    /// Whether the pods can't be seen.
    pub(crate) blind: bool,
}

/// What an object keeps for another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRecord {
    record: String,
    ranges: Vec<ConsumedRange>,
}

/// What an earlier process kept of an attempt's ranges.
#[derive(Clone, Debug)]
pub enum KeptRanges {
    /// The attempt begins now: no canary has lived yet.
    Begins,
    /// An object with the ranges, and with what is needed to go on.
    Kept(KeptRecord),
    /// The attempt is under way, and nothing was kept that can be read.
    Lost,
    /// The API server does not say: asked again at the next look.
    Unread,
}

/// The record of one attempt.
#[derive(Debug)]
pub(super) struct ReplayRecord {
    log: ConsumedLog,
    /// When the sample before began.
    before: Millis,
    /// Looks taken in so far.
    looks: u64,
    written: Option<WrittenRanges>,
    /// Why the object could not be written last.
    unwritten: Option<String>,
}

/// The object as it was written last.
#[derive(Clone, Copy, Debug)]
struct WrittenRanges {
    looks: u64,
    at: Timestamp,
    bytes: usize,
    ended: bool,
}

/// The record at one moment, for the status and for the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayView {
    /// The first ranges.
    pub first: Vec<ReplayRange>,
    consumed: Consumed,
    /// Whether a sample was taken after the canary had left.
    pub(crate) is_closed: bool,
    /// Whether anything of the group was ever seen.
    has_seen: bool,
    /// Whether the canary of a rollback has no pod any more.
    leaves: bool,
    /// What another process needs to go on; `None` while the object need not be written.
    due: Option<DueRecord>,
    config_map: String,
    unwritten: Option<String>,
}

/// A record that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DueRecord {
    record: String,
    looks: u64,
}

impl ReplayRecord {
    /// Begins or goes on from what was kept; `None` while that is not known. Before a canary came, the
    /// record of the primary says where its partitions stood.
    pub(super) fn of(kept: &KeptRanges, record: &Record, now: Timestamp) -> Option<Self> {
        let log = match kept {
            KeptRanges::Unread => return None,
            KeptRanges::Lost => ConsumedLog::lost(),
            KeptRanges::Kept(kept) => ConsumedLog::resume(&kept.record, &kept.ranges)
                .unwrap_or_else(|error| {
                    tracing::warn!(%error, "replay ranges begin anew");
                    ConsumedLog::lost()
                }),
            KeptRanges::Begins => {
                let mut log = ConsumedLog::default();
                let latest = record.observations().rev().filter_map(|it| it.group);
                let latest: Vec<_> = latest.take(LOOKS_BEFORE).collect();
                latest.iter().rev().for_each(|it| log.begin_with(it));
                log
            }
        };
        let latest = record.observations().next_back().map(|it| it.at);
        let before = latest.unwrap_or_else(|| now.as_millisecond());
        Some(Self { log, before, looks: 0, written: None, unwritten: None })
    }

    /// Takes a sample in, with the pods of that moment.
    pub(super) fn observe(
        &mut self,
        group: &GroupObservation,
        pods: &[PodObservation],
        lives: &Lives,
        begun: Millis,
    ) {
        let before = std::mem::replace(&mut self.before, begun);
        let there = pods.iter().filter(|it| it.role == Role::Canary).map(process);
        let went = lives.gone.iter().filter(|it| before <= it.at);
        let went = went.filter(|it| it.identity.role == Some(Role::Canary)).map(gone_process);
        let mut canaries: Vec<CanaryProcess> = there.collect();
        let left = canaries.is_empty() && lives.gone.iter().all(|it| it.at < begun);
        let gone: Vec<_> =
            went.filter(|it| canaries.iter().all(|pod| pod.name != it.name)).collect();
        canaries.extend(gone);
        self.log.observe(&Look { group, canaries: &canaries, blind: lives.blind, left });
        self.looks += 1;
    }

    /// What is known now. `leaves` says that the canary has no pod any more, and the attempt is about
    /// to end.
    pub(super) fn view(&self, config_map: String, leaves: bool, now: Timestamp) -> ReplayView {
        let consumed = self.log.consumed(false);
        let due = (self.is_due(leaves, now))
            .then(|| DueRecord { record: self.log.save(), looks: self.looks });
        ReplayView {
            first: consumed.ranges.iter().take(SHOWN_RANGES).map(shown).collect(),
            consumed,
            is_closed: self.log.is_closed(),
            has_seen: !self.log.is_empty(),
            leaves,
            due,
            config_map,
            unwritten: self.unwritten.clone(),
        }
    }

    fn is_due(&self, leaves: bool, now: Timestamp) -> bool {
        let Some(written) = self.written else { return true };
        let is_news = written.looks != self.looks;
        if (leaves && !written.ended) || (is_news && self.log.went_back()) {
            return true;
        }
        let (least, most) = WRITTEN_EVERY;
        let seconds = i64::try_from(written.bytes / BYTES_PER_SECOND).unwrap_or(i64::MAX);
        let pause = SignedDuration::from_secs(seconds).clamp(least, most);
        is_news && pause <= now.duration_since(written.at)
    }

    /// Notes that the object was written, or why it could not be: then it waits, too.
    pub(super) fn note_written(&mut self, tried: ReplayWritten, now: Timestamp) {
        let ReplayWritten { looks, bytes, ended, failed } = tried;
        self.written = Some(WrittenRanges { looks, at: now, bytes, ended });
        self.unwritten = failed;
    }
}

/// What was written, or tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplayWritten {
    pub(crate) looks: u64,
    pub(crate) bytes: usize,
    pub(crate) ended: bool,
    /// Why it was not made.
    pub(crate) failed: Option<String>,
}

impl ReplayView {
    /// Whether there are more ranges than the first ones.
    pub(crate) const fn is_truncated(&self) -> bool {
        SHOWN_RANGES < self.consumed.ranges.len()
    }

    /// Whether a sample is still to come that shows the group without the canary. Where none ever came
    /// there is nothing to complete.
    pub(crate) const fn is_open(&self) -> bool {
        self.has_seen && !self.is_closed
    }

    /// Whether the sample that completes the ranges is all that is waited for.
    pub(crate) const fn awaits_last_sample(&self) -> bool {
        self.leaves && self.is_open()
    }

    /// All ranges in figures. At the end of an attempt they are complete if a sample was taken after
    /// the canary had left; before it they never are.
    pub(crate) fn summary(&self, ended: bool) -> ReplaySummary {
        self.summary_of(&self.at_the_end(ended), ended)
    }

    fn summary_of(&self, consumed: &Consumed, ended: bool) -> ReplaySummary {
        let totals = consumed.totals();
        ReplaySummary {
            ranges: i32::try_from(consumed.ranges.len()).unwrap_or(i32::MAX),
            certain_offsets: totals.certain,
            possible_offsets: totals.possible,
            touched_offsets: totals.touched,
            complete: ended && consumed.is_complete(),
            message: self.message(consumed),
            config_map: self.unwritten.is_none().then(|| self.config_map.clone()),
        }
    }

    fn message(&self, consumed: &Consumed) -> Option<String> {
        let unwritten = self.unwritten.as_ref();
        let unwritten = unwritten.map(|it| format!("the list of all ranges is not kept: {it}"));
        let told: Vec<_> = unwritten.into_iter().chain(consumed.told()).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    fn at_the_end(&self, ended: bool) -> Consumed {
        let mut consumed = self.consumed.clone();
        if ended && !self.is_closed {
            consumed.miss_the_last_sample();
        }
        consumed
    }
}

fn shown(range: &ConsumedRange) -> ReplayRange {
    ReplayRange {
        topic: range.partition.topic.to_string(),
        partition: range.partition.partition,
        from: range.from,
        to: range.to,
        kind: match range.kind {
            RangeKind::Certain => ReplayRangeKind::Certain,
            RangeKind::Possible => ReplayRangeKind::Possible,
            RangeKind::Touched => ReplayRangeKind::Touched,
        },
    }
}

fn process(pod: &PodObservation) -> CanaryProcess {
    CanaryProcess {
        name: pod.name.clone(),
        restarts: pod.restarts,
        ended: pod.containers.iter().filter_map(|it| it.ended).max(),
        ready: pod.ready,
        leaving: pod.terminating,
    }
}

fn gone_process(pod: &GonePod) -> CanaryProcess {
    let name = pod.identity.name.clone();
    CanaryProcess { name, restarts: 0, ended: None, ready: false, leaving: true }
}

#[cfg(test)]
mod tests;
