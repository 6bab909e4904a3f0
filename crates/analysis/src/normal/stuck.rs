//! Partitions that stand still under the primary while others go on: no trial mends or breaks them.
//! Looks at a record alone; whether a canary got one is another question.

use std::collections::BTreeMap;

use crate::lag::column::Place;
use crate::lag::commit_gaps::CommitGaps;
use crate::lag::partitions::{Lags, PartitionLag, PastGroup, is_work};
use crate::numbers::{Millis, tally};
use crate::observation::record::Record;
use crate::observation::{GroupState, PartitionId, Role};

/// Silence shorter than this is none: a slow batch, a retry.
const SHORTEST_SILENCE: Millis = 60_000;
/// Silence is that of a stuck partition from this multiple of the longest gap between two commits.
const LONGEST_GAPS: Millis = 3;

/// A partition of the primary with messages waiting and no commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckPartition {
    /// The partition.
    pub partition: PartitionId,
    /// Since when nothing was committed: at most the begin of the record.
    pub since: Millis,
    /// Messages that wait, as far as was seen.
    pub waiting: i64,
}

/// Since when the committed offset stands, and the log end of that moment.
#[derive(Clone, Copy)]
struct StandingCommit {
    since: Millis,
    committed: Option<i64>,
    end: i64,
}

/// The primary's partitions that are stuck, those with the most waiting messages first. None while
/// most of its busy partitions are silent: that is a pause of everyone, or a slow rhythm of commits.
#[must_use]
pub fn stuck_partitions(record: &Record) -> Vec<StuckPartition> {
    let mut gaps = CommitGaps::new(Role::Primary, 1);
    let mut standing: BTreeMap<PartitionId, StandingCommit> = BTreeMap::new();
    let mut latest = None;
    let lags = Lags::of(record, |past| {
        let PastGroup { at, group, roster, seen } = past;
        gaps.follow(&seen.moves);
        if group.state != GroupState::Stable {
            gaps.restart();
            return;
        }
        gaps.add(at, &seen.lags);
        let ours = seen.lags.iter().enumerate().filter(|it| it.1.role() == Some(Role::Primary));
        for (place, lag) in ours {
            let (committed, Some(end)) = (lag.committed, lag.log_end) else { continue };
            let now = StandingCommit { since: at, committed, end };
            let before = standing.entry(roster.id(Place::at(place))).or_insert(now);
            if before.committed != committed {
                *before = now;
            }
        }
        latest = Some((at, seen.lags));
    });
    let Some((at, latest)) = latest else { return Vec::new() };
    let silence = SHORTEST_SILENCE.max(gaps.longest().unwrap_or(0).saturating_mul(LONGEST_GAPS));
    let waiting = |lag: &PartitionLag, it: &StandingCommit| match (lag.committed, lag.log_end) {
        (Some(_), _) => lag.waiting(),
        (None, end) => end.map_or(0, |end| end - it.end),
    };
    let busy = latest.iter().enumerate().filter_map(|(place, lag)| {
        let partition = lags.roster.id(Place::at(place));
        let it = standing.get(&partition).filter(|_| lag.role() == Some(Role::Primary))?;
        let quiet = at.saturating_sub(it.since);
        let waiting = waiting(lag, it);
        let is_stuck = silence <= quiet && is_work(waiting);
        let is_busy = is_stuck || quiet < silence;
        is_busy.then_some((is_stuck, StuckPartition { partition, since: it.since, waiting }))
    });
    let (stuck, alive): (Vec<_>, Vec<_>) = busy.partition(|(is_stuck, _)| *is_stuck);
    if tally(alive.len()) < tally(stuck.len()) {
        return Vec::new();
    }
    let mut stuck: Vec<_> = stuck.into_iter().map(|(_, it)| it).collect();
    stuck.sort_by(|a, b| b.waiting.cmp(&a.waiting).then_with(|| a.partition.cmp(&b.partition)));
    stuck
}

#[cfg(test)]
mod tests;
