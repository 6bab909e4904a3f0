//! The `CanaryRollout` is being deleted: hand back, leave, or remove, and then release.
//! Never blocks a deletion for ever, never an outage, never releases an unpromoted template.

use jiff::{SignedDuration, Timestamp};

use super::observed::{Facts, Names, Observed, Primary, Target};
use super::plan::{Effect, Held, Plan};
use super::revision::Revision;
use super::scene::{Relation, Scene, side};
use super::state::{Ending, State};
use super::transfer::transfer;

/// X must have been absent for this long before its children are removed: a Deployment that is
/// deleted and applied again (a rename in Git, `replace --force`) is back within seconds.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// The rows for a `CanaryRollout` that was deleted at `since`.
pub(super) fn terminate(seen: &Observed, since: Timestamp, now: Timestamp) -> Plan {
    let ours = seen.primary.as_ref().filter(|it| it.facts.owner == seen.uid);
    let (Names::Ours | Names::Orphaned, Some(primary)) = (seen.names, ours) else {
        return Plan::release(Ending::Leave, vec![]);
    };
    let scene = Scene::of(seen, primary, now);
    let Some(promoted) = scene.promoted else {
        return Plan::release(Ending::Leave, vec![]);
    };
    let Some(ending) = choose(&scene) else {
        let plan = Plan::to(seen.state, scene.upkeep()).held(Held::TargetMissing);
        return plan.wake(now.saturating_add(GRACE).ok());
    };
    if primary.facts.ending != Some(ending) {
        return record(&scene, promoted, ending);
    }
    // Every running copy is kept: whoever deleted the CanaryRollout is not kept waiting for ever.
    if scene.overdue(since) && ending != Ending::Remove {
        let effects = if seen.target.is_some() { vec![Effect::Bequeath] } else { vec![] };
        return Plan::release(Ending::Leave, effects).held(Held::Overdue);
    }
    let plan = match (ending, &seen.target) {
        (Ending::HandBack, Some(target)) => hand_back(&scene, promoted, target),
        (Ending::HandBack | Ending::Leave, _) => leave(&scene, promoted),
        (Ending::Remove, _) => Plan::release(Ending::Remove, vec![Effect::RemoveChildren]),
    };
    plan.wake(scene.deadline(since))
}

/// Decided once and noted on X-primary; may change only from `HandBack` to `Leave`.
fn choose(scene: &Scene<'_>) -> Option<Ending> {
    let promoting = scene.facts.promoting;
    let live = scene.seen.target.as_ref().map(|it| it.desired.revision);
    let back_to_promoted = match scene.relation() {
        Some(Relation::Promoted | Relation::NoTrialNeeded(_)) => true,
        Some(Relation::Rejected(_) | Relation::Untried(_)) => {
            !scene.facts.adopted || (live.is_some() && promoting == live)
        }
        None => false,
    };
    match scene.facts.ending {
        Some(Ending::Leave) => return Some(Ending::Leave),
        Some(Ending::Remove) => return Some(Ending::Remove),
        Some(Ending::HandBack) if !back_to_promoted => return Some(Ending::Leave),
        Some(Ending::HandBack) => return Some(Ending::HandBack),
        None => {}
    }
    if scene.seen.namespace_terminating {
        return Some(Ending::Remove);
    }
    if scene.seen.target.is_none() {
        if scene.seen.target_absent_for < GRACE {
            return None;
        }
        let idle = scene.canary_gone() && promoting.is_none();
        return Some(if idle { Ending::Remove } else { Ending::Leave });
    }
    Some(if back_to_promoted { Ending::HandBack } else { Ending::Leave })
}

/// The decision goes onto X-primary before anything follows from it. A hand-back also stops X
/// from being drained: from here on it is transferred.
fn record(scene: &Scene<'_>, promoted: Revision, ending: Ending) -> Plan {
    let adopted = scene.facts.adopted && ending != Ending::HandBack;
    let facts = Facts { ending: Some(ending), adopted, ..scene.facts.clone() };
    let workload = &scene.primary.workload;
    let revision = workload.revision.unwrap_or(promoted);
    let effect = Effect::Primary { revision, replicas: workload.replicas, facts };
    Plan::to(State::Terminating(ending), vec![effect])
}

/// The canary's units to primary, primary's to X, and the children go when X is up.
fn hand_back(scene: &Scene<'_>, promoted: Revision, target: &Target) -> Plan {
    let stay = |effects| Plan::to(State::Terminating(Ending::HandBack), effects);
    let running = scene.facts.promoting.unwrap_or(promoted);
    let target_has_begun = 0 < target.workload.replicas;
    if !scene.canary_gone() {
        return stay(gather(scene, running, &scene.facts));
    }
    let max_unavailable = target.max_unavailable;
    let up = target.workload.replicas == scene.total && target.available && target_has_begun;
    if scene.total == 0 || (up && scene.primary.workload.replicas == 0) {
        let written = Effect::Target { replicas: scene.total };
        let wrong = target.workload.replicas != scene.total;
        let effects = wrong.then_some(written).into_iter().chain([Effect::RemoveChildren]);
        return Plan::release(Ending::HandBack, effects.collect());
    }
    let current = scene.primary.workload.current && target.workload.current;
    if !current {
        return stay(vec![]);
    }
    let limits = super::scene::limits(scene.seen, scene.total, max_unavailable);
    let from = side(Some(&scene.primary.workload), 0, true);
    let to = side(Some(&target.workload), scene.total, true);
    let (primary, back) = transfer(from, to, limits);
    let mut effects = Vec::new();
    effects.extend(scene.enact_primary(running, primary, &scene.facts));
    if back != target.workload.replicas {
        effects.push(Effect::Target { replicas: back });
    }
    stay(effects)
}

/// Primary at N, ready, on one complete promoted template; then the canary goes; then X owns it.
fn leave(scene: &Scene<'_>, promoted: Revision) -> Plan {
    let facts = Facts { promoting: None, ..scene.facts.clone() };
    let primary: &Primary = scene.primary;
    let complete = primary.workload.revision == Some(promoted) && scene.primary_ready(scene.total);
    if complete && scene.canary_gone() && primary.facts == facts {
        let bequeath = scene.seen.target.is_some().then_some(Effect::Bequeath);
        return Plan::release(Ending::Leave, bequeath.into_iter().collect());
    }
    Plan::to(State::Terminating(Ending::Leave), gather(scene, promoted, &facts))
}

/// The canary's units go over to primary, which first rolls to `revision` where it does not run
/// it: until it is ready the canary may be the only healthy copy.
fn gather(scene: &Scene<'_>, revision: Revision, facts: &Facts) -> Vec<Effect> {
    let canary = scene.seen.canary.as_ref();
    let now = canary.map_or(0, |it| it.replicas).min(scene.total);
    let ready = scene.primary_serves(revision, scene.total - now);
    let goal = if ready { 0 } else { now };
    let (primary, left) = scene.counts(scene.total - goal, goal);
    let kept = canary.and_then(|it| it.revision).unwrap_or(revision);
    scene.enact((revision, primary), (kept, left), facts)
}
