//! I7: phases move along declared edges only, those of the state table.

use siskin_api::Phase;

use super::moment::Moment;
use crate::scenario::history::Change;
use crate::scenario::seen::Seen;

/// Where each phase may lead, itself aside. Every phase may also lead to `Terminating`.
const EDGES: [(Phase, &[Phase]); 11] = [
    (Phase::Pending, &[Phase::Adopting]),
    (Phase::Adopting, &[Phase::Initialized]),
    (Phase::Initialized, AT_REST),
    (Phase::Succeeded, AT_REST),
    // `Succeeded` without a rollout: the user went back to the promoted version.
    (Phase::Failed, AT_REST),
    (Phase::Preparing, &[Phase::Progressing, Phase::Promoting, Phase::RollingBack]),
    (Phase::Progressing, &[Phase::Paused, Phase::Promoting, Phase::RollingBack]),
    (Phase::Paused, &[Phase::Progressing, Phase::Promoting, Phase::RollingBack]),
    (Phase::Promoting, &[Phase::Succeeded, Phase::RollingBack]),
    (Phase::RollingBack, &[Phase::Initialized, Phase::Succeeded, Phase::Failed, Phase::Promoting]),
    (Phase::Terminating, &[]),
];

/// `Progressing` from rest: preflight had passed. `RollingBack`: a canary that no record explains.
/// `Promoting`: no trial needed. `Failed`: a version was applied that an earlier attempt had rejected.
const AT_REST: &[Phase] = &[
    Phase::Adopting,
    Phase::Preparing,
    Phase::Progressing,
    Phase::Promoting,
    Phase::RollingBack,
    Phase::Succeeded,
    Phase::Failed,
];

/// A status says nothing that its predecessor could not lead to.
pub(super) fn declared(moment: &Moment<'_>) -> Option<String> {
    let Change::Put(name, Seen::Rollout(now)) = &moment.entry.change else { return None };
    let before = moment.before.rollouts.get(name).filter(|it| it.uid == now.uid)?;
    // A rollout without a status is new, or lost it: it may be found in any phase.
    let (from, to) = (before.status.phase?, now.status.phase?);
    let allowed = EDGES.iter().any(|(phase, next)| *phase == from && next.contains(&to));
    let ends = from != Phase::Terminating && to == Phase::Terminating;
    (from != to && !allowed && !ends).then(|| format!("{name} went from {from:?} to {to:?}"))
}
