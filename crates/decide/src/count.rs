//! How many: N, and how many of them are canaries; the one rounding, for the operator and for lint.
//! Arithmetic only: how far a count may go in one move is for `transfer` to say.

use crate::autoscaler::Autoscalers;
use crate::observed::{Facts, Observed, StepSize};
use crate::revision::Revision;

/// Pods of both roles, by name: a swapped pair is an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) primary: u32,
    pub(crate) canary: u32,
}

/// The template and the pods of one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    pub(crate) revision: Revision,
    pub(crate) replicas: u32,
}

impl Revision {
    /// This revision with `replicas` pods.
    pub(crate) const fn at(self, replicas: u32) -> Goal {
        Goal { revision: self, replicas }
    }
}

/// The desired total, to be noted in the facts with what it takes into account.
pub(crate) struct DesiredTotal {
    /// N, the pods of both roles together.
    pub(crate) total: u32,
    /// The count asked of the target that N takes into account.
    pub(crate) asked: Option<u32>,
}

/// The desired total. `shared`: the target runs units of ours (adoption, hand-back), so a count on
/// it that we did not write is the user's; else the target's annotation says what was asked of it. One
/// that an autoscaler has written, or may have, is a wish only before any unit has moved: afterwards
/// it scales a part of N. Nor is one that the admission guard noted meanwhile, whoever asked for it:
/// what to scale then is the `CanaryRollout`.
///
/// `spec.replicas` of the `CanaryRollout` when set; else what was asked of the target, if that
/// changed since the value noted on the primary, because whoever sets the target to n > 0 means
/// "run n"; else the N noted there.
pub(crate) fn desired_total(seen: &Observed, facts: &Facts, shared: bool) -> DesiredTotal {
    let known = seen.primary.as_ref().map_or(facts, |it| &it.facts);
    let nobodys = is_nobodys(seen, known);
    // While nobody can say who scales the target, what was noted waits.
    let readable = shared || seen.autoscalers != Autoscalers::Unknown;
    let of_target = seen.target.as_ref().filter(|_| readable).and_then(|it| {
        let count = it.workload.replicas;
        let counted = nobodys || is_whole(seen, facts);
        let foreign = shared && counted && 0 < count && it.written != Some(count);
        if foreign { Some(count) } else { it.noted }
    });
    let asked = of_target.or(facts.target_replicas);
    let heeded = shared || nobodys;
    let wish = match seen.replicas {
        Some(replicas) => replicas,
        None if heeded && asked != facts.target_replicas => asked.unwrap_or(facts.replicas),
        None => facts.replicas,
    };
    let total = at_most(wish, seen.max_consumers);
    // A ceiling hides the wish only as long as it is there: what is not noted is looked at again.
    let hidden = total < wish && seen.replicas.is_none() && !shared;
    DesiredTotal { total, asked: asked.filter(|_| !hidden) }
}

/// Whether no autoscaler can have written the target's count: none scales it, or did until a moment
/// ago.
pub(crate) fn is_nobodys(seen: &Observed, known: &Facts) -> bool {
    known.scaled_by.is_none() && seen.autoscalers.spare_target()
}

/// Whether the target still has all units, so that its count is N whoever wrote it.
fn is_whole(seen: &Observed, facts: &Facts) -> bool {
    let primary = seen.primary.as_ref().map_or(0, |it| it.workload.replicas);
    let canary = seen.canary.as_ref().map_or(0, |it| it.replicas);
    !facts.adopted && facts.ending.is_none() && primary + canary == 0
}

/// N of a target whose primary Deployment is not there (yet).
pub(crate) fn first_total(seen: &Observed, asked: u32) -> u32 {
    at_most(seen.replicas.unwrap_or(asked), seen.max_consumers)
}

/// Canary pods of a step among `total`, at least one canary and one primary for N ≥ 2. A weight is
/// rounded to the nearest pod; a tie goes to the larger canary.
#[must_use]
pub fn canary_count(size: StepSize, total: u32) -> u32 {
    let pods = match size {
        StepSize::Weight(percent) => total.saturating_mul(percent).saturating_add(50) / 100,
        StepSize::Replicas(pods) => pods,
    };
    fit_canary(pods, total)
}

/// `canary` pods of `total`, such that 1 ≤ canary < N for N ≥ 2. At N = 1 the canary replaces the
/// only pod.
pub(crate) fn fit_canary(canary: u32, total: u32) -> u32 {
    match total {
        0 => 0,
        1 => 1,
        _ => canary.clamp(1, total - 1),
    }
}

fn at_most(total: u32, ceiling: Option<u32>) -> u32 {
    ceiling.map_or(total, |it| total.min(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_rounded_to_pods_and_leaves_both_roles_one() {
        let of = |percent, total| canary_count(StepSize::Weight(percent), total);
        assert_eq!([of(10, 3), of(50, 3), of(99, 3)], [1, 2, 2]);
        assert_eq!([of(10, 24), of(50, 24), of(5, 10)], [2, 12, 1]);
        assert_eq!([of(50, 0), of(50, 1), of(1, 2)], [0, 1, 1]);
    }

    #[test]
    fn a_fixed_count_is_kept_where_it_fits() {
        let of = |pods, total| canary_count(StepSize::Replicas(pods), total);
        assert_eq!([of(4, 12), of(12, 12), of(0, 12), of(3, 1)], [4, 11, 1, 1]);
    }
}
