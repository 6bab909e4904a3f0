//! What may follow from an autoscaler, and what may not: no unit moves before it works, none of its
//! counts on the target is taken for a wish, it is given back to what has the units.

use super::world::World;
use crate::autoscaler::{Autoscalers, ScalerName, Scales};
use crate::observed::{Facts, Names, Observed};
use crate::plan::{Effect, Held, Plan, ScaleTo};

/// A write of the target's count.
pub(super) fn moves(world: &World, seen: &Observed, effect: &Effect) -> Option<String> {
    let target = world.cluster.target.as_ref().map(|it| it.deployment.replicas)?;
    let facts = world.cluster.primary.as_ref().map(|it| &it.facts)?;
    let noted = if let Effect::Drain { noted } = effect { Some(*noted) } else { None };
    if let Some(complaint) = noted.and_then(|it| noted_count(seen, facts, it)) {
        return Some(complaint);
    }
    let left = if let Effect::Target { replicas } = effect { *replicas } else { 0 };
    let adopts = !facts.adopted && facts.ending.is_none() && seen.deleted_at.is_none();
    if !adopts || target <= left {
        return None;
    }
    if !seen.autoscalers.spare_target() {
        return Some(format!("{effect:?} although {:?} scales the target", seen.autoscalers));
    }
    let works = |it: &ScalerName| {
        let it = world.cluster.scalers.iter().find(|one| one.name == *it);
        it.is_none_or(|it| it.has_served || it.scales == Scales::Other)
    };
    let taken = facts.scaled_by.as_ref().filter(|it| !works(&it.scaler));
    taken.map(|it| format!("{effect:?} before {it:?} works on the rollout"))
}

/// N is never what an autoscaler has made of a target at 0.
fn noted_count(seen: &Observed, facts: &Facts, noted: u32) -> Option<String> {
    if !seen.autoscalers.scale_target() && facts.scaled_by.is_none() {
        return None;
    }
    let old = seen.target.as_ref().and_then(|it| it.noted);
    // Before any unit has moved the count is that of the whole group.
    let known = [facts.target_replicas, old, Some(facts.replicas)];
    let told = |it: &u32| known.contains(&Some(*it)) || seen.replicas == Some(*it);
    (facts.adopted && !told(&noted)).then(|| format!("an autoscaler's count is noted: {noted}"))
}

/// A write for an autoscaler.
pub(super) fn points(world: &World, seen: &Observed, effect: &Effect) -> Option<String> {
    let facts = seen.primary.as_ref().map(|it| &it.facts);
    let rollout = world.cluster.rollout.as_ref()?;
    let named = facts.and_then(|it| it.scaled_by.as_ref()).map(|it| &it.scaler);
    let most = rollout.max_consumers.unwrap_or(u32::MAX);
    let noted = |it: &Facts| rollout.replicas.is_none_or(|count| it.replicas == count.min(most));
    let wrong = if let Effect::TakeScale { scaler } = effect {
        let declined = facts.and_then(|it| it.declined.as_ref()).map(|it| it.version);
        let again = seen.autoscalers.find(scaler).map(|it| it.version) == declined;
        rollout.replicas.is_none() || named != Some(scaler) || (again && declined.is_some())
    } else if matches!(effect, Effect::GiveScale { .. }) {
        false
    } else {
        let unseeds = *effect == Effect::UnseedScale;
        !facts.is_some_and(|it| it.seeded && (!unseeds || noted(it)))
    };
    let unknown = seen.autoscalers == Autoscalers::Unknown;
    (wrong || unknown).then(|| format!("{effect:?} with {facts:?}, {:?}", seen.target))
}

/// What a plan may give back.
pub(super) fn plan(world: &World, seen: &Observed, plan: &Plan) {
    let facts = seen.primary.as_ref().map(|it| &it.facts);
    for effect in &plan.effects {
        if let Effect::GiveScale { to, .. } = effect
            && plan.held != Some(Held::Overdue)
            && !may_give(seen, facts, *to)
        {
            world.fail(&format!("{effect:?} with {facts:?}, {:?}", seen.target));
        }
    }
}

/// To the target once it has its units again, or is gone, or because it did not work; to primary where that
/// goes on serving.
fn may_give(seen: &Observed, facts: Option<&Facts>, to: ScaleTo) -> bool {
    let Some(facts) = facts.filter(|it| it.owner == seen.uid) else { return true };
    if seen.deleted_at.is_none() {
        let works = facts.scaled_by.as_ref().is_none_or(|it| it.answered);
        return to == ScaleTo::Target && facts.declined.is_some() && !works;
    }
    let target = seen.target.as_ref();
    let empty = seen.primary.as_ref().is_some_and(|it| it.workload.replicas == 0);
    match to {
        ScaleTo::Target => {
            let Some(target) = target else { return !seen.namespace_terminating };
            empty && (target.available || target.workload.replicas == 0)
                || seen.names == Names::Taken
        }
        ScaleTo::Primary => !empty || target.is_some_and(|it| it.workload.replicas == 0),
    }
}

/// What was made of autoscalers.
pub(super) fn count(world: &mut World, seen: &Observed, effect: &Effect) {
    if *effect == Effect::UnseedScale {
        world.count("seed removed");
    } else if matches!(effect, Effect::TakeScale { .. }) {
        world.count("taken over");
    } else if matches!(effect, Effect::GiveScale { .. }) {
        let ends = seen.deleted_at.is_some();
        world.count(if ends { "given back" } else { "declined" });
    }
}
