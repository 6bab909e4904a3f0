//! Whether somebody else's hand was on a child that had to be written again. Pure.
//! Says what was touched; that it is put right is decided elsewhere.

use siskin_analysis::observation::Role;
use siskin_decide::{State, Stopwatch};

use crate::observe::world::World;

/// What somebody did to the child of this role, and what was done about it; nothing if nobody did.
pub(super) fn touched(world: &World, role: Role) -> Option<&'static str> {
    let (gone, differs) = match role {
        Role::Primary => (
            world.primary.is_none() && !matches!(world.state, State::Pending | State::Adopting),
            world.primary.as_ref().is_some_and(|it| it.workload.differs),
        ),
        Role::Canary => (
            world.canary.is_none() && has_run(&world.state),
            world.canary.as_ref().is_some_and(|it| it.differs),
        ),
    };
    if gone {
        Some("was gone and was made again")
    } else if differs {
        Some("did not look as it should and was repaired")
    } else if world.is_counted_by_hand(role) {
        Some("was scaled by somebody else and was scaled back")
    } else {
        None
    }
}

/// Whether the canary of this step has been settled before: then it existed.
fn has_run(state: &State) -> bool {
    state.step().is_some_and(|it| it.hold != Stopwatch::default())
}
