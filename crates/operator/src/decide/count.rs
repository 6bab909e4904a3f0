//! How many: N, and how many of them are canaries. Arithmetic only.

use super::observed::{Observed, Primary, StepSize};

/// The desired total N, and the value of X's annotation that it takes into account.
///
/// `spec.replicas` of the `CanaryRollout` when set; else X's annotation if it changed since the
/// value noted on X-primary, because whoever sets X to n > 0 means "run n"; else the N noted there.
#[must_use]
pub fn desired_total(seen: &Observed, primary: &Primary) -> (u32, Option<u32>) {
    let noted = seen.target.as_ref().and_then(|it| it.noted).or(primary.facts.target_replicas);
    let total = match seen.replicas {
        Some(replicas) => replicas,
        None if noted != primary.facts.target_replicas => noted.unwrap_or(primary.facts.replicas),
        None => primary.facts.replicas,
    };
    (at_most(total, seen.max_consumers), noted)
}

/// N of a target that is not adopted yet: a count that somebody else gave it since our last write
/// is the user's.
#[must_use]
pub fn total_while_adopting(seen: &Observed, before: Option<u32>) -> u32 {
    let from_target = seen.target.as_ref().and_then(|it| {
        let count = it.workload.replicas;
        let foreign = it.written != Some(count);
        if 0 < count && foreign { Some(count) } else { it.noted }
    });
    let total = seen.replicas.or(from_target).or(before).unwrap_or(0);
    at_most(total, seen.max_consumers)
}

/// Canary pods of a step: the closest to the weight, at least one canary and one primary for
/// N ≥ 2, a tie goes to the larger canary. At N = 1 the canary replaces the only pod.
#[must_use]
pub fn canary_count(size: StepSize, total: u32) -> u32 {
    let wanted = match size {
        StepSize::Weight(weight) => (total.saturating_mul(weight).saturating_add(50)) / 100,
        StepSize::Replicas(replicas) => replicas,
    };
    fit(wanted, total)
}

/// A step's fixed count under a total that changed: kept unless 1 ≤ canary < N breaks.
#[must_use]
pub fn fit(canary: u32, total: u32) -> u32 {
    match total {
        0 => 0,
        1 => 1,
        _ => canary.clamp(1, total - 1),
    }
}

fn at_most(total: u32, ceiling: Option<u32>) -> u32 {
    ceiling.map_or(total, |it| total.min(it))
}
