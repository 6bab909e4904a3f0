//! From a plain Deployment to the primary, unit by unit; and the primary restored when it was lost.
//! Never needs Kafka: it changes who runs the promoted version, not which version runs.

use jiff::SignedDuration;

use crate::autoscaler::Autoscalers;
use crate::count::{Counts, first_total};
use crate::moves::forget_rejections;
use crate::observed::{Desired, Facts, Observed, Target};
use crate::plan::{Effect, Held, Plan, WriteScope};
use crate::revision::Revision;
use crate::rolls::{Beside, target_side};
use crate::scaling::in_the_way;
use crate::scene::{Scene, last_attempt, marked};
use crate::state::{Rest, State};
use crate::transfer::{Moved, Side, transfer};

/// The target's own pods are not watched: while some leave, they are looked for this often.
const LEAVING: SignedDuration = SignedDuration::from_secs(2);

/// No primary Deployment: seed it from the target, or restore it from the frozen template that is
/// marked promoted.
pub(crate) fn begin(seen: &Observed) -> Plan {
    let stay = || Plan::to(seen.state, vec![]);
    let seeds =
        seen.target.as_ref().is_some_and(|it| 0 < it.workload.available && it.noted.is_none());
    // A mark that an earlier life left behind says nothing about a target that serves by itself.
    let known = seen.last_total.is_some() || seen.state != State::Pending;
    // Selector and strategy of a primary are those of the target, or of what is left of it.
    let shaped =
        seen.target.is_some() || seen.canary.as_ref().is_some_and(|it| it.revision.is_some());
    if shaped
        && (known || !seeds)
        && let Some(plan) = restore(seen)
    {
        return plan;
    }
    let Some(target) = &seen.target else {
        return stay().held(Held::TargetMissing);
    };
    if target.noted.is_some() {
        return stay().held(Held::PrimaryLost);
    }
    if !seen.spec_valid {
        return stay().held(Held::InvalidSpec);
    }
    if seen.autoscalers == Autoscalers::Unknown || in_the_way(&seen.autoscalers, None).is_some() {
        return stay().held(Held::AutoscalerOnTarget);
    }
    if seen.suspended {
        return stay().held(Held::Suspended);
    }
    if !seeds || !target.available {
        return stay().held(Held::TargetUnavailable);
    }
    seed(seen, target)
}

/// Freeze first, then create the primary Deployment. Empty: no resourceVersion fences a creation,
/// so that of a leader that has lost its lease must do no harm.
fn seed(seen: &Observed, target: &Target) -> Plan {
    let Desired { revision, .. } = target.desired;
    let total = first_total(seen, target.workload.replicas);
    let facts = Facts {
        adopted: false,
        target_replicas: Some(target.workload.replicas),
        ..first_facts(seen, revision, total)
    };
    let mut effects = vec![
        Effect::AddFinalizer,
        Effect::Freeze { revision, attempt: facts.attempts },
        Effect::MarkPromoted { revision },
    ];
    effects.extend(forget_rejections(seen));
    effects.push(Effect::Primary { revision, replicas: 0, facts, scope: WriteScope::Whole });
    Plan::to(State::Adopting, effects)
}

/// The primary Deployment was deleted: the frozen template marked promoted says what it ran. A
/// target that was scaled up meanwhile hands its units over, as in an adoption.
pub(crate) fn restore(seen: &Observed) -> Option<Plan> {
    let revision = marked(seen).filter(|it| it.rejection.is_none())?.revision;
    let noted = seen.target.as_ref().and_then(|it| it.noted);
    let running = seen.target.as_ref().map(|it| it.workload.replicas).filter(|it| 0 < *it);
    let total = first_total(seen, running.or(noted).or(seen.last_total).or(seen.replicas)?);
    let facts = Facts {
        adopted: running.is_none(),
        target_replicas: running.or(noted),
        ..first_facts(seen, revision, total)
    };
    let effect = Effect::Primary { revision, replicas: 0, facts, scope: WriteScope::Whole };
    let hold = seen.deleted_at.is_none().then_some(Effect::AddFinalizer);
    Some(Plan::to(seen.state, hold.into_iter().chain([effect]).collect()))
}

fn first_facts(seen: &Observed, revision: Revision, total: u32) -> Facts {
    Facts {
        owner: seen.uid.clone(),
        adopted: true,
        promoted: Some(revision),
        promoting: None,
        replicas: total,
        target_replicas: None,
        attempts: attempts_so_far(seen),
        // What is there already was meant for what runs already.
        bypass: seen.target.as_ref().and_then(|it| it.bypass.clone()),
        ending: None,
        scaled_by: None,
        seeded: false,
        declined: None,
    }
}

/// A new counter begins behind every trace of the old one, commands left in Git included: they
/// must not name an attempt that is still to come.
fn attempts_so_far(seen: &Observed) -> u32 {
    let named = seen.orders.iter().map(|it| it.rollout().attempt);
    named.max().unwrap_or(0).max(last_attempt(seen))
}

