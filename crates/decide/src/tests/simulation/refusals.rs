//! A policy that refuses one kind of write, for as long as it stands.
//! Says which, not what the operator makes of it.

use crate::plan::Effect;
use siskin_simulation::random::Random;

/// Which writes are refused now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusals {
    None,
    /// Any write to `ControllerRevision`s: templates and marks.
    Templates,
    /// Only that of a mark.
    Marks,
    /// Any write to the `CanaryRollout` but its status.
    Rollout,
    /// Any write to the primary Deployment.
    Primary,
    /// Any write to the canary Deployment.
    Canary,
    /// Any write to the target.
    Target,
}

impl Refusals {
    pub(super) fn of(dice: &mut Random) -> Self {
        dice.pick(&[
            Self::None,
            Self::None,
            Self::Templates,
            Self::Templates,
            Self::Marks,
            Self::Rollout,
            Self::Primary,
            Self::Canary,
            Self::Target,
        ])
    }

    /// Whether this write is refused.
    pub(super) fn refuses(self, effect: &Effect) -> bool {
        match effect {
            Effect::AddFinalizer | Effect::SeedScale { .. } | Effect::RemoveFinalizer => {
                self == Self::Rollout
            }
            Effect::Freeze { .. } | Effect::Refreeze { .. } => self == Self::Templates,
            Effect::Reject { .. } | Effect::ClearRejection { .. } | Effect::MarkPromoted { .. } => {
                matches!(self, Self::Templates | Self::Marks)
            }
            Effect::Primary { .. } | Effect::OwnPrimaryByTarget => self == Self::Primary,
            Effect::Canary { .. } => self == Self::Canary,
            Effect::Target { .. } | Effect::Drain { .. } | Effect::DropFieldOwnership => {
                self == Self::Target
            }
            // Several objects; the first of them is the canary.
            Effect::RemoveChildren => {
                matches!(self, Self::Primary | Self::Canary | Self::Templates)
            }
        }
    }

    /// Whether the children can be written: then a bad version goes, whatever else is refused.
    pub(super) const fn spare_children(self) -> bool {
        match self {
            Self::Templates | Self::Marks | Self::Rollout | Self::Target => true,
            Self::None | Self::Primary | Self::Canary => false,
        }
    }
}
