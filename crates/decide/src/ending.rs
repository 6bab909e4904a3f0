//! The `CanaryRollout` is being deleted: hand back, leave, or remove, and then release.
//! Never blocks a deletion for ever, never an outage, never releases an unpromoted template.

use jiff::{SignedDuration, Timestamp};

use crate::adoption::{gather, is_drained, note_total, restore, take_over};
use crate::autoscaler::Autoscalers;
use crate::observed::{Facts, Names, Observed, Target};
use crate::plan::{Effect, Held, Plan, ScaleTo};
use crate::revision::Revision;
use crate::rolls::{Beside, target_side};
use crate::scaling::given_back;
use crate::scene::{Relation, Scene};
use crate::state::{Ending, Headway, State, Termination, terminating};
use crate::transfer::transfer;

/// The target must have been absent for this long before its children are removed: a Deployment
/// that is deleted and applied again (a rename in Git, `replace --force`) is back within seconds.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// The rows for a `CanaryRollout` that is being deleted. Its deadline counts from the first look of
/// this process, and from progress: an operator that was away gives nobody up.
pub(crate) fn terminate(seen: &Observed, now: Timestamp) -> Plan {
    let known = match seen.state {
        State::Terminating(it) => it.headway,
        State::Pending
        | State::Adopting
        | State::AtRest(_)
        | State::Trial(_)
        | State::Promoting(_)
        | State::RollingBack(_) => Headway::started(now),
    };
    let known = Headway { since: known.since.max(seen.first_look), ..known };
    let scene = seen.primary.as_ref().map(|primary| Scene::of(seen, primary, now));
    let headway = scene.as_ref().map_or(known, |it| it.headway(known, returned(it)));
    let plan = rows(seen, headway.since, now);
    match plan.next {
        State::Terminating(it) => {
            Plan { next: State::Terminating(Termination { headway, ..it }), ..plan }
        }
        State::Pending
        | State::Adopting
        | State::AtRest(_)
        | State::Trial(_)
        | State::Promoting(_)
        | State::RollingBack(_) => plan,
    }
}

/// How far pods have got on the way that the deletion ends with.
fn returned(scene: &Scene<'_>) -> u32 {
    // Until it is noted how it ends there is no way to get on with: what is measured then would
    // count for more than the whole way back.
    if scene.facts.ending.is_none() {
        return 0;
    }
    let target =
        scene.seen.target.as_ref().filter(|_| scene.facts.ending == Some(Ending::HandBack));
    match (target, scene.promoted) {
        (Some(it), _) => {
            let left = scene.primary.workload.replicas + scene.canary_units();
            it.workload.available + scene.total.saturating_sub(left)
        }
        (None, Some(promoted)) => scene.taken_over(promoted),
        (None, None) => 0,
    }
}

fn rows(seen: &Observed, since: Timestamp, now: Timestamp) -> Plan {
    if !seen.finalizer {
        // Released already, or never held: what still delays the deletion is not ours.
        let known = matches!(seen.state, State::Terminating(_));
        let state = if known { seen.state } else { terminating(Ending::Leave) };
        return Plan::to(state, vec![]);
    }
    if seen.names == Names::Taken {
        return let_go(seen);
    }
    let Some(primary) = &seen.primary else {
        return bring_back(seen, since, now).unwrap_or_else(|| without_primary(seen));
    };
    if primary.facts.owner != seen.uid {
        return let_go(seen);
    }
    let scene = Scene::of(seen, primary, now);
    let Some(promoted) = scene.promoted else {
        return let_go(seen);
    };
    let ending = choose(&scene);
    // Every running copy is kept: whoever deleted the CanaryRollout is not kept waiting for ever.
    if scene.overdue(since) && ending.is_some_and(|it| it != Ending::Remove) {
        let mut effects = fill_up(&scene);
        let empty = primary.workload.replicas == 0;
        let to = if empty { ScaleTo::Target } else { ScaleTo::Primary };
        effects.extend(given_back(seen, Some(&primary.facts), to));
        effects.extend(scene.disown());
        effects.extend(seen.target.is_some().then_some(Effect::OwnPrimaryByTarget));
        return Plan::release(Ending::Leave, effects).held(Held::Overdue);
    }
    let Some(ending) = ending else {
        let plan = Plan::to(seen.state, scene.upkeep()).held(Held::TargetMissing);
        return plan.wake(now.saturating_add(GRACE).ok()).wake(scene.deadline(since));
    };
    if primary.facts.ending != Some(ending) {
        return record(&scene, promoted, ending);
    }
    let plan = match (ending, &seen.target) {
        (Ending::HandBack, Some(target)) => hand_back(&scene, promoted, target),
        (Ending::HandBack | Ending::Leave, _) => leave(&scene, promoted),
        (Ending::Remove, _) => remove(&scene, since),
    };
    plan.wake(scene.deadline(since))
}

