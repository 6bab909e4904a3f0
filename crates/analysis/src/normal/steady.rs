//! Whether the primary is in a state worth comparing with: asked before a trial starts.
//! Says why not; it starts nothing and judges no canary.

use std::collections::BTreeSet;

use crate::lag::column::Place;
use crate::lag::partitions::Lags;
use crate::normal::stuck::stuck_partitions;
use crate::numbers::{Millis, median};
use crate::observation::record::Record;
use crate::observation::{GroupState, PartitionId, Role};
use crate::words::{HumanDuration, RoundedUpSeconds};

/// Largest age of the last Stable sample (the preflight's own rule).
const LONGEST_UNSTABLE: Millis = 60_000;

/// Why no trial should start now.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unsteady {
    /// Kafka gave no usable answer lately.
    #[error("no usable answer from Kafka in the last {}", HumanDuration(LONGEST_UNSTABLE))]
    NoObservation,
    /// The group was not Stable in any recent sample.
    #[error("the consumer group was not Stable in the last {}", HumanDuration(LONGEST_UNSTABLE))]
    NotStable,
    /// The group has no member on a primary pod.
    #[error("no primary pod is a member of the consumer group")]
    PrimaryNotInGroup,
    /// The primary's lag is far above its own recent normal.
    #[error(
        "the primary is up to {} behind, normal is {}",
        RoundedUpSeconds(*.lag_seconds),
        HumanDuration::seconds(*.normal_seconds)
    )]
    Behind {
        /// Largest time lag among its partitions, in seconds.
        lag_seconds: f64,
        /// What was normal in the record, in seconds.
        normal_seconds: f64,
    },
}

/// Lag up to here, in seconds, is no reason to hold a rollout, whatever was normal.
const HARMLESS_LAG_S: f64 = 30.0;
/// Multiple of the normal lag up to which the primary is steady.
const STEADY_FACTOR: f64 = 3.0;
/// Time over which the least lag counts as the lag now, so that one late commit holds nothing up.
const STANDING_LAG_SPAN: Millis = 30_000;

/// Checks that the primary consumes normally: a Stable sample in the last minute with primary
/// members in it, and a lag of at most 30 s or three times its median over the record. Partitions
/// that are [stuck](stuck_partitions) don't count: a trial neither mends nor breaks them.
///
/// # Errors
/// Says what is not steady.
pub fn primary_steady(record: &Record, now: Millis) -> Result<(), Unsteady> {
    let recent = |at: Millis| (0..=LONGEST_UNSTABLE).contains(&now.saturating_sub(at));
    let newest = record.observations().rev().take_while(|seen| recent(seen.at));
    let groups: Vec<_> = newest.filter_map(|seen| seen.group).collect();
    let stable = groups.iter().find(|group| group.state == GroupState::Stable);
    match stable {
        None if groups.is_empty() => return Err(Unsteady::NoObservation),
        None => return Err(Unsteady::NotStable),
        Some(group) if group.members.primary == 0 => return Err(Unsteady::PrimaryNotInGroup),
        Some(_) => {}
    }
    let stuck = stuck_partitions(record).into_iter().map(|it| it.partition).collect();
    let lags = largest_lags(record, &stuck);
    let Some(&(latest, _)) = lags.last() else { return Ok(()) };
    let standing =
        lags.iter().rev().take_while(|(at, _)| latest.saturating_sub(*at) <= STANDING_LAG_SPAN);
    let lag_seconds = standing.map(|&(_, lag)| lag).fold(f64::INFINITY, f64::min);
    let mut all: Vec<f64> = lags.iter().map(|&(_, lag)| lag).collect();
    let normal_seconds = HARMLESS_LAG_S.max(STEADY_FACTOR * median(&mut all).unwrap_or(0.0));
    if lag_seconds > normal_seconds {
        return Err(Unsteady::Behind { lag_seconds, normal_seconds });
    }
    Ok(())
}

/// The largest lag of any primary partition at each Stable observation, in seconds.
fn largest_lags(record: &Record, stuck: &BTreeSet<PartitionId>) -> Vec<(Millis, f64)> {
    let mut largest = Vec::new();
    Lags::of(record, |past| {
        let all = past.seen.lags.iter().enumerate();
        let counts =
            |place: usize| stuck.is_empty() || !stuck.contains(&past.roster.id(Place::at(place)));
        let primary = all.filter(|(place, it)| it.role() == Some(Role::Primary) && counts(*place));
        let primary = primary.map(|(_, lag)| lag);
        let seconds = primary.filter_map(|lag| lag.lag.map(|_| lag.behind())).reduce(f64::max);
        if let Some(seconds) = seconds.filter(|_| past.group.state == GroupState::Stable) {
            largest.push((past.at, seconds));
        }
    });
    largest
}
