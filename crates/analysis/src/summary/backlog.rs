//! Time lags at the latest observation, by walking back through a record.
//! For summaries; the judge follows lag from sample to sample instead.

use std::collections::BTreeMap;

use crate::lag::time_lag::TimeLag;
use crate::numbers::{Millis, seconds};
use crate::observation::PartitionId;
use crate::observation::record::Record;
use crate::summary::reading::GroupReading;

/// A partition whose committed offset has not been met yet on the way back.
struct Open {
    committed: i64,
    later: (Millis, i64),
}

/// Time lag of each owned partition of `latest`, as far back as the record goes.
pub(crate) fn time_lags(latest: &GroupReading, record: &Record) -> BTreeMap<PartitionId, TimeLag> {
    let mut lags = BTreeMap::new();
    let mut open = BTreeMap::new();
    for row in latest.rows.iter().filter(|row| row.role.is_some()) {
        let (Some(committed), Some(end)) = (row.committed, row.log_end) else { continue };
        if committed >= end {
            lags.insert(row.id.clone(), TimeLag::Exact(0.0));
        } else {
            open.insert(row.id.clone(), Open { committed, later: (latest.at, end) });
        }
    }
    let earlier = record.observations().rev().filter(|seen| seen.at < latest.at);
    for reading in earlier.filter_map(|seen| GroupReading::of(&seen)) {
        if open.is_empty() {
            break;
        }
        open.retain(|id, partition| {
            let Some(end) = reading.row(id).and_then(|row| row.log_end) else { return true };
            let Open { committed, later } = *partition;
            if end > committed {
                // An end that was higher before belongs to a topic that is gone.
                partition.later = if end <= later.1 { (reading.at, end) } else { later };
                return end <= later.1;
            }
            let lag = TimeLag::between((reading.at, end), later, committed, latest.at);
            lags.insert(id.clone(), lag);
            false
        });
    }
    let unmet = open.into_iter().map(|(id, partition)| {
        let watched = seconds(latest.at.saturating_sub(partition.later.0));
        (id, TimeLag::AtLeast(watched.max(0.0)))
    });
    lags.extend(unmet);
    lags
}