/// Released without a word on consumers: only what was pointed here is pointed back.
fn let_go(seen: &Observed) -> Plan {
    let facts = seen.primary.as_ref().map(|it| &it.facts).filter(|it| it.owner == seen.uid);
    Plan::release(Ending::Leave, given_back(seen, facts, ScaleTo::Target))
}

/// The primary Deployment is gone and nobody misses it, as after a hand-back that died in the middle of
/// its last write: what else is left of ours goes, too.
fn without_primary(seen: &Observed) -> Plan {
    let serves = seen.target.as_ref().is_some_and(|it| it.noted.is_none());
    let leaves = seen.canary.is_some() || !seen.frozen.is_empty();
    let empty = seen.canary.as_ref().is_none_or(|it| it.replicas == 0);
    if !(serves && leaves && empty) {
        return let_go(seen);
    }
    let back = given_back(seen, None, ScaleTo::Target);
    let last = back.into_iter().chain([Effect::RemoveChildren]);
    Plan::release(Ending::HandBack, last.collect())
}

/// Whether it can't be told where the autoscaler points that is to be given back.
fn loses_sight(scene: &Scene<'_>) -> bool {
    let unknown = scene.seen.autoscalers == Autoscalers::Unknown && scene.facts.scaled_by.is_some();
    unknown && !scene.seen.namespace_terminating
}

/// The children go; their autoscaler names the target again, for when that is made anew. It goes last and
/// holds nothing up: what scales nothing moves no pod.
fn remove(scene: &Scene<'_>, since: Timestamp) -> Plan {
    if loses_sight(scene) && !scene.overdue(since) {
        return Plan::to(terminating(Ending::Remove), vec![]).held(Held::AutoscalerPending);
    }
    let back = given_back(scene.seen, Some(&scene.facts), ScaleTo::Target);
    let last = [Effect::RemoveChildren].into_iter().chain(back);
    Plan::release(Ending::Remove, last.collect())
}

/// The primary Deployment was lost while the target is drained: nobody would serve. It is restored
/// before anything ends.
fn bring_back(seen: &Observed, since: Timestamp, now: Timestamp) -> Option<Plan> {
    let drained = seen.target.as_ref()?.noted.is_some();
    let late = seen.strategy.progress_deadline < now.duration_since(since);
    if !drained || late || seen.namespace_terminating || seen.last_total.is_none() {
        return None;
    }
    restore(seen)
}

/// Units that were on their way between two roles when time was up go to primary.
fn fill_up(scene: &Scene<'_>) -> Vec<Effect> {
    let workload = &scene.primary.workload;
    let elsewhere = scene.target_units() + scene.canary_units();
    let replicas = scene.total.saturating_sub(elsewhere);
    // Nothing that could fail for ever stands between a late deletion and its release: a template
    // that only an edited primary Deployment may still have is not asked for.
    let known = |it: &Revision| scene.frozen(*it).is_some() || scene.is_live(*it);
    let Some(revision) = workload.revision.filter(known) else { return vec![] };
    if replicas <= workload.replicas {
        return vec![];
    }
    let facts = scene.facts.clone();
    let freeze = scene.freeze_again(revision, facts.attempts);
    freeze.into_iter().chain(scene.recount(replicas, facts)).collect()
}

/// Decided once and noted on the primary Deployment; changes to `Leave` when the target no longer
/// asks for what was promoted, or is back, and to `Remove` when it is gone. `None` while the target
/// has not been absent for long enough.
fn choose(scene: &Scene<'_>) -> Option<Ending> {
    let noted = scene.facts.ending;
    let stays = !scene.seen.namespace_terminating;
    if scene.seen.target.is_none() && stays && noted != Some(Ending::Remove) {
        // The application is gone with all that would take its consumers over.
        let gone = GRACE <= scene.seen.target_absent_for;
        return gone.then_some(Ending::Remove);
    }
    let hands_back = !scene.facts.adopted || wants_promoted(scene);
    Some(match noted {
        Some(Ending::Remove) if scene.seen.target.is_some() && stays => Ending::Leave,
        Some(Ending::Remove) => Ending::Remove,
        None if !stays => Ending::Remove,
        Some(Ending::HandBack) | None if hands_back => Ending::HandBack,
        Some(Ending::Leave | Ending::HandBack) | None => Ending::Leave,
    })
}

