//! From a plain Deployment to X-primary, unit by unit; and X-primary restored when it was lost.
//! Never needs Kafka: it changes who runs the promoted version, not which version runs.

use super::count::total_while_adopting;
use super::observed::{Desired, Facts, Names, Observed, Target};
use super::plan::{Effect, Held, Plan};
use super::revision::Revision;
use super::scene::{Scene, limits, side};
use super::state::{Rest, State};
use super::transfer::{Side, transfer};

/// No X-primary: seed it from X, or restore it from the frozen template that is marked promoted.
pub(super) fn begin(seen: &Observed) -> Plan {
    let stay = || Plan::to(seen.state, vec![]);
    let Some(target) = &seen.target else {
        return restore(seen).unwrap_or_else(|| stay().held(Held::TargetMissing));
    };
    let seeds = 0 < target.workload.ready && target.noted.is_none();
    if !seeds && seen.names == Names::Ours {
        if let Some(plan) = restore(seen) {
            return plan;
        }
        if target.noted.is_some() {
            return stay().held(Held::PrimaryLost);
        }
    }
    if !seen.spec_valid {
        return stay().held(Held::InvalidSpec);
    }
    if seen.autoscaler_on_target {
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

/// Freeze first, then create X-primary with its first units.
fn seed(seen: &Observed, target: &Target) -> Plan {
    let Desired { revision, .. } = target.desired;
    let total = total_while_adopting(seen, None);
    let limits = limits(seen, total, target.max_unavailable);
    let from = side(Some(&target.workload), 0, true);
    let (_, replicas) = transfer(from, side(None, total, true), limits);
    let facts = Facts {
        owner: seen.uid.clone(),
        adopted: false,
        promoted: Some(revision),
        promoting: None,
        replicas: total,
        target_replicas: Some(target.workload.replicas),
        attempts: seen.frozen.iter().map(|it| it.attempt).max().unwrap_or(0),
        bypass: target.bypass.clone(),
        ending: None,
    };
    let effects = vec![
        Effect::Hold,
        Effect::Freeze { revision, attempt: facts.attempts },
        Effect::MarkPromoted { revision },
        Effect::Primary { revision, replicas, facts },
    ];
    Plan::to(State::Adopting, effects)
}

/// X-primary was deleted: the frozen template marked promoted says what it ran.
fn restore(seen: &Observed) -> Option<Plan> {
    let promoted = seen.frozen.iter().filter(|it| it.promoted).max_by_key(|it| it.attempt)?;
    let noted = seen.target.as_ref().and_then(|it| it.noted);
    let total = seen.replicas.or(noted).or(seen.last_total)?;
    let canary = seen.canary.as_ref().map_or(0, |it| it.replicas);
    let facts = Facts {
        owner: seen.uid.clone(),
        adopted: true,
        promoted: Some(promoted.revision),
        promoting: None,
        replicas: total,
        target_replicas: noted,
        attempts: seen.frozen.iter().map(|it| it.attempt).max().unwrap_or(0),
        bypass: seen.target.as_ref().and_then(|it| it.bypass.clone()),
        ending: None,
    };
    let effect = Effect::Primary {
        revision: promoted.revision,
        replicas: total.saturating_sub(canary),
        facts,
    };
    Some(Plan::to(seen.state, vec![Effect::Hold, effect]))
}

/// Hand over X → X-primary until X is drained, then mark it adopted.
pub(super) fn go_on(scene: &Scene<'_>, promoted: Revision) -> Plan {
    let seen = scene.seen;
    let total = total_while_adopting(seen, Some(scene.primary.facts.replicas));
    let asked = seen.target.as_ref().map_or(scene.primary.facts.target_replicas, |it| {
        let foreign = 0 < it.workload.replicas && it.written != Some(it.workload.replicas);
        if foreign { Some(it.workload.replicas) } else { scene.primary.facts.target_replicas }
    });
    let facts = Facts { replicas: total, target_replicas: asked, ..scene.facts.clone() };
    let target = seen.target.as_ref().map(|it| &it.workload);
    let drained = seen.target.as_ref().is_none_or(|it| {
        it.workload.replicas == 0 && it.workload.terminating == 0 && it.noted.is_some()
    });
    if drained && scene.primary_ready(total) && scene.canary_gone() {
        let facts = Facts { adopted: true, ..facts };
        let effects = vec![Effect::Primary { revision: promoted, replicas: total, facts }];
        return Plan::to(State::AtRest(Rest::Initialized), effects);
    }
    let current = scene.primary.workload.current && target.is_none_or(|it| it.current);
    let from = side(target, 0, true);
    let to = side(Some(&scene.primary.workload), total, true);
    let unit = scene.seen.target.as_ref().map_or(1, |it| it.max_unavailable);
    let (left, primary) =
        if current { transfer(from, to, limits(seen, total, unit)) } else { (from.spec, to.spec) };
    let mut effects = scene.upkeep();
    if scene.frozen(promoted).is_some_and(|it| !it.promoted) {
        effects.push(Effect::MarkPromoted { revision: promoted });
    }
    effects.extend(leave_target(seen, from, left, asked.unwrap_or(total)));
    effects.extend(scene.enact_primary(promoted, primary, &facts));
    // A canary from an earlier life waits with its removal until primary can stand in for it.
    if scene.primary_ready(total) && !scene.canary_gone() {
        effects.push(Effect::Canary { revision: promoted, replicas: 0 });
    }
    let held = seen.target.is_none().then_some(Held::TargetMissing);
    Plan::to(State::Adopting, effects).held(held)
}

/// The last units leave in the single write that also notes N.
fn leave_target(seen: &Observed, from: Side, left: u32, asked: u32) -> Option<Effect> {
    let target = seen.target.as_ref()?;
    if left == 0 && (0 < from.spec || target.noted.is_none()) {
        return Some(Effect::Drain { noted: asked });
    }
    (left != from.spec).then_some(Effect::Target { replicas: left })
}