/// Hand over from the target to the primary until the target is drained, then mark it adopted.
pub(crate) fn go_on(scene: &Scene<'_>, promoted: Revision) -> Plan {
    let total = scene.total;
    // A promotion that an earlier life left halfway is taken back: what is promoted can serve.
    // Unless its template is lost: then primary keeps what it runs, and the promotion goes on.
    let back = scene.has_template(promoted);
    let runs = scene.primary.workload.revision.filter(|_| !back).unwrap_or(promoted);
    let promoting = scene.facts.promoting.filter(|_| !back);
    let facts = Facts { promoting, ..scene.facts.clone() };
    let taken = scene.primary_complete(runs, total) && scene.canary_gone();
    if is_drained(scene) && (taken || !back) {
        let mut facts = Facts { adopted: true, ..facts };
        if scene.seen.replicas.is_none() && facts.target_replicas != Some(total) {
            // A ceiling hides what the target asked for: it is looked at again at every decision.
            facts.target_replicas = None;
        }
        let mut effects = scene.upkeep();
        let replicas = if taken { total } else { scene.primary.workload.replicas };
        effects.extend(scene.recount(replicas, facts));
        return Plan::to(State::AtRest(Rest::Initialized), effects);
    }
    let shared = scene.seen.target.as_ref().is_some_and(|it| 0 < it.workload.replicas);
    if let Some(held) = scene.waits_for_autoscaler().filter(|_| shared) {
        let effects = gather_first(scene, runs, &facts);
        return Plan::to(State::Adopting, effects).held(held);
    }
    let effects = take_over(scene, runs, &facts);
    let held = match &scene.seen.target {
        None => Some(Held::TargetMissing),
        // Its own rollout is stuck halfway, and takes the room that a unit needs to move.
        Some(it) if effects.is_empty() && !it.available => Some(Held::TargetUnavailable),
        Some(_) => scene.primary_blocked().filter(|_| effects.is_empty()),
    };
    let leaving = scene.seen.target.as_ref().is_some_and(|it| 0 < it.workload.terminating);
    let soon = scene.now.saturating_add(LEAVING).ok().filter(|_| leaving);
    Plan::to(State::Adopting, effects).held(held).wake(soon)
}

/// While the target's units wait for its autoscaler: a canary of an earlier life goes all the same.
fn gather_first(scene: &Scene<'_>, revision: Revision, facts: &Facts) -> Vec<Effect> {
    let moved = || gather(scene, revision).unwrap_or(scene.counts_now());
    note_total(scene, facts).unwrap_or_else(|| scene.enact_counts(revision, moved(), facts))
}

/// Whether the target has given up its last unit, and N is noted on it.
pub(crate) fn is_drained(scene: &Scene<'_>) -> bool {
    scene.seen.target.as_ref().is_none_or(|it| {
        let workload = &it.workload;
        workload.replicas == 0
            && workload.terminating == 0
            && workload.current
            && it.noted.is_some()
    })
}

/// The next writes on the way of the target's units to primary. A canary from an earlier life goes
/// first.
pub(crate) fn take_over(scene: &Scene<'_>, revision: Revision, facts: &Facts) -> Vec<Effect> {
    if let Some(effects) = note_total(scene, facts) {
        return effects;
    }
    let gathering = gather(scene, revision);
    let Some(target) = scene.seen.target.as_ref().filter(|_| gathering.is_none()) else {
        let unmoved = Counts { primary: scene.total, canary: scene.canary_units() };
        return scene.enact_counts(revision, gathering.unwrap_or(unmoved), facts);
    };
    let primary = &scene.primary.workload;
    // While primary rolls, its own controller spends the pods that may be unavailable.
    let kept = if primary.rolled { 0 } else { target.workload.replicas };
    let from = target_side(target, kept);
    let to = scene.child_side(Some(primary), scene.total);
    let limits = scene.limits_of_all().beside(scene.canary_side());
    let current = primary.current && target.workload.current;
    let unmoved = Moved { from: from.spec, to: to.spec };
    let moved = if current { transfer(from, to, limits) } else { unmoved };
    let asked = facts.target_replicas.unwrap_or(scene.total);
    let shrunk = leave_target(target, from, moved.from, asked);
    let canary = Beside::of(scene.canary_side(), scene.canary_units());
    let beside = Beside::of(from, moved.from).and(canary);
    let grown = scene.enact_primary(revision.at(moved.to), facts, beside);
    scene.arrange(revision, shrunk.into_iter().chain(grown).collect())
}

/// A count that the user gave the target is noted on the primary Deployment before we write another
/// one over it.
pub(crate) fn note_total(scene: &Scene<'_>, facts: &Facts) -> Option<Vec<Effect>> {
    let known = &scene.primary.facts;
    if (known.replicas, known.target_replicas) == (facts.replicas, facts.target_replicas) {
        return None;
    }
    let mut effects = scene.upkeep();
    effects.extend(scene.recount(scene.primary.workload.replicas, facts.clone()));
    Some(effects)
}

/// The counts on the way of the canary's units to primary, which first rolls to `revision` where
/// it does not run it: until it serves, the canary may be the only healthy copy. `None` when no
/// unit can move now.
pub(crate) fn gather(scene: &Scene<'_>, revision: Revision) -> Option<Counts> {
    let now = scene.counts_now();
    if now.canary == 0 {
        return None;
    }
    let rest = scene.total.saturating_sub(scene.target_units());
    let kept = now.canary.min(rest);
    let elsewhere = scene.total - (rest - kept);
    let free = scene.canary_failed() || scene.primary_carries(revision, elsewhere);
    if free && scene.canary_goes_at_once() {
        return Some(Counts { canary: 0, ..now });
    }
    let kept =
        if scene.primary.workload.differs { kept.min(scene.canary_side().healthy()) } else { kept };
    let canary = if free { 0 } else { kept };
    let primary = now.primary.max(rest - canary).min(scene.total);
    let next = scene.next_counts(Counts { primary, canary });
    (next != now).then_some(next)
}

/// The last units leave in the single write that also notes N.
fn leave_target(target: &Target, from: Side, left: u32, asked: u32) -> Option<Effect> {
    if left == 0 && (0 < from.spec || target.noted.is_none()) {
        return Some(Effect::Drain { noted: asked });
    }
    (left != from.spec).then_some(Effect::Target { replicas: left })
}