/// Whether the target's live template is the promoted one, by its trial key, or the one being
/// promoted.
fn wants_promoted(scene: &Scene<'_>) -> bool {
    match scene.relation() {
        Some(Relation::Promoted | Relation::NoTrialNeeded(_)) => true,
        Some(Relation::Untried(desired)) => {
            scene.facts.promoting.is_some_and(|it| it.revision == desired.revision)
        }
        Some(Relation::Rejected(_)) | None => false,
    }
}

/// The decision goes onto the primary Deployment before anything follows from it. A hand-back that
/// is given up leaves units on the target: they are transferred, not drained.
fn record(scene: &Scene<'_>, promoted: Revision, ending: Ending) -> Plan {
    let gives_up = scene.facts.ending == Some(Ending::HandBack);
    let adopted = scene.facts.adopted && !gives_up;
    let facts = Facts { ending: Some(ending), adopted, ..scene.facts.clone() };
    let workload = &scene.primary.workload;
    let revision = workload.revision.unwrap_or(promoted);
    let mut effects = scene.upkeep();
    let freeze = scene.freeze_again(revision, facts.attempts);
    effects.extend(freeze.filter(|it| !effects.contains(it)));
    effects.extend(scene.recount(workload.replicas, facts));
    Plan::to(terminating(ending), effects)
}

/// The canary's units to primary, primary's to the target, and the children go when the target is
/// up.
fn hand_back(scene: &Scene<'_>, promoted: Revision, target: &Target) -> Plan {
    let stay = |effects| Plan::to(terminating(Ending::HandBack), effects);
    let running = scene.facts.promoting.map_or(promoted, |it| it.revision);
    let primary = &scene.primary.workload;
    if let Some(effects) = note_total(scene, &scene.facts) {
        return stay(effects);
    }
    let up = target.workload.replicas == scene.total && target.available;
    if up && primary.replicas == 0 && scene.canary_gone() {
        if loses_sight(scene) {
            return stay(vec![]).held(Held::AutoscalerPending);
        }
        let mut last = given_back(scene.seen, Some(&scene.facts), ScaleTo::Target);
        last.extend(scene.disown().into_iter().chain([Effect::RemoveChildren]));
        return Plan::release(Ending::HandBack, last);
    }
    // From the canary to primary: a paused target has no part in it.
    if let Some(counts) = gather(scene, running) {
        return stay(scene.enact_counts(running, counts, &scene.facts));
    }
    if target.paused {
        // Its controller makes no pods of a template that it has not rolled out yet.
        return stay(scene.upkeep()).held(Held::TargetPaused);
    }
    if !primary.current || !target.workload.current {
        return stay(vec![]);
    }
    let limits = scene.limits_of_all().beside(scene.canary_side());
    let kept = if primary.rolled { 0 } else { primary.replicas };
    let from = scene.child_side(Some(primary), kept);
    let to = target_side(target, scene.total);
    let moved = transfer(from, to, limits);
    let canary = Beside::of(scene.canary_side(), scene.canary_units());
    let beside = Beside::of(to, to.spec).and(canary);
    let shrunk = scene.enact_primary(running.at(moved.from), &scene.facts, beside);
    let grown = Effect::Target { replicas: moved.to };
    let grown = (moved.to != target.workload.replicas).then_some(grown);
    stay(scene.arrange(running, shrunk.into_iter().chain(grown).collect()))
}

/// Primary at N, ready, on one complete promoted template; then the canary goes; then the target
/// owns it.
fn leave(scene: &Scene<'_>, promoted: Revision) -> Plan {
    let facts = Facts { promoting: None, ..scene.facts.clone() };
    let stay = |effects| Plan::to(terminating(Ending::Leave), effects);
    if !scene.has_template(promoted) {
        return stay(scene.upkeep()).held(Held::PrimaryLost);
    }
    if scene.shares_target() && !is_drained(scene) {
        return stay(take_over(scene, promoted, &facts));
    }
    let complete = scene.primary_complete(promoted, scene.total);
    if complete && scene.canary_gone() && scene.primary.facts == facts {
        if loses_sight(scene) {
            return stay(vec![]).held(Held::AutoscalerPending);
        }
        let bequeath = scene.seen.target.is_some().then_some(Effect::OwnPrimaryByTarget);
        let mut last = given_back(scene.seen, Some(&scene.facts), ScaleTo::Primary);
        last.extend(scene.disown().into_iter().chain(bequeath));
        return Plan::release(Ending::Leave, last);
    }
    let now = scene.counts_now();
    let unmoved = if now.canary == 0 { scene.split(0) } else { now };
    let counts = gather(scene, promoted).unwrap_or(unmoved);
    stay(scene.enact_counts(promoted, counts, &facts))
}
