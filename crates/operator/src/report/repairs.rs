//! Whether somebody else's hand was on a child that had to be written again. Pure.
//! Says what was touched; that it is put right is decided elsewhere.

use siskin_analysis::observation::Role;
use siskin_decide::{State, Stopwatch};

use crate::observe::world::World;

/// What somebody did to a child, and what was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// It was deleted.
    Gone,
    /// Something other than its count was changed.
    Changed,
    /// It was scaled, as a downscaler does at night.
    Scaled,
}

/// What somebody did to the child of this role; nothing if nobody did.
pub(crate) fn touched(world: &World, role: Role) -> Option<Touched> {
    let (gone, differs) = match role {
        Role::Primary => (
            world.primary.is_none() && !matches!(world.state, State::Pending | State::Adopting),
            world.primary.as_ref().is_some_and(|it| it.workload.differs),
        ),
        Role::Canary => (
            // Its pods may be left.
            world.live.canary.is_none() && has_run(&world.state),
            world.canary.as_ref().is_some_and(|it| it.differs),
        ),
    };
    if gone {
        Some(Touched::Gone)
    } else if differs {
        Some(Touched::Changed)
    } else {
        world.is_counted_by_hand(role).then_some(Touched::Scaled)
    }
}

/// A sentence for people. Whoever scales a child is told what to scale instead.
pub(super) fn sentence(touched: Touched, child: &str, target: &str) -> String {
    match touched {
        Touched::Gone => format!("{child} was gone and was made again"),
        Touched::Changed => format!("{child} did not look as it should and was repaired"),
        Touched::Scaled => format!(
            "{child} was scaled by somebody else and was scaled back; scale Deployment {target} or its CanaryRollout instead, and exempt {child} from tools that scale by schedule"
        ),
    }
}

/// Whether the canary of this step has been settled before: then it existed.
fn has_run(state: &State) -> bool {
    state.step().is_some_and(|it| it.hold != Stopwatch::default())
}

#[cfg(test)]
mod tests {
    use siskin_decide::testing::{NEXT, progressing, workload};

    use super::*;
    use crate::apply::effects::tests::world;

    /// A Deployment goes at once, its pods have their grace period: whichever of the two is seen first.
    #[test]
    fn a_canary_that_was_deleted_is_told_whether_its_pods_have_left_or_not() {
        let mut world = world();
        world.state = progressing().state;
        world.live.canary = None;
        for left in [None, Some(workload(NEXT, 0))] {
            world.canary = left;
            assert_eq!(touched(&world, Role::Canary), Some(Touched::Gone));
        }
    }
}
