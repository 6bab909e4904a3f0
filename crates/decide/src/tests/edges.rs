//! I7: every way from one phase to another, as `docs/architecture/state-table.md` has it. A phase
//! that moves along none of these is a bug; one that is never used is an error in this table.

use crate::state::Phase;

/// The ways from where the durable facts say that a rollout is. A status that was lost or not
/// written is behind them; it then takes several at once.
pub(super) const EDGES: &[(Phase, Phase)] = &[
    (Phase::Adopting, Phase::Initialized),
    (Phase::Initialized, Phase::Failed),
    (Phase::Initialized, Phase::Preparing),
    (Phase::Initialized, Phase::Progressing),
    (Phase::Initialized, Phase::Promoting),
    (Phase::Initialized, Phase::RollingBack),
    (Phase::Succeeded, Phase::Failed),
    (Phase::Succeeded, Phase::Preparing),
    (Phase::Succeeded, Phase::Progressing),
    (Phase::Succeeded, Phase::Promoting),
    (Phase::Succeeded, Phase::RollingBack),
    (Phase::Failed, Phase::Succeeded),
    (Phase::Failed, Phase::Preparing),
    (Phase::Failed, Phase::Progressing),
    (Phase::Failed, Phase::Promoting),
    (Phase::Failed, Phase::RollingBack),
    (Phase::Preparing, Phase::Progressing),
    (Phase::Preparing, Phase::Promoting),
    (Phase::Preparing, Phase::RollingBack),
    (Phase::Progressing, Phase::Paused),
    (Phase::Progressing, Phase::Promoting),
    (Phase::Progressing, Phase::RollingBack),
    (Phase::Paused, Phase::Progressing),
    (Phase::Paused, Phase::Promoting),
    (Phase::Paused, Phase::RollingBack),
    (Phase::Promoting, Phase::Succeeded),
    (Phase::Promoting, Phase::RollingBack),
    (Phase::RollingBack, Phase::Initialized),
    (Phase::RollingBack, Phase::Succeeded),
    (Phase::RollingBack, Phase::Failed),
    (Phase::RollingBack, Phase::Promoting),
];

/// A way that one world in 130,000 goes: a canary that somebody makes after a success. Row R1 plays it.
pub(super) const RARE: (Phase, Phase) = (Phase::Succeeded, Phase::RollingBack);

/// Every phase may be left for these: the target is seeded, or shared, again; the deletion was
/// asked for.
const FROM_ANYWHERE: &[Phase] = &[Phase::Adopting, Phase::Terminating];

/// Whether the table has this way.
pub(super) fn is_declared(from: Phase, to: Phase) -> bool {
    from == to || FROM_ANYWHERE.contains(&to) || EDGES.contains(&(from, to))
}
