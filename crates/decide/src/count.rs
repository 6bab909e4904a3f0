//! How many: N, and how many of them are canaries.
//! Arithmetic only: says nothing about when a count may be reached.

use siskin_api::{canary_of_weight, fit_canary};

use crate::observed::{Facts, Observed, StepSize};

/// The desired total N, and the value of X's count that it takes into account, to be noted in the
/// facts. `shared`: X runs units of ours (adoption, hand-back), so a count on it that we did not
/// write is the user's; else X's annotation says what was asked of it.
///
/// `spec.replicas` of the `CanaryRollout` when set; else what was asked of X, if that changed since
/// the value noted on X-primary, because whoever sets X to n > 0 means "run n"; else the N noted
/// there.
pub(crate) fn desired_total(seen: &Observed, facts: &Facts, shared: bool) -> (u32, Option<u32>) {
    let of_target = seen.target.as_ref().and_then(|it| {
        let count = it.workload.replicas;
        let foreign = shared && 0 < count && it.written != Some(count);
        if foreign { Some(count) } else { it.noted }
    });
    let asked = of_target.or(facts.target_replicas);
    let wish = match seen.replicas {
        Some(replicas) => replicas,
        None if asked != facts.target_replicas => asked.unwrap_or(facts.replicas),
        None => facts.replicas,
    };
    let total = at_most(wish, seen.max_consumers);
    // A ceiling hides the wish only as long as it is there: what is not noted is looked at again.
    let hidden = total < wish && seen.replicas.is_none() && !shared;
    (total, if hidden { None } else { asked })
}

/// N of a target whose X-primary is not there (yet).
pub(crate) fn first_total(seen: &Observed, asked: u32) -> u32 {
    at_most(seen.replicas.unwrap_or(asked), seen.max_consumers)
}

/// Canary pods of a step among `total`.
#[must_use]
pub fn canary_count(size: StepSize, total: u32) -> u32 {
    match size {
        StepSize::Weight(percent) => canary_of_weight(percent, total),
        StepSize::Replicas(pods) => fit_canary(pods, total),
    }
}

fn at_most(total: u32, ceiling: Option<u32>) -> u32 {
    ceiling.map_or(total, |it| total.min(it))
}
