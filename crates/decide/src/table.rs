//! The rollout policy: what to do next, given what was seen and what time it is.
//! Pure and total: no IO, no clock, no `Result`, no panic; every input has exactly one plan.
//!
//! The rows of the state table (`docs/architecture/state-table.md`) stand in one file per state;
//! the first row that holds wins, and the order in which the files are asked is below.

use jiff::Timestamp;

use crate::observed::{Names, Observed};
use crate::plan::{Held, Plan};
use crate::revision::{Revision, RolloutId};
use crate::scene::Scene;
use crate::state::{Headway, Origin, Promotion, Rest, Rollback, Stage, State, Trial};
use crate::{adoption, ending, promotion, rest, rollback, trial};

/// The plan for what was seen at `now`.
#[must_use]
pub fn decide(seen: &Observed, now: Timestamp) -> Plan {
    if seen.deleted_at.is_some() {
        return ending::terminate(seen, now);
    }
    if seen.names == Names::Taken {
        return Plan::to(seen.state, vec![]).held(Held::NameTaken);
    }
    let Some(primary) = &seen.primary else {
        return adoption::begin(seen);
    };
    let scene = Scene::of(seen, primary, now);
    let Some(promoted) = scene.promoted else {
        return Plan::to(seen.state, vec![]).held(Held::PrimaryLost);
    };
    let state = place(&scene, promoted);
    if state != seen.state && state.rollout().is_some() {
        // Recorded before anything follows from it: the history tells of states that were.
        return Plan::to(state, vec![]);
    }
    if !scene.has_template(promoted) && !matches!(state, State::Promoting(_) | State::Adopting) {
        // Primary can't be given back what nobody knows any more; a person ships something else.
        let fix = rollback::ship_a_fix(&scene, state.rest());
        return fix.unwrap_or(Plan::to(state, scene.upkeep()).held(Held::PrimaryLost));
    }
    let plan = match state {
        State::Adopting => adoption::go_on(&scene, promoted),
        State::AtRest(rest) => rest::at_rest(&scene, promoted, rest),
        State::Trial(it) => trial::on_trial(&scene, promoted, it),
        State::Promoting(it) => promotion::promoting(&scene, promoted, it),
        State::RollingBack(it) => rollback::rolling_back(&scene, promoted, it),
        State::Pending | State::Terminating(_) => {
            rest::at_rest(&scene, promoted, Rest::Initialized)
        }
    };
    // Told, and nothing waits for it: what an autoscaler asks of the target moves nobody.
    let plan = plan.wake(scene.look_at_autoscaler());
    let told = scene.autoscaler_in_the_way().then_some(Held::AutoscalerOnTarget);
    if plan.held.is_none() { plan.held(told) } else { plan }
}

/// The persisted state, corrected by the durable facts: status alone is not memory.
pub(crate) fn place(scene: &Scene<'_>, promoted: Revision) -> State {
    let state = scene.seen.state;
    match (scene.facts.promoting, state) {
        _ if !scene.facts.adopted => State::Adopting,
        (Some(to), State::Promoting(it)) if it.id == attempt_at(scene, to.revision) => state,
        (Some(to), _) => State::Promoting(Promotion {
            id: attempt_at(scene, to.revision),
            promoted_by: to.promoted_by,
            before: state.rest(),
            since: scene.now,
            headway: Headway::started(scene.now),
        }),
        // Only a deletion terminates; without one this is a status from another life.
        (None, State::Pending | State::Adopting | State::Terminating(_)) => {
            State::AtRest(Rest::Initialized)
        }
        // Done, but for the status; else taken back, or the primary Deployment was lost and
        // restored.
        (None, State::Promoting(it)) if it.id.revision == promoted => {
            State::AtRest(Rest::Succeeded)
        }
        (None, State::Promoting(it)) => State::RollingBack(Rollback {
            id: it.id,
            cause: promotion::was_taken_back(scene, it),
            from: Origin::Promoting,
            before: it.before,
            since: scene.now,
            headway: Headway::started(scene.now),
        }),
        // A status from before its last attempt, pod or promotion, brought back by a backup.
        (None, State::Trial(it)) if is_stale(scene, promoted, it) => State::AtRest(it.before),
        (None, State::AtRest(_) | State::Trial(_) | State::RollingBack(_)) => state,
    }
}

fn attempt_at(scene: &Scene<'_>, revision: Revision) -> RolloutId {
    let attempt = scene.frozen(revision).map_or(scene.facts.attempts, |it| it.attempt);
    RolloutId { revision, attempt }
}

fn is_stale(scene: &Scene<'_>, promoted: Revision, trial: Trial) -> bool {
    let prepares = matches!(trial.stage, Stage::Preparing(_));
    trial.id.attempt != scene.facts.attempts
        || trial.id.revision == promoted
        || (prepares && scene.canary_has_pods())
}
