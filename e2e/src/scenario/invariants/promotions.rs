//! I8: a promotion rests on a proof, or on the word of a person; never on missing data.

use siskin_api::annotations::{command, target};
use siskin_api::{OnInconclusive, Phase, PromotionReason, Verdict};

use super::moment::Moment;
use crate::scenario::history::Change;
use crate::scenario::seen::{Part, Seen};

/// When a promotion begins, what allowed it is there for anybody to see.
pub(super) fn on_evidence(moment: &Moment<'_>) -> Option<String> {
    let Change::Put(name, Seen::Rollout(now)) = &moment.entry.change else { return None };
    // Behind a gap in the watch: the beginning itself was not seen.
    if moment.entry.listed {
        return None;
    }
    let before = moment.before.rollouts.get(name).and_then(|it| it.status.phase);
    if before == Some(Phase::Promoting) || now.status.phase != Some(Phase::Promoting) {
        return None;
    }
    let verdict = now.status.analysis.as_ref().and_then(|it| it.verdict);
    let plan = now.status.progress.as_ref().and_then(|it| it.plan.as_ref());
    let promoted_by = now.status.progress.as_ref().and_then(|it| it.promoted_by);
    let bypassed = || {
        let target = moment.after.parts.get(&Part::Target);
        target.is_some_and(|it| it.annotations.contains_key(target::BYPASS))
    };
    let asked = |names: &[&str]| names.iter().any(|it| now.annotations.contains_key(*it));
    let supported = match promoted_by {
        Some(PromotionReason::Passed) => verdict == Some(Verdict::Pass),
        Some(PromotionReason::Commanded) => asked(&[command::PROMOTE, command::START]),
        Some(PromotionReason::Inconclusive) => {
            plan.is_some_and(|it| it.on_inconclusive == OnInconclusive::Promote)
        }
        Some(PromotionReason::Bypass) => bypassed(),
        // By the trial key, or by what the primary says: neither is a matter of evidence.
        Some(PromotionReason::NoTrialNeeded | PromotionReason::Resumed) => true,
        None => false,
    };
    (!supported).then(|| format!("{name} promotes by {promoted_by:?} on the verdict {verdict:?}"))
}
